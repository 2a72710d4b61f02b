//! Failures as files: what was found, small enough to be committed, complete enough to be played again.

mod file;
mod folder;

pub use file::{FORMAT, Failure, FailureError, ScenarioRef};
pub use folder::Folder;
