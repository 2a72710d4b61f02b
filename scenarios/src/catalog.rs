//! The bundled scenarios, embedded in the binary.

use include_dir::{Dir, include_dir};

use crate::diagnostic::{Diagnostic, Diagnostics, suggest};
use crate::format::{self, LoadOptions, SCENARIO_FILE};
use crate::scenario::Scenario;
use crate::source::Source;

static CATALOG: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/catalog");

/// The bundled scenarios' ids, sorted.
pub fn ids() -> Vec<&'static str> {
    let mut ids: Vec<&str> = CATALOG
        .dirs()
        .filter(|dir| dir.get_file(dir.path().join(SCENARIO_FILE)).is_some())
        .filter_map(|dir| dir.path().to_str())
        .collect();
    ids.sort_unstable();
    ids
}

/// Reads a bundled scenario.
///
/// # Errors
/// An unknown id; anything wrong with the scenario.
pub fn load(id: &str) -> Result<Scenario, Diagnostics> {
    match source(id) {
        Some(source) => format::load(source, SCENARIO_FILE, id, &LoadOptions::default()),
        None => {
            let unknown = Diagnostic::of_file(id, format!("there is no bundled scenario `{id}`"));
            Err(unknown.help(suggest(id, ids())).into())
        }
    }
}

/// The files of a bundled scenario.
pub(crate) fn source(id: &str) -> Option<Source> {
    ids()
        .contains(&id)
        .then(|| CATALOG.get_dir(id))
        .flatten()
        .map(|dir| Source::Bundled { dir, id: id.to_owned() })
}
