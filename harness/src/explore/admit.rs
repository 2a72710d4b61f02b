//! Data that the server takes: rows that it refuses are made anew, or left out with all that refers to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use watertight_generators::{Dataset, Plan, Refused, Row, Skipped, TableData};
use watertight_scenarios::scenario::{DatabaseId, StepId};

use super::act::{Actor, Seen};
use super::perform::Pace;
use super::runner::Runner;
use crate::db::session::{Failure, SqlError};

/// Rows of one constraint that are given up before the constraint is taken for one that nothing satisfies.
const GIVEN_UP_MAX: usize = 8;

/// Rows that go with others, in the words of a constraint.
const REFERS_TO_NONE: &str = "a reference to rows that could not be made";

/// What was learned of a constraint.
#[derive(Default)]
struct Lesson {
    /// The way that last made a row that it took.
    way: Option<usize>,
    given_up: usize,
}

/// By table and what refused: learned once, used for every row.
type Lessons = BTreeMap<(usize, String), Lesson>;

/// Data that is being tried.
struct Trying<'a> {
    plan: &'a Plan,
    data: Dataset,
    seed: u64,
    lessons: Lessons,
    /// Rows that nothing makes acceptable, by table and place, and what refuses them.
    gone: Vec<(usize, usize, String)>,
}

impl Trying<'_> {
    /// The data without what is gone and what refers to it, and what that was.
    fn left(self) -> (Dataset, Vec<Skipped>) {
        if self.gone.is_empty() {
            return (self.data, Vec::new());
        }
        let rows: Vec<(usize, usize)> = self.gone.iter().map(|(t, r, _)| (*t, *r)).collect();
        let mut skipped: BTreeMap<(usize, String), u32> = BTreeMap::new();
        for (t, _, constraint) in self.gone {
            *skipped.entry((t, constraint)).or_default() += 1;
        }
        let left = self.plan.without(&self.data, &rows);
        for (t, (before, after)) in self.data.tables.iter().zip(&left.tables).enumerate() {
            let lost = before.rows.len() - after.rows.len();
            let with_others = lost - rows.iter().filter(|(table, _)| *table == t).count();
            if with_others > 0 {
                let rows = u32::try_from(with_others).unwrap_or(u32::MAX);
                skipped.insert((t, REFERS_TO_NONE.to_owned()), rows);
            }
        }
        let skipped = skipped.into_iter().map(|((t, constraint), rows)| Skipped {
            table: left.tables[t].table.clone(),
            constraint,
            rows,
        });
        let skipped = skipped.collect();
        (left, skipped)
    }
}

impl Runner<'_> {
    /// The data as the server takes it, and what of it could not be made. Constraints that the generator does not
    /// understand are met by trying. The same data, schema and seed give the same.
    ///
    /// # Errors
    /// When a session is lost.
    pub async fn admitted(
        &mut self,
        plan: &Plan,
        data: Dataset,
        seed: u64,
    ) -> Result<(Dataset, Vec<Skipped>), Failure> {
        let mut trying = Trying { plan, data, seed, lessons: Lessons::new(), gone: Vec::new() };
        for late in [false, true] {
            self.pending.clear();
            self.everywhere("BEGIN").await?;
            let tried = match late {
                false => self.try_first(&mut trying).await,
                true => self.try_late(&mut trying).await,
            };
            self.everywhere("ROLLBACK").await?;
            tried?;
        }
        Ok(trying.left())
    }

    /// Tries the tables that are there from the beginning.
    async fn try_first(&mut self, trying: &mut Trying<'_>) -> Result<(), Failure> {
        let scene = self.scene;
        let tables = &trying.data.tables;
        let there = (0..tables.len()).filter(|&t| !scene.is_late(&tables[t])).collect();
        self.try_tables(trying, there).await
    }

    /// Tries the tables that get their rows behind a step, on the way through the timeline over empty tables. Steps
    /// that no transaction holds are not walked through: what is refused behind them is seen when it is loaded.
    async fn try_late(&mut self, trying: &mut Trying<'_>) -> Result<(), Failure> {
        let scene = self.scene;
        let born = |t: &TableData| scene.late.get(&(DatabaseId(t.database), t.table.clone())).copied();
        let waiting: Vec<(usize, StepId)> = trying
            .data
            .tables
            .iter()
            .enumerate()
            .filter(|(_, t)| !t.rows.is_empty())
            .filter_map(|(i, t)| Some((i, born(t)?)))
            .collect();
        let Some(last) = waiting.iter().map(|(_, step)| *step).max() else { return Ok(()) };
        if scene.needs_commits() {
            return Ok(());
        }
        self.late = Arc::default(); // nothing is put into the tables on the way
        for step in (0..=last.0).map(StepId) {
            self.later(&["SAVEPOINT timeline"]);
            let Seen::Done(_) = self.step(step, &Actor::Migrator, Pace::Together, "timeline").await? else {
                return Ok(());
            };
            let there: Vec<usize> = waiting.iter().filter(|(_, s)| *s == step).map(|(t, _)| *t).collect();
            if !there.is_empty() {
                self.everywhere("SAVEPOINT populated").await?;
                self.try_tables(trying, there).await?;
                self.everywhere("ROLLBACK TO SAVEPOINT populated; RESET ALL; RESET ROLE").await?;
            }
        }
        Ok(())
    }

    async fn try_tables(&mut self, trying: &mut Trying<'_>, there: Vec<usize>) -> Result<(), Failure> {
        let loader = self.names.become_sql(&Actor::Loader);
        self.everywhere(&format!("{loader}; SAVEPOINT admission")).await?;
        for t in there {
            for (r, error) in self.refused_of(&trying.data.tables[t]).await? {
                match self.remade(trying, (t, r), error).await? {
                    Ok(row) => trying.data.tables[t].rows[r] = row,
                    Err(constraint) => trying.gone.push((t, r, constraint)),
                }
            }
        }
        Ok(())
    }

    /// Rows that the server refuses beside those before them, found by halving; the others are loaded.
    async fn refused_of(&mut self, table: &TableData) -> Result<Vec<(usize, SqlError)>, Failure> {
        let mut refused = Vec::new();
        let mut open = vec![(0, table.rows.len())];
        while let Some((from, to)) = open.pop() {
            if from == to {
                continue;
            }
            let Err(error) = self.take(table, &table.rows[from..to]).await? else { continue };
            if to - from == 1 {
                refused.push((from, error));
            } else {
                let middle = from + (to - from) / 2;
                open.extend([(middle, to), (from, middle)]);
            }
        }
        Ok(refused)
    }

    /// Loads rows, or leaves everything as it was.
    async fn take(&mut self, table: &TableData, rows: &[Row]) -> Result<Result<(), SqlError>, Failure> {
        let db = DatabaseId(table.database);
        match self.copy_rows(table, rows).await {
            Ok(()) => {
                self.own(db, "RELEASE SAVEPOINT admission; SAVEPOINT admission").await?;
                Ok(Ok(()))
            }
            Err(Failure::Unloadable { error, .. }) => {
                self.own(db, "ROLLBACK TO SAVEPOINT admission").await?;
                Ok(Err(*error))
            }
            Err(other) => Err(other),
        }
    }

    /// The row as the server takes it, loaded; else what refuses it.
    async fn remade(
        &mut self,
        trying: &mut Trying<'_>,
        (t, r): (usize, usize),
        error: SqlError,
    ) -> Result<Result<Row, String>, Failure> {
        let Trying { plan, data, seed, lessons, .. } = trying;
        let table = &data.tables[t];
        let mut row = table.rows[r].clone();
        let mut constraint = error.constraint.clone();
        let mut what = named(&error);
        // A row that meets one constraint may meet the next.
        for _ in 0..3 {
            let lesson = lessons.entry((t, what.clone())).or_default();
            if lesson.given_up >= GIVEN_UP_MAX && lesson.way.is_none() {
                break;
            }
            let mut other = None;
            for way in lesson.way.into_iter().chain(0..plan.ways()) {
                let refused = Refused {
                    database: table.database,
                    table: &table.table,
                    row: &row,
                    number: r as u64,
                    constraint: constraint.as_deref(),
                };
                let Some(candidate) = plan.remade(refused, *seed, way) else { continue };
                match self.take(table, std::slice::from_ref(&candidate)).await? {
                    Ok(()) => {
                        lesson.way = Some(way);
                        return Ok(Ok(candidate));
                    }
                    Err(error) if named(&error) != what => {
                        other.get_or_insert((candidate, error));
                    }
                    Err(_) => {}
                }
            }
            lesson.given_up += 1;
            let Some((candidate, error)) = other else { break };
            (row, constraint, what) = (candidate, error.constraint.clone(), named(&error));
        }
        Ok(Err(what))
    }
}

/// What refused: a constraint by its name, else the server's message.
fn named(error: &SqlError) -> String {
    error.constraint.clone().unwrap_or_else(|| format!("{} {}", error.sqlstate, error.message))
}
