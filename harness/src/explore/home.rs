//! A checkpoint to which every excursion comes back: what an excursion did not write is as it was, and is not read again.
//!
//! The server counts the rows that a transaction writes, table by table, the system's catalogs included, and what is
//! undone stays counted. A table whose count did not move since the excursion began holds what it held; where none of the
//! catalogs' did, no table came, went, was rewritten, emptied or changed the form in which it prints its values.

use std::sync::Arc;

use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::DatabaseId;

use super::act::{Act, Print};
use super::runner::Runner;
use super::snapshot::Snapshot;
use super::tree::Node;
use super::truth::{Listed, Listing, SHAPE};
use super::waiting::Wanted;
use crate::db::question::Question;
use crate::db::session::{Failure, TextRow};

pub(super) const METER: Question = Question {
    name: "meter",
    parameters: "(pg_catalog.oid[], pg_catalog.text[])",
    sql: include_str!("sql/meter.sql"),
};
pub(super) const SYSTEM: Question = Question::new("system", include_str!("sql/system.sql"));

/// What is known of the checkpoint whose excursions are played.
#[derive(Default)]
pub(super) struct Home {
    /// Whether more than one excursion looks at contents: only then is it worth while to read them here first.
    is_base: bool,
    contents: Option<Arc<Snapshot>>,
    catalogs: Option<Arc<Print>>,
    /// By database.
    listings: Vec<Arc<Listing>>,
    /// By database.
    began: Vec<Began>,
}

/// What is known of a database where the excursion that is played began.
#[derive(Clone, Debug)]
enum Began {
    /// How much was written until then is asked with the first message.
    Asked,
    /// So much was written.
    With(Meter),
    /// Nothing that helps: its schema has changed since, or the server does not count.
    Unlike,
}

/// Rows written so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Meter {
    catalogs: u64,
    /// By leaf, in the order of the listing.
    leaves: Vec<Option<u64>>,
}

impl Meter {
    /// `None` where the server does not count.
    fn of(rows: Vec<TextRow>) -> Option<Self> {
        let mut counts = rows.into_iter().map(|row| row.into_iter().next().flatten()?.parse().ok());
        let catalogs = counts.next()??;
        Some(Self { catalogs, leaves: counts.collect() })
    }
}

impl Home {
    pub(super) fn of(roots: &[Node]) -> Self {
        let looks = |node: &&Node| matches!(node.act, Act::Snapshot) || node.is_looked_at();
        Self { is_base: roots.iter().filter(looks).count() > 1, ..Self::default() }
    }
}

/// What of a database an excursion left as it was.
enum Left {
    /// The schema, and every table but these, by their places in the listing.
    Most(Vec<usize>),
    /// Nothing is known.
    Nothing,
}

fn meter_arguments(listing: &Listing, system: &str) -> String {
    let names: Vec<String> =
        listing.iter().flat_map(|l| &l.leaves).map(|leaf| quote_literal(&leaf.name)).collect();
    format!("('{system}', ARRAY[{}]::pg_catalog.text[])", names.join(","))
}

/// Places in the listing of the tables that were written between two readings.
fn moved(listing: &Listing, before: &Meter, after: &Meter) -> Vec<usize> {
    let mut counts = before.leaves.iter().zip(&after.leaves);
    let mut is_moved = |listed: &Listed| {
        // To the last leaf, so that the next table's counts are its own.
        counts.by_ref().take(listed.leaves.len()).filter(|(b, a)| b.is_none() || b != a).count() > 0
    };
    (0..listing.len()).filter(|&i| is_moved(&listing[i])).collect()
}

impl Runner<'_> {
    /// The contents of every table.
    pub(super) async fn contents(&mut self) -> Result<Arc<Snapshot>, Failure> {
        match &self.home {
            Some(home) if self.depth == 0 => match &home.contents {
                Some(known) => Ok(Arc::clone(known)),
                None => self.read_home().await,
            },
            Some(Home { contents: Some(base), .. }) => {
                let base = Arc::clone(base);
                Ok(Arc::new(self.changed_from(&base).await?))
            }
            _ => Ok(Arc::new(self.snapshot().await?)),
        }
    }

    /// The catalogs of every database.
    pub(super) async fn catalogs(&mut self) -> Result<Arc<Print>, Failure> {
        let at_home = self.depth == 0 || self.has_home_schema().await?;
        let known = self.home.as_ref().filter(|_| at_home).and_then(|home| home.catalogs.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let read = Arc::new(self.read_catalogs().await?);
        if let Some(home) = self.home.as_mut().filter(|_| at_home) {
            home.catalogs = Some(Arc::clone(&read));
        }
        Ok(read)
    }

    /// Reads what excursions will be compared with, if that is worth while.
    pub(super) async fn know_home(&mut self) -> Result<(), Failure> {
        if self.home.as_ref().is_some_and(|home| home.is_base && home.contents.is_none()) {
            self.read_home().await?;
        }
        Ok(())
    }

    async fn read_home(&mut self) -> Result<Arc<Snapshot>, Failure> {
        self.know_system().await?;
        let (contents, listings) = self.listed_snapshot().await?;
        let contents = Arc::new(contents);
        if let Some(home) = &mut self.home {
            (home.contents, home.listings) = (Some(Arc::clone(&contents)), listings);
        }
        Ok(contents)
    }

    /// An excursion begins: how much was written until then is asked with its first message.
    pub(super) fn leave_home(&mut self) {
        let Some(home) = &self.home else { return };
        let arguments: Vec<String> = home
            .listings
            .iter()
            .zip(&self.system)
            .map(|(listing, system)| meter_arguments(listing, system))
            .collect();
        for (db, arguments) in arguments.iter().enumerate() {
            self.observe_later(DatabaseId(db), &METER, arguments, Wanted::Began);
        }
        if let Some(home) = &mut self.home {
            home.began = vec![Began::Asked; arguments.len()];
        }
    }

    /// The system's own tables are the same wherever a worker is.
    async fn know_system(&mut self) -> Result<(), Failure> {
        for db in (self.system.len()..self.sessions.len()).map(DatabaseId) {
            let rows = self.observe(db, &SYSTEM, "").await?;
            self.unobserve(db);
            self.system.push(rows.into_iter().flatten().flatten().next().unwrap_or_default());
        }
        Ok(())
    }

    /// What the excursion that is played left of a database; the session is the observer's afterwards, unless there is
    /// nothing that it could be compared with.
    async fn left(&mut self, db: DatabaseId) -> Result<Option<Left>, Failure> {
        let Some(home) = &self.home else { return Ok(None) };
        let (Some(listing), Some(system)) = (home.listings.get(db.0), self.system.get(db.0)) else {
            return Ok(None);
        };
        if matches!(home.began.get(db.0), None | Some(Began::Unlike)) {
            return Ok(None);
        }
        let listing = Arc::clone(listing);
        let arguments = meter_arguments(&listing, system);
        let now = Meter::of(self.observe(db, &METER, &arguments).await?);
        let heard = self.heard(db, Wanted::Began);
        let Some(began) = self.home.as_mut().and_then(|home| home.began.get_mut(db.0)) else {
            return Ok(None);
        };
        if let (Began::Asked, Some(rows)) = (&*began, heard) {
            *began = Meter::of(rows).map_or(Began::Unlike, Began::With);
        }
        let left = match (&*began, now) {
            (Began::With(began), Some(now)) if now.catalogs == began.catalogs => {
                Left::Most(moved(&listing, began, &now))
            }
            // What was written stays written while this excursion lasts.
            _ => {
                *began = Began::Unlike;
                Left::Nothing
            }
        };
        Ok(Some(left))
    }

    async fn has_home_schema(&mut self) -> Result<bool, Failure> {
        if self.home.as_ref().is_none_or(|home| home.began.len() < self.sessions.len()) {
            return Ok(false);
        }
        for db in (0..self.sessions.len()).map(DatabaseId) {
            let left = self.left(db).await?;
            if left.is_some() {
                self.unobserve(db);
            }
            if !matches!(left, Some(Left::Most(_))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The contents, of which only what the excursion wrote is read.
    async fn changed_from(&mut self, base: &Snapshot) -> Result<Snapshot, Failure> {
        let mut contents = Snapshot::default();
        for db in (0..self.sessions.len()).map(DatabaseId) {
            match self.left(db).await? {
                Some(Left::Most(moved)) => {
                    let of_this = base.tables.iter().filter(|((at, _), _)| *at == db);
                    contents.tables.extend(of_this.map(|(key, table)| (key.clone(), Arc::clone(table))));
                    let listing =
                        self.home.as_ref().map(|home| Arc::clone(&home.listings[db.0])).unwrap_or_default();
                    self.read(db, moved.iter().map(|&i| &listing[i]), &mut contents).await?;
                }
                Some(Left::Nothing) => {
                    let shape = self.observe_more(db, &SHAPE, "").await?;
                    self.read_all(db, shape, &mut contents).await?;
                }
                None => {
                    let shape = self.observe(db, &SHAPE, "").await?;
                    self.read_all(db, shape, &mut contents).await?;
                }
            }
            self.unobserve(db);
        }
        Ok(contents)
    }
}
