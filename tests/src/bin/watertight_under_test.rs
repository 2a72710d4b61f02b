//! The command `watertight`, as its tests run it.

fn main() -> std::process::ExitCode {
    watertight_harness::cli::main()
}
