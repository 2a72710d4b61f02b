//! Verdicts, findings and reports, and how they are rendered. Compiles without a database driver.

pub mod model;

pub use model::*;
