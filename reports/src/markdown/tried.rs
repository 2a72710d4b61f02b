//! What was tried: each test with its attempts, the statement of one try and the server's answer.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::{CheckReport, Expects, ProbeReport};
use crate::units::{count, number};

/// Tests of a check above which its table is folded.
const TESTS_OPEN_MAX: usize = 12;
/// Statements of a check that are printed; the others are in `report.json`.
const STATEMENTS_MAX: usize = 24;

#[derive(Serialize)]
struct Test<'a> {
    number: usize,
    mark: &'static str,
    subject: &'a str,
    passed: String,
    answer: &'a Option<String>,
    sql: &'a Option<String>,
}

#[derive(Serialize)]
struct Group<'a> {
    heading: &'static str,
    tests: Vec<Test<'a>>,
}

#[derive(Serialize)]
struct Check<'a> {
    invariant: &'a str,
    title: &'a str,
    score: String,
    verdict: String,
    folded: bool,
    groups: Vec<Group<'a>>,
    statements: Vec<Test<'a>>,
    statements_left_out: usize,
}

pub(super) fn tests(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Tests<'a> {
        score: String,
        checks: Vec<Check<'a>>,
    }
    let with_probes: Vec<&CheckReport> =
        subject.scenario.checks.iter().filter(|check| !check.probes.is_empty()).collect();
    let probes = || with_probes.iter().flat_map(|check| &check.probes);
    let all = probes().count() as u64;
    let passed = probes().filter(|probe| passes(probe)).count() as u64;
    let tried: u64 = probes().map(|probe| probe.tried).sum();
    let mut from = 0;
    let mut checks = Vec::new();
    for check in &with_probes {
        checks.push(check_view(check, from));
        from += check.probes.len();
    }
    let score = format!(
        "{} of {} passed, in {}",
        number(passed),
        count(all, "test", "tests"),
        count(tried, "attempt", "attempts")
    );
    (!checks.is_empty())
        .then(|| Section::new(include_str!("../../templates/tried.md"), Tests { score, checks }))
}

/// Tried at least once, and each time as it should be.
pub(super) fn passes(probe: &ProbeReport) -> bool {
    probe.tried > 0 && probe.passed == probe.tried
}

fn check_view(check: &CheckReport, from: usize) -> Check<'_> {
    let tests = |wanted: Option<Expects>| -> Vec<Test<'_>> {
        let numbered = check.probes.iter().enumerate();
        numbered
            .filter(|(_, probe)| probe.expects == wanted)
            .map(|(i, probe)| test(from + i + 1, probe))
            .collect()
    };
    let groups = [
        ("Must be refused", Some(Expects::Refusal)),
        ("Must be accepted", Some(Expects::Acceptance)),
        ("Test", None),
    ]
    .into_iter()
    .map(|(heading, wanted)| Group { heading, tests: tests(wanted) })
    .filter(|group| !group.tests.is_empty())
    .collect();
    let mut statements: Vec<Test<'_>> = check
        .probes
        .iter()
        .enumerate()
        .filter(|(_, probe)| probe.sql.is_some())
        .map(|(i, probe)| test(from + i + 1, probe))
        .collect();
    // Those that failed first: they are what a reader looks for.
    statements.sort_by_key(|test| test.mark == "✅");
    let statements_left_out = statements.len().saturating_sub(STATEMENTS_MAX);
    statements.truncate(STATEMENTS_MAX);
    let passed = check.probes.iter().filter(|probe| passes(probe)).count();
    Check {
        invariant: &check.invariant,
        title: &check.title,
        score: format!("{passed}/{} passed", check.probes.len()),
        verdict: check.outcome.sentence(),
        folded: check.probes.len() > TESTS_OPEN_MAX,
        groups,
        statements,
        statements_left_out,
    }
}

fn test(at: usize, probe: &ProbeReport) -> Test<'_> {
    Test {
        number: at,
        mark: match probe.tried {
            0 => "ℹ️",
            _ if passes(probe) => "✅",
            _ => "❌",
        },
        subject: &probe.subject,
        passed: match probe.tried {
            0 => "not exercised".to_owned(),
            tried => format!("{}/{}", number(probe.passed), number(tried)),
        },
        answer: &probe.answer,
        sql: &probe.sql,
    }
}
