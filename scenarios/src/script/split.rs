//! Splitting a script into statements, as psql does it.

use std::ops::Range;

use super::{Statement, classify};
use crate::lex::{self, Kind, Token};

/// Something in a script that no server takes.
pub(super) struct Refusal {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
}

/// The statements of a script. Blanks and semicolons between them belong to none.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, Refusal> {
    let mut found = Vec::new();
    let mut current = Current::default();
    let mut lines = Lines::new(text);
    let mut tokens = lex::tokens(text);
    while let Some(token) = tokens.next() {
        match token.kind {
            Kind::Blank => {}
            Kind::Backslash => tokens.resume_at(meta_command(text, token.range.start)?),
            Kind::Semicolon if current.is_complete() => {
                found.extend(current.finish(text, &mut lines)?);
            }
            _ => current.push(text, token),
        }
    }
    found.extend(current.finish(text, &mut lines)?);
    Ok(found)
}

/// The statement being read.
#[derive(Default)]
struct Current {
    tokens: Vec<Token>,
    /// Words so far, lower-cased: enough of them to see `CREATE OR REPLACE FUNCTION`.
    head: Vec<String>,
    parens: usize,
    /// `BEGIN ATOMIC` and `CASE` that are still open in the body of an SQL-standard function.
    blocks: usize,
    after_begin: bool,
}

impl Current {
    fn is_complete(&self) -> bool {
        self.parens == 0 && self.blocks == 0
    }

    fn push(&mut self, text: &str, token: Token) {
        match token.kind {
            Kind::Open => self.parens += 1,
            Kind::Close => self.parens = self.parens.saturating_sub(1),
            Kind::Word => self.word(&text[token.range.clone()].to_ascii_lowercase()),
            _ => {}
        }
        if token.kind != Kind::Word {
            self.after_begin = false;
        }
        self.tokens.push(token);
    }

    fn word(&mut self, word: &str) {
        if self.head.len() < 4 {
            self.head.push(word.to_owned());
        }
        let after_begin = std::mem::replace(&mut self.after_begin, word == "begin");
        if self.parens > 0 || !self.creates_routine() {
            return;
        }
        match word {
            "atomic" if after_begin && self.blocks == 0 => self.blocks = 1,
            "begin" | "case" if self.blocks > 0 => self.blocks += 1,
            "end" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
    }

    fn creates_routine(&self) -> bool {
        let head: Vec<&str> = self.head.iter().map(String::as_str).collect();
        matches!(
            head.as_slice(),
            ["create", "function" | "procedure", ..]
                | ["create", "or", "replace", "function" | "procedure", ..]
        )
    }

    fn finish(&mut self, text: &str, lines: &mut Lines<'_>) -> Result<Option<Statement>, Refusal> {
        let tokens = std::mem::take(self).tokens;
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return Ok(None) };
        let range = first.range.start..last.range.end;
        if classify::copies_from_stdin(text, &tokens) {
            return Err(Refusal {
                range: range.start..range.start + "COPY".len(),
                message: "COPY … FROM STDIN with its data in the script works in psql only".to_owned(),
                help: "write the rows as INSERT (`pg_dump --inserts`)".to_owned(),
            });
        }
        let class = classify::class(text, &tokens);
        Ok(Some(Statement { line: lines.line_of(range.start), range, class }))
    }
}

/// Refuses a psql command; `\restrict` and `\unrestrict`, which pg_dump writes around a dump and which mean
/// nothing to a server, are passed over. Returns where to go on.
fn meta_command(text: &str, start: usize) -> Result<usize, Refusal> {
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let line = &text[start..line_end];
    let command = line.split_whitespace().next().unwrap_or(line);
    if matches!(command, "\\restrict" | "\\unrestrict") {
        return Ok(line_end);
    }
    let help = match command {
        "\\i" | "\\ir" | "\\include" | "\\include_relative" => {
            "name the included file in the scenario itself"
        }
        "\\c" | "\\connect" => "a script runs on the database that its step names",
        "\\copy" => "write the rows as INSERT",
        "\\." => {
            "data of COPY … FROM STDIN works in psql only; write the rows as INSERT (`pg_dump --inserts`)"
        }
        _ => "remove it: scripts are sent to the server as they are, without psql",
    };
    Err(Refusal {
        range: start..start + command.len(),
        message: format!("`{command}` is a psql command, not SQL"),
        help: help.to_owned(),
    })
}

/// Line numbers of rising offsets, in one pass.
struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, offset: 0, line: 1 }
    }

    fn line_of(&mut self, offset: usize) -> u32 {
        let breaks = self.text.as_bytes()[self.offset..offset].iter().filter(|b| **b == b'\n').count();
        self.line += u32::try_from(breaks).unwrap_or(u32::MAX);
        self.offset = offset;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::lex::{self, Kind};
    use crate::script::Script;

    fn parse(sql: &str) -> Script {
        Script::parse("s.sql", sql.as_bytes()).expect("it is sound")
    }

    fn split(sql: &str) -> Vec<(u32, String)> {
        let script = parse(sql);
        script.statements.iter().map(|s| (s.line, script.sql(s).to_owned())).collect()
    }

    #[test]
    fn statements_have_their_lines() {
        let sql = "-- head\n\nSELECT 1;;\r\n/* a; /* b; */ */ SELECT\n2 -- tail;\n; SELECT 3";
        let expected = [(3, "SELECT 1"), (4, "SELECT\n2"), (6, "SELECT 3")];
        assert_eq!(split(sql), expected.map(|(line, sql)| (line, sql.to_owned())));
    }

    #[test]
    fn nothing_is_an_empty_script() {
        for sql in ["", "\u{feff}", " \r\n", ";;", "-- only a comment", "/* open"] {
            assert_eq!(split(sql), [], "{sql}");
        }
    }

    #[test]
    fn bodies_of_sql_standard_functions_are_one_statement() {
        let f = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; \
                 SELECT CASE WHEN true THEN (SELECT 1) ELSE 2 END; END";
        let p = "CREATE PROCEDURE begin() LANGUAGE sql AS $$SELECT 1;$$";
        let r = "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)";
        let sql = format!("{f};\n{p};{r}; BEGIN; SELECT 1; END");
        let found: Vec<String> = split(&sql).into_iter().map(|(_, sql)| sql).collect();
        assert_eq!(found, [f, p, r, "BEGIN", "SELECT 1", "END"]);
    }

    #[test]
    fn what_pg_dump_wraps_a_dump_in_is_passed_over() {
        let found = split("\\restrict aB3'\nSELECT 1;\n\\unrestrict aB3'\n");
        assert_eq!(found, [(2, "SELECT 1".to_owned())]);
    }

    #[test]
    fn psql_commands_are_sql_within_quotes() {
        let sql = "SELECT '\\connect', $$\n\\i x\n$$ -- \\! ls\n/*\n\\copy */";
        assert_eq!(split(sql).len(), 1);
    }

    /// A statement with whatever could mislead a splitter.
    fn statement() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z]{1,8}",
            "'([^'\\\\\0]|''){0,8}'",
            "E'([^'\\\\\0]|\\\\'|\\\\\\\\|''){0,8}'",
            "\"([^\"\0]|\"\"){1,8}\"",
            "\\$\\$[^$\0]{0,8}\\$\\$",
            "\\$tag\\$([^$\0]|\\$\\$|\\$x\\$){0,6}\\$tag\\$",
            "/\\*[a-z;' ]{0,6}/\\*[a-z;'\"]{0,6}\\*/;\\*/",
            "--[a-z;'\"$ ]{0,8}\n",
            "\\([a-z;,']{0}[a-z, ]{0,6};[a-z]{0,4}\\)",
            Just("a$b$c".to_owned()),
            Just("x::text".to_owned()),
            Just("1.5e3".to_owned()),
        ];
        prop::collection::vec(piece, 1..8).prop_map(|pieces| format!("select {}", pieces.join(" ")))
    }

    proptest! {
        #[test]
        fn generated_statements_are_found_again(
            statements in prop::collection::vec(statement(), 0..6),
            gap in "[ \t\r\n]{0,3}",
        ) {
            let mut sql = String::new();
            for statement in &statements {
                sql.push_str(&format!("{statement}\n;{gap}"));
            }
            let found = split(&sql);
            prop_assert_eq!(found.len(), statements.len());
            for ((_, found), made) in found.iter().zip(&statements) {
                prop_assert!(made.starts_with(found.as_str()), "{} in {}", found, made);
                let rest = &made[found.len()..];
                prop_assert!(lex::tokens(rest).all(|t| t.kind == Kind::Blank), "{}", rest);
            }
        }

        #[test]
        fn nothing_is_lost_between_statements(sql in "[a-z'\"$;()\n\r/*-]{0,60}|\\PC{0,60}") {
            let Ok(script) = Script::parse("s.sql", sql.as_bytes()) else { return Ok(()) };
            let mut joined = String::new();
            let mut at = 0;
            for statement in &script.statements {
                let gap = &script.text[at..statement.range.start];
                let blank = |t: lex::Token| matches!(t.kind, Kind::Blank | Kind::Semicolon | Kind::Backslash);
                prop_assert!(gap.contains("restrict") || lex::tokens(gap).all(blank), "{gap:?}");
                let before = &script.text[..statement.range.start];
                prop_assert_eq!(statement.line as usize, before.matches('\n').count() + 1);
                joined.push_str(gap);
                joined.push_str(script.sql(statement));
                at = statement.range.end;
            }
            joined.push_str(&script.text[at..]);
            prop_assert_eq!(joined, script.text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Script::parse("s.sql", &bytes);
        }
    }
}
