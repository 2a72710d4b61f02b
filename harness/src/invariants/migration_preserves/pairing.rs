//! Which row after a step is which row before it, and where rows went that are not there any more.

use std::collections::HashMap;

use watertight_scenarios::Ident;

use crate::explore::snapshot::SnapRow;
use crate::explore::{Snapshot, TableKey, TableRows};

/// The rows of one table on both sides of a step.
#[derive(Default)]
pub(super) struct Pairing<'a> {
    /// The same row before and after.
    pub(super) pairs: Vec<(&'a SnapRow, &'a SnapRow)>,
    /// Not there any more.
    pub(super) removed: Vec<&'a SnapRow>,
    /// Not there before.
    pub(super) added: Vec<&'a SnapRow>,
}

/// Rows that have the same values in these columns, in the form that each side gives them. Of rows that are alike in
/// all of them only the number is compared.
pub(super) fn pair<'a>(
    old: &[&'a SnapRow],
    new: &'a TableRows,
    before: impl Fn(&SnapRow) -> Vec<Option<String>>,
    after: impl Fn(&SnapRow) -> Vec<Option<String>>,
) -> Pairing<'a> {
    let mut later: HashMap<Vec<Option<String>>, Vec<&SnapRow>> = HashMap::new();
    for row in &new.rows {
        later.entry(after(row)).or_default().push(row);
    }
    let mut found = Pairing::default();
    let mut alike: HashMap<Vec<Option<String>>, Vec<&SnapRow>> = HashMap::new();
    for row in old {
        alike.entry(before(row)).or_default().push(row);
    }
    for row in old {
        let key = before(row);
        let is_alone = alike.get(&key).is_none_or(|rows| rows.len() == 1);
        match later.get_mut(&key).and_then(Vec::pop) {
            Some(twin) if is_alone => found.pairs.push((row, twin)),
            Some(_) => {}
            None => found.removed.push(row),
        }
    }
    found.added = later.into_values().flatten().collect();
    found
}

/// Where a row went that its table does not have any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// Another table has all of it.
    Kept,
    /// Another table has its key, and not everything else that it held.
    Partly(String),
    /// Nothing has it.
    Gone,
}

/// Looks for a row among those that other tables gained.
pub(super) fn whereabouts(
    key: &TableKey,
    table: &TableRows,
    row: &SnapRow,
    before: &Snapshot,
    after: &Snapshot,
) -> Whereabouts {
    let mut partly = None;
    for (other, rows) in after.tables.iter().filter(|(k, _)| *k != key) {
        let known = before.tables.get(other).map(|table| table.by_key()).unwrap_or_default();
        for gained in rows.rows.iter().filter(|r| !known.contains_key(&rows.key(r))) {
            let holds = |value: &Option<String>| value.is_none() || gained.values.contains(value);
            if row.values.iter().all(holds) || as_json(table, row, gained) {
                return Whereabouts::Kept;
            }
            let same = |column: &Ident| {
                rows.position(column).is_some() && rows.cell(gained, column) == table.cell(row, column)
            };
            let mut identity = table.identity.iter().map(|&i| &table.columns[i]).peekable();
            if identity.peek().is_some() && identity.all(same) {
                partly = Some(other.1.to_string());
            }
        }
    }
    partly.map_or(Whereabouts::Gone, Whereabouts::Partly)
}

/// Whether a cell is the row as an object: an archive of whole rows.
fn as_json(table: &TableRows, row: &SnapRow, gained: &SnapRow) -> bool {
    let is_key = |object: &serde_json::Map<String, serde_json::Value>| {
        table.identity.iter().all(|&i| {
            let there = object.get(table.columns[i].as_str());
            let there = there.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            there == row.values[i]
        })
    };
    let objects = gained.values.iter().flatten().filter(|v| v.starts_with('{'));
    !table.identity.is_empty()
        && objects.filter_map(|v| serde_json::from_str(v).ok()).any(|object| is_key(&object))
}

#[cfg(test)]
mod tests {
    use watertight_scenarios::Relation;
    use watertight_scenarios::scenario::DatabaseId;

    use super::*;

    fn table(columns: &[&str], rows: &[&[Option<&str>]]) -> TableRows {
        let row = |values: &&[Option<&str>]| SnapRow {
            place: String::new(),
            values: values.iter().map(|v| v.map(str::to_owned)).collect(),
        };
        TableRows {
            columns: columns.iter().map(|c| Ident::from(*c)).collect(),
            identity: vec![0],
            rows: rows.iter().map(row).collect(),
        }
    }

    fn found(columns: &[&str], kept: &[Option<&str>]) -> Whereabouts {
        let name = |n: &str| (DatabaseId(0), Relation::public(n));
        let item = table(&["id", "body", "note"], &[&[Some("7"), Some("x"), None]]);
        let before: Snapshot = [(name("item"), item.clone())].into_iter().collect();
        let archive = table(columns, &[kept]);
        let emptied = TableRows { rows: Vec::new(), ..item.clone() };
        let after: Snapshot = [(name("item"), emptied), (name("archive"), archive)].into_iter().collect();
        whereabouts(&name("item"), &item, &item.rows[0], &before, &after)
    }

    #[test]
    fn rows_that_are_set_aside_are_found_under_any_name() {
        assert_eq!(found(&["id", "body"], &[Some("7"), Some("x")]), Whereabouts::Kept);
        assert_eq!(found(&["n", "item", "was"], &[Some("1"), Some("7"), Some("x")]), Whereabouts::Kept);
        assert_eq!(found(&["n", "r"], &[Some("1"), Some(r#"{"id": 7, "body": "x"}"#)]), Whereabouts::Kept);
        assert_eq!(found(&["id", "body"], &[Some("7"), None]), Whereabouts::Partly("archive".to_owned()));
        assert_eq!(found(&["id", "body"], &[Some("8"), Some("x")]), Whereabouts::Gone);
    }

    #[test]
    fn rows_that_are_alike_are_counted() {
        let old = table(&["v"], &[&[Some("a")], &[Some("a")], &[Some("b")]]);
        let new = table(&["v"], &[&[Some("a")], &[Some("b")], &[Some("c")]]);
        let rows: Vec<&SnapRow> = old.rows.iter().collect();
        let values = |row: &SnapRow| row.values.clone();
        let paired = pair(&rows, &new, values, values);
        assert_eq!((paired.pairs.len(), paired.removed.len(), paired.added.len()), (1, 1, 1));
    }
}
