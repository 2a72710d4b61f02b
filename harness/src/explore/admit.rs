//! Data that the server takes: rows that it refuses are made anew, or left out with all that refers to them.

use std::collections::BTreeMap;

use watertight_generators::{Dataset, Plan, Refused, Row, Skipped, TableData};
use watertight_scenarios::scenario::DatabaseId;

use super::act::Actor;
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
        self.pending.clear();
        self.everywhere("BEGIN").await?;
        let admitted = self.admit(plan, data, seed).await;
        self.everywhere("ROLLBACK").await?;
        admitted
    }

    async fn admit(
        &mut self,
        plan: &Plan,
        mut data: Dataset,
        seed: u64,
    ) -> Result<(Dataset, Vec<Skipped>), Failure> {
        let loader = self.names.become_sql(&Actor::Loader);
        self.everywhere(&format!("{loader}; SAVEPOINT admission")).await?;
        let mut lessons = Lessons::new();
        let mut gone = Vec::new();
        let mut skipped: BTreeMap<(usize, String), u32> = BTreeMap::new();
        // Tables that get their rows behind a step are not there yet.
        let scene = self.scene;
        let there: Vec<usize> = (0..data.tables.len()).filter(|&t| !scene.is_late(&data.tables[t])).collect();
        for t in there {
            for (r, error) in self.refused_of(&data.tables[t]).await? {
                match self.remade(plan, &data.tables[t], (t, r), error, seed, &mut lessons).await? {
                    Ok(row) => data.tables[t].rows[r] = row,
                    Err(constraint) => {
                        gone.push((t, r));
                        *skipped.entry((t, constraint)).or_default() += 1;
                    }
                }
            }
        }
        if gone.is_empty() {
            return Ok((data, Vec::new()));
        }
        let left = plan.without(&data, &gone);
        for (t, (before, after)) in data.tables.iter().zip(&left.tables).enumerate() {
            let lost = before.rows.len() - after.rows.len();
            let with_others = lost - gone.iter().filter(|(table, _)| *table == t).count();
            if with_others > 0 {
                skipped
                    .insert((t, REFERS_TO_NONE.to_owned()), u32::try_from(with_others).unwrap_or(u32::MAX));
            }
        }
        let skipped = skipped.into_iter().map(|((t, constraint), rows)| Skipped {
            table: left.tables[t].table.clone(),
            constraint,
            rows,
        });
        let skipped = skipped.collect();
        Ok((left, skipped))
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
        plan: &Plan,
        table: &TableData,
        (t, r): (usize, usize),
        error: SqlError,
        seed: u64,
        lessons: &mut Lessons,
    ) -> Result<Result<Row, String>, Failure> {
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
                let Some(candidate) = plan.remade(refused, seed, way) else { continue };
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
