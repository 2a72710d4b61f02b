//! Generator and shrinker from outside: schemas written by hand, and schemas made at random.

mod ddl;
mod generate;
mod odd;
mod random;
mod schemas;
mod shrink;
mod support;
