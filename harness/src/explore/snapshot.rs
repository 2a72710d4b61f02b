//! Ground truth: contents of every table as the server prints them, and how two of them differ.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use watertight_scenarios::scenario::DatabaseId;
use watertight_scenarios::{Ident, Relation};

use crate::db::session::TextRow;

/// A table of one of the scenario's databases.
pub type TableKey = (DatabaseId, Relation);

/// Contents of every table of the scenario's databases at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// By table. Partitions are read under their root's name. Snapshots share the tables that nothing wrote between them.
    pub tables: BTreeMap<TableKey, Arc<TableRows>>,
}

impl FromIterator<(TableKey, TableRows)> for Snapshot {
    fn from_iter<I: IntoIterator<Item = (TableKey, TableRows)>>(tables: I) -> Self {
        Self { tables: tables.into_iter().map(|(key, table)| (key, Arc::new(table))).collect() }
    }
}

/// Contents of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRows {
    /// Column names, in catalog order.
    pub columns: Vec<Ident>,
    /// Positions of the columns that identify a row; empty when nothing does.
    pub identity: Vec<usize>,
    /// The rows, in no order.
    pub rows: Vec<SnapRow>,
}

/// A row and its physical place: a place that changed is a row that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapRow {
    /// `tableoid:ctid`.
    pub place: String,
    /// Values in the order of the columns.
    pub values: TextRow,
}

impl TableRows {
    /// Position of a column.
    pub fn position(&self, column: &Ident) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }

    /// What identifies the row among its table's rows: its key, or all of its values.
    pub fn key(&self, row: &SnapRow) -> TextRow {
        self.key_parts(row).map(|part| part.map(str::to_owned)).collect()
    }

    /// The same, part by part.
    pub(super) fn key_parts<'a>(&self, row: &'a SnapRow) -> impl Iterator<Item = Option<&'a str>> {
        let whole = if self.identity.is_empty() { row.values.as_slice() } else { &[] };
        let key = self.identity.iter().map(|&i| row.values[i].as_deref());
        whole.iter().map(Option::as_deref).chain(key)
    }

    /// A cell by column name.
    pub fn cell<'a>(&self, row: &'a SnapRow, column: &Ident) -> Option<&'a str> {
        self.position(column).and_then(|i| row.values[i].as_deref())
    }

    /// Rows by key. Rows without identity that are equal fall together and are counted.
    pub fn by_key(&self) -> HashMap<TextRow, Vec<&SnapRow>> {
        let mut map: HashMap<TextRow, Vec<&SnapRow>> = HashMap::new();
        for row in &self.rows {
            map.entry(self.key(row)).or_default().push(row);
        }
        map
    }
}

/// How a row differs between two snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only in the later one.
    Added,
    /// Only in the earlier one.
    Removed,
    /// In both, with other values in these columns (those that both have).
    Changed(Vec<Ident>),
    /// In both with equal values, but written again.
    Rewritten,
}

/// A row that differs.
#[derive(Clone, Debug)]
pub struct RowChange<'a> {
    /// The table.
    pub table: &'a TableKey,
    /// How.
    pub change: Change,
    /// The row before, if it was there.
    pub before: Option<&'a SnapRow>,
    /// The row after, if it is there.
    pub after: Option<&'a SnapRow>,
}

/// Row by row, what turned `before` into `after`. Tables and columns that only one of them has are left out:
/// that is the catalogs' matter.
pub fn diff<'a>(before: &'a Snapshot, after: &'a Snapshot) -> Vec<RowChange<'a>> {
    let mut changes = Vec::new();
    for (key, old) in &before.tables {
        let Some(new) = after.tables.get(key) else { continue };
        if Arc::ptr_eq(old, new) {
            continue;
        }
        diff_table(key, old, new, &mut changes);
    }
    changes
}

fn diff_table<'a>(
    key: &'a TableKey,
    old: &'a TableRows,
    new: &'a TableRows,
    changes: &mut Vec<RowChange<'a>>,
) {
    let shared: Vec<(usize, usize, &Ident)> =
        old.columns.iter().enumerate().filter_map(|(i, c)| new.position(c).map(|j| (i, j, c))).collect();
    let identity: Vec<Ident> = old.identity.iter().map(|&i| old.columns[i].clone()).collect();
    let positions: Option<Vec<usize>> = identity.iter().map(|c| new.position(c)).collect();
    // A key that the later table lacks cannot be compared by: fall back to the shared columns.
    let (by_old, by_new): (Vec<usize>, Vec<usize>) = match positions {
        Some(p) if !p.is_empty() => (old.identity.clone(), p),
        _ => shared.iter().map(|&(i, j, _)| (i, j)).unzip(),
    };
    let pick =
        |row: &SnapRow, at: &[usize]| -> TextRow { at.iter().map(|&i| row.values[i].clone()).collect() };
    let mut later: HashMap<TextRow, Vec<&SnapRow>> = HashMap::new();
    for row in &new.rows {
        later.entry(pick(row, &by_new)).or_default().push(row);
    }
    for row in &old.rows {
        let twin = later.get_mut(&pick(row, &by_old)).and_then(Vec::pop);
        let Some(twin) = twin else {
            changes.push(RowChange { table: key, change: Change::Removed, before: Some(row), after: None });
            continue;
        };
        let columns: Vec<Ident> = shared
            .iter()
            .filter(|&&(i, j, _)| row.values[i] != twin.values[j])
            .map(|&(_, _, c)| c.clone())
            .collect();
        let change = if !columns.is_empty() {
            Change::Changed(columns)
        } else if row.place != twin.place {
            Change::Rewritten
        } else {
            continue;
        };
        changes.push(RowChange { table: key, change, before: Some(row), after: Some(twin) });
    }
    let mut added: Vec<&SnapRow> = later.into_values().flatten().collect();
    added.sort_by(|a, b| a.values.cmp(&b.values));
    for row in added {
        changes.push(RowChange { table: key, change: Change::Added, before: None, after: Some(row) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[(&str, &[&str])]) -> Snapshot {
        let rows = rows
            .iter()
            .map(|(place, values)| SnapRow {
                place: (*place).to_owned(),
                values: values.iter().map(|v| Some((*v).to_owned())).collect(),
            })
            .collect();
        let table =
            TableRows { columns: columns.iter().map(|c| Ident::from(*c)).collect(), identity: vec![0], rows };
        [((DatabaseId(0), Relation::public("t")), table)].into_iter().collect()
    }

    #[test]
    fn tells_added_removed_changed_rewritten_and_untouched_apart() {
        let before = table(
            &["id", "v"],
            &[("1", &["a", "x"]), ("2", &["b", "x"]), ("3", &["c", "x"]), ("4", &["d", "x"])],
        );
        let after = table(
            &["id", "v", "new"],
            &[
                ("1", &["a", "x", "n"]),
                ("5", &["b", "y", "n"]),
                ("6", &["c", "x", "n"]),
                ("7", &["e", "x", "n"]),
            ],
        );
        let seen: Vec<Change> = diff(&before, &after).into_iter().map(|c| c.change).collect();
        assert_eq!(
            seen,
            [Change::Changed(vec!["v".into()]), Change::Rewritten, Change::Removed, Change::Added]
        );
    }

    #[test]
    fn a_snapshot_does_not_differ_from_itself() {
        let one = table(&["id"], &[("1", &["a"])]);
        assert!(diff(&one, &one).is_empty());
    }
}
