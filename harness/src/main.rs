//! The command `watertight`.

fn main() -> std::process::ExitCode {
    watertight_harness::cli::main()
}
