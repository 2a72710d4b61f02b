//! The sessions of one worker, and the walk along the timeline: one transaction a case, a savepoint an act.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use watertight_generators::{Dataset, WorldId};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId};

use super::act::Act;
use super::act::{Actor, Seen};
use super::case::{CaseData, Values};
use super::observe::{Observations, StepRun};
use super::record::Record;
use super::scene::Scene;
use super::tree::{Node, Tree};
use super::truth::Listings;
use crate::db::session::{Answer, Failure, Session, Stopped};
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
    /// Savepoints to set and undo, by database: sent in one message with whatever comes next.
    pub(super) pending: Vec<Vec<String>>,
    depth: usize,
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
            depth: 0,
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

    /// The same for statements that cannot fail and that nobody waits for: they go with the next message.
    pub(super) fn later(&mut self, statements: &[String]) {
        self.pending.resize(self.sessions.len(), Vec::new());
        for pending in &mut self.pending {
            pending.extend_from_slice(statements);
        }
    }

    /// What a script or statement set for its session ends with it.
    pub(super) fn reset_later(&mut self, db: DatabaseId) {
        self.pending.resize(self.sessions.len(), Vec::new());
        self.pending[db.0].extend(["RESET ALL".to_owned(), "RESET ROLE".to_owned()]);
    }

    pub(super) fn undo_later(&mut self, savepoint: &str) {
        self.later(&[format!("ROLLBACK TO SAVEPOINT {savepoint}"), format!("RELEASE SAVEPOINT {savepoint}")]);
    }

    pub(super) async fn own(&mut self, db: DatabaseId, sql: &str) -> Result<Vec<Answer>, Failure> {
        let first = self.pending.get_mut(db.0).map(std::mem::take).unwrap_or_default();
        if first.is_empty() {
            return self.sessions[db.0].run(sql, OWN_LIMIT).await;
        }
        let count = first.len();
        let mut answers = self.sessions[db.0].run(&format!("{};{sql}", first.join(";")), OWN_LIMIT).await?;
        answers.drain(..count.min(answers.len()));
        Ok(answers)
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
        let mut all = self.pending.get_mut(db.0).map(std::mem::take).unwrap_or_default();
        all.extend(self.names.become_statements(actor));
        let own = all.len();
        all.extend_from_slice(sql);
        Ok(match self.sessions[db.0].run_all(&all, limit).await {
            Ok(mut answers) => Ok(answers.split_off(own.min(answers.len()))),
            Err(Stopped { statement, failure }) if statement < own => return Err(failure),
            Err(Stopped { statement, failure }) => Err(Stopped { statement: statement - own, failure }),
        })
    }

    /// One case from its first row to the end of the timeline, with every excursion of `trees`.
    /// Everything is undone at the end.
    ///
    /// # Errors
    /// When a session is lost; what was seen until then is lost with it.
    pub async fn play(&mut self, case: &CaseData, trees: Vec<Tree>) -> Result<Observations, Failure> {
        self.depth = 0;
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
                    Mode::Held => self.visit(case, &mut roots).await?,
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

    pub(super) async fn visit(&mut self, case: &CaseData, nodes: &mut [Node]) -> Result<(), Failure> {
        for node in nodes {
            if matches!(node.act, Act::Pooled(..) | Act::Cut(..) | Act::Meanwhile(..)) {
                continue; // played on a clone
            }
            if node.act.is_probe() {
                node.seen = Some(self.probe(&node.act).await?);
                Box::pin(self.visit(case, &mut node.children)).await?;
                continue;
            }
            self.depth += 1;
            let name = format!("excursion_{}", self.depth);
            self.later(&[format!("SAVEPOINT {name}")]);
            let absent = self.absent.clone();
            let seen = self.perform(case, &node.act, &name).await?;
            node.seen = Some(seen);
            Box::pin(self.visit(case, &mut node.children)).await?;
            self.absent = absent;
            self.undo_later(&name);
            self.depth -= 1;
        }
        Ok(())
    }
}
