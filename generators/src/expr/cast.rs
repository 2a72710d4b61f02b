//! Casts: constants become values of their type, the rest stays what it is or is not understood.

use super::number::Number;
use super::parse::array;
use super::{Expr, Function, Value};
use crate::calendar;

/// A cast. Of a constant it gives the constant's value, of anything else only what keeps the value.
pub(super) fn cast(expr: Expr, ty: &str) -> Expr {
    let ty = ty.to_ascii_lowercase();
    let base = ty.trim_end_matches("[]");
    match expr {
        Expr::Const(Value::Array(values)) if ty.ends_with("[]") => {
            array(values.into_iter().map(|v| cast(Expr::Const(v), base)).collect())
        }
        Expr::Const(Value::Text(text)) if !ty.ends_with("[]") => Expr::Const(constant(text, base)),
        Expr::Const(Value::Now) if base == "date" || base.starts_with("timestamp") => Expr::Const(Value::Now),
        expr => match base {
            "text" | "character varying" | "bpchar" | "character" | "name" | "varchar" | "citext"
            | "numeric" | "bigint" | "double precision" | "timestamp" => expr,
            // Shrinking casts round or fail; only those of integers are exact, and then they change nothing.
            "integer" | "smallint" if matches!(expr, Expr::Call(..) | Expr::Const(Value::Number(_))) => expr,
            "integer" | "smallint" => Expr::Call(Function::Whole, vec![expr]),
            "date" => Expr::Call(Function::Date, vec![expr]),
            _ => Expr::Opaque,
        },
    }
}

fn constant(text: String, ty: &str) -> Value {
    let parsed = match ty {
        "integer" | "bigint" | "smallint" | "numeric" | "real" | "double precision" => {
            Number::parse(&text).map(Value::Number)
        }
        "boolean" => match text.as_str() {
            "t" | "true" => Some(Value::Bool(true)),
            "f" | "false" => Some(Value::Bool(false)),
            _ => None,
        },
        "date" | "timestamp" => calendar::parse_timestamp(&text).map(Value::Time),
        "time" => calendar::parse_time(&text).map(Value::Clock),
        "interval" => crate::interval::micros(&text).map(Value::Span),
        "citext" => Some(Value::Text(text.to_lowercase())),
        "jsonb" | "json" => serde_json::from_str(&text).ok().map(Value::Json),
        "bytea" | "inet" | "cidr" | "regclass" => None,
        _ => Some(Value::Text(text)),
    };
    parsed.unwrap_or(Value::Unknown)
}
