//! What a verification is worth: how many faults, seeded one at a time into the scenario's own scripts, it catches.

use serde::{Deserialize, Serialize};

use super::{Server, Tool};

/// Faults that were seeded into a scenario, and what became of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Strength {
    /// Seed of the cases.
    pub seed: u64,
    /// Most cases that were played for each fault.
    pub cases: u32,
    /// Invariants that held over the same cases without a fault: only those can catch one.
    pub checks: Vec<String>,
    /// Invariants that were asked and did not hold there, so that what they say of a fault says nothing.
    pub unusable: Vec<String>,
    /// The faults, in the order of the timeline.
    pub faults: Vec<SeededFault>,
    /// Faults that could have been seeded and were not, because fewer were asked for.
    pub left_out: u64,
    /// Milliseconds.
    pub ms: f64,
}

/// A fault, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeededFault {
    /// How it was made.
    pub operator: String,
    /// The real fault that it stands for, in a sentence.
    pub stands_for: String,
    /// The step.
    pub step: String,
    /// The script.
    pub file: String,
    /// 1-based line in it.
    pub line: u32,
    /// What stood there.
    pub before: String,
    /// What stands there instead; empty: nothing.
    pub after: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a seeded fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// A check that held before is violated.
    Caught {
        /// The invariants that the first case to show it violates.
        by: Vec<String>,
        /// Cases that it took.
        cases: u32,
        /// The first violation, in a few words.
        title: String,
    },
    /// Nothing is violated, and a check that held before can no longer be decided: the run is no pass.
    Undecided {
        /// The invariants, each with why.
        why: Vec<String>,
    },
    /// Every check says what it said before.
    Survived {
        /// What is different in the catalogs or in what was seen, in words.
        differs: Vec<String>,
        /// Invariants that held before and have no subject any more.
        silenced: Vec<String>,
        /// What would catch it, in a sentence.
        closes: String,
    },
    /// Nothing is different in the catalogs, in the rows or in any answer: it is no fault here.
    #[default]
    NoEffect,
    /// The script does not apply to empty tables: whoever runs it once sees that.
    NotApplied {
        /// The server's word.
        why: String,
    },
}

impl Strength {
    /// Faults that count: those that apply and have an effect.
    pub fn counted(&self) -> u64 {
        let counts = |f: &&SeededFault| !matches!(f.fate, Fate::NoEffect | Fate::NotApplied { .. });
        self.faults.iter().filter(counts).count() as u64
    }

    /// Faults that were caught.
    pub fn caught(&self) -> u64 {
        self.faults.iter().filter(|f| matches!(f.fate, Fate::Caught { .. })).count() as u64
    }

    /// Faults over which a run passes as if they were not there.
    pub fn survivors(&self) -> impl Iterator<Item = &SeededFault> {
        self.faults.iter().filter(|f| matches!(f.fate, Fate::Survived { .. }))
    }
}

/// What `watertight mutate` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MutationReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// The server.
    pub server: Server,
    /// The scenario's id.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// SHA-256 over its files, hex.
    pub digest: String,
    /// What came of it.
    pub strength: Strength,
}
