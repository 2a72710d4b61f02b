//! Generator and shrinker from outside: schemas written by hand, and schemas made at random.

mod generate;
mod shrink;
mod support;
