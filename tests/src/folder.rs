//! Throw-away folders of files: scenarios made of strings.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder with a scenario in it. Goes away when dropped.
#[derive(Debug)]
pub struct Folder {
    outer: TempDir,
    path: PathBuf,
}

impl Folder {
    /// An empty folder of that name, which becomes the scenario's id.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn new(name: &str) -> Self {
        let outer =
            tempfile::Builder::new().prefix("wt-e2e-").tempdir().expect("a temporary folder can be made");
        let path = outer.path().join(name);
        std::fs::create_dir(&path).expect("a new folder can be made");
        Self { outer, path }
    }

    /// The smallest timeline with every kind of step, and nothing wrong with it: items of accounts become items of
    /// tenants. Files that are given afterwards stand instead of its own.
    pub fn sound(name: &str) -> Self {
        SOUND.into_iter().fold(Self::new(name), |folder, (file, text)| folder.file(file, text))
    }

    /// The same for two databases: accounts and items are copied from one to the other, and the application follows.
    pub fn copied(name: &str) -> Self {
        COPIED.into_iter().fold(Self::new(name), |folder, (file, text)| folder.file(file, text))
    }

    /// A copy of a folder, under its own name.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn copy_of(source: &Path) -> Self {
        let name = source.file_name().and_then(|n| n.to_str()).expect("a folder with a name");
        let mut folder = Self::new(name);
        let mut waiting = vec![source.to_owned()];
        while let Some(below) = waiting.pop() {
            for entry in std::fs::read_dir(&below).expect("the folder can be read") {
                let path = entry.expect("it can be listed").path();
                if path.is_dir() {
                    waiting.push(path);
                    continue;
                }
                let inside =
                    path.strip_prefix(source).ok().and_then(Path::to_str).expect("it lies in the folder");
                folder = folder.file(inside, std::fs::read(&path).expect("a file can be read"));
            }
        }
        folder
    }

    /// With a file, instead of one of that name.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("a folder can be made");
        }
        std::fs::write(path, contents).expect("a file can be written");
        self
    }

    /// With the scenario file changed.
    ///
    /// # Panics
    /// When what is to be replaced is not in it.
    #[must_use]
    pub fn with(self, old: &str, new: &str) -> Self {
        let text = self.read("scenario.toml");
        assert!(text.contains(old), "the scenario has no {old:?}");
        let text = text.replacen(old, new, 1);
        self.file("scenario.toml", text)
    }

    /// With text at the end of the scenario file.
    #[must_use]
    pub fn and(self, more: &str) -> Self {
        let text = format!("{}\n{more}\n", self.read("scenario.toml"));
        self.file("scenario.toml", text)
    }

    /// A file's text.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.join(name)).expect("the file is there")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder around it.
    pub fn outer(&self) -> &Path {
        self.outer.path()
    }
}

impl AsRef<std::ffi::OsStr> for Folder {
    fn as_ref(&self) -> &std::ffi::OsStr {
        self.path.as_os_str()
    }
}

const COPIED: [(&str, &str); 4] = [
    ("scenario.toml", include_str!("../faults/copied/scenario.toml")),
    ("baseline.sql", include_str!("../faults/copied/baseline.sql")),
    ("store.sql", include_str!("../faults/copied/store.sql")),
    ("store.down.sql", include_str!("../faults/copied/store.down.sql")),
];

const SOUND: [(&str, &str); 7] = [
    ("scenario.toml", include_str!("../faults/items/scenario.toml")),
    ("baseline.sql", include_str!("../faults/items/baseline.sql")),
    ("expand.sql", include_str!("../faults/items/expand.sql")),
    ("expand.down.sql", include_str!("../faults/items/expand.down.sql")),
    ("fill.sql", include_str!("../faults/items/fill.sql")),
    ("contract.sql", include_str!("../faults/items/contract.sql")),
    ("contract.down.sql", include_str!("../faults/items/contract.down.sql")),
];
