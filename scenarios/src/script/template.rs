//! Statements with `:name` parameters.

use std::ops::Range;

use crate::lex::{self, Kind, Token};
use crate::scenario::{Piece, SqlTemplate};

/// Why a text is not a statement with parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Bytes of the text that are wrong.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl TemplateError {
    fn new(range: Range<usize>, message: &str, help: &str) -> Self {
        Self { range, message: message.to_owned(), help: help.to_owned() }
    }
}

impl SqlTemplate {
    /// Reads one statement with `:name` parameters. A colon makes a parameter when a name follows it directly and
    /// no value stands directly before it: `a[1:n]`, `'key':value` and `x::text` have none, `a[:n]` and `=:n` do.
    /// A final semicolon is dropped.
    ///
    /// # Errors
    /// No statement, several of them, NUL, `$1`, psql's `:'name'` and psql commands.
    pub fn parse(sql: &str) -> Result<Self, TemplateError> {
        if let Some(at) = sql.find('\0') {
            return Err(TemplateError::new(
                at..at + 1,
                "the statement contains a NUL character",
                "remove it",
            ));
        }
        let tokens: Vec<Token> = lex::tokens(sql).collect();
        let significant = |t: &&Token| t.kind != Kind::Blank && t.kind != Kind::Semicolon;
        let Some(last) = tokens.iter().rposition(|t| significant(&t)) else {
            return Err(TemplateError::new(0..sql.len(), "there is no statement", "write one SQL statement"));
        };
        let tokens = &tokens[..=last];
        let mut pieces = Pieces::default();
        let mut depth = 0usize;
        for (n, token) in tokens.iter().enumerate() {
            let text = &sql[token.range.clone()];
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Semicolon if depth == 0 => {
                    let message = "there is more than one statement";
                    let help = "an access path is one statement; make the second one a path of its own";
                    return Err(TemplateError::new(token.range.clone(), message, help));
                }
                Kind::Positional => {
                    let help = "name it: `:user` instead of `$1`, and say in `params` where it comes from";
                    return Err(TemplateError::new(token.range.clone(), "positional parameter", help));
                }
                Kind::Backslash => {
                    let help = "the statement is sent as it is, without psql";
                    return Err(TemplateError::new(token.range.clone(), "psql command", help));
                }
                Kind::Colon if is_psql_variable(tokens, n) => {
                    let range = token.range.start..tokens[n + 1].range.end;
                    let help = "write `:name`; the value is quoted as needed";
                    return Err(TemplateError::new(range, "psql's quoted variable", help));
                }
                _ => {}
            }
            match token.kind {
                Kind::Colon if is_parameter(tokens, n) => {}
                Kind::Word if n > 0 && is_parameter(tokens, n - 1) => pieces.param(text),
                _ => pieces.text(text),
            }
        }
        Ok(Self { pieces: pieces.0 })
    }
}

/// Whether the token is a colon that starts a parameter.
fn is_parameter(tokens: &[Token], n: usize) -> bool {
    tokens[n].kind == Kind::Colon
        && tokens.get(n + 1).is_some_and(|next| next.kind == Kind::Word)
        && !follows_value(tokens, n)
}

fn is_psql_variable(tokens: &[Token], n: usize) -> bool {
    tokens.get(n + 1).is_some_and(|next| matches!(next.kind, Kind::Text | Kind::QuotedIdent))
        && !follows_value(tokens, n)
}

/// Whether a value, or the first colon of a cast, stands directly before the token.
fn follows_value(tokens: &[Token], n: usize) -> bool {
    n > 0
        && matches!(
            tokens[n - 1].kind,
            Kind::Colon
                | Kind::Word
                | Kind::QuotedIdent
                | Kind::Text
                | Kind::Dollar
                | Kind::Number
                | Kind::Close
                | Kind::CloseBracket
        )
}

/// Pieces, neighbouring texts joined.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn text(&mut self, text: &str) {
        if let Some(Piece::Text(last)) = self.0.last_mut() {
            last.push_str(text);
        } else {
            self.0.push(Piece::Text(text.to_owned()));
        }
    }

    fn param(&mut self, name: &str) {
        self.0.push(Piece::Param(name.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use crate::scenario::SqlTemplate;

    #[rstest]
    #[case("SELECT :a, :b, :a", &["a", "b"])]
    #[case("SELECT ':a', \":a\", $$:a$$, E'\\':a' -- :a\n/* :a */", &[])]
    #[case("SELECT :a::text, x::uuid, '{}'::jsonb", &["a"])]
    #[case("SELECT v[1:n], v[lo:hi], v[:i], v[1: :i]", &["i"])]
    #[case("SELECT ARRAY[:a,:b], (:c)", &["a", "b", "c"])]
    #[case("SELECT f(x := :a, y => :b)", &["a", "b"])]
    #[case("SELECT JSON_OBJECT('k':v, 'l': :w)", &["w"])]
    #[case("WHERE a=:a AND b<:b AND c>=:_c1", &["a", "b", "_c1"])]
    #[case("SELECT e <=> :v::vector LIMIT :k;", &["v", "k"])]
    fn parameters_are_found(#[case] sql: &str, #[case] expected: &[&str]) {
        let template = SqlTemplate::parse(sql).expect("it is sound");
        assert_eq!(template.params(), expected);
    }

    #[rstest]
    #[case("", "no statement")]
    #[case(" ; -- x", "no statement")]
    #[case("SELECT 1; SELECT 2", "more than one")]
    #[case("SELECT $1", "positional")]
    #[case("SELECT :'a'", "quoted variable")]
    #[case("SELECT :\"a\"", "quoted variable")]
    #[case("SELECT 1 \\gset", "psql")]
    #[case("SELECT '\0'", "NUL")]
    fn other_texts_are_refused(#[case] sql: &str, #[case] expected: &str) {
        let error = SqlTemplate::parse(sql).expect_err("it is refused");
        assert!(error.message.contains(expected), "{error}");
        assert!(error.range.end <= sql.len());
    }

    proptest! {
        #[test]
        fn rendering_with_the_names_gives_the_text_back(sql in "[a-z:'\"$\\[\\](); -]{0,40}|\\PC{0,40}") {
            if let Ok(template) = SqlTemplate::parse(&sql) {
                let rendered = template.render(|name| Some(format!(":{name}"))).expect("all are given");
                prop_assert!(sql.starts_with(&rendered), "{rendered:?}");
            }
        }
    }
}
