//! Text that matches a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::dice::Dice;

/// Repetitions beyond a pattern's minimum.
const EXTRA_MAX: u32 = 5;
/// Longest text made, in bytes.
const LENGTH_MAX: usize = 2000;

/// A text that should match the pattern; anchors are taken as given, so the caller checks the result.
pub(crate) fn sample(pattern: &str, dice: &mut Dice) -> Option<String> {
    let hir = regex_syntax::Parser::new().parse(pattern).ok()?;
    let mut text = String::new();
    write(&hir, dice, &mut text)?;
    Some(text)
}

fn write(hir: &Hir, dice: &mut Dice, out: &mut String) -> Option<()> {
    if out.len() > LENGTH_MAX {
        return Some(());
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            // Printable ASCII where the class has it; else any of its characters.
            let within = |low: char, high: char| {
                class.ranges().iter().filter_map(move |r| {
                    let (a, b) = (u32::from(r.start().max(low)), u32::from(r.end().min(high)));
                    (a <= b).then_some((a, b))
                })
            };
            // Mostly letters and digits, for they are what further patterns allow.
            let mut ranges: Vec<(u32, u32)> = match dice.chance(90) {
                true => within('a', 'z').chain(within('0', '9')).collect(),
                false => Vec::new(),
            };
            if ranges.is_empty() {
                ranges = within('!', '~').collect();
            }
            if ranges.is_empty() {
                ranges = class.ranges().iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect();
            }
            if ranges.is_empty() {
                return None;
            }
            let (low, high) = *dice.pick(&ranges);
            let code = dice.between(low.into(), high.into());
            out.push(char::from_u32(u32::try_from(code).ok()?)?);
        }
        HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Repetition(repetition) => {
            let high = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(EXTRA_MAX));
            let times = dice.between(repetition.min.into(), high.into());
            for _ in 0..times {
                write(&repetition.sub, dice, out)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, dice, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, dice, out)?;
            }
        }
        HirKind::Alternation(options) => write(dice.pick(options), dice, out)?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_match() {
        let mut dice = Dice::new(1, 0);
        for pattern in ["^[A-Z]{2}-\\d{4}$", "^[^@]+@[^@]+\\.[a-z]{2,}$", "^(red|green)+x?$", "a.c", "^\\w+$"]
        {
            let regex = regex::Regex::new(pattern).expect("a pattern");
            for _ in 0..50 {
                let text = sample(pattern, &mut dice).expect("a sample");
                assert!(regex.is_match(&text), "{pattern}: {text}");
            }
        }
    }
}
