//! One large case: more rows than the harness holds. They are loaded part by part, every step is committed, and what is
//! to be known is asked of the server in sets.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use watertight_generators::Dataset;
use watertight_scenarios::Relation;
use watertight_scenarios::scenario::{DatabaseId, StepId};
use watertight_scenarios::schema::{Column, SqlType, TypeKind};

use super::act::{Actor, Done, Seen};
use super::case::CaseData;
use super::perform::Pace;
use super::runner::Runner;
use crate::db::session::{Failure, TextRow};

/// Limit for making an index or a foreign key over all rows.
const APART_LIMIT: Duration = Duration::from_secs(1800);

/// As many workers for a question as the server has to spare.
const IN_PARALLEL: &str = "SET LOCAL max_parallel_workers_per_gather = 4";

/// What a table holds, whatever order its rows are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Rows.
    pub rows: u64,
    /// Sum of a hash of each row.
    pub hash: String,
}

/// What a server answered, and how long it took.
#[derive(Clone, Debug)]
pub struct Timed<T> {
    /// The answer.
    pub answer: T,
    /// Wall time.
    pub took: Duration,
}

/// The SQL that asks for a [`Fingerprint`] of some columns. Values that are equal to their type are alike to it, 1.0 and
/// 1.00; those of types without a hash are compared as the server prints them.
pub fn fingerprint_sql<'a>(table: &Relation, columns: impl IntoIterator<Item = &'a Column>) -> String {
    let columns: Vec<String> = columns
        .into_iter()
        .map(|c| if has_hash(&c.ty) { c.name.quoted() } else { format!("{}::text", c.name.quoted()) })
        .collect();
    format!(
        "SELECT count(*), sum(hash_record_extended(ROW({}), 0)) FROM {}",
        columns.join(", "),
        table.quoted()
    )
}

fn has_hash(ty: &SqlType) -> bool {
    match &ty.kind {
        TypeKind::Domain { base: of, .. } | TypeKind::Array(of) | TypeKind::Range(of) => has_hash(of),
        TypeKind::Money
        | TypeKind::Json
        | TypeKind::Bit { .. }
        | TypeKind::TsVector
        | TypeKind::Xml
        | TypeKind::Point
        | TypeKind::Multirange(_)
        | TypeKind::Composite(_)
        | TypeKind::Vector(_)
        | TypeKind::HalfVec(_)
        | TypeKind::SparseVec(_)
        | TypeKind::Other => false,
        _ => true,
    }
}

impl Runner<'_> {
    /// Loads data part by part and commits it. Foreign keys and indexes are away in the meantime and made behind it,
    /// which looks at every row; tables that get their rows behind a step stay empty. Says how many rows were loaded.
    ///
    /// # Errors
    /// When the server does not take the data, or a session is lost.
    pub async fn load_large(&mut self, parts: impl Iterator<Item = Dataset>) -> Result<u64, Failure> {
        let mut apart = Vec::new();
        for db in (0..self.sessions.len()).map(DatabaseId) {
            apart.push(self.take_apart(db).await?);
        }
        let mut rows = 0;
        for mut part in parts {
            part.tables.retain(|t| !self.scene.is_late(t));
            rows += part.row_count() as u64;
            self.everywhere("BEGIN").await?;
            self.load(&part).await?;
            self.everywhere("COMMIT").await?;
        }
        for (db, pairs) in apart.into_iter().enumerate() {
            let back: Vec<String> = pairs.into_iter().map(|[_, back]| back).collect();
            self.as_owner(DatabaseId(db), &back).await?;
            // What the planner would know of tables that have been there for long.
            self.as_owner(DatabaseId(db), &["ANALYZE".to_owned()]).await?;
        }
        Ok(rows)
    }

    /// Takes away what is made again behind the load: for each how it goes, and how it comes back.
    async fn take_apart(&mut self, db: DatabaseId) -> Result<Vec<[String; 2]>, Failure> {
        let role = self.names.become_sql(&Actor::Migrator);
        let question = include_str!("sql/apart.sql");
        let asked = format!("BEGIN; {role}; SET LOCAL search_path = pg_catalog; {question}; ROLLBACK");
        let rows = self.own(db, &asked).await?.into_iter().flat_map(|answer| answer.rows);
        let pairs: Vec<[String; 2]> = rows
            .filter_map(|row| <[String; 2]>::try_from(row.into_iter().flatten().collect::<Vec<_>>()).ok())
            .collect();
        let away: Vec<String> = pairs.iter().map(|[away, _]| away.clone()).collect();
        self.as_owner(db, &away).await?;
        Ok(pairs)
    }

    async fn as_owner(&mut self, db: DatabaseId, statements: &[String]) -> Result<(), Failure> {
        let role = self.names.become_sql(&Actor::Migrator);
        self.own(db, &format!("BEGIN; {role}; SET LOCAL search_path = pg_catalog")).await?;
        for statement in statements {
            self.sessions[db.0].run(statement, APART_LIMIT).await?;
        }
        self.own(db, "COMMIT").await.map(drop)
    }

    /// The next step of the timeline, committed. Nothing is taken out of the data when it is refused.
    ///
    /// # Errors
    /// When a session is lost.
    pub async fn take_large(&mut self, case: &CaseData, step: StepId) -> Result<Seen, Failure> {
        if self.scene.step(step).is_transactional() {
            return Ok(self.advance_committed(case, step, &mut BTreeSet::new()).await?.seen);
        }
        let clock = Instant::now();
        Ok(match self.send_step(step, false, &Actor::Migrator).await? {
            Ok((answer, timings)) => {
                Seen::Done(Done { answer, took: clock.elapsed(), timings, ..Done::default() })
            }
            Err(refusal) => Seen::Refused(refusal),
        })
    }

    /// The step once more, and what it writes then; undone. `None` for one that no transaction can hold.
    ///
    /// # Errors
    /// When a session is lost.
    pub async fn again_large(&mut self, step: StepId) -> Result<Option<Seen>, Failure> {
        if !self.scene.step(step).is_transactional() {
            return Ok(None);
        }
        self.everywhere("BEGIN; SAVEPOINT again").await?;
        let seen = self.step(step, &Actor::Migrator, Pace::Together, "again").await?;
        self.everywhere("ROLLBACK").await?;
        Ok(Some(seen))
    }

    /// What the server answers to a question of one row, past row security.
    ///
    /// # Errors
    /// When it refuses, or a session is lost.
    pub async fn ask_large(&mut self, db: DatabaseId, question: &str) -> Result<Timed<TextRow>, Failure> {
        let role = self.names.become_sql(&Actor::Observer);
        let clock = Instant::now();
        let asked =
            format!("BEGIN; {role}; SET LOCAL search_path = pg_catalog; {IN_PARALLEL}; {question}; ROLLBACK");
        let answered = self.own(db, &asked).await;
        let took = clock.elapsed();
        match answered {
            Ok(answers) => {
                let answer = answers.into_iter().flat_map(|a| a.rows).next().unwrap_or_default();
                Ok(Timed { answer, took })
            }
            Err(failure) => {
                if !failure.ends_session() {
                    self.own(db, "ROLLBACK").await?;
                }
                Err(failure)
            }
        }
    }

    /// What a table holds in some of its columns.
    ///
    /// # Errors
    /// When the server refuses, or a session is lost.
    pub async fn fingerprint<'c>(
        &mut self,
        db: DatabaseId,
        table: &Relation,
        columns: impl IntoIterator<Item = &'c Column>,
    ) -> Result<Timed<Fingerprint>, Failure> {
        let Timed { answer, took } = self.ask_large(db, &fingerprint_sql(table, columns)).await?;
        let mut cells = answer.into_iter().map(Option::unwrap_or_default);
        let rows = cells.next().and_then(|n| n.parse().ok()).unwrap_or_default();
        Ok(Timed { answer: Fingerprint { rows, hash: cells.next().unwrap_or_default() }, took })
    }
}
