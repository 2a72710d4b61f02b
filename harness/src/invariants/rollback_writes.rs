//! What the application wrote after a step is still there when the step is taken back, as far as the schema before it can
//! hold it; and there once more when the step is taken again.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, StepId};

use super::access_compatible::in_use;
use super::migration_preserves::intent::Intent;
use super::migration_preserves::meaning::{Fate, fate};
use super::rollback::{Way, down_place, has_ways, way_words};
use super::rollback_roundtrip::{acts as round, first_refused, there_and_back, ups};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, RowChange, SnapRow, diff};
use crate::explore::{
    Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Snapshot, TableKey, TableRows,
};

/// Writes survive the way back.
pub(super) struct KeepsWrites;

static SPEC: InvariantSpec = InvariantSpec {
    id: "rollback-keeps-writes",
    title: "What was written after a step survives the way back",
    rationale: "A rollback is tested right after the step, on the data from before it. In production it comes a day \
        later: tables are swapped back and the day's orders are in the table that is dropped, or rows that the new \
        schema took are refused by the old one, and the rollback fails when it is needed.",
    example: "up: ALTER TABLE item RENAME TO item_old; CREATE TABLE item AS …; down: DROP TABLE item; ALTER TABLE \
        item_old RENAME TO item",
    remedy: "Let the down script carry over what was written since (INSERT … SELECT what the old table lacks) before it \
        drops anything, and convert what the old schema does not take.",
    exercise: "`[[access]]` paths that write after a step with a `down`",
};

/// Whether the statement takes rows away: sent apart, so that it does not take away what others wrote.
fn deletes(binding: &Binding) -> bool {
    binding.sql.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("delete"))
}

/// A way back that is taken after writes.
struct Trip {
    way: Way,
    sent: Vec<Binding>,
}

impl Trip {
    /// The writes, and what is there then.
    fn written(&self) -> Vec<Act> {
        self.sent.iter().cloned().map(Act::Send).chain([Act::Snapshot]).collect()
    }

    /// And down.
    fn down(&self) -> Vec<Act> {
        let mut acts = self.written();
        acts.extend(self.way.downs.iter().map(|s| Act::Down(*s)));
        acts.push(Act::Snapshot);
        acts
    }

    /// And up again.
    fn up(&self, scene: &Scene) -> Vec<Act> {
        let mut acts = self.down();
        acts.extend(ups(scene, &self.way).into_iter().map(|s| Act::Step(s, Actor::Migrator)));
        acts.push(Act::Snapshot);
        acts
    }
}

/// Write paths in use where a way back begins.
fn writers(scene: &Scene, at: Checkpoint) -> impl Iterator<Item = AccessId> {
    let paths = scene.scenario.access.iter().enumerate();
    let writes = paths.filter(|(_, path)| path.kind == AccessKind::Write).map(|(i, _)| AccessId(i));
    writes.filter(move |access| in_use(scene, *access, at))
}

fn trips(scene: &Scene, case: &CaseData) -> Vec<Trip> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    for way in there_and_back(scene) {
        let bound = writers(scene, way.from).filter_map(|access| {
            let world = case.sample(1, access.0 as u64).first().copied()?;
            case.bind(scene, access, world)
        });
        let (away, kept): (Vec<Binding>, Vec<Binding>) = bound.partition(deletes);
        let sendings = [kept, away].into_iter().filter(|sent| !sent.is_empty());
        found.extend(sendings.map(|sent| Trip { way: way.clone(), sent }));
    }
    found
}

impl Invariant for KeepsWrites {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_ways(scene)?;
        if there_and_back(scene).iter().all(|way| writers(scene, way.from).next().is_none()) {
            return Err("no declared path writes after a step that has a way back".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for trip in trips(scene, case) {
            let from = trip.way.from;
            let unwritten = round(scene, &trip.way);
            wanted.push(contents(from));
            wanted.push(Excursion { from, acts: unwritten });
            wanted.push(Excursion { from, acts: trip.down() });
            wanted.push(Excursion { from, acts: trip.up(scene) });
        }
        wanted
    }
    fn not_exercised(&self, scene: &Scene, _probed: &BTreeSet<String>) -> Vec<String> {
        let mut found = BTreeSet::new();
        for way in there_and_back(scene) {
            let id = &scene.step(way.to_step()).id;
            for access in writers(scene, way.from) {
                let path = &scene.scenario.access[access.0];
                let tables = scene.schemas.get(way.from.0).and_then(|s| s.get(path.database.0));
                let sql = path.sql.render(|_| Some("NULL".to_owned())).unwrap_or_default();
                let sql = words(&sql);
                for table in tables.into_iter().flat_map(|s| s.roots()) {
                    let key = (path.database, table.name.clone());
                    if scene.table(way.to, &key).is_none() && sql.contains(table.name.name.as_str()) {
                        found.insert(format!(
                            "“{}” writes to {}, which goes when `{id}` is taken back: what it wrote there cannot stay",
                            path.name, table.name
                        ));
                    }
                }
            }
        }
        found.into_iter().collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for trip in trips(scene, case) {
            // A long way loses what a short one loses: the short one says where.
            if !judgement.violations.is_empty() && trip.way.downs.len() > 1 {
                continue;
            }
            Judged { scene, seen, trip: &trip }.judge(&mut judgement);
        }
        judgement
    }
}

fn words(sql: &str) -> BTreeSet<&str> {
    sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect()
}

struct Judged<'a> {
    scene: &'a Scene,
    seen: &'a Observations,
    trip: &'a Trip,
}

impl Judged<'_> {
    fn judge(&self, judgement: &mut Judgement) {
        let (scene, way) = (self.scene, &self.trip.way);
        let alive = self.seen.alive(way.from);
        if self.trip.sent.iter().any(|b| !alive.contains(&b.world)) {
            return;
        }
        let written = self.trip.written();
        let (Some(before), Some(after)) =
            (self.seen.contents(way.from), self.seen.snapshot(way.from, &written))
        else {
            return;
        };
        let changes: Vec<RowChange<'_>> =
            diff(before, after).into_iter().filter(|c| !matches!(c.change, Change::Rewritten)).collect();
        if changes.is_empty() {
            return; // every path was refused, or found nothing to write
        }
        let down = self.trip.down();
        if let Some((n, refusal)) = first_refused(self.seen, way, &down, written.len()) {
            if let Act::Down(step) = &down[n]
                && self.passes_unwritten(way.downs.len())
            {
                judgement.violated(self.fails(*step, &down[..=n], refusal.failure.to_string(), true));
                judgement.exercised.extend(self.worlds());
            }
            return;
        }
        let intent = way.downs.iter().filter_map(|s| scene.step(*s).down.as_ref());
        let intents: Vec<Intent> = intent.map(|script| Intent::of(scene, script)).collect();
        let is_free = |key: &TableKey, column: &Ident| intents.iter().any(|i| i.changes(&key.1, column));
        let Some(back) = self.seen.snapshot(way.from, &down) else { return };
        let mut lost = self.lost(&changes, after, back, way.to, &is_free, judgement);
        let (mut witness, mut again) = (down.clone(), false);
        if lost.is_empty() {
            let up = self.trip.up(scene);
            if let Some((n, refusal)) = first_refused(self.seen, way, &up, down.len()) {
                let plain = round(scene, way).len();
                if let Act::Step(step, _) = &up[n]
                    && self.passes_unwritten(plain)
                {
                    judgement.violated(self.fails(*step, &up[..=n], refusal.failure.to_string(), false));
                }
                return;
            }
            let Some(last) = self.seen.snapshot(way.from, &up) else { return };
            let ups: Vec<(StepId, Intent)> =
                ups(scene, way).into_iter().map(|s| (s, Intent::of_step(scene, s))).collect();
            let is_free = |key: &TableKey, column: &Ident| {
                let held = back.tables.get(key).is_some_and(|t| t.columns.contains(column));
                let tenant = scene.tenant_column(way.from, key).as_ref() == Some(column);
                let sets = |(step, intent): &(StepId, Intent)| {
                    intent.is_opaque()
                        || intent.changes(&key.1, column)
                        || scene.may_write(*step, &key.1, column)
                };
                !held || tenant || is_free(key, column) || ups.iter().any(sets)
            };
            let held = |c: &&RowChange<'_>| back.tables.contains_key(c.table);
            let changes: Vec<RowChange<'_>> = changes.iter().filter(held).cloned().collect();
            lost = self.lost(&changes, after, last, way.from, &is_free, judgement);
            (witness, again) = (up, true);
        }
        for (table, how) in lost {
            judgement.violated(self.loses(&table, how, witness.clone(), again));
        }
    }

    fn worlds(&self) -> BTreeSet<WorldId> {
        self.trip.sent.iter().map(|b| b.world).collect()
    }

    /// Whether so many acts of going down and up again went well without the writes.
    fn passes_unwritten(&self, acts: usize) -> bool {
        let path = round(self.scene, &self.trip.way);
        let last = self.seen.seen(self.trip.way.from, &path[..acts.min(path.len())]);
        let refused = first_refused(self.seen, &self.trip.way, &path[..acts.min(path.len())], 0);
        last.is_some() && refused.is_none()
    }

    /// Tables in which a write is not there any more, and what became of it.
    fn lost(
        &self,
        changes: &[RowChange<'_>],
        written: &Snapshot,
        now: &Snapshot,
        at: Checkpoint,
        is_free: &dyn Fn(&TableKey, &Ident) -> bool,
        judgement: &mut Judgement,
    ) -> Vec<(TableKey, String)> {
        let mut lost: Vec<(TableKey, String)> = Vec::new();
        for change in changes {
            let (Some(wrote), Some(holds)) = (written.tables.get(change.table), now.tables.get(change.table))
            else {
                continue; // nothing can hold it: said of the path, once
            };
            let Some(known) = Known::of(wrote, holds) else { continue };
            judgement.exercised.extend(self.worlds());
            let row = change.after.or(change.before);
            let found = row.and_then(|row| known.find(row));
            let how = match (&change.change, found) {
                (Change::Removed, Some(_)) => Some("rows that were deleted come back".to_owned()),
                (Change::Removed, None) => None,
                (_, None) => Some("rows that were written are not there".to_owned()),
                (change_of, Some(now)) => {
                    let all = wrote.columns.clone();
                    let columns = if let Change::Changed(set) = change_of { set } else { &all };
                    let free = |c: &&Ident| !is_free(change.table, c);
                    let other = columns.iter().filter(free).find(|c| {
                        row.is_some_and(|row| self.differs(change.table, (wrote, row), (holds, now), c, at))
                    });
                    other.map(|c| format!("{c} has not the value that was written"))
                }
            };
            if let Some(how) = how
                && !lost.iter().any(|(table, _)| table == change.table)
            {
                lost.push((change.table.clone(), how));
            }
        }
        lost
    }

    /// Whether a column that both have does not mean what was written.
    fn differs(
        &self,
        key: &TableKey,
        (wrote, was): (&TableRows, &SnapRow),
        (holds, is): (&TableRows, &SnapRow),
        column: &Ident,
        at: Checkpoint,
    ) -> bool {
        if holds.position(column).is_none() || wrote.cell(was, column) == holds.cell(is, column) {
            return false;
        }
        let kind = |at| self.scene.table(at, key).and_then(|t| t.column(column));
        let (Some(from), Some(to)) = (kind(self.trip.way.from), kind(at)) else { return true };
        match (wrote.cell(was, column), holds.cell(is, column)) {
            _ if to.generated.is_some() => false,
            (Some(was), Some(is)) if from.ty != to.ty => {
                matches!(fate(&from.ty.kind, was, &to.ty.kind, is), Fate::Lost(_))
            }
            _ => true,
        }
    }

    /// Paths that name the table.
    fn paths(&self, table: Option<&TableKey>) -> String {
        let names = |b: &&Binding| table.is_none_or(|key| words(&b.sql).contains(key.1.name.as_str()));
        let mut sent: Vec<&Binding> = self.trip.sent.iter().filter(names).collect();
        if sent.is_empty() {
            sent = self.trip.sent.iter().collect();
        }
        let name = |b: &&Binding| format!("“{}”", self.scene.scenario.access[b.access.0].name);
        sent.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    fn loses(&self, key: &TableKey, how: String, acts: Vec<Act>, again: bool) -> Violation {
        let (scene, way) = (self.scene, &self.trip.way);
        let step = way.to_step();
        let id = &scene.step(step).id;
        let when = if again { "after the way back and up again" } else { "after the way back" };
        Violation {
            key: ViolationKey { step: Some(step), code: "writes-lost", subject: key.1.to_string() },
            worlds: self.worlds(),
            severity: Severity::Critical,
            title: format!("The way back of `{id}` loses what was written to {} since", key.1),
            message: format!(
                "Written by {} {}; {when} {how}.",
                self.paths(Some(key)),
                way_words(scene, way).replacen("from", "in", 1)
            ),
            cause: "The way back restores what was there before the step, not what came after it.".to_owned(),
            remedy: String::new(),
            tables: vec![key.1.to_string()],
            place: down_place(scene, step, 0),
            witness: Excursion { from: way.from, acts },
        }
    }

    fn fails(&self, step: StepId, acts: &[Act], failure: String, down: bool) -> Violation {
        let (scene, way) = (self.scene, &self.trip.way);
        let id = &scene.step(step).id;
        let what = if down { "the way back of" } else { "after the way back" };
        Violation {
            key: ViolationKey {
                step: Some(step),
                code: if down { "down-fails" } else { "up-fails" },
                subject: String::new(),
            },
            worlds: self.worlds(),
            severity: Severity::Critical,
            title: match down {
                true => format!("The way back of `{id}` fails once the application has written"),
                false => format!("`{id}` fails after its way back, once the application has written"),
            },
            message: format!(
                "After {}, {what} `{id}` is refused: {failure}. Without these writes it is not.",
                self.paths(None)
            ),
            cause: "The schema that the step leaves takes rows that the one before it does not.".to_owned(),
            remedy: String::new(),
            tables: Vec::new(),
            place: if down { down_place(scene, step, 0) } else { Some(scene.location(step, 0)) },
            witness: Excursion { from: way.from, acts: acts.to_vec() },
        }
    }
}

/// Rows of one state, found by the key that they have in another.
struct Known<'a> {
    wrote: &'a TableRows,
    holds: &'a TableRows,
    /// Positions of the key in both.
    key: Vec<(usize, usize)>,
}

impl<'a> Known<'a> {
    /// `None` where nothing identifies a row in both.
    fn of(wrote: &'a TableRows, holds: &'a TableRows) -> Option<Self> {
        let at = |&i: &usize| Some((i, holds.position(&wrote.columns[i])?));
        let key: Vec<(usize, usize)> = wrote.identity.iter().map(at).collect::<Option<_>>()?;
        (!key.is_empty()).then_some(Self { wrote, holds, key })
    }

    fn find(&self, row: &SnapRow) -> Option<&'a SnapRow> {
        debug_assert_eq!(row.values.len(), self.wrote.columns.len());
        self.holds.rows.iter().find(|r| self.key.iter().all(|&(i, j)| r.values[j] == row.values[i]))
    }
}
