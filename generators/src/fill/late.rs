//! References that close a cycle: filled when every table has its rows.

use super::check::violated;
use super::{Built, Filler};

/// Rows tried as a late parent before the row is given up.
const ATTEMPTS: usize = 200;

impl<'p> Filler<'p> {
    /// Fills the late references of all tables, and drops rows that stay without one they need.
    pub(super) fn fill_late(&mut self) {
        let mut dropped = false;
        for t in 0..self.plan.tables.len() {
            let table = self.table(t);
            if !table.references.iter().any(|r| r.late) {
                continue;
            }
            let mut kept = Vec::new();
            let first = self.filled[t].handed_over;
            for r in first..self.filled[t].rows.len() {
                match self.complete(t, r) {
                    Ok(values) => {
                        self.filled[t].rows[r].values = values;
                        kept.push(true);
                    }
                    Err(reason) => {
                        self.skip(t, &reason);
                        kept.push(false);
                        dropped = true;
                    }
                }
            }
            // Rows that are not kept lose their place only when nothing is looked up any more.
            for (r, kept) in kept.into_iter().enumerate() {
                if !kept {
                    self.filled[t].rows[first + r].world = usize::MAX;
                }
            }
        }
        if dropped {
            self.drop_orphans();
        }
    }

    fn complete(&mut self, t: usize, r: usize) -> Result<Vec<Option<String>>, String> {
        let row = self.filled[t].rows[r].clone();
        for attempt in 0..ATTEMPTS {
            // At random first, then one after the other: the last parent that is free must be found.
            self.look_from = attempt.checked_sub(4);
            let outcome = self.complete_once(t, &row);
            self.look_from = None;
            match outcome {
                Ok(Some(values)) => return Ok(values),
                Ok(None) => {}
                Err(reason) => return Err(reason),
            }
        }
        Err("a constraint over a cycle of foreign keys".to_owned())
    }

    /// One attempt: the row's values, or `None` where they break a constraint.
    fn complete_once(&mut self, t: usize, row: &Built) -> Result<Option<Vec<Option<String>>>, String> {
        let table = self.table(t);
        let mut draft = self.resume(t, row);
        for (i, reference) in table.references.iter().enumerate().filter(|(_, r)| r.late) {
            let shared = |c: usize| {
                table.references.iter().enumerate().any(|(o, other)| o != i && other.columns.contains(&c))
            };
            for &c in reference.columns.iter().filter(|&&c| !shared(c) && !table.columns[c].key) {
                draft.fixed[c] = false;
                draft.values[c] = None;
            }
            let null = reference.nullable && self.is_to_be_null(&draft, &reference.columns);
            let chosen = !null && self.choose(&mut draft, i);
            if !chosen && !reference.nullable && !self.choose(&mut draft, i) {
                return Err(format!("{} has no row to refer to", self.table(reference.target).table.name));
            }
        }
        let passes = !table.checks.iter().filter(|c| c.late).any(|c| violated(&draft, &c.expr));
        if passes && self.conflict(&draft, true).is_none() {
            for (i, unique) in table.uniques.iter().enumerate().filter(|(_, u)| u.late) {
                if let Some(digest) = unique.digest(&table.columns, &draft.values) {
                    self.filled[t].seen[i].insert(digest);
                }
            }
            return Ok(Some(draft.values));
        }
        Ok(None)
    }

    /// Removes dropped rows and all that refer to them.
    fn drop_orphans(&mut self) {
        for _ in 0..self.plan.tables.len() {
            let mut changed = false;
            for t in 0..self.plan.tables.len() {
                for reference in &self.table(t).references {
                    let gone: std::collections::HashSet<Vec<Option<String>>> = self.filled[reference.target]
                        .rows
                        .iter()
                        .filter(|r| r.world == usize::MAX)
                        .map(|r| reference.target_columns.iter().map(|&k| r.values[k].clone()).collect())
                        .collect();
                    if gone.is_empty() {
                        continue;
                    }
                    for row in self.filled[t].rows.iter_mut().filter(|r| r.world != usize::MAX) {
                        let key: Vec<_> = reference.columns.iter().map(|&c| row.values[c].clone()).collect();
                        if gone.contains(&key) {
                            row.world = usize::MAX;
                            changed = true;
                        }
                    }
                }
            }
            if !changed {
                break;
            }
        }
        for filled in &mut self.filled {
            filled.rows.retain(|r| r.world != usize::MAX);
        }
    }
}
