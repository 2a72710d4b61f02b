//! Verdicts, findings and reports, and how they are rendered. Compiles without a database driver.
//!
//! [`Report`] is the model: what `report.json` holds. The renderers read it and nothing else:
//! [`render_markdown`] and [`render_html`] one scenario, [`render_index`] and [`render_html_index`] all of them,
//! [`render_junit`] and [`render_sarif`] what CI services read, [`render_summary`] a terminal's screen.
//! A renderer says only what the model holds; a section without evidence is left out.

mod areas;
pub mod escape;
mod html;
mod issues;
mod json;
mod junit;
mod markdown;
pub mod model;
mod sarif;
mod terminal;
mod units;
mod words;

pub use areas::Area;
pub use html::{html_file_name, render_html, render_html_index};
pub use json::ReadError;
pub use junit::{JunitError, render_junit};
pub use markdown::{file_name, render_index, render_markdown, render_strength};
pub use model::*;
pub use sarif::render_sarif;
pub use terminal::{SummaryLine, render_strength_summary, render_summary};
