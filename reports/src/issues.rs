//! Findings in the order in which a reader should meet them, with short labels to refer to.

use crate::model::{CheckReport, Finding, ScenarioReport, Severity};

/// A finding with its label (`C1`: the first critical one) and the check that found it.
#[derive(Clone, Debug)]
pub(crate) struct Issue<'a> {
    pub(crate) label: String,
    pub(crate) check: &'a CheckReport,
    pub(crate) finding: &'a Finding,
}

/// All findings of a scenario: worst first, then in the order of the checks. The same finding, reported by two
/// checks under one id, is one issue.
pub(crate) fn of(scenario: &ScenarioReport) -> Vec<Issue<'_>> {
    let mut issues: Vec<Issue<'_>> = Vec::new();
    for severity in Severity::ALL {
        let mut number = 0;
        for check in &scenario.checks {
            for finding in check.outcome.findings().iter().filter(|finding| finding.severity == severity) {
                if issues.iter().any(|issue| issue.finding.id == finding.id) {
                    continue;
                }
                number += 1;
                issues.push(Issue { label: format!("{}{number}", severity.letter()), check, finding });
            }
        }
    }
    issues
}

/// How many there are of a severity.
pub(crate) fn count(issues: &[Issue<'_>], severity: Severity) -> u64 {
    issues.iter().filter(|issue| issue.finding.severity == severity).count() as u64
}

impl Issue<'_> {
    /// `file:line`, as far as known.
    pub(crate) fn place(&self) -> Option<String> {
        let file = self.finding.file.as_ref()?;
        Some(match self.finding.line {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        })
    }
}
