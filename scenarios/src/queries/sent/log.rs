//! Server logs: what `log_statement` and `log_min_duration_statement` write.

use super::Found;

/// The statement in a message of the log: `statement: …`, `execute name: …`, with or without its duration.
pub(super) fn statement(message: &str) -> Option<&str> {
    let message = message.trim_start();
    let message = match message.strip_prefix("duration: ") {
        Some(rest) => rest.split_once(" ms").map(|(_, rest)| rest.trim_start())?,
        None => message,
    };
    if let Some(sql) = message.strip_prefix("statement: ") {
        return Some(sql);
    }
    // `execute <unnamed>: …`; `execute fetch from …` is the same statement's next rows.
    let rest = message.strip_prefix("execute ").filter(|rest| !rest.starts_with("fetch from "))?;
    rest.split_once(": ").map(|(_, sql)| sql)
}

/// The statements of a log on standard error: the lines of one go on with a tab, whatever its prefix is.
pub(super) fn statements(text: &str) -> Option<Vec<Found>> {
    let mut found: Vec<Found> = Vec::new();
    let mut is_log = false;
    let mut goes_on = false;
    for (line, number) in text.lines().zip(1..) {
        if let Some(more) = line.strip_prefix('\t') {
            if goes_on && let Some(last) = found.last_mut() {
                last.sql.push_str(&format!("\n{more}"));
            }
            continue;
        }
        goes_on = false;
        let Some((_, message)) = line.split_once("LOG:  ") else { continue };
        is_log = true;
        if let Some(sql) = statement(message) {
            found.push(Found { sql: sql.to_owned(), line: number, calls: 1 });
            goes_on = true;
        }
    }
    is_log.then_some(found)
}
