//! A step that is cut on its way: what stays is what it had committed until then.

use std::time::Duration;

use watertight_scenarios::Script;
use watertight_scenarios::scenario::{DatabaseId, Step, StepId};

use super::act::{Actor, Done, Refusal, Seen};
use super::committed::lost;
use super::record::Manner;
use super::runner::Runner;
use crate::db::barrier::{Barrier, LongTransaction, Stands};
use crate::db::commands::{Errand, Ran};
use crate::db::session::Failure;

/// Where a run is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Before that statement of its script, counted from 0.
    Before(usize),
    /// At that statement of its script, while it waits until the transactions of others are over: CREATE INDEX
    /// CONCURRENTLY has committed a part of its work by then.
    Waiting(usize),
    /// At that statement which writes, counted from 1 over all that the step sends, whoever sends it.
    Write(u32),
}

/// Statements at which a step is cut in one case; the next case goes on where it ends.
const STATEMENTS_PER_CASE: usize = 3;

/// Writes at which every case cuts a step whose commits cannot be told from its words: data here is small.
const WRITES_FIRST: [u32; 2] = [1, 2];

/// Those of which each case takes one more in turn.
const WRITES_LATER: [u32; 4] = [3, 4, 5, 6];

/// What ends a statement that waits for others, and how soon: none of them is over before.
pub const IMPATIENT: &str = "SET lock_timeout = '100ms'";

/// SQLSTATE of a statement that waited too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl Cut {
    /// In words, behind what is cut.
    pub fn words(self) -> String {
        match self {
            Self::Before(k) => format!("stopped before statement {}", k + 1),
            Self::Waiting(k) => format!("stopped while statement {} waits for other transactions", k + 1),
            Self::Write(n) => format!("stopped at write {n}"),
        }
    }

    /// The statement of the script that does not come to its end, where that is known.
    pub fn statement(self) -> Option<usize> {
        match self {
            Self::Before(k) | Self::Waiting(k) => Some(k),
            Self::Write(_) => None,
        }
    }

    /// Whether a run of the step that is cut can leave anything but the state before it: a transaction that holds all
    /// of it does not.
    pub fn leaves_something(step: &Step) -> bool {
        !step.is_transactional()
    }

    /// Where the step is cut in the case of that number: at some of its statements in turn, and at some writes.
    pub fn of_case(step: &Step, index: u32) -> Vec<Self> {
        let index = index as usize;
        let script = &step.up;
        let before = script.cuts().into_iter().map(Self::Before);
        let statements: Vec<Self> = before.chain(script.waiting().into_iter().map(Self::Waiting)).collect();
        let begin = index * STATEMENTS_PER_CASE;
        let turns = begin..begin + STATEMENTS_PER_CASE.min(statements.len());
        let mut cuts: Vec<Self> = turns.map(|n| statements[n % statements.len()]).collect();
        if step.command.is_some() || script.commits_within() {
            let later = WRITES_LATER[index % WRITES_LATER.len()];
            cuts.extend(WRITES_FIRST.into_iter().chain([later]).map(Self::Write));
        }
        cuts
    }
}

impl Runner<'_> {
    /// The step as the migrator, cut. It is refused where it fails by itself, or ends before the cut.
    pub(super) async fn cut(&mut self, step: StepId, cut: Cut) -> Result<Seen, Failure> {
        let (db, limit) = {
            let step = self.scene.step(step);
            (step.database, Duration::from_secs(u64::from(step.timeout_s)))
        };
        let ended = match cut {
            Cut::Before(k) => self.cut_before(step, cut, k, limit).await?,
            Cut::Waiting(k) => self.cut_waiting(step, cut, k, limit).await?,
            Cut::Write(at) => self.cut_at_write(step, cut, at, limit).await?,
        };
        // The session of a program that is cut is gone, with its locks and its temporary tables.
        self.own(db, "ROLLBACK").await?;
        self.own(db, "DISCARD ALL").await?;
        let seen = match ended {
            Ok(()) => Seen::Done(Done::default()),
            Err(refusal) => Seen::Refused(refusal),
        };
        self.answered(&seen);
        Ok(seen)
    }

    async fn cut_before(
        &mut self,
        step: StepId,
        cut: Cut,
        k: usize,
        limit: Duration,
    ) -> Result<Result<(), Refusal>, Failure> {
        let sql = self.cut_sql(step, cut, k);
        let db = self.scene.step(step).database;
        Ok(self.send_alone(db, &Actor::Migrator, &sql, limit).await?.map(|_| ()))
    }

    async fn cut_waiting(
        &mut self,
        step: StepId,
        cut: Cut,
        k: usize,
        limit: Duration,
    ) -> Result<Result<(), Refusal>, Failure> {
        let sql = self.cut_sql(step, cut, k + 1);
        let Some((waiting, before)) = sql.split_last() else { return Ok(Err(whole(k))) };
        let db = self.scene.step(step).database;
        if let Err(refusal) = self.send_alone(db, &Actor::Migrator, before, limit).await? {
            return Ok(Err(refusal));
        }
        let other = LongTransaction::begin(self.stage, db, &self.databases[db.0]).await?;
        self.own(db, IMPATIENT).await?;
        let ended = self.sessions[db.0].run(waiting, limit).await;
        other.end().await?;
        Ok(match ended {
            Ok(_) => Err(whole(k)),
            Err(Failure::Sql(error)) if error.sqlstate == LOCK_NOT_AVAILABLE => Ok(()),
            Err(failure) if failure.ends_session() => return Err(failure),
            Err(failure) => Err(Refusal { statement: k, failure }),
        })
    }

    async fn cut_at_write(
        &mut self,
        step: StepId,
        cut: Cut,
        at: u32,
        limit: Duration,
    ) -> Result<Result<(), Refusal>, Failure> {
        let (scene, stage) = (self.scene, self.stage);
        let db = scene.step(step).database;
        let mut barrier = Barrier::raise(stage, db, &self.databases[db.0], at, Stands::Onwards).await?;
        if let Some(spec) = &scene.step(step).command {
            self.keep_command(db, &Actor::Migrator, spec);
            self.keep_cut(format!("{}, {}", spec.line_shown(), cut.words()), cut);
            let errand = Errand {
                scenario: &scene.scenario,
                spec,
                database: db,
                databases: &self.databases,
                actor: &Actor::Migrator,
                limit,
            };
            let reached = async {
                // A server that does not answer is noticed when the barrier comes down.
                let _ = barrier.reached().await;
            };
            let ran = stage.run_command_until(errand, reached).await;
            barrier.lower().await?;
            return Ok(match ran {
                Ok(Ran::Cut) => Ok(()),
                Ok(Ran::Whole) => Err(whole(0)),
                Err(failure) if failure.ends_session() => return Err(failure),
                Err(failure) => Err(Refusal { statement: 0, failure }),
            });
        }
        let sql = self.cut_sql(step, cut, scene.step(step).up.statements.len());
        let ended = tokio::select! {
            sent = self.send_alone(db, &Actor::Migrator, &sql, limit) => Some(sent?),
            reached = barrier.reached() => {
                reached?;
                None
            }
        };
        if ended.is_some() {
            // What it left open would stand in the way of taking the barrier down.
            self.own(db, "ROLLBACK").await?;
        }
        barrier.lower().await?;
        Ok(match ended {
            None => {
                // The one that waited is ended.
                self.sessions[db.0] = stage.connect(db, &self.databases[db.0]).await.map_err(lost)?;
                Ok(())
            }
            Some(Ok(_)) => Err(whole(sql.len().saturating_sub(1))),
            Some(Err(refusal)) => Err(refusal),
        })
    }

    /// The first statements of the step's script, which are told.
    fn cut_sql(&mut self, step: StepId, cut: Cut, statements: usize) -> Vec<String> {
        let script: &Script = &self.scene.step(step).up;
        let db: DatabaseId = self.scene.step(step).database;
        let sql: Vec<String> =
            script.statements.iter().take(statements).map(|s| script.sql(s).to_owned()).collect();
        self.keep(db, &Actor::Migrator, script.path.clone(), sql.clone());
        self.keep_cut(format!("{}, {}", script.path, cut.words()), cut);
        sql
    }

    fn keep_cut(&mut self, what: String, cut: Cut) {
        self.keep_manner(Manner::Cut(cut));
        if let Some(last) = self.record.as_mut().and_then(|r| r.last_mut()) {
            last.what = what;
        }
    }
}

/// There was nothing to cut any more.
fn whole(statement: usize) -> Refusal {
    Refusal { statement, failure: Failure::Whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watertight_scenarios::scenario::{Populate, StepKind};

    fn step(sql: &str) -> Step {
        Step {
            id: "s".to_owned(),
            title: None,
            phase: None,
            database: DatabaseId(0),
            kind: StepKind::Migrate,
            fills: false,
            up: Script::parse("s.sql", sql.as_bytes()).unwrap(),
            copy: None,
            command: None,
            down: None,
            guard: None,
            writes: Vec::new(),
            populate: Populate::Nothing,
            rerunnable: false,
            timeout_s: 60,
        }
    }

    #[test]
    fn what_a_transaction_holds_is_not_cut() {
        let step = step("UPDATE t SET a = 1; UPDATE t SET b = 1");
        assert!(!Cut::leaves_something(&step));
        assert!(Cut::of_case(&step, 3).is_empty());
    }

    #[test]
    fn each_statement_has_its_turn() {
        let sql = "SELECT 1; VACUUM; SELECT 2; SELECT 3; CREATE INDEX CONCURRENTLY i ON t (a)";
        let all = [Cut::Before(1), Cut::Before(2), Cut::Before(3), Cut::Before(4), Cut::Waiting(4)];
        assert_eq!(Cut::of_case(&step(sql), 0), all[..3]);
        assert_eq!(Cut::of_case(&step(sql), 1), [all[3], all[4], all[0]]);
    }

    #[test]
    fn the_first_writes_are_tried_in_every_case() {
        let step = step("DO $$ BEGIN COMMIT; END $$; SELECT 1");
        let [one, two] = [4, 5].map(|index| Cut::of_case(&step, index));
        assert_eq!(one, [Cut::Before(1), Cut::Write(1), Cut::Write(2), Cut::Write(3)]);
        assert_eq!(two, [Cut::Before(1), Cut::Write(1), Cut::Write(2), Cut::Write(4)]);
    }
}
