//! `gate`: whether a report lets a release through. Only what was verified, as it is now, and held.

use std::path::Path;

use watertight_reports::{CheckOutcome, LargeReport, Report, ScenarioReport, Verdict};
use watertight_scenarios::{Scenario, catalog};

use super::args::GateArgs;
use super::exit::Exit;
use super::output::{complain, say};
use super::report::read;
use super::subject::{PROJECT_FILE, read_again};
use crate::init;
use crate::verify::overall;

/// Why the gate stays shut.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    exit: Exit,
    why: String,
}

impl Refusal {
    fn new(exit: Exit, why: impl Into<String>) -> Self {
        Self { exit, why: why.into() }
    }

    fn undecided(why: impl Into<String>) -> Self {
        Self::new(Exit::Inconclusive, why)
    }
}

/// Runs the command.
pub(super) fn run(args: &GateArgs) -> Exit {
    let report = match read(&args.report) {
        Ok(report) => report,
        Err(why) => {
            complain(&why);
            return Exit::Usage;
        }
    };
    let mut refusals = of_the_run(&report, args.partial);
    refusals.extend(of_the_subject(&report, &args.root));
    for scenario in &report.scenarios {
        let mut found: Vec<Refusal> = of_the_verdict(scenario).into_iter().collect();
        found.extend(of_the_files(scenario, &args.root, args.to.as_deref()));
        if found.is_empty() {
            say(&format!("passes   {}: {}", scenario.id, held(scenario)));
        }
        refusals
            .extend(found.into_iter().map(|r| Refusal { why: format!("{}: {}", scenario.id, r.why), ..r }));
    }
    for refusal in &refusals {
        say(&format!("refused  {}", refusal.why));
    }
    let verdict = if refusals.is_empty() { "the gate is open" } else { "the gate stays shut" };
    say(&format!("{verdict}: {} of {}, seed {}", args.report.display(), report.started_at, report.seed));
    refusals.into_iter().map(|r| r.exit).max().unwrap_or(Exit::Held)
}

/// What was asked of the run, and whether it came to its end.
fn of_the_run(report: &Report, partial: bool) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if let Some(why) = &report.incomplete {
        refusals.push(Refusal::undecided(format!("the run did not come to its end: {why}")));
    }
    let asked = &report.settings;
    let left_out = match (asked.only.as_slice(), asked.skip.as_slice()) {
        ([], []) => None,
        ([], skip) => Some(format!("not verified are {}", skip.join(", "))),
        (only, _) => Some(format!("verified are only {}", only.join(", "))),
    };
    if let Some(left_out) = left_out.filter(|_| !partial) {
        refusals.push(Refusal::undecided(format!("{left_out} (--partial accepts that)")));
    }
    if report.scenarios.is_empty() {
        refusals.push(Refusal::undecided("nothing was verified"));
    }
    if overall(report.scenarios.iter().map(|s| s.verdict)) > report.verdict {
        let why = "the report contradicts itself: its verdict is better than those of its scenarios";
        refusals.push(Refusal::new(Exit::Usage, why));
    }
    refusals
}

/// Whether the report is about what is here: that bundled scenarios hold says nothing of it.
fn of_the_subject(report: &Report, root: &Path) -> Option<Refusal> {
    let here = root.join(PROJECT_FILE).exists() || init::find(root).is_ok();
    let bundled = !report.scenarios.is_empty() && report.scenarios.iter().all(|s| s.origin.is_none());
    (here && bundled).then(|| {
        Refusal::undecided("there are migrations here, and the report is about bundled scenarios only")
    })
}

fn of_the_verdict(scenario: &ScenarioReport) -> Option<Refusal> {
    if overall(scenario.checks.iter().map(|c| c.outcome.verdict())) > scenario.verdict {
        let why = "the report contradicts itself: the verdict is better than those of its checks";
        return Some(Refusal::new(Exit::Usage, why));
    }
    match scenario.verdict {
        Verdict::Held => None,
        Verdict::Violated => {
            let findings: Vec<_> = scenario.checks.iter().flat_map(|c| c.outcome.findings()).collect();
            let worst =
                findings.iter().max_by_key(|f| f.severity).map(|f| format!("; the worst: {}", f.title));
            let at_scale = scenario.evidence.large.iter().flat_map(LargeReport::told);
            let at_scale = at_scale.filter(|(verdict, _)| *verdict == Verdict::Violated);
            let worst = worst.or_else(|| at_scale.map(|(_, line)| format!("; {line}")).next());
            let noun = if findings.len() == 1 { "finding" } else { "findings" };
            let why = format!("violated: {} {noun}{}", findings.len(), worst.unwrap_or_default());
            Some(Refusal::new(Exit::Violated, why))
        }
        Verdict::Inconclusive | Verdict::NotApplicable => {
            let undecided: Vec<&str> = scenario
                .checks
                .iter()
                .filter(|c| matches!(c.outcome, CheckOutcome::Inconclusive { .. }))
                .map(|c| c.invariant.as_str())
                .collect();
            let what = if undecided.is_empty() { "the run".to_owned() } else { undecided.join(", ") };
            Some(Refusal::undecided(format!("inconclusive: {what}")))
        }
    }
}

/// Whether the files are those that were verified, and all that there are.
fn of_the_files(scenario: &ScenarioReport, root: &Path, to: Option<&str>) -> Option<Refusal> {
    let now = match now(scenario, root, to) {
        Ok(now) => now,
        Err(why) => {
            return Some(Refusal::undecided(format!("what was verified cannot be read any more: {why}")));
        }
    };
    let added: Vec<&str> = now
        .steps
        .iter()
        .map(|s| s.id.as_str())
        .filter(|id| scenario.steps.iter().all(|verified| verified.id != *id))
        .collect();
    if !added.is_empty() {
        return Some(Refusal::undecided(format!("not verified: {}", added.join(", "))));
    }
    (now.digest != scenario.digest)
        .then(|| Refusal::undecided("its files are not those that were verified; verify again"))
}

/// The scenario as its files say it now.
fn now(scenario: &ScenarioReport, root: &Path, to: Option<&str>) -> Result<Scenario, String> {
    let Some(origin) = &scenario.origin else {
        return catalog::load(&scenario.id).map_err(|e| e.to_string());
    };
    read_again(origin, root, to)
}

/// What was exercised, for a scenario that passes.
fn held(scenario: &ScenarioReport) -> String {
    let held = scenario.checks.iter().filter(|c| c.outcome.verdict() == Verdict::Held).count();
    let data = &scenario.data;
    format!(
        "{held} invariants held over {} cases with {} tenants; its files are those that were verified",
        data.cases, data.worlds
    )
}
