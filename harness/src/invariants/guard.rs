//! The guard stops on incomplete data, says why, and changes nothing; on complete data it lets through.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::{Expects, Severity};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{DatabaseId, Guard, StepId};

use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, diff};
use crate::explore::{
    Act, Actor, CaseData, Excursion, Observations, Refusal, Scene, Seen, Statement, TableKey,
};

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
    column: Ident,
    world: WorldId,
    act: Act,
}

fn may_lack(scene: &Scene, step: StepId, key: &TableKey, column: &Ident) -> bool {
    scene.table(step.before(), key).and_then(|t| t.column(column)).is_some_and(|c| !c.not_null)
}

fn subject(scene: &Scene, step: StepId, key: &TableKey, column: &Ident) -> String {
    format!("`{}` refuses {} rows without {column}", scene.step(step).id, key.1)
}

fn poisons(scene: &Scene, case: &CaseData, step: StepId) -> Vec<Poison> {
    let at = step.before();
    let mut found = Vec::new();
    for (key, column) in scene.tenant_tables(at) {
        if !may_lack(scene, step, &key, &column) {
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
        found.push(Poison { key, column, world, act });
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
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let tried =
            guards(scene).into_iter().filter(|s| !matches!(scene.step(*s).guard, Some(Guard::Query(_))));
        let (mut found, at) = (Vec::new(), |step: StepId| scene.tenant_tables(step.before()));
        for step in tried {
            let subjects = at(step).into_iter().filter(|(key, column)| may_lack(scene, step, key, column));
            let missed = subjects.map(|(key, column)| subject(scene, step, &key, &column));
            let missed: Vec<String> = missed.filter(|s| !probed.contains(s)).collect();
            found.extend(missed.into_iter().map(|subject| {
                format!(
                    "{subject}: no world with such a row passes it complete, so that a refusal says nothing"
                )
            }));
        }
        found
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in guards(scene) {
            if let Some(Guard::Query(sql)) = &scene.step(step).guard {
                judge_query(scene, seen, step, sql, &mut judgement);
                continue;
            }
            judgement.doubts.extend(lets_nothing_through(scene, case, seen, step));
            for poison in poisons(scene, case, step) {
                if seen.alive(step.before()).contains(&poison.world) {
                    judge_poison(scene, seen, step, &poison, &mut judgement);
                }
            }
        }
        judgement
    }
}

/// Worlds of one case that a guard has to refuse, all that there are, before it is told that it refuses whatever comes.
const REFUSED_MIN: usize = 4;

/// A guard that refuses, in its own words, each world with rows that could lack their tenant, although none does. What else
/// it asks for is not known: one world may lack it, hardly all of them.
fn lets_nothing_through(scene: &Scene, case: &CaseData, seen: &Observations, step: StepId) -> Option<String> {
    let (run, before) = (seen.step(step)?, seen.contents(step.before())?);
    let mut there: BTreeSet<WorldId> = BTreeSet::new();
    for (key, column) in scene.tenant_tables(step.before()) {
        let Some(table) = before.tables.get(&key).filter(|_| may_lack(scene, step, &key, &column)) else {
            continue;
        };
        if table.rows.iter().any(|row| table.cell(row, &column).is_none()) {
            return None;
        }
        there.extend(table.rows.iter().filter_map(|row| case.world_of(scene, &key, table, row)));
    }
    let in_its_words =
        |refusal: &Refusal| refusal.failure.sql().is_some_and(|e| e.sqlstate.starts_with("P0"));
    let refused = run.removed.iter().filter(|(refusal, _)| in_its_words(refusal));
    let refused: BTreeSet<WorldId> = refused.flat_map(|(_, worlds)| worlds.iter().copied()).collect();
    there.retain(|world| seen.alive(step.before()).contains(world));
    (there.len() >= REFUSED_MIN && there.is_subset(&refused)).then(|| {
        format!(
            "`{}` refuses every world that has rows for it, and each row has its tenant: nothing passes, complete \
             data neither",
            scene.step(step).id
        )
    })
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
    // Positive control: a guard that refuses this world as it is, too, says nothing by refusing it incomplete.
    if fault.is_none() && !(seen.passed(step) && seen.alive(step.after()).contains(&poison.world)) {
        return;
    }
    judgement.exercised.insert(poison.world);
    judgement.probes.push(Probe {
        subject: subject(scene, step, &poison.key, &poison.column),
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
