//! Many rows at once: made, loaded, read, joined; each against what the server does with them by itself.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use watertight_generators::{CopyRows, Dataset, ExactRows, TableData};
use watertight_harness::db::session::Session;
use watertight_harness::db::stage::Stage;
use watertight_harness::explore::snapshot::SnapRow;
use watertight_harness::explore::{Act, Actor, CaseData, Excursion, Runner, Scene};
use watertight_harness::invariants;
use watertight_harness::provider::Server;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId};
use watertight_scenarios::{Ident, Relation};
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::explorer::execute;
use super::lab::{median, on_server, on_stage, own_scenario, trees};

/// As many as can be read as contents of one table: the product keeps no more of one answer.
const ROWS: u32 = 400_000;
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
    read: Vec<f64>,
    hash: Vec<f64>,
    join: Vec<f64>,
}

pub(super) async fn figures() -> Result<Vec<Figure>, Fault> {
    let scenario = own_scenario("plain")?;
    on_server(async |server| {
        on_stage(server, &scenario, async |stage, scene| {
            let seconds = measured(server, stage, scene).await?;
            let judged = judged(stage, scene).await?;
            Ok(told(&seconds, judged))
        })
        .await
    })
    .await
}

fn told(seconds: &Seconds, judged: f64) -> Vec<Figure> {
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
            rate(of(&seconds.read)),
            "count and sum of row hashes on the server",
            rate(of(&seconds.hash)),
            Target::ValueAtLeast(3_000_000.0),
            "every value read into the harness, which is how contents are compared",
        ),
        figure(
            "coherence",
            rate(of(&seconds.read) + judged),
            "a join for other tenants' rows on the server",
            rate(of(&seconds.join)),
            Target::ValueAtLeast(7_000_000.0),
            "contents read and judged by `tenant-coherence` in the harness",
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
        seconds.read.push(read(stage, session, readings(&data)?).await?);
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

/// As the product reads the contents of a table.
async fn read(stage: &Stage<'_>, session: &mut Session, table: &TableData) -> Result<f64, Fault> {
    let observer = stage.names().become_sql(&Actor::Observer);
    let begun = Instant::now();
    session.run(&format!("BEGIN; {observer}"), LIMIT).await?;
    let columns: String = table.columns.iter().map(|c| format!(", {}", c.quoted())).collect();
    let sql =
        format!("SELECT tableoid::text || ':' || ctid::text{columns} FROM ONLY {}", table.table.quoted());
    let answers = session.run(&sql, LIMIT).await?;
    let rows: Vec<SnapRow> = answers
        .into_iter()
        .filter(|a| !a.truncated)
        .flat_map(|a| a.rows)
        .map(|mut values| SnapRow { place: values.remove(0).unwrap_or_default(), values })
        .collect();
    let seconds = begun.elapsed().as_secs_f64();
    session.run("ROLLBACK", LIMIT).await?;
    if rows.len() == table.rows.len() {
        Ok(seconds)
    } else {
        Err(format!("{} rows were read of {}", rows.len(), table.rows.len()).into())
    }
}

/// Seconds that the check takes in the harness for the readings at one checkpoint.
async fn judged(stage: &Stage<'_>, scene: &Scene) -> Result<f64, Fault> {
    let data = scene.plan.generate(1, &scene.plan.documented_spec(exact(ROWS)));
    let case = CaseData::new(scene, 0, 1, false, data);
    let mut runner = Runner::open(scene, stage).await?;
    let contents = scene.checkpoints().map(|from| Excursion { from, acts: vec![Act::Snapshot] });
    let seen = runner.play(&case, trees(scene, contents)).await?;
    runner.close().await?;
    let all = invariants::catalog();
    let check = all.iter().find(|i| i.spec().id == "tenant-coherence").ok_or("no such invariant")?;
    let begun = Instant::now();
    let judgement = check.judge(scene, &case, &seen);
    let seconds = begun.elapsed().as_secs_f64();
    if judgement.exercised.len() != TENANTS as usize {
        return Err(format!("the check met {} tenants of {TENANTS}", judgement.exercised.len()).into());
    }
    Ok(seconds / scene.checkpoints().count() as f64)
}

async fn timed(connection: &mut PgConnection, sql: &str) -> Result<f64, Fault> {
    let begun = Instant::now();
    execute(connection, sql).await?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn scalar(connection: &mut PgConnection, sql: &str) -> Result<String, Fault> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await?)
}
