//! What was seen of a case, as numbers that can be compared: whether a fault made any difference to anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use watertight_scenarios::Ident;
use watertight_scenarios::scenario::Checkpoint;

use crate::db::session::TextRow;
use crate::explore::tree::Node;
use crate::explore::{Act, Observations, Scene, Seen, Snapshot, TableKey, TableRows};

/// What a number is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// The rows of a table at a checkpoint.
    Rows(Checkpoint, TableKey),
    /// The values of one of its columns, whosever they are: what stays of a table in which something is new each time.
    Column(Checkpoint, TableKey, Ident),
    /// How a step went, and which worlds it refused.
    Step(usize),
    /// What an act of an excursion answered: the checkpoint, and a number for the act and those before it.
    Answer(Checkpoint, u64),
}

/// Everything that was seen of one case.
pub(super) type Footprint = BTreeMap<About, u64>;

/// Everything that was seen of one case, without what is never the same twice by its nature: durations, places.
pub(super) fn footprint(scene: &Scene, seen: &Observations) -> Footprint {
    let mut found = Footprint::new();
    for at in scene.checkpoints() {
        for (key, table) in seen.contents(at).into_iter().flat_map(|s| &s.tables) {
            found.insert(About::Rows(at, key.clone()), number(&rows(table)));
            for (i, column) in table.columns.iter().enumerate() {
                let mut values: Vec<&Option<String>> = table.rows.iter().map(|r| &r.values[i]).collect();
                values.sort();
                found.insert(About::Column(at, key.clone(), column.clone()), number(&values));
            }
        }
    }
    for (i, step) in seen.steps.iter().enumerate() {
        let removed: Vec<String> =
            step.removed.iter().map(|(refusal, worlds)| format!("{} {worlds:?}", refusal.failure)).collect();
        found.insert(About::Step(i), number(&(answer(&step.seen), removed)));
    }
    for (i, tree) in seen.trees.iter().enumerate() {
        answers(Checkpoint(i), START, &tree.roots, &mut found);
    }
    found
}

/// Whether the table was seen at the checkpoint and had no row.
pub(super) fn is_empty(of: &Footprint, at: Checkpoint, key: &TableKey) -> bool {
    of.get(&About::Rows(at, key.clone())) == Some(&number(&Vec::<&TextRow>::new()))
}

fn number(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn rows(table: &TableRows) -> Vec<&TextRow> {
    let mut rows: Vec<&TextRow> = table.rows.iter().map(|r| &r.values).collect();
    rows.sort();
    rows
}

/// Which acts have been done on the way to a node.
#[derive(Clone, Copy)]
struct Way {
    /// A number for them.
    number: u64,
    /// A script was among them, whole or in parts. Where none was, the same catalogs and rows answer the same, and
    /// those are compared.
    is_scripted: bool,
}

const START: Way = Way { number: 0, is_scripted: false };

fn answers(from: Checkpoint, before: Way, nodes: &[Node], found: &mut Footprint) {
    for node in nodes {
        let is_other = matches!(
            node.act,
            Act::Snapshot | Act::Catalog | Act::Send(_) | Act::Sql(_) | Act::Pooled(..) | Act::Keep(_)
        );
        let way =
            Way { number: number(&(before.number, &node.act)), is_scripted: before.is_scripted || !is_other };
        if let Some(seen) = node.seen.as_ref().filter(|_| way.is_scripted) {
            found.insert(About::Answer(from, way.number), answer(seen));
        }
        answers(from, way, &node.children, found);
    }
}

fn answer(seen: &Seen) -> u64 {
    match seen {
        Seen::Snapshot(snapshot) => contents(snapshot),
        Seen::Catalog(print) => number(print),
        Seen::Done(done) => {
            let mut rows: Vec<Vec<Option<&str>>> = done.answer.rows.iter().map(without_places).collect();
            rows.sort();
            number(&(rows, done.answer.affected, &done.writes))
        }
        // Not the statement's number: that moves when one before it is taken away.
        Seen::Refused(refusal) => number(&refusal.failure.to_string()),
    }
}

/// A row's cells, those that say where another row lies left empty: that depends on what the database held before.
fn without_places(row: &TextRow) -> Vec<Option<&str>> {
    let cells = row.iter().map(|cell| cell.as_deref());
    cells.map(|cell| cell.map(|text| if is_place(text) { "" } else { text })).collect()
}

/// `tableoid:ctid`, as questions about rows have it.
fn is_place(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts = text.split_once(":(").and_then(|(oid, rest)| {
        let (page, item) = rest.strip_suffix(')')?.split_once(',')?;
        Some(digits(oid) && digits(page) && digits(item))
    });
    parts.unwrap_or(false)
}

fn contents(snapshot: &Snapshot) -> u64 {
    let tables: Vec<_> =
        snapshot.tables.iter().map(|(key, table)| (key, &table.columns, rows(table))).collect();
    number(&tables)
}

/// What differs between two plays of the same case: clocks and dice of the scripts themselves.
pub(super) fn differing(one: &Footprint, other: &Footprint) -> BTreeSet<About> {
    let changed = one.iter().filter(|(about, n)| other.get(*about) != Some(*n)).map(|(about, _)| about);
    let added = other.keys().filter(|about| !one.contains_key(*about));
    changed.chain(added).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_from_values() {
        assert!(is_place("16384:(0,12)"));
        for value in ["(0,12)", "16384:(0,12", "a:(0,1)", "1:(0,)", "12:30", ""] {
            assert!(!is_place(value), "{value}");
        }
    }

    #[test]
    fn what_is_only_in_one_of_two_differs() {
        let of = |pairs: &[(usize, u64)]| -> Footprint {
            pairs.iter().map(|(step, n)| (About::Step(*step), *n)).collect()
        };
        let (one, other) = (of(&[(0, 1), (1, 2), (2, 3)]), of(&[(0, 1), (1, 9), (3, 4)]));
        let found: Vec<About> = differing(&one, &other).into_iter().collect();
        assert_eq!(found, [About::Step(1), About::Step(2), About::Step(3)]);
        assert!(differing(&one, &one.clone()).is_empty());
    }
}
