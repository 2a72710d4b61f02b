//! What the final schema says of tenancy, table by table, and what each step changed, in words.

use watertight_reports::Fact;
use watertight_scenarios::scenario::Checkpoint;
use watertight_scenarios::schema::{IndexPart, Table};

use crate::explore::{Print, Scene, TableKey};

fn fact(text: String, ok: Option<bool>) -> Fact {
    Fact { text, ok }
}

/// The facts that tenancy rests on.
pub(super) fn table_facts(scene: &Scene, key: &TableKey) -> Vec<Fact> {
    let Some(table) = scene.table(scene.last(), key) else {
        return vec![fact("the table is not there at the end of the timeline".to_owned(), None)];
    };
    let mut facts = Vec::new();
    if let Some(column) = scene.tenant_column(scene.last(), key)
        && let Some(c) = table.column(&column)
    {
        let nullable = if c.not_null { "NOT NULL" } else { "nullable" };
        facts.push(fact(format!("`{column}` {}, {nullable}", c.ty.name), Some(c.not_null)));
        let reference = table.foreign_keys.iter().find(|f| f.columns.contains(&column));
        match reference {
            Some(f) => {
                let on_delete = f.on_delete.on_delete_sql();
                let validated = if f.validated { "" } else { ", not validated" };
                facts.push(fact(
                    format!("foreign key `{}` to {}, {on_delete}{validated}", f.name, f.target),
                    Some(f.validated),
                ));
            }
            None => facts.push(fact(format!("no foreign key on `{column}`"), Some(false))),
        }
        let leading =
            table.indexes.iter().filter(|i| indexed_first(table, &i.name, &i.definition, column.as_str()));
        let names: Vec<String> = leading.map(|i| format!("`{}`", i.name)).collect();
        if names.is_empty() {
            facts.push(fact(format!("no index begins with `{column}`"), Some(false)));
        } else {
            facts.push(fact(format!("indexes that begin with `{column}`: {}", names.join(", ")), Some(true)));
        }
        for unique in &table.uniques {
            let parts: Vec<String> = unique
                .parts
                .iter()
                .map(|p| match p {
                    IndexPart::Column(c) => c.to_string(),
                    IndexPart::Expression(e) => e.clone(),
                })
                .collect();
            let within = parts.iter().any(|p| p == column.as_str());
            let scope = if within { "within a tenant" } else { "across tenants" };
            facts.push(fact(format!("unique {scope}: ({})", parts.join(", ")), None));
        }
    }
    let policies = match table.policies.len() {
        1 => "1 policy".to_owned(),
        n => format!("{n} policies"),
    };
    let security = match (table.row_security.enabled, table.row_security.forced) {
        (false, _) => "no row security".to_owned(),
        (true, false) => format!("row security enabled, not forced; {policies}"),
        (true, true) => format!("row security enabled and forced; {policies}"),
    };
    facts.push(fact(security, None));
    facts
}

/// Whether the index's first part is that column.
fn indexed_first(table: &Table, name: &watertight_scenarios::Ident, definition: &str, column: &str) -> bool {
    let unique = table.uniques.iter().find(|u| &u.name == name);
    if let Some(unique) = unique {
        return matches!(unique.parts.first(), Some(IndexPart::Column(c)) if c.as_str() == column);
    }
    let parts = definition.split_once(" USING ").and_then(|(_, rest)| rest.split_once('('));
    let first = parts.and_then(|(_, list)| list.split([',', ')']).next()).unwrap_or_default().trim();
    let first = first.split(' ').next().unwrap_or_default();
    first.trim_matches('"') == column
}

/// What a step changed in the catalogs.
pub(super) fn changes(scene: &Scene, before: Checkpoint, after: Checkpoint) -> Vec<String> {
    match (scene.prints.get(before.0), scene.prints.get(after.0)) {
        (Some(a), Some(b)) => words(a, b),
        _ => Vec::new(),
    }
}

/// A catalog line's object, as a reader calls it: what is on a table is told with its table.
pub(super) fn object(object: &str) -> String {
    let plain = object.strip_prefix("public.").unwrap_or(object);
    match plain.split_once(' ') {
        // Names with spaces or parentheses in them, and functions with their arguments, stand as they are.
        Some((table, name)) if !plain.contains('"') && !table.contains('(') && !name.contains([' ', '(']) => {
            format!("`{name}` of `{table}`")
        }
        _ => format!("`{plain}`"),
    }
}

/// A definition that the server prints over several lines.
pub(super) fn on_one_line(definition: &str) -> String {
    definition.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What turned one state of the catalogs into another.
pub(super) fn words(before: &Print, after: &Print) -> Vec<String> {
    let mut lines = Vec::new();
    for ((kind, object), definition) in after {
        match before.get(&(kind.clone(), object.clone())) {
            None => lines.push(match kind.as_str() {
                "column" | "constraint" | "policy" => {
                    format!("adds {kind} {}: {}", self::object(object), on_one_line(definition))
                }
                "row security" => format!("row security of {}: {definition}", self::object(object)),
                _ => format!("adds {kind} {}", self::object(object)),
            }),
            Some(old) if old != definition => {
                let (old, new) = (on_one_line(old), on_one_line(definition));
                lines.push(format!("changes {kind} {}: {old} → {new}", self::object(object)));
            }
            Some(_) => {}
        }
    }
    for (kind, object) in before.keys().filter(|k| !after.contains_key(*k)) {
        lines.push(format!("removes {kind} {}", self::object(object)));
    }
    lines.sort();
    lines
}
