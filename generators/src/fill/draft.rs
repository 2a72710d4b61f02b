//! A row in the making.

use super::{Built, Filler};
use crate::case::{Nulls, WorldShape, null_in_pairs};
use crate::dataset::WorldId;
use crate::plan::{ColumnPlan, TablePlan};
use crate::value::domain::Domain;
use crate::value::{Cell, Flavour};

/// A row in the making.
pub(super) struct Draft<'p> {
    pub(super) t: usize,
    pub(super) table: &'p TablePlan,
    pub(super) world: usize,
    pub(super) shape: &'p WorldShape,
    /// The tenant of the world that the row is to belong to.
    pub(super) lane: Option<u8>,
    /// Whether a parent has settled that.
    pub(super) pinned: bool,
    pub(super) values: Vec<Option<String>>,
    /// Cells that are done with: set by a parent, NULL for want of one, or a key.
    pub(super) fixed: Vec<bool>,
    /// What the leaf of a partitioned table asks for.
    pub(super) leaf: &'p [(usize, Domain)],
    /// References, by position, that lead back to the row itself.
    pub(super) own: Vec<usize>,
}

impl Draft<'_> {
    /// References to the row itself follow its key.
    pub(super) fn follow_own_key(&mut self) {
        for &r in &self.own {
            let reference = &self.table.references[r];
            for (&c, &k) in reference.columns.iter().zip(&reference.target_columns) {
                self.values[c] = self.values[k].clone();
            }
        }
    }
}

/// Rows begun anew before one is given up.
const ATTEMPTS: usize = 4;

impl<'p> Filler<'p> {
    /// A row of the table number `t` for a world, or the constraint that cannot be met.
    pub(super) fn row(&mut self, t: usize, world: usize, lane: Option<u8>) -> Result<Built, String> {
        let mut reason = String::new();
        let first = self.dice.below(usize::from(u8::MAX));
        for attempt in 0..ATTEMPTS {
            // Each attempt is made for another tenant of the world, if it has several.
            let mut draft = self.begin(t, world, lane, first + attempt);
            let outcome = if attempt == 0 && self.repeat(&mut draft) {
                Ok(())
            } else {
                self.fill_parents(&mut draft).map(|()| self.fill_cells(&mut draft))
            };
            match outcome.and_then(|()| self.settle(&mut draft)) {
                Ok(()) => {
                    self.admit(&draft);
                    let lane = if draft.pinned { draft.lane } else { None };
                    return Ok(Built { world, lane, values: draft.values });
                }
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    /// A finished row, open again for changes.
    pub(super) fn resume(&self, t: usize, row: &Built) -> Draft<'p> {
        let table = self.table(t);
        Draft {
            t,
            table,
            world: row.world,
            shape: self.shape(row.world),
            lane: row.lane,
            pinned: row.lane.is_some(),
            values: row.values.clone(),
            fixed: vec![true; table.columns.len()],
            leaf: &[],
            own: Vec::new(),
        }
    }

    fn begin(&mut self, t: usize, world: usize, lane: Option<u8>, turn: usize) -> Draft<'p> {
        let table = self.table(t);
        let shape = self.shape(world);
        let chosen = match shape.tenants {
            0 => None,
            n => u8::try_from(turn % usize::from(n)).ok(),
        };
        let leaf: &[_] =
            if table.leaves.is_empty() { &[] } else { &table.leaves[self.dice.below(table.leaves.len())] };
        let mut draft = Draft {
            t,
            table,
            world,
            shape,
            lane: lane.or(chosen),
            pinned: lane.is_some(),
            values: vec![None; table.columns.len()],
            fixed: vec![false; table.columns.len()],
            leaf,
            own: Vec::new(),
        };
        self.fill_keys(&mut draft);
        draft
    }

    fn fill_keys(&mut self, draft: &mut Draft<'p>) {
        for c in 0..draft.table.columns.len() {
            if draft.table.columns[c].key {
                draft.values[c] = self.make(draft, c, Flavour::Key, None);
                draft.fixed[c] = draft.values[c].is_some();
            }
        }
    }

    /// A copy of another row of the same world, keys and what must be unique excepted.
    fn repeat(&mut self, draft: &mut Draft<'p>) -> bool {
        let filled = &self.filled[draft.t];
        let Some(&(start, end)) = filled.spans.get(draft.world) else { return false };
        if start == end || !self.dice.chance(draft.shape.duplicates_percent) {
            return false;
        }
        let from = start + self.dice.below(end - start);
        let twin = self.filled[draft.t].rows[from].clone();
        if draft.pinned && twin.lane != draft.lane {
            return false;
        }
        (draft.lane, draft.pinned) = (twin.lane.or(draft.lane), twin.lane.is_some());
        let table = draft.table;
        for (c, column) in table.columns.iter().enumerate() {
            if column.key {
                continue;
            }
            draft.values[c].clone_from(&twin.values[c]);
            draft.fixed[c] = column.reference.is_some();
            if column.distinct && column.reference.is_none() && twin.values[c].is_some() {
                draft.values[c] = self.make(draft, c, Flavour::Distinct, None);
            }
        }
        // A row that refers to itself has a twin that refers to itself, not to its twin.
        let leads_back = |i: &usize| {
            let reference = &table.references[*i];
            let mut columns = reference.columns.iter().zip(&reference.target_columns);
            reference.target == draft.t
                && columns.all(|(&c, &k)| twin.values[c].is_some() && twin.values[c] == twin.values[k])
        };
        draft.own = (0..table.references.len()).filter(leads_back).collect();
        draft.follow_own_key();
        true
    }

    /// Values for all cells that are still open.
    fn fill_cells(&mut self, draft: &mut Draft<'p>) {
        for c in 0..draft.table.columns.len() {
            if !draft.fixed[c] {
                draft.values[c] = self.cell(draft, c);
            }
        }
    }

    /// A value for one cell, of whatever flavour the case asks for.
    pub(super) fn cell(&mut self, draft: &Draft<'p>, c: usize) -> Option<String> {
        let column = &draft.table.columns[c];
        if may_be_null(draft, c) && self.is_to_be_null(draft, &[c]) {
            return None;
        }
        let flavour = if column.distinct {
            Flavour::Distinct
        } else if !column.hinted && !column.maker.is_few() && self.dice.chance(self.spec.extremes_percent) {
            Flavour::Extreme
        } else if self.dice.chance(self.spec.collisions_percent) {
            Flavour::Common
        } else {
            Flavour::Plain
        };
        self.make(draft, c, flavour, None)
    }

    /// Whether columns that may be NULL, one or those of a reference, are to be.
    pub(super) fn is_to_be_null(&mut self, draft: &Draft<'p>, columns: &[usize]) -> bool {
        let hint = columns.iter().find_map(|&c| draft.table.columns[c].null_percent);
        let first = columns.iter().find(|&&c| may_be_null(draft, c));
        match (hint, draft.shape.nulls, first) {
            (None, Nulls::Pairs, Some(&column)) => {
                let spans = &self.filled[draft.t].spans;
                let row = spans.get(draft.world).map_or(0, |(start, end)| end - start);
                null_in_pairs(column, row)
            }
            _ => self.dice.chance(hint.unwrap_or(draft.shape.nulls.percent())),
        }
    }

    /// A value for a cell within its domain, the leaf's, and one more.
    pub(super) fn make(
        &mut self,
        draft: &Draft<'p>,
        c: usize,
        flavour: Flavour,
        more: Option<&Domain>,
    ) -> Option<String> {
        let column: &'p ColumnPlan = &draft.table.columns[c];
        let filled = &mut self.filled[draft.t];
        filled.counter += 1;
        let world = u32::try_from(draft.world).ok().filter(|&w| w > 0).map(WorldId);
        let cell = Cell { seed: self.seed, world, number: filled.counter, flavour };
        let leaf = draft.leaf.iter().find(|(l, _)| *l == c).map(|(_, domain)| domain);
        if leaf.is_none() && more.is_none() {
            return column.maker.make(&column.domain, cell, &mut self.dice);
        }
        let mut domain = column.domain.clone();
        for extra in leaf.into_iter().chain(more) {
            domain = domain.and(extra);
        }
        column.maker.make(&domain, cell, &mut self.dice)
    }
}

/// Whether the cell may be NULL by its column, its domain and its leaf.
pub(super) fn may_be_null(draft: &Draft<'_>, c: usize) -> bool {
    let column = &draft.table.columns[c];
    column.nullable && !column.domain.not_null && !draft.leaf.iter().any(|(l, d)| *l == c && d.not_null)
}
