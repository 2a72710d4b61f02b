//! Numbers of SQL expressions, exact as long as they can be.

use std::cmp::Ordering;

/// A number: exact decimal, or a float where exactness is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// `mantissa / 10^scale`.
    Exact(i128, u32),
    /// Anything else, NaN and infinities included.
    Float(f64),
}

impl Number {
    /// An integer.
    pub(crate) fn int(value: i128) -> Self {
        Self::Exact(value, 0)
    }

    /// Reads a decimal or a float.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = !digits.is_empty()
            && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
            && whole.len() + fraction.len() <= 36;
        if plain && whole.len() + fraction.len() > 0 {
            let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
            let scale = u32::try_from(fraction.len()).ok()?;
            return Some(Self::Exact(if text.starts_with('-') { -mantissa } else { mantissa }, scale));
        }
        match text {
            "Infinity" => Some(Self::Float(f64::INFINITY)),
            "-Infinity" => Some(Self::Float(f64::NEG_INFINITY)),
            "NaN" => Some(Self::Float(f64::NAN)),
            _ if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                text.parse().ok().map(Self::Float)
            }
            _ => None,
        }
    }

    /// As a float, rounded.
    #[expect(clippy::cast_precision_loss, reason = "comparing beyond exactness is all that it serves")]
    pub(crate) fn to_float(self) -> f64 {
        match self {
            Self::Exact(m, s) => m as f64 / 10_f64.powi(i32::try_from(s).unwrap_or(i32::MAX)),
            Self::Float(f) => f,
        }
    }

    /// The number in units of `10^-scale`: rounded down, and whether that was exact.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is what a bound needs")]
    pub(crate) fn units(self, scale: i32) -> (i128, bool) {
        match self {
            Self::Exact(m, s) => {
                let shift = i64::from(scale) - i64::from(s);
                let power = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).unwrap_or(99));
                match power {
                    None => (if shift > 0 && m != 0 { i128::MAX / 2 * m.signum() } else { 0 }, m == 0),
                    Some(p) if shift >= 0 => (m.saturating_mul(p), true),
                    Some(p) => (m.div_euclid(p), m.rem_euclid(p) == 0),
                }
            }
            Self::Float(f) => {
                let scaled = f * 10_f64.powi(scale);
                (scaled.floor().clamp(-1e36, 1e36) as i128, scaled.fract() == 0.0)
            }
        }
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let (Self::Exact(a, x), Self::Exact(b, y)) = (self, other) else { return None };
        let scale = x.max(y);
        let up = |m: i128, s: u32| m.checked_mul(10_i128.checked_pow(scale - s)?);
        Some((up(a, x)?, up(b, y)?, scale))
    }

    /// The server's order: NaN is equal to itself and above all else.
    pub(crate) fn order(self, other: Self) -> Ordering {
        if let Some((a, b, _)) = self.aligned(other) {
            return a.cmp(&b);
        }
        let (a, b) = (self.to_float(), other.to_float());
        a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    }

    /// `+`, `-`, `*`, and `%` and `/` where they are exact; `None` where the server's answer is not certain.
    pub(crate) fn arith(self, op: char, other: Self) -> Option<Self> {
        match op {
            '+' | '-' => {
                let (a, b, scale) = self.aligned(other)?;
                let sum = if op == '+' { a.checked_add(b) } else { a.checked_sub(b) };
                Some(Self::Exact(sum?, scale))
            }
            '*' => match (self, other) {
                (Self::Exact(a, x), Self::Exact(b, y)) => Some(Self::Exact(a.checked_mul(b)?, x + y)),
                _ => None,
            },
            '%' => match (self, other) {
                (Self::Exact(a, 0), Self::Exact(b, 0)) if b != 0 => Some(Self::Exact(a % b, 0)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Without the sign.
    pub(crate) fn abs(self) -> Self {
        match self {
            Self::Exact(m, s) => Self::Exact(m.saturating_abs(), s),
            Self::Float(f) => Self::Float(f.abs()),
        }
    }

    /// As the server prints a numeric.
    pub(crate) fn print(self) -> String {
        match self {
            Self::Exact(m, 0) => m.to_string(),
            Self::Exact(m, s) => print_units(m, s),
            Self::Float(f) => f.to_string(),
        }
    }
}

/// `units / 10^scale` with all its digits.
pub(crate) fn print_units(units: i128, scale: u32) -> String {
    let scale = scale as usize;
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_across_scales() {
        let n = |t: &str| Number::parse(t).expect("a number");
        assert_eq!(n("1.50").order(n("1.5")), Ordering::Equal);
        assert_eq!(n("-0.01").order(n("0")), Ordering::Less);
        assert_eq!(n("NaN").order(n("Infinity")), Ordering::Greater);
        assert_eq!(n("9223372036854775807").order(n("9223372036854775806")), Ordering::Greater);
        assert_eq!(n("-1.25").units(1), (-13, false));
        assert_eq!(n("1.25").units(2), (125, true));
        assert_eq!(print_units(-5, 2), "-0.05");
    }
}
