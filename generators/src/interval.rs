//! Intervals in the server's default style.

use crate::calendar;

/// Microseconds of an interval that has no months or years (whose length depends on the date).
pub(crate) fn micros(text: &str) -> Option<i128> {
    let mut total = 0_i128;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (sign, clock) = word.strip_prefix('-').map_or((1, word), |rest| (-1, rest));
            total += sign * calendar::parse_time(clock)?;
            continue;
        }
        let count: i128 = word.parse().ok()?;
        let unit = match words.next()?.trim_end_matches('s') {
            "day" => calendar::DAY,
            "hour" => 3_600_000_000,
            "minute" | "min" => 60_000_000,
            "second" | "sec" => 1_000_000,
            "week" => 7 * calendar::DAY,
            _ => return None,
        };
        total += count * unit;
    }
    Some(total)
}

/// An interval as the server prints it, from days and microseconds.
pub(crate) fn print(days: i64, micros: i128) -> String {
    let days_text = match days {
        0 => String::new(),
        1 => "1 day".to_owned(),
        n => format!("{n} days"),
    };
    match (days_text.is_empty(), micros) {
        (false, 0) => days_text,
        (true, m) => calendar::print_time(m),
        (false, m) => format!("{days_text} {}", calendar::print_time(m)),
    }
}
