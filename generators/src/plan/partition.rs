//! Partitions: what each leaf asks of the key columns of a row.

use watertight_scenarios::schema::Table;
use watertight_scenarios::{Ident, Relation};

use super::ColumnPlan;
use crate::expr::lex::{Token, tokens};
use crate::expr::{Compare, Expr, Value, eval, parse};
use crate::value::domain::Domain;

/// The leaves of a partitioned table: for each, domains of key columns. `None` where some key is not understood.
pub(super) fn leaves(
    root: &Table,
    all: &[&Table],
    columns: &[ColumnPlan],
) -> Option<Vec<Vec<(usize, Domain)>>> {
    let mut leaves = Vec::new();
    descend(root, all, columns, &[], 0, &mut leaves)?;
    Some(leaves)
}

/// Levels of partitions below partitions that are followed.
const LEVELS_MAX: u32 = 8;

fn descend(
    table: &Table,
    all: &[&Table],
    columns: &[ColumnPlan],
    above: &[(usize, Domain)],
    level: u32,
    leaves: &mut Vec<Vec<(usize, Domain)>>,
) -> Option<()> {
    let Some(key) = &table.partition_key else {
        leaves.push(above.to_vec());
        return Some(());
    };
    if level > LEVELS_MAX {
        return None;
    }
    let (strategy, key) = key.split_once(' ')?;
    let key = key_columns(key, columns)?;
    for part in children(&table.name, all) {
        let bound = part.partition_of.as_ref()?.bound.as_str();
        let own = match strategy.to_ascii_uppercase().as_str() {
            "RANGE" => range(bound, &key, columns),
            "LIST" => list(bound, *key.first()?, columns),
            // Every remainder has its partition in a sound schema.
            "HASH" => Some(Vec::new()),
            _ => None,
        };
        // A default partition takes what no other does: too little to aim at.
        let Some(own) = own else { continue };
        let joined: Vec<_> = above.iter().cloned().chain(own).collect();
        descend(part, all, columns, &joined, level + 1, leaves)?;
    }
    Some(())
}

fn children<'a>(parent: &Relation, all: &[&'a Table]) -> Vec<&'a Table> {
    all.iter().copied().filter(|t| t.partition_of.as_ref().is_some_and(|p| &p.parent == parent)).collect()
}

/// The columns of `(a, "B")`; `None` for expressions.
fn key_columns(key: &str, columns: &[ColumnPlan]) -> Option<Vec<usize>> {
    let inner = key.trim().strip_prefix('(')?.strip_suffix(')')?;
    let mut found = Vec::new();
    for part in tokens(inner)?.split(|t| *t == Token::Mark(',')) {
        let name = match part.first()? {
            Token::Word(w) | Token::Quoted(w) => Ident::new(w.clone()),
            _ => return None,
        };
        found.push(columns.iter().position(|c| c.name == name)?);
    }
    Some(found)
}

/// Values between parentheses, as the bound prints them; `None` for MINVALUE and MAXVALUE.
fn values(text: &str) -> Option<(Vec<Option<Value>>, &str)> {
    let open = text.find('(')?;
    let mut depth = 0;
    let mut quoted = false;
    let close = text[open..].char_indices().find_map(|(i, c)| {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        (depth == 0 && !quoted).then_some(open + i)
    })?;
    let mut list = Vec::new();
    for part in split_commas(&text[open + 1..close]) {
        let part = part.trim();
        list.push(match part {
            "MINVALUE" | "MAXVALUE" => None,
            "NULL" => Some(Value::Null),
            _ => match parse::parse(part, &|_| None) {
                Expr::Const(value) => Some(value),
                _ => return None,
            },
        });
    }
    Some((list, &text[close + 1..]))
}

fn split_commas(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        if c == '\'' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
    .collect()
}

/// The value as one of the column's own type: bounds are printed as bare strings.
fn of_column(value: Value, column: &ColumnPlan) -> Value {
    match value {
        Value::Text(text) => eval::read(column.maker.kind(), Some(&text)),
        Value::Bool(b) => eval::read(column.maker.kind(), Some(if b { "t" } else { "f" })),
        other => other,
    }
}

fn range(bound: &str, key: &[usize], columns: &[ColumnPlan]) -> Option<Vec<(usize, Domain)>> {
    let (from, rest) = values(bound.strip_prefix("FOR VALUES FROM")?)?;
    let (to, _) = values(rest)?;
    let mut domains = Vec::new();
    for (i, &c) in key.iter().enumerate() {
        let column = &columns[c];
        let scale = column.maker.scale.as_ref()?;
        let bound_of = |list: &[Option<Value>]| list.get(i).cloned().flatten().map(|v| of_column(v, column));
        let (low, high) = (bound_of(&from), bound_of(&to));
        let mut domain = Domain { not_null: true, ..Domain::default() };
        if let Some(low) = &low {
            domain.bound(scale, Compare::Ge, low);
        }
        let last = i + 1 == key.len();
        let same = matches!((&low, &high), (Some(l), Some(h)) if matches!(eval::compare(Compare::Eq, l, h), Value::Bool(true)));
        if let Some(high) = &high {
            // Only where the bounds agree does the next column decide.
            domain.bound(scale, if same && !last { Compare::Le } else { Compare::Lt }, high);
        }
        domains.push((c, domain));
        if !same {
            break;
        }
    }
    Some(domains)
}

fn list(bound: &str, column: usize, columns: &[ColumnPlan]) -> Option<Vec<(usize, Domain)>> {
    let (values, _) = values(bound.strip_prefix("FOR VALUES IN")?)?;
    let scale = columns[column].maker.scale.as_ref();
    let texts: Vec<String> = values
        .into_iter()
        .flatten()
        .filter_map(|v| crate::value::domain::print(&of_column(v, &columns[column]), scale))
        .collect();
    let domain = Domain { one_of: Some(texts.clone()), not_null: true, ..Domain::default() };
    (!texts.is_empty()).then(|| vec![(column, domain)])
}
