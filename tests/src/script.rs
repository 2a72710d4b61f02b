//! Scripts beside counterexamples: psql alone sees what they say.

use std::fmt::Write as _;

use watertight_harness::provider::Server;
use watertight_reports::{Counterexample, ScenarioReport};
use watertight_scenarios::Scenario;

use crate::postgres::{execute, psql_of, server};

/// A transaction that failed is left to its end: no answer of its own.
const ABORTED: &str = "25P02";
/// What stands for a session that ends there.
const CUT: &str = "cut here";
/// Where another session would be waited for; there is none.
const SLEEP: (&str, &str) = ("pg_sleep(30)", "pg_sleep(0)");

/// Where a heading `who: what → answer` of a script and psql disagree, over all counterexamples of a report: errors, and
/// numbers of rows that were read. Each script begins with an empty database.
///
/// # Panics
/// When no server starts, or it refuses a database.
pub fn disagreements(scenario: &Scenario, report: &ScenarioReport) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let host = server().await;
        let mut all = Vec::new();
        for (n, finding) in report.checks.iter().flat_map(|c| c.outcome.findings()).enumerate() {
            let Some(example) = &finding.counterexample else { continue };
            let wrong = of_one(&host, scenario, n, example).await;
            all.extend(wrong.into_iter().map(|wrong| format!("{}: {wrong}", finding.title)));
        }
        host.stop().await.expect("the server stops");
        all
    })
}

async fn of_one(host: &Server, scenario: &Scenario, n: usize, example: &Counterexample) -> Vec<String> {
    let script = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let (marked, headings) = marked(&example.sql);
    std::fs::write(script.path(), marked).expect("it can be written");
    let several = scenario.databases.len() > 1;
    let mut said = String::new();
    for (i, database) in scenario.databases.iter().enumerate() {
        let empty = format!("empty_{n}_{i}");
        execute(host, "postgres", &format!("CREATE DATABASE {empty} TEMPLATE template0")).await;
        let part = several.then_some(database.name.as_str());
        let Some(heard) = psql_of(host, &empty, part, script.path()) else { return Vec::new() };
        said.push_str(&heard);
    }
    let mut wrong = Vec::new();
    let mut announced: Vec<&str> = headings.iter().filter_map(|h| error(h)).collect();
    let mut seen = errors(&said);
    announced.sort_unstable();
    seen.sort_unstable();
    if announced != seen {
        wrong.push(format!("psql says {seen:?}, the script {announced:?}\n{said}"));
    }
    for (i, heading) in headings.iter().enumerate() {
        let Some(rows) = rows_read(heading) else { continue };
        let block = said.split_once(&mark(i)).map_or("", |(_, rest)| rest);
        let block = block.split_once("<<").map_or(block, |(block, _)| block);
        let counted = block.lines().rev().find_map(|line| {
            line.strip_prefix('(')?.strip_suffix(" rows)").or(line.strip_prefix('(')?.strip_suffix(" row)"))
        });
        if counted != Some(rows) {
            wrong.push(format!("{heading}: psql counts {counted:?}\n{said}"));
        }
    }
    wrong
}

fn mark(heading: usize) -> String {
    format!("<<{heading}>>")
}

/// The script with a mark before each act that is sent, and what it says of them.
fn marked(sql: &str) -> (String, Vec<&str>) {
    let (mut text, mut headings) = (String::new(), Vec::new());
    let mut lines = sql.lines().peekable();
    while let Some(line) = lines.next() {
        // What another session would send is a comment.
        let is_elsewhere = lines.peek().is_some_and(|next| next.starts_with("-- From another session"));
        if line.starts_with("-- ") && line.contains(" → ") && !is_elsewhere {
            let _ = writeln!(text, "\\echo '{}'", mark(headings.len()));
            headings.push(line);
        }
        let _ = writeln!(text, "{}", line.replace(SLEEP.0, SLEEP.1));
    }
    (text, headings)
}

/// The SQLSTATE that a heading ends with.
fn error(heading: &str) -> Option<&str> {
    let (_, answer) = heading.split_once(" → ERROR ")?;
    answer.get(..5)
}

/// The rows that a heading says were read.
fn rows_read(heading: &str) -> Option<&str> {
    // A copy reads and writes between databases: its part of each is made of values.
    let (act, answer) = heading.rsplit_once(" → ")?;
    answer.strip_suffix(" rows").filter(|_| !act.contains(": copy: "))
}

/// SQLSTATEs of what went wrong.
fn errors(said: &str) -> Vec<&str> {
    let errors = said.lines().filter_map(|line| line.split_once("ERROR:  "));
    let errors = errors.filter_map(|(_, error)| error.split_once(": "));
    errors.filter(|(state, what)| *state != ABORTED && *what != CUT).map(|(state, _)| state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_by_its_headings() {
        let sql = "-- title\n-- migrator: a.sql → 0 rows written\nBEGIN;\n-- app: list → 2 rows\nSELECT 1;\n\
            -- app: add → ERROR 23505: it is there → twice\n-- app: beside → 1 rows\n-- From another session, …\n";
        let (text, headings) = marked(sql);
        assert_eq!(headings.len(), 3);
        assert!(text.contains("\\echo '<<1>>'\n-- app: list → 2 rows\n"), "{text}");
        assert_eq!(headings.iter().filter_map(|h| rows_read(h)).collect::<Vec<_>>(), ["2"]);
        let said = "psql:x:1: ERROR:  23505: twice\npsql:x:2: ERROR:  25P02: aborted\npsql:x:3: ERROR:  P0001: cut here\n";
        assert_eq!(errors(said), ["23505"]);
    }
}
