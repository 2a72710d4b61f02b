//! Numbers in binary form.

/// Digits of a decimal that are taken; the server takes far more.
const DIGITS_MAX: usize = 2000;

const NUMERIC_NEGATIVE: u16 = 0x4000;
const NUMERIC_NAN: u16 = 0xc000;
const NUMERIC_INFINITY: u16 = 0xd000;
const NUMERIC_MINUS_INFINITY: u16 = 0xf000;

/// Whether a text that was read as infinite or as zero is that, rather than out of range, which the server refuses.
fn is_meant(text: &str, is_infinite: bool, is_zero: bool) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    match (is_infinite, is_zero) {
        (true, _) => text.ends_with("Infinity"),
        (_, true) => !mantissa.contains(|c: char| matches!(c, '1'..='9')),
        _ => true,
    }
}

pub(super) fn float4(text: &str) -> Option<f32> {
    text.parse().ok().filter(|v: &f32| is_meant(text, v.is_infinite(), *v == 0.0))
}

pub(super) fn float8(text: &str) -> Option<f64> {
    text.parse().ok().filter(|v: &f64| is_meant(text, v.is_infinite(), *v == 0.0))
}

/// The bits of a half-precision number, if it is one without rounding and not too small to be a normal one.
pub(super) fn half(value: f32) -> Option<u16> {
    let bits = value.to_bits();
    let sign = u16::try_from(bits >> 16 & 0x8000).ok()?;
    if value == 0.0 {
        return Some(sign);
    }
    let exponent = (bits >> 23 & 0xff).checked_sub(127 - 15).filter(|e| (1..31).contains(e))?;
    let mantissa = bits & 0x7f_ffff;
    let whole = mantissa.trailing_zeros() >= 13;
    whole.then(|| u16::try_from(exponent << 10 | mantissa >> 13).ok().map(|rest| sign | rest)).flatten()
}

/// Digits in groups of four, the weight of the first, a sign, and the digits behind the point that are shown.
pub(super) fn numeric(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let special = match text {
        "NaN" => Some(NUMERIC_NAN),
        "Infinity" => Some(NUMERIC_INFINITY),
        "-Infinity" => Some(NUMERIC_MINUS_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        out.extend([0, 0, 0, 0].into_iter().chain(sign.to_be_bytes()).chain([0, 0]));
        return Some(());
    }
    let (sign, digits) = text.strip_prefix('-').map_or((0, text), |rest| (NUMERIC_NEGATIVE, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if whole.is_empty() || !all_digits || digits.len() > DIGITS_MAX {
        return None;
    }
    let mut groups = Vec::with_capacity(digits.len() / 4 + 2);
    let value = |group: &[u8]| group.iter().fold(0_u16, |n, digit| n * 10 + u16::from(digit - b'0'));
    let (first, rest) = whole.as_bytes().split_at(whole.len() % 4);
    if !first.is_empty() {
        groups.push(value(first));
    }
    groups.extend(rest.chunks(4).map(value));
    let mut weight = i16::try_from(groups.len()).ok()? - 1;
    for group in fraction.as_bytes().chunks(4) {
        groups.push(value(group) * 10_u16.pow(4 - u32::try_from(group.len()).ok()?));
    }
    let zeros = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..zeros);
    weight -= i16::try_from(zeros).ok()?;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let (weight, sign) = if groups.is_empty() { (0, 0) } else { (weight, sign) };
    out.extend(u16::try_from(groups.len()).ok()?.to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(u16::try_from(fraction.len()).ok()?.to_be_bytes());
    out.extend(groups.iter().flat_map(|g| g.to_be_bytes()));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<u16>> {
        let mut out = Vec::new();
        numeric(text, &mut out)?;
        Some(out.chunks(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect())
    }

    /// As `numeric_send` of PostgreSQL 18 has them.
    #[test]
    fn decimals_are_groups_of_four_digits() {
        assert_eq!(words("12345.678"), Some(vec![3, 1, 0, 3, 1, 2345, 6780]));
        assert_eq!(words("-0.0001"), Some(vec![1, u16::MAX, 0x4000, 4, 1]));
        assert_eq!(words("10000"), Some(vec![1, 1, 0, 0, 1]));
        assert_eq!(words("0.00"), Some(vec![0, 0, 0, 2]));
        assert_eq!(words("NaN"), Some(vec![0, 0, 0xc000, 0]));
        for odd in ["", "1e3", "1_000", "+1", " 1", ".5", "-"] {
            assert_eq!(words(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_the_server_calls_out_of_range_is_left_to_it() {
        assert_eq!(float8("1e400"), None);
        assert_eq!(float8("-1e-400"), None);
        assert_eq!(float8("0e7"), Some(0.0));
        assert_eq!(float8("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(float4("1e-45"), Some(f32::from_bits(1)));
    }

    #[test]
    fn halves_are_exact_or_nothing() {
        assert_eq!(half(1.0), Some(0x3c00));
        assert_eq!(half(-0.125), Some(0xb000));
        assert_eq!(half(65504.0), Some(0x7bff));
        assert_eq!(half(65536.0), None);
        assert_eq!(half(0.1), None);
    }
}
