//! Every figure that the product is held to, each measured against its anchor in the same run:
//! `cargo bench --workspace` for all of them, `-- NAME…` for some, `-- --into BENCHMARKS.md` for the table.

mod bulk;
mod catalog;
mod circumstances;
mod explorer;
mod growth;
mod lab;
mod shrink;
mod tap;
mod whole;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use watertight_harness::provider::{ProviderChoice, ProviderError, ProviderOptions, Server};
use watertight_tests::figures::{Figure, put_into, table};

/// Why a figure could not be measured.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Benches whose names begin with one of these; all, where there is none.
    names: Vec<String>,
    /// A file to write the table into.
    into: Option<PathBuf>,
    /// Ten million rows, too: takes minutes, and some gigabytes of memory.
    ten_million: bool,
}

const USAGE: &str = "cargo bench --workspace -- [NAME…] [--into FILE] [--ten-million]
  NAME           only benches whose name begins so: explorer, catalog, worn, bulk, growth, shrink, start, bundled
  --into FILE    writes the table of what was measured between the markers of that file
  --ten-million  growth to ten million rows: takes long, and much memory";

impl Asked {
    fn of(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => {} // cargo's
                "--into" => asked.into = Some(arguments.next().ok_or("--into needs a file")?.into()),
                "--ten-million" => asked.ten_million = true,
                option if option.starts_with('-') => return Err(format!("unknown option {option}")),
                name => asked.names.push(name.to_owned()),
            }
        }
        match asked.names.iter().find(|n| !BENCHES.iter().any(|b| b.starts_with(n.as_str()))) {
            Some(name) => Err(format!("no bench is called {name}")),
            None => Ok(asked),
        }
    }

    fn wants(&self, bench: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| bench.starts_with(name.as_str()))
    }
}

const BENCHES: [&str; 8] = ["explorer", "catalog", "worn", "bulk", "growth", "shrink", "start", "bundled"];

async fn measured(bench: &str, asked: &Asked) -> Result<Vec<Figure>, Fault> {
    match bench {
        "explorer" => explorer::figures().await,
        "catalog" => catalog::figures().await,
        "worn" => catalog::worn().await,
        "bulk" => bulk::figures().await,
        "growth" => growth::figures(asked.ten_million).await,
        "shrink" => shrink::figures().await,
        "start" => whole::start().await,
        _ => whole::bundled(),
    }
}

pub(crate) fn say(line: &str) {
    // Whoever reads no more is told no more.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[tokio::main]
async fn main() -> ExitCode {
    let asked = match Asked::of(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            complain(&format!("error: {why}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    // Nothing is measured where there is no server: that is said once, with what to do about it.
    let version = match server_version().await {
        Ok(version) => version,
        Err(error) => {
            complain(&format!("error: no figure can be measured: {error}\n  → {}", error.remedy()));
            return ExitCode::from(3);
        }
    };
    let (mut figures, mut failed) = (Vec::new(), false);
    let clock = Instant::now();
    for bench in BENCHES.into_iter().filter(|b| asked.wants(b)) {
        let begun = Instant::now();
        match measured(bench, &asked).await {
            Ok(more) => {
                more.iter().for_each(|figure| say(&figure.to_string()));
                figures.extend(more);
            }
            Err(fault) => {
                failed = true;
                complain(&format!("error: {bench}: {fault}"));
            }
        }
        complain(&format!("({bench}: {:.0} s)", begun.elapsed().as_secs_f64()));
    }
    complain(&format!("(all of it: {:.0} s)", clock.elapsed().as_secs_f64()));
    if failed {
        return ExitCode::FAILURE;
    }
    let Some(file) = &asked.into else { return ExitCode::SUCCESS };
    let table = table(&figures, &circumstances::circumstances(version));
    // Cargo starts a bench in the folder of its package; the file is named from the workspace's.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let file = if file.is_absolute() { file.clone() } else { PathBuf::from(root).join(file) };
    let written = std::fs::read_to_string(&file)
        .map_err(|e| e.to_string())
        .and_then(|text| put_into(&text, &table))
        .and_then(|text| std::fs::write(&file, text).map_err(|e| e.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&format!("error: {}: {why}", file.display()));
            ExitCode::FAILURE
        }
    }
}

/// Fetches and prepares the server's files, too: that is not what is measured.
async fn server_version() -> Result<String, ProviderError> {
    let server = Server::start(&ProviderOptions::new(ProviderChoice::Embedded)).await?;
    let version = server.info().to_string();
    server.stop().await?;
    Ok(version)
}
