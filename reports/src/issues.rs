//! Findings in the order in which a reader should meet them, with short labels to refer to.

use crate::model::{CheckReport, Finding, ScenarioReport, Severity};

/// A finding with its label (`C1`: the first critical one) and the check that found it.
#[derive(Clone, Debug)]
pub(crate) struct Issue<'a> {
    pub(crate) label: String,
    /// The number in the label.
    pub(crate) number: usize,
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
                let label = format!("{}{number}", severity.letter());
                issues.push(Issue { label, number, check, finding });
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

/// Issues that one mend puts right: the same severity and the same thing to do (forty routes, four statements
/// of a seed script). Never empty.
pub(crate) struct Fix<'a, 'b> {
    pub(crate) issues: Vec<&'b Issue<'a>>,
}

/// The issues by mend, in the order of the first issue of each.
pub(crate) fn fixes<'a, 'b>(issues: impl IntoIterator<Item = &'b Issue<'a>>) -> Vec<Fix<'a, 'b>> {
    let mut fixes: Vec<Fix<'a, 'b>> = Vec::new();
    for issue in issues {
        let same = |fix: &&mut Fix<'a, 'b>| {
            let first = fix.first().finding;
            first.severity == issue.finding.severity && first.remedy == issue.finding.remedy
        };
        match fixes.iter_mut().find(same) {
            Some(fix) => fix.issues.push(issue),
            None => fixes.push(Fix { issues: vec![issue] }),
        }
    }
    fixes
}

impl<'a, 'b> Fix<'a, 'b> {
    pub(crate) fn first(&self) -> &'b Issue<'a> {
        self.issues[0]
    }

    pub(crate) fn labels(&self) -> Vec<String> {
        self.issues.iter().map(|issue| issue.label.clone()).collect()
    }

    /// `C1`, or `C1 to C4` for several in a row.
    pub(crate) fn span(&self) -> String {
        let last = self.issues[self.issues.len() - 1];
        match self.issues.len() {
            1 => last.label.clone(),
            2 => format!("{} and {}", self.first().label, last.label),
            n if last.number + 1 == self.first().number + n => {
                format!("{} to {}", self.first().label, last.label)
            }
            n => format!("{} and {} more", self.first().label, n - 1),
        }
    }

    /// The first one's title, and how many more there are.
    pub(crate) fn title(&self) -> String {
        let title = self.first().finding.title.clone();
        match self.issues.len() {
            1 => title,
            n => format!("{title} (and {} more)", n - 1),
        }
    }

    /// Where they are, without repetition.
    pub(crate) fn places(&self) -> Vec<String> {
        let mut places = Vec::new();
        for place in self.issues.iter().filter_map(|issue| issue.place()) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}
