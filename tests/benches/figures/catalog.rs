//! The full catalog of invariants on a real scenario: worlds a second, what the explorer costs beside the statements
//! that it sends, and whether it gets slower.

use std::time::Instant;

use sqlx::{ConnectOptions as _, Connection as _};
use watertight_harness::provider::Server;
use watertight_harness::verify::CASES_PER_DATABASE;
use watertight_scenarios::Scenario;
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::explorer::{plain, role_prefix, template};
use super::lab::{WORKERS, bundled, median, on_server, on_stage, on_threads, options, runtime, timed};
use super::tap::{Sent, Tap, cases, prepare, renamed, send};

const SCENARIO: &str = "datahub-mended";

/// Cases whose statements are recorded and sent again: on one database, by the one as by the other.
const CASES: u32 = CASES_PER_DATABASE;
const ROUNDS: usize = 3;
/// Cases in which worlds are counted.
const CASES_FOR_WORLDS: u32 = 128;

/// One of so many cases is played once more with commits, on databases of its own: it is in no comparison.
const COMMITTED_EVERY: usize = 32;
const COMMITTED_AT: usize = 5;

/// The cases that are compared: not the first, whose beginning is the setting up.
fn compared(count: usize) -> impl Iterator<Item = usize> {
    (1..count).filter(|i| i % COMMITTED_EVERY != COMMITTED_AT)
}

pub(super) async fn figures() -> Result<Vec<Figure>, Fault> {
    let scenario = bundled(SCENARIO)?;
    on_server(async |server| {
        let recorded = record(server, &scenario).await?;
        let (mut explorer, mut bare, mut rates, mut bare_rates) = (vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            explorer.push(explored(server, &scenario).await?);
            bare.push(alone(server, &scenario, &recorded).await?);
        }
        for _ in 0..2 {
            rates.push(worlds_a_second(server, &scenario).await?);
            bare_rates.push(alone_side_by_side(server, &scenario, &recorded).await?);
        }
        let messages: usize = recorded.cases.iter().map(Vec::len).sum();
        let (explorer, bare) = (median(explorer), median(bare));
        let sent_again = format!("{SCENARIO}, {messages} messages of {CASES} cases");
        Ok(vec![
            Figure {
                name: "catalog/worlds".to_owned(),
                value: median(rates),
                unit: "worlds/s",
                against: format!("the statements alone, on {WORKERS} connections"),
                anchor: median(bare_rates),
                target: Target::ValueAtLeast(1000.0),
                of: format!("{SCENARIO}, all invariants, {CASES_FOR_WORLDS} cases, {WORKERS} workers"),
            },
            Figure {
                name: "catalog/overhead".to_owned(),
                value: explorer * 1000.0,
                unit: "ms/case",
                against: "the same statements sent by a bare loop".to_owned(),
                anchor: bare * 1000.0,
                target: Target::RatioAtMost(1.3),
                of: format!("{sent_again}; 1 worker, median of {ROUNDS}"),
            },
        ])
    })
    .await
}

/// What a run sent, case by case.
struct Recorded {
    cases: Vec<Vec<Sent>>,
    prefix: String,
    worlds: f64,
}

async fn record(server: &Server, scenario: &Scenario) -> Result<Recorded, Fault> {
    let tap = Tap::before(server)?;
    let tapped = tap.server().await?;
    let run = timed(&tapped, scenario, &options(CASES, 1, &[])).await?;
    tapped.stop().await?;
    let cases: Vec<_> = tap.taken().iter().map(cases).max_by_key(Vec::len).unwrap_or_default();
    if cases.len() != CASES as usize {
        return Err(format!("{} cases were recorded of {CASES}", cases.len()).into());
    }
    let roles = cases.iter().flatten().find_map(|sent| {
        let at = sent.sql.find("\"wt_")?;
        Some(sent.sql[at + 1..].split_once("loader")?.0.to_owned())
    });
    let prefix = roles.ok_or("no statement of the loader's was recorded")?;
    Ok(Recorded { cases, prefix, worlds: run.verified.report.data.worlds as f64 })
}

/// Seconds a case of a run as its user has it.
async fn explored(server: &Server, scenario: &Scenario) -> Result<f64, Fault> {
    let run = timed(server, scenario, &options(CASES, 1, &[])).await?;
    let took = |i: usize| Some(run.cases.get(i)?.duration_since(*run.cases.get(i - 1)?).as_secs_f64());
    let (mut seconds, mut count) = (0.0, 0.0);
    for one in compared(CASES as usize).filter_map(took) {
        seconds += one;
        count += 1.0;
    }
    Ok(seconds / count)
}

/// The same of the statements alone.
async fn alone(server: &Server, scenario: &Scenario, recorded: &Recorded) -> Result<f64, Fault> {
    on_stage(server, scenario, async |stage, _| {
        let database = template(stage).await?;
        let mut sent = recorded.cases.clone();
        renamed(&mut sent, &recorded.prefix, &role_prefix(stage)?);
        let mut connection = plain(server, stage, &database).connect().await?;
        prepare(&mut connection).await?;
        let (mut seconds, mut count) = (0.0, 0.0);
        for (i, case) in sent.iter().enumerate() {
            let begun = Instant::now();
            send(&mut connection, case).await?;
            if compared(sent.len()).any(|c| c == i) {
                seconds += begun.elapsed().as_secs_f64();
                count += 1.0;
            }
        }
        connection.close().await?;
        stage.drop_databases(&[database]).await?;
        Ok(seconds / count)
    })
    .await
}

/// Worlds a second of the statements alone, when each of the workers sends all of them.
async fn alone_side_by_side(server: &Server, scenario: &Scenario, recorded: &Recorded) -> Result<f64, Fault> {
    on_stage(server, scenario, async |stage, _| {
        let mut databases = Vec::new();
        for _ in 0..WORKERS {
            databases.push(template(stage).await?);
        }
        let mut sent = recorded.cases.clone();
        renamed(&mut sent, &recorded.prefix, &role_prefix(stage)?);
        let seconds = on_threads(WORKERS, |worker| {
            runtime()?.block_on(async {
                let mut connection = plain(server, stage, &databases[worker]).connect().await?;
                prepare(&mut connection).await?;
                for case in &sent {
                    send(&mut connection, case).await?;
                }
                Ok(connection.close().await?)
            })
        })?;
        for database in databases {
            stage.drop_databases(&[database]).await?;
        }
        Ok(recorded.worlds * WORKERS as f64 / seconds)
    })
    .await
}

async fn worlds_a_second(server: &Server, scenario: &Scenario) -> Result<f64, Fault> {
    let run = timed(server, scenario, &options(CASES_FOR_WORLDS, WORKERS, &[])).await?;
    let (Some(first), Some(last)) = (run.cases.first(), run.cases.last()) else {
        return Err("no case was played".into());
    };
    // The first case, which the clock does not cover, has no worlds.
    Ok(run.verified.report.data.worlds as f64 / last.duration_since(*first).as_secs_f64())
}

/// Cases of which the first and the last ones are compared.
const CASES_UNTIL_WORN: usize = 2000;
/// Those that are compared: a multiple of what kinds of cases alternate by, and of what all workers play before their
/// databases are renewed. The last case on a database takes longer than the first, so each window has as many of both.
const WINDOW: usize = 288;
const _: () = assert!(WINDOW.is_multiple_of(COMMITTED_EVERY));
const _: () = assert!(WINDOW.is_multiple_of(WORKERS * CASES_PER_DATABASE as usize));
/// The whole timeline in every case, and few questions: what wears is the server's catalogs.
const WORN_CHECKS: [&str; 2] = ["migration-applies", "backfill-complete"];
/// Behind the systematic ones.
const FIRST: usize = 32;

/// Whether the last cases take longer than the first.
pub(super) async fn worn() -> Result<Vec<Figure>, Fault> {
    let scenario = bundled(SCENARIO)?;
    let run = on_server(async |server| {
        timed(server, &scenario, &options(CASES_UNTIL_WORN as u32, WORKERS, &WORN_CHECKS)).await
    })
    .await?;
    let window = |from: usize| {
        let (begin, end) = (run.cases.get(from - 1)?, run.cases.get(from + WINDOW - 1)?);
        Some(end.duration_since(*begin).as_secs_f64() * 1000.0 / WINDOW as f64)
    };
    let last = CASES_UNTIL_WORN - WINDOW - (CASES_UNTIL_WORN % COMMITTED_EVERY);
    let (Some(first), Some(last)) = (window(FIRST), window(last)) else {
        return Err(format!("{} cases were played of {CASES_UNTIL_WORN}", run.cases.len()).into());
    };
    Ok(vec![Figure {
        name: "worn/last-cases".to_owned(),
        value: last,
        unit: "ms/case",
        against: format!("the first {WINDOW} cases behind the small scope"),
        anchor: first,
        target: Target::RatioAtMost(1.1),
        of: format!(
            "{SCENARIO}, {}; the last {WINDOW} of {CASES_UNTIL_WORN} cases, {WORKERS} workers; both on databases of every \
             age up to {CASES_PER_DATABASE} cases",
            WORN_CHECKS.join(" and ")
        ),
    }])
}
