//! The application's statements, from files of named queries, dumps and logs: what each parameter is, and whether the
//! statement works before the first step.

use std::path::{Path, PathBuf};

use watertight_scenarios::queries::{Use, Uses, queries, sent};
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

/// A file of named queries that is larger than this holds something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A dump or a log that is larger than this is not read by itself.
const DUMP_BYTES_MAX: u64 = 64 << 20;

/// What dumps and logs are called.
const DUMPS: [&str; 5] = ["csv", "json", "jsonl", "log", "txt"];

/// Statements that are taken of one dump: those that were sent most often.
const SENT_MAX: usize = 100;

/// SQLSTATEs of a statement that speaks of what is not there.
const NOT_THERE: [&str; 5] = ["42P01", "42703", "42883", "42704", "3F000"];

/// SQLSTATE of what is no statement.
const SYNTAX_ERROR: &str = "42601";

/// A statement of the application's.
#[derive(Clone, Debug)]
pub(super) struct Query {
    /// Unique among all of them.
    pub(super) name: String,
    /// The file of named queries and its name there, as the scenario file writes them; `None` for a statement that was
    /// seen in a dump or a log, which the scenario file states itself.
    pub(super) file: Option<String>,
    /// Its file and line.
    pub(super) source: String,
    /// The statement, with `:name` parameters.
    pub(super) sql: String,
    template: SqlTemplate,
    /// Whether it works before the first step.
    pub(super) is_old: bool,
    /// Whether it is no statement at all: a dump may have cut it off.
    is_broken: bool,
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

/// The named queries of a repository, and the statements of dumps and logs beside them and of those that are named. What
/// is no statement with parameters is left out.
///
/// # Errors
/// The named file that cannot be read, or holds nothing of the kind, and why.
pub(super) fn find(root: &Path, dumps: &[PathBuf]) -> Result<Vec<Query>, (PathBuf, String)> {
    let mut found: Vec<Query> = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        for name in names {
            let path = root.join(folder).join(&name);
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            let bytes_max = if extension == "sql" { FILE_BYTES_MAX } else { DUMP_BYTES_MAX };
            let known = extension == "sql" || DUMPS.contains(&extension);
            let small = std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= bytes_max);
            let Some(text) = (known && small).then(|| std::fs::read_to_string(&path).ok()).flatten() else {
                continue;
            };
            let shown = format!("{folder}/{name}");
            if extension == "sql" {
                add_named(&mut found, &shown, &text);
            } else {
                add_sent(&mut found, &shown, &text);
            }
        }
    }
    for path in dumps {
        let text = std::fs::read_to_string(path).map_err(|e| (path.clone(), e.to_string()))?;
        if !add_sent(&mut found, &path.display().to_string(), &text) {
            let why =
                "it is neither a dump of pg_stat_statements (CSV, JSON, what psql prints) nor a server log";
            return Err((path.clone(), why.to_owned()));
        }
    }
    Ok(found)
}

fn add_named(found: &mut Vec<Query>, shown: &str, text: &str) {
    for query in queries(text) {
        let file = Some(format!("{shown}#{}", query.name));
        add(found, query, file, shown);
    }
}

/// Whether the text is a dump or a log. The same statement may stand in several.
fn add_sent(found: &mut Vec<Query>, shown: &str, text: &str) -> bool {
    let Some(statements) = sent(text) else { return false };
    for query in statements {
        if found.iter().all(|known| known.file.is_some() || known.sql != query.sql) {
            add(found, query, None, shown);
        }
    }
    true
}

fn add(
    found: &mut Vec<Query>,
    query: watertight_scenarios::queries::Query,
    file: Option<String>,
    shown: &str,
) {
    let Ok(template) = SqlTemplate::parse(&query.sql) else { return };
    let unique = found.iter().all(|q| q.name != query.name);
    let stem = Path::new(shown).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    found.push(Query {
        name: if unique { query.name } else { format!("{stem}: {}", query.name) },
        file,
        source: format!("{shown}:{}", query.line),
        sql: query.sql,
        template,
        is_old: true,
        is_broken: false,
    });
}

/// The statements that are the application's: of those that were seen on a server, which has others too, those that are
/// about its tables, and the most frequent. The others are told in a sentence.
pub(super) fn of_the_application<'q>(
    all: &'q [Query],
    schemas: &Schemas<'_>,
) -> (Vec<&'q Query>, Option<String>) {
    let (mut kept, mut taken, mut left_out) = (Vec::new(), 0, 0);
    for query in all {
        if query.file.is_some() {
            kept.push(query);
        } else if !query.is_broken && query.is_about(schemas) {
            taken += 1;
            if taken <= SENT_MAX {
                kept.push(query);
            } else {
                left_out += 1;
            }
        }
    }
    let told = (left_out > 0).then(|| {
        format!("{left_out} statements that were seen on the server are left out: {SENT_MAX} were sent more often.")
    });
    (kept, told)
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
        self.is_broken = sqlstate == Some(SYNTAX_ERROR);
    }

    /// Whether it names a table of the application's.
    fn is_about(&self, schemas: &Schemas<'_>) -> bool {
        Uses::of(&self.sql).tables.iter().any(|(_, table)| schemas.table(table).is_some())
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
