//! Committed mode: what a transaction cannot hold runs on databases of its own, step by step committed.
//!
//! A script that controls transactions itself, or that refuses to run inside one, cannot be undone by a savepoint; nor
//! can a command, which has a connection of its own. Excursions with such a step run on a clone of the checkpoint's database; the rest of them run as always,
//! in a transaction on the committed state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{DatabaseId, Step, StepId, StepKind};

use super::act::{Act, Actor, Done, Refusal, Seen, Turn};
use super::case::CaseData;
use super::observe::{Observations, StepRun};
use super::record::Manner;
use super::runner::{Apart, Mode, Runner};
use super::scene::Scene;
use super::snapshot::diff;
use super::tree::{Node, Tree};
use crate::db::commands::Errand;
use crate::db::session::{Answer, Failure, Stopped};
use crate::db::stage::StageError;

impl Scene {
    /// Whether an act, and what comes behind it, can be held in a transaction.
    pub fn is_held(&self, act: &Act) -> bool {
        match act {
            Act::Step(step, _) => self.step(*step).is_held(),
            Act::Down(step) => self.step(*step).goes_back_held(),
            _ => self.is_transactional(act),
        }
    }

    /// Whether an act runs in one transaction.
    pub fn is_transactional(&self, act: &Act) -> bool {
        match act {
            Act::Step(step, _) => self.step(*step).is_transactional(),
            Act::Down(step) => self.step(*step).goes_back_transactional(),
            _ => !act.is_elsewhere(),
        }
    }

    /// Whether the timeline has a step that no transaction can hold.
    pub fn needs_commits(&self) -> bool {
        self.scenario.steps.iter().any(|s| !s.is_held() || !s.goes_back_held())
    }
}

/// Limit for one transaction on a pooled connection.
const POOLED_LIMIT: Duration = Duration::from_secs(10);

/// The last answer of a step, and the wall time of each of its statements.
pub(super) type Sent = (Answer, Vec<Duration>);

pub(super) fn lost(error: StageError) -> Failure {
    Failure::Lost(error.to_string())
}

impl Runner<'_> {
    /// One case with every step committed. The runner's databases are used up by it.
    ///
    /// # Errors
    /// When a session is lost.
    pub async fn play_committed(
        &mut self,
        case: &CaseData,
        trees: Vec<Tree>,
        apart: Apart,
    ) -> Result<Observations, Failure> {
        self.everywhere("BEGIN").await?;
        self.walk(case, trees, Mode::Committed(apart)).await
    }

    /// The step on the timeline, in the transaction that its tool would give it.
    pub(super) async fn advance_committed(
        &mut self,
        case: &CaseData,
        step: StepId,
        alive: &mut BTreeSet<WorldId>,
    ) -> Result<StepRun, Failure> {
        let Step { kind, command, .. } = self.scene.step(step);
        if *kind == StepKind::Check && command.is_some() {
            return self.advance_check(case, step, alive).await;
        }
        if !self.scene.step(step).is_transactional() {
            let seen = self.alone(step, false, &Actor::Migrator).await?;
            return Ok(StepRun { seen, removed: Vec::new() });
        }
        self.everywhere("BEGIN").await?;
        let mut run = self.advance(case, step, alive).await?;
        // What a deferred constraint says at commit is the step's refusal.
        match self.everywhere("COMMIT").await {
            Ok(()) => {}
            Err(failure @ Failure::Sql(_)) => {
                let statement = self.scene.step(step).up.statements.len().saturating_sub(1);
                run.seen = Seen::Refused(Refusal { statement, failure });
            }
            Err(failure) => return Err(failure),
        }
        Ok(run)
    }

    /// All excursions of a checkpoint: those that a transaction can hold in one, the others each on a clone.
    pub(super) async fn excursions(
        &mut self,
        case: &CaseData,
        roots: Vec<Node>,
        apart: Apart,
    ) -> Result<Vec<Node>, Failure> {
        let mut held = roots;
        let mut alone: Vec<Vec<Act>> = Vec::new();
        held.retain_mut(|node| split(self.scene, node, apart, &mut Vec::new(), &mut alone));
        self.everywhere("BEGIN").await?;
        self.set_out(case, &mut held).await?;
        self.everywhere("ROLLBACK").await?;
        let mut tree = Tree { roots: held };
        if apart == Apart::OnClones {
            for path in alone {
                let seen = self.on_clone(case, &path).await?;
                tree.add(&path);
                tree.note(&path, &seen);
            }
        }
        Ok(tree.roots)
    }

    /// Plays a path on clones of the current databases, each act committed.
    async fn on_clone(&mut self, case: &CaseData, path: &[Act]) -> Result<Vec<Seen>, Failure> {
        let sources = std::mem::take(&mut self.databases);
        for session in std::mem::take(&mut self.sessions) {
            session.close().await;
        }
        for (db, source) in sources.iter().enumerate() {
            let db = DatabaseId(db);
            let clone = self.stage.clone_of(db, source).await.map_err(lost)?;
            self.sessions.push(self.stage.connect(db, &clone).await.map_err(lost)?);
            self.databases.push(clone);
        }
        let absent = self.absent.clone();
        let mut seen = Vec::new();
        for act in path {
            seen.push(self.act_committed(case, act).await?);
        }
        self.absent = absent;
        for session in std::mem::take(&mut self.sessions) {
            session.close().await;
        }
        let clones = std::mem::replace(&mut self.databases, sources);
        self.stage.drop_databases(&clones).await.map_err(lost)?;
        for (db, source) in self.databases.iter().enumerate() {
            self.sessions.push(self.stage.connect(DatabaseId(db), source).await.map_err(lost)?);
        }
        Ok(seen)
    }

    pub(super) async fn act_committed(&mut self, case: &CaseData, act: &Act) -> Result<Seen, Failure> {
        if !self.scene.is_transactional(act) {
            return match act {
                Act::Step(step, actor) => self.alone(*step, false, actor).await,
                Act::Down(step) => self.alone(*step, true, &Actor::Migrator).await,
                Act::Pooled(db, turns) => self.pooled(*db, turns).await,
                Act::Cut(step, cut) => self.cut(*step, *cut).await,
                Act::Meanwhile(step, at, other) => self.meanwhile(*step, *at, other).await,
                _ => Ok(Seen::Done(Done::default())),
            };
        }
        self.everywhere("BEGIN; SAVEPOINT act").await?;
        let seen = self.perform(case, act, "act").await?;
        self.everywhere("COMMIT").await?;
        Ok(seen)
    }

    /// A step that holds its own transactions, as its tool would run it.
    pub(super) async fn alone(&mut self, step: StepId, down: bool, actor: &Actor) -> Result<Seen, Failure> {
        let before = self.look().await?;
        let clock = Instant::now();
        let sent = self.send_step(step, down, actor).await?;
        let seen = match sent {
            Err(refusal) => Seen::Refused(refusal),
            Ok((answer, timings)) => {
                let mut done = Done { answer, writes: BTreeMap::new(), took: clock.elapsed(), timings };
                // A transaction's counters end with it: what was written is told by the rows' places.
                let after = self.look().await?;
                for change in diff(&before, &after) {
                    *done.writes.entry(change.table.1.clone()).or_default() += 1;
                }
                Seen::Done(done)
            }
        };
        self.answered(&seen);
        if !down && matches!(seen, Seen::Done(_)) {
            self.everywhere("BEGIN").await?;
            self.populate(step).await?;
            self.everywhere("COMMIT").await?;
        }
        Ok(seen)
    }

    /// The step's command or script.
    pub(super) async fn send_step(
        &mut self,
        step: StepId,
        down: bool,
        actor: &Actor,
    ) -> Result<Result<Sent, Refusal>, Failure> {
        match self.scene.step(step).command.is_some() && !down {
            true => self.command(step, actor).await,
            false => self.script_alone(step, down, actor).await,
        }
    }

    /// A script that holds its own transactions, statement by statement.
    async fn script_alone(
        &mut self,
        step: StepId,
        down: bool,
        actor: &Actor,
    ) -> Result<Result<Sent, Refusal>, Failure> {
        let scene = self.scene;
        let (db, limit) =
            (scene.step(step).database, Duration::from_secs(u64::from(scene.step(step).timeout_s)));
        let script = match (down, &scene.step(step).down) {
            (true, Some(down)) => down,
            (true, None) => return Ok(Ok(Sent::default())),
            (false, _) => &scene.step(step).up,
        };
        let sql: Vec<String> = script.statements.iter().map(|s| script.sql(s).to_owned()).collect();
        self.keep(db, actor, script.path.clone(), sql.clone());
        self.keep_manner(Manner::Alone);
        let sent = self.send_alone(db, actor, &sql, limit).await?;
        // A script that stopped inside its own transaction leaves that transaction open: its tool disconnects.
        self.own(db, "ROLLBACK; RESET ALL; RESET ROLE").await?;
        Ok(sent)
    }

    /// Statements that hold their own transactions, one by one; the session stays as they leave it.
    pub(super) async fn send_alone(
        &mut self,
        db: DatabaseId,
        actor: &Actor,
        sql: &[String],
        limit: Duration,
    ) -> Result<Result<Sent, Refusal>, Failure> {
        let clock = Instant::now();
        self.own(db, &self.names.become_for_session_sql(actor)).await?;
        let (mut answer, mut timings) = (Answer::default(), Vec::with_capacity(sql.len()));
        for (i, statement) in sql.iter().enumerate() {
            let begun = clock.elapsed();
            match self.sessions[db.0].run(statement, limit.saturating_sub(begun)).await {
                Ok(answers) => {
                    timings.push(clock.elapsed().saturating_sub(begun));
                    answer = answers.into_iter().next_back().unwrap_or(answer);
                }
                Err(failure) if failure.ends_session() => return Err(failure),
                Err(failure) => return Ok(Err(Refusal { statement: i, failure })),
            }
        }
        Ok(Ok((answer, timings)))
    }

    /// A program of the user's, on the databases as they are.
    async fn command(&mut self, step: StepId, actor: &Actor) -> Result<Result<Sent, Refusal>, Failure> {
        let (scene, stage) = (self.scene, self.stage);
        let Some(spec) = &scene.step(step).command else { return Ok(Ok(Sent::default())) };
        let database = scene.step(step).database;
        self.keep_command(database, actor, spec);
        let errand = Errand {
            scenario: &scene.scenario,
            spec,
            database,
            databases: &self.databases,
            actor,
            limit: Duration::from_secs(u64::from(scene.step(step).timeout_s)),
        };
        match stage.run_command(errand).await {
            Ok(()) => Ok(Ok(Sent::default())),
            Err(failure) if failure.ends_session() => Err(failure),
            Err(failure) => Ok(Err(Refusal { statement: 0, failure })),
        }
    }

    /// Transaction after transaction on one connection; then it is as new.
    async fn pooled(&mut self, db: DatabaseId, turns: &[Turn]) -> Result<Seen, Failure> {
        let mut seen = Seen::Done(Done::default());
        for turn in turns {
            let context = turn.actor.context_sql().map(str::to_owned);
            let sql: Vec<String> = context.into_iter().chain(turn.sql.iter().cloned()).collect();
            self.keep(db, &turn.actor, "a transaction on a pooled connection".to_owned(), sql.clone());
            self.own(db, "BEGIN").await?;
            seen = match self.run_as(db, &turn.actor, &sql, POOLED_LIMIT).await? {
                Ok(mut answers) => {
                    self.own(db, "COMMIT").await?;
                    Seen::Done(Done { answer: answers.pop().unwrap_or_default(), ..Done::default() })
                }
                Err(stopped) if stopped.failure.ends_session() => return Err(stopped.failure),
                Err(Stopped { statement, failure, .. }) => {
                    self.own(db, "ROLLBACK").await?;
                    Seen::Refused(Refusal { statement, failure })
                }
            };
            self.answered(&seen);
            if seen.refusal().is_some() {
                break;
            }
        }
        self.own(db, "DEALLOCATE ALL; RESET ALL; RESET ROLE").await?;
        Ok(seen)
    }

    async fn look(&mut self) -> Result<super::snapshot::Snapshot, Failure> {
        self.everywhere("BEGIN").await?;
        let snapshot = self.snapshot().await;
        self.everywhere("ROLLBACK").await?;
        snapshot
    }
}

/// Takes the parts of a tree that no transaction can hold out of it, as paths from the checkpoint. Whether the node stays:
/// one that only leads to such parts is played with them, where they are.
fn split(
    scene: &Scene,
    node: &mut Node,
    apart: Apart,
    prefix: &mut Vec<Act>,
    alone: &mut Vec<Vec<Act>>,
) -> bool {
    prefix.push(node.act.clone());
    let stays = scene.is_held(&node.act);
    let mut leads = false;
    if stays {
        let before = node.children.len();
        node.children.retain_mut(|child| split(scene, child, apart, prefix, alone));
        leads = apart == Apart::OnClones && before > 0 && node.children.is_empty();
    } else {
        paths(node, prefix, alone);
    }
    prefix.pop();
    stays && !leads
}

fn paths(node: &Node, prefix: &mut Vec<Act>, alone: &mut Vec<Vec<Act>>) {
    if node.children.is_empty() {
        alone.push(prefix.clone());
    }
    for child in &node.children {
        prefix.push(child.act.clone());
        paths(child, prefix, alone);
        prefix.pop();
    }
}
