//! Escaping, one function a sink. Every string that comes from data, identifiers, SQL or a server passes
//! through one of these before it reaches a report; nothing else builds output from foreign text.
//!
//! Three things are promised: no control, bidirectional or invisible character is written as it stands;
//! no text breaks out of the place that it is put in (a table's row, a heading, a code fence);
//! and code is shown exactly, character by character, while sentences lose their line ends.

use std::fmt::Write as _;

/// Characters that a reader cannot see, or that change how others are seen.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn push_visible(out: &mut String, c: char) {
    match c {
        // Unicode has a picture for each of the C0 controls, 0x2400 above them.
        '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('␡'),
        c if c.is_control() || is_invisible(c) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

/// Makes control, bidirectional and invisible characters visible, line ends and tabs included.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_visible(&mut out, c));
    out
}

/// As [`visible`], but keeps line ends (CR LF becomes LF) and tabs: for blocks of text.
pub fn visible_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        for c in line.chars() {
            if c == '\t' { out.push(c) } else { push_visible(&mut out, c) }
        }
    }
    out
}

/// Text on a terminal, on one line: visible, and no workflow command of a CI service (`::error::`, `##[error]`).
pub fn terminal(text: &str) -> String {
    let text = visible(text).replace("##[", "#\\u{23}[");
    let indent = text.len() - text.trim_start().len();
    match text[indent..].strip_prefix("::") {
        Some(rest) => format!("{}\\u{{3a}}:{rest}", &text[..indent]),
        None => text,
    }
}

/// Markdown text on one line, literally: no markup, link, mention, HTML, or cell border comes out of it.
/// Good in paragraphs, headings, list items and table cells.
pub fn text(text: &str) -> String {
    text_at(text, true)
}

/// `start`: whether the text may stand at the beginning of a line.
fn text_at(text: &str, start: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let line = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let seen = visible(&line.join(" "));
    let chars: Vec<char> = seen.chars().collect();
    let word = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
    for (i, &c) in chars.iter().enumerate() {
        let (before, after) = (word(i.checked_sub(1)), word(Some(i + 1)));
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => out.extend(['\\', c]),
            // Inside a word an underscore is only an underscore.
            '_' if !(before && after) => out.push_str("\\_"),
            // An empty comment keeps a mention, a mail address and a bare address from becoming links.
            '@' if after => out.push_str("@<!-- -->"),
            ':' if chars[i + 1..].starts_with(&['/', '/']) => out.push_str(":<!-- -->"),
            '.' if i >= 3 && chars[i - 3..i].iter().all(|c| matches!(c, 'w' | 'W')) => {
                out.push_str("<!-- -->.")
            }
            '#' if after => out.push_str("#<!-- -->"),
            '#' if start && i == 0 => out.push_str("\\#"),
            // What would start a list, a rule or a quotation at the beginning of a line.
            '-' | '+' | '=' if start && i == 0 && !after => out.extend(['\\', c]),
            '.' | ')' if start && i > 0 && chars[..i].iter().all(char::is_ascii_digit) && !after => {
                out.extend(['\\', c])
            }
            c => out.push(c),
        }
    }
    out
}

/// As [`text`], except that a pair of single backticks makes inline code: the one piece of markup that the
/// report's own sentences may use.
pub fn prose(sentence: &str) -> String {
    let parts: Vec<&str> = sentence.split('`').collect();
    if parts.len().is_multiple_of(2) || parts.iter().skip(1).step_by(2).any(|part| part.trim().is_empty()) {
        return text(sentence);
    }
    let mut out = String::with_capacity(sentence.len() + 8);
    for (i, part) in parts.iter().enumerate() {
        if i % 2 == 1 {
            out.push_str(&code(part));
        } else {
            // `text` drops the spaces around line ends, which separate words from code here.
            let (lead, trail) = (part.starts_with(char::is_whitespace), part.ends_with(char::is_whitespace));
            let body = text_at(part, i == 0);
            if lead && !body.starts_with(' ') {
                out.push(' ');
            }
            out.push_str(&body);
            if trail && !body.ends_with(' ') && !body.is_empty() {
                out.push(' ');
            }
        }
    }
    out
}

/// Inline code on one line, in a paragraph or a table cell.
pub fn code(content: &str) -> String {
    if content.is_empty() {
        return "*empty*".to_owned();
    }
    let seen = visible(content);
    if seen.contains('|') {
        // Within a table a backslash does not protect a border that follows another backslash, and outside it
        // would be shown. As entities both are exact.
        return format!("<code>{}</code>", entities(&seen));
    }
    let fence = "`".repeat(longest_run(&seen, '`') + 1);
    let padded = seen.starts_with('`')
        || seen.ends_with('`')
        || (seen.starts_with(' ') && seen.ends_with(' ') && !seen.trim().is_empty());
    let pad = if padded { " " } else { "" };
    format!("{fence}{pad}{seen}{pad}{fence}")
}

/// Every character that means something to Markdown or HTML, as a character reference. Addresses are looked for
/// after references are resolved, so an empty comment breaks them up as in [`text`].
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut last = ' ';
    for c in text.chars() {
        match c {
            '@' | ':' => {
                let _ = write!(out, "&#{};<!-- -->", c as u32);
            }
            '.' if matches!(last, 'w' | 'W') => out.push_str("<!-- -->."),
            ',' | ';' | '(' | ')' | '\'' | '"' | '=' | '-' | '/' | '.' => out.push(c),
            c if c.is_ascii_punctuation() => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c => out.push(c),
        }
        last = c;
    }
    out
}

/// Text between HTML tags, on one line: for the few places where Markdown is not read, as in a `<summary>`.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '@' => out.push_str("@<!-- -->"),
            c => out.push(c),
        }
    }
    out
}

/// A fenced block that nothing inside can close. `language` is the renderer's own word, never data.
pub fn fence(content: &str, language: &'static str) -> String {
    let seen = visible_lines(content);
    let marks = "`".repeat(longest_run(&seen, '`').max(2) + 1);
    format!("{marks}{language}\n{}\n{marks}", seen.trim_end_matches('\n'))
}

/// The target of a Markdown link to a file beside the report: everything but plain path characters is encoded.
pub fn link_target(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// One word of a POSIX shell's command line.
pub fn shell_word(word: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// At most `chars_max` characters, and how long it was if it was longer.
pub fn shorten(text: &str, chars_max: usize) -> String {
    let length = text.chars().count();
    if length <= chars_max {
        return text.to_owned();
    }
    let head: String = text.chars().take(chars_max).collect();
    format!("{head}… ({length} characters)")
}

fn longest_run(text: &str, mark: char) -> usize {
    text.split(|c| c != mark).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod tests;
