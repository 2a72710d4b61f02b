//! The scenario file as it is written: what serde reads and the JSON Schema is made from.
//! The doc comments here are the descriptions that editors show.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, OneOrMany};
use crate::layout::Layout;
use crate::scenario::{
    AccessContext, AccessKind, AppVersion, Expectation, Impact, NullTenant, Platform, SecretFormat,
    TableHints,
};
use crate::schema::Action;

/// What Watertight verifies: a timeline of migrations, the application's statements, and who owns which row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Watertight scenario")]
pub(crate) struct RawFile {
    /// What the report is headed with. The folder's name by default.
    pub(crate) title: Option<At<String>>,
    /// A few sentences for the report's introduction.
    pub(crate) summary: Option<String>,
    /// The scenario that this one is derived from: a folder beside this one, else a bundled scenario.
    /// Only what differs is stated; files are looked for in this folder first, then in the base's.
    /// `expect` is not inherited.
    pub(crate) base: Option<At<String>>,
    /// What you took for granted; printed in the report. Appended to the base's, unless given as `{ replace = […] }`.
    #[serde(default)]
    pub(crate) assumptions: RawAssumptions,
    /// The database, where there is one.
    pub(crate) database: Option<At<RawDatabase>>,
    /// The databases by name, where there are several. The first is the default of steps and access paths.
    #[serde(default)]
    pub(crate) databases: IndexMap<At<String>, RawDatabase>,
    /// Who acts.
    #[serde(default)]
    pub(crate) roles: RawRoles,
    /// Which table holds the tenants, which column carries the tenant, whom a row belongs to.
    pub(crate) tenancy: Option<At<RawTenancy>>,
    /// The migrations of another tool, of which the newest are the timeline.
    pub(crate) migrations: Option<At<RawMigrations>>,
    /// The timeline, in order. With `migrations`: what is to be said of some of them, and steps between them.
    #[serde(default)]
    pub(crate) steps: Vec<At<RawStep>>,
    /// The application's statements.
    #[serde(default)]
    pub(crate) access: Vec<At<RawAccess>>,
    /// Documented data sets, by name: loaded and driven along the timeline once, beside the cases.
    #[serde(default)]
    pub(crate) presets: IndexMap<String, RawPreset>,
    /// Columns that hold secrets, which the application encrypts.
    #[serde(default)]
    pub(crate) secrets: Vec<RawSecrets>,
    /// Expected verdicts by invariant id; compared both ways in tests.
    #[serde(default)]
    pub(crate) expect: IndexMap<String, Expectation>,
    /// What the application's model declares of the final schema: `[declared."Lead.customer_id"]`.
    #[serde(default)]
    pub(crate) declared: IndexMap<At<String>, RawDeclared>,
    /// How to make values where the schema does not say it: `[generate."Table".column]`.
    #[serde(default)]
    pub(crate) generate: IndexMap<At<String>, TableHints>,
}

/// What the application's model declares of a column.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDeclared {
    /// Whether it may be NULL.
    pub(crate) nullable: Option<bool>,
    /// What its foreign key does when the row that it points at is deleted.
    pub(crate) on_delete: Option<Action>,
}

/// Assumptions: a list, or `{ replace = […] }` in a derived scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a list of sentences, or { replace = […] }")]
pub(crate) enum RawAssumptions {
    /// Appended to the base's.
    List(Vec<String>),
    /// Instead of the base's.
    Replace(RawReplace),
}

impl Default for RawAssumptions {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// A list that stands instead of the base's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReplace {
    /// The whole list.
    pub(crate) replace: Vec<String>,
}

/// A database before the first step.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDatabase {
    /// Lowest server version, as `">=14"`.
    pub(crate) postgres: Option<At<RawVersion>>,
    /// Extensions that are installed before the baseline.
    #[serde(default)]
    pub(crate) extensions: Vec<String>,
    /// What the hosting platform brings by itself.
    #[serde(default)]
    pub(crate) platform: Platform,
    /// Any name for the server that it stands on, where databases stand on several. Those that say the same, or
    /// nothing, share one.
    pub(crate) server: Option<String>,
    /// SQL file: what the operator does as superuser before the baseline (roles, parameters).
    pub(crate) provision: Option<At<String>>,
    /// SQL file, files or patterns (`migrations/*/up.sql`, `!` in front takes away): the schema before the
    /// first step, applied as migrator. The matches of one pattern are taken in the order of their names.
    pub(crate) baseline: Option<At<OneOrMany>>,
    /// SQL file, files or patterns that make the final schema on an empty database, applied as migrator in one
    /// transaction: the application's model as its tool writes it (`prisma migrate diff --from-empty`, a folder of
    /// declarative schemas), or a dump without owners. What the steps leave is compared with it.
    pub(crate) model: Option<At<OneOrMany>>,
}

/// A version requirement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a version, as \">=14\"")]
pub(crate) enum RawVersion {
    /// `14`
    Number(u32),
    /// `">=14"`
    Text(String),
}

/// The roles that act.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRoles {
    /// The role that runs migrations and owns the schema: NOSUPERUSER NOBYPASSRLS.
    #[serde(default)]
    pub(crate) migrator: RawMigrator,
    /// The roles that the application connects as; the first is the default of access paths.
    /// By default one role `app` without a tenant context.
    #[serde(default)]
    pub(crate) app: Vec<At<RawAppRole>>,
}

/// The role that runs migrations.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMigrator {
    /// Its name; `migrator` by default.
    pub(crate) name: Option<At<String>>,
    /// Whether production gives it BYPASSRLS.
    #[serde(default)]
    pub(crate) bypass_rls: bool,
}

/// A role that the application connects as.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAppRole {
    /// Its name.
    pub(crate) name: At<String>,
    /// How the application tells the session for whom it works: a statement with `:tenant` or other parameters, run
    /// before each access path.
    pub(crate) tenant_context: Option<At<String>>,
    /// Where the parameters of the tenant context come from, as in `params` of an access path: the user whose claims
    /// are set is `user = "members.user_id"`. `:tenant` is the tenant's key unless stated otherwise.
    #[serde(default)]
    pub(crate) context_params: IndexMap<At<String>, At<RawParam>>,
    /// Whether production gives it BYPASSRLS.
    #[serde(default)]
    pub(crate) bypass_rls: bool,
    /// Roles that production makes it a member of.
    #[serde(default)]
    pub(crate) member_of: Vec<String>,
    /// In a derived scenario: take the base's role of this name away.
    #[serde(default)]
    pub(crate) remove: bool,
}

/// Who owns what.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTenancy {
    /// The table whose rows are the tenants: `Table` or `schema.Table`. A derived scenario may leave it to its base.
    pub(crate) tenants: Option<At<String>>,
    /// Its key column; the primary key's single column by default.
    pub(crate) key: Option<String>,
    /// The column that carries the tenant, in every table that has it.
    pub(crate) column: Option<String>,
    /// Tables whose tenant column has another name.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, TextOrFalse>")]
    pub(crate) columns: IndexMap<At<String>, String>,
    /// Tables that on purpose have no tenant.
    #[serde(default)]
    pub(crate) shared: Vec<At<String>>,
    /// What a row with a NULL tenant means.
    #[serde(default)]
    pub(crate) null_tenant: NullTenant,
    /// Whom a row belongs to before its column says so, per table: an SQL expression over `"row"`.
    /// A scalar subquery that finds several tenants makes the row's owner ambiguous.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, TextOrFalse>")]
    pub(crate) owner: IndexMap<At<String>, At<String>>,
}

/// The migrations of another tool: those before the range are the baseline, those in it are the steps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMigrations {
    /// Whose they are; looked for by default.
    pub(crate) layout: Option<Layout>,
    /// Their folder; looked for by default.
    pub(crate) folder: Option<At<String>>,
    /// The first one to verify, by its id or the beginning of it. By default what changed against the main branch,
    /// else the newest ten.
    pub(crate) from: Option<At<String>>,
    /// The last one to verify; the newest by default.
    pub(crate) to: Option<At<String>>,
}

/// What a migration of a history is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawKind {
    /// It changes the schema (and maybe data).
    Migrate,
    /// It fills tenant columns.
    Backfill,
}

/// One step of the timeline: exactly one of `migrate`, `backfill`, `check`, `copy`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStep {
    /// Its id: lower-case letters, digits and dashes, unique.
    pub(crate) id: At<String>,
    /// What the report calls it.
    pub(crate) title: Option<String>,
    /// The phase of the rollout that it belongs to, as the report's timeline calls it.
    pub(crate) phase: Option<String>,
    /// The database it runs on; the first by default.
    pub(crate) database: Option<At<String>>,
    /// SQL file that changes the schema (and maybe data).
    pub(crate) migrate: Option<At<String>>,
    /// SQL file that fills tenant columns, or a command: `{ run = ["npm", "run", "backfill"] }`. One that ends with
    /// another exit code than 0 failed.
    pub(crate) backfill: Option<At<RawWork>>,
    /// SQL file with queries whose rows are violations, or a command, of which any other exit code than 0 says that
    /// there are some.
    pub(crate) check: Option<At<RawWork>>,
    /// Tables to copy from one database to another.
    pub(crate) copy: Option<At<RawCopy>>,
    /// Of a step of `migrations`: what it is, where its words tell it wrong.
    pub(crate) kind: Option<At<RawKind>>,
    /// SQL file that undoes the step; `false` in a derived scenario takes the base's away.
    pub(crate) down: Option<At<TextOrFalse>>,
    /// Whether the step must refuse incomplete data: `true` for rows without a tenant, or a query that returns
    /// the rows that it must refuse.
    pub(crate) guard: Option<At<RawGuard>>,
    /// What the step may write besides tenant columns: `Table` (rows may be added; by a migration, removed too) or
    /// `Table.column`.
    #[serde(default)]
    pub(crate) writes: Vec<At<String>>,
    /// Whether tables that the timeline created until then get generated rows behind the step: `true` for all that
    /// no earlier step populates, or a list of tables. Only of a migration.
    pub(crate) populate: Option<At<RawPopulate>>,
    /// Whether a second run of the step must succeed and change nothing. Only of a migration: a backfill always must.
    pub(crate) rerunnable: Option<At<bool>>,
    /// Longest time before it is ended: seconds, or `"5m"`. 60 s by default.
    pub(crate) timeout: Option<At<RawTimeout>>,
    /// In a derived scenario, or with `migrations`: insert it behind this step.
    pub(crate) after: Option<At<String>>,
    /// In a derived scenario, or with `migrations`: insert it before this step.
    pub(crate) before: Option<At<String>>,
    /// In a derived scenario: take the base's step of this id away.
    #[serde(default)]
    pub(crate) remove: bool,
}

/// What does a step's work.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected an SQL file's path, or { run = [\"program\", \"argument\"] }")]
pub(crate) enum RawWork {
    /// An SQL file.
    File(String),
    /// A command.
    Command(RawCommand),
}

/// A command that does a step's work: it is given the database's URL in `DATABASE_URL`, as a login that acts as the
/// migrator and commits for itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCommand {
    /// The program and its arguments. No shell is involved, unless it is the program.
    pub(crate) run: Vec<String>,
    /// The folder that it runs in, below the scenario's; the scenario's own by default.
    pub(crate) folder: Option<String>,
    /// Variables of its environment, besides what the caller's has. `{name}` as the whole value is the URL of the
    /// database of that name (`{main}` where there is one only).
    #[serde(default)]
    pub(crate) env: IndexMap<String, String>,
    /// Files that the command is made of, with patterns: a change of one is a change of the scenario. Those that `run`
    /// names count by themselves.
    #[serde(default)]
    pub(crate) files: Vec<String>,
}

/// A text, or `false`, which in a derived scenario takes the base's away.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string, or false")]
pub(crate) enum TextOrFalse {
    /// A text.
    Text(String),
    /// None.
    False(bool),
}

/// What a guard must refuse.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected true, false, or a query")]
pub(crate) enum RawGuard {
    /// Rows without a tenant.
    Flag(bool),
    /// Rows that this query returns.
    Query(String),
}

/// Which tables get generated rows behind a step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected true, false, or a list of tables")]
pub(crate) enum RawPopulate {
    /// All of them, or none.
    Flag(bool),
    /// These.
    Tables(Vec<String>),
}

/// A length of time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected seconds, or a time as \"90s\", \"5m\" or \"1h\"")]
pub(crate) enum RawTimeout {
    /// Seconds.
    Seconds(u32),
    /// `"90s"`, `"5m"`, `"1h"`.
    Text(String),
}

/// A documented data set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPreset {
    /// What the report heads it with; its name by default.
    pub(crate) title: Option<String>,
    /// The database; the first by default.
    pub(crate) database: Option<At<String>>,
    /// Rows by table.
    pub(crate) rows: IndexMap<At<String>, u32>,
    /// Columns, `Table.column`, that are NULL in every one of these rows; elsewhere in them nothing is NULL.
    #[serde(default)]
    pub(crate) empty: Vec<At<String>>,
}

/// Columns that hold secrets, which the application encrypts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSecrets {
    /// The columns, as `Table.column`.
    pub(crate) columns: Vec<At<String>>,
    /// The database; the first by default.
    pub(crate) database: Option<At<String>>,
    /// How they are encrypted.
    #[serde(default)]
    pub(crate) format: SecretFormat,
    /// The key that data is made with, in hexadecimal digits. A key for tests: never one that is in use.
    pub(crate) key: At<String>,
}

/// What a copy step copies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCopy {
    /// The database to read.
    pub(crate) from: At<String>,
    /// The database to write.
    pub(crate) to: At<String>,
    /// The tables, in the order to copy them; by default all that both databases have, what is referred to first.
    /// Rows are upserted by the primary key that the table has where they go; one that is there and equal is not
    /// written.
    #[serde(default)]
    pub(crate) tables: Vec<At<String>>,
}

/// A statement that the application sends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAccess {
    /// What people call it; unique.
    pub(crate) name: At<String>,
    /// Whether it reads or writes; by default as the statement looks.
    pub(crate) kind: Option<AccessKind>,
    /// Which application sends it; `old` by default.
    pub(crate) version: Option<AppVersion>,
    /// The step after which it comes into use, or `baseline`. By default an old path is in use from the baseline,
    /// a new one from after the first step.
    pub(crate) from: Option<At<String>>,
    /// The step that retires it: it is in use until just before. `end` (the default): never retired.
    pub(crate) until: Option<At<String>>,
    /// The statement, with `:name` parameters.
    pub(crate) sql: Option<At<String>>,
    /// SQL file with the statement, instead of `sql`; `queries.sql#name` is one of its queries with `-- name:`, of which
    /// a parameter `$1` is called `p1`.
    pub(crate) file: Option<At<String>>,
    /// Where each parameter's value comes from. `:tenant` is the tenant's key unless stated otherwise.
    #[serde(default)]
    pub(crate) params: IndexMap<At<String>, At<RawParam>>,
    /// Whether the tenant context is set before it is sent.
    #[serde(default)]
    pub(crate) context: AccessContext,
    /// Who sends it; the first application role by default.
    pub(crate) role: Option<At<String>>,
    /// The database it is sent to; the first by default.
    pub(crate) database: Option<At<String>>,
    /// Who sees it fail.
    #[serde(default)]
    pub(crate) impact: Impact,
    /// Where the application has it, as `app/api/chat/route.ts:284`.
    pub(crate) source: Option<String>,
    /// SQLSTATEs that are an answer, not a failure.
    #[serde(default)]
    pub(crate) may_fail: Vec<At<String>>,
    /// What it promises, where it asks for nearest neighbours.
    pub(crate) retrieval: Option<At<RawRetrieval>>,
    /// In a derived scenario: take the base's access path of this name away.
    #[serde(default)]
    pub(crate) remove: bool,
}

/// What a read that asks for nearest neighbours promises.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRetrieval {
    /// The table that holds the vectors.
    pub(crate) table: At<String>,
    /// Their column.
    pub(crate) column: String,
    /// Rows asked for: the statement's LIMIT.
    pub(crate) limit: u32,
    /// Lowest recall of the exact answer that is acceptable, from 0 to 1.
    pub(crate) recall: f64,
    /// Dimensions of the model that embeds the question.
    pub(crate) dimension: Option<u32>,
}

/// Where a parameter's value comes from: `"Table.column"` of a generated row of the tenant, `"tenant"`,
/// a type (`"text"`) for a fresh value, or one of the tables below.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected \"Table.column\", \"tenant\", a type, { value = … }, { type = \"…\" }, { column = \"…\" } or { null = true }"
)]
pub(crate) enum RawParam {
    /// `"Table.column"`, `"schema.Table.column"`, `"tenant"` or a type.
    Short(String),
    /// Always this value.
    Value(ParamValue),
    /// A fresh value of this type, where the short form would take it for a column.
    Type(ParamType),
    /// A column of a generated row of the tenant.
    Column(ParamColumn),
    /// NULL.
    Null(ParamNull),
}

/// Always this value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParamValue {
    /// The value.
    pub(crate) value: RawScalar,
}

/// A fresh value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParamType {
    /// A type, as SQL writes it.
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

/// A column.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParamColumn {
    /// `Table.column` or `schema.Table.column`.
    pub(crate) column: String,
}

/// NULL.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParamNull {
    /// `true`
    pub(crate) null: bool,
}

/// A value, sent as text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string, a number or a boolean")]
pub(crate) enum RawScalar {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
}
