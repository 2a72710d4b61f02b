//! Sequences that give keys which rows have already: rows that are put somewhere bring their keys along.

use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId};
use watertight_scenarios::schema::Sequence;

use crate::db::session::TextRow;
use crate::explore::snapshot::SnapRow;
use crate::explore::{Act, Actor, Scene, Seen, Snapshot, Statement, TableKey, TableRows};

/// A column whose values a sequence gives.
pub(super) struct Fed<'a> {
    sequence: &'a Sequence,
    pub(super) key: TableKey,
    pub(super) column: &'a Ident,
}

/// A sequence that is behind the rows of its table.
pub(super) struct Behind<'a> {
    pub(super) fed: &'a Fed<'a>,
    pub(super) next: i64,
    pub(super) table: &'a TableRows,
    pub(super) rows: Vec<&'a SnapRow>,
}

impl Behind<'_> {
    /// The column, with its table.
    pub(super) fn subject(&self) -> String {
        format!("{}.{}", self.fed.key.1, self.fed.column)
    }

    /// What is wrong, as the end of a sentence.
    pub(super) fn words(&self) -> String {
        format!(
            "the sequence of {} goes on with {}, and {} rows have that key or one behind it",
            self.subject(),
            self.next,
            self.rows.len()
        )
    }
}

/// Columns of a database that sequences of their own feed, at a checkpoint.
pub(super) fn fed(scene: &Scene, at: Checkpoint, database: DatabaseId) -> Vec<Fed<'_>> {
    let schema = scene.schemas.get(at.0).and_then(|s| s.get(database.0));
    let sequences = schema.into_iter().flat_map(|s| &s.sequences);
    sequences
        .filter_map(|sequence| {
            let (table, column) = sequence.owned_by.as_ref()?;
            Some(Fed { sequence, key: (database, table.clone()), column })
        })
        .collect()
}

/// A look at where they are, in their order.
pub(super) fn look(database: DatabaseId, fed: &[Fed<'_>]) -> Act {
    let one = |(nth, fed): (usize, &Fed<'_>)| {
        format!("SELECT {nth} AS nth, last_value, is_called FROM {}", fed.sequence.name.quoted())
    };
    let all: Vec<String> = fed.iter().enumerate().map(one).collect();
    let sql = format!("{} ORDER BY nth", all.join(" UNION ALL "));
    Act::Sql(Statement { database, actor: Actor::Observer, sql })
}

/// Those that are behind the rows that are there, by what the look showed.
pub(super) fn behind<'a>(fed: &'a [Fed<'a>], looked: &Seen, rows: &'a Snapshot) -> Vec<Behind<'a>> {
    let states = looked.done().map(|done| done.answer.rows.as_slice()).unwrap_or_default();
    let one = |(fed, state): (&'a Fed<'a>, &TextRow)| {
        let next = next(state.get(1..)?, fed.sequence.increment)?;
        let table = rows.tables.get(&fed.key)?;
        let rows = ahead(table, fed.column, next, fed.sequence.increment);
        (!rows.is_empty()).then_some(Behind { fed, next, table, rows })
    };
    fed.iter().zip(states).filter_map(one).collect()
}

/// The first key that the sequence will give, from its state.
fn next(state: &[Option<String>], increment: i64) -> Option<i64> {
    let last: i64 = state.first()?.as_deref()?.parse().ok()?;
    match state.get(1)?.as_deref()? {
        "f" => Some(last),
        _ => last.checked_add(increment),
    }
}

/// Rows whose keys the sequence will give again.
fn ahead<'a>(table: &'a TableRows, column: &Ident, next: i64, increment: i64) -> Vec<&'a SnapRow> {
    let taken = |row: &&SnapRow| {
        let key: Option<i64> = table.cell(row, column).and_then(|v| v.parse().ok());
        key.is_some_and(|key| if increment > 0 { key >= next } else { key <= next })
    };
    table.rows.iter().filter(taken).collect()
}

#[cfg(test)]
mod tests {
    use watertight_scenarios::Ident;

    use super::*;

    fn state(last: &str, called: &str) -> TextRow {
        vec![Some(last.to_owned()), Some(called.to_owned())]
    }

    #[test]
    fn a_sequence_goes_on_behind_its_last_value() {
        assert_eq!(next(&state("1", "f"), 1), Some(1));
        assert_eq!(next(&state("41", "t"), 1), Some(42));
        assert_eq!(next(&state("-3", "t"), -1), Some(-4));
        assert_eq!(next(&[None, None], 1), None);
    }

    #[test]
    fn keys_at_and_behind_the_next_one_are_taken() {
        let rows = ["1", "7", "9"].map(|v| SnapRow { place: v.to_owned(), values: vec![Some(v.to_owned())] });
        let table = TableRows { columns: vec![Ident::from("id")], identity: vec![0], rows: rows.into() };
        let taken = |next, increment| ahead(&table, &Ident::from("id"), next, increment).len();
        assert_eq!((taken(7, 1), taken(10, 1), taken(5, -1), taken(0, -1)), (2, 0, 1, 0));
    }
}
