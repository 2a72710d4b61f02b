//! A copy that is cut is finished by the next run, and nothing that is written while it runs stays behind.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Relation;
use watertight_scenarios::scenario::{AccessId, AccessKind, CopySpec, StepId};

use super::access_compatible::in_use;
use super::copy::{compare, copies, has_copy, to_copy};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::{
    Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Seen, Snapshot, TableKey,
};

/// A run that was cut and one more are a whole one.
pub(super) struct Resumable;
/// What the application writes meanwhile is copied, or refused.
pub(super) struct Concurrent;

/// Tables of which rows of the source are not in the target, or not as they are, with the worlds of these rows.
fn lacking<'a>(
    scene: &Scene,
    case: &CaseData,
    spec: &'a CopySpec,
    seen: &Snapshot,
) -> Vec<(&'a Relation, usize, BTreeSet<WorldId>)> {
    let side = |database, table: &Relation| -> Option<(TableKey, _)> {
        let key = (database, table.clone());
        seen.tables.get(&key).map(|rows| (key, rows))
    };
    spec.tables
        .iter()
        .filter_map(|table| {
            let ((key, source), (_, target)) = (side(spec.from, table)?, side(spec.to, table)?);
            let difference = compare(source, target, None);
            let rows = || difference.missing.iter().chain(&difference.changed);
            let worlds = rows().filter_map(|r| case.world_of(scene, &key, source, r)).collect();
            (rows().count() > 0).then(|| (table, rows().count(), worlds))
        })
        .collect()
}

/// Whether the copy took every world with it, so that what is tried from the state before can be compared.
fn went_through(seen: &Observations, step: StepId) -> bool {
    seen.step(step).is_some_and(|run| run.removed.is_empty() && run.seen.done().is_some())
}

static RESUMABLE: InvariantSpec = InvariantSpec {
    id: "copy-resumable",
    title: "A copy that stopped half-way is finished by running it again",
    rationale: "A copy of a large database stops: a lost connection, a full disk, a tired operator. If the rows that are \
        there already stand in the way of the next run, somebody empties the target by hand, in the dark.",
    example: "A trigger of the target that refuses a row whose key is there already, though the upsert would leave it alone",
    remedy: "Upsert by a primary key, copy what is referred to before what refers to it, and let no trigger of the target \
        take a row that is there for a mistake.",
    exercise: "a `copy` step with at least two tables, and rows in the first of them",
};

/// After how many tables the run of this case is cut: each number in turn.
fn cut(case: &CaseData, spec: &CopySpec) -> Option<usize> {
    let cuts = u32::try_from(spec.tables.len().checked_sub(1)?).ok().filter(|n| *n > 0)?;
    (case.index % cuts + 1).try_into().ok()
}

fn resumed(step: StepId, tables: usize) -> Excursion {
    let acts = vec![Act::Copied(step, tables), Act::Step(step, Actor::Migrator), Act::Snapshot];
    Excursion { from: step.before(), acts }
}

impl Invariant for Resumable {
    fn spec(&self) -> &'static InvariantSpec {
        &RESUMABLE
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_copy(scene)?;
        if copies(scene).iter().all(|(_, spec)| spec.tables.len() < 2) {
            return Err("the copy has one table, and takes it in one transaction".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        if !case.deep {
            return Vec::new();
        }
        let cuts = copies(scene).into_iter().filter_map(|(step, spec)| Some((step, cut(case, spec)?)));
        cuts.flat_map(|(step, tables)| [contents(step.before()), resumed(step, tables)]).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (step, spec) in copies(scene) {
            let Some(tables) = cut(case, spec).filter(|_| case.deep && went_through(seen, step)) else {
                continue;
            };
            let excursion = resumed(step, tables);
            if seen.seen(excursion.from, &excursion.acts[..1]).and_then(Seen::done).is_none() {
                continue;
            }
            let id = &scene.step(step).id;
            let exercised = to_copy(scene, case, seen, step, spec);
            let violation = |code, subject: String, worlds, title, message| Violation {
                key: ViolationKey { step: Some(step), code, subject: subject.clone() },
                worlds,
                severity: Severity::High,
                title,
                message,
                cause: "What the run that was cut left in the target changes what the next one does."
                    .to_owned(),
                remedy: String::new(),
                tables: if subject.is_empty() { Vec::new() } else { vec![subject] },
                place: Some(scene.location(step, 0)),
                witness: excursion.clone(),
            };
            match seen.seen(excursion.from, &excursion.acts[..2]) {
                Some(Seen::Refused(refusal)) => {
                    let message = format!(
                        "`{id}` stopped after {tables} of {} tables; run again it fails: {}.",
                        spec.tables.len(),
                        refusal.failure
                    );
                    let title = format!("`{id}` cannot be run again after it was cut");
                    let subject = String::new();
                    judgement.violated(violation(
                        "cannot-resume",
                        subject,
                        exercised.clone(),
                        title,
                        message,
                    ));
                }
                Some(Seen::Done(_)) => {
                    let Some(after) = seen.snapshot(excursion.from, &excursion.acts) else { continue };
                    let whole = seen.contents(step.after()).map(|c| lacking(scene, case, spec, c));
                    let known: BTreeSet<_> = whole.into_iter().flatten().map(|(table, ..)| table).collect();
                    // What a whole run does not copy either is told by copy-complete.
                    for (table, rows, worlds) in lacking(scene, case, spec, after) {
                        if known.contains(table) {
                            continue;
                        }
                        let message = format!(
                            "`{id}` stopped after {tables} of {} tables and was run again: {rows} rows of {table} are not \
                             in the target as they are in the source.",
                            spec.tables.len()
                        );
                        let title = format!("`{id}` does not finish {table} after it was cut");
                        judgement.violated(violation(
                            "not-finished",
                            table.to_string(),
                            worlds,
                            title,
                            message,
                        ));
                    }
                }
                _ => continue,
            }
            judgement.exercised.extend(exercised);
        }
        judgement
    }
}

static CONCURRENT: InvariantSpec = InvariantSpec {
    id: "copy-concurrent",
    title: "What the application writes while a copy runs is copied, or refused",
    rationale: "A copy reads a table once. What the application writes to that table before it is switched over is in \
        the old database and nowhere else; nobody misses it until its owner does.",
    example: "POST /api/accounts on the application database, in use until the copy is over",
    remedy: "Make the tables read-only before the copy begins, and let the application say so; or run the copy again \
        after the application has moved, before it writes.",
    exercise: "write paths on the database that is copied from, in use while the copy runs",
};

/// Write paths that are in use while the step runs, each in one case of so many.
const WRITES_EVERY: u32 = 2;

fn writes(scene: &Scene, step: StepId, spec: &CopySpec) -> Vec<AccessId> {
    let paths = scene.scenario.access.iter().enumerate();
    paths
        .filter(|(_, path)| path.kind == AccessKind::Write && path.database == spec.from)
        .map(|(i, _)| AccessId(i))
        .filter(|id| in_use(scene, *id, step.before()))
        .collect()
}

/// The writes of this case, each sent when the copy has read every table and is not over.
fn meanwhile(scene: &Scene, case: &CaseData, step: StepId, spec: &CopySpec) -> Vec<(Binding, Excursion)> {
    let turn = |id: &AccessId| (case.index + id.0 as u32).is_multiple_of(WRITES_EVERY);
    writes(scene, step, spec)
        .into_iter()
        .filter(turn)
        .filter_map(|id| {
            let binding = case.sample(1, id.0 as u64).into_iter().find_map(|w| case.bind(scene, id, w))?;
            let read = Act::Copied(step, spec.tables.len());
            let acts = vec![read, Act::Send(binding.clone()), Act::Snapshot];
            Some((binding, Excursion { from: step.before(), acts }))
        })
        .collect()
}

impl Invariant for Concurrent {
    fn spec(&self) -> &'static InvariantSpec {
        &CONCURRENT
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_copy(scene)?;
        if copies(scene).into_iter().all(|(step, spec)| writes(scene, step, spec).is_empty()) {
            return Err(
                "no write path on the database that is copied from is in use while the copy runs".to_owned()
            );
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let all = copies(scene).into_iter();
        all.flat_map(|(step, spec)| {
            let sent = meanwhile(scene, case, step, spec).into_iter().map(|(_, e)| e);
            [contents(step.after())].into_iter().chain(sent).collect::<Vec<_>>()
        })
        .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (step, spec) in copies(scene).into_iter().filter(|(step, _)| went_through(seen, *step)) {
            let Some(whole) = seen.contents(step.after()) else { continue };
            let known: BTreeSet<_> = lacking(scene, case, spec, whole).into_iter().map(|(t, ..)| t).collect();
            for (binding, excursion) in meanwhile(scene, case, step, spec) {
                // A write that is refused leaves nothing behind: that is one way to be safe.
                let Some(after) = seen.snapshot(excursion.from, &excursion.acts) else { continue };
                judgement.exercised.insert(binding.world);
                let left: Vec<_> = lacking(scene, case, spec, after)
                    .into_iter()
                    .filter(|(t, ..)| !known.contains(t))
                    .collect();
                let Some((table, ..)) = left.first() else { continue };
                judgement.violated(left_behind(scene, step, &binding, &table.to_string(), excursion));
            }
        }
        judgement
    }
}

/// One defect a copy: nothing keeps the application from writing, whatever path it is.
fn left_behind(scene: &Scene, step: StepId, binding: &Binding, table: &str, witness: Excursion) -> Violation {
    let path = &scene.scenario.access[binding.access.0];
    let id = &scene.step(step).id;
    Violation {
        key: ViolationKey { step: Some(step), code: "left-behind", subject: String::new() },
        worlds: [binding.world].into(),
        severity: Severity::High,
        title: format!("What is written while `{id}` runs stays behind"),
        message: format!(
            "“{}” writes to {table} after `{id}` has read it and before it is over: the row is in the source and not in the \
             target.",
            path.name
        ),
        cause: format!("Nothing keeps the application from writing to the tables that `{id}` reads."),
        remedy: String::new(),
        tables: vec![table.to_owned()],
        place: Some(scene.location(step, 0)),
        witness,
    }
}
