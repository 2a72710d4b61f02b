//! The findings one by one, and what could not be decided.

use serde::Serialize;

use super::engine::Section;
use super::subject::{Subject, word};
use crate::issues::Issue;
use crate::model::{Counterexample, Severity, Verdict};
use crate::units::count;

/// Rows of a counterexample above which its tables are folded.
const ROWS_OPEN_MAX: u32 = 12;

#[derive(Serialize)]
struct IssueView<'a> {
    label: &'a str,
    anchor: String,
    title: &'a str,
    id: &'a str,
    place: Option<String>,
    step: &'a Option<String>,
    tables: Vec<String>,
    access: Vec<String>,
    invariant: &'a str,
    promise: &'a str,
    cases: String,
    message: &'a str,
    cause: &'a str,
    remedy: &'a str,
    example: Option<Example<'a>>,
}

#[derive(Serialize)]
struct Example<'a> {
    size: String,
    seed: u64,
    capped: &'a Option<String>,
    folded: bool,
    data: &'a [crate::model::CounterexampleTable],
    transcript: String,
    command: Option<String>,
    sql: &'a str,
}

impl<'a> Example<'a> {
    fn of(example: &'a Counterexample) -> Self {
        Self {
            size: format!(
                "{}, {}",
                count(example.tenants.into(), "tenant", "tenants"),
                count(example.rows.into(), "row", "rows")
            ),
            seed: example.seed,
            capped: &example.capped,
            folded: example.rows > ROWS_OPEN_MAX,
            data: &example.data,
            transcript: example.transcript.join("\n"),
            command: example.file.as_ref().map(|file| format!("psql \"$DATABASE_URL\" -f {}", word(file))),
            sql: &example.sql,
        }
    }
}

fn view<'a>(issue: &'a Issue<'a>) -> IssueView<'a> {
    let finding = issue.finding;
    let names = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect();
    IssueView {
        label: &issue.label,
        anchor: issue.label.to_ascii_lowercase(),
        title: &finding.title,
        id: &finding.id,
        place: issue.place(),
        step: &finding.step,
        tables: names(&finding.tables),
        access: names(&finding.access),
        invariant: &issue.check.invariant,
        promise: &issue.check.title,
        cases: count(finding.cases, "case", "cases"),
        message: &finding.message,
        cause: &finding.cause,
        remedy: &finding.remedy,
        example: finding.counterexample.as_ref().map(Example::of),
    }
}

pub(super) fn issues(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Group<'a> {
        word: String,
        mark: &'static str,
        demand: &'static str,
        issues: Vec<IssueView<'a>>,
    }
    #[derive(Serialize)]
    struct Groups<'a> {
        groups: Vec<Group<'a>>,
    }
    let groups: Vec<Group<'_>> = Severity::ALL
        .into_iter()
        .filter_map(|severity| {
            let issues: Vec<_> =
                subject.issues.iter().filter(|issue| issue.finding.severity == severity).map(view).collect();
            (!issues.is_empty()).then(|| Group {
                word: capital(severity.word()),
                mark: severity.mark(),
                demand: severity.demand(),
                issues,
            })
        })
        .collect();
    (!groups.is_empty()).then(|| Section::new(include_str!("../../templates/issues.md"), Groups { groups }))
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |head| format!("{}{}", head.to_ascii_uppercase(), chars.as_str()))
}

pub(super) fn undecided(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        invariant: &'a str,
        title: &'a str,
        reason: &'a str,
    }
    #[derive(Serialize)]
    struct Undecided<'a> {
        rows: Vec<Row<'a>>,
    }
    let rows: Vec<Row<'_>> = subject
        .checks_with(Verdict::Inconclusive)
        .map(|check| Row {
            invariant: &check.invariant,
            title: &check.title,
            reason: check.outcome.reason().unwrap_or_default(),
        })
        .collect();
    (!rows.is_empty()).then(|| Section::new(include_str!("../../templates/undecided.md"), Undecided { rows }))
}
