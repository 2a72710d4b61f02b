//! The summary that ends a run: one screen of plain lines, without colour. The caller colours by verdict.

use crate::areas::Area;
use crate::escape::terminal;
use crate::issues::{self, Issue};
use crate::model::{Fate, Report, ScenarioReport, Severity, Strength, Verdict};
use crate::units::{count, duration, number};
use crate::words;

/// Lines of a screen; the summary never has more.
const LINES_MAX: usize = 24;
/// Narrower than this nothing can be said.
const WIDTH_MIN: usize = 40;

/// One line, and what to colour it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryLine {
    /// The verdict that the line tells, if it tells one.
    pub verdict: Option<Verdict>,
    /// The severity of the finding that the line tells, if it tells one.
    pub severity: Option<Severity>,
    /// The text: no control characters, at most as wide as asked for.
    pub text: String,
}

/// The summary of a run in at most one screen of lines, each at most `width` characters (40 at the least).
pub fn render_summary(report: &Report, width: usize) -> Vec<SummaryLine> {
    let issues: Vec<(&ScenarioReport, Vec<Issue<'_>>)> =
        report.scenarios.iter().map(|scenario| (scenario, issues::of(scenario))).collect();
    let mut lines = match report.scenarios.as_slice() {
        [scenario] => areas(scenario),
        scenarios => table(scenarios, &issues),
    };
    let closing = closing(report);
    // Something is left out only when it does not fit, and then it is said how much.
    lines.truncate(LINES_MAX - closing.len() - 1);
    let room = LINES_MAX - closing.len() - lines.len();
    let mut findings = findings(&issues);
    if findings.len() > room {
        let left_out = findings.len() - room.saturating_sub(1);
        findings.truncate(room.saturating_sub(1));
        findings.push(plain(format!("{} more in the report", count(left_out as u64, "finding", "findings"))));
    }
    lines.extend(findings);
    lines.extend(closing);
    let width = width.max(WIDTH_MIN);
    for line in &mut lines {
        line.text = clip(&terminal(&line.text), width);
    }
    lines
}

fn plain(text: String) -> SummaryLine {
    SummaryLine { verdict: None, severity: None, text }
}

/// One scenario: a line an area.
fn areas(scenario: &ScenarioReport) -> Vec<SummaryLine> {
    let mut lines = Vec::new();
    for area in Area::ALL {
        let checks: Vec<_> = area
            .checks(&scenario.checks)
            .filter(|check| check.outcome.verdict() != Verdict::NotApplicable)
            .collect();
        if checks.is_empty() {
            continue;
        }
        let held = checks.iter().filter(|check| check.outcome.verdict() == Verdict::Held).count();
        let verdict = Verdict::worst(checks.iter().map(|check| check.outcome.verdict()));
        lines.push(SummaryLine {
            verdict: Some(verdict),
            severity: None,
            text: format!(
                "{:<14}{:<24}{held} of {} held{}",
                verdict.word(),
                area.checks_title(),
                count(checks.len() as u64, "check", "checks"),
                words::least_worlds(checks.iter().copied())
            ),
        });
    }
    lines
}

/// Several: a line a scenario.
fn table(scenarios: &[ScenarioReport], issues: &[(&ScenarioReport, Vec<Issue<'_>>)]) -> Vec<SummaryLine> {
    let longest = scenarios.iter().map(|scenario| terminal(&scenario.id).chars().count()).max().unwrap_or(0);
    let id_width = longest.min(32) + 2;
    issues
        .iter()
        .map(|(scenario, issues)| {
            let what = if issues.is_empty() {
                words::status(scenario, issues).trim_end_matches('.').to_owned()
            } else {
                words::severities(issues)
            };
            let what = match &scenario.evidence.expectations {
                None => what,
                Some(expected) if expected.unmet.is_empty() => format!("{what}, as expected"),
                Some(_) => format!("{what}, not as expected"),
            };
            let id = clip(&terminal(&scenario.id), id_width - 2);
            let took = duration(scenario.ms);
            SummaryLine {
                verdict: Some(scenario.verdict),
                severity: None,
                text: format!("{:<14}{id:<id_width$}{took:>10}  {what}", scenario.verdict.word()),
            }
        })
        .collect()
}

fn findings(issues: &[(&ScenarioReport, Vec<Issue<'_>>)]) -> Vec<SummaryLine> {
    let several = issues.len() > 1;
    let mut lines = Vec::new();
    for severity in Severity::ALL {
        for (scenario, issues) in issues {
            let wanted = issues.iter().filter(|issue| issue.finding.severity == severity);
            for fix in issues::fixes(wanted) {
                let mut text = format!("{:<14}", severity.word());
                if several {
                    text.push_str(&format!("{} ", scenario.id));
                }
                text.push_str(&format!("{}: {}", fix.span(), fix.title().replace('`', "")));
                if let Some(place) = fix.first().place() {
                    text.push_str(&format!(", {place}"));
                }
                lines.push(SummaryLine { verdict: None, severity: Some(severity), text });
            }
        }
    }
    lines
}

fn closing(report: &Report) -> Vec<SummaryLine> {
    let mut lines = Vec::new();
    if let Some(why) = &report.incomplete {
        lines.push(SummaryLine {
            verdict: Some(Verdict::Inconclusive),
            severity: None,
            text: format!("{:<14}{why}", "incomplete"),
        });
    }
    let several = report.scenarios.len() > 1;
    for (scenario, (verdict, line)) in
        report.scenarios.iter().flat_map(|s| words::beside_the_checks(s).into_iter().map(move |l| (s, l)))
    {
        let whose = if several { format!("{}: ", scenario.id) } else { String::new() };
        lines.push(SummaryLine {
            verdict: Some(verdict),
            severity: None,
            text: format!("{:<14}{whose}{line}", verdict.word()),
        });
    }
    // What was found stays on the screen, whatever else there is to say.
    lines.truncate(LINES_MAX / 4);
    lines.extend(strength(report));
    lines.extend(remarks(report));
    let cases = report.scenarios.iter().map(|scenario| scenario.data.cases).sum();
    let worlds = report.scenarios.iter().map(|scenario| scenario.data.worlds).sum();
    lines.push(SummaryLine {
        verdict: Some(report.verdict),
        severity: None,
        text: format!(
            "{:<14}{}, {}, {} in {}; seed {}",
            report.verdict.word(),
            count(report.scenarios.len() as u64, "scenario", "scenarios"),
            count(cases, "case", "cases"),
            count(worlds, "world", "worlds"),
            duration(report.ms),
            report.seed
        ),
    });
    lines
}

/// How much there is that no verdict hangs on.
fn remarks(report: &Report) -> Option<SummaryLine> {
    let checks = report.scenarios.iter().flat_map(|s| &s.checks);
    let all: u64 = checks.map(|check| check.remarks.len() as u64).sum();
    (all > 0)
        .then(|| plain(format!("{:<14}{} in the report, no verdict hangs on any", "remarks", number(all))))
}

/// How many seeded faults were caught, over all scenarios into which some were seeded.
fn strength(report: &Report) -> Option<SummaryLine> {
    let all: Vec<&Strength> = report.scenarios.iter().filter_map(|s| s.evidence.strength.as_ref()).collect();
    let (caught, counted) = (all.iter().map(|s| s.caught()).sum(), all.iter().map(|s| s.counted()).sum());
    (!all.is_empty()).then(|| plain(format!("{:<14}{}", "strength", caught_of(caught, counted))))
}

fn caught_of(caught: u64, counted: u64) -> String {
    format!("caught {} of {}", number(caught), count(counted, "seeded fault", "seeded faults"))
}

/// What became of seeded faults: a line for each that was not caught, and the sum. As wide as its texts.
pub fn render_strength_summary(strength: &Strength) -> Vec<SummaryLine> {
    let mut lines = Vec::new();
    for fault in &strength.faults {
        let word = match &fault.fate {
            Fate::Survived { .. } => "not caught",
            Fate::Undecided { .. } => "undecided",
            Fate::Caught { .. } | Fate::NoEffect | Fate::NotApplied { .. } => continue,
        };
        let after = if fault.after.is_empty() { "nothing" } else { &fault.after };
        let change = format!("{} → {after}", if fault.before.is_empty() { "nothing" } else { &fault.before });
        lines.push(SummaryLine {
            verdict: Some(Verdict::Inconclusive),
            severity: None,
            text: terminal(&format!("{word:<14}{} {}:{}: {change}", fault.operator, fault.file, fault.line)),
        });
    }
    let (caught, counted) = (strength.caught(), strength.counted());
    let all = caught == counted && counted > 0;
    lines.push(SummaryLine {
        verdict: Some(if all { Verdict::Held } else { Verdict::Inconclusive }),
        severity: None,
        text: format!(
            "{:<14}{}, in {}; seed {}",
            "strength",
            caught_of(caught, counted),
            duration(strength.ms),
            strength.seed
        ),
    });
    lines
}

/// At most `width` characters.
fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.trim_end().to_owned();
    }
    let head: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}
