//! Dates, times and intervals in binary form: days and microseconds, from 2000 or from midnight.

use crate::calendar;

/// An interval as the server keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) micros: i64,
    pub(super) days: i32,
    pub(super) months: i32,
}

pub(super) fn date(text: &str) -> Option<i32> {
    match text {
        "infinity" => Some(i32::MAX),
        "-infinity" => Some(i32::MIN),
        _ => i32::try_from(days(text)?).ok(),
    }
}

/// `zone` is what stands behind the time.
pub(super) fn timestamp(text: &str, zone: &str) -> Option<i64> {
    match text {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let (date, clock) = text.strip_suffix(zone)?.split_once(' ')?;
    days(date)?.checked_mul(86_400_000_000)?.checked_add(time(clock)?)
}

pub(super) fn time_with_zone(text: &str) -> Option<i64> {
    time(text.strip_suffix("+00")?)
}

/// Microseconds since midnight.
pub(super) fn time(text: &str) -> Option<i64> {
    let [h1, h2, b':', ..] = text.as_bytes() else { return None };
    let hours = number(&[*h1, *h2]).filter(|h| *h < 24)?;
    Some(hours * 3_600_000_000 + minutes(text.get(3..)?)?)
}

/// Microseconds of `MM:SS` or `MM:SS.ffffff`.
fn minutes(text: &str) -> Option<i64> {
    let (clock, fraction) = text.as_bytes().split_at_checked(5)?;
    let [m1, m2, b':', s1, s2] = clock else { return None };
    let (minutes, seconds) = (number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(6 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    (minutes < 60 && seconds < 60).then_some((minutes * 60 + seconds) * 1_000_000 + micros)
}

/// Days from 2000-01-01 of a date of the year 1 to 9999.
fn days(text: &str) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let (year, month, day) = (number(&[*y1, *y2, *y3, *y4])?, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let is_month = year > 0 && (1..=12).contains(&month);
    let days = is_month.then(|| calendar::days_from_civil(year, month, day))?;
    (calendar::civil_from_days(days) == (year, month, day)).then_some(days)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
}

/// Such as `1 year 2 mons -3 days 04:05:06.7`.
pub(super) fn interval(text: &str) -> Option<Span> {
    let mut span = Span::default();
    let mut words = text.split(' ');
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (sign, clock) = word.strip_prefix('-').map_or((1, word), |rest| (-1, rest));
            let (hours, rest) = clock.split_once(':')?;
            let hours =
                Some(hours).filter(|h| (2..=9).contains(&h.len())).and_then(|h| number(h.as_bytes()))?;
            span.micros = sign * (hours * 3_600_000_000 + minutes(rest)?);
            return words.next().is_none().then_some(span);
        }
        let count: i32 = word.parse().ok()?;
        match words.next()? {
            "year" | "years" => span.months = span.months.checked_add(count.checked_mul(12)?)?,
            "mon" | "mons" => span.months = span.months.checked_add(count)?,
            "day" | "days" => span.days = count,
            _ => return None,
        }
    }
    Some(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_the_server_prints_is_taken() {
        assert_eq!(date("2000-03-01"), Some(60));
        assert_eq!(timestamp("2000-01-02 00:00:01.5+00", "+00"), Some(86_401_500_000));
        assert_eq!(time("23:59:59.999999"), Some(86_399_999_999));
        for odd in
            ["2023-02-29", "2023-2-1", "0000-01-01", "10000-01-01", "0001-01-01 BC", "now", "2023-13-01"]
        {
            assert_eq!(date(odd), None, "{odd}");
        }
        for odd in ["24:00:00", "12:60:00", "12:00", "12:00:00.1234567", "12:00:00+01", "1:00:00"] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn intervals_keep_their_parts_apart() {
        let span = |micros, days, months| Some(Span { micros, days, months });
        assert_eq!(interval("1 year 2 mons -3 days 04:05:06.7"), span(14_706_700_000, -3, 14));
        assert_eq!(interval("-00:00:01"), span(-1_000_000, 0, 0));
        assert_eq!(interval("00:00:00"), span(0, 0, 0));
        for odd in ["1 week", "P1D", "1 day ago", "", "01:00:00 1 day"] {
            assert_eq!(interval(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn timestamps_are_those_of_the_calendar(micros in -63_000_000_000_000_000_i64..252_000_000_000_000_000) {
            let text = calendar::print_timestamp(micros.into(), "+00");
            prop_assert_eq!(timestamp(&text, "+00"), Some(micros), "{}", text);
        }
    }
}
