//! `report`: what a run measured, in other formats.

use std::path::Path;

use watertight_reports::Report;

use super::args::ReportArgs;
use super::exit::Exit;
use super::output::complain;
use super::publish::publish;

/// Runs the command.
pub(super) fn run(args: &ReportArgs) -> Exit {
    match read(&args.report) {
        Ok(report) => {
            publish(report, &args.format, args.out.as_deref().unwrap_or_else(|| folder(&args.report)))
        }
        Err(why) => {
            complain(&why);
            Exit::Usage
        }
    }
}

/// Reads a report from its file, or from the folder that it is in.
///
/// # Errors
/// In words, with what to do.
pub(super) fn read(path: &Path) -> Result<Report, String> {
    let inside = path.join("report.json");
    let path = if path.is_dir() { inside.as_path() } else { path };
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("error: {}: {error}\n  → `watertight verify` writes it, or name another one", path.display())
    })?;
    Report::from_json(&text).map_err(|error| format!("error: {}: {error}", path.display()))
}

/// The folder that a report is in.
fn folder(report: &Path) -> &Path {
    if report.is_dir() { report } else { report.parent().unwrap_or(Path::new("")) }
}
