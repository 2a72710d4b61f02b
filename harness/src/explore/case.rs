//! One case: its data, and to which world each row and value belongs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use watertight_generators::{Dataset, TableData, WorldId};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AccessContext, AccessId, Checkpoint, DatabaseId, ParamSource};
use watertight_scenarios::{Ident, Relation};

use super::act::Binding;
use super::scene::Scene;
use super::snapshot::{SnapRow, TableKey, TableRows};
use crate::db::session::TextRow;

/// Values shorter than this do not tell whose they are.
const DISTINCTIVE_LENGTH_MIN: usize = 4;

/// References that are followed from a row to its tenant.
const REFERENCES_MAX: usize = 8;

/// Data of one case with what is known of it before anything runs.
pub struct CaseData {
    /// Number of the case within the run.
    pub index: u32,
    /// Its seed.
    pub seed: u64,
    /// Its data.
    pub data: Dataset,
    /// Whether questions that hardly depend on data (catalogs, constraints) are asked of this case.
    pub deep: bool,
    worlds: Vec<WorldId>,
    rows: HashMap<(TableKey, TextRow), Option<WorldId>>,
    tenants: HashMap<String, WorldId>,
    tenant_of: HashMap<WorldId, Vec<String>>,
    values: Arc<HashMap<String, Option<WorldId>>>,
}

impl CaseData {
    /// Indexes the data.
    pub fn new(scene: &Scene, index: u32, seed: u64, deep: bool, data: Dataset) -> Self {
        let mut case = Self {
            index,
            seed,
            deep,
            worlds: data.worlds(),
            rows: HashMap::new(),
            tenants: HashMap::new(),
            tenant_of: HashMap::new(),
            values: Arc::default(),
            data,
        };
        let tenant_key = scene.tenant_key();
        let mut values: HashMap<String, Option<WorldId>> = HashMap::new();
        for table in &case.data.tables {
            let key = (DatabaseId(table.database), table.table.clone());
            let identity: Vec<usize> = scene
                .table(Checkpoint(0), &key)
                .and_then(|t| t.identity())
                .map(|columns| {
                    columns.iter().filter_map(|c| table.columns.iter().position(|x| x == c)).collect()
                })
                .unwrap_or_default();
            let tenant_at = (table.table == scene.scenario.tenancy.tenants)
                .then(|| tenant_key.as_ref().and_then(|k| table.columns.iter().position(|c| c == k)))
                .flatten();
            for row in &table.rows {
                let id: TextRow = if identity.is_empty() {
                    row.values.clone()
                } else {
                    identity.iter().map(|&i| row.values[i].clone()).collect()
                };
                case.rows.insert((key.clone(), id), row.world);
                if let (Some(at), Some(world)) = (tenant_at, row.world)
                    && let Some(tenant) = &row.values[at]
                {
                    case.tenants.insert(tenant.clone(), world);
                    case.tenant_of.entry(world).or_default().push(tenant.clone());
                }
                for value in row.values.iter().flatten().filter(|v| is_distinctive(v)) {
                    values
                        .entry(value.clone())
                        .and_modify(|w| {
                            if *w != row.world {
                                *w = None;
                            }
                        })
                        .or_insert(row.world);
                }
            }
        }
        case.values = Arc::new(values);
        case
    }

    /// All worlds of the data.
    pub fn worlds(&self) -> &[WorldId] {
        &self.worlds
    }

    /// The tenants of a world, in the order of the data.
    pub fn tenants(&self, world: WorldId) -> &[String] {
        self.tenant_of.get(&world).map(Vec::as_slice).unwrap_or_default()
    }

    /// The world of a tenant's key.
    pub fn world_of_tenant(&self, tenant: &str) -> Option<WorldId> {
        self.tenants.get(tenant).copied()
    }

    /// The world that alone has this value, if one does.
    pub fn world_of_value(&self, value: &str) -> Option<WorldId> {
        self.values.get(value).copied().flatten()
    }

    /// Whose each distinctive value is, for those who outlive the case's borrow.
    pub(super) fn values(&self) -> Arc<HashMap<String, Option<WorldId>>> {
        Arc::clone(&self.values)
    }

    /// Whether the value stands anywhere in the case's data.
    pub fn knows_value(&self, value: &str) -> bool {
        self.values.contains_key(value) || !is_distinctive(value)
    }

    /// Whether the row is one that the case loaded.
    pub fn is_loaded(&self, key: &TableKey, table: &TableRows, row: &SnapRow) -> bool {
        self.rows.contains_key(&(key.clone(), table.key(row)))
    }

    /// The world that a row belongs to: by its key, its tenant, or the world whose keys it names.
    pub fn world_of(
        &self,
        scene: &Scene,
        key: &TableKey,
        table: &TableRows,
        row: &SnapRow,
    ) -> Option<WorldId> {
        if let Some(world) = self.rows.get(&(key.clone(), table.key(row))) {
            return *world;
        }
        let source = scene.copied_from(key).and_then(|source| self.rows.get(&(source, table.key(row))));
        if let Some(world) = source {
            return *world;
        }
        let by_tenant = scene
            .tenant_column(scene.last(), key)
            .and_then(|c| table.cell(row, &c).and_then(|t| self.world_of_tenant(t)));
        by_tenant
            .or_else(|| self.world_by_reference(scene, key, table, row))
            .or_else(|| row.values.iter().flatten().find_map(|v| self.world_of_value(v)))
    }

    fn world_by_reference(
        &self,
        scene: &Scene,
        key: &TableKey,
        table: &TableRows,
        row: &SnapRow,
    ) -> Option<WorldId> {
        scene.checkpoints().collect::<Vec<_>>().into_iter().rev().find_map(|at| {
            scene.table(at, key)?.foreign_keys.iter().find_map(|fk| {
                let values: Option<TextRow> =
                    fk.columns.iter().map(|c| table.position(c).map(|i| row.values[i].clone())).collect();
                self.rows.get(&((key.0, fk.target.clone()), values?)).copied().flatten()
            })
        })
    }

    /// Up to `n` worlds with a tenant, another choice for each case and `salt`, in order.
    pub fn sample(&self, n: usize, salt: u64) -> Vec<WorldId> {
        let with: Vec<WorldId> =
            self.worlds.iter().copied().filter(|w| !self.tenants(*w).is_empty()).collect();
        if with.len() <= n {
            return with;
        }
        let start = (u64::from(self.index).wrapping_mul(7).wrapping_add(salt) % with.len() as u64) as usize;
        let picked: BTreeSet<WorldId> =
            (0..n).map(|i| with[(start + i * (with.len() / n)) % with.len()]).collect();
        picked.into_iter().collect()
    }

    /// The access path with values of that world. `None` when the world has no row to take a value from.
    pub fn bind(&self, scene: &Scene, access: AccessId, world: WorldId) -> Option<Binding> {
        let path = &scene.scenario.access[access.0];
        let tenant = self.tenants(world).first()?.clone();
        let salt = self.seed ^ (access.0 as u64) << 32 ^ u64::from(world.0);
        let mut chosen: HashMap<&Relation, &TextRow> = HashMap::new();
        let mut taken: Vec<(Relation, TextRow)> = Vec::new();
        let mut literals: HashMap<&str, String> = HashMap::new();
        for (nth, (name, source)) in path.params.iter().enumerate() {
            let value = match source {
                ParamSource::Tenant => Some(tenant.clone()),
                ParamSource::Fixed(value) => value.clone(),
                ParamSource::Fresh(ty) => scene.fresh(ty, salt.wrapping_add(nth as u64 * 7919)),
                ParamSource::Column { table, column } => {
                    if *table == scene.scenario.tenancy.tenants && Some(column) == scene.tenant_key().as_ref()
                    {
                        Some(tenant.clone())
                    } else {
                        let data = self.rows_of(scene, &(path.database, table.clone()))?;
                        match data.columns.iter().position(|c| c == column) {
                            Some(at) => {
                                let row = match chosen.get(table) {
                                    Some(row) => row,
                                    None => {
                                        let mut rows = data.rows.iter().filter(|r| r.world == Some(world));
                                        let row = rows.find(|r| {
                                            self.belongs_to(scene, world, &tenant, data, &r.values)
                                        })?;
                                        let row = &row.values;
                                        taken.extend(key_of(scene, data, row).map(|k| (table.clone(), k)));
                                        chosen.insert(table, row);
                                        row
                                    }
                                };
                                row[at].clone()
                            }
                            None if is_tenant_column(scene, path.database, table, column) => {
                                Some(tenant.clone())
                            }
                            None => return None,
                        }
                    }
                }
            };
            literals.insert(name, value.map_or_else(|| "NULL".to_owned(), |v| quote_literal(&v)));
        }
        let sql = path.sql.render(|name| literals.get(name).cloned()).ok()?;
        let tenant = (path.context == AccessContext::Tenant).then_some(tenant);
        Some(Binding { access, world, tenant, sql, rows: taken })
    }

    /// The rows that a table was loaded with; of a table that is copied into, those that are copied.
    fn rows_of(&self, scene: &Scene, key: &TableKey) -> Option<&TableData> {
        let loaded =
            |key: &TableKey| self.data.tables.iter().find(|t| t.database == key.0.0 && t.table == key.1);
        loaded(key).or_else(|| loaded(&scene.copied_from(key)?))
    }

    /// Whether a row of a world is that tenant's: in a world with several tenants, a row that leads to another one
    /// through its references is not. A row that leads to none (a user) is everybody's.
    fn belongs_to(
        &self,
        scene: &Scene,
        world: WorldId,
        tenant: &str,
        data: &TableData,
        row: &TextRow,
    ) -> bool {
        if self.tenants(world).len() < 2 {
            return true;
        }
        let mut led_to: BTreeSet<String> = BTreeSet::new();
        self.follow(scene, data, row, &mut led_to, REFERENCES_MAX);
        led_to.is_empty() || led_to.iter().any(|t| t == tenant) && led_to.len() == 1
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
        if let Some(column) = scene.tenant_column(Checkpoint(0), &key) {
            led_to.extend(cell(&column));
        }
        let Some(table) = scene.table(Checkpoint(0), &key).filter(|_| depth > 0) else { return };
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

/// What identifies a loaded row.
fn key_of(scene: &Scene, data: &TableData, row: &TextRow) -> Option<TextRow> {
    let identity =
        scene.table(Checkpoint(0), &(DatabaseId(data.database), data.table.clone()))?.identity()?;
    identity.iter().map(|c| data.columns.iter().position(|x| x == c).map(|i| row[i].clone())).collect()
}

fn is_tenant_column(scene: &Scene, db: DatabaseId, table: &Relation, column: &Ident) -> bool {
    scene.tenant_column(scene.last(), &(db, table.clone())).as_ref() == Some(column)
}

/// Whether a value is long and peculiar enough to tell whose it is.
pub(super) fn is_distinctive(value: &str) -> bool {
    value.len() >= DISTINCTIVE_LENGTH_MIN
        && value.parse::<f64>().is_err()
        && value != "true"
        && value != "false"
}
