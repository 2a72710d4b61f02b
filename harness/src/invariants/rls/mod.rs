//! Row security: what each role reaches, tried on every relation and function that the catalogs say it can reach.
//!
//! Nothing is declared. A table is *protected* when it has row security, had it at an earlier checkpoint, or carries
//! the tenant in a database where any table has or had it: so a table that forgot ENABLE beside its siblings is a
//! subject, and a scenario without row security has none. Shared tables are not protected; the tenants' own table is
//! only where it has or had row security itself. Views, materialized views and functions are subjects wherever row
//! security is in force: what they show is judged by whose the values are.

mod attack;
mod created;
mod definer;
mod deny;
mod posture;
mod read;
mod routine;
pub(super) mod shown;
mod write;

use std::collections::BTreeSet;

pub(super) use deny::DefaultDeny;
pub(super) use posture::Posture;
pub(super) use read::Read;
pub(super) use write::Write;

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{AppRole, Checkpoint, DatabaseId, Platform, StepId, StepKind};
use watertight_scenarios::schema::{Policy, Table};
use watertight_scenarios::{Ident, Relation, Script};

use crate::catalog::reach::{Callable, Kind, Reachable};
use crate::explore::{Act, Actor, CaseData, Context, Excursion, Scene, Statement, TableKey};

/// A relation that a role reaches.
pub(super) struct Subject<'a> {
    pub(super) database: DatabaseId,
    pub(super) reach: &'a Reachable,
    /// The table that holds the rows; `None` for views.
    pub(super) root: Option<TableKey>,
}

impl Subject<'_> {
    pub(super) fn relation(&self) -> &Relation {
        &self.reach.relation
    }
}

/// Roles that row security has to hold back. A role that the scenario gives BYPASSRLS, and no tenant context, is
/// meant to see everything.
pub(super) fn roles(scene: &Scene) -> impl Iterator<Item = &AppRole> {
    scene.scenario.roles.app.iter().filter(|r| r.tenant_context.is_some() || !r.bypass_rls)
}

/// Whether any table of the database has row security at the checkpoint, or had it before.
fn in_force(scene: &Scene, at: Checkpoint, database: DatabaseId) -> bool {
    let secured = |t: &Table| t.row_security.enabled && !scene.is_platform(&t.name);
    let until = scene.schemas.iter().take(at.0 + 1);
    until.filter_map(|s| s.get(database.0)).any(|s| s.tables.iter().any(secured))
}

/// Whether a table is to keep tenants apart by row security.
fn protected(scene: &Scene, at: Checkpoint, key: &TableKey) -> bool {
    let tenancy = &scene.scenario.tenancy;
    if tenancy.shared.contains(&key.1) || scene.is_platform(&key.1) || scene.table(at, key).is_none() {
        return false;
    }
    let had = (0..=at.0).any(|c| scene.table(Checkpoint(c), key).is_some_and(|t| t.row_security.enabled));
    had || scene.tenant_column(at, key).is_some() && in_force(scene, at, key.0)
}

/// The table that a partition's rows are read under.
fn root(scene: &Scene, at: Checkpoint, database: DatabaseId, relation: &Relation) -> Option<TableKey> {
    let mut key = (database, relation.clone());
    while let Some(part) = &scene.table(at, &key)?.partition_of {
        key.1 = part.parent.clone();
    }
    Some(key)
}

/// Relations that a role reaches at a checkpoint, and that could show it rows of tenants.
pub(super) fn subjects<'a>(scene: &'a Scene, at: Checkpoint, role: &AppRole) -> Vec<Subject<'a>> {
    let databases = scene.reach.get(at.0).map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    for (database, reach) in databases.iter().enumerate().map(|(i, r)| (DatabaseId(i), r)) {
        if !in_force(scene, at, database) {
            continue;
        }
        for reach in reach.relations.iter().filter(|r| r.role == role.name && !scene.is_platform(&r.relation))
        {
            let root = root(scene, at, database, &reach.relation);
            let counts = match (&root, reach.kind) {
                (Some(root), Kind::Table) => protected(scene, at, root) && !meant_for(scene, at, root, role),
                (None, Kind::View | Kind::Materialized) => true,
                _ => false,
            };
            if counts {
                found.push(Subject { database, reach, root });
            }
        }
    }
    found
}

/// Functions that a role can call where row security is in force.
fn callables<'a>(scene: &'a Scene, at: Checkpoint, role: &AppRole) -> Vec<(DatabaseId, &'a Callable)> {
    let databases = scene.reach.get(at.0).map(Vec::as_slice).unwrap_or_default();
    let databases = databases.iter().enumerate().map(|(i, r)| (DatabaseId(i), r));
    databases
        .filter(|(database, _)| in_force(scene, at, *database))
        .flat_map(|(database, reach)| reach.functions.iter().map(move |f| (database, f)))
        .filter(|(_, f)| f.role == role.name && !scene.is_platform(&f.name))
        .collect()
}

/// Whether a policy names a role that tells nobody for whom it works: then it is the policy's will what it sees.
fn meant_for(scene: &Scene, at: Checkpoint, key: &TableKey, role: &AppRole) -> bool {
    role.tenant_context.is_none()
        && scene.table(at, key).is_some_and(|t| t.policies.iter().any(|p| p.roles.contains(&role.name)))
}

/// Why there is nothing to try, if so.
pub(super) fn applies(scene: &Scene, mut role_counts: impl FnMut(&AppRole) -> bool) -> Result<(), String> {
    let databases = (0..scene.scenario.databases.len()).map(DatabaseId);
    if !databases.into_iter().any(|d| in_force(scene, scene.last(), d)) {
        return Err("no table has row security: the application keeps its tenants apart by itself".to_owned());
    }
    let reached = |role: &AppRole| scene.checkpoints().any(|at| !subjects(scene, at, role).is_empty());
    if !roles(scene).any(|r| role_counts(r) && reached(r)) {
        return Err(
            "no application role that row security has to hold back reaches a protected table".to_owned()
        );
    }
    Ok(())
}

/// Worlds that probe in a case: with every tenant of the case, in the end.
fn probers(case: &CaseData, salt: u64) -> Vec<WorldId> {
    case.sample(if case.deep { 2 } else { 1 }, salt)
}

/// The world that writes a relation: one that has rows there, if one of a few does.
fn prober(case: &CaseData, subject: &Subject<'_>, salt: u64) -> Option<WorldId> {
    let worlds = case.sample(4, salt);
    let data = subject.root.as_ref().and_then(|r| case.table(r.0, &r.1));
    let has_rows = |w: &WorldId| data.is_some_and(|d| d.rows.iter().any(|r| r.world == Some(*w)));
    worlds.iter().copied().find(has_rows).or(worlds.first().copied())
}

/// A statement of a role.
pub(super) fn ask(database: DatabaseId, role: &AppRole, context: Option<&Context>, sql: String) -> Act {
    let actor = Actor::App { role: role.name.clone(), context: context.cloned() };
    Act::Sql(Statement { database, actor, sql })
}

pub(super) fn from(at: Checkpoint, act: Act) -> Excursion {
    Excursion { from: at, acts: vec![act] }
}

/// The step that last changed what the catalogs say of a relation's protection, or made it one to be protected;
/// `None` for the baseline.
fn since(scene: &Scene, at: Checkpoint, relation: &Relation) -> Option<StepId> {
    let label = format!("{}.{}", relation.schema, relation.name);
    let about = |c: usize| -> BTreeSet<(&str, &str, &str)> {
        let lines = scene.prints.get(c).into_iter().flatten();
        let mut found = BTreeSet::new();
        for ((kind, object), definition) in lines {
            let rest = object.strip_prefix(&label);
            if rest.is_some_and(|r| r.is_empty() || r.starts_with(' '))
                && !matches!(kind.as_str(), "index" | "constraint" | "trigger")
            {
                // FORCE without ENABLE is nothing.
                let definition = if definition.starts_with("disabled") { "disabled" } else { definition };
                found.insert((kind.as_str(), object.as_str(), definition));
            }
        }
        found
    };
    let databases = || (0..scene.scenario.databases.len()).map(DatabaseId);
    let covered = |c: usize| {
        let at = Checkpoint(c);
        databases().any(|d| root(scene, at, d, relation).is_some_and(|key| protected(scene, at, &key)))
    };
    let changed = |c: &usize| about(*c) != about(c - 1) || covered(*c) && !covered(c - 1);
    (1..=at.0).rev().find(changed).map(|c| StepId(c - 1))
}

/// Whether what hardly depends on data is asked again at a checkpoint: the relation's protection changed, row
/// security came into force, or a backfill moved rows.
fn is_due(scene: &Scene, at: Checkpoint, subject: &Subject<'_>) -> bool {
    let Some(step) = at.0.checked_sub(1).map(StepId) else { return true };
    !in_force(scene, step.before(), subject.database)
        || since(scene, at, subject.relation()) == Some(step)
        || scene.step(step).kind == StepKind::Backfill
}

/// The last statement of a step that names the relation.
fn place(scene: &Scene, step: Option<StepId>, relation: &Relation) -> Option<(String, Option<u32>)> {
    let names = |script: &Script| {
        let statements = script.statements.iter();
        statements.filter(|s| script.sql(s).contains(relation.name.as_str())).map(|s| s.line).next_back()
    };
    match step {
        Some(step) => {
            let script = &scene.step(step).up;
            let line = names(script).or(script.statements.first().map(|s| s.line));
            Some((script.path.clone(), line))
        }
        None => {
            let baseline = scene.scenario.databases.iter().flat_map(|d| &d.baseline);
            baseline.filter_map(|script| Some((script.path.clone(), Some(names(script)?)))).next_back()
        }
    }
}

/// Whether policies decide at all what a role sees and writes of a relation.
fn is_guarded(scene: &Scene, at: Checkpoint, subject: &Subject<'_>, role: &AppRole) -> bool {
    let table = scene.table(at, &(subject.database, subject.relation().clone()));
    table.is_some_and(|t| {
        let spared = t.owner == role.name || role.member_of.contains(&t.owner);
        t.row_security.enabled && !subject.reach.bypass && (t.row_security.forced || !spared)
    })
}

/// Whether any policy lets a role do anything of a command.
fn is_permitted(scene: &Scene, at: Checkpoint, subject: &Subject<'_>, role: &AppRole, command: &str) -> bool {
    let table = scene.table(at, &(subject.database, subject.relation().clone()));
    table.is_none_or(|t| {
        let applies = |p: &Policy| {
            let named = |r: &Ident| r.as_str() == "public" || *r == role.name || role.member_of.contains(r);
            p.permissive && (p.command == "ALL" || p.command == command) && p.roles.iter().any(named)
        };
        !t.row_security.enabled || t.policies.iter().any(applies)
    })
}

/// Why a relation gives a role what it should not have, as far as the catalogs tell.
fn cause(scene: &Scene, at: Checkpoint, subject: &Subject<'_>, role: &AppRole, command: &str) -> String {
    let relation = subject.relation();
    if subject.reach.bypass {
        return format!("{} has BYPASSRLS: row security does not apply to it.", role.name);
    }
    let schema = scene.schemas.get(at.0).and_then(|s| s.get(subject.database.0));
    if let Some(view) = schema.and_then(|s| s.views.iter().find(|v| &v.name == relation)) {
        return if view.materialized {
            format!("{relation} is a materialized view: row security does not apply to it.")
        } else if view.options.iter().any(|o| o == "security_invoker=true" || o == "security_invoker=on") {
            "The tables below the view let the rows through.".to_owned()
        } else {
            format!("{relation} reads its tables with the rights of its owner, {}.", view.owner)
        };
    }
    let Some(table) = schema.and_then(|s| s.table(relation)) else { return String::new() };
    if !table.row_security.enabled {
        return match table.partition_of {
            Some(_) => format!(
                "{relation} is a partition without row security of its own: that of its parent does not apply to it."
            ),
            None => format!("Row security is not enabled on {relation}."),
        };
    }
    let owns = table.owner == role.name || role.member_of.contains(&table.owner);
    if owns && !table.row_security.forced {
        return format!(
            "{} has the rights of the owner of {relation}, whom row security spares without FORCE.",
            role.name
        );
    }
    let applied =
        table.policies.iter().filter(|p| p.permissive && (p.command == "ALL" || p.command == command));
    let told: Vec<String> = applied
        .map(|p| match (&p.using, &p.with_check) {
            (_, Some(check)) if command == "INSERT" => format!("{} WITH CHECK ({check})", p.name),
            (Some(using), Some(check)) => format!("{} USING ({using}) WITH CHECK ({check})", p.name),
            (Some(using), None) => format!("{} USING ({using})", p.name),
            (None, Some(check)) => format!("{} WITH CHECK ({check})", p.name),
            (None, None) => p.name.to_string(),
        })
        .collect();
    format!("Its policies let the row through: {}.", told.join("; "))
}

/// Whether a role's statements come through a gateway that sends nothing but SELECT, INSERT, UPDATE, DELETE and calls.
fn is_behind_gateway(scene: &Scene, database: DatabaseId, role: &AppRole) -> bool {
    scene.scenario.databases[database.0].platform == Platform::Supabase
        && matches!(role.name.as_str(), "anon" | "authenticated")
}
