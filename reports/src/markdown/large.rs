//! One large case.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::{LargeAnswer, LargeReport, Verdict};

#[derive(Serialize)]
struct Large<'a> {
    large: &'a LargeReport,
    rate: u64,
    answers: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    answer: &'a LargeAnswer,
    mark: &'static str,
    rate: Option<u64>,
}

pub(super) fn large(subject: &Subject<'_>) -> Option<Section> {
    let large = subject.scenario.evidence.large.as_ref()?;
    let row = |answer| Row { answer, mark: mark(answer.verdict), rate: rate(answer.rows, answer.ms) };
    let answers = large.answers.iter().map(row).collect();
    let rate = rate(large.rows, large.load_ms).unwrap_or_default();
    Some(Section::new(include_str!("../../templates/large.md"), Large { large, rate, answers }))
}

/// Rows a second.
fn rate(rows: u64, ms: f64) -> Option<u64> {
    (ms > 0.0).then(|| (rows as f64 / ms * 1000.0).round() as u64)
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "✅",
        Verdict::Violated => "❌",
        Verdict::Inconclusive | Verdict::NotApplicable => "⚠️",
    }
}
