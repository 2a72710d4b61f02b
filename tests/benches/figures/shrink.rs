//! How many data sets shrinking tries in a second.

use std::path::Path;
use std::time::Instant;

use sqlx::{ConnectOptions as _, Connection as _};
use watertight_harness::provider::Server;
use watertight_scenarios::Scenario;
use watertight_tests::Folder;
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::explorer::{plain, role_prefix, template};
use super::lab::{Timed, on_server, on_stage, options, timed};
use super::tap::{Sent, Stream, Tap, prepare, renamed, send};

const CASES: u32 = 16;
const CHECK: &str = "backfill-correct";

/// Attachments of every ticket go to one organization.
const WRONG: &str = "UPDATE attachments SET organization_id = (SELECT min(id::text)::uuid FROM organizations) \
    WHERE organization_id IS NULL;\n";

fn scenario() -> Result<(Folder, Scenario), Fault> {
    let folder = Folder::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/desk"));
    let right = folder.read("fill.sql");
    let (before, _) = right.split_once("UPDATE attachments").ok_or("the backfill fills no attachments")?;
    let folder = folder.file("fill.sql", format!("{before}{WRONG}"));
    let scenario = Scenario::load(folder.path()).map_err(|e| e.to_string())?;
    Ok((folder, scenario))
}

pub(super) async fn figures() -> Result<Vec<Figure>, Fault> {
    let (_folder, scenario) = scenario()?;
    on_server(async |server| {
        let (attempts, prefix) = record(server, &scenario).await?;
        let run = timed(server, &scenario, &options(CASES, 1, &[CHECK])).await?;
        let count = attempts.iter().filter(|sent| sent.sql == "BEGIN").count() as f64;
        let seconds = run.ended.duration_since(shrinking(&run)?).as_secs_f64();
        let bare = alone(server, &scenario, &prefix, attempts).await?;
        let smallest = run.verified.failures.first().map_or(0, |f| f.data.row_count());
        Ok(vec![Figure {
            name: "shrink/attempts".to_owned(),
            value: count / seconds,
            unit: "1/s",
            against: "the same statements sent by a bare loop".to_owned(),
            anchor: count / bare,
            target: Target::ValueAtLeast(150.0),
            of: format!("12 tables, one defect, one connection: {count} attempts to {smallest} rows"),
        }])
    })
    .await
}

fn shrinking(run: &Timed) -> Result<Instant, Fault> {
    Ok(run.shrinking.ok_or("nothing was found that could be shrunk")?)
}

/// What was sent while a defect was shrunk, each attempt from its BEGIN on, and the names of the roles.
async fn record(server: &Server, scenario: &Scenario) -> Result<(Vec<Sent>, String), Fault> {
    let tap = Tap::before(server)?;
    let tapped = tap.server().await?;
    let run = timed(&tapped, scenario, &options(CASES, 1, &[CHECK])).await?;
    tapped.stop().await?;
    let from = shrinking(&run)?;
    let begins = |s: &Stream| s.sent.iter().any(|sent| sent.at >= from && sent.sql == "BEGIN");
    let streams: Vec<Stream> = tap.taken().into_iter().filter(begins).collect();
    let sent = streams.into_iter().flat_map(|s| s.sent);
    let sent: Vec<Sent> = sent.filter(|s| s.at >= from).skip_while(|s| s.sql != "BEGIN").collect();
    let roles =
        sent.iter().find_map(|s| Some(s.sql.split_once("\"wt_")?.1.split_once("loader")?.0.to_owned()));
    Ok((sent, format!("wt_{}", roles.ok_or("no statement of the loader's was recorded")?)))
}

/// Seconds that the statements take alone.
async fn alone(
    server: &Server,
    scenario: &Scenario,
    prefix: &str,
    attempts: Vec<Sent>,
) -> Result<f64, Fault> {
    on_stage(server, scenario, async |stage, _| {
        let database = template(stage).await?;
        let mut sent = [attempts];
        renamed(&mut sent, prefix, &role_prefix(stage)?);
        let mut connection = plain(server, stage, &database).connect().await?;
        prepare(&mut connection).await?;
        let begun = Instant::now();
        send(&mut connection, &sent[0]).await?;
        let seconds = begun.elapsed().as_secs_f64();
        connection.close().await?;
        stage.drop_databases(&[database]).await?;
        Ok(seconds)
    })
    .await
}
