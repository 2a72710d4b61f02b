//! Tokens of PostgreSQL's SQL, with their places: what splitting, templates and classification read.
//!
//! Only lexing is needed, and it has to be right where no parser is: in the middle of a syntax error, in a
//! dialect newer than the parser, in `DO` bodies.

use std::ops::Range;

use squawk_lexer::{LiteralKind, TokenKind};

/// What a token is, as far as this crate cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space, `--` and `/* */`.
    Blank,
    /// An unquoted identifier or keyword.
    Word,
    /// `"identifier"`.
    QuotedIdent,
    /// `'…'`, `E'…'`, `B'…'`, `U&'…'`.
    Text,
    /// `$tag$…$tag$`.
    Dollar,
    /// A number.
    Number,
    /// `$1`.
    Positional,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `]`
    CloseBracket,
    /// `\`, which SQL has no use for and psql does.
    Backslash,
    /// Any other character.
    Other,
}

/// A token and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// All tokens of `text`, without gaps.
pub(crate) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, position: 0, inner: Box::new(squawk_lexer::tokenize(text)) }
}

/// Iterator over tokens.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    position: usize,
    inner: Box<dyn Iterator<Item = squawk_lexer::Token> + 'a>,
}

impl<'a> Tokens<'a> {
    /// Goes on at `offset`, which does not lie before what was returned so far.
    pub(crate) fn resume_at(&mut self, offset: usize) {
        debug_assert!(offset >= self.position, "the lexer never goes back");
        self.position = offset;
        self.inner = Box::new(squawk_lexer::tokenize(&self.text[offset..]));
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let token = self.inner.next()?;
        let start = self.position;
        let mut end = start + token.len as usize;
        self.position = end;
        let kind = kind_of(token.kind, &self.text[start..end]);
        if matches!(token.kind, TokenKind::Literal { kind: LiteralKind::EscStr { terminated: true } })
            && let Some(continued) = escape_string_continuation(self.text, end)
        {
            end = continued;
            self.resume_at(end);
        }
        Some(Token { kind, range: start..end })
    }
}

fn kind_of(kind: TokenKind, text: &str) -> Kind {
    match kind {
        TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => Kind::Blank,
        TokenKind::Ident => Kind::Word,
        TokenKind::QuotedIdent { .. } => Kind::QuotedIdent,
        TokenKind::Literal { kind } => match kind {
            LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => Kind::Number,
            LiteralKind::DollarQuotedString { .. } => Kind::Dollar,
            _ => Kind::Text,
        },
        TokenKind::PositionalParam { .. } => Kind::Positional,
        TokenKind::Semi => Kind::Semicolon,
        TokenKind::Colon => Kind::Colon,
        TokenKind::OpenParen => Kind::Open,
        TokenKind::CloseParen => Kind::Close,
        TokenKind::CloseBracket => Kind::CloseBracket,
        _ if text == "\\" => Kind::Backslash,
        _ => Kind::Other,
    }
}

/// Where an `E'…'` string ends that goes on in a literal on a later line: the backslash keeps its meaning
/// there, which a lexer that takes the literals one by one does not know.
fn escape_string_continuation(text: &str, mut end: usize) -> Option<usize> {
    let mut found = None;
    while let Some(open) = next_line_quote(text, end) {
        let mut escaped = false;
        let mut bytes = text.as_bytes()[open + 1..].iter().enumerate().peekable();
        end = text.len();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'\'' if bytes.peek().is_some_and(|(_, next)| **next == b'\'') => {
                    bytes.next();
                }
                b'\'' => {
                    end = open + 1 + at + 1;
                    break;
                }
                _ => {}
            }
        }
        found = Some(end);
    }
    found
}

/// The quote that continues a literal ending at `end`: only blanks with at least one line break between.
fn next_line_quote(text: &str, end: usize) -> Option<usize> {
    let mut at = end;
    let mut line_break = false;
    for token in squawk_lexer::tokenize(&text[end..]) {
        let piece = &text[at..at + token.len as usize];
        match token.kind {
            TokenKind::Whitespace => line_break |= piece.contains(['\n', '\r']),
            TokenKind::LineComment => {}
            TokenKind::Literal { kind: LiteralKind::Str { .. } } if line_break => return Some(at),
            _ => return None,
        }
        at += token.len as usize;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql).filter(|t| t.kind != Kind::Blank).map(|t| &sql[t.range]).collect()
    }

    #[test]
    fn escapes_hold_in_continued_strings() {
        assert_eq!(texts("E'a'\n'b\\';' ;"), ["E'a'\n'b\\';'", ";"]);
        assert_eq!(texts("E'a' -- c\n'b\\'''';x"), ["E'a' -- c\n'b\\''''", ";", "x"]);
        assert_eq!(texts("E'a' 'b\\' ;"), ["E'a'", "'b\\'", ";"], "same line: no continuation");
        assert_eq!(texts("'a'\n'b\\' ;"), ["'a'", "'b\\'", ";"], "a plain string has no escapes");
    }

    proptest! {
        #[test]
        fn tokens_cover_the_text(text in "\\PC*|[E'\"$a\\\\;\n \\-*/:()]{0,40}") {
            let mut at = 0;
            for token in tokens(&text) {
                prop_assert_eq!(token.range.start, at);
                prop_assert!(token.range.end > at);
                at = token.range.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
