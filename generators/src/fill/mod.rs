//! Fills a plan with rows.

mod check;
mod counts;
mod draft;
mod late;
mod parents;
mod parts;
mod settle;
mod solve;
mod violate;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

pub use parts::Parts;

use serde::Serialize;
use watertight_scenarios::{Ident, Relation};

use crate::case::{CaseSpec, Nulls, Rows, WorldShape};
use crate::dataset::{Dataset, Row, TableData, WorldId};
use crate::dice::{Dice, mix};
use crate::plan::{Plan, Role, TablePlan};

/// Rows that were asked for and could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The table.
    pub table: Relation,
    /// The constraint that refused them (a foreign key's columns, where no parent was there).
    pub constraint: String,
    /// How many.
    pub rows: u32,
}

/// A row under way.
#[derive(Clone, Debug)]
struct Built {
    /// 0 for shared rows, else the world's number.
    world: usize,
    /// Which tenant of its world it belongs to, where that is settled.
    lane: Option<u8>,
    values: Vec<Option<String>>,
}

/// Rows of one table.
#[derive(Clone, Debug, Default)]
struct Filled {
    rows: Vec<Built>,
    /// First row of each world, and one past the last.
    spans: Vec<(usize, usize)>,
    /// Counts cells, so that each has a number of its own.
    counter: u64,
    /// Digests of each unique key's values.
    seen: Vec<HashSet<u64>>,
    /// Rows at the beginning that were handed over before, and are kept for others to refer to.
    handed_over: usize,
}

struct Filler<'p> {
    plan: &'p Plan,
    spec: &'p CaseSpec,
    seed: u64,
    dice: Dice,
    filled: Vec<Filled>,
    skipped: BTreeMap<(usize, String), u32>,
    /// A check is being broken, so columns' own domains do not count.
    violating: bool,
    /// Where the search for a parent begins; at random if `None`.
    look_from: Option<usize>,
}

/// Values of a unique key that are remembered beyond a part. One of few values has fewer; those of others are told apart
/// by their numbers.
const SEEN_MAX: usize = 100_000;

/// The shape of shared rows.
const SHARED: WorldShape =
    WorldShape { tenants: 0, rows: Rows::None, nulls: Nulls::Percent(35), duplicates_percent: 0 };

impl Plan {
    /// The data of a case: the same plan, seed and spec give the same bytes.
    pub fn generate(&self, seed: u64, case: &CaseSpec) -> Dataset {
        self.generate_noting(seed, case).0
    }

    /// The data of a case, and what of it could not be made.
    pub fn generate_noting(&self, seed: u64, case: &CaseSpec) -> (Dataset, Vec<Skipped>) {
        let mut filler = Filler::new(self, seed, case);
        filler.fill();
        filler.finish()
    }

    /// A fresh value for a column, valid by what is known of it alone and equal to no generated key.
    pub fn spare_value(
        &self,
        database: usize,
        table: &Relation,
        column: &Ident,
        seed: u64,
    ) -> Option<String> {
        let table = self.find(database, table)?;
        let column = &table.columns[table.column(column)?];
        crate::fresh::of_column(column, seed)
    }

    /// Assignments that make an understood check false for a row of its table, columns that are keys or refer
    /// to other rows excepted. `None` where none was found.
    pub fn violate_check(
        &self,
        database: usize,
        table: &Relation,
        constraint: &Ident,
        seed: u64,
    ) -> Option<Vec<(Ident, Option<String>)>> {
        let t = *self.index.get(&(database, table.clone()))?;
        let check = self.tables[t].checks.iter().find(|c| &c.name == constraint)?;
        let spec = CaseSpec { extremes_percent: 0, collisions_percent: 0, ..self.case_spec(2, 0) };
        (0..20).find_map(|round| {
            let mut filler = Filler::new(self, mix(&[seed, round]), &spec);
            filler.fill();
            filler.violation(t, check)
        })
    }
}

impl<'p> Filler<'p> {
    fn new(plan: &'p Plan, seed: u64, spec: &'p CaseSpec) -> Self {
        let filled = plan
            .tables
            .iter()
            .map(|t| Filled { seen: vec![HashSet::new(); t.uniques.len()], ..Filled::default() })
            .collect();
        Self {
            plan,
            spec,
            seed,
            dice: Dice::new(seed, 1),
            filled,
            skipped: BTreeMap::new(),
            violating: false,
            look_from: None,
        }
    }

    fn shape(&self, world: usize) -> &'p WorldShape {
        match world {
            0 => &SHARED,
            n => &self.spec.worlds[n - 1],
        }
    }

    fn fill(&mut self) {
        let counts = self.counts();
        self.fill_worlds(&counts, 0..counts.len());
        self.fill_late();
    }

    /// The rows of some worlds, which come behind those that are there.
    fn fill_worlds(&mut self, counts: &[Vec<u32>], worlds: Range<usize>) {
        for (t, table) in self.plan.tables.iter().enumerate() {
            for world in worlds.clone() {
                let count = counts[world][t];
                let start = self.filled[t].rows.len();
                // The span grows with the rows, so that later rows may refer to earlier ones.
                self.filled[t].spans.push((start, start));
                // Rows of a world with two tenants are dealt out where their tenants are not there to be asked.
                let tenants = u32::from(self.shape(world).tenants);
                let dealt = table.is_bound(&self.plan.tables) && tenants > 0;
                for i in 0..count {
                    let lane = match table.role {
                        Role::Tenants => Some(i),
                        _ => dealt.then(|| i % tenants),
                    };
                    let lane = lane.map(|lane| u8::try_from(lane).unwrap_or(u8::MAX));
                    match self.row(t, world, lane) {
                        Ok(row) => {
                            self.filled[t].rows.push(row);
                            self.filled[t].spans[world].1 += 1;
                        }
                        Err(reason) => *self.skipped.entry((t, reason)).or_default() += 1,
                    }
                }
            }
        }
    }

    /// The rows that were not handed over yet. Shared ones stay, too: whatever comes may refer to them.
    fn hand_over(&mut self) -> Dataset {
        let mut tables = Vec::new();
        for (plan, filled) in self.plan.tables.iter().zip(&mut self.filled) {
            let shared = filled.spans.len() == 1;
            let rows = if shared { filled.rows.clone() } else { filled.rows.split_off(filled.handed_over) };
            filled.handed_over = filled.rows.len();
            if shared {
                filled.spans[0] = (0, filled.handed_over);
            }
            filled.seen.iter_mut().filter(|seen| seen.len() > SEEN_MAX).for_each(HashSet::clear);
            if plan.filled {
                tables.push(table_data(plan, rows));
            }
        }
        Dataset { tables }
    }

    fn skip(&mut self, t: usize, reason: &str) {
        *self.skipped.entry((t, reason.to_owned())).or_default() += 1;
    }

    fn finish(self) -> (Dataset, Vec<Skipped>) {
        let skipped = self.skipped();
        let tables = self.plan.tables.iter().zip(self.filled).filter(|(plan, _)| plan.filled);
        (Dataset { tables: tables.map(|(plan, filled)| table_data(plan, filled.rows)).collect() }, skipped)
    }

    fn skipped(&self) -> Vec<Skipped> {
        let skipped = self.skipped.iter().map(|((t, constraint), rows)| Skipped {
            table: self.plan.tables[*t].table.name.clone(),
            constraint: constraint.clone(),
            rows: *rows,
        });
        skipped.collect()
    }

    fn table(&self, t: usize) -> &'p TablePlan {
        &self.plan.tables[t]
    }
}

fn table_data(plan: &TablePlan, rows: Vec<Built>) -> TableData {
    TableData {
        database: plan.database,
        table: plan.table.name.clone(),
        columns: plan.columns.iter().map(|c| c.name.clone()).collect(),
        rows: rows.into_iter().map(finished).collect(),
    }
}

fn finished(row: Built) -> Row {
    let world = u32::try_from(row.world).unwrap_or(u32::MAX);
    Row { world: (world > 0).then_some(WorldId(world)), values: row.values }
}
