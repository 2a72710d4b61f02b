//! Reports from model to bytes.

mod formats;
mod github;
mod goldens;
mod json;
mod support;
