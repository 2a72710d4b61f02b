//! Failures that were known before, and violations that did not show again.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::KnownOutcome;

/// Known failures, and what became of each.
pub(super) fn known(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        mark: &'static str,
        outcome: &'static str,
        id: &'a str,
        title: &'a str,
        note: &'a str,
    }
    #[derive(Serialize)]
    struct Known<'a> {
        rows: Vec<Row<'a>>,
    }
    let rows: Vec<Row<'_>> = subject
        .scenario
        .evidence
        .known
        .iter()
        .map(|failure| {
            let (mark, outcome) = match failure.outcome {
                KnownOutcome::Failed => ("❌", "fails as before"),
                KnownOutcome::Fixed => ("✅", "fixed"),
                KnownOutcome::CannotRun => ("⚠️", "cannot be run"),
            };
            let note = failure.note.as_deref().unwrap_or_default();
            Row { mark, outcome, id: &failure.id, title: &failure.title, note }
        })
        .collect();
    (!rows.is_empty()).then(|| Section::new(include_str!("../../templates/known.md"), Known { rows }))
}

/// Violations that were seen once and not again, with both transcripts.
pub(super) fn flaky(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Entry<'a> {
        invariant: &'a str,
        title: &'a str,
        message: &'a str,
        seed: u64,
        first: String,
        second: String,
    }
    #[derive(Serialize)]
    struct Entries<'a> {
        entries: Vec<Entry<'a>>,
    }
    let entries: Vec<Entry<'_>> = subject
        .scenario
        .evidence
        .flaky
        .iter()
        .map(|flaky| Entry {
            invariant: &flaky.invariant,
            title: &flaky.title,
            message: &flaky.message,
            seed: flaky.seed,
            first: flaky.first.join("\n"),
            second: flaky.second.join("\n"),
        })
        .collect();
    (!entries.is_empty()).then(|| Section::new(include_str!("../../templates/flaky.md"), Entries { entries }))
}
