//! The sessions of one worker, and the walk along the timeline: one transaction a case, a savepoint an act.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use watertight_generators::{Dataset, WorldId};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId};

use super::act::{Actor, Seen};
use super::case::{CaseData, Values};
use super::home::Home;
use super::observe::{Observations, StepRun};
use super::record::Record;
use super::scene::Scene;
use super::tree::Tree;
use super::truth::Listings;
use super::waiting::{Waiting, Wanted};
use crate::db::session::{Answer, Failure, Session, Stopped, TextRow};
use crate::db::stage::{RoleNames, Stage, StageError};

/// Limit for the harness's own statements.
pub(super) const OWN_LIMIT: Duration = Duration::from_secs(120);

/// What holds the state between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One transaction for the whole case.
    Held,
    /// Every step is committed.
    Committed(Apart),
}

/// What becomes of excursions that no transaction can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// Each is played on clones of the checkpoint's databases.
    OnClones,
    /// They are left to another case: a clone costs more than a savepoint.
    LeftOut,
}

/// What a runner was at: where a case that lost its session was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Loading the data.
    Load,
    /// The step on the timeline.
    Step(StepId),
    /// The excursions from a checkpoint.
    Excursions(Checkpoint),
}

/// Databases of one worker with a session on each.
pub struct Runner<'a> {
    pub(super) scene: &'a Scene,
    pub(super) stage: &'a Stage<'a>,
    pub(super) names: &'a RoleNames,
    pub(super) databases: Vec<String>,
    pub(super) sessions: Vec<Session>,
    pub(super) listings: Listings,
    pub(super) record: Option<Record>,
    /// Values of the case that is played.
    pub(super) values: Arc<Values>,
    /// Rows of the case that are loaded behind a step.
    pub(super) late: Arc<BTreeMap<StepId, Dataset>>,
    /// Worlds that were taken out of the state.
    pub(super) absent: BTreeSet<WorldId>,
    /// By database.
    pub(super) pending: Vec<Waiting>,
    /// Answers to questions that waited.
    pub(super) heard: BTreeMap<(DatabaseId, Wanted), Vec<TextRow>>,
    /// The checkpoint whose excursions are played, as far as it is known.
    pub(super) home: Option<Home>,
    /// The system's own tables, by database, as an array.
    pub(super) system: Vec<String>,
    /// Acts that led from there to where it is.
    pub(super) depth: usize,
    /// Savepoints of excursions that are set.
    pub(super) savepoints: usize,
    place: Place,
    /// Where a walk ends, if before the timeline does.
    until: Option<Checkpoint>,
}

impl<'a> Runner<'a> {
    /// A runner on clones of the stage's templates, one for each database of the scenario.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn open(scene: &'a Scene, stage: &'a Stage<'a>) -> Result<Self, StageError> {
        let (databases, sessions) = stage.open().await?;
        Ok(Self {
            scene,
            stage,
            names: stage.names(),
            databases,
            sessions,
            listings: Listings::new(),
            record: None,
            values: Arc::default(),
            late: Arc::default(),
            absent: BTreeSet::new(),
            pending: Vec::new(),
            heard: BTreeMap::new(),
            home: None,
            system: Vec::new(),
            depth: 0,
            savepoints: 0,
            place: Place::Load,
            until: None,
        })
    }

    /// From now on walks end at that checkpoint; `None`: at the timeline's end.
    pub fn walk_until(&mut self, until: Option<Checkpoint>) {
        self.until = until;
    }

    /// What it is at, or was at when it failed.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Closes the sessions and drops the databases.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn close(self) -> Result<(), StageError> {
        for session in self.sessions {
            session.close().await;
        }
        self.stage.drop_databases(&self.databases).await
    }

    pub(super) async fn everywhere(&mut self, sql: &str) -> Result<(), Failure> {
        for db in (0..self.sessions.len()).map(DatabaseId) {
            self.own(db, sql).await?;
        }
        Ok(())
    }

    pub(super) async fn own(&mut self, db: DatabaseId, sql: &str) -> Result<Vec<Answer>, Failure> {
        let waiting = self.take_waiting(db);
        let answers = if waiting.sql.is_empty() {
            self.sessions[db.0].run(sql, OWN_LIMIT).await?
        } else {
            let sql = format!("{};{sql}", waiting.sql.join(";"));
            self.sessions[db.0].run(&sql, OWN_LIMIT).await?
        };
        Ok(self.hear(db, &waiting, answers))
    }

    /// Statements as somebody, in one message. What stopped one of them is theirs; what stopped the harness's own before
    /// them is an error.
    pub(super) async fn run_as(
        &mut self,
        db: DatabaseId,
        actor: &Actor,
        sql: &[String],
        limit: Duration,
    ) -> Result<Result<Vec<Answer>, Stopped>, Failure> {
        self.set_savepoints(db).await?;
        let waiting = self.take_waiting(db);
        let become_actor = self.names.become_statements(actor);
        let own = waiting.sql.len() + become_actor.len();
        let all: Vec<&str> = waiting.sql.iter().chain(&become_actor).chain(sql).map(String::as_str).collect();
        match self.sessions[db.0].run_all(&all, limit).await {
            Ok(answers) => {
                let answers = self.hear(db, &waiting, answers);
                Ok(Ok(answers.into_iter().skip(become_actor.len()).collect()))
            }
            Err(Stopped { statement, failure, .. }) if statement < own => Err(failure),
            Err(stopped) => {
                self.hear(db, &waiting, stopped.answers);
                Ok(Err(Stopped { statement: stopped.statement - own, answers: Vec::new(), ..stopped }))
            }
        }
    }

    /// One case from its first row to the end of the timeline, with every excursion of `trees`.
    /// Everything is undone at the end.
    ///
    /// # Errors
    /// When a session is lost; what was seen until then is lost with it.
    pub async fn play(&mut self, case: &CaseData, trees: Vec<Tree>) -> Result<Observations, Failure> {
        self.pending.clear();
        self.everywhere("BEGIN").await?;
        let played = self.walk(case, trees, Mode::Held).await;
        let undone = self.everywhere("ROLLBACK").await;
        let seen = played?;
        undone?;
        Ok(seen)
    }

    /// Loads the case, in the transaction that is open.
    pub(super) async fn take_in(&mut self, case: &CaseData) -> Result<(), Failure> {
        self.values = case.values();
        self.place = Place::Load;
        self.late = case.late();
        self.absent.clear();
        self.load(&case.data).await
    }

    /// Loads the case, then in turn does the excursions of a checkpoint and takes the next step.
    pub(super) async fn walk(
        &mut self,
        case: &CaseData,
        trees: Vec<Tree>,
        mode: Mode,
    ) -> Result<Observations, Failure> {
        self.take_in(case).await?;
        if mode != Mode::Held {
            self.everywhere("COMMIT").await?;
        }
        let mut seen = Observations::of(trees, case.worlds().iter().copied().collect());
        // A replay from an earlier case has trees for the checkpoints that it asks about only.
        let last = seen.trees.iter().rposition(|t| !t.is_empty()).unwrap_or(0);
        for k in 0..=self.scene.scenario.steps.len() {
            self.place = Place::Excursions(Checkpoint(k));
            if let Some(tree) = seen.trees.get_mut(k) {
                let mut roots = std::mem::take(&mut tree.roots);
                match mode {
                    Mode::Held => self.set_out(case, &mut roots).await?,
                    Mode::Committed(apart) => roots = self.excursions(case, roots, apart).await?,
                }
                seen.trees[k].roots = roots;
            }
            let ends = k == self.scene.scenario.steps.len() || self.until.is_some_and(|u| k >= u.0);
            if ends || (self.record.is_some() && k >= last) {
                break;
            }
            self.place = Place::Step(StepId(k));
            let mut alive = seen.alive[k].clone();
            let run = self.take_step(case, StepId(k), &mut alive, mode).await?;
            let passed = matches!(run.seen, Seen::Done(_));
            seen.steps.push(run);
            if !passed {
                break;
            }
            seen.alive.push(alive);
        }
        Ok(seen)
    }

    async fn take_step(
        &mut self,
        case: &CaseData,
        step: StepId,
        alive: &mut BTreeSet<WorldId>,
        mode: Mode,
    ) -> Result<StepRun, Failure> {
        match mode {
            Mode::Held => self.advance(case, step, alive).await,
            Mode::Committed(_) => self.advance_committed(case, step, alive).await,
        }
    }
}
