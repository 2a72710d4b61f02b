//! What a report tells of a case besides verdicts: steps, rows, ways back, plans, and the matrix of access paths.

use std::collections::BTreeMap;
use std::time::Duration;

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, StepId};
use watertight_scenarios::{Ident, Relation};

use super::indexes;
use crate::explore::{Act, Binding, CaseData, Excursion, Observations, Scene, Seen, TableKey};
use crate::invariants::{
    Attempted, THROUGH_INDEX, answered_otherwise, in_use, not_restored, present, recalled, sendings,
};

/// Numbers of one case.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) steps: Vec<StepNumbers>,
    pub(super) tables: BTreeMap<TableKey, TableNumbers>,
    pub(super) access: BTreeMap<(AccessId, Checkpoint), Answers>,
    /// Attempts on what the timeline brought, before it and after it.
    pub(super) attempts: Vec<Attempted>,
    /// Rows of each table at each checkpoint.
    pub(super) rows: BTreeMap<(Checkpoint, TableKey), u64>,
    /// Plans of reads at the last checkpoint, line by line.
    pub(super) plans: Vec<Vec<String>>,
    /// Recall of reads of nearest neighbours, one entry a tenant that asked.
    pub(super) recall: Vec<(AccessId, f64)>,
}

/// One step of one case.
#[derive(Clone, Debug, Default)]
pub(super) struct StepNumbers {
    pub(super) passed: bool,
    pub(super) refusals: u64,
    pub(super) took: Option<Duration>,
    pub(super) timings: Vec<Duration>,
    pub(super) writes: BTreeMap<Relation, u64>,
    /// The way back from right behind it.
    pub(super) down: Option<Duration>,
    /// What that way did not bring back, in words, with the rows.
    pub(super) not_restored: BTreeMap<String, u64>,
    /// Columns that it drops: rows that there were, and those with a value.
    pub(super) dropped: BTreeMap<(TableKey, Ident), (u64, u64)>,
}

/// One table of one case.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TableNumbers {
    /// When each was last seen.
    pub(super) rows: u64,
    pub(super) without_tenant: u64,
    /// Of tenants that a step refused, where they were taken out.
    pub(super) without_tenant_refused: u64,
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

/// What has to be seen of a case for the report alone.
pub(super) fn plan(scene: &Scene, case: &CaseData) -> Vec<Excursion> {
    explained(scene, case).into_iter().map(|acts| Excursion { from: scene.last(), acts }).collect()
}

/// Takes the numbers of one case.
pub(super) fn measure(scene: &Scene, case: &CaseData, seen: &Observations) -> Measured {
    Measured {
        steps: scene.steps().map_while(|(id, _)| step(scene, case, seen, id)).collect(),
        tables: tables(scene, case, seen),
        access: access(scene, case, seen),
        attempts: answered_otherwise(scene, case, seen),
        rows: rows(scene, seen),
        plans: explained(scene, case).iter().filter_map(|acts| plan_lines(scene, seen, acts)).collect(),
        recall: recalled(scene, case, seen).iter().map(|r| (r.asked.id, r.recall())).collect(),
    }
}

fn step(scene: &Scene, case: &CaseData, seen: &Observations, id: StepId) -> Option<StepNumbers> {
    let run = seen.step(id)?;
    let done = run.seen.done();
    let down = seen.seen(id.after(), &[Act::Down(id)]).and_then(Seen::done);
    Some(StepNumbers {
        passed: done.is_some(),
        refusals: run.removed.len() as u64 + u64::from(done.is_none()),
        took: done.map(|d| d.took),
        timings: done.map(|d| d.timings.clone()).unwrap_or_default(),
        writes: done.map(|d| d.writes.clone()).unwrap_or_default(),
        down: down.map(|d| d.took),
        not_restored: not_restored(scene, case, seen, id),
        dropped: dropped(seen, id),
    })
}

/// Columns that are there before a step and not behind it.
pub(super) fn dropped(seen: &Observations, id: StepId) -> BTreeMap<(TableKey, Ident), (u64, u64)> {
    let mut found = BTreeMap::new();
    let (Some(before), Some(after)) = (seen.contents(id.before()), seen.contents(id.after())) else {
        return found;
    };
    for (key, old) in &before.tables {
        let Some(new) = after.tables.get(key) else { continue };
        for (at, column) in old.columns.iter().enumerate().filter(|(_, c)| new.position(c).is_none()) {
            let filled = old.rows.iter().filter(|r| r.values[at].is_some()).count();
            found.insert((key.clone(), column.clone()), (old.rows.len() as u64, filled as u64));
        }
    }
    found
}

fn rows(scene: &Scene, seen: &Observations) -> BTreeMap<(Checkpoint, TableKey), u64> {
    let contents = scene.checkpoints().filter_map(|at| seen.contents(at).map(|c| (at, c)));
    contents
        .flat_map(|(at, c)| c.tables.iter().map(move |(key, t)| ((at, key.clone()), t.rows.len() as u64)))
        .collect()
}

/// Reads at the last checkpoint, asked for their plan. Where tables are small a planner reads them whole: it is
/// asked what it would do if it could not.
fn explained(scene: &Scene, case: &CaseData) -> Vec<Vec<Act>> {
    if !case.deep || indexes::of_timeline(scene).is_empty() {
        return Vec::new();
    }
    let at = scene.last();
    let reads = scene.scenario.access.iter().enumerate().filter(|(_, p)| p.kind == AccessKind::Read);
    reads
        .map(|(i, _)| AccessId(i))
        .filter(|id| in_use(scene, *id, at))
        .filter_map(|id| {
            let world = case.sample(1, id.0 as u64).first().copied()?;
            let binding = case.bind(scene, id, world)?;
            let near = scene.scenario.access[id.0].retrieval.is_some();
            let large = if near { THROUGH_INDEX } else { "SET LOCAL enable_seqscan = off; " };
            let sql = format!("{large}EXPLAIN (COSTS OFF) {}", binding.sql);
            Some(vec![Act::Send(Binding { sql, ..binding })])
        })
        .collect()
}

fn plan_lines(scene: &Scene, seen: &Observations, acts: &[Act]) -> Option<Vec<String>> {
    let done = seen.seen(scene.last(), acts)?.done()?;
    Some(done.answer.rows.iter().flatten().flatten().cloned().collect())
}

/// Rows with and without a tenant, when the column came and when each row was last seen: rows of a world that a step
/// refused are counted where it was taken out.
fn tables(scene: &Scene, case: &CaseData, seen: &Observations) -> BTreeMap<TableKey, TableNumbers> {
    let mut numbers: BTreeMap<TableKey, TableNumbers> = BTreeMap::new();
    let reached: Vec<Checkpoint> = scene.checkpoints().filter(|at| seen.contents(*at).is_some()).collect();
    let Some(&last) = reached.last() else { return numbers };
    let mut last_seen: BTreeMap<WorldId, Checkpoint> = BTreeMap::new();
    for at in &reached {
        last_seen.extend(seen.alive(*at).into_iter().map(|world| (world, *at)));
    }
    let first = |key: &TableKey| scene.checkpoints().find(|at| scene.tenant_column(*at, key).is_some());
    for &at in &reached {
        let ends = at == last || last_seen.values().any(|end| *end == at);
        for (key, table) in seen.contents(at).into_iter().flat_map(|c| &c.tables) {
            let begins = first(key) == Some(at);
            if !ends && !begins {
                continue;
            }
            let column = scene.tenant_column(at, key);
            let one = numbers.entry(key.clone()).or_default();
            for row in &table.rows {
                let lacks = column.as_ref().is_some_and(|c| table.cell(row, c).is_none());
                let world = case.world_of(scene, key, table, row);
                let end = world.and_then(|w| last_seen.get(&w)).copied().unwrap_or(last);
                one.without_tenant_before += u64::from(lacks && begins);
                one.rows += u64::from(end == at);
                one.without_tenant += u64::from(lacks && end == at && at == last);
                one.without_tenant_refused += u64::from(lacks && end == at && at != last);
            }
        }
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
