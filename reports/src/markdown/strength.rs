//! How many seeded faults the checks catch, and which they do not.

use serde::Serialize;

use super::engine::{self, Section};
use super::subject::Subject;
use crate::model::{Fate, MutationReport, SeededFault, Strength};
use crate::units::count;
use crate::words;

/// A line an operator.
#[derive(Default, Serialize)]
struct OperatorRow<'a> {
    operator: &'a str,
    stands_for: &'a str,
    counted: u64,
    caught: u64,
    undecided: u64,
    survived: u64,
}

/// A line a fault.
#[derive(Serialize)]
struct FaultRow<'a> {
    operator: &'a str,
    place: String,
    before: &'a str,
    after: &'a str,
    seen: Vec<String>,
    closes: &'a str,
    by: &'a [String],
    cases: u64,
}

#[derive(Serialize)]
struct Rows<'a> {
    caught: u64,
    counted: u64,
    cases: String,
    checks: String,
    uncounted: Option<String>,
    left_out: Option<String>,
    unusable: &'a [String],
    operators: Vec<OperatorRow<'a>>,
    survivors: Vec<FaultRow<'a>>,
    undecided: Vec<FaultRow<'a>>,
    caught_rows: Vec<FaultRow<'a>>,
}

pub(super) fn strength(subject: &Subject<'_>) -> Option<Section> {
    subject.scenario.evidence.strength.as_ref().map(section)
}

fn section(strength: &Strength) -> Section {
    let rows = |wanted: fn(&Fate) -> bool| -> Vec<FaultRow<'_>> {
        strength.faults.iter().filter(|f| wanted(&f.fate)).map(fault_row).collect()
    };
    Section::new(
        include_str!("../../templates/strength.md"),
        Rows {
            caught: strength.caught(),
            counted: strength.counted(),
            cases: count(u64::from(strength.cases), "case", "cases"),
            checks: count(strength.checks.len() as u64, "check", "checks"),
            uncounted: uncounted(strength),
            left_out: (strength.left_out > 0).then(|| {
                format!("{} not tried", count(strength.left_out, "further fault was", "further faults were"))
            }),
            unusable: &strength.unusable,
            operators: operators(strength),
            survivors: rows(|fate| matches!(fate, Fate::Survived { .. })),
            undecided: rows(|fate| matches!(fate, Fate::Undecided { .. })),
            caught_rows: rows(|fate| matches!(fate, Fate::Caught { .. })),
        },
    )
}

/// Faults that are none.
fn uncounted(strength: &Strength) -> Option<String> {
    let number =
        |wanted: fn(&Fate) -> bool| strength.faults.iter().filter(|f| wanted(&f.fate)).count() as u64;
    let same = match number(|fate| matches!(fate, Fate::NoEffect)) {
        0 => None,
        n => Some(format!("{n} without any effect that can be seen")),
    };
    let refused = match number(|fate| matches!(fate, Fate::NotApplied { .. })) {
        0 => None,
        n => Some(format!("{n} refused on empty tables already, as whoever runs them once sees")),
    };
    let all: Vec<String> = same.into_iter().chain(refused).collect();
    (!all.is_empty()).then(|| words::list(&all))
}

fn operators(strength: &Strength) -> Vec<OperatorRow<'_>> {
    let mut rows: Vec<OperatorRow<'_>> = Vec::new();
    for fault in &strength.faults {
        let at = rows.iter().position(|row| row.operator == fault.operator);
        let at = at.unwrap_or_else(|| {
            rows.push(OperatorRow {
                operator: &fault.operator,
                stands_for: &fault.stands_for,
                ..OperatorRow::default()
            });
            rows.len() - 1
        });
        let row = &mut rows[at];
        let to = match &fault.fate {
            Fate::Caught { .. } => &mut row.caught,
            Fate::Undecided { .. } => &mut row.undecided,
            Fate::Survived { .. } => &mut row.survived,
            Fate::NoEffect | Fate::NotApplied { .. } => continue,
        };
        *to += 1;
        row.counted += 1;
    }
    rows.retain(|row| row.counted > 0);
    rows.sort_by(|a, b| a.operator.cmp(b.operator));
    rows
}

fn fault_row(fault: &SeededFault) -> FaultRow<'_> {
    let (mut seen, mut closes, mut by, mut cases) = (Vec::new(), "", &[][..], 0);
    match &fault.fate {
        Fate::Caught { by: ids, cases: n, .. } => (by, cases) = (ids.as_slice(), u64::from(*n)),
        Fate::Undecided { why } => seen.clone_from(why),
        Fate::Survived { differs, silenced, closes: text } => {
            seen.clone_from(differs);
            seen.extend(silenced.iter().map(|id| format!("`{id}` has no subject any more")));
            closes = text;
        }
        Fate::NoEffect | Fate::NotApplied { .. } => {}
    }
    FaultRow {
        operator: &fault.operator,
        place: format!("{}:{}", fault.file, fault.line),
        before: if fault.before.is_empty() { "nothing" } else { &fault.before },
        after: &fault.after,
        seen,
        closes,
        by,
        cases,
    }
}

/// What `watertight mutate` found, as GitHub-flavoured Markdown.
pub fn render_strength(report: &MutationReport) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        title: &'a str,
        id: &'a str,
        digest: &'a str,
        seed: u64,
        version: &'a str,
        server: &'a str,
    }
    let header = Header {
        title: &report.title,
        id: &report.scenario,
        digest: &report.digest,
        seed: report.strength.seed,
        version: &report.tool.version,
        server: &report.server.version,
    };
    let header = Section::new(include_str!("../../templates/strength_header.md"), header);
    engine::render(&[header, section(&report.strength)])
}
