//! Splits the text of `pg_get_expr` into tokens.

/// A token of an SQL expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A bare word, as written.
    Word(String),
    /// A double-quoted identifier, unquoted.
    Quoted(String),
    /// A string literal's contents.
    Text(String),
    /// A number.
    Number(String),
    /// An operator, `::` included.
    Op(String),
    /// `(`, `)`, `[`, `]`, `,` or `.`.
    Mark(char),
}

/// All tokens, or `None` for text that is no expression.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        match c {
            _ if c.is_whitespace() => i += 1,
            '(' | ')' | '[' | ']' | ',' => {
                out.push(Token::Mark(c));
                i += 1;
            }
            '\'' => {
                let (text, next) = quoted(&chars, i, '\'', false)?;
                out.push(Token::Text(text));
                i = next;
            }
            'E' | 'e' if chars.get(i + 1) == Some(&'\'') => {
                let (text, next) = quoted(&chars, i + 1, '\'', true)?;
                out.push(Token::Text(text));
                i = next;
            }
            '"' => {
                let (text, next) = quoted(&chars, i, '"', false)?;
                out.push(Token::Quoted(text));
                i = next;
            }
            _ if c.is_ascii_digit() || (c == '.' && chars.get(i + 1).is_some_and(char::is_ascii_digit)) => {
                let start = i;
                while chars.get(i).is_some_and(|&d| {
                    d.is_ascii_digit()
                        || d == '.'
                        || d == 'e'
                        || d == 'E'
                        || (matches!(d, '+' | '-') && matches!(chars[i - 1], 'e' | 'E'))
                }) {
                    i += 1;
                }
                out.push(Token::Number(chars[start..i].iter().collect()));
            }
            '.' => {
                out.push(Token::Mark('.'));
                i += 1;
            }
            _ if c.is_alphabetic() || c == '_' => {
                let start = i;
                while chars.get(i).is_some_and(|d| d.is_alphanumeric() || matches!(d, '_' | '$')) {
                    i += 1;
                }
                out.push(Token::Word(chars[start..i].iter().collect()));
            }
            ':' if chars.get(i + 1) == Some(&':') => {
                out.push(Token::Op("::".into()));
                i += 2;
            }
            _ if "+-*/<>=~!@#%^&|`?:".contains(c) => {
                let start = i;
                while chars.get(i).is_some_and(|d| "+-*/<>=~!@#%^&|`?:".contains(*d)) {
                    // A sign right behind an operator belongs to the number: `>= -5`.
                    if i > start && chars[i] == '-' && chars.get(i + 1).is_some_and(char::is_ascii_digit) {
                        break;
                    }
                    i += 1;
                }
                out.push(Token::Op(chars[start..i].iter().collect()));
            }
            _ => return None,
        }
    }
    Some(out)
}

/// Reads from the opening quote; gives the contents and the position behind the closing one.
fn quoted(chars: &[char], open: usize, quote: char, escapes: bool) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut i = open + 1;
    loop {
        match *chars.get(i)? {
            c if c == quote && chars.get(i + 1) == Some(&quote) => {
                text.push(quote);
                i += 2;
            }
            c if c == quote => return Some((text, i + 1)),
            '\\' if escapes => {
                text.push(match *chars.get(i + 1)? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    other => other,
                });
                i += 2;
            }
            c => {
                text.push(c);
                i += 1;
            }
        }
    }
}
