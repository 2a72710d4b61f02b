//! The second run of a step, from the state that its first run left.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Relation;
use watertight_scenarios::scenario::StepId;

use super::{Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::diff;
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen};

fn acts(step: StepId) -> Vec<Act> {
    vec![Act::Step(step, Actor::Migrator), Act::Snapshot]
}

/// What has to be seen.
pub(super) fn plan(step: StepId) -> [Excursion; 2] {
    [contents(step.after()), Excursion { from: step.after(), acts: acts(step) }]
}

/// A second run that writes or fails is a violation; `exercised` are the worlds for which the first one did something.
pub(super) fn judge(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
    exercised: &BTreeSet<WorldId>,
    judgement: &mut Judgement,
) {
    let again = Excursion { from: step.after(), acts: vec![Act::Step(step, Actor::Migrator)] };
    let Some(second) = seen.seen(again.from, &again.acts) else { return };
    judgement.exercised.extend(exercised);
    let id = &scene.step(step).id;
    let violation = |code, subject: String, message: String, cause: &str, worlds| Violation {
        key: ViolationKey { step: Some(step), code, subject: subject.clone() },
        worlds,
        severity: Severity::High,
        title: if subject.is_empty() {
            format!("A second run of `{id}` fails")
        } else {
            format!("A second run of `{id}` writes to {subject} again")
        },
        message,
        cause: cause.to_owned(),
        remedy: String::new(),
        tables: if subject.is_empty() { Vec::new() } else { vec![subject] },
        place: Some(scene.location(step, 0)),
        witness: again.clone(),
    };
    match second {
        Seen::Done(done) => {
            for (table, rows) in done.writes.iter().filter(|(_, n)| **n > 0) {
                let worlds = rewritten(scene, case, seen, step, table).unwrap_or_else(|| exercised.clone());
                judgement.violated(violation(
                    "writes-again",
                    table.to_string(),
                    format!("The second run of `{id}` wrote {rows} rows of {table}."),
                    "The write is not restricted to rows that are still to be done.",
                    worlds,
                ));
            }
        }
        Seen::Refused(refusal) => judgement.violated(violation(
            "second-run-fails",
            String::new(),
            format!("The second run of `{id}` fails: {}.", refusal.failure),
            "The step cannot be run on a state in which it has run already.",
            exercised.clone(),
        )),
        _ => {}
    }
}

fn rewritten(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
    table: &Relation,
) -> Option<BTreeSet<WorldId>> {
    let (once, twice) = (seen.contents(step.after())?, seen.snapshot(step.after(), &acts(step))?);
    let worlds: BTreeSet<WorldId> = diff(once, twice)
        .iter()
        .filter(|c| &c.table.1 == table)
        .filter_map(|c| case.world_of(scene, c.table, twice.tables.get(c.table)?, c.after.or(c.before)?))
        .collect();
    (!worlds.is_empty()).then_some(worlds)
}
