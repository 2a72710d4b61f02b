//! Calls of functions, with arguments that are the caller's own and with another tenant's.

use watertight_generators::WorldId;
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AppRole, Checkpoint, DatabaseId, StepId};

use super::{ask, callables, from, protected, roles};
use crate::catalog::reach::Callable;
use crate::explore::{CaseData, Context, Excursion, Scene};

/// Calls in one case at most.
const CALLS_MAX: usize = 48;

/// Tables whose keys are handed to one argument at most.
const KEYS_MAX: usize = 4;

/// What people put before the names of arguments.
const PREFIXES: [&str; 5] = ["p_", "_", "in_", "arg_", "v_"];

/// A call of one function for one world.
pub(super) struct Call<'a> {
    pub(super) role: &'a AppRole,
    pub(super) callable: &'a Callable,
    pub(super) world: WorldId,
    /// The world that the arguments are of: that one, or another.
    pub(super) whose: WorldId,
    pub(super) context: Context,
    pub(super) sql: String,
    pub(super) excursion: Excursion,
    pub(super) at: Checkpoint,
}

impl Call<'_> {
    /// Whether the arguments are the caller's own.
    pub(super) fn is_own(&self) -> bool {
        self.whose == self.world
    }

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
                let handed = Handed { scene, case, at, database, callable, whose };
                for sql in handed.calls() {
                    if found.len() >= CALLS_MAX || known.contains(&sql) {
                        continue;
                    }
                    known.push(sql.clone());
                    let excursion = from(at, ask(database, role, Some(&context), sql.clone()));
                    let context = context.clone();
                    found.push(Call { role, callable, world, whose, context, sql, excursion, at });
                }
            }
        }
    }
    found
}

/// A function and the world that its arguments are of.
struct Handed<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    database: DatabaseId,
    callable: &'a Callable,
    whose: WorldId,
}

impl Handed<'_> {
    /// The function by what its arguments are called; one with its definer's rights also by the keys of the tables that
    /// an argument may mean.
    fn calls(&self) -> Vec<String> {
        let plain: Vec<Option<String>> =
            self.callable.arguments.iter().map(|(name, ty)| self.argument(name, ty)).collect();
        let mut found = vec![self.sql(&plain)];
        if self.callable.definer {
            for (n, (name, ty)) in self.callable.arguments.iter().enumerate() {
                for key in self.keys(name, ty) {
                    let mut values = plain.clone();
                    values[n] = Some(key);
                    found.push(self.sql(&values));
                }
            }
        }
        found
    }

    fn sql(&self, values: &[Option<String>]) -> String {
        let typed = values.iter().zip(&self.callable.arguments).map(|(value, (_, ty))| match value {
            Some(value) => format!("{}::{ty}", quote_literal(value)),
            None => format!("NULL::{ty}"),
        });
        let arguments: Vec<String> = typed.collect();
        format!("SELECT * FROM {}({})", self.callable.name.quoted(), arguments.join(", "))
    }

    fn argument(&self, name: &str, ty: &str) -> Option<String> {
        argument(self.scene, self.case, self.at, self.database, name, ty, self.whose)
    }

    /// Keys of rows of the world, of tables that an argument of that name and type may mean.
    fn keys(&self, name: &str, ty: &str) -> Vec<String> {
        let bare = bare(name);
        let tables = self.case.data.tables.iter().filter(|t| t.database == self.database.0);
        let keys = tables.filter_map(|data| {
            let key = (self.database, data.table.clone());
            let table = self.scene.table(self.at, &key).filter(|_| protected(self.scene, self.at, &key))?;
            let [column] = table.primary_key.as_ref()?.columns.as_slice() else { return None };
            table.column(column).filter(|c| c.ty.name == ty)?;
            let many = data.table.name.as_str();
            let one = many.strip_suffix('s').unwrap_or(many);
            let means = bare.is_empty()
                || bare == column.as_str()
                || [many, one].iter().any(|t| bare == *t || bare == format!("{t}_{column}"));
            let at = data.columns.iter().position(|c| c == column).filter(|_| means)?;
            data.rows.iter().filter(|r| r.world == Some(self.whose)).find_map(|r| r.values[at].clone())
        });
        keys.take(KEYS_MAX).collect()
    }
}

/// The name of an argument without what people put before it.
fn bare(name: &str) -> &str {
    PREFIXES.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name)
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
    let bare = bare(name);
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
