//! Up, down and up again is up: after a rollback the migration can be deployed once more, and leaves what it left at first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{StepId, StepKind};

use super::rollback::{Way, has_ways, print_diff, some_of, way_words, ways};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::SnapRow;
use crate::explore::{
    Act, Actor, CaseData, Excursion, Observations, Refusal, Scene, Seen, Snapshot, TableKey, TableRows,
};

/// Up again as at first.
pub(super) struct Roundtrip;

static SPEC: InvariantSpec = InvariantSpec {
    id: "rollback-roundtrip",
    title: "Up, down and up again leaves what up left",
    rationale: "A release that was rolled back is released again, once it is mended. A way back that leaves a type, a \
        table or a row behind makes that second migration fail, or lets it find something else than the first one did.",
    example: "up: CREATE TYPE mood …, ADD COLUMN mood mood; down: DROP COLUMN mood; up again: type \"mood\" exists",
    remedy: "Take back in the down script everything that the up script made, rows that it inserted included, and let \
        the up script bear what may be there.",
    exercise: "steps with a `down`, and rows before them",
};

/// Tables above which a timeline is slow to go down and up: then only its longest way is taken.
const TABLES_MANY: usize = 24;

/// The ways back that are gone and come again: over each step that has one, and the longest from the end. Of a timeline
/// that is slow to walk the longest alone.
pub(super) fn there_and_back(scene: &Scene) -> Vec<Way> {
    let all = ways(scene);
    let tables: usize = scene.schemas.last().into_iter().flatten().map(|s| s.tables.len()).sum();
    let is_slow = scene.needs_commits() || scene.scenario.databases.len() > 1 || tables > TABLES_MANY;
    let longest = all.iter().filter(|w| w.from == scene.last()).map(|w| w.to).min();
    let is_short = |way: &Way| way.downs.len() == 1 && way.from == way.downs[0].after();
    let is_wanted =
        |way: &Way| !is_slow && is_short(way) || way.from == scene.last() && Some(way.to) == longest;
    all.into_iter().filter(is_wanted).collect()
}

/// Every step of a way, up again. A check leaves nothing.
pub(super) fn ups(scene: &Scene, way: &Way) -> Vec<StepId> {
    let steps = (way.to.0..way.from.0).map(StepId);
    steps.filter(|s| scene.step(*s).kind != StepKind::Check).collect()
}

/// Down and up again.
pub(super) fn acts(scene: &Scene, way: &Way) -> Vec<Act> {
    let downs = way.downs.iter().map(|s| Act::Down(*s));
    downs.chain(ups(scene, way).into_iter().map(|s| Act::Step(s, Actor::Migrator))).collect()
}

fn with(mut acts: Vec<Act>, last: Act) -> Vec<Act> {
    acts.push(last);
    acts
}

/// The first act that was refused after `path` up to its length `from`, with its place.
pub(super) fn first_refused<'a>(
    seen: &'a Observations,
    way: &Way,
    path: &[Act],
    from: usize,
) -> Option<(usize, &'a Refusal)> {
    (from..path.len()).find_map(|n| Some((n, seen.seen(way.from, &path[..=n])?.refusal()?)))
}

impl Invariant for Roundtrip {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_ways(scene)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        if !case.deep {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        for way in there_and_back(scene) {
            let path = acts(scene, &way);
            wanted.push(contents(way.to));
            for look in [Act::Catalog, Act::Snapshot] {
                wanted.push(Excursion { from: way.from, acts: vec![look.clone()] });
                wanted.push(Excursion { from: way.from, acts: with(path.clone(), look) });
            }
        }
        wanted
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for way in there_and_back(scene) {
            // A long way goes wrong where a short one does: the short one says where to look.
            if !judgement.violations.is_empty() && way.downs.len() > 1 {
                continue;
            }
            let path = acts(scene, &way);
            let downs = way.downs.len();
            if first_refused(seen, &way, &path[..downs], 0).is_some() {
                continue; // a way back that fails is rollback-schema's matter
            }
            let alive = seen.alive(way.from);
            if let Some((n, refusal)) = first_refused(seen, &way, &path, downs) {
                let step = match &path[n] {
                    Act::Step(step, _) => *step,
                    _ => way.to_step(),
                };
                let id = &scene.step(step).id;
                judgement.violated(Violation {
                    key: ViolationKey { step: Some(step), code: "up-again-fails", subject: String::new() },
                    worlds: alive,
                    severity: Severity::High,
                    title: format!("`{id}` fails after it was taken back"),
                    message: format!(
                        "Down {} and up again, `{id}` is refused: {}.",
                        way_words(scene, &way),
                        refusal.failure
                    ),
                    cause: "The way back leaves something that the way up does not expect.".to_owned(),
                    remedy: String::new(),
                    tables: refusal.failure.sql().and_then(|e| e.table.clone()).into_iter().collect(),
                    place: Some(scene.location(step, refusal.statement)),
                    witness: Excursion { from: way.from, acts: path[..=n].to_vec() },
                });
                continue;
            }
            judge_schema(scene, seen, &way, &path, &alive, &mut judgement);
            judge_data(scene, case, seen, &way, &path, &mut judgement);
        }
        judgement
    }
}

impl Way {
    /// The first step of the way, as it goes up.
    pub(super) fn to_step(&self) -> StepId {
        self.downs.last().copied().unwrap_or(StepId(self.to.0))
    }
}

fn judge_schema(
    scene: &Scene,
    seen: &Observations,
    way: &Way,
    path: &[Act],
    alive: &BTreeSet<WorldId>,
    judgement: &mut Judgement,
) {
    let acts = with(path.to_vec(), Act::Catalog);
    let (Some(first), Some(again)) = (
        seen.seen(way.from, &[Act::Catalog]).and_then(Seen::catalog),
        seen.seen(way.from, &acts).and_then(Seen::catalog),
    ) else {
        return;
    };
    let lines = print_diff(first, again);
    if lines.is_empty() {
        return;
    }
    let step = way.to_step();
    let id = &scene.step(step).id;
    judgement.violated(Violation {
        key: ViolationKey { step: Some(step), code: "schema-differs", subject: String::new() },
        worlds: alive.clone(),
        severity: Severity::High,
        title: format!("`{id}` leaves another schema once it was taken back"),
        message: format!("Down {} and up again: {}.", way_words(scene, way), some_of(&lines)),
        cause: "What is there already keeps the way up from making it as at first.".to_owned(),
        remedy: String::new(),
        tables: Vec::new(),
        place: Some(scene.location(step, 0)),
        witness: Excursion { from: way.from, acts },
    });
}

fn judge_data(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    way: &Way,
    path: &[Act],
    judgement: &mut Judgement,
) {
    let acts = with(path.to_vec(), Act::Snapshot);
    let (Some(first), Some(again), Some(base)) =
        (seen.contents(way.from), seen.snapshot(way.from, &acts), seen.contents(way.to))
    else {
        return;
    };
    let alive = seen.alive(way.from);
    let step = way.to_step();
    let id = &scene.step(step).id;
    for (key, table) in &first.tables {
        let worlds = table.rows.iter().filter_map(|r| case.world_of(scene, key, table, r));
        judgement.exercised.extend(worlds.filter(|w| alive.contains(w)));
        let Some(other) = again.tables.get(key) else { continue };
        let columns = compared(scene, way, key, table, other, base);
        let differing = differing(case, &columns, table, other);
        if differing.is_empty() {
            continue;
        }
        let world = |(side, row): &(&TableRows, &SnapRow)| case.world_of(scene, key, side, row);
        let worlds: BTreeSet<WorldId> =
            differing.iter().filter_map(world).filter(|w| alive.contains(w)).collect();
        judgement.violated(Violation {
            key: ViolationKey { step: Some(step), code: "data-differs", subject: key.1.to_string() },
            worlds,
            severity: Severity::High,
            title: format!("`{id}` leaves other rows of {} once it was taken back", key.1),
            message: format!(
                "Down {} and up again, {} rows of {} are other than they were.",
                way_words(scene, way),
                differing.len(),
                key.1
            ),
            cause: "The way back does not bring the rows back from which the way up made them.".to_owned(),
            remedy: String::new(),
            tables: vec![key.1.to_string()],
            place: Some(scene.location(step, 0)),
            witness: Excursion { from: way.from, acts: acts.clone() },
        });
    }
}

/// Columns that both have, as positions, but for those that the way up adds and numbers by itself: numbers are never
/// given twice.
fn compared(
    scene: &Scene,
    way: &Way,
    key: &TableKey,
    table: &TableRows,
    other: &TableRows,
    base: &Snapshot,
) -> Vec<(usize, usize)> {
    let is_new = |column: &Ident| base.tables.get(key).is_none_or(|t| t.position(column).is_none());
    let numbers = |column: &Ident| {
        let column = scene.table(way.from, key).and_then(|t| t.column(column));
        column.is_some_and(|c| {
            let default = c.default.as_deref().unwrap_or_default();
            c.identity.is_some() || default.contains("nextval(") || default.contains("random(")
        })
    };
    let columns = table.columns.iter().enumerate();
    let both = columns.filter_map(|(i, c)| Some((i, other.position(c)?, c)));
    both.filter(|(_, _, c)| !(is_new(c) && numbers(c))).map(|(i, j, _)| (i, j)).collect()
}

/// Rows that only one of the two has. What the scripts made up (fresh ids, clocks) is the same whatever it is.
fn differing<'a>(
    case: &CaseData,
    columns: &[(usize, usize)],
    first: &'a TableRows,
    again: &'a TableRows,
) -> Vec<(&'a TableRows, &'a SnapRow)> {
    let exact = |row: &SnapRow, at: &dyn Fn(&(usize, usize)) -> usize| -> Vec<Option<String>> {
        columns.iter().map(|c| row.values[at(c)].clone()).collect()
    };
    let left = unmatched(&first.rows, &again.rows, |r| exact(r, &|c| c.0), |r| exact(r, &|c| c.1));
    let plain = |row: &SnapRow, at: &dyn Fn(&(usize, usize)) -> usize| -> Vec<Option<String>> {
        let fresh = |v: String| if case.knows_value(&v) { v } else { "…".to_owned() };
        exact(row, at).into_iter().map(|v| v.map(fresh)).collect()
    };
    let (gone, new) = unmatched(left.0, left.1, |r| plain(r, &|c| c.0), |r| plain(r, &|c| c.1));
    gone.into_iter().map(|r| (first, r)).chain(new.into_iter().map(|r| (again, r))).collect()
}

/// Rows of each side that have no equal on the other.
fn unmatched<'a>(
    first: impl IntoIterator<Item = &'a SnapRow>,
    again: impl IntoIterator<Item = &'a SnapRow>,
    of_first: impl Fn(&SnapRow) -> Vec<Option<String>>,
    of_again: impl Fn(&SnapRow) -> Vec<Option<String>>,
) -> (Vec<&'a SnapRow>, Vec<&'a SnapRow>) {
    let mut there: HashMap<Vec<Option<String>>, Vec<&SnapRow>> = HashMap::new();
    for row in again {
        there.entry(of_again(row)).or_default().push(row);
    }
    let mut gone = Vec::new();
    for row in first {
        if there.get_mut(&of_first(row)).and_then(Vec::pop).is_none() {
            gone.push(row);
        }
    }
    let sorted: BTreeMap<_, _> = there.into_iter().collect();
    (gone, sorted.into_values().flatten().collect())
}
