//! The findings one by one, what could not be decided, and what is worth a remark.

use serde::Serialize;

use super::engine::Section;
use super::subject::{Subject, word};
use crate::issues::{self, Issue};
use crate::model::{Counterexample, RemarkReport, Severity, Verdict};
use crate::units::count;

/// Rows of a counterexample above which its tables are folded.
const ROWS_OPEN_MAX: u32 = 12;

/// From this many issues with one mend on, only the first is told in full.
const ALIKE_MIN: usize = 3;

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
    replay: &'a Option<String>,
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
            command: script(example),
            replay: &example.replay,
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

/// An issue that the same mend puts right as the one told before it.
#[derive(Serialize)]
struct Alike<'a> {
    label: &'a str,
    anchor: String,
    title: &'a str,
    place: Option<String>,
    message: &'a str,
    replay: Option<&'a String>,
}

impl<'a> Alike<'a> {
    fn of(issue: &'a Issue<'a>) -> Self {
        let finding = issue.finding;
        Self {
            label: &issue.label,
            anchor: issue.label.to_ascii_lowercase(),
            title: &finding.title,
            place: issue.place(),
            message: &finding.message,
            replay: finding.counterexample.as_ref().and_then(|c| c.replay.as_ref()),
        }
    }
}

/// The command that runs a counterexample's script, where it was written to a file.
fn script(example: &Counterexample) -> Option<String> {
    example.file.as_ref().map(|file| format!("psql \"$DATABASE_URL\" -f {}", word(file)))
}

pub(super) fn issues(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Entry<'a> {
        issue: IssueView<'a>,
        alike: Vec<Alike<'a>>,
    }
    #[derive(Serialize)]
    struct Group<'a> {
        word: String,
        mark: &'static str,
        demand: &'static str,
        entries: Vec<Entry<'a>>,
    }
    #[derive(Serialize)]
    struct Groups<'a> {
        groups: Vec<Group<'a>>,
    }
    let group = |severity: Severity| {
        let wanted = subject.issues.iter().filter(|issue| issue.finding.severity == severity);
        let mut entries = Vec::new();
        for fix in issues::fixes(wanted) {
            let told = if fix.issues.len() < ALIKE_MIN { fix.issues.len() } else { 1 };
            let (told, alike) = fix.issues.split_at(told);
            entries.extend(told.iter().map(|issue| Entry { issue: view(issue), alike: Vec::new() }));
            if let Some(last) = entries.last_mut() {
                last.alike = alike.iter().map(|issue| Alike::of(issue)).collect();
            }
        }
        (!entries.is_empty()).then(|| Group {
            word: capital(severity.word()),
            mark: severity.mark(),
            demand: severity.demand(),
            entries,
        })
    };
    let groups: Vec<Group<'_>> = Severity::ALL.into_iter().filter_map(group).collect();
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

/// What was seen and is no violation.
pub(super) fn remarks(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        remark: &'a RemarkReport,
        invariant: &'a str,
    }
    #[derive(Serialize)]
    struct Remarks<'a> {
        rows: Vec<Row<'a>>,
    }
    let checks = subject.scenario.checks.iter();
    let rows: Vec<Row<'_>> = checks
        .flat_map(|check| check.remarks.iter().map(|remark| Row { remark, invariant: &check.invariant }))
        .collect();
    (!rows.is_empty()).then(|| Section::new(include_str!("../../templates/remarks.md"), Remarks { rows }))
}
