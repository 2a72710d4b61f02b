//! What a run is about: scenario files, bundled scenarios, and repositories that only have migrations.

use std::path::{Path, PathBuf};

use watertight_reports::Origin;
use watertight_scenarios::layout::{Chosen, Found, History, MigrationRange};
use watertight_scenarios::{LoadOptions, Scenario, catalog};

use super::output::complain;
use super::progress::Progress;
use crate::init::{self, InitError};
use crate::provider::Server;

/// The scenario file of a repository.
pub(super) const PROJECT_FILE: &str = "watertight.toml";

/// Something to verify.
pub(super) enum Subject {
    /// A scenario, read.
    Scenario(Box<Scenario>),
    /// Migrations of which a scenario is still to be made, for which a server is needed.
    Repository {
        /// Its folder.
        root: PathBuf,
        /// Where its migrations are.
        found: Found,
    },
}

impl Subject {
    /// The scenario, if it is there already.
    pub(super) fn scenario(&self) -> Option<&Scenario> {
        match self {
            Self::Scenario(scenario) => Some(scenario),
            Self::Repository { .. } => None,
        }
    }
}

/// The folder of a repository, as a path that can be opened.
pub(super) fn folder(root: &Path) -> &Path {
    if root.as_os_str().is_empty() { Path::new(".") } else { root }
}

/// What the user means. Without names: the scenario file of this folder, else its migrations, else every bundled
/// scenario.
pub(super) fn subjects(wanted: &[String], range: &MigrationRange) -> Result<Vec<Subject>, String> {
    if !wanted.is_empty() {
        return wanted.iter().map(|name| named(name, range)).collect();
    }
    if Path::new(PROJECT_FILE).exists() {
        return Ok(vec![load(Path::new(PROJECT_FILE), range)?]);
    }
    match init::find(Path::new("")) {
        Ok(found) => Ok(vec![Subject::Repository { root: PathBuf::new(), found }]),
        Err(InitError::None(_)) => {
            let ids = catalog::ids();
            complain(&format!(
                "no migrations in this folder: the {} bundled scenarios are verified",
                ids.len()
            ));
            complain(
                "  → to verify your own, go to the folder of their project, or name it: watertight verify DIR",
            );
            ids.into_iter().map(bundled).collect()
        }
        Err(error) => Err(format!("error: {error}")),
    }
}

fn bundled(id: &str) -> Result<Subject, String> {
    catalog::load(id).map(|s| Subject::Scenario(Box::new(s))).map_err(|e| e.to_string())
}

/// A bundled scenario by its id, or what is at that path.
pub(super) fn named(name: &str, range: &MigrationRange) -> Result<Subject, String> {
    if catalog::ids().contains(&name) { bundled(name) } else { at(Path::new(name), range) }
}

/// What is at a path: a scenario, or a repository.
pub(super) fn at(root: &Path, range: &MigrationRange) -> Result<Subject, String> {
    let has = |file: &str| root.join(file).exists();
    if !root.is_dir() || has("scenario.toml") || has(PROJECT_FILE) {
        return load(root, range);
    }
    match init::find(root) {
        Ok(found) => Ok(Subject::Repository { root: root.to_owned(), found }),
        // Then it was meant as a scenario, and what is said of that is what helps.
        Err(InitError::None(_)) => load(root, range),
        Err(error) => Err(format!("error: {error}")),
    }
}

fn load(path: &Path, range: &MigrationRange) -> Result<Subject, String> {
    let root = if path.is_dir() { path } else { folder(path.parent().unwrap_or(Path::new(""))) };
    read(root, path, None, range).map(|s| Subject::Scenario(Box::new(s)))
}

/// A scenario that is not bundled, read where it was read before.
///
/// # Errors
/// What is wrong with its files now.
pub(super) fn read_again(origin: &Origin, root: &Path, to: Option<&str>) -> Result<Scenario, String> {
    let file = root.join(&origin.file);
    let range = MigrationRange { from: origin.from.clone(), to: to.map(str::to_owned) };
    read(file.parent().unwrap_or(Path::new("")), &file, origin.text.as_deref(), &range)
}

/// `text` is that of a scenario file that is not there.
fn read(root: &Path, file: &Path, text: Option<&str>, range: &MigrationRange) -> Result<Scenario, String> {
    let choose = choice(root, range);
    let scenario = match text {
        Some(text) => Scenario::from_text(root, text, Some(&choose)),
        None => Scenario::load_with(file, &LoadOptions { choose: Some(&choose), text: None }),
    };
    scenario.map_err(|e| e.to_string())
}

/// Chooses the range in a repository.
pub(super) fn choice<'r>(
    root: &'r Path,
    range: &'r MigrationRange,
) -> impl Fn(&History, MigrationRange) -> Result<Chosen, String> + 'r {
    move |history, own| init::choose(folder(root), range, history, own)
}

/// The scenario of a subject, made on the server where there is none: then with the text of its file.
pub(super) async fn scenario(
    server: &Server,
    subject: Subject,
    range: &MigrationRange,
    progress: &Progress,
) -> Result<(Scenario, Option<String>), InitError> {
    let (root, found) = match subject {
        Subject::Scenario(scenario) => return Ok((*scenario, None)),
        Subject::Repository { root, found } => (root, found),
    };
    progress.note(&format!("no {PROJECT_FILE}: reading {} ({})", found.folder, found.layout));
    let choose = choice(&root, range);
    let draft = init::examine(server, folder(&root), &found, &[], &choose).await?.draft(None)?;
    let scenario = Scenario::from_text(&root, &draft.text, Some(&choose))?;
    for assumption in &scenario.assumptions {
        progress.note(&format!("assumed: {assumption}"));
    }
    progress.note("assumed what is wrong? `watertight init` writes it down to be corrected");
    Ok((scenario, Some(draft.text)))
}
