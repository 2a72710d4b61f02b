//! A folder a migration: Prisma and Diesel.

use super::Migration;
use super::folder::Folder;
use super::version::{Version, numbered};
use crate::script::TransactionMode;

/// Names that teams give to a way back beside Prisma's own file.
const DOWNS: [&str; 4] = ["down.sql", "rollback.sql", "migration.down.sql", "revert.sql"];

/// Prisma: folders in the order of their names, each sent as one message. It has no way back of its own; a file
/// beside the migration is taken for one.
pub(super) fn prisma(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mode = TransactionMode::Message;
    let mut migrations = Vec::new();
    for id in folder.folders_with("migration.sql") {
        let Some(up) = folder.script(&format!("{id}/migration.sql"), mode) else { continue };
        let down = DOWNS.iter().map(|name| format!("{id}/{name}")).find(|name| folder.has(name));
        let down = down.and_then(|name| folder.way_back(&name, mode));
        migrations.push(Migration { id, up, down });
    }
    migrations
}

/// Diesel: in the order of versions (the name up to its first `_`, without dashes). It wraps each in a transaction,
/// unless `metadata.toml` says `run_in_transaction = false`: then the file is one message.
pub(super) fn diesel(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mut migrations: Vec<(Version, Migration)> = Vec::new();
    for id in folder.folders_with("up.sql") {
        let mode = diesel_mode(folder, &id);
        let Some(up) = folder.script(&format!("{id}/up.sql"), mode) else { continue };
        let down = folder.way_back(&format!("{id}/down.sql"), mode);
        let version = id.split('_').next().unwrap_or(&id).replace('-', "");
        let number = numbered(&version).map(|(n, _)| n);
        migrations.push(((number.into_iter().collect(), version), Migration { id, up, down }));
    }
    for id in folder.folders_with("down.sql") {
        if !folder.has(&format!("{id}/up.sql")) {
            folder.skip(&format!("{id}/down.sql"), "there is no up.sql beside it");
        }
    }
    migrations.sort_by(|a, b| a.0.cmp(&b.0));
    migrations.into_iter().map(|(_, m)| m).collect()
}

fn diesel_mode(folder: &mut Folder<'_>, id: &str) -> TransactionMode {
    let name = format!("{id}/metadata.toml");
    let Some(text) = folder.has(&name).then(|| folder.text(&name)).flatten() else {
        return TransactionMode::Wrapped;
    };
    match toml::from_str::<toml::Table>(&text) {
        Ok(table) if table.get("run_in_transaction").and_then(toml::Value::as_bool) == Some(false) => {
            TransactionMode::Message
        }
        Ok(_) => TransactionMode::Wrapped,
        Err(error) => {
            folder.refuse(&name, format!("invalid TOML: {}", error.message()), "mend the file");
            TransactionMode::Wrapped
        }
    }
}
