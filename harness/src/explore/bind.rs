//! Access paths and tenant contexts with values of one world.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use watertight_generators::{Row, TableData, WorldId};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{
    AccessContext, AccessId, AppRole, DatabaseId, ParamSource, SqlTemplate,
};
use watertight_scenarios::{Ident, Relation};

use super::act::{Binding, Context};
use super::case::CaseData;
use super::scene::Scene;
use super::snapshot::TableKey;
use crate::db::session::TextRow;

/// References that are followed from a row to its tenant.
const REFERENCES_MAX: usize = 8;

/// Whose values are taken, and from which database.
struct From<'a> {
    scene: &'a Scene,
    database: DatabaseId,
    world: WorldId,
    tenant: &'a str,
    salt: u64,
}

/// Values of parameters, and the keys of the rows that they were taken from.
struct Values {
    literals: HashMap<String, String>,
    rows: Vec<(Relation, TextRow)>,
}

impl Values {
    fn render(&self, template: &SqlTemplate) -> Option<String> {
        template.render(|name| self.literals.get(name).cloned()).ok()
    }
}

impl CaseData {
    /// The access path with values of that world. `None` when the world has no row to take a value from.
    pub fn bind(&self, scene: &Scene, access: AccessId, world: WorldId) -> Option<Binding> {
        self.bind_with(scene, access, world, None)
    }

    /// The same with another value for one parameter.
    pub fn bind_with(
        &self,
        scene: &Scene,
        access: AccessId,
        world: WorldId,
        instead: Option<(&str, &str)>,
    ) -> Option<Binding> {
        let path = &scene.scenario.access[access.0];
        let tenant = self.tenants(world).first()?;
        let salt = self.seed ^ (access.0 as u64) << 32 ^ u64::from(world.0);
        let from = From { scene, database: path.database, world, tenant, salt };
        let mut values = self.values_of(&from, &path.params)?;
        if let Some((name, value)) = instead {
            values.literals.insert(name.to_owned(), quote_literal(value));
        }
        let sql = values.render(&path.sql)?;
        let role = scene.scenario.roles.app.iter().find(|r| r.name == path.role);
        let context = match role {
            Some(role) if path.context == AccessContext::Tenant && role.tenant_context.is_some() => {
                Some(self.context(scene, role, path.database, world)?)
            }
            _ => None,
        };
        Some(Binding { access, world, context, sql, rows: values.rows })
    }

    /// What a role tells its session when it works for that world. `None` when the role has no tenant context, or
    /// the world no row to take a value from.
    pub fn context(
        &self,
        scene: &Scene,
        role: &AppRole,
        database: DatabaseId,
        world: WorldId,
    ) -> Option<Context> {
        let template = role.tenant_context.as_ref()?;
        let tenant = self.tenants(world).first()?;
        let from = From { scene, database, world, tenant, salt: self.seed ^ u64::from(world.0) };
        let values = self.values_of(&from, &role.context_params)?;
        let mut tenants: BTreeSet<String> = BTreeSet::new();
        let mut whom = format!("tenant {tenant}");
        for (name, source) in &role.context_params {
            match source {
                ParamSource::Column { table, column } if !from.is_tenant(self, table, column) => {
                    let value = values.literals.get(name)?;
                    tenants.extend(self.entitled(&from, table, column, value));
                    whom = format!("a user of tenant {tenant}");
                }
                _ => tenants.extend([tenant.clone()]),
            }
        }
        Some(Context { whom, sql: values.render(template)?, tenants })
    }

    /// A tenant context with the same literal for every parameter; it entitles to nothing.
    pub fn context_of_nobody(role: &AppRole, whom: &str, literal: &str) -> Option<Context> {
        let sql = role.tenant_context.as_ref()?.render(|_| Some(quote_literal(literal))).ok()?;
        Some(Context { whom: whom.to_owned(), sql, tenants: BTreeSet::new() })
    }

    /// A tenant context with valid values that nobody has.
    pub fn context_of_a_stranger(&self, scene: &Scene, role: &AppRole) -> Option<Context> {
        let tenants = &scene.scenario.tenancy.tenants;
        let spare = |table: &Relation, column: &Ident| {
            (0..scene.scenario.databases.len())
                .find_map(|db| scene.plan.spare_value(db, table, column, self.seed ^ 0x57a6))
        };
        let value = |name: &str| match role.context_params.get(name)? {
            ParamSource::Tenant => spare(tenants, &scene.tenant_key()?),
            ParamSource::Column { table, column } => spare(table, column),
            ParamSource::Fresh(ty) => scene.fresh(ty, self.seed ^ 0x57a6),
            ParamSource::Fixed(value) => value.clone(),
        };
        let sql = role.tenant_context.as_ref()?.render(|name| value(name).map(|v| quote_literal(&v))).ok()?;
        Some(Context { whom: "nobody known".to_owned(), sql, tenants: BTreeSet::new() })
    }

    fn values_of(&self, from: &From<'_>, params: &IndexMap<String, ParamSource>) -> Option<Values> {
        let mut chosen: HashMap<&Relation, &TextRow> = HashMap::new();
        let mut rows: Vec<(Relation, TextRow)> = Vec::new();
        let mut literals: HashMap<String, String> = HashMap::new();
        for (nth, (name, source)) in params.iter().enumerate() {
            let value = match source {
                ParamSource::Tenant => Some(from.tenant.to_owned()),
                ParamSource::Fixed(value) => value.clone(),
                ParamSource::Fresh(ty) => from.scene.fresh(ty, from.salt.wrapping_add(nth as u64 * 7919)),
                ParamSource::Column { table, column } if from.is_tenant(self, table, column) => {
                    Some(from.tenant.to_owned())
                }
                ParamSource::Column { table, column } => {
                    let data = self.rows_of(from.scene, &(from.database, table.clone()))?;
                    let at = data.columns.iter().position(|c| c == column)?;
                    let row = match chosen.get(table) {
                        Some(row) => row,
                        None => {
                            let row = &self.row_of(from, data)?.values;
                            rows.extend(key_of(from.scene, data, row).map(|k| (table.clone(), k)));
                            chosen.insert(table, row);
                            row
                        }
                    };
                    row[at].clone()
                }
            };
            literals.insert(name.clone(), value.map_or_else(|| "NULL".to_owned(), |v| quote_literal(&v)));
        }
        Some(Values { literals, rows })
    }

    /// The rows that a table was loaded with; of a table that is copied into, those that are copied.
    fn rows_of(&self, scene: &Scene, key: &TableKey) -> Option<&TableData> {
        self.table(key.0, &key.1).or_else(|| {
            let (database, table) = scene.copied_from(key)?;
            self.table(database, &table)
        })
    }

    /// The data of a table of that database.
    pub fn table(&self, database: DatabaseId, table: &Relation) -> Option<&TableData> {
        self.data.tables.iter().find(|t| &t.table == table && t.database == database.0)
    }

    /// The first row of a world that is its tenant's.
    fn row_of<'a>(&self, from: &From<'_>, data: &'a TableData) -> Option<&'a Row> {
        data.rows
            .iter()
            .filter(|r| r.world == Some(from.world))
            .find(|r| self.belongs_to(from, data, &r.values))
    }

    /// Tenants that are reached from rows with that value: a user's tenants, by his memberships. Where such rows
    /// lead to none, it is the tenants of the world.
    fn entitled(&self, from: &From<'_>, table: &Relation, column: &Ident, literal: &str) -> BTreeSet<String> {
        let mut led_to = BTreeSet::new();
        if let Some(data) = self.table(from.database, table)
            && let Some(at) = data.columns.iter().position(|c| c == column)
        {
            let same = |row: &&Row| row.values[at].as_ref().is_some_and(|v| quote_literal(v) == literal);
            for row in data.rows.iter().filter(same) {
                self.follow(from.scene, data, &row.values, &mut led_to, REFERENCES_MAX);
            }
        }
        if led_to.is_empty() {
            led_to.extend(self.tenants(from.world).iter().cloned());
        }
        led_to
    }

    /// Whether a row of a world is that tenant's: in a world with several tenants, a row that leads to another one
    /// through its references is not. A row that leads to none (a user) is everybody's.
    fn belongs_to(&self, from: &From<'_>, data: &TableData, row: &TextRow) -> bool {
        if self.tenants(from.world).len() < 2 {
            return true;
        }
        let led_to = self.leads_to(from.scene, data, row);
        led_to.is_empty() || led_to.iter().any(|t| t == from.tenant) && led_to.len() == 1
    }

    /// Tenants that a loaded row leads to: by its tenant column, and through its references.
    pub fn leads_to(&self, scene: &Scene, data: &TableData, row: &TextRow) -> BTreeSet<String> {
        let mut led_to = BTreeSet::new();
        self.follow(scene, data, row, &mut led_to, REFERENCES_MAX);
        led_to
    }

    fn follow(
        &self,
        scene: &Scene,
        data: &TableData,
        row: &TextRow,
        led_to: &mut BTreeSet<String>,
        depth: usize,
    ) {
        let key = (DatabaseId(data.database), data.table.clone());
        let cell = |c: &Ident| data.columns.iter().position(|x| x == c).and_then(|i| row[i].clone());
        if data.table == scene.scenario.tenancy.tenants {
            led_to.extend(scene.tenant_key().and_then(|k| cell(&k)));
            return;
        }
        if let Some(column) = scene.tenant_column(scene.born(&key), &key) {
            led_to.extend(cell(&column));
        }
        let Some(table) = scene.table(scene.born(&key), &key).filter(|_| depth > 0) else { return };
        for fk in &table.foreign_keys {
            let Some(target) =
                self.data.tables.iter().find(|t| t.database == data.database && t.table == fk.target)
            else {
                continue;
            };
            let at: Option<Vec<usize>> =
                fk.target_columns.iter().map(|c| target.columns.iter().position(|x| x == c)).collect();
            let wanted: Option<Vec<String>> = fk.columns.iter().map(&cell).collect();
            let (Some(at), Some(wanted)) = (at, wanted) else { continue };
            let found = target
                .rows
                .iter()
                .find(|r| at.iter().zip(&wanted).all(|(i, v)| r.values[*i].as_ref() == Some(v)));
            if let Some(parent) = found {
                self.follow(scene, target, &parent.values, led_to, depth - 1);
            }
        }
    }
}

impl From<'_> {
    /// Whether a parameter's column is the tenant itself, one way or the other.
    fn is_tenant(&self, case: &CaseData, table: &Relation, column: &Ident) -> bool {
        if *table == self.scene.scenario.tenancy.tenants {
            return Some(column) == self.scene.tenant_key().as_ref();
        }
        let key = (self.database, table.clone());
        let loaded = case.rows_of(self.scene, &key).is_some_and(|data| data.columns.contains(column));
        !loaded && self.scene.tenant_column(self.scene.last(), &key).as_ref() == Some(column)
    }
}

/// What identifies a loaded row.
fn key_of(scene: &Scene, data: &TableData, row: &TextRow) -> Option<TextRow> {
    let key = (DatabaseId(data.database), data.table.clone());
    let identity = scene.table(scene.born(&key), &key)?.identity()?;
    identity.iter().map(|c| data.columns.iter().position(|x| x == c).map(|i| row[i].clone())).collect()
}
