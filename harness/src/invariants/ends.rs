//! Whether a step that was cut and run again comes to the end of one that was not cut.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{Checkpoint, StepId};

use super::contents;
use crate::db::session::Failure;
use crate::explore::snapshot::{SnapRow, TableRows};
use crate::explore::{
    Act, Actor, CaseData, Cut, Excursion, Observations, Refusal, Scene, Seen, Snapshot, TableKey,
};

/// Keys that refer to keys, followed so far.
const HOPS_MAX: usize = 8;

/// The cuts of a case, each with what is done then.
pub(super) fn cut_runs(scene: &Scene, case: &CaseData, step: StepId, last: &[Act]) -> Vec<(Cut, Excursion)> {
    let run = |cut| {
        let mut acts = vec![Act::Cut(step, cut), Act::Step(step, Actor::Migrator)];
        acts.extend_from_slice(last);
        (cut, Excursion { from: step.before(), acts })
    };
    Cut::of_case(scene.step(step), case.index).into_iter().map(run).collect()
}

/// What has to be seen of a case for them to be compared.
pub(super) fn plan(scene: &Scene, case: &CaseData, step: StepId, last: &[Act]) -> Vec<Excursion> {
    let cut = cut_runs(scene, case, step, last).into_iter().map(|(_, excursion)| excursion);
    [contents(step.before()), contents(step.after())].into_iter().chain(cut).collect()
}

/// What became of the run after one that was cut.
pub(super) enum Second<'a> {
    /// It came to its end.
    Ends(&'a Snapshot),
    /// It did not.
    Fails(&'a Refusal),
}

/// The run after one that was cut; none where there was nothing to cut, or it was not tried.
pub(super) fn second<'a>(seen: &'a Observations, excursion: &Excursion) -> Option<Second<'a>> {
    seen.seen(excursion.from, &excursion.acts[..1])?.done()?;
    match seen.seen(excursion.from, &excursion.acts[..2])? {
        Seen::Refused(refusal) => {
            let is_told = refusal.failure.is_word() || matches!(refusal.failure, Failure::TimedOut(_));
            is_told.then_some(Second::Fails(refusal))
        }
        Seen::Done(_) => seen.snapshot(excursion.from, &excursion.acts[..3]).map(Second::Ends),
        _ => None,
    }
}

/// A table of which two runs left other rows.
pub(super) struct Differs<'a> {
    pub(super) table: &'a TableKey,
    /// Rows that only one of them left, whichever left more.
    pub(super) rows: usize,
    pub(super) worlds: BTreeSet<WorldId>,
}

/// Tables in which two ends of a step differ, in columns that both have. What a run makes up by itself — fresh ids,
/// clocks, numbers of a sequence — is the same whatever it is.
pub(super) fn differs<'a>(
    scene: &Scene,
    case: &CaseData,
    step: StepId,
    before: &Snapshot,
    (whole, other): (&'a Snapshot, &Snapshot),
) -> Vec<Differs<'a>> {
    let mut found = Vec::new();
    for (key, ours) in &whole.tables {
        let Some(theirs) = other.tables.get(key) else { continue };
        let columns: Vec<Shown> = ours
            .columns
            .iter()
            .filter_map(|c| Some((c, ours.position(c)?, theirs.position(c)?)))
            .map(|(c, a, b)| Shown { at: (a, b), known: numbered(scene, step.after(), key, c, before) })
            .collect();
        let line = |row: &SnapRow, at: fn(&Shown) -> usize| -> Vec<String> {
            columns.iter().map(|c| c.told(scene, case, row.values[at(c)].as_deref())).collect()
        };
        let mut there: BTreeMap<Vec<String>, Vec<&SnapRow>> = BTreeMap::new();
        for row in &ours.rows {
            there.entry(line(row, |c| c.at.0)).or_default().push(row);
        }
        let mut here: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for row in &theirs.rows {
            *here.entry(line(row, |c| c.at.1)).or_default() += 1;
        }
        let (mut missing, mut worlds) = (0, BTreeSet::new());
        for (line, rows) in &there {
            let count = here.remove(line).unwrap_or_default();
            if rows.len() > count {
                missing += rows.len() - count;
                worlds.extend(rows.iter().filter_map(|row| case.world_of(scene, key, ours, row)));
            }
        }
        let all = |table: &TableRows| table.rows.len();
        let more = (all(theirs) + missing).saturating_sub(all(ours));
        if missing + more > 0 {
            found.push(Differs { table: key, rows: missing.max(more), worlds });
        }
    }
    found
}

/// Whether a table's rows are tenants' rows: what a backfill notes of its own progress may differ.
pub(super) fn is_tenants(scene: &Scene, step: StepId, table: &TableKey) -> bool {
    table.1 == scene.scenario.tenancy.tenants || scene.tenant_column(step.after(), table).is_some()
}

/// A column as it is compared.
struct Shown {
    at: (usize, usize),
    /// Values that were there before, where a sequence gives new ones.
    known: Option<BTreeSet<String>>,
}

impl Shown {
    fn told(&self, scene: &Scene, case: &CaseData, value: Option<&str>) -> String {
        let is_told = |value: &str| match &self.known {
            Some(known) => known.contains(value),
            None => case.knows_value(value) || scene.literals.contains(value),
        };
        match value {
            None => "NULL".to_owned(),
            Some(value) if is_told(value) => format!("={value}"),
            Some(_) => "made up".to_owned(),
        }
    }
}

/// Values before the step of the column that a sequence feeds, where this one is such a column or refers to one.
fn numbered(
    scene: &Scene,
    at: Checkpoint,
    key: &TableKey,
    column: &Ident,
    before: &Snapshot,
) -> Option<BTreeSet<String>> {
    let (mut key, mut column) = (key.clone(), column.clone());
    for _ in 0..HOPS_MAX {
        let table = scene.table(at, &key)?;
        let fed = table.column(&column).is_some_and(|c| {
            c.identity.is_some() || c.default.as_ref().is_some_and(|d| d.contains("nextval("))
        });
        if fed {
            let rows = before.tables.get(&key);
            let values = rows.into_iter().flat_map(|t| t.rows.iter().filter_map(|r| t.cell(r, &column)));
            return Some(values.map(str::to_owned).collect());
        }
        let (fk, place) = table
            .foreign_keys
            .iter()
            .find_map(|fk| Some((fk, fk.columns.iter().position(|c| c == &column)?)))?;
        let next = ((key.0, fk.target.clone()), fk.target_columns.get(place)?.clone());
        if next == (key.clone(), column.clone()) {
            return None;
        }
        (key, column) = next;
    }
    None
}
