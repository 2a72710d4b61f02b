//! The files of a report, in the formats that are asked for.

use std::collections::BTreeMap;
use std::path::Path;

use owo_colors::{OwoColorize as _, Style};
use watertight_reports::{
    CheckOutcome, Report, Severity, SummaryLine, Verdict, file_name, html_file_name, render_html,
    render_html_index, render_index, render_junit, render_markdown, render_sarif, render_summary,
};

use super::args::Format;
use super::exit::Exit;
use super::output::{complain, say};
use crate::files::write_whole;

/// Columns of a summary where the terminal does not say.
const SUMMARY_WIDTH: usize = 100;

/// Writes every file and prints the summary. A report that cannot be written is no pass.
pub(super) fn publish(mut report: Report, formats: &[Format], out: &Path) -> Exit {
    let mut files = counterexamples(&mut report);
    for format in formats {
        match format {
            Format::Md => {
                files.extend(report.scenarios.iter().map(|s| (file_name(s), render_markdown(s, &report))));
                files.insert("report.md".to_owned(), render_index(&report));
            }
            Format::Json => {
                files.insert("report.json".to_owned(), report.to_json());
            }
            Format::Html => {
                files.extend(report.scenarios.iter().map(|s| (html_file_name(s), render_html(s, &report))));
                files.insert("report.html".to_owned(), render_html_index(&report));
            }
            Format::Sarif => {
                files.insert("report.sarif".to_owned(), render_sarif(&report));
            }
            Format::Junit => match render_junit(&report) {
                Ok(text) => {
                    files.insert("junit.xml".to_owned(), text);
                }
                Err(error) => {
                    complain(&format!("error: {error}"));
                    return Exit::Internal;
                }
            },
        }
    }
    for line in render_summary(&report, SUMMARY_WIDTH) {
        say(&coloured(&line));
    }
    if let Err(exit) = write_all(&files, out) {
        return exit;
    }
    // The one that people read, of those that were asked for.
    let shown = ["report.html", "report.md", "report.json", "report.sarif", "junit.xml"];
    if let Some(name) = shown.into_iter().find(|name| files.contains_key(*name)) {
        say(&format!("report: {}", out.join(name).display()));
    }
    Exit::Held
}

/// Writes files into a folder, or says which one cannot be written.
pub(super) fn write_all(files: &BTreeMap<String, String>, out: &Path) -> Result<(), Exit> {
    for (name, text) in files {
        let path = out.join(name);
        if let Err(error) = write_whole(&path, text) {
            complain(&format!("error: {} cannot be written: {error}", path.display()));
            complain("  → free space or choose another folder with --out");
            return Err(Exit::Environment);
        }
    }
    Ok(())
}

/// The scripts of the counterexamples, and their names into the report.
fn counterexamples(report: &mut Report) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for scenario in &mut report.scenarios {
        for check in &mut scenario.checks {
            let CheckOutcome::Violated { findings, .. } = &mut check.outcome else { continue };
            for finding in findings {
                if let Some(counterexample) = &mut finding.counterexample {
                    let path = format!("counterexamples/{}-{}.sql", scenario.id, finding.id);
                    files.insert(path.clone(), counterexample.sql.clone());
                    counterexample.file = Some(path);
                }
            }
        }
    }
    files
}

/// The line with its first word in the colour of what it tells; the stream strips colours where they are not wanted.
pub(super) fn coloured(line: &SummaryLine) -> String {
    let (word, rest) = line.text.split_at(line.text.find(' ').unwrap_or(line.text.len()));
    let style = match (line.severity, line.verdict) {
        (Some(Severity::Critical | Severity::High), _) | (None, Some(Verdict::Violated)) => {
            Style::new().red().bold()
        }
        (Some(_), _) | (None, Some(Verdict::Inconclusive)) => Style::new().yellow().bold(),
        (None, Some(Verdict::Held)) => Style::new().green().bold(),
        (None, _) => Style::new(),
    };
    format!("{}{rest}", word.style(style))
}
