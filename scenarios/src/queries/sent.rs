//! Statements that an application sent: from dumps of `pg_stat_statements` and from server logs.

mod csv;
mod log;
mod table;

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Query, Use, Uses, annotation, named};
use crate::lex::{self, Kind, Token};
use crate::script::Script;
use crate::script::reader::Reader;

/// Bytes of a statement in its name: enough to tell those of one table apart.
const DIGEST_BYTES: usize = 3;

/// The statements of a dump or a log, those that were sent most often first: without duplicates, without what is no
/// reading or writing of rows, and with parameters `:p1` for values. `None` where the text is none of these.
///
/// Known are CSV with a column `query`, JSON (a list of objects with `query`, or one a line), what psql prints of a
/// query (aligned or expanded), csvlog, jsonlog, and logs on standard error.
pub fn sent(text: &str) -> Option<Vec<Query>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = json(text)
        .or_else(|| csv::statements(text))
        .or_else(|| table::statements(text))
        .or_else(|| log::statements(text))?;
    Some(distinct(found))
}

/// A statement as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    sql: String,
    line: u32,
    calls: u64,
}

/// Objects with a statement: of `pg_stat_statements`, or lines of a jsonlog.
fn json(text: &str) -> Option<Vec<Found>> {
    let start = text.trim_start();
    if !start.starts_with(['[', '{']) {
        return None;
    }
    let whole: Option<Value> = serde_json::from_str(start).ok();
    let objects: Vec<(u32, Value)> = match whole {
        Some(Value::Array(all)) => all.into_iter().map(|one| (1, one)).collect(),
        _ => {
            let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
            lines.filter_map(|(line, n)| Some((n, serde_json::from_str(line).ok()?))).collect()
        }
    };
    let of = |(line, object): &(u32, Value)| {
        let calls = object.get("calls");
        let calls = calls.and_then(|c| c.as_u64().or_else(|| c.as_str()?.parse().ok())).unwrap_or(1);
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let sql = text("query").or_else(|| log::statement(text("message")?))?;
        Some(Found { sql: sql.to_owned(), line: *line, calls })
    };
    (!objects.is_empty()).then(|| objects.iter().filter_map(of).collect())
}

/// One of each, with a name, the most frequent first.
fn distinct(found: Vec<Found>) -> Vec<Query> {
    let mut known: Vec<(String, Found)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for mut one in found {
        let Some(verb) = verb(&one.sql) else { continue };
        let is_named = annotation(one.sql.trim_start().lines().next().unwrap_or_default());
        one.sql = without_values(&one.sql);
        match places.get(&one.sql) {
            Some(&at) => known[at].1.calls = known[at].1.calls.saturating_add(one.calls),
            None => {
                places.insert(one.sql.clone(), known.len());
                known.push((is_named.unwrap_or_else(|| name(verb, &one.sql)), one));
            }
        }
    }
    known.sort_by_key(|(_, one)| std::cmp::Reverse(one.calls));
    let query = |(name, one): (String, Found)| Query { name, line: one.line, sql: one.sql };
    known.into_iter().map(query).collect()
}

/// What a statement does, if it reads or writes rows and is one.
fn verb(sql: &str) -> Option<&'static str> {
    let script = Script::parse("statement", sql.as_bytes()).ok()?;
    if script.statements.len() != 1 {
        return None;
    }
    let reader = Reader::new(sql);
    let first = reader.peek()?;
    let verbs = ["select", "insert", "update", "delete"];
    match verbs.into_iter().find(|verb| first.is(verb)) {
        Some(verb) => Some(verb),
        // The verb of the statement behind its common tables; a read where there is no other.
        None if first.is("with") => {
            let written = verbs.into_iter().skip(1).find(|verb| reader.words().iter().any(|w| w.is(verb)));
            Some(written.unwrap_or("select"))
        }
        None => None,
    }
}

/// `select item 3f2a1b`: the same for the same statement, whichever dump it stands in.
fn name(verb: &str, sql: &str) -> String {
    let uses = Uses::of(sql);
    let table = uses.tables.first().map_or(String::new(), |(_, table)| format!("{} ", table.name));
    let mut name = format!("{verb} {table}");
    for byte in Sha256::digest(sql.as_bytes()).iter().take(DIGEST_BYTES) {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The statement without its comments and with a parameter in the place of each value that is compared with a column
/// or written into one. Other values are part of what it asks.
fn without_values(sql: &str) -> String {
    let sql = named(&without_comments(sql));
    let tokens: Vec<Token> = lex::tokens(&sql).collect();
    // Parameters that are there keep their numbers.
    let taken: Option<u32> =
        Uses::of(&sql).params.iter().filter_map(|(name, _)| name.strip_prefix('p')?.parse().ok()).max();
    let mut number: u32 = taken.unwrap_or(0);
    let mut text = String::with_capacity(sql.len());
    let mut values: Vec<(String, &str)> = Vec::new();
    for token in &tokens {
        let piece = &sql[token.range.clone()];
        if matches!(token.kind, Kind::Text | Kind::Number) {
            number += 1;
            text.push_str(&format!(":p{number}"));
            values.push((format!("p{number}"), piece));
        } else {
            text.push_str(piece);
        }
    }
    let uses = Uses::of(&text);
    let bound = |name: &str| {
        let used = uses.params.iter().find(|(n, _)| n == name).and_then(|(_, used)| used.as_ref());
        matches!(used, Some(Use::Compared { .. } | Use::Written { .. }))
    };
    let mut number = taken.unwrap_or(0);
    let mut values = values.into_iter();
    let mut out = String::with_capacity(sql.len());
    for token in &tokens {
        let piece = &sql[token.range.clone()];
        match matches!(token.kind, Kind::Text | Kind::Number).then(|| values.next()).flatten() {
            Some((name, _)) if bound(&name) => {
                number += 1;
                out.push_str(&format!(":p{number}"));
            }
            Some((_, value)) => out.push_str(value),
            None => out.push_str(piece),
        }
    }
    out
}

/// The statement on one line of single blanks, without comments and the last semicolon.
fn without_comments(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for token in lex::tokens(sql) {
        let piece = &sql[token.range];
        if token.kind != Kind::Blank {
            out.push_str(piece);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim_end_matches([';', ' ']).to_owned()
}

#[cfg(test)]
mod tests;
