//! Runs the program as a user does, and keeps all that it leaves.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use watertight_reports::{CheckReport, Finding, Report, ScenarioReport, Verdict};
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::Expectation;

/// Longest time for one run, unless a test says otherwise. Generous: a machine may be busy.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(900);

/// Variables of the caller's that a run must not depend on, and that would change what a test sees.
const CLEARED: [&str; 8] = [
    "WATERTIGHT_DATABASE_URL",
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGOPTIONS",
    "PGDATABASE",
    "NO_COLOR",
];

/// A run to be.
#[derive(Debug)]
pub struct Watertight {
    /// A command that ends by running the one after it, such as `env`; empty for none.
    within: Vec<OsString>,
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    time_max: Duration,
    out: Option<PathBuf>,
    folder: Option<PathBuf>,
}

impl Watertight {
    /// A run of that program.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self {
            within: Vec::new(),
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            time_max: TIME_MAX,
            out: None,
            folder: None,
        }
    }

    /// Started by a shell that does this first: limits, mounts.
    #[must_use]
    pub fn after(mut self, shell: &str, launcher: &[&str]) -> Self {
        let script = format!("set -e; {shell}; exec \"$0\" \"$@\"");
        self.within = launcher.iter().chain(&["/bin/sh", "-c", &script]).map(OsString::from).collect();
        self
    }

    /// With an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With arguments.
    #[must_use]
    pub fn args(self, arguments: &[&str]) -> Self {
        arguments.iter().fold(self, Self::arg)
    }

    /// On the embedded server with few cases: how nearly every test runs `verify`.
    #[must_use]
    pub fn small(self, cases: u32) -> Self {
        let cases = cases.to_string();
        self.args(&["--provider", "embedded", "--seed", "1", "--jobs", "2", "--cases", &cases])
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Reports go there, instead of a folder of the run's own.
    #[must_use]
    pub fn out(mut self, out: impl Into<PathBuf>) -> Self {
        self.out = Some(out.into());
        self
    }

    /// In that folder, instead of an empty one of the run's own.
    #[must_use]
    pub fn inside(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The command to be, the folder that is its home, and where its reports go.
    pub(crate) fn command(self) -> (Command, TempDir, PathBuf) {
        let home =
            tempfile::Builder::new().prefix("wt-e2e-").tempdir().expect("a temporary folder can be made");
        let mut words = self.within.iter().map(OsString::as_os_str).chain([self.program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(&self.arguments).current_dir(self.folder.as_deref().unwrap_or(home.path()));
        let is_verify = self.arguments.first().is_some_and(|a| a == "verify");
        let out = self.out.unwrap_or_else(|| home.path().join("out"));
        if is_verify || self.arguments.first().is_some_and(|a| a == "mutate") {
            command.arg("--out").arg(&out);
        }
        if is_verify {
            // What an earlier run knew must not show in this one, unless a test is about that.
            if !self.arguments.iter().any(|a| a == "--failures") {
                command.args(["--failures", "known"]);
            }
        }
        for name in CLEARED {
            command.env_remove(name);
        }
        command.envs(self.variables);
        (command, home, out)
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(self) -> Running {
        let time_max = self.time_max;
        let (mut command, home, out) = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program under test can be started");
        let streams = (reader(child.stdout.take()), reader(child.stderr.take()));
        Running { child: Guarded(child), streams, home, out, deadline: Instant::now() + time_max }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started, or does not end in time.
    pub fn run(self) -> Ended {
        self.start().wait()
    }
}

fn reader(stream: Option<impl std::io::Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What came before a broken pipe is what there is to see.
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// A process that does not outlive a test that fails.
#[derive(Debug)]
pub(crate) struct Guarded(pub(crate) Child);

impl Guarded {
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("our own process can be waited for")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Its server goes with it. One that has ended is left alone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run that goes on.
#[derive(Debug)]
pub struct Running {
    child: Guarded,
    streams: (JoinHandle<Vec<u8>>, JoinHandle<Vec<u8>>),
    home: TempDir,
    out: PathBuf,
    deadline: Instant,
}

impl Running {
    /// Its process.
    pub fn pid(&self) -> i32 {
        self.child.0.id().cast_signed()
    }

    /// Sends it a signal; one that has ended gets none.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&mut self, signal: Signal) {
        let pid = self.pid();
        assert!(pid > 1, "a process of our own");
        if self.child.ended().is_none() {
            kill(Pid::from_raw(pid), signal).expect("our own process can be signalled");
        }
    }

    /// Its first child process's descendants, as (pid, command line): how a test sees the server.
    pub fn descendants(&self) -> Vec<(i32, String)> {
        let mut found = Vec::new();
        let mut parents = vec![self.pid()];
        let all = processes();
        while let Some(parent) = parents.pop() {
            for (pid, ppid) in &all {
                if *ppid == parent {
                    parents.push(*pid);
                    found.push((*pid, command_line(*pid)));
                }
            }
        }
        found
    }

    /// Most memory that it held so far, in kilobytes, where the system tells.
    pub fn memory_peak_kb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.child.ended().is_some()
    }

    /// Waits until something is so, or the run has ended.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        while !is_so(self) && !self.has_ended() {
            assert!(Instant::now() < self.deadline, "still not so: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time: it is killed then.
    pub fn wait(mut self) -> Ended {
        let mut late = false;
        let status = loop {
            if let Some(status) = self.child.ended() {
                break status;
            }
            if Instant::now() > self.deadline {
                late = true;
                // Its server goes with it.
                let _ = self.child.0.kill();
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = |thread: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&thread.join().expect("reading a pipe does not panic")).into_owned()
        };
        let ended = Ended {
            code: status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(-1),
            stdout: text(self.streams.0),
            stderr: text(self.streams.1),
            out: self.out,
            _home: self.home,
        };
        assert!(!late, "the run did not end in time:\n{ended}");
        ended
    }
}

fn processes() -> Vec<(i32, i32)> {
    let entries = std::fs::read_dir("/proc").map(|e| e.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name, in parentheses, may hold anything.
            let ppid = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, ppid))
        })
        .collect()
}

fn command_line(pid: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// A run that has ended, and everything that it said and wrote.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; 128 + n for signal n.
    pub code: i32,
    /// The result.
    pub stdout: String,
    /// The rest.
    pub stderr: String,
    /// The folder of its reports.
    pub out: PathBuf,
    _home: TempDir,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)?;
        if let Some(report) = self.try_report() {
            f.write_str("--- checks\n")?;
            for scenario in &report.scenarios {
                f.write_str(&overview(scenario))?;
            }
        }
        Ok(())
    }
}

/// A line a check and a finding: what a failed test shows.
pub fn overview(scenario: &ScenarioReport) -> String {
    let mut text = String::new();
    for check in &scenario.checks {
        let _ = write!(text, "{}: {} {:?}", scenario.id, check.invariant, check.outcome.verdict());
        if let watertight_reports::CheckOutcome::Inconclusive { reason }
        | watertight_reports::CheckOutcome::NotApplicable { reason } = &check.outcome
        {
            let _ = write!(text, " ({reason})");
        }
        text.push('\n');
        for finding in check.outcome.findings() {
            let _ = writeln!(text, "    {:?} {}: {}", finding.severity, finding.title, finding.message);
        }
    }
    text
}

impl Ended {
    /// Checks the exit code.
    ///
    /// # Panics
    /// When it is another one.
    #[must_use]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The report, if there is one that can be read.
    pub fn try_report(&self) -> Option<Report> {
        let text = std::fs::read_to_string(self.out.join("report.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The report.
    ///
    /// # Panics
    /// When there is none.
    pub fn report(&self) -> Report {
        self.try_report().unwrap_or_else(|| panic!("no report.json that can be read\n{self}"))
    }

    /// The only scenario's report.
    ///
    /// # Panics
    /// When there are others, or none.
    pub fn scenario(&self) -> ScenarioReport {
        let mut scenarios = self.report().scenarios;
        assert_eq!(scenarios.len(), 1, "{self}");
        scenarios.remove(0)
    }

    /// Every file that it wrote, and what it said, in one text.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn everything(&self) -> String {
        let mut text = format!("{}{}", self.stdout, self.stderr);
        let mut folders = vec![self.out.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for path in entries.flatten().map(|e| e.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).expect("a file of ours")));
                }
            }
        }
        text
    }

    /// A file of its reports.
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.out.join(name)
    }
}

/// The check of an invariant.
///
/// # Panics
/// When the report has none.
pub fn check<'a>(scenario: &'a ScenarioReport, invariant: &str) -> &'a CheckReport {
    let found = scenario.checks.iter().find(|c| c.invariant == invariant);
    found.unwrap_or_else(|| panic!("no check of {invariant} in {}", scenario.id))
}

/// The verdict of an invariant.
///
/// # Panics
/// When the report has none.
pub fn verdict(scenario: &ScenarioReport, invariant: &str) -> Verdict {
    check(scenario, invariant).outcome.verdict()
}

/// The findings of an invariant.
///
/// # Panics
/// When the report has no such check.
pub fn findings<'a>(scenario: &'a ScenarioReport, invariant: &str) -> &'a [Finding] {
    check(scenario, invariant).outcome.findings()
}

/// The verdict that an expectation means.
pub fn expected(expectation: Expectation) -> Verdict {
    match expectation {
        Expectation::Held => Verdict::Held,
        Expectation::Violated => Verdict::Violated,
        Expectation::Inconclusive => Verdict::Inconclusive,
        Expectation::NotApplicable => Verdict::NotApplicable,
    }
}

/// Where a report and the scenario's `[expect]` differ, compared both ways: what was found and not expected, and what
/// was expected and not found.
pub fn disagreements(scenario: &Scenario, report: &ScenarioReport) -> Vec<String> {
    let mut found = Vec::new();
    for check in &report.checks {
        let (id, verdict) = (&check.invariant, check.outcome.verdict());
        match scenario.expect.get(id) {
            Some(known) if expected(*known) == verdict => {}
            Some(known) => found.push(format!("{id}: {verdict:?}, expected {known:?}")),
            // What nobody expects may hold, and may have no subject.
            None if matches!(verdict, Verdict::Held | Verdict::NotApplicable) => {}
            None => found.push(format!("{id}: {verdict:?}, and nothing is expected")),
        }
    }
    let checked = |id: &String| report.checks.iter().any(|c| &c.invariant == id);
    found.extend(
        scenario
            .expect
            .keys()
            .filter(|id| !checked(id))
            .map(|id| format!("{id} is expected and not checked")),
    );
    found
}
