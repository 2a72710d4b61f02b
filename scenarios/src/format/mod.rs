//! The scenario file: reading it, laying it over its base, and resolving it into a [`Scenario`].

mod access;
mod at;
mod command;
mod decode;
pub(crate) mod files;
mod migrations;
mod own;
mod raw;
mod resolve;
mod setting;
mod sources;
mod steps;
mod tree;

use std::ops::Range;
use std::path::Path;

use crate::catalog;
use crate::diagnostic::{Diagnostic, Diagnostics, suggest};
use crate::layout::Choose;
use crate::scenario::Scenario;
use crate::script::decode;
use crate::source::Source;

use files::{Files, Layer};
use sources::Sources;

/// The scenario file of a folder.
pub(crate) const SCENARIO_FILE: &str = "scenario.toml";

/// The scenario file of a user's own repository.
pub(crate) const PROJECT_FILE: &str = "watertight.toml";

/// Scenarios in one chain of bases at most.
const BASES_MAX: usize = 8;

impl Scenario {
    /// Reads the scenario of a folder that has no scenario file, from the text of one.
    ///
    /// # Errors
    /// Everything that is wrong with the text and the files that it names.
    pub fn from_text(folder: &Path, text: &str, choose: Option<Choose<'_>>) -> Result<Self, Diagnostics> {
        let options = LoadOptions { choose, text: Some(text) };
        load(disk(folder), PROJECT_FILE, &folder_name(folder), &options)
    }

    /// Reads a scenario from a folder with a `scenario.toml` or a `watertight.toml`, or from such a file.
    /// Its id is the folder's name.
    ///
    /// # Errors
    /// Everything that is wrong with the scenario file and the files that it names.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::load_with(path, &LoadOptions::default())
    }

    /// The same, with what the command line says.
    ///
    /// # Errors
    /// Everything that is wrong with the scenario file and the files that it names.
    pub fn load_with(path: &Path, options: &LoadOptions<'_>) -> Result<Self, Diagnostics> {
        let shown = path.to_string_lossy().into_owned();
        if path.is_dir() {
            let found = [SCENARIO_FILE, PROJECT_FILE].into_iter().find(|name| path.join(name).exists());
            let Some(file) = found else {
                let missing =
                    Diagnostic::of_file(shown, format!("there is no {SCENARIO_FILE} in this folder"));
                return Err(missing.help(format!("a scenario is a folder with a {SCENARIO_FILE}")).into());
            };
            return load(disk(path), file, &folder_name(path), options);
        }
        match (path.exists(), path.parent(), path.file_name()) {
            (true, Some(folder), Some(file)) => {
                load(disk(folder), &file.to_string_lossy(), &folder_name(folder), options)
            }
            _ => {
                let help = format!(
                    "bundled scenarios are named without a path; {}",
                    suggest(&shown, catalog::ids())
                );
                Err(Diagnostic::of_file(shown, "there is no such folder or file").help(help).into())
            }
        }
    }
}

/// What is known of a scenario besides its file.
#[derive(Clone, Copy, Default)]
pub struct LoadOptions<'a> {
    /// Which migrations to verify, where the scenario has `[migrations]`.
    pub choose: Option<Choose<'a>>,
    /// The scenario file's text, where there is no file.
    pub text: Option<&'a str>,
}

/// The JSON Schema of the scenario file.
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(raw::RawFile)
}

fn disk(folder: &Path) -> Source {
    let shown = folder.to_string_lossy().replace('\\', "/");
    let root = if shown.is_empty() { Path::new(".") } else { folder };
    Source::Disk { root: root.to_owned(), shown }
}

fn folder_name(folder: &Path) -> String {
    let named = folder.file_name().map(ToOwned::to_owned);
    let named = named.or_else(|| disk_root(folder).canonicalize().ok()?.file_name().map(ToOwned::to_owned));
    named.map_or_else(|| "scenario".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn disk_root(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Reads the scenario whose file is `file` in `source`.
pub(crate) fn load(
    source: Source,
    file: &str,
    id: &str,
    options: &LoadOptions<'_>,
) -> Result<Scenario, Diagnostics> {
    let mut wrong = Vec::new();
    let scenario = load_layers(source, file, id, options, &mut wrong);
    match (scenario, Diagnostics::new(wrong)) {
        (Some(scenario), None) => Ok(scenario),
        (_, Some(wrong)) => Err(wrong),
        (None, None) => Err(Diagnostic::of_file(file, "the scenario cannot be read").into()),
    }
}

fn load_layers(
    source: Source,
    file: &str,
    id: &str,
    options: &LoadOptions<'_>,
    wrong: &mut Vec<Diagnostic>,
) -> Option<Scenario> {
    let shown = source.shown(file);
    let texts = chain(source, file, id, options.text).map_err(|e| wrong.push(e)).ok()?;
    let mut sources = Sources::default();
    let offsets: Vec<usize> = texts
        .iter()
        .map(|(layer, text)| sources.add(layer.source.shown(&layer.file), text.clone()))
        .collect();
    let mut merged = None;
    for ((_, text), offset) in texts.iter().zip(offsets).rev() {
        let own = tree::parse(text, offset, &sources).map_err(|errors| wrong.extend(errors)).ok()?;
        merged = Some(match merged {
            Some(below) => tree::overlay(below, own, &sources, wrong),
            None => own,
        });
    }
    let raw = decode::decode(merged?, &sources, wrong)?;
    let mut files = Files::new(texts.iter().map(|(layer, _)| layer.clone()).collect());
    for (n, (layer, text)) in texts.iter().enumerate() {
        files.record(n, &layer.file, text.as_bytes());
    }
    resolve::Resolver { sources: &sources, files, choose: options.choose, wrong }.scenario(raw, id, &shown)
}

/// The scenario's file and those of its bases, the scenario's own first.
fn chain(
    source: Source,
    file: &str,
    id: &str,
    mut given: Option<&str>,
) -> Result<Vec<(Layer, String)>, Diagnostic> {
    let mut texts: Vec<(Layer, String)> = Vec::new();
    let mut layer = Layer { source, file: file.to_owned(), id: id.to_owned() };
    loop {
        let shown = layer.source.shown(&layer.file);
        let text = match given.take() {
            Some(text) => text.to_owned(),
            None => read_text(&layer, &shown)?,
        };
        let Some((base, range)) = base_of(&text) else {
            texts.push((layer, text));
            return Ok(texts);
        };
        let refuse = |message: String| Diagnostic::at(&shown, &text, range.clone(), message);
        if layer.id == base || texts.iter().any(|(l, _)| l.id == base) {
            return Err(refuse(format!("`{base}` is derived from itself")));
        }
        if texts.len() + 1 >= BASES_MAX {
            return Err(refuse(format!("more than {BASES_MAX} scenarios derived from one another")));
        }
        let Some(below) = find_base(&layer.source, &base) else {
            let help = "a base is a folder beside this one, or a bundled scenario";
            return Err(refuse(format!("there is no scenario `{base}`")).help(help));
        };
        texts.push((std::mem::replace(&mut layer, below), text));
    }
}

fn read_text(layer: &Layer, shown: &str) -> Result<String, Diagnostic> {
    match layer.source.read(&layer.file) {
        Ok(Some(bytes)) => decode(shown, &bytes),
        Ok(None) => Err(Diagnostic::of_file(shown, "there is no such file")),
        Err(e) => Err(Diagnostic { help: e.help, ..Diagnostic::of_file(shown, e.message) }),
    }
}

/// The `base` of a scenario file, if its TOML is sound; if not, parsing it for good says why.
fn base_of(text: &str) -> Option<(String, Range<usize>)> {
    let table = toml::de::DeTable::parse(text).ok()?.into_inner();
    tree::string(&table, "base").map(|(base, span)| (base.to_owned(), span))
}

fn find_base(beside: &Source, id: &str) -> Option<Layer> {
    if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\', '\0']) {
        return None;
    }
    let layer = |source| Layer { source, file: SCENARIO_FILE.to_owned(), id: id.to_owned() };
    if let Source::Disk { root, shown } = beside {
        let folder = root.canonicalize().ok()?.parent().map(|parent| parent.join(id));
        if let Some(root) = folder.filter(|folder| folder.join(SCENARIO_FILE).is_file()) {
            let shown = match Path::new(shown).file_name().and(Path::new(shown).parent()) {
                Some(parent) => parent.join(id).to_string_lossy().replace('\\', "/"),
                None => format!("../{id}"),
            };
            return Some(layer(Source::Disk { root, shown }));
        }
    }
    catalog::source(id).map(layer)
}
