//! Numbers with their units, as people read them.

/// With a comma between thousands.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 case`, `1,204 cases`.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A duration: `0.4 ms`, `12 ms`, `1.4 s`, `2 min 5 s`.
pub(crate) fn duration(ms: f64) -> String {
    if !ms.is_finite() || ms < 0.0 {
        return "unknown".to_owned();
    }
    if ms == 0.0 {
        "0 ms".to_owned()
    } else if ms < 0.05 {
        "< 0.1 ms".to_owned()
    } else if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_950.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0).round() as u64;
        format!("{} min {} s", number(seconds / 60), seconds % 60)
    }
}

/// A share in per cent with one decimal, rounded down: only all is 100 %, and only none is 0 %.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "no rows".to_owned();
    }
    if part == whole {
        return "100 %".to_owned();
    }
    if part == 0 {
        return "0 %".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    if tenths == 0 { "< 0.1 %".to_owned() } else { format!("{}.{} %", tenths / 10, tenths % 10) }
}

/// An upper bound on a share, rounded up: `fails in at most 0.73 %`.
pub(crate) fn bound(share: f64) -> String {
    if !share.is_finite() || share >= 1.0 {
        return "too few to bound the failure rate".to_owned();
    }
    let hundredths = (share * 10_000.0 - 1e-9).ceil().max(0.0) as u64;
    format!("fails in at most {}", hundredths_of_percent(hundredths))
}

/// The same for a table cell: `≤ 0.73 %`.
pub(crate) fn bound_cell(share: f64) -> String {
    if !share.is_finite() || share >= 1.0 {
        return "–".to_owned();
    }
    format!("≤ {}", hundredths_of_percent((share * 10_000.0 - 1e-9).ceil().max(0.0) as u64))
}

fn hundredths_of_percent(hundredths: u64) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, rest) if rest % 10 == 0 => format!("{whole}.{} %", rest / 10),
        (whole, rest) => format!("{whole}.{rest:02} %"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(29_555, "29,555")]
    #[case(1_000_000, "1,000,000")]
    fn numbers(#[case] n: u64, #[case] expected: &str) {
        assert_eq!(number(n), expected);
    }

    #[rstest]
    #[case(0.0, "0 ms")]
    #[case(0.04, "< 0.1 ms")]
    #[case(9.96, "10 ms")]
    #[case(999.6, "1.0 s")]
    #[case(59_960.0, "1 min 0 s")]
    #[case(125_000.0, "2 min 5 s")]
    #[case(f64::NAN, "unknown")]
    fn durations(#[case] ms: f64, #[case] expected: &str) {
        assert_eq!(duration(ms), expected);
    }

    #[rstest]
    #[case(0, 0, "no rows")]
    #[case(3, 3, "100 %")]
    #[case(99_999, 100_000, "99.9 %")]
    #[case(1, 100_000, "< 0.1 %")]
    #[case(1, 3, "33.3 %")]
    fn percentages(#[case] part: u64, #[case] whole: u64, #[case] expected: &str) {
        assert_eq!(percent(part, whole), expected);
    }

    #[rstest]
    #[case(3.0 / 412.0, "≤ 0.73 %")]
    #[case(0.25, "≤ 25 %")]
    #[case(0.005, "≤ 0.5 %")]
    #[case(1.0, "–")]
    fn bounds(#[case] share: f64, #[case] expected: &str) {
        assert_eq!(bound_cell(share), expected);
    }
}
