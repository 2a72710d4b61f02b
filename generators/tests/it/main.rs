//! Generator and shrinker from outside: schemas written by hand, and schemas made at random.

mod ddl;
mod generate;
mod random;
mod shrink;
mod support;
