//! A copy step: rows go from one database to another, table by table, as a copy script would send them.
//!
//! The two databases may be on two servers: rows are read on the session of one and written on the session of the
//! other, and nothing but values goes between them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{CopySpec, DatabaseId, StepId};
use watertight_scenarios::{Ident, Relation, Schema};

use super::act::{Actor, Done, Seen};
use super::record::{Manner, Recorded};
use super::runner::Runner;
use crate::db::session::{Answer, Failure, Session, TextRow};

/// Bytes of values in one INSERT. Rows of one statement may refer to each other, those of two may not.
const BYTES_PER_INSERT: usize = 16 << 20;

/// What a copy sent, up to its end or its failure.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Statements to the database that is read, and rows that they answered.
    pub(crate) reads: Vec<String>,
    pub(crate) rows_read: u64,
    /// Statements to the database that is written, and rows that they wrote.
    pub(crate) writes: Vec<String>,
    pub(crate) rows_written: u64,
}

/// The copy of one table failed.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// Its position among the tables.
    pub(crate) table: usize,
    /// Why.
    pub(crate) failure: Failure,
}

/// Tables in the order to copy them: as the scenario names them, else every table of both databases, what is referred
/// to before what refers to it. Tables that refer to each other in a circle come last, by name.
pub(crate) fn order(spec: &CopySpec, schemas: &[Schema]) -> Vec<Relation> {
    if !spec.tables.is_empty() {
        return spec.tables.clone();
    }
    let (Some(from), Some(to)) = (schemas.get(spec.from.0), schemas.get(spec.to.0)) else {
        return Vec::new();
    };
    let mut left: Vec<_> = to.roots().filter(|t| from.table(&t.name).is_some()).collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |table: &Relation| left.iter().any(|t| &t.name == table);
        let ready = left
            .iter()
            .position(|t| t.foreign_keys.iter().all(|fk| fk.target == t.name || !waits(&fk.target)));
        ordered.push(left.remove(ready.unwrap_or(0)).name.clone());
    }
    ordered
}

/// What the catalogs say of a table.
struct Shape {
    columns: Vec<Ident>,
    /// An update cannot set these.
    fixed: Vec<Ident>,
    key: Vec<Ident>,
}

async fn shapes(session: &mut Session, limit: Duration) -> Result<BTreeMap<Relation, Shape>, Failure> {
    let answers = session.run(include_str!("sql/copied.sql"), limit).await?;
    let rows = answers.into_iter().flat_map(|a| a.rows);
    Ok(rows
        .map(|row| {
            let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
            let names = |i: usize| serde_json::from_str::<Vec<Ident>>(&cell(i)).unwrap_or_default();
            let shape = Shape { columns: names(2), fixed: names(3), key: names(4) };
            (Relation::new(cell(0), cell(1)), shape)
        })
        .collect())
}

/// Copies, on sessions that act as somebody already. A row that is there and equal is not written.
pub(crate) async fn copy(
    sessions: &mut [Session],
    spec: &CopySpec,
    limit: Duration,
    sent: &mut Sent,
) -> Result<(), Stopped> {
    let clock = Instant::now();
    let mut sources = None;
    let mut targets = None;
    for (table, name) in spec.tables.iter().enumerate() {
        let stopped = |failure| Stopped { table, failure };
        let rest = || limit.saturating_sub(clock.elapsed());
        if sources.is_none() {
            sources = Some(shapes(&mut sessions[spec.from.0], rest()).await.map_err(stopped)?);
            targets = Some(shapes(&mut sessions[spec.to.0], rest()).await.map_err(stopped)?);
        }
        let source = sources.as_ref().and_then(|s| s.get(name));
        let target = targets.as_ref().and_then(|t| t.get(name));
        let read = select(name, source);
        sent.reads.push(read.clone());
        let rows = one_answer(&mut sessions[spec.from.0], &read, rest()).await.map_err(stopped)?.rows;
        sent.rows_read += rows.len() as u64;
        let (Some(source), Some(target)) = (source, target) else {
            // The table is not there: the server says so in its own words.
            let probe = select(name, None);
            sent.writes.push(probe.clone());
            one_answer(&mut sessions[spec.to.0], &probe, rest()).await.map_err(stopped)?;
            continue;
        };
        for insert in inserts(name, source, target, &rows) {
            sent.writes.push(insert.clone());
            let done = one_answer(&mut sessions[spec.to.0], &insert, rest()).await.map_err(stopped)?;
            sent.rows_written += done.affected;
        }
    }
    Ok(())
}

async fn one_answer(session: &mut Session, sql: &str, limit: Duration) -> Result<Answer, Failure> {
    let answer = session.run(sql, limit).await?.pop().unwrap_or_default();
    if answer.truncated {
        // Half of a table is no copy.
        return Err(Failure::Lost("a table is too large to be copied row by row".to_owned()));
    }
    Ok(answer)
}

fn list(columns: &[Ident]) -> String {
    columns.iter().map(Ident::quoted).collect::<Vec<_>>().join(", ")
}

fn select(table: &Relation, shape: Option<&Shape>) -> String {
    match shape {
        Some(shape) => format!("SELECT {} FROM {}", list(&shape.columns), table.quoted()),
        None => format!("SELECT FROM {} LIMIT 0", table.quoted()),
    }
}

/// Upserts of all rows, by the primary key of the table that they go to.
fn inserts(table: &Relation, source: &Shape, target: &Shape, rows: &[TextRow]) -> Vec<String> {
    let head = format!(
        "INSERT INTO {} AS there ({}) OVERRIDING SYSTEM VALUE VALUES",
        table.quoted(),
        list(&source.columns)
    );
    let tail = conflict(source, target);
    let mut statements = Vec::new();
    let mut values = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().map(|v| v.as_deref().map_or_else(|| "NULL".to_owned(), quote_literal)).collect();
        if values.len() > BYTES_PER_INSERT {
            statements.push(format!("{head}{values}{tail}"));
            values.clear();
        }
        values.push_str(if values.is_empty() { "\n    (" } else { ",\n    (" });
        values.push_str(&cells.join(", "));
        values.push(')');
    }
    if !values.is_empty() {
        statements.push(format!("{head}{values}{tail}"));
    }
    statements
}

/// Values are compared as the server prints them: not every type has an equality, and 1.0 is not 1.00.
fn conflict(source: &Shape, target: &Shape) -> String {
    if target.key.is_empty() {
        return String::new();
    }
    let settable: Vec<&Ident> =
        source.columns.iter().filter(|c| !target.key.contains(c) && !target.fixed.contains(c)).collect();
    let key = list(&target.key);
    if settable.is_empty() {
        return format!("\nON CONFLICT ({key}) DO NOTHING");
    }
    let each =
        |f: &dyn Fn(String) -> String| settable.iter().map(|c| f(c.quoted())).collect::<Vec<_>>().join(", ");
    format!(
        "\nON CONFLICT ({key}) DO UPDATE SET {}\nWHERE ({}) IS DISTINCT FROM ({})",
        each(&|c| format!("{c} = EXCLUDED.{c}")),
        each(&|c| format!("there.{c}::text")),
        each(&|c| format!("EXCLUDED.{c}::text")),
    )
}

impl Runner<'_> {
    /// The copy step as `actor`, which has that name in both databases.
    pub(super) async fn copy(
        &mut self,
        step: StepId,
        spec: &CopySpec,
        actor: &Actor,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let limit = Duration::from_secs(u64::from(self.scene.step(step).timeout_s));
        let role = self.names.become_sql(actor);
        for db in [spec.from, spec.to] {
            self.own(db, &role).await?;
        }
        let clock = Instant::now();
        let mut sent = Sent::default();
        let ended = copy(&mut self.sessions, spec, limit, &mut sent).await;
        self.told(
            spec.from,
            actor,
            format!("{}: read", self.scene.step(step).id),
            sent.reads,
            sent.rows_read,
        );
        if !sent.writes.is_empty() {
            let what = format!("{}: write", self.scene.step(step).id);
            self.told(spec.to, actor, what, sent.writes, sent.rows_written);
        }
        if let Err(Stopped { table, failure }) = ended {
            return self.refused(table, failure, savepoint).await;
        }
        for db in [spec.from, spec.to] {
            self.reset_later(db);
        }
        let answer = Answer { affected: sent.rows_written, ..Answer::default() };
        Ok(Seen::Done(Done { answer, took: clock.elapsed(), ..Done::default() }))
    }

    fn told(&mut self, database: DatabaseId, actor: &Actor, what: String, sql: Vec<String>, rows: u64) {
        if let Some(record) = &mut self.record {
            let (actor, manner, answer) = (actor.clone(), Manner::Together, Some(format!("{rows} rows")));
            record.push(Recorded { database, actor, what, sql, manner, command: None, answer });
        }
    }
}
