//! The report as data: what `report.json` holds and what every renderer reads. All of it is measured.
//!
//! Sentences (titles, messages, causes, remedies, reasons, facts, changes, subjects) may mark names and values
//! with single backticks; a renderer shows them as code. Everything else is shown as it stands.

use serde::{Deserialize, Serialize};

mod checks;
mod evidence;
mod large;
mod strength;

pub use checks::*;
pub use evidence::*;
pub use large::*;
pub use strength::*;

/// Version of the shape of `report.json`; raised when a consumer would have to change.
pub const SCHEMA_VERSION: u32 = 1;

/// One run of `watertight verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// The server that was measured.
    pub server: Server,
    /// Seed of all cases.
    pub seed: u64,
    /// What the run was asked to do.
    pub settings: Settings,
    /// Verdict over all scenarios.
    pub verdict: Verdict,
    /// When the run started, RFC 3339, UTC; the only absolute time in a report.
    pub started_at: String,
    /// Whole run, milliseconds.
    pub ms: f64,
    /// Why the run ended before all was asked (an interrupt, a lost server); `None` when it did not.
    #[serde(default)]
    pub incomplete: Option<String>,
    /// One entry a scenario, in the order in which they were asked for.
    pub scenarios: Vec<ScenarioReport>,
}

impl Report {
    /// The same report with every time and duration at zero: what two runs with one seed have in common.
    pub fn without_times(mut self) -> Self {
        self.started_at.clear();
        self.ms = 0.0;
        for scenario in &mut self.scenarios {
            scenario.ms = 0.0;
            for step in &mut scenario.steps {
                step.ms = 0.0;
                step.down_ms = step.down_ms.map(|_| 0.0);
                step.timings.iter_mut().for_each(|timing| timing.ms = 0.0);
            }
            if let Some(strength) = &mut scenario.evidence.strength {
                strength.ms = 0.0;
            }
            if let Some(large) = &mut scenario.evidence.large {
                large.load_ms = 0.0;
                large.steps.iter_mut().for_each(|step| step.ms = 0.0);
                large.answers.iter_mut().for_each(|answer| answer.ms = 0.0);
            }
            for preset in &mut scenario.evidence.presets {
                preset.ms = 0.0;
                for table in &mut preset.tables {
                    table.ms = table.ms.map(|_| 0.0);
                }
            }
        }
        self
    }
}

/// Name and version of the tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `watertight`.
    pub name: String,
    /// Semantic version.
    pub version: String,
}

/// The server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// container, embedded or existing.
    pub provider: String,
    /// `server_version`.
    pub version: String,
    /// pgvector's version, if it is there.
    pub pgvector: Option<String>,
    /// Pinned settings that matter to results (time zone, locale, collation), `name=value`.
    pub settings: Vec<String>,
    /// Known defects of this release by which row security lets something through.
    #[serde(default)]
    pub engine_defects: Vec<EngineDefect>,
}

/// A defect of the server itself, which no migration mends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineDefect {
    /// Its CVE.
    pub id: String,
    /// What comes of it, in a few words.
    pub what: String,
    /// The first release of the same major version without it.
    pub mended_in: String,
}

/// What the run was asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Cases a scenario.
    pub cases: u32,
    /// Invariants asked for; empty means all.
    pub only: Vec<String>,
    /// Invariants left out.
    pub skip: Vec<String>,
}

/// What is said of a check, a scenario or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Has no subject here.
    NotApplicable,
    /// Exercised, and nothing found.
    Held,
    /// Could not be decided.
    Inconclusive,
    /// At least one finding.
    Violated,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Development only, or a matter of wording.
    Low,
    /// To be decided before release.
    Medium,
    /// Some tenants are hit.
    High,
    /// Data is lost, leaked, or production stops.
    Critical,
}

/// One scenario's results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its summary, as the scenario says it.
    pub summary: Option<String>,
    /// SHA-256 over its files, hex.
    pub digest: String,
    /// Where it was read, so that it can be read again; nothing for a bundled one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Verdict over its checks.
    pub verdict: Verdict,
    /// What its author took for granted, and what the harness assumed.
    pub assumptions: Vec<String>,
    /// The timeline, as measured.
    pub steps: Vec<StepReport>,
    /// Tables with a tenant, and the tenants' table.
    pub tables: Vec<TableReport>,
    /// Access paths against checkpoints.
    pub access: Vec<AccessReport>,
    /// Generated data over all cases.
    pub data: DataReport,
    /// One entry an invariant, in catalog order.
    pub checks: Vec<CheckReport>,
    /// What only some kinds of scenario have: before and after, presets, indexes, acceptance.
    #[serde(default)]
    pub evidence: Evidence,
    /// Milliseconds.
    pub ms: f64,
}

/// Where a scenario that is not bundled was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Its file, as the user named it.
    pub file: String,
    /// What stood in that file, where there is none: a scenario that was made from migrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The first migration of its timeline, where it has a history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// How much was generated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataReport {
    /// Cases driven along the timeline.
    pub cases: u64,
    /// Worlds in them, together.
    pub worlds: u64,
    /// Rows in them, together.
    pub rows: u64,
    /// Rows or columns that could not be made, each with the constraint that refused it.
    pub not_made: Vec<String>,
}

/// One step, as measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its id.
    pub id: String,
    /// The database that it runs on, if there are several.
    #[serde(default)]
    pub database: Option<String>,
    /// The phase that it belongs to, where the timeline has phases: `Phase 1: backfill`.
    #[serde(default)]
    pub phase: Option<String>,
    /// The command that it runs instead of a file: `npm run backfill`.
    #[serde(default)]
    pub command: Option<String>,
    /// migrate, backfill, check, copy.
    pub kind: String,
    /// Title of the scenario, or the file's name.
    pub title: String,
    /// The SQL file, relative to the scenario.
    pub file: String,
    /// The way back's file.
    pub down_file: Option<String>,
    /// Whether it must refuse incomplete data.
    pub guard: bool,
    /// Statements in it.
    pub statements: u32,
    /// Median over the cases, milliseconds.
    pub ms: f64,
    /// Its statements in order, with the median of each.
    #[serde(default)]
    pub timings: Vec<StatementTime>,
    /// Rows written over the measured cases, by table, in table order.
    pub rows_written: Vec<TableCount>,
    /// What it changed in the catalogs, in words: `adds column Connection.workspaceId text, nullable`.
    pub changes: Vec<String>,
    /// What its way back restores or leaves, in words, as measured; empty without one.
    pub down_changes: Vec<String>,
    /// Text of the way back, for the rollback plan.
    pub down_sql: Option<String>,
    /// Cases in which it applied in the end (a check: passed).
    pub applied: u64,
    /// Times it was refused (a check: reported rows). A packed case goes on without the worlds that a step
    /// refuses, so that one case may count several times here and still count as applied.
    pub refused: u64,
    /// Table locks that it was seen to hold at its end, strongest first.
    #[serde(default)]
    pub locks: Vec<LockHeld>,
    /// Tables that it copied, in the order in which it did.
    #[serde(default)]
    pub copied: Vec<CopiedTable>,
    /// Median of the way back over the cases that took it, milliseconds.
    #[serde(default)]
    pub down_ms: Option<f64>,
    /// What the way back was seen not to bring back, in words, with counts.
    #[serde(default)]
    pub not_restored: Vec<String>,
}

/// A statement of a step, and how long it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementTime {
    /// 1-based line in the step's file.
    pub line: u32,
    /// Its text.
    pub sql: String,
    /// Median over the cases, milliseconds.
    pub ms: f64,
}

/// Rows of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCount {
    /// The table.
    pub table: String,
    /// Rows.
    pub rows: u64,
}

/// One table, as measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableReport {
    /// The database, if there are several.
    pub database: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tenant column in the final schema, if any.
    pub tenant_column: Option<String>,
    /// The facts of the final schema that tenancy rests on: type, nullability, foreign key and action,
    /// unique keys, indexes, row security. `ok` says whether the fact is as it should be; `None`: a mere fact.
    pub facts: Vec<Fact>,
    /// Rows over all cases, each counted when it was last seen: at the end of the timeline, or where a step refused
    /// its tenant.
    pub rows: u64,
    /// Rows that lacked a tenant when the column came.
    pub rows_without_tenant_before: u64,
    /// Rows that lack a tenant at the end of the timeline.
    pub rows_without_tenant: u64,
    /// Rows without a tenant that a step refused on the way.
    #[serde(default)]
    pub rows_without_tenant_refused: u64,
    /// Verdict over the findings that name the table.
    pub status: Verdict,
}

/// One measured fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What was measured, in words.
    pub text: String,
    /// Whether it is as it should be; `None` for a mere fact.
    pub ok: Option<bool>,
}

/// One access path against the checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccessReport {
    /// Its name.
    pub name: String,
    /// The database that it is sent to, if there are several.
    #[serde(default)]
    pub database: Option<String>,
    /// read or write.
    pub kind: String,
    /// old or new.
    pub version: String,
    /// production or development.
    pub impact: String,
    /// Where the application has it.
    pub source: Option<String>,
    /// The statement, with its parameters' names.
    pub sql: String,
    /// One a checkpoint, in order.
    pub cells: Vec<AccessCell>,
}

/// An access path at one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessCell {
    /// `baseline`, or the id of the step before it.
    pub checkpoint: String,
    /// What was seen.
    pub outcome: AccessOutcome,
}

/// What an access path met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AccessOutcome {
    /// Not in use at this checkpoint.
    NotInUse,
    /// In use, but nothing could be sent.
    NotExercised,
    /// Sent, and answered each time.
    Works {
        /// Times sent.
        sent: u64,
    },
    /// Refused at least once.
    Fails {
        /// Times sent.
        sent: u64,
        /// Times refused.
        refused: u64,
        /// SQLSTATE of the first refusal.
        sqlstate: String,
        /// Its message.
        message: String,
    },
}
