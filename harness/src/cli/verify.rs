//! `verify`: the main job.

use std::time::Instant;

use sqlx::types::chrono::Utc;
use watertight_reports::{Report, SCHEMA_VERSION, ScenarioReport, Settings, Tool, Verdict};
use watertight_scenarios::Scenario;

use super::args::{CASES_PER_FAULT, Scale, VerifyArgs};
use super::exit::Exit;
use super::interrupts::Interrupts;
use super::kept;
use super::output::{complain, say};
use super::pages;
use super::progress::Progress;
use super::publish::publish;
use super::subject::{Subject, scenario, subjects};
use crate::db::stage::{PINNED, StageError};
use crate::failures::{Failure, Folder};
use crate::init::InitError;
use crate::invariants;
use crate::provider::{ProviderError, Server, defects};
use crate::verify::{
    Event, LargeOptions, MutateError, MutateOptions, VerifyError, VerifyOptions, large, mutate, verify,
};

/// Runs the command.
pub(super) async fn run(args: VerifyArgs) -> Exit {
    let range = args.range.range();
    let subjects = match subjects(&args.scenarios, &range) {
        Ok(subjects) => subjects,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    // Before anything is started.
    let ready = subjects.iter().filter_map(Subject::scenario);
    if let Err(exit) = ready.into_iter().try_for_each(|s| known(s, &args).map(drop)) {
        return exit;
    }
    let ready: Vec<&Scenario> = subjects.iter().filter_map(Subject::scenario).collect();
    if let Some(message) = unknown_invariant(ready.iter().copied(), &args.only, &args.skip) {
        complain(&message);
        return Exit::Usage;
    }
    let ids = invariant_ids(ready);
    let nothing = ids.iter().all(|id| {
        (!args.only.is_empty() && !args.only.iter().any(|o| o == id)) || args.skip.iter().any(|s| s == id)
    });
    if args.cases == 0 || nothing {
        let why = if nothing { "every invariant is skipped" } else { "no case is asked for (--cases 0)" };
        complain(&format!("error: {why}: nothing was checked, and that is no pass"));
        return Exit::Inconclusive;
    }
    let interrupts = Interrupts::listen();
    let progress = Progress::new(args.quiet);
    let options = args.server.options();
    let server = match Server::start(&options).await {
        Ok(server) => server,
        Err(error) => return environment(&error),
    };
    for skipped in &server.info().skipped {
        progress.note(&format!("not used: {skipped}"));
    }
    progress.note(&format!("using {}", server.info()));
    let exit = match jobs(&server, subjects, &args, &progress).await {
        Ok(jobs) => verify_all(&server, &jobs, &args, &interrupts, &progress).await,
        Err(exit) => interrupts.exit().unwrap_or(exit),
    };
    if args.keep && interrupts.exit().is_none() {
        keep(&server, &interrupts).await;
    }
    match server.stop().await {
        Ok(()) => exit,
        Err(error) => exit.max(environment(&error)),
    }
}

/// Ids of the invariants that there are for some scenarios.
fn invariant_ids<'s>(scenarios: impl IntoIterator<Item = &'s Scenario>) -> Vec<&'s str> {
    let own = scenarios.into_iter().flat_map(|s| &s.invariants).map(|i| i.id.as_str());
    invariants::catalog().iter().map(|i| i.spec().id).chain(own).collect()
}

/// What to say of an invariant that is asked for or left out, and that there is not.
pub(super) fn unknown_invariant<'s>(
    scenarios: impl IntoIterator<Item = &'s Scenario>,
    only: &[String],
    skip: &[String],
) -> Option<String> {
    let ids = invariant_ids(scenarios);
    let unknown = only.iter().chain(skip).find(|id| !ids.contains(&id.as_str()));
    unknown.map(|id| pages::unknown(id))
}

/// A scenario, and what is known of it.
struct Job {
    scenario: Scenario,
    /// The text of its file, where there is no file.
    text: Option<String>,
    folder: Folder,
    known: Vec<Failure>,
}

pub(super) fn environment(error: &ProviderError) -> Exit {
    complain(&format!("error: {error}"));
    complain(&format!("  → {}", error.remedy()));
    Exit::Environment
}

/// What is known of a scenario.
fn known(scenario: &Scenario, args: &VerifyArgs) -> Result<(Folder, Vec<Failure>), Exit> {
    let folder = Folder::of(scenario, args.failures.as_deref(), &args.out);
    let known = folder.load(scenario).map_err(|error| {
        complain(&format!("error: {error}"));
        Exit::Usage
    })?;
    Ok((folder, known))
}

/// The scenarios of all subjects.
async fn jobs(
    server: &Server,
    subjects: Vec<Subject>,
    args: &VerifyArgs,
    progress: &Progress,
) -> Result<Vec<Job>, Exit> {
    let mut jobs = Vec::new();
    for subject in subjects {
        let (scenario, text) =
            scenario(server, subject, &args.range.range(), progress).await.map_err(|e| not_made(&e))?;
        let (folder, known) = known(&scenario, args)?;
        jobs.push(Job { scenario, text, folder, known });
    }
    Ok(jobs)
}

/// Says why there is no scenario of some migrations.
pub(super) fn not_made(error: &InitError) -> Exit {
    match error {
        InitError::Verify(error) => told("migrations", error).0,
        InitError::Files(wrong) => {
            complain(&wrong.to_string());
            Exit::Usage
        }
        other => {
            complain(&format!("error: {other}"));
            Exit::Usage
        }
    }
}

async fn verify_all(
    server: &Server,
    jobs: &[Job],
    args: &VerifyArgs,
    interrupts: &Interrupts,
    progress: &Progress,
) -> Exit {
    let clock = Instant::now();
    let started_at = Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let options = VerifyOptions {
        cases: args.cases,
        seed: args.seed.0,
        only: args.only.clone(),
        skip: args.skip.clone(),
        jobs: super::args::jobs(args.jobs),
    };
    let mut exit = Exit::Held;
    let mut reports: Vec<ScenarioReport> = Vec::new();
    let mut incomplete = None;
    for Job { scenario, text, folder, known } in jobs {
        let hear = |event: Event<'_>| progress.hear(event);
        let verified = match verify(server, scenario, known, &options, &interrupts.stop, &hear).await {
            Ok(verified) => Some(verified),
            Err(error) => {
                let (code, goes_on) = failed(&scenario.id, &error, interrupts);
                exit = exit.max(code);
                incomplete.get_or_insert_with(|| format!("{}: {error}", scenario.id));
                if let VerifyError::Interrupted(Some(verified)) = error {
                    reports.push(kept::shown(*verified, folder).report);
                }
                if !goes_on {
                    break;
                }
                None
            }
        };
        let Some(verified) = verified else { continue };
        let mut verified = kept::shown(verified, folder);
        verified.report.origin = kept::origin(scenario, text.as_deref());
        let prune = if args.prune_fixed { kept::Prune::Fixed } else { kept::Prune::No };
        exit = exit.max(kept::keep(&verified, scenario, folder, prune));
        if kept::is_edited(scenario, text.as_deref()) {
            complain(&format!("{}: its files changed during the run; verify again", scenario.id));
            verified.report.verdict = verified.report.verdict.max(Verdict::Inconclusive);
            incomplete.get_or_insert_with(|| {
                format!(
                    "{}: its files changed during the run: what was verified is not what is there",
                    scenario.id
                )
            });
        }
        if let Some(Scale { rows }) = args.scale {
            let wanted = LargeOptions { rows, seed: options.seed };
            let (code, goes_on) = at_scale(server, scenario, &mut verified.report, wanted, interrupts).await;
            exit = exit.max(code);
            if !goes_on {
                incomplete.get_or_insert_with(|| format!("{}: its large case is not done", scenario.id));
            }
        }
        if args.mutate {
            let (code, goes_on) =
                strength(server, scenario, &mut verified.report, &options, interrupts, progress).await;
            exit = exit.max(code);
            if !goes_on {
                incomplete.get_or_insert_with(|| format!("{}: its faults were not all tried", scenario.id));
            }
        }
        exit = exit.max(verified.report.verdict.into());
        reports.push(verified.report);
        if incomplete.is_some() && interrupts.exit().is_some() {
            break;
        }
    }
    let report = Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "watertight".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        server: describe(server),
        seed: options.seed,
        settings: Settings { cases: options.cases, only: options.only, skip: options.skip },
        verdict: verdict(&reports, incomplete.is_some()),
        started_at,
        ms: clock.elapsed().as_secs_f64() * 1000.0,
        incomplete,
        scenarios: reports,
    };
    exit.max(publish(report, &args.format, &args.out))
}

/// One large case of a scenario, into its report.
async fn at_scale(
    server: &Server,
    scenario: &Scenario,
    report: &mut ScenarioReport,
    wanted: LargeOptions,
    interrupts: &Interrupts,
) -> (Exit, bool) {
    match large(server, scenario, wanted, &interrupts.stop).await {
        Ok(large) => {
            report.verdict = report.verdict.max(large.verdict());
            report.evidence.large = Some(large);
            let interrupted = interrupts.exit();
            (interrupted.unwrap_or(Exit::Held), interrupted.is_none())
        }
        Err(error) => (failed(&scenario.id, &error, interrupts).0, false),
    }
}

/// What the verification of a scenario that holds is worth, into its report. It changes no verdict: it says of the checks
/// what they say of the scenario.
async fn strength(
    server: &Server,
    scenario: &Scenario,
    report: &mut ScenarioReport,
    options: &VerifyOptions,
    interrupts: &Interrupts,
    progress: &Progress,
) -> (Exit, bool) {
    if report.verdict != Verdict::Held {
        progress.note(&format!("{}: does not hold, so that no fault is seeded into it", scenario.id));
        return (Exit::Held, true);
    }
    let wanted = MutateOptions {
        cases: options.cases.min(CASES_PER_FAULT),
        seed: options.seed,
        only: options.only.clone(),
        skip: options.skip.clone(),
        operators: Vec::new(),
        faults_max: None,
        jobs: options.jobs,
    };
    let hear = |event: Event<'_>| progress.hear(event);
    match mutate(server, scenario, &wanted, &interrupts.stop, &hear).await {
        Ok(strength) => {
            report.evidence.strength = Some(strength);
            (Exit::Held, true)
        }
        Err(MutateError::Verify(error)) => (failed(&scenario.id, &error, interrupts).0, false),
        Err(error) => {
            progress.note(&format!("{}: {error}", scenario.id));
            (Exit::Held, true)
        }
    }
}

fn verdict(reports: &[ScenarioReport], incomplete: bool) -> Verdict {
    let worst = crate::verify::overall(reports.iter().map(|r| r.verdict));
    if incomplete { worst.max(Verdict::Inconclusive) } else { worst }
}

/// What to say of a scenario without a report, its exit, and whether the others can go on.
pub(super) fn failed(id: &str, error: &VerifyError, interrupts: &Interrupts) -> (Exit, bool) {
    if let Some(exit) = interrupts.exit() {
        complain(&format!("{id}: interrupted; what is known is written as incomplete"));
        return (exit, false);
    }
    told(id, error)
}

/// Says what went wrong and what to do about it.
fn told(id: &str, error: &VerifyError) -> (Exit, bool) {
    complain(&format!("error: {id}: {error}"));
    match error {
        VerifyError::Provider(e) | VerifyError::Stage(StageError::Provider(e)) => {
            complain(&format!("  → {}", e.remedy()));
            let extension = matches!(e, ProviderError::ExtensionMissing { .. });
            (Exit::Environment, extension)
        }
        VerifyError::Stage(StageError::Lost(_)) | VerifyError::Lost(_) => {
            complain("  → the server went away or ran out of a resource; see its log, then run again");
            (Exit::Environment, false)
        }
        VerifyError::Stage(StageError::TooOld { .. }) => {
            complain("  → name a newer server, or use another provider (watertight doctor)");
            (Exit::Environment, true)
        }
        VerifyError::Command(_) => {
            complain(
                "  → the command has to run where Watertight runs: install what it needs, or see `folder` of its step",
            );
            (Exit::Environment, true)
        }
        VerifyError::Scenario(_) => {
            complain(
                "  → names are written as the catalogs have them: `watertight init` tells which there are",
            );
            (Exit::Usage, true)
        }
        VerifyError::Stage(StageError::Model { .. }) => {
            complain(
                "  → a model makes everything by itself, as the migrator: without owners, data or a baseline before it",
            );
            (Exit::Usage, true)
        }
        VerifyError::Stage(_) => {
            complain(
                "  → no case ran: the state before the first step has to apply by itself, as the migrator",
            );
            (Exit::Inconclusive, true)
        }
        VerifyError::Interrupted(_) => (Exit::Interrupted, false),
    }
}

pub(super) fn describe(server: &Server) -> watertight_reports::Server {
    let info = server.info();
    let mut settings: Vec<String> = PINNED.iter().map(|(name, value)| format!("{name}={value}")).collect();
    settings.push(format!("encoding={}", info.pinned.encoding));
    settings.push(format!("locale={} ({})", info.pinned.locale, info.pinned.locale_provider));
    watertight_reports::Server {
        provider: info.provider.name().to_owned(),
        version: info.server_version.clone(),
        pgvector: info.pgvector.clone(),
        settings,
        engine_defects: defects::known(info.server_version_num),
    }
}

async fn keep(server: &Server, interrupts: &Interrupts) {
    let options = server.admin_options(crate::provider::MAINTENANCE_DATABASE);
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    say(&format!(
        "the server is kept: psql -h {host} -p {} -U {} {}  (ctrl-c ends it)",
        options.get_port(),
        options.get_username(),
        crate::provider::MAINTENANCE_DATABASE
    ));
    while interrupts.exit().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
