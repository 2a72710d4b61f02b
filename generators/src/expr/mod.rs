//! SQL expressions of constraints: read from the catalogs' text, evaluated as the server would, or not at all.
//!
//! What is not understood becomes [`Expr::Opaque`] and evaluates to [`Value::Unknown`], never to a guess.

mod cast;
pub(crate) mod eval;
pub(crate) mod lex;
pub(crate) mod number;
pub(crate) mod parse;

use regex::Regex;
use serde_json::Value as Json;

use number::Number;

/// A value of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// NULL.
    Null,
    /// boolean
    Bool(bool),
    /// Any number.
    Number(Number),
    /// Any text, enum label, uuid, or another type that is compared by its text.
    Text(String),
    /// date and timestamps: microseconds since 2000-01-01 UTC.
    Time(i128),
    /// time of day: microseconds since midnight.
    Clock(i128),
    /// interval without months: microseconds.
    Span(i128),
    /// The clock's reading, which nobody knows but everybody can bound.
    Now,
    /// json and jsonb.
    Json(Json),
    /// bytea: its length.
    Bytes(usize),
    /// An array, of one dimension.
    Array(Vec<Self>),
    /// A vector: its dimensions.
    Vector(usize),
    /// Not known.
    Unknown,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Compare {
    /// The comparison that holds exactly when this one does not.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
        }
    }

    /// The comparison with its sides swapped.
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            other => other,
        }
    }
}

/// Functions that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Length in characters.
    Length,
    /// Length in bytes.
    OctetLength,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Blanks off both ends.
    Trim,
    /// Absolute value.
    Abs,
    /// First that is not NULL.
    Coalesce,
    /// How many are NULL.
    NumNulls,
    /// How many are not.
    NumNonNulls,
    /// jsonb_typeof and json_typeof.
    JsonType,
    /// Elements of an array; NULL for none (array_length).
    ArrayLength,
    /// Elements of an array (cardinality).
    Cardinality,
    /// Dimensions of a vector.
    VectorDims,
    /// Whether text starts with another.
    StartsWith,
    /// Whether a time is finite.
    IsFinite,
    /// Calendar day of a time.
    Date,
    /// A whole number, as one of another width.
    Whole,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    /// A constant.
    Const(Value),
    /// A column, by its position in the table's plan.
    Column(usize),
    /// NOT.
    Not(Box<Self>),
    /// AND of all.
    And(Vec<Self>),
    /// OR of any.
    Or(Vec<Self>),
    /// A comparison.
    Compare(Compare, Box<Self>, Box<Self>),
    /// `left op ANY (list)`, or ALL.
    Any {
        /// The comparison with each element.
        op: Compare,
        /// Left side.
        left: Box<Self>,
        /// Elements.
        list: Vec<Self>,
        /// ALL instead of ANY.
        all: bool,
    },
    /// IS NULL.
    IsNull(Box<Self>),
    /// IS NOT DISTINCT FROM.
    Same(Box<Self>, Box<Self>),
    /// Arithmetic.
    Arith(char, Box<Self>, Box<Self>),
    /// `||`
    Concat(Box<Self>, Box<Self>),
    /// A regular expression, LIKE included.
    Matches(Box<Self>, Box<Regex>),
    /// A function.
    Call(Function, Vec<Self>),
    /// CASE WHEN … THEN … ELSE … END.
    Case(Vec<(Self, Self)>, Box<Self>),
    /// Not understood.
    Opaque,
}

impl Expr {
    /// Whether every part is understood.
    pub(crate) fn is_understood(&self) -> bool {
        let mut known = true;
        self.walk(&mut |e| known &= !matches!(e, Self::Opaque));
        known
    }

    /// Columns that it reads, each once, in order of first use.
    pub(crate) fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.walk(&mut |e| {
            if let Self::Column(c) = e
                && !columns.contains(c)
            {
                columns.push(*c);
            }
        });
        columns
    }

    /// Visits every node.
    fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::Const(_) | Self::Column(_) | Self::Opaque => {}
            Self::Not(e) | Self::IsNull(e) | Self::Matches(e, _) => e.walk(visit),
            Self::And(list) | Self::Or(list) | Self::Call(_, list) => {
                list.iter().for_each(|e| e.walk(visit));
            }
            Self::Compare(_, l, r) | Self::Same(l, r) | Self::Arith(_, l, r) | Self::Concat(l, r) => {
                l.walk(visit);
                r.walk(visit);
            }
            Self::Any { left, list, .. } => {
                left.walk(visit);
                list.iter().for_each(|e| e.walk(visit));
            }
            Self::Case(arms, otherwise) => {
                for (condition, value) in arms {
                    condition.walk(visit);
                    value.walk(visit);
                }
                otherwise.walk(visit);
            }
        }
    }

    /// Whether it yields a boolean by its form (a bare column may, too).
    pub(crate) fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::Not(_)
                | Self::And(_)
                | Self::Or(_)
                | Self::Compare(..)
                | Self::Any { .. }
                | Self::IsNull(_)
                | Self::Same(..)
                | Self::Matches(..)
                | Self::Const(Value::Bool(_))
        )
    }
}
