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
    let mut resume = 0;
    for token in lex::tokens(text) {
        if token.range.start < resume {
            continue;
        }
        match token.kind {
            Kind::Blank => {}
            Kind::Backslash => resume = meta_command(text, token.range.start)?,
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
