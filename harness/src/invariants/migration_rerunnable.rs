//! A migration that is said to bear a second run does.

use std::collections::BTreeMap;

use watertight_reports::Severity;
use watertight_scenarios::scenario::StepId;

use super::rollback::print_diff;
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, diff};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, TableKey};

/// The second run succeeds and changes nothing.
pub(super) struct Rerunnable;

static SPEC: InvariantSpec = InvariantSpec {
    id: "migration-rerunnable",
    title: "A migration that may be run again changes nothing when it is",
    rationale: "Scripts that are run by hand, on every start, or by a tool that keeps no record of them are run again, \
        on some database sooner or later. IF NOT EXISTS on every statement but one is found there.",
    example: "ALTER TABLE item ADD COLUMN IF NOT EXISTS tenant_id uuid; ALTER TABLE item ADD CONSTRAINT … : the second \
        run fails",
    remedy: "Let each statement ask first whether its work is done: IF NOT EXISTS, CREATE OR REPLACE, DROP … IF EXISTS \
        before CREATE, ON CONFLICT DO NOTHING, WHERE the value is not there yet.",
    exercise: "a migration with `rerunnable = true`",
};

/// Lines of the catalogs that a message shows.
const LINES_SHOWN: usize = 3;

fn subjects(scene: &Scene) -> Vec<StepId> {
    let steps = scene.steps().filter(|(id, step)| step.rerunnable && id.after() <= scene.last());
    steps.map(|(id, _)| id).collect()
}

fn again(step: StepId) -> Excursion {
    let acts = vec![Act::Step(step, Actor::Migrator), Act::Snapshot, Act::Catalog];
    Excursion { from: step.after(), acts }
}

impl Invariant for Rerunnable {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if subjects(scene).is_empty() {
            return Err("no step says that it may be run again (`rerunnable = true`)".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        let of_step = |step: StepId| {
            let catalog = Excursion { from: step.after(), acts: vec![Act::Catalog] };
            [contents(step.after()), catalog, again(step)]
        };
        subjects(scene).into_iter().flat_map(of_step).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in subjects(scene).into_iter().filter(|step| seen.passed(*step)) {
            let again = again(step);
            let Some(second) = seen.seen(again.from, &again.acts[..1]) else { continue };
            let alive = seen.alive(step.after());
            let id = &scene.step(step).id;
            let violation = |code, subject: String, worlds, title, message, acts: usize| Violation {
                key: ViolationKey { step: Some(step), code, subject: subject.clone() },
                worlds,
                severity: Severity::High,
                title,
                message,
                cause: "The scenario says that the step may be run again.".to_owned(),
                remedy: String::new(),
                tables: if subject.is_empty() { Vec::new() } else { vec![subject] },
                place: Some(scene.location(step, 0)),
                witness: Excursion { from: again.from, acts: again.acts[..acts].to_vec() },
            };
            if let Seen::Refused(refusal) = second {
                judgement.exercised.extend(&alive);
                let part = scene.part(step, refusal.statement);
                let mut found = violation(
                    "second-run-fails",
                    String::new(),
                    alive,
                    format!("A second run of `{id}` fails"),
                    format!("Run again, `{id}` fails. {part}: {}.", refusal.failure),
                    1,
                );
                found.place = Some(scene.location(step, refusal.statement));
                judgement.violated(found);
                continue;
            }
            let (Some(before), Some(after), Some(old), Some(new)) = (
                seen.contents(step.after()),
                seen.snapshot(again.from, &again.acts[..2]),
                seen.seen(again.from, &[Act::Catalog]).and_then(Seen::catalog),
                seen.seen(again.from, &again.acts).and_then(Seen::catalog),
            ) else {
                continue;
            };
            judgement.exercised.extend(&alive);
            let lines = print_diff(old, new);
            if !lines.is_empty() {
                let more = lines.len().saturating_sub(LINES_SHOWN);
                let mut shown = lines[..lines.len() - more].join("; ");
                if more > 0 {
                    shown.push_str(&format!("; and {more} more"));
                }
                let title = format!("A second run of `{id}` changes the schema");
                let message = format!("After a second run of `{id}`: {shown}.");
                judgement.violated(violation(
                    "changes-schema",
                    String::new(),
                    alive.clone(),
                    title,
                    message,
                    3,
                ));
            }
            let mut changed: BTreeMap<&TableKey, Vec<_>> = BTreeMap::new();
            for change in diff(before, after).into_iter().filter(|c| c.change != Change::Rewritten) {
                changed.entry(change.table).or_default().push(change);
            }
            for (table, changes) in changed {
                let world = |c: &crate::explore::snapshot::RowChange<'_>| {
                    let side = if c.before.is_some() { before } else { after };
                    case.world_of(scene, table, side.tables.get(table)?, c.before.or(c.after)?)
                };
                let title = format!("A second run of `{id}` changes rows of {}", table.1);
                let message =
                    format!("A second run of `{id}` changes {} rows of {}.", changes.len(), table.1);
                let worlds = changes.iter().filter_map(world).collect();
                judgement.violated(violation("changes-rows", table.1.to_string(), worlds, title, message, 2));
            }
        }
        judgement
    }
}
