//! One failure played again, and its state opened up.

use watertight_scenarios::scenario::{AccessId, DatabaseId};
use watertight_scenarios::{Ident, Scenario};

use super::known::{self, Outcome};
use super::lab::{Lab, Origin, lost};
use super::{VerifyError, survey};
use crate::db::hosts::Hosts;
use crate::db::stage::Stage;
use crate::explore::{Act, Actor, Excursion, Scene};
use crate::failures::Failure;
use crate::invariants;
use crate::provider::{Secret, Server};

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It fails no more.
    Fixed {
        /// What is seen now.
        transcript: Vec<String>,
        /// What else the same data shows.
        others: Vec<String>,
    },
    /// It fails.
    Failed {
        /// What is seen now.
        transcript: Vec<String>,
        /// The same in a sentence.
        message: String,
    },
    /// Nothing can be said.
    CannotRun(String),
}

/// How to get into a state.
#[derive(Debug)]
pub struct Entrance {
    /// Host name or folder of the socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The database that the last act was on.
    pub database: String,
    /// Who connects.
    pub user: String,
    /// With what.
    pub password: Secret,
    /// Who acted last.
    pub role: Ident,
    /// Statements that put the session into the actor's place: its tenant context.
    pub context: Option<String>,
    /// What was sent last.
    pub statement: Option<String>,
}

/// Who looks on while a failure is walked through.
pub trait Tour {
    /// An act was done; the state is there to be looked into.
    fn step(&mut self, line: &str, entrance: &Entrance);
    /// The failing state is reached. What the run made is removed when this returns.
    fn arrived(&mut self, entrance: &Entrance);
}

/// Plays a failure again on a running server; with a tour, walks through it where it fails.
///
/// # Errors
/// When the server is lost, or the scenario cannot be set up.
pub async fn replay(
    server: &Server,
    scenario: &Scenario,
    failure: &Failure,
    tour: Option<&mut dyn Tour>,
) -> Result<Replayed, VerifyError> {
    let hosts = Hosts::open(server, scenario).await?;
    let replayed = replay_on(&hosts, scenario, failure, tour).await;
    let closed = hosts.close().await;
    let replayed = replayed?;
    closed?;
    Ok(replayed)
}

async fn replay_on(
    hosts: &Hosts<'_>,
    scenario: &Scenario,
    failure: &Failure,
    tour: Option<&mut dyn Tour>,
) -> Result<Replayed, VerifyError> {
    let catalog: Vec<_> = invariants::catalog().into_iter().chain(invariants::own(scenario)).collect();
    let Some(invariant) = catalog.iter().find(|i| i.spec().id == failure.invariant) else {
        return Ok(Replayed::CannotRun(format!("there is no invariant `{}` any more", failure.invariant)));
    };
    let stage = Stage::prepare(hosts, scenario).await?;
    let surveyed = survey::survey(&stage, scenario).await?;
    let scene = &surveyed.scene;
    let mut lab = Lab::new(&stage, scene);
    let outcome = known::retry(&mut lab, scene, invariant.as_ref(), failure).await;
    let toured = match (&outcome, tour) {
        (Ok(Outcome::Failed(again)), Some(tour)) => {
            walk(&mut lab, &stage, scene, failure, &again.violation.witness, tour).await
        }
        _ => Ok(()),
    };
    lab.clear().await?;
    toured?;
    Ok(match outcome? {
        Outcome::Failed(again) => {
            Replayed::Failed { transcript: again.transcript, message: again.violation.message }
        }
        Outcome::Fixed { others, transcript } => Replayed::Fixed { transcript, others },
        Outcome::CannotRun(why) => Replayed::CannotRun(why),
    })
}

async fn walk(
    lab: &mut Lab<'_>,
    stage: &Stage<'_>,
    scene: &Scene,
    failure: &Failure,
    witness: &Excursion,
    tour: &mut dyn Tour,
) -> Result<(), VerifyError> {
    lab.clear().await?; // on databases of its own: every act is committed
    let case = lab.case(Origin { index: failure.case, seed: failure.seed }, &failure.data);
    let last = witness.acts.iter().rev().find(|act| !act.is_probe());
    let runner = lab.runner().await?;
    let mut tell = |runner: &crate::explore::Runner<'_>, line: String| {
        tour.step(&line, &entrance(stage, scene, runner, last));
    };
    runner.open_up(&case, witness, &mut tell).await.map_err(|e| lost(&e))?;
    let reached = entrance(stage, scene, runner, last);
    tour.arrived(&reached);
    Ok(())
}

fn entrance(
    stage: &Stage<'_>,
    scene: &Scene,
    runner: &crate::explore::Runner<'_>,
    last: Option<&Act>,
) -> Entrance {
    let (database, actor, statement) = match last {
        Some(Act::Step(step, actor)) => (scene.step(*step).database, actor.clone(), None),
        Some(Act::StepIn(step, _) | Act::Down(step)) => (scene.step(*step).database, Actor::Migrator, None),
        Some(Act::Copied(step, _) | Act::Cut(step, _) | Act::Meanwhile(step, ..)) => {
            (scene.step(*step).database, Actor::Migrator, None)
        }
        Some(Act::Send(binding)) => {
            let AccessId(n) = binding.access;
            let path = &scene.scenario.access[n];
            let actor = Actor::App { role: path.role.clone(), context: binding.context.clone() };
            (path.database, actor, Some(binding.sql.clone()))
        }
        Some(Act::Sql(statement)) => {
            (statement.database, statement.actor.clone(), Some(statement.sql.clone()))
        }
        _ => (DatabaseId(0), Actor::Migrator, None),
    };
    let context = actor.context_sql().map(str::to_owned);
    let (host, port, user, password) = stage.way_in(database);
    let database = runner.database(database.0).to_owned();
    let role = stage.names().role(&actor).clone();
    Entrance { host, port, database, user, password, role, context, statement }
}
