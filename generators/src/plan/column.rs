//! One column: its maker, its domain, its hints.

use regex::Regex;
use watertight_scenarios::scenario::ColumnHint;
use watertight_scenarios::schema::{Column, Table, TypeKind};

use super::ColumnPlan;
use crate::dice::{mix, text_hash};
use crate::value::Maker;
use crate::value::domain::Domain;
use crate::value::style::Style;

/// Whether the column, or the domain that is its type, refuses NULL.
pub(super) fn refuses_null(column: &Column) -> bool {
    let domain_refuses = matches!(&column.ty.kind, TypeKind::Domain { not_null: true, .. });
    column.not_null || domain_refuses
}

/// The plan of a column of the table number `table_number`; what is wrong with its hints goes to `notes`.
pub(super) fn plan(
    column: &Column,
    table: &Table,
    table_number: usize,
    hint: Option<&ColumnHint>,
    notes: &mut Vec<String>,
) -> ColumnPlan {
    let in_key = table.primary_key.as_ref().is_some_and(|k| k.columns.contains(&column.name));
    let alone_in_key = table.primary_key.as_ref().is_some_and(|k| k.columns == [column.name.clone()]);
    let refers = table.foreign_keys.iter().any(|f| f.columns.contains(&column.name));
    let named_id = column.name.as_str().to_lowercase().ends_with("id");
    let serial =
        column.identity.is_some() || column.default.as_deref().is_some_and(|d| d.starts_with("nextval("));

    let place = format!("{}.{}", table.name, column.name);
    let mut style = Style::of(column.name.as_str());
    if let Some(kind) = hint.and_then(|h| h.fake.as_deref()) {
        match Style::named(kind) {
            Some(named) => style = named,
            None => notes.push(format!("{place}: the hint's fake kind {kind:?} is not known")),
        }
    }
    let salt = mix(&[text_hash(&place), 7]) << 8 | (table_number as u64 & 0xff);
    let mut maker = Maker::new(&column.ty, style, salt);
    let key = !refers
        && ((in_key && (alone_in_key || named_id || serial)) || serial)
        && (maker.is_integer() || maker.is_text() || matches!(maker.kind(), TypeKind::Uuid));
    if key && maker.is_text() {
        maker = Maker::new(&column.ty, Style::Key, salt);
    }

    let mut domain = Domain { not_null: refuses_null(column), ..Domain::default() };
    if let Some(hint) = hint {
        apply(hint, &maker, &mut domain, &place, notes);
    }
    let hinted = hint.is_some_and(|h| {
        let values = h.fixed.is_some() || h.one_of.is_some() || h.range.is_some() || h.pattern.is_some();
        values || h.fake.is_some()
    });
    ColumnPlan {
        name: column.name.clone(),
        maker,
        domain,
        nullable: !refuses_null(column) && !in_key,
        key,
        distinct: false,
        null_percent: hint.and_then(|h| h.null_share).map(percent),
        hinted,
        across: hint.is_some_and(|h| h.across_tenants),
        tenant: false,
        reference: None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before")]
fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}

fn apply(hint: &ColumnHint, maker: &Maker, domain: &mut Domain, place: &str, notes: &mut Vec<String>) {
    if let Some(fixed) = &hint.fixed {
        domain.restrict(vec![fixed.clone()]);
    }
    if let Some(list) = &hint.one_of {
        domain.restrict(list.clone());
    }
    if let Some([low, high]) = &hint.range {
        let bounds = maker.scale.as_ref().and_then(|s| Some((s.parse(low)?, s.parse(high)?)));
        match bounds {
            Some(((low, exact), (high, _))) => {
                domain.low = Some(if exact { low } else { low + 1 });
                domain.high = Some(high);
            }
            None => notes.push(format!("{place}: the hint's range is not one of its type")),
        }
    }
    if let Some(pattern) = &hint.pattern {
        // A hint speaks of the whole value, whether it says so or not.
        match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(regex) => domain.patterns.push(regex),
            Err(error) => notes.push(format!("{place}: the hint's pattern is refused: {error}")),
        }
    }
}
