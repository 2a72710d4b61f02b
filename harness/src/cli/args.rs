//! What can be said on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use watertight_scenarios::layout::MigrationRange;

use crate::provider::{ProviderChoice, ProviderOptions, Secret};

/// Property-based verification of multi-tenant PostgreSQL migrations.
#[derive(Debug, Parser)]
#[command(name = "watertight", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Verify scenarios on a real PostgreSQL and write a report.
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyArgs),
    /// Play a failure of an earlier run again, on its own data.
    #[command(after_help = REPLAY_EXIT_CODES)]
    Replay(ReplayArgs),
    /// Write a watertight.toml for the migrations of a repository, and say how sure each part of it is.
    Init(InitArgs),
    /// Show where a PostgreSQL can come from on this machine, and what is missing.
    Doctor(ServerArgs),
    /// Score a corpus of seeded faults: what is found, how soon and how small, and what is a false alarm.
    Score(ScoreArgs),
    /// Seed faults into a scenario's own scripts, one at a time, and say which its verification catches.
    #[command(after_help = MUTATE_EXIT_CODES)]
    Mutate(MutateArgs),
    /// Write a report of an earlier run in other formats; no server is needed.
    Report(ReportArgs),
    /// Say whether a report lets a release through: everything held, and the files are those that were verified.
    #[command(after_help = GATE_EXIT_CODES)]
    Gate(GateArgs),
    /// List the bundled scenarios and the invariants.
    List,
    /// Explain an invariant: what, why, the smallest failing example, what to do. Or an operator of `mutate`.
    Explain {
        /// Its id.
        invariant: String,
    },
    /// Print what a shell needs to complete this command line.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

const EXIT_CODES: &str = "Exit codes: 0 held, 1 violated, 2 usage or scenario error, 3 environment, \
    4 inconclusive or no check ran, 70 internal, 130/143 interrupted. Only 0 is a pass.";

const MUTATE_EXIT_CODES: &str = "Faults are seeded into what goes up and into ways back; the scenario has to hold \
    without them. One that changes nothing that can be seen, or that does not apply to empty tables, is not counted.\n\n\
    Exit codes: 0 every fault is caught, 1 some are not, 2 usage or scenario error, or the scenario does not hold as it \
    is, 3 environment, 4 no fault counted or no check to catch one, 70 internal, 130/143 interrupted.";

const GATE_EXIT_CODES: &str = "Exit codes: 0 open; 1 something is violated; 4 something is undecided, was not verified, or \
    has changed since; 2 no report, or one that contradicts itself.";

const REPLAY_EXIT_CODES: &str = "Exit codes: 0 fixed, 1 failed, 2 usage error or damaged file, 3 environment, \
    4 cannot run, 70 internal, 130/143 interrupted.";

/// Which server.
#[derive(Clone, Debug, Args)]
pub(super) struct ServerArgs {
    /// Where the PostgreSQL comes from.
    #[arg(long, value_enum, default_value_t = ProviderChoice::Auto, value_name = "PROVIDER")]
    pub(super) provider: ProviderChoice,
    /// Image of the container provider.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// URL of an existing server; implies `--provider existing`. Only databases and roles of Watertight's own are
    /// touched there.
    #[arg(long, value_name = "URL", env = "WATERTIGHT_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Folder with `initdb` and `postgres` for the embedded provider.
    #[arg(long, value_name = "DIR")]
    postgres_bin: Option<PathBuf>,
    /// Folder for downloaded and prepared server files, instead of the user's cache.
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
}

impl ServerArgs {
    /// As the provider module wants it.
    pub(super) fn options(&self) -> ProviderOptions {
        let choice = match (self.provider, &self.database_url) {
            (ProviderChoice::Auto, Some(_)) => ProviderChoice::Existing,
            (choice, _) => choice,
        };
        ProviderOptions {
            choice,
            image: self.image.clone(),
            database_url: self.database_url.clone().map(Secret::new),
            postgres_bin: self.postgres_bin.clone(),
            cache_dir: self.cache_dir.clone(),
            offline: self.offline,
            ..ProviderOptions::default()
        }
    }
}

/// Which migrations of a repository.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RangeArgs {
    /// The first migration to verify, or a revision of git that has none of them; those before are the baseline.
    /// By default what changed against the main branch, else the newest ten.
    #[arg(long, value_name = "MIGRATION|REVISION")]
    from: Option<String>,
    /// The last migration to verify; the newest by default.
    #[arg(long, value_name = "MIGRATION")]
    to: Option<String>,
}

impl RangeArgs {
    /// As the scenarios crate wants it.
    pub(super) fn range(&self) -> MigrationRange {
        MigrationRange { from: self.from.clone(), to: self.to.clone() }
    }
}

/// What to write a scenario file for.
#[derive(Clone, Debug, Args)]
pub(super) struct InitArgs {
    /// The repository; this folder by default.
    pub(super) folder: Option<PathBuf>,
    /// The table whose rows are the tenants, where it is not the one that looks most like it.
    #[arg(long, value_name = "TABLE")]
    pub(super) tenants: Option<String>,
    /// A dump of pg_stat_statements or a server log: statements of the application's. Those that lie in `queries/` and
    /// the like are found by themselves.
    #[arg(long, value_name = "FILE")]
    pub(super) statements: Vec<PathBuf>,
    /// Write over a watertight.toml that is there.
    #[arg(long)]
    pub(super) force: bool,
    /// Ask nothing, even on a terminal.
    #[arg(long, short)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) range: RangeArgs,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// What to verify, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct VerifyArgs {
    /// Bundled scenarios by id, or folders with a scenario.toml or the migrations of another tool. Without any: the
    /// watertight.toml of this folder, else its migrations, else every bundled scenario.
    pub(super) scenarios: Vec<String>,
    #[command(flatten)]
    pub(super) range: RangeArgs,
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Cases a scenario.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(super) cases: u32,
    /// Seed of all cases, or `random`. The same seed gives the same report but for times.
    #[arg(long, value_name = "SEED", default_value = "1")]
    pub(super) seed: Seed,
    /// Folder for the reports.
    #[arg(long, value_name = "DIR", default_value = "watertight-report")]
    pub(super) out: PathBuf,
    /// Report formats.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Format::Md, Format::Json])]
    pub(super) format: Vec<Format>,
    /// Only these invariants.
    #[arg(long, value_name = "INVARIANT", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Not these invariants.
    #[arg(long, value_name = "INVARIANT", value_delimiter = ',')]
    pub(super) skip: Vec<String>,
    /// Folder of the known failures, which are played first, and of new ones. By default `.watertight/failures` beside
    /// the scenario, and `failures` among the reports for a bundled one.
    #[arg(long, value_name = "DIR")]
    pub(super) failures: Option<PathBuf>,
    /// Remove the files of known failures that fail no more.
    #[arg(long)]
    pub(super) prune_fixed: bool,
    /// Say what the verification is worth, too: seed faults into the scripts of scenarios that hold, and report which
    /// are caught. Slower by some seconds a fault; `watertight mutate` has options for it.
    #[arg(long)]
    pub(super) mutate: bool,
    /// Drive one large case, too: so many rows of generated tenants, `rows=1M`, streamed into the tables with every step
    /// committed, and asked in sets whether they keep what they hold, have their tenants, and refer within them.
    #[arg(long, value_name = "rows=N")]
    pub(super) scale: Option<Scale>,
    /// Workers; one a core by default.
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// Keep the server after the run, say how to connect to it, and wait for ctrl-c.
    #[arg(long)]
    pub(super) keep: bool,
    /// No progress.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// How large the large case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) rows: u64,
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || "expected rows=N, such as rows=250k or rows=1M".to_owned();
        let number = text.strip_prefix("rows=").ok_or_else(wanted)?;
        let (digits, unit) = match number.strip_suffix(['k', 'K']) {
            Some(digits) => (digits, 1_000),
            None => number.strip_suffix(['m', 'M']).map_or((number, 1), |digits| (digits, 1_000_000)),
        };
        let rows = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).filter(|n| *n > 0);
        let rows = rows.ok_or_else(wanted)?;
        (rows <= ROWS_MAX).then_some(Self { rows }).ok_or_else(|| format!("at most {ROWS_MAX} rows"))
    }
}

/// Rows of a large case: the shapes of its tenants are held in memory, and keys of four bytes have to suffice.
const ROWS_MAX: u64 = 100_000_000;

/// Into what to seed faults, and how to try them.
#[derive(Clone, Debug, Args)]
pub(super) struct MutateArgs {
    /// A bundled scenario by its id, or a folder with a scenario.toml or the migrations of another tool; by default the
    /// watertight.toml of this folder, else its migrations.
    pub(super) scenario: Option<String>,
    #[command(flatten)]
    pub(super) range: RangeArgs,
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Most cases for each fault.
    #[arg(long, value_name = "N", default_value_t = CASES_PER_FAULT)]
    pub(super) cases: u32,
    /// Seed of all cases, or `random`.
    #[arg(long, value_name = "SEED", default_value = "1")]
    pub(super) seed: Seed,
    /// Only faults of these operators.
    #[arg(long, value_name = "OPERATOR", value_delimiter = ',')]
    pub(super) only_operator: Vec<String>,
    /// Most faults to try, taken evenly from all of them.
    #[arg(long, value_name = "N")]
    pub(super) at_most: Option<u32>,
    /// List the operators, with the faults that they stand for.
    #[arg(long)]
    pub(super) list: bool,
    /// Folder for the report.
    #[arg(long, value_name = "DIR", default_value = "watertight-report")]
    pub(super) out: PathBuf,
    /// Formats of the report.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [StrengthFormat::Md, StrengthFormat::Json])]
    pub(super) format: Vec<StrengthFormat>,
    /// Only these invariants may catch.
    #[arg(long, value_name = "INVARIANT", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Not these invariants.
    #[arg(long, value_name = "INVARIANT", value_delimiter = ',')]
    pub(super) skip: Vec<String>,
    /// Faults to try at once; one a core by default.
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// No progress.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// Cases for each fault: the systematic small ones, and packed ones between them.
pub(super) const CASES_PER_FAULT: u32 = 16;

/// A format of what became of seeded faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StrengthFormat {
    /// strength.md.
    Md,
    /// strength.json.
    Json,
}

/// Which failure to play again, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct ReplayArgs {
    /// The failure's file, or its id: then it is looked for in `--failures`, `.watertight/failures` and
    /// `watertight-report/failures`.
    pub(super) failure: String,
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The scenario, where it is not where the failure's file says: a bundled one by id, or a folder.
    #[arg(long, value_name = "SCENARIO")]
    pub(super) scenario: Option<String>,
    /// Folder of the failures.
    #[arg(long, value_name = "DIR")]
    pub(super) failures: Option<PathBuf>,
    /// Open psql in the failing state, as who fails; without a terminal, print how to connect and wait.
    #[arg(long)]
    pub(super) psql: bool,
    /// Walk the timeline one step at a time; on a terminal each step waits for Enter.
    #[arg(long)]
    pub(super) step: bool,
}

/// Which report to write again, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    /// The report, or the folder that it is in.
    #[arg(default_value = "watertight-report/report.json")]
    pub(super) report: PathBuf,
    /// Formats.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Format::Md, Format::Html])]
    pub(super) format: Vec<Format>,
    /// Folder for them; by default that of the report.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// Which report decides, and on what.
#[derive(Clone, Debug, Args)]
pub(super) struct GateArgs {
    /// The report, or the folder that it is in.
    #[arg(default_value = "watertight-report/report.json")]
    pub(super) report: PathBuf,
    /// The folder in which `verify` was run.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) root: PathBuf,
    /// The last migration of the release; the newest by default.
    #[arg(long, value_name = "MIGRATION")]
    pub(super) to: Option<String>,
    /// Accept a report for which invariants were left out by --only or --skip.
    #[arg(long)]
    pub(super) partial: bool,
}

/// What to score, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct ScoreArgs {
    /// Folder of scenarios; those with a fault.toml have a seeded fault, the others are sound.
    pub(super) corpus: PathBuf,
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Seeds for each fault, and each sound scenario.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) seeds: u32,
    /// Cases that a run may take to find a fault.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(super) cases: u32,
    /// Seeds for each sound scenario, if not as many as for a fault.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) sound_seeds: Option<u32>,
    /// Cases of a run over a sound scenario.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(super) sound_cases: u32,
    /// A further sound scenario: bundled, by id, or a folder. May be given several times.
    #[arg(long, value_name = "SCENARIO")]
    pub(super) sound: Vec<String>,
    /// Scenarios to score at once, each on a server of its own; one a core by default.
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// The score as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write the score into that Markdown file, too: between `<!-- score -->` and `<!-- /score -->`, and without the faults
    /// one by one between `<!-- score summary -->` and `<!-- /score summary -->`. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(super) into: Vec<PathBuf>,
}

/// Workers: as asked, else one a core.
pub(super) fn jobs(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
}

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Markdown, one file a scenario and an index.
    Md,
    /// report.json.
    Json,
    /// Pages that need nothing else, one a scenario and an index.
    Html,
    /// junit.xml, for the test views of CI services.
    Junit,
    /// report.sarif, for code scanning.
    Sarif,
}

/// A seed as given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(pub(super) u64);

impl FromStr for Seed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "random" {
            return Ok(Self(uuid::Uuid::new_v4().as_u64_pair().0 >> 1));
        }
        text.parse().map(Self).map_err(|_| "expected a number from 0 to 2^64-1, or `random`".to_owned())
    }
}
