//! Arrays, ranges and composite values in the server's quoting.

/// `{a,b}` with each element quoted where the server quotes it; `None` is NULL.
pub(crate) fn print(elements: &[Option<String>]) -> String {
    let mut text = String::from("{");
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        match element {
            None => text.push_str("NULL"),
            Some(e) if needs_quotes(e) => push_quoted(&mut text, e),
            Some(e) => text.push_str(e),
        }
    }
    text + "}"
}

/// As [`print`], for elements that are arrays themselves.
pub(crate) fn print_nested(elements: &[String]) -> String {
    format!("{{{}}}", elements.join(","))
}

fn needs_quotes(element: &str) -> bool {
    element.is_empty()
        || element.eq_ignore_ascii_case("null")
        || element.chars().any(|c| matches!(c, '{' | '}' | ',' | '"' | '\\') || is_space(c))
}

/// What the server's parser of arrays and rows takes for white space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn push_quoted(text: &mut String, element: &str) {
    text.push('"');
    for c in element.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

/// `(a,"b c",)`: a composite value; `None` is NULL.
pub(crate) fn print_row(fields: &[Option<String>]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| match field {
            None => String::new(),
            Some(f)
                if f.is_empty()
                    || f.chars().any(|c| matches!(c, '(' | ')' | ',' | '"' | '\\') || is_space(c)) =>
            {
                format!("\"{}\"", f.replace('\\', "\\\\").replace('"', "\"\""))
            }
            Some(f) => f.clone(),
        })
        .collect();
    format!("({})", fields.join(","))
}

/// `[low,high)` with each bound quoted where the server quotes it.
pub(crate) fn print_range(low: &str, high: &str) -> String {
    format!("[{},{})", bound(low), bound(high))
}

fn bound(text: &str) -> String {
    let special = |c: char| matches!(c, '(' | ')' | '[' | ']' | ',' | '"' | '\\') || is_space(c);
    if text.is_empty() || text.chars().any(special) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Elements of a one-dimensional array's text.
pub(crate) fn split(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut items = Vec::new();
    let mut chars = inner.chars().peekable();
    while chars.peek().is_some() {
        let mut item = String::new();
        let mut quoted = false;
        while let Some(c) = chars.next() {
            match c {
                '"' if !quoted && item.is_empty() => {
                    quoted = true;
                    loop {
                        match chars.next()? {
                            '"' => break,
                            '\\' => item.push(chars.next()?),
                            c => item.push(c),
                        }
                    }
                }
                ',' => {
                    // A comma at the end would announce an element that is not there.
                    chars.peek()?;
                    break;
                }
                '{' | '}' => return None,
                c => item.push(c),
            }
        }
        items.push(if !quoted && item.eq_ignore_ascii_case("null") { None } else { Some(item) });
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quoting_is_the_servers() {
        let some = |t: &str| Some(t.to_owned());
        assert_eq!(
            print(&[some("a"), some(""), None, some("NULL"), some("x\"\\,")]),
            r#"{a,"",NULL,"NULL","x\"\\,"}"#
        );
        assert_eq!(print_row(&[some("a b"), None, some("\"")]), "(\"a b\",,\"\"\"\")");
        assert_eq!(
            print_range("2024-01-01 00:00:00", "2024-01-02 00:00:00"),
            "[\"2024-01-01 00:00:00\",\"2024-01-02 00:00:00\")"
        );
    }

    proptest! {
        #[test]
        fn arrays_read_back(items in proptest::collection::vec(proptest::option::of("[a-z ,{}\"\\\\]{0,5}"), 0..4)) {
            prop_assert_eq!(split(&print(&items)), Some(items));
        }
    }
}
