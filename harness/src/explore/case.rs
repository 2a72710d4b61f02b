//! One case: its data, and to which world each row and value belongs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use watertight_generators::{Dataset, TableData, WorldId, mix};
use watertight_scenarios::scenario::{DatabaseId, StepId};

use super::lookup::{Entries, Lookup};
use super::owners::Leads;
use super::scene::Scene;
use super::snapshot::{SnapRow, TableKey, TableRows};

/// Values shorter than this do not tell whose they are.
const DISTINCTIVE_LENGTH_MIN: usize = 4;

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
    rows: BTreeMap<TableKey, Lookup<Option<WorldId>>>,
    tenants: HashMap<String, WorldId>,
    tenant_of: HashMap<WorldId, Vec<String>>,
    values: Arc<Values>,
    pub(super) leads: OnceLock<Leads>,
    late: Arc<BTreeMap<StepId, Dataset>>,
}

impl CaseData {
    /// Indexes the data.
    pub fn new(scene: &Scene, index: u32, seed: u64, deep: bool, data: Dataset) -> Self {
        let mut case = Self {
            index,
            seed,
            deep,
            worlds: data.worlds(),
            rows: BTreeMap::new(),
            tenants: HashMap::new(),
            tenant_of: HashMap::new(),
            values: Arc::default(),
            leads: OnceLock::new(),
            late: Arc::new(late(scene, &data)),
            data,
        };
        let tenant_key = scene.tenant_key();
        let mut values = Entries::with_capacity(case.data.row_count());
        for table in &case.data.tables {
            let key = (DatabaseId(table.database), table.table.clone());
            let tenant_at = (table.table == scene.scenario.tenancy.tenants)
                .then(|| tenant_key.as_ref().and_then(|k| table.columns.iter().position(|c| c == k)))
                .flatten();
            let identity = identity(scene, table);
            let mut rows = Entries::with_capacity(table.rows.len());
            for row in &table.rows {
                rows.push(identity.iter().map(|&i| row.values[i].as_deref()), row.world);
                if let (Some(at), Some(world)) = (tenant_at, row.world)
                    && let Some(tenant) = &row.values[at]
                {
                    case.tenants.insert(tenant.clone(), world);
                    case.tenant_of.entry(world).or_default().push(tenant.clone());
                }
                for value in row.values.iter().flatten().filter(|v| is_distinctive(v)) {
                    // What the scripts themselves write (a status, a kind) is everybody's.
                    let world = row.world.filter(|_| !scene.literals.contains(value));
                    values.push([Some(value.as_str())], world);
                }
            }
            case.rows.insert(key, Lookup::of(rows, |earlier, later| *earlier = *later));
        }
        case.values = Arc::new(Values::of(values));
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
        self.values.world(value)
    }

    /// Rows that are loaded behind a step, by step, for those who outlive the case's borrow.
    pub(super) fn late(&self) -> Arc<BTreeMap<StepId, Dataset>> {
        Arc::clone(&self.late)
    }

    /// Whose each distinctive value is, for those who outlive the case's borrow.
    pub(super) fn values(&self) -> Arc<Values> {
        Arc::clone(&self.values)
    }

    /// Whether the value stands anywhere in the case's data.
    pub fn knows_value(&self, value: &str) -> bool {
        self.values.knows(value)
    }

    /// Whether the row is one that the case loaded.
    pub fn is_loaded(&self, key: &TableKey, table: &TableRows, row: &SnapRow) -> bool {
        self.row(key, table.key_parts(row)).is_some()
    }

    /// The world that a row belongs to: by its key, its tenant, or the world whose keys it names.
    pub fn world_of(
        &self,
        scene: &Scene,
        key: &TableKey,
        table: &TableRows,
        row: &SnapRow,
    ) -> Option<WorldId> {
        if let Some(world) = self.row(key, table.key_parts(row)) {
            return world;
        }
        let source = scene.copied_from(key).and_then(|source| self.row(&source, table.key_parts(row)));
        if let Some(world) = source {
            return world;
        }
        let by_tenant = scene
            .tenant_column(scene.last(), key)
            .and_then(|c| table.cell(row, &c).and_then(|t| self.world_of_tenant(t)));
        by_tenant
            .or_else(|| self.world_by_reference(scene, key, table, row))
            .or_else(|| row.values.iter().flatten().find_map(|v| self.world_of_value(v)))
    }

    /// The world of a loaded row by what identifies it; `None` where no such row was loaded.
    fn row<'a>(
        &self,
        key: &TableKey,
        id: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Option<Option<WorldId>> {
        self.rows.get(key)?.get(id).copied()
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
                let at: Option<Vec<usize>> = fk.columns.iter().map(|c| table.position(c)).collect();
                let values = at?.into_iter().map(|i| row.values[i].as_deref());
                self.row(&(key.0, fk.target.clone()), values).flatten()
            })
        })
    }

    /// Up to `n` worlds with a tenant, another choice for each case and `salt`, in order. Those chosen stay chosen as
    /// long as they are there, whatever other worlds go: shrinking keeps asking about the same ones.
    pub fn sample(&self, n: usize, salt: u64) -> Vec<WorldId> {
        let with = self.worlds.iter().copied().filter(|w| !self.tenants(*w).is_empty());
        let mut ranked: Vec<(u64, WorldId)> =
            with.map(|w| (mix(&[u64::from(self.index), salt, w.0.into()]), w)).collect();
        ranked.sort_unstable();
        ranked.truncate(n);
        let picked: BTreeSet<WorldId> = ranked.into_iter().map(|(_, world)| world).collect();
        picked.into_iter().collect()
    }
}

/// Whose each distinctive value of a case is.
#[derive(Debug, Default)]
pub(super) struct Values(Lookup<Option<WorldId>>);

impl Values {
    /// A value that several have is nobody's.
    pub(super) fn of(entries: Entries<Option<WorldId>>) -> Self {
        Self(Lookup::of(entries, |earlier, later| {
            if earlier != later {
                *earlier = None;
            }
        }))
    }

    /// The world that alone has it, if one does.
    fn world(&self, value: &str) -> Option<WorldId> {
        self.0.get([Some(value)]).copied().flatten()
    }

    /// Whether it stands anywhere in the case's data, or tells nothing.
    pub(super) fn knows(&self, value: &str) -> bool {
        self.0.get([Some(value)]).is_some() || !is_distinctive(value)
    }
}

/// Positions of what identifies a loaded row among its table's rows, as [`TableRows::key`] does for rows of a
/// snapshot: its key, or all of its values.
pub(super) fn identity(scene: &Scene, data: &TableData) -> Vec<usize> {
    let key = (DatabaseId(data.database), data.table.clone());
    let identity = scene.table(scene.born(&key), &key).and_then(|t| t.identity()).unwrap_or_default();
    let at: Vec<usize> = identity.iter().filter_map(|c| data.columns.iter().position(|x| x == c)).collect();
    if at.is_empty() { (0..data.columns.len()).collect() } else { at }
}

/// The part of the data that is loaded behind each step.
fn late(scene: &Scene, data: &Dataset) -> BTreeMap<StepId, Dataset> {
    let mut late: BTreeMap<StepId, Dataset> = BTreeMap::new();
    for table in &data.tables {
        if let Some(step) = scene.late.get(&(DatabaseId(table.database), table.table.clone())) {
            late.entry(*step).or_default().tables.push(table.clone());
        }
    }
    late
}

/// Whether a value is long and peculiar enough to tell whose it is.
pub(crate) fn is_distinctive(value: &str) -> bool {
    value.len() >= DISTINCTIVE_LENGTH_MIN
        && value.parse::<f64>().is_err()
        && value != "true"
        && value != "false"
}
