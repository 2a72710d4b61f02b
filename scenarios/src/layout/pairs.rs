//! Files `<version>_<name>`, alone or as `.up.sql` and `.down.sql`: sqlx and golang-migrate.

use std::collections::BTreeMap;

use super::Migration;
use super::folder::Folder;
use super::version::numbered;
use crate::script::TransactionMode;

/// sqlx: by version; wrapped in a transaction, or with `-- no-transaction` as its first line one message.
pub(super) fn sqlx(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mut versions: BTreeMap<u128, Vec<(String, String)>> = BTreeMap::new();
    for name in folder.top() {
        let Some(stem) = name.strip_suffix(".sql") else { continue };
        // As sqlx has it: without a version and an underscore a file is not a migration.
        let Some((version, _)) = stem.split_once('_').and_then(|(v, _)| numbered(v)) else {
            folder.skip(&name, "sqlx wants <version>_<name>.sql");
            continue;
        };
        let id = stem.trim_end_matches(".up").trim_end_matches(".down").to_owned();
        versions.entry(version).or_default().push((id, name));
    }
    pair(folder, versions, |folder, name| {
        let first = folder.text(name).unwrap_or_default();
        let first = first.lines().next().unwrap_or_default().trim();
        if first.starts_with("-- no-transaction") {
            TransactionMode::Message
        } else {
            TransactionMode::Wrapped
        }
    })
}

/// golang-migrate: by version; each file one message.
pub(super) fn golang_migrate(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mut versions: BTreeMap<u128, Vec<(String, String)>> = BTreeMap::new();
    for name in folder.top() {
        let stem = name.strip_suffix(".up.sql").or_else(|| name.strip_suffix(".down.sql"));
        match stem.and_then(|s| Some((numbered(s)?.0, s.to_owned()))) {
            Some((version, id)) => versions.entry(version).or_default().push((id, name)),
            None if name.ends_with(".sql") => {
                folder.skip(&name, "golang-migrate wants <version>_<name>.up.sql");
            }
            None => {}
        }
    }
    pair(folder, versions, |_, _| TransactionMode::Message)
}

/// Puts the files of each version together.
fn pair(
    folder: &mut Folder<'_>,
    versions: BTreeMap<u128, Vec<(String, String)>>,
    mode: impl Fn(&mut Folder<'_>, &str) -> TransactionMode,
) -> Vec<Migration> {
    let mut migrations = Vec::new();
    for (version, names) in versions {
        let (downs, ups): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, n)| n.ends_with(".down.sql"));
        match (ups.as_slice(), downs.as_slice()) {
            ([(id, name)], [] | [_]) => {
                let transaction = mode(folder, name);
                let Some(up) = folder.script(name, transaction) else { continue };
                let down = downs.first().and_then(|(_, name)| {
                    let transaction = mode(folder, name);
                    folder.way_back(name, transaction)
                });
                migrations.push(Migration { id: id.clone(), up, down });
            }
            ([], downs) => {
                for (_, name) in downs {
                    folder.skip(name, "there is no way up to it");
                }
            }
            ([_, (_, name), ..], _) | (_, [_, (_, name), ..]) => {
                let message = format!("version {version} is there twice");
                folder.refuse(name, message, "the tool refuses this folder; renumber one of them");
            }
        }
    }
    migrations
}
