//! Whether a value means after a change of type what it meant before, from how the server prints the two.
//!
//! A conversion either keeps a value, or loses a part of it, or maps it to something else on purpose (`USING CASE …`).
//! What is mapped is not asked for its meaning: it is enough that values that differed still differ.

use watertight_scenarios::schema::TypeKind;

/// What became of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invariants) enum Fate {
    /// It means what it meant.
    Kept,
    /// A part of it is gone: which, in words.
    Lost(&'static str),
    /// It is another value now.
    Mapped,
}

/// The type below any domains.
pub(super) fn base(kind: &TypeKind) -> &TypeKind {
    match kind {
        TypeKind::Domain { base: below, .. } => base(&below.kind),
        other => other,
    }
}

fn is_text(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Text | TypeKind::Varchar(_) | TypeKind::Char(_) | TypeKind::Citext)
}

fn is_integer(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Int2 | TypeKind::Int4 | TypeKind::Int8)
}

fn is_float(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Float4 | TypeKind::Float8)
}

fn is_number(kind: &TypeKind) -> bool {
    is_integer(kind) || is_float(kind) || matches!(kind, TypeKind::Numeric(_))
}

fn is_moment(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Date | TypeKind::Timestamp | TypeKind::TimestampTz)
}

/// Whether a conversion between the two asks the session for its time zone, unless it is told one.
pub(super) fn asks_for_zone(from: &TypeKind, to: &TypeKind) -> bool {
    let zoned = |k: &TypeKind| matches!(base(k), TypeKind::TimestampTz | TypeKind::TimeTz);
    zoned(from) != zoned(to)
}

/// Whether a row can be known by a value of the one type that is of the other now: both print it alike.
pub(super) fn prints_alike(from: &TypeKind, to: &TypeKind) -> bool {
    let (from, to) = (base(from), base(to));
    let whole = |k: &TypeKind| is_integer(k) || matches!(k, TypeKind::Numeric(None | Some((_, 0))));
    let token = |k: &TypeKind| is_integer(k) || matches!(k, TypeKind::Uuid | TypeKind::Enum(_));
    whole(from) && whole(to) || token(from) && matches!(to, TypeKind::Text | TypeKind::Varchar(None))
}

/// A value in the one form that all ways of writing it share.
pub(super) fn canonical(kind: &TypeKind, value: &str) -> String {
    match base(kind) {
        TypeKind::Char(_) => value.trim_end_matches(' ').to_owned(),
        TypeKind::Json | TypeKind::Jsonb => {
            json(value).map_or_else(|| value.to_owned(), |parsed| parsed.to_string())
        }
        kind if is_number(kind) => decimal(value).unwrap_or_else(|| value.to_owned()),
        _ => value.to_owned(),
    }
}

/// What became of a value that was of one type and is of another.
pub(in crate::invariants) fn fate(from: &TypeKind, old: &str, to: &TypeKind, new: &str) -> Fate {
    let (from, to) = (base(from), base(to));
    if old == new || canonical(from, old) == canonical(to, new) {
        return Fate::Kept;
    }
    let padded = matches!(from, TypeKind::Char(_)) || matches!(to, TypeKind::Char(_));
    if padded && old.trim_end_matches(' ') == new.trim_end_matches(' ') {
        return Fate::Kept;
    }
    if is_text(from) && is_text(to) {
        let cut = new.len() < old.len() && old.starts_with(new.trim_end_matches(' '));
        return if cut { Fate::Lost("cut short") } else { Fate::Mapped };
    }
    if is_number(from) || is_number(to) {
        return number(from, old, to, new);
    }
    if is_moment(from) || is_moment(to) {
        return moment(old, to, new);
    }
    let same = match (from, to) {
        (_, TypeKind::Json | TypeKind::Jsonb) | (TypeKind::Json | TypeKind::Jsonb, _) => {
            json(old).is_some() && json(old) == json(new)
        }
        (_, TypeKind::Uuid) | (TypeKind::Uuid, _) => plain_uuid(old) == plain_uuid(new),
        _ => false,
    };
    if same { Fate::Kept } else { Fate::Mapped }
}

fn json(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text).ok()
}

fn plain_uuid(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '{' | '}' | '-')).flat_map(char::to_lowercase).collect()
}

fn number(from: &TypeKind, old: &str, to: &TypeKind, new: &str) -> Fate {
    let (Some(before), Some(after)) = (decimal(old), decimal(new)) else { return Fate::Mapped };
    if before == after {
        return Fate::Kept;
    }
    let (Ok(a), Ok(b)) = (before.parse::<f64>(), after.parse::<f64>()) else { return Fate::Mapped };
    // The wider type shows digits that the narrower one had and did not print.
    if *from == TypeKind::Float4 && before.parse::<f32>().is_ok_and(|f| f64::from(f).to_bits() == b.to_bits())
    {
        return Fate::Kept;
    }
    let unit = after.split_once('.').map_or(1.0, |(_, digits)| 0.1_f64.powi(digits.len() as i32));
    let unit = match to {
        to if is_integer(to) => 1.0,
        TypeKind::Numeric(Some((_, scale))) => 0.1_f64.powi(i32::from(*scale)),
        _ => unit,
    };
    let nearly = 1.0 + 1e-9;
    let rounded = (a - b).abs() <= unit / 2.0 * nearly;
    let cut = b.abs() < a.abs() && (a - b).abs() < unit * nearly;
    let approximate = (is_float(from) || is_float(to)) && (a - b).abs() <= a.abs() * 1e-5;
    if rounded || cut || approximate { Fate::Lost("rounded") } else { Fate::Mapped }
}

/// A number without leading and trailing zeros and without an exponent; `None` for what is none, or is not finite.
fn decimal(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok().filter(|e| e.abs() < 400)?),
        None => (digits, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, fraction].concat();
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
    let padded = format!("{}{all}{}", zeros(-point), zeros(point - i32::try_from(all.len()).ok()?));
    let (whole, fraction) = padded.split_at(usize::try_from(point).unwrap_or_default());
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        "" if whole == "0" => "0".to_owned(),
        "" => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    })
}

/// Sessions are in UTC, so that a moment without a zone is read, and one with a zone is printed, there.
fn moment(old: &str, to: &TypeKind, new: &str) -> Fate {
    let (Some(before), Some(after)) = (micros(old), micros(new)) else { return Fate::Mapped };
    let apart = (before - after).abs();
    match apart {
        0 => Fate::Kept,
        _ if apart < 1_000_000 => Fate::Lost("rounded"),
        _ if *to == TypeKind::Date && apart < 86_400_000_000 => Fate::Lost("without its time of day"),
        _ => Fate::Mapped,
    }
}

/// Microseconds since 1970 of what is printed in ISO style, in UTC.
fn micros(text: &str) -> Option<i128> {
    let (text, before_christ) = match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let time = time.strip_suffix("+00").unwrap_or(time);
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let year = if before_christ { 1 - year } else { year };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = clock.splitn(3, ':').map(str::parse::<i64>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    // Days of the proleptic Gregorian calendar, with years that begin in March: leap days come last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = i128::from(days) * 86_400 + i128::from(hours * 3600 + minutes * 60 + seconds);
    Some(seconds * 1_000_000 + i128::from(fraction))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NUMERIC_2: TypeKind = TypeKind::Numeric(Some((12, 2)));
    const LOST: Fate = Fate::Lost("");

    /// The words are for people.
    fn plain(fate: Fate) -> Fate {
        if matches!(fate, Fate::Lost(_)) { LOST } else { fate }
    }

    #[rstest]
    #[case(TypeKind::Varchar(Some(10)), "abcdef", TypeKind::Varchar(Some(3)), "abc", LOST)]
    #[case(TypeKind::Text, "abc", TypeKind::Varchar(Some(3)), "abc", Fate::Kept)]
    #[case(TypeKind::Text, "ab", TypeKind::Char(3), "ab ", Fate::Kept)]
    #[case(TypeKind::Char(5), "ab   ", TypeKind::Text, "ab", Fate::Kept)]
    #[case(TypeKind::Text, "ABC", TypeKind::Text, "abc", Fate::Mapped)]
    #[case(TypeKind::Int4, "7", TypeKind::Int8, "7", Fate::Kept)]
    #[case(TypeKind::Int4, "7", NUMERIC_2, "7.00", Fate::Kept)]
    #[case(TypeKind::Text, "007.50", NUMERIC_2, "7.50", Fate::Kept)]
    #[case(TypeKind::Numeric(None), "1.255", NUMERIC_2, "1.26", LOST)]
    #[case(NUMERIC_2, "1.25", TypeKind::Int4, "1", LOST)]
    #[case(NUMERIC_2, "12.34", TypeKind::Int4, "1234", Fate::Mapped)]
    #[case(NUMERIC_2, "0.01", TypeKind::Int4, "1", Fate::Mapped)]
    #[case(TypeKind::Float4, "0.1", TypeKind::Float8, "0.10000000149011612", Fate::Kept)]
    #[case(TypeKind::Float8, "0.123456789", TypeKind::Float4, "0.12345679", LOST)]
    #[case(TypeKind::Float8, "1e-05", TypeKind::Numeric(None), "0.00001", Fate::Kept)]
    #[case(TypeKind::Float8, "1.5e+20", TypeKind::Numeric(None), "150000000000000000000", Fate::Kept)]
    #[case(
        TypeKind::Timestamp,
        "2024-02-29 12:00:00",
        TypeKind::TimestampTz,
        "2024-02-29 12:00:00+00",
        Fate::Kept
    )]
    #[case(
        TypeKind::Timestamp,
        "2024-02-29 12:00:00",
        TypeKind::TimestampTz,
        "2024-02-29 11:00:00+00",
        Fate::Mapped
    )]
    #[case(TypeKind::Timestamp, "2024-02-29 23:59:59.9996", TypeKind::Timestamp, "2024-03-01 00:00:00", LOST)]
    #[case(TypeKind::Timestamp, "2024-02-29 12:00:00", TypeKind::Date, "2024-02-29", LOST)]
    #[case(TypeKind::Date, "2024-02-29", TypeKind::Timestamp, "2024-02-29 00:00:00", Fate::Kept)]
    #[case(TypeKind::Timestamp, "infinity", TypeKind::TimestampTz, "infinity", Fate::Kept)]
    #[case(TypeKind::Json, r#"{"b": 1,  "a": 2}"#, TypeKind::Jsonb, r#"{"a": 2, "b": 1}"#, Fate::Kept)]
    #[case(
        TypeKind::Text,
        "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}",
        TypeKind::Uuid,
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        Fate::Kept
    )]
    #[case(TypeKind::Text, "open", TypeKind::Enum(vec![]), "open", Fate::Kept)]
    #[case(TypeKind::Text, "OPEN", TypeKind::Enum(vec![]), "open", Fate::Mapped)]
    fn a_conversion_keeps_loses_or_maps(
        #[case] from: TypeKind,
        #[case] old: &str,
        #[case] to: TypeKind,
        #[case] new: &str,
        #[case] expected: Fate,
    ) {
        assert_eq!(plain(fate(&from, old, &to, new)), expected, "{old} → {new}");
    }

    #[test]
    fn moments_are_counted_from_1970() {
        assert_eq!(micros("1970-01-01 00:00:00+00"), Some(0));
        assert_eq!(micros("2000-03-01 00:00:01.5"), Some(951_868_801_500_000));
        assert_eq!(micros("0001-01-01 BC"), micros("0000-01-01"));
        assert_eq!(micros("infinity"), None);
    }

    #[test]
    fn numbers_have_one_form() {
        for (text, expected) in
            [("-00.50", "-0.5"), ("0.000", "0"), ("-0", "0"), ("1e3", "1000"), ("1.5E-3", "0.0015")]
        {
            assert_eq!(decimal(text).as_deref(), Some(expected), "{text}");
        }
        for none in ["", "NaN", "Infinity", "a", "1.2.3", "-", "."] {
            assert_eq!(decimal(none), None, "{none}");
        }
    }

    #[test]
    fn only_what_gains_or_loses_a_zone_asks_for_one() {
        assert!(asks_for_zone(&TypeKind::Timestamp, &TypeKind::TimestampTz));
        assert!(asks_for_zone(&TypeKind::TimestampTz, &TypeKind::Text));
        assert!(!asks_for_zone(&TypeKind::Timestamp, &TypeKind::Date));
        assert!(!asks_for_zone(&TypeKind::TimestampTz, &TypeKind::TimestampTz));
    }
}
