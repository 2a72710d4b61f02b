//! Checks data against a plan in memory: what a server would refuse, as far as the plan understands it.

use std::collections::{HashMap, HashSet};

use watertight_scenarios::{Ident, Relation, Schema};

use crate::dataset::{Dataset, TableData};
use crate::expr::{Value, eval};
use crate::plan::{Plan, TablePlan};

/// A row that refers to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// Index of the database.
    pub database: usize,
    /// The referring table.
    pub table: Relation,
    /// The foreign key.
    pub constraint: Ident,
    /// Position of the row in its table's data.
    pub row: usize,
}

impl Dataset {
    /// Rows whose foreign keys refer to rows that are not there; `schemas` has one schema per database.
    pub fn dangling(&self, schemas: &[&Schema]) -> Vec<Dangling> {
        let mut found = Vec::new();
        for data in &self.tables {
            let Some(table) = schemas.get(data.database).and_then(|s| s.table(&data.table)) else { continue };
            for key in &table.foreign_keys {
                let Some(columns) = positions(data, &key.columns) else { continue };
                let target =
                    self.tables.iter().find(|t| t.database == data.database && t.table == key.target);
                let there: HashSet<Vec<&str>> =
                    match target.and_then(|t| Some((t, positions(t, &key.target_columns)?))) {
                        Some((target, columns)) => {
                            target.rows.iter().filter_map(|r| cells(&r.values, &columns)).collect()
                        }
                        None => HashSet::new(),
                    };
                for (i, row) in data.rows.iter().enumerate() {
                    let some = columns.iter().filter(|&&c| row.values[c].is_some()).count();
                    let wrong = match cells(&row.values, &columns) {
                        Some(cells) => !there.contains(&cells),
                        None => key.match_full && some > 0,
                    };
                    if wrong {
                        found.push(Dangling {
                            database: data.database,
                            table: data.table.clone(),
                            constraint: key.name.clone(),
                            row: i,
                        });
                    }
                }
            }
        }
        found
    }
}

fn positions(data: &TableData, columns: &[Ident]) -> Option<Vec<usize>> {
    columns.iter().map(|c| data.columns.iter().position(|d| d == c)).collect()
}

/// The cells of these columns; `None` if one is NULL.
fn cells<'a>(values: &'a [Option<String>], columns: &[usize]) -> Option<Vec<&'a str>> {
    columns.iter().map(|&c| values[c].as_deref()).collect()
}

impl Plan {
    /// What a server would refuse of the data, by what the plan understands: one line for each broken
    /// constraint and row. Empty for everything that [`Plan::generate`] gives.
    pub fn audit(&self, dataset: &Dataset) -> Vec<String> {
        let mut broken = Vec::new();
        for data in &dataset.tables {
            let Some(table) = self.find(data.database, &data.table) else {
                broken.push(format!("{}: not in the plan", data.table));
                continue;
            };
            audit_rows(table, data, &mut broken);
            self.audit_references(table, data, dataset, &mut broken);
        }
        broken
    }

    fn audit_references(
        &self,
        table: &TablePlan,
        data: &TableData,
        dataset: &Dataset,
        broken: &mut Vec<String>,
    ) {
        for reference in &table.references {
            let target = &self.tables[reference.target];
            let rows =
                dataset.tables.iter().find(|t| t.database == target.database && t.table == target.table.name);
            let there: HashSet<Vec<&str>> = rows
                .iter()
                .flat_map(|t| &t.rows)
                .filter_map(|r| cells(&r.values, &reference.target_columns))
                .collect();
            for (i, row) in data.rows.iter().enumerate() {
                if let Some(cells) = cells(&row.values, &reference.columns)
                    && !there.contains(&cells)
                {
                    broken.push(format!("{} row {i}: {cells:?} is not in {}", data.table, target.table.name));
                }
            }
        }
    }
}

fn audit_rows(table: &TablePlan, data: &TableData, broken: &mut Vec<String>) {
    let mut seen: Vec<HashMap<u64, usize>> = vec![HashMap::new(); table.uniques.len()];
    for (i, row) in data.rows.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate() {
            if row.values[c].is_none() && !column.nullable {
                broken.push(format!("{} row {i}: {} is NULL", data.table, column.name));
            }
        }
        let cell = |c: usize| eval::read(table.columns[c].maker.kind(), row.values[c].as_deref());
        for check in &table.checks {
            if matches!(eval::eval(&check.expr, &cell), Value::Bool(false)) {
                broken.push(format!("{} row {i}: check {} ({})", data.table, check.name, check.text));
            }
        }
        for (unique, seen) in table.uniques.iter().zip(&mut seen) {
            if let Some(digest) = unique.digest(&table.columns, &row.values)
                && let Some(other) = seen.insert(digest, i)
            {
                broken.push(format!("{} rows {other} and {i}: unique {}", data.table, unique.name));
            }
        }
    }
}
