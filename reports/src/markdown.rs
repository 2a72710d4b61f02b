//! Markdown: one renderer, sections that appear when there is evidence for them.
//!
//! Templates hold the wording of headings and the shape of tables; whatever they print is escaped as text
//! unless a filter says which other sink it goes to (`code`, `prose`, `sql`).

mod access;
mod behaviour;
mod closing;
mod engine;
mod findings;
mod index;
mod known;
mod large;
mod plans;
mod schema;
mod scope;
mod steps;
mod strength;
mod subject;
mod summary;
mod tried;

pub use index::render_index;
pub use strength::render_strength;

use crate::model::{Report, ScenarioReport};
use engine::Section;
use subject::Subject;

/// The sections of a scenario's report, in order. Each is there if it has something to say.
const SECTIONS: &[fn(&Subject<'_>) -> Option<Section>] = &[
    summary::header,
    summary::executive,
    summary::required_fixes,
    schema::tables,
    schema::state,
    behaviour::behaviour,
    schema::presets,
    large::large,
    steps::timeline,
    steps::migrations,
    steps::scripts,
    steps::copies,
    access::matrix,
    schema::indexes,
    findings::issues,
    findings::undecided,
    findings::remarks,
    known::flaky,
    known::known,
    tried::tests,
    plans::runbook,
    plans::rollout,
    plans::rollback,
    closing::risk,
    closing::coverage,
    scope::scope,
    strength::strength,
    closing::assumptions,
    closing::conclusion,
];

/// The verification report of one scenario, as GitHub-flavoured Markdown.
pub fn render_markdown(scenario: &ScenarioReport, report: &Report) -> String {
    let subject = Subject::new(scenario, report);
    let sections: Vec<Section> = SECTIONS.iter().filter_map(|section| section(&subject)).collect();
    engine::render(&sections)
}

/// Name of the file that a scenario's report is written to, beside the index: what the index links to.
pub fn file_name(scenario: &ScenarioReport) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id: String = scenario.id.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let id = id.trim_start_matches('.');
    // The index has a name of its own.
    if matches!(id, "" | "report" | "index") { format!("scenario-{id}.md") } else { format!("{id}.md") }
}
