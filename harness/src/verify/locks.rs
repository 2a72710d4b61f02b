//! Which tables a step locks, and how: each step in a transaction of its own, over empty tables.

use std::collections::BTreeMap;

use watertight_reports::LockHeld;
use watertight_scenarios::scenario::{DatabaseId, StepId};
use watertight_scenarios::{Ident, Relation};

use super::survey::Surveyor;
use crate::db::session::Failure;
use crate::explore::Scene;

/// By step: table locks that it holds at its end, strongest first.
pub(super) type Locks = BTreeMap<StepId, Vec<LockHeld>>;

/// Modes, the strongest first, as `pg_locks` calls them.
const MODES: [&str; 8] = [
    "AccessExclusiveLock",
    "ExclusiveLock",
    "ShareRowExclusiveLock",
    "ShareLock",
    "ShareUpdateExclusiveLock",
    "RowExclusiveLock",
    "RowShareLock",
    "AccessShareLock",
];

/// Runs the timeline once more, step by step committed. Of steps that hold no transaction nothing is said.
pub(super) async fn locks(surveyor: &mut Surveyor<'_>, scene: &Scene) -> Result<Locks, Failure> {
    let mut found = Locks::new();
    for (id, step) in scene.steps() {
        // What the survey did not reach cannot be reached here either.
        if id.after() > scene.last() {
            break;
        }
        let held = step.is_transactional();
        if held {
            surveyor.all("BEGIN").await?;
        }
        if surveyor.script(&scene.scenario, id, false).await?.is_err() {
            break;
        }
        if held {
            let rows = surveyor.locks(step.database).await?;
            found.insert(id, strongest(scene, id, step.database, rows));
            surveyor.all("COMMIT").await?;
        }
    }
    Ok(found)
}

/// The strongest lock on each table that was there before the step: nobody waits for the others.
fn strongest(
    scene: &Scene,
    step: StepId,
    database: DatabaseId,
    rows: Vec<(Relation, String)>,
) -> Vec<LockHeld> {
    let rank = |mode: &str| MODES.iter().position(|m| *m == mode).unwrap_or(MODES.len());
    let mut by_table: BTreeMap<Relation, String> = BTreeMap::new();
    for (table, mode) in rows {
        if scene.table(step.before(), &(database, table.clone())).is_none() {
            continue;
        }
        let known = by_table.entry(table).or_insert_with(|| mode.clone());
        if rank(&mode) < rank(known) {
            *known = mode;
        }
    }
    let mut locks: Vec<LockHeld> =
        by_table.into_iter().map(|(table, mode)| LockHeld { table: table.to_string(), mode }).collect();
    locks.sort_by_key(|lock| rank(&lock.mode));
    locks
}

/// A row of `sql/locks.sql`.
pub(super) fn lock_row(row: &[Option<String>]) -> Option<(Relation, String)> {
    let cell = |i: usize| row.get(i).cloned().flatten();
    Some((Relation::new(Ident::new(cell(0)?), Ident::new(cell(1)?)), cell(2)?))
}
