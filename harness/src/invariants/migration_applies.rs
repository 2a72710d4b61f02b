//! Every step applies to every data set that the state before it accepts, rows that the application writes in
//! between included.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, Impact, StepId, StepKind};

use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, about};
use crate::db::session::Failure;
use crate::explore::{Act, Actor, Binding, CaseData, Excursion, Observations, Refusal, Scene, Seen};

/// Every step applies.
pub(super) struct MigrationApplies;

static SPEC: InvariantSpec = InvariantSpec {
    id: "migration-applies",
    title: "Every step applies to every data set that the state before it accepts",
    rationale: "A step that works on the staging data stops half-way in production because of rows that nobody had \
        in mind: duplicates before a unique index, a row written between backfill and NOT NULL.",
    example: "CREATE UNIQUE INDEX ON connection (tenant_id, provider) while a user has two connections of one provider",
    remedy: "Resolve the rows that the step refuses in a step of their own before it, or let the step cope with them; \
        and retire the writes that produce them before the step that forbids them.",
    exercise: "steps, and write paths in use before them",
};

/// Worlds that write in one case: enough to find it, few enough to be quick.
const WRITERS: usize = 1;

/// A write path that is in use at a checkpoint, sent just before the rest of the timeline.
fn interleavings(scene: &Scene, case: &CaseData) -> Vec<(Binding, Excursion)> {
    let mut found = Vec::new();
    for (i, path) in scene.scenario.access.iter().enumerate() {
        if path.kind != AccessKind::Write || path.impact != Impact::Production {
            continue;
        }
        let in_use: Vec<Checkpoint> = scene
            .checkpoints()
            .filter(|at| at.0 < scene.scenario.steps.len() && (path.from..=path.until).contains(at))
            .collect();
        // One checkpoint a path and case, because the whole rest of the timeline follows; the cases take turns.
        let Some(at) = in_use.get((case.index as usize + i) % in_use.len().max(1)).copied() else { continue };
        for world in case.sample(WRITERS, i as u64) {
            let Some(binding) = case.bind(scene, AccessId(i), world) else { continue };
            let rest = (at.0..scene.scenario.steps.len()).map(|k| Act::Step(StepId(k), Actor::Migrator));
            let acts = std::iter::once(Act::Send(binding.clone())).chain(rest).collect();
            found.push((binding, Excursion { from: at, acts }));
        }
    }
    found
}

/// Whether the step did its duty by refusing: a guard in its own words, or a check before anything was to fill what
/// it asks for. Such data stops the release as it should, and the case goes on without it. A check that complains over
/// empty tables, too, is not about data.
fn is_gate(scene: &Scene, step: StepId, failure: &Failure) -> bool {
    match failure {
        Failure::Sql(error) => scene.step(step).guard.is_some() && error.sqlstate.starts_with("P0"),
        Failure::Complaint(_) => no_backfill_before(scene, step) && !scene.complaining.contains(&step),
        Failure::Command(_) => scene.step(step).kind == StepKind::Check && no_backfill_before(scene, step),
        _ => false,
    }
}

fn no_backfill_before(scene: &Scene, step: StepId) -> bool {
    !scene.steps_of(StepKind::Backfill).iter().any(|b| *b < step)
}

/// What is said of a step that stops.
struct Said {
    code: &'static str,
    subject: String,
    title: String,
    message: String,
    cause: String,
    remedy: &'static str,
    tables: Vec<String>,
    statement: usize,
}

/// A step that stops on the timeline.
fn stops(scene: &Scene, step: StepId, worlds: BTreeSet<WorldId>, said: Said) -> Violation {
    Violation {
        key: ViolationKey { step: Some(step), code: said.code, subject: said.subject },
        worlds,
        severity: Severity::High,
        title: said.title,
        message: said.message,
        cause: said.cause,
        remedy: said.remedy.to_owned(),
        tables: said.tables,
        place: Some(scene.location(step, said.statement)),
        witness: Excursion { from: step.before(), acts: vec![Act::Step(step, Actor::Migrator)] },
    }
}

fn complains(scene: &Scene, step: StepId, refusal: &Refusal) -> Said {
    let id = &scene.step(step).id;
    let (on, cause) = if scene.complaining.contains(&step) {
        ("on empty tables, too", "The schema that the steps before the check leave is not what it asks for.")
    } else {
        (
            "on data that went through every step before it",
            "The steps before the check do not reach every row.",
        )
    };
    Said {
        code: "check-complains",
        subject: String::new(),
        title: format!("The check `{id}` does not pass"),
        message: format!("`{id}`: {} {on}.", refusal.failure),
        cause: cause.to_owned(),
        remedy: "",
        tables: Vec::new(),
        statement: 0,
    }
}

/// A check step that returned rows, as a message.
fn complaint(scene: &Scene, step: StepId, seen: &Seen) -> Option<String> {
    let rows = &seen.done()?.answer.rows;
    (scene.step(step).kind == StepKind::Check && !rows.is_empty())
        .then(|| format!("`{}` reports {} violations", scene.step(step).id, rows.len()))
}

impl Invariant for MigrationApplies {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        interleavings(scene, case).into_iter().map(|(_, e)| e).collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (i, run) in seen.steps.iter().enumerate() {
            let step = StepId(i);
            let before = seen.alive(step.before());
            judgement.exercised.extend(&before);
            let refusals = run.removed.iter().map(|(r, w)| (r, w.clone()));
            let last = run.seen.refusal().map(|r| (r, before.clone()));
            for (refusal, worlds) in refusals.chain(last) {
                let said = match &refusal.failure {
                    failure if is_gate(scene, step, failure) => continue,
                    Failure::Sql(_) => refused(scene, step, refusal, &worlds),
                    Failure::Complaint(_) => complains(scene, step, refusal),
                    Failure::Command(_) if scene.step(step).kind == StepKind::Check => {
                        complains(scene, step, refusal)
                    }
                    Failure::Command(_) => stops_by_itself(scene, step, refusal, &worlds),
                    Failure::TimedOut(_) if scene.step(step).kind == StepKind::Backfill => {
                        never_ends(scene, step, refusal)
                    }
                    other => {
                        judgement.doubts.push(format!("`{}` did not end: {other}", scene.step(step).id));
                        continue;
                    }
                };
                judgement.violated(stops(scene, step, worlds, said));
            }
        }
        for (binding, excursion) in interleavings(scene, case) {
            if seen.alive(excursion.from).contains(&binding.world) {
                judge_interleaving(scene, seen, &binding, &excursion, &mut judgement);
            }
        }
        judgement
    }
}

fn judge_interleaving(
    scene: &Scene,
    seen: &Observations,
    binding: &Binding,
    excursion: &Excursion,
    judgement: &mut Judgement,
) {
    let at = excursion.from;
    if !matches!(seen.seen(at, &excursion.acts[..1]), Some(Seen::Done(_))) {
        return; // the write itself was refused: access-compatible says so
    }
    for (n, act) in excursion.acts.iter().enumerate().skip(1) {
        let Act::Step(step, _) = act else { continue };
        let Some(outcome) = seen.seen(at, &excursion.acts[..=n]) else { return };
        // Without the write the step has to pass, or the write is not to blame.
        let alone = seen.step(*step);
        let passes_alone = alone.is_some_and(|s| {
            matches!(s.seen, Seen::Done(_))
                && s.removed.is_empty()
                && complaint(scene, *step, &s.seen).is_none()
        });
        let said = match outcome {
            Seen::Refused(refusal) if refusal.failure.is_word() => refusal.failure.to_string(),
            done => match complaint(scene, *step, done) {
                Some(message) => message,
                None => continue,
            },
        };
        if !passes_alone {
            return;
        }
        let path = &scene.scenario.access[binding.access.0];
        let (id, moment) = (&scene.step(*step).id, moment(scene, at));
        let guarded = scene.step(*step).guard.is_some() || scene.step(*step).kind == StepKind::Check;
        judgement.violated(Violation {
            key: ViolationKey { step: Some(*step), code: "write-in-between", subject: path.name.clone() },
            worlds: [binding.world].into(),
            severity: if guarded { Severity::Medium } else { Severity::High },
            title: format!("`{id}` stops after “{}” was sent {moment}", path.name),
            message: format!("One row written by “{}” {moment} makes `{id}` stop: {said}.", path.name),
            cause: "The application may still write what the step refuses.".to_owned(),
            remedy: format!(
                "Deploy the application that no longer sends it before `{id}`, or run the backfill again between the \
                 last such write and `{id}`."
            ),
            tables: Vec::new(),
            place: path.source.clone().map(|s| (s, None)).or_else(|| Some(scene.location(*step, 0))),
            witness: Excursion { from: at, acts: excursion.acts[..=n].to_vec() },
        });
        return;
    }
}

fn moment(scene: &Scene, at: Checkpoint) -> String {
    match at.0 {
        0 => "before the first step".to_owned(),
        _ => format!("after `{}`", scene.checkpoint_name(at)),
    }
}

fn refused(scene: &Scene, step: StepId, refusal: &Refusal, worlds: &BTreeSet<WorldId>) -> Said {
    let id = &scene.step(step).id;
    let file = scene.location(step, refusal.statement).0;
    let sql = refusal.failure.sql();
    let constraint = sql.and_then(|e| e.constraint.clone());
    let state = sql.map(|e| e.sqlstate.clone()).unwrap_or_default();
    let what = match &constraint {
        Some(name) => format!("the constraint {name}"),
        None => "the data".to_owned(),
    };
    let subject = constraint.unwrap_or(state);
    let tables = sql.and_then(|e| e.table.clone()).into_iter().collect();
    if scene.refuses_anyway(step, refusal) {
        let cause = format!("Statement {} of {file} fails over empty tables too.", refusal.statement + 1);
        let never = never(scene, step, refusal, worlds);
        return Said { subject, cause, tables, statement: refusal.statement, ..never };
    }
    Said {
        code: "stops",
        subject,
        title: format!("`{id}` stops on data that the schema before it accepts"),
        message: format!("`{id}` is refused: {}.", refusal.failure),
        cause: format!("Statement {} of {file} meets {what}.", refusal.statement + 1),
        remedy: "",
        tables,
        statement: refusal.statement,
    }
}

/// A step that needs no row to fail. That none helps is said where there are some.
fn never(scene: &Scene, step: StepId, refusal: &Refusal, worlds: &BTreeSet<WorldId>) -> Said {
    let id = &scene.step(step).id;
    let how = if worlds.is_empty() { "over empty tables" } else { "whatever the data" };
    Said {
        code: "stops",
        subject: String::new(),
        title: format!("`{id}` does not apply, {how}"),
        message: format!("`{id}` is refused: {}.", refusal.failure),
        cause: String::new(),
        remedy: "Mend the step itself: it applies nowhere, and what comes behind it was not verified.",
        tables: Vec::new(),
        statement: 0,
    }
}

/// A command that ends with another exit code than 0: nothing is known of the reason but what it said.
fn stops_by_itself(scene: &Scene, step: StepId, refusal: &Refusal, worlds: &BTreeSet<WorldId>) -> Said {
    let id = &scene.step(step).id;
    let command = scene.step(step).work();
    let subject = "command".to_owned();
    if scene.refuses_anyway(step, refusal) {
        let message = format!("`{command}` ends with {}.", refusal.failure);
        let cause = "The command ends in the same way over empty tables.".to_owned();
        return Said { subject, message, cause, ..never(scene, step, refusal, worlds) };
    }
    Said {
        code: "stops",
        subject,
        title: format!("`{id}` stops on data that the schema before it accepts"),
        message: format!("`{command}` ends with {}.", refusal.failure),
        cause: "The command meets data that it does not cope with; what it committed until then stays."
            .to_owned(),
        remedy: "",
        tables: Vec::new(),
        statement: 0,
    }
}

fn never_ends(scene: &Scene, step: StepId, refusal: &Refusal) -> Said {
    let id = &scene.step(step).id;
    Said {
        code: "never-ends",
        subject: String::new(),
        title: format!("The backfill `{id}` does not end"),
        message: format!("`{id}` was {} on a few rows.", refusal.failure),
        cause: "Its loop does not come nearer to its end with each round.".to_owned(),
        remedy: "Let each round work on rows that are still to be done, and stop when a round changes none.",
        tables: Vec::new(),
        statement: refusal.statement,
    }
}
