//! The way back: up then down, from each checkpoint, leaves catalogs and contents as before.

use std::collections::{BTreeMap, BTreeSet};

use watertight_reports::Severity;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId, StepKind};

use super::sequences::{Fed, behind, fed, look};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, SnapRow, diff};
use crate::explore::{Act, CaseData, Excursion, Observations, Print, Refusal, Scene, Seen, Snapshot};

/// Catalogs as before.
pub(super) struct SchemaBack;
/// Contents as before.
pub(super) struct DataBack;

/// A way back from one checkpoint to an earlier one: the steps to take down, latest first. Steps that change no
/// schema and have no way back are passed over; a migration without one ends the way.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) from: Checkpoint,
    pub(super) to: Checkpoint,
    pub(super) downs: Vec<StepId>,
}

pub(super) fn ways(scene: &Scene) -> Vec<Way> {
    let mut found = Vec::new();
    for from in scene.checkpoints() {
        let mut downs = Vec::new();
        for k in (0..from.0).rev() {
            let step = scene.step(StepId(k));
            match (&step.down, step.kind) {
                (Some(_), _) => downs.push(StepId(k)),
                (None, StepKind::Check | StepKind::Backfill | StepKind::Copy) => continue,
                (None, _) => break,
            }
            found.push(Way { from, to: Checkpoint(k), downs: downs.clone() });
        }
    }
    found
}

fn acts(way: &Way, last: Act) -> Vec<Act> {
    way.downs.iter().map(|s| Act::Down(*s)).chain([last]).collect()
}

pub(super) fn has_ways(scene: &Scene) -> Result<(), String> {
    if ways(scene).is_empty() { Err("no step has a way back".to_owned()) } else { Ok(()) }
}

/// The first down on the way that was refused.
pub(super) fn refused<'a>(seen: &'a Observations, way: &Way) -> Option<(StepId, &'a Refusal)> {
    let path: Vec<Act> = way.downs.iter().map(|s| Act::Down(*s)).collect();
    (1..=path.len()).find_map(|n| {
        let refusal = seen.seen(way.from, &path[..n])?.refusal()?;
        Some((way.downs[n - 1], refusal))
    })
}

pub(super) fn down_place(scene: &Scene, step: StepId, statement: usize) -> Option<(String, Option<u32>)> {
    let down = scene.step(step).down.as_ref()?;
    Some((down.path.clone(), down.statements.get(statement).map(|s| s.line)))
}

pub(super) fn way_words(scene: &Scene, way: &Way) -> String {
    format!("from the state after `{}`", scene.checkpoint_name(way.from))
}

static SCHEMA: InvariantSpec = InvariantSpec {
    id: "rollback-schema",
    title: "The way back restores the schema",
    rationale: "A rollback is written once and run in the worst hour. A down script that leaves an index, a policy or \
        a constraint behind, or fails, makes the next deploy fail too.",
    example: "up: ADD COLUMN, CREATE INDEX, CREATE POLICY; down: DROP POLICY",
    remedy: "Take back in the down script everything that the up script created, and put back what it removed.",
    exercise: "steps with a `down`",
};

impl Invariant for SchemaBack {
    fn spec(&self) -> &'static InvariantSpec {
        &SCHEMA
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_ways(scene)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        if !case.deep {
            return Vec::new();
        }
        ways(scene)
            .iter()
            .flat_map(|w| {
                [
                    Excursion { from: w.to, acts: vec![Act::Catalog] },
                    Excursion { from: w.from, acts: acts(w, Act::Catalog) },
                ]
            })
            .collect()
    }
    fn judge(&self, scene: &Scene, _case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        // A longer way back contains the shorter ones: the first that goes wrong is where to look.
        let mut wrong: BTreeSet<Checkpoint> = BTreeSet::new();
        for way in ways(scene) {
            if wrong.contains(&way.from) {
                continue;
            }
            let alive = seen.alive(way.from);
            let last = way.downs.last().copied();
            let path = acts(&way, Act::Catalog);
            let witness = Excursion { from: way.from, acts: path.clone() };
            if let Some((step, refusal)) = refused(seen, &way) {
                wrong.insert(way.from);
                let id = &scene.step(step).id;
                judgement.violated(Violation {
                    key: ViolationKey { step: Some(step), code: "down-fails", subject: String::new() },
                    worlds: alive,
                    severity: Severity::High,
                    title: format!("The way back of `{id}` fails"),
                    message: format!(
                        "Taking `{id}` back {} is refused: {}.",
                        way_words(scene, &way),
                        refusal.failure
                    ),
                    cause: format!("Statement {} of the down script.", refusal.statement + 1),
                    remedy: String::new(),
                    tables: refusal.failure.sql().and_then(|e| e.table.clone()).into_iter().collect(),
                    place: down_place(scene, step, refusal.statement),
                    witness: Excursion { from: way.from, acts: path[..path.len() - 1].to_vec() },
                });
                continue;
            }
            let (Some(before), Some(after)) = (
                seen.seen(way.to, &[Act::Catalog]).and_then(Seen::catalog),
                seen.seen(way.from, &path).and_then(Seen::catalog),
            ) else {
                continue;
            };
            judgement.exercised.extend(&alive);
            let lines = print_diff(before, after);
            if lines.is_empty() {
                continue;
            }
            wrong.insert(way.from);
            let step = last.unwrap_or(StepId(way.to.0));
            let id = &scene.step(step).id;
            let shown = some_of(&lines);
            judgement.violated(Violation {
                key: ViolationKey { step: Some(step), code: "schema-differs", subject: String::new() },
                worlds: alive,
                severity: Severity::High,
                title: format!("The way back of `{id}` does not restore the schema"),
                message: format!("After the way back {}: {shown}.", way_words(scene, &way)),
                cause: "The down script does not take back everything that the up script did.".to_owned(),
                remedy: String::new(),
                tables: Vec::new(),
                place: down_place(scene, step, 0),
                witness,
            });
        }
        judgement
    }
}

/// What differs between two states of the catalogs, in words.
pub(super) fn print_diff(before: &Print, after: &Print) -> Vec<String> {
    let mut lines = Vec::new();
    for ((kind, object), definition) in before {
        match after.get(&(kind.clone(), object.clone())) {
            None => lines.push(format!("{kind} {object} is missing")),
            Some(now) if now != definition => {
                lines.push(format!("{kind} {object} is `{now}` and was `{definition}`"));
            }
            Some(_) => {}
        }
    }
    for (kind, object) in after.keys().filter(|k| !before.contains_key(*k)) {
        lines.push(format!("{kind} {object} is left behind"));
    }
    lines
}

/// Lines of a catalog difference that a message shows.
const LINES_SHOWN: usize = 4;

/// The first of these lines, and how many more there are.
pub(super) fn some_of(lines: &[String]) -> String {
    let more = lines.len().saturating_sub(LINES_SHOWN);
    let mut shown = lines[..lines.len() - more].join("; ");
    if more > 0 {
        shown.push_str(&format!("; and {more} more"));
    }
    shown
}

static DATA: InvariantSpec = InvariantSpec {
    id: "rollback-data",
    title: "The way back restores the data",
    rationale: "A rollback that restores the schema and not the data is a data loss with a green check mark: a dropped \
        column comes back empty, an archive is dropped with what it held.",
    example: "up: DROP COLUMN note; down: ADD COLUMN note text",
    remedy: "Keep what the up script removes or rewrites (a renamed column, an archive table) until the way back is no \
        longer needed, and restore it in the down script.",
    exercise: "steps with a `down`, on tables with rows",
};

impl Invariant for DataBack {
    fn spec(&self) -> &'static InvariantSpec {
        &DATA
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_ways(scene)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for way in ways(scene) {
            wanted.push(contents(way.to));
            wanted.push(Excursion { from: way.from, acts: acts(&way, Act::Snapshot) });
            for (_, look) in numbered(scene, case, &way) {
                wanted.push(Excursion { from: way.to, acts: vec![look.clone()] });
                wanted.push(Excursion { from: way.from, acts: acts(&way, look) });
            }
        }
        wanted
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        let mut wrong: BTreeSet<(Checkpoint, String)> = BTreeSet::new();
        for way in ways(scene).iter().filter(|w| refused(seen, w).is_none()) {
            let path = acts(way, Act::Snapshot);
            let (Some(before), Some(after)) = (seen.contents(way.to), seen.snapshot(way.from, &path)) else {
                continue;
            };
            let alive = seen.alive(way.from);
            for (key, table) in &before.tables {
                let worlds = table.rows.iter().filter_map(|r| case.world_of(scene, key, table, r));
                judgement.exercised.extend(worlds.filter(|w| alive.contains(w)));
            }
            let shorter = wrong.clone();
            for loss in losses(scene, case, way, before, after) {
                if shorter.contains(&(way.from, loss.subject.clone())) {
                    continue; // a shorter way back shows it already
                }
                if loss.world.is_some_and(|w| !alive.contains(&w)) {
                    continue;
                }
                wrong.insert((way.from, loss.subject.clone()));
                let step = way.downs.last().copied().unwrap_or(StepId(way.to.0));
                let id = &scene.step(step).id;
                judgement.violated(Violation {
                    key: ViolationKey { step: Some(step), code: loss.code, subject: loss.subject.clone() },
                    worlds: loss.world.into_iter().collect(),
                    severity: Severity::Critical,
                    title: format!("The way back of `{id}` does not restore {}", loss.subject),
                    message: format!("After the way back {} {}.", way_words(scene, way), loss.message),
                    cause: "The down script restores the shape of the table and not what it held.".to_owned(),
                    remedy: String::new(),
                    tables: vec![loss.subject],
                    place: down_place(scene, step, 0),
                    witness: Excursion { from: way.from, acts: path.clone() },
                });
            }
            for violation in renumbered(scene, case, seen, way, (before, after)) {
                if wrong.insert((way.from, violation.key.subject.clone())) {
                    judgement.violated(violation);
                }
            }
        }
        judgement
    }
}

/// Columns that sequences feed where a way back ends, by database, and the look at them. Rows that came behind a step
/// came without their sequence.
fn numbered<'a>(scene: &'a Scene, case: &CaseData, way: &Way) -> Vec<(Vec<Fed<'a>>, Act)> {
    let databases = (0..scene.scenario.databases.len()).filter(|_| case.deep);
    databases
        .filter_map(|db| {
            let mut fed = fed(scene, way.to, DatabaseId(db));
            fed.retain(|f| !scene.late.contains_key(&f.key));
            let look = (!fed.is_empty()).then(|| look(DatabaseId(db), &fed))?;
            Some((fed, look))
        })
        .collect()
}

/// Sequences that give keys again on the way back which they would not have given before.
fn renumbered(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    way: &Way,
    (before, after): (&Snapshot, &Snapshot),
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (fed, look) in numbered(scene, case, way) {
        let path = acts(way, look.clone());
        let (Some(was), Some(is)) = (seen.seen(way.to, &[look]), seen.seen(way.from, &path)) else {
            continue;
        };
        let known: BTreeSet<String> = behind(&fed, was, before).iter().map(|b| b.subject()).collect();
        for behind in behind(&fed, is, after).iter().filter(|b| !known.contains(&b.subject())) {
            let step = way.to_step();
            let (id, name, column) = (&scene.step(step).id, &behind.fed.key.1, behind.fed.column);
            let world = |row: &&SnapRow| case.world_of(scene, &behind.fed.key, behind.table, row);
            found.push(Violation {
                key: ViolationKey { step: Some(step), code: "sequence-behind", subject: behind.subject() },
                worlds: behind.rows.iter().filter_map(world).collect(),
                severity: Severity::High,
                title: format!("After the way back of `{id}` new rows of {name} get keys that others have"),
                message: format!("After the way back {} {}.", way_words(scene, way), behind.words()),
                cause: "The down script makes the sequence anew, and does not tell it of the rows."
                    .to_owned(),
                remedy: format!(
                    "Set the sequence of {name}.{column} behind the highest key, in the down script."
                ),
                tables: vec![name.to_string()],
                place: down_place(scene, step, 0),
                witness: Excursion { from: way.from, acts: path.clone() },
            });
        }
    }
    found
}

/// What the way back from right behind a step does not bring back, in words, with the rows that show it.
pub(crate) fn not_restored(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let way = Way { from: step.after(), to: step.before(), downs: vec![step] };
    if scene.step(step).down.is_none() || refused(seen, &way).is_some() {
        return found;
    }
    if let (Some(before), Some(after)) =
        (seen.contents(way.to), seen.snapshot(way.from, &acts(&way, Act::Snapshot)))
    {
        let alive = seen.alive(way.from);
        let losses = losses(scene, case, &way, before, after);
        for loss in losses.into_iter().filter(|l| l.world.is_none_or(|w| alive.contains(&w))) {
            *found.entry(loss.message).or_default() += 1;
        }
    }
    found
}

struct Loss {
    code: &'static str,
    subject: String,
    message: String,
    world: Option<watertight_generators::WorldId>,
}

fn losses(scene: &Scene, case: &CaseData, way: &Way, before: &Snapshot, after: &Snapshot) -> Vec<Loss> {
    // What backfills and copies between the two checkpoints wrote on purpose stays: nobody asked for it back.
    let kept: Vec<StepId> = (way.to.0..way.from.0)
        .map(StepId)
        .filter(|s| {
            matches!(scene.step(*s).kind, StepKind::Backfill | StepKind::Copy)
                && scene.step(*s).down.is_none()
        })
        .collect();
    let mut found = Vec::new();
    for (key, table) in &before.tables {
        if !after.tables.contains_key(key) {
            found.push(Loss {
                code: "table-lost",
                subject: key.1.to_string(),
                message: format!("the table {} with {} rows is gone", key.1, table.rows.len()),
                world: None,
            });
        }
    }
    for change in diff(before, after) {
        let key = change.table;
        let tenant = scene.tenant_column(way.to, key);
        let (code, message) = match &change.change {
            Change::Rewritten => continue,
            // Rows that came between the two, as an application would have brought them.
            Change::Added if scene.late.get(key).is_some_and(|s| (way.to.0..way.from.0).contains(&s.0)) => {
                continue;
            }
            Change::Added if kept.iter().any(|s| scene.may_add(*s, key)) => continue,
            Change::Added => ("rows-left", format!("{} has rows that were not there before", key.1)),
            Change::Removed => ("rows-lost", format!("rows of {} are lost", key.1)),
            Change::Changed(columns) => {
                let other: Vec<String> = columns
                    .iter()
                    .filter(|c| {
                        let filled = !kept.is_empty() && Some(*c) == tenant.as_ref();
                        !filled && !kept.iter().any(|s| scene.may_write(*s, &key.1, c))
                    })
                    .map(ToString::to_string)
                    .collect();
                if other.is_empty() {
                    continue;
                }
                ("values-lost", format!("{}.{} has other values than before", key.1, other.join(", ")))
            }
        };
        let side = if change.before.is_some() { before } else { after };
        let world = side
            .tables
            .get(key)
            .zip(change.before.or(change.after))
            .and_then(|(table, row)| case.world_of(scene, key, table, row));
        found.push(Loss { code, subject: key.1.to_string(), message, world });
    }
    found
}
