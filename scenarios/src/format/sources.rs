//! The scenario files read so far, laid end to end, so that one offset names a place in any of them.
//! A derived scenario's values come from several files, and each keeps its own place.

use std::ops::Range;

use crate::diagnostic::Diagnostic;

/// The files.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    shown: String,
    text: String,
    base: usize,
}

impl Sources {
    /// Adds a file; returns what to add to its offsets.
    pub(crate) fn add(&mut self, shown: String, text: String) -> usize {
        let base = self.files.last().map_or(0, |f| f.base + f.text.len() + 1);
        self.files.push(File { shown, text, base });
        base
    }

    /// A diagnostic about a place.
    pub(crate) fn at(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        match self.files.iter().rfind(|f| f.base <= span.start) {
            Some(file) => {
                let range = span.start - file.base..span.end.saturating_sub(file.base);
                Diagnostic::at(&file.shown, &file.text, range, message)
            }
            None => Diagnostic::of_file("", message),
        }
    }

    /// 1-based line of a place in its file.
    pub(crate) fn line(&self, span: &Range<usize>) -> u32 {
        self.at(span, "").place.map_or(0, |p| p.line)
    }

    /// The text of a place, as written.
    pub(crate) fn text(&self, span: &Range<usize>) -> &str {
        let file = self.files.iter().rfind(|f| f.base <= span.start);
        file.and_then(|f| f.text.get(span.start - f.base..span.end.checked_sub(f.base)?)).unwrap_or_default()
    }
}
