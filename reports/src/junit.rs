//! JUnit XML: a suite a scenario, a test case a check, for the test views of CI services.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::escape::visible_lines;
use crate::issues;
use crate::model::{CheckOutcome, CheckReport, LargeReport, Report, ScenarioReport, Verdict};

/// The run as JUnit XML. A violated check is a failure, one that could not decide is an error, one without a subject
/// is skipped; only held is a success.
///
/// # Errors
/// When a time of the report cannot be written as XML has it.
pub fn render_junit(report: &Report) -> Result<String, JunitError> {
    let mut document = Document::new("watertight");
    document.set_time(duration(report.ms));
    for scenario in &report.scenarios {
        document.add_test_suite(suite(scenario));
    }
    if let Some(why) = &report.incomplete {
        document.add_test_suite(incomplete(why));
    }
    Ok(document.to_string()?)
}

/// Why there is no XML.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written as JUnit XML: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

fn suite(scenario: &ScenarioReport) -> TestSuite {
    let mut suite = TestSuite::new(visible_lines(&scenario.id));
    suite.set_time(duration(scenario.ms));
    suite.add_property(("digest", visible_lines(&scenario.digest).as_str()));
    for check in &scenario.checks {
        let mut case = TestCase::new(visible_lines(&check.invariant), status(scenario, check));
        case.set_classname(visible_lines(&scenario.id));
        suite.add_test_case(case);
    }
    if let Some(large) = &scenario.evidence.large {
        let mut case = TestCase::new("one large case", large_status(large));
        case.set_classname(visible_lines(&scenario.id));
        suite.add_test_case(case);
    }
    suite
}

fn large_status(large: &LargeReport) -> TestCaseStatus {
    let kind = match large.verdict() {
        Verdict::Held => return TestCaseStatus::success(),
        Verdict::Violated => NonSuccessKind::Failure,
        Verdict::Inconclusive | Verdict::NotApplicable => NonSuccessKind::Error,
    };
    let told: Vec<String> = large.told().map(|(_, line)| line).collect();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(large.verdict().word()).set_message(visible_lines(&told.join("; ")));
    status
}

/// A run that ended early is no success, whatever its checks say.
fn incomplete(why: &str) -> TestSuite {
    let mut suite = TestSuite::new("run");
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("incomplete").set_message(visible_lines(why));
    suite.add_test_case(TestCase::new("complete", status));
    suite
}

fn status(scenario: &ScenarioReport, check: &CheckReport) -> TestCaseStatus {
    match &check.outcome {
        CheckOutcome::Held { .. } => TestCaseStatus::success(),
        CheckOutcome::NotApplicable { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(visible_lines(reason));
            status
        }
        CheckOutcome::Inconclusive { reason } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive").set_message(visible_lines(reason));
            status
        }
        CheckOutcome::Violated { severity, .. } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let issues: Vec<_> =
                issues::of(scenario).into_iter().filter(|i| i.check.invariant == check.invariant).collect();
            let titles: Vec<&str> = issues.iter().map(|i| i.finding.title.as_str()).collect();
            let told: Vec<String> = issues.iter().map(told).collect();
            status
                .set_type(severity.word())
                .set_message(visible_lines(&titles.join("; ")))
                .set_description(visible_lines(&told.join("\n\n")));
            status
        }
    }
}

/// A finding in a few lines.
fn told(issue: &issues::Issue<'_>) -> String {
    let finding = issue.finding;
    let mut lines = vec![format!("{} ({}): {}", issue.label, finding.severity.word(), finding.title)];
    lines.extend(issue.place().map(|place| format!("at {place}")));
    lines.push(finding.message.clone());
    lines.push(format!("Cause: {}", finding.cause));
    lines.push(format!("What to do: {}", finding.remedy));
    if let Some(file) = finding.counterexample.as_ref().and_then(|c| c.file.as_ref()) {
        lines.push(format!("Replay: psql -f {file}"));
    }
    lines.join("\n")
}
