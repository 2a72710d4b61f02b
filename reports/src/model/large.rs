//! One large case: what was asked of all of its rows at once.

use serde::{Deserialize, Serialize};

use super::Verdict;

/// One large data set, driven along the timeline with every step committed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LargeReport {
    /// Rows that were loaded.
    pub rows: u64,
    /// Their tenants.
    pub tenants: u64,
    /// Loading them, and making foreign keys and indexes behind them, milliseconds.
    pub load_ms: f64,
    /// The steps that ran to their end, in order.
    pub steps: Vec<LargeStep>,
    /// What was asked, in the order in which it was.
    pub answers: Vec<LargeAnswer>,
    /// What could not be made, or was not asked, and why.
    pub left_out: Vec<String>,
}

/// A step of the timeline over all rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LargeStep {
    /// Its id.
    pub id: String,
    /// Milliseconds.
    pub ms: f64,
}

/// A question about all rows, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LargeAnswer {
    /// The step behind which it was asked; `baseline` for the load.
    pub at: String,
    /// What should be, in words.
    pub question: String,
    /// Whether it is.
    pub verdict: Verdict,
    /// What was seen, in words.
    pub seen: String,
    /// Rows that were looked at.
    pub rows: u64,
    /// Milliseconds.
    pub ms: f64,
}

impl LargeReport {
    /// The worst of its answers; nothing asked is nothing known.
    pub fn verdict(&self) -> Verdict {
        self.answers.iter().map(|a| a.verdict).max().unwrap_or(Verdict::Inconclusive)
    }

    /// What does not hold or could not be decided, a sentence each.
    pub fn told(&self) -> impl Iterator<Item = (Verdict, String)> + '_ {
        let open = self.answers.iter().filter(|a| a.verdict > Verdict::Held);
        let told =
            open.map(|a| (a.verdict, format!("over {} rows, after `{}`: {}", self.rows, a.at, a.seen)));
        let nothing = self
            .answers
            .is_empty()
            .then(|| (Verdict::Inconclusive, "the large case answered nothing".to_owned()));
        told.chain(nothing)
    }
}
