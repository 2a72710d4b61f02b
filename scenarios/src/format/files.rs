//! The files that a scenario names: its own first, then its bases'.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::diagnostic::Diagnostic;
use crate::script::{Script, decode};
use crate::source::{PathError, Source};

/// One scenario of a chain of bases.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Its files.
    pub(crate) source: Source,
    /// The name of its scenario file.
    pub(crate) file: String,
    /// Its id.
    pub(crate) id: String,
}

/// Access to the files, and the digest of what was read.
pub(crate) struct Files {
    layers: Vec<Layer>,
    read: BTreeMap<String, [u8; 32]>,
}

/// A file that was found.
pub(crate) struct Found {
    /// Relative to the scenario's folder.
    path: String,
    /// As the user knows it.
    pub(crate) shown: String,
    bytes: Vec<u8>,
}

impl Found {
    /// Its path relative to the scenario's folder.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The file as text.
    pub(crate) fn text(&self) -> Result<String, Diagnostic> {
        decode(&self.shown, &self.bytes)
    }

    /// Some of the file's text as a script; the places are those of the file.
    pub(crate) fn section(&self, text: &str) -> Result<Script, Diagnostic> {
        Script::parse(&*self.path, text.as_bytes())
            .map_err(|diagnostic| Diagnostic { file: self.shown.clone(), ..diagnostic })
    }

    /// The file as a script.
    pub(crate) fn script(&self) -> Result<Script, Diagnostic> {
        Script::parse(&*self.path, &self.bytes)
            .map_err(|diagnostic| Diagnostic { file: self.shown.clone(), ..diagnostic })
    }
}

impl Files {
    /// The scenario's own folder first.
    pub(crate) fn new(layers: Vec<Layer>) -> Self {
        Self { layers, read: BTreeMap::new() }
    }

    /// The scenario's folder, if it is on disk.
    pub(crate) fn root(&self) -> Option<&Path> {
        match &self.layers.first()?.source {
            Source::Disk { root, .. } => Some(root),
            Source::Bundled { .. } => None,
        }
    }

    /// A folder of the scenario's, or else of its bases': where one is named the first that is there, else the one that
    /// holds one of these files.
    pub(crate) fn folder(&self, named: Option<&str>, files: &[String]) -> Result<Option<PathBuf>, PathError> {
        for layer in &self.layers {
            let is_meant = match named {
                Some(_) => true,
                None => files.iter().any(|file| matches!(layer.source.read(file), Ok(Some(_)))),
            };
            if is_meant && let Some(folder) = layer.source.folder(named.unwrap_or("."))? {
                return Ok(Some(folder));
            }
        }
        match (named, self.layers.first()) {
            (None, Some(layer)) => layer.source.folder("."),
            _ => Ok(None),
        }
    }

    /// Counts a file's contents into the digest.
    pub(crate) fn record(&mut self, layer: usize, path: &str, bytes: &[u8]) {
        self.read.insert(self.path(layer, path), Sha256::digest(bytes).into());
    }

    /// A file by its path; `None` if no folder of the chain has it.
    pub(crate) fn find(&mut self, path: &str) -> Result<Option<Found>, PathError> {
        for n in 0..self.layers.len() {
            if let Some(bytes) = self.layers[n].source.read(path)? {
                self.record(n, path, &bytes);
                let shown = self.layers[n].source.shown(path);
                return Ok(Some(Found { path: self.path(n, path), shown, bytes }));
            }
        }
        Ok(None)
    }

    /// A scenario file of the chain, known by its path as the user knows it, relative to the scenario's own folder.
    pub(crate) fn scenario_file(&self, shown: &str) -> Option<String> {
        let n = self.layers.iter().position(|layer| layer.source.shown(&layer.file) == shown)?;
        Some(self.path(n, &self.layers[n].file))
    }

    /// Paths that match a pattern in any folder of the chain, sorted.
    pub(crate) fn matching(&self, pattern: &str) -> Result<Vec<String>, PathError> {
        let mut found = BTreeSet::new();
        for layer in &self.layers {
            found.extend(layer.source.matching(pattern)?);
        }
        Ok(found.into_iter().collect())
    }

    /// A path relative to the scenario's own folder.
    fn path(&self, layer: usize, path: &str) -> String {
        match layer {
            0 => path.to_owned(),
            n => format!("../{}/{path}", self.layers[n].id),
        }
    }

    /// SHA-256 (hex) over the paths and contents of all files read, in the order of their paths.
    pub(crate) fn digest(&self) -> String {
        let mut all = Sha256::new();
        for (path, contents) in &self.read {
            all.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_be_bytes());
            all.update(path.as_bytes());
            all.update(contents);
        }
        let mut hex = String::with_capacity(64);
        for byte in all.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}
