//! A backfill that is not alone: what the application writes beside it stays, and a second one does no harm.

use watertight_reports::Severity;
use watertight_scenarios::scenario::{AccessId, AccessKind, StepId};

use super::access_compatible::in_use;
use super::backfill::{backfills, has_backfill, moved};
use super::ends::{Differs, differs, is_tenants};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::db::session::Failure;
use crate::explore::{
    Act, Actor, CaseData, Cut, Excursion, Meanwhile, Observations, Refusal, Scene, Seen, Snapshot,
};

/// Beside others it does what it does alone.
pub(super) struct Concurrent;

static SPEC: InvariantSpec = InvariantSpec {
    id: "backfill-concurrent",
    title: "A backfill does no harm to what others write beside it, another run of it included",
    rationale: "A backfill that commits on its way runs for hours beside the application, and now and then twice at once. \
        One that reads rows, thinks, and writes them back whole takes back what users wrote in between; one that asks \
        whether a row is there and then inserts it inserts it twice.",
    example: "for each item: read it; UPDATE item SET body = (as read), tenant_id = … WHERE id = …; and a user changes \
        the body between the two",
    remedy: "Write only the columns that are to be filled, by a condition on the row as it is then (WHERE tenant_id IS \
        NULL); let a unique constraint and ON CONFLICT DO NOTHING decide what is there already; keep a second run out \
        with pg_advisory_lock.",
    exercise: "a `backfill` step that commits on its way; a write path in use while it runs, or a script, which is run \
        twice at once",
};

/// SQLSTATE of a statement that waited too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Write paths that are sent in one case; the next one goes on where it ends.
const PATHS_PER_CASE: usize = 2;

/// Backfills of which others see a part.
fn subjects(scene: &Scene) -> Vec<StepId> {
    backfills(scene).into_iter().filter(|s| Cut::leaves_something(scene.step(*s))).collect()
}

/// Write paths that are in use while the step runs, on its database.
fn writes(scene: &Scene, step: StepId) -> Vec<AccessId> {
    let paths = scene.scenario.access.iter().enumerate();
    paths
        .filter(|(_, p)| p.kind == AccessKind::Write && p.database == scene.step(step).database)
        .map(|(i, _)| AccessId(i))
        .filter(|id| in_use(scene, *id, step.before()))
        .collect()
}

/// What happens beside the step in this case, and at which of its writes.
fn others(scene: &Scene, case: &CaseData, step: StepId) -> Vec<(u32, Meanwhile)> {
    let at = 1 + case.index % 2;
    let writes = writes(scene, step);
    let begin = case.index as usize * PATHS_PER_CASE;
    let turns = begin..begin + PATHS_PER_CASE.min(writes.len());
    let sent = turns.filter_map(|n| {
        let id = writes[n % writes.len()];
        case.sample(1, id.0 as u64).into_iter().find_map(|w| case.bind(scene, id, w)).map(Meanwhile::Sent)
    });
    let run = scene.step(step).command.is_none().then_some(Meanwhile::Run);
    sent.chain(run).map(|other| (at, other)).collect()
}

fn beside(step: StepId, at: u32, other: &Meanwhile) -> Excursion {
    let acts = vec![Act::Meanwhile(step, at, other.clone()), Act::Snapshot];
    Excursion { from: step.before(), acts }
}

/// One after the other, either way: what the end may be.
fn in_turn(step: StepId, other: &Meanwhile) -> Vec<Excursion> {
    let Meanwhile::Sent(binding) = other else { return vec![contents(step.after())] };
    let (run, sent) = (Act::Step(step, Actor::Migrator), Act::Send(binding.clone()));
    [[sent.clone(), run.clone(), Act::Snapshot], [run, sent, Act::Snapshot]]
        .into_iter()
        .map(|acts| Excursion { from: step.before(), acts: acts.to_vec() })
        .collect()
}

/// The end of one of them, if nothing was refused on the way.
fn end<'a>(seen: &'a Observations, excursion: &Excursion) -> Option<&'a Snapshot> {
    let acts = &excursion.acts;
    let went = (1..acts.len()).all(|n| matches!(seen.seen(excursion.from, &acts[..n]), Some(Seen::Done(_))));
    seen.snapshot(excursion.from, acts).filter(|_| went)
}

fn is_kept_out(refusal: &Refusal) -> bool {
    matches!(refusal.failure, Failure::TimedOut(_))
        || refusal.failure.sql().is_some_and(|e| e.sqlstate == LOCK_NOT_AVAILABLE)
}

impl Invariant for Concurrent {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_backfill(scene)?;
        let subjects = subjects(scene);
        if subjects.is_empty() {
            return Err("every backfill runs in one transaction: others see nothing of it, or all".to_owned());
        }
        if subjects.iter().all(|s| scene.step(*s).command.is_some() && writes(scene, *s).is_empty()) {
            return Err("no write path is in use while the command runs".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for step in subjects(scene).into_iter().filter(|_| case.data.row_count() > 0) {
            wanted.extend([contents(step.before()), contents(step.after())]);
            for (at, other) in others(scene, case, step) {
                wanted.push(beside(step, at, &other));
                wanted.extend(in_turn(step, &other));
            }
        }
        wanted
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in subjects(scene).into_iter().filter(|step| seen.passed(*step)) {
            let Some(before) = seen.contents(step.before()) else { continue };
            for (at, other) in others(scene, case, step) {
                let excursion = beside(step, at, &other);
                let concerned = match &other {
                    Meanwhile::Sent(binding) => [binding.world].into(),
                    Meanwhile::Run => moved(scene, case, seen, step),
                };
                match seen.seen(excursion.from, &excursion.acts[..1]) {
                    Some(Seen::Done(_)) => {}
                    // One waits until the other is over: that is one after the other.
                    Some(Seen::Refused(refusal)) if is_kept_out(refusal) => {
                        judgement.exercised.extend(concerned);
                        continue;
                    }
                    // Of two runs one may be refused, if the other one does all of the work.
                    Some(Seen::Refused(refusal))
                        if other == Meanwhile::Run && refusal.failure.sql().is_some() => {}
                    _ => continue,
                }
                let Some(after) = seen.snapshot(excursion.from, &excursion.acts) else { continue };
                let ends = in_turn(step, &other);
                let ends: Vec<&Snapshot> = ends.iter().filter_map(|e| end(seen, e)).collect();
                if ends.is_empty() {
                    continue;
                }
                judgement.exercised.extend(&concerned);
                let mut found: Vec<Vec<Differs<'_>>> = ends
                    .into_iter()
                    .map(|whole| {
                        let mut found = differs(scene, case, step, before, (whole, after));
                        found.retain(|d| is_tenants(scene, step, d.table));
                        found
                    })
                    .collect();
                found.sort_by_key(|f| f.iter().map(|d| d.rows).sum::<usize>());
                let Some(first) = found.first().and_then(|f| f.first()) else { continue };
                judgement.violated(harmed(scene, step, at, &other, first, concerned, excursion));
            }
        }
        judgement
    }
}

fn harmed(
    scene: &Scene,
    step: StepId,
    at: u32,
    other: &Meanwhile,
    found: &Differs<'_>,
    worlds: std::collections::BTreeSet<watertight_generators::WorldId>,
    witness: Excursion,
) -> Violation {
    let id = &scene.step(step).id;
    let (table, rows) = (&found.table.1, found.rows);
    let (code, subject, title, message) = match other {
        Meanwhile::Sent(binding) => {
            let path = &scene.scenario.access[binding.access.0].name;
            let title = format!("`{id}` goes wrong beside “{path}”");
            let message = format!(
                "“{path}” is sent and committed while `{id}` stands at write {at}: in the end {rows} rows of {table} are \
                 neither as if it had been sent before, nor as if it had been sent afterwards."
            );
            ("undone", path.clone(), title, message)
        }
        Meanwhile::Run => {
            let title = format!("Two runs of `{id}` at once leave other rows of {table} than one");
            let message = format!(
                "While `{id}` stands at write {at}, somebody else runs it to its end: then {rows} rows of {table} are not as \
                 one run leaves them."
            );
            ("twice", table.to_string(), title, message)
        }
    };
    Violation {
        key: ViolationKey { step: Some(step), code, subject },
        worlds,
        severity: Severity::High,
        title,
        message,
        cause: "It writes by what it has read before, and that has changed by then.".to_owned(),
        remedy: String::new(),
        tables: vec![table.to_string()],
        place: Some(scene.location(step, 0)),
        witness,
    }
}
