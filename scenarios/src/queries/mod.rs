//! The application's statements: files of named queries, as sqlc, yesql and HugSQL read them, and what was seen of it on
//! a server.

mod sent;
mod uses;

use crate::lex::{self, Kind, Token};

pub use sent::sent;
pub use uses::{Use, Uses};

/// One query of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its name, as annotated, or made of what it does.
    pub name: String,
    /// 1-based line of its annotation, or of where it was seen first.
    pub line: u32,
    /// The statement, parameters written `:name`.
    pub sql: String,
}

/// The queries of a file: each begins with a comment `-- name: get-user` or `-- :name get-user`. Parameters may be
/// `:name`, `@name`, `$1`, `sqlc.arg(name)` or `sqlc.narg('name')`; all come out as `:name`, a numbered one as `:p1`.
pub fn queries(text: &str) -> Vec<Query> {
    let mut found: Vec<(String, u32, String)> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
        if let Some(name) = annotation(line) {
            found.push((name, number, String::new()));
        } else if let Some((.., sql)) = found.last_mut() {
            sql.push_str(line);
            sql.push('\n');
        }
    }
    let query = |(name, line, text): (String, u32, String)| Query { name, line, sql: named(text.trim()) };
    found.into_iter().map(query).collect()
}

/// The name in an annotation. What stands behind it (`:one`, `:? :*`) is for the tool.
fn annotation(line: &str) -> Option<String> {
    let comment = line.trim_start().strip_prefix("--")?.trim_start();
    let rest = comment.strip_prefix("name:").or_else(|| comment.strip_prefix(":name "))?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The statement with every parameter as `:name`.
fn named(sql: &str) -> String {
    let tokens: Vec<Token> = lex::tokens(sql).collect();
    let text = |n: usize| tokens.get(n).map_or("", |t| &sql[t.range.clone()]);
    let kind = |n: usize| tokens.get(n).map(|t| t.kind);
    let mut out = String::with_capacity(sql.len());
    let mut n = 0;
    while n < tokens.len() {
        // An operator that ends in @ stands before a blank or a value; a parameter directly before its name.
        let operator = n > 0 && kind(n - 1) == Some(Kind::Other) && kind(n) == Some(Kind::Other);
        match text(n) {
            "@" if kind(n + 1) == Some(Kind::Word) && !operator => {
                out.push_str(&format!(":{}", text(n + 1)));
                n += 2;
            }
            t if kind(n) == Some(Kind::Positional) => {
                out.push_str(&format!(":p{}", &t[1..]));
                n += 1;
            }
            "sqlc" if text(n + 1) == "." && matches!(text(n + 2), "arg" | "narg") && text(n + 3) == "(" => {
                out.push_str(&format!(":{}", text(n + 4).trim_matches(['\'', '"'])));
                n += 6;
            }
            t => {
                out.push_str(t);
                n += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn queries_are_found_by_their_names() {
        let text = "-- a file\n\n-- name: GetAuthor :one\n-- By its key.\nSELECT * FROM authors\nWHERE id = $1;\n\n\
                    -- :name list-authors :? :*\nSELECT * FROM authors WHERE org = :org";
        let found = queries(text);
        let names: Vec<(&str, u32)> = found.iter().map(|q| (q.name.as_str(), q.line)).collect();
        assert_eq!(names, [("GetAuthor", 3), ("list-authors", 8)]);
        assert_eq!(found[0].sql, "-- By its key.\nSELECT * FROM authors\nWHERE id = :p1;");
    }

    #[rstest]
    #[case("SELECT $1, $2::uuid, '$3'", "SELECT :p1, :p2::uuid, '$3'")]
    #[case("WHERE a = @tenant AND b @> @b", "WHERE a = :tenant AND b @> :b")]
    #[case("WHERE a = sqlc.arg(org_id) OR sqlc.narg('x') IS NULL", "WHERE a = :org_id OR :x IS NULL")]
    #[case("WHERE a = :a AND t::text = 'me@x'", "WHERE a = :a AND t::text = 'me@x'")]
    fn parameters_come_out_alike(#[case] sql: &str, #[case] expected: &str) {
        assert_eq!(named(sql), expected);
    }
}
