//! What a column's values must obey, as far as its constraints say so about it alone.

use regex::Regex;

use super::scale::Scale;
use crate::expr::{Compare, Expr, Function, Value};

/// Limits on one column's values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domain {
    /// Lowest position on the type's line.
    pub(crate) low: Option<i128>,
    /// Highest position on the type's line.
    pub(crate) high: Option<i128>,
    /// The only values.
    pub(crate) one_of: Option<Vec<String>>,
    /// Values that are forbidden.
    pub(crate) not_in: Vec<String>,
    /// Lowest length: characters, bytes or elements.
    pub(crate) length_min: usize,
    /// Highest length.
    pub(crate) length_max: Option<usize>,
    /// Regular expressions that text must match.
    pub(crate) patterns: Vec<Regex>,
    /// The type of a JSON value.
    pub(crate) json_type: Option<String>,
    /// NULL is refused.
    pub(crate) not_null: bool,
}

impl Domain {
    /// Nothing but this text.
    pub(crate) fn only(text: String) -> Self {
        Self { one_of: Some(vec![text]), not_null: true, ..Self::default() }
    }

    /// Also what compares so with `value`. False where that cannot be said or cannot be had.
    pub(crate) fn bound(&mut self, scale: &Scale, op: Compare, value: &Value) -> bool {
        let Some((floor, exact)) = scale.position(value) else { return false };
        let (low, high) = match op {
            Compare::Eq if exact => (Some(floor), Some(floor)),
            Compare::Eq => return false,
            Compare::Ne => {
                if exact {
                    self.not_in.push(scale.print(floor));
                }
                return true;
            }
            Compare::Lt if exact => (None, Some(floor - 1)),
            Compare::Lt | Compare::Le => (None, Some(floor)),
            Compare::Gt => (Some(floor + 1), None),
            Compare::Ge if exact => (Some(floor), None),
            Compare::Ge => (Some(floor + 1), None),
        };
        if let Some(low) = low {
            self.low = Some(self.low.map_or(low, |l| l.max(low)));
        }
        if let Some(high) = high {
            self.high = Some(self.high.map_or(high, |h| h.min(high)));
        }
        true
    }

    /// Also a length.
    pub(crate) fn bound_length(&mut self, op: Compare, value: &Value) -> bool {
        let Value::Number(number) = value else { return false };
        let (n, exact) = number.units(0);
        let at = |n: i128| usize::try_from(n.max(0)).unwrap_or(usize::MAX);
        let (low, high) = match op {
            Compare::Eq if exact => (Some(at(n)), Some(at(n))),
            Compare::Ne if n == 0 => (Some(1), None),
            Compare::Eq | Compare::Ne => return false,
            Compare::Lt => (None, Some(at(if exact { n - 1 } else { n }))),
            Compare::Le => (None, Some(at(n))),
            Compare::Gt => (Some(at(n + 1)), None),
            Compare::Ge => (Some(at(if exact { n } else { n + 1 })), None),
        };
        self.length_min = self.length_min.max(low.unwrap_or(0));
        if let Some(high) = high {
            self.length_max = Some(self.length_max.map_or(high, |h| h.min(high)));
        }
        true
    }

    /// Also one of these.
    pub(crate) fn restrict(&mut self, values: Vec<String>) {
        self.one_of = Some(match self.one_of.take() {
            Some(old) => old.into_iter().filter(|v| values.contains(v)).collect(),
            None => values,
        });
    }

    /// Takes in what a condition says about this column alone. False where it says something else.
    pub(crate) fn absorb(&mut self, column: usize, scale: Option<&Scale>, expr: &Expr) -> bool {
        let is = |e: &Expr| matches!(e, Expr::Column(c) if *c == column);
        match expr {
            Expr::And(list) => list.iter().fold(true, |all, e| self.absorb(column, scale, e) && all),
            // NULL or a condition: whoever makes a value obeys the condition.
            Expr::Or(list)
                if list.len() == 2 && list.iter().any(|e| matches!(e, Expr::IsNull(c) if is(c))) =>
            {
                list.iter().filter(|e| !matches!(e, Expr::IsNull(_))).all(|e| self.absorb(column, scale, e))
            }
            Expr::Not(inner) => match &**inner {
                Expr::IsNull(c) if is(c) => {
                    self.not_null = true;
                    true
                }
                Expr::Column(_) if is(inner) => {
                    self.restrict(vec!["f".into()]);
                    true
                }
                _ => false,
            },
            Expr::Column(_) if is(expr) => {
                self.restrict(vec!["t".into()]);
                true
            }
            Expr::Matches(subject, regex) if is(subject) => {
                self.patterns.push((**regex).clone());
                true
            }
            Expr::Any { op: Compare::Eq, left, list, all: false } if is(left) => {
                match list.iter().map(|e| constant_text(e, scale)).collect() {
                    Some(values) => {
                        self.restrict(values);
                        true
                    }
                    None => false,
                }
            }
            Expr::Any { op: Compare::Ne, left, list, all: true } if is(left) => {
                self.not_in.extend(list.iter().filter_map(|e| constant_text(e, scale)));
                true
            }
            Expr::Compare(op, left, right) => match (&**left, &**right) {
                (l, Expr::Const(value)) => self.compare(column, scale, *op, l, value),
                (Expr::Const(value), r) => self.compare(column, scale, op.flipped(), r, value),
                _ => false,
            },
            _ => false,
        }
    }

    fn compare(
        &mut self,
        column: usize,
        scale: Option<&Scale>,
        op: Compare,
        subject: &Expr,
        value: &Value,
    ) -> bool {
        let is = |e: &Expr| matches!(e, Expr::Column(c) if *c == column);
        match (subject, value) {
            (Expr::Column(_), Value::Number(_) | Value::Time(_) | Value::Clock(_) | Value::Span(_))
                if is(subject) =>
            {
                scale.is_some_and(|scale| self.bound(scale, op, value))
            }
            (Expr::Column(_), Value::Text(text)) if is(subject) => match op {
                Compare::Eq => {
                    self.restrict(vec![text.clone()]);
                    true
                }
                Compare::Ne | Compare::Gt if text.is_empty() => {
                    self.length_min = self.length_min.max(1);
                    true
                }
                Compare::Ne => {
                    self.not_in.push(text.clone());
                    true
                }
                _ => false,
            },
            (Expr::Column(_), Value::Bool(b)) if is(subject) && matches!(op, Compare::Eq | Compare::Ne) => {
                let wanted = *b == (op == Compare::Eq);
                self.restrict(vec![if wanted { "t" } else { "f" }.into()]);
                true
            }
            (Expr::Call(Function::JsonType, args), Value::Text(ty))
                if op == Compare::Eq && args.first().is_some_and(is) =>
            {
                self.json_type = Some(ty.clone());
                true
            }
            (Expr::Call(Function::Trim, args), Value::Text(text))
                if op == Compare::Ne && text.is_empty() && args.first().is_some_and(is) =>
            {
                self.length_min = self.length_min.max(1);
                true
            }
            (Expr::Call(function, args), _) => {
                let subject = match args.first() {
                    // Trimmed, then measured: what is generated is trimmed.
                    Some(Expr::Call(Function::Trim, inner)) => inner.first(),
                    other => other,
                };
                let measures = matches!(
                    function,
                    Function::Length | Function::OctetLength | Function::ArrayLength | Function::Cardinality
                );
                measures && subject.is_some_and(is) && self.bound_length(op, value)
            }
            _ => false,
        }
    }

    /// Whether a text obeys all that speaks of text.
    pub(crate) fn accepts_text(&self, text: &str) -> bool {
        let fits = if self.length_min == 0 && self.length_max.is_none() {
            true
        } else {
            let length = text.chars().count();
            length >= self.length_min && self.length_max.is_none_or(|max| length <= max)
        };
        fits && !self.not_in.iter().any(|n| n == text)
            && self.one_of.as_ref().is_none_or(|list| list.iter().any(|v| v == text))
            && self.patterns.iter().all(|p| p.is_match(text))
    }

    /// What both allow.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.low = self.low.max(other.low);
        self.high = least(self.high, other.high);
        if let Some(values) = &other.one_of {
            self.restrict(values.clone());
        }
        self.not_in.extend(other.not_in.iter().cloned());
        self.length_min = self.length_min.max(other.length_min);
        self.length_max = least(self.length_max, other.length_max);
        self.patterns.extend(other.patterns.iter().cloned());
        if other.json_type.is_some() {
            self.json_type.clone_from(&other.json_type);
        }
        self.not_null |= other.not_null;
        self
    }
}

fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The text of a constant, as a column of that line prints it.
fn constant_text(expr: &Expr, scale: Option<&Scale>) -> Option<String> {
    let Expr::Const(value) = expr else { return None };
    print(value, scale)
}

/// The text of a value.
pub(crate) fn print(value: &Value, scale: Option<&Scale>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(b) => Some(if *b { "t" } else { "f" }.into()),
        Value::Number(number) if scale.is_none() => Some(number.print()),
        other => {
            let scale = scale?;
            let (at, exact) = scale.position(other)?;
            exact.then(|| scale.print(at))
        }
    }
}
