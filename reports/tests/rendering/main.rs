//! Reports from model to bytes.

mod github;
mod goldens;
mod json;
mod support;
