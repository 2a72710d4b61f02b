//! Makes failing data small: worlds, then rows, then values.
//!
//! The discipline is that of proptest's `ValueTree`: run [`Shrinker::current`]; if it still fails, call
//! [`Shrinker::simplify`], else [`Shrinker::complicate`]; go on while they say true. When they say false,
//! `current` is the smallest data known to fail. Every candidate is closed under foreign keys, and the same
//! answers lead to the same candidates.

mod ddmin;
mod graph;
mod meta;
mod values;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::audit::audit_rows;
use crate::dataset::{Dataset, TableData, WorldId};
use crate::plan::Plan;
use ddmin::Ddmin;
use graph::Graph;
use meta::Meta;
use values::Class;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShrinkLimits {
    /// Candidates at most.
    pub attempts_max: u32,
}

impl Default for ShrinkLimits {
    fn default() -> Self {
        Self { attempts_max: 600 }
    }
}

/// Something that can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    World(WorldId),
    /// A row, by its number through all tables.
    Row(u32),
    /// All values of a column: NULL instead.
    Column(usize, usize),
    /// A value: NULL instead.
    Cell(usize, usize, u32),
    /// The generated look of a class of columns: simple values instead.
    Class(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Worlds,
    Rows,
    NullColumns,
    NullCells,
    RowsAfterNulls,
    Classes,
    RowsAtLast,
    Done,
}

/// A candidate that waits for its verdict.
#[derive(Clone, Debug)]
enum Candidate {
    Rows(Vec<bool>),
    Values(Vec<TableData>),
}

/// Makes failing data small.
#[derive(Clone, Debug)]
pub struct Shrinker {
    meta: Meta,
    /// The smallest data known to fail, dead rows included.
    tables: Vec<TableData>,
    alive: Vec<bool>,
    graph: Graph,
    classes: Vec<Class>,
    phase: Phase,
    ddmin: Ddmin<Item>,
    pending: Option<Candidate>,
    current: Dataset,
    /// Candidates that did not fail, by digest: they are not tried twice.
    passed: HashSet<u64>,
    attempts: u32,
    limits: ShrinkLimits,
    capped: bool,
    /// Values changed since rows were last found minimal.
    values_changed: bool,
    /// Rows went since values were last found minimal.
    rows_changed: bool,
}

impl Shrinker {
    /// Starts from data that fails.
    pub fn new(plan: &Plan, dataset: Dataset, limits: ShrinkLimits) -> Self {
        let meta = Meta::new(plan, &dataset);
        let rows = dataset.row_count();
        let alive = vec![true; rows];
        let tables = dataset.tables.clone();
        let graph = Graph::new(&meta, &tables, &alive);
        let classes = values::classes(&meta, &tables);
        let mut shrinker = Self {
            meta,
            tables,
            alive,
            graph,
            classes,
            phase: Phase::Worlds,
            ddmin: Ddmin::new(Vec::new()),
            pending: None,
            current: dataset,
            passed: HashSet::new(),
            attempts: 0,
            limits,
            capped: false,
            values_changed: false,
            rows_changed: false,
        };
        shrinker.ddmin = Ddmin::new(shrinker.items());
        shrinker
    }

    /// The data to run next; at the end, the smallest that fails.
    pub fn current(&self) -> &Dataset {
        &self.current
    }

    /// `current` fails: keep it, and go on to something smaller. False at the end.
    pub fn simplify(&mut self) -> bool {
        match self.pending.take() {
            Some(Candidate::Rows(alive)) => {
                self.alive = alive;
                self.rows_changed = true;
                self.accept();
            }
            Some(Candidate::Values(tables)) => {
                self.tables = tables;
                self.values_changed = true;
                self.graph = Graph::new(&self.meta, &self.tables, &self.alive);
                self.accept();
            }
            None => {}
        }
        self.advance()
    }

    /// `current` does not fail: go back, and on to something else. False at the end.
    pub fn complicate(&mut self) -> bool {
        if self.pending.take().is_some() {
            self.passed.insert(digest(&self.current));
            self.ddmin.reject();
        }
        self.advance()
    }

    /// Candidates so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why shrinking ended before the data was minimal, if it did.
    pub fn capped(&self) -> Option<String> {
        self.capped.then(|| {
            format!(
                "shrinking stopped after {} attempts; the data may not be minimal",
                self.limits.attempts_max
            )
        })
    }

    fn accept(&mut self) {
        let (meta, tables, alive) = (&self.meta, &self.tables, &self.alive);
        let worlds: HashSet<WorldId> = live_rows(meta, tables, alive).filter_map(|(_, _, w)| w).collect();
        self.ddmin.accept(|item| match *item {
            Item::World(world) => worlds.contains(&world),
            Item::Row(row) => alive[row as usize],
            Item::Column(..) | Item::Cell(..) | Item::Class(_) => true,
        });
    }

    /// The next candidate that is worth a run.
    fn advance(&mut self) -> bool {
        loop {
            if self.phase == Phase::Done {
                self.current = self.best();
                return false;
            }
            let Some(items) = self.ddmin.propose() else {
                self.next_phase();
                continue;
            };
            let Some(candidate) = self.candidate(&items) else {
                self.ddmin.reject();
                continue;
            };
            let current = match &candidate {
                Candidate::Rows(alive) => assemble(&self.meta, &self.tables, alive),
                Candidate::Values(tables) => assemble(&self.meta, tables, &self.alive),
            };
            if self.passed.contains(&digest(&current)) {
                self.ddmin.reject();
                continue;
            }
            if self.attempts >= self.limits.attempts_max {
                self.capped = true;
                self.phase = Phase::Done;
                continue;
            }
            self.attempts += 1;
            self.current = current;
            self.pending = Some(candidate);
            return true;
        }
    }

    fn best(&self) -> Dataset {
        assemble(&self.meta, &self.tables, &self.alive)
    }

    fn next_phase(&mut self) {
        self.phase = match self.phase {
            Phase::Worlds => Phase::Rows,
            Phase::Rows => Phase::NullColumns,
            Phase::NullColumns => Phase::NullCells,
            Phase::NullCells if std::mem::take(&mut self.values_changed) => Phase::RowsAfterNulls,
            // Fewer rows may do with fewer values, and those with fewer rows, until neither goes.
            Phase::RowsAfterNulls | Phase::RowsAtLast if std::mem::take(&mut self.rows_changed) => {
                Phase::NullCells
            }
            Phase::NullCells | Phase::RowsAfterNulls => Phase::Classes,
            Phase::Classes if std::mem::take(&mut self.values_changed) => Phase::RowsAtLast,
            Phase::Classes | Phase::RowsAtLast | Phase::Done => Phase::Done,
        };
        if self.phase == Phase::NullColumns {
            self.rows_changed = false;
        }
        self.ddmin = Ddmin::new(self.items());
    }

    /// What the phase may take away.
    fn items(&self) -> Vec<Item> {
        let nullable = |d: usize, c: usize| self.meta.may_be_null(d, c);
        match self.phase {
            Phase::Worlds => {
                let mut worlds: Vec<WorldId> =
                    live_rows(&self.meta, &self.tables, &self.alive).filter_map(|(_, _, w)| w).collect();
                worlds.sort_unstable();
                worlds.dedup();
                worlds.into_iter().map(Item::World).collect()
            }
            Phase::Rows | Phase::RowsAfterNulls | Phase::RowsAtLast => {
                // Those that refer come before those that are referred to.
                let mut rows: Vec<u32> = live_rows(&self.meta, &self.tables, &self.alive)
                    .map(|(d, r, _)| self.meta.number(d, r))
                    .collect();
                rows.reverse();
                rows.into_iter().map(Item::Row).collect()
            }
            Phase::NullColumns => {
                let columns = |d: usize| (0..self.tables[d].columns.len()).map(move |c| (d, c));
                let all = (0..self.tables.len()).flat_map(columns);
                all.filter(|&(d, c)| nullable(d, c)).map(|(d, c)| Item::Column(d, c)).collect()
            }
            Phase::NullCells => live_rows(&self.meta, &self.tables, &self.alive)
                .flat_map(|(d, r, _)| (0..self.tables[d].columns.len()).map(move |c| (d, r, c)))
                .filter(|&(d, r, c)| nullable(d, c) && self.tables[d].rows[r].values[c].is_some())
                .map(|(d, r, c)| Item::Cell(d, c, self.meta.number(d, r)))
                .collect(),
            Phase::Classes => (0..self.classes.len()).map(Item::Class).collect(),
            Phase::Done => Vec::new(),
        }
    }

    /// The data without these items; `None` where that changes nothing or the schema would refuse it.
    fn candidate(&self, items: &[Item]) -> Option<Candidate> {
        if let Some(Item::World(_) | Item::Row(_)) = items.first() {
            let worlds: HashSet<WorldId> =
                items.iter().filter_map(|i| if let Item::World(w) = i { Some(*w) } else { None }).collect();
            let rows = items.iter().filter_map(|i| if let Item::Row(r) = i { Some(*r) } else { None });
            let of_worlds = live_rows(&self.meta, &self.tables, &self.alive)
                .filter(|(_, _, w)| w.is_some_and(|w| worlds.contains(&w)))
                .map(|(d, r, _)| self.meta.number(d, r));
            let mut alive = self.alive.clone();
            self.graph.remove(&mut alive, rows.chain(of_worlds));
            return (alive != self.alive).then_some(Candidate::Rows(alive));
        }
        let mut tables = self.tables.clone();
        for item in items {
            match *item {
                Item::Column(d, c) => tables[d].rows.iter_mut().for_each(|row| row.values[c] = None),
                Item::Cell(d, c, number) => {
                    let row = (number - self.meta.offsets[d]) as usize;
                    tables[d].rows[row].values[c] = None;
                }
                Item::Class(class) => self.rename(&mut tables, &self.classes[class]),
                Item::World(_) | Item::Row(_) => {}
            }
        }
        let changed = |d: usize| tables[d].rows != self.tables[d].rows;
        let changed: Vec<usize> = (0..tables.len()).filter(|&d| changed(d)).collect();
        let sound = changed.iter().all(|&d| self.is_sound(d, &tables[d]));
        (!changed.is_empty() && sound).then_some(Candidate::Values(tables))
    }

    fn rename(&self, tables: &mut [TableData], class: &Class) {
        let Some(renaming) = values::renaming(&self.meta, &self.tables, &self.alive, class) else { return };
        for &(d, c) in &class.members {
            for row in &mut tables[d].rows {
                if let Some(new) = row.values[c].as_ref().and_then(|v| renaming.get(v)) {
                    row.values[c] = Some(new.clone());
                }
            }
        }
    }

    /// Whether the rows that are alive meet all that is understood of their table.
    fn is_sound(&self, d: usize, data: &TableData) -> bool {
        let Some(plan) = &self.meta.plans[d] else { return true };
        let live = TableData {
            rows: (0..data.rows.len())
                .filter(|&r| self.alive[self.meta.number(d, r) as usize])
                .map(|r| data.rows[r].clone())
                .collect(),
            columns: data.columns.clone(),
            table: data.table.clone(),
            database: data.database,
        };
        let mut broken = Vec::new();
        audit_rows(plan, &live, &mut broken);
        broken.is_empty()
    }
}

/// The data without rows, given as positions of table and row, and without whatever refers to them.
pub(crate) fn without_rows(plan: &Plan, dataset: &Dataset, gone: &[(usize, usize)]) -> Dataset {
    let meta = Meta::new(plan, dataset);
    let mut alive = vec![true; dataset.row_count()];
    let graph = Graph::new(&meta, &dataset.tables, &alive);
    graph.remove(&mut alive, gone.iter().map(|&(d, r)| meta.number(d, r)));
    assemble(&meta, &dataset.tables, &alive)
}

/// Rows that are alive: table, row, world.
fn live_rows<'a>(
    meta: &'a Meta,
    tables: &'a [TableData],
    alive: &'a [bool],
) -> impl Iterator<Item = (usize, usize, Option<WorldId>)> + 'a {
    tables.iter().enumerate().flat_map(move |(d, data)| {
        let rows = data.rows.iter().enumerate();
        rows.filter(move |(r, _)| alive[meta.number(d, *r) as usize]).map(move |(r, row)| (d, r, row.world))
    })
}

fn assemble(meta: &Meta, tables: &[TableData], alive: &[bool]) -> Dataset {
    let tables = tables.iter().enumerate().map(|(d, data)| TableData {
        rows: (0..data.rows.len())
            .filter(|&r| alive[meta.number(d, r) as usize])
            .map(|r| data.rows[r].clone())
            .collect(),
        columns: data.columns.clone(),
        table: data.table.clone(),
        database: data.database,
    });
    Dataset { tables: tables.collect() }
}

fn digest(dataset: &Dataset) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (d, table) in dataset.tables.iter().enumerate() {
        for row in &table.rows {
            (d, &row.values).hash(&mut hasher);
        }
    }
    hasher.finish()
}
