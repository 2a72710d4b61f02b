//! Who refers to whom in the data at hand.

use std::collections::HashMap;

use super::meta::Meta;
use crate::dataset::TableData;

/// Rows are numbered through all tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// Rows that refer to each row.
    children: Vec<Vec<u32>>,
}

impl Graph {
    /// The references among the rows that are alive.
    pub(super) fn new(meta: &Meta, tables: &[TableData], alive: &[bool]) -> Self {
        let mut children = vec![Vec::new(); alive.len()];
        for (d, data) in tables.iter().enumerate() {
            for reference in meta.references(d) {
                let target = &tables[reference.target];
                let mut keys: HashMap<Vec<&str>, u32> = HashMap::new();
                for (r, row) in target.rows.iter().enumerate() {
                    let number = meta.number(reference.target, r);
                    if alive[number as usize]
                        && let Some(key) = cells(&row.values, &reference.target_columns)
                    {
                        keys.insert(key, number);
                    }
                }
                for (r, row) in data.rows.iter().enumerate() {
                    let number = meta.number(d, r);
                    let key = cells(&row.values, &reference.columns);
                    if alive[number as usize]
                        && let Some(&parent) = key.and_then(|k| keys.get(&k))
                        && parent != number
                    {
                        children[parent as usize].push(number);
                    }
                }
            }
        }
        Self { children }
    }

    /// Takes rows away, and with them whatever refers to them.
    pub(super) fn remove(&self, alive: &mut [bool], rows: impl IntoIterator<Item = u32>) {
        let mut open: Vec<u32> = rows.into_iter().collect();
        while let Some(row) = open.pop() {
            if std::mem::replace(&mut alive[row as usize], false) {
                open.extend(&self.children[row as usize]);
            }
        }
    }
}

fn cells<'a>(values: &'a [Option<String>], columns: &[usize]) -> Option<Vec<&'a str>> {
    columns.iter().map(|&c| values[c].as_deref()).collect()
}
