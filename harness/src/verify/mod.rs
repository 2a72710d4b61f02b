//! From a scenario and a server to a report: survey, cases, judgement, shrinking.

mod aggregate;
mod build;
mod counterexample;
mod data;
mod evidence;
mod facts;
mod findings;
mod footprint;
mod hunt;
mod indexes;
mod known;
mod lab;
mod large;
mod locks;
mod measure;
mod mutate;
mod presets;
mod replay;
mod shrink;
mod survey;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};

use watertight_reports::{ScenarioReport, Verdict};
use watertight_scenarios::Scenario;

use crate::db::hosts::Hosts;
use crate::db::stage::{Stage, StageError};
use crate::explore::Scene;
use crate::failures::Failure;
use crate::invariants::{self, Invariant};
use crate::provider::{ProviderError, Server};

pub(crate) use build::overall;
pub(crate) use hunt::{Hunt, Sighting, hunt};
use known::Outcome;
pub use large::{LargeOptions, large};
pub use mutate::{MutateError, MutateOptions, mutate};
pub use replay::{Entrance, Replayed, Tour, replay};
pub(crate) use survey::look_ahead;
pub use worker::CASES_PER_DATABASE;

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Cases a scenario.
    pub cases: u32,
    /// Seed of all cases.
    pub seed: u64,
    /// Invariants asked for; empty means all.
    pub only: Vec<String>,
    /// Invariants left out.
    pub skip: Vec<String>,
    /// Workers, each with databases of its own.
    pub jobs: usize,
}

/// What came of verifying a scenario.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The report.
    pub report: ScenarioReport,
    /// One a finding, to be kept as a file.
    pub failures: Vec<Failure>,
}

/// Why a scenario has no report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The environment's fault.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The scenario could not be set up.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The server or a session went away, and once more when the case was tried again.
    #[error("the server was lost: {0}")]
    Lost(String),
    /// The command of a step cannot be run here.
    #[error("{0}")]
    Command(String),
    /// The scenario names what is not there.
    #[error("{0}")]
    Scenario(String),
    /// The user asked to stop. What was known by then is never a pass.
    #[error("interrupted")]
    Interrupted(Option<Box<Verified>>),
}

/// What happens while a scenario is verified; whoever shows progress listens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A scenario begins.
    Scenario {
        /// Its id.
        id: &'a str,
        /// Cases to run.
        cases: u32,
    },
    /// A case is done.
    Case,
    /// A finding is being shrunk.
    Shrinking {
        /// Its title.
        title: &'a str,
    },
    /// Faults are about to be seeded into a scenario.
    Faults {
        /// Its id.
        id: &'a str,
        /// How many.
        faults: u32,
    },
    /// What becomes of one of them is known.
    Fault,
    /// The scenario is done.
    Done,
}

/// Hears events, from any thread.
pub type Listener<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// A flag that asks a run to stop at the next case.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is known of a scenario before its first case: for whoever plays cases of his own.
///
/// # Errors
/// When the server is lost, or the scenario names what is not there.
pub async fn scene(stage: &Stage<'_>, scenario: &Scenario) -> Result<Scene, VerifyError> {
    survey::scene(stage, scenario).await.map(|(scene, _)| scene)
}

/// Invariants that a run asks for.
pub(crate) fn selected(options: &VerifyOptions, scenario: &Scenario) -> Vec<Box<dyn Invariant>> {
    invariants::catalog()
        .into_iter()
        .chain(invariants::own(scenario))
        .filter(|i| {
            let id = i.spec().id;
            (options.only.is_empty() || options.only.iter().any(|o| o == id))
                && !options.skip.iter().any(|s| s == id)
        })
        .collect()
}

/// Verifies one scenario on a running server, the known failures first. Needs a multi-threaded runtime.
///
/// # Errors
/// When the server is lost, the baseline does not apply, or the user asked to stop.
pub async fn verify(
    server: &Server,
    scenario: &Scenario,
    known: &[Failure],
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Verified, VerifyError> {
    let clock = std::time::Instant::now();
    listen(Event::Scenario { id: &scenario.id, cases: options.cases });
    let hosts = Hosts::open(server, scenario).await?;
    let verified = verify_on(&hosts, scenario, known, options, stop, listen).await;
    // What the run created goes away whether it went well or not; the first error is the one that counts.
    let closed = hosts.close().await;
    let mut verified = verified?;
    closed?;
    let report = &mut verified.report;
    report.ms = clock.elapsed().as_secs_f64() * 1000.0;
    if stop.asked() {
        report.verdict = report.verdict.max(Verdict::Inconclusive);
        return Err(VerifyError::Interrupted((report.data.cases > 0).then(|| Box::new(verified))));
    }
    for failure in &mut verified.failures {
        failure.server.clone_from(&server.info().server_version);
    }
    listen(Event::Done);
    Ok(verified)
}

async fn verify_on(
    hosts: &Hosts<'_>,
    scenario: &Scenario,
    known: &[Failure],
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Verified, VerifyError> {
    let stage = Stage::prepare(hosts, scenario).await?;
    let surveyed = survey::survey(&stage, scenario).await?;
    let scene = &surveyed.scene;
    let invariants = selected(options, scenario);
    let outcomes = known::retry_all(&stage, scene, &invariants, known).await?;
    let known: Vec<(&Failure, Outcome)> =
        known.iter().zip(outcomes).filter_map(|(failure, outcome)| Some((failure, outcome?))).collect();
    let results = worker::play_all(&stage, scene, &invariants, options, stop, listen).await?;
    let mut tally = aggregate::tally(scene, &invariants, results);
    for (failure, outcome) in &known {
        if let Outcome::Failed(again) = outcome {
            tally.add_known(&invariants, failure, (**again).clone());
        }
    }
    let counterexamples =
        shrink::shrink_all(&stage, scene, &invariants, &tally, options, stop, listen).await?;
    let presets = if stop.asked() { Vec::new() } else { presets::presets(&stage, scene, options).await? };
    let (mut report, failures) =
        build::scenario_report(&surveyed, &invariants, tally, counterexamples, &known, presets);
    report.assumptions.extend(hosts.told());
    Ok(Verified { report, failures })
}
