//! What was seen, in lines that people read and that two runs can be compared by.

use super::act::{Act, Actor, Excursion, Refusal, Seen};
use super::case::CaseData;
use super::meanwhile::Meanwhile;
use super::observe::Observations;
use super::scene::Scene;
use super::snapshot::Snapshot;
use crate::db::session::Failure;

/// Rows of a snapshot that are told one by one; of more only the numbers are.
const ROWS_TOLD_MAX: usize = 24;

/// The timeline up to an excursion, and the excursion: a line for each act, and one for each row of contents that
/// are few. Values that the run made up (fresh ids, clocks) are `…`: they differ from run to run.
pub fn transcript(scene: &Scene, case: &CaseData, seen: &Observations, witness: &Excursion) -> Vec<String> {
    let mut lines = Vec::new();
    for (step, run) in scene.steps().zip(&seen.steps).take(witness.from.0).map(|((id, _), run)| (id, run)) {
        for (refusal, worlds) in &run.removed {
            lines.push(format!(
                "{}: {} → {}; without {} of the tenants:",
                scene.scenario.roles.migrator,
                scene.step(step).work(),
                refused(refusal),
                worlds.len()
            ));
        }
        lines.push(told(scene, case, &Act::Step(step, Actor::Migrator), Some(&run.seen)));
    }
    for end in 1..=witness.acts.len() {
        let acts = &witness.acts[..end];
        lines.push(told(scene, case, &witness.acts[end - 1], seen.seen(witness.from, acts)));
    }
    lines.iter().flat_map(|l| l.lines()).map(str::to_owned).collect()
}

/// Who an actor is, in words.
pub fn who(scene: &Scene, actor: &Actor) -> String {
    match actor {
        Actor::Migrator => scene.scenario.roles.migrator.to_string(),
        Actor::MigratorTwin => format!("{} with BYPASSRLS", scene.scenario.roles.migrator),
        Actor::Writer => "a writer past row security".to_owned(),
        Actor::Loader => "a superuser".to_owned(),
        Actor::Observer => "an observer past row security".to_owned(),
        Actor::App { role, context: Some(context) } => format!("{role} for {}", context.whom),
        Actor::App { role, context: None } => role.to_string(),
    }
}

/// An act in words: who does what.
pub fn act(scene: &Scene, act: &Act) -> String {
    match act {
        Act::Snapshot => "contents".to_owned(),
        Act::Catalog => "catalogs".to_owned(),
        Act::Step(step, actor) => format!("{}: {}", who(scene, actor), scene.step(*step).work()),
        Act::StepIn(step, zone) => {
            format!("{} in {zone}: {}", who(scene, &Actor::Migrator), scene.step(*step).work())
        }
        Act::Down(step) => {
            let path = scene.step(*step).down.as_ref().map_or("no way back", |d| d.path.as_str());
            format!("{}: {path}", who(scene, &Actor::Migrator))
        }
        Act::Copied(step, tables) => format!(
            "{}: {}, the first {tables} tables",
            who(scene, &Actor::Migrator),
            scene.step(*step).up.path
        ),
        Act::Cut(step, cut) => {
            format!("{}: {}, {}", who(scene, &Actor::Migrator), scene.step(*step).work(), cut.words())
        }
        Act::Meanwhile(step, at, other) => {
            let migrator = who(scene, &Actor::Migrator);
            let work = scene.step(*step).work();
            let other = match other {
                Meanwhile::Sent(binding) => self::act(scene, &Act::Send(binding.clone())),
                Meanwhile::Run => format!("{migrator}: {work}"),
            };
            format!("{migrator}: {work}, and while it stands at write {at}, {other}")
        }
        Act::Send(binding) => {
            let path = &scene.scenario.access[binding.access.0];
            let actor = Actor::App { role: path.role.clone(), context: binding.context.clone() };
            format!("{}: {}", who(scene, &actor), path.name)
        }
        Act::Sql(statement) => {
            let sql: Vec<&str> = statement.sql.split_whitespace().collect();
            format!("{}: {}", who(scene, &statement.actor), sql.join(" "))
        }
        Act::Pooled(_, turns) => {
            let turns: Vec<String> =
                turns.iter().map(|t| format!("{}: {}", who(scene, &t.actor), t.sql.join("; "))).collect();
            format!("on one connection, {}", turns.join("; then "))
        }
        Act::Keep(worlds) => format!("only {} of the tenants stay", worlds.len()),
    }
}

/// An act and what was seen of it.
pub fn told(scene: &Scene, case: &CaseData, done: &Act, seen: Option<&Seen>) -> String {
    let act = act(scene, done);
    match seen {
        None => format!("{act} → not reached"),
        Some(Seen::Snapshot(contents)) => format!("{act} →{}", rows(case, contents)),
        Some(Seen::Catalog(print)) => format!("{act} → {} objects", print.len()),
        Some(Seen::Refused(refusal)) => format!("{act} → {}", refused(refusal)),
        Some(Seen::Done(done)) if !done.answer.columns.is_empty() => {
            let mut text = format!("{act} → {} rows", done.answer.rows.len());
            for row in done.answer.rows.iter().take(ROWS_TOLD_MAX) {
                text.push_str(&format!("\n    ({})", cells(case, row)));
            }
            text
        }
        Some(Seen::Done(done)) => format!("{act} → {} rows written", done.written()),
    }
}

fn refused(refusal: &Refusal) -> String {
    let mut text = refusal.failure.to_string();
    if let Failure::Command(ended) = &refusal.failure {
        for line in &ended.output {
            text.push_str(&format!("\n    | {line}"));
        }
    }
    text
}

fn rows(case: &CaseData, contents: &Snapshot) -> String {
    let all: usize = contents.tables.values().map(|t| t.rows.len()).sum();
    let mut text = format!(" {all} rows");
    for ((_, table), rows) in contents.tables.iter().filter(|(_, t)| !t.rows.is_empty()) {
        if all > ROWS_TOLD_MAX {
            text.push_str(&format!("\n    {table}: {} rows", rows.rows.len()));
            continue;
        }
        let columns: Vec<&str> = rows.columns.iter().map(|c| c.as_str()).collect();
        text.push_str(&format!("\n    {table} ({})", columns.join(", ")));
        let mut lines: Vec<String> = rows.rows.iter().map(|r| cells(case, &r.values)).collect();
        // The server gives no order.
        lines.sort();
        for line in lines {
            text.push_str(&format!("\n      ({line})"));
        }
    }
    text
}

fn cells(case: &CaseData, row: &[Option<String>]) -> String {
    let cells: Vec<String> = row
        .iter()
        .map(|value| match value {
            None => "NULL".to_owned(),
            Some(value) if case.knows_value(value) => value.escape_debug().to_string(),
            Some(_) => "…".to_owned(),
        })
        .collect();
    cells.join(", ")
}
