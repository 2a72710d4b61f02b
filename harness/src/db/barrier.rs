//! A barrier that stops a step at its n-th write: how a run is cut at a place of the data's and not of the clock's.
//!
//! A trigger on every table counts the statements that write, in a sequence, which no rollback and no commit of the
//! step's own takes back. At the n-th the step waits for a lock that the barrier holds; whoever looks for one who waits
//! ends it there.

use std::time::Duration;

use watertight_scenarios::scenario::DatabaseId;

use super::session::{Failure, Session};
use super::stage::Stage;
use crate::provider::MAINTENANCE_DATABASE;

/// Limit for putting the barrier up or down.
const BARRIER_LIMIT: Duration = Duration::from_secs(30);

/// Time between two looks at who waits. What is found does not depend on it.
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// A barrier that stands in a database, until it is taken down.
pub struct Barrier {
    /// Holds the lock.
    holder: Session,
    /// Looks for those who wait; whoever stops looking leaves it in the middle of a question.
    looker: Session,
}

/// Which writes a barrier holds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// That one and all behind it: nobody gets past.
    Onwards,
    /// That one alone: others pass while one waits.
    Once,
}

/// What puts the barrier up, for the `at`-th write. psql sends the same, with what happens there instead.
pub fn up_sql(at: u32, stands: Stands, then: &str) -> String {
    let at = match stands {
        Stands::Onwards => format!(">= {at}"),
        Stands::Once => format!("= {at}"),
    };
    include_str!("sql/barrier.sql").replace(":at", &at).replace(":then", then)
}

/// What takes it down.
pub const DOWN_SQL: &str = "DROP SCHEMA watertight_barrier CASCADE";

/// What a write at the barrier does: it waits for ever.
const WAIT: &str = "PERFORM pg_catalog.pg_advisory_xact_lock(924717, 1)";

/// Who does.
const WAITING: &str = include_str!("sql/waiting.sql");

/// The lock that is waited for.
const HOLD: &str = "SELECT pg_catalog.pg_advisory_lock(924717, 1)";

/// What opens it.
const LET_GO: &str = "SELECT pg_catalog.pg_advisory_unlock(924717, 1)";

impl Barrier {
    /// Puts one up in a database, as superuser on a connection of its own: triggers stand on tables of whatever owner.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn raise(
        stage: &Stage<'_>,
        db: DatabaseId,
        database: &str,
        at: u32,
        stands: Stands,
    ) -> Result<Self, Failure> {
        let mut holder = superuser(stage, db, database).await?;
        holder.run(HOLD, BARRIER_LIMIT).await?;
        holder.run(&up_sql(at, stands, WAIT), BARRIER_LIMIT).await?;
        Ok(Self { holder, looker: superuser(stage, db, database).await? })
    }

    /// Waits until somebody waits.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn reached(&mut self) -> Result<(), Failure> {
        loop {
            let answers = self.looker.run(WAITING, BARRIER_LIMIT).await?;
            if answers.iter().any(|a| !a.rows.is_empty()) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Lets the one who waits go on.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn open(&mut self) -> Result<(), Failure> {
        self.holder.run(LET_GO, BARRIER_LIMIT).await.map(|_| ())
    }

    /// Ends those who wait, and takes the barrier down. Nobody gets past it.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn lower(mut self) -> Result<(), Failure> {
        let end = format!("SELECT pg_catalog.pg_terminate_backend(w.pid, 10000) FROM ({WAITING}) w");
        self.holder.run(&end, BARRIER_LIMIT).await?;
        self.holder.run(DOWN_SQL, BARRIER_LIMIT).await?;
        self.holder.close().await;
        self.looker.close().await;
        Ok(())
    }
}

async fn superuser(stage: &Stage<'_>, db: DatabaseId, database: &str) -> Result<Session, Failure> {
    let server = stage.server(db);
    Session::connect(&server.admin_options(database), server.admin_options(MAINTENANCE_DATABASE)).await
}

/// A transaction that has written to every table and goes on: a statement that waits until such ones are over does not
/// come past it.
pub struct LongTransaction {
    session: Session,
}

/// What it locks, and how.
pub const WORK_SQL: &str = include_str!("sql/work.sql");

impl LongTransaction {
    /// Begins one in a database.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn begin(stage: &Stage<'_>, db: DatabaseId, database: &str) -> Result<Self, Failure> {
        let mut session = superuser(stage, db, database).await?;
        session.run("BEGIN", BARRIER_LIMIT).await?;
        session.run(WORK_SQL, BARRIER_LIMIT).await?;
        Ok(Self { session })
    }

    /// Is over.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn end(mut self) -> Result<(), Failure> {
        self.session.run("ROLLBACK", BARRIER_LIMIT).await?;
        self.session.close().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_barrier_knows_where_it_stands() {
        let sql = up_sql(3, Stands::Onwards, WAIT);
        assert!(up_sql(3, Stands::Once, WAIT).contains(") = 3 THEN"));
        assert!(sql.contains(") >= 3 THEN") && sql.contains("924717, 1"), "{sql}");
        assert!(!sql.contains(":at") && !sql.contains(":then"), "{sql}");
    }
}
