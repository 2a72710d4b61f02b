//! What the steps did: timeline, migrations, scripts, copies.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::{CheckReport, StepReport, Verdict};
use crate::units::{count, duration, number};
use crate::words;

/// Statements above which their table is folded.
const STATEMENTS_OPEN_MAX: usize = 12;

/// Changes of a step above which the others are folded.
const CHANGES_OPEN_MAX: usize = 12;

/// Invariants that say whether a backfill is safe, with the property that each stands for.
const SCRIPT_PROPERTIES: &[(&str, &str)] = &[
    ("backfill-idempotent", "Idempotent"),
    ("backfill-complete", "Complete"),
    ("backfill-correct", "Correct"),
    ("backfill-preserves", "Preserves the rest"),
    ("backfill-resumable", "Resumable"),
    ("backfill-concurrent", "Safe beside writers"),
    ("step-role-faithful", "The same for its role as for one that sees every row"),
];

pub(super) fn timeline(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        number: usize,
        at: String,
        phase: &'a Option<String>,
        id: &'a str,
        kind: &'a str,
        database: &'a Option<String>,
        ms: f64,
        rows: u64,
        applied: u64,
        refused: u64,
        labels: Vec<String>,
    }
    #[derive(Serialize)]
    struct Statement<'a> {
        at: String,
        step: usize,
        sql: &'a str,
        ms: f64,
    }
    #[derive(Serialize)]
    struct Timeline<'a> {
        phases: Vec<Phase<'a>>,
        databases: bool,
        rows: Vec<Row<'a>>,
        statements: Vec<Statement<'a>>,
        folded: bool,
        total: f64,
    }
    let steps = &subject.scenario.steps;
    let mut at = 0.0;
    let (mut rows, mut statements) = (Vec::new(), Vec::new());
    for (i, step) in steps.iter().enumerate() {
        let mut begun = at;
        for timing in &step.timings {
            statements.push(Statement {
                at: format!("T+{}", duration(begun)),
                step: i + 1,
                sql: &timing.sql,
                ms: timing.ms,
            });
            begun += timing.ms;
        }
        rows.push(Row {
            number: i + 1,
            at: format!("T+{}", duration(at)),
            phase: &step.phase,
            id: &step.id,
            kind: &step.kind,
            database: &step.database,
            ms: step.ms,
            rows: step.rows_written.iter().map(|table| table.rows).sum(),
            applied: step.applied,
            refused: step.refused,
            labels: subject.labels_of_step(&step.id),
        });
        at += step.ms;
    }
    (!rows.is_empty()).then(|| {
        Section::new(
            include_str!("../../templates/timeline.md"),
            Timeline {
                phases: phases(subject),
                databases: steps.iter().any(|step| step.database.is_some()),
                folded: statements.len() > STATEMENTS_OPEN_MAX,
                // One statement a step says no more than the steps do.
                statements: if statements.len() > rows.len() { statements } else { Vec::new() },
                rows,
                total: at,
            },
        )
    })
}

/// Steps in a row that belong to one phase of the rollout.
#[derive(Serialize)]
struct Phase<'a> {
    name: &'a str,
    status: String,
    rows: u64,
    ms: f64,
}

/// The phases in the order of the timeline, where steps name them.
fn phases<'a>(subject: &Subject<'a>) -> Vec<Phase<'a>> {
    let steps = &subject.scenario.steps;
    if steps.iter().all(|step| step.phase.is_none()) {
        return Vec::new();
    }
    let phase = |chunk: &'a [StepReport]| {
        let labels: Vec<String> = chunk.iter().flat_map(|step| subject.labels_of_step(&step.id)).collect();
        let outcome = |step: &StepReport| format!("`{}` {}", step.id, outcome(subject, step));
        let mark = match chunk.iter().all(|step| step.applied > 0) {
            _ if !labels.is_empty() => "❌",
            true => "✅",
            false => "ℹ️",
        };
        Phase {
            name: chunk.first().and_then(|step| step.phase.as_deref()).unwrap_or("–"),
            status: format!("{mark} {}", chunk.iter().map(outcome).collect::<Vec<_>>().join("; ")),
            rows: chunk.iter().flat_map(|step| &step.rows_written).map(|table| table.rows).sum(),
            ms: chunk.iter().map(|step| step.ms).sum(),
        }
    };
    steps.chunk_by(|a, b| a.phase == b.phase).map(phase).collect()
}

/// What every kind of step has to say.
#[derive(Serialize)]
struct StepLine<'a> {
    number: usize,
    id: &'a str,
    title: &'a str,
    kind: &'a str,
    file: &'a str,
    command: &'a Option<String>,
    statements: String,
    outcome: String,
    written: Vec<String>,
    changes: &'a [String],
    changes_folded: &'a [String],
    locks: Vec<String>,
    guard: Option<String>,
    labels: Vec<String>,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    verdict: String,
}

impl<'a> StepLine<'a> {
    fn of(subject: &Subject<'a>, number: usize, step: &'a StepReport) -> Self {
        let open =
            if step.changes.len() > CHANGES_OPEN_MAX + 2 { CHANGES_OPEN_MAX } else { step.changes.len() };
        let (changes, changes_folded) = step.changes.split_at(open);
        Self {
            number,
            id: &step.id,
            title: &step.title,
            kind: &step.kind,
            file: &step.file,
            command: &step.command,
            statements: match step.command {
                Some(_) => "a command".to_owned(),
                None => count(step.statements.into(), "statement", "statements"),
            },
            outcome: outcome(subject, step),
            written: written(step),
            changes,
            changes_folded,
            locks: locks(step),
            guard: step.guard.then(|| guard(subject, step)),
            labels: subject.labels_of_step(&step.id),
            properties: if step.kind == "backfill" { properties(subject, step) } else { Vec::new() },
        }
    }
}

/// How a step went: `applied in 31 of 32 cases, refused 116 times`.
pub(super) fn outcome(subject: &Subject<'_>, step: &StepReport) -> String {
    let (did, did_not) = match step.kind.as_str() {
        "check" => ("passed", if step.command.is_some() { "reported violations" } else { "reported rows" }),
        _ => ("applied", "refused"),
    };
    let cases = subject.scenario.data.cases;
    let applied = match step.applied {
        0 if step.refused == 0 => return "not exercised".to_owned(),
        0 => format!("{did} in no case"),
        n if n == cases => format!("{did} in all {}", count(n, "case", "cases")),
        n if n < cases => format!("{did} in {} of {}", number(n), count(cases, "case", "cases")),
        n => format!("{did} in {}", count(n, "case", "cases")),
    };
    match step.refused {
        0 => applied,
        n => format!("{applied}, {did_not} {}", count(n, "time", "times")),
    }
}

fn written(step: &StepReport) -> Vec<String> {
    let tables = step.rows_written.iter().filter(|table| table.rows > 0);
    tables.map(|table| format!("`{}` {}", table.table, number(table.rows))).collect()
}

/// One entry a mode, with its tables.
fn locks(step: &StepReport) -> Vec<String> {
    let mut modes: Vec<(&str, Vec<String>)> = Vec::new();
    for lock in &step.locks {
        let table = format!("`{}`", lock.table);
        match modes.iter_mut().find(|(mode, _)| *mode == lock.mode) {
            Some((_, tables)) => tables.push(table),
            None => modes.push((&lock.mode, vec![table])),
        }
    }
    modes.iter().map(|(mode, tables)| format!("`{mode}` on {}", words::list(tables))).collect()
}

fn guard(subject: &Subject<'_>, step: &StepReport) -> String {
    match subject.check("guard-refuses") {
        None => "must refuse incomplete data; not exercised".to_owned(),
        Some(check) => format!("must refuse incomplete data: {}", verdict_at(check, step)),
    }
}

/// A check's verdict as it concerns one step: a finding that names another step is no finding of this one.
fn verdict_at(check: &CheckReport, step: &StepReport) -> String {
    let elsewhere =
        check.outcome.findings().iter().all(|finding| finding.step.as_ref().is_some_and(|at| at != &step.id));
    if check.outcome.verdict() == Verdict::Violated && elsewhere {
        "ℹ️ nothing found at this step; violated at another".to_owned()
    } else {
        check.outcome.sentence()
    }
}

fn properties(subject: &Subject<'_>, step: &StepReport) -> Vec<Property> {
    let check = |(invariant, name): &(&str, &'static str)| {
        subject.check(invariant).map(|check| Property { name, verdict: verdict_at(check, step) })
    };
    SCRIPT_PROPERTIES.iter().filter_map(check).collect()
}

fn lines<'a>(subject: &Subject<'a>, kinds: &[&str]) -> Vec<StepLine<'a>> {
    let steps = subject.scenario.steps.iter().enumerate();
    steps
        .filter(|(_, step)| kinds.contains(&step.kind.as_str()))
        .map(|(i, step)| StepLine::of(subject, i + 1, step))
        .collect()
}

#[derive(Serialize)]
struct Steps<'a> {
    heading: &'static str,
    steps: Vec<StepLine<'a>>,
}

pub(super) fn migrations(subject: &Subject<'_>) -> Option<Section> {
    let steps = lines(subject, &["migrate"]);
    (!steps.is_empty()).then(|| {
        Section::new(include_str!("../../templates/steps.md"), Steps { heading: "Migration analysis", steps })
    })
}

pub(super) fn scripts(subject: &Subject<'_>) -> Option<Section> {
    let steps = lines(subject, &["backfill", "check"]);
    (!steps.is_empty()).then(|| {
        Section::new(include_str!("../../templates/steps.md"), Steps { heading: "Script safety", steps })
    })
}

pub(super) fn copies(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        table: &'a str,
        source_rows: u64,
        target_rows: u64,
        mark: &'static str,
        compared: &'static str,
    }
    #[derive(Serialize)]
    struct Copy<'a> {
        id: &'a str,
        rows: Vec<Row<'a>>,
        source_rows: u64,
        target_rows: u64,
    }
    #[derive(Serialize)]
    struct Copies<'a> {
        copies: Vec<Copy<'a>>,
        verdicts: Vec<String>,
    }
    let copies: Vec<Copy<'_>> = subject
        .scenario
        .steps
        .iter()
        .filter(|step| !step.copied.is_empty())
        .map(|step| Copy {
            id: &step.id,
            rows: step
                .copied
                .iter()
                .map(|table| Row {
                    table: &table.table,
                    source_rows: table.source_rows,
                    target_rows: table.target_rows,
                    mark: match (table.equal, table.source_rows == table.target_rows) {
                        (Some(true), _) => "✅",
                        (Some(false), _) | (None, false) => "❌",
                        (None, true) => "ℹ️",
                    },
                    compared: match table.equal {
                        Some(true) => "equal row for row",
                        Some(false) => "different",
                        None => "not compared",
                    },
                })
                .collect(),
            source_rows: step.copied.iter().map(|table| table.source_rows).sum(),
            target_rows: step.copied.iter().map(|table| table.target_rows).sum(),
        })
        .collect();
    let verdicts = subject
        .applicable()
        .filter(|check| check.invariant.starts_with("copy-") || check.invariant == "routing")
        .map(|check| format!("`{}`: {}", check.invariant, check.outcome.sentence()))
        .collect();
    (!copies.is_empty())
        .then(|| Section::new(include_str!("../../templates/copies.md"), Copies { copies, verdicts }))
}
