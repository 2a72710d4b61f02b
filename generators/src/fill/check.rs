//! Evaluates checks on a row in the making.

use super::draft::Draft;
use crate::expr::{Expr, Value, eval};

/// The value of an expression for the row.
pub(super) fn value(draft: &Draft<'_>, expr: &Expr) -> Value {
    let cell = |c: usize| eval::read(draft.table.columns[c].maker.kind(), draft.values[c].as_deref());
    eval::eval(expr, &cell)
}

/// Whether it cannot be told whether the row meets a check.
pub(super) fn undecided(draft: &Draft<'_>, expr: &Expr) -> bool {
    matches!(value(draft, expr), Value::Unknown)
}

/// Whether the row violates a check for certain: NULL passes, as it does in the server.
pub(super) fn violated(draft: &Draft<'_>, expr: &Expr) -> bool {
    matches!(value(draft, expr), Value::Bool(false))
}
