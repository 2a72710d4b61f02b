//! One connection on which user SQL runs: simple protocol, text results, a watchdog outside the session.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Either, Row as _, ValueRef as _};
use watertight_scenarios::Relation;

use super::question::{self, Question};
use crate::command;

/// Rows kept of one answer; the rest is counted as truncated, so that memory stays flat.
pub const ROWS_MAX: usize = 500_000;

/// Bytes kept of one answer, for the same reason.
pub const BYTES_MAX: usize = 64 << 20;

/// Time a cancelled statement gets to end before its session is terminated.
const CANCEL_GRACE: Duration = Duration::from_secs(3);

/// A row as the server prints it.
pub type TextRow = Vec<Option<String>>;

/// What one statement answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Column names; empty when no row came.
    pub columns: Vec<String>,
    /// Rows as the server prints them.
    pub rows: Vec<TextRow>,
    /// Rows that the command tag counts.
    pub affected: u64,
    /// Rows beyond [`ROWS_MAX`] or [`BYTES_MAX`] were dropped.
    pub truncated: bool,
}

/// A refusal by the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// Five characters.
    pub sqlstate: String,
    /// Primary message.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// The constraint that refused.
    pub constraint: Option<String>,
    /// The table concerned.
    pub table: Option<String>,
    /// The column concerned.
    pub column: Option<String>,
    /// 1-based character position within the statement.
    pub position: Option<usize>,
}

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ERROR {}: {}", self.sqlstate, self.message)?;
        // The failing row repeats values that differ from run to run (clocks, fresh ids); the message says which column.
        if let Some(detail) = self.detail.as_ref().filter(|d| !d.starts_with("Failing row contains")) {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

/// Why a statement gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server refused it.
    #[error("{0}")]
    Sql(SqlError),
    /// A check returned rows: violations, in its own words.
    #[error("{0} violations reported")]
    Complaint(usize),
    /// A command ended with another exit code than 0.
    #[error("{0}")]
    Command(command::Ended),
    /// A command could not be run, or somebody ended it: it says nothing of the data.
    #[error("{0}")]
    Unfinished(String),
    /// It was to be cut, and ran to its end before it came so far.
    #[error("it ran to its end before the cut")]
    Whole,
    /// The watchdog ended it.
    #[error("ended by the watchdog")]
    TimedOut(Duration),
    /// The session or the server is gone.
    #[error("the session was lost: {0}")]
    Lost(String),
    /// The server ran out of disk, memory or connections. It may still answer.
    #[error("the server ran out of a resource: {0}")]
    Exhausted(String),
    /// The server does not take the case's data: it is the generator's business, not the migration's.
    #[error("rows of {table} cannot be loaded: {error}")]
    Unloadable {
        /// The table.
        table: Relation,
        /// The server's word.
        error: Box<SqlError>,
    },
}

impl Failure {
    /// Whether the statement and its script are not to blame: nothing more is to be sent on this session.
    pub fn ends_session(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Exhausted(_))
    }

    /// Whether it is the step's own word: the server refused a statement, or a command ended with a code of its own.
    pub fn is_word(&self) -> bool {
        matches!(self, Self::Sql(_) | Self::Command(_))
    }

    /// The server's refusal, if that is what it is.
    pub fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(e) => match e.try_downcast::<PgDatabaseError>() {
                Ok(e) => classify(&e),
                Err(e) => Self::Lost(e.to_string()),
            },
            other => Self::Lost(other.to_string()),
        }
    }
}

/// SQLSTATE classes that say that the session cannot go on, rather than that the statement is wrong.
fn classify(e: &PgDatabaseError) -> Failure {
    let code = e.code();
    match code {
        // Shutdown, crash, dropped database, idle timeout.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" => {
            return Failure::Lost(format!("{code}: {}", e.message()));
        }
        // Disk full, out of memory, too many connections.
        "53100" | "53200" | "53300" => return Failure::Exhausted(format!("{code}: {}", e.message())),
        _ => {}
    }
    Failure::Sql(SqlError {
        sqlstate: code.to_owned(),
        message: e.message().to_owned(),
        detail: e.detail().map(str::to_owned),
        hint: e.hint().map(str::to_owned),
        constraint: e.constraint().map(str::to_owned),
        table: e.table().map(str::to_owned),
        column: e.column().map(str::to_owned),
        position: match e.position() {
            Some(PgErrorPosition::Original(position)) => Some(position),
            _ => None,
        },
    })
}

/// What parts two statements of one message: one may end in a comment.
const BETWEEN: &str = "\n;\n";

/// Where a message of several statements stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Index of the statement.
    pub statement: usize,
    /// Why.
    pub failure: Failure,
    /// What those before it answered.
    pub answers: Vec<Answer>,
}

/// A connection and the way to stop what runs on it.
pub struct Session {
    conn: PgConnection,
    pid: i32,
    control: PgConnectOptions,
    prepared: BTreeSet<&'static str>,
    generation: u32,
}

impl Session {
    /// Connects. `control` is how the watchdog reaches the server to cancel what hangs.
    pub async fn connect(options: &PgConnectOptions, control: PgConnectOptions) -> Result<Self, Failure> {
        let mut conn = PgConnection::connect_with(options).await?;
        let pid: i32 = sqlx::raw_sql("SELECT pg_catalog.pg_backend_pid()")
            .fetch_one(&mut conn)
            .await?
            .try_get_raw(0)?
            .as_str()
            .ok()
            .and_then(|s| s.parse().ok())
            .unwrap_or_default();
        Ok(Self { conn, pid, control, prepared: BTreeSet::new(), generation: 0 })
    }

    /// Closes the connection politely; errors no longer matter.
    pub async fn close(self) {
        let _ = self.conn.close().await;
    }

    /// The statement that asks a question, and before it the one that prepares it where this session does not know it.
    pub fn phrase(&mut self, question: &Question, arguments: &str) -> (Option<String>, String) {
        let is_new = self.prepared.insert(question.name);
        (is_new.then(|| question.prepare(self.generation)), question.execute(self.generation, arguments))
    }

    /// From now on questions are prepared anew, under other names: what was prepared may have been discarded.
    pub fn forget_questions(&mut self) {
        self.prepared.clear();
        self.generation += 1;
    }

    /// Sends one message of one or more statements, and collects an answer for each.
    pub async fn run(&mut self, sql: &str, limit: Duration) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::new();
        self.send(sql, limit, &mut answers).await?;
        Ok(answers)
    }

    /// Sends statements in one message, because a round trip costs more than most of them, and collects an answer for
    /// each. Each is one statement; those after one that fails do not run.
    pub async fn run_all(&mut self, statements: &[&str], limit: Duration) -> Result<Vec<Answer>, Stopped> {
        let mut answers = Vec::with_capacity(statements.len());
        let Err(mut failure) = self.send(&statements.join(BETWEEN), limit, &mut answers).await else {
            return Ok(answers);
        };
        let mut statement = answers.len().min(statements.len().saturating_sub(1));
        // The whole message is parsed before anything runs, so the place says more than the answers that came.
        if let Failure::Sql(SqlError { position: Some(position), .. }) = &mut failure {
            for (i, sql) in statements.iter().enumerate() {
                let length = sql.chars().count() + BETWEEN.len();
                if *position <= length {
                    statement = i;
                    break;
                }
                *position -= length;
            }
        }
        Err(Stopped { statement, failure, answers })
    }

    async fn send(&mut self, sql: &str, limit: Duration, answers: &mut Vec<Answer>) -> Result<(), Failure> {
        if question::may_discard(sql) {
            self.forget_questions();
        }
        let Self { conn, pid, control, .. } = self;
        let work = collect(conn, sql, answers);
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(limit) => {}
        }
        signal(control, *pid, "pg_cancel_backend").await;
        if tokio::time::timeout(CANCEL_GRACE, &mut work).await.is_err() {
            signal(control, *pid, "pg_terminate_backend").await;
            let _ = tokio::time::timeout(CANCEL_GRACE, &mut work).await;
            return Err(Failure::Lost(
                "terminated by the watchdog: it did not heed the cancellation".to_owned(),
            ));
        }
        Err(Failure::TimedOut(limit))
    }

    /// COPY … FROM STDIN with all of its data, which may be made while it is sent. One that takes longer than `limit`
    /// loses the session.
    pub async fn copy_in(
        &mut self,
        statement: &str,
        data: impl IntoIterator<Item = Vec<u8>>,
        limit: Duration,
    ) -> Result<u64, Failure> {
        let copy = async {
            let mut sink = self.conn.copy_in_raw(statement).await?;
            for chunk in data {
                sink.send(chunk).await?;
            }
            Ok(sink.finish().await?)
        };
        match tokio::time::timeout(limit, copy).await {
            Ok(done) => done,
            Err(_) => {
                signal(&self.control, self.pid, "pg_terminate_backend").await;
                Err(Failure::Lost(format!("loading took more than {} s", limit.as_secs())))
            }
        }
    }
}

async fn collect(conn: &mut PgConnection, sql: &str, answers: &mut Vec<Answer>) -> Result<(), Failure> {
    let mut stream = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_many(conn);
    let mut current = Answer::default();
    let mut bytes = 0;
    while let Some(item) = stream.next().await {
        match item? {
            Either::Left(done) => {
                current.affected = done.rows_affected();
                answers.push(std::mem::take(&mut current));
                bytes = 0;
            }
            Either::Right(row) => {
                if current.columns.is_empty() {
                    current.columns = row.columns().iter().map(|c| c.name().to_owned()).collect();
                }
                if current.rows.len() >= ROWS_MAX || bytes >= BYTES_MAX {
                    current.truncated = true;
                    continue;
                }
                let mut values = Vec::with_capacity(row.len());
                for i in 0..row.len() {
                    let raw = row.try_get_raw(i)?;
                    let text = if raw.is_null() {
                        None
                    } else {
                        Some(raw.as_str().map_err(|e| Failure::Lost(e.to_string()))?.to_owned())
                    };
                    values.push(text);
                }
                bytes += values.iter().flatten().map(String::len).sum::<usize>();
                current.rows.push(values);
            }
        }
    }
    Ok(())
}

async fn signal(control: &PgConnectOptions, pid: i32, function: &str) {
    if let Ok(mut conn) = PgConnection::connect_with(control).await {
        let sql = format!("SELECT pg_catalog.{function}({pid})");
        let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await;
        let _ = conn.close().await;
    }
}
