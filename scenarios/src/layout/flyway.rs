//! Flyway: versioned, undo and repeatable scripts.

use super::Migration;
use super::folder::Folder;
use super::version::dotted;
use crate::script::{Script, StatementClass, TransactionMode};

/// Flyway: `V` by version, each with the `U` of its version as way back; then `R` by description, as on a database
/// that has none of them. A script runs in a transaction unless one of its statements refuses to, or the script's own
/// `.conf` says `executeInTransaction=false`.
pub(super) fn flyway(folder: &mut Folder<'_>) -> Vec<Migration> {
    let (mut versioned, mut undo, mut repeatable) = (Vec::new(), Vec::new(), Vec::new());
    for name in folder.top() {
        let Some(stem) = name.strip_suffix(".sql") else { continue };
        let parts = stem.split_once("__");
        match (stem.chars().next(), parts) {
            (Some('R'), Some(("R", description))) => repeatable.push((description.to_owned(), name)),
            (Some(kind @ ('V' | 'U')), Some((prefix, _))) => match dotted(&prefix[1..]) {
                Some(version) if kind == 'V' => versioned.push((version, name)),
                Some(version) => undo.push((version, name)),
                None => folder.skip(&name, "its version is not a number"),
            },
            _ => folder.skip(&name, "Flyway wants V<version>__<name>.sql or R__<name>.sql"),
        }
    }
    versioned.sort();
    repeatable.sort();
    let mut migrations = Vec::new();
    for pair in versioned.windows(2).filter(|p| p[0].0 == p[1].0) {
        let help = format!("the other one is {}; Flyway refuses this folder", pair[0].1);
        folder.refuse(&pair[1].1, "its version is there twice", &help);
    }
    for (version, name) in versioned {
        let Some(up) = script(folder, &name) else { continue };
        let down = undo.iter().find(|(v, _)| *v == version).and_then(|(_, name)| script(folder, name));
        let down = down.filter(|d| !d.statements.is_empty());
        migrations.push(Migration { id: name.trim_end_matches(".sql").to_owned(), up, down });
    }
    for (_, name) in repeatable {
        let Some(up) = script(folder, &name) else { continue };
        migrations.push(Migration { id: name.trim_end_matches(".sql").to_owned(), up, down: None });
    }
    migrations
}

fn script(folder: &mut Folder<'_>, name: &str) -> Option<Script> {
    let script = folder.script(name, TransactionMode::Wrapped)?;
    let outside = script.statements.iter().any(|s| s.class == StatementClass::OutsideTransaction);
    let conf = format!("{name}.conf");
    let conf = folder.has(&conf).then(|| folder.text(&conf)).flatten().unwrap_or_default();
    let says_no = conf.lines().filter_map(|l| l.split_once('=')).any(|(key, value)| {
        key.trim().eq_ignore_ascii_case("executeInTransaction") && value.trim().eq_ignore_ascii_case("false")
    });
    Some(if outside || says_no { script.run_as(TransactionMode::Single) } else { script })
}
