//! The run over empty tables: what the schema is at each checkpoint, and what each way back leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use watertight_generators::{Plan, Scope};
use watertight_scenarios::scenario::{CommandSpec, CopySpec, DatabaseId, Step, StepId, StepKind};
use watertight_scenarios::{Relation, Scenario, Schema};

use super::locks::{self, Locks, lock_row};
use super::{VerifyError, facts};
use crate::catalog::{self, reach::Reach};
use crate::db::commands::Errand;
use crate::db::session::{Failure, Session};
use crate::db::stage::{RoleNames, Stage};
use crate::explore::scene::{EarlyEnd, late_tables, literals, schemas_with_late};
use crate::explore::{Actor, DISCARD_TEMPORARY, Print, Refusal, Scene, copy};

const SURVEY_LIMIT: Duration = Duration::from_secs(120);

/// By step: what its way back changed in the catalogs, in words; or why it failed.
pub(super) type WaysBack = BTreeMap<StepId, Vec<String>>;

/// What the catalogs said at one moment.
struct Looked {
    schemas: Vec<Schema>,
    print: Print,
    reach: Vec<Reach>,
}

/// The same by checkpoint, for the scene.
#[derive(Default)]
struct Checkpoints {
    schemas: Vec<Vec<Schema>>,
    prints: Vec<Print>,
    reach: Vec<Vec<Reach>>,
}

impl Checkpoints {
    fn push(&mut self, looked: Looked) {
        self.schemas.push(looked.schemas);
        self.prints.push(looked.print);
        self.reach.push(looked.reach);
    }
}

pub(super) struct Surveyor<'a> {
    stage: &'a Stage<'a>,
    names: &'a RoleNames,
    databases: Vec<String>,
    sessions: Vec<Session>,
    /// What ended the session, if a script took it along: nothing more can be asked.
    lost: Option<Failure>,
    /// Checks that returned rows.
    complaining: BTreeSet<StepId>,
}

/// What the survey found.
pub(super) struct Surveyed {
    pub(super) scene: Scene,
    pub(super) ways_back: WaysBack,
    pub(super) locks: Locks,
}

/// What a script was refused, and where it stands.
pub(super) struct Ended {
    refusal: Refusal,
    pub(super) why: String,
}

impl Ended {
    fn at(self, step: StepId) -> EarlyEnd {
        EarlyEnd { step, refusal: Some(self.refusal), why: self.why }
    }
}

impl<'a> Surveyor<'a> {
    async fn open(stage: &'a Stage<'a>) -> Result<Self, VerifyError> {
        let (databases, sessions) = stage.open().await?;
        let names = stage.names();
        Ok(Self { stage, names, databases, sessions, lost: None, complaining: BTreeSet::new() })
    }

    async fn close(self) -> Result<(), VerifyError> {
        for session in self.sessions {
            session.close().await;
        }
        Ok(self.stage.drop_databases(&self.databases).await?)
    }

    pub(super) async fn all(&mut self, sql: &str) -> Result<(), Failure> {
        for session in &mut self.sessions {
            session.run(sql, SURVEY_LIMIT).await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<Looked, Failure> {
        let (mut schemas, mut print, mut reach) = (Vec::new(), Print::new(), Vec::new());
        let observer = self.names.become_sql(&Actor::Observer);
        for (db, session) in self.sessions.iter_mut().enumerate() {
            session
                .run(&format!("SAVEPOINT look; {observer}; SET LOCAL search_path = pg_catalog"), SURVEY_LIMIT)
                .await?;
            schemas.push(catalog::introspect(session).await?);
            reach.push(catalog::reach::reach(session).await?);
            for ((kind, object), definition) in catalog::fingerprint(session).await? {
                let object = if db == 0 { object } else { format!("[{db}] {object}") };
                print.insert((kind, object), definition);
            }
            session.run("ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look", SURVEY_LIMIT).await?;
        }
        Ok(Looked { schemas, print, reach })
    }

    /// Table locks that are held on a database.
    pub(super) async fn locks(&mut self, db: DatabaseId) -> Result<Vec<(Relation, String)>, Failure> {
        let observer = self.names.become_sql(&Actor::Observer);
        let session = &mut self.sessions[db.0];
        let as_observer = format!("SAVEPOINT look; {observer}; SET LOCAL search_path = pg_catalog");
        session.run(&as_observer, SURVEY_LIMIT).await?;
        let answers = session.run(include_str!("sql/locks.sql"), SURVEY_LIMIT).await?;
        session.run("ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look", SURVEY_LIMIT).await?;
        Ok(answers.iter().flat_map(|a| &a.rows).filter_map(|row| lock_row(row)).collect())
    }

    pub(super) async fn script(
        &mut self,
        scenario: &Scenario,
        id: StepId,
        down: bool,
    ) -> Result<Result<(), Ended>, Failure> {
        let step = &scenario.steps[id.0];
        if let Some(spec) = step.command.as_ref().filter(|_| !down) {
            return self.command(scenario, step, spec).await;
        }
        let script = match (down, &step.down) {
            (true, Some(down)) => down,
            (true, None) => return Ok(Ok(())),
            (false, _) => &step.up,
        };
        let limit = Duration::from_secs(u64::from(step.timeout_s));
        if let Some(spec) = step.copy.as_ref().filter(|_| !down) {
            return self.copy(spec, limit).await;
        }
        let session = &mut self.sessions[step.database.0];
        let role = if script.is_transactional() {
            self.names.become_sql(&Actor::Migrator)
        } else {
            self.names.become_for_session_sql(&Actor::Migrator)
        };
        session.run(&role, SURVEY_LIMIT).await?;
        for (nth, statement) in script.statements.iter().enumerate() {
            match session.run(script.sql(statement), limit).await {
                Ok(answers) if step.kind == StepKind::Check && answers.iter().any(|a| !a.rows.is_empty()) => {
                    self.complaining.insert(id);
                }
                Ok(_) => {}
                Err(failure) => {
                    self.lost = failure.ends_session().then(|| failure.clone());
                    let why = format!("{}:{}: {failure}", script.path, statement.line);
                    return Ok(Err(Ended { refusal: Refusal { statement: nth, failure }, why }));
                }
            }
        }
        if script.mentions_temporary() {
            session.run(DISCARD_TEMPORARY, SURVEY_LIMIT).await?;
        }
        session.run("RESET ALL; RESET ROLE", SURVEY_LIMIT).await?;
        Ok(Ok(()))
    }

    async fn command(
        &mut self,
        scenario: &Scenario,
        step: &Step,
        spec: &CommandSpec,
    ) -> Result<Result<(), Ended>, Failure> {
        let errand = Errand {
            scenario,
            spec,
            database: step.database,
            databases: &self.databases,
            actor: &Actor::Migrator,
            limit: Duration::from_secs(u64::from(step.timeout_s)),
        };
        match self.stage.run_command(errand).await {
            Ok(()) => Ok(Ok(())),
            Err(failure @ Failure::Unfinished(_)) => Err(failure),
            Err(failure) if failure.ends_session() => Err(failure),
            Err(failure) => {
                let why = format!("`{}`: {failure}", spec.line_shown());
                Ok(Err(Ended { refusal: Refusal { statement: 0, failure }, why }))
            }
        }
    }

    async fn copy(&mut self, spec: &CopySpec, limit: Duration) -> Result<Result<(), Ended>, Failure> {
        let role = self.names.become_sql(&Actor::Migrator);
        self.all(&role).await?;
        let mut sent = copy::Sent::default();
        if let Err(stopped) = copy::copy(&mut self.sessions, spec, limit, &mut sent).await {
            self.lost = stopped.failure.ends_session().then(|| stopped.failure.clone());
            let table = spec.tables.get(stopped.table).map(ToString::to_string).unwrap_or_default();
            let why = format!("the copy of {table}: {}", stopped.failure);
            let refusal = Refusal { statement: stopped.table, failure: stopped.failure };
            return Ok(Err(Ended { refusal, why }));
        }
        self.all("RESET ALL; RESET ROLE").await?;
        Ok(Ok(()))
    }
}

/// Names the tables of a copy that names none itself.
fn settle(scenario: &mut Scenario, step: StepId, schemas: &[Schema]) {
    if let Some(spec) = &mut scenario.steps[step.0].copy {
        spec.tables = copy::order(spec, schemas);
    }
}

/// What is wrong where the survey came to no end: a command that cannot be run says nothing in any case.
fn unsurveyed(failure: Failure) -> VerifyError {
    match failure {
        Failure::Unfinished(why) => VerifyError::Command(why),
        other => VerifyError::Lost(other.to_string()),
    }
}

/// Runs the timeline over empty tables, in a transaction that is undone.
pub(super) async fn survey(stage: &Stage<'_>, scenario: &Scenario) -> Result<Surveyed, VerifyError> {
    let (scene, ways_back) = scene(stage, scenario).await?;
    let mut surveyor = Surveyor::open(stage).await?;
    // Locks are for the report alone, which says nothing of them where the session ends on the way.
    let locks = locks::locks(&mut surveyor, &scene).await.unwrap_or_default();
    surveyor.close().await?;
    Ok(Surveyed { scene, ways_back, locks })
}

/// Whether the tenants and the column that carries them are there, in some state.
fn named(scenario: &Scenario, schemas: &[Vec<Schema>]) -> Result<(), String> {
    let tenancy = &scenario.tenancy;
    let all = || schemas.iter().flatten();
    let tables = || all().flat_map(|s| &s.tables);
    let tenants = &tenancy.tenants;
    if !tables().any(|t| &t.name == tenants) && !all().any(|s| s.views.iter().any(|v| &v.name == tenants)) {
        return Err(format!(
            "{}: [tenancy] tenants: there is no table {tenants}, before or after any step",
            scenario.file
        ));
    }
    match &tenancy.column {
        Some(column) if tenancy.columns.is_empty() && !tables().any(|t| t.column(column).is_some()) => {
            let why = "no table has such a column, before or after any step";
            Err(format!("{}: [tenancy] column {column}: {why}", scenario.file))
        }
        _ => Ok(()),
    }
}

/// The same, without what is for the report alone.
pub(super) async fn scene(stage: &Stage<'_>, scenario: &Scenario) -> Result<(Scene, WaysBack), VerifyError> {
    let mut scenario = scenario.clone();
    let mut surveyor = Surveyor::open(stage).await?;
    let mut seen = walk(&mut surveyor, &mut scenario).await.map_err(unsurveyed);
    if let Some(failure) = &surveyor.lost
        && (matches!(failure, Failure::Exhausted(_)) || !stage.is_alive().await)
    {
        seen = seen.and_then(|(.., stopped)| {
            Err(VerifyError::Lost(stopped.map_or_else(|| failure.to_string(), |end| end.why)))
        });
    }
    let complaining = std::mem::take(&mut surveyor.complaining);
    surveyor.close().await?;
    let (Checkpoints { schemas, prints, reach }, ways_back, stopped) = seen?;
    if stopped.is_none() {
        named(&scenario, &schemas).map_err(VerifyError::Scenario)?;
    }
    let late = late_tables(&scenario, &schemas);
    let literals = literals(&scenario);
    let filled = schemas_with_late(stage.schemas(), &schemas, &late);
    let plan = Plan::new(&filled.iter().collect::<Vec<_>>(), &scenario);
    // Unique keys of every state: those that a later step brings are where data collides.
    let keys: Vec<_> = schemas
        .iter()
        .flat_map(|schemas| schemas.iter().enumerate())
        .flat_map(|(db, schema)| schema.tables.iter().map(move |t| (db, t)))
        .flat_map(|(db, table)| table.uniques.iter().map(move |u| (db, table.name.clone(), u.clone())))
        .collect();
    let scope = Scope::new(&plan, &keys);
    let models = stage.models().to_vec();
    let scene =
        Scene { scenario, schemas, prints, models, complaining, reach, plan, late, literals, scope, stopped };
    Ok((scene, ways_back))
}

/// The schemas of the first database at every checkpoint that is reached over empty tables, and why no more are.
pub(crate) async fn look_ahead(
    stage: &Stage<'_>,
    scenario: &Scenario,
) -> Result<(Vec<Schema>, Option<String>), VerifyError> {
    let mut surveyor = Surveyor::open(stage).await?;
    let seen = walk(&mut surveyor, &mut scenario.clone()).await;
    let seen = seen.map_err(unsurveyed);
    surveyor.close().await?;
    let (found, _, stopped) = seen?;
    let first = found.schemas.into_iter().filter_map(|all| all.into_iter().next());
    Ok((first.collect(), stopped.map(|end| end.why)))
}

type Walk = (Checkpoints, WaysBack, Option<EarlyEnd>);

async fn walk(surveyor: &mut Surveyor<'_>, scenario: &mut Scenario) -> Result<Walk, Failure> {
    let all_held = scenario.steps.iter().all(|s| s.is_held() && s.goes_back_held());
    if all_held { walk_held(surveyor, scenario).await } else { walk_committed(surveyor, scenario).await }
}

/// Everything in one transaction that is undone; each way back is tried on the way.
async fn walk_held(surveyor: &mut Surveyor<'_>, scenario: &mut Scenario) -> Result<Walk, Failure> {
    surveyor.all("BEGIN").await?;
    let (mut found, mut ways_back, mut stopped) = (Checkpoints::default(), WaysBack::new(), None);
    found.push(surveyor.look().await?);
    for step in (0..scenario.steps.len()).map(StepId) {
        settle(scenario, step, found.schemas.last().map(Vec::as_slice).unwrap_or_default());
        if let Err(ended) = surveyor.script(scenario, step, false).await? {
            stopped = Some(ended.at(step));
            break;
        }
        let looked = surveyor.look().await?;
        if scenario.steps[step.0].down.is_some() {
            surveyor.all("SAVEPOINT way_back").await?;
            let changed = match surveyor.script(scenario, step, true).await? {
                Ok(()) => facts::words(&looked.print, &surveyor.look().await?.print),
                Err(ended) => vec![format!("fails: {}", ended.why)],
            };
            ways_back.insert(step, changed);
            if surveyor.lost.is_some() {
                // The cases say what comes of it.
                let why = ways_back.get(&step).map(|w| w.join("; ")).unwrap_or_default();
                found.push(looked);
                let next = StepId(step.0 + 1);
                let is_early = next.0 < scenario.steps.len();
                stopped = is_early.then_some(EarlyEnd { step: next, refusal: None, why });
                break;
            }
            surveyor.all("ROLLBACK TO SAVEPOINT way_back; RELEASE SAVEPOINT way_back").await?;
        }
        found.push(looked);
    }
    if surveyor.lost.is_none() {
        surveyor.all("ROLLBACK").await?;
    }
    Ok((found, ways_back, stopped))
}

/// Every step committed, on databases that are dropped afterwards; ways back are left to the cases.
async fn walk_committed(surveyor: &mut Surveyor<'_>, scenario: &mut Scenario) -> Result<Walk, Failure> {
    let (mut found, mut stopped) = (Checkpoints::default(), None);
    for step in (0..=scenario.steps.len()).map(StepId) {
        surveyor.all("BEGIN").await?;
        let looked = surveyor.look().await?;
        surveyor.all("ROLLBACK").await?;
        found.push(looked);
        if step.0 == scenario.steps.len() {
            break;
        }
        settle(scenario, step, found.schemas.last().map(Vec::as_slice).unwrap_or_default());
        let next = &scenario.steps[step.0];
        let held = next.is_transactional();
        if held {
            surveyor.all("BEGIN").await?;
        }
        let outcome = surveyor.script(scenario, step, false).await?;
        if held && surveyor.lost.is_none() {
            surveyor.all(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        }
        if let Err(ended) = outcome {
            stopped = Some(ended.at(step));
            break;
        }
    }
    Ok((found, WaysBack::new(), stopped))
}
