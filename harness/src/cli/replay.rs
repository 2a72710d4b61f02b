//! `replay`: one failure again, on its own data.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use similar::{ChangeTag, TextDiff};
use watertight_scenarios::Scenario;

use super::args::ReplayArgs;
use super::exit::Exit;
use super::interrupts::Interrupts;
use super::output::{complain, say};
use super::progress::Progress;
use super::subject::{Subject, at, named, scenario};
use super::verify::{environment, failed, not_made};
use crate::failures::Failure;
use crate::provider::Server;
use crate::verify::{Entrance, Replayed, Tour, replay};

/// Where a failure is looked for by its id, besides the folder that the user names.
const FOLDERS: [&str; 2] = [".watertight/failures", "watertight-report/failures"];

/// Runs the command.
pub(super) async fn run(args: ReplayArgs) -> Exit {
    let (failure, subject) = match find(&args) {
        Ok(found) => found,
        Err(why) => {
            complain(&format!("error: {why}"));
            return Exit::Usage;
        }
    };
    let interrupts = Interrupts::listen();
    let server = match Server::start(&args.server.options()).await {
        Ok(server) => server,
        Err(error) => return environment(&error),
    };
    complain(&format!("using {}", server.info()));
    let progress = Progress::new(true);
    let exit = match scenario(&server, subject, &failure.scenario.range, &progress).await {
        Ok((scenario, _)) => again(&server, &scenario, &failure, &args, &interrupts).await,
        Err(error) => not_made(&error),
    };
    match server.stop().await {
        Ok(()) => interrupts.exit().unwrap_or(exit),
        Err(error) => exit.max(environment(&error)),
    }
}

async fn again(
    server: &Server,
    scenario: &Scenario,
    failure: &Failure,
    args: &ReplayArgs,
    interrupts: &Interrupts,
) -> Exit {
    if scenario.digest != failure.scenario.digest {
        complain("the scenario's files have changed since the failure was seen");
    }
    let mut guide = Guide { steps: args.step, psql: args.psql, interrupts };
    let tour: Option<&mut dyn Tour> = if args.step || args.psql { Some(&mut guide) } else { None };
    match replay(server, scenario, failure, tour).await {
        Ok(replayed) => tell(failure, &replayed),
        Err(error) => failed(&scenario.id, &error, interrupts).0,
    }
}

/// The failure that is meant, and its scenario.
fn find(args: &ReplayArgs) -> Result<(Failure, Subject), String> {
    let path = file_of(args)?;
    let failure = Failure::read(&path).map_err(|e| e.to_string())?;
    let beside = || {
        let path_in = failure.scenario.path.as_ref()?;
        Some(path.parent().unwrap_or(Path::new("")).join(path_in))
    };
    let range = &failure.scenario.range;
    let subject = match (&args.scenario, beside()) {
        (Some(name), _) => named(name, range),
        (None, None) => named(&failure.scenario.id, range),
        // Where there is no such file, the scenario was made from the migrations beside it.
        (None, Some(file)) if !file.exists() => at(file.parent().unwrap_or(Path::new("")), range),
        (None, Some(file)) => at(&file, range),
    };
    let subject = subject.map_err(|e| format!("{e}\n  → name the scenario with --scenario"))?;
    Ok((failure, subject))
}

fn file_of(args: &ReplayArgs) -> Result<PathBuf, String> {
    let given = Path::new(&args.failure);
    if given.is_file() {
        return Ok(given.to_owned());
    }
    let folders: Vec<PathBuf> = args.failures.iter().cloned().chain(FOLDERS.map(PathBuf::from)).collect();
    let file = |folder: &PathBuf| folder.join(format!("{}.json", args.failure));
    folders.iter().map(file).find(|f| f.is_file()).ok_or_else(|| {
        let shown: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        format!(
            "there is no failure {}, neither as a file nor in {}\n  → name its file, or its folder with --failures",
            args.failure,
            shown.join(", ")
        )
    })
}

/// Says what came of it: the verdict, what should have held, and what was seen then and is seen now.
fn tell(failure: &Failure, replayed: &Replayed) -> Exit {
    let (word, exit, now) = match replayed {
        Replayed::Fixed { transcript, .. } => ("FIXED", Exit::Held, Some(transcript)),
        Replayed::Failed { transcript, .. } => ("FAILED", Exit::Violated, Some(transcript)),
        Replayed::CannotRun(_) => ("CANNOT RUN", Exit::Inconclusive, None),
    };
    say(&format!("{word} {}: {}", failure.id, failure.title));
    say(&format!("  expected  {}", failure.expected));
    match replayed {
        Replayed::Failed { message, .. } => say(&format!("  seen      {message}")),
        Replayed::Fixed { others, .. } => {
            say(&format!("  was seen  {}", failure.seen));
            for other in others {
                say(&format!("  but       its data shows something else: {other}"));
            }
        }
        Replayed::CannotRun(why) => say(&format!("  why       {why}")),
    }
    if let Some(now) = now {
        for line in diff(&failure.transcript, now) {
            say(&line);
        }
    }
    exit
}

/// The transcript as a diff: `-` was seen when the failure was found, `+` is seen now.
fn diff(then: &[String], now: &[String]) -> Vec<String> {
    let (then, now): (Vec<&str>, Vec<&str>) =
        (then.iter().map(String::as_str).collect(), now.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&then, &now);
    diff.iter_all_changes()
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            format!("{sign} {}", change.value())
        })
        .collect()
}

/// Shows the way through a failure, and opens psql at its end.
struct Guide<'a> {
    steps: bool,
    psql: bool,
    interrupts: &'a Interrupts,
}

impl Tour for Guide<'_> {
    fn step(&mut self, line: &str, entrance: &Entrance) {
        if !self.steps {
            return;
        }
        say(line);
        if std::io::stdin().is_terminal() && self.interrupts.exit().is_none() {
            complain(&format!("  [Enter] goes on; look into the state with {}", command(entrance)));
            let mut line = String::new();
            // A terminal that went away asks for nothing more.
            let _ = std::io::stdin().read_line(&mut line);
        }
    }

    fn arrived(&mut self, entrance: &Entrance) {
        if !self.psql {
            return;
        }
        if let Some(statement) = &entrance.statement {
            say(&format!("-- sent last, as {}:\n{};", entrance.role, statement.trim_end_matches(';')));
        }
        let terminal = std::io::stdin().is_terminal();
        if terminal && tokio::task::block_in_place(|| open(entrance)) {
            return;
        }
        say(&format!("connect: {}", command(entrance)));
        say(&format!("then:    {}", opening(entrance).replace('\n', " ")));
        complain("the state is kept until ctrl-c, or the end of the input");
        self.wait();
    }
}

impl Guide<'_> {
    /// Waits for ctrl-c, or for the end of the input, which a thread waits for.
    fn wait(&self) {
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = sender.send(());
        });
        tokio::task::block_in_place(|| {
            while self.interrupts.exit().is_none()
                && matches!(
                    ended.recv_timeout(std::time::Duration::from_millis(100)),
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                )
            {}
        });
    }
}

/// How to connect: the password, which is random and ends with the run, is asked for where the server wants one.
fn command(entrance: &Entrance) -> String {
    format!("psql -h {} -p {} -U {} {}", entrance.host, entrance.port, entrance.user, entrance.database)
}

/// What puts a session into the place of who acts: the role, and within a transaction the tenant context.
fn opening(entrance: &Entrance) -> String {
    let mut sql = format!("SET ROLE {};\n", entrance.role.quoted());
    if let Some(context) = &entrance.context {
        sql.push_str(&format!("BEGIN;\n{};\n", context.trim_end_matches(';')));
    }
    sql
}

/// Runs psql on the terminal; `false` where there is none.
fn open(entrance: &Entrance) -> bool {
    let Ok(mut start) = tempfile::Builder::new().prefix("watertight-psqlrc-").tempfile() else {
        return false;
    };
    if start.write_all(opening(entrance).as_bytes()).is_err() {
        return false;
    }
    Command::new("psql")
        .args(["-h", &entrance.host, "-p", &entrance.port.to_string(), "-U", &entrance.user])
        .arg(&entrance.database)
        .env("PSQLRC", start.path())
        .env("PGPASSWORD", entrance.password.expose())
        .status()
        .is_ok()
}
