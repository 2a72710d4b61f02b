//! A step does as its migrator what it would do if it saw every row.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::StepId;

use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, diff};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, Snapshot, TableKey};

/// The migrator and its all-seeing twin leave the same data.
pub(super) struct StepRoleFaithful;

static SPEC: InvariantSpec = InvariantSpec {
    id: "step-role-faithful",
    title: "Each step, run as the migrator, does what it would do if it saw every row",
    rationale: "Row security applies to the owner of a table under FORCE, and to every migrator that is not the \
        owner. A statement then silently works on a part of the rows, or on none: tested as superuser it works, \
        deployed as migrator it does not.",
    example: "ALTER TABLE item FORCE ROW LEVEL SECURITY; UPDATE item SET tenant_id = 1: UPDATE 0 as owner, UPDATE n \
        as superuser",
    remedy: "Run the step as a role with BYPASSRLS, or switch FORCE off and on again around it in the same \
        transaction, and let the step check its own row count.",
    exercise: "a table with row security when a step runs, and rows in it",
};

fn subjects(scene: &Scene) -> Vec<StepId> {
    scene
        .steps()
        .map(|(id, _)| id)
        .filter(|s| s.before() <= scene.last() && scene.has_row_security(s.before()))
        .collect()
}

fn run_as(step: StepId, actor: Actor) -> Excursion {
    Excursion { from: step.before(), acts: vec![Act::Step(step, actor), Act::Snapshot] }
}

/// Worlds with rows in tables that have row security.
fn secured_worlds(scene: &Scene, case: &CaseData, step: StepId, before: &Snapshot) -> BTreeSet<WorldId> {
    before
        .tables
        .iter()
        .filter(|(k, _)| scene.table(step.before(), k).is_some_and(|t| t.row_security.enabled))
        .flat_map(|(k, t)| t.rows.iter().filter_map(move |r| case.world_of(scene, k, t, r)))
        .collect()
}

impl Invariant for StepRoleFaithful {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if subjects(scene).is_empty() {
            return Err(
                "no table has row security when a step runs: every role that may run it sees every row"
                    .into(),
            );
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        subjects(scene)
            .into_iter()
            .flat_map(|s| [contents(s.before()), run_as(s, Actor::Migrator), run_as(s, Actor::MigratorTwin)])
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in subjects(scene) {
            let (own, twin) = (run_as(step, Actor::Migrator), run_as(step, Actor::MigratorTwin));
            let Some(before) = seen.contents(step.before()) else { continue };
            let (Some(Seen::Done(_)), Some(theirs)) =
                (seen.seen(own.from, &own.acts[..1]), seen.seen(twin.from, &twin.acts[..1]))
            else {
                continue; // refused as migrator: migration-applies says so
            };
            let worlds = secured_worlds(scene, case, step, before);
            let id = &scene.step(step).id;
            let violation = |subject: String, worlds, message: String| Violation {
                key: ViolationKey { step: Some(step), code: "sees-less", subject: subject.clone() },
                worlds,
                severity: Severity::Critical,
                title: format!("`{id}` does less than it says: row security hides rows from it"),
                message,
                cause: "The step runs as the migrator, and row security applies to it.".to_owned(),
                remedy: String::new(),
                tables: if subject.is_empty() { Vec::new() } else { vec![subject] },
                place: Some(scene.location(step, 0)),
                witness: own.clone(),
            };
            match theirs {
                Seen::Done(_) => {
                    let (Some(a), Some(b)) =
                        (seen.snapshot(own.from, &own.acts), seen.snapshot(twin.from, &twin.acts))
                    else {
                        continue;
                    };
                    let (mine, all) = (effects(case, before, a), effects(case, before, b));
                    let none = Vec::new();
                    for key in a.tables.keys().filter(|k| b.tables.contains_key(*k)) {
                        let (ours, whole) = (mine.get(key).unwrap_or(&none), all.get(key).unwrap_or(&none));
                        if ours != whole {
                            let message = format!(
                                "As migrator `{id}` changes {} rows of {}; as a role that sees every row it changes {}.",
                                ours.len(),
                                key.1,
                                whole.len()
                            );
                            let guilty = differing_worlds(scene, case, a, b, key);
                            judgement.violated(violation(key.1.to_string(), guilty, message));
                        }
                    }
                }
                Seen::Refused(refusal) => {
                    let message = format!(
                        "As migrator `{id}` passes; as a role that sees every row it is refused: {}.",
                        refusal.failure
                    );
                    judgement.violated(violation(String::new(), worlds.clone(), message));
                }
                _ => continue,
            }
            judgement.exercised.extend(worlds);
        }
        judgement
    }
}

fn differing_worlds(
    scene: &Scene,
    case: &CaseData,
    a: &Snapshot,
    b: &Snapshot,
    key: &TableKey,
) -> BTreeSet<WorldId> {
    diff(a, b)
        .iter()
        .filter(|c| c.table == key && c.change != Change::Rewritten)
        .filter_map(|c| {
            let side = if c.before.is_some() { a } else { b };
            case.world_of(scene, key, side.tables.get(key)?, c.before.or(c.after)?)
        })
        .collect()
}

/// What a step did to each table: rows removed, changed (columns, and values as far as the case knows them) and
/// added. Values that the step made up (fresh ids) are the same whatever they are.
fn effects(case: &CaseData, before: &Snapshot, after: &Snapshot) -> BTreeMap<TableKey, Vec<String>> {
    let plain = |value: &Option<String>| match value {
        None => "NULL".to_owned(),
        Some(v) if case.knows_value(v) => v.clone(),
        Some(_) => "fresh".to_owned(),
    };
    let mut effects: BTreeMap<TableKey, Vec<String>> = BTreeMap::new();
    for change in diff(before, after).into_iter().filter(|c| c.change != Change::Rewritten) {
        let Some(table) = before.tables.get(change.table) else { continue };
        let line = match change.after {
            Some(row) => {
                format!("{:?} {:?}", change.change, row.values.iter().map(plain).collect::<Vec<_>>())
            }
            None => format!("{:?} {:?}", change.change, change.before.map(|r| table.key(r))),
        };
        effects.entry(change.table.clone()).or_default().push(line);
    }
    effects.values_mut().for_each(|lines| lines.sort());
    effects
}
