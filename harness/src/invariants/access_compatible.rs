//! The application keeps working: every access path at every checkpoint at which it is in use, and after a rollback.

use watertight_reports::Severity;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, Impact, StepId};
use watertight_scenarios::schema::Action;

use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, about, contents};
use crate::db::session::SqlError;
use crate::explore::{Act, Binding, CaseData, Excursion, Observations, Scene, Seen};

/// Access paths are answered while they are in use.
pub(super) struct AccessCompatible;

static SPEC: InvariantSpec = InvariantSpec {
    id: "access-compatible",
    title: "Every access path works at every checkpoint at which it is in use",
    rationale: "Old and new application run side by side while a migration is rolled out. A statement that the new \
        schema refuses is an outage that starts with the step and ends with a hotfix.",
    example: "INSERT INTO message (user_id, body) after ALTER TABLE message ALTER tenant_id SET NOT NULL",
    remedy: "Change the statement before the step that refuses it, or give the column a default or a trigger until \
        the last application that lacks it is gone.",
    exercise: "`[[access]]` paths, with `from` and `until`",
};

/// Worlds that send each path at each checkpoint of one case.
pub(crate) const SENDERS: usize = 2;

/// Whether a path is in use at a checkpoint.
pub(crate) fn in_use(scene: &Scene, access: AccessId, at: Checkpoint) -> bool {
    let path = &scene.scenario.access[access.0];
    (path.from..=path.until).contains(&at)
}

/// Every sending of one case: path, checkpoint, binding.
pub(crate) fn sendings(scene: &Scene, case: &CaseData) -> Vec<(Checkpoint, Binding)> {
    let mut found = Vec::new();
    for i in 0..scene.scenario.access.len() {
        let bound: Vec<Binding> = case
            .sample(SENDERS, i as u64)
            .into_iter()
            .filter_map(|w| case.bind(scene, AccessId(i), w))
            .collect();
        for at in scene.checkpoints().filter(|c| in_use(scene, AccessId(i), *c)) {
            found.extend(bound.iter().map(|b| (at, b.clone())));
        }
    }
    found
}

/// Whether the rows that the parameters were taken from are still there: a step may move them away.
pub(crate) fn present(scene: &Scene, seen: &Observations, at: Checkpoint, binding: &Binding) -> bool {
    let Some(contents) = seen.contents(at) else { return true };
    binding.rows.iter().all(|(table, key)| {
        let database = scene.scenario.access[binding.access.0].database;
        contents
            .tables
            .get(&(database, table.clone()))
            .is_some_and(|rows| rows.rows.iter().any(|row| rows.key(row) == *key))
    })
}

fn send(at: Checkpoint, binding: &Binding) -> Excursion {
    Excursion { from: at, acts: vec![Act::Send(binding.clone())] }
}

/// The same path after the step behind the checkpoint was taken back.
fn after_rollback(scene: &Scene, at: Checkpoint, binding: &Binding) -> Option<Excursion> {
    let step = StepId(at.0);
    scene.scenario.steps.get(step.0)?.down.as_ref()?;
    (step.after() <= scene.last())
        .then(|| Excursion { from: step.after(), acts: vec![Act::Down(step), Act::Send(binding.clone())] })
}

/// Whether a refusal says something about the schema, rather than about the values that were sent: a value that
/// is there already is refused by a unique key that was there before, or by one that the path says it may meet.
pub(crate) fn counts(scene: &Scene, access: AccessId, error: &SqlError) -> bool {
    let path = &scene.scenario.access[access.0];
    if path.may_fail.contains(&error.sqlstate) {
        return false;
    }
    let baseline = scene.schemas.first().and_then(|s| s.get(path.database.0));
    let known = error.constraint.as_ref().is_some_and(|name| {
        baseline.into_iter().flat_map(|s| &s.tables).any(|t| {
            t.primary_key.as_ref().is_some_and(|k| k.name.as_str() == name)
                || t.uniques.iter().any(|u| u.name.as_str() == name)
        })
    });
    !(error.sqlstate == "23505" && known)
}

impl Invariant for AccessCompatible {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if scene.scenario.access.is_empty() {
            return Err("the scenario declares no access path".to_owned());
        }
        Ok(())
    }
    fn sends_paths(&self) -> bool {
        true
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for (at, binding) in sendings(scene, case) {
            if case.deep {
                wanted.extend(after_rollback(scene, at, &binding));
            }
            wanted.push(contents(at));
            wanted.push(send(at, &binding));
        }
        wanted
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (at, binding) in sendings(scene, case) {
            if !present(scene, seen, at, &binding) {
                continue;
            }
            let direct = send(at, &binding);
            let worked = self.judge_one(scene, seen, &binding, &direct, at, false, &mut judgement);
            if worked
                && case.deep
                && let Some(back) = after_rollback(scene, at, &binding)
            {
                self.judge_one(scene, seen, &binding, &back, at, true, &mut judgement);
            }
        }
        judgement
    }
}

impl AccessCompatible {
    #[expect(clippy::too_many_arguments, reason = "one question with its place")]
    fn judge_one(
        &self,
        scene: &Scene,
        seen: &Observations,
        binding: &Binding,
        excursion: &Excursion,
        at: Checkpoint,
        rolled_back: bool,
        judgement: &mut Judgement,
    ) -> bool {
        let reached = seen.alive(excursion.from).contains(&binding.world);
        let Some(outcome) = seen.seen(excursion.from, &excursion.acts).filter(|_| reached) else {
            return false;
        };
        let path = &scene.scenario.access[binding.access.0];
        let error = outcome.refusal().and_then(|r| r.failure.sql());
        if let Some(refusal) = outcome.refusal()
            && error.is_none()
        {
            judgement.doubts.push(format!("“{}” did not end: {}", path.name, refusal.failure));
            return false;
        }
        let Some(error) = error.filter(|e| counts(scene, binding.access, e)) else {
            if matches!(outcome, Seen::Done(_)) {
                judgement.exercised.insert(binding.world);
            }
            return matches!(outcome, Seen::Done(_));
        };
        judgement.exercised.insert(binding.world);
        judgement.probes.push(Probe {
            subject: format!("“{}” works", path.name),
            table: error.table.clone(),
            passed: false,
            sql: Some(binding.sql.clone()),
            answer: Some(error.to_string()),
            expects: None,
        });
        // What is refused at a checkpoint is refused at those after it too: the first one is where it begins.
        let known = |v: &Violation| v.key.subject == path.name && (v.key.code == "refused") != rolled_back;
        if judgement.violations.iter().any(known) {
            return false;
        }
        let step = at.0.checked_sub(1).map(StepId);
        let severity = match (path.impact, path.kind) {
            (Impact::Development, _) => Severity::Low,
            (Impact::Production, AccessKind::Write) => Severity::Critical,
            (Impact::Production, AccessKind::Read) => Severity::High,
        };
        let state = scene.checkpoint_name(at);
        let when = match (rolled_back, at.0) {
            (true, _) => format!("after `{}` was rolled back", scene.step(StepId(at.0)).id),
            (false, 0) => "before the first step".to_owned(),
            (false, _) => format!("from `{state}` on"),
        };
        let nulled = set_to_null(scene, at, binding, error);
        judgement.violated(Violation {
            key: ViolationKey {
                step,
                code: if rolled_back { "refused-after-rollback" } else { "refused" },
                subject: path.name.clone(),
            },
            worlds: [binding.world].into(),
            severity,
            title: format!("“{}” fails {when}", path.name),
            message: format!("“{}” is refused {when}: {error}.", path.name),
            cause: nulled.as_ref().map_or_else(
                || cause(error),
                |key| format!("The delete sets what refers to the row to NULL ({key} says so), and NULL is refused now."),
            ),
            remedy: match &nulled {
                Some(key) => format!("Let {key} refuse the delete, or delete along, in the step that forbids NULL."),
                None => remedy(error),
            },
            tables: error.table.clone().into_iter().collect(),
            place: path.source.as_ref().map(|s| split_place(s)),
            witness: excursion.clone(),
        });
        false
    }
}

/// The foreign key that gave a column the NULL that was refused: a delete of what it points at did it.
fn set_to_null(scene: &Scene, at: Checkpoint, binding: &Binding, error: &SqlError) -> Option<String> {
    let first = binding.sql.split_whitespace().next()?;
    if error.sqlstate != "23502" || !first.eq_ignore_ascii_case("delete") {
        return None;
    }
    let (table, column) = (error.table.as_deref()?, error.column.as_deref()?);
    let database = scene.scenario.access[binding.access.0].database;
    let schema = scene.schemas.get(at.0)?.get(database.0)?;
    let mut keys =
        schema.tables.iter().filter(|t| t.name.name.as_str() == table).flat_map(|t| &t.foreign_keys);
    let key = keys
        .find(|key| key.on_delete == Action::SetNull && key.columns.iter().any(|c| c.as_str() == column))?;
    Some(key.name.to_string())
}

fn cause(error: &SqlError) -> String {
    match (error.sqlstate.as_str(), &error.table, &error.column) {
        ("23502", Some(table), Some(column)) => {
            format!("{table}.{column} is NOT NULL now, and the statement does not give it a value.")
        }
        ("42703", ..) => "The statement names a column that is not there at this checkpoint.".to_owned(),
        ("42P01", ..) => "The statement names a table that is not there at this checkpoint.".to_owned(),
        ("42501", ..) => "The application's role lacks a privilege, or a policy refuses the row.".to_owned(),
        ("42P10", ..) => {
            "ON CONFLICT names columns for which there is no unique key at this checkpoint.".to_owned()
        }
        (_, _, _) => match &error.constraint {
            Some(name) => format!("The constraint {name} refuses the row."),
            None => "The server refuses the statement.".to_owned(),
        },
    }
}

fn remedy(error: &SqlError) -> String {
    match (error.sqlstate.as_str(), &error.column) {
        ("23502", Some(column)) => {
            format!("Give {column} in the statement before the step that makes it NOT NULL is deployed.")
        }
        _ => String::new(),
    }
}

/// `app/route.ts:284` as file and line.
pub(super) fn split_place(source: &str) -> (String, Option<u32>) {
    match source.rsplit_once(':') {
        Some((file, line)) => match line.split('-').next().and_then(|l| l.parse().ok()) {
            Some(line) => (file.to_owned(), Some(line)),
            None => (source.to_owned(), None),
        },
        None => (source.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_file_and_line_or_just_a_file() {
        assert_eq!(split_place("app/a.ts:12"), ("app/a.ts".to_owned(), Some(12)));
        assert_eq!(split_place("app/a.ts:12-20"), ("app/a.ts".to_owned(), Some(12)));
        assert_eq!(split_place("app/a.ts"), ("app/a.ts".to_owned(), None));
        assert_eq!(split_place("c:\\x"), ("c:\\x".to_owned(), None));
    }
}
