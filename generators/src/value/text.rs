//! Text: realistic, marked, awkward on purpose, and within the column's limits.

use super::domain::Domain;
use super::style::Style;
use super::{Cell, Flavour, Maker};
use crate::dice::{Dice, mix};
use crate::{canary, pattern};

/// Texts that programs trip over.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "  two leading blanks",
    "trailing blank ",
    "O'Brien",
    "she said \"no\"",
    "C:\\temp\\new",
    "a,b;c|d",
    "tab\there",
    "two\nlines",
    "carriage\r\nreturn",
    "naïve café Straße",
    "日本語のテキスト",
    "مرحبا بالعالم",
    "👩‍👩‍👧 family",
    "e\u{301} combining",
    "\u{202e}right to left",
    "\u{feff}byte order mark",
    "zero\u{200b}width",
    "\u{1}control\u{7f}",
    "İstanbul ıǰẞ",
    "NULL",
    "null",
    "0",
    "-1",
    "true",
    "%",
    "_",
    "'; DROP TABLE x; --",
    "$1 $$ $tag$",
    ":tenant",
    "{\"json\": [1]}",
    "<b>&amp;</b>",
    "\\N",
    "\\.",
    "${HOME} `id` $(id)",
];

/// Length of a text that is long on purpose.
const LONG: usize = 3000;

/// A text for the column, or `None` where its patterns and limits allow none of those tried.
pub(super) fn make(maker: &Maker, domain: &Domain, cell: Cell, dice: &mut Dice) -> Option<String> {
    let limits = Limits {
        min: domain.length_min,
        max: domain.length_max.unwrap_or(usize::MAX).min(maker.width.unwrap_or(usize::MAX)),
        bytes: maker.name == "name",
    };
    let mark = || canary::mark(cell.world, cell.number);
    let good = |text: &str| domain.accepts_text(text) && (!limits.bytes || text.len() <= limits.max);
    let first = match cell.flavour {
        Flavour::Key => {
            limits.fit(&key(maker.salt ^ cell.seed.rotate_left(20), cell.number), None, &maker.style)
        }
        Flavour::Common => Some(maker.style.common().to_owned()),
        Flavour::Extreme => limits.awkward(&mark(), &maker.style, dice),
        Flavour::Plain if maker.is_few() => Some(maker.style.sample(dice)),
        Flavour::Plain | Flavour::Distinct => {
            limits.fit(&maker.style.sample(dice), Some(&mark()), &maker.style)
        }
    };
    if let Some(text) = first
        && good(&text)
    {
        return Some(text);
    }
    let plain = match cell.flavour {
        Flavour::Distinct | Flavour::Key => limits.short(cell.number),
        Flavour::Common => limits.cut(maker.style.common().to_owned()),
        _ => limits.cut(maker.style.sample(dice)),
    };
    if good(&plain) {
        return Some(plain);
    }
    // What one pattern gives may meet the others, too.
    for pattern in &domain.patterns {
        for _ in 0..40 {
            let source = pattern.as_str().trim_start_matches("(?s)").trim_start_matches("(?si)");
            match pattern::sample(source, dice) {
                Some(text) if good(&text) && text.chars().count() <= limits.max => return Some(text),
                Some(_) => {}
                None => break,
            }
        }
    }
    let filler = limits.short(dice.bits() % 1_000_000);
    good(&filler).then_some(filler)
}

struct Limits {
    min: usize,
    max: usize,
    /// Whether the maximum counts bytes.
    bytes: bool,
}

impl Limits {
    fn cut(&self, text: String) -> String {
        let length = text.chars().count();
        let text = if length > self.max { text.chars().take(self.max).collect() } else { text };
        let text = if text.ends_with(' ') { text.replace(' ', "_") } else { text };
        if length < self.min { format!("{text:x<min$}", min = self.min) } else { text }
    }

    /// The text with its mark, shortened and padded to the limits; `None` where the mark has no room.
    fn fit(&self, text: &str, mark: Option<&str>, style: &Style) -> Option<String> {
        let Some(mark) = mark else {
            return (text.chars().count() <= self.max).then(|| self.cut(text.to_owned()));
        };
        let marked = style.marked(text, mark);
        let length = marked.chars().count();
        if length <= self.max && length >= self.min {
            return Some(marked);
        }
        if length < self.min {
            let padding = "x".repeat(self.min - length);
            return Some(style.marked(&format!("{padding}{text}"), mark));
        }
        let excess = length - self.max;
        let own = text.chars().count();
        if *style == Style::Email || excess >= own {
            return None;
        }
        let cut: String = text.chars().take(own - excess).collect();
        Some(style.marked(&cut, mark))
    }

    fn awkward(&self, mark: &str, style: &Style, dice: &mut Dice) -> Option<String> {
        if dice.chance(4) && self.max > LONG {
            return Some(style.marked(&"long ".repeat(LONG / 5), mark));
        }
        let text = *dice.pick(AWKWARD);
        let marked = format!("{text}~{mark}");
        let length = if self.bytes { marked.len() } else { marked.chars().count() };
        // Some keep exactly their awkward form: the empty text is no longer empty with a mark.
        if length <= self.max && !dice.chance(30) {
            return Some(marked);
        }
        (text.chars().count() <= self.max).then(|| text.to_owned())
    }

    /// A short distinct text of lower-case letters and digits, as long as the limits ask for.
    fn short(&self, number: u64) -> String {
        let mut digits = base36(number);
        let room = self.max.min(12);
        if digits.len() > room {
            digits = digits.split_off(digits.len() - room);
        }
        let width = self.min.min(LONG);
        format!("{digits:a>width$}")
    }
}

/// A key that looks like a cuid: `c` and 24 more letters and digits; the number keeps it unique.
fn key(salt: u64, number: u64) -> String {
    let noise = format!("{:0>13}", base36(mix(&[salt, number])));
    let tail = base36(salt % 46_656);
    let ordinal = base36(number);
    format!("c{:0>3}{}{:0>8}", tail, &noise[noise.len() - 13..], ordinal)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}
