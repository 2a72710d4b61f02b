//! The scenario, parsed and resolved: what to verify.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::ident::{Ident, Relation};
use crate::layout::MigrationRange;
use crate::schema::Action;
use crate::script::Script;

/// A scenario with all of its files read.
#[derive(Clone, Debug, Serialize)]
pub struct Scenario {
    /// The folder's name: the id used on the command line.
    pub id: String,
    /// What the report is headed with.
    pub title: String,
    /// A few sentences for the report's introduction.
    pub summary: Option<String>,
    /// The scenario it is derived from.
    pub base: Option<String>,
    /// Path of the scenario file as the user knows it, for diagnostics.
    pub file: String,
    /// What the author took for granted; printed in the report.
    pub assumptions: Vec<String>,
    /// At least one; the first is the default of steps and access paths.
    pub databases: Vec<Database>,
    /// Lowest server major version.
    pub postgres_min: Option<u32>,
    /// Who acts.
    pub roles: Roles,
    /// Who owns what.
    pub tenancy: Tenancy,
    /// The timeline.
    pub steps: Vec<Step>,
    /// The migrations of a history that the timeline has, first and last by their ids; empty where the scenario names its
    /// files itself.
    pub range: MigrationRange,
    /// The application's statements.
    pub access: Vec<AccessPath>,
    /// Documented data sets.
    pub presets: Vec<Preset>,
    /// Columns that hold secrets.
    pub secrets: Vec<Secrets>,
    /// The user's own invariants.
    pub invariants: Vec<OwnInvariant>,
    /// Expected verdicts, by invariant id.
    pub expect: IndexMap<String, Expectation>,
    /// What the application's model declares of the final schema.
    pub declared: Vec<Declared>,
    /// Generation hints, by table, then column.
    pub generate: IndexMap<Relation, TableHints>,
    /// SHA-256 (hex) over the scenario file and every file it names, in a fixed order.
    pub digest: String,
}

impl Scenario {
    /// For each database the number of the server that it stands on, counted from 0 in order of appearance.
    pub fn servers(&self) -> Vec<usize> {
        let mut known: Vec<&Option<String>> = Vec::new();
        self.databases
            .iter()
            .map(|d| match known.iter().position(|s| **s == d.server) {
                Some(at) => at,
                None => {
                    known.push(&d.server);
                    known.len() - 1
                }
            })
            .collect()
    }
}

/// Index into [`Scenario::databases`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatabaseId(pub usize);

/// Index into [`Scenario::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// Index into [`Scenario::access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessId(pub usize);

/// The state between two steps: 0 is the baseline with its data, `n` the state after step `n - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checkpoint(pub usize);

impl StepId {
    /// The state that the step finds.
    pub fn before(self) -> Checkpoint {
        Checkpoint(self.0)
    }

    /// The state that the step leaves.
    pub fn after(self) -> Checkpoint {
        Checkpoint(self.0 + 1)
    }
}

/// One database of the scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Database {
    /// Its name in the scenario file; `main` when there is one only.
    pub name: String,
    /// Extensions that the harness installs before the baseline.
    pub extensions: Vec<String>,
    /// What the platform brings.
    pub platform: Platform,
    /// The server that it stands on, by any name; databases with the same one, or none, share a server.
    pub server: Option<String>,
    /// What the operator does as superuser before the first step; its own statements only, no application data.
    pub provision: Option<Script>,
    /// The schema before the first step, applied as migrator.
    pub baseline: Vec<Script>,
    /// What makes the final schema from nothing: the application's model as its tool writes it, or a dump.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub model: Vec<Script>,
}

/// What a hosting platform brings by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// A stock PostgreSQL.
    #[default]
    Plain,
    /// Supabase: roles anon, authenticated, service_role; schemas auth, storage, extensions; what its default
    /// privileges grant. The three roles are application roles, whether the scenario names them or not.
    Supabase,
    /// Neon: the migrator is a member of neon_superuser and passes row security, as roles of its console do.
    Neon,
    /// Amazon RDS and Aurora: roles rds_superuser, of which the migrator is a member, rds_iam, rds_replication and
    /// rds_password. Row security applies to the migrator.
    Rds,
}

/// The roles that act. Logins, observer and loader are the harness's own and not listed.
#[derive(Clone, Debug, Serialize)]
pub struct Roles {
    /// Name of the role that runs migrations and owns the schema.
    pub migrator: Ident,
    /// Whether production gives the migrator BYPASSRLS.
    pub migrator_bypass_rls: bool,
    /// Application roles; the first is the default of access paths. Never empty.
    pub app: Vec<AppRole>,
}

/// A role that the application connects as.
#[derive(Clone, Debug, Serialize)]
pub struct AppRole {
    /// Its name.
    pub name: Ident,
    /// How the application tells the session for whom it works: a statement with parameters, run before each
    /// access path.
    pub tenant_context: Option<SqlTemplate>,
    /// Where each parameter of the tenant context comes from.
    pub context_params: IndexMap<String, ParamSource>,
    /// BYPASSRLS, where production has it.
    pub bypass_rls: bool,
    /// Roles that it is a member of (by name), where production has it so.
    pub member_of: Vec<Ident>,
}

impl AppRole {
    /// A role of that name without attributes and without a tenant context.
    pub fn named(name: &str) -> Self {
        Self {
            name: Ident::new(name),
            tenant_context: None,
            context_params: IndexMap::new(),
            bypass_rls: false,
            member_of: Vec::new(),
        }
    }
}

/// Who owns what.
#[derive(Clone, Debug, Serialize)]
pub struct Tenancy {
    /// The table whose rows are the tenants.
    pub tenants: Relation,
    /// Its key column; the primary key's single column by default.
    pub key: Option<Ident>,
    /// The column that carries the tenant, where a table has it.
    pub column: Option<Ident>,
    /// Tables whose tenant column has another name.
    pub columns: IndexMap<Relation, Ident>,
    /// Tables that on purpose have no tenant.
    pub shared: Vec<Relation>,
    /// What a row without a tenant means.
    pub null_tenant: NullTenant,
    /// Whom a row belongs to before its column says so: an SQL expression over `"row"`, per table.
    pub owner: IndexMap<Relation, Owner>,
}

impl Tenancy {
    /// Whether an answer's column of that name holds tenants.
    pub fn is_tenant_name(&self, column: &str) -> bool {
        self.column.iter().chain(self.columns.values()).any(|c| c.as_str() == column)
    }
}

/// An owner expression and where it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Owner {
    /// An SQL expression over the alias `"row"`; a scalar subquery in parentheses may return several rows,
    /// which is an ambiguous owner.
    pub expression: String,
}

/// What a row with a NULL tenant means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NullTenant {
    /// It belongs to somebody and is not to be seen until it says whom.
    #[default]
    Hidden,
    /// It is for everybody (templates).
    Shared,
}

/// One step of the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its id, unique, kebab-case.
    pub id: String,
    /// For the report.
    pub title: Option<String>,
    /// The phase of the rollout that it belongs to, for the report.
    pub phase: Option<String>,
    /// The database it runs on; for a copy, the one that it writes.
    pub database: DatabaseId,
    /// What it is.
    pub kind: StepKind,
    /// Whether it fills tenant columns: a backfill does, and a migration may do so on its way.
    pub fills: bool,
    /// What goes up. For a copy or a command: no statement, and the path of the file that states it.
    pub up: Script,
    /// What a copy copies; `Some` exactly for [`StepKind::Copy`].
    pub copy: Option<CopySpec>,
    /// The program that does the work of a backfill or a check instead of a script.
    pub command: Option<CommandSpec>,
    /// The way back, where there is one.
    pub down: Option<Script>,
    /// Whether it must refuse incomplete data, and what that is.
    pub guard: Option<Guard>,
    /// What else it may write besides tenant columns, and besides what the UPDATEs of a migration name: `Table` (rows
    /// may be added; by a migration, removed too) or `Table.column`.
    pub writes: Vec<WriteScope>,
    /// Whether tables that the timeline created until then get rows behind it.
    pub populate: Populate,
    /// Whether it is said to do nothing when it is run a second time.
    pub rerunnable: bool,
    /// Longest time in seconds before the watchdog ends it.
    pub timeout_s: u32,
}

impl Step {
    /// Whether a transaction of the harness can hold what goes up.
    pub fn is_transactional(&self) -> bool {
        self.command.is_none() && self.up.is_transactional()
    }

    /// Whether the same is true of the way back, if there is one.
    pub fn goes_back_transactional(&self) -> bool {
        self.down.as_ref().is_none_or(Script::is_transactional)
    }

    /// Whether a transaction of the harness can hold it and what comes behind it: new values of an enum are of use
    /// after their commit only.
    pub fn is_held(&self) -> bool {
        self.is_transactional() && !self.up.adds_enum_values()
    }

    /// Whether the same is true of the way back, if there is one.
    pub fn goes_back_held(&self) -> bool {
        self.goes_back_transactional() && self.down.as_ref().is_none_or(|down| !down.adds_enum_values())
    }

    /// What goes up, as people call it: a command's line, else a file's path.
    pub fn work(&self) -> String {
        self.command.as_ref().map_or_else(|| self.up.path.clone(), CommandSpec::line_shown)
    }
}

/// Which tables get generated rows behind a step: of those that the timeline created until then and that no earlier
/// step populates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Populate {
    /// None.
    #[default]
    Nothing,
    /// All.
    Everything,
    /// These.
    Tables(Vec<Relation>),
}

impl Populate {
    /// Whether a table is meant.
    pub fn covers(&self, table: &Relation) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Tables(tables) => tables.contains(table),
        }
    }
}

/// Kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Changes the schema (and maybe data).
    Migrate,
    /// Fills tenant columns.
    Backfill,
    /// Returns violations as rows; changes nothing.
    Check,
    /// Copies tables from one database to another.
    Copy,
}

/// What a copy step copies: rows are upserted by primary key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopySpec {
    /// The database that is read.
    pub from: DatabaseId,
    /// The database that is written.
    pub to: DatabaseId,
    /// The tables in the order to copy them; none: all that both databases have.
    pub tables: Vec<Relation>,
    /// 1-based line of the scenario file.
    pub line: u32,
}

/// A program of the user's that does a step's work, on a connection of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandSpec {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// The folder that it runs in.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The same relative to the scenario's folder, for people.
    pub folder_shown: String,
    /// Variables of its environment, besides those that name the database.
    pub variables: IndexMap<String, Variable>,
    /// 1-based line of the scenario file, where nothing else is to blame.
    pub line: Option<u32>,
}

/// What a variable of a command's environment holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Variable {
    /// A text.
    Text(String),
    /// The URL of a database.
    Url(DatabaseId),
}

impl CommandSpec {
    /// The command as one types it.
    pub fn line_shown(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
        let word = |word: &String| match !word.is_empty() && word.chars().all(plain) {
            true => word.clone(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        };
        self.words.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// What a guard must refuse.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Rows whose tenant column is NULL.
    NullTenant,
    /// Rows that this query returns (read as ground truth, past row security).
    Query(String),
}

/// Something that a backfill may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriteScope {
    /// The table.
    pub table: Relation,
    /// One column of existing rows; `None`: rows may be added.
    pub column: Option<Ident>,
}

/// A statement with `:name` parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SqlTemplate {
    /// Text and parameters in turn.
    pub pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// A parameter's name.
    Param(String),
}

impl SqlTemplate {
    /// Names of its parameters, in order of first use.
    pub fn params(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for piece in &self.pieces {
            if let Piece::Param(name) = piece
                && !names.contains(&name.as_str())
            {
                names.push(name.as_str());
            }
        }
        names
    }

    /// The statement with each parameter replaced by what `literal` gives for its name
    /// (an SQL literal, quoted already). A parameter without a value is the error.
    pub fn render(&self, literal: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let mut sql = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Param(name) => sql.push_str(&literal(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(sql)
    }
}

/// A statement that the application sends.
#[derive(Clone, Debug, Serialize)]
pub struct AccessPath {
    /// Its name, unique: what people call it.
    pub name: String,
    /// Whether it reads or writes.
    pub kind: AccessKind,
    /// Which application sends it.
    pub version: AppVersion,
    /// First checkpoint at which it is in use.
    pub from: Checkpoint,
    /// Last checkpoint at which it is in use.
    pub until: Checkpoint,
    /// The statement.
    pub sql: SqlTemplate,
    /// Where each parameter comes from.
    pub params: IndexMap<String, ParamSource>,
    /// Whether the tenant context is set before it is sent.
    pub context: AccessContext,
    /// Who sends it.
    pub role: Ident,
    /// The database it is sent to.
    pub database: DatabaseId,
    /// What its failure means.
    pub impact: Impact,
    /// Where the application has it (`app/api/chat/route.ts:284`), for the report.
    pub source: Option<String>,
    /// SQLSTATEs that are an answer, not a failure.
    pub may_fail: Vec<String>,
    /// What it promises, where it asks for nearest neighbours.
    pub retrieval: Option<Retrieval>,
}

/// What a read that asks for nearest neighbours promises.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retrieval {
    /// The table that holds the vectors.
    pub table: Relation,
    /// Their column.
    pub column: Ident,
    /// Rows asked for.
    pub limit: u32,
    /// Lowest recall of the exact answer that is acceptable, from 0 to 1.
    pub recall: f64,
    /// Dimensions of the model that embeds the question, where that is known.
    pub dimension: Option<u32>,
}

/// An invariant of the user's: the rows that its query returns are violations.
#[derive(Clone, Debug, Serialize)]
pub struct OwnInvariant {
    /// Its id, kebab-case.
    pub id: String,
    /// What holds, in a sentence.
    pub title: String,
    /// Why it matters.
    pub why: Option<String>,
    /// First checkpoint at which it is asked.
    pub from: Checkpoint,
    /// Last checkpoint at which it is asked.
    pub until: Checkpoint,
    /// Nothing says from when on it holds: then rows that it returns before the first step are not held against the
    /// steps.
    pub is_from_the_start: bool,
    /// The database that is asked.
    pub database: DatabaseId,
    /// The query, with every name qualified by its schema.
    pub sql: String,
    /// Its file.
    pub file: String,
    /// The line at which it begins.
    pub line: u32,
}

/// Read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// Returns rows, changes nothing.
    Read,
    /// Changes rows.
    Write,
}

/// Which application sends an access path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppVersion {
    /// The one deployed before the migration.
    Old,
    /// The one written for the migration.
    New,
}

/// Whether the application sets the tenant context first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessContext {
    /// It does, if its role has one.
    #[default]
    Tenant,
    /// It does not.
    None,
}

/// What an access path's failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// Users of the application see it.
    #[default]
    Production,
    /// Developers see it (seed scripts, fixtures).
    Development,
}

/// A documented data set: so many rows in each table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preset {
    /// What the report heads it with.
    pub title: String,
    /// The database.
    pub database: DatabaseId,
    /// Rows by table, in the order of the file.
    pub rows: Vec<(Relation, u32)>,
    /// Columns that are NULL in every row; in the others nothing is.
    pub empty: Vec<(Relation, Ident)>,
}

/// Columns that hold secrets, which the application encrypts.
#[derive(Clone, Debug, Serialize)]
pub struct Secrets {
    /// The database.
    pub database: DatabaseId,
    /// The columns; never empty.
    pub columns: Vec<(Relation, Ident)>,
    /// How they are encrypted.
    pub format: SecretFormat,
    /// The key that data is made with, of the length that the format asks for.
    #[serde(skip)]
    pub key: Vec<u8>,
}

/// How a secret is encrypted and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum SecretFormat {
    /// AES-256-GCM with a 16-byte IV and a 16-byte tag, written `iv:authTag:encrypted`, each in base64.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
}

impl SecretFormat {
    /// Length of its key in bytes.
    pub fn key_length(self) -> usize {
        match self {
            Self::Aes256Gcm => 32,
        }
    }
}

/// Where a parameter's value comes from. Within one sending, all columns of one table come from one row,
/// and rows of different tables belong to the tenant that sends.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamSource {
    /// The tenant's key.
    Tenant,
    /// A column of a generated row of the tenant.
    Column {
        /// The table.
        table: Relation,
        /// Its column.
        column: Ident,
    },
    /// A fresh value of that type (`text`, `uuid`, `timestamptz`, an enum's name, …).
    Fresh(String),
    /// A value as written, as text; `None` is NULL.
    Fixed(Option<String>),
}

/// What the application's model declares of a column of the final schema.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Declared {
    /// The table.
    pub table: Relation,
    /// Its column.
    pub column: Ident,
    /// Whether it may be NULL, where that is declared.
    pub nullable: Option<bool>,
    /// What its foreign key does when the row that it points at is deleted, where that is declared.
    pub on_delete: Option<Action>,
}

/// An expected verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// Nothing found, and exercised.
    Held,
    /// At least one finding.
    Violated,
    /// Could not be decided.
    Inconclusive,
    /// Has no subject here.
    NotApplicable,
}

/// Generation hints of one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct TableHints {
    /// By column name.
    pub columns: IndexMap<String, ColumnHint>,
}

/// How to make a column's values, where the schema does not say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnHint {
    /// One of these values, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<String>>,
    /// Lowest and highest value, as text, both inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[String; 2]>,
    /// A regular expression that values match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Always this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// A kind of realistic value: `name`, `email`, `company`, `sentence`, `url`, `city`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fake: Option<String>,
    /// Share of NULLs, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_share: Option<f64>,
    /// Whether live rows refer to rows of other tenants through this column, so that some of those that are made do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub across_tenants: bool,
}
