//! Ground truth: contents, catalogs and write counters, read as the observer inside the case's transaction.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use watertight_scenarios::scenario::DatabaseId;
use watertight_scenarios::{Ident, Relation};

use super::act::{Act, Actor, Print, Seen};
use super::runner::Runner;
use super::snapshot::{SnapRow, Snapshot, TableKey, TableRows};
use crate::catalog;
use crate::db::session::{Answer, Failure, TextRow};

/// A table whose rows are to be read.
pub(super) struct Listed {
    key: TableKey,
    /// Without rows.
    table: TableRows,
    select: String,
}

/// The tables of a database in some state of its schema.
pub(super) type Listing = Vec<Listed>;

/// Listings by database and what they depend on.
pub(super) type Listings = HashMap<(DatabaseId, Vec<TextRow>), Arc<Listing>>;

impl Runner<'_> {
    pub(super) async fn probe(&mut self, act: &Act) -> Result<Seen, Failure> {
        match act {
            Act::Catalog => {
                let mut all = Print::new();
                for db in 0..self.sessions.len() {
                    self.observe(DatabaseId(db), "SELECT").await?;
                    let print = catalog::fingerprint(&mut self.sessions[db]).await;
                    self.unobserve(DatabaseId(db));
                    for ((kind, object), definition) in print? {
                        let object = if db == 0 { object } else { format!("[{db}] {object}") };
                        all.insert((kind, object), definition);
                    }
                }
                Ok(Seen::Catalog(Arc::new(all)))
            }
            _ => Ok(Seen::Snapshot(Arc::new(self.snapshot().await?))),
        }
    }

    /// From now on as the observer, until [`Self::unobserve`]; with a first question in the same message.
    async fn observe(&mut self, db: DatabaseId, question: &str) -> Result<Vec<Answer>, Failure> {
        let sql = format!(
            "SAVEPOINT observation; {}; SET LOCAL search_path = pg_catalog; {question}",
            self.names.become_sql(&Actor::Observer)
        );
        self.own(db, &sql).await
    }

    fn unobserve(&mut self, db: DatabaseId) {
        self.pending.resize(self.sessions.len(), Vec::new());
        self.pending[db.0].push("ROLLBACK TO SAVEPOINT observation".to_owned());
        self.pending[db.0].push("RELEASE SAVEPOINT observation".to_owned());
    }

    /// The contents of every table.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        for db in (0..self.sessions.len()).map(DatabaseId) {
            let shape = self.observe(db, include_str!("sql/shape.sql")).await?;
            let shape: Vec<TextRow> = shape.into_iter().flat_map(|a| a.rows).collect();
            let listing = match self.listings.get(&(db, shape.clone())) {
                Some(known) => Arc::clone(known),
                None => {
                    let listing = Arc::new(self.listing(db).await?);
                    self.listings.insert((db, shape), Arc::clone(&listing));
                    listing
                }
            };
            let selects: Vec<&str> = listing.iter().map(|l| l.select.as_str()).collect();
            let answers =
                if selects.is_empty() { Vec::new() } else { self.own(db, &selects.join(";")).await? };
            self.unobserve(db);
            for (listed, answer) in listing.iter().zip(answers) {
                let (key, mut rows) = (listed.key.clone(), listed.table.clone());
                if answer.truncated {
                    // Half of a table is no ground truth.
                    return Err(Failure::Lost(format!("{} is too large to be compared row by row", key.1)));
                }
                rows.rows = answer
                    .rows
                    .into_iter()
                    .map(|mut values| {
                        let place = values.remove(0).unwrap_or_default();
                        SnapRow { place, values }
                    })
                    .collect();
                match snapshot.tables.entry(key) {
                    Entry::Vacant(slot) => {
                        slot.insert(rows);
                    }
                    Entry::Occupied(mut slot) => {
                        slot.get_mut().rows.extend(rows.rows);
                    }
                }
            }
        }
        Ok(snapshot)
    }

    async fn listing(&mut self, db: DatabaseId) -> Result<Listing, Failure> {
        let listed = self.own(db, include_str!("sql/contents.sql")).await?;
        let read = |row: TextRow| {
            let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
            let (leaf, root) = (Relation::new(cell(0), cell(1)), Relation::new(cell(2), cell(3)));
            let columns: Vec<Ident> = serde_json::from_str(&cell(4)).unwrap_or_default();
            let identity: Vec<Ident> = serde_json::from_str(&cell(5)).unwrap_or_default();
            let identity = identity.iter().filter_map(|c| columns.iter().position(|x| x == c)).collect();
            let list: String = columns.iter().map(|c| format!(", {}", c.quoted())).collect();
            let select =
                format!("SELECT tableoid::text || ':' || ctid::text{list} FROM ONLY {}", leaf.quoted());
            Listed { key: (db, root), table: TableRows { columns, identity, rows: Vec::new() }, select }
        };
        Ok(listed.into_iter().flat_map(|a| a.rows).map(read).collect())
    }

    /// Rows written in this transaction so far, by table.
    pub(super) async fn counters(&mut self, db: DatabaseId) -> Result<BTreeMap<Relation, u64>, Failure> {
        let answers = self.own(db, include_str!("sql/counters.sql")).await?;
        Ok(answers
            .into_iter()
            .flat_map(|a| a.rows)
            .map(|row| {
                let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
                (Relation::new(cell(0), cell(1)), cell(2).parse().unwrap_or_default())
            })
            .collect())
    }
}
