//! The backfill reaches every row, and its second run none.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{Checkpoint, NullTenant, StepId, StepKind};
use watertight_scenarios::script::Write;

use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, again, backfill_since, contents};
use crate::explore::snapshot::diff;
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

/// Steps that fill tenant columns and that the run over empty tables reached: backfills, and migrations that fill on
/// their way.
fn fillers(scene: &Scene) -> Vec<StepId> {
    let reached = |s: &StepId| s.after() <= scene.last();
    scene.steps().filter(|(_, s)| s.fills).map(|(id, _)| id).filter(reached).collect()
}

/// The reason for an invariant of what is filled not to apply.
pub(super) fn has_filler(scene: &Scene) -> Result<(), String> {
    if fillers(scene).is_empty() { Err("no step fills tenant columns".to_owned()) } else { Ok(()) }
}

/// Steps after which every row should have its tenant: the last that fills before one that does not.
pub(super) fn final_backfills(scene: &Scene) -> Vec<StepId> {
    let all = fillers(scene);
    all.iter().copied().filter(|s| !all.contains(&StepId(s.0 + 1))).collect()
}

/// Which steps fill which tables, as far as the words of their scripts tell.
pub(super) struct Filled(BTreeMap<StepId, Vec<Write>>);

impl Filled {
    pub(super) fn of(scene: &Scene) -> Self {
        let shape = |s: StepId| (s, scene.step(s).up.shape().writes);
        Self(fillers(scene).into_iter().map(shape).collect())
    }

    /// Whether a table should be filled after the run of steps that ends with `last`, and not only later, or never: a
    /// table that no script names is nobody's to fill if it came with its column and others are named.
    pub(super) fn is_due(&self, scene: &Scene, last: StepId, key: &TableKey, column: &Ident) -> bool {
        let fills = |w: &Write, name: Option<&Ident>| {
            !w.adds && name.is_none_or(|n| w.table.name == *n) && w.columns.contains(column)
        };
        let fill = |writes: &Vec<Write>, name| writes.iter().any(|w| fills(w, name));
        let name = Some(&key.1.name);
        let mut run = self.0.range(first_of_run(scene, last)..=last);
        if run.any(|(_, writes)| fill(writes, name)) {
            return true;
        }
        let added = scene.tenant_column(Checkpoint(0), key).is_none();
        let named = self.0.values().any(|writes| fill(writes, name));
        !named && (added || !self.0.values().any(|writes| fill(writes, None)))
    }
}

/// Whether a step fills the column, as far as the scripts tell.
pub(super) fn is_filled(scene: &Scene, key: &TableKey, column: &Ident) -> bool {
    let filled = Filled::of(scene);
    final_backfills(scene).into_iter().any(|last| filled.is_due(scene, last, key, column))
}

/// The checkpoint before the last steps that fill.
pub(super) fn filled_before(scene: &Scene) -> Option<Checkpoint> {
    final_backfills(scene).last().map(|last| first_of_run(scene, *last).before())
}

/// First step of the run of those that fill and that ends with `last`.
pub(super) fn first_of_run(scene: &Scene, last: StepId) -> StepId {
    let mut first = last;
    while first.0 > 0 && scene.step(StepId(first.0 - 1)).fills {
        first = StepId(first.0 - 1);
    }
    first
}

/// Worlds with a row that lacks its tenant, or the column for it, just before the step and that the steps up to `last`
/// did not lose, by table.
fn waiting(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
    last: StepId,
) -> BTreeMap<TableKey, BTreeSet<WorldId>> {
    let mut found: BTreeMap<TableKey, BTreeSet<WorldId>> = BTreeMap::new();
    let Some(before) = seen.contents(step.before()) else { return found };
    let alive = seen.alive(step.after());
    for (key, column) in scene.tenant_tables(last.after()) {
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

/// Worlds whose rows the step changed or added on the timeline.
fn touched(scene: &Scene, case: &CaseData, seen: &Observations, step: StepId) -> BTreeSet<WorldId> {
    let (Some(before), Some(after)) = (seen.contents(step.before()), seen.contents(step.after())) else {
        return BTreeSet::new();
    };
    let alive = seen.alive(step.after());
    diff(before, after)
        .into_iter()
        .filter_map(|change| {
            case.world_of(scene, change.table, after.tables.get(change.table)?, change.after?)
        })
        .filter(|world| alive.contains(world))
        .collect()
}

/// Worlds for which the step did something, or had something to do.
pub(super) fn moved(scene: &Scene, case: &CaseData, seen: &Observations, step: StepId) -> BTreeSet<WorldId> {
    let mut worlds = touched(scene, case, seen, step);
    worlds.extend(waiting(scene, case, seen, step, step).into_values().flatten());
    worlds
}

/// Whether some row can lack its tenant, or the column for it, when a backfill begins.
fn may_lack(scene: &Scene) -> bool {
    final_backfills(scene).into_iter().any(|last| {
        let at = first_of_run(scene, last).before();
        let lacks = |(key, column): &(TableKey, Ident)| {
            scene.table(at, key).is_some_and(|t| t.column(column).is_none_or(|c| !c.not_null))
        };
        scene.tenant_tables(last.after()).iter().any(lacks)
    })
}

static COMPLETE: InvariantSpec = InvariantSpec {
    id: "backfill-complete",
    title: "After the backfill no row lacks its tenant",
    rationale: "A row that is left without a tenant disappears from every query that filters by tenant, and stops \
        the NOT NULL step. Under FORCE ROW LEVEL SECURITY a backfill may see no row, change none, and report success.",
    example: "ALTER TABLE item FORCE ROW LEVEL SECURITY; then UPDATE item SET tenant_id = … as the owner: UPDATE 0.",
    remedy: "Make the backfill reach every row: follow the owner of each row, and run it as a role that row security \
        does not hide rows from, or switch row security off for the step.",
    exercise: "rows whose tenant column is NULL before the backfill; a write path in use behind it, where a trigger or \
        default comes later still",
};

impl Invariant for Complete {
    fn spec(&self) -> &'static InvariantSpec {
        &COMPLETE
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_filler(scene)?;
        if may_lack(scene) {
            Ok(())
        } else {
            Err("no row can lack its tenant when a backfill begins".to_owned())
        }
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let around = |s: StepId| [contents(first_of_run(scene, s).before()), contents(s.after())];
        let filled = final_backfills(scene).into_iter().flat_map(around);
        filled.chain(backfill_since::plan(scene, case)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        if scene.scenario.tenancy.null_tenant != NullTenant::Shared {
            backfill_since::judge(scene, case, seen, &mut judgement);
        }
        let filled = Filled::of(scene);
        for step in final_backfills(scene) {
            let waiting = waiting(scene, case, seen, first_of_run(scene, step), step);
            let Some(after) = seen.contents(step.after()) else { continue };
            let alive = seen.alive(step.after());
            for (key, column) in scene.tenant_tables(step.after()) {
                if !filled.is_due(scene, step, &key, &column) {
                    continue;
                }
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
    exercise: "rows that the backfill fills or adds",
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
            let exercised = moved(scene, case, seen, step);
            again::judge(scene, case, seen, step, &exercised, &mut judgement);
        }
        judgement
    }
}
