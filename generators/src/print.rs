//! Data as INSERT statements.

use std::fmt::Write;

use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::schema::{Column, Identity, Table, TypeKind};
use watertight_scenarios::{Ident, Schema};

use crate::dataset::{Dataset, Row, TableData};

/// INSERT statements that people can read and psql can run: one per table, in load order, columns named.
///
/// Foreign keys that close a cycle are set by UPDATEs behind the INSERTs where their columns may be NULL;
/// where they may not, the script switches foreign keys off (and says so), for which it needs a superuser.
/// Sequences of serial and identity columns are set behind the highest value.
pub fn to_insert_sql(dataset: &Dataset, schemas: &[&Schema]) -> String {
    let mut sql = String::new();
    let mut tail = String::new();
    let mut replica = false;
    for (position, data) in dataset.tables.iter().enumerate().filter(|(_, d)| !d.rows.is_empty()) {
        let table = schemas.get(data.database).and_then(|s| s.table(&data.table));
        let deferred = table.map(|t| deferred(dataset, position, t)).unwrap_or_default();
        replica |= deferred.needs_replica;
        insert(&mut sql, data, table, &deferred.columns);
        if let Some(table) = table {
            update_deferred(&mut tail, data, table, &deferred.columns);
            set_sequences(&mut tail, data, table);
        }
    }
    sql.push_str(&tail);
    if replica {
        format!(
            "-- A cycle of foreign keys without a column that may be NULL: checks are off while the rows go in.\n\
             SET session_replication_role = replica;\n{sql}RESET session_replication_role;\n"
        )
    } else {
        sql
    }
}

/// One INSERT statement of all rows of a table, for a session past foreign keys; `None` where there are no columns to
/// insert into, or no rows.
pub fn to_insert_statement(data: &TableData, table: Option<&Table>) -> Option<String> {
    if data.columns.is_empty() || data.rows.is_empty() {
        return None;
    }
    let mut sql = String::new();
    insert(&mut sql, data, table, &[]);
    Some(sql.strip_suffix(";\n").unwrap_or(&sql).to_owned())
}

#[derive(Default)]
struct Deferred {
    /// Columns that are inserted as NULL and updated afterwards.
    columns: Vec<usize>,
    needs_replica: bool,
}

/// Columns whose foreign keys refer to rows that come later.
fn deferred(dataset: &Dataset, position: usize, table: &Table) -> Deferred {
    let data = &dataset.tables[position];
    let mut deferred = Deferred::default();
    for key in &table.foreign_keys {
        let target = dataset.tables.iter().position(|t| t.database == data.database && t.table == key.target);
        let used =
            key.columns.iter().filter_map(|c| data.columns.iter().position(|d| d == c)).collect::<Vec<_>>();
        let refers = data.rows.iter().any(|r| used.iter().all(|&c| r.values[c].is_some()));
        if target.is_none_or(|t| t <= position) || !refers {
            continue;
        }
        let free = used.iter().copied().find(|&c| {
            let name = &data.columns[c];
            let in_key = table.primary_key.as_ref().is_some_and(|k| k.columns.contains(name));
            !in_key && table.column(name).is_some_and(|c| !c.not_null)
        });
        match free {
            Some(c) => deferred.columns.push(c),
            None => deferred.needs_replica = true,
        }
    }
    deferred
}

fn insert(sql: &mut String, data: &TableData, table: Option<&Table>, deferred: &[usize]) {
    let columns: Vec<String> = data.columns.iter().map(Ident::quoted).collect();
    if columns.is_empty() {
        for _ in &data.rows {
            let _ = writeln!(sql, "INSERT INTO {} DEFAULT VALUES;", data.table.quoted());
        }
        return;
    }
    let column = |name: &Ident| table.and_then(|t| t.column(name));
    let always = data.columns.iter().any(|c| column(c).is_some_and(|c| c.identity == Some(Identity::Always)));
    let overriding = if always { " OVERRIDING SYSTEM VALUE" } else { "" };
    let _ = write!(sql, "INSERT INTO {} ({}){overriding} VALUES", data.table.quoted(), columns.join(", "));
    for (i, row) in data.rows.iter().enumerate() {
        let values = data.columns.iter().zip(&row.values).enumerate().map(|(c, (name, value))| {
            if deferred.contains(&c) { "NULL".to_owned() } else { literal(value.as_deref(), column(name)) }
        });
        let separator = if i > 0 { "," } else { "" };
        let _ = write!(sql, "{separator}\n  ({})", values.collect::<Vec<_>>().join(", "));
    }
    sql.push_str(";\n");
}

/// A literal that reads as what it is: numbers and booleans bare, control characters escaped.
fn literal(value: Option<&str>, column: Option<&Column>) -> String {
    let Some(text) = value else { return "NULL".to_owned() };
    match column.map(|c| &c.ty.kind) {
        Some(TypeKind::Int2 | TypeKind::Int4 | TypeKind::Int8) => text.to_owned(),
        Some(TypeKind::Numeric(_)) if text != "NaN" => text.to_owned(),
        Some(TypeKind::Bool) => if text == "t" { "true" } else { "false" }.to_owned(),
        _ if text.chars().any(|c| c.is_control() || is_invisible(c)) => escaped(text),
        _ => quote_literal(text),
    }
}

/// Characters that a reader would not see, or that turn the line around.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escaped(text: &str) -> String {
    let mut inner = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => inner.push_str("\\\\"),
            '\n' => inner.push_str("\\n"),
            '\r' => inner.push_str("\\r"),
            '\t' => inner.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(inner, "\\u{:04x}", u32::from(c));
            }
            c => inner.push(c),
        }
    }
    format!("E{}", quote_literal(&inner))
}

fn update_deferred(sql: &mut String, data: &TableData, table: &Table, deferred: &[usize]) {
    let Some(identity) = table.identity() else { return };
    let keys: Vec<usize> = identity.iter().filter_map(|k| data.columns.iter().position(|c| c == k)).collect();
    let term = |row: &Row, c: usize| {
        let name = &data.columns[c];
        format!("{} = {}", name.quoted(), literal(row.values[c].as_deref(), table.column(name)))
    };
    for row in data.rows.iter().filter(|r| deferred.iter().any(|&c| r.values[c].is_some())) {
        let sets: Vec<String> = deferred.iter().map(|&c| term(row, c)).collect();
        let terms: Vec<String> = keys.iter().map(|&c| term(row, c)).collect();
        let _ = writeln!(
            sql,
            "UPDATE {} SET {} WHERE {};",
            data.table.quoted(),
            sets.join(", "),
            terms.join(" AND ")
        );
    }
}

fn set_sequences(sql: &mut String, data: &TableData, table: &Table) {
    for (c, highest) in sequence_positions(data, table) {
        let name = quote_literal(&data.table.quoted());
        let column = quote_literal(data.columns[c].as_str());
        let _ = writeln!(sql, "SELECT setval(pg_get_serial_sequence({name}, {column}), {highest});");
    }
}

/// Columns of the table that a sequence of their own feeds, with the highest value in the data (at least 1):
/// whoever loads the data sets the sequence there, or the application's next row collides.
pub fn sequence_positions(data: &TableData, table: &Table) -> Vec<(usize, i64)> {
    let fed =
        |c: &Column| c.identity.is_some() || c.default.as_deref().is_some_and(|d| d.starts_with("nextval("));
    let mut found = Vec::new();
    for (c, name) in data.columns.iter().enumerate() {
        if !table.column(name).is_some_and(fed) {
            continue;
        }
        let highest = data.rows.iter().filter_map(|r| r.values[c].as_ref()?.parse::<i64>().ok()).max();
        if let Some(highest) = highest {
            found.push((c, highest.max(1)));
        }
    }
    found
}
