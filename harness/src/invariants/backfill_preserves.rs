//! The backfill changes nothing but missing tenants.

use watertight_reports::Severity;
use watertight_scenarios::scenario::StepId;

use super::backfill::{backfills, has_backfill};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, RowChange, diff};
use crate::explore::{CaseData, Excursion, Observations, Scene, Snapshot};

/// Nothing else changes.
pub(super) struct Preserves;

static SPEC: InvariantSpec = InvariantSpec {
    id: "backfill-preserves",
    title: "The backfill changes nothing but missing tenants",
    rationale: "A backfill that touches rows which had a tenant already, other columns, or other tables destroys \
        data that no rollback brings back.",
    example: "UPDATE item SET tenant_id = owner(item) without WHERE tenant_id IS NULL, on rows moved to another tenant",
    remedy: "Fill only NULL tenant columns. What else the backfill has to write on purpose is declared in the step's \
        `writes`.",
    exercise: "rows before the backfill, some of which have their tenant already",
};

impl Invariant for Preserves {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_backfill(scene)
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        backfills(scene).into_iter().flat_map(|s| [contents(s.before()), contents(s.after())]).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in backfills(scene).into_iter().filter(|s| seen.passed(*s)) {
            let (Some(before), Some(after)) = (seen.contents(step.before()), seen.contents(step.after()))
            else {
                continue;
            };
            let alive = seen.alive(step.after());
            for (key, table) in &before.tables {
                let worlds = table.rows.iter().filter_map(|r| case.world_of(scene, key, table, r));
                judgement.exercised.extend(worlds.filter(|w| alive.contains(w)));
            }
            for change in diff(before, after) {
                let side = if change.before.is_some() { before } else { after };
                let world = side
                    .tables
                    .get(change.table)
                    .zip(change.before.or(change.after))
                    .and_then(|(table, row)| case.world_of(scene, change.table, table, row));
                if world.is_some_and(|w| !alive.contains(&w)) {
                    continue; // taken out of the case, not by the step
                }
                let Some((code, severity, message)) = fault(scene, step, before, &change) else { continue };
                let table = change.table.1.to_string();
                judgement.violated(Violation {
                    key: ViolationKey { step: Some(step), code, subject: table.clone() },
                    worlds: world.into_iter().collect(),
                    severity,
                    title: format!("`{}` writes to {table} more than missing tenants", scene.step(step).id),
                    message,
                    cause: "The write is neither a missing tenant nor declared in the step's `writes`."
                        .to_owned(),
                    remedy: String::new(),
                    tables: vec![table],
                    place: Some(scene.location(step, 0)),
                    witness: contents(step.after()),
                });
            }
        }
        judgement
    }
}

/// What is wrong with a change that a backfill made, if anything.
fn fault(
    scene: &Scene,
    step: StepId,
    before: &Snapshot,
    change: &RowChange<'_>,
) -> Option<(&'static str, Severity, String)> {
    let key = change.table;
    match &change.change {
        Change::Rewritten => None, // idempotence's matter
        Change::Added if scene.may_add(step, key) => None,
        Change::Added => Some(("adds", Severity::Medium, format!("The backfill adds rows to {}.", key.1))),
        Change::Removed => {
            Some(("removes", Severity::Critical, format!("The backfill removes rows of {}.", key.1)))
        }
        Change::Changed(columns) => {
            let table = before.tables.get(key)?;
            let tenant = scene.tenant_column(step.before(), key);
            let other: Vec<String> = columns
                .iter()
                .filter(|c| {
                    let filled = Some(*c) == tenant.as_ref()
                        && change.before.is_some_and(|r| table.cell(r, c).is_none());
                    !filled && !scene.may_write(step, &key.1, c)
                })
                .map(ToString::to_string)
                .collect();
            if other.is_empty() {
                return None;
            }
            let message = if tenant.is_some_and(|t| other.contains(&t.to_string())) {
                format!("The backfill changes the tenant of rows of {} that had one.", key.1)
            } else {
                format!("The backfill changes {}.{}.", key.1, other.join(", "))
            };
            Some(("changes", Severity::Critical, message))
        }
    }
}
