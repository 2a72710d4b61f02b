//! `score`: what a corpus of seeded faults says of the invariants.

use std::path::Path;

use watertight_scenarios::{Scenario, catalog};

use super::args::ScoreArgs;
use super::exit::Exit;
use super::interrupts::Interrupts;
use super::output::{complain, say};
use super::verify::{environment, failed};
use crate::files::write_whole;
use crate::provider::Server;
use crate::score::{Corpus, Score, ScoreOptions, insert, render, score};

/// Runs the command.
pub(super) async fn run(args: ScoreArgs) -> Exit {
    let corpus = match load(&args) {
        Ok(corpus) => corpus,
        Err(message) => {
            complain(&format!("error: {message}"));
            return Exit::Usage;
        }
    };
    if args.seeds == 0 || args.cases == 0 {
        complain("error: no case is asked for: nothing was scored, and that is no pass");
        return Exit::Inconclusive;
    }
    // Before anything is started: a file that cannot take the score is found out now.
    for path in &args.into {
        if let Err(exit) = write_into(path, None) {
            return exit;
        }
    }
    let interrupts = Interrupts::listen();
    let server = match Server::start(&args.server.options()).await {
        Ok(server) => server,
        Err(error) => return environment(&error),
    };
    let options = ScoreOptions {
        seeds: args.seeds,
        cases: args.cases,
        sound_seeds: args.sound_seeds.unwrap_or(args.seeds),
        sound_cases: args.sound_cases,
        jobs: super::args::jobs(args.jobs),
    };
    let scored =
        score(&server, &corpus, &options, &interrupts.stop, &|id| complain(&format!("scored {id}"))).await;
    let exit = match scored {
        Ok(score) => print(&score, &args),
        Err((id, error)) => failed(&id, &error, &interrupts).0,
    };
    match server.stop().await {
        Ok(()) => exit,
        Err(error) => exit.max(environment(&error)),
    }
}

fn load(args: &ScoreArgs) -> Result<Corpus, String> {
    let mut corpus = Corpus::load(&args.corpus).map_err(|e| e.to_string())?;
    for name in &args.sound {
        let bundled = catalog::ids().contains(&name.as_str());
        let scenario = if bundled { catalog::load(name) } else { Scenario::load(Path::new(name)) };
        corpus.sound.push(scenario.map_err(|e| e.to_string())?);
    }
    Ok(corpus)
}

/// Writes a score between the marks of a file; without one, only looks whether it could be.
fn write_into(path: &Path, score: Option<&Score>) -> Result<(), Exit> {
    let told = |why: String| complain(&format!("error: {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| {
        told(error.to_string());
        Exit::Usage
    })?;
    let none = Score::default();
    let written = insert(&text, score.unwrap_or(&none)).map_err(|why| {
        told(why);
        Exit::Usage
    })?;
    if score.is_none() {
        return Ok(());
    }
    write_whole(path, &written).map_err(|error| {
        told(error.to_string());
        Exit::Environment
    })
}

fn print(score: &Score, args: &ScoreArgs) -> Exit {
    if args.json {
        match serde_json::to_string_pretty(score) {
            Ok(text) => say(&text),
            Err(error) => {
                complain(&format!("error: the score cannot be written: {error}"));
                return Exit::Internal;
            }
        }
    } else {
        for line in render(score) {
            say(&line);
        }
    }
    for path in &args.into {
        if let Err(exit) = write_into(path, Some(score)) {
            return exit;
        }
    }
    if score.is_perfect() { Exit::Held } else { Exit::Violated }
}
