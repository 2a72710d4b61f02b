//! Reads the text of `pg_get_expr`, which is regular: fully parenthesised, casts explicit, names resolved.

use regex::Regex;

use super::cast::cast;
use super::lex::{Token, tokens};
use super::number::Number;
use super::{Compare, Expr, Function, Value};

/// Reads an expression; `column` gives what a name stands for. `Opaque` parts stand for what is not understood.
pub(crate) fn parse(text: &str, column: &dyn Fn(&str) -> Option<Expr>) -> Expr {
    let Some(tokens) = tokens(text) else { return Expr::Opaque };
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, column };
    match parser.expression(0) {
        Some(expr) if parser.at == tokens.len() => expr,
        _ => Expr::Opaque,
    }
}

/// Nesting beyond which an expression is given up.
const DEPTH_MAX: u32 = 60;

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u32,
    column: &'a dyn Fn(&str) -> Option<Expr>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn mark(&mut self, mark: char) -> Option<()> {
        (self.peek() == Some(&Token::Mark(mark))).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.at += usize::from(found);
        found
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn boxed(&mut self, power: u8) -> Option<Box<Expr>> {
        self.expression(power).map(Box::new)
    }

    /// Precedence climbing; powers as in the server's grammar.
    fn expression(&mut self, power: u8) -> Option<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut left = self.prefix()?;
        while let Some(token) = self.peek().cloned() {
            left = match token {
                Token::Word(_) if power <= 1 && self.word("OR") => join(left, self.expression(2)?, false),
                Token::Word(_) if power <= 2 && self.word("AND") => join(left, self.expression(3)?, true),
                Token::Word(_) if power <= 4 && self.word("IS") => self.is(left)?,
                Token::Op(op) if op == "::" => {
                    self.at += 1;
                    cast(left, &self.type_name()?)
                }
                Token::Mark('[') => return None,
                Token::Op(op) => {
                    let strength = match op.as_str() {
                        "=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" => 5,
                        "+" | "-" => 7,
                        "*" | "/" | "%" => 8,
                        "^" => 9,
                        _ => 6,
                    };
                    if strength < power {
                        break;
                    }
                    self.at += 1;
                    self.operator(left, &op, strength)?
                }
                _ => break,
            };
        }
        self.depth -= 1;
        Some(left)
    }

    fn operator(&mut self, left: Expr, op: &str, strength: u8) -> Option<Expr> {
        let compare = match op {
            "=" => Some(Compare::Eq),
            "<>" | "!=" => Some(Compare::Ne),
            "<" => Some(Compare::Lt),
            "<=" => Some(Compare::Le),
            ">" => Some(Compare::Gt),
            ">=" => Some(Compare::Ge),
            _ => None,
        };
        if self.is_word(0, "ANY") || self.is_word(0, "ALL") {
            let all = self.is_word(0, "ALL");
            self.at += 1;
            self.mark('(')?;
            let list = self.expression(0)?;
            self.mark(')')?;
            let Some(op) = compare else { return Some(Expr::Opaque) };
            return Some(match elements(list) {
                Some(list) => Expr::Any { op, left: Box::new(left), list, all },
                None => Expr::Opaque,
            });
        }
        let right = self.expression(strength + 1)?;
        if let Some(op) = compare {
            return Some(Expr::Compare(op, Box::new(left), Box::new(right)));
        }
        Some(match (op, &right) {
            ("+" | "-" | "*" | "/" | "%", _) => {
                Expr::Arith(op.chars().next()?, Box::new(left), Box::new(right))
            }
            ("||", _) => Expr::Concat(Box::new(left), Box::new(right)),
            ("~" | "~*" | "!~" | "!~*", Expr::Const(Value::Text(pattern))) => {
                matches(left, pattern, op.ends_with('*'), op.starts_with('!'))
            }
            ("~~" | "~~*" | "!~~" | "!~~*", Expr::Const(Value::Text(pattern))) => {
                matches(left, &like(pattern), op.ends_with('*'), op.starts_with('!'))
            }
            _ => Expr::Opaque,
        })
    }

    fn is(&mut self, left: Expr) -> Option<Expr> {
        let negated = self.word("NOT");
        let left = Box::new(left);
        let expr = if self.word("NULL") {
            Expr::IsNull(left)
        } else if self.word("TRUE") {
            Expr::Same(left, Box::new(Expr::Const(Value::Bool(true))))
        } else if self.word("FALSE") {
            Expr::Same(left, Box::new(Expr::Const(Value::Bool(false))))
        } else if self.word("UNKNOWN") {
            Expr::IsNull(left)
        } else if self.word("DISTINCT") && self.word("FROM") {
            // IS DISTINCT FROM is the negation of what `Same` says.
            let same = Expr::Same(left, self.boxed(5)?);
            return Some(if negated { same } else { Expr::Not(Box::new(same)) });
        } else {
            return None;
        };
        Some(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn prefix(&mut self) -> Option<Expr> {
        let token = self.peek()?.clone();
        self.at += 1;
        match token {
            Token::Mark('(') => {
                let inner = self.expression(0)?;
                self.mark(')')?;
                Some(inner)
            }
            Token::Text(text) => Some(Expr::Const(Value::Text(text))),
            Token::Number(text) => Some(Expr::Const(Value::Number(Number::parse(&text)?))),
            Token::Op(op) if op == "-" => Some(match self.expression(10)? {
                Expr::Const(Value::Number(n)) => {
                    Expr::Const(Value::Number(Number::int(0).arith('-', n).unwrap_or(n)))
                }
                other => {
                    let zero = Box::new(Expr::Const(Value::Number(Number::int(0))));
                    Expr::Arith('-', zero, Box::new(other))
                }
            }),
            Token::Quoted(name) => self.name(name, true),
            Token::Word(word) => self.keyword(word),
            _ => None,
        }
    }

    fn keyword(&mut self, word: String) -> Option<Expr> {
        match word.to_ascii_uppercase().as_str() {
            "NOT" => return Some(Expr::Not(self.boxed(3)?)),
            "TRUE" => return Some(Expr::Const(Value::Bool(true))),
            "FALSE" => return Some(Expr::Const(Value::Bool(false))),
            "NULL" => return Some(Expr::Const(Value::Null)),
            "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => return Some(Expr::Const(Value::Now)),
            "ARRAY" if self.mark('[').is_some() => {
                let list = self.list(']')?;
                return Some(array(list));
            }
            "CASE" => return self.case(),
            "TRIM" if self.peek() == Some(&Token::Mark('(')) => {
                self.at += 1;
                let both = self.word("BOTH");
                let plain = self.word("FROM");
                let args = self.list(')')?;
                return Some(if both && plain { Expr::Call(Function::Trim, args) } else { Expr::Opaque });
            }
            "EXTRACT" => {
                self.skip_parenthesis()?;
                return Some(Expr::Opaque);
            }
            _ => {}
        }
        self.name(word, false)
    }

    /// A column, or a function with its arguments.
    fn name(&mut self, mut name: String, mut quoted: bool) -> Option<Expr> {
        let mut qualified = false;
        while self.mark('.').is_some() {
            qualified = true;
            (name, quoted) = match self.peek()?.clone() {
                Token::Word(w) => (w, false),
                Token::Quoted(q) => (q, true),
                _ => return None,
            };
            self.at += 1;
        }
        if self.peek() != Some(&Token::Mark('(')) {
            return Some(if qualified { Expr::Opaque } else { (self.column)(&name).unwrap_or(Expr::Opaque) });
        }
        self.at += 1;
        let args = self.list(')')?;
        let function = match name.as_str() {
            _ if quoted && qualified => return Some(Expr::Opaque),
            "length" | "char_length" | "character_length" => Function::Length,
            "octet_length" => Function::OctetLength,
            "lower" => Function::Lower,
            "upper" => Function::Upper,
            "btrim" if args.len() == 1 => Function::Trim,
            "abs" => Function::Abs,
            "COALESCE" | "coalesce" => Function::Coalesce,
            "num_nulls" => Function::NumNulls,
            "num_nonnulls" => Function::NumNonNulls,
            "jsonb_typeof" | "json_typeof" => Function::JsonType,
            "array_length" if matches!(args.get(1), Some(Expr::Const(Value::Number(_)))) => {
                Function::ArrayLength
            }
            "cardinality" => Function::Cardinality,
            "vector_dims" => Function::VectorDims,
            "starts_with" => Function::StartsWith,
            "isfinite" => Function::IsFinite,
            "date" => Function::Date,
            "now" | "transaction_timestamp" | "clock_timestamp" => return Some(Expr::Const(Value::Now)),
            _ => return Some(Expr::Opaque),
        };
        Some(Expr::Call(function, args))
    }

    fn list(&mut self, end: char) -> Option<Vec<Expr>> {
        let mut list = Vec::new();
        while self.mark(end).is_none() {
            if !list.is_empty() {
                self.mark(',')?;
            }
            // VARIADIC and named arguments are beyond this reader.
            list.push(self.expression(0)?);
        }
        Some(list)
    }

    fn case(&mut self) -> Option<Expr> {
        let subject = if self.is_word(0, "WHEN") { None } else { Some(self.expression(0)?) };
        let mut arms = Vec::new();
        while self.word("WHEN") {
            let mut condition = self.expression(0)?;
            if let Some(subject) = &subject {
                condition = Expr::Compare(Compare::Eq, Box::new(subject.clone()), Box::new(condition));
            }
            if !self.word("THEN") {
                return None;
            }
            arms.push((condition, self.expression(0)?));
        }
        let otherwise = if self.word("ELSE") { self.expression(0)? } else { Expr::Const(Value::Null) };
        self.word("END").then(|| Expr::Case(arms, Box::new(otherwise)))
    }

    fn skip_parenthesis(&mut self) -> Option<()> {
        self.mark('(')?;
        let mut open = 1;
        while open > 0 {
            match self.peek()? {
                Token::Mark('(') => open += 1,
                Token::Mark(')') => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Some(())
    }

    /// A type's name behind `::`, without its modifier.
    fn type_name(&mut self) -> Option<String> {
        let mut name = match self.peek()?.clone() {
            Token::Word(w) => w,
            Token::Quoted(q) => format!("\"{q}\""),
            _ => return None,
        };
        self.at += 1;
        while self.mark('.').is_some() {
            self.at += 1;
            name = "\"other\"".into();
        }
        for more in ["varying", "precision"] {
            if self.word(more) {
                name = format!("{name} {more}");
            }
        }
        if self.peek() == Some(&Token::Mark('(')) {
            self.skip_parenthesis()?;
        }
        if (self.is_word(0, "with") || self.is_word(0, "without")) && self.is_word(1, "time") {
            self.at += 3;
        }
        while self.mark('[').is_some() {
            self.mark(']')?;
            name.push_str("[]");
        }
        Some(name)
    }
}

fn join(left: Expr, right: Expr, and: bool) -> Expr {
    let mut list = Vec::new();
    for side in [left, right] {
        match (side, and) {
            (Expr::And(inner), true) | (Expr::Or(inner), false) => list.extend(inner),
            (other, _) => list.push(other),
        }
    }
    if and { Expr::And(list) } else { Expr::Or(list) }
}

/// An array of constants; anything else in it is not understood.
pub(super) fn array(list: Vec<Expr>) -> Expr {
    let values: Option<Vec<Value>> = list
        .into_iter()
        .map(|e| match e {
            Expr::Const(value) => Some(value),
            _ => None,
        })
        .collect();
    values.map_or(Expr::Opaque, |v| Expr::Const(Value::Array(v)))
}

fn elements(list: Expr) -> Option<Vec<Expr>> {
    match list {
        Expr::Const(Value::Array(values)) => Some(values.into_iter().map(Expr::Const).collect()),
        _ => None,
    }
}

fn matches(subject: Expr, pattern: &str, insensitive: bool, negated: bool) -> Expr {
    let flags = if insensitive { "(?si)" } else { "(?s)" };
    let Ok(regex) = Regex::new(&format!("{flags}{pattern}")) else { return Expr::Opaque };
    let expr = Expr::Matches(Box::new(subject), Box::new(regex));
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

fn like(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => regex.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex + "$"
}
