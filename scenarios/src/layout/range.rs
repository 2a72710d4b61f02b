//! Which migrations of a history are verified.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{History, Migration};
use crate::ident::Ident;

/// Migrations that are verified where nobody says which.
const NEWEST: usize = 10;

/// The first and the last migration to verify, by their ids; the beginnings of ids will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationRange {
    /// The first: everything before it is the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl MigrationRange {
    /// This range, and where it says nothing the other one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { from: self.from.or(other.from), to: self.to.or(other.to) }
    }
}

/// A range, and why it is that one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The range.
    pub range: MigrationRange,
    /// In words, behind “verified are …”: `what changed against main`. Empty for the range by default.
    pub why: String,
}

/// Chooses the range of a history, given what the scenario file says of it.
///
/// # Errors
/// Why it cannot: an end that is nowhere.
pub type Choose<'a> = &'a dyn Fn(&History, MigrationRange) -> Result<Chosen, String>;

/// An id that no migration has, or several begin with, or an empty range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMigration {
    /// What was asked for.
    pub id: String,
    /// Whether as the first.
    pub is_from: bool,
    why: &'static str,
}

impl fmt::Display for UnknownMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.is_from { "from" } else { "to" };
        write!(f, "`{end}` is `{}`: {}", self.id, self.why)
    }
}

impl History {
    /// Positions of the migrations in a range. By default the newest, ten at most: as many as there are before one that
    /// creates a table which a later one changes, for a table that is created on the way has no rows to be changed; and
    /// all but the first, for without a schema there is nothing to put data into.
    ///
    /// # Errors
    /// When an end is not found, or the range is empty.
    pub fn present(&self, range: &MigrationRange) -> Result<Range<usize>, UnknownMigration> {
        let end = match &range.to {
            Some(id) => self.position(id, false)? + 1,
            None => self.migrations.len(),
        };
        let start = match &range.from {
            Some(id) => self.position(id, true)?,
            None => self.newest(end),
        };
        if start < end {
            return Ok(start..end);
        }
        let id = range.from.clone().unwrap_or_default();
        Err(UnknownMigration { id, is_from: true, why: "it comes after the last migration of the range" })
    }

    /// The first of the newest migrations before `end`.
    fn newest(&self, end: usize) -> usize {
        let least = end.saturating_sub(NEWEST).max(usize::from(end > 1));
        let mut changed: Vec<Ident> = Vec::new();
        let mut start = end;
        while start > least {
            let shape = self.migrations[start - 1].up.shape();
            if start < end && shape.creates.iter().any(|t| changed.contains(&t.name)) {
                break;
            }
            let written = shape.writes.into_iter().map(|w| w.table);
            changed.extend(shape.alters.into_iter().chain(written).map(|t| t.name));
            start -= 1;
        }
        start
    }

    fn position(&self, id: &str, is_from: bool) -> Result<usize, UnknownMigration> {
        let at = |test: &dyn Fn(&Migration) -> bool| -> Vec<usize> {
            let hits = self.migrations.iter().enumerate().filter(|(_, m)| test(m));
            hits.map(|(n, _)| n).collect()
        };
        let exact = at(&|m| m.id == id || m.step_id() == id || m.path() == id);
        let found = if exact.is_empty() { at(&|m| m.id.starts_with(id)) } else { exact };
        match found.as_slice() {
            [one] => Ok(*one),
            several => {
                let why = if several.is_empty() {
                    "no migration is called so"
                } else {
                    "several migrations begin so"
                };
                Err(UnknownMigration { id: id.to_owned(), is_from, why })
            }
        }
    }
}
