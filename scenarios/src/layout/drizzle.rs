//! Drizzle: the journal says the order, and everything that is due runs in one transaction.

use serde::Deserialize;

use super::Migration;
use super::folder::Folder;
use crate::script::TransactionMode;

/// The journal, where it lies.
const JOURNAL: &str = "meta/_journal.json";

#[derive(Deserialize)]
struct Journal {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    idx: u64,
    tag: String,
}

/// Drizzle: the entries of the journal. `--> statement-breakpoint` is a comment to the server.
pub(super) fn drizzle(folder: &mut Folder<'_>) -> Vec<Migration> {
    let Some(text) = folder.text(JOURNAL) else { return Vec::new() };
    let mut entries = match serde_json::from_str::<Journal>(&text) {
        Ok(journal) => journal.entries,
        Err(error) => {
            folder.refuse(JOURNAL, format!("not a journal of Drizzle: {error}"), "restore it from git");
            return Vec::new();
        }
    };
    entries.sort_by_key(|e| e.idx);
    for name in folder.top().into_iter().filter(|n| n.ends_with(".sql")) {
        if !entries.iter().any(|e| name.strip_suffix(".sql") == Some(e.tag.as_str())) {
            folder.skip(&name, "the journal does not name it");
        }
    }
    let mut migrations = Vec::new();
    for Entry { tag, .. } in entries {
        let name = format!("{tag}.sql");
        match folder.has(&name) {
            true => {
                let Some(up) = folder.script(&name, TransactionMode::Wrapped) else { continue };
                migrations.push(Migration { id: tag, up, down: None });
            }
            false => {
                folder.refuse(&name, "the journal names it, and there is no such file", "restore the file")
            }
        }
    }
    migrations
}
