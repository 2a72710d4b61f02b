//! CSV: of `pg_stat_statements` with a heading, or a csvlog without one.

use super::{Found, log};

/// Fields of a csvlog at least, and where severity and message stand.
const LOG_FIELDS_MIN: usize = 23;
const LOG_SEVERITY: usize = 11;
const LOG_MESSAGE: usize = 13;

/// The statements of a CSV file.
pub(super) fn statements(text: &str) -> Option<Vec<Found>> {
    let records = records(text);
    let (_, heading) = records.first()?;
    // What psql prints aligned has blanks around its heading.
    let column = |name: &str| heading.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    if let Some(query) = column("query") {
        let calls = column("calls");
        let of = |(line, cells): &(u32, Vec<String>)| {
            let sql = cells.get(query).filter(|sql| !sql.is_empty())?.clone();
            let calls = calls.and_then(|c| cells.get(c)?.trim().parse().ok()).unwrap_or(1);
            Some(Found { sql, line: *line, calls })
        };
        return Some(records[1..].iter().filter_map(of).collect());
    }
    if heading.len() < LOG_FIELDS_MIN || heading[LOG_SEVERITY].is_empty() {
        return None;
    }
    let of = |(line, cells): &(u32, Vec<String>)| {
        let sql = log::statement(cells.get(LOG_MESSAGE)?)?.to_owned();
        Some(Found { sql, line: *line, calls: 1 })
    };
    Some(records.iter().filter_map(of).collect())
}

/// Records with the line on which each begins. Fields in double quotes may hold commas, line ends, and doubled quotes.
fn records(text: &str) -> Vec<(u32, Vec<String>)> {
    let mut records: Vec<(u32, Vec<String>)> = Vec::new();
    let (mut fields, mut field) = (Vec::new(), String::new());
    let (mut quoted, mut line, mut begun) = (false, 1, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += u32::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field).trim_end_matches('\r').to_owned());
                records.push((begun, std::mem::take(&mut fields)));
                begun = line;
            }
            c => field.push(c),
        }
    }
    if !fields.is_empty() || !field.is_empty() {
        fields.push(field);
        records.push((begun, fields));
    }
    records.retain(|(_, fields)| fields.iter().any(|f| !f.trim().is_empty()));
    records
}
