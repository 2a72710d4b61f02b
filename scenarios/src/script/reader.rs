//! The significant tokens of a statement, to be read by their words.

use crate::ident::{Ident, Relation};
use crate::lex::{self, Kind};

/// A token that is not blank.
#[derive(Clone, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

impl Word<'_> {
    /// Whether it is that keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// The identifier that it is, as the catalogs store it.
    fn ident(&self) -> Option<Ident> {
        match self.kind {
            Kind::Word => Some(Ident::new(self.text.to_lowercase())),
            Kind::QuotedIdent => {
                let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
                Some(Ident::new(inner.replace("\"\"", "\"")))
            }
            _ => None,
        }
    }

    /// The text of a string or a dollar-quoted body.
    pub(crate) fn body(&self) -> Option<String> {
        match self.kind {
            Kind::Dollar => {
                let tag = self.text[1..].find('$')? + 2;
                // One that is not terminated goes to the end.
                let end = self.text.len().saturating_sub(tag);
                Some(self.text.get(tag..end).unwrap_or(&self.text[tag..]).to_owned())
            }
            Kind::Text => {
                let open = self.text.find('\'')? + 1;
                Some(self.text[open..].trim_end_matches('\'').replace("''", "'"))
            }
            _ => None,
        }
    }
}

/// The words of a statement, read from the left.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    words: Vec<Word<'a>>,
    pub(crate) at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(sql: &'a str) -> Self {
        let tokens = lex::tokens(sql).filter(|t| t.kind != Kind::Blank);
        Self { words: tokens.map(|t| Word { kind: t.kind, text: &sql[t.range] }).collect(), at: 0 }
    }

    /// A reader of one word.
    pub(crate) fn at(word: Word<'a>) -> Self {
        Self { words: vec![word], at: 0 }
    }

    pub(crate) fn words(&self) -> &[Word<'a>] {
        &self.words
    }

    pub(crate) fn peek(&self) -> Option<&Word<'a>> {
        self.words.get(self.at)
    }

    /// Steps over a keyword, if it is the next.
    pub(crate) fn skip(&mut self, keyword: &str) -> bool {
        let hit = self.peek().is_some_and(|w| w.is(keyword));
        self.at += usize::from(hit);
        hit
    }

    /// Steps over all of these keywords, or none.
    pub(crate) fn skip_all(&mut self, keywords: &[&str]) -> bool {
        let hit =
            keywords.iter().enumerate().all(|(n, k)| self.words.get(self.at + n).is_some_and(|w| w.is(k)));
        self.at += if hit { keywords.len() } else { 0 };
        hit
    }

    /// Whether the next token is that character.
    pub(crate) fn is_next(&self, text: &str) -> bool {
        self.peek().is_some_and(|w| w.text == text)
    }

    /// Goes to just behind the next such keyword outside parentheses.
    pub(crate) fn seek(&mut self, keyword: &str) -> bool {
        let mut depth = 0usize;
        while let Some(word) = self.peek() {
            let hit = depth == 0 && word.is(keyword);
            match word.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if hit {
                return true;
            }
        }
        false
    }

    pub(crate) fn ident(&mut self) -> Option<Ident> {
        let ident = self.peek()?.ident()?;
        self.at += 1;
        Some(ident)
    }

    /// A name of one or two parts.
    pub(crate) fn relation(&mut self) -> Option<Relation> {
        let first = self.ident()?;
        if !self.is_next(".") {
            return Some(Relation::public(first));
        }
        self.at += 1;
        Some(Relation::new(first, self.ident()?))
    }

    /// Names with commas between, in parentheses.
    pub(crate) fn columns(&mut self) -> Option<Vec<Ident>> {
        if !self.is_next("(") {
            return None;
        }
        self.at += 1;
        let columns = self.idents();
        self.is_next(")").then(|| self.at += 1)?;
        Some(columns)
    }

    /// Names with commas between.
    pub(crate) fn idents(&mut self) -> Vec<Ident> {
        let mut found = Vec::new();
        while let Some(ident) = self.ident() {
            found.push(ident);
            if !self.is_next(",") {
                break;
            }
            self.at += 1;
        }
        found
    }
}
