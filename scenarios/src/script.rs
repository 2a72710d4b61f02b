//! SQL scripts, split into statements with their places, and what each needs of the session that runs it.

use std::ops::Range;

use serde::Serialize;

/// A script as it stands in a file, split into statements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Script {
    /// Path relative to the scenario's folder, with `/`; shown in reports.
    pub path: String,
    /// The whole text, without a byte-order mark.
    pub text: String,
    /// Its statements in order.
    pub statements: Vec<Statement>,
}

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// Bytes of the script's text, without the final semicolon.
    pub range: Range<usize>,
    /// 1-based line on which it starts.
    pub line: u32,
    /// What it does to transactions.
    pub class: StatementClass,
}

/// What a statement needs of the session that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementClass {
    /// Runs inside a transaction.
    Plain,
    /// BEGIN, COMMIT, ROLLBACK, END, ABORT, PREPARE TRANSACTION: the script controls transactions itself.
    TransactionControl,
    /// Refuses to run inside a transaction: CREATE INDEX CONCURRENTLY, VACUUM, ALTER SYSTEM, …
    OutsideTransaction,
}

impl Script {
    /// The text of one of its statements.
    pub fn sql(&self, statement: &Statement) -> &str {
        &self.text[statement.range.clone()]
    }

    /// Whether every statement can run inside a transaction that the harness holds.
    pub fn is_transactional(&self) -> bool {
        self.statements.iter().all(|s| s.class == StatementClass::Plain)
    }
}
