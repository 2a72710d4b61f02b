//! Where a scenario's files are: a folder on disk, or the catalog in the binary.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use include_dir::Dir;

/// Files larger than this are not read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A place that holds a scenario's files.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A folder.
    Disk {
        /// The folder.
        root: PathBuf,
        /// The folder as the user wrote it.
        shown: String,
    },
    /// A scenario of the catalog.
    Bundled {
        /// Its files.
        dir: &'static Dir<'static>,
        /// Its id.
        id: String,
    },
}

/// Why a file could not be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl PathError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }
}

impl Source {
    /// The file's path as the user knows it.
    pub(crate) fn shown(&self, path: &str) -> String {
        match self {
            Self::Disk { shown, .. } if shown.is_empty() || shown == "." => path.to_owned(),
            Self::Disk { shown, .. } => format!("{}/{path}", shown.trim_end_matches('/')),
            Self::Bundled { id, .. } => format!("catalog/{id}/{path}"),
        }
    }

    /// A file's bytes; `None` if there is no such file.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, PathError> {
        let path = checked(path)?;
        match self {
            Self::Disk { root, .. } => read_from_disk(root, &path),
            Self::Bundled { dir, .. } => {
                let file = dir.get_file(dir.path().join(&path));
                Ok(file.map(|file| file.contents().to_vec()))
            }
        }
    }

    /// Where a folder of it is on disk, in full; `None` if there is none.
    pub(crate) fn folder(&self, path: &str) -> Result<Option<PathBuf>, PathError> {
        let Self::Disk { root, .. } = self else { return Ok(None) };
        let full = if path == "." { root.clone() } else { root.join(checked(path)?) };
        if !full.is_dir() {
            return Ok(None);
        }
        inside(root, &full, path)?;
        full.canonicalize().map(Some).map_err(|e| PathError::new(format!("cannot read `{path}`: {e}")))
    }

    /// Files whose path matches a pattern (`*`, `?`, `[…]` within a folder, `**` across folders), sorted.
    pub(crate) fn matching(&self, pattern: &str) -> Result<Vec<String>, PathError> {
        let pattern = checked(pattern)?;
        let compiled = glob::Pattern::new(&pattern)
            .map_err(|e| PathError::new(format!("`{pattern}` is not a pattern: {}", e.msg)))?;
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let mut found = self.files(fixed_folder(&pattern))?;
        found.retain(|path| compiled.matches_with(path, options));
        found.sort();
        Ok(found)
    }

    /// All files below a folder.
    fn files(&self, below: &str) -> Result<Vec<String>, PathError> {
        let mut found = Vec::new();
        match self {
            Self::Disk { root, .. } => {
                let start = if below.is_empty() { root.clone() } else { root.join(below) };
                if start.is_dir() {
                    inside(root, &start, below)?;
                    walk(&start, below, &mut found)
                        .map_err(|e| PathError::new(format!("cannot list `{below}`: {e}")))?;
                }
            }
            Self::Bundled { dir, .. } => bundled_files(dir, dir.path(), &mut found),
        }
        Ok(found)
    }
}

fn bundled_files(dir: &Dir<'_>, root: &Path, found: &mut Vec<String>) {
    for file in dir.files() {
        if let Some(path) = file.path().strip_prefix(root).ok().and_then(Path::to_str) {
            found.push(path.replace('\\', "/"));
        }
    }
    for dir in dir.dirs() {
        bundled_files(dir, root, found);
    }
}

/// The pattern's leading folders that have no wildcard: where a search can start.
fn fixed_folder(pattern: &str) -> &str {
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..wild].rfind('/').map_or("", |at| &pattern[..at])
}

/// A path with `/` that stays inside the folder, without `.`.
fn checked(path: &str) -> Result<String, PathError> {
    let inside = "paths are relative to the scenario's folder and stay inside it";
    if path.trim().is_empty() {
        return Err(PathError::new("the path is empty"));
    }
    if path.contains('\\') {
        return Err(PathError::new(format!("`{path}` contains a backslash")).help("write paths with `/`"));
    }
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir => {
                return Err(
                    PathError::new(format!("`{path}` leads out of the scenario's folder")).help(inside)
                );
            }
            Component::RootDir | Component::Prefix(_) => {
                return Err(PathError::new(format!("`{path}` is an absolute path")).help(inside));
            }
        }
    }
    if parts.is_empty() {
        return Err(PathError::new(format!("`{path}` is a folder, not a file")));
    }
    Ok(parts.join("/"))
}

fn read_from_disk(root: &Path, path: &str) -> Result<Option<Vec<u8>>, PathError> {
    let full = root.join(path);
    let cannot = |e: io::Error| PathError::new(format!("cannot read `{path}`: {e}"));
    let metadata = match fs::metadata(&full) {
        Ok(metadata) => metadata,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(cannot(e)),
    };
    inside(root, &full, path)?;
    if metadata.is_dir() {
        return Err(PathError::new(format!("`{path}` is a folder, not a file")));
    }
    if !metadata.is_file() {
        return Err(PathError::new(format!("`{path}` is not a regular file")));
    }
    if metadata.len() > FILE_BYTES_MAX {
        let message = format!("`{path}` is larger than {} MiB", FILE_BYTES_MAX >> 20);
        return Err(PathError::new(message));
    }
    fs::read(&full).map(Some).map_err(cannot)
}

/// Refuses what a symbolic link leads out of the folder.
fn inside(root: &Path, full: &Path, path: &str) -> Result<(), PathError> {
    let cannot = |e: io::Error| PathError::new(format!("cannot read `{path}`: {e}"));
    let root = root.canonicalize().map_err(cannot)?;
    if full.canonicalize().map_err(cannot)?.starts_with(root) {
        return Ok(());
    }
    let message = format!("`{path}` leads out of the scenario's folder by a symbolic link");
    Err(PathError::new(message).help("copy the file into the folder"))
}

/// Files below a folder; symbolic links to folders are not followed, hidden folders not entered.
fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') {
                walk(&entry.path(), &path, found)?;
            }
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for bad in ["", " ", "/etc/passwd", "..", "a/../b", "../x", "a\\b", "."] {
            assert!(checked(bad).is_err(), "{bad}");
        }
        assert_eq!(checked("./a//b/./c.sql"), Ok("a/b/c.sql".to_owned()));
    }

    #[test]
    fn search_starts_at_the_fixed_folder() {
        assert_eq!(fixed_folder("prisma/migrations/*/migration.sql"), "prisma/migrations");
        assert_eq!(fixed_folder("*.sql"), "");
        assert_eq!(fixed_folder("a/b.sql"), "a");
    }
}
