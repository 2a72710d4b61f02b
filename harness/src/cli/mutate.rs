//! `mutate`: how many faults, seeded into a scenario's own scripts, its verification catches.

use std::collections::BTreeMap;
use std::path::Path;

use watertight_reports::{
    MutationReport, SCHEMA_VERSION, Strength, Tool, render_strength, render_strength_summary,
};
use watertight_scenarios::Scenario;
use watertight_scenarios::mutation::{OPERATORS, operator};

use super::args::{MutateArgs, StrengthFormat};
use super::exit::Exit;
use super::interrupts::Interrupts;
use super::output::{complain, say};
use super::progress::Progress;
use super::publish::{coloured, write_all};
use super::subject::{self, PROJECT_FILE, Subject, named, scenario};
use super::verify::{describe, environment, failed, not_made, unknown_invariant};
use crate::provider::Server;
use crate::verify::{Event, MutateError, MutateOptions, mutate};

/// Runs the command.
pub(super) async fn run(args: MutateArgs) -> Exit {
    if args.list {
        return list();
    }
    let subject = match wanted(&args) {
        Ok(subject) => subject,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    if let Some(unknown) = args.only_operator.iter().find(|id| operator(id).is_none()) {
        complain(&format!("error: there is no operator `{unknown}`; `watertight mutate --list` names them"));
        return Exit::Usage;
    }
    if args.cases == 0 || args.at_most == Some(0) {
        complain("error: nothing is asked for: no fault was tried, and that is no pass");
        return Exit::Inconclusive;
    }
    let interrupts = Interrupts::listen();
    let progress = Progress::new(args.quiet);
    let server = match Server::start(&args.server.options()).await {
        Ok(server) => server,
        Err(error) => return environment(&error),
    };
    progress.note(&format!("using {}", server.info()));
    let exit = match scenario(&server, subject, &args.range.range(), &progress).await {
        Ok((scenario, _)) => mutate_one(&server, &scenario, &args, &interrupts, &progress).await,
        Err(error) => interrupts.exit().unwrap_or_else(|| not_made(&error)),
    };
    match server.stop().await {
        Ok(()) => exit,
        Err(error) => exit.max(environment(&error)),
    }
}

/// The operators, a line each.
fn list() -> Exit {
    let width = OPERATORS.iter().map(|o| o.id.len()).max().unwrap_or_default();
    for operator in &OPERATORS {
        say(&format!("{:width$}  {}", operator.id, operator.fault));
    }
    Exit::Held
}

/// The one scenario that is meant.
fn wanted(args: &MutateArgs) -> Result<Subject, String> {
    let range = args.range.range();
    match &args.scenario {
        Some(name) => named(name, &range),
        None if Path::new(PROJECT_FILE).exists() => subject::at(Path::new(PROJECT_FILE), &range),
        None => {
            let found = crate::init::find(Path::new("")).map_err(|e| {
                format!("error: {e}\n  → name a scenario: a bundled one by its id, or a folder")
            })?;
            Ok(Subject::Repository { root: std::path::PathBuf::new(), found })
        }
    }
}

async fn mutate_one(
    server: &Server,
    scenario: &Scenario,
    args: &MutateArgs,
    interrupts: &Interrupts,
    progress: &Progress,
) -> Exit {
    if let Some(message) = unknown_invariant([scenario], &args.only, &args.skip) {
        complain(&message);
        return Exit::Usage;
    }
    let options = MutateOptions {
        cases: args.cases,
        seed: args.seed.0,
        only: args.only.clone(),
        skip: args.skip.clone(),
        operators: args.only_operator.clone(),
        faults_max: args.at_most,
        jobs: super::args::jobs(args.jobs),
    };
    let hear = |event: Event<'_>| progress.hear(event);
    match mutate(server, scenario, &options, &interrupts.stop, &hear).await {
        Ok(strength) => publish(server, scenario, strength, args),
        Err(MutateError::Verify(_)) if interrupts.exit().is_some() => {
            complain(&format!("{}: interrupted; nothing is written", scenario.id));
            interrupts.exit().unwrap_or(Exit::Interrupted)
        }
        Err(MutateError::Verify(error)) => failed(&scenario.id, &error, interrupts).0,
        Err(error) => refused(&scenario.id, &error),
    }
}

/// Says why nothing was measured.
fn refused(id: &str, error: &MutateError) -> Exit {
    complain(&format!("error: {id}: {error}"));
    match error {
        MutateError::NotSound(_) => {
            complain("  → mend it first: what a fault changes shows only where nothing is wrong without it");
            Exit::Usage
        }
        MutateError::NoCheck(_) | MutateError::NoFaults | MutateError::Verify(_) => Exit::Inconclusive,
    }
}

fn publish(server: &Server, scenario: &Scenario, strength: Strength, args: &MutateArgs) -> Exit {
    for line in render_strength_summary(&strength) {
        say(&coloured(&line));
    }
    let (caught, counted) = (strength.caught(), strength.counted());
    let report = MutationReport {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "watertight".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        server: describe(server),
        scenario: scenario.id.clone(),
        title: scenario.title.clone(),
        digest: scenario.digest.clone(),
        strength,
    };
    let mut files = BTreeMap::new();
    for format in &args.format {
        match format {
            StrengthFormat::Md => {
                files.insert("strength.md".to_owned(), render_strength(&report));
            }
            StrengthFormat::Json => {
                files.insert("strength.json".to_owned(), report.to_json());
            }
        }
    }
    if let Err(exit) = write_all(&files, &args.out) {
        return exit;
    }
    if let Some(name) = ["strength.md", "strength.json"].into_iter().find(|name| files.contains_key(*name)) {
        say(&format!("report: {}", args.out.join(name).display()));
    }
    match (caught, counted) {
        (_, 0) => Exit::Inconclusive,
        (caught, counted) if caught == counted => Exit::Held,
        _ => Exit::Violated,
    }
}
