//! The program as its users have it: how soon it begins, how long it takes, how much memory it needs.

use std::time::{Duration, Instant};

use sqlx::{ConnectOptions as _, Connection as _};
use watertight_harness::provider::{MAINTENANCE_DATABASE, ProviderChoice, ProviderOptions, Server};
use watertight_tests::Watertight;
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::explorer::execute;
use super::lab::{bundled as scenario, median, on_server};

const PROGRAM: &str = env!("CARGO_BIN_EXE_watertight-under-test");
const ROUNDS: usize = 9;
const RUNS: usize = 5;
const SCENARIO: &str = "datahub-mended";

/// How soon there is a server, and a report of one case.
pub(super) async fn start() -> Result<Vec<Figure>, Fault> {
    let options = ProviderOptions::new(ProviderChoice::Embedded);
    let (mut started, mut connected, mut verified) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let server = Server::start(&options).await?; // it has answered by then
        started.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let mut connection = server.admin_options(MAINTENANCE_DATABASE).connect().await?;
        execute(&mut connection, "SELECT 1").await?;
        connected.push(begun.elapsed().as_secs_f64());
        connection.close().await?;
        server.stop().await?;
    }
    scenario(SCENARIO)?;
    for _ in 0..RUNS {
        verified.push(run(&[SCENARIO, "--cases", "1"])?.seconds);
    }
    // What one case of it costs where everything is set up already.
    let alone = on_server(async |server| {
        let mut seconds = Vec::new();
        for _ in 0..RUNS {
            let begun = Instant::now();
            super::lab::timed(server, &scenario(SCENARIO)?, &super::lab::options(1, 1, &[])).await?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
        Ok(median(seconds))
    })
    .await?;
    Ok(vec![
        Figure {
            name: "start/first-query".to_owned(),
            value: median(started) * 1000.0,
            unit: "ms",
            against: "connection and query on a server that runs".to_owned(),
            anchor: median(connected) * 1000.0,
            target: Target::ValueAtMost(60.0),
            of: format!("embedded, cached; median of {ROUNDS}"),
        },
        Figure {
            name: "start/verify-one-case".to_owned(),
            value: median(verified),
            unit: "s",
            against: "the same on a server that runs".to_owned(),
            anchor: alone,
            target: Target::ValueAtMost(1.0),
            of: format!("`verify {SCENARIO} --cases 1`, from the shell to its end; median of {RUNS}"),
        },
    ])
}

/// Every bundled scenario at default settings.
pub(super) fn bundled() -> Result<Vec<Figure>, Fault> {
    let (one, whole) = (run(&["--cases", "1"])?, run(&[])?);
    let count = watertight_scenarios::catalog::ids().len();
    let figure = |what: &str, value, unit, anchor, most| Figure {
        name: format!("bundled/{what}"),
        value,
        unit,
        against: "the same with one case each".to_owned(),
        anchor,
        target: Target::ValueAtMost(most),
        of: format!("`verify` of the {count} bundled scenarios at default settings"),
    };
    Ok(vec![
        figure("time", whole.seconds, "s", one.seconds, 60.0),
        figure("memory", whole.megabytes, "MB", one.megabytes, 200.0),
    ])
}

/// What a run of the program took.
struct Took {
    seconds: f64,
    /// Resident at its peak; of the program, not of its server.
    megabytes: f64,
}

/// How often its memory is looked at. The system keeps the peak: only what comes after the last look is missed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn run(arguments: &[&str]) -> Result<Took, Fault> {
    let begun = Instant::now();
    let running = Watertight::at(PROGRAM)
        .args(&["verify", "--provider", "embedded", "--quiet"])
        .args(arguments)
        .start();
    let mut peak_kb = 0;
    // Nothing is told of a process that has ended.
    while let Some(kb) = running.memory_peak_kb() {
        peak_kb = kb;
        std::thread::sleep(LOOK_EVERY);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let ended = running.wait();
    // Documented scenarios are violated, few cases may not be enough to decide: all of that is a run to its end.
    match ended.code {
        0 | 1 | 4 => Ok(Took { seconds, megabytes: peak_kb as f64 * 1024.0 / 1e6 }),
        _ => Err(format!("verify {}: {ended}", arguments.join(" ")).into()),
    }
}
