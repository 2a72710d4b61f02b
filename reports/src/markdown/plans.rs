//! What people do with the migration: the runbook, the rollout checklist, the way back.

use serde::Serialize;

use super::engine::Section;
use super::steps::outcome;
use super::subject::{Subject, psql, word};
use crate::areas::Area;
use crate::issues;
use crate::model::{AccessOutcome, AccessReport, CheckReport, Severity, StepReport, Verdict};
use crate::units::{count, duration, number};
use crate::words;

/// Changes of a step that the checklist repeats; more are told once, with the step.
const CHANGES_MAX: usize = 4;

/// Paths that the checklist repeats; more are told once, in the runbook.
const PATHS_MAX: usize = 8;

/// The commands of a step, and what to expect of them: measured, not promised.
fn command(step: &StepReport) -> String {
    match (&step.command, step.kind.as_str()) {
        (Some(command), _) => command.clone(),
        // A copy is described, not scripted: there is no one statement that does it.
        (None, "copy") => {
            let tables: Vec<&str> = step.copied.iter().map(|table| table.table.as_str()).collect();
            let order = if tables.is_empty() {
                String::new()
            } else {
                format!(", in this order: {}", tables.join(", "))
            };
            format!("# copy the tables of {}{order}", word(&step.file))
        }
        (None, _) => psql(step, &step.file),
    }
}

fn expected(subject: &Subject<'_>, step: &StepReport) -> Vec<String> {
    let wanted = match (&step.command, step.kind.as_str()) {
        (Some(_), _) => "Exit code 0",
        (None, "check") => "No rows",
        (None, _) => "No error",
    };
    let mut lines = vec![format!("{wanted}. Measured: {}.", outcome(subject, step))];
    let written: Vec<String> = step
        .rows_written
        .iter()
        .filter(|table| table.rows > 0)
        .map(|table| format!("`{}` {}", table.table, number(table.rows)))
        .collect();
    if !written.is_empty() {
        lines.push(format!("Rows written over the cases: {}.", written.join(", ")));
    }
    lines
}

#[derive(Serialize)]
struct RunbookStep<'a> {
    number: usize,
    id: &'a str,
    command: String,
    expected: Vec<String>,
}

pub(super) fn runbook(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Runbook<'a> {
        steps: Vec<RunbookStep<'a>>,
        paths: Vec<String>,
        repeat: String,
        server: &'a str,
        pgvector: &'a Option<String>,
    }
    let steps: Vec<RunbookStep<'_>> = subject
        .scenario
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| RunbookStep {
            number: i + 1,
            id: &step.id,
            command: command(step),
            expected: expected(subject, step),
        })
        .collect();
    let runbook = Runbook {
        steps,
        paths: production_paths(subject),
        repeat: subject.repeat(),
        server: &subject.run.server.version,
        pgvector: &subject.run.server.pgvector,
    };
    (!subject.scenario.steps.is_empty())
        .then(|| Section::new(include_str!("../../templates/runbook.md"), runbook))
}

/// What to try by hand afterwards: what the application does in production at the last checkpoint.
fn production_paths(subject: &Subject<'_>) -> Vec<String> {
    let in_use = |path: &&AccessReport| {
        path.impact != "development"
            && path.cells.last().is_some_and(|cell| cell.outcome != AccessOutcome::NotInUse)
    };
    subject.scenario.access.iter().filter(in_use).map(|path| path.name.clone()).collect()
}

#[derive(Serialize)]
struct Item {
    done: &'static str,
    text: String,
    labels: Vec<String>,
}

impl Item {
    fn open(text: impl Into<String>, labels: Vec<String>) -> Self {
        Self { done: " ", text: text.into(), labels }
    }

    fn done(text: impl Into<String>) -> Self {
        Self { done: "x", text: text.into(), labels: Vec::new() }
    }
}

pub(super) fn rollout<'a>(subject: &Subject<'a>) -> Option<Section> {
    #[derive(Serialize)]
    struct Step<'a> {
        number: usize,
        id: &'a str,
        text: String,
        labels: Vec<String>,
    }
    #[derive(Serialize)]
    struct Rollout<'a> {
        verified: Vec<Item>,
        before: Vec<Item>,
        steps: Vec<Step<'a>>,
        digest: String,
        paths: Vec<String>,
        paths_folded: bool,
        checks: Vec<String>,
    }
    let scenario = subject.scenario;
    if scenario.steps.is_empty() {
        return None;
    }
    let step = |(i, step): (usize, &'a StepReport)| Step {
        number: i + 1,
        id: &step.id,
        text: verify(step),
        labels: subject.labels_of_step(&step.id),
    };
    let paths = production_paths(subject);
    let rollout = Rollout {
        verified: verified(subject),
        before: before(subject),
        steps: scenario.steps.iter().enumerate().map(step).collect(),
        digest: subject.digest(),
        paths_folded: paths.len() > PATHS_MAX,
        paths,
        checks: scenario.steps.iter().filter(|step| step.kind == "check").map(command).collect(),
    };
    Some(Section::new(include_str!("../../templates/rollout.md"), rollout))
}

/// What the run has shown, area by area: the done part of the checklist.
fn verified(subject: &Subject<'_>) -> Vec<Item> {
    let area = |area: Area| {
        let held: Vec<&CheckReport> = area
            .checks(&subject.scenario.checks)
            .filter(|check| check.outcome.verdict() == Verdict::Held)
            .collect();
        let names: Vec<String> = held.iter().map(|check| format!("`{}`", check.invariant)).collect();
        let worlds = words::least_worlds(held);
        (!names.is_empty())
            .then(|| Item::done(format!("{}: {} held{worlds}", area.checks_title(), words::list(&names))))
    };
    Area::ALL.into_iter().filter_map(area).collect()
}

fn before(subject: &Subject<'_>) -> Vec<Item> {
    let item = |fix: &issues::Fix<'_, '_>| {
        let verb = match fix.first().finding.severity {
            Severity::Critical | Severity::High => "Mend",
            Severity::Medium => "Decide",
            Severity::Low => "Mend for development",
        };
        Item::open(format!("{verb}: {}", fix.title()), fix.labels())
    };
    let mut items: Vec<Item> = issues::fixes(&subject.issues).iter().map(item).collect();
    for check in subject.checks_with(Verdict::Inconclusive) {
        items.push(Item::open(format!("Bring `{}` to an answer", check.invariant), Vec::new()));
    }
    if subject.scenario.verdict != Verdict::Held {
        items.push(Item::open(format!("Verify again until it is held: `{}`", subject.repeat()), Vec::new()));
    }
    let without: Vec<String> = subject
        .scenario
        .steps
        .iter()
        .filter(|step| step.kind == "migrate" && step.down_file.is_none())
        .map(|step| format!("`{}`", step.id))
        .collect();
    let backup = if without.is_empty() {
        "Back up the database".to_owned()
    } else {
        format!(
            "Back up the database; {} without a way back: {}",
            count(without.len() as u64, "migration", "migrations"),
            without.join(", ")
        )
    };
    items.push(Item::open(backup, Vec::new()));
    items
}

/// What to verify after a step.
fn verify(step: &StepReport) -> String {
    let mut clauses = Vec::new();
    match step.kind.as_str() {
        "check" if step.command.is_some() => {
            clauses.push("must end with exit code 0; otherwise stop here".to_owned());
        }
        "check" => clauses.push("must return no rows; otherwise stop here".to_owned()),
        "backfill" => clauses.push("note the counts of rows written".to_owned()),
        "copy" => clauses.push("compare the row counts of source and target".to_owned()),
        _ if step.changes.len() > CHANGES_MAX => {
            let changes = count(step.changes.len() as u64, "change", "changes");
            clauses.push(format!("verify the {changes} told under Migration analysis"));
        }
        _ => clauses.extend(step.changes.iter().cloned()),
    }
    if step.guard {
        clauses.push("if it refuses, go back to the backfill".to_owned());
    }
    if step.applied > 0 {
        clauses.push(format!("took {} here", duration(step.ms)));
    }
    clauses.join("; ")
}

pub(super) fn rollback<'a>(subject: &Subject<'a>) -> Option<Section> {
    #[derive(Serialize)]
    struct Back<'a> {
        number: usize,
        id: &'a str,
        file: &'a Option<String>,
        sql: &'a Option<String>,
        ms: Option<f64>,
        measured: &'a [String],
        lost: &'a [String],
        documented: Vec<String>,
        labels: Vec<String>,
    }
    #[derive(Serialize)]
    struct Rollback<'a> {
        steps: Vec<Back<'a>>,
        without: Vec<String>,
        verdicts: Vec<String>,
    }
    let steps = &subject.scenario.steps;
    let rollback_issues = |step: &str| {
        subject.labels(|issue| {
            Area::of(&issue.check.invariant) == Area::Rollback && issue.finding.step.as_deref() == Some(step)
        })
    };
    let back = |(i, step): (usize, &'a StepReport)| {
        step.down_file.as_ref().map(|_| Back {
            number: i + 1,
            id: &step.id,
            file: &step.down_file,
            sql: &step.down_sql,
            ms: step.down_ms,
            measured: &step.down_changes,
            lost: &step.not_restored,
            documented: documented(subject, step),
            labels: rollback_issues(&step.id),
        })
    };
    let without = steps.iter().filter(|step| step.down_file.is_none() && step.kind != "check");
    let rollback = Rollback {
        steps: steps.iter().enumerate().rev().filter_map(back).collect(),
        without: without.map(|step| format!("`{}`", step.id)).collect(),
        verdicts: Area::Rollback
            .checks(&subject.scenario.checks)
            .filter(|check| check.outcome.verdict() != Verdict::NotApplicable)
            .map(|check| format!("`{}`: {}", check.invariant, check.outcome.sentence()))
            .collect(),
    };
    (!steps.is_empty()).then(|| Section::new(include_str!("../../templates/rollback.md"), rollback))
}

/// What a step drops of the documented data sets, and whether its way back brings that back.
fn documented(subject: &Subject<'_>, step: &StepReport) -> Vec<String> {
    let presets = subject.scenario.evidence.presets.iter();
    let columns = presets.flat_map(|preset| preset.dropped.iter().map(move |column| (preset, column)));
    columns
        .filter(|(_, column)| column.step == step.id)
        .map(|(preset, column)| format!("In “{}” {}", preset.title, column.sentence()))
        .collect()
}
