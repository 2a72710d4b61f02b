//! Unique keys: what two rows must not share.

use std::hash::{DefaultHasher, Hash, Hasher};

use watertight_scenarios::Ident;
use watertight_scenarios::schema::TypeKind;

use super::ColumnPlan;
use crate::expr::{Expr, Value, eval};

/// A unique key.
#[derive(Clone, Debug)]
pub(crate) struct UniquePlan {
    /// Its name.
    pub(crate) name: Ident,
    /// What it is made of.
    pub(crate) parts: Vec<Part>,
    /// Rows that it speaks of.
    pub(crate) predicate: Option<Expr>,
    /// NULLs are equal.
    pub(crate) nulls_not_distinct: bool,
    /// Columns of its parts.
    pub(crate) columns: Vec<usize>,
    /// Some column of it is filled late.
    pub(crate) late: bool,
}

/// A part of a unique key.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A column.
    Column(usize),
    /// An expression that is understood.
    Expression(Expr),
}

impl UniquePlan {
    /// A number that two rows share exactly when the key forbids them both; `None` for a row that the key
    /// does not speak of. What cannot be evaluated counts as spoken of.
    pub(crate) fn digest(&self, columns: &[ColumnPlan], values: &[Option<String>]) -> Option<u64> {
        let cell = |c: usize| eval::read(columns[c].maker.kind(), values[c].as_deref());
        if let Some(predicate) = &self.predicate
            && matches!(eval::eval(predicate, &cell), Value::Bool(false) | Value::Null)
        {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        for part in &self.parts {
            let present = match part {
                Part::Column(c) => {
                    let text = values[*c].as_deref();
                    normal(columns[*c].maker.kind(), text, &mut hasher);
                    text.is_some()
                }
                Part::Expression(expr) => {
                    let value = eval::eval(expr, &cell);
                    hash_value(&value, &mut hasher);
                    !matches!(value, Value::Null)
                }
            };
            if !present && !self.nulls_not_distinct {
                return None;
            }
        }
        Some(hasher.finish())
    }
}

/// Hashes a text so that equal values of the type are equal.
fn normal(kind: &TypeKind, text: Option<&str>, hasher: &mut DefaultHasher) {
    match (kind, text) {
        (TypeKind::Citext, Some(t)) => t.to_lowercase().hash(hasher),
        (TypeKind::Char(_), Some(t)) => t.trim_end_matches(' ').hash(hasher),
        (TypeKind::Numeric(None), Some(t)) if t.contains('.') => {
            t.trim_end_matches('0').trim_end_matches('.').hash(hasher);
        }
        (TypeKind::Float4 | TypeKind::Float8, Some("-0")) => "0".hash(hasher),
        (_, t) => t.hash(hasher),
    }
}

fn hash_value(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Text(text) => text.hash(hasher),
        Value::Bool(b) => b.hash(hasher),
        Value::Number(n) => n.to_float().to_bits().hash(hasher),
        Value::Time(t) | Value::Clock(t) | Value::Span(t) => t.hash(hasher),
        other => format!("{other:?}").hash(hasher),
    }
}
