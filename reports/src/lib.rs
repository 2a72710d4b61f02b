//! Verdicts, findings and reports, and how they are rendered. Compiles without a database driver.

pub mod escape;
mod json;
pub mod model;

pub use json::ReadError;
pub use model::*;
