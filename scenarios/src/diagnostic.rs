//! What is wrong with a scenario, and where. Whatever is reported here ends a run before it starts (exit code 2).

use std::fmt;
use std::ops::Range;

/// One thing that is wrong, at a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the user knows it.
    pub file: String,
    /// Where in the file; `None` when it concerns the file as a whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a file, with the line to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// Characters to underline, at least 1, on this line.
    pub length: u32,
    /// The line's text.
    pub source: String,
}

impl Diagnostic {
    /// A diagnostic about a file as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), place: None, message: message.into(), help: None }
    }

    /// A diagnostic about some bytes of a file's text.
    pub fn at(file: impl Into<String>, text: &str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { file: file.into(), place: Some(Place::new(text, range)), message: message.into(), help: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `file:line:column`, or the file alone.
    pub fn location(&self) -> String {
        match &self.place {
            Some(place) => format!("{}:{}:{}", printable(&self.file), place.line, place.column),
            None => printable(&self.file),
        }
    }
}

impl Place {
    /// The place of some bytes. Offsets beyond the text, or within a character, are moved to the next place that exists.
    pub fn new(text: &str, range: Range<usize>) -> Self {
        let start = text.floor_char_boundary(range.start);
        let end = text.floor_char_boundary(range.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let source = text[line_start..line_end].trim_end_matches('\r');
        let shown_end = end.min(line_start + source.len()).max(start);
        Self {
            line: count(text[..line_start].matches('\n').count()) + 1,
            column: count(text[line_start..start].chars().count()) + 1,
            length: count(text[start..shown_end].chars().count()).max(1),
            source: source.to_owned(),
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Characters before and after the place that a long line keeps.
const CONTEXT_CHARS: usize = 80;

impl fmt::Display for Diagnostic {
    /// The message, the place and the line with a caret, as rustc prints them; the last line has no line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.message))?;
        let gutter = self.place.as_ref().map_or(1, |p| p.line.to_string().len());
        write!(f, "\n{:gutter$}--> {}", "", self.location())?;
        if let Some(place) = &self.place {
            let (source, column, length) = window(place);
            write!(f, "\n{:gutter$} |\n{} | {source}\n{:gutter$} | ", "", place.line, "")?;
            write!(f, "{:column$}{:^<length$}", "", "")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{:gutter$} = help: {}", "", printable(help))?;
        }
        Ok(())
    }
}

/// The part of the line to show, made printable, with the caret's 0-based column and its length in it.
fn window(place: &Place) -> (String, usize, usize) {
    let chars: Vec<char> = printable(&place.source).chars().collect();
    let column = (place.column as usize - 1).min(chars.len());
    let length = (place.length as usize).min(CONTEXT_CHARS);
    let start = column.saturating_sub(CONTEXT_CHARS);
    let end = (column + length + CONTEXT_CHARS).min(chars.len());
    let mut shown: String = chars[start..end].iter().collect();
    let mut column = column - start;
    if start > 0 {
        shown.insert(0, '…');
        column += 1;
    }
    if end < chars.len() {
        shown.push('…');
    }
    (shown, column, length)
}

/// Text without what a terminal would act on: control and bidirectional characters. One character stays one.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Everything that is wrong with a scenario; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// File by file, in the order of their places, without duplicates; `None` for an empty list.
    pub fn new(list: Vec<Diagnostic>) -> Option<Self> {
        let mut files: Vec<String> = Vec::new();
        for diagnostic in &list {
            if !files.contains(&diagnostic.file) {
                files.push(diagnostic.file.clone());
            }
        }
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(list.len());
        for diagnostic in list {
            if !kept.contains(&diagnostic) {
                kept.push(diagnostic);
            }
        }
        kept.sort_by_key(|d| {
            let file = files.iter().position(|file| *file == d.file);
            (file, d.place.as_ref().map(|p| (p.line, p.column)))
        });
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, diagnostic) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
impl std::error::Error for Diagnostics {}

/// The name of `known` that `written` was probably meant to be.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(written.chars().count()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The help line for an unknown name: the one that was probably meant, or all there are.
pub(crate) fn suggest<'a>(written: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(written, known.clone()) {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<String> = known.into_iter().map(|n| format!("`{n}`")).collect();
    if names.is_empty() { "there are none".to_owned() } else { format!("known: {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn caret_stands_under_the_place() {
        let text = "one\r\n\ttwö three\n";
        let at = text.find("three").expect("it is there");
        let shown = Diagnostic::at("f", text, at..at + 5, "no").help("yes").to_string();
        assert_eq!(shown, "error: no\n --> f:2:6\n  |\n2 |  twö three\n  |      ^^^^^\n  = help: yes");
    }

    #[test]
    fn terminal_commands_are_not_passed_on() {
        let text = "\u{1b}[31m\u{202e}x";
        let shown = Diagnostic::at("a\u{7}", text, 0..1, "\u{1b}").to_string();
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown}");
    }

    proptest! {
        #[test]
        fn any_place_can_be_shown(text in "\\PC{0,300}|[\r\n\tä]{0,20}", start in 0usize..400, len in 0usize..400) {
            let place = Place::new(&text, start..start + len);
            prop_assert!(place.line >= 1 && place.column >= 1 && place.length >= 1);
            let _ = Diagnostic::at("f", &text, start..start + len, "m").to_string();
        }
    }
}
