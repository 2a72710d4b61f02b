//! A step that stands at a write while somebody else works on the same rows, and then goes on.

use std::time::Duration;

use watertight_scenarios::scenario::{DatabaseId, StepId};

use super::act::{Actor, Binding, Done, Refusal, Seen};
use super::committed::lost;
use super::cut::IMPATIENT;
use super::record::Manner;
use super::runner::Runner;
use crate::db::barrier::{Barrier, Stands};
use crate::db::commands::Errand;
use crate::db::session::{Failure, Session};

/// Limit for each statement of somebody else's.
const OTHERS_LIMIT: Duration = Duration::from_secs(10);

/// What happens while a step stands at a write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meanwhile {
    /// The application sends a statement, and commits it.
    Sent(Binding),
    /// Somebody else runs the step, a script, to its end.
    Run,
}

/// What somebody else sends, and as whom.
struct Others {
    database: DatabaseId,
    actor: Actor,
    what: String,
    sql: Vec<String>,
}

impl Runner<'_> {
    /// The step as the migrator. At that write it waits until the other one is through, or has found that he would have
    /// to wait himself. Refused is what was refused to either.
    pub(super) async fn meanwhile(
        &mut self,
        step: StepId,
        at: u32,
        other: &Meanwhile,
    ) -> Result<Seen, Failure> {
        let (scene, stage) = (self.scene, self.stage);
        let script = &scene.step(step).up;
        let (db, limit) =
            (scene.step(step).database, Duration::from_secs(u64::from(scene.step(step).timeout_s)));
        let sql: Vec<String> = script.statements.iter().map(|s| script.sql(s).to_owned()).collect();
        let others = self.others(step, other);
        let what = format!("{}, while {} stands at write {at}", others.what, scene.step(step).work());
        self.keep(others.database, &others.actor, what, others.sql.clone());
        self.keep_manner(Manner::Elsewhere);
        match &scene.step(step).command {
            Some(spec) => self.keep_command(db, &Actor::Migrator, spec),
            None => self.keep(db, &Actor::Migrator, script.path.clone(), sql.clone()),
        }
        self.keep_manner(Manner::Paused(at));

        let name = self.databases[others.database.0].clone();
        let mut session = stage.connect(others.database, &name).await.map_err(lost)?;
        let mut barrier = Barrier::raise(stage, db, &self.databases[db.0], at, Stands::Once).await?;
        let (theirs, ours) = {
            let work = self.work(step, db, &sql, limit);
            tokio::pin!(work);
            let ended = tokio::select! {
                ended = &mut work => Some(ended),
                reached = barrier.reached() => {
                    reached?;
                    None
                }
            };
            match ended {
                Some(ended) => (None, ended?),
                None => {
                    let theirs = send(&mut session, &others.sql).await;
                    barrier.open().await?;
                    (Some(theirs), work.await?)
                }
            }
        };
        session.close().await;
        self.own(db, "ROLLBACK").await?;
        barrier.lower().await?;
        self.own(db, "DISCARD ALL").await?;
        let seen = match (theirs, ours) {
            (_, Err(refusal)) => Seen::Refused(refusal),
            (None, Ok(())) => Seen::Refused(Refusal { statement: 0, failure: Failure::Whole }),
            (Some(Err(failure)), Ok(())) if failure.ends_session() => return Err(failure),
            (Some(Err(failure)), Ok(())) => Seen::Refused(Refusal { statement: 0, failure }),
            (Some(Ok(())), Ok(())) => Seen::Done(Done::default()),
        };
        self.answered(&seen);
        Ok(seen)
    }

    /// The step as its tool runs it.
    async fn work(
        &mut self,
        step: StepId,
        db: DatabaseId,
        sql: &[String],
        limit: Duration,
    ) -> Result<Result<(), Refusal>, Failure> {
        let (scene, stage) = (self.scene, self.stage);
        let Some(spec) = &scene.step(step).command else {
            return Ok(self.send_alone(db, &Actor::Migrator, sql, limit).await?.map(|_| ()));
        };
        let errand = Errand {
            scenario: &scene.scenario,
            spec,
            database: db,
            databases: &self.databases,
            actor: &Actor::Migrator,
            limit,
        };
        match stage.run_command(errand).await {
            Ok(()) => Ok(Ok(())),
            Err(failure) if failure.ends_session() => Err(failure),
            Err(failure) => Ok(Err(Refusal { statement: 0, failure })),
        }
    }

    fn others(&self, step: StepId, other: &Meanwhile) -> Others {
        match other {
            Meanwhile::Sent(binding) => {
                let path = &self.scene.scenario.access[binding.access.0];
                let actor = Actor::App { role: path.role.clone(), context: binding.context.clone() };
                let mut sql = vec!["BEGIN".to_owned()];
                sql.extend(self.names.become_statements(&actor));
                sql.extend(actor.context_sql().map(str::to_owned));
                sql.extend([binding.sql.clone(), "COMMIT".to_owned()]);
                Others { database: path.database, actor, what: path.name.clone(), sql }
            }
            Meanwhile::Run => {
                let script = &self.scene.step(step).up;
                let mut sql = vec![self.names.become_for_session_sql(&Actor::Migrator)];
                sql.extend(script.statements.iter().map(|s| script.sql(s).to_owned()));
                let database = self.scene.step(step).database;
                Others { database, actor: Actor::Migrator, what: format!("{} too", script.path), sql }
            }
        }
    }
}

/// Sends it all, up to what fails. He who would have to wait does not: nobody lets go before he is through.
async fn send(session: &mut Session, sql: &[String]) -> Result<(), Failure> {
    session.run(IMPATIENT, OTHERS_LIMIT).await?;
    for statement in sql {
        session.run(statement, OTHERS_LIMIT).await?;
    }
    Ok(())
}
