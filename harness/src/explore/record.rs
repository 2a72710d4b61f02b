//! What is told of the acts as they happen: the counterexample's script is written from it.

use watertight_scenarios::scenario::{CommandSpec, DatabaseId};

use super::act::{Actor, Seen};
use super::runner::Runner;

/// Statements in the order in which they were sent.
pub type Record = Vec<Recorded>;

/// A statement, and who sent it where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The database.
    pub database: DatabaseId,
    /// Who.
    pub actor: Actor,
    /// What, in words, for a comment.
    pub what: String,
    /// Statements, as sent.
    pub sql: Vec<String>,
    /// The command that was run instead.
    pub command: Option<CommandSpec>,
    /// What the server answered, in one line.
    pub answer: Option<String>,
}

impl Runner<'_> {
    /// From now on keeps every statement, until [`Runner::recorded`].
    pub fn start_recording(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What was kept.
    pub fn recorded(&mut self) -> Record {
        self.record.take().unwrap_or_default()
    }

    pub(super) fn keep(&mut self, database: DatabaseId, actor: &Actor, what: String, sql: Vec<String>) {
        if let Some(record) = &mut self.record {
            record.push(Recorded { database, actor: actor.clone(), what, sql, command: None, answer: None });
        }
    }

    pub(super) fn keep_command(&mut self, database: DatabaseId, actor: &Actor, spec: &CommandSpec) {
        self.keep(database, actor, spec.line_shown(), Vec::new());
        if let Some(last) = self.record.as_mut().and_then(|r| r.last_mut()) {
            last.command = Some(spec.clone());
        }
    }

    pub(super) fn answered(&mut self, seen: &Seen) {
        let Some(last) = self.record.as_mut().and_then(|r| r.last_mut()) else { return };
        last.answer = match seen {
            Seen::Refused(refusal) => Some(refusal.failure.to_string()),
            Seen::Done(done) if !done.answer.rows.is_empty() => {
                Some(format!("{} rows", done.answer.rows.len()))
            }
            Seen::Done(done) => Some(format!("{} rows written", done.written())),
            _ => None,
        };
    }
}
