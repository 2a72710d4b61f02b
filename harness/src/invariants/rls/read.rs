//! A role sees its own tenant's rows only, in everything that it can read.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Relation;
use watertight_scenarios::scenario::{AppRole, Checkpoint, StepId};

use super::super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use super::definer;
use super::routine::{Call, calls};
use super::shown::{Shown, Truth, seed, select};
use super::{Subject, applies, ask, cause, from, is_permitted, place, probers, roles, since, subjects};
use crate::explore::{CaseData, Context, Excursion, Observations, Scene, Seen};

/// Row security hides other tenants' rows.
pub(in crate::invariants) struct Read;

static SPEC: InvariantSpec = InvariantSpec {
    id: "rls-read",
    title: "Row security shows a role its own tenant's rows only, in every relation and function that it reaches",
    rationale: "A policy protects the table it stands on, for the roles it names. A new table without ENABLE, a view \
        that reads with its owner's rights, a materialized view, a partition queried directly, a second permissive \
        policy, a function with its definer's rights: each shows every tenant to every tenant, and every test with \
        one tenant passes.",
    example: "CREATE TABLE note (tenant_id uuid …) beside tables with row security, without ENABLE ROW LEVEL SECURITY",
    remedy: "Enable and force row security on every table that carries the tenant, with one policy on the tenant; \
        give views security_invoker, keep materialized views and partitions from the application's role, and \
        restrict SECURITY DEFINER functions by the tenant themselves.",
    exercise: "row security, an application role with a `tenant_context`, and two tenants with rows in a table that \
        the role may read",
};

/// Reading one relation for one world.
struct Reading<'a> {
    role: &'a AppRole,
    subject: Subject<'a>,
    world: WorldId,
    context: Context,
    excursion: Excursion,
    /// The rows are put there first: a step created the table.
    is_seeded: bool,
}

fn readings<'a>(scene: &'a Scene, case: &CaseData, at: Checkpoint) -> Vec<Reading<'a>> {
    let mut found = Vec::new();
    for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
        for world in probers(case, at.0 as u64) {
            for subject in subjects(scene, at, role) {
                // What a view shows is told by values, which is dear.
                if subject.root.is_none() && !case.deep {
                    continue;
                }
                let Some(context) = case.context(scene, role, subject.database, world) else { continue };
                let Some(sql) = select(&subject) else { continue };
                let mut excursion = from(at, ask(subject.database, role, Some(&context), sql));
                let seeded = seed(scene, case, at, &subject, world);
                if let Some(seeded) = &seeded {
                    let sql =
                        format!("SELECT {} FROM {}", seeded.tenant.quoted(), subject.relation().quoted());
                    excursion.acts =
                        vec![seeded.act.clone(), ask(subject.database, role, Some(&context), sql)];
                }
                found.push(Reading { role, subject, world, context, excursion, is_seeded: seeded.is_some() });
            }
        }
    }
    found
}

impl Invariant for Read {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        applies(scene, |role| role.tenant_context.is_some())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for at in scene.checkpoints() {
            wanted.extend(readings(scene, case, at).into_iter().map(|r| r.excursion));
            wanted.extend(calls(scene, case, at).into_iter().map(|c| c.excursion));
            wanted.extend(definer::plan_answers(scene, case, at, None));
            wanted.push(contents(at));
        }
        wanted
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for at in scene.checkpoints() {
            wanted.push(contents(at));
            let readings = readings(scene, case, at).into_iter();
            let about = readings.filter(|r| name(r.role, r.subject.relation()) == key.subject);
            wanted.extend(about.map(|r| r.excursion));
            let calls = calls(scene, case, at).into_iter().filter(|c| definer::name(c) == key.subject);
            wanted.extend(calls.map(|c| c.excursion));
            wanted.extend(definer::plan_answers(scene, case, at, Some(&key.subject)));
        }
        wanted
    }
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let mut missed = BTreeSet::new();
        for at in scene.checkpoints() {
            for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
                let subjects = subjects(scene, at, role);
                let permitted = |s: &&Subject<'_>| is_permitted(scene, at, s, role, "SELECT");
                for subject in subjects.iter().filter(permitted).filter(|s| select(s).is_some()) {
                    missed.insert(name(role, subject.relation()));
                }
            }
        }
        let missed = missed.into_iter().filter(|m| !probed.contains(m));
        missed.chain(definer::not_called(scene, probed, false)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for at in scene.checkpoints() {
            let (alive, Some(contents)) = (seen.alive(at), seen.contents(at)) else { continue };
            let truth = Truth::new(scene, case, at, contents);
            for reading in readings(scene, case, at).into_iter().filter(|r| alive.contains(&r.world)) {
                let outcome = seen.seen(at, &reading.excursion.acts);
                let Some(done) = outcome.and_then(Seen::done) else { continue };
                let entitled = &reading.context.tenants;
                let shown = if reading.is_seeded {
                    truth.shown_by_values(&done.answer, entitled, "")
                } else {
                    truth.shown(&reading.subject, &done.answer, entitled)
                };
                judge_reading(scene, case, at, &reading, &shown, &mut judgement);
            }
            for call in calls(scene, case, at).into_iter().filter(|c| alive.contains(&c.world)) {
                if let Some(outcome) = seen.seen(at, &call.excursion.acts) {
                    judge_call(scene, case, &truth, &call, outcome, &mut judgement);
                }
            }
            definer::judge_answers(scene, case, at, &alive, seen, &mut judgement);
        }
        judgement
    }
}

fn name(role: &AppRole, relation: &Relation) -> String {
    format!("{} reads {relation}", role.name)
}

fn judge_reading(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    reading: &Reading<'_>,
    shown: &Shown,
    judgement: &mut Judgement,
) {
    let (role, relation) = (reading.role, reading.subject.relation());
    let leaks = shown.foreign > 0;
    // Positive control: its own rows are seen through the same statement, and others' are there.
    if leaks || shown.own > 0 && shown.others_there {
        judgement.exercised.insert(reading.world);
        judgement.probes.push(Probe {
            subject: name(role, relation),
            table: Some(relation.to_string()),
            passed: !leaks,
            sql: select(&reading.subject),
            answer: Some(format!("{} own rows, {} of others", shown.own, shown.foreign)),
            expects: None,
        });
    }
    if !leaks {
        return;
    }
    let step = since(scene, at, relation);
    let command = "SELECT";
    judgement.violated(Violation {
        key: ViolationKey { step, code: "shows-foreign", subject: name(role, relation) },
        worlds: case.worlds_of(shown.others.iter()).into_iter().chain([reading.world]).collect(),
        severity: Severity::Critical,
        title: format!("{relation} shows {} rows of other tenants", role.name),
        message: format!(
            "As {} for {}, a SELECT on {relation} returns {} of its own rows and {} rows of other tenants.",
            role.name, reading.context.whom, shown.own, shown.foreign
        ),
        cause: cause(scene, at, &reading.subject, role, command),
        remedy: String::new(),
        tables: vec![relation.to_string()],
        place: place(scene, step, relation),
        witness: reading.excursion.clone(),
    });
}

fn judge_call(
    scene: &Scene,
    case: &CaseData,
    truth: &Truth<'_>,
    call: &Call<'_>,
    outcome: &Seen,
    judgement: &mut Judgement,
) {
    let (entitled, function) = (&call.context.tenants, &call.callable.name);
    let (others, how, code) = match outcome {
        Seen::Done(done) => {
            let shown = truth.shown_by_values(&done.answer, entitled, &call.sql);
            if shown.own > 0 && shown.others_there {
                judgement.exercised.insert(call.world);
            }
            (
                shown.others,
                format!("returns {} rows of other tenants", shown.foreign),
                "function-shows-foreign",
            )
        }
        Seen::Refused(refusal) => match refusal.failure.sql() {
            Some(error) => (
                truth.told(error, entitled, &call.sql),
                format!("fails with a message that tells another tenant's value: {error}"),
                "function-tells-foreign",
            ),
            None => return,
        },
        _ => return,
    };
    if others.is_empty() {
        return;
    }
    judgement.exercised.insert(call.world);
    let step: Option<StepId> = call.since(scene);
    let rights = if call.callable.definer { "its definer's" } else { "its caller's" };
    judgement.violated(Violation {
        key: ViolationKey { step, code, subject: definer::name(call) },
        worlds: case.worlds_of(others.iter()).into_iter().chain([call.world]).collect(),
        severity: Severity::Critical,
        title: format!("{function} gives {} what is other tenants'", call.role.name),
        message: format!("Called as {} for {}, {function} {how}.", call.role.name, call.context.whom),
        cause: format!("The function runs with {rights} rights and does not keep to the tenant."),
        remedy: "Restrict what the function reads and tells by the tenant, or make it SECURITY INVOKER."
            .to_owned(),
        tables: Vec::new(),
        place: place(scene, step, function),
        witness: call.excursion.clone(),
    });
}
