//! From the tally to the report's model.

use std::collections::BTreeMap;
use std::time::Duration;

use watertight_generators::Shape;
use watertight_reports::{
    AccessCell, AccessOutcome, AccessReport, CheckReport, CopiedTable, DataReport, Evidence, KnownFailure,
    KnownOutcome, PresetReport, ScenarioReport, ShapeCount, Share, StatementTime, StepReport, TableCount,
    TableReport, TableScope, Verdict,
};
use watertight_scenarios::Relation;
use watertight_scenarios::scenario::{
    AccessId, AccessKind, AppVersion, Checkpoint, DatabaseId, Impact, Piece, SqlTemplate, Step, StepId,
    StepKind,
};

use super::aggregate::Tally;
use super::evidence::evidence;
use super::facts;
use super::findings::{Told, check_report};
use super::known::Outcome;
use super::measure::{Measured, StepNumbers};
use super::shrink::Counterexamples;
use super::survey::Surveyed;
use crate::explore::{Scene, TableKey};
use crate::failures::Failure;
use crate::invariants::{Invariant, in_use};

/// The whole report of one scenario; the caller sets its duration.
pub(super) fn scenario_report(
    surveyed: &Surveyed,
    invariants: &[Box<dyn Invariant>],
    tally: Tally,
    counterexamples: Counterexamples,
    known: &[(&Failure, Outcome)],
    presets: Vec<PresetReport>,
) -> (ScenarioReport, Vec<Failure>) {
    let scene = &surveyed.scene;
    let mut steps = steps(surveyed, &tally.measured);
    let access = access(scene, &tally.measured);
    let (mut failures, mut flaky) = (Vec::new(), Vec::new());
    let checks: Vec<CheckReport> = tally
        .checks
        .into_iter()
        .zip(invariants)
        .zip(counterexamples)
        .map(|((check, invariant), shrunk)| {
            let told = Told { failures: &mut failures, flaky: &mut flaky };
            check_report(scene, invariant.as_ref(), check, shrunk, &access, told)
        })
        .collect();
    for (id, report) in scene.steps().map(|(id, _)| id).zip(&mut steps) {
        report.copied = copied(scene, &tally.measured, &checks, id);
    }
    let tables = tables(scene, &tally.measured, &checks);
    let evidence = evidence(scene, &tally.measured, &tables, &checks);
    let mut assumptions = scene.scenario.assumptions.clone();
    assumptions.extend(scene.plan.assumptions().iter().cloned());
    assumptions.extend(scene.plan.unproven().iter().map(|u| {
        format!(
            "{}: `{}` is not understood (`{}`): its rows are made by trying values until the server takes them",
            u.table, u.constraint, u.expression
        )
    }));
    let mut not_made: Vec<String> = scene.plan.not_made().to_vec();
    not_made.extend(
        tally
            .skipped
            .iter()
            .map(|((table, constraint), rows)| format!("{rows} rows of {table}: refused by {constraint}")),
    );
    if let Some(end) = &scene.stopped {
        let step = &scene.step(end.step).id;
        not_made.push(format!("nothing after `{step}`: it fails even on empty tables ({})", end.why));
    }
    let cannot_run = known.iter().any(|(_, outcome)| matches!(outcome, Outcome::CannotRun(_)));
    // A failure that is known and was not tried is no pass, nor is a documented data set that did not go through.
    let not_as_documented = presets.iter().any(|p| !p.is_as_documented());
    let doubt = (cannot_run || not_as_documented).then_some(Verdict::Inconclusive);
    let report = ScenarioReport {
        id: scene.scenario.id.clone(),
        title: scene.scenario.title.clone(),
        summary: scene.scenario.summary.clone(),
        digest: scene.scenario.digest.clone(),
        origin: None,
        verdict: overall(checks.iter().map(|c| c.outcome.verdict()).chain(doubt)),
        assumptions,
        steps,
        tables,
        access,
        data: DataReport { cases: tally.cases, worlds: tally.worlds, rows: tally.rows, not_made },
        checks,
        evidence: Evidence {
            known: known.iter().map(|(failure, outcome)| known_failure(failure, outcome)).collect(),
            flaky,
            presets,
            scope: small_scope(scene, &tally.shapes),
            ..evidence
        },
        ms: 0.0,
    };
    (report, failures)
}

/// The shapes of each table, with the cases that had them.
fn small_scope(scene: &Scene, cases: &[u64]) -> Vec<TableScope> {
    let several = scene.scenario.databases.len() > 1;
    let mut tables: Vec<TableScope> = Vec::new();
    for (target, &cases) in scene.scope.targets().iter().zip(cases) {
        let database = several.then(|| scene.scenario.databases[target.database].name.clone());
        let table = target.table.to_string();
        if tables.last().is_none_or(|t| t.table != table || t.database != database) {
            tables.push(TableScope { database, table, shapes: Vec::new(), pairs: Share::default() });
        }
        let Some(table) = tables.last_mut() else { continue };
        // Of pairs there are as many as columns squared: they are counted.
        if let Shape::Both(_) = target.shape {
            table.pairs.all += 1;
            table.pairs.reached += usize::from(cases > 0);
        } else {
            table.shapes.push(ShapeCount { shape: target.shape.to_string(), cases });
        }
    }
    tables
}

fn known_failure(failure: &Failure, outcome: &Outcome) -> KnownFailure {
    let (outcome, note) = match outcome {
        Outcome::Failed(_) => (KnownOutcome::Failed, None),
        Outcome::Fixed { others, .. } => {
            let note =
                (!others.is_empty()).then(|| format!("its data shows something else: {}", others.join("; ")));
            (KnownOutcome::Fixed, note)
        }
        Outcome::CannotRun(why) => (KnownOutcome::CannotRun, Some(why.clone())),
    };
    KnownFailure {
        id: failure.id.clone(),
        title: failure.title.clone(),
        invariant: failure.invariant.clone(),
        outcome,
        note,
    }
}

/// The verdict over several: the worst. None at all is not a pass.
pub(crate) fn overall(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    match verdicts.max() {
        None | Some(Verdict::NotApplicable) => Verdict::Inconclusive,
        Some(worst) => worst,
    }
}

fn median_ms(times: &mut [Duration]) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
}

fn steps(surveyed: &Surveyed, measured: &[Measured]) -> Vec<StepReport> {
    let Surveyed { scene, ways_back, locks } = surveyed;
    let several = scene.scenario.databases.len() > 1;
    scene
        .steps()
        .map(|(id, step)| {
            let runs: Vec<_> = measured.iter().filter_map(|m| m.steps.get(id.0)).collect();
            let mut times: Vec<Duration> = runs.iter().filter_map(|r| r.took).collect();
            let mut writes: BTreeMap<String, u64> = BTreeMap::new();
            for (table, rows) in runs.iter().flat_map(|r| &r.writes) {
                *writes.entry(table.to_string()).or_default() += rows;
            }
            let mut changes = facts::changes(scene, id.before(), id.after());
            changes.extend(dropped(&runs));
            let mut downs: Vec<Duration> = runs.iter().filter_map(|r| r.down).collect();
            StepReport {
                phase: step.phase.clone(),
                timings: timings(step, &runs),
                locks: locks.get(&id).cloned().unwrap_or_default(),
                down_ms: (!downs.is_empty()).then(|| median_ms(&mut downs)),
                not_restored: not_restored(&runs),
                database: several.then(|| scene.scenario.databases[step.database.0].name.clone()),
                id: step.id.clone(),
                kind: match step.kind {
                    StepKind::Migrate => "migrate",
                    StepKind::Backfill => "backfill",
                    StepKind::Check => "check",
                    StepKind::Copy => "copy",
                }
                .to_owned(),
                title: step.title.clone().unwrap_or_else(|| step.up.path.clone()),
                command: step.command.as_ref().map(|c| c.line_shown()),
                file: step.up.path.clone(),
                down_file: step.down.as_ref().map(|d| d.path.clone()),
                guard: step.guard.is_some(),
                statements: step.up.statements.len() as u32,
                ms: median_ms(&mut times),
                rows_written: writes.into_iter().map(|(table, rows)| TableCount { table, rows }).collect(),
                changes,
                down_changes: ways_back.get(&id).cloned().unwrap_or_default(),
                down_sql: step.down.as_ref().map(|d| d.text.clone()),
                applied: runs.iter().filter(|r| r.passed).count() as u64,
                refused: runs.iter().map(|r| r.refusals).sum(),
                ..StepReport::default()
            }
        })
        .collect()
}

/// The statements of a step, where every run of it sent them one by one.
fn timings(step: &Step, runs: &[&StepNumbers]) -> Vec<StatementTime> {
    let script = &step.up;
    let statements = script.statements.iter().enumerate();
    statements
        .filter_map(|(nth, statement)| {
            let mut times: Vec<Duration> = runs.iter().filter_map(|r| r.timings.get(nth).copied()).collect();
            (!times.is_empty()).then(|| StatementTime {
                line: statement.line,
                sql: script.sql(statement).to_owned(),
                ms: median_ms(&mut times),
            })
        })
        .collect()
}

/// Columns that the step drops, with what they held over all cases.
fn dropped(runs: &[&StepNumbers]) -> Vec<String> {
    let mut all: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for (column, (rows, filled)) in runs.iter().flat_map(|r| &r.dropped) {
        let entry = all.entry(column).or_default();
        *entry = (entry.0 + rows, entry.1 + filled);
    }
    all.into_iter()
        .filter(|(_, (rows, _))| *rows > 0)
        .map(|(((_, table), column), (rows, filled))| match filled {
            0 => format!("drops `{table}.{column}`, NULL in all {rows} rows: nothing is lost with it"),
            _ => format!("drops `{table}.{column}` with a value in {filled} of {rows} rows"),
        })
        .collect()
}

fn not_restored(runs: &[&StepNumbers]) -> Vec<String> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for (what, rows) in runs.iter().flat_map(|r| &r.not_restored) {
        *all.entry(what).or_default() += rows;
    }
    all.into_iter().map(|(what, rows)| format!("{what} ({rows} over the cases)")).collect()
}

/// Rows of each copied table over all cases; equal where `copy-complete` was exercised and found nothing of it.
fn copied(scene: &Scene, measured: &[Measured], checks: &[CheckReport], step: StepId) -> Vec<CopiedTable> {
    let Some(spec) = &scene.step(step).copy else { return Vec::new() };
    let check = checks.iter().find(|c| c.invariant == "copy-complete");
    let compared = check.is_some_and(|c| matches!(c.outcome.verdict(), Verdict::Held | Verdict::Violated));
    let rows = |database, table: &Relation| -> u64 {
        let key = (step.after(), (database, table.clone()));
        measured.iter().filter_map(|m| m.rows.get(&key)).sum()
    };
    let tables = spec.tables.iter();
    tables
        .map(|table| {
            let name = table.to_string();
            let mut findings = check.into_iter().flat_map(|c| c.outcome.findings());
            let different = findings.any(|f| f.tables.contains(&name));
            CopiedTable {
                source_rows: rows(spec.from, table),
                target_rows: rows(spec.to, table),
                equal: compared.then_some(!different),
                table: name,
            }
        })
        .collect()
}

fn tables(scene: &Scene, measured: &[Measured], checks: &[CheckReport]) -> Vec<TableReport> {
    let mut wanted: Vec<TableKey> = Vec::new();
    for at in scene.checkpoints() {
        for (key, _) in scene.tenant_tables(at) {
            if !wanted.contains(&key) {
                wanted.push(key);
            }
        }
    }
    let several = scene.scenario.databases.len() > 1;
    wanted
        .into_iter()
        .map(|key| {
            let numbers: Vec<_> = measured.iter().filter_map(|m| m.tables.get(&key)).collect();
            let name = key.1.to_string();
            let found = checks.iter().flat_map(|c| c.outcome.findings()).any(|f| f.tables.contains(&name));
            let rows: u64 = numbers.iter().map(|n| n.rows).sum();
            let DatabaseId(db) = key.0;
            TableReport {
                database: several.then(|| scene.scenario.databases[db].name.clone()),
                tenant_column: scene.tenant_column(scene.last(), &key).map(|c| c.to_string()),
                facts: facts::table_facts(scene, &key),
                rows,
                rows_without_tenant_before: numbers.iter().map(|n| n.without_tenant_before).sum(),
                rows_without_tenant: numbers.iter().map(|n| n.without_tenant).sum(),
                rows_without_tenant_refused: numbers.iter().map(|n| n.without_tenant_refused).sum(),
                status: match (found, rows) {
                    (true, _) => Verdict::Violated,
                    (false, 0) => Verdict::Inconclusive,
                    (false, _) => Verdict::Held,
                },
                name,
            }
        })
        .collect()
}

fn access(scene: &Scene, measured: &[Measured]) -> Vec<AccessReport> {
    let paths = scene.scenario.access.iter().enumerate();
    paths
        .map(|(i, path)| AccessReport {
            database: (scene.scenario.databases.len() > 1)
                .then(|| scene.scenario.databases[path.database.0].name.clone()),
            name: path.name.clone(),
            kind: match path.kind {
                AccessKind::Read => "read",
                AccessKind::Write => "write",
            }
            .to_owned(),
            version: match path.version {
                AppVersion::Old => "old",
                AppVersion::New => "new",
            }
            .to_owned(),
            impact: match path.impact {
                Impact::Production => "production",
                Impact::Development => "development",
            }
            .to_owned(),
            source: path.source.clone(),
            sql: template_text(&path.sql),
            cells: (0..=scene.scenario.steps.len())
                .map(Checkpoint)
                .map(|at| AccessCell {
                    checkpoint: scene.checkpoint_name(at).to_owned(),
                    outcome: cell(scene, measured, AccessId(i), at),
                })
                .collect(),
        })
        .collect()
}

fn cell(scene: &Scene, measured: &[Measured], access: AccessId, at: Checkpoint) -> AccessOutcome {
    if !in_use(scene, access, at) {
        return AccessOutcome::NotInUse;
    }
    let answers: Vec<_> = measured.iter().filter_map(|m| m.access.get(&(access, at))).collect();
    let sent: u64 = answers.iter().map(|a| a.sent).sum();
    let refused: u64 = answers.iter().map(|a| a.refused).sum();
    match answers.iter().find_map(|a| a.first.clone()) {
        _ if sent == 0 => AccessOutcome::NotExercised,
        Some((sqlstate, message)) => AccessOutcome::Fails { sent, refused, sqlstate, message },
        None => AccessOutcome::Works { sent },
    }
}

fn template_text(template: &SqlTemplate) -> String {
    template
        .pieces
        .iter()
        .map(|p| match p {
            Piece::Text(text) => text.clone(),
            Piece::Param(name) => format!(":{name}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_checked_is_not_a_pass() {
        assert_eq!(overall([].into_iter()), Verdict::Inconclusive);
        assert_eq!(overall([Verdict::NotApplicable].into_iter()), Verdict::Inconclusive);
        assert_eq!(overall([Verdict::Held, Verdict::NotApplicable].into_iter()), Verdict::Held);
        assert_eq!(overall([Verdict::Held, Verdict::Inconclusive].into_iter()), Verdict::Inconclusive);
        assert_eq!(overall([Verdict::Violated, Verdict::Inconclusive].into_iter()), Verdict::Violated);
    }
}
