//! What the invariants found: outcomes that cannot claim more than was exercised, probes, findings,
//! counterexamples.

use std::num::NonZeroU64;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{Expects, Severity, Verdict};

/// One invariant's result on one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Its id.
    pub invariant: String,
    /// What holds, in one sentence.
    pub title: String,
    /// Verdict with what belongs to it.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
    /// What was tried, by subject (a constraint, a step, a table, an access path), in a stable order.
    pub probes: Vec<ProbeReport>,
    /// Subjects that were not exercised, and how to exercise them.
    pub not_exercised: Vec<String>,
    /// What was seen and is worth telling. No verdict hangs on it, also where the check does not apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<RemarkReport>,
}

/// What was seen and is no violation, once for each subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemarkReport {
    /// What it is about: `invoice.number`.
    pub subject: String,
    /// The table it concerns, if one.
    pub table: Option<String>,
    /// What was seen, with names and numbers.
    pub message: String,
    /// Cases that showed it.
    pub cases: u64,
}

/// A verdict with what belongs to it. Held without exercise cannot be said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// Exercised, nothing found.
    Held {
        /// How often.
        exercised: Exercised,
        /// 95 % upper bound on the share of worlds that fail, under this generator: 3/worlds.
        upper_bound_95: f64,
    },
    /// Found something.
    Violated {
        /// The worst of the findings.
        severity: Severity,
        /// How often it was exercised.
        exercised: Exercised,
        /// At least one; a report that says violated without a finding is refused when it is read.
        #[serde(deserialize_with = "at_least_one")]
        findings: Vec<Finding>,
    },
    /// Could not decide.
    Inconclusive {
        /// Why.
        reason: String,
    },
    /// Nothing to check.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Finding>, D::Error> {
    let findings = Vec::deserialize(deserializer)?;
    if findings.is_empty() {
        return Err(D::Error::custom("a violated check has at least one finding"));
    }
    Ok(findings)
}

impl CheckOutcome {
    /// A held verdict; the bound follows from the exercise.
    pub fn held(exercised: Exercised) -> Self {
        // 3/n, the "rule of three"; below three worlds it says nothing.
        let upper_bound_95 = (3.0 / exercised.worlds.get() as f64).min(1.0);
        Self::Held { exercised, upper_bound_95 }
    }

    /// The bare verdict.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Held { .. } => Verdict::Held,
            Self::Violated { .. } => Verdict::Violated,
            Self::Inconclusive { .. } => Verdict::Inconclusive,
            Self::NotApplicable { .. } => Verdict::NotApplicable,
        }
    }

    /// The findings, if any.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Violated { findings, .. } => findings,
            _ => &[],
        }
    }

    /// How often it was exercised, where that is known.
    pub fn exercised(&self) -> Option<Exercised> {
        match self {
            Self::Held { exercised, .. } | Self::Violated { exercised, .. } => Some(*exercised),
            Self::Inconclusive { .. } | Self::NotApplicable { .. } => None,
        }
    }
}

/// In how many cases and worlds the premise was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercised {
    /// Cases.
    pub cases: NonZeroU64,
    /// Worlds, summed over the cases.
    pub worlds: NonZeroU64,
}

/// What was tried on one subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// What was put to the test, in words: `insert Lead without customer_id is refused`.
    pub subject: String,
    /// The table it concerns, if one.
    pub table: Option<String>,
    /// Times tried.
    pub tried: u64,
    /// Times it went as it should.
    pub passed: u64,
    /// The statement of one try.
    pub sql: Option<String>,
    /// What the server answered to it: an error with its SQLSTATE, or rows.
    pub answer: Option<String>,
    /// Whether the server should refuse or accept it; `None` where the question is another one.
    #[serde(default)]
    pub expects: Option<Expects>,
}

/// A violated verdict, de-duplicated over cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable across runs for the same defect.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// In a few words.
    pub title: String,
    /// The step at which it shows.
    pub step: Option<String>,
    /// The SQL file (or the application's file) to blame, and the line.
    pub file: Option<String>,
    /// 1-based.
    pub line: Option<u32>,
    /// What happens, with names and numbers.
    pub message: String,
    /// Why: the statement, constraint or missing clause.
    pub cause: String,
    /// What to do.
    pub remedy: String,
    /// Tables it concerns.
    pub tables: Vec<String>,
    /// Access paths it concerns, by name.
    #[serde(default)]
    pub access: Vec<String>,
    /// Cases that showed it.
    pub cases: u64,
    /// The smallest case that shows it.
    pub counterexample: Option<Counterexample>,
}

/// The smallest data set that shows a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// Worlds in it.
    pub tenants: u32,
    /// Rows in it.
    pub rows: u32,
    /// Seed of the case it was shrunk from.
    pub seed: u64,
    /// The rows.
    pub data: Vec<CounterexampleTable>,
    /// What was done and seen, one line each, in order.
    pub transcript: Vec<String>,
    /// A script for psql, from an empty database to the failure.
    pub sql: String,
    /// Where the script was written, relative to the report.
    pub file: Option<String>,
    /// The command that plays it again.
    #[serde(default)]
    pub replay: Option<String>,
    /// Shrinking stopped at a cap, not at a minimum.
    pub capped: Option<String>,
}

/// Rows of one table of a counterexample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterexampleTable {
    /// The table.
    pub table: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Values as the server prints them; `None` for NULL.
    pub rows: Vec<Vec<Option<String>>>,
}
