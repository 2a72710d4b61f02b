//! Ground truth: contents, catalogs and write counters, read as the observer inside the case's transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use watertight_scenarios::scenario::DatabaseId;
use watertight_scenarios::{Ident, Relation};

use super::act::{Act, Actor, Print, Seen};
use super::runner::Runner;
use super::snapshot::{SnapRow, Snapshot, TableKey, TableRows};
use super::waiting::Wanted;
use crate::catalog;
use crate::db::question::{NOT_PREPARED, Question};
use crate::db::session::{Failure, TextRow};

pub(super) const SHAPE: Question = Question::new("shape", include_str!("sql/shape.sql"));
pub(super) const CONTENTS: Question = Question::new("contents", include_str!("sql/contents.sql"));
pub(super) const COUNTERS: Question = Question::new("counters", include_str!("sql/counters.sql"));

pub(super) const OBSERVED: &str = "SAVEPOINT observation";
const OBSERVED_AGAIN: &str = "ROLLBACK TO SAVEPOINT observation";

/// A table whose rows are to be read.
pub(super) struct Listed {
    pub(super) key: TableKey,
    /// Without rows.
    table: TableRows,
    /// What holds the rows: the table itself, or its partitions.
    pub(super) leaves: Vec<Leaf>,
}

pub(super) struct Leaf {
    /// Quoted.
    pub(super) name: String,
    select: String,
}

/// The tables of a database in some state of its schema.
pub(super) type Listing = Vec<Listed>;

/// Listings by database and what they depend on.
pub(super) type Listings = HashMap<(DatabaseId, Vec<TextRow>), Arc<Listing>>;

impl Runner<'_> {
    pub(super) async fn probe(&mut self, act: &Act) -> Result<Seen, Failure> {
        match act {
            Act::Catalog => Ok(Seen::Catalog(self.catalogs().await?)),
            _ => Ok(Seen::Snapshot(self.contents().await?)),
        }
    }

    /// From now on as the observer, until [`Self::unobserve`]; with a first question.
    pub(super) async fn observe(
        &mut self,
        db: DatabaseId,
        question: &Question,
        arguments: &str,
    ) -> Result<Vec<TextRow>, Failure> {
        self.observe_from(OBSERVED, db, question, arguments).await
    }

    /// Another question, where the observer has only asked.
    pub(super) async fn observe_more(
        &mut self,
        db: DatabaseId,
        question: &Question,
        arguments: &str,
    ) -> Result<Vec<TextRow>, Failure> {
        self.observe_from(OBSERVED_AGAIN, db, question, arguments).await
    }

    async fn observe_from(
        &mut self,
        mut begin: &str,
        db: DatabaseId,
        question: &Question,
        arguments: &str,
    ) -> Result<Vec<TextRow>, Failure> {
        loop {
            let sql = self.observing(begin, db, question, arguments).join(";");
            match self.own(db, &sql).await {
                Ok(answers) => return Ok(answers.into_iter().flat_map(|a| a.rows).collect()),
                Err(Failure::Sql(error)) if error.sqlstate == NOT_PREPARED => {
                    self.sessions[db.0].forget_questions();
                    begin = OBSERVED_AGAIN;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Statements that ask as the observer; the last one is the question.
    fn observing(
        &mut self,
        begin: &str,
        db: DatabaseId,
        question: &Question,
        arguments: &str,
    ) -> Vec<String> {
        let (prepare, ask) = self.sessions[db.0].phrase(question, arguments);
        let mut sql = vec![begin.to_owned(), self.names.become_sql(&Actor::Observer)];
        sql.push("SET LOCAL search_path = pg_catalog".to_owned());
        sql.extend(prepare);
        sql.push(ask);
        sql
    }

    /// A question that goes with the next message.
    pub(super) fn observe_later(
        &mut self,
        db: DatabaseId,
        question: &Question,
        arguments: &str,
        wanted: Wanted,
    ) {
        let mut sql = self.observing(OBSERVED, db, question, arguments);
        let asked = sql.pop().unwrap_or_default();
        let waiting = self.waiting(db);
        waiting.sql.extend(sql);
        waiting.push_question(asked, wanted);
        self.unobserve(db);
    }

    pub(super) fn unobserve(&mut self, db: DatabaseId) {
        let waiting = self.waiting(db);
        waiting.push(OBSERVED_AGAIN);
        waiting.push("RELEASE SAVEPOINT observation");
    }

    /// The catalogs of every database.
    pub(super) async fn read_catalogs(&mut self) -> Result<Print, Failure> {
        let mut all = Print::new();
        for db in (0..self.sessions.len()).map(DatabaseId) {
            let rows = self.observe(db, &catalog::FINGERPRINT, "").await?;
            self.unobserve(db);
            for ((kind, object), definition) in catalog::print_of(rows) {
                let object = if db.0 == 0 { object } else { format!("[{}] {object}", db.0) };
                all.insert((kind, object), definition);
            }
        }
        Ok(all)
    }

    /// The contents of every table, all of them read.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        Ok(self.listed_snapshot().await?.0)
    }

    /// The same, with what was read, by database.
    pub(super) async fn listed_snapshot(&mut self) -> Result<(Snapshot, Vec<Arc<Listing>>), Failure> {
        let (mut snapshot, mut listings) = (Snapshot::default(), Vec::new());
        for db in (0..self.sessions.len()).map(DatabaseId) {
            let shape = self.observe(db, &SHAPE, "").await?;
            listings.push(self.read_all(db, shape, &mut snapshot).await?);
            self.unobserve(db);
        }
        Ok((snapshot, listings))
    }

    /// Reads every table of a database of that shape, as the observer.
    pub(super) async fn read_all(
        &mut self,
        db: DatabaseId,
        shape: Vec<TextRow>,
        into: &mut Snapshot,
    ) -> Result<Arc<Listing>, Failure> {
        let listing = self.listing(db, shape).await?;
        self.read(db, listing.iter(), into).await?;
        Ok(listing)
    }

    /// The tables of a database of that shape, as the observer.
    async fn listing(&mut self, db: DatabaseId, shape: Vec<TextRow>) -> Result<Arc<Listing>, Failure> {
        if let Some(known) = self.listings.get(&(db, shape.clone())) {
            return Ok(Arc::clone(known));
        }
        let mut listing = Listing::new();
        for row in self.observe_more(db, &CONTENTS, "").await? {
            let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
            let (leaf, root) = (Relation::new(cell(0), cell(1)), Relation::new(cell(2), cell(3)));
            let at = match listing.iter().position(|l| l.key.1 == root) {
                Some(at) => at,
                None => {
                    let names = |i: usize| serde_json::from_str(&cell(i)).unwrap_or_default();
                    let (columns, identity): (Vec<Ident>, Vec<Ident>) = (names(4), names(5));
                    let identity =
                        identity.iter().filter_map(|c| columns.iter().position(|x| x == c)).collect();
                    let table = TableRows { columns, identity, rows: Vec::new() };
                    listing.push(Listed { key: (db, root), table, leaves: Vec::new() });
                    listing.len() - 1
                }
            };
            // A partition may have its columns in another order than the one before.
            let list: String =
                listing[at].table.columns.iter().map(|c| format!(", {}", c.quoted())).collect();
            let name = leaf.quoted();
            let select = format!("SELECT tableoid::text || ':' || ctid::text{list} FROM ONLY {name}");
            listing[at].leaves.push(Leaf { name, select });
        }
        let listing = Arc::new(listing);
        self.listings.insert((db, shape), Arc::clone(&listing));
        Ok(listing)
    }

    /// Reads tables into a snapshot, as the observer.
    pub(super) async fn read(
        &mut self,
        db: DatabaseId,
        tables: impl Iterator<Item = &Listed> + Clone,
        snapshot: &mut Snapshot,
    ) -> Result<(), Failure> {
        let selects: Vec<&str> =
            tables.clone().flat_map(|l| &l.leaves).map(|leaf| leaf.select.as_str()).collect();
        if selects.is_empty() {
            return Ok(());
        }
        let mut answers = self.own(db, &selects.join(";")).await?.into_iter();
        for listed in tables {
            let mut table = listed.table.clone();
            for answer in answers.by_ref().take(listed.leaves.len()) {
                if answer.truncated {
                    // Half of a table is no ground truth.
                    let name = &listed.key.1;
                    return Err(Failure::Lost(format!("{name} is too large to be compared row by row")));
                }
                table.rows.extend(answer.rows.into_iter().map(|mut values| {
                    let place = values.remove(0).unwrap_or_default();
                    SnapRow { place, values }
                }));
            }
            snapshot.tables.insert(listed.key.clone(), Arc::new(table));
        }
        Ok(())
    }

    /// Rows written in this transaction so far, by table.
    pub(super) async fn counters(&mut self, db: DatabaseId) -> Result<BTreeMap<Relation, u64>, Failure> {
        let rows = self.observe(db, &COUNTERS, "").await?;
        self.unobserve(db);
        Ok(counted(rows))
    }

    /// The same before a step that comes next.
    pub(super) fn count_before_step(&mut self, db: DatabaseId) {
        self.observe_later(db, &COUNTERS, "", Wanted::BeforeStep);
    }

    /// What was written since then, by table.
    pub(super) async fn written_by_step(
        &mut self,
        db: DatabaseId,
    ) -> Result<BTreeMap<Relation, u64>, Failure> {
        let after = self.counters(db).await?;
        let before = self.heard(db, Wanted::BeforeStep).map(counted).unwrap_or_default();
        let since = |(table, count): (Relation, u64)| {
            let wrote = count.saturating_sub(before.get(&table).copied().unwrap_or_default());
            (wrote > 0).then_some((table, wrote))
        };
        Ok(after.into_iter().filter_map(since).collect())
    }
}

fn counted(rows: Vec<TextRow>) -> BTreeMap<Relation, u64> {
    let counted = rows.into_iter().map(|row| {
        let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        (Relation::new(cell(0), cell(1)), cell(2).parse().unwrap_or_default())
    });
    counted.collect()
}
