//! What a report tells of a case besides verdicts: steps, rows, and the matrix of access paths.

use std::collections::BTreeMap;
use std::time::Duration;

use watertight_scenarios::Relation;
use watertight_scenarios::scenario::{AccessId, Checkpoint};

use crate::explore::{Act, CaseData, Observations, Scene, Seen, TableKey};
use crate::invariants::{present, sendings};

/// Numbers of one case.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) steps: Vec<StepNumbers>,
    pub(super) tables: BTreeMap<TableKey, TableNumbers>,
    pub(super) access: BTreeMap<(AccessId, Checkpoint), Answers>,
}

/// One step of one case.
#[derive(Clone, Debug, Default)]
pub(super) struct StepNumbers {
    pub(super) passed: bool,
    pub(super) refusals: u64,
    pub(super) took: Option<Duration>,
    pub(super) writes: BTreeMap<Relation, u64>,
}

/// One table of one case.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TableNumbers {
    /// At the last checkpoint that the case reached.
    pub(super) rows: u64,
    pub(super) without_tenant: u64,
    /// At the first checkpoint at which the table has its tenant column.
    pub(super) without_tenant_before: u64,
}

/// How an access path was answered at a checkpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    pub(super) sent: u64,
    pub(super) refused: u64,
    pub(super) first: Option<(String, String)>,
}

/// Takes the numbers of one case.
pub(super) fn measure(scene: &Scene, case: &CaseData, seen: &Observations) -> Measured {
    Measured { steps: steps(seen), tables: tables(scene, case, seen), access: access(scene, case, seen) }
}

fn steps(seen: &Observations) -> Vec<StepNumbers> {
    seen.steps
        .iter()
        .map(|run| {
            let done = run.seen.done();
            StepNumbers {
                passed: done.is_some(),
                refusals: run.removed.len() as u64 + u64::from(done.is_none()),
                took: done.map(|d| d.took),
                writes: done.map(|d| d.writes.clone()).unwrap_or_default(),
            }
        })
        .collect()
}

/// Rows of worlds that went the whole way, when the column came and at the end. A case that ended before tells nothing.
fn tables(scene: &Scene, case: &CaseData, seen: &Observations) -> BTreeMap<TableKey, TableNumbers> {
    let mut numbers: BTreeMap<TableKey, TableNumbers> = BTreeMap::new();
    let last = scene.last();
    let Some(contents) = seen.contents(last) else { return numbers };
    let alive = seen.alive(last);
    let lacking = |at: Checkpoint, key: &TableKey| -> u64 {
        let Some((table, column)) =
            seen.contents(at).and_then(|c| c.tables.get(key)).zip(scene.tenant_column(at, key))
        else {
            return 0;
        };
        let rows = table.rows.iter().filter(|r| table.cell(r, &column).is_none());
        rows.filter(|r| case.world_of(scene, key, table, r).is_none_or(|w| alive.contains(&w))).count() as u64
    };
    for (key, table) in &contents.tables {
        let first = scene.checkpoints().find(|at| scene.tenant_column(*at, key).is_some());
        numbers.insert(
            key.clone(),
            TableNumbers {
                rows: table.rows.len() as u64,
                without_tenant: lacking(last, key),
                without_tenant_before: first.map_or(0, |at| lacking(at, key)),
            },
        );
    }
    numbers
}

fn access(scene: &Scene, case: &CaseData, seen: &Observations) -> BTreeMap<(AccessId, Checkpoint), Answers> {
    let mut matrix: BTreeMap<(AccessId, Checkpoint), Answers> = BTreeMap::new();
    for (at, binding) in sendings(scene, case) {
        if !seen.alive(at).contains(&binding.world) || !present(scene, seen, at, &binding) {
            continue;
        }
        let cell = matrix.entry((binding.access, at)).or_default();
        match seen.seen(at, &[Act::Send(binding.clone())]) {
            Some(Seen::Done(_)) => cell.sent += 1,
            Some(Seen::Refused(refusal)) => {
                let Some(error) = refusal.failure.sql() else { continue };
                if !crate::invariants::counts(scene, binding.access, error) {
                    continue;
                }
                cell.sent += 1;
                cell.refused += 1;
                cell.first.get_or_insert_with(|| (error.sqlstate.clone(), error.message.clone()));
            }
            _ => {}
        }
    }
    matrix
}
