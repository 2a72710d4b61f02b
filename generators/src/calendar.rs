//! Dates and times as the server prints them (ISO, UTC), and back.

/// Microseconds of a day.
pub(crate) const DAY: i128 = 86_400_000_000;
/// Microseconds that stand for `infinity`; its negation for `-infinity`.
pub(crate) const INFINITY: i128 = i128::MAX / 4;
/// Days from 0000-03-01, where the calendar's cycle starts, to 2000-01-01.
const EPOCH: i64 = 730_425;

/// Days from 2000-01-01 to a date of the proleptic Gregorian calendar (astronomical years).
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - EPOCH
}

/// The date that lies `days` after 2000-01-01: year, month, day.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + EPOCH;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// A date, and the `BC` that belongs at the end of the whole value.
fn date_parts(days: i128) -> (String, &'static str) {
    let days = i64::try_from(days).unwrap_or_default();
    let (year, month, day) = civil_from_days(days);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

/// A date as text, from days since 2000-01-01.
pub(crate) fn print_date(days: i128) -> String {
    match special(days) {
        Some(name) => name.to_owned(),
        None => {
            let (date, era) = date_parts(days);
            date + era
        }
    }
}

/// A timestamp as text, from microseconds since 2000-01-01; `zone` is `+00` or nothing.
pub(crate) fn print_timestamp(micros: i128, zone: &str) -> String {
    match special(micros) {
        Some(name) => name.to_owned(),
        None => {
            let (date, era) = date_parts(micros.div_euclid(DAY));
            format!("{date} {}{zone}{era}", print_time(micros.rem_euclid(DAY)))
        }
    }
}

/// A time of day as text, from microseconds since midnight.
pub(crate) fn print_time(micros: i128) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        text.push('.');
        text.push_str(format!("{fraction:06}").trim_end_matches('0'));
    }
    text
}

fn special(value: i128) -> Option<&'static str> {
    (value >= INFINITY).then_some("infinity").or_else(|| (value <= -INFINITY).then_some("-infinity"))
}

/// Microseconds since 2000-01-01 of a date or a timestamp, with or without `+hh[:mm]`.
pub(crate) fn parse_timestamp(text: &str) -> Option<i128> {
    match text.trim() {
        "infinity" => return Some(INFINITY),
        "-infinity" => return Some(-INFINITY),
        _ => {}
    }
    let (text, bc) = match text.trim().strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text.trim(), false),
    };
    let (date, time) = match text.find([' ', 'T']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_from_civil(if bc { 1 - year } else { year }, month, day);
    Some(i128::from(days) * DAY + time.map_or(Some(0), parse_time)?)
}

/// Microseconds since midnight, moved to UTC where an offset stands behind the time.
pub(crate) fn parse_time(text: &str) -> Option<i128> {
    let text = text.trim().trim_end_matches('Z');
    let (clock, offset) = match text.rfind(['+', '-']) {
        Some(at) => {
            let sign = if text.as_bytes()[at] == b'-' { -1 } else { 1 };
            (&text[..at], sign * clock_micros(&text[at + 1..])?)
        }
        None => (text, 0),
    };
    Some(clock_micros(clock)? - offset)
}

fn clock_micros(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut seconds = 0_i128;
    let mut unit = 3600;
    for part in whole.splitn(3, ':') {
        seconds += part.parse::<i128>().ok()? * unit;
        unit /= 60;
    }
    let fraction: i128 =
        if fraction.is_empty() { 0 } else { format!("{fraction:0<6}").get(..6)?.parse().ok()? };
    Some(seconds * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_as_the_server_does() {
        assert_eq!(print_date(0), "2000-01-01");
        assert_eq!(print_date(59), "2000-02-29");
        assert_eq!(print_date(-730_119), "0001-01-01");
        assert_eq!(print_date(-730_120), "0001-12-31 BC");
        assert_eq!(print_timestamp(DAY + 1_500_000, "+00"), "2000-01-02 00:00:01.5+00");
        assert_eq!(print_timestamp(INFINITY, "+00"), "infinity");
        assert_eq!(parse_timestamp("2000-01-01 02:00:00+02"), Some(0));
        assert_eq!(parse_timestamp("2000-01-01"), Some(0));
        assert_eq!(parse_timestamp("soon"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(micros in -100_000_000_000_000_000_i128..9_000_000_000_000_000_000_i128) {
            let text = print_timestamp(micros, "+00");
            prop_assert_eq!(parse_timestamp(&text), Some(micros), "{}", text);
        }
    }
}
