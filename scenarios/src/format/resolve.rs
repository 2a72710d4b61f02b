//! From what is written to what is meant: names become indexes, files become scripts, defaults are filled in.

use std::ops::Range;

use indexmap::IndexMap;

use super::at::At;
use super::files::{Files, Found};
use super::migrations::Around;
use super::raw::{RawAssumptions, RawDeclared, RawFile};
use super::sources::Sources;
use crate::diagnostic::{Diagnostic, nearest, suggest};
use crate::ident::Relation;
use crate::layout::Choose;
use crate::scenario::{Database, DatabaseId, Declared, Platform, Scenario, SqlTemplate, TableHints};
use crate::script::Script;
use crate::source::PathError;

/// Everything that resolving needs; what is wrong is collected, not returned.
pub(crate) struct Resolver<'a> {
    /// The scenario files, for places.
    pub(crate) sources: &'a Sources,
    /// The files that the scenario names.
    pub(crate) files: Files,
    /// Which migrations to verify, where that is said outside of the scenario file.
    pub(crate) choose: Option<Choose<'a>>,
    /// What was found wrong.
    pub(crate) wrong: &'a mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    /// The scenario, or `None` when something is wrong with it.
    pub(crate) fn scenario(mut self, raw: RawFile, id: &str, shown: &str) -> Option<Scenario> {
        if let Some(title) = &raw.title
            && title.trim().is_empty()
        {
            self.report(&title.span, "the title is empty");
        }
        let derived = raw.base.is_some();
        let postgres_min = self.postgres_min(&raw);
        let mut databases = self.databases(raw.database, raw.databases);
        let platforms: Vec<Platform> = databases.iter().map(|d| d.platform).collect();
        let roles = self.roles(raw.roles, &platforms);
        let tenancy = match raw.tenancy {
            Some(tenancy) => self.tenancy(tenancy),
            None => {
                let help = "add `[tenancy]` with at least `tenants`, the table whose rows are the tenants";
                self.wrong.push(Diagnostic::of_file(shown, "the scenario has no tenancy").help(help));
                None
            }
        };
        if raw.steps.is_empty() && raw.migrations.is_none() {
            let help = "add `[[steps]]` with an `id` and one of `migrate`, `backfill`, `check`, `copy`";
            self.wrong.push(Diagnostic::of_file(shown, "the scenario has no steps").help(help));
        }
        let steps = match raw.migrations.map(|m| self.timeline(&m)) {
            None => self.steps(raw.steps, &databases, derived),
            Some(None) => return None,
            Some(Some(timeline)) => {
                let around = Around { roles: &roles, tenancy: tenancy.as_ref() };
                self.history_steps(timeline, raw.steps, &mut databases, &around)
            }
        };
        let access = self.access(raw.access, &steps, &databases, &roles);
        let invariants = self.own_invariants(&steps);
        let generate = self.hints(raw.generate);
        let presets = self.presets(raw.presets, &databases);
        let secrets = self.secrets(raw.secrets, &databases);
        let declared = self.declared(raw.declared);
        let mut assumptions = match raw.assumptions {
            RawAssumptions::List(list) => list,
            RawAssumptions::Replace(list) => list.replace,
        };
        assumptions.extend(steps.notes);
        if !self.wrong.is_empty() {
            return None;
        }
        Some(Scenario {
            id: id.to_owned(),
            title: raw.title.map_or_else(|| id.to_owned(), |t| t.value),
            summary: raw.summary,
            base: raw.base.map(|b| b.value),
            file: shown.to_owned(),
            assumptions,
            databases,
            postgres_min,
            roles,
            tenancy: tenancy?,
            steps: steps.resolved,
            range: steps.range,
            access,
            presets,
            secrets,
            invariants,
            expect: raw.expect,
            declared,
            generate,
            digest: self.files.digest(),
        })
    }

    /// Reports a mistake.
    pub(super) fn report(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.wrong.push(self.sources.at(span, message));
    }

    /// Reports a mistake, with what to do about it.
    pub(super) fn report_help(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.wrong.push(self.sources.at(span, message).help(help));
    }

    /// Reports a name that is used twice.
    pub(super) fn report_duplicate(&mut self, noun: &str, again: &At<String>, first: &Range<usize>) {
        let line = self.sources.line(first);
        let message = format!("the {noun} `{}` is used twice", again.value);
        self.report_help(&again.span, message, format!("first used on line {line}"));
    }

    /// Reports a path that cannot be had.
    pub(super) fn report_path(&mut self, span: &Range<usize>, error: PathError) {
        let diagnostic = self.sources.at(span, error.message);
        self.wrong.push(Diagnostic { help: error.help, ..diagnostic });
    }

    /// Reads a script that the scenario names.
    pub(super) fn script(&mut self, path: &str, named_at: &Range<usize>) -> Option<Script> {
        let found = self.file(path, named_at)?;
        found.script().map_err(|diagnostic| self.wrong.push(diagnostic)).ok()
    }

    /// Finds a file that the scenario names.
    pub(super) fn file(&mut self, path: &str, named_at: &Range<usize>) -> Option<Found> {
        match self.files.find(path) {
            Ok(Some(found)) => return Some(found),
            Ok(None) => {
                let help = self.similar(path);
                self.report_help(named_at, format!("there is no file `{path}`"), help);
            }
            Err(error) => self.report_path(named_at, error),
        }
        None
    }

    /// A file of the same folder that was probably meant.
    fn similar(&self, path: &str) -> String {
        let folder = path.rfind('/').map_or("", |at| &path[..=at]);
        let beside = self.files.matching(&format!("{}*", glob::Pattern::escape(folder))).unwrap_or_default();
        match nearest(path, beside.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "paths are relative to the scenario's folder".to_owned(),
        }
    }

    /// Parses a statement that stands in the scenario file.
    pub(super) fn template(&mut self, sql: &At<String>) -> Option<SqlTemplate> {
        let error = match SqlTemplate::parse(&sql.value) {
            Ok(template) => return Some(template),
            Err(error) => error,
        };
        // The place within the string is known only if nothing in it is escaped.
        let span = match self.sources.text(&sql.span).find(&sql.value) {
            Some(at) if !sql.value.is_empty() => {
                let start = sql.span.start + at;
                start + error.range.start..start + error.range.end
            }
            _ => sql.span.clone(),
        };
        self.report_help(&span, error.message, error.help);
        None
    }

    /// Reads a table's name.
    pub(super) fn relation(&mut self, name: &At<String>) -> Option<Relation> {
        let relation = Relation::parse(&name.value);
        if relation.is_none() {
            let message = format!("`{}` is not a table's name", name.value);
            self.report_help(&name.span, message, "write `Table` or `schema.Table`");
        }
        relation
    }

    /// Reads a database's name; the first database without one.
    pub(super) fn database_id(&mut self, name: Option<&At<String>>, databases: &[Database]) -> DatabaseId {
        let Some(name) = name else { return DatabaseId(0) };
        if let Some(at) = databases.iter().position(|d| d.name == name.value) {
            return DatabaseId(at);
        }
        let help = suggest(&name.value, databases.iter().map(|d| d.name.as_str()));
        self.report_help(&name.span, format!("there is no database `{}`", name.value), help);
        DatabaseId(0)
    }

    fn declared(&mut self, raw: IndexMap<At<String>, RawDeclared>) -> Vec<Declared> {
        let mut resolved = Vec::new();
        for (name, RawDeclared { nullable, on_delete }) in raw {
            if let Some((table, column)) = self.column_name(&name) {
                resolved.push(Declared { table, column, nullable, on_delete });
            }
        }
        resolved
    }

    fn hints(&mut self, raw: IndexMap<At<String>, TableHints>) -> IndexMap<Relation, TableHints> {
        let mut resolved = IndexMap::new();
        for (table, hints) in raw {
            for (column, hint) in &hints.columns {
                if hint.null_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                    self.report(&table.span, format!("null_share of `{column}` is not between 0 and 1"));
                }
                if hint.one_of.as_ref().is_some_and(Vec::is_empty) {
                    self.report(&table.span, format!("one_of of `{column}` is empty"));
                }
            }
            if let Some(relation) = self.relation(&table) {
                resolved.insert(relation, hints);
            }
        }
        resolved
    }
}

/// Whether a text can be an id.
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}
