//! What a statement does to transactions, from its words.

use super::StatementClass;
use crate::lex::{self, Kind, Token};

/// The class of the statement made of these tokens.
pub(super) fn class(text: &str, tokens: &[Token]) -> StatementClass {
    let words = words(text, tokens);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if controls_transaction(&words) || (words.first() == Some(&"do") && body_ends_transaction(text, tokens)) {
        StatementClass::TransactionControl
    } else if refuses_transaction(&words) {
        StatementClass::OutsideTransaction
    } else {
        StatementClass::Plain
    }
}

/// COPY … FROM STDIN: its data would follow in the script.
pub(super) fn copies_from_stdin(text: &str, tokens: &[Token]) -> bool {
    let words = words(text, tokens);
    words.first().is_some_and(|w| w == "copy") && words.windows(2).any(|w| w == ["from", "stdin"])
}

fn words(text: &str, tokens: &[Token]) -> Vec<String> {
    let words = tokens.iter().filter(|t| t.kind == Kind::Word);
    words.map(|t| text[t.range.clone()].to_ascii_lowercase()).collect()
}

fn controls_transaction(words: &[&str]) -> bool {
    match words {
        ["rollback" | "abort", "to", ..] | ["rollback" | "abort", "work" | "transaction", "to", ..] => false,
        ["begin" | "commit" | "rollback" | "end" | "abort", ..]
        | ["start" | "prepare", "transaction", ..] => true,
        _ => false,
    }
}

/// Statements that PostgreSQL refuses inside a transaction block.
/// <https://www.postgresql.org/docs/current/sql-commands.html>, per command.
fn refuses_transaction(words: &[&str]) -> bool {
    match words {
        ["create", "index", "concurrently", ..]
        | ["create", "unique", "index", "concurrently", ..]
        | ["drop", "index", "concurrently", ..]
        | ["create" | "drop", "database" | "tablespace" | "subscription", ..]
        | ["alter", "system", ..]
        | ["discard", "all"]
        | ["vacuum", ..] => true,
        // Without a table it takes all of them, each in a transaction of its own.
        ["cluster"] | ["cluster", "verbose"] => true,
        ["reindex", rest @ ..] => {
            let many = |w: &&str| matches!(*w, "concurrently" | "database" | "system" | "schema");
            rest.iter().take(4).any(many)
        }
        ["alter", "database", rest @ ..] => rest.windows(2).any(|w| w == ["set", "tablespace"]),
        ["alter", "table", rest @ ..] => {
            let detach = rest.windows(2).position(|w| w == ["detach", "partition"]);
            detach.is_some_and(|at| rest[at..].contains(&"concurrently"))
        }
        ["alter", "subscription", rest @ ..] => rest.contains(&"refresh"),
        ["repack", rest @ ..] => rest.contains(&"concurrently"),
        _ => false,
    }
}

/// Whether a DO block's body has a COMMIT or ROLLBACK of its own.
fn body_ends_transaction(text: &str, tokens: &[Token]) -> bool {
    tokens.iter().filter_map(|t| body(text, t)).any(|body| {
        let mut words = lex::tokens(&body).filter(|t| t.kind == Kind::Word);
        words.any(|t| matches!(body[t.range].to_ascii_lowercase().as_str(), "commit" | "rollback"))
    })
}

/// The text within a string's quotes.
fn body(text: &str, token: &Token) -> Option<String> {
    let literal = &text[token.range.clone()];
    match token.kind {
        Kind::Dollar => {
            let tag = literal[1..].find('$')? + 2;
            Some(literal.get(tag..literal.len().saturating_sub(tag)).unwrap_or(&literal[tag..]).to_owned())
        }
        Kind::Text => {
            let open = literal.find('\'')? + 1;
            Some(literal[open..].trim_end_matches('\'').replace("''", "'"))
        }
        _ => None,
    }
}
