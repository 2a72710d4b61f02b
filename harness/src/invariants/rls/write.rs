//! A role writes its own tenant's rows only.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::{Expects, Severity};
use watertight_scenarios::scenario::{AppRole, Checkpoint};

use super::super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use super::attack::{Attack, Attempt, Effect, Target, effect};
use super::created::on_created;
use super::definer;
use super::shown::Truth;
use super::{
    Subject, applies, cause, is_due, is_guarded, is_permitted, place, prober, roles, since, subjects,
};
use crate::explore::{CaseData, Context, Excursion, Observations, Scene, Seen};

/// Row security keeps other tenants' rows from being written.
pub(in crate::invariants) struct Write;

static SPEC: InvariantSpec = InvariantSpec {
    id: "rls-write",
    title: "Row security keeps a role from writing another tenant's rows",
    rationale: "A policy for SELECT protects nothing from a DELETE without a condition. USING (true) on one command, \
        WITH CHECK (true) on another, TRUNCATE among the grants, a constant as the tenant's default: the reads look \
        isolated, and the writes are not.",
    example: "CREATE POLICY p ON note FOR DELETE USING (true); DELETE FROM note — every tenant's notes are gone",
    remedy: "Give every command the tenant's condition: one policy FOR ALL with USING, or one for each command with \
        USING and WITH CHECK. Grant no TRUNCATE, and let no default name a tenant.",
    exercise: "row security, an application role with a `tenant_context` and INSERT, UPDATE or DELETE, and two tenants \
        with rows",
};

/// Attempts on one table on behalf of one world.
struct Series<'a> {
    role: &'a AppRole,
    subject: Subject<'a>,
    world: WorldId,
    context: Context,
    attempts: Vec<Attempt>,
}

fn series<'a>(scene: &'a Scene, case: &CaseData, at: Checkpoint) -> Vec<Series<'a>> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
        for subject in subjects(scene, at, role).into_iter().filter(|s| is_due(scene, at, s)) {
            let Some(world) = prober(case, &subject, at.0 as u64) else { continue };
            let Some(context) = case.context(scene, role, subject.database, world) else { continue };
            let target = Target::new(scene, case, at, &subject, role, Some(&context), world);
            let mut attempts = target.map(|t| t.attempts()).unwrap_or_default();
            attempts.extend(on_created(scene, case, at, &subject, role, Some(&context), world));
            found.push(Series { role, subject, world, context, attempts });
        }
    }
    found
}

impl Invariant for Write {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        applies(scene, |role| role.tenant_context.is_some())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for at in scene.checkpoints() {
            wanted.push(contents(at));
            let attempts = series(scene, case, at).into_iter().flat_map(|s| s.attempts);
            wanted.extend(attempts.flat_map(|a| a.control.into_iter().chain([a.excursion])));
            wanted.extend(definer::plan_writes(scene, case, at, None));
        }
        wanted
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for at in scene.checkpoints() {
            wanted.push(contents(at));
            for one in series(scene, case, at) {
                let about = |a: &&Attempt| violation_key(scene, at, &one, a.attack) == *key;
                let chosen = one.attempts.iter().filter(about);
                wanted.extend(chosen.flat_map(|a| a.control.iter().chain([&a.excursion]).cloned()));
            }
            wanted.extend(definer::plan_writes(scene, case, at, Some(&key.subject)));
        }
        wanted
    }
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let mut missed = BTreeSet::new();
        for at in scene.checkpoints() {
            for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
                for subject in subjects(scene, at, role).iter().filter(|s| s.root.is_some()) {
                    let columns = &subject.reach.columns;
                    let commands = [
                        (!columns.insert.is_empty()).then_some("INSERT"),
                        (!columns.update.is_empty()).then_some("UPDATE"),
                        subject.reach.delete.then_some("DELETE"),
                    ];
                    // What no policy permits is denied to all alike: nobody's own rows can be its control.
                    let permitted = |c: &&str| is_permitted(scene, at, subject, role, c);
                    let told = commands.into_iter().flatten().filter(permitted);
                    missed.extend(told.map(|c| format!("{} {c} on {}", role.name, subject.relation())));
                }
            }
        }
        let missed = missed.into_iter().filter(|m| !probed.contains(m));
        missed.chain(definer::not_called(scene, probed, true)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        if !case.deep {
            return judgement;
        }
        for at in scene.checkpoints() {
            let (alive, Some(contents)) = (seen.alive(at), seen.contents(at)) else { continue };
            let truth = Truth::new(scene, case, at, contents);
            for one in series(scene, case, at).iter().filter(|s| alive.contains(&s.world)) {
                let before = truth.places(&one.subject);
                for attempt in &one.attempts {
                    if let Some(done) = effect(seen, attempt, &before, &one.context.tenants) {
                        judge_attempt(scene, case, at, one, attempt, &done, seen, &mut judgement);
                    }
                }
            }
            definer::judge_writes(scene, case, at, &alive, seen, &mut judgement);
        }
        judgement
    }
}

fn name(one: &Series<'_>, attack: Attack) -> String {
    format!("{} {} on {}", one.role.name, attack.command(), one.subject.relation())
}

#[expect(clippy::too_many_arguments, reason = "one attempt with its place")]
fn judge_attempt(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    one: &Series<'_>,
    attempt: &Attempt,
    done: &Effect,
    seen: &Observations,
    judgement: &mut Judgement,
) {
    let harm = match (attempt.attack, done.refused) {
        // Allowed is enough: other tables' foreign keys may stop it today.
        (Attack::Truncate, refused) => refused != Some(true),
        (_, Some(_)) => false,
        (Attack::Insert, None) => done.landed > 0 || scene.tenant_column(at, &key(one)).is_none(),
        (_, None) => done.is_harm(),
    };
    let control = |e: &Excursion| matches!(seen.seen(e.from, &e.acts), Some(Seen::Done(_)));
    // Positive control: its own rows can be written by the same statement.
    let tried = match attempt.attack {
        Attack::Insert => done.refused == Some(true) && attempt.control.as_ref().is_some_and(control),
        Attack::InsertDefault => done.refused.is_none(),
        Attack::FilteredUpdate | Attack::FilteredDelete => false,
        Attack::Truncate => false,
        _ => done.own > 0 && done.others_there,
    };
    if !harm && !tried || attempt.attack == Attack::Truncate && !done.others_there {
        return;
    }
    judgement.exercised.insert(one.world);
    let (role, relation) = (one.role, one.subject.relation());
    judgement.probes.push(Probe {
        subject: name(one, attempt.attack),
        table: Some(relation.to_string()),
        passed: !harm,
        sql: Some(attempt.sql.clone()),
        answer: Some(answer(done)),
        expects: Some(Expects::Refusal),
    });
    if !harm {
        return;
    }
    let others = match done.others.is_empty() {
        true => case.worlds().iter().copied().filter(|w| *w != one.world).collect(),
        false => case.worlds_of(done.others.iter()),
    };
    let step = since(scene, at, relation);
    let (title, cause) = words(scene, at, one, attempt);
    let key = violation_key(scene, at, one, attempt.attack);
    let title = if key.code == "unguarded" {
        format!("{} can write other tenants' rows of {relation}", role.name)
    } else {
        title
    };
    judgement.violated(Violation {
        key,
        worlds: others.into_iter().chain([one.world]).collect(),
        severity: Severity::Critical,
        title,
        message: format!("As {} for {}: {}. {}.", role.name, one.context.whom, attempt.sql, answer(done)),
        cause,
        remedy: String::new(),
        tables: vec![relation.to_string()],
        place: place(scene, step, relation),
        witness: attempt.excursion.clone(),
    });
}

/// A table that no policy guards is one defect, whatever is done to it.
fn violation_key(scene: &Scene, at: Checkpoint, one: &Series<'_>, attack: Attack) -> ViolationKey {
    let relation = one.subject.relation();
    let step = since(scene, at, relation);
    match attack {
        Attack::Truncate | Attack::InsertDefault => {}
        _ if is_guarded(scene, at, &one.subject, one.role) => {}
        _ => {
            let subject = format!("{} writes {relation}", one.role.name);
            return ViolationKey { step, code: "unguarded", subject };
        }
    }
    ViolationKey { step, code: attack.code(), subject: name(one, attack) }
}

fn key(one: &Series<'_>) -> crate::explore::TableKey {
    one.subject.root.clone().unwrap_or_else(|| (one.subject.database, one.subject.relation().clone()))
}

fn answer(done: &Effect) -> String {
    match done.refused {
        Some(true) => "refused by row security or for want of a privilege".to_owned(),
        Some(false) => "allowed, and stopped by a constraint".to_owned(),
        None => format!(
            "{} own rows changed or gone, {} of other tenants, {} made another tenant's",
            done.own, done.foreign, done.landed
        ),
    }
}

fn words(scene: &Scene, at: Checkpoint, one: &Series<'_>, attempt: &Attempt) -> (String, String) {
    let (role, relation) = (&one.role.name, one.subject.relation());
    let title = match attempt.attack {
        Attack::BareUpdate | Attack::FilteredUpdate => {
            format!("{role} can change other tenants' rows of {relation}")
        }
        Attack::Steal => format!("{role} can make other tenants' rows of {relation} its own"),
        Attack::GiveAway => format!("{role} can make rows of {relation} another tenant's"),
        Attack::BareDelete | Attack::LoneDelete | Attack::FilteredDelete => {
            format!("{role} can delete other tenants' rows of {relation}")
        }
        Attack::Insert => format!("{role} can insert rows of other tenants into {relation}"),
        Attack::InsertDefault => format!("A row of {relation} without a tenant becomes another tenant's"),
        Attack::Truncate => format!("{role} can empty {relation} of every tenant's rows"),
    };
    let cause = match attempt.attack {
        Attack::Truncate => "TRUNCATE is granted, and row security does not apply to it.".to_owned(),
        Attack::InsertDefault => "The tenant column has a default that names a tenant.".to_owned(),
        attack => cause(scene, at, &one.subject, one.role, attack.command()),
    };
    (title, cause)
}
