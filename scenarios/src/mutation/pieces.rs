//! The statements of a script, and those in the bodies of its blocks and functions, as words with their places.

use std::ops::Range;

use crate::ident::Ident;
use crate::lex::{self, Kind};
use crate::script::Script;

/// A token that is not blank, and its bytes of the script.
#[derive(Clone, Debug)]
pub(super) struct Word<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) range: Range<usize>,
}

impl Word<'_> {
    /// Whether it is that keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|k| self.is(k))
    }

    /// The identifier that it is, as the catalogs store it.
    pub(super) fn ident(&self) -> Option<Ident> {
        match self.kind {
            Kind::Word => Some(Ident::new(self.text.to_lowercase())),
            Kind::QuotedIdent => {
                let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
                Some(Ident::new(inner.replace("\"\"", "\"")))
            }
            _ => None,
        }
    }
}

/// Where a statement stands, and so what can stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the script itself.
    Script,
    /// In a body of PL/pgSQL.
    Block,
    /// In a body of another language.
    Body,
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) words: Vec<Word<'a>>,
    /// Open parentheses before each word.
    depths: Vec<usize>,
    pub(super) place: Place,
    /// It is, or stands in, a block that only looks and raises.
    pub(super) in_guard: bool,
}

/// The statements of a script, each followed by those in its bodies.
pub(super) fn pieces(script: &Script) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    for statement in &script.statements {
        let words = words(&script.text, statement.range.clone());
        let is_block = words.first().is_some_and(|w| w.is("do"));
        let place = if is_block || is_plpgsql(&words) { Place::Block } else { Place::Body };
        let bodies: Vec<Vec<Word<'_>>> =
            words.iter().filter_map(body).map(|range| self::words(&script.text, range)).collect();
        let in_guard = is_block && bodies.iter().any(|b| only_raises(b));
        found.push(Piece::new(words, Place::Script, in_guard));
        let inner = bodies.into_iter().flat_map(statements);
        found.extend(inner.map(|words| Piece::new(words, place, in_guard)));
    }
    found
}

fn words(text: &str, range: Range<usize>) -> Vec<Word<'_>> {
    let start = range.start;
    lex::tokens(&text[range])
        .filter(|t| t.kind != Kind::Blank)
        .map(|t| {
            let range = start + t.range.start..start + t.range.end;
            Word { kind: t.kind, text: &text[range.clone()], range }
        })
        .collect()
}

/// The bytes between the tags of a dollar-quoted text.
fn body(word: &Word<'_>) -> Option<Range<usize>> {
    if word.kind != Kind::Dollar {
        return None;
    }
    let tag = word.text[1..].find('$')? + 2;
    let end = word.range.end.checked_sub(tag)?;
    (word.range.start + tag <= end).then(|| word.range.start + tag..end)
}

fn is_plpgsql(words: &[Word<'_>]) -> bool {
    words
        .windows(2)
        .any(|w| w[0].is("language") && w[1].text.trim_matches('\'').eq_ignore_ascii_case("plpgsql"))
}

fn only_raises(body: &[Word<'_>]) -> bool {
    let raises = body.windows(2).any(|w| w[0].is("raise") && w[1].is("exception"));
    let writes = ["insert", "update", "delete", "merge", "create", "alter", "drop", "execute"];
    raises && !body.iter().any(|w| w.is_any(&writes))
}

/// The statements of a body: they end at semicolons, and begin behind the words that open a block.
fn statements(body: Vec<Word<'_>>) -> Vec<Vec<Word<'_>>> {
    let mut found = vec![Vec::new()];
    let (mut depth, mut cases) = (0usize, 0usize);
    let mut after_end = false; // END LOOP, END CASE
    for word in body {
        let ends = std::mem::replace(&mut after_end, word.is("end"));
        match word.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Semicolon if depth == 0 => {
                found.push(Vec::new());
                cases = 0;
                continue;
            }
            Kind::Word if ends => {}
            Kind::Word if word.is("case") => cases += 1,
            Kind::Word if word.is("end") && cases > 0 => cases -= 1,
            Kind::Word
                if depth == 0 && cases == 0 && word.is_any(&["begin", "loop", "then", "else", "declare"]) =>
            {
                found.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(word);
        }
    }
    found.retain(|words| !words.is_empty());
    found
}

impl<'a> Piece<'a> {
    fn new(words: Vec<Word<'a>>, place: Place, in_guard: bool) -> Self {
        let mut depth = 0usize;
        let depths = words
            .iter()
            .map(|word| {
                let before = depth;
                match word.kind {
                    Kind::Open => depth += 1,
                    Kind::Close => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if word.kind == Kind::Close { depth } else { before }
            })
            .collect();
        Self { words, depths, place, in_guard }
    }

    /// Open parentheses before a word; those of a closing one are the same as of the one that opens.
    pub(super) fn depth(&self, at: usize) -> usize {
        self.depths.get(at).copied().unwrap_or_default()
    }

    /// Whether these keywords stand there.
    pub(super) fn has(&self, at: usize, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(n, k)| self.words.get(at + n).is_some_and(|w| w.is(k)))
    }

    /// Whether it begins with these keywords.
    pub(super) fn begins(&self, keywords: &[&str]) -> bool {
        self.has(0, keywords)
    }

    /// Whether a character stands there.
    pub(super) fn is_at(&self, at: usize, text: &str) -> bool {
        self.words.get(at).is_some_and(|w| w.text == text)
    }

    /// The first place in a range at which these keywords stand, in so many parentheses.
    pub(super) fn find(&self, within: Range<usize>, depth: usize, keywords: &[&str]) -> Option<usize> {
        within.into_iter().find(|&at| self.depth(at) == depth && self.has(at, keywords))
    }

    /// Steps over keywords, if they stand there.
    pub(super) fn skip(&self, at: usize, keywords: &[&str]) -> usize {
        if self.has(at, keywords) { at + keywords.len() } else { at }
    }

    /// Steps over a name of one part or several.
    pub(super) fn skip_name(&self, at: usize) -> usize {
        let mut at = at + 1;
        while self.is_at(at, ".") {
            at += 2;
        }
        at
    }

    /// The parenthesis that closes the one there.
    pub(super) fn close(&self, open: usize) -> Option<usize> {
        if !self.is_at(open, "(") {
            return None;
        }
        let depth = self.depth(open);
        (open + 1..self.words.len()).find(|&at| self.is_at(at, ")") && self.depth(at) == depth)
    }

    /// What stands between commas in a range, in so many parentheses.
    pub(super) fn items(&self, within: Range<usize>, depth: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut start = within.start;
        for at in within.clone() {
            if self.is_at(at, ",") && self.depth(at) == depth {
                found.push(start..at);
                start = at + 1;
            }
        }
        found.push(start..within.end);
        found.retain(|item| !item.is_empty());
        found
    }

    /// The items of a list in parentheses.
    pub(super) fn list(&self, open: usize) -> Vec<Range<usize>> {
        match self.close(open) {
            Some(close) => self.items(open + 1..close, self.depth(open) + 1),
            None => Vec::new(),
        }
    }

    /// The bytes of some words.
    pub(super) fn bytes(&self, words: Range<usize>) -> Range<usize> {
        match (self.words.get(words.start), words.end.checked_sub(1).and_then(|last| self.words.get(last))) {
            (Some(first), Some(last)) if first.range.start <= last.range.end => {
                first.range.start..last.range.end
            }
            _ => 0..0,
        }
    }

    /// All of its words.
    pub(super) fn all(&self) -> Range<usize> {
        0..self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(sql: &str) -> Vec<(Place, bool, String)> {
        let script = Script::parse("s.sql", sql.as_bytes()).expect("it is sound");
        let text = |p: &Piece<'_>| p.words.iter().take(3).map(|w| w.text).collect::<Vec<_>>().join(" ");
        pieces(&script).iter().map(|p| (p.place, p.in_guard, text(p))).collect()
    }

    #[test]
    fn statements_of_bodies_are_found() {
        let found = heads(
            "UPDATE t SET a = 1; DO $$ DECLARE n int; BEGIN FOR r IN SELECT 1 LOOP UPDATE t SET a = CASE WHEN b THEN 1 \
             ELSE 2 END WHERE c IS NULL; END LOOP; END $$; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;",
        );
        let texts: Vec<&str> = found.iter().map(|(.., text)| text.as_str()).collect();
        let expected = [
            "UPDATE t SET",
            "DO $$ DECLARE n int; BEGIN FOR r IN SELECT 1 LOOP UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END WHERE c \
             IS NULL; END LOOP; END $$",
            "n int",
            "FOR r IN",
            "UPDATE t SET",
            "END LOOP",
            "END",
            "CREATE FUNCTION f",
            "SELECT 1",
        ];
        assert_eq!(texts, expected);
        assert_eq!(found[4].0, Place::Block);
        assert_eq!(found[8].0, Place::Body);
        assert!(found.iter().all(|(_, in_guard, _)| !in_guard));
    }

    #[test]
    fn a_block_that_only_looks_and_raises_is_a_guard() {
        let found = heads(
            "DO $$ BEGIN IF EXISTS (SELECT FROM t WHERE a IS NULL) THEN RAISE EXCEPTION 'x'; END IF; END $$",
        );
        assert!(found.iter().all(|(_, in_guard, _)| *in_guard));
        let found = heads("DO $$ BEGIN DELETE FROM t; RAISE EXCEPTION 'x'; END $$");
        assert!(found.iter().all(|(_, in_guard, _)| !in_guard));
    }

    #[test]
    fn lists_are_taken_apart_at_their_own_commas() {
        let script =
            Script::parse("s.sql", b"CREATE TABLE t (a int DEFAULT f(1, 2), b text)").expect("it is sound");
        let pieces = pieces(&script);
        let items: Vec<&str> =
            pieces[0].list(3).into_iter().map(|i| &script.text[pieces[0].bytes(i)]).collect();
        assert_eq!(items, ["a int DEFAULT f(1, 2)", "b text"]);
    }
}
