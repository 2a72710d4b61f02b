//! Whose each row is: what ground truth is compared by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, NullTenant};

use super::case::{CaseData, identity, is_distinctive};
use super::lookup::{Entries, Lookup};
use super::scene::Scene;
use super::snapshot::{SnapRow, Snapshot, TableKey, TableRows};

/// Tenants that loaded rows lead to, by table and key.
pub(super) type Leads = BTreeMap<TableKey, Lookup<BTreeSet<String>>>;

impl CaseData {
    /// The tenants that a row belongs to at a checkpoint: the one that its column names, else those that it leads
    /// to, else those of its world. Empty for rows that are nobody's or everybody's.
    pub fn owners(
        &self,
        scene: &Scene,
        at: Checkpoint,
        key: &TableKey,
        table: &TableRows,
        row: &SnapRow,
    ) -> BTreeSet<String> {
        let tenancy = &scene.scenario.tenancy;
        if tenancy.shared.contains(&key.1) {
            return BTreeSet::new();
        }
        let column = if key.1 == tenancy.tenants { scene.tenant_key() } else { scene.tenant_column(at, key) };
        if let Some(column) = column {
            match table.cell(row, &column) {
                Some(tenant) => return [tenant.to_owned()].into(),
                None if tenancy.null_tenant == NullTenant::Shared => return BTreeSet::new(),
                None => {}
            }
        }
        match self.lead(scene, key, table.key_parts(row)) {
            Some(led_to) if !led_to.is_empty() => led_to.clone(),
            _ => {
                let world = self.world_of(scene, key, table, row);
                world.map(|w| self.tenants(w).iter().cloned().collect()).unwrap_or_default()
            }
        }
    }

    /// Tenants that a loaded row leads to by its tenant column and its references; `None` for other rows.
    fn lead<'a>(
        &self,
        scene: &Scene,
        key: &TableKey,
        id: impl Iterator<Item = Option<&'a str>>,
    ) -> Option<&BTreeSet<String>> {
        let leads = self.leads.get_or_init(|| {
            let mut leads = Leads::new();
            for data in &self.data.tables {
                let identity = identity(scene, data);
                let mut rows = Entries::with_capacity(data.rows.len());
                for row in &data.rows {
                    let led_to = self.leads_to(scene, data, &row.values);
                    rows.push(identity.iter().map(|&i| row.values[i].as_deref()), led_to);
                }
                let rows = Lookup::of(rows, |earlier, later| *earlier = std::mem::take(later));
                leads.insert((DatabaseId(data.database), data.table.clone()), rows);
            }
            leads
        });
        leads.get(key)?.get(id)
    }

    /// Worlds of tenants.
    pub fn worlds_of<'a>(&self, tenants: impl IntoIterator<Item = &'a String>) -> BTreeSet<WorldId> {
        tenants.into_iter().filter_map(|t| self.world_of_tenant(t)).collect()
    }

    /// Owners of every row of a table, by the row's place.
    pub fn places(
        &self,
        scene: &Scene,
        at: Checkpoint,
        contents: &Snapshot,
        key: &TableKey,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let Some(table) = contents.tables.get(key) else { return BTreeMap::new() };
        table.rows.iter().map(|row| (row.place.clone(), self.owners(scene, at, key, table, row))).collect()
    }

    /// Values that only rows of certain tenants have, and those tenants.
    pub fn value_owners<'a>(
        &self,
        scene: &Scene,
        at: Checkpoint,
        contents: &'a Snapshot,
    ) -> HashMap<&'a str, BTreeSet<String>> {
        let mut owned: HashMap<&str, BTreeSet<String>> = HashMap::new();
        let mut common: BTreeSet<&str> = BTreeSet::new();
        for (key, table) in &contents.tables {
            for row in &table.rows {
                let owners = self.owners(scene, at, key, table, row);
                for value in row.values.iter().flatten().filter(|v| is_distinctive(v)) {
                    if owners.is_empty() {
                        common.insert(value);
                    } else {
                        // A key is named by the rows that refer to it: whoever has it owns it with the others.
                        owned.entry(value).or_default().extend(owners.iter().cloned());
                    }
                }
            }
        }
        owned.retain(|value, _| !common.contains(value));
        owned
    }
}
