//! Calls of functions, with arguments that are the caller's own and with another tenant's.

use watertight_generators::WorldId;
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AppRole, Checkpoint, DatabaseId, StepId};

use super::{ask, callables, from, roles};
use crate::catalog::reach::Callable;
use crate::explore::{CaseData, Context, Excursion, Scene};

/// Functions called in one case at most.
const CALLS_MAX: usize = 24;

/// What people put before the names of arguments.
const PREFIXES: [&str; 5] = ["p_", "_", "in_", "arg_", "v_"];

/// A call of one function for one world.
pub(super) struct Call<'a> {
    pub(super) role: &'a AppRole,
    pub(super) callable: &'a Callable,
    pub(super) world: WorldId,
    pub(super) context: Context,
    pub(super) sql: String,
    pub(super) excursion: Excursion,
    at: Checkpoint,
}

impl Call<'_> {
    /// The step that last changed the function.
    pub(super) fn since(&self, scene: &Scene) -> Option<StepId> {
        let label = format!("{}.{}(", self.callable.name.schema, self.callable.name.name);
        let about = |c: usize| -> Vec<_> {
            let lines = scene.prints.get(c).into_iter().flatten();
            lines.filter(|((kind, object), _)| kind == "function" && object.starts_with(&label)).collect()
        };
        (1..=self.at.0).rev().find(|&c| about(c) != about(c - 1)).map(|c| StepId(c - 1))
    }
}

/// Calls of every function that a role reaches, in cases that ask what hardly depends on data.
pub(super) fn calls<'a>(scene: &'a Scene, case: &CaseData, at: Checkpoint) -> Vec<Call<'a>> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
        let Some(world) = case.sample(1, at.0 as u64).first().copied() else { continue };
        let other = case.worlds().iter().copied().find(|w| *w != world && !case.tenants(*w).is_empty());
        for (database, callable) in callables(scene, at, role) {
            let Some(context) = case.context(scene, role, database, world) else { continue };
            let mut known: Vec<String> = Vec::new();
            for whose in [Some(world), other].into_iter().flatten() {
                let sql = call(scene, case, at, database, callable, whose);
                if found.len() >= CALLS_MAX || known.contains(&sql) {
                    continue;
                }
                known.push(sql.clone());
                let excursion = from(at, ask(database, role, Some(&context), sql.clone()));
                found.push(Call { role, callable, world, context: context.clone(), sql, excursion, at });
            }
        }
    }
    found
}

fn call(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    database: DatabaseId,
    callable: &Callable,
    whose: WorldId,
) -> String {
    let arguments: Vec<String> = callable
        .arguments
        .iter()
        .map(|(name, ty)| match argument(scene, case, at, database, name, ty, whose) {
            Some(value) => format!("{}::{ty}", quote_literal(&value)),
            None => format!("NULL::{ty}"),
        })
        .collect();
    format!("SELECT * FROM {}({})", callable.name.quoted(), arguments.join(", "))
}

/// A value for an argument: the tenant, the column of that name and type in a row of the world, or something that
/// searches and limits find much by.
fn argument(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    database: DatabaseId,
    name: &str,
    ty: &str,
    whose: WorldId,
) -> Option<String> {
    let bare = PREFIXES.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
    let tenancy = &scene.scenario.tenancy;
    let tenant_type = scene.tenant_key().and_then(|key| {
        scene.table(at, &(database, tenancy.tenants.clone()))?.column(&key).map(|c| c.ty.name.clone())
    });
    let tenant = case.tenants(whose).first().cloned();
    if tenant_type.as_deref() == Some(ty) && tenancy.column.as_ref().is_some_and(|c| c.as_str() == bare) {
        return tenant;
    }
    let column = Ident::new(bare);
    let found = case.data.tables.iter().filter(|t| t.database == database.0).find_map(|data| {
        let table = scene.table(at, &(database, data.table.clone()))?;
        table.column(&column).filter(|c| c.ty.name == ty || is_text(&c.ty.name) && is_text(ty))?;
        let position = data.columns.iter().position(|c| *c == column)?;
        data.rows.iter().filter(|r| r.world == Some(whose)).find_map(|r| r.values[position].clone())
    });
    found.or_else(|| match ty {
        _ if tenant_type.as_deref() == Some(ty) => tenant,
        "integer" | "bigint" | "smallint" => Some("1000".to_owned()),
        _ if is_text(ty) => Some("%".to_owned()),
        _ => scene.fresh(ty, case.seed),
    })
}

fn is_text(ty: &str) -> bool {
    ty == "text" || ty.starts_with("character varying") || ty == "citext"
}
