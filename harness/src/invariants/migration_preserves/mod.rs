//! A migration keeps the rows that it finds, and what they hold, but for what it says that it changes.
//!
//! What a step means to change is told apart from what it loses: columns that its own UPDATEs name, missing tenants that
//! it fills, and what the scenario declares in `writes`. Where a column changes its type, the old value is compared with
//! the new one by what they mean; rows that leave their table may be set aside in another one.

pub(super) mod intent;
pub(super) mod meaning;
mod numbers;
mod pairing;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId, StepKind};
use watertight_scenarios::schema::{Column, TypeKind};

use self::intent::{Intent, is_declared};
use self::meaning::{Fate, asks_for_zone, canonical, fate, prints_alike};
use self::pairing::{Pairing, Whereabouts, pair, whereabouts};
use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use crate::explore::snapshot::SnapRow;
use crate::explore::{Act, CaseData, Excursion, Observations, Scene, Snapshot, TableKey, TableRows};

/// Rows and what they hold stay.
pub(super) struct MigrationPreserves;

static SPEC: InvariantSpec = InvariantSpec {
    id: "migration-preserves",
    title: "A migration keeps rows and what they hold, but for what it says that it changes",
    rationale: "USING left(code, 3)::varchar(3) cuts values short without a word. A generated migration drops a column \
        and adds it again with another type, and what was in it is gone. A timestamp that becomes timestamptz is read \
        in the time zone of whoever runs the migration. No later step can tell, and no rollback brings it back. A table \
        that is made anew counts from 1 again, and the next rows get keys that the copied ones have.",
    example: "ALTER TABLE item ALTER COLUMN code TYPE varchar(3) USING code::varchar(3)",
    remedy: "Convert in a way that keeps every value (AT TIME ZONE 'UTC', a wider type), set rows and values aside \
        before they go, or refuse what does not fit. Set new sequences behind the keys that rows bring along. What the step has to change on purpose is declared in its \
        `writes`.",
    exercise: "migrations, checks or guards, and rows before them",
};

/// A zone in which no moment is read as in UTC.
const ELSEWHERE: &str = "America/New_York";

/// Steps that should leave rows as they are, and that the run over empty tables reached.
fn subjects(scene: &Scene) -> Vec<StepId> {
    let keeps = |kind| matches!(kind, StepKind::Migrate | StepKind::Check);
    scene.steps().filter(|(id, s)| keeps(s.kind) && id.after() <= scene.last()).map(|(id, _)| id).collect()
}

/// A column that a step gives another type.
struct Converted<'a> {
    key: TableKey,
    from: &'a Column,
    to: &'a Column,
}

impl Converted<'_> {
    fn words(&self) -> String {
        format!("{}.{}: {} becomes {}", self.key.1, self.from.name, self.from.ty.name, self.to.ty.name)
    }
}

fn converted(scene: &Scene, step: StepId) -> Vec<Converted<'_>> {
    let mut found = Vec::new();
    let Some(schemas) = scene.schemas.get(step.before().0) else { return found };
    for (db, schema) in schemas.iter().enumerate() {
        for table in schema.roots() {
            let key = (DatabaseId(db), table.name.clone());
            let Some(later) = scene.table(step.after(), &key) else { continue };
            let both = table.columns.iter().filter_map(|from| Some((from, later.column(&from.name)?)));
            let changed = both.filter(|(from, to)| from.ty != to.ty && to.generated.is_none());
            found.extend(changed.map(|(from, to)| Converted { key: key.clone(), from, to }));
        }
    }
    found
}

/// Columns whose conversion may ask the session for its time zone, of a step that a transaction can hold.
fn zoned(scene: &Scene, step: StepId) -> Vec<Converted<'_>> {
    if !scene.step(step).is_transactional() {
        return Vec::new();
    }
    let mut all = converted(scene, step);
    all.retain(|c| asks_for_zone(&c.from.ty.kind, &c.to.ty.kind));
    all
}

fn elsewhere(step: StepId) -> Excursion {
    Excursion { from: step.before(), acts: vec![Act::StepIn(step, ELSEWHERE.to_owned()), Act::Snapshot] }
}

impl Invariant for MigrationPreserves {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if subjects(scene).is_empty() {
            return Err("no step is a migration, a check or a guard".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = numbers::plan(scene, case);
        for step in subjects(scene) {
            wanted.extend([contents(step.before()), contents(step.after())]);
            if case.deep && !zoned(scene, step).is_empty() {
                wanted.push(elsewhere(step));
            }
        }
        wanted
    }
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let mut found = Vec::new();
        for step in subjects(scene) {
            let intent = Intent::of_step(scene, step);
            for column in converted(scene, step) {
                let words = column.words();
                if intent.changes(&column.key.1, &column.from.name) {
                    found.push(format!("{words}, and `{}` sets it itself", scene.step(step).id));
                } else if !probed.contains(&words) {
                    found.push(format!("{words}: no row had a value there"));
                }
            }
        }
        found
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in subjects(scene).into_iter().filter(|s| seen.passed(*s)) {
            let (Some(before), Some(after)) = (seen.contents(step.before()), seen.contents(step.after()))
            else {
                continue;
            };
            let alive = seen.alive(step.after());
            let intent = Intent::of_step(scene, step);
            for (key, old) in &before.tables {
                // A table that is dropped or renamed is the catalogs' matter: its statement says so.
                let Some(new) = after.tables.get(key) else { continue };
                let table = Table { scene, case, step, key, old, new, intent: &intent, alive: &alive };
                table.judge(before, after, &mut judgement);
                table.judge_zone(seen, &mut judgement);
            }
        }
        numbers::judge(scene, case, seen, &mut judgement);
        judgement
    }
}

/// One table over one step.
struct Table<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    step: StepId,
    key: &'a TableKey,
    old: &'a TableRows,
    new: &'a TableRows,
    intent: &'a Intent,
    alive: &'a BTreeSet<WorldId>,
}

/// What a step does to a column that is there before and after it.
enum Treatment<'a> {
    /// It is left alone.
    Steady,
    /// It gets another type.
    Converted(&'a TypeKind, &'a TypeKind),
    /// It is changed on purpose, or computed.
    Free,
}

impl<'a> Table<'a> {
    fn name(&self) -> String {
        self.key.1.to_string()
    }

    fn column(&self, at: Checkpoint, column: &Ident) -> Option<&'a Column> {
        self.scene.table(at, self.key)?.column(column)
    }

    fn world(&self, row: &SnapRow) -> Option<WorldId> {
        self.case.world_of(self.scene, self.key, self.old, row)
    }

    fn treatment(&self, column: &Ident) -> Treatment<'a> {
        let (from, to) = (self.column(self.step.before(), column), self.column(self.step.after(), column));
        let (Some(from), Some(to)) = (from, to) else { return Treatment::Steady };
        if to.generated.is_some() || self.intent.changes(&self.key.1, column) || self.follows(column) {
            Treatment::Free
        } else if from.ty == to.ty {
            Treatment::Steady
        } else {
            Treatment::Converted(&from.ty.kind, &to.ty.kind)
        }
    }

    /// Whether the column refers to one that the script changes: ON UPDATE CASCADE takes it along.
    fn follows(&self, column: &Ident) -> bool {
        let table = self.scene.table(self.step.before(), self.key);
        table.into_iter().flat_map(|t| &t.foreign_keys).any(|fk| {
            let at = fk.columns.iter().position(|c| c == column);
            let target = at.and_then(|i| fk.target_columns.get(i));
            target.is_some_and(|target| self.intent.changes(&fk.target, target))
        })
    }

    /// The columns that rows are known by across the step: their key, or where it does not stay all that stays as it is.
    fn known_by(&self) -> Option<Vec<&'a Ident>> {
        let stays = |c: &Ident, converted: bool| {
            self.new.columns.contains(c)
                && match self.treatment(c) {
                    Treatment::Steady => true,
                    Treatment::Converted(from, to) => converted && prints_alike(from, to),
                    Treatment::Free => false,
                }
        };
        let identity: Vec<&Ident> = self.old.identity.iter().map(|&i| &self.old.columns[i]).collect();
        if !identity.is_empty() && identity.iter().all(|c| stays(c, true)) {
            return Some(identity);
        }
        let columns: Vec<&Ident> = self.old.columns.iter().filter(|c| stays(c, false)).collect();
        (!columns.is_empty()).then_some(columns)
    }

    fn pairing(&self) -> Option<Pairing<'a>> {
        let columns = self.known_by()?;
        let form = |table: &TableRows, at: Checkpoint, row: &SnapRow| -> Vec<Option<String>> {
            let cell = |c: &&Ident| {
                let kind = self.column(at, c).map_or(&TypeKind::Other, |c| &c.ty.kind);
                table.cell(row, c).map(|v| canonical(kind, v))
            };
            columns.iter().map(cell).collect()
        };
        let is_here = |row: &&SnapRow| self.world(row).is_none_or(|w| self.alive.contains(&w));
        let rows: Vec<&SnapRow> = self.old.rows.iter().filter(is_here).collect();
        let (before, after) = (self.step.before(), self.step.after());
        Some(pair(&rows, self.new, |row| form(self.old, before, row), |row| form(self.new, after, row)))
    }

    fn judge(&self, before: &Snapshot, after: &Snapshot, judgement: &mut Judgement) {
        if self.old.rows.is_empty() && self.new.rows.is_empty() {
            return;
        }
        let id = &self.scene.step(self.step).id;
        let Some(pairing) = self.pairing() else {
            judgement.doubts.push(format!(
                "`{id}` changes every column of {}: which row is which cannot be told",
                self.key.1
            ));
            return;
        };
        let worlds = self.old.rows.iter().filter_map(|row| self.world(row));
        judgement.exercised.extend(worlds.filter(|w| self.alive.contains(w)));
        self.judge_removed(&pairing.removed, before, after, judgement);
        for column in self.old.columns.iter().filter(|c| self.new.columns.contains(c)) {
            match self.treatment(column) {
                Treatment::Free => {}
                Treatment::Steady => self.judge_steady(column, &pairing.pairs, judgement),
                Treatment::Converted(from, to) => {
                    self.judge_converted(column, (from, to), &pairing.pairs, judgement);
                }
            }
        }
        if self.scene.step(self.step).kind == StepKind::Check && !pairing.added.is_empty() {
            let message = format!("The check `{id}` adds rows to {}.", self.key.1);
            let title = format!("The check `{id}` writes to {}", self.key.1);
            let violation = self.violation("check-writes", self.name(), title, message, BTreeSet::new());
            judgement.violated(Violation { severity: Severity::High, ..violation });
        }
    }

    fn judge_removed(
        &self,
        removed: &[&SnapRow],
        before: &Snapshot,
        after: &Snapshot,
        judgement: &mut Judgement,
    ) {
        if self.scene.may_add(self.step, self.key) {
            return; // declared as a table whose rows come and go
        }
        let id = &self.scene.step(self.step).id;
        let mut lost: BTreeSet<WorldId> = BTreeSet::new();
        let mut gone = 0_usize;
        for row in removed {
            match whereabouts(self.key, self.old, row, before, after) {
                Whereabouts::Kept => {}
                Whereabouts::Partly(other) => judgement.doubts.push(format!(
                    "`{id}` moves rows of {} to {other}, and not everything that they held is found there",
                    self.key.1
                )),
                Whereabouts::Gone => {
                    gone += 1;
                    lost.extend(self.world(row));
                }
            }
        }
        if gone > 0 {
            let title = format!("`{id}` loses rows of {}", self.key.1);
            let message = format!(
                "`{id}` removes {gone} of {} rows of {}; no other table has them, and its `writes` do not name the \
                 table.",
                self.old.rows.len(),
                self.key.1
            );
            judgement.violated(self.violation("rows-lost", self.name(), title, message, lost));
        }
    }

    fn judge_steady(&self, column: &Ident, pairs: &[(&SnapRow, &SnapRow)], judgement: &mut Judgement) {
        let mut worlds: BTreeSet<WorldId> = BTreeSet::new();
        let mut example = None;
        for (old, new) in pairs {
            let (was, is) = (self.old.cell(old, column), self.new.cell(new, column));
            if was == is || is_declared(self.scene, self.step, self.key, column, was.is_none()) {
                continue;
            }
            example.get_or_insert_with(|| (shown(was), shown(is)));
            worlds.extend(self.world(old));
        }
        let Some((was, is)) = example else { return };
        let (id, table) = (&self.scene.step(self.step).id, &self.key.1);
        if self.intent.is_opaque() {
            judgement.doubts.push(format!(
                "`{id}` changes {table}.{column}, and its words do not tell whether it means to: if it does, declare \
                 `{table}.{column}` in its `writes`"
            ));
            return;
        }
        let title = format!("`{id}` changes {table}.{column}, which nothing in it names");
        let message = format!(
            "`{id}` leaves other values in {table}.{column} than it found: {was} became {is}. No UPDATE of it names the \
             column."
        );
        let violation = self.violation("values-lost", self.subject(column), title, message, worlds);
        let table = self.scene.table(self.step.before(), self.key);
        let triggered = table.is_some_and(|t| !t.triggers.is_empty()) && self.intent.updates(&self.key.1);
        judgement.violated(match triggered {
            true => Violation {
                severity: Severity::Medium,
                cause: "A trigger of the table writes it along with what the step updates.".to_owned(),
                remedy: "Switch the trigger off for the step, or declare the column in the step's `writes`."
                    .to_owned(),
                ..violation
            },
            false => violation,
        });
    }

    fn judge_converted(
        &self,
        column: &Ident,
        (from, to): (&TypeKind, &TypeKind),
        pairs: &[(&SnapRow, &SnapRow)],
        judgement: &mut Judgement,
    ) {
        if self.scene.may_write(self.step, &self.key.1, column) {
            return;
        }
        let cells = pairs.iter().filter_map(|(old, new)| {
            let was = self.old.cell(old, column)?;
            Some(Cell { row: old, was, is: self.new.cell(new, column) })
        });
        let cells: Vec<Cell<'_>> = cells.collect();
        if cells.is_empty() {
            return;
        }
        let loss = loss(from, to, &cells);
        let before = self.column(self.step.before(), column).zip(self.column(self.step.after(), column));
        if let Some((from, to)) = before {
            let words = Converted { key: self.key.clone(), from, to }.words();
            judgement.probes.push(Probe {
                subject: words,
                table: Some(self.name()),
                passed: loss.is_none(),
                sql: None,
                answer: None,
                expects: None,
            });
        }
        let Some(Loss { how, cells, others }) = loss else { return };
        let Some(first) = cells.first() else { return };
        let worlds = cells.iter().chain(&others).filter_map(|c| self.world(c.row)).collect();
        let (id, table) = (&self.scene.step(self.step).id, &self.key.1);
        let title = format!("`{id}` does not keep what {table}.{column} holds");
        let message = match others.first() {
            Some(other) => format!(
                "With `{id}` values of {table}.{column} that differ become one: {} and {} are both {}.",
                shown(Some(first.was)),
                shown(Some(other.was)),
                shown(first.is)
            ),
            None => format!(
                "With `{id}` values of {table}.{column} are {how}: {} became {}.",
                shown(Some(first.was)),
                shown(first.is)
            ),
        };
        judgement.violated(self.violation("type", self.subject(column), title, message, worlds));
    }

    /// The same step in a session with another time zone has to leave the same.
    fn judge_zone(&self, seen: &Observations, judgement: &mut Judgement) {
        let columns = zoned(self.scene, self.step);
        let witness = elsewhere(self.step);
        let Some(there) = seen.snapshot(witness.from, &witness.acts) else { return };
        let Some(theirs) = there.tables.get(self.key) else { return };
        for column in columns.iter().filter(|c| c.key == *self.key).map(|c| &c.from.name) {
            if self.scene.may_write(self.step, &self.key.1, column) {
                continue;
            }
            let known = theirs.by_key();
            let differs = |row: &&SnapRow| {
                let twin = known.get(&self.new.key(row)).and_then(|rows| rows.first());
                twin.is_some_and(|t| self.new.cell(row, column) != theirs.cell(t, column))
            };
            let rows: Vec<&SnapRow> = self.new.rows.iter().filter(differs).collect();
            if rows.is_empty() {
                continue;
            }
            let worlds = rows.iter().filter_map(|r| self.case.world_of(self.scene, self.key, self.new, r));
            let worlds = worlds.filter(|w| self.alive.contains(w)).collect();
            let (id, table) = (&self.scene.step(self.step).id, &self.key.1);
            let title = format!("What `{id}` makes of {table}.{column} depends on the session's time zone");
            let message = format!(
                "Run in a session in UTC and in one in {ELSEWHERE}, `{id}` leaves other moments in {table}.{column}: \
                 the conversion reads them in the zone of whoever runs it."
            );
            let violation = self.violation("session-zone", self.subject(column), title, message, worlds);
            judgement.violated(Violation {
                severity: Severity::High,
                cause: "The conversion names no time zone.".to_owned(),
                remedy: "Say whose time it was: USING column AT TIME ZONE 'UTC', or whichever zone it is."
                    .to_owned(),
                witness: witness.clone(),
                ..violation
            });
        }
    }

    fn subject(&self, column: &Ident) -> String {
        format!("{}.{column}", self.key.1)
    }

    fn violation(
        &self,
        code: &'static str,
        subject: String,
        title: String,
        message: String,
        worlds: BTreeSet<WorldId>,
    ) -> Violation {
        let script = &self.scene.step(self.step).up;
        let names =
            |s: &&watertight_scenarios::script::Statement| script.sql(s).contains(self.key.1.name.as_str());
        let line = script.statements.iter().rposition(|s| names(&s)).unwrap_or_default();
        Violation {
            key: ViolationKey { step: Some(self.step), code, subject },
            worlds,
            severity: Severity::Critical,
            title,
            message,
            cause: "What goes is neither set aside nor declared in the step's `writes`.".to_owned(),
            remedy: String::new(),
            tables: vec![self.name()],
            place: Some(self.scene.location(self.step, line)),
            witness: contents(self.step.after()),
        }
    }
}

/// A value, NULL excepted, and what became of it.
#[derive(Clone, Copy)]
struct Cell<'a> {
    row: &'a SnapRow,
    was: &'a str,
    is: Option<&'a str>,
}

/// What a conversion loses.
struct Loss<'a> {
    /// In words.
    how: &'static str,
    cells: Vec<Cell<'a>>,
    /// Values that were others, and became the same.
    others: Vec<Cell<'a>>,
}

/// What a conversion of these values loses, if anything. One that maps any of them is taken for a mapping: then values
/// that differed must still differ, and none may be lost.
fn loss<'a>(from: &TypeKind, to: &TypeKind, cells: &[Cell<'a>]) -> Option<Loss<'a>> {
    let gone: Vec<Cell<'_>> = cells.iter().filter(|c| c.is.is_none()).copied().collect();
    if !gone.is_empty() {
        return Some(Loss { how: "gone", cells: gone, others: Vec::new() });
    }
    let fates: Vec<(Fate, Cell<'_>)> =
        cells.iter().filter_map(|c| Some((fate(from, c.was, to, c.is?), *c))).collect();
    if !fates.iter().any(|(fate, _)| *fate == Fate::Mapped) {
        let mut by_way: BTreeMap<&'static str, Vec<Cell<'_>>> = BTreeMap::new();
        for (fate, cell) in fates {
            if let Fate::Lost(how) = fate {
                by_way.entry(how).or_default().push(cell);
            }
        }
        return by_way.pop_first().map(|(how, cells)| Loss { how, cells, others: Vec::new() });
    }
    // Moments that are read in another zone may meet where its clocks are set back.
    if asks_for_zone(from, to) {
        return None;
    }
    let mut meanings: HashMap<&str, (String, Cell<'_>)> = HashMap::new();
    let (mut firsts, mut others) = (Vec::new(), Vec::new());
    for cell in cells {
        let (Some(is), was) = (cell.is, canonical(from, cell.was)) else { continue };
        match meanings.get(is) {
            Some((known, first)) if *known != was => {
                firsts.push(*first);
                others.push(*cell);
            }
            Some(_) => {}
            None => {
                meanings.insert(is, (was, *cell));
            }
        }
    }
    (!others.is_empty()).then_some(Loss { how: "merged", cells: firsts, others })
}

/// Longest value that a message shows, in characters.
const SHOWN_MAX: usize = 40;

fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let mut start: String = value.chars().take(SHOWN_MAX).collect();
    if start.len() < value.len() {
        start.push('…');
    }
    format!("{start:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(from: &TypeKind, to: &TypeKind, values: &[(&str, Option<&str>)]) -> Option<&'static str> {
        let row = SnapRow { place: String::new(), values: Vec::new() };
        let cells: Vec<Cell<'_>> = values.iter().map(|(was, is)| Cell { row: &row, was, is: *is }).collect();
        loss(from, to, &cells).map(|l| l.how)
    }

    #[test]
    fn a_mapping_may_rename_values_and_may_not_merge_them() {
        let (text, status) = (TypeKind::Text, TypeKind::Enum(Vec::new()));
        assert_eq!(lost(&text, &status, &[("OPEN", Some("open")), ("SHUT", Some("shut"))]), None);
        assert_eq!(lost(&text, &status, &[("OPEN", Some("open")), ("SHUT", Some("open"))]), Some("merged"));
        assert_eq!(lost(&text, &status, &[("OPEN", None), ("SHUT", Some("shut"))]), Some("gone"));
    }

    #[test]
    fn a_conversion_to_another_unit_is_a_mapping() {
        let (price, cents) = (TypeKind::Numeric(Some((8, 2))), TypeKind::Int4);
        assert_eq!(lost(&price, &cents, &[("1.50", Some("150")), ("0.00", Some("0"))]), None);
        assert_eq!(lost(&price, &cents, &[("1.50", Some("2")), ("3.00", Some("3"))]), Some("rounded"));
    }

    #[test]
    fn long_values_are_shown_by_their_beginning() {
        assert_eq!(shown(None), "NULL");
        assert_eq!(shown(Some("a")), "\"a\"");
        assert_eq!(shown(Some(&"ä".repeat(41))), format!("\"{}…\"", "ä".repeat(40)));
    }
}
