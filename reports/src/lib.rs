//! Verdicts, findings and reports, and how they are rendered. Compiles without a database driver.
//!
//! [`Report`] is the model: what `report.json` holds. The renderers read it and nothing else:
//! [`render_markdown`] one scenario, [`render_index`] all of them, [`render_summary`] a terminal's screen.
//! A renderer says only what the model holds; a section without evidence is left out.

mod areas;
pub mod escape;
mod issues;
mod json;
mod markdown;
pub mod model;
mod terminal;
mod units;
mod words;

pub use areas::Area;
pub use json::ReadError;
pub use markdown::{file_name, render_index, render_markdown};
pub use model::*;
pub use terminal::{SummaryLine, render_summary};
