//! Types whose values lie on a line: a number for each value, so that bounds, ranges and distinct values
//! are the same arithmetic for integers, decimals, dates and times.

use watertight_scenarios::schema::{SqlType, TypeKind};

use crate::calendar::{self, DAY};
use crate::expr::Value;
use crate::expr::number::{Number, print_units};

/// A line of values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    kind: Kind,
    /// Lowest and highest position.
    pub(crate) limits: (i128, i128),
    /// Where values lie when nothing says otherwise.
    pub(crate) usual: (i128, i128),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Units of `10^-n`.
    Decimal(i32),
    /// Hundredths, printed without trailing zeros.
    Float,
    Money,
    Date,
    /// A step in microseconds, and the zone's text.
    Timestamp(i128, &'static str),
    /// A step in microseconds, and the zone's text.
    Clock(i128, &'static str),
    /// Whole seconds.
    Span,
}

/// 2023-01-01 and 2024-12-31, in days since 2000-01-01.
const USUAL_DAYS: (i128, i128) = (8401, 9131);

impl Scale {
    /// The line of a type, if it has one.
    pub(crate) fn of(ty: &SqlType) -> Option<Self> {
        let integer =
            |low: i128, high: i128| Self { kind: Kind::Decimal(0), limits: (low, high), usual: (0, 1000) };
        Some(match &ty.kind {
            TypeKind::Int2 => integer(i16::MIN.into(), i16::MAX.into()),
            TypeKind::Int4 => integer(i32::MIN.into(), i32::MAX.into()),
            TypeKind::Int8 => integer(i64::MIN.into(), i64::MAX.into()),
            TypeKind::Numeric(declared) => {
                let (precision, scale) = declared.map_or((14, 2), |(p, s)| (p.min(30), i32::from(s)));
                let high = 10_i128.pow(precision.into()) - 1;
                let unit = 10_i128.pow(u32::try_from(scale.clamp(0, 20)).unwrap_or(0));
                let usual = (1000 * unit).min(high);
                Self { kind: Kind::Decimal(scale), limits: (-high, high), usual: (0, usual) }
            }
            TypeKind::Float4 => {
                Self { kind: Kind::Float, limits: (-9_999_900, 9_999_900), usual: (0, 100_000) }
            }
            TypeKind::Float8 => {
                let high = 10_i128.pow(14);
                Self { kind: Kind::Float, limits: (-high, high), usual: (0, 100_000) }
            }
            TypeKind::Money => Self { kind: Kind::Money, limits: (-99_999, 99_999), usual: (0, 99_999) },
            TypeKind::Date => Self { kind: Kind::Date, limits: (-730_119, 2_921_939), usual: USUAL_DAYS },
            TypeKind::Timestamp | TypeKind::TimestampTz => {
                let step = step(&ty.name);
                let zone = if ty.kind == TypeKind::TimestampTz { "+00" } else { "" };
                let at = |days: i128| days * (DAY / step);
                Self {
                    kind: Kind::Timestamp(step, zone),
                    limits: (at(-730_119), at(2_921_939)),
                    usual: (at(USUAL_DAYS.0), at(USUAL_DAYS.1)),
                }
            }
            TypeKind::Time | TypeKind::TimeTz => {
                let step = step(&ty.name);
                let zone = if ty.kind == TypeKind::TimeTz { "+00" } else { "" };
                let high = DAY / step - 1;
                Self { kind: Kind::Clock(step, zone), limits: (0, high), usual: (0, high) }
            }
            TypeKind::Interval => {
                Self { kind: Kind::Span, limits: (0, 86_400 * 3650), usual: (0, 86_400 * 30) }
            }
            TypeKind::Domain { base, .. } => return Self::of(base),
            _ => return None,
        })
    }

    /// The text of a position.
    pub(crate) fn print(&self, at: i128) -> String {
        match self.kind {
            Kind::Decimal(0) => at.to_string(),
            Kind::Decimal(n) if n > 0 => print_units(at, n.unsigned_abs()),
            Kind::Decimal(n) => {
                if at == 0 {
                    "0".into()
                } else {
                    format!("{at}{}", "0".repeat(n.unsigned_abs() as usize))
                }
            }
            Kind::Float => print_units(at, 2).trim_end_matches('0').trim_end_matches('.').to_owned(),
            Kind::Money => {
                let text = print_units(at.abs(), 2);
                if at < 0 { format!("-${text}") } else { format!("${text}") }
            }
            Kind::Date => calendar::print_date(at),
            Kind::Timestamp(step, zone) => calendar::print_timestamp(at.saturating_mul(step), zone),
            Kind::Clock(step, zone) => calendar::print_time(at * step) + zone,
            Kind::Span => {
                let days = i64::try_from(at.div_euclid(86_400)).unwrap_or_default();
                crate::interval::print(days, at.rem_euclid(86_400) * 1_000_000)
            }
        }
    }

    /// The position of a value, rounded down, and whether that was exact.
    pub(crate) fn position(&self, value: &Value) -> Option<(i128, bool)> {
        let divided = |micros: i128, unit: i128| (micros.div_euclid(unit), micros.rem_euclid(unit) == 0);
        Some(match (self.kind, value) {
            (Kind::Decimal(n), Value::Number(number)) => number.units(n),
            (Kind::Float | Kind::Money, Value::Number(number)) => number.units(2),
            (Kind::Date, Value::Time(t)) => divided(*t, DAY),
            (Kind::Timestamp(step, _), Value::Time(t)) => divided(*t, step),
            (Kind::Clock(step, _), Value::Clock(t)) => divided(*t, step),
            (Kind::Span, Value::Span(t)) => divided(*t, 1_000_000),
            _ => return None,
        })
    }

    /// The position of a text, rounded down, and whether that was exact.
    pub(crate) fn parse(&self, text: &str) -> Option<(i128, bool)> {
        let value = match self.kind {
            Kind::Decimal(_) | Kind::Float => Value::Number(Number::parse(text)?),
            Kind::Money => Value::Number(Number::parse(&text.replace(['$', ','], ""))?),
            Kind::Date | Kind::Timestamp(..) => Value::Time(calendar::parse_timestamp(text)?),
            Kind::Clock(..) => Value::Clock(calendar::parse_time(text)?),
            Kind::Span => Value::Span(crate::interval::micros(text)?),
        };
        self.position(&value)
    }

    /// How far apart two values usually lie when one is to come after the other.
    pub(crate) fn stride(&self) -> i128 {
        match self.kind {
            Kind::Timestamp(step, _) | Kind::Clock(step, _) => 3_600_000_000 / step,
            Kind::Span => 60,
            Kind::Decimal(n) if n > 0 => 10_i128.pow(n.unsigned_abs().min(20)),
            Kind::Float | Kind::Money => 100,
            _ => 1,
        }
    }

    /// Values at the edge of what the type can hold, or beyond its line (infinities, NaN).
    pub(crate) fn extremes(&self, ty: &SqlType) -> Vec<String> {
        let own = |list: &[&str]| list.iter().map(|&t| t.to_owned()).collect();
        match (self.kind, &ty.kind) {
            (_, TypeKind::Domain { base, .. }) => self.extremes(base),
            (_, TypeKind::Float4) => own(&["NaN", "Infinity", "-Infinity", "0", "3.4028235e+38", "1e-45"]),
            (_, TypeKind::Float8) => {
                own(&["NaN", "Infinity", "-Infinity", "0", "-0", "1.7976931348623157e+308", "5e-324", "0.1"])
            }
            (_, TypeKind::Numeric(None)) => {
                own(&["NaN", "0", "-0.01", "123456789012345678901234567890.123456789"])
            }
            (Kind::Date, _) => {
                own(&["infinity", "-infinity", "0001-01-01", "9999-12-31", "2024-02-29", "1969-12-31"])
            }
            (Kind::Timestamp(step, zone), _) => {
                let mut list: Vec<String> = own(&["infinity", "-infinity"]);
                let fraction = if step <= 1000 { ".999" } else { "" };
                for text in ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "1970-01-01 00:00:00"] {
                    list.push(format!("{text}{zone}"));
                }
                list.push(format!("2024-02-29 23:59:59{fraction}{zone}"));
                list
            }
            (Kind::Span, _) => {
                own(&["00:00:00", "-1 days", "1 mon", "10 years", "-00:00:01", "1 mon -1 days"])
            }
            (_, TypeKind::Int2 | TypeKind::Int4 | TypeKind::Int8) => {
                // An application's next number, `max(…) + 1`, is to have room: nobody's counter is at its very end.
                [self.limits.0, self.limits.1 - 1000, 0, 1, -1].iter().map(|p| self.print(*p)).collect()
            }
            _ => [self.limits.0, self.limits.1, 0, 1, -1]
                .into_iter()
                .filter(|p| (self.limits.0..=self.limits.1).contains(p))
                .map(|p| self.print(p))
                .collect(),
        }
    }
}

/// Microseconds between neighbouring values, from the precision in a type's name: `timestamp(3) …`.
fn step(name: &str) -> i128 {
    let precision =
        name.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(p, _)| p.trim().parse());
    match precision {
        Some(Ok(p @ 0..=6)) => 10_i128.pow(6 - p),
        // Microseconds are exact, but nobody can read them: whole milliseconds are as good.
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(name: &str, kind: TypeKind) -> Scale {
        Scale::of(&SqlType { name: name.into(), kind }).expect("lies on a line")
    }

    #[test]
    fn values_print_as_the_server_prints_them() {
        assert_eq!(scale("numeric(10,2)", TypeKind::Numeric(Some((10, 2)))).print(1250), "12.50");
        assert_eq!(scale("numeric(3,-2)", TypeKind::Numeric(Some((3, -2)))).print(-12), "-1200");
        assert_eq!(scale("double precision", TypeKind::Float8).print(1200), "12");
        assert_eq!(scale("double precision", TypeKind::Float8).print(-5), "-0.05");
        assert_eq!(scale("money", TypeKind::Money).print(-1250), "-$12.50");
        let prisma = scale("timestamp(3) without time zone", TypeKind::Timestamp);
        assert_eq!(prisma.print(1), "2000-01-01 00:00:00.001");
        assert_eq!(prisma.parse("2000-01-01 00:00:00.0015"), Some((1, false)));
    }
}
