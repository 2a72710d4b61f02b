//! Up and down in one file, told apart by comments: goose and dbmate.

use std::ops::Range;

use super::Migration;
use super::folder::Folder;
use super::version::numbered;
use crate::diagnostic::Diagnostic;
use crate::format::files::Found;
use crate::script::TransactionMode;

/// Where the parts of a file lie.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    up: Vec<Range<usize>>,
    down: Vec<Range<usize>>,
    up_single: bool,
    down_single: bool,
    /// Bytes that goose takes for one statement each.
    blocks: Vec<Range<usize>>,
}

/// goose: by number, Go files are named as skipped. Wrapped in a transaction, or with `-- +goose NO TRANSACTION`
/// statement by statement.
pub(super) fn goose(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mut migrations = Vec::new();
    for name in folder.top() {
        let stem = name.strip_suffix(".sql").or_else(|| name.strip_suffix(".go"));
        let Some((number, _)) = stem.and_then(numbered) else { continue };
        if name.ends_with(".go") {
            folder.skip(&name, "a migration in Go, which cannot be verified");
            continue;
        }
        let read = |found: &Found| {
            let text = found.text()?;
            let parts = goose_parts(&found.shown, &text)?;
            uncut(found, &text, &parts)?;
            Ok((text, parts))
        };
        if let Some(migration) = sectioned(folder, &name, read) {
            migrations.push((number, migration));
        }
    }
    migrations.sort_by_key(|(number, m)| (*number, m.id.clone()));
    migrations.into_iter().map(|(_, m)| m).collect()
}

/// dbmate: in the order of names. Wrapped in a transaction, or with `transaction:false` one message.
pub(super) fn dbmate(folder: &mut Folder<'_>) -> Vec<Migration> {
    let mut migrations = Vec::new();
    for name in folder.top().into_iter().filter(|n| n.ends_with(".sql")) {
        if numbered(&name).is_none() {
            folder.skip(&name, "dbmate wants <version>_<name>.sql");
            continue;
        }
        let read = |found: &Found| {
            let text = found.text()?;
            let parts = dbmate_parts(&found.shown, &text)?;
            Ok((text, parts))
        };
        migrations.extend(sectioned(folder, &name, read));
    }
    for migration in &mut migrations {
        let scripts = std::iter::once(&mut migration.up).chain(&mut migration.down);
        for script in scripts.filter(|s| s.transaction == TransactionMode::Single) {
            script.transaction = TransactionMode::Message;
        }
    }
    migrations
}

/// One file as a migration.
fn sectioned(
    folder: &mut Folder<'_>,
    name: &str,
    read: impl Fn(&Found) -> Result<(String, Parts), Diagnostic>,
) -> Option<Migration> {
    let found = folder.file(name)?;
    let (text, parts) = folder.note(read(&found))?;
    let mode = |single| if single { TransactionMode::Single } else { TransactionMode::Wrapped };
    let up = found.section(&only(&text, &parts.up));
    let up = folder.note(up)?.run_as(mode(parts.up_single));
    let down = found.section(&only(&text, &parts.down));
    let down = folder.note(down)?.run_as(mode(parts.down_single));
    let down = (!down.statements.is_empty()).then_some(down);
    Some(Migration { id: name.trim_end_matches(".sql").to_owned(), up, down })
}

/// The text with everything else blanked, so that places stay what they are.
fn only(text: &str, parts: &[Range<usize>]) -> String {
    let within = |at: usize| parts.iter().any(|p| p.contains(&at));
    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c == '\n' || within(at) {
            kept.push(c);
        } else {
            kept.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
    kept
}

/// Lines with their bytes.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start..at, line.trim_end())
    })
}

fn goose_parts(shown: &str, text: &str) -> Result<Parts, Diagnostic> {
    let mut parts = Parts::default();
    let mut down = None;
    let mut block: Option<usize> = None;
    for (range, line) in lines(text) {
        let command = line.trim_start().strip_prefix("--").map(str::trim_start);
        let command = command.and_then(|c| c.strip_prefix("+goose")).map(|c| c.trim().to_ascii_lowercase());
        match command.as_deref() {
            Some("up") => down = Some(false),
            Some("down") => down = Some(true),
            Some("no transaction") => (parts.up_single, parts.down_single) = (true, true),
            Some("statementbegin") => block = Some(range.end),
            Some("statementend") => {
                let Some(start) = block.take() else {
                    let diagnostic =
                        Diagnostic::at(shown, text, range, "StatementEnd without StatementBegin");
                    return Err(diagnostic.help("goose refuses this file"));
                };
                parts.blocks.push(start..range.start);
            }
            Some("envsub on") => {
                let diagnostic =
                    Diagnostic::at(shown, text, range, "variables of the environment are not filled in");
                return Err(diagnostic.help("write the values, or keep the file out of the folder"));
            }
            Some(_) => {}
            None => match down {
                Some(true) => parts.down.push(range),
                Some(false) => parts.up.push(range),
                None => {}
            },
        }
    }
    if down.is_none() {
        let diagnostic = Diagnostic::of_file(shown, "there is no `-- +goose Up`");
        return Err(diagnostic.help("goose refuses this file; add the annotation"));
    }
    Ok(parts)
}

/// Refuses what goose would cut in two: outside a block, it ends a statement at each line that ends with `;`.
fn uncut(found: &Found, text: &str, parts: &Parts) -> Result<(), Diagnostic> {
    for part in [&parts.up, &parts.down] {
        let script = found.section(&only(text, part))?;
        for statement in &script.statements {
            let start = statement.range.start;
            if parts.blocks.iter().any(|b| b.contains(&start)) {
                continue;
            }
            let sql = script.sql(statement);
            let cut = lines(sql)
                .find(|(_, line)| line.trim_end().ends_with(';') && !line.trim_start().starts_with("--"));
            if let Some((range, _)) = cut {
                let place = start + range.start..start + range.end;
                let message = "goose ends the statement here, in the middle";
                let help = "put `-- +goose StatementBegin` and `-- +goose StatementEnd` around it";
                return Err(Diagnostic::at(&found.shown, text, place, message).help(help));
            }
        }
    }
    Ok(())
}

fn dbmate_parts(shown: &str, text: &str) -> Result<Parts, Diagnostic> {
    let mut parts = Parts::default();
    let mut down = None;
    for (range, line) in lines(text) {
        let command = line.trim_start().strip_prefix("--").map(str::trim_start);
        let Some(command) = command.and_then(|c| c.strip_prefix("migrate:")) else {
            match down {
                Some(true) => parts.down.push(range),
                Some(false) => parts.up.push(range),
                None => {}
            }
            continue;
        };
        let mut words = command.split_whitespace();
        let single = |mut words: std::str::SplitWhitespace<'_>| words.any(|w| w == "transaction:false");
        match words.next() {
            Some("up") => {
                down = Some(false);
                parts.up_single = single(words);
            }
            Some("down") => {
                down = Some(true);
                parts.down_single = single(words);
            }
            _ => {}
        }
    }
    if parts.up.is_empty() && down != Some(false) && !text.contains("migrate:up") {
        let diagnostic = Diagnostic::of_file(shown, "there is no `-- migrate:up`");
        return Err(diagnostic.help("dbmate refuses this file; add the line"));
    }
    Ok(parts)
}
