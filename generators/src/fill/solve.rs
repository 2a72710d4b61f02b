//! Goal-directed repair: what to change in a row so that a condition becomes true, or false.

use super::Filler;
use super::check::value;
use super::draft::{Draft, may_be_null};
use super::parents::null_out;
use crate::expr::number::Number;
use crate::expr::{Compare, Expr, Function, Value};
use crate::value::domain::Domain;
use crate::value::{Flavour, domain};

impl<'p> Filler<'p> {
    /// Changes open cells so that `expr` should become `want`. False where there is nothing to change;
    /// whether it did is for the caller to evaluate.
    pub(super) fn solve(&mut self, draft: &mut Draft<'p>, expr: &Expr, want: bool) -> bool {
        match expr {
            Expr::Not(inner) => self.solve(draft, inner, !want),
            Expr::And(list) => self.junction(draft, list, want, want),
            Expr::Or(list) => self.junction(draft, list, want, !want),
            Expr::Column(c) => self.assign(draft, *c, &Domain::only(if want { "t" } else { "f" }.into())),
            Expr::IsNull(inner) => match (&**inner, want) {
                (Expr::Column(c), true) => self.set_null(draft, *c),
                (Expr::Column(c), false) => self.set_something(draft, *c),
                _ => false,
            },
            Expr::Same(l, r) => {
                let op = if want { Compare::Eq } else { Compare::Ne };
                match (&**l, value(draft, r)) {
                    (_, Value::Bool(b)) if l.is_condition() => self.solve(draft, l, b == want),
                    _ => self.compare(draft, op, l, r),
                }
            }
            Expr::Compare(op, l, r) => {
                let op = if want { *op } else { op.negated() };
                let booleans = l.is_condition() || r.is_condition();
                if booleans && matches!(op, Compare::Eq | Compare::Ne) {
                    return self.equate(draft, l, r, op == Compare::Eq);
                }
                self.compare(draft, op, l, r)
            }
            Expr::Any { op, left, list, all } => {
                let op = if want { *op } else { op.negated() };
                // All of them must hold, or one chosen at random.
                if *all == want {
                    if let (Expr::Column(c), Compare::Ne) = (&**left, op) {
                        let scale = draft.table.columns[*c].maker.scale.as_ref();
                        let not_in =
                            list.iter().filter_map(|e| domain::print(&value(draft, e), scale)).collect();
                        return self.assign(
                            draft,
                            *c,
                            &Domain { not_in, not_null: true, ..Domain::default() },
                        );
                    }
                    return list.iter().any(|e| self.compare(draft, op, left, e));
                }
                !list.is_empty() && {
                    let chosen = self.dice.below(list.len());
                    self.compare(draft, op, left, &list[chosen])
                }
            }
            Expr::Matches(subject, regex) => {
                let Expr::Column(c) = &**subject else { return false };
                if want {
                    let patterns = vec![(**regex).clone()];
                    return self.assign(draft, *c, &Domain { patterns, not_null: true, ..Domain::default() });
                }
                ["", "!", "~ ~", "\u{fffd}", "0", "x".repeat(500).as_str()]
                    .into_iter()
                    .filter(|text| !regex.is_match(text))
                    .any(|text| self.assign(draft, *c, &Domain::only(text.to_owned())))
            }
            Expr::Case(arms, otherwise) => {
                let taken =
                    arms.iter().find(|(condition, _)| matches!(value(draft, condition), Value::Bool(true)));
                match taken {
                    Some((condition, outcome)) => {
                        self.solve(draft, outcome, want) || self.solve(draft, condition, false)
                    }
                    None => self.solve(draft, otherwise, want),
                }
            }
            Expr::Call(Function::StartsWith, args) => match args.as_slice() {
                [Expr::Column(c), Expr::Const(Value::Text(start))] if want => {
                    self.assign(draft, *c, &Domain::only(start.clone()))
                }
                _ => false,
            },
            Expr::Call(Function::Coalesce, args) => {
                args.first().is_some_and(|first| self.solve(draft, first, want))
            }
            _ => false,
        }
    }

    /// All of a list (`every`), or one of it.
    fn junction(&mut self, draft: &mut Draft<'p>, list: &[Expr], want: bool, every: bool) -> bool {
        if every {
            let mut changed = false;
            for part in list {
                let met = match value(draft, part) {
                    Value::Bool(b) => b == want,
                    // NULL passes a check, but makes none false.
                    Value::Null => want,
                    _ => false,
                };
                if !met {
                    changed |= self.solve(draft, part, want);
                }
            }
            return changed;
        }
        let first = self.dice.below(list.len().max(1));
        (0..list.len()).any(|i| self.solve(draft, &list[(first + i) % list.len()], want))
    }

    /// Two conditions that are to be equal, or not: one of them follows the other.
    fn equate(&mut self, draft: &mut Draft<'p>, l: &Expr, r: &Expr, equal: bool) -> bool {
        let (leader, follower) = if self.dice.chance(50) { (l, r) } else { (r, l) };
        for (leader, follower) in [(leader, follower), (follower, leader)] {
            if let Value::Bool(b) = value(draft, leader)
                && self.solve(draft, follower, b == equal)
            {
                return true;
            }
        }
        self.solve(draft, l, true) | self.solve(draft, r, equal)
    }

    /// Makes a comparison hold by changing what stands on one side.
    fn compare(&mut self, draft: &mut Draft<'p>, op: Compare, l: &Expr, r: &Expr) -> bool {
        if let (Expr::Call(form, args), Expr::Column(c), Compare::Ne) = (l, r, op)
            && matches!(args.as_slice(), [Expr::Column(inner)] if inner == c)
        {
            let text = draft.values[*c].clone().unwrap_or_default();
            let deformed = match form {
                Function::Lower => format!("{}A", text.to_ascii_uppercase()),
                Function::Upper => format!("{}a", text.to_ascii_lowercase()),
                _ => format!(" {text} "),
            };
            return self.assign(draft, *c, &Domain::only(deformed));
        }
        let sides = [(l, op, value(draft, r)), (r, op.flipped(), value(draft, l))];
        let first = self.dice.below(2);
        for i in 0..2 {
            let (subject, op, other) = &sides[(first + i) % 2];
            if self.aim(draft, subject, *op, other) {
                return true;
            }
        }
        // Nothing to compare with yet.
        l.columns()
            .into_iter()
            .chain(r.columns())
            .any(|c| draft.values[c].is_none() && self.set_something(draft, c))
    }

    /// Changes the subject so that it compares so with a value.
    fn aim(&mut self, draft: &mut Draft<'p>, subject: &Expr, op: Compare, other: &Value) -> bool {
        match subject {
            Expr::Column(c) => match self.target(draft, *c, op, other) {
                Some(domain) => self.assign(draft, *c, &domain),
                None => false,
            },
            Expr::Call(
                Function::Length | Function::OctetLength | Function::Cardinality | Function::ArrayLength,
                args,
            ) => {
                let inner = match args.first() {
                    Some(Expr::Call(Function::Trim, inner)) => inner.first(),
                    other => other,
                };
                let Some(Expr::Column(c)) = inner else { return false };
                let mut domain = Domain { not_null: true, ..Domain::default() };
                // Another length: a shorter one, or for nothing shorter than nothing, a longer one.
                let other_length = op == Compare::Ne
                    && (domain.bound_length(Compare::Ne, other) || domain.bound_length(Compare::Lt, other));
                (other_length || domain.bound_length(op, other)) && self.assign(draft, *c, &domain)
            }
            Expr::Call(
                Function::Lower
                | Function::Upper
                | Function::Trim
                | Function::Coalesce
                | Function::Date
                | Function::Whole,
                args,
            ) => args.first().is_some_and(|inner| self.aim(draft, inner, op, other)),
            Expr::Call(Function::Abs, args) => {
                args.first().is_some_and(|inner| self.aim(draft, inner, op, other))
            }
            Expr::Call(Function::JsonType, args) => match (args.first(), other) {
                (Some(Expr::Column(c)), Value::Text(ty)) => {
                    let wanted = match op {
                        Compare::Eq => ty.as_str(),
                        _ if ty == "object" => "array",
                        _ => "object",
                    };
                    let json_type = Some(wanted.to_owned());
                    self.assign(draft, *c, &Domain { json_type, not_null: true, ..Domain::default() })
                }
                _ => false,
            },
            Expr::Call(function @ (Function::NumNulls | Function::NumNonNulls), args) => {
                self.count_nulls(draft, *function, args, op, other)
            }
            Expr::Arith('%', l, r) => self.aim_at_rest(draft, l, &value(draft, r), op, other),
            Expr::Arith(sign @ ('+' | '-'), l, r) => {
                let undo = if *sign == '+' { '-' } else { '+' };
                let right = value(draft, r);
                if let Some(rest) = shift(other, undo, &right)
                    && self.aim(draft, l, op, &rest)
                {
                    return true;
                }
                let left = value(draft, l);
                match sign {
                    '+' => shift(other, '-', &left).is_some_and(|rest| self.aim(draft, r, op, &rest)),
                    _ => shift(&left, '-', other).is_some_and(|rest| self.aim(draft, r, op.flipped(), &rest)),
                }
            }
            _ => false,
        }
    }

    /// Moves a whole number to the nearest one with that rest.
    fn aim_at_rest(
        &mut self,
        draft: &mut Draft<'p>,
        subject: &Expr,
        modulus: &Value,
        op: Compare,
        rest: &Value,
    ) -> bool {
        let column = match subject {
            Expr::Call(Function::Whole, args) => args.first(),
            other => Some(other),
        };
        let (Some(Expr::Column(c)), Value::Number(modulus), Value::Number(rest)) = (column, modulus, rest)
        else {
            return false;
        };
        let (Number::Exact(modulus, 0), Number::Exact(rest, 0)) = (*modulus, *rest) else { return false };
        let any = self.make(draft, *c, draft.table.columns[*c].any(), None);
        let Some(Number::Exact(at, 0)) = any.as_deref().and_then(Number::parse) else { return false };
        if modulus == 0 || op != Compare::Eq {
            return false;
        }
        let low = at - (at - rest).rem_euclid(modulus);
        let near = [low, low + modulus.abs()];
        near.into_iter().any(|at| self.assign(draft, *c, &Domain::only(at.to_string())))
    }

    /// The domain of a column whose values compare so with a value.
    fn target(&self, draft: &Draft<'p>, c: usize, op: Compare, other: &Value) -> Option<Domain> {
        let maker = &draft.table.columns[c].maker;
        let mut target = Domain { not_null: true, ..Domain::default() };
        match (&maker.scale, other) {
            (Some(scale), Value::Now) => {
                // Any clock that will ever read this stands between these bounds.
                let (past, future) = ((9_131), 33_000);
                let day = |days: i128| Value::Time(days * crate::calendar::DAY);
                match op {
                    Compare::Lt | Compare::Le | Compare::Ne => target.bound(scale, Compare::Lt, &day(past)),
                    Compare::Gt | Compare::Ge => target.bound(scale, Compare::Gt, &day(future)),
                    Compare::Eq => return None,
                };
            }
            (Some(scale), Value::Number(_) | Value::Time(_) | Value::Clock(_) | Value::Span(_)) => {
                if !target.bound(scale, op, other) {
                    return None;
                }
            }
            (None, Value::Text(_) | Value::Bool(_) | Value::Number(_)) => {
                let text = domain::print(other, None)?;
                match op {
                    Compare::Eq | Compare::Le | Compare::Ge => target.restrict(vec![text]),
                    _ if text.is_empty() => target.length_min = 1,
                    _ => target.not_in.push(text),
                }
            }
            _ => return None,
        }
        Some(target)
    }

    fn count_nulls(
        &mut self,
        draft: &mut Draft<'p>,
        function: Function,
        args: &[Expr],
        op: Compare,
        other: &Value,
    ) -> bool {
        let Value::Number(number) = other else { return false };
        let n = i64::try_from(number.units(0).0).unwrap_or(0);
        let aim = match op {
            Compare::Eq | Compare::Le | Compare::Ge => n,
            Compare::Gt => n + 1,
            Compare::Lt => n - 1,
            Compare::Ne => n + if self.dice.chance(50) { 1 } else { -1 },
        };
        let total = i64::try_from(args.len()).unwrap_or(0);
        let filled = if function == Function::NumNonNulls { aim } else { total - aim };
        let Ok(filled) = usize::try_from(filled) else { return false };
        let mut columns: Vec<usize> =
            args.iter().filter_map(|e| if let Expr::Column(c) = e { Some(*c) } else { None }).collect();
        self.dice.shuffle(&mut columns);
        // Those that cannot be NULL are among the filled.
        columns.sort_by_key(|&c| may_be_null(draft, c));
        let mut done = !columns.is_empty();
        for (i, c) in columns.into_iter().enumerate() {
            done &= if i < filled { self.set_something(draft, c) } else { self.set_null(draft, c) };
        }
        done
    }

    /// A value of the domain for an open cell.
    fn assign(&mut self, draft: &mut Draft<'p>, c: usize, domain: &Domain) -> bool {
        let column = &draft.table.columns[c];
        if column.key || column.reference.is_some() {
            return false;
        }
        let made = self.make(draft, c, draft.table.columns[c].any(), Some(domain));
        let made = made.or_else(|| self.forced(draft, c, domain));
        made.is_some_and(|value| {
            draft.values[c] = Some(value);
            true
        })
    }

    /// A value outside the column's own domain: what a violation needs, and a repair never asks for.
    fn forced(&mut self, draft: &Draft<'p>, c: usize, domain: &Domain) -> Option<String> {
        if !self.violating {
            return None;
        }
        let number = self.filled[draft.t].counter;
        let cell = crate::value::Cell { seed: self.seed, world: None, number, flavour: Flavour::Plain };
        draft.table.columns[c].maker.make(domain, cell, &mut self.dice)
    }

    /// NULL for a cell, the whole reference with it.
    pub(super) fn set_null(&mut self, draft: &mut Draft<'p>, c: usize) -> bool {
        if draft.values[c].is_none() {
            return true;
        }
        if draft.table.columns[c].key || (!may_be_null(draft, c) && !self.violating_null(draft, c)) {
            return false;
        }
        if let Some(r) = draft.table.columns[c].reference {
            let reference = &draft.table.references[r];
            for &c in &reference.columns {
                if may_be_null(draft, c) {
                    draft.fixed[c] = false;
                }
            }
            return null_out(draft, reference);
        }
        draft.values[c] = None;
        true
    }

    /// Whether NULL is refused by the domain alone, which a violation may break.
    fn violating_null(&self, draft: &Draft<'p>, c: usize) -> bool {
        self.violating && draft.table.columns[c].nullable
    }

    /// Any value for a cell that is NULL.
    fn set_something(&mut self, draft: &mut Draft<'p>, c: usize) -> bool {
        if draft.values[c].is_some() {
            return true;
        }
        match draft.table.columns[c].reference {
            Some(r) if draft.table.references[r].late => false,
            Some(r) => self.refer_elsewhere(draft, r),
            None => {
                draft.values[c] = self.make(draft, c, draft.table.columns[c].any(), None);
                draft.values[c].is_some()
            }
        }
    }
}

/// `a op b` for numbers, and for times and spans.
fn shift(a: &Value, op: char, b: &Value) -> Option<Value> {
    let sign = if op == '+' { 1 } else { -1 };
    Some(match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(Number::arith(*a, op, *b)?),
        (Value::Time(a), Value::Span(b)) => Value::Time(a + sign * b),
        (Value::Time(a), Value::Time(b)) if op == '-' => Value::Span(a - b),
        _ => return None,
    })
}
