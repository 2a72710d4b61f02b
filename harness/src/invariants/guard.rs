//! The guard stops on incomplete data, says why, and changes nothing; on complete data it lets through.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::{Expects, Severity};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{DatabaseId, Guard, StepId};

use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, diff};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, Statement, TableKey};

/// Guards refuse incomplete data.
pub(super) struct GuardRefuses;

static SPEC: InvariantSpec = InvariantSpec {
    id: "guard-refuses",
    title: "The guard stops on incomplete data with a clear message, and lets complete data through",
    rationale: "The guard is what stands between an incomplete backfill and the step that makes it permanent. A guard \
        that counts under row security sees no row, and certifies everything.",
    example: "DO $$ BEGIN IF (SELECT count(*) FROM item WHERE tenant_id IS NULL) > 0 THEN RAISE … under FORCE ROW \
        LEVEL SECURITY",
    remedy: "Count as a role that sees every row, name the table and the number in the message, and raise before the \
        first change.",
    exercise: "steps with `guard`, and rows to make incomplete",
};

fn guards(scene: &Scene) -> Vec<StepId> {
    scene
        .steps()
        .filter(|(id, s)| s.guard.is_some() && id.before() <= scene.last())
        .map(|(id, _)| id)
        .collect()
}

/// A row made incomplete: its tenant taken away, just before the guard.
struct Poison {
    key: TableKey,
    column: String,
    world: WorldId,
    act: Act,
}

fn poisons(scene: &Scene, case: &CaseData, step: StepId) -> Vec<Poison> {
    let at = step.before();
    let mut found = Vec::new();
    for (key, column) in scene.tenant_tables(at) {
        let nullable = scene.table(at, &key).and_then(|t| t.column(&column)).is_some_and(|c| !c.not_null);
        if !nullable {
            continue;
        }
        let Some(table) =
            case.data.tables.iter().find(|t| (DatabaseId(t.database), &t.table) == (key.0, &key.1))
        else {
            continue;
        };
        let Some(identity) = scene.table(scene.born(&key), &key).and_then(|t| t.identity()) else { continue };
        let row = table.rows.iter().find(|r| r.world.is_some());
        let Some((row, world)) = row.and_then(|r| r.world.map(|w| (r, w))) else { continue };
        let condition: Option<Vec<String>> = identity
            .iter()
            .map(|c| {
                let value = row.values[table.columns.iter().position(|x| x == c)?].as_ref()?;
                Some(format!("{} = {}", c.quoted(), quote_literal(value)))
            })
            .collect();
        let Some(condition) = condition else { continue };
        let sql = format!(
            "UPDATE {} SET {} = NULL WHERE {}",
            key.1.quoted(),
            column.quoted(),
            condition.join(" AND ")
        );
        let act = Act::Sql(Statement { database: key.0, actor: Actor::Loader, sql });
        found.push(Poison { key, column: column.to_string(), world, act });
    }
    found
}

fn poisoned(step: StepId, poison: &Poison) -> Excursion {
    let acts = vec![poison.act.clone(), Act::Step(step, Actor::Migrator), Act::Snapshot];
    Excursion { from: step.before(), acts }
}

fn untouched(step: StepId, poison: &Poison) -> Excursion {
    Excursion { from: step.before(), acts: vec![poison.act.clone(), Act::Snapshot] }
}

fn guard_query(step: StepId, database: DatabaseId, sql: &str) -> Excursion {
    let statement = Statement { database, actor: Actor::Observer, sql: sql.to_owned() };
    Excursion { from: step.before(), acts: vec![Act::Sql(statement)] }
}

impl Invariant for GuardRefuses {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if guards(scene).is_empty() { Err("no step is a guard".to_owned()) } else { Ok(()) }
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for step in guards(scene) {
            wanted.push(contents(step.before()));
            match &scene.step(step).guard {
                Some(Guard::Query(sql)) => wanted.push(guard_query(step, scene.step(step).database, sql)),
                _ => {
                    for poison in poisons(scene, case, step) {
                        wanted.push(poisoned(step, &poison));
                        wanted.push(untouched(step, &poison));
                    }
                }
            }
        }
        wanted
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in guards(scene) {
            if let Some(Guard::Query(sql)) = &scene.step(step).guard {
                judge_query(scene, seen, step, sql, &mut judgement);
                continue;
            }
            for poison in poisons(scene, case, step) {
                if seen.alive(step.before()).contains(&poison.world) {
                    judge_poison(scene, seen, step, &poison, &mut judgement);
                }
            }
        }
        judgement
    }
}

/// A guard with a query of its own: it must refuse exactly when the query finds something.
fn judge_query(scene: &Scene, seen: &Observations, step: StepId, sql: &str, judgement: &mut Judgement) {
    let witness = guard_query(step, scene.step(step).database, sql);
    let Some(Seen::Done(found)) = seen.seen(witness.from, &witness.acts) else { return };
    let Some(run) = seen.step(step) else { return };
    let incomplete = !found.answer.rows.is_empty();
    let passed = matches!(run.seen, Seen::Done(_)) && run.removed.is_empty();
    let worlds = seen.alive(step.before());
    judgement.exercised.extend(&worlds);
    if incomplete && passed {
        let message =
            format!("`{}` lets {} incomplete rows through.", scene.step(step).id, found.answer.rows.len());
        let acts = vec![Act::Step(step, Actor::Migrator)];
        judgement.violated(violation(
            scene,
            step,
            "passes",
            "",
            worlds,
            message,
            Excursion { from: step.before(), acts },
        ));
    }
}

fn judge_poison(
    scene: &Scene,
    seen: &Observations,
    step: StepId,
    poison: &Poison,
    judgement: &mut Judgement,
) {
    let full = poisoned(step, poison);
    let Some(Seen::Done(made)) = seen.seen(full.from, &full.acts[..1]) else { return };
    if made.answer.affected == 0 {
        return; // the row is not there any more
    }
    let Some(outcome) = seen.seen(full.from, &full.acts[..2]) else { return };
    let (id, table) = (&scene.step(step).id, poison.key.1.to_string());
    // A script that is wrong in itself (class 42: syntax, names, privileges) refuses nothing.
    let wrong = outcome.refusal().and_then(|r| r.failure.sql()).filter(|e| e.sqlstate.starts_with("42"));
    if let Some(error) = wrong {
        judgement.doubts.push(format!("`{id}` cannot run, so that its guard was not tried: {error}"));
        return;
    }
    let worlds: BTreeSet<WorldId> = [poison.world].into();
    judgement.exercised.insert(poison.world);
    let witness = Excursion { from: full.from, acts: full.acts[..2].to_vec() };
    let answer = match outcome {
        Seen::Refused(refusal) => refusal.failure.to_string(),
        _ => "passed".to_owned(),
    };
    let mut fault: Option<(&'static str, String)> = None;
    match outcome {
        Seen::Refused(refusal) => match refusal.failure.sql() {
            // The guard's own exception: any SQLSTATE but those that the server itself raises for the constraint.
            Some(error) if error.sqlstate == "23502" => {
                fault = Some((
                    "constraint-stops",
                    format!(
                        "`{id}` is stopped by the constraint itself ({}), not by its guard: with {table}.{} NULL the \
                         guard had nothing to say.",
                        error.message, poison.column
                    ),
                ));
            }
            Some(_) => {
                let (before, after) = (untouched(step, poison), seen.snapshot(full.from, &full.acts));
                let changed = seen
                    .snapshot(before.from, &before.acts)
                    .zip(after)
                    .is_some_and(|(b, a)| diff(b, a).iter().any(|c| c.change != Change::Rewritten));
                if changed {
                    fault = Some((
                        "changes",
                        format!("`{id}` refuses incomplete data and changes data all the same."),
                    ));
                }
            }
            None => judgement.doubts.push(format!("`{id}` did not end: {answer}")),
        },
        _ => {
            fault = Some((
                "passes",
                format!("`{id}` lets a row of {table} with {} NULL through.", poison.column),
            ));
        }
    }
    judgement.probes.push(Probe {
        subject: format!("`{id}` refuses {table} rows without {}", poison.column),
        table: Some(table.clone()),
        passed: fault.is_none(),
        sql: None,
        answer: Some(answer),
        expects: Some(Expects::Refusal),
    });
    if let Some((code, message)) = fault {
        judgement.violated(violation(scene, step, code, &table, worlds, message, witness));
    }
}

fn violation(
    scene: &Scene,
    step: StepId,
    code: &'static str,
    table: &str,
    worlds: BTreeSet<WorldId>,
    message: String,
    witness: Excursion,
) -> Violation {
    let (severity, title) = match code {
        "passes" => (Severity::Critical, "lets incomplete data through"),
        "changes" => (Severity::High, "changes data when it refuses"),
        _ => (Severity::Medium, "does not notice incomplete data"),
    };
    Violation {
        key: ViolationKey { step: Some(step), code, subject: table.to_owned() },
        worlds,
        severity,
        title: format!("The guard of `{}` {title}", scene.step(step).id),
        message,
        cause: if scene.has_row_security(step.before()) {
            "The guard looks through the migrator's eyes, and row security hides rows from it; or it does not look at \
             this table."
                .to_owned()
        } else {
            "The guard does not look at this table.".to_owned()
        },
        remedy: String::new(),
        tables: if table.is_empty() { Vec::new() } else { vec![table.to_owned()] },
        place: Some(scene.location(step, 0)),
        witness,
    }
}
