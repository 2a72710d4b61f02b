//! Resolving the commands of steps.

use std::ops::Range;

use super::raw::RawCommand;
use super::resolve::Resolver;
use crate::diagnostic::suggest;
use crate::scenario::{CommandSpec, Database, DatabaseId, Variable};

impl Resolver<'_> {
    /// A command, and the file to blame for what it does: the first of its own, else the scenario file.
    pub(super) fn command(
        &mut self,
        raw: &RawCommand,
        span: &Range<usize>,
        databases: &[Database],
    ) -> Option<(String, CommandSpec)> {
        if raw.run.first().is_none_or(|program| program.trim().is_empty()) {
            self.report_help(span, "the command has no program", "write `run = [\"program\", \"argument\"]`");
            return None;
        }
        let named =
            raw.folder.as_deref().map(|f| f.trim_end_matches('/')).filter(|f| !f.is_empty() && *f != ".");
        let folder = match self.files.folder(named, &raw.run) {
            Ok(Some(folder)) => folder,
            Ok(None) => {
                let message = match named {
                    Some(named) => format!("there is no folder `{named}`"),
                    None => "a bundled scenario runs no commands".to_owned(),
                };
                self.report_help(span, message, "paths are relative to the scenario's folder");
                return None;
            }
            Err(error) => {
                self.report_path(span, error);
                return None;
            }
        };
        let within = |path: &str| named.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}"));
        // What is no file of the scenario's is an argument. Each that is one counts into the digest.
        let found = raw.run.iter().filter_map(|word| self.files.find(&within(word)).ok().flatten());
        let own: Vec<String> = found.map(|found| found.path().to_owned()).collect();
        for pattern in &raw.files {
            self.command_files(&within(pattern), span);
        }
        let variables =
            raw.env.iter().map(|(name, value)| (name.clone(), self.variable(value, span, databases)));
        let variables = variables.collect();
        let line = own.is_empty().then(|| self.sources.line(span));
        let place = own.into_iter().next().unwrap_or_else(|| self.scenario_file(span));
        let folder_shown = named.unwrap_or(".").to_owned();
        Some((place, CommandSpec { words: raw.run.clone(), folder, folder_shown, variables, line }))
    }

    /// Counts the files of a command that a pattern means into the digest.
    fn command_files(&mut self, pattern: &str, span: &Range<usize>) {
        match self.files.matching(pattern) {
            Ok(found) if found.is_empty() => {
                self.report(span, format!("no file matches `{pattern}`"));
            }
            Ok(found) => {
                for path in found {
                    if let Err(error) = self.files.find(&path) {
                        self.report_path(span, error);
                    }
                }
            }
            Err(error) => self.report_path(span, error),
        }
    }

    fn variable(&mut self, value: &str, span: &Range<usize>, databases: &[Database]) -> Variable {
        let name = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        // Braces around anything else are a text's own.
        let is_name = |name: &&str| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        };
        let Some(name) = name.filter(is_name) else { return Variable::Text(value.to_owned()) };
        match databases.iter().position(|d| d.name == name) {
            Some(at) => Variable::Url(DatabaseId(at)),
            None => {
                let help = suggest(name, databases.iter().map(|d| d.name.as_str()));
                self.report_help(span, format!("there is no database `{name}`"), help);
                Variable::Text(value.to_owned())
            }
        }
    }
}
