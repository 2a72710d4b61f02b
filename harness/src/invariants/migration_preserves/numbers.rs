//! Sequences that a step leaves behind the rows: a table or key is made anew, its rows bring their keys along, and the new
//! sequence begins where it begins.

use std::collections::BTreeSet;

use watertight_reports::Severity;
use watertight_scenarios::scenario::{DatabaseId, StepId, StepKind};

use super::super::sequences::{Behind, Fed, behind, fed, look};
use super::super::{Judgement, Violation, ViolationKey};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen};

/// A step between two looks at the sequences of one database. What others draw in between, no rollback gives back:
/// so both looks and the rows are of one run.
struct Taken<'a> {
    step: StepId,
    before: Vec<Fed<'a>>,
    after: Vec<Fed<'a>>,
    looked: Vec<Act>,
    then_looked: Vec<Act>,
    then_rows: Vec<Act>,
}

impl<'a> Taken<'a> {
    fn of(scene: &'a Scene, step: StepId, database: DatabaseId) -> Option<Self> {
        let before = fed(scene, step.before(), database);
        let mut after = fed(scene, step.after(), database);
        // Rows that come behind a step come without their sequence.
        after.retain(|f| !scene.late.contains_key(&f.key));
        if after.is_empty() {
            return None;
        }
        let looked: Vec<Act> = (!before.is_empty()).then(|| look(database, &before)).into_iter().collect();
        let then = |act| {
            let step = Act::Step(step, Actor::Migrator);
            looked.iter().cloned().chain([step, act]).collect::<Vec<Act>>()
        };
        let (then_looked, then_rows) = (then(look(database, &after)), then(Act::Snapshot));
        Some(Self { step, before, after, looked, then_looked, then_rows })
    }

    fn excursion(&self, acts: &[Act]) -> Excursion {
        Excursion { from: self.step.before(), acts: acts.to_vec() }
    }

    /// Sequences that were behind already: that is not the step's doing.
    fn known(&self, seen: &Observations) -> Option<BTreeSet<String>> {
        let from = self.step.before();
        if self.before.is_empty() {
            return Some(BTreeSet::new());
        }
        let (looked, rows) = (seen.seen(from, &self.looked)?, seen.contents(from)?);
        Some(behind(&self.before, looked, rows).iter().map(Behind::subject).collect())
    }

    fn violations(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Option<Vec<Violation>> {
        let (from, until_step) = (self.step.before(), &self.then_rows[..=self.looked.len()]);
        let Seen::Done(_) = seen.seen(from, until_step)? else { return None };
        let known = self.known(seen)?;
        let (looked, rows) = (seen.seen(from, &self.then_looked)?, seen.snapshot(from, &self.then_rows)?);
        let all = behind(&self.after, looked, rows);
        let new = all.iter().filter(|b| !known.contains(&b.subject()));
        Some(new.map(|behind| self.violation(scene, case, behind)).collect())
    }

    fn violation(&self, scene: &Scene, case: &CaseData, behind: &Behind<'_>) -> Violation {
        let (id, name, column) = (&scene.step(self.step).id, &behind.fed.key.1, behind.fed.column);
        let worlds =
            behind.rows.iter().filter_map(|r| case.world_of(scene, &behind.fed.key, behind.table, r));
        Violation {
            key: ViolationKey { step: Some(self.step), code: "sequence-behind", subject: behind.subject() },
            worlds: worlds.collect(),
            severity: Severity::High,
            title: format!("After `{id}` new rows of {name} get keys that others have"),
            message: format!("After `{id}` {}.", behind.words()),
            cause: "The rows bring their keys along, and nothing tells the sequence.".to_owned(),
            remedy: format!("Set the sequence of {name}.{column} behind the highest key, in the same step."),
            tables: vec![name.to_string()],
            place: Some(scene.location(self.step, 0)),
            witness: self.excursion(&self.then_looked),
        }
    }
}

/// Steps that a transaction can hold, each with the sequences that there are behind it.
fn taken<'a>(scene: &'a Scene, case: &CaseData) -> Vec<Taken<'a>> {
    let counts = |id: StepId| {
        let step = scene.step(id);
        case.deep && step.kind != StepKind::Copy && id.after() <= scene.last() && step.is_transactional()
    };
    let databases = || (0..scene.scenario.databases.len()).map(DatabaseId);
    let steps = scene.steps().map(|(id, _)| id).filter(|id| counts(*id));
    steps.flat_map(|id| databases().filter_map(move |db| Taken::of(scene, id, db))).collect()
}

pub(super) fn plan(scene: &Scene, case: &CaseData) -> Vec<Excursion> {
    let taken = taken(scene, case);
    taken.iter().flat_map(|t| [t.excursion(&t.then_rows), t.excursion(&t.then_looked)]).collect()
}

pub(super) fn judge(scene: &Scene, case: &CaseData, seen: &Observations, judgement: &mut Judgement) {
    for violation in taken(scene, case).iter().filter_map(|t| t.violations(scene, case, seen)).flatten() {
        judgement.violated(violation);
    }
}
