//! The folder of a scenario's failures.

use std::path::{Component, Path, PathBuf};

use watertight_scenarios::{Scenario, catalog};

use super::{Failure, FailureError};
use crate::files::write_whole;

/// Beside the scenario, or in the folder of the reports.
const NAME: &str = "failures";

/// Where the failures of a scenario are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
    /// As a report names it: from where the user is, or, for a folder among the reports, from there.
    shown: String,
}

impl Folder {
    /// The folder that the user names; else `.watertight/failures` beside the scenario; for a bundled scenario,
    /// `failures` among the reports.
    pub fn of(scenario: &Scenario, named: Option<&Path>, reports: &Path) -> Self {
        let beside = || {
            let file = Path::new(&scenario.file);
            (!Self::is_bundled(scenario))
                .then(|| file.parent().unwrap_or(Path::new("")).join(".watertight").join(NAME))
        };
        match named.map(Path::to_owned).or_else(beside) {
            Some(path) => Self { shown: path.display().to_string(), path },
            None => Self { path: reports.join(NAME), shown: NAME.to_owned() },
        }
    }

    /// Whether the scenario is in the program rather than in a folder.
    pub fn is_bundled(scenario: &Scenario) -> bool {
        scenario.file == format!("catalog/{}/scenario.toml", scenario.id)
            && catalog::ids().contains(&scenario.id.as_str())
    }

    /// The file of a failure, as a report names it.
    pub fn shown(&self, id: &str) -> String {
        format!("{}/{id}.json", self.shown)
    }

    /// The failures of a scenario, by id.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged or of another format: it is not passed over.
    pub fn load(&self, scenario: &Scenario) -> Result<Vec<Failure>, FailureError> {
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FailureError::Io { path: self.path.clone(), error }),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
        paths.sort();
        let mut failures = Vec::new();
        for path in paths {
            let failure = Failure::read(&path)?;
            if path.file_stem().is_none_or(|stem| stem != failure.id.as_str()) {
                let why = format!("it is failure {}, and a failure's file bears its id", failure.id);
                return Err(FailureError::Odd { path, why });
            }
            failures.push(failure);
        }
        failures.retain(|f| f.scenario.id == scenario.id);
        Ok(failures)
    }

    /// Writes a failure and its script. A file that tells the same is left as it is.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, failure: &Failure, scenario: &Scenario, sql: &str) -> Result<(), FailureError> {
        let mut failure = failure.clone();
        failure.scenario.path =
            (!Self::is_bundled(scenario)).then(|| from(&self.path, Path::new(&scenario.file)));
        let json = self.path.join(format!("{}.json", failure.id));
        let script = self.path.join(format!("{}.sql", failure.id));
        let same = Failure::read(&json).is_ok_and(|known| known.tells_the_same(&failure));
        if !same {
            write_whole(&json, &failure.to_json()).map_err(|error| FailureError::Io { path: json, error })?;
        }
        if !same || !script.exists() {
            write_whole(&script, sql).map_err(|error| FailureError::Io { path: script, error })?;
        }
        Ok(())
    }

    /// Removes a failure and its script.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn remove(&self, id: &str) -> Result<(), FailureError> {
        for extension in ["json", "sql"] {
            let path = self.path.join(format!("{id}.{extension}"));
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FailureError::Io { path, error });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The path of a file from a folder, by names alone.
fn from(folder: &Path, file: &Path) -> String {
    let absolute = |path: &Path| -> Vec<String> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut parts: Vec<String> = Vec::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    parts.pop();
                }
                other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
            }
        }
        parts
    };
    let (folder, file) = (absolute(folder), absolute(file));
    let shared = folder.iter().zip(&file).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), folder.len() - shared);
    up.chain(file[shared..].iter().cloned()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_a_folder_goes_up_and_down() {
        let path = |folder: &str, file: &str| from(Path::new(folder), Path::new(file));
        assert_eq!(path("/a/b/.watertight/failures", "/a/b/scenario.toml"), "../../scenario.toml");
        assert_eq!(path("/a/x", "/a/b/./c.toml"), "../b/c.toml");
        assert_eq!(path("known", "scenario.toml"), "../scenario.toml");
    }
}
