//! SQL scripts, split into statements with their places, and what each needs of the session that runs it.

mod classify;
mod cuts;
mod operator;
pub(crate) mod reader;
mod shape;
mod split;
mod template;

use std::ops::Range;

use serde::Serialize;

use self::reader::Reader;
use crate::diagnostic::Diagnostic;

pub use operator::Operator;
pub use shape::{Shape, Write};
pub use template::TemplateError;

/// A script as it stands in a file, split into statements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Script {
    /// Path relative to the scenario's folder, with `/`; shown in reports.
    pub path: String,
    /// The whole text, without a byte-order mark.
    pub text: String,
    /// Its statements in order.
    pub statements: Vec<Statement>,
    /// How the tool that runs it puts it into transactions.
    pub transaction: TransactionMode,
}

/// How a tool puts a script into transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionMode {
    /// As the statements allow: in one transaction, unless one of them controls transactions or refuses to be in one.
    #[default]
    Auto,
    /// In one transaction that the tool opens, whatever the statements are.
    Wrapped,
    /// In one message, which is one transaction as soon as it holds several statements.
    Message,
    /// Statement by statement, each committed by itself.
    Single,
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
    /// Reads a script: UTF-8 with or without a byte-order mark, any line ends. Syntax errors are left to the server,
    /// which knows its own version; what no server would take is refused here.
    ///
    /// # Errors
    /// Invalid UTF-8, NUL, psql's own commands, COPY with data in the script: with line and column.
    pub fn parse(path: impl Into<String>, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let path = path.into();
        let text = decode(&path, bytes)?;
        let statements = split::statements(&text).map_err(|refusal| {
            let diagnostic = Diagnostic::at(&path, &text, refusal.range, refusal.message);
            diagnostic.help(refusal.help)
        })?;
        Ok(Self { path, text, statements, transaction: TransactionMode::Auto })
    }

    /// A script without statements.
    pub fn empty(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: String::new(),
            statements: Vec::new(),
            transaction: TransactionMode::Auto,
        }
    }

    /// The text of one of its statements.
    pub fn sql(&self, statement: &Statement) -> &str {
        &self.text[statement.range.clone()]
    }

    /// The same script, run by a tool that does so.
    #[must_use]
    pub fn run_as(mut self, transaction: TransactionMode) -> Self {
        self.transaction = transaction;
        self
    }

    /// Whether the script runs in one transaction, which the harness may then hold. What its tool wraps is held even
    /// if a statement refuses to run there: that refusal is what the tool would get.
    pub fn is_transactional(&self) -> bool {
        let is = |class| self.statements.iter().any(|s| s.class == class);
        let alone = self.statements.len() <= 1;
        // A procedure may commit, where nobody has opened a transaction around it.
        let is_free = || is(StatementClass::OutsideTransaction) || self.calls_procedure();
        !is(StatementClass::TransactionControl)
            && match self.transaction {
                TransactionMode::Auto => !is_free(),
                TransactionMode::Wrapped => true,
                TransactionMode::Message => !alone || !is_free(),
                TransactionMode::Single => alone && !is_free(),
            }
    }
}

impl Script {
    /// Whether it adds values to an enum. They are for those who come after its commit only.
    pub fn adds_enum_values(&self) -> bool {
        self.statements.iter().any(|statement| {
            let mut reader = Reader::new(self.sql(statement));
            reader.skip_all(&["ALTER", "TYPE"])
                && reader.relation().is_some()
                && reader.skip_all(&["ADD", "VALUE"])
        })
    }

    /// Whether it may leave temporary tables to its session, or to its transaction.
    pub fn mentions_temporary(&self) -> bool {
        self.statements.iter().any(|statement| {
            let reader = Reader::new(self.sql(statement));
            reader.words().iter().any(|w| w.is("TEMP") || w.is("TEMPORARY"))
        })
    }
}

/// The text of a file, without a byte-order mark.
pub(crate) fn decode(path: &str, bytes: &[u8]) -> Result<String, Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            // Shown with replacement characters; each bad byte run is one, so the place stays right.
            let valid = error.valid_up_to();
            let shown = String::from_utf8_lossy(bytes);
            let message = format!("byte 0x{:02x} is not valid UTF-8", bytes[valid]);
            return Err(
                Diagnostic::at(path, &shown, valid..valid + 1, message).help("save the file as UTF-8")
            );
        }
    };
    match text.find('\0') {
        Some(at) => {
            let diagnostic = Diagnostic::at(path, text, at..at + 1, "the file contains a NUL character");
            Err(diagnostic.help("PostgreSQL cannot store NUL in text; remove it, or save the file as UTF-8"))
        }
        None => Ok(text.to_owned()),
    }
}
