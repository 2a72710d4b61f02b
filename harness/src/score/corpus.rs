//! A corpus on disk: folders of scenarios, some with one seeded fault each, the others sound.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::Expectation;

use crate::invariants;

/// The file that tells a fault from a sound scenario.
pub const SHEET: &str = "fault.toml";

/// Scenarios to be scored.
#[derive(Debug, Default)]
pub struct Corpus {
    /// Each with one fault, in the order of their names.
    pub faults: Vec<Fault>,
    /// Those on which nothing may fire.
    pub sound: Vec<Scenario>,
}

/// A scenario with one fault.
#[derive(Debug)]
pub struct Fault {
    /// The scenario.
    pub scenario: Scenario,
    /// What is known of it.
    pub sheet: Sheet,
}

/// `fault.toml`: what is known of a fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The class of faults that it belongs to, as faults are counted by it.
    pub category: String,
    /// What teams did of which it is an instance, in a few words; several faults may be of one class.
    #[serde(default)]
    pub class: Option<String>,
    /// Invariants of which at least one must fire.
    #[serde(default)]
    pub fires: Vec<String>,
    /// Invariants of which at least one must make a remark, where what was changed is no more than worth telling.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Invariants that may fire, too.
    #[serde(default)]
    pub may_fire: Vec<String>,
    /// The smallest data that shows it.
    #[serde(default)]
    pub smallest: Option<Smallest>,
}

/// The size of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Smallest {
    /// Worlds.
    pub worlds: u32,
    /// Rows, of all tables.
    pub rows: u32,
}

/// Why a corpus cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A folder or file.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
    },
    /// A sheet is not what it should be.
    #[error("{}: {why}", .path.display())]
    Sheet {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A scenario cannot be read.
    #[error("{0}")]
    Scenario(String),
    /// There is nothing to score.
    #[error("{}: no folder in it has a scenario.toml", .0.display())]
    Empty(PathBuf),
}

impl Corpus {
    /// Every folder of `folder` that has a scenario; those with a [`SHEET`] are faults, the others sound.
    ///
    /// # Errors
    /// When one of them cannot be read, or there is none.
    pub fn load(folder: &Path) -> Result<Self, CorpusError> {
        let failed = |source| CorpusError::Io { path: folder.to_owned(), source };
        let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
            .map_err(failed)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        folders.retain(|f| f.join("scenario.toml").is_file());
        folders.sort();
        let mut corpus = Self::default();
        for folder in folders {
            let scenario = Scenario::load(&folder).map_err(|e| CorpusError::Scenario(e.to_string()))?;
            match Sheet::beside(&folder)? {
                Some(sheet) => corpus.faults.push(Fault { scenario, sheet }),
                None if scenario.expect.values().any(|e| *e == Expectation::Violated) => {
                    let why = "missing, and the scenario expects something to be violated".to_owned();
                    return Err(CorpusError::Sheet { path: folder.join(SHEET), why });
                }
                None => corpus.sound.push(scenario),
            }
        }
        if corpus.faults.is_empty() && corpus.sound.is_empty() {
            return Err(CorpusError::Empty(folder.to_owned()));
        }
        Ok(corpus)
    }
}

impl Sheet {
    /// The sheet of a scenario's folder, if it has one.
    ///
    /// # Errors
    /// When it cannot be read, or names an invariant that there is not.
    pub fn beside(folder: &Path) -> Result<Option<Self>, CorpusError> {
        let path = folder.join(SHEET);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|source| CorpusError::Io { path: path.clone(), source })?;
        Self::parse(&text).map(Some).map_err(|why| CorpusError::Sheet { path, why })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let sheet: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        let known: Vec<&str> = invariants::catalog().iter().map(|i| i.spec().id).collect();
        if sheet.fires.is_empty() && sheet.remarks.is_empty() {
            return Err("`fires` or `remarks` names at least one invariant".to_owned());
        }
        match sheet
            .fires
            .iter()
            .chain(&sheet.remarks)
            .chain(&sheet.may_fire)
            .find(|id| !known.contains(&id.as_str()))
        {
            Some(unknown) => Err(format!("there is no invariant `{unknown}`")),
            None => Ok(sheet),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_sheet_says_what_is_known_of_a_fault() {
        let sheet = Sheet::parse(
            "category = \"Backfill\"\nclass = \"none is filled\"\nfires = [\"backfill-complete\"]\n\
             smallest = { worlds = 1, rows = 2 }\n",
        )
        .unwrap();
        assert_eq!(sheet.fires, ["backfill-complete"]);
        assert_eq!(sheet.class.as_deref(), Some("none is filled"));
        assert_eq!(sheet.smallest, Some(Smallest { worlds: 1, rows: 2 }));
    }

    #[test]
    fn a_fault_may_be_worth_no_more_than_a_remark() {
        let sheet = Sheet::parse("category = \"x\"\nremarks = [\"existence-oracle\"]\n").unwrap();
        assert_eq!((sheet.fires.as_slice(), sheet.remarks.len()), ([].as_slice(), 1));
    }

    #[rstest]
    #[case("category = \"x\"\nfires = []", "at least one")]
    #[case("category = \"x\"\nremarks = [\"no-such\"]", "no-such")]
    #[case("category = \"x\"\nfires = [\"no-such\"]", "no-such")]
    #[case("category = \"x\"\nfires = [\"backfill-complete\"]\nsmalest = 1", "smalest")]
    #[case("fires = [\"backfill-complete\"]", "category")]
    fn a_sheet_that_is_wrong_is_refused_with_what_is_wrong(#[case] text: &str, #[case] said: &str) {
        let why = Sheet::parse(text).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}
