//! What a statement does to transactions, from its words.

use super::StatementClass;
use super::reader::Word;
use crate::lex::{self, Kind, Token};

/// The class of the statement made of these tokens.
pub(super) fn class(text: &str, tokens: &[Token]) -> StatementClass {
    let words = words(text, tokens);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // CLUSTER without a table takes all of them, each in a transaction of its own.
    if controls_transaction(&words) || (words.first() == Some(&"do") && body_ends_transaction(text, tokens)) {
        StatementClass::TransactionControl
    } else if refuses_transaction(&words) || (tokens.len() == 1 && words == ["cluster"]) {
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
    let words = tokens.iter().map(|t| Word { kind: t.kind, text: &text[t.range.clone()] });
    words.filter_map(|w| w.body()).any(|body| {
        let mut words = lex::tokens(&body).filter(|t| t.kind == Kind::Word);
        words.any(|t| matches!(body[t.range].to_ascii_lowercase().as_str(), "commit" | "rollback"))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::script::{Script, StatementClass};

    fn class_of(sql: &str) -> StatementClass {
        let script = Script::parse("s.sql", sql.as_bytes()).expect("it is sound");
        assert_eq!(script.statements.len(), 1, "{sql}");
        script.statements[0].class
    }

    #[rstest]
    #[case("SELECT 1")]
    #[case("CREATE INDEX i ON t (c)")]
    #[case("CREATE INDEX \"concurrently\" ON t (c)")]
    #[case("ALTER TYPE mood ADD VALUE 'so-so'")]
    #[case("REFRESH MATERIALIZED VIEW CONCURRENTLY v")]
    #[case("CALL fill()")]
    #[case("SAVEPOINT a")]
    #[case("ROLLBACK TO SAVEPOINT a")]
    #[case("ROLLBACK WORK TO a")]
    #[case("PREPARE q AS SELECT 1")]
    #[case("ALTER TABLE t DETACH PARTITION p")]
    #[case("CLUSTER \"t\" USING i")]
    #[case("DO $$ BEGIN RAISE NOTICE 'COMMIT'; -- ROLLBACK\nEND $$")]
    #[case("INSERT INTO log VALUES ('VACUUM')")]
    fn plain(#[case] sql: &str) {
        assert_eq!(class_of(sql), StatementClass::Plain);
    }

    #[rstest]
    #[case("BEGIN")]
    #[case("start transaction isolation level serializable")]
    #[case("/* x */ Commit")]
    #[case("END")]
    #[case("ROLLBACK AND CHAIN")]
    #[case("PREPARE TRANSACTION 'a'")]
    #[case("DO $do$ BEGIN UPDATE t SET a = 1; COMMIT; END $do$")]
    #[case("DO LANGUAGE plpgsql 'BEGIN RAISE NOTICE ''x''; ROLLBACK; END'")]
    fn transaction_control(#[case] sql: &str) {
        assert_eq!(class_of(sql), StatementClass::TransactionControl);
    }

    #[rstest]
    #[case("CREATE INDEX CONCURRENTLY i ON t (c)")]
    #[case("create unique index concurrently if not exists i on t (c)")]
    #[case("DROP INDEX CONCURRENTLY i")]
    #[case("REINDEX INDEX CONCURRENTLY i")]
    #[case("REINDEX (VERBOSE, CONCURRENTLY) TABLE t")]
    #[case("VACUUM (ANALYZE) t")]
    #[case("ALTER SYSTEM SET work_mem = '1MB'")]
    #[case("CREATE DATABASE d")]
    #[case("DROP DATABASE d")]
    #[case("CREATE TABLESPACE s LOCATION '/x'")]
    #[case("ALTER TABLE \"t\" DETACH PARTITION \"p\" CONCURRENTLY")]
    #[case("CLUSTER")]
    fn outside_transaction(#[case] sql: &str) {
        assert_eq!(class_of(sql), StatementClass::OutsideTransaction);
    }
}
