//! Simple values in place of generated ones, the same for all cells that must agree.

use std::collections::HashMap;

use super::meta::Meta;
use crate::dataset::TableData;
use crate::plan::ColumnPlan;
use crate::value::style::Style;
use watertight_scenarios::schema::TypeKind;

/// Columns that hold each other's values: a key and whatever refers to it.
#[derive(Clone, Debug)]
pub(super) struct Class {
    /// Data table and column; the first is the one referred to.
    pub(super) members: Vec<(usize, usize)>,
}

/// All classes, a class for each column that no reference joins to another.
pub(super) fn classes(meta: &Meta, tables: &[TableData]) -> Vec<Class> {
    let mut root: HashMap<(usize, usize), (usize, usize)> = HashMap::new();
    let find = |root: &HashMap<(usize, usize), (usize, usize)>, mut at: (usize, usize)| {
        while let Some(&up) = root.get(&at) {
            at = up;
        }
        at
    };
    for d in 0..tables.len() {
        for reference in meta.references(d) {
            for (&c, &k) in reference.columns.iter().zip(&reference.target_columns) {
                let (below, above) = (find(&root, (d, c)), find(&root, (reference.target, k)));
                if below != above {
                    root.insert(below, above);
                }
            }
        }
    }
    let mut classes: Vec<Class> = Vec::new();
    let mut place: HashMap<(usize, usize), usize> = HashMap::new();
    for (d, table) in tables.iter().enumerate() {
        for c in 0..table.columns.len() {
            let top = find(&root, (d, c));
            let at = *place.entry(top).or_insert_with(|| {
                classes.push(Class { members: vec![top] });
                classes.len() - 1
            });
            if (d, c) != top {
                classes[at].members.push((d, c));
            }
        }
    }
    classes
}

/// The simple value for each value of a class: distinct values stay distinct and keep their order.
/// `None` where nothing would become simpler.
pub(super) fn renaming(
    meta: &Meta,
    tables: &[TableData],
    alive: &[bool],
    class: &Class,
) -> Option<HashMap<String, String>> {
    let &(d, c) = class.members.first()?;
    let column = meta.column(d, c)?;
    let constrained = class.members.iter().any(|&(d, c)| {
        meta.column(d, c)
            .is_none_or(|p| p.domain.one_of.is_some() || !p.domain.patterns.is_empty() || p.hinted)
            || meta.is_partition_key(d, c)
    });
    if constrained {
        return None;
    }
    let mut values: Vec<&str> = Vec::new();
    for &(d, c) in &class.members {
        for (r, row) in tables[d].rows.iter().enumerate() {
            if alive[meta.number(d, r) as usize]
                && let Some(value) = row.values[c].as_deref()
            {
                values.push(value);
            }
        }
    }
    sort(&mut values, column);
    values.dedup();
    let noun = noun(tables[d].table.name.as_str());
    let mut renaming = HashMap::new();
    for (i, value) in values.iter().enumerate() {
        let simple = simple(column, i, &noun, value)?;
        renaming.insert((*value).to_owned(), simple);
    }
    let simpler = renaming.iter().any(|(from, to)| from != to);
    simpler.then_some(renaming)
}

fn sort(values: &mut [&str], column: &ColumnPlan) {
    match &column.maker.scale {
        Some(scale) => values.sort_by_key(|v| (scale.parse(v).map(|(at, _)| at), (*v).to_owned())),
        None => values.sort_unstable(),
    }
}

/// `workspace` for a table `Workspace` or `"Workspace"`.
fn noun(table: &str) -> String {
    let plain: String = table.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_lowercase();
    match plain.strip_suffix('s') {
        Some(one) if one.len() > 2 && !one.ends_with('s') => one.to_owned(),
        _ => plain,
    }
}

/// The simple value number `i` of a column.
fn simple(column: &ColumnPlan, i: usize, noun: &str, value: &str) -> Option<String> {
    let maker = &column.maker;
    let number = i as i128;
    if let Some(scale) = &maker.scale {
        // Values beyond the line (NaN, infinities) are what they are for a reason.
        let (at, _) = scale.parse(value)?;
        let start = match maker.kind() {
            TypeKind::Date | TypeKind::Timestamp | TypeKind::TimestampTz => {
                scale.parse("2024-01-01 00:00:00").map_or(scale.usual.0, |(at, _)| at)
            }
            _ if at < 0 => return None,
            _ => scale.usual.0.max(0) + scale.stride(),
        };
        let start = start.max(column.domain.low.unwrap_or(start)).min(column.domain.high.unwrap_or(start));
        let step = match maker.kind() {
            TypeKind::Timestamp | TypeKind::TimestampTz => 24 * scale.stride(),
            _ => scale.stride(),
        };
        return Some(scale.print(start + number * step));
    }
    match maker.kind() {
        TypeKind::Uuid => Some(format!("00000000-0000-4000-8000-{:012}", i + 1)),
        _ if maker.is_text() => text(column, i, noun, value),
        TypeKind::Json | TypeKind::Jsonb => match column.domain.json_type.as_deref() {
            None | Some("object") => Some(if i == 0 { "{}".into() } else { format!("{{\"a\": {i}}}") }),
            _ => None,
        },
        TypeKind::Bytea => Some(format!("\\x{:02x}", i + 1)),
        _ => None,
    }
}

fn text(column: &ColumnPlan, i: usize, noun: &str, value: &str) -> Option<String> {
    let few = column.maker.is_few() && value.len() <= 12 && value.chars().all(|c| c.is_ascii_alphanumeric());
    let letter = || match u8::try_from(i) {
        Ok(i @ 0..=25) => char::from(b'a' + i).to_string(),
        _ => format!("a{i}"),
    };
    let plain = match column.maker.style() {
        _ if few => value.to_owned(),
        Style::Key => format!("{noun}{}", i + 1),
        Style::Email => format!("{}@example.com", letter()),
        _ => letter(),
    };
    let fits = |text: &String| {
        column.domain.accepts_text(text) && column.maker.width().is_none_or(|w| text.chars().count() <= w)
    };
    let candidates = [plain, letter(), format!("{:a>width$}", letter(), width = column.domain.length_min)];
    candidates.into_iter().find(fits).map(|text| column.maker.padded(text))
}
