//! The backfill reaches every row, and its second run none.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::{NullTenant, StepId, StepKind};

use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, again, contents};
use crate::explore::{CaseData, Excursion, Observations, Scene, TableKey};

/// Every row has a tenant after the backfill.
pub(super) struct Complete;
/// The second run writes nothing.
pub(super) struct Idempotent;

/// Backfill steps that the run over empty tables reached.
pub(super) fn backfills(scene: &Scene) -> Vec<StepId> {
    scene.steps_of(StepKind::Backfill).into_iter().filter(|s| s.after() <= scene.last()).collect()
}

/// The usual reason for a backfill's invariant not to apply.
pub(super) fn has_backfill(scene: &Scene) -> Result<(), String> {
    if backfills(scene).is_empty() { Err("the timeline has no backfill step".to_owned()) } else { Ok(()) }
}

/// Backfills after which every row should have its tenant: the last before another kind of step.
pub(super) fn final_backfills(scene: &Scene) -> Vec<StepId> {
    let all = backfills(scene);
    all.iter().copied().filter(|s| !all.contains(&StepId(s.0 + 1))).collect()
}

/// First backfill of the run of backfills that ends with `last`.
pub(super) fn first_of_run(scene: &Scene, last: StepId) -> StepId {
    let mut first = last;
    while first.0 > 0 && scene.step(StepId(first.0 - 1)).kind == StepKind::Backfill {
        first = StepId(first.0 - 1);
    }
    first
}

/// Worlds with a row that lacks its tenant just before the step and that the step did not lose, by table.
fn waiting(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
) -> BTreeMap<TableKey, BTreeSet<WorldId>> {
    let mut found: BTreeMap<TableKey, BTreeSet<WorldId>> = BTreeMap::new();
    let Some(before) = seen.contents(step.before()) else { return found };
    let alive = seen.alive(step.after());
    for (key, column) in scene.tenant_tables(step.before()) {
        let Some(table) = before.tables.get(&key) else { continue };
        for row in table.rows.iter().filter(|r| table.cell(r, &column).is_none()) {
            if let Some(world) = case.world_of(scene, &key, table, row)
                && alive.contains(&world)
            {
                found.entry(key.clone()).or_default().insert(world);
            }
        }
    }
    found
}

static COMPLETE: InvariantSpec = InvariantSpec {
    id: "backfill-complete",
    title: "After the backfill no row lacks its tenant",
    rationale: "A row that is left without a tenant disappears from every query that filters by tenant, and stops \
        the NOT NULL step. Under FORCE ROW LEVEL SECURITY a backfill may see no row, change none, and report success.",
    example: "ALTER TABLE item FORCE ROW LEVEL SECURITY; then UPDATE item SET tenant_id = … as the owner: UPDATE 0.",
    remedy: "Make the backfill reach every row: follow the owner of each row, and run it as a role that row security \
        does not hide rows from, or switch row security off for the step.",
    exercise: "rows whose tenant column is NULL before the backfill",
};

impl Invariant for Complete {
    fn spec(&self) -> &'static InvariantSpec {
        &COMPLETE
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_backfill(scene)
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        final_backfills(scene)
            .into_iter()
            .flat_map(|s| [contents(first_of_run(scene, s).before()), contents(s.after())])
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in final_backfills(scene) {
            let waiting = waiting(scene, case, seen, first_of_run(scene, step));
            let Some(after) = seen.contents(step.after()) else { continue };
            let alive = seen.alive(step.after());
            for (key, column) in scene.tenant_tables(step.after()) {
                let (Some(worlds), Some(table)) = (waiting.get(&key), after.tables.get(&key)) else {
                    continue;
                };
                judgement.exercised.extend(worlds.intersection(&alive));
                let left: Vec<_> = table.rows.iter().filter(|r| table.cell(r, &column).is_none()).collect();
                if left.is_empty() || scene.scenario.tenancy.null_tenant == NullTenant::Shared {
                    continue;
                }
                let id = &scene.step(step).id;
                let hidden = left.len() == table.rows.len() && scene.has_row_security(step.before());
                judgement.violated(Violation {
                    key: ViolationKey { step: Some(step), code: "left-null", subject: key.1.to_string() },
                    worlds: left.iter().filter_map(|r| case.world_of(scene, &key, table, r)).collect(),
                    severity: Severity::Critical,
                    title: format!("Rows of {} are left without a tenant", key.1),
                    message: format!(
                        "After `{id}` {} of {} rows of {} still have {column} NULL.",
                        left.len(),
                        table.rows.len(),
                        key.1,
                    ),
                    cause: if hidden {
                        "The step reports success and changes no row of the table: row security hides its rows from \
                         the role that runs migrations."
                            .to_owned()
                    } else {
                        "The backfill does not reach these rows.".to_owned()
                    },
                    remedy: String::new(),
                    tables: vec![key.1.to_string()],
                    place: Some(scene.location(step, 0)),
                    witness: contents(step.after()),
                });
            }
        }
        judgement
    }
}

static IDEMPOTENT: InvariantSpec = InvariantSpec {
    id: "backfill-idempotent",
    title: "A second run of the backfill writes no row",
    rationale: "A backfill is run again after a time-out, by a second operator, or by the next deploy. What it \
        writes then is at best bloat and locks, at worst x = x * 100 twice.",
    example: "UPDATE item SET tenant_id = … without WHERE tenant_id IS NULL",
    remedy: "Restrict every write to rows that are not done yet (WHERE tenant_id IS NULL, ON CONFLICT DO NOTHING).",
    exercise: "rows whose tenant column is NULL before the backfill",
};

impl Invariant for Idempotent {
    fn spec(&self) -> &'static InvariantSpec {
        &IDEMPOTENT
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_backfill(scene)
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        backfills(scene)
            .into_iter()
            .flat_map(|s| [contents(s.before())].into_iter().chain(again::plan(s)))
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in backfills(scene) {
            let exercised: BTreeSet<WorldId> =
                waiting(scene, case, seen, step).into_values().flatten().collect();
            again::judge(scene, case, seen, step, &exercised, &mut judgement);
        }
        judgement
    }
}
