//! The explorer against what most harnesses do: a database for each case.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use watertight_generators::CaseSize;
use watertight_harness::db::stage::{PINNED, Stage};
use watertight_harness::explore::{Actor, CaseData, Runner, Scene};
use watertight_harness::invariants::{self, Invariant};
use watertight_harness::provider::{MAINTENANCE_DATABASE, Server};
use watertight_harness::verify::CASES_PER_DATABASE;
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::DatabaseId;
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::lab::{WORKERS, median, on_server, on_stage, on_threads, own_scenario, runtime, seed, trees};
use super::tap::{Sent, Tap, cases, prepare, renamed, send};

/// Cases that are played in each round.
const CASES: u32 = 96;
/// Of what each figure is the median.
const ROUNDS: usize = 3;

/// Checks that read: contents at every checkpoint, owners, and what the application reads for three tenants through
/// row security.
const CHECKS: [&str; 5] =
    ["backfill-complete", "backfill-correct", "migration-applies", "migration-preserves", "read-isolation"];

/// How a database for each case is made, and when it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clones {
    /// The default strategy, dropped at once.
    AtOnce,
    /// A copy of files, dropped one case late.
    Late,
}

pub(super) async fn figures() -> Result<Vec<Figure>, Fault> {
    let scenario = own_scenario("desk")?;
    on_server(async |server| {
        let (recorded, prefix) = record(server, &scenario).await?;
        on_stage(server, &scenario, async |stage, scene| {
            let mut recorded = recorded;
            renamed(&mut recorded, &prefix, &role_prefix(stage)?);
            compare(server, stage, scene, &recorded).await
        })
        .await
    })
    .await
}

async fn compare(
    server: &Server,
    stage: &Stage<'_>,
    scene: &Scene,
    recorded: &[Vec<Sent>],
) -> Result<Vec<Figure>, Fault> {
    let checks = checks();
    let template = template(stage).await?;
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let next = AtomicU32::new(0);
        let seconds = on_threads(WORKERS, |_| runtime()?.block_on(explore(stage, scene, &checks, &next)))?;
        rates[0].push(f64::from(CASES) / seconds);
        for (rate, clones) in rates[1..].iter_mut().zip([Clones::AtOnce, Clones::Late]) {
            let next = AtomicU32::new(0);
            let work = |worker| {
                let bare = Bare { server, stage, template: &template, recorded, next: &next, clones };
                runtime()?.block_on(bare.play(worker))
            };
            let seconds = on_threads(WORKERS, work)?;
            rate.push(f64::from(CASES) / seconds);
        }
    }
    stage.drop_databases(&[template]).await?;
    let [explorer, at_once, late] = rates.map(median);
    let rows: usize = (0..CASES).map(|i| data(scene, i).data.row_count()).sum();
    let messages: usize = recorded.iter().map(Vec::len).sum();
    let of = format!(
        "{CASES} cases of 12 tables, on average {} rows and {} messages; {WORKERS} workers, median of {ROUNDS}",
        rows / CASES as usize,
        messages / CASES as usize
    );
    let figure = |name: &str, against: &str, anchor, least| Figure {
        name: format!("explorer/{name}"),
        value: explorer,
        unit: "cases/s",
        against: against.to_owned(),
        anchor,
        target: Target::RatioAtLeast(least),
        of: of.clone(),
    };
    Ok(vec![
        figure("database-a-case", "a database a case, default strategy, dropped at once", at_once, 15.0),
        figure("database-a-case-late", "the same by FILE_COPY, dropped one case late", late, 5.0),
    ])
}

fn checks() -> Vec<Box<dyn Invariant>> {
    invariants::catalog().into_iter().filter(|i| CHECKS.contains(&i.spec().id)).collect()
}

fn data(scene: &Scene, number: u32) -> CaseData {
    let spec = scene.plan.random_spec(CaseSize::Small, u64::from(number));
    CaseData::new(scene, number, seed(number), false, scene.plan.generate(seed(number), &spec))
}

/// One case as the product has it: made, planned, played, judged.
async fn play(
    runner: &mut Runner<'_>,
    scene: &Scene,
    checks: &[Box<dyn Invariant>],
    number: u32,
) -> Result<(), Fault> {
    let case = data(scene, number);
    let asked = checks.iter().filter(|c| c.applies(scene).is_ok()).flat_map(|c| c.plan(scene, &case));
    let wanted = trees(scene, asked);
    let seen = runner.play(&case, wanted).await?;
    for check in checks.iter().filter(|c| c.applies(scene).is_ok()) {
        if let Some(violation) = check.judge(scene, &case, &seen).violations.first() {
            return Err(format!("case {number} is to hold: {}", violation.title).into());
        }
    }
    Ok(())
}

async fn explore(
    stage: &Stage<'_>,
    scene: &Scene,
    checks: &[Box<dyn Invariant>],
    next: &AtomicU32,
) -> Result<(), Fault> {
    let mut runner = Runner::open(scene, stage).await?;
    let mut played = 0;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= CASES {
            break;
        }
        if played == CASES_PER_DATABASE {
            runner.close().await?;
            runner = Runner::open(scene, stage).await?;
            played = 0;
        }
        played += 1;
        play(&mut runner, scene, checks, number).await?;
    }
    Ok(runner.close().await?)
}

/// What the sessions of a run's roles have in common.
pub(super) fn role_prefix(stage: &Stage<'_>) -> Result<String, Fault> {
    let loader = stage.names().role(&Actor::Loader).as_str();
    Ok(loader.strip_suffix("loader").ok_or("the loader has another name")?.to_owned())
}

/// The statements of every case, as the explorer sends them, and the names of the roles in them.
async fn record(server: &Server, scenario: &Scenario) -> Result<(Vec<Vec<Sent>>, String), Fault> {
    let tap = Tap::before(server)?;
    let tapped = tap.server().await?;
    let checks = checks();
    let prefix = on_stage(&tapped, scenario, async |stage, scene| {
        let mut runner = Runner::open(scene, stage).await?;
        tap.taken();
        for number in 0..CASES {
            play(&mut runner, scene, &checks, number).await?;
        }
        runner.close().await?;
        role_prefix(stage)
    })
    .await?;
    tapped.stop().await?;
    let recorded: Vec<_> = tap.taken().iter().map(cases).max_by_key(Vec::len).unwrap_or_default();
    if recorded.len() != CASES as usize {
        return Err(format!("{} cases were recorded of {CASES}", recorded.len()).into());
    }
    Ok((recorded, prefix))
}

/// A database with the baseline that nobody is connected to.
pub(super) async fn template(stage: &Stage<'_>) -> Result<String, Fault> {
    let (databases, sessions) = stage.open().await?;
    for session in sessions {
        session.close().await;
    }
    Ok(databases.into_iter().next().ok_or("the scenario has no database")?)
}

/// How the statements of a case are sent without the explorer.
pub(super) fn plain(server: &Server, stage: &Stage<'_>, database: &str) -> PgConnectOptions {
    let (_, _, user, password) = stage.way_in(DatabaseId(0));
    server.login_options(database, &user, password.expose()).options(PINNED.iter().copied())
}

/// The same statements by a loop that knows nothing of cases, on a database for each.
struct Bare<'a> {
    server: &'a Server,
    stage: &'a Stage<'a>,
    template: &'a str,
    recorded: &'a [Vec<Sent>],
    next: &'a AtomicU32,
    clones: Clones,
}

impl Bare<'_> {
    async fn play(&self, worker: usize) -> Result<(), Fault> {
        let mut admin = self.server.admin_options(MAINTENANCE_DATABASE).connect().await?;
        let mut waiting: Option<String> = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(messages) = self.recorded.get(number as usize) else { break };
            let name = format!("bare_{worker}_{number}");
            let strategy = if self.clones == Clones::Late { " STRATEGY FILE_COPY" } else { "" };
            let template = self.template;
            execute(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE {template}{strategy}")).await?;
            let mut connection = plain(self.server, self.stage, &name).connect().await?;
            prepare(&mut connection).await?;
            // Who has a database to himself commits.
            let mut messages = messages.clone();
            if let Some(last) = messages.last_mut()
                && let Some(before) = last.sql.strip_suffix("ROLLBACK")
            {
                last.sql = format!("{before}COMMIT");
            }
            send(&mut connection, &messages).await?;
            connection.close().await?;
            let done = match self.clones {
                Clones::AtOnce => Some(name),
                Clones::Late => waiting.replace(name),
            };
            if let Some(done) = done {
                execute(&mut admin, &format!("DROP DATABASE {done}")).await?;
            }
        }
        if let Some(last) = waiting {
            execute(&mut admin, &format!("DROP DATABASE {last}")).await?;
        }
        Ok(admin.close().await?)
    }
}

pub(super) async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), Fault> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await?;
    Ok(())
}
