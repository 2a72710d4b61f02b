//! More data than memory holds: part by part, each some whole worlds.

use std::ops::Range;

use watertight_scenarios::Relation;

use super::{Filler, Skipped};
use crate::case::CaseSpec;
use crate::dataset::Dataset;
use crate::plan::Plan;

/// The data of a case in parts, the shared rows first. The same plan, seed, spec and size of a part give the same
/// bytes. Rows of one world may refer to each other and to shared rows only.
pub struct Parts<'p> {
    filler: Filler<'p>,
    /// Rows by world, then table.
    counts: Vec<Vec<u32>>,
    next_world: usize,
    rows_per_part: usize,
}

impl Plan {
    /// The data of a case with about so many rows a part, which ends with a world. Rows are known to be different from
    /// each other within a part, and by their numbers beyond it.
    pub fn parts<'p>(&'p self, seed: u64, case: &'p CaseSpec, rows_per_part: usize) -> Parts<'p> {
        let mut filler = Filler::new(self, seed, case);
        let counts = filler.counts();
        Parts { filler, counts, next_world: 0, rows_per_part }
    }

    /// Rows that a case has in the tables that count, shared ones excepted.
    pub(crate) fn rows_of_worlds(&self, case: &CaseSpec, counts: impl Fn(usize, &Relation) -> bool) -> u64 {
        let rows = Filler::new(self, 0, case).counts();
        let rows = rows.iter().skip(1).flat_map(|world| world.iter().zip(&self.tables));
        rows.filter(|(_, t)| counts(t.database, &t.table.name)).map(|(&n, _)| u64::from(n)).sum()
    }
}

impl Parts<'_> {
    /// What could not be made so far.
    pub fn skipped(&self) -> Vec<Skipped> {
        self.filler.skipped()
    }

    /// The shared rows, or as many worlds as fill a part.
    fn next_worlds(&self) -> Option<Range<usize>> {
        let first = self.next_world;
        let rows_of = |counts: &Vec<u32>| counts.iter().map(|&n| n as usize).sum::<usize>();
        let mut worlds = self.counts.iter().enumerate().skip(first);
        let (_, counts) = worlds.next()?;
        let mut rows = rows_of(counts);
        let mut end = first + 1;
        for (world, counts) in worlds.take_while(|_| first > 0) {
            rows += rows_of(counts);
            if rows > self.rows_per_part {
                break;
            }
            end = world + 1;
        }
        Some(first..end)
    }
}

impl Iterator for Parts<'_> {
    type Item = Dataset;

    fn next(&mut self) -> Option<Dataset> {
        let worlds = self.next_worlds()?;
        self.next_world = worlds.end;
        self.filler.fill_worlds(&self.counts, worlds);
        self.filler.fill_late();
        Some(self.filler.hand_over())
    }
}
