//! The user's own invariants: files of SQL whose rows are violations.

use super::resolve::{Resolver, is_id};
use super::steps::Steps;
use crate::diagnostic::{Diagnostic, suggest};
use crate::scenario::{Checkpoint, DatabaseId, OwnInvariant, StepId};

/// Where they are, beside the scenario file.
const FILES: &str = "invariants/*.sql";

impl Resolver<'_> {
    /// Reads them, in the order of their names.
    pub(super) fn own_invariants(&mut self, steps: &Steps) -> Vec<OwnInvariant> {
        // A scenario without the folder has none.
        let files = self.files.matching(FILES).unwrap_or_default();
        files.iter().filter_map(|file| self.own_invariant(file, steps)).collect()
    }

    fn own_invariant(&mut self, path: &str, steps: &Steps) -> Option<OwnInvariant> {
        let found = self.files.find(path).ok().flatten()?;
        let script = found.script().map_err(|wrong| self.wrong.push(wrong)).ok()?;
        let refuse = |message: String, help: &str| Diagnostic::of_file(&found.shown, message).help(help);
        let [statement] = script.statements.as_slice() else {
            let message =
                format!("an invariant is one query; there are {} statements", script.statements.len());
            self.wrong.push(refuse(message, "put each into a file of its own"));
            return None;
        };
        let head = &script.text[..statement.range.start];
        let said = |key: &str| {
            let comments = head.lines().filter_map(|l| l.trim().strip_prefix("--"));
            let mut values = comments.filter_map(|c| c.trim_start().strip_prefix(key)?.strip_prefix(':'));
            values.next().map(|value| value.trim().to_owned()).filter(|v| !v.is_empty())
        };
        let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".sql");
        let id = said("id").unwrap_or_else(|| stem.to_owned());
        if !is_id(&id) {
            let message = format!("`{id}` is not an invariant's id");
            self.wrong.push(refuse(message, "lower-case letters, digits, `-` and `_`, behind `-- id:`"));
        }
        let last = Checkpoint(steps.len());
        let mut end = |key: &str, none: Checkpoint, past: Checkpoint, at: fn(StepId) -> Checkpoint| {
            let Some(name) = said(key) else { return Some(none) };
            match (name.as_str(), steps.find(&name)) {
                ("baseline", _) => Some(Checkpoint(0)),
                ("end", _) => Some(last),
                (_, Some(step)) => Some(at(step)),
                _ if steps.past.contains(&name) => Some(past),
                _ if steps.future.contains(&name) => None,
                _ => {
                    let help = suggest(&name, steps.ids().chain(["baseline", "end"]));
                    self.wrong.push(refuse(format!("`{key}` names no step: `{name}`"), &help));
                    None
                }
            }
        };
        let from = end("from", Checkpoint(0), Checkpoint(0), StepId::after)?;
        let until = end("until", last, Checkpoint(0), StepId::before).unwrap_or(last);
        Some(OwnInvariant {
            title: said("title").unwrap_or_else(|| id.replace(['-', '_'], " ")),
            why: said("why"),
            is_from_the_start: said("from").is_none(),
            from,
            until,
            database: DatabaseId(0),
            sql: script.sql(statement).to_owned(),
            file: script.path.clone(),
            line: statement.line,
            id,
        })
    }
}
