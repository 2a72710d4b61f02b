//! Evidence that only some kinds of scenario have. Every field may be empty; a section of the report
//! appears when its evidence is there.

use serde::{Deserialize, Serialize};

use super::{Fact, LargeReport, Strength};

/// What only some scenarios have to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// What the database said before the timeline and says after it, in the order of the schema.
    pub state: Vec<StateChange>,
    /// Attempts that the database answers otherwise after the timeline than before it, in the order of the schema.
    pub behaviour: Vec<BehaviourChange>,
    /// Documented data sets that were loaded and migrated.
    pub presets: Vec<PresetReport>,
    /// Indexes that reads rest on, with what was measured of them.
    pub indexes: Vec<IndexReport>,
    /// How the verdicts compare with those that the scenario expects; `None` when it expects nothing.
    pub expectations: Option<Expectations>,
    /// Failures that were known before the run, in the order of their ids.
    pub known: Vec<KnownFailure>,
    /// Violations that were seen once and not again on the same data.
    pub flaky: Vec<Flaky>,
    /// Which shapes the generated data had, by table.
    pub scope: Vec<TableScope>,
    /// One large case, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large: Option<LargeReport>,
    /// What the checks are worth, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
}

/// The shapes that rows of a table can have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableScope {
    /// The database, if there are several.
    #[serde(default)]
    pub database: Option<String>,
    /// The table.
    pub table: String,
    /// Each shape, measured from the rows.
    pub shapes: Vec<ShapeCount>,
    /// Of the ways in which two of its values can be missing and there, those that some case had.
    #[serde(default)]
    pub pairs: Share,
}

/// So many of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Those that were there.
    pub reached: usize,
    /// How many there are.
    pub all: usize,
}

/// A shape, and in how many cases it was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeCount {
    /// In words: `workspaceId NULL`, `(provider) twice in one tenant`.
    pub shape: String,
    /// Cases that had it.
    pub cases: u64,
}

/// A failure of an earlier run that was played again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFailure {
    /// Its id, which is that of the finding.
    pub id: String,
    /// The finding's title.
    pub title: String,
    /// The invariant that it violates.
    pub invariant: String,
    /// What became of it.
    pub outcome: KnownOutcome,
    /// Why it could not be run, or what else its data shows.
    pub note: Option<String>,
}

/// What became of a known failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownOutcome {
    /// It fails as before.
    Failed,
    /// Its data exercises the check, and it fails no more.
    Fixed,
    /// Nothing can be said.
    CannotRun,
}

/// A violation that did not show again on the same data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaky {
    /// The invariant.
    pub invariant: String,
    /// In a few words.
    pub title: String,
    /// What was seen the first time, in a sentence.
    pub message: String,
    /// Seed of the case.
    pub seed: u64,
    /// What was done and seen the first time, one line each.
    pub first: Vec<String>,
    /// The same, the second time.
    pub second: Vec<String>,
}

/// One fact about the database before and after the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateChange {
    /// What it is about: a column, a constraint, a policy, a count.
    pub subject: String,
    /// Before the first step; `None`: was not there.
    pub before: Option<String>,
    /// After the last step; `None`: is not there any more.
    pub after: Option<String>,
    /// Whether the state after is as it should be; `None` for a mere fact.
    pub ok: Option<bool>,
}

/// One attempt, made before the first step and again after the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BehaviourChange {
    /// What was attempted, in words: `insert into Lead without customer_id`.
    pub attempt: String,
    /// The statement of one attempt.
    pub sql: String,
    /// Before the first step.
    pub before: Answered,
    /// After the last step.
    pub after: Answered,
}

/// How a number of attempts was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answered {
    /// Attempts.
    pub tried: u64,
    /// Those that were refused.
    pub refused: u64,
    /// What the server said to one that was refused.
    pub answer: Option<String>,
}

/// A documented data set, loaded as it is described and driven along the timeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PresetReport {
    /// Its name: `documented row counts`, `seed data`.
    pub title: String,
    /// One a table, in the order of the data set.
    pub tables: Vec<PresetTable>,
    /// What was measured of it besides the counts. One that is not as it should be keeps the scenario from being held.
    pub facts: Vec<Fact>,
    /// Columns that steps drop, with what was in them.
    pub dropped: Vec<DroppedColumn>,
    /// What the steps took on it together, milliseconds.
    pub ms: f64,
}

impl PresetReport {
    /// Whether everything that was measured of it is as it should be.
    pub fn is_as_documented(&self) -> bool {
        self.facts.iter().all(|fact| fact.ok != Some(false))
    }
}

/// A column that a step drops, in a documented data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedColumn {
    /// The step.
    pub step: String,
    /// The column, with its table.
    pub column: String,
    /// Rows of the table.
    pub rows: u64,
    /// Those of them with a value in the column.
    pub filled: u64,
    /// Whether the way back brings everything back; `None` when there is none, or it was refused.
    pub restored: Option<bool>,
}

/// One table of a preset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PresetTable {
    /// The table.
    pub table: String,
    /// Rows loaded.
    pub rows: u64,
    /// Rows that carry their tenant at the end; `None` where the table has no tenant column.
    pub with_tenant: Option<u64>,
    /// The tables by way of which its rows came to their tenant before the timeline, the nearest first.
    pub through: Vec<String>,
    /// What the steps took that wrote to it, milliseconds, where it can be told apart.
    pub ms: Option<f64>,
}

/// An index and what was measured of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexReport {
    /// The database, if there are several.
    pub database: Option<String>,
    /// The table.
    pub table: String,
    /// The index.
    pub name: String,
    /// Access method: btree, hnsw, ivfflat.
    pub method: String,
    /// Its definition, as the server prints it.
    pub definition: String,
    /// `indisvalid`.
    pub valid: bool,
    /// Most rows, over the cases, in the table when it was built.
    pub rows_when_built: Option<u64>,
    /// Times the planner was asked for a plan of a read that it is meant for, and times it used the index.
    pub plans: Option<Plans>,
    /// Lowest recall of the exact answer over the tenants asked, and the floor that is declared.
    pub recall: Option<Recall>,
}

/// Plans asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plans {
    /// Plans asked for.
    pub asked: u64,
    /// Those with the index in them.
    pub used: u64,
}

/// Recall of the exact answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// Tenants asked.
    pub tenants: u64,
    /// Lowest recall among them, from 0 to 1.
    pub lowest: f64,
    /// What the scenario declares as acceptable, from 0 to 1.
    pub floor: Option<f64>,
}

/// Verdicts against those that the scenario expects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expectations {
    /// Expected verdicts that were met.
    pub met: u64,
    /// Those that were not, in words: `rollback-data: expected held, found violated`.
    pub unmet: Vec<String>,
}

/// A table lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHeld {
    /// The table.
    pub table: String,
    /// As `pg_locks.mode` says it: `AccessExclusiveLock`.
    pub mode: String,
}

/// A table that was copied to another database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedTable {
    /// The table.
    pub table: String,
    /// Rows in the source.
    pub source_rows: u64,
    /// Rows in the target afterwards.
    pub target_rows: u64,
    /// Whether the contents were compared and equal; `None`: not compared.
    pub equal: Option<bool>,
}

/// What the server should do with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expects {
    /// Refuse it.
    Refusal,
    /// Accept it.
    Acceptance,
}
