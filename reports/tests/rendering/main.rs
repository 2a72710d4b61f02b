//! Reports from model to bytes.

mod goldens;
mod json;
mod support;
