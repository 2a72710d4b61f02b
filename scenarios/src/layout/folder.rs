//! A folder of migrations while it is being read.

use super::{History, Layout, Migration, Skipped};
use crate::diagnostic::Diagnostic;
use crate::format::files::{Files, Found};
use crate::script::{Script, TransactionMode};

/// The folder, its files, and what was found wrong with them.
pub(super) struct Folder<'a> {
    files: &'a mut Files,
    /// Relative to the scenario's folder; empty for that folder itself.
    path: String,
    /// Paths relative to the folder, two levels deep, sorted.
    names: Vec<String>,
    skipped: Vec<Skipped>,
    wrong: Vec<Diagnostic>,
}

impl<'a> Folder<'a> {
    /// Lists it.
    pub(super) fn open(path: &str, files: &'a mut Files) -> Result<Self, Vec<Diagnostic>> {
        let path = path.trim_end_matches('/').trim_start_matches("./");
        let path = if path == "." { "" } else { path };
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names = Vec::new();
        for pattern in ["*", "*/*"] {
            let pattern = format!("{}{pattern}", glob::Pattern::escape(&prefix));
            let found = files.matching(&pattern).map_err(|e| {
                let diagnostic = Diagnostic::of_file(path, e.message);
                vec![Diagnostic { help: e.help, ..diagnostic }]
            })?;
            names.extend(found.iter().filter_map(|f| f.strip_prefix(&prefix)).map(str::to_owned));
        }
        names.sort();
        names.dedup();
        Ok(Self { files, path: path.to_owned(), names, skipped: Vec::new(), wrong: Vec::new() })
    }

    /// Files directly in it.
    pub(super) fn top(&self) -> Vec<String> {
        self.names.iter().filter(|n| !n.contains('/')).cloned().collect()
    }

    /// Its folders with a file of that name in each.
    pub(super) fn folders_with(&self, file: &str) -> Vec<String> {
        let folder = |n: &String| n.strip_suffix(file)?.strip_suffix('/').map(str::to_owned);
        self.names.iter().filter_map(folder).collect()
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// The path from the scenario's folder.
    pub(super) fn shown(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    /// Reads a file; what is wrong with it is noted.
    pub(super) fn file(&mut self, name: &str) -> Option<Found> {
        let path = self.shown(name);
        self.file_at(&path)
    }

    /// Reads a file anywhere in the scenario's folder.
    pub(super) fn file_at(&mut self, path: &str) -> Option<Found> {
        match self.files.find(path) {
            Ok(found) => found,
            Err(error) => {
                let diagnostic = Diagnostic::of_file(path, error.message);
                self.wrong.push(Diagnostic { help: error.help, ..diagnostic });
                None
            }
        }
    }

    /// A file's text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.file(name)?.text();
        self.note(text)
    }

    /// A file as a script.
    pub(super) fn script(&mut self, name: &str, transaction: TransactionMode) -> Option<Script> {
        let script = self.file(name)?.script();
        Some(self.note(script)?.run_as(transaction))
    }

    /// A file as a way back: one without a statement is none.
    pub(super) fn way_back(&mut self, name: &str, transaction: TransactionMode) -> Option<Script> {
        let path = self.shown(name);
        self.way_back_at(&path, transaction)
    }

    /// The same, by the path from the scenario's folder.
    pub(super) fn way_back_at(&mut self, path: &str, transaction: TransactionMode) -> Option<Script> {
        let script = self.file_at(path)?.script();
        let script = self.note(script)?.run_as(transaction);
        (!script.statements.is_empty()).then_some(script)
    }

    /// The value, or a note of what is wrong.
    pub(super) fn note<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|wrong| self.wrong.push(wrong)).ok()
    }

    /// Notes what is wrong with a file as a whole.
    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>, help: &str) {
        let path = self.shown(name);
        self.wrong.push(Diagnostic::of_file(path, message).help(help));
    }

    /// Notes a file that is left out.
    pub(super) fn skip(&mut self, name: &str, why: impl Into<String>) {
        let path = self.shown(name);
        self.skipped.push(Skipped { path, why: why.into() });
    }

    /// The history, or everything that is wrong with it.
    pub(super) fn close(
        self,
        layout: Layout,
        migrations: Vec<Migration>,
    ) -> Result<History, Vec<Diagnostic>> {
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        let folder = if self.path.is_empty() { ".".to_owned() } else { self.path };
        if migrations.is_empty() {
            let message = format!("there are no migrations of {layout} in this folder");
            let help = "say which folder and which layout under `[migrations]`";
            return Err(vec![Diagnostic::of_file(folder, message).help(help)]);
        }
        let mut seen = std::collections::HashMap::new();
        for migration in &migrations {
            if let Some(first) = seen.insert(migration.step_id(), migration.path()) {
                let message = format!("the migration `{}` is there twice", migration.id);
                let help = format!("the other one is {first}");
                return Err(vec![Diagnostic::of_file(migration.path(), message).help(help)]);
            }
        }
        Ok(History { layout, folder, migrations, skipped: self.skipped })
    }
}
