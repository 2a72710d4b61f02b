//! The application's statements, from files of named queries: what each parameter is, and whether the statement works
//! before the first step.

use std::path::Path;

use watertight_scenarios::queries::{Use, Uses, queries};
use watertight_scenarios::scenario::SqlTemplate;
use watertight_scenarios::schema::Table;
use watertight_scenarios::{Ident, Relation, Schema};

use super::tenancy::Tenants;

/// Folders in which files of named queries are looked for.
const FOLDERS: [&str; 9] = [
    "queries",
    "query",
    "db/queries",
    "db/query",
    "sql/queries",
    "database/queries",
    "internal/db/queries",
    "src/queries",
    "resources/sql",
];

/// A file larger than this holds something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// SQLSTATEs of a statement that speaks of what is not there.
const NOT_THERE: [&str; 5] = ["42P01", "42703", "42883", "42704", "3F000"];

/// A named query.
#[derive(Clone, Debug)]
pub(super) struct Query {
    /// Unique among all of them.
    pub(super) name: String,
    /// Its file and its name there, as the scenario file writes them.
    pub(super) file: String,
    /// Its file and line.
    pub(super) source: String,
    /// The statement, with `:name` parameters.
    sql: String,
    template: SqlTemplate,
    /// Whether it works before the first step.
    pub(super) is_old: bool,
}

/// Where a parameter comes from, as the scenario file writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The tenant.
    Tenant,
    /// A column of a generated row.
    Column(Relation, Ident),
    /// A fresh value of that type.
    Fresh(String),
    /// A number.
    Value(u32),
}

/// The named queries of a repository. What is no statement with parameters is left out.
pub(super) fn find(root: &Path) -> Vec<Query> {
    let mut found: Vec<Query> = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.retain(|n| n.ends_with(".sql"));
        names.sort();
        for name in names {
            let path = root.join(folder).join(&name);
            let small = std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= FILE_BYTES_MAX);
            let Some(text) = small.then(|| std::fs::read_to_string(&path).ok()).flatten() else { continue };
            for query in queries(&text) {
                let Ok(template) = SqlTemplate::parse(&query.sql) else { continue };
                let unique = found.iter().all(|q| q.name != query.name);
                let stem = name.trim_end_matches(".sql");
                found.push(Query {
                    name: if unique { query.name.clone() } else { format!("{stem}: {}", query.name) },
                    file: format!("{folder}/{name}#{}", query.name),
                    source: format!("{folder}/{name}:{}", query.line),
                    sql: query.sql,
                    template,
                    is_old: true,
                });
            }
        }
    }
    found
}

impl Query {
    /// The statement with numbered parameters, as the server prepares it.
    pub(super) fn prepared(&self) -> String {
        let names: Vec<String> = self.template.params().into_iter().map(str::to_owned).collect();
        let number = |name: &str| names.iter().position(|n| n == name).map(|n| format!("${}", n + 1));
        self.template.render(number).unwrap_or_else(|_| self.sql.clone())
    }

    /// Notes what the server said of it before the first step.
    pub(super) fn heard(&mut self, sqlstate: Option<&str>) {
        self.is_old = !sqlstate.is_some_and(|s| NOT_THERE.contains(&s));
    }

    /// Its parameters with their sources; `None` for those of which nothing is known.
    pub(super) fn params(&self, schemas: &Schemas<'_>) -> Vec<(String, Option<Source>)> {
        let uses = Uses::of(&self.sql);
        let params = self.template.params().into_iter().map(|name| {
            let used = uses.params.iter().find(|(n, _)| n == name).and_then(|(_, u)| u.as_ref());
            let source = match used {
                _ if name == "tenant" => Some(Source::Tenant),
                Some(used) => schemas.source(used, &uses),
                None => None,
            };
            (name.to_owned(), source)
        });
        params.collect()
    }
}

/// What is known of columns.
pub(super) struct Schemas<'s> {
    pub(super) before: &'s Schema,
    pub(super) after: &'s Schema,
    pub(super) tenants: &'s Tenants,
}

impl Schemas<'_> {
    fn table(&self, name: &Relation) -> Option<&Table> {
        let exact = |schema: &'_ Schema| schema.tables.iter().position(|t| t.name == *name);
        let alike = |schema: &'_ Schema| schema.tables.iter().position(|t| t.name.name == name.name);
        let at = |schema| exact(schema).or_else(|| alike(schema));
        at(self.after)
            .map(|n| &self.after.tables[n])
            .or_else(|| at(self.before).map(|n| &self.before.tables[n]))
    }

    fn source(&self, used: &Use, uses: &Uses) -> Option<Source> {
        let (table, column, written) = match used {
            Use::Limit => return Some(Source::Value(20)),
            Use::Offset => return Some(Source::Value(0)),
            Use::Written { table, column } => (self.table(table)?, column, true),
            Use::Compared { of, column } => {
                let named = uses.tables.iter().filter(|(alias, _)| of.as_ref().is_none_or(|of| of == alias));
                let mut having =
                    named.filter_map(|(_, t)| self.table(t)).filter(|t| t.column(column).is_some());
                (having.next()?, column, false)
            }
        };
        let found = table.column(column)?;
        let is_key =
            table.name == self.tenants.table && self.tenants.key_in(self.after).as_ref() == Some(column);
        if self.tenants.column_of(table).as_ref() == Some(column) || (is_key && !written) {
            return Some(Source::Tenant);
        }
        let filled = |t: &Relation, c: &Ident| self.before.table(t).is_some_and(|t| t.column(c).is_some());
        // A key of several columns keeps rows together, too; the shorter one says more.
        let old = self.before.table(&table.name).into_iter().flat_map(|t| &t.foreign_keys);
        let keys = table.foreign_keys.iter().chain(old).filter(|f| f.columns.contains(column));
        if let Some(key) = keys.min_by_key(|f| f.columns.len())
            && let Some(target) = key.columns.iter().position(|c| c == column).map(|n| &key.target_columns[n])
            && filled(&key.target, target)
        {
            return Some(Source::Column(key.target.clone(), target.clone()));
        }
        if !written && filled(&table.name, column) {
            return Some(Source::Column(table.name.clone(), column.clone()));
        }
        Some(Source::Fresh(found.ty.name.clone()))
    }
}
