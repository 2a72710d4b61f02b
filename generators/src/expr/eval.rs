//! Evaluation with SQL's three values and a fourth: unknown.

use std::cmp::Ordering;

use watertight_scenarios::schema::TypeKind;

use super::number::Number;
use super::{Compare, Expr, Function, Value};
use crate::calendar;
use crate::value::array;

/// Earliest and latest time at which a generated case may meet a clock: 2025-01-01 to 2090-01-01.
const NOW: (i128, i128) = (9_132 * calendar::DAY, 32_874 * calendar::DAY);

/// What a value's text means.
pub(crate) fn read(kind: &TypeKind, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let value = match kind {
        TypeKind::Bool => Some(Value::Bool(text == "t")),
        TypeKind::Int2
        | TypeKind::Int4
        | TypeKind::Int8
        | TypeKind::Float4
        | TypeKind::Float8
        | TypeKind::Numeric(_) => Number::parse(text).map(Value::Number),
        TypeKind::Text | TypeKind::Varchar(_) | TypeKind::Uuid | TypeKind::Enum(_) => {
            Some(Value::Text(text.to_owned()))
        }
        TypeKind::Char(_) => Some(Value::Text(text.trim_end_matches(' ').to_owned())),
        TypeKind::Citext => Some(Value::Text(text.to_lowercase())),
        TypeKind::Date | TypeKind::Timestamp | TypeKind::TimestampTz => {
            calendar::parse_timestamp(text).map(Value::Time)
        }
        TypeKind::Time => calendar::parse_time(text).map(Value::Clock),
        TypeKind::Interval => crate::interval::micros(text).map(Value::Span),
        TypeKind::Json | TypeKind::Jsonb => serde_json::from_str(text).ok().map(Value::Json),
        TypeKind::Bytea => Some(Value::Bytes(text.len().saturating_sub(2) / 2)),
        TypeKind::Domain { base, .. } => Some(read(&base.kind, Some(text))),
        TypeKind::Array(element) => array::split(text)
            .map(|items| Value::Array(items.iter().map(|i| read(&element.kind, i.as_deref())).collect())),
        TypeKind::Vector(_) | TypeKind::HalfVec(_) => Some(Value::Vector(text.split(',').count())),
        _ => None,
    };
    value.unwrap_or(Value::Unknown)
}

/// The value of an expression; `cell` gives the value of a column.
pub(crate) fn eval(expr: &Expr, cell: &dyn Fn(usize) -> Value) -> Value {
    let go = |e: &Expr| eval(e, cell);
    match expr {
        Expr::Const(value) => value.clone(),
        Expr::Column(c) => cell(*c),
        Expr::Not(e) => not(go(e)),
        Expr::And(list) => junction(list.iter().map(go), false),
        Expr::Or(list) => junction(list.iter().map(go), true),
        Expr::Compare(op, l, r) => compare(*op, &go(l), &go(r)),
        Expr::Any { op, left, list, all } => {
            let left = go(left);
            junction(list.iter().map(|e| compare(*op, &left, &go(e))), !all)
        }
        Expr::IsNull(e) => match go(e) {
            Value::Unknown => Value::Unknown,
            value => Value::Bool(matches!(value, Value::Null)),
        },
        Expr::Same(l, r) => match (go(l), go(r)) {
            (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
            (Value::Null, Value::Null) => Value::Bool(true),
            (Value::Null, _) | (_, Value::Null) => Value::Bool(false),
            (l, r) => compare(Compare::Eq, &l, &r),
        },
        Expr::Arith(op, l, r) => arith(*op, go(l), go(r)),
        Expr::Concat(l, r) => match (go(l), go(r)) {
            (Value::Text(l), Value::Text(r)) => Value::Text(l + &r),
            (Value::Null, _) | (_, Value::Null) => Value::Null,
            _ => Value::Unknown,
        },
        Expr::Matches(e, regex) => match go(e) {
            Value::Text(text) => Value::Bool(regex.is_match(&text)),
            Value::Null => Value::Null,
            _ => Value::Unknown,
        },
        Expr::Call(function, args) => call(*function, args.iter().map(go).collect()),
        Expr::Case(arms, otherwise) => {
            for (condition, value) in arms {
                match go(condition) {
                    Value::Bool(true) => return go(value),
                    Value::Unknown => return Value::Unknown,
                    _ => {}
                }
            }
            go(otherwise)
        }
        Expr::Opaque => Value::Unknown,
    }
}

fn not(value: Value) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(!b),
        Value::Null => Value::Null,
        _ => Value::Unknown,
    }
}

/// AND (`winner` false) or OR (`winner` true): one winner decides, whatever the rest is.
fn junction(values: impl Iterator<Item = Value>, winner: bool) -> Value {
    let mut result = Value::Bool(!winner);
    for value in values {
        match value {
            Value::Bool(b) if b == winner => return value,
            Value::Bool(_) => {}
            Value::Null if !matches!(result, Value::Unknown) => result = Value::Null,
            Value::Null => {}
            _ => result = Value::Unknown,
        }
    }
    result
}

/// A comparison as the server makes it; text is only compared for equality, for order is the collation's.
pub(crate) fn compare(op: Compare, left: &Value, right: &Value) -> Value {
    let order = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Value::Null,
        (Value::Number(l), Value::Number(r)) => l.order(*r),
        (Value::Bool(l), Value::Bool(r)) => l.cmp(r),
        (Value::Time(l), Value::Time(r))
        | (Value::Clock(l), Value::Clock(r))
        | (Value::Span(l), Value::Span(r)) => l.cmp(r),
        (Value::Time(t), Value::Now) if *t < NOW.0 => Ordering::Less,
        (Value::Time(t), Value::Now) if *t > NOW.1 => Ordering::Greater,
        (Value::Now, Value::Time(t)) if *t < NOW.0 => Ordering::Greater,
        (Value::Now, Value::Time(t)) if *t > NOW.1 => Ordering::Less,
        (Value::Text(l), Value::Text(r)) => match op {
            Compare::Eq | Compare::Ne => l.cmp(r),
            _ if l == r || l.is_empty() || r.is_empty() => l.cmp(r),
            _ => return Value::Unknown,
        },
        (Value::Array(l), Value::Array(r)) if matches!(op, Compare::Eq | Compare::Ne) => {
            let same = l.len() == r.len()
                && l.iter().zip(r).all(|(a, b)| matches!(compare(Compare::Eq, a, b), Value::Bool(true)));
            if same { Ordering::Equal } else { Ordering::Less }
        }
        _ => return Value::Unknown,
    };
    Value::Bool(match op {
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        Compare::Ge => order.is_ge(),
    })
}

fn arith(op: char, left: Value, right: Value) -> Value {
    match (left, right, op) {
        (Value::Null, _, _) | (_, Value::Null, _) => Value::Null,
        (Value::Number(l), Value::Number(r), _) => l.arith(op, r).map_or(Value::Unknown, Value::Number),
        (Value::Time(t), Value::Span(s), '+') | (Value::Span(s), Value::Time(t), '+') => {
            Value::Time(if t.abs() >= calendar::INFINITY { t } else { t + s })
        }
        (Value::Time(t), Value::Span(s), '-') => {
            Value::Time(if t.abs() >= calendar::INFINITY { t } else { t - s })
        }
        (Value::Now, Value::Span(_), '+' | '-') => Value::Now,
        _ => Value::Unknown,
    }
}

/// Letters beyond ASCII change their case by the collation's rules: only those that no rule changes are known.
fn call(function: Function, mut args: Vec<Value>) -> Value {
    let count = |n: usize| Value::Number(Number::int(n as i128));
    match function {
        Function::Coalesce => {
            for value in args {
                if !matches!(value, Value::Null) {
                    return value;
                }
            }
            return Value::Null;
        }
        Function::NumNulls => return count(args.iter().filter(|v| matches!(v, Value::Null)).count()),
        Function::NumNonNulls => return count(args.iter().filter(|v| !matches!(v, Value::Null)).count()),
        _ => {}
    }
    if args.iter().any(|v| matches!(v, Value::Null)) {
        return Value::Null;
    }
    let second = if args.len() > 1 { Some(args.swap_remove(1)) } else { None };
    let Some(first) = args.into_iter().next() else { return Value::Unknown };
    match (function, first) {
        (Function::Length, Value::Text(t)) => count(t.chars().count()),
        (Function::OctetLength, Value::Text(t)) => count(t.len()),
        (Function::Length | Function::OctetLength, Value::Bytes(n)) => count(n),
        (Function::Lower, Value::Text(t)) if t.chars().all(|c| c.is_ascii() || c.to_lowercase().eq([c])) => {
            Value::Text(t.to_ascii_lowercase())
        }
        (Function::Upper, Value::Text(t)) if t.chars().all(|c| c.is_ascii() || c.to_uppercase().eq([c])) => {
            Value::Text(t.to_ascii_uppercase())
        }
        (Function::Trim, Value::Text(t)) => Value::Text(t.trim_matches(' ').to_owned()),
        (Function::Abs, Value::Number(n)) => Value::Number(n.abs()),
        (Function::Whole, Value::Number(n @ Number::Exact(_, 0))) => Value::Number(n),
        (Function::JsonType, Value::Json(json)) => Value::Text(json_type(&json).to_owned()),
        (Function::ArrayLength, Value::Array(items)) if items.is_empty() => Value::Null,
        (Function::ArrayLength | Function::Cardinality, Value::Array(items)) => count(items.len()),
        (Function::VectorDims, Value::Vector(n)) => count(n),
        (Function::StartsWith, Value::Text(t)) => match second {
            Some(Value::Text(start)) => Value::Bool(t.starts_with(&start)),
            _ => Value::Unknown,
        },
        (Function::IsFinite, Value::Time(t)) => Value::Bool(t.abs() < calendar::INFINITY),
        (Function::Date, Value::Time(t)) if t.abs() < calendar::INFINITY => {
            Value::Time(t - t.rem_euclid(calendar::DAY))
        }
        (Function::Date, value @ (Value::Time(_) | Value::Now)) => value,
        _ => Value::Unknown,
    }
}

/// `jsonb_typeof`.
fn json_type(json: &serde_json::Value) -> &'static str {
    match json {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}
