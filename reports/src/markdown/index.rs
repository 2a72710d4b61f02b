//! The index: all scenarios of a run on one page.

use serde::Serialize;

use super::engine::{self, Section};
use super::file_name;
use super::subject::Run;
use crate::issues::{self, Issue};
use crate::model::{Report, ScenarioReport, Severity, Verdict};
use crate::units::{count, duration};
use crate::words;

/// Findings told on the index; the others are in the scenarios' reports.
const FINDINGS_MAX: usize = 15;

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    file: String,
    verdict: String,
    findings: String,
    held: String,
    data: String,
    took: String,
    expected: String,
}

#[derive(Serialize)]
struct Top<'a> {
    mark: &'static str,
    severity: &'static str,
    scenario: &'a str,
    file: String,
    label: String,
    anchor: String,
    title: String,
    place: Option<String>,
    step: &'a Option<String>,
}

#[derive(Serialize)]
struct Index<'a> {
    run: Run<'a>,
    mark: &'static str,
    word: &'static str,
    status: String,
    expectations: bool,
    rows: Vec<Row<'a>>,
    top: Vec<Top<'a>>,
    top_left_out: u64,
    unmet: Vec<(String, String)>,
    undecided: Vec<(String, String, String)>,
}

/// The report over all scenarios of a run: verdicts, counts, the worst findings, links to the scenarios' reports.
pub fn render_index(report: &Report) -> String {
    let issues: Vec<(&ScenarioReport, Vec<Issue<'_>>)> =
        report.scenarios.iter().map(|scenario| (scenario, issues::of(scenario))).collect();
    let index = Index {
        run: Run::of(report),
        mark: report.verdict.mark(),
        word: report.verdict.word(),
        status: status(report),
        expectations: report.scenarios.iter().any(|scenario| scenario.evidence.expectations.is_some()),
        rows: issues.iter().map(|(scenario, issues)| row(scenario, issues)).collect(),
        top: top(&issues).take(FINDINGS_MAX).collect(),
        top_left_out: top(&issues).count().saturating_sub(FINDINGS_MAX) as u64,
        unmet: unmet(report),
        undecided: undecided(report),
    };
    engine::render(&[Section::new(include_str!("../../templates/index.md"), index)])
}

fn status(report: &Report) -> String {
    let with =
        |verdict| report.scenarios.iter().filter(|scenario| scenario.verdict == verdict).count() as u64;
    let all = [Verdict::Violated, Verdict::Inconclusive, Verdict::Held, Verdict::NotApplicable];
    let parts: Vec<String> = all
        .into_iter()
        .filter(|&verdict| with(verdict) > 0)
        .map(|verdict| format!("{} {}", with(verdict), verdict.word()))
        .collect();
    let scenarios = count(report.scenarios.len() as u64, "scenario", "scenarios");
    if parts.is_empty() {
        "no scenario ran".to_owned()
    } else {
        format!("{scenarios}: {}", words::list(&parts))
    }
}

/// `13 of 14, 1 not decided`.
fn held(scenario: &ScenarioReport) -> String {
    let with =
        |verdict| scenario.checks.iter().filter(|check| check.outcome.verdict() == verdict).count() as u64;
    let applicable = scenario.checks.len() as u64 - with(Verdict::NotApplicable);
    let undecided = match with(Verdict::Inconclusive) {
        0 => String::new(),
        n => format!(", {n} not decided"),
    };
    format!("{} of {applicable}{undecided}", with(Verdict::Held))
}

fn row<'a>(scenario: &'a ScenarioReport, issues: &[Issue<'_>]) -> Row<'a> {
    Row {
        id: &scenario.id,
        title: &scenario.title,
        file: file_name(scenario),
        verdict: scenario.verdict.marked(),
        findings: if issues.is_empty() { "none".to_owned() } else { words::severities(issues) },
        held: held(scenario),
        data: format!(
            "{}, {}",
            count(scenario.data.cases, "case", "cases"),
            count(scenario.data.worlds, "world", "worlds")
        ),
        took: duration(scenario.ms),
        expected: match &scenario.evidence.expectations {
            None => "–".to_owned(),
            Some(expected) if expected.unmet.is_empty() => "✅ as expected".to_owned(),
            Some(expected) => format!("❌ {} differ", expected.unmet.len()),
        },
    }
}

/// Findings worst first; within a severity in the order of the scenarios.
fn top<'a>(issues: &'a [(&'a ScenarioReport, Vec<Issue<'a>>)]) -> impl Iterator<Item = Top<'a>> {
    Severity::ALL.into_iter().flat_map(move |severity| {
        issues.iter().flat_map(move |(scenario, issues)| {
            let wanted = issues.iter().filter(move |issue| issue.finding.severity == severity);
            issues::fixes(wanted).into_iter().map(move |fix| Top {
                mark: severity.mark(),
                severity: severity.word(),
                scenario: &scenario.id,
                file: file_name(scenario),
                anchor: fix.first().label.to_ascii_lowercase(),
                label: fix.span(),
                title: fix.title(),
                place: fix.first().place(),
                step: &fix.first().finding.step,
            })
        })
    })
}

fn unmet(report: &Report) -> Vec<(String, String)> {
    let scenarios = report.scenarios.iter();
    scenarios
        .filter_map(|scenario| scenario.evidence.expectations.as_ref().map(|expected| (scenario, expected)))
        .flat_map(|(scenario, expected)| {
            expected.unmet.iter().map(|line| (scenario.id.clone(), line.clone()))
        })
        .collect()
}

fn undecided(report: &Report) -> Vec<(String, String, String)> {
    let checks = report
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.checks.iter().map(move |check| (scenario, check)));
    checks
        .filter(|(_, check)| check.outcome.verdict() == Verdict::Inconclusive)
        .map(|(scenario, check)| {
            let reason = check.outcome.reason().unwrap_or_default().to_owned();
            (scenario.id.clone(), check.invariant.clone(), reason)
        })
        .collect()
}
