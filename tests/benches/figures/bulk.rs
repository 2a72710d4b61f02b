//! Many rows at once: made, loaded, read, joined; each against what the server does with them by itself.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use watertight_generators::{CopyRows, Dataset, ExactRows, TableData};
use watertight_harness::db::session::Session;
use watertight_harness::db::stage::Stage;
use watertight_harness::explore::{Actor, Scene};
use watertight_harness::provider::Server;
use watertight_harness::verify::{self, LargeOptions, Stop};
use watertight_reports::Verdict;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId};
use watertight_scenarios::{Ident, Relation, Scenario};
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::explorer::execute;
use super::lab::{median, on_server, on_stage, own_scenario};

const ROWS: u32 = 400_000;
const ROWS_OF_LARGE: u32 = 1_000_000;
const ROUNDS: usize = 3;
const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);

pub(super) const TENANTS: u32 = 100;
pub(super) const METERS: u32 = 1000;

/// So many readings, spread over tenants and meters.
pub(super) fn exact(readings: u32) -> Vec<ExactRows> {
    [("tenants", TENANTS), ("meters", METERS), ("readings", readings)]
        .map(|(table, rows)| ExactRows { database: 0, table: Relation::public(table), rows })
        .into()
}

/// Seconds, by what was done.
#[derive(Default)]
struct Seconds {
    generate: Vec<f64>,
    load: Vec<f64>,
    copy_file: Vec<f64>,
    hash: Vec<f64>,
    join: Vec<f64>,
}

pub(super) async fn figures() -> Result<Vec<Figure>, Fault> {
    let scenario = own_scenario("plain")?;
    let seconds = on_server(async |server| {
        on_stage(server, &scenario, async |stage, scene| measured(server, stage, scene).await).await
    });
    let seconds = seconds.await?;
    // The roles of a stage are a server's: each has its own.
    let asked = on_server(async |server| asked(server, &scenario).await).await?;
    Ok(told(&seconds, &asked))
}

fn told(seconds: &Seconds, asked: &Asked) -> Vec<Figure> {
    let of = |s: &Vec<f64>| median(s.clone());
    let rate = |seconds: f64| f64::from(ROWS) / seconds;
    let figure = |name: &str, value, against: &str, anchor, target, of: &str| Figure {
        name: format!("bulk/{name}"),
        value,
        unit: "rows/s",
        against: against.to_owned(),
        anchor,
        target,
        of: format!("{ROWS} rows of 8 columns; {of}"),
    };
    let file = rate(of(&seconds.copy_file));
    vec![
        figure(
            "load",
            rate(of(&seconds.load)),
            "COPY BINARY of a file on the server",
            file,
            Target::RatioAtLeast(0.8),
            "formatted and sent as a case's data is: COPY BINARY",
        ),
        figure(
            "generate-and-load",
            rate(of(&seconds.generate) + of(&seconds.load)),
            "COPY BINARY of a file on the server",
            file,
            Target::ValueAtLeast(250_000.0),
            "from the plan to the table, one connection",
        ),
        figure(
            "contents",
            asked.contents,
            "count and sum of row hashes on the server",
            rate(of(&seconds.hash)),
            Target::ValueAtLeast(3_000_000.0),
            &format!("asked of one large case of {ROWS_OF_LARGE} rows, half of them in the table"),
        ),
        figure(
            "coherence",
            asked.coherence,
            "a join for other tenants' rows on the server",
            rate(of(&seconds.join)),
            Target::ValueAtLeast(7_000_000.0),
            &format!("asked of one large case of {ROWS_OF_LARGE} rows, half of them in the table"),
        ),
    ]
}

fn readings(data: &Dataset) -> Result<&TableData, Fault> {
    let wanted = Relation::public("readings");
    Ok(data.tables.iter().find(|t| t.table == wanted).ok_or("no readings were made")?)
}

async fn measured(server: &Server, stage: &Stage<'_>, scene: &Scene) -> Result<Seconds, Fault> {
    let mut seconds = Seconds::default();
    let (databases, mut sessions) = stage.open().await?;
    let (database, session) =
        databases.first().zip(sessions.first_mut()).ok_or("the scenario has no database")?;
    let mut admin = server.admin_options(database).connect().await?;
    let file: String = scalar(&mut admin, "SELECT current_setting('data_directory') || '/readings'").await?;
    let spec = scene.plan.documented_spec(exact(ROWS));
    for round in 0..ROUNDS {
        let begun = Instant::now();
        let data = scene.plan.generate(round as u64, &spec);
        seconds.generate.push(begun.elapsed().as_secs_f64());
        execute(&mut admin, "TRUNCATE tenants, meters, readings").await?;
        for table in data.tables.iter().filter(|t| t.table.name.as_str() != "readings") {
            load(stage, scene, session, table).await?;
        }
        let begun = Instant::now();
        let loaded = load(stage, scene, session, readings(&data)?).await?;
        seconds.load.push(begun.elapsed().as_secs_f64());
        if loaded != u64::from(ROWS) {
            return Err(format!("{loaded} rows were loaded of {ROWS}").into());
        }
        seconds.hash.push(timed(&mut admin, HASH).await?);
        execute(
            &mut admin,
            "UPDATE readings SET tenant_id = m.tenant_id FROM meters m WHERE m.id = meter_id",
        )
        .await?;
        seconds.join.push(timed(&mut admin, JOIN).await?);
        execute(&mut admin, &format!("COPY readings TO '{file}' (FORMAT binary)")).await?;
        execute(&mut admin, "TRUNCATE readings").await?;
        let copy = format!("COPY readings FROM '{file}' (FORMAT binary)");
        // Past foreign keys, as the loader.
        execute(&mut admin, "SET session_replication_role = replica").await?;
        seconds.copy_file.push(timed(&mut admin, &copy).await?);
        execute(&mut admin, "RESET session_replication_role").await?;
    }
    admin.close().await?;
    for session in sessions {
        session.close().await;
    }
    stage.drop_databases(&databases).await?;
    Ok(seconds)
}

const HASH: &str = "SELECT count(*), sum(hash_record_extended(ROW(r.*), 0)) FROM readings r";
const JOIN: &str = "SELECT count(*) FROM readings r JOIN meters m ON m.id = r.meter_id \
    WHERE r.tenant_id IS DISTINCT FROM m.tenant_id";

/// As the product loads a table of a case.
async fn load(
    stage: &Stage<'_>,
    scene: &Scene,
    session: &mut Session,
    table: &TableData,
) -> Result<u64, Fault> {
    let loader = stage.names().become_sql(&Actor::Loader);
    session.run(&format!("BEGIN; {loader}"), LIMIT).await?;
    let columns: Vec<String> = table.columns.iter().map(Ident::quoted).collect();
    let schema = scene.table(Checkpoint(0), &(DatabaseId(0), table.table.clone()));
    let mut copies = CopyRows::new(&table.rows, &table.columns, schema);
    let mut loaded = 0;
    while let Some((format, data)) = copies.next_copy() {
        let (table, columns, options) = (table.table.quoted(), columns.join(", "), format.options());
        loaded +=
            session.copy_in(&format!("COPY {table} ({columns}) FROM STDIN{options}"), data, LIMIT).await?;
    }
    session.run("COMMIT", LIMIT).await?;
    Ok(loaded)
}

/// Rows a second of each kind of question that one large case asks.
struct Asked {
    contents: f64,
    coherence: f64,
}

async fn asked(server: &Server, scenario: &Scenario) -> Result<Asked, Fault> {
    let wanted = LargeOptions { rows: u64::from(ROWS_OF_LARGE), seed: 1 };
    let large = verify::large(server, scenario, wanted, &Stop::default()).await?;
    let rate = |begins: &str| {
        let answers = large.answers.iter().filter(|a| a.question.starts_with(begins));
        let held = answers.filter(|a| a.verdict == Verdict::Held);
        median(held.map(|a| a.rows as f64 / a.ms * 1000.0).collect())
    };
    Ok(Asked { contents: rate("readings keeps"), coherence: rate("readings.meter_id →") })
}

async fn timed(connection: &mut PgConnection, sql: &str) -> Result<f64, Fault> {
    let begun = Instant::now();
    execute(connection, sql).await?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn scalar(connection: &mut PgConnection, sql: &str) -> Result<String, Fault> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await?)
}
