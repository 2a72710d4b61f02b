//! A program of the user's: started in a process group of its own, its output kept, and ended as a whole.

mod output;

use std::fmt;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout};

use self::output::Tail;
use crate::provider::Secret;

/// Time that a command gets to end after it is asked to.
const TERMINATE_GRACE: Duration = Duration::from_secs(3);

/// Time for output to arrive that a command left in its pipes.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Variables of the caller's that would lead a command to another database, and one that holds a password.
const CLEARED: [&str; 14] = [
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PGPASSFILE",
    "PGOPTIONS",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGREQUIRESSL",
    "PGCHANNELBINDING",
    "PGTARGETSESSIONATTRS",
    "WATERTIGHT_DATABASE_URL",
];

/// What to run.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub words: &'a [String],
    /// Where.
    pub folder: &'a Path,
    /// Variables that are set for it; the rest is the caller's environment.
    pub variables: Vec<(String, Secret)>,
    /// What stands for every PostgreSQL URL in the caller's environment, whatever its variable is called.
    pub url: Secret,
    /// What must not be kept of its output.
    pub secrets: Vec<Secret>,
    /// Longest time.
    pub limit: Duration,
}

/// How a command ended, and the end of what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub status: Status,
    /// Its last lines, without secrets.
    pub output: Vec<String>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// By itself, with that code. A program that was ended by a signal has 128 and the signal's number.
    Exit(i32),
    /// It was ended after its time.
    TimedOut,
    /// It was cut where it was to be cut.
    Cut,
}

/// What a shell says of a program that it cannot run or find.
const CANNOT_RUN: [i32; 2] = [126, 127];

/// What a shell adds to the number of the signal that ended a program.
const BY_SIGNAL: i32 = 128;

/// The highest number of a signal.
const SIGNAL_MAX: i32 = 64;

fn signal_of(code: i32) -> Option<i32> {
    (BY_SIGNAL + 1..=BY_SIGNAL + SIGNAL_MAX).contains(&code).then_some(code - BY_SIGNAL)
}

impl Ended {
    /// Whether it did what it is for.
    pub fn is_success(&self) -> bool {
        self.status == Status::Exit(0)
    }

    /// Whether the program could not be run at all.
    pub fn could_not_run(&self) -> bool {
        matches!(self.status, Status::Exit(code) if CANNOT_RUN.contains(&code))
    }

    /// Whether its exit code is its own word: neither could it not be run, nor did somebody end it.
    pub fn is_word(&self) -> bool {
        matches!(self.status, Status::Exit(code) if signal_of(code).is_none()) && !self.could_not_run()
    }

    /// The line that says most: the first one that speaks of an error, else the last one.
    fn said(&self) -> Option<&str> {
        let lines = || self.output.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
        lines().find(|line| line.to_lowercase().contains("error")).or_else(|| lines().next_back())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Status::Exit(code) => match signal_of(code) {
                Some(signal) => write!(f, "ended by signal {signal}")?,
                None => write!(f, "exit code {code}")?,
            },
            Status::TimedOut => f.write_str("ended by the watchdog")?,
            Status::Cut => f.write_str("cut")?,
        }
        match self.said() {
            Some(line) => write!(f, ": {line}"),
            None => Ok(()),
        }
    }
}

/// A process group that does not outlive its use. Everything in it was started by one command.
struct Group(Pid);

impl Group {
    fn signal(&self, signal: Signal) {
        // A group that has ended needs no signal.
        let _ = killpg(self.0, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Runs a command to its end, or to the end of its time. What it leaves running ends with it.
///
/// # Errors
/// When no process can be started in that folder.
pub async fn run(program: &Program<'_>) -> io::Result<Ended> {
    run_until(program, std::future::pending()).await
}

/// The same, but when `cut` is there the whole group is killed on the spot.
///
/// # Errors
/// As those of [`run`].
pub async fn run_until(program: &Program<'_>, cut: impl Future<Output = ()>) -> io::Result<Ended> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", include_str!("run.sh"), "watertight-command"]).args(program.words);
    command.current_dir(program.folder);
    for name in CLEARED {
        command.env_remove(name);
    }
    let elsewhere = std::env::vars_os().filter(|(_, value)| names_database(&value.to_string_lossy()));
    command.envs(elsewhere.map(|(name, _)| (name, program.url.expose())));
    command.envs([("TZ", "UTC"), ("NO_COLOR", "1")]);
    command.envs(program.variables.iter().map(|(name, value)| (name, value.expose())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).filter(|pid| *pid > 1);
    let group = Group(Pid::from_raw(pid.ok_or_else(|| io::Error::other("the process has no id"))?));
    // Waiting would close it, and end the command.
    let lifeline = child.stdin.take();
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let mut tail = Tail::default();
    let mut limit = Instant::now() + program.limit;
    let (mut timed_out, mut is_cut) = (false, false);
    tokio::pin!(cut);
    let code = loop {
        tokio::select! {
            bytes = read(&mut out), if out.is_some() => tail.take(&bytes),
            bytes = read(&mut err), if err.is_some() => tail.take(&bytes),
            status = child.wait() => break status?.code(),
            () = &mut cut, if !is_cut => {
                is_cut = true;
                group.signal(Signal::SIGKILL);
            }
            () = sleep_until(limit) => {
                group.signal(if timed_out { Signal::SIGKILL } else { Signal::SIGTERM });
                timed_out = true;
                limit = Instant::now() + TERMINATE_GRACE;
            }
        }
    };
    drop(lifeline);
    drop(group);
    let drain = async {
        while out.is_some() || err.is_some() {
            tokio::select! {
                bytes = read(&mut out), if out.is_some() => tail.take(&bytes),
                bytes = read(&mut err), if err.is_some() => tail.take(&bytes),
            }
        }
    };
    // A process that left the group may hold a pipe for ever.
    let _ = timeout(DRAIN_LIMIT, drain).await;
    let status = match code {
        _ if is_cut => Status::Cut,
        _ if timed_out => Status::TimedOut,
        Some(code) => Status::Exit(code),
        // The group was killed, the shell that would tell the code included.
        None => Status::Exit(BY_SIGNAL + Signal::SIGKILL as i32),
    };
    Ok(Ended { status, output: tail.lines(&program.secrets) })
}

fn names_database(value: &str) -> bool {
    ["postgres://", "postgresql://", "jdbc:postgresql://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Some bytes of a stream; at its end the stream is taken away.
async fn read(stream: &mut Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = vec![0; 8 << 10];
    let count = match stream {
        Some(stream) => stream.read(&mut bytes).await.unwrap_or(0),
        None => 0,
    };
    if count == 0 {
        *stream = None;
    }
    bytes.truncate(count);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Ended {
        let words = ["sh", "-c", script].map(str::to_owned);
        let program = Program {
            words: &words,
            folder: Path::new("/"),
            variables: vec![("SECRET_URL".to_owned(), Secret::new("postgres://u:canary-5@h/d"))],
            url: Secret::new("postgres://here"),
            secrets: vec![Secret::new("canary-5")],
            limit,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&program)).unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_exit_code_and_the_output_are_told() {
        let ended = sh("echo one; echo 'Error: two' >&2; echo three; exit 3", LONG);
        assert_eq!(ended.status, Status::Exit(3));
        assert_eq!(ended.output.len(), 3);
        assert_eq!(ended.to_string(), "exit code 3: Error: two");
        assert!(ended.is_word() && !ended.is_success());
        assert!(sh("true", LONG).is_success());
    }

    #[test]
    fn what_cannot_be_run_is_told_apart() {
        assert!(sh("no-such-program-7", LONG).could_not_run());
        assert!(sh("/", LONG).could_not_run());
        let killed = sh("kill -s TERM $$", LONG);
        assert!(!killed.is_word(), "{killed}");
        // Some shells say so themselves.
        assert!(killed.to_string().starts_with("ended by signal 15"), "{killed}");
    }

    #[test]
    fn secrets_are_not_kept() {
        let ended = sh("echo \"$SECRET_URL\"; echo connecting to mysql://me:pw-of-mine@other/x", LONG);
        assert_eq!(ended.output[0], "postgres://u:[redacted]@h/d");
        assert_eq!(ended.output[1], "connecting to mysql://me:[redacted]@other/x");
    }

    #[test]
    fn a_flood_is_cut_and_a_command_that_does_not_end_is_ended() {
        let ended = sh("yes a long line; exit 0", Duration::from_millis(300));
        assert_eq!(ended.status, Status::TimedOut);
        assert!(ended.output.len() <= 40, "{}", ended.output.len());
    }

    #[test]
    fn one_that_is_cut_is_killed_on_the_spot() {
        let words = ["sh", "-c", "trap '' TERM; echo here; sleep 600; echo there"].map(str::to_owned);
        let program = Program {
            words: &words,
            folder: Path::new("/"),
            variables: Vec::new(),
            url: Secret::new("postgres://here"),
            secrets: Vec::new(),
            limit: LONG,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cut = async { tokio::time::sleep(Duration::from_millis(300)).await };
        let ended = runtime.block_on(run_until(&program, cut)).unwrap();
        assert_eq!((ended.status, ended.output), (Status::Cut, vec!["here".to_owned()]));
    }

    #[test]
    fn what_it_leaves_running_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let ended = sh(&format!("sleep 600 & echo $! > {}; exit 0", file.display()), LONG);
        assert!(ended.is_success());
        let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        // Killed already, but a signal takes its time, and whoever is its parent now may not have waited for it yet.
        let state = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(')').map_or(String::new(), |(_, rest)| rest.trim().to_owned())
        };
        let is_over = || state().is_empty() || state().starts_with(['Z', 'X']);
        let until = Instant::now() + LONG / 2;
        while !is_over() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_over(), "{}", state());
    }
}
