//! Deleting a tenant takes all of its rows and none of another's.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::DatabaseId;

use super::tenant_coherence::{Attack, attacks};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, TableKey, diff};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, Statement};

/// A tenant goes with everything that is its own.
pub(super) struct TenantDelete;

static SPEC: InvariantSpec = InvariantSpec {
    id: "tenant-delete-contained",
    title: "Deleting a tenant takes all of its rows and none of another's",
    rationale: "A customer leaves and asks for its data to be gone. ON DELETE SET NULL leaves rows that are nobody's, a \
        missing foreign key leaves rows of a tenant that is not there, and a cascade along a key without the tenant \
        takes a neighbour's rows along.",
    example: "note.tenant_id without a foreign key: DELETE FROM tenant leaves its notes",
    remedy: "Reference the tenant from every table that carries it, ON DELETE CASCADE or RESTRICT, and put the tenant \
        into every foreign key between such tables.",
    exercise: "a tenant with rows in tables that carry the tenant, beside another one",
};

/// The database of the tenants: what a deletion there can reach.
fn home(scene: &Scene) -> Option<DatabaseId> {
    let table = &scene.scenario.tenancy.tenants;
    scene.schemas.last()?.iter().position(|schema| schema.table(table).is_some()).map(DatabaseId)
}

/// Tables, each with the column that carries the tenant.
type Carriers = Vec<(TableKey, Ident)>;

/// Tables that carry the tenant at the end: those beside the tenants, and those in other databases.
fn carriers(scene: &Scene) -> (Carriers, Carriers) {
    let home = home(scene);
    scene.tenant_tables(scene.last()).into_iter().partition(|(key, _)| Some(key.0) == home)
}

/// The tenant of a world is deleted, past row security; keys and triggers are in force.
fn deletion(scene: &Scene, case: &CaseData, world: WorldId) -> Option<(String, Act)> {
    let tenant = case.tenants(world).first()?.clone();
    let (table, key) = (&scene.scenario.tenancy.tenants, scene.tenant_key()?);
    let database = home(scene)?;
    let sql = format!("DELETE FROM {} WHERE {} = {}", table.quoted(), key.quoted(), quote_literal(&tenant));
    Some((tenant, Act::Sql(Statement { database, actor: Actor::Writer, sql })))
}

struct Deletion {
    world: WorldId,
    tenant: String,
    excursion: Excursion,
    /// A row of another tenant that points at one of this tenant's.
    crossing: Option<Attack>,
}

fn deletions(scene: &Scene, case: &CaseData) -> Vec<Deletion> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    let from = scene.last();
    // One that has rows, if one of a few does.
    let tables = carriers(scene).0;
    let data: Vec<_> = tables.iter().filter_map(|(key, _)| case.table(key.0, &key.1)).collect();
    let has_rows = |w: &WorldId| data.iter().any(|d| d.rows.iter().any(|r| r.world == Some(*w)));
    let worlds = case.sample(4, 29);
    let world = worlds.iter().copied().find(has_rows).or(worlds.first().copied());
    if let Some((world, (tenant, act))) = world.and_then(|w| Some((w, deletion(scene, case, w)?))) {
        let excursion = Excursion { from, acts: vec![act, Act::Snapshot] };
        found.push(Deletion { world, tenant, excursion, crossing: None });
    }
    for attack in attacks(scene, case) {
        if let Some((tenant, act)) = deletion(scene, case, attack.other) {
            let excursion = Excursion { from, acts: vec![attack.act.clone(), act, Act::Snapshot] };
            found.push(Deletion { world: attack.other, tenant, excursion, crossing: Some(attack) });
        }
    }
    found
}

impl Invariant for TenantDelete {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if carriers(scene).0.is_empty() {
            return Err("no table of the tenants' database carries the tenant".to_owned());
        }
        if scene.tenant_key().is_none() {
            return Err("the tenants' table has no single key column".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let asked = deletions(scene, case).into_iter().map(|d| d.excursion);
        asked.chain([contents(scene.last())]).collect()
    }
    fn not_exercised(&self, scene: &Scene, _probed: &BTreeSet<String>) -> Vec<String> {
        let apart = carriers(scene).1;
        let told = |(key, _): (TableKey, Ident)| {
            format!(
                "{} in another database than the tenants: no key reaches there, the application has to",
                key.1
            )
        };
        apart.into_iter().map(told).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        let at = scene.last();
        let (alive, Some(before)) = (seen.alive(at), seen.contents(at)) else { return judgement };
        let own: BTreeMap<_, _> = carriers(scene).0.into_iter().collect();
        for one in deletions(scene, case).into_iter().filter(|d| alive.contains(&d.world)) {
            let acts = &one.excursion.acts;
            let has_rows = own.iter().any(|(key, column)| {
                let table = before.tables.get(key);
                table.is_some_and(|t| t.rows.iter().any(|r| t.cell(r, column) == Some(one.tenant.as_str())))
            });
            let Some(outcome) = seen.seen(at, &acts[..acts.len() - 1]).filter(|_| has_rows) else { continue };
            if let Seen::Refused(refusal) = outcome {
                // Refused by a constraint: nothing is left behind, for nothing went.
                let constraint = refusal.failure.sql().is_some_and(|e| e.sqlstate.starts_with("23"));
                if constraint && one.crossing.is_none() {
                    judgement.exercised.insert(one.world);
                }
                continue;
            }
            let points_there = |attack: &Attack| {
                let done = seen.seen(at, &acts[..1]).and_then(Seen::done);
                done.is_some_and(|d| attack.crossed(before, &d.answer))
            };
            if !one.crossing.as_ref().is_none_or(points_there) {
                continue; // no cascade to follow
            }
            let Some(after) = seen.snapshot(at, acts) else { continue };
            judgement.exercised.insert(one.world);
            let changes = diff(before, after);
            if let Some(attack) = &one.crossing {
                judge_crossing(scene, case, &one, attack, &changes, &mut judgement);
                continue;
            }
            let mut gone: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
            for change in changes.iter().filter(|c| c.change == Change::Removed) {
                gone.entry(change.table).or_default().extend(change.before.map(|r| r.place.as_str()));
            }
            for (key, column) in &own {
                let Some(table) = before.tables.get(key) else { continue };
                let is_gone = |place: &str| gone.get(key).is_some_and(|g| g.contains(place));
                let left = table
                    .rows
                    .iter()
                    .filter(|r| table.cell(r, column) == Some(one.tenant.as_str()) && !is_gone(&r.place));
                let left = left.count();
                if left > 0 {
                    let message = format!(
                        "Tenant {} is deleted, and {left} of its rows stay in {}.",
                        one.tenant, key.1
                    );
                    judgement.violated(violation(
                        "leaves-rows",
                        key.1.to_string(),
                        Severity::High,
                        format!("Rows of {} outlive their tenant", key.1),
                        message,
                        "The column that carries the tenant does not refer to it, or is emptied when it goes.",
                        &one,
                    ));
                }
            }
            for change in &changes {
                let (Some(table), Some(row)) = (before.tables.get(change.table), change.before) else {
                    continue;
                };
                let owners = case.owners(scene, at, change.table, table, row);
                if !owners.is_empty() && !owners.contains(&one.tenant) && change.change != Change::Rewritten {
                    let name = change.table.1.to_string();
                    judgement.violated(violation(
                        "reaches-others",
                        name.clone(),
                        Severity::Critical,
                        format!("Deleting a tenant changes other tenants' rows of {name}"),
                        format!(
                            "Tenant {} is deleted, and rows of {name} of other tenants with it.",
                            one.tenant
                        ),
                        "A cascade or a trigger does not keep to the tenant.",
                        &one,
                    ));
                }
            }
        }
        judgement
    }
}

/// A row that was made to point at the tenant's row: it must not go, or lose anything, with it.
fn judge_crossing(
    scene: &Scene,
    case: &CaseData,
    one: &Deletion,
    attack: &Attack,
    changes: &[crate::explore::snapshot::RowChange<'_>],
    judgement: &mut Judgement,
) {
    let lost = changes.iter().find(|c| {
        let removed = c.change == Change::Removed;
        let id = c.before.map(|r| r.values.clone());
        removed
            && id.is_some_and(|values| {
                let tenant = scene.tenant_column(scene.last(), c.table);
                let victim: BTreeSet<&String> = case.tenants(attack.world).iter().collect();
                tenant.is_some() && values.iter().flatten().any(|v| victim.contains(v))
            })
    });
    if let Some(change) = lost {
        judgement.violated(violation(
            "cascade-crosses",
            attack.name(),
            Severity::High,
            format!("A cascade along {} crosses tenants", attack.name()),
            format!(
                "A row of {} that points at another tenant's row goes when that tenant is deleted.",
                change.table.1
            ),
            "The foreign key does not include the tenant, and deletes along.",
            one,
        ));
    }
}

fn violation(
    code: &'static str,
    subject: String,
    severity: Severity,
    title: String,
    message: String,
    cause: &str,
    one: &Deletion,
) -> Violation {
    let worlds = one.crossing.iter().map(|a| a.world).chain([one.world]).collect();
    Violation {
        key: ViolationKey { step: None, code, subject: subject.clone() },
        worlds,
        severity,
        title,
        message,
        cause: cause.to_owned(),
        remedy: String::new(),
        tables: vec![subject],
        place: None,
        witness: one.excursion.clone(),
    }
}
