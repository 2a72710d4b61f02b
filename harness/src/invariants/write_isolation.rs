//! Declared writes change their own tenant's rows only.

use std::collections::{BTreeSet, HashSet};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, Impact, ParamSource};
use watertight_scenarios::schema::{IndexPart, Table, Unique};

use super::access_compatible::{in_use, sendings};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, about, contents};
use crate::explore::snapshot::{Change, Snapshot, diff};
use crate::explore::{Act, Binding, CaseData, Excursion, Observations, Scene, Seen, TableKey};

/// A write changes no row of another tenant, and adds none to it.
pub(super) struct WriteIsolation;

/// Values of other tenants that one path is sent with, at most.
const COLLISIONS_MAX: usize = 3;

static SPEC: InvariantSpec = InvariantSpec {
    id: "write-isolation",
    title: "A declared write changes its own tenant's rows only",
    rationale: "An upsert on a key without the tenant overwrites another customer's row when both use one value. A \
        default that names a tenant collects everybody's new rows. An UPDATE by a name that two tenants share changes \
        both.",
    example: "INSERT INTO contact (tenant_id, email, name) … ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name",
    remedy: "Put the tenant into the statement's condition and into the key that ON CONFLICT names; let no column \
        default to a tenant.",
    exercise: "write paths, and two tenants with rows in the tables that they write",
};

fn is_write(scene: &Scene, binding: &Binding) -> bool {
    scene.scenario.access[binding.access.0].kind == AccessKind::Write
}

/// Each write path once at each checkpoint at which it is in use.
pub(super) fn writes(scene: &Scene, case: &CaseData) -> Vec<(Checkpoint, Binding)> {
    let mut known: BTreeSet<(Checkpoint, AccessId)> = BTreeSet::new();
    let mut found = sendings(scene, case);
    found.retain(|(at, b)| case.deep && is_write(scene, b) && known.insert((*at, b.access)));
    found
}

/// A path sent with a value that another tenant has in a key without the tenant.
pub(super) struct Collision {
    pub(super) at: Checkpoint,
    /// As it is sent otherwise.
    pub(super) plain: Binding,
    /// With the other tenant's value.
    pub(super) binding: Binding,
    /// The table and column that the value is from.
    pub(super) column: String,
}

/// Write paths with fresh values replaced by what another tenant has in a unique column.
pub(super) fn collisions(scene: &Scene, case: &CaseData) -> Vec<Collision> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    for (access, path) in scene.scenario.access.iter().enumerate().map(|(i, p)| (AccessId(i), p)) {
        let Some(world) = case.sample(1, access.0 as u64).first().copied() else { continue };
        let Some(at) = scene.checkpoints().filter(|c| in_use(scene, access, *c)).last() else { continue };
        if path.kind != AccessKind::Write {
            continue;
        }
        let Some(plain) = case.bind(scene, access, world) else { continue };
        let fresh = path.params.iter().filter_map(|(name, source)| match source {
            ParamSource::Fresh(ty) => Some((name, ty)),
            _ => None,
        });
        let mut sent = 0;
        for (name, ty) in fresh {
            for (key, tenant) in scene.tenant_tables(at).into_iter().filter(|(k, _)| k.0 == path.database) {
                let (Some(table), Some(data)) = (scene.table(at, &key), case.table(key.0, &key.1)) else {
                    continue;
                };
                for column in open_columns(table, &tenant) {
                    let fits = table
                        .column(column)
                        .is_some_and(|c| &c.ty.name == ty || is_text(ty) && is_text(&c.ty.name));
                    let position = data.columns.iter().position(|c| c == column).filter(|_| fits);
                    let theirs = position.and_then(|i| {
                        let others = data
                            .rows
                            .iter()
                            .filter(|r| r.world.is_some_and(|w| w != world && !case.tenants(w).is_empty()));
                        others.filter_map(|r| r.values[i].as_deref()).find(|v| {
                            data.rows
                                .iter()
                                .all(|r| r.world != Some(world) || r.values[i].as_deref() != Some(*v))
                        })
                    });
                    let binding = theirs.and_then(|v| case.bind_with(scene, access, world, Some((name, v))));
                    if let Some(binding) = binding.filter(|_| sent < COLLISIONS_MAX) {
                        sent += 1;
                        let column = format!("{}.{column}", key.1);
                        found.push(Collision { at, plain: plain.clone(), binding, column });
                    }
                }
            }
        }
    }
    found
}

/// Columns of unique keys without the tenant, that are neither references nor the primary key.
pub(super) fn open_columns<'a>(table: &'a Table, tenant: &Ident) -> Vec<&'a Ident> {
    let refers = |c| table.foreign_keys.iter().any(|fk| fk.columns.contains(c));
    let named = |u: &'a Unique| -> Vec<&'a Ident> {
        let text: String = u
            .parts
            .iter()
            .map(|p| match p {
                IndexPart::Column(c) => format!("\u{1}{c}\u{1}"),
                IndexPart::Expression(e) => e.clone(),
            })
            .collect();
        let stands = |c: &Ident| {
            let words = text.split(|ch: char| !ch.is_alphanumeric() && ch != '_');
            words.into_iter().any(|w| w == c.as_str())
        };
        table.columns.iter().map(|c| &c.name).filter(|c| stands(c)).collect()
    };
    let mut found = Vec::new();
    for columns in table.uniques.iter().map(named) {
        let open = !columns.contains(&tenant) && !columns.iter().any(|c| refers(c));
        found.extend(columns.into_iter().filter(|_| open));
    }
    found
}

fn is_text(ty: &str) -> bool {
    ty == "text" || ty.starts_with("varchar") || ty.starts_with("character varying") || ty == "citext"
}

pub(super) fn sent(at: Checkpoint, binding: &Binding) -> Excursion {
    Excursion { from: at, acts: vec![Act::Send(binding.clone()), Act::Snapshot] }
}

impl Invariant for WriteIsolation {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if scene.scenario.access.iter().all(|p| p.kind != AccessKind::Write) {
            return Err("the scenario declares no write path".to_owned());
        }
        Ok(())
    }
    fn sends_paths(&self) -> bool {
        true
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let plain = writes(scene, case).into_iter().map(|(at, b)| (at, sent(at, &b)));
        let meeting = collisions(scene, case).into_iter().map(|c| (c.at, sent(c.at, &c.binding)));
        plain.chain(meeting).flat_map(|(at, e)| [contents(at), e]).collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (at, binding) in writes(scene, case) {
            judge_one(scene, case, seen, at, &binding, "writes-foreign", &mut judgement);
        }
        for one in collisions(scene, case) {
            judge_one(scene, case, seen, one.at, &one.binding, "overwrites-foreign", &mut judgement);
        }
        judgement
    }
}

/// Tenants that the generator does not know and that are a world's: steps made them for its rows, or the write itself
/// did, for nobody else's.
fn made_for(
    scene: &Scene,
    case: &CaseData,
    world: WorldId,
    before: &Snapshot,
    after: &Snapshot,
) -> BTreeSet<String> {
    let tenants = &scene.scenario.tenancy.tenants;
    let mut made = BTreeSet::new();
    let Some(column) = scene.tenant_key() else { return made };
    for (key, table) in after.tables.iter().filter(|(key, _)| key.1 == *tenants) {
        let stood: HashSet<&str> = before
            .tables
            .get(key)
            .into_iter()
            .flat_map(|t| t.rows.iter().filter_map(|row| t.cell(row, &column)))
            .collect();
        for row in &table.rows {
            let Some(tenant) = table.cell(row, &column).filter(|t| case.world_of_tenant(t).is_none()) else {
                continue;
            };
            let is_own = match case.world_of(scene, key, table, row) {
                Some(of) => of == world,
                None => !stood.contains(tenant),
            };
            if is_own {
                made.insert(tenant.to_owned());
            }
        }
    }
    made
}

fn judge_one(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    at: Checkpoint,
    binding: &Binding,
    code: &'static str,
    judgement: &mut Judgement,
) {
    let witness = sent(at, binding);
    let alive = seen.alive(at);
    let done = matches!(seen.seen(at, &witness.acts[..1]), Some(Seen::Done(_)));
    let (Some(before), Some(after)) = (seen.contents(at), seen.snapshot(at, &witness.acts)) else { return };
    if !done || !alive.contains(&binding.world) {
        return;
    }
    // Sent without a context, a write may be for any tenant of its world.
    let mut entitled: BTreeSet<String> = case.tenants(binding.world).iter().cloned().collect();
    entitled.extend(binding.context.iter().flat_map(|c| c.tenants.iter().cloned()));
    entitled.extend(made_for(scene, case, binding.world, before, after));
    let (mut own, mut others, mut touched): (usize, BTreeSet<String>, BTreeSet<&TableKey>) =
        Default::default();
    for change in diff(before, after) {
        let side = if change.before.is_some() { before } else { after };
        let (Some(table), Some(row)) = (side.tables.get(change.table), change.before.or(change.after)) else {
            continue;
        };
        let owners = case.owners(scene, at, change.table, table, row);
        if !owners.is_empty() && owners.is_disjoint(&entitled) {
            others.extend(owners);
            touched.insert(change.table);
        } else if change.change != Change::Rewritten || !owners.is_empty() {
            own += 1;
        }
    }
    if own > 0 && alive.len() > 1 {
        judgement.exercised.insert(binding.world);
    }
    if others.is_empty() {
        return;
    }
    judgement.exercised.insert(binding.world);
    let path = &scene.scenario.access[binding.access.0];
    let tables: Vec<String> = touched.iter().map(|k| k.1.to_string()).collect();
    let how = match code {
        "overwrites-foreign" => ", with a value that another tenant has,",
        _ => "",
    };
    judgement.violated(Violation {
        key: ViolationKey { step: None, code, subject: path.name.clone() },
        worlds: case.worlds_of(others.iter()).into_iter().chain([binding.world]).collect(),
        severity: match path.impact {
            Impact::Production => Severity::Critical,
            Impact::Development => Severity::Low,
        },
        title: format!("“{}” writes another tenant's rows", path.name),
        message: format!(
            "Sent for one tenant{how} “{}” writes rows of another one in {}.",
            path.name,
            tables.join(", ")
        ),
        cause: "Neither the statement's condition nor the key that it meets has the tenant in it.".to_owned(),
        remedy: String::new(),
        tables,
        place: path.source.clone().map(|s| (s, None)),
        witness,
    });
}
