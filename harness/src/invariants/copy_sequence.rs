//! Rows that were copied bring their keys along; the sequences of the target do not know of them.

use std::collections::BTreeSet;

use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{CopySpec, StepId};
use watertight_scenarios::schema::Sequence;

use super::{Violation, ViolationKey};
use crate::db::session::TextRow;
use crate::explore::snapshot::SnapRow;
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Statement, TableKey, TableRows};

/// Sequences that give keys to copied tables, each with the table and the column.
fn sequences<'a>(
    scene: &'a Scene,
    step: StepId,
    spec: &CopySpec,
) -> Vec<(&'a Sequence, TableKey, &'a Ident)> {
    let schema = scene.schemas.get(step.after().0).and_then(|s| s.get(spec.to.0));
    schema
        .into_iter()
        .flat_map(|s| &s.sequences)
        .filter_map(|sequence| {
            let (table, column) = sequence.owned_by.as_ref()?;
            spec.tables.contains(table).then(|| (sequence, (spec.to, table.clone()), column))
        })
        .collect()
}

fn look(step: StepId, spec: &CopySpec, sequence: &Sequence) -> Excursion {
    let sql = format!("SELECT last_value, is_called FROM {}", sequence.name.quoted());
    let act = Act::Sql(Statement { database: spec.to, actor: Actor::Observer, sql });
    Excursion { from: step.after(), acts: vec![act] }
}

/// What has to be seen.
pub(super) fn plan(scene: &Scene, step: StepId, spec: &CopySpec) -> Vec<Excursion> {
    sequences(scene, step, spec).iter().map(|(sequence, ..)| look(step, spec, sequence)).collect()
}

/// The first key that the sequence will give, from its state.
fn next(row: &TextRow, increment: i64) -> Option<i64> {
    let last: i64 = row.first()?.as_deref()?.parse().ok()?;
    match row.get(1)?.as_deref()? {
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

/// Sequences that are behind the rows that were copied.
pub(super) fn violations(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
    spec: &CopySpec,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (sequence, key, column) in sequences(scene, step, spec) {
        let witness = look(step, spec, sequence);
        let state = seen.seen(witness.from, &witness.acts).and_then(|s| s.done()?.answer.rows.first());
        let Some(next) = state.and_then(|row| next(row, sequence.increment)) else { continue };
        let Some(table) = seen.contents(step.after()).and_then(|c| c.tables.get(&key)) else { continue };
        let ahead = ahead(table, column, next, sequence.increment);
        if ahead.is_empty() {
            continue;
        }
        let (id, name) = (&scene.step(step).id, &key.1);
        found.push(Violation {
            key: ViolationKey { step: Some(step), code: "sequence-behind", subject: format!("{name}.{column}") },
            worlds: ahead.iter().filter_map(|r| case.world_of(scene, &key, table, r)).collect::<BTreeSet<_>>(),
            severity: Severity::High,
            title: format!("New rows of {name} get keys that copied rows have"),
            message: format!(
                "After `{id}` the sequence of {name}.{column} goes on with {next}, and {} rows have that key or one \
                 behind it.",
                ahead.len()
            ),
            cause: "The rows bring their keys along, and nothing tells the target's sequence.".to_owned(),
            remedy: format!("Set the sequence of {name}.{column} behind the highest key, in the step that copies."),
            tables: vec![name.to_string()],
            place: Some(scene.location(step, 0)),
            witness,
        });
    }
    found
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
        assert_eq!(next(&vec![None, None], 1), None);
    }

    #[test]
    fn keys_at_and_behind_the_next_one_are_taken() {
        let rows = ["1", "7", "9"].map(|v| SnapRow { place: v.to_owned(), values: vec![Some(v.to_owned())] });
        let table = TableRows { columns: vec![Ident::from("id")], identity: vec![0], rows: rows.into() };
        let taken = |next, increment| ahead(&table, &Ident::from("id"), next, increment).len();
        assert_eq!((taken(7, 1), taken(10, 1), taken(5, -1), taken(0, -1)), (2, 0, 1, 0));
    }
}
