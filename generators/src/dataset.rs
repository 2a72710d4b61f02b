//! Data: rows of many worlds, ready to be loaded, shrunk and printed.

use serde::{Deserialize, Serialize};
use watertight_scenarios::Relation;

/// Number of a world within its dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorldId(pub u32);

/// Many worlds and what they share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Tables, each with the columns that its rows carry, in load order (referenced before referencing
    /// where there is no cycle).
    pub tables: Vec<TableData>,
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableData {
    /// Index of the database in the scenario.
    pub database: usize,
    /// The table.
    pub table: Relation,
    /// Column names, in the order of each row's values.
    pub columns: Vec<watertight_scenarios::Ident>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The world it belongs to; `None` for shared reference rows.
    pub world: Option<WorldId>,
    /// Values in the order of [`TableData::columns`]: PostgreSQL's text input of each, `None` for NULL.
    pub values: Vec<Option<String>>,
}

impl Dataset {
    /// Worlds that have at least one row, in order.
    pub fn worlds(&self) -> Vec<WorldId> {
        let mut worlds: Vec<_> =
            self.tables.iter().flat_map(|t| t.rows.iter().filter_map(|r| r.world)).collect();
        worlds.sort_unstable();
        worlds.dedup();
        worlds
    }

    /// Number of rows in all tables.
    pub fn row_count(&self) -> usize {
        self.tables.iter().map(|t| t.rows.len()).sum()
    }

    /// The same data without the rows for which `keep` says no. Closure under foreign keys is the caller's.
    pub fn filtered(&self, mut keep: impl FnMut(&TableData, &Row) -> bool) -> Self {
        let tables = self
            .tables
            .iter()
            .map(|t| TableData {
                rows: t.rows.iter().filter(|r| keep(t, r)).cloned().collect(),
                columns: t.columns.clone(),
                table: t.table.clone(),
                database: t.database,
            })
            .collect();
        Self { tables }
    }

    /// The same data with only these worlds and the shared rows.
    pub fn with_worlds(&self, worlds: &[WorldId]) -> Self {
        self.filtered(|_, row| row.world.is_none_or(|w| worlds.contains(&w)))
    }
}
