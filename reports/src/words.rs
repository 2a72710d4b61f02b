//! What verdicts, severities and outcomes are called. The words live beside the types, not in the templates.

use crate::issues::{self, Issue};
use crate::model::{
    AccessOutcome, AccessReport, CheckOutcome, CheckReport, DroppedColumn, Exercised, KnownOutcome,
    LargeReport, ScenarioReport, Severity, Verdict,
};
use crate::units::{bound, count, number};

impl Verdict {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Held => "held",
            Self::Inconclusive => "inconclusive",
            Self::Violated => "violated",
        }
    }

    /// The mark before the word in a document.
    pub fn mark(self) -> &'static str {
        match self {
            Self::NotApplicable => "ℹ️",
            Self::Held => "✅",
            Self::Inconclusive => "⚠️",
            Self::Violated => "❌",
        }
    }

    /// Mark and word.
    pub fn marked(self) -> String {
        format!("{} {}", self.mark(), self.word())
    }

    /// The worst of several; not applicable when there is none.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::NotApplicable)
    }
}

impl Severity {
    /// From the worst down.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// What it means and asks of a release, in one sentence.
    pub fn demand(self) -> &'static str {
        match self {
            Self::Low => "Development only, or wording.",
            Self::Medium => "To be decided before the release.",
            Self::High => "To be mended before the release: some tenants are hit.",
            Self::Critical => "To be mended before the release: data is lost or leaked, or production stops.",
        }
    }

    /// Letter of an issue's label.
    pub fn letter(self) -> char {
        match self {
            Self::Low => 'L',
            Self::Medium => 'M',
            Self::High => 'H',
            Self::Critical => 'C',
        }
    }

    /// Mark of a finding: a low one is a warning, not a failure.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Low | Self::Medium => "⚠️",
            Self::High | Self::Critical => "❌",
        }
    }
}

impl Exercised {
    /// `412 worlds of 60 cases`.
    pub fn words(self) -> String {
        format!(
            "{} of {}",
            count(self.worlds.get(), "world", "worlds"),
            count(self.cases.get(), "case", "cases")
        )
    }
}

impl CheckOutcome {
    /// Mark, word and what stands behind it: `✅ held in 412 worlds of 60 cases (fails in at most 0.73 %)`.
    pub fn sentence(&self) -> String {
        let marked = self.verdict().marked();
        match self {
            Self::Held { exercised, upper_bound_95 } => {
                format!("{marked} in {} ({})", exercised.words(), bound(*upper_bound_95))
            }
            Self::Violated { severity, exercised, findings } => format!(
                "{marked}: {}, worst {}, in {}",
                count(findings.len() as u64, "finding", "findings"),
                severity.word(),
                exercised.words()
            ),
            Self::Inconclusive { reason } | Self::NotApplicable { reason } => format!("{marked}: {reason}"),
        }
    }

    /// Why it could not be decided, or has no subject.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Inconclusive { reason } | Self::NotApplicable { reason } => Some(reason),
            Self::Held { .. } | Self::Violated { .. } => None,
        }
    }
}

impl DroppedColumn {
    /// What was in it, and what the way back does about it.
    pub(crate) fn sentence(&self) -> String {
        let Self { step, column, rows, filled, restored } = self;
        let held = match filled {
            0 => format!("NULL in all {}: nothing is lost with it", count(*rows, "row", "rows")),
            _ => format!("which has a value in {} of {}", number(*filled), count(*rows, "row", "rows")),
        };
        let back = match (filled, restored) {
            (0, _) => "",
            (_, Some(true)) => "; the way back brings everything back",
            (_, Some(false)) => "; the way back does not bring everything back",
            (_, None) => "; the way back was not exercised",
        };
        format!("`{step}` drops `{column}`, {held}{back}")
    }
}

impl AccessReport {
    /// Whether it was refused at some checkpoint.
    pub(crate) fn fails(&self) -> bool {
        self.cells.iter().any(|cell| matches!(cell.outcome, AccessOutcome::Fails { .. }))
    }
}

impl AccessOutcome {
    /// A cell of the matrix.
    pub(crate) fn cell(&self) -> String {
        match self {
            Self::NotInUse => "·".to_owned(),
            Self::NotExercised => "ℹ️ 0".to_owned(),
            Self::Works { sent } => format!("✅ {}", number(*sent)),
            Self::Fails { sent, refused, .. } => {
                format!("❌ {}/{}", number(*refused), number(*sent))
            }
        }
    }
}

/// How a list of words is joined: `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// `1 critical, 2 high and 1 low`.
pub(crate) fn severities(issues: &[Issue<'_>]) -> String {
    let counts = Severity::ALL.iter().filter_map(|&severity| match issues::count(issues, severity) {
        0 => None,
        n => Some(format!("{} {}", number(n), severity.word())),
    });
    list(&counts.collect::<Vec<_>>())
}

/// How well the held ones among some checks were exercised: `, each in 391 worlds or more`.
pub(crate) fn least_worlds<'a>(checks: impl IntoIterator<Item = &'a CheckReport>) -> String {
    let held = checks.into_iter().filter_map(|check| match &check.outcome {
        CheckOutcome::Held { exercised, .. } => Some(exercised.worlds.get()),
        _ => None,
    });
    let worlds: Vec<u64> = held.collect();
    match worlds.as_slice() {
        [] => String::new(),
        [one] => format!(", in {}", count(*one, "world", "worlds")),
        [first, rest @ ..] => {
            let least = rest.iter().fold(*first, |least, &n| least.min(n));
            format!(", each in {} or more", count(least, "world", "worlds"))
        }
    }
}

/// What keeps a scenario from being held though no check says so.
pub(crate) fn beside_the_checks(scenario: &ScenarioReport) -> Vec<(Verdict, String)> {
    let evidence = &scenario.evidence;
    let cannot_run = evidence.known.iter().filter(|known| known.outcome == KnownOutcome::CannotRun);
    let known = match cannot_run.count() as u64 {
        0 => None,
        n => Some(format!("{} could not be run", count(n, "known failure", "known failures"))),
    };
    let presets = evidence.presets.iter().filter(|preset| !preset.is_as_documented());
    let presets = presets.map(|preset| format!("“{}” did not go through as documented", preset.title));
    let undecided = known.into_iter().chain(presets).map(|line| (Verdict::Inconclusive, line));
    undecided.chain(evidence.large.iter().flat_map(LargeReport::told)).collect()
}

/// What stands behind a scenario's verdict, in one sentence.
pub(crate) fn status(scenario: &ScenarioReport, issues: &[Issue<'_>]) -> String {
    let with =
        |verdict| scenario.checks.iter().filter(|check| check.outcome.verdict() == verdict).count() as u64;
    let worlds = least_worlds(&scenario.checks);
    let (held, undecided) = (with(Verdict::Held), with(Verdict::Inconclusive));
    let mut undecided = match undecided {
        0 => String::new(),
        n => format!("; {} could not decide", count(n, "check", "checks")),
    };
    for (_, line) in beside_the_checks(scenario) {
        undecided.push_str(&format!("; {line}"));
    }
    match scenario.verdict {
        Verdict::Violated => {
            let findings = count(issues.len() as u64, "finding", "findings");
            let severities = match severities(issues) {
                none if none.is_empty() => none,
                some => format!(" ({some})"),
            };
            format!("{findings}{severities}{undecided}.")
        }
        Verdict::Inconclusive if held == 0 && undecided.is_empty() => {
            "no check came to an answer.".to_owned()
        }
        Verdict::Inconclusive => format!("{} held{worlds}{undecided}.", count(held, "check", "checks")),
        Verdict::Held => format!("{} held{worlds}.", count(held, "check", "checks")),
        Verdict::NotApplicable => "no check has a subject here.".to_owned(),
    }
}
