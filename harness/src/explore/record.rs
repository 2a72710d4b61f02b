//! What is told of the acts as they happen: the counterexample's script is written from it.

use watertight_scenarios::scenario::{CommandSpec, DatabaseId};

use super::act::{Actor, Seen};
use super::cut::Cut;
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
    /// How they went.
    pub manner: Manner,
    /// The command that was run instead.
    pub command: Option<CommandSpec>,
    /// What the server answered, in one line.
    pub answer: Option<String>,
}

/// How statements are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// In one transaction of whoever sends them.
    #[default]
    Together,
    /// Each by itself: they hold their own transactions.
    Alone,
    /// The same, and cut on the way.
    Cut(Cut),
    /// By another session, while the next ones stand at a write.
    Elsewhere,
    /// Each by itself, and that write waits for what was sent elsewhere.
    Paused(u32),
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
            let (actor, manner) = (actor.clone(), Manner::Together);
            record.push(Recorded { database, actor, what, sql, manner, command: None, answer: None });
        }
    }

    /// What was kept last goes in that manner.
    pub(super) fn keep_manner(&mut self, manner: Manner) {
        if let Some(last) = self.record.as_mut().and_then(|r| r.last_mut()) {
            last.manner = manner;
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
