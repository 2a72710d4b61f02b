//! The command line: parses, calls, maps what came of it to an exit code.

mod args;
mod doctor;
mod exit;
mod gate;
mod init;
mod interrupts;
mod kept;
mod mutate;
mod output;
mod pages;
mod progress;
mod publish;
mod replay;
mod report;
mod score;
mod subject;
mod verify;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
pub use exit::Exit;

/// What one scenario has freed goes back to the system before the next begins; the C library's own keeps most of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Held };
            // Nothing is left to be told when the message itself cannot be printed.
            let _ = error.print();
            return exit.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("error: no asynchronous runtime: {error}"));
            return Exit::Environment.into();
        }
    };
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| match cli.command {
        Command::Verify(args) => runtime.block_on(verify::run(args)),
        Command::Replay(args) => runtime.block_on(replay::run(args)),
        Command::Init(args) => runtime.block_on(init::run(args)),
        Command::Doctor(args) => runtime.block_on(doctor::run(&args)),
        Command::Score(args) => runtime.block_on(score::run(args)),
        Command::Mutate(args) => runtime.block_on(mutate::run(args)),
        Command::Report(args) => report::run(&args),
        Command::Gate(args) => gate::run(&args),
        Command::List => pages::list(),
        Command::Explain { invariant } => pages::explain(&invariant),
        Command::Completions { shell } => pages::completions(shell),
    }));
    // A panic is a defect of Watertight, and has said so itself; it is neither a pass nor a finding.
    ended.unwrap_or(Exit::Internal).into()
}
