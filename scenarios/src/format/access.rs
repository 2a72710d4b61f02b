//! Resolving the application's statements.

use std::collections::HashMap;
use std::ops::Range;

use indexmap::IndexMap;

use super::at::At;
use super::raw::{RawAccess, RawParam, RawRetrieval, RawScalar};
use super::resolve::Resolver;
use super::steps::Steps;
use crate::diagnostic::{Diagnostic, suggest};
use crate::ident::{Ident, Relation};
use crate::lex::{self, Kind};
use crate::queries::queries;
use crate::scenario::{
    AccessKind, AccessPath, AppVersion, Checkpoint, Database, ParamSource, Piece, Retrieval, Roles,
    SqlTemplate, StepId,
};

use crate::script::TemplateError;

/// The parameter that needs no source, and the source of its kind.
const TENANT: &str = "tenant";

impl Steps {
    /// Whether a step of that id lies before or behind the range.
    fn is_outside(&self, id: &String) -> bool {
        self.past.contains(id) || self.future.contains(id)
    }

    /// Whether a path is out of use in the whole range.
    fn is_retired(&self, path: &RawAccess) -> bool {
        path.until.as_ref().is_some_and(|u| self.past.contains(&u.value))
            || path.from.as_ref().is_some_and(|f| self.future.contains(&f.value))
    }
}

/// The statement whose parameters want a source, for diagnostics.
pub(super) struct Wanting<'a> {
    /// In words.
    pub(super) whose: String,
    /// Its place.
    pub(super) at: &'a Range<usize>,
    /// The key of the scenario file that gives the sources.
    pub(super) key: &'static str,
}

impl Resolver<'_> {
    pub(super) fn access(
        &mut self,
        raw: Vec<At<RawAccess>>,
        steps: &Steps,
        databases: &[Database],
        roles: &Roles,
    ) -> Vec<AccessPath> {
        let mut names: HashMap<String, Range<usize>> = HashMap::new();
        let mut resolved = Vec::new();
        for At { value: path, span } in raw {
            if path.name.trim().is_empty() {
                self.report(&path.name.span, "the name is empty");
            }
            if let Some(first) = names.insert(path.name.value.clone(), path.name.span.clone()) {
                self.report_duplicate("access path", &path.name, &first);
            }
            if steps.is_retired(&path) {
                continue;
            }
            if path.remove {
                let message = "`remove` takes an access path of the base away; there is none";
                self.report(&path.name.span, message);
            }
            resolved.extend(self.access_path(path, &span, steps, databases, roles));
        }
        resolved
    }

    fn access_path(
        &mut self,
        raw: RawAccess,
        span: &Range<usize>,
        steps: &Steps,
        databases: &[Database],
        roles: &Roles,
    ) -> Option<AccessPath> {
        let version = raw.version.unwrap_or(AppVersion::Old);
        let (from, until) = self.in_use(&raw, version, steps);
        let role = self.role(raw.role.as_ref(), roles);
        let database = self.database_id(raw.database.as_ref(), databases);
        for state in raw.may_fail.iter().filter(|state| !is_sqlstate(&state.value)) {
            let message = format!("`{}` is not an SQLSTATE", state.value);
            self.report_help(&state.span, message, "five digits or capital letters, as \"23505\"");
        }
        let sql = match (&raw.sql, &raw.file) {
            (Some(sql), None) => self.template(sql),
            (None, Some(path)) => self.template_file(path),
            (sql, _) => {
                let verb = if sql.is_some() { "both `sql` and `file`" } else { "neither `sql` nor `file`" };
                let message = format!("the access path `{}` has {verb}", raw.name.value);
                self.report_help(span, message, "give its statement one way");
                None
            }
        };
        let whose = format!("`{}`", raw.name.value);
        let params =
            self.params(&raw.params, sql.as_ref(), &Wanting { whose, at: &raw.name.span, key: "params" });
        let sql = sql?;
        Some(AccessPath {
            kind: raw.kind.unwrap_or_else(|| looks_like(&sql)),
            name: raw.name.value,
            version,
            from,
            until,
            params,
            sql,
            context: raw.context,
            role,
            database,
            impact: raw.impact,
            source: raw.source,
            may_fail: raw.may_fail.into_iter().map(|state| state.value).collect(),
            retrieval: raw.retrieval.and_then(|retrieval| self.retrieval(retrieval)),
        })
    }

    fn retrieval(&mut self, At { value: raw, span }: At<RawRetrieval>) -> Option<Retrieval> {
        if raw.limit == 0 {
            self.report(&span, "`limit` is the number of rows asked for, at least 1");
        }
        if !(0.0..=1.0).contains(&raw.recall) {
            self.report(&span, "`recall` is a share, from 0 to 1");
        }
        Some(Retrieval {
            table: self.relation(&raw.table)?,
            column: Ident::new(raw.column),
            limit: raw.limit,
            recall: raw.recall,
            dimension: raw.dimension,
        })
    }

    /// First and last checkpoint at which a path is in use.
    fn in_use(&mut self, raw: &RawAccess, version: AppVersion, steps: &Steps) -> (Checkpoint, Checkpoint) {
        let last = Checkpoint(steps.len());
        let first = match version {
            AppVersion::Old => Checkpoint(0),
            AppVersion::New => Checkpoint(1).min(last),
        };
        let from = match &raw.from {
            None => first,
            Some(name) if name.value == "baseline" || steps.past.contains(&name.value) => Checkpoint(0),
            Some(name) => self.step_named(name, steps, "baseline").map_or(first, StepId::after),
        };
        let until = match &raw.until {
            None => last,
            Some(name) if name.value == "end" => last,
            Some(name) => self.step_named(name, steps, "end").map_or(last, StepId::before),
        };
        if from <= until {
            return (from, until);
        }
        let place = raw.until.as_ref().or(raw.from.as_ref()).unwrap_or(&raw.name);
        let message = format!("the access path `{}` is never in use", raw.name.value);
        let help = "`from` is the step after which it comes into use (of a new path: the first, unless it says \
                    otherwise), `until` the step that retires it";
        self.report_help(&place.span, message, help);
        (from, from)
    }

    fn step_named(&mut self, name: &At<String>, steps: &Steps, end: &str) -> Option<StepId> {
        let found = steps.find(&name.value);
        if found.is_none() && !steps.is_outside(&name.value) {
            let help = suggest(&name.value, steps.ids().chain([end]));
            self.report_help(&name.span, format!("there is no step `{}`", name.value), help);
        }
        found
    }

    fn role(&mut self, name: Option<&At<String>>, roles: &Roles) -> Ident {
        let default = roles.app.first().map_or(&roles.migrator, |role| &role.name).clone();
        let Some(name) = name else { return default };
        let known = roles.app.iter().map(|r| r.name.as_str()).chain([roles.migrator.as_str()]);
        if known.clone().any(|role| role == name.value) {
            return Ident::new(name.value.clone());
        }
        let help = suggest(&name.value, known);
        self.report_help(&name.span, format!("there is no role `{}`", name.value), help);
        default
    }

    /// A statement in a file of its own, or as `queries.sql#name` one of the named queries of a file.
    fn template_file(&mut self, path: &At<String>) -> Option<SqlTemplate> {
        if let Some((file, name)) = path.value.rsplit_once('#') {
            return self.named_query(file, name, path);
        }
        let found = self.file(&path.value, &path.span)?;
        // As a script it is checked for encoding and psql commands, with places in the file itself.
        let script = found.script().map_err(|diagnostic| self.wrong.push(diagnostic)).ok()?;
        match SqlTemplate::parse(&script.text) {
            Ok(template) => Some(template),
            Err(error) => {
                let diagnostic = Diagnostic::at(found.shown, &script.text, error.range, error.message);
                self.wrong.push(diagnostic.help(error.help));
                None
            }
        }
    }

    fn named_query(&mut self, file: &str, name: &str, path: &At<String>) -> Option<SqlTemplate> {
        let found = self.file(file, &path.span)?;
        let text = found.text().map_err(|diagnostic| self.wrong.push(diagnostic)).ok()?;
        let queries = queries(&text);
        let Some(query) = queries.iter().find(|q| q.name == name) else {
            let help = suggest(name, queries.iter().map(|q| q.name.as_str()));
            self.report_help(&path.span, format!("{file} has no query `{name}`"), help);
            return None;
        };
        let refuse = |error: TemplateError| {
            let line = query.line;
            Diagnostic::of_file(&found.shown, format!("line {line}, `{name}`: {}", error.message))
                .help(error.help)
        };
        SqlTemplate::parse(&query.sql).map_err(|error| self.wrong.push(refuse(error))).ok()
    }

    /// Where each parameter of a statement comes from.
    pub(super) fn params(
        &mut self,
        raw: &IndexMap<At<String>, At<RawParam>>,
        sql: Option<&SqlTemplate>,
        wanting: &Wanting<'_>,
    ) -> IndexMap<String, ParamSource> {
        let mut params = IndexMap::new();
        for (param, source) in raw {
            if let Some(source) = self.param(source) {
                params.insert(param.value.clone(), source);
            }
        }
        let Some(sql) = sql else { return params };
        let used = sql.params();
        for param in raw.keys().filter(|param| !used.contains(&param.value.as_str())) {
            let message = format!("the statement has no parameter `:{}`", param.value);
            self.report_help(&param.span, message, suggest(&param.value, used.iter().copied()));
        }
        for param in used {
            if raw.keys().any(|known| known.value == param) {
                continue;
            }
            if param == TENANT {
                params.insert(param.to_owned(), ParamSource::Tenant);
                continue;
            }
            let message = format!("the parameter `:{param}` of {} has no source", wanting.whose);
            let help = format!("add to `{}`: {param} = \"Table.column\", \"tenant\" or a type", wanting.key);
            self.report_help(wanting.at, message, help);
        }
        params
    }

    fn param(&mut self, raw: &At<RawParam>) -> Option<ParamSource> {
        match &raw.value {
            RawParam::Short(text) if text == TENANT => Some(ParamSource::Tenant),
            RawParam::Short(text) if text.contains('.') => self.column(text, &raw.span),
            RawParam::Short(ty) => self.fresh(ty, &raw.span),
            RawParam::Type(ty) => self.fresh(&ty.ty, &raw.span),
            RawParam::Column(column) => self.column(&column.column, &raw.span),
            RawParam::Value(value) => Some(ParamSource::Fixed(Some(match &value.value {
                RawScalar::Bool(value) => value.to_string(),
                RawScalar::Integer(value) => value.to_string(),
                RawScalar::Float(value) => value.to_string(),
                RawScalar::Text(value) => value.clone(),
            }))),
            RawParam::Null(null) => {
                if !null.null {
                    self.report(&raw.span, "expected `null = true`");
                }
                Some(ParamSource::Fixed(None))
            }
        }
    }

    fn fresh(&mut self, ty: &str, span: &Range<usize>) -> Option<ParamSource> {
        let ty = ty.trim();
        if ty.is_empty() {
            self.report(span, "the type is empty");
            return None;
        }
        Some(ParamSource::Fresh(ty.to_owned()))
    }

    fn column(&mut self, text: &str, span: &Range<usize>) -> Option<ParamSource> {
        let column = Relation::parse_column(text);
        if column.is_none() {
            let help = "write `Table.column` or `schema.Table.column`";
            self.report_help(span, format!("`{text}` is not a column's name"), help);
        }
        column.map(|(table, column)| ParamSource::Column { table, column })
    }
}

fn is_sqlstate(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// Whether a statement reads or writes, from its words.
fn looks_like(sql: &SqlTemplate) -> AccessKind {
    let text = sql.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Param(_) => "0",
    });
    let text: String = text.collect();
    let words = lex::tokens(&text).filter(|t| t.kind == Kind::Word);
    let words: Vec<String> = words.map(|t| text[t.range].to_ascii_lowercase()).collect();
    let writes = |word: &String| matches!(word.as_str(), "insert" | "update" | "delete" | "merge");
    match words.first().map(String::as_str) {
        Some("select" | "values" | "table" | "show" | "explain") => AccessKind::Read,
        Some("with") if !words.iter().any(writes) => AccessKind::Read,
        _ => AccessKind::Write,
    }
}
