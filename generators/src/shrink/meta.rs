//! What the plan knows of the data at hand.

use crate::dataset::{Dataset, TableData};
use crate::plan::{ColumnPlan, Plan, Reference, TablePlan};

/// What is known of the tables at hand.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) plans: Vec<Option<TablePlan>>,
    /// References with their targets as positions in the data.
    references: Vec<Vec<Reference>>,
    /// Number of each table's first row.
    pub(super) offsets: Vec<u32>,
}

impl Meta {
    pub(super) fn new(plan: &Plan, dataset: &Dataset) -> Self {
        let mut offsets = Vec::new();
        let mut next = 0_u32;
        for data in &dataset.tables {
            offsets.push(next);
            next += u32::try_from(data.rows.len()).unwrap_or(u32::MAX);
        }
        // Data of another version of the schema is shrunk without what is known of its tables.
        let same = |p: &&TablePlan, d: &TableData| {
            p.columns.len() == d.columns.len() && p.columns.iter().zip(&d.columns).all(|(p, d)| &p.name == d)
        };
        let plans: Vec<Option<TablePlan>> = dataset
            .tables
            .iter()
            .map(|d| plan.find(d.database, &d.table).filter(|p| same(p, d)).cloned())
            .collect();
        let position = |target: usize| {
            let target = &plan.tables[target];
            let is_it = |d: &TableData| d.database == target.database && d.table == target.table.name;
            dataset.tables.iter().position(is_it).filter(|&d| plans[d].is_some())
        };
        let references = plans
            .iter()
            .map(|p| {
                let all = p.iter().flat_map(|p| &p.references);
                all.filter_map(|r| Some(Reference { target: position(r.target)?, ..r.clone() })).collect()
            })
            .collect();
        Self { plans, references, offsets }
    }

    pub(super) fn references(&self, d: usize) -> &[Reference] {
        &self.references[d]
    }

    pub(super) fn number(&self, d: usize, row: usize) -> u32 {
        self.offsets[d] + u32::try_from(row).unwrap_or(u32::MAX)
    }

    pub(super) fn column(&self, d: usize, c: usize) -> Option<&ColumnPlan> {
        self.plans[d].as_ref().map(|p| &p.columns[c])
    }

    pub(super) fn is_partition_key(&self, d: usize, c: usize) -> bool {
        self.plans[d].as_ref().is_some_and(|p| p.leaves.iter().flatten().any(|(l, _)| *l == c))
    }

    pub(super) fn may_be_null(&self, d: usize, c: usize) -> bool {
        let whole =
            self.references[d].iter().any(|r| r.match_full && r.columns.len() > 1 && r.columns.contains(&c));
        self.column(d, c).is_some_and(|p| p.nullable && !p.domain.not_null)
            && !whole
            && !self.is_partition_key(d, c)
    }
}
