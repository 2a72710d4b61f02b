//! No foreign key joins rows of two tenants, and the schema would not accept one that did.

use std::collections::{BTreeSet, HashMap, HashSet};

use watertight_generators::WorldId;
use watertight_reports::{Expects, Severity};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, Impact, StepId};
use watertight_scenarios::schema::ForeignKey;

use super::write_isolation::{sent, writes};
use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, about, contents};
use crate::db::session::{Answer, TextRow};
use crate::explore::snapshot::SnapRow;
use crate::explore::{
    Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Seen, Snapshot, Statement, TableKey,
    TableRows,
};

/// Rows that are joined belong to one tenant.
pub(super) struct TenantCoherence;

static SPEC: InvariantSpec = InvariantSpec {
    id: "tenant-coherence",
    title: "No foreign key joins rows of two tenants, nor would the schema accept one that did",
    rationale: "A foreign key without the tenant lets a row point at another tenant's row: it is read through joins, \
        deleted by a cascade, and told by an error.",
    example: "message (tenant_id 1) → conversation (tenant_id 2), with a foreign key on conversation_id alone",
    remedy: "Make the foreign key composite, (tenant_id, other_id) → (tenant_id, id), with a unique key on the target, \
        or keep the rows together by a trigger.",
    exercise: "foreign keys between tables with a tenant column",
};

/// A foreign key between two tables with a tenant.
pub(super) struct Join {
    pub(super) child: TableKey,
    pub(super) child_tenant: Ident,
    pub(super) parent: TableKey,
    pub(super) parent_tenant: Ident,
    pub(super) key: ForeignKey,
}

impl Join {
    pub(super) fn name(&self) -> String {
        let columns: Vec<&str> = self.key.columns.iter().map(Ident::as_str).collect();
        format!("{}.{} → {}", self.child.1, columns.join(", "), self.parent.1)
    }
}

pub(super) fn joins(scene: &Scene, at: Checkpoint) -> Vec<Join> {
    let tables = scene.tenant_tables(at);
    let mut found = Vec::new();
    for (child, child_tenant) in &tables {
        let Some(table) = scene.table(at, child) else { continue };
        for key in &table.foreign_keys {
            let target = (child.0, key.target.clone());
            if let Some((parent, parent_tenant)) = tables.iter().find(|(k, _)| *k == target) {
                found.push(Join {
                    child: child.clone(),
                    child_tenant: child_tenant.clone(),
                    parent: parent.clone(),
                    parent_tenant: parent_tenant.clone(),
                    key: key.clone(),
                });
            }
        }
    }
    found
}

/// A row of one tenant made to point at a row of another.
pub(super) struct Attack {
    join: Join,
    pub(super) world: WorldId,
    pub(super) other: WorldId,
    pub(super) act: Act,
}

impl Attack {
    pub(super) fn name(&self) -> String {
        self.join.name()
    }

    /// Whether the server took it: the row is there as `answer` shows it, behind whatever a trigger made of it, and
    /// points at a row of another tenant than its own.
    pub(super) fn crossed(&self, contents: &Snapshot, answer: &Answer) -> bool {
        let Some(parent) = contents.tables.get(&self.join.parent) else { return false };
        answer.rows.iter().any(|row| {
            let Some((ours, reference)) = row.split_first() else { return false };
            let is_target = |r: &&SnapRow| {
                let columns = self.join.key.target_columns.iter();
                columns
                    .zip(reference)
                    .all(|(c, value)| value.is_some() && parent.cell(r, c) == value.as_deref())
            };
            let target = parent.rows.iter().find(is_target);
            target.is_some_and(|r| parent.cell(r, &self.join.parent_tenant) != ours.as_deref())
        })
    }
}

pub(super) fn attacks(scene: &Scene, case: &CaseData) -> Vec<Attack> {
    joins(scene, scene.last()).into_iter().filter_map(|j| attack(scene, case, j)).collect()
}

fn attack(scene: &Scene, case: &CaseData, join: Join) -> Option<Attack> {
    let rows = |key: &TableKey| {
        case.data.tables.iter().find(|t| (DatabaseId(t.database), &t.table) == (key.0, &key.1))
    };
    let (child, parent) = (rows(&join.child)?, rows(&join.parent)?);
    let identity = scene.table(scene.born(&join.child), &join.child)?.identity()?;
    let row = child.rows.iter().find(|r| r.world.is_some_and(|w| !case.tenants(w).is_empty()))?;
    let world = row.world?;
    let target =
        parent.rows.iter().find(|r| r.world.is_some_and(|w| w != world && !case.tenants(w).is_empty()))?;
    let cell = |data: &watertight_generators::TableData, row: &watertight_generators::Row, c: &Ident| {
        let at = data.columns.iter().position(|x| x == c)?;
        row.values[at].clone()
    };
    // A tenant column within the key stays as it is: that is what protects.
    let sets: Option<Vec<String>> = join
        .key
        .columns
        .iter()
        .zip(&join.key.target_columns)
        .filter(|(c, _)| **c != join.child_tenant)
        .map(|(c, t)| Some(format!("{} = {}", c.quoted(), quote_literal(&cell(parent, target, t)?))))
        .collect();
    let condition: Option<Vec<String>> = identity
        .iter()
        .map(|c| Some(format!("{} = {}", c.quoted(), quote_literal(&cell(child, row, c)?))))
        .collect();
    let sets = sets.filter(|s| !s.is_empty())?;
    let shown = [&join.child_tenant].into_iter().chain(&join.key.columns).map(Ident::quoted);
    let sql = format!(
        "UPDATE {} SET {} WHERE {} RETURNING {}",
        join.child.1.quoted(),
        sets.join(", "),
        condition?.join(" AND "),
        shown.collect::<Vec<_>>().join(", ")
    );
    let act = Act::Sql(Statement { database: join.child.0, actor: Actor::Writer, sql });
    Some(Attack { join, world, other: target.world?, act })
}

/// Writes where rows could be torn apart.
fn torn_by(scene: &Scene, case: &CaseData) -> Vec<(Checkpoint, Binding)> {
    let mut found = writes(scene, case);
    // What is so before the first step is the application's matter.
    found.retain(|(at, _)| at.0 > 0 && !joins(scene, *at).is_empty());
    found
}

impl Invariant for TenantCoherence {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if scene.checkpoints().all(|at| joins(scene, at).is_empty()) {
            return Err("no foreign key joins two tables with a tenant column".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted: Vec<Excursion> =
            scene.checkpoints().filter(|at| !joins(scene, *at).is_empty()).map(contents).collect();
        if case.deep {
            wanted.extend(
                attacks(scene, case).into_iter().map(|a| Excursion { from: scene.last(), acts: vec![a.act] }),
            );
        }
        wanted.extend(torn_by(scene, case).into_iter().map(|(at, binding)| sent(at, &binding)));
        wanted
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for at in scene.checkpoints() {
            for join in joins(scene, at) {
                judge_data(scene, case, seen, at, &join, &mut judgement);
            }
        }
        for write in torn_by(scene, case) {
            judge_write(scene, case, seen, &write, &mut judgement);
        }
        let at = scene.last();
        let alive = seen.alive(at);
        for attack in attacks(scene, case) {
            let witness = Excursion { from: at, acts: vec![attack.act.clone()] };
            let Some(outcome) = seen.seen(at, &witness.acts) else { continue };
            if !alive.contains(&attack.world) || !alive.contains(&attack.other) {
                continue;
            }
            let (accepted, answer) = match (outcome, seen.contents(at)) {
                (Seen::Done(done), Some(contents)) if done.answer.affected > 0 => {
                    match attack.crossed(contents, &done.answer) {
                        true => (true, "accepted".to_owned()),
                        false => (false, "accepted, and kept within a tenant".to_owned()),
                    }
                }
                (Seen::Refused(refusal), _) if refusal.failure.sql().is_some() => {
                    (false, refusal.failure.to_string())
                }
                _ => continue,
            };
            let (join, table) = (attack.name(), attack.join.child.1.to_string());
            judgement.exercised.insert(attack.world);
            judgement.probes.push(Probe {
                subject: format!("{join}: a row of another tenant is refused"),
                table: Some(table.clone()),
                passed: !accepted,
                sql: match &attack.act {
                    Act::Sql(s) => Some(s.sql.clone()),
                    _ => None,
                },
                answer: Some(answer),
                expects: Some(Expects::Refusal),
            });
            if accepted {
                judgement.violated(Violation {
                    key: ViolationKey { step: None, code: "schema-accepts", subject: join.clone() },
                    worlds: [attack.world, attack.other].into(),
                    severity: Severity::Medium,
                    title: format!("The schema accepts {join} across tenants"),
                    message: format!(
                        "A row of {table} can be made to point at a row of another tenant; the server accepts it."
                    ),
                    cause: "The foreign key does not include the tenant.".to_owned(),
                    remedy: String::new(),
                    tables: vec![table],
                    place: None,
                    witness,
                });
            }
        }
        judgement
    }
}

/// A row that is joined with one of another tenant.
struct Torn {
    row: TextRow,
    reference: TextRow,
    world: WorldId,
    ours: String,
    theirs: String,
}

/// Rows of a state that the key joins with another row: their worlds, and those whose tenants differ.
fn joined(
    scene: &Scene,
    case: &CaseData,
    contents: &Snapshot,
    join: &Join,
) -> (BTreeSet<WorldId>, Vec<Torn>) {
    let (mut worlds, mut torn) = (BTreeSet::new(), Vec::new());
    let (Some(child), Some(parent)) = (contents.tables.get(&join.child), contents.tables.get(&join.parent))
    else {
        return (worlds, torn);
    };
    let pick = |columns: &[Ident], table: &TableRows, row: &SnapRow| {
        columns.iter().map(|c| table.cell(row, c).map(str::to_owned)).collect::<TextRow>()
    };
    let targets: HashMap<TextRow, Option<&str>> = parent
        .rows
        .iter()
        .map(|r| (pick(&join.key.target_columns, parent, r), parent.cell(r, &join.parent_tenant)))
        .collect();
    for row in &child.rows {
        let reference = pick(&join.key.columns, child, row);
        let (Some(Some(theirs)), Some(ours)) = (targets.get(&reference), child.cell(row, &join.child_tenant))
        else {
            continue;
        };
        let Some(world) = case.world_of(scene, &join.child, child, row) else { continue };
        worlds.insert(world);
        if *theirs != ours {
            let (ours, theirs) = (ours.to_owned(), (*theirs).to_owned());
            torn.push(Torn { row: child.key(row), reference, world, ours, theirs });
        }
    }
    (worlds, torn)
}

fn judge_data(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    at: Checkpoint,
    join: &Join,
    judgement: &mut Judgement,
) {
    let Some(snapshot) = seen.contents(at) else { return };
    let (worlds, torn) = joined(scene, case, snapshot, join);
    judgement.exercised.extend(worlds);
    // What the data was before the first step is the application's matter, and what an earlier step brought is told of
    // that one.
    let Some(step) = at.0.checked_sub(1).map(StepId) else { return };
    let was_there = match seen.contents(step.before()) {
        Some(before) if joins(scene, step.before()).iter().any(|j| j.name() == join.name()) => {
            joined(scene, case, before, join).1
        }
        _ => Vec::new(),
    };
    let apart: HashSet<_> = was_there.iter().map(|t| (&t.reference, &t.ours, &t.theirs)).collect();
    for Torn { reference, world, ours, theirs, .. } in torn {
        if apart.contains(&(&reference, &ours, &theirs)) {
            continue;
        }
        judgement.violated(Violation {
            key: ViolationKey { step: Some(step), code: "joins-two", subject: join.name() },
            worlds: [world].into(),
            severity: Severity::High,
            title: format!("{} joins rows of two tenants", join.name()),
            message: format!(
                "A row of {} of tenant {ours} points at a row of tenant {theirs}.",
                join.child.1
            ),
            cause: "The two rows were given their tenants by different rules.".to_owned(),
            remedy: String::new(),
            tables: vec![join.child.1.to_string(), join.parent.1.to_string()],
            place: Some(scene.location(step, 0)),
            witness: contents(at),
        });
    }
}

/// A write of the application that gives a row another tenant, and not what hangs on it.
fn judge_write(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    (at, binding): &(Checkpoint, Binding),
    judgement: &mut Judgement,
) {
    let witness = sent(*at, binding);
    let (Some(before), Some(after)) = (seen.contents(*at), seen.snapshot(*at, &witness.acts)) else { return };
    if !seen.alive(*at).contains(&binding.world) {
        return;
    }
    for join in joins(scene, *at) {
        let (_, known) = joined(scene, case, before, &join);
        let known: BTreeSet<TextRow> = known.into_iter().map(|torn| torn.row).collect();
        let (worlds, torn) = joined(scene, case, after, &join);
        judgement.exercised.extend(worlds.contains(&binding.world).then_some(binding.world));
        let Some(first) = torn.into_iter().find(|torn| !known.contains(&torn.row)) else { continue };
        let path = &scene.scenario.access[binding.access.0];
        let (child, parent) = (&join.child.1, &join.parent.1);
        judgement.violated(Violation {
            key: ViolationKey { step: None, code: "write-tears", subject: path.name.clone() },
            worlds: [first.world, binding.world].into(),
            severity: match path.impact {
                Impact::Production => Severity::High,
                Impact::Development => Severity::Low,
            },
            title: format!("“{}” parts rows of {child} from what they hang on", path.name),
            message: format!(
                "After “{}” a row of {child} of tenant {} points at a row of {parent} of tenant {}.",
                path.name, first.ours, first.theirs
            ),
            cause: format!("The path gives a row of {parent} to another tenant, and nothing takes rows of {child} along."),
            remedy: "Let the foreign key carry the tenant, ON UPDATE CASCADE; or let the path move everything in one \
                transaction."
                .to_owned(),
            tables: vec![child.to_string(), parent.to_string()],
            place: path.source.as_ref().map(|s| super::access_compatible::split_place(s)),
            witness,
        });
        return;
    }
}
