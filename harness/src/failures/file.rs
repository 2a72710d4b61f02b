//! One failure as a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use watertight_generators::Dataset;
use watertight_scenarios::layout::MigrationRange;

/// Version of the file's shape. Files of another version are refused: half understood, they would pass for fixed.
pub const FORMAT: u32 = 1;

/// A failure: the data, what was done with it, and what was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// [`FORMAT`].
    pub format: u32,
    /// The finding's id: the same for the same defect in every run.
    pub id: String,
    /// What was verified.
    pub scenario: ScenarioRef,
    /// The invariant that is violated.
    pub invariant: String,
    /// The step at which it shows.
    pub step: Option<String>,
    /// Which of the invariant's ways to be violated.
    pub code: String,
    /// The table, constraint or access path that it is about.
    pub subject: String,
    /// Access paths that it concerns, by name.
    pub access: Vec<String>,
    /// In a few words.
    pub title: String,
    /// What should have held.
    pub expected: String,
    /// What was seen instead.
    pub seen: String,
    /// Seed of the case that it was shrunk from.
    pub seed: u64,
    /// Number of that case: parameters follow from it.
    pub case: u32,
    /// The checkpoint that the excursion starts from: `baseline`, or the id of the step before it.
    pub from: String,
    /// The excursion, in words.
    pub excursion: Vec<String>,
    /// Everything that was seen, from the first step to the end of the excursion.
    pub transcript: Vec<String>,
    /// The data.
    pub data: Dataset,
    /// Version of the tool that wrote it.
    pub tool: String,
    /// Version of the server that it was seen on.
    pub server: String,
}

/// The scenario that a failure is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRef {
    /// Its id.
    pub id: String,
    /// Digest of its files when the failure was seen.
    pub digest: String,
    /// Path of its file from the failure's folder; `None` for a bundled one.
    pub path: Option<String>,
    /// The migrations of its timeline: by default another day's are others.
    #[serde(default)]
    pub range: MigrationRange,
}

/// Why a failure's file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FailureError {
    /// It is not there, or cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no failure's file, or not a whole one.
    #[error(
        "{}:{}:{}: not a failure that watertight wrote: {error}\n  → restore the file, or remove it and verify again",
        path.display(), error.line(), error.column()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: serde_json::Error,
    },
    /// It was written by another version.
    #[error(
        "{}: format {found}, and this version of watertight reads format {FORMAT}\n  \
         → replay it with the version that wrote it ({tool}), or remove it and verify again",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The version that wrote it, as the file says.
        tool: String,
    },
    /// It is about something else than its name says, or than is asked for.
    #[error("{}: {why}", path.display())]
    Odd {
        /// The file.
        path: PathBuf,
        /// What is odd.
        why: String,
    },
}

impl Failure {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is of another format.
    pub fn read(path: &Path) -> Result<Self, FailureError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| FailureError::Io { path: path.to_owned(), error })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, FailureError> {
        // The version first: of another format nothing else is known.
        #[derive(Deserialize)]
        struct Versions {
            format: u64,
            tool: Option<String>,
        }
        let damaged = |error| FailureError::Damaged { path: path.to_owned(), error };
        let versions: Versions = serde_json::from_str(text).map_err(damaged)?;
        if versions.format != u64::from(FORMAT) {
            let tool = versions.tool.unwrap_or_else(|| "unknown".to_owned());
            return Err(FailureError::Foreign { path: path.to_owned(), found: versions.format, tool });
        }
        let failure: Self = serde_json::from_str(text).map_err(damaged)?;
        let ragged =
            failure.data.tables.iter().find(|t| t.rows.iter().any(|r| r.values.len() != t.columns.len()));
        if let Some(table) = ragged {
            let why = format!("a row of {} has not as many values as there are columns", table.table);
            return Err(FailureError::Odd { path: path.to_owned(), why });
        }
        Ok(failure)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether it tells the same as another, whoever wrote it and whatever it was seen on.
    pub fn tells_the_same(&self, other: &Self) -> bool {
        let bare = |failure: &Self| {
            let mut failure = failure.clone();
            failure.tool.clear();
            failure.server.clear();
            failure.scenario.digest.clear();
            failure.scenario.range = MigrationRange::default();
            failure
        };
        bare(self) == bare(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure {
            format: FORMAT,
            id: "0123456789".into(),
            scenario: ScenarioRef {
                id: "shop".into(),
                digest: "d".into(),
                path: None,
                range: MigrationRange { from: Some("0002_fill".into()), to: None },
            },
            invariant: "backfill-complete".into(),
            step: Some("fill".into()),
            code: "left".into(),
            subject: "item".into(),
            access: Vec::new(),
            title: "t".into(),
            expected: "e".into(),
            seen: "s".into(),
            seed: u64::MAX,
            case: 3,
            from: "fill".into(),
            excursion: vec!["contents".into()],
            transcript: vec!["contents → 1 rows".into()],
            data: Dataset::default(),
            tool: "0.1.0".into(),
            server: "18.4".into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let path = Path::new("x.json");
        assert_eq!(Failure::parse(path, &failure().to_json()).ok(), Some(failure()));
    }

    #[test]
    fn damaged_and_foreign_files_are_told_apart() {
        let path = Path::new("x.json");
        let whole = failure().to_json();
        let half = Failure::parse(path, &whole[..whole.len() / 2]);
        assert!(half.is_err_and(|e| e.to_string().starts_with("x.json:")));
        let foreign = Failure::parse(path, r#"{"format": 7, "tool": "9.9.9", "more": 1}"#);
        assert!(
            foreign.is_err_and(|e| e.to_string().contains("9.9.9") && e.to_string().contains("format 7"))
        );
    }

    #[test]
    fn versions_alone_make_no_difference() {
        let newer = Failure { tool: "9".into(), server: "19".into(), ..failure() };
        assert!(failure().tells_the_same(&newer));
        assert!(!failure().tells_the_same(&Failure { seed: 1, ..newer }));
    }
}
