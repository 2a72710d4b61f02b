//! What psql prints of a query: aligned columns, or one field a line.

use super::Found;

/// The statements of a table that psql printed.
pub(super) fn statements(text: &str) -> Option<Vec<Found>> {
    expanded(text).or_else(|| aligned(text))
}

/// `-[ RECORD 1 ]---`, then `field | value` for each; `+` at a line's end says that the value goes on.
fn expanded(text: &str) -> Option<Vec<Found>> {
    let mut found: Vec<Found> = Vec::new();
    let mut is_known = false;
    let mut goes_on = false;
    for (line, number) in text.lines().zip(1..) {
        if line.starts_with("-[ RECORD") {
            (is_known, goes_on) = (true, false);
            found.push(Found { sql: String::new(), line: number, calls: 1 });
            continue;
        }
        let Some((field, value)) = line.split_once('|') else { continue };
        let Some(record) = found.last_mut() else { continue };
        let field = field.trim();
        let (value, more) = unbroken(value);
        match field {
            "query" => value.clone_into(&mut record.sql),
            "" if goes_on => record.sql.push_str(&format!("\n{value}")),
            "calls" => record.calls = value.parse().unwrap_or(1),
            _ => {}
        }
        goes_on = more && (field == "query" || (field.is_empty() && goes_on));
    }
    found.retain(|record| !record.sql.is_empty());
    is_known.then_some(found)
}

/// A heading, a line of `-` and `+`, then rows whose cells stand below the heading's.
fn aligned(text: &str) -> Option<Vec<Found>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &&str| line.starts_with('-') && line.chars().all(|c| matches!(c, '-' | '+'));
    let rule = lines.iter().position(is_rule).filter(|at| *at > 0)?;
    let widths: Vec<usize> = lines[rule].split('+').map(|part| part.chars().count()).collect();
    let heading = cells(lines[rule - 1], &widths);
    let column = |name: &str| heading.iter().position(|cell| cell.trim() == name);
    let (query, calls) = (column("query")?, column("calls"));
    let mut found: Vec<Found> = Vec::new();
    let mut goes_on = false;
    for (line, number) in lines.iter().zip(1..).skip(rule + 1) {
        let is_count = line.starts_with('(') && line.ends_with(')');
        if line.is_empty() || is_count {
            goes_on = false;
            continue;
        }
        let cells = cells(line, &widths);
        let (value, more) = unbroken(&cells[query]);
        match found.last_mut().filter(|_| goes_on) {
            Some(record) => record.sql.push_str(&format!("\n{value}")),
            None => {
                let calls = calls.and_then(|c| cells[c].trim().parse().ok()).unwrap_or(1);
                found.push(Found { sql: value.to_owned(), line: number, calls });
            }
        }
        goes_on = more;
    }
    Some(found)
}

/// The cells of a line, one for each width; the last one is not padded, and may stand out.
fn cells(line: &str, widths: &[usize]) -> Vec<String> {
    let mut rest = line.chars();
    let mut cells: Vec<String> = Vec::with_capacity(widths.len());
    for width in &widths[..widths.len().saturating_sub(1)] {
        cells.push(rest.by_ref().take(*width).collect());
        rest.next(); // the `|` between
    }
    cells.push(rest.collect());
    cells
}

/// A value without the mark that it goes on, and whether it does.
fn unbroken(value: &str) -> (&str, bool) {
    let value = value.trim();
    value.strip_suffix('+').map_or((value, false), |rest| (rest.trim_end(), true))
}
