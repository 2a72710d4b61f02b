//! What a section may ask about the scenario that it describes.

use serde::Serialize;

use crate::issues::{self, Issue};
use crate::model::{CheckReport, Report, ScenarioReport, Server, StepReport, Tool, Verdict};
use crate::{escape, words};

/// A scenario, the run that it was part of, and its findings with labels.
pub(super) struct Subject<'a> {
    pub(super) scenario: &'a ScenarioReport,
    pub(super) run: &'a Report,
    pub(super) issues: Vec<Issue<'a>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(scenario: &'a ScenarioReport, run: &'a Report) -> Self {
        Self { scenario, run, issues: issues::of(scenario) }
    }

    /// Labels of the findings that satisfy `wanted`.
    pub(super) fn labels(&self, wanted: impl Fn(&Issue<'_>) -> bool) -> Vec<String> {
        self.issues.iter().filter(|issue| wanted(issue)).map(|issue| issue.label.clone()).collect()
    }

    pub(super) fn labels_of_step(&self, step: &str) -> Vec<String> {
        self.labels(|issue| issue.finding.step.as_deref() == Some(step))
    }

    pub(super) fn check(&self, invariant: &str) -> Option<&'a CheckReport> {
        self.scenario.checks.iter().find(|check| check.invariant == invariant)
    }

    /// Checks that have a subject here.
    pub(super) fn applicable(&self) -> impl Iterator<Item = &'a CheckReport> {
        self.scenario.checks.iter().filter(|check| check.outcome.verdict() != Verdict::NotApplicable)
    }

    /// Checks with that verdict.
    pub(super) fn checks_with(&self, verdict: Verdict) -> impl Iterator<Item = &'a CheckReport> {
        self.scenario.checks.iter().filter(move |check| check.outcome.verdict() == verdict)
    }

    /// What stands behind the verdict, in one sentence.
    pub(super) fn status(&self) -> String {
        words::status(self.scenario, &self.issues)
    }

    /// The beginning of the digest, where the whole of it was told before.
    pub(super) fn digest(&self) -> String {
        let head: String = self.scenario.digest.chars().take(12).collect();
        format!("{head}…")
    }

    /// The command that repeats this scenario's run.
    pub(super) fn repeat(&self) -> String {
        let settings = &self.run.settings;
        let mut command = format!(
            "watertight verify {} --cases {} --seed {}",
            word(&self.scenario.id),
            settings.cases,
            self.run.seed
        );
        for (option, invariants) in [("--only", &settings.only), ("--skip", &settings.skip)] {
            for invariant in invariants {
                command.push_str(&format!(" {option} {}", word(invariant)));
            }
        }
        command
    }
}

/// What a header says of the run.
#[derive(Serialize)]
pub(super) struct Run<'a> {
    tool: &'a Tool,
    server: &'a Server,
    seed: u64,
    started_at: &'a str,
    ms: f64,
    incomplete: &'a Option<String>,
}

impl<'a> Run<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let Report { tool, server, seed, started_at, ms, incomplete, .. } = report;
        Self { tool, server, seed: *seed, started_at, ms: *ms, incomplete }
    }
}

/// One word of a command line that is shown to a reader.
pub(super) fn word(raw: &str) -> String {
    escape::shell_word(&escape::visible(raw))
}

/// The command line that runs a script of a step.
pub(super) fn psql(step: &StepReport, file: &str) -> String {
    let url = match &step.database {
        Some(database) => {
            let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            format!("{}_DATABASE_URL", database.chars().map(upper).collect::<String>())
        }
        None => "DATABASE_URL".to_owned(),
    };
    format!("psql \"${url}\" --set ON_ERROR_STOP=1 --file {}", word(file))
}
