//! Statements whose end nobody waits for: they go with the next message to their database, because a round trip costs
//! more than most of them.

use watertight_scenarios::scenario::DatabaseId;

use super::runner::{OWN_LIMIT, Runner};
use super::truth::OBSERVED;
use crate::db::session::{Answer, Failure, TextRow};

/// What the answer to a question that waits is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// How much was written when the excursion began.
    Began,
    /// The counters before a step.
    BeforeStep,
}

/// What waits for one database.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    pub(super) sql: Vec<String>,
    /// Statements among them whose answers are wanted.
    wanted: Vec<(usize, Wanted)>,
}

impl Waiting {
    pub(super) fn push(&mut self, sql: impl Into<String>) {
        self.sql.push(sql.into());
    }

    /// Its answer is kept until it is [heard](Runner::heard).
    pub(super) fn push_question(&mut self, sql: String, wanted: Wanted) {
        self.wanted.push((self.sql.len(), wanted));
        self.sql.push(sql);
    }

    /// Whether something may have to be undone to a savepoint that is among it.
    fn sets_savepoint(&self) -> bool {
        self.sql.iter().any(|sql| sql.starts_with("SAVEPOINT ") && sql != OBSERVED)
    }

    fn truncate(&mut self, length: usize) {
        self.sql.truncate(length);
        self.wanted.retain(|(at, _)| *at < length);
    }
}

impl Runner<'_> {
    pub(super) fn waiting(&mut self, db: DatabaseId) -> &mut Waiting {
        self.pending.resize(self.sessions.len(), Waiting::default());
        &mut self.pending[db.0]
    }

    /// What is sent first now.
    pub(super) fn take_waiting(&mut self, db: DatabaseId) -> Waiting {
        std::mem::take(self.waiting(db))
    }

    /// The answers behind those to what waited.
    pub(super) fn hear(&mut self, db: DatabaseId, waited: &Waiting, mut answers: Vec<Answer>) -> Vec<Answer> {
        for (at, wanted) in &waited.wanted {
            if let Some(answer) = answers.get_mut(*at) {
                self.heard.insert((db, *wanted), std::mem::take(&mut answer.rows));
            }
        }
        answers.drain(..waited.sql.len().min(answers.len()));
        answers
    }

    /// What was answered to a question that waited; `None` if it was not asked.
    pub(super) fn heard(&mut self, db: DatabaseId, wanted: Wanted) -> Option<Vec<TextRow>> {
        self.heard.remove(&(db, wanted))
    }

    /// The same statements on every database.
    pub(super) fn later(&mut self, statements: &[&str]) {
        for db in (0..self.sessions.len()).map(DatabaseId) {
            self.waiting(db).sql.extend(statements.iter().map(|&sql| sql.to_owned()));
        }
    }

    /// What a script or statement set for its session ends with it.
    pub(super) fn reset_later(&mut self, db: DatabaseId) {
        self.waiting(db).sql.extend(["RESET ALL".to_owned(), "RESET ROLE".to_owned()]);
    }

    /// What was done since a savepoint is undone; the savepoint stays.
    pub(super) fn undo_later(&mut self, savepoint: &str) {
        let (set, back) = (format!("SAVEPOINT {savepoint}"), format!("ROLLBACK TO SAVEPOINT {savepoint}"));
        for db in (0..self.sessions.len()).map(DatabaseId) {
            let waiting = self.waiting(db);
            // What waits to be sent need not be sent to be undone.
            match waiting.sql.iter().rposition(|sql| *sql == set || *sql == back) {
                Some(at) => waiting.truncate(at + 1),
                None => *waiting = Waiting { sql: vec![back.clone()], wanted: Vec::new() },
            }
        }
    }

    /// Sends savepoints that wait: of a message with a statement that does not parse, nothing runs.
    pub(super) async fn set_savepoints(&mut self, db: DatabaseId) -> Result<(), Failure> {
        match self.waiting(db).sets_savepoint() {
            true => self.flush(db).await,
            false => Ok(()),
        }
    }

    /// Sends what waits.
    async fn flush(&mut self, db: DatabaseId) -> Result<(), Failure> {
        let waiting = self.take_waiting(db);
        if !waiting.sql.is_empty() {
            let answers = self.sessions[db.0].run(&waiting.sql.join(";"), OWN_LIMIT).await?;
            self.hear(db, &waiting, answers);
        }
        Ok(())
    }
}
