//! A backfill that is cut on its way and run again leaves what one leaves that is not cut.

use watertight_reports::Severity;
use watertight_scenarios::scenario::StepId;

use super::backfill::{backfills, has_backfill, moved};
use super::ends::{Second, cut_runs, differs, is_tenants, plan, second};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey};
use crate::explore::{Act, CaseData, Cut, Excursion, Observations, Scene};

/// A run that was cut and one more are a whole one.
pub(super) struct Resumable;

static SPEC: InvariantSpec = InvariantSpec {
    id: "backfill-resumable",
    title: "A backfill that stopped half-way is finished by running it again",
    rationale: "A backfill of a large table commits in batches, and one day it stops between two of them: a deploy is \
        cut off, a connection lost, a time-out reached. If it had noted how far it was before it was there, or takes a \
        beginning for the whole, the next run leaves rows out and reports success.",
    example: "INSERT INTO progress VALUES (batch); COMMIT; UPDATE item SET tenant_id = … WHERE id IN (batch); COMMIT; \
        and the session ends between the two",
    remedy: "Commit a batch and the note of it in one transaction; better, note nothing and ask the rows what is left \
        to do (WHERE tenant_id IS NULL).",
    exercise: "a `backfill` step that commits on its way (a command, or a script that no transaction holds), and rows \
        that it fills or adds",
};

/// What is looked at after the second run.
const LAST: [Act; 1] = [Act::Snapshot];

/// Backfills that leave something behind when they are cut.
fn subjects(scene: &Scene) -> Vec<StepId> {
    backfills(scene).into_iter().filter(|s| Cut::leaves_something(scene.step(*s))).collect()
}

impl Invariant for Resumable {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_backfill(scene)?;
        if subjects(scene).is_empty() {
            return Err("every backfill runs in one transaction: one that is cut leaves the state before it"
                .to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        // Where there is nothing to fill, a cut says nothing and costs a clone.
        if case.data.row_count() == 0 {
            return Vec::new();
        }
        subjects(scene).into_iter().flat_map(|step| plan(scene, case, step, &LAST)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in subjects(scene).into_iter().filter(|step| seen.passed(*step)) {
            let (Some(before), Some(whole)) = (seen.contents(step.before()), seen.contents(step.after()))
            else {
                continue;
            };
            let exercised = moved(scene, case, seen, step);
            for (cut, excursion) in cut_runs(scene, case, step, &LAST) {
                let Some(second) = second(seen, &excursion) else { continue };
                judgement.exercised.extend(&exercised);
                let id = &scene.step(step).id;
                let cut_words = cut.words();
                let violation = |code, subject: String, worlds, title, message| Violation {
                    key: ViolationKey { step: Some(step), code, subject: subject.clone() },
                    worlds,
                    severity: Severity::High,
                    title,
                    message,
                    cause: "What the run that was cut had committed changes what the next one does."
                        .to_owned(),
                    remedy: String::new(),
                    tables: if subject.is_empty() { Vec::new() } else { vec![subject] },
                    place: Some(scene.location(step, cut.statement().unwrap_or_default())),
                    witness: excursion.clone(),
                };
                match second {
                    Second::Fails(refusal) => judgement.violated(violation(
                        "cannot-resume",
                        String::new(),
                        exercised.clone(),
                        format!("`{id}` cannot be run again after it was cut"),
                        format!("`{id}` {cut_words}; run again it fails: {}.", refusal.failure),
                    )),
                    Second::Ends(other) => {
                        for found in differs(scene, case, step, before, (whole, other)) {
                            if !is_tenants(scene, step, found.table) {
                                continue;
                            }
                            let table = &found.table.1;
                            judgement.violated(violation(
                                "not-finished",
                                table.to_string(),
                                found.worlds,
                                format!("`{id}` does not finish {table} after it was cut"),
                                format!(
                                    "`{id}` {cut_words} and was run again: {} rows of {table} are not as a run leaves \
                                     them that is not cut.",
                                    found.rows
                                ),
                            ));
                        }
                    }
                }
            }
        }
        judgement
    }
}
