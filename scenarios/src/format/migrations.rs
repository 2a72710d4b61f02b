//! A tool's migrations as timeline: what lies before the range is the baseline, what lies in it are the steps.

use std::collections::HashMap;
use std::ops::Range;

use indexmap::IndexMap;

use super::at::At;
use super::raw::{RawKind, RawMigrations, RawStep, RawWork};
use super::resolve::Resolver;
use super::steps::{Steps, TIMEOUT_DEFAULT_S};
use crate::diagnostic::{Diagnostic, suggest};
use crate::layout::{self, Chosen, History, Migration, MigrationRange};
use crate::scenario::{
    Database, DatabaseId, Guard, Populate, Roles, Step, StepId, StepKind, Tenancy, WriteScope,
};
use crate::script::{Operator, Script};

/// What of a history becomes steps.
#[derive(Debug)]
pub(super) struct Timeline {
    /// What may be corrected or added to, and where it lies.
    history: History,
    present: Range<usize>,
    /// Why these.
    why: String,
}

impl Timeline {
    /// What a reader of the report has to know of it.
    fn notes(&self) -> Vec<String> {
        let History { layout, folder, migrations, skipped } = &self.history;
        let (verified, all) = (self.present.len(), migrations.len());
        let why = match self.why.as_str() {
            "" if self.present.end == all => "the newest",
            "" => "those of the range",
            why => why,
        };
        let are = if verified == 1 { "is" } else { "are" };
        let mut notes = vec![format!(
            "Of {all} migrations in {folder} ({layout}), {verified} {are} verified: {why}; those before are the baseline."
        )];
        notes.extend(skipped.iter().map(|s| format!("{} is left out: {}.", s.path, s.why)));
        notes
    }
}

/// What the steps need to know of the rest of the scenario.
pub(super) struct Around<'r> {
    pub(super) roles: &'r Roles,
    pub(super) tenancy: Option<&'r Tenancy>,
}

/// An entry of the whole history: the tool's, or one that the scenario file puts between.
struct Entry {
    id: String,
    migration: Option<Migration>,
    raw: Option<At<RawStep>>,
}

impl Resolver<'_> {
    /// Reads the migrations that the scenario file means.
    pub(super) fn timeline(&mut self, raw: &At<RawMigrations>) -> Option<Timeline> {
        let (layout, folder) = self.place(raw)?;
        let history = match layout::read(layout, &folder, &mut self.files) {
            Ok(history) => history,
            Err(wrong) => {
                self.wrong.extend(wrong);
                return None;
            }
        };
        let own = MigrationRange {
            from: raw.from.as_ref().map(|a| a.value.clone()),
            to: raw.to.as_ref().map(|a| a.value.clone()),
        };
        let is_own = self.choose.is_none();
        let chosen = match self.choose {
            Some(choose) => choose(&history, own),
            None => Ok(Chosen { range: own, why: String::new() }),
        };
        let folder = Diagnostic::of_file(&*history.folder, "");
        let chosen = match chosen {
            Ok(chosen) => chosen,
            Err(message) => {
                self.wrong.push(Diagnostic { message, ..folder });
                return None;
            }
        };
        match history.present(&chosen.range) {
            Ok(present) => Some(Timeline { history, present, why: chosen.why }),
            Err(unknown) => {
                let help = suggest(&unknown.id, history.migrations.iter().map(|m| m.id.as_str()));
                let place = if unknown.is_from { &raw.from } else { &raw.to };
                match place.as_ref().filter(|_| is_own) {
                    Some(place) => self.report_help(&place.span, unknown.to_string(), help),
                    None => self.wrong.push(Diagnostic { message: unknown.to_string(), ..folder }.help(help)),
                }
                None
            }
        }
    }

    /// Layout and folder, looked for where they are not said.
    fn place(&mut self, raw: &At<RawMigrations>) -> Option<(layout::Layout, String)> {
        if let (Some(layout), Some(folder)) = (raw.layout, &raw.folder) {
            return Some((layout, folder.value.clone()));
        }
        let mut found = match self.files.root().map(layout::find) {
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                self.report(&raw.span, format!("the folder cannot be searched: {error}"));
                return None;
            }
            None => Vec::new(),
        };
        found.retain(|f| raw.layout.is_none_or(|l| l == f.layout));
        found.retain(|f| raw.folder.as_ref().is_none_or(|folder| folder.trim_end_matches('/') == f.folder));
        if let [one] = found.as_slice() {
            return Some((one.layout, one.folder.clone()));
        }
        let message = if found.is_empty() {
            "no migrations are found"
        } else {
            "there are several folders of migrations"
        };
        let places: Vec<String> =
            found.iter().map(|f| format!("`{}` ({})", f.folder, f.layout.key())).collect();
        let help = if places.is_empty() {
            "say `layout` and `folder`".to_owned()
        } else {
            format!("say which one by `layout` and `folder`: {}", places.join(", "))
        };
        self.report_help(&raw.span, message, help);
        None
    }

    /// The steps of the range, with what the scenario file says of them and puts between them. What it puts among
    /// earlier migrations belongs to the baseline.
    pub(super) fn history_steps(
        &mut self,
        timeline: Timeline,
        raw: Vec<At<RawStep>>,
        databases: &mut [Database],
        around: &Around<'_>,
    ) -> Steps {
        let mut notes = timeline.notes();
        let Timeline { history, present, .. } = timeline;
        let first = history.migrations.get(present.start).map(Migration::step_id);
        let last = history.migrations.get(present.end.saturating_sub(1)).map(Migration::step_id);
        let id = |at: usize| history.migrations.get(at).map(|m| m.id.clone());
        let range = MigrationRange { from: id(present.start), to: id(present.end.saturating_sub(1)) };
        let mut entries: Vec<Entry> = Vec::new();
        let mut left_out = 0;
        for mut migration in history.migrations {
            let leave_out = |operator: &Operator| is_operators(operator, databases, around.roles);
            let before = migration.up.statements.len();
            migration.up = migration.up.without(leave_out);
            left_out += before - migration.up.statements.len();
            entries.push(Entry { id: migration.step_id(), migration: Some(migration), raw: None });
        }
        if left_out > 0 {
            let are = if left_out == 1 {
                "statement of the migrations is"
            } else {
                "statements of the migrations are"
            };
            notes.push(format!(
                "{left_out} {are} left to Watertight, as an operator's: the roles and extensions of this scenario are \
                 made before the baseline, and the migrator owns everything."
            ));
        }
        self.lay_over(&mut entries, raw, last.as_deref());
        let position = |id: &Option<String>| entries.iter().position(|e| Some(&e.id) == id.as_ref());
        let start = position(&first).unwrap_or(0);
        let end = position(&last).map_or(entries.len(), |p| p + 1);
        // What is put right behind the last one, or right before the first, is part of the range.
        let end = end + entries[end..].iter().take_while(|e| e.migration.is_none()).count();
        let start =
            start - entries[..start].iter().rev().take_while(|e| is_before(e, first.as_deref())).count();
        let mut steps = Steps { notes, range, ..Steps::new() };
        for (n, entry) in entries.into_iter().enumerate() {
            if n < start {
                let script = self.past(&entry);
                databases[0].baseline.extend(script);
                steps.past.push(entry.id);
            } else if n < end {
                let id = entry.id.clone();
                let span = entry.raw.as_ref().map_or(0..0, |r| r.span.clone());
                let step = match entry {
                    Entry { migration: Some(migration), raw, .. } => {
                        Some(self.migration(migration, raw, around))
                    }
                    Entry { raw: Some(At { value, span }), .. } => self.step(value, &span, databases),
                    Entry { .. } => None,
                };
                steps.resolved.extend(step);
                let position = StepId(steps.ids.len());
                steps.ids.insert(id, (position, span));
            } else {
                steps.future.push(entry.id);
            }
        }
        steps
    }

    /// Corrections to their migrations, own steps to their places.
    fn lay_over(&mut self, entries: &mut Vec<Entry>, raw: Vec<At<RawStep>>, last: Option<&str>) {
        let mut seen: HashMap<String, Range<usize>> = HashMap::new();
        for step in raw {
            if let Some(first) = seen.insert(step.id.value.clone(), step.id.span.clone()) {
                self.report_duplicate("step", &step.id, &first);
                continue;
            }
            if let Some(entry) = entries.iter_mut().find(|e| e.id == step.id.value) {
                entry.raw = Some(step);
                continue;
            }
            let anchor = step.after.as_ref().map(|a| (a, 1)).or(step.before.as_ref().map(|b| (b, 0)));
            let at = match anchor {
                Some((anchor, behind)) => match entries.iter().position(|e| e.id == anchor.value) {
                    Some(at) => at + behind,
                    None => {
                        let help = suggest(&anchor.value, entries.iter().map(|e| e.id.as_str()));
                        let message = format!("there is no migration or step `{}`", anchor.value);
                        self.report_help(&anchor.span, message, help);
                        continue;
                    }
                },
                None => last
                    .and_then(|last| entries.iter().position(|e| e.id == last))
                    .map_or(entries.len(), |at| {
                        at + 1 + entries[at + 1..].iter().take_while(|e| e.migration.is_none()).count()
                    }),
            };
            entries.insert(at, Entry { id: step.id.value.clone(), migration: None, raw: Some(step) });
        }
    }

    /// What an entry before the range adds to the baseline.
    fn past(&mut self, entry: &Entry) -> Option<Script> {
        if let Some(migration) = &entry.migration {
            return Some(migration.up.clone());
        }
        let raw = entry.raw.as_ref()?;
        if let Some(migrate) = &raw.migrate {
            return self.script(&migrate.value, &migrate.span);
        }
        let backfill = raw.backfill.as_ref()?;
        match &backfill.value {
            RawWork::File(path) => self.script(path, &backfill.span),
            RawWork::Command(_) => {
                let message = format!("the command `{}` lies before the range", raw.id.value);
                let help = "the baseline is made of SQL alone: begin the range with it, by `--from`";
                self.report_help(&backfill.span, message, help);
                None
            }
        }
    }

    /// One migration of the range. What its words tell of it, the scenario file may correct.
    fn migration(&mut self, migration: Migration, raw: Option<At<RawStep>>, around: &Around<'_>) -> Step {
        let shape = migration.up.shape();
        let is_tenant = |table: &crate::Relation, column: &crate::Ident| {
            around.tenancy.is_some_and(|t| t.columns.get(table).or(t.column.as_ref()) == Some(column))
        };
        let fills = shape.fills(is_tenant);
        let mut kind = if fills && !shape.changes_schema { StepKind::Backfill } else { StepKind::Migrate };
        let tightens = shape.not_null.iter().filter(|(t, c)| is_tenant(t, c));
        let guarded = tightens.clone().any(|(_, c)| shape.guards.iter().any(|g| g.contains(c.as_str())));
        let mut guard = guarded.then_some(Guard::NullTenant);
        let mut writes: Vec<WriteScope> = Vec::new();
        for write in &shape.writes {
            let table = write.table.clone();
            if write.adds {
                writes.push(WriteScope { table, column: None });
                continue;
            }
            let others = write.columns.iter().filter(|c| !is_tenant(&write.table, c));
            writes.extend(others.map(|c| WriteScope { table: table.clone(), column: Some(c.clone()) }));
        }
        let (mut phase, mut populate) = (None, Populate::Nothing);
        let (mut title, mut timeout_s, mut down) = (None, TIMEOUT_DEFAULT_S, migration.down.clone());
        let mut rerunnable = false;
        if let Some(At { value: raw, span }) = raw {
            let given = [
                (raw.migrate.as_ref().map(|m| &m.span), "migrate"),
                (raw.backfill.as_ref().map(|b| &b.span), "backfill"),
                (raw.check.as_ref().map(|c| &c.span), "check"),
            ];
            for (given, key) in given {
                if let Some(span) = given {
                    let message = format!("`{}` is a migration already; it has no `{key}`", raw.id.value);
                    self.report_help(span, message, "choose another id for a step of its own");
                }
            }
            if raw.remove {
                self.report(&span, "a migration of the history cannot be taken away");
            }
            title = raw.title;
            phase = raw.phase;
            kind = raw.kind.as_ref().map_or(kind, |k| match k.value {
                RawKind::Migrate => StepKind::Migrate,
                RawKind::Backfill => StepKind::Backfill,
            });
            if let Some(given) = &raw.guard {
                guard = self.guard(given);
            }
            if let Some(given) = &raw.down {
                down = self.down(given);
            }
            if let Some(given) = &raw.populate {
                populate = self.populate(given);
            }
            rerunnable = raw.rerunnable.as_ref().is_some_and(|r| r.value);
            if let Some(given) = &raw.timeout {
                timeout_s = self.timeout_s(given);
            }
            writes.extend(raw.writes.iter().filter_map(|scope| self.write_scope(scope)).collect::<Vec<_>>());
        }
        Step {
            id: migration.step_id(),
            title,
            phase,
            database: DatabaseId(0),
            kind,
            fills: fills || kind == StepKind::Backfill,
            up: migration.up,
            copy: None,
            command: None,
            down,
            guard,
            writes,
            populate,
            rerunnable,
            timeout_s,
        }
    }
}

/// Whether the scenario file puts the entry right before that migration.
fn is_before(entry: &Entry, first: Option<&str>) -> bool {
    let before = entry.raw.as_ref().and_then(|r| r.before.as_ref());
    entry.migration.is_none() && before.is_some_and(|b| Some(b.value.as_str()) == first)
}

/// Whether the harness does the statement itself, or nobody: roles and extensions that the scenario declares, and
/// owners other than the migrator, who owns everything.
fn is_operators(operator: &Operator, databases: &[Database], roles: &Roles) -> bool {
    let app = |name: &crate::Ident| roles.app.iter().any(|r| r.name == *name);
    match operator {
        Operator::Role { name, .. } => app(name) || *name == roles.migrator,
        Operator::Roles { roles: made } => made.iter().all(|(name, _)| app(name) || *name == roles.migrator),
        Operator::Membership { group, member } => app(group) || app(member),
        Operator::Extension { name, schema: _ } => {
            databases.first().is_some_and(|d| d.extensions.iter().any(|e| e == name.as_str()))
        }
        Operator::Owner { role } | Operator::DefaultsOf { role } | Operator::Privilege { role } => {
            *role != roles.migrator
        }
    }
}

impl Steps {
    /// Without any.
    pub(super) fn new() -> Self {
        Self {
            resolved: Vec::new(),
            ids: IndexMap::new(),
            past: Vec::new(),
            future: Vec::new(),
            range: MigrationRange::default(),
            notes: Vec::new(),
        }
    }
}
