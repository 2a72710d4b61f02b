//! Resolving the timeline.

use std::ops::Range;

use indexmap::IndexMap;

use super::at::At;
use super::raw::{RawCopy, RawGuard, RawPopulate, RawStep, RawTimeout, RawWork, TextOrFalse};
use super::resolve::{Resolver, is_id};
use crate::ident::Relation;
use crate::layout::MigrationRange;
use crate::scenario::{CopySpec, Database, Guard, Populate, Step, StepId, StepKind, WriteScope};
use crate::script::Script;

/// How long a step may take without a `timeout` of its own.
pub(super) const TIMEOUT_DEFAULT_S: u32 = 60;

/// What `from` and `until` of an access path say for the two ends of the timeline.
const RESERVED: [&str; 2] = ["baseline", "end"];

/// The timeline, and the ids by which access paths name its steps.
pub(super) struct Steps {
    /// The steps that could be resolved: all of them, if nothing is wrong.
    pub(super) resolved: Vec<Step>,
    pub(super) ids: IndexMap<String, (StepId, Range<usize>)>,
    /// Ids of steps that lie before the range.
    pub(super) past: Vec<String>,
    /// Ids of steps that lie behind it.
    pub(super) future: Vec<String>,
    /// The migrations of a history that are among them.
    pub(super) range: MigrationRange,
    /// What was taken for granted of a history, for the report.
    pub(super) notes: Vec<String>,
}

impl Steps {
    /// The step of that id, even if something else is wrong with it.
    pub(super) fn find(&self, id: &str) -> Option<StepId> {
        self.ids.get(id).map(|(step, _)| *step)
    }

    /// All ids in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.ids.keys().map(String::as_str)
    }

    /// How many steps the timeline has.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

impl Resolver<'_> {
    pub(super) fn steps(&mut self, raw: Vec<At<RawStep>>, databases: &[Database], derived: bool) -> Steps {
        let mut steps = Steps::new();
        for At { value: step, span } in raw {
            self.step_id(&step.id, &mut steps.ids);
            self.only_derived(&step, derived);
            steps.resolved.extend(self.step(step, &span, databases));
        }
        steps
    }

    fn step_id(&mut self, id: &At<String>, ids: &mut IndexMap<String, (StepId, Range<usize>)>) {
        if !is_id(id) {
            let message = format!("`{}` is not a step's id", id.value);
            self.report_help(&id.span, message, "lower-case letters, digits, `-` and `_`");
        } else if RESERVED.contains(&id.value.as_str()) {
            let message = format!("`{}` stands for an end of the timeline", id.value);
            self.report_help(&id.span, message, "choose another id");
        }
        match ids.get(&id.value) {
            Some((_, first)) => self.report_duplicate("step", id, &first.clone()),
            None => {
                ids.insert(id.value.clone(), (StepId(ids.len()), id.span.clone()));
            }
        }
    }

    /// Reports what is left of `after`, `before` and `remove` once a derived scenario is laid over its base.
    fn only_derived(&mut self, step: &RawStep, derived: bool) {
        let place = step.after.as_ref().or(step.before.as_ref()).map(|p| &p.span);
        let Some(place) = place.or(step.remove.then_some(&step.id.span)) else { return };
        let what = "`after`, `before` and `remove`";
        let message = if derived {
            format!("{what} work on the steps of the base")
        } else {
            format!("{what} are for derived scenarios")
        };
        self.report_help(place, message, "steps run in the order in which they are written");
    }

    pub(super) fn step(&mut self, raw: RawStep, span: &Range<usize>, databases: &[Database]) -> Option<Step> {
        let kind = match self.kind(&raw) {
            Ok(kind) => kind,
            Err(verb) => {
                let help = "a step has exactly one of `migrate`, `backfill`, `check`, `copy`";
                self.report_help(span, format!("the step `{}` {verb}", raw.id.value), help);
                return None;
            }
        };
        let copy = raw.copy.as_ref().map(|copy| self.copy(copy, databases));
        let work = raw.backfill.as_ref().or(raw.check.as_ref());
        let (up, command) = match (&raw.migrate, work.map(|w| (&w.value, &w.span))) {
            (Some(path), _) => (self.script(&path.value, &path.span), None),
            (None, Some((RawWork::File(path), span))) => (self.script(path, span), None),
            (None, Some((RawWork::Command(command), span))) => {
                let (place, command) = self.command(command, span, databases)?;
                (Some(Script::empty(place)), Some(command))
            }
            (None, None) => (Some(Script::empty(self.scenario_file(span))), None),
        };
        self.report_unfit(kind, &raw);
        if let Some(kind) = &raw.kind {
            self.report(&kind.span, "`kind` is for a step of `[migrations]`");
        }
        let database = match &copy {
            Some(copy) => copy.to,
            None => self.database_id(raw.database.as_ref(), databases),
        };
        Some(Step {
            down: raw.down.as_ref().and_then(|down| self.down(down)),
            guard: raw.guard.as_ref().and_then(|guard| self.guard(guard)),
            writes: raw.writes.iter().filter_map(|scope| self.write_scope(scope)).collect(),
            populate: raw.populate.as_ref().map_or(Populate::Nothing, |p| self.populate(p)),
            rerunnable: raw.rerunnable.as_ref().is_some_and(|r| r.value),
            timeout_s: raw.timeout.as_ref().map_or(TIMEOUT_DEFAULT_S, |t| self.timeout_s(t)),
            id: raw.id.value,
            title: raw.title,
            phase: raw.phase,
            database,
            kind,
            fills: kind == StepKind::Backfill,
            up: up?,
            copy,
            command,
        })
    }

    /// The one thing that the step does; what is wrong with it otherwise.
    fn kind(&self, raw: &RawStep) -> Result<StepKind, &'static str> {
        let given = [
            (StepKind::Migrate, raw.migrate.is_some()),
            (StepKind::Backfill, raw.backfill.is_some()),
            (StepKind::Check, raw.check.is_some()),
            (StepKind::Copy, raw.copy.is_some()),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given).map(|(kind, _)| kind);
        match (given.next(), given.next()) {
            (Some(kind), None) => Ok(kind),
            (Some(_), Some(_)) => Err("does several things"),
            (None, _) => Err("does nothing"),
        }
    }

    /// Reports keys that mean nothing to a step of this kind.
    fn report_unfit(&mut self, kind: StepKind, raw: &RawStep) {
        let down = raw.down.as_ref().map(|d| ("down", &d.span));
        let guard = raw.guard.as_ref().map(|g| ("guard", &g.span));
        let writes = raw.writes.first().map(|w| ("writes", &w.span));
        let database = raw.database.as_ref().map(|d| ("database", &d.span));
        let populate = raw.populate.as_ref().map(|p| ("populate", &p.span));
        let rerunnable = raw.rerunnable.as_ref().map(|r| ("rerunnable", &r.span));
        let (noun, unfit) = match kind {
            StepKind::Migrate => ("migration", vec![]),
            StepKind::Backfill => ("backfill", vec![populate, rerunnable]),
            StepKind::Check => ("check", vec![down, guard, writes, populate, rerunnable]),
            StepKind::Copy => ("copy", vec![guard, writes, database, populate, rerunnable]),
        };
        for (key, span) in unfit.into_iter().flatten() {
            self.report(span, format!("a {noun} has no `{key}`"));
        }
    }

    pub(super) fn populate(&mut self, raw: &At<RawPopulate>) -> Populate {
        match &raw.value {
            RawPopulate::Flag(false) => Populate::Nothing,
            RawPopulate::Flag(true) => Populate::Everything,
            RawPopulate::Tables(tables) => {
                let names = tables.iter().map(|name| At { value: name.clone(), span: raw.span.clone() });
                let names: Vec<At<String>> = names.collect();
                Populate::Tables(names.iter().filter_map(|name| self.relation(name)).collect())
            }
        }
    }

    pub(super) fn down(&mut self, raw: &At<TextOrFalse>) -> Option<Script> {
        match &raw.value {
            TextOrFalse::Text(path) => self.script(path, &raw.span),
            TextOrFalse::False(false) => None,
            TextOrFalse::False(true) => {
                self.report(&raw.span, "expected a file's path, or false");
                None
            }
        }
    }

    fn copy(&mut self, raw: &At<RawCopy>, databases: &[Database]) -> CopySpec {
        let from = self.database_id(Some(&raw.from), databases);
        let to = self.database_id(Some(&raw.to), databases);
        if raw.from.value == raw.to.value {
            self.report(&raw.to.span, "a copy goes from one database to another");
        }
        let tables = raw.tables.iter().filter_map(|table| self.relation(table)).collect();
        CopySpec { from, to, tables, line: self.sources.line(&raw.span) }
    }

    /// The scenario file of a place, relative to the scenario's folder.
    pub(super) fn scenario_file(&self, span: &Range<usize>) -> String {
        let shown = self.sources.at(span, "").file;
        self.files.scenario_file(&shown).unwrap_or(shown)
    }

    pub(super) fn guard(&mut self, raw: &At<RawGuard>) -> Option<Guard> {
        match &raw.value {
            RawGuard::Flag(flag) => flag.then_some(Guard::NullTenant),
            RawGuard::Query(query) => {
                let sql = At { value: query.clone(), span: raw.span.clone() };
                let template = self.template(&sql)?;
                if let Some(param) = template.params().first() {
                    self.report(&sql.span, format!("a guard's query has no parameters; there is `:{param}`"));
                }
                Some(Guard::Query(sql.value))
            }
        }
    }

    /// One dot separates a table from its column; a table of another schema is named with one of its columns.
    pub(super) fn write_scope(&mut self, raw: &At<String>) -> Option<WriteScope> {
        if let Some((table, column)) = Relation::parse_column(&raw.value) {
            let column = (column.as_str() != "*").then_some(column);
            return Some(WriteScope { table, column });
        }
        self.relation(raw).map(|table| WriteScope { table, column: None })
    }

    pub(super) fn timeout_s(&mut self, raw: &At<RawTimeout>) -> u32 {
        let seconds = match &raw.value {
            RawTimeout::Seconds(seconds) => Some(*seconds),
            RawTimeout::Text(text) => seconds(text),
        };
        match seconds {
            Some(seconds) if seconds > 0 => seconds,
            _ => {
                let help = "write seconds, or \"90s\", \"5m\", \"1h\"";
                self.report_help(&raw.span, "not a length of time", help);
                TIMEOUT_DEFAULT_S
            }
        }
    }
}

fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let (number, unit_s) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        _ => (text, 1),
    };
    number.trim().parse::<u32>().ok()?.checked_mul(unit_s)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_read() {
        for (text, expected) in [("90", 90), ("90s", 90), ("5m", 300), ("1 h", 3600)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for bad in ["", "m", "-1s", "1d", "99999999h", "ä"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
