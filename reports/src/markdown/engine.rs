//! The template engine, set up so that nothing reaches a page unescaped.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;

use crate::{escape, units};

/// Characters of a value shown in a table; the whole of it is in the counterexample's script.
const VALUE_CHARS_MAX: usize = 80;

/// Characters of a server's answer shown in a table: the message, and the beginning of its detail.
const ANSWER_CHARS_MAX: usize = 160;

/// Characters of a statement shown in a table; the step's file holds the whole of it.
const HEAD_CHARS_MAX: usize = 90;

/// One section: a template and what it reads.
pub(super) struct Section {
    template: &'static str,
    context: Value,
}

impl Section {
    /// `template` is a file's text; `context` a struct or map.
    pub(super) fn new(template: &'static str, context: impl Serialize) -> Self {
        Self { template, context: Value::from(Serde(context)) }
    }
}

/// The sections as one document.
pub(super) fn render(sections: &[Section]) -> String {
    let engine = engine();
    let mut document = String::new();
    for section in sections {
        let text = engine
            .render_str(section.template, section.context.clone())
            .expect("templates are part of this crate and read only what their section gives them");
        document.push_str(text.trim());
        document.push_str("\n\n");
    }
    tidy(&document)
}

fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    engine.set_syntax(syntax.expect("the delimiters are the default ones"));
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_formatter(print);
    engine.add_filter("code", |text: &str| safe(escape::code(text)));
    engine.add_filter("prose", |text: &str| safe(escape::prose(text)));
    engine.add_filter("html", |text: &str| safe(escape::html(text)));
    engine.add_filter("value", value);
    engine.add_filter("answer", |text: &str| safe(escape::code(&escape::shorten(text, ANSWER_CHARS_MAX))));
    engine.add_filter("head", |sql: &str| safe(escape::code(&head(sql))));
    engine.add_filter("sql", |text: &str| safe(escape::fence(text, "sql")));
    engine.add_filter("bash", |text: &str| safe(escape::fence(text, "bash")));
    engine.add_filter("block", |text: &str| safe(escape::fence(text, "text")));
    engine.add_filter("link", |path: &str| safe(escape::link_target(path)));
    engine.add_filter("labels", |labels: Vec<String>| safe(labels_linked(&labels)));
    engine.add_filter("n", units::number);
    engine.add_filter("ms", units::duration);
    engine
}

/// A statement on one line: without comments before it, shortened.
fn head(sql: &str) -> String {
    let lines = sql.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    match line.char_indices().nth(HEAD_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Prints a value. Text that no filter declared safe is escaped as Markdown text.
fn print(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let written = match value.kind() {
        ValueKind::None => out.write_str("–"),
        ValueKind::Number => write!(out, "{value}"),
        ValueKind::String if value.is_safe() => out.write_str(value.as_str().unwrap_or_default()),
        ValueKind::String => out.write_str(&escape::text(value.as_str().unwrap_or_default())),
        kind => return Err(Error::new(ErrorKind::InvalidOperation, format!("a {kind} cannot be printed"))),
    };
    written.map_err(Error::from)
}

fn safe(text: String) -> Value {
    Value::from_safe_string(text)
}

/// A cell of a row of data: NULL is told apart from the word.
fn value(value: &Value) -> Value {
    match value.as_str() {
        None => safe("NULL".to_owned()),
        Some(text) => safe(escape::code(&escape::shorten(text, VALUE_CHARS_MAX))),
    }
}

/// Links to issues of the same page. Labels are made by this crate.
fn labels_linked(labels: &[String]) -> String {
    if labels.is_empty() {
        return "–".to_owned();
    }
    let links = labels.iter().map(|label| format!("[{label}](#{})", label.to_ascii_lowercase()));
    links.collect::<Vec<_>>().join(", ")
}

/// At most one blank line in a row and no spaces at line ends, except in code.
fn tidy(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let (mut fence, mut blank) = (None::<String>, true);
    for line in document.lines() {
        match &fence {
            Some(marks) => {
                if line == marks {
                    fence = None;
                }
                out.push_str(line);
                out.push('\n');
                continue;
            }
            // Inline code may begin with as many marks; a fence has none after its own.
            None if line.starts_with("```") && !line.trim_start_matches('`').contains('`') => {
                fence = Some(line.chars().take_while(|&c| c == '`').collect());
            }
            None => {}
        }
        let line = line.trim_end();
        if !(line.is_empty() && blank) {
            out.push_str(line);
            out.push('\n');
        }
        blank = line.is_empty();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
