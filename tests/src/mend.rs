//! A mended scenario without one of its mends, and what is missed then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use watertight_reports::Verdict;
use watertight_scenarios::Scenario;
use watertight_scenarios::catalog;
use watertight_scenarios::scenario::Expectation;

use crate::Folder;

/// What a scenario file says without mending anything.
const NO_MEND: [&str; 5] = ["base", "title", "summary", "assumptions", "expect"];

/// One mend: what is taken away with it, and what is missed then.
#[derive(Clone, Debug)]
pub struct Mend {
    /// The mended scenario.
    pub scenario: &'static str,
    takes: Vec<String>,
    sets: Vec<(String, &'static str)>,
    edits: Vec<Edit>,
    missed: Vec<(&'static str, Expectation)>,
    /// Words that findings must have among them, each.
    pub told: Vec<String>,
}

/// A change to a file that the scenario keeps.
#[derive(Clone, Debug)]
enum Edit {
    /// From where this text begins to where that one does, or to the end.
    Cut { file: String, from: &'static str, to: Option<&'static str> },
    /// At its end.
    Add { file: String, text: &'static str },
}

/// The folder of a bundled scenario.
fn folder(scenario: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/catalog").join(scenario)
}

/// Ids of the bundled scenarios that mend another one.
///
/// # Panics
/// When the catalog cannot be listed.
pub fn mended() -> Vec<String> {
    let entries = std::fs::read_dir(folder("")).expect("the catalog can be listed");
    let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with("-mended")).collect();
    names.sort();
    names
}

/// Everything in which a mended scenario differs from its base: steps, access paths and other entries of its file, and
/// its files. `step expand`, `access GET /`, `tenancy.owner`, `file up.sql`.
///
/// # Panics
/// When the scenario cannot be read.
pub fn differences(scenario: &str) -> BTreeSet<String> {
    let folder = folder(scenario);
    let mut found = BTreeSet::new();
    for (key, value) in &read(&folder) {
        match (key.as_str(), value) {
            (key, _) if NO_MEND.contains(&key) => {}
            (key, Value::Array(list)) => {
                let (noun, name) = named(key);
                let names = list.iter().filter_map(|e| e.get(name)?.as_str());
                found.extend(names.map(|name| format!("{noun} {name}")));
            }
            (key, Value::Table(table)) => found.extend(table.keys().map(|below| format!("{key}.{below}"))),
            (key, _) => {
                found.insert(key.to_owned());
            }
        }
    }
    let mut waiting = vec![folder.clone()];
    while let Some(below) = waiting.pop() {
        for path in std::fs::read_dir(&below).expect("a folder can be listed").flatten().map(|e| e.path()) {
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let inside =
                path.strip_prefix(&folder).ok().and_then(Path::to_str).expect("it lies in the folder");
            if inside != "scenario.toml" {
                found.insert(format!("file {inside}"));
            }
        }
    }
    found
}

/// What the entries of a list are called, and by which key.
fn named(list: &str) -> (&str, &'static str) {
    match list {
        "steps" => ("step", "id"),
        other => (other, "name"),
    }
}

fn read(folder: &Path) -> Table {
    let text = std::fs::read_to_string(folder.join("scenario.toml")).expect("a scenario can be read");
    text.parse().expect("a bundled scenario is TOML")
}

impl Mend {
    /// A mend of that scenario.
    pub fn of(scenario: &'static str) -> Self {
        Self {
            scenario,
            takes: Vec::new(),
            sets: Vec::new(),
            edits: Vec::new(),
            missed: Vec::new(),
            told: Vec::new(),
        }
    }

    /// It is made of these differences. A key of an entry is taken alone as `step expand / down`.
    #[must_use]
    pub fn taking<S: Into<String>>(mut self, differences: impl IntoIterator<Item = S>) -> Self {
        self.takes.extend(differences.into_iter().map(Into::into));
        self
    }

    /// Without it these keys of entries have that value.
    #[must_use]
    pub fn setting(mut self, keys: impl IntoIterator<Item = String>, value: &'static str) -> Self {
        self.sets.extend(keys.into_iter().map(|key| (key, value)));
        self
    }

    /// It is made of these files.
    #[must_use]
    pub fn files(self, folder: &str, names: &[&str]) -> Self {
        self.taking(names.iter().map(|name| format!("file {folder}/{name}")))
    }

    /// It is made of a migration of Supabase's, with its way back.
    #[must_use]
    pub fn migration(self, name: &str) -> Self {
        self.files("supabase/migrations", &[name]).files("supabase/rollbacks", &[name])
    }

    /// It is in a part of a file.
    #[must_use]
    pub fn cut(mut self, file: &str, from: &'static str, to: Option<&'static str>) -> Self {
        self.edits.push(Edit::Cut { file: file.to_owned(), from, to });
        self
    }

    /// It is that a file does not say this.
    #[must_use]
    pub fn add(mut self, file: &str, text: &'static str) -> Self {
        self.edits.push(Edit::Add { file: file.to_owned(), text });
        self
    }

    /// Without it these invariants are violated.
    #[must_use]
    pub fn violates(mut self, invariants: &[&'static str]) -> Self {
        self.missed.extend(invariants.iter().map(|id| (*id, Expectation::Violated)));
        self
    }

    /// Without it these invariants have nothing to look at.
    #[must_use]
    pub fn silences(mut self, invariants: &[&'static str]) -> Self {
        self.missed.extend(invariants.iter().map(|id| (*id, Expectation::NotApplicable)));
        self
    }

    /// Without it these invariants come to no answer.
    #[must_use]
    pub fn leaves_open(mut self, invariants: &[&'static str]) -> Self {
        self.missed.extend(invariants.iter().map(|id| (*id, Expectation::Inconclusive)));
        self
    }

    /// Without it there is a finding that says each of these.
    #[must_use]
    pub fn telling<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.told.extend(words.into_iter().map(Into::into));
        self
    }

    /// The differences that it takes away, or is a part of.
    pub fn touches(&self) -> BTreeSet<String> {
        let entries = self.takes.iter().map(|t| t.split(" / ").next().unwrap_or_default().to_owned());
        let files = self.edits.iter().map(|edit| match edit {
            Edit::Cut { file, .. } | Edit::Add { file, .. } => format!("file {file}"),
        });
        entries.chain(files).collect()
    }

    /// The scenario without it.
    ///
    /// # Panics
    /// When the scenario does not have what is to be taken.
    pub fn taken_away(&self) -> Folder {
        let source = folder(self.scenario);
        let mut table = read(&source);
        let mut copy = Folder::copy_of(&source);
        for difference in &self.takes {
            match difference.strip_prefix("file ") {
                Some(file) => std::fs::remove_file(copy.path().join(file)).expect("the file is there"),
                None => {
                    let taken = take(&mut table, difference);
                    assert!(taken.is_some(), "{} does not have {difference:?}", self.scenario);
                }
            }
        }
        for (key, value) in &self.sets {
            let set =
                place(&mut table, key).map(|(entry, key)| entry.insert(key.to_owned(), (*value).into()));
            assert!(set.is_some(), "{} does not have {key:?}", self.scenario);
        }
        for edit in &self.edits {
            copy = match edit {
                Edit::Cut { file, from, to } => {
                    let text = copy.read(file);
                    let (head, tail) = text.split_once(from).unwrap_or_else(|| panic!("{file}: no {from:?}"));
                    let rest = to.map_or("", |to| {
                        let at = tail.find(to).unwrap_or_else(|| panic!("{file}: no {to:?}"));
                        &tail[at..]
                    });
                    copy.file(file, format!("{head}{rest}"))
                }
                Edit::Add { file, text } => {
                    let all = format!("{}\n{text}\n", copy.read(file));
                    copy.file(file, all)
                }
            };
        }
        table.remove("expect");
        copy.file("scenario.toml", table.to_string())
    }

    /// The mended scenario, expecting what is missed without the mend.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub fn expecting(&self) -> Scenario {
        let mut scenario = catalog::load(self.scenario).expect("a bundled scenario loads");
        scenario.expect.extend(self.missed.iter().map(|(id, verdict)| ((*id).to_owned(), *verdict)));
        scenario
    }

    /// The verdict of the scenario without it.
    pub fn verdict(&self) -> Verdict {
        let violated = self.missed.iter().any(|(_, verdict)| *verdict == Expectation::Violated);
        if violated { Verdict::Violated } else { Verdict::Held }
    }
}

/// Takes an entry, or one key of it, out of a scenario file; `None` when it is not there.
fn take(table: &mut Table, difference: &str) -> Option<Value> {
    if difference.contains(" / ") {
        let (entry, key) = place(table, difference)?;
        return entry.remove(key);
    }
    if let Some((above, below)) = difference.split_once('.').filter(|(above, _)| !above.contains(' ')) {
        return table.get_mut(above)?.as_table_mut()?.remove(below);
    }
    let (entries, at) = entry(table, difference)?;
    Some(entries.remove(at))
}

/// The entry of a list, and the key in it, of `step expand / down`.
fn place<'t, 'd>(table: &'t mut Table, difference: &'d str) -> Option<(&'t mut Table, &'d str)> {
    let (name, key) = difference.split_once(" / ")?;
    let (entries, at) = entry(table, name)?;
    Some((entries[at].as_table_mut()?, key))
}

/// The list of an entry, and its position there.
fn entry<'t>(table: &'t mut Table, difference: &str) -> Option<(&'t mut Vec<Value>, usize)> {
    let (noun, wanted) = difference.split_once(' ')?;
    let list = if noun == "step" { "steps" } else { noun };
    let (_, name) = named(list);
    let entries = table.get_mut(list)?.as_array_mut()?;
    let at = entries.iter().position(|e| e.get(name).and_then(Value::as_str) == Some(wanted))?;
    Some((entries, at))
}
