//! A file a migration, in the order of names: Supabase, Atlas, and numbered files without a tool.

use super::Migration;
use super::folder::Folder;
use super::version::{Version, numbered};
use crate::script::TransactionMode;

/// Folders beside Supabase's migrations where teams keep a way back.
const ROLLBACKS: [&str; 3] = ["rollbacks", "rollback", "down"];

/// Endings and folders by which numbered files name their way back.
const DOWN_ENDINGS: [&str; 4] = [".down.sql", ".rollback.sql", ".undo.sql", "_down.sql"];
const DOWN_FOLDERS: [&str; 3] = ["down", "rollback", "rollbacks"];

/// Supabase: `<digits>_<name>.sql`, in one transaction together with the entry in its own table. It has no way back
/// of its own; a file of the same name in a folder beside the migrations is taken for one.
pub(super) fn supabase(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mode = TransactionMode::Wrapped;
    let mut migrations = Vec::new();
    for name in folder.top() {
        let Some(id) = name.strip_suffix(".sql") else { continue };
        if numbered(id).is_none() || !id.contains('_') {
            folder.skip(&name, "Supabase wants <digits>_<name>.sql");
            continue;
        }
        let Some(up) = folder.script(&name, mode) else { continue };
        let beside = up.path.rsplit_once('/').and_then(|(own, _)| own.rsplit_once('/')).map(|(b, _)| b);
        let beside = beside.map_or_else(String::new, |b| format!("{b}/"));
        let down = ROLLBACKS.iter().find_map(|r| folder.way_back_at(&format!("{beside}{r}/{name}"), mode));
        migrations.push(Migration { id: id.to_owned(), up, down });
    }
    migrations
}

/// Atlas: in the order of names; wrapped in a transaction unless `-- atlas:txmode none` stands at the head. Files
/// that a checkpoint stands for are what existing databases have run, so the checkpoint itself is left out.
pub(super) fn atlas(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mut migrations = Vec::new();
    for name in folder.top() {
        let Some(id) = name.strip_suffix(".sql") else { continue };
        let Some(text) = folder.text(&name) else { continue };
        let head: Vec<&str> =
            text.lines().take_while(|l| l.trim().is_empty() || l.starts_with("--")).collect();
        let directive = |key: &str| head.iter().find_map(|l| l.strip_prefix("-- atlas:")?.strip_prefix(key));
        if directive("checkpoint").is_some() {
            folder.skip(&name, "a checkpoint: existing databases run the files that it stands for");
            continue;
        }
        if directive("delimiter").is_some() {
            let help = "separate its statements by semicolons";
            folder.refuse(&name, "`atlas:delimiter` is not read", help);
        }
        let mode = match directive("txmode").map(str::trim) {
            Some("none") => TransactionMode::Single,
            _ => TransactionMode::Wrapped,
        };
        let Some(up) = folder.script(&name, mode) else { continue };
        migrations.push(Migration { id: id.to_owned(), up, down: None });
    }
    migrations
}

/// Numbered files: by number, then by name.
pub(super) fn plain(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mode = TransactionMode::Auto;
    let is_down = |name: &str| DOWN_ENDINGS.iter().any(|e| name.ends_with(e));
    let mut ups: Vec<(Version, String)> = Vec::new();
    for name in folder.top() {
        let Some(stem) = name.strip_suffix(".sql").filter(|_| !is_down(&name)) else { continue };
        match numbered(stem) {
            Some((number, rest)) => ups.push(((vec![number], rest.to_owned()), name)),
            None => folder.skip(&name, "its name has no number to say when it runs"),
        }
    }
    ups.sort();
    let mut migrations = Vec::new();
    for (_, name) in ups {
        let id = name.trim_end_matches(".sql").trim_end_matches(".up").trim_end_matches("_up").to_owned();
        let Some(up) = folder.script(&name, mode) else { continue };
        let beside = DOWN_ENDINGS.iter().map(|ending| format!("{id}{ending}"));
        let apart = DOWN_FOLDERS.iter().map(|down| format!("{down}/{name}"));
        let down = beside.chain(apart).find(|name| folder.has(name));
        let down = down.and_then(|name| folder.way_back(&name, mode));
        migrations.push(Migration { id, up, down });
    }
    migrations
}
