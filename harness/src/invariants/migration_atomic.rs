//! A migration that stops on its way leaves a state from which it can be run again to the same end.

use watertight_reports::Severity;
use watertight_scenarios::scenario::{StepId, StepKind};

use super::ends::{Second, cut_runs, differs, plan, second};
use super::rollback::print_diff;
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey};
use crate::explore::{Act, CaseData, Cut, Excursion, Observations, Scene, Seen};

/// All of a migration, or nothing that stands in the way of the next try.
pub(super) struct Atomic;

static SPEC: InvariantSpec = InvariantSpec {
    id: "migration-atomic",
    title: "A migration that stops on its way has changed nothing, or can be run again",
    rationale: "A migration that no transaction holds and that stops at its third statement leaves a schema that is \
        neither the old one nor the new one. The next deploy begins it anew, fails at the first statement, and somebody \
        takes it apart by hand while the application is down.",
    example: "ALTER TABLE item ADD COLUMN tenant_id uuid; CREATE INDEX CONCURRENTLY … ON item (tenant_id); stopped \
        between the two and run again: column \"tenant_id\" already exists",
    remedy: "Give what cannot run in a transaction a migration of its own, and let each of its statements bear to be \
        repeated: IF NOT EXISTS; and DROP INDEX CONCURRENTLY IF EXISTS before CREATE INDEX CONCURRENTLY, for one that \
        is ended leaves an invalid index behind that IF NOT EXISTS takes for a good one.",
    exercise: "a migration that does not run in one transaction",
};

/// What is looked at after the second run.
const LAST: [Act; 2] = [Act::Snapshot, Act::Catalog];

/// Lines of the catalogs that a message shows.
const LINES_SHOWN: usize = 3;

fn subjects(scene: &Scene) -> Vec<StepId> {
    let reached = |s: &StepId| s.after() <= scene.last();
    let steps = scene.steps_of(StepKind::Migrate).into_iter().filter(reached);
    steps.filter(|s| Cut::leaves_something(scene.step(*s))).collect()
}

impl Invariant for Atomic {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if subjects(scene).is_empty() {
            return Err("every migration runs in one transaction: one that fails leaves the state before it"
                .to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let of_step = |step: StepId| {
            let catalog = Excursion { from: step.after(), acts: vec![Act::Catalog] };
            plan(scene, case, step, &LAST).into_iter().chain([catalog])
        };
        subjects(scene).into_iter().flat_map(of_step).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in subjects(scene).into_iter().filter(|step| seen.passed(*step)) {
            let (Some(before), Some(whole)) = (seen.contents(step.before()), seen.contents(step.after()))
            else {
                continue;
            };
            let catalogs = seen.seen(step.after(), &[Act::Catalog]).and_then(Seen::catalog);
            let alive = seen.alive(step.after());
            for (cut, excursion) in cut_runs(scene, case, step, &LAST) {
                let Some(second) = second(seen, &excursion) else { continue };
                judgement.exercised.extend(&alive);
                let id = &scene.step(step).id;
                let cut_words = cut.words();
                let violation = |code, title, message, tables, witness| Violation {
                    key: ViolationKey { step: Some(step), code, subject: String::new() },
                    worlds: alive.clone(),
                    severity: Severity::High,
                    title,
                    message,
                    cause: "No transaction holds the migration, and what it had done until it stopped stays."
                        .to_owned(),
                    remedy: String::new(),
                    tables,
                    place: Some(scene.location(step, cut.statement().unwrap_or_default())),
                    witness,
                };
                let other = match second {
                    Second::Fails(refusal) => {
                        let part = scene.part(step, refusal.statement);
                        judgement.violated(violation(
                            "cannot-rerun",
                            format!("`{id}` cannot be run again after it stopped on its way"),
                            format!("`{id}` {cut_words}; run again it fails. {part}: {}.", refusal.failure),
                            refusal.failure.sql().and_then(|e| e.table.clone()).into_iter().collect(),
                            Excursion { from: excursion.from, acts: excursion.acts[..2].to_vec() },
                        ));
                        continue;
                    }
                    Second::Ends(other) => other,
                };
                let after = seen.seen(excursion.from, &excursion.acts).and_then(Seen::catalog);
                let lines = match (catalogs, after) {
                    (Some(catalogs), Some(after)) => print_diff(catalogs, after),
                    _ => Vec::new(),
                };
                if !lines.is_empty() {
                    let more = lines.len().saturating_sub(LINES_SHOWN);
                    let mut shown = lines[..lines.len() - more].join("; ");
                    if more > 0 {
                        shown.push_str(&format!("; and {more} more"));
                    }
                    judgement.violated(violation(
                        "other-schema",
                        format!("`{id}` leaves another schema after it stopped on its way"),
                        format!("`{id}` {cut_words} and was run again with success: {shown}."),
                        Vec::new(),
                        excursion.clone(),
                    ));
                }
                let rows = differs(scene, case, step, before, (whole, other));
                if let Some(found) = rows.first() {
                    let tables: Vec<String> = rows.iter().map(|r| r.table.1.to_string()).collect();
                    let message = format!(
                        "`{id}` {cut_words} and was run again with success: {} rows of {} are not as a run leaves them \
                         that is not stopped.",
                        found.rows, found.table.1
                    );
                    judgement.violated(violation(
                        "other-rows",
                        format!("`{id}` leaves other rows after it stopped on its way"),
                        message,
                        tables,
                        Excursion { from: excursion.from, acts: excursion.acts[..3].to_vec() },
                    ));
                }
            }
        }
        judgement
    }
}
