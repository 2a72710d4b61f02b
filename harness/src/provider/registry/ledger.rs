//! The registry of an existing server: a small database of Watertight's own, created when first needed and dropped
//! when empty.

use super::{Created, Kind, claim_role, connect, execute, remove};
use crate::provider::process::ProcessTag;
use crate::provider::{Endpoint, ProviderError};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use std::time::{Duration, Instant};

const DATABASE: &str = "watertight_registry";
/// Held while the tables are created.
const SETUP_KEY: i64 = 0x5741_5445_5254_0001;
/// Held by the one run that has roles.
const ROLES_KEY: i64 = 0x5741_5445_5254_0002;
const OPEN_ATTEMPTS_MAX: u32 = 20;
const TURN_SECONDS_MAX: u64 = 3600;
const TURN_POLL: Duration = Duration::from_millis(200);

/// A connection to the registry. The locks of the run are those of this session: they go when it goes.
#[derive(Debug)]
pub(super) struct Ledger {
    connection: PgConnection,
    /// The key of the run that is registered through this connection.
    own_key: Option<i64>,
    has_turn: bool,
}

impl Ledger {
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, ProviderError> {
        let connection = open(endpoint).await?;
        let mut ledger = Self { connection, own_key: None, has_turn: false };
        ledger.set_up().await.map_err(ProviderError::database("set up the registry"))?;
        Ok(ledger)
    }

    async fn set_up(&mut self) -> Result<(), sqlx::Error> {
        // The session is idle for as long as the run works elsewhere.
        sqlx::raw_sql("SET idle_session_timeout = 0; SET statement_timeout = 0; SET lock_timeout = 0; SET client_min_messages = error",
        )
            .execute(&mut self.connection)
            .await?;
        let mut transaction = self.connection.begin().await?;
        sqlx::query("SELECT pg_catalog.pg_advisory_xact_lock($1)")
            .bind(SETUP_KEY)
            .execute(&mut *transaction)
            .await?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Registers the run and takes the lock that shows it is alive.
    pub(super) async fn enter(&mut self, run: &str) -> Result<(), ProviderError> {
        let refused = || ProviderError::database("register the run");
        let bytes = uuid::Uuid::new_v4().into_bytes();
        let key = i64::from_be_bytes([
            bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15],
        ]);
        let me = ProcessTag::current();
        // The lock first: a row whose lock is free is a dead run's.
        sqlx::query("SELECT pg_catalog.pg_advisory_lock($1)")
            .bind(key)
            .execute(&mut self.connection)
            .await
            .map_err(refused())?;
        sqlx::query("INSERT INTO public.run (id, lock_key, host, pid) VALUES ($1, $2, $3, $4)")
            .bind(run)
            .bind(key)
            .bind(me.host)
            .bind(me.pid)
            .execute(&mut self.connection)
            .await
            .map_err(refused())?;
        self.own_key = Some(key);
        Ok(())
    }

    /// Writes an object down before it is created.
    pub(super) async fn register(&mut self, run: &str, kind: Kind, name: &str) -> Result<(), ProviderError> {
        sqlx::query("INSERT INTO public.object (kind, name, run_id) VALUES ($1, $2, $3)")
            .bind(kind.name())
            .bind(name)
            .bind(run)
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(ProviderError::database(format!("register {} {name:?}", kind.name())))
    }

    /// Strikes an object out after it was dropped.
    pub(super) async fn forget(&mut self, kind: Kind, name: &str) -> Result<(), ProviderError> {
        sqlx::query("DELETE FROM public.object WHERE kind = $1 AND name = $2")
            .bind(kind.name())
            .bind(name)
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(ProviderError::database(format!("strike out {} {name:?}", kind.name())))
    }

    /// Creates (or only claims) a role and writes it down, in one transaction: roles are the server's, so this
    /// database sees them.
    pub(super) async fn claim_role(
        &mut self,
        run: &str,
        name: &str,
        create: bool,
    ) -> Result<(), ProviderError> {
        let refused = || ProviderError::database(format!("register role {name:?}"));
        let mut transaction = self.connection.begin().await.map_err(refused())?;
        claim_role(&mut transaction, name, create).await?;
        sqlx::query("INSERT INTO public.object (kind, name, run_id) VALUES ($1, $2, $3)")
            .bind(Kind::Role.name())
            .bind(name)
            .bind(run)
            .execute(&mut *transaction)
            .await
            .map_err(refused())?;
        transaction.commit().await.map_err(refused())
    }

    /// Waits until no other run has roles on this server; then no other will until this one ends.
    pub(super) async fn take_turn(&mut self, endpoint: &Endpoint) -> Result<(), ProviderError> {
        if self.has_turn {
            return Ok(());
        }
        let refused = || ProviderError::database("wait for the other run");
        let begun = Instant::now();
        let mut said = false;
        loop {
            let got: bool = sqlx::query_scalar("SELECT pg_catalog.pg_try_advisory_lock($1)")
                .bind(ROLES_KEY)
                .fetch_one(&mut self.connection)
                .await
                .map_err(refused())?;
            if got {
                break;
            }
            if !said {
                tracing::info!("another run uses this server's roles: waiting until it ends");
                said = true;
            }
            if begun.elapsed() > Duration::from_secs(TURN_SECONDS_MAX) {
                return Err(ProviderError::Unusable {
                    provider: "existing",
                    reason: format!("another run has used this server's roles for {TURN_SECONDS_MAX} s"),
                    remedy: "wait until it ends, or use another server".to_owned(),
                });
            }
            tokio::time::sleep(TURN_POLL).await;
        }
        self.has_turn = true;
        // The one that had the turn may have ended without cleaning up.
        self.reap(endpoint).await.map(|_| ())
    }

    /// Removes what dead runs left. Returns how many databases and roles that were.
    pub(super) async fn reap(&mut self, endpoint: &Endpoint) -> Result<usize, ProviderError> {
        let refused = || ProviderError::database("look for what earlier runs left");
        let runs: Vec<(String, i64)> =
            sqlx::query_as("SELECT r.id, r.lock_key FROM public.run r ORDER BY r.id")
                .fetch_all(&mut self.connection)
                .await
                .map_err(refused())?;
        let mut removed = 0;
        let mut result = Ok(());
        // A session can take its own lock a second time, so this run's own is not tried.
        let own_key = self.own_key;
        for (run, key) in runs.into_iter().filter(|(_, key)| own_key != Some(*key)) {
            let is_dead: bool = sqlx::query_scalar("SELECT pg_catalog.pg_try_advisory_lock($1)")
                .bind(key)
                .fetch_one(&mut self.connection)
                .await
                .map_err(refused())?;
            if !is_dead {
                continue;
            }
            let outcome = self.remove_run(endpoint, &run, &mut removed).await;
            result = result.and(outcome);
            sqlx::query("SELECT pg_catalog.pg_advisory_unlock($1)")
                .bind(key)
                .execute(&mut self.connection)
                .await
                .map_err(refused())?;
        }
        result.map(|()| removed)
    }

    async fn remove_run(
        &mut self,
        endpoint: &Endpoint,
        run: &str,
        removed: &mut usize,
    ) -> Result<(), ProviderError> {
        let objects: Vec<(String, String)> =
            sqlx::query_as("SELECT o.kind, o.name FROM public.object o WHERE o.run_id = $1")
                .bind(run)
                .fetch_all(&mut self.connection)
                .await
                .map_err(ProviderError::database("look for what earlier runs left"))?;
        let (databases, roles): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|(kind, _)| kind == Kind::Database.name());
        let left = Created {
            databases: databases.into_iter().map(|(_, name)| name).collect(),
            roles: roles.into_iter().map(|(_, name)| name).collect(),
        };
        remove(endpoint, &left).await?;
        *removed += left.databases.len() + left.roles.len();
        tracing::debug!(
            run,
            databases = left.databases.len(),
            roles = left.roles.len(),
            "removed a dead run's"
        );
        self.leave(run).await
    }

    /// Strikes a run out with everything that it registered.
    pub(super) async fn leave(&mut self, run: &str) -> Result<(), ProviderError> {
        sqlx::query("DELETE FROM public.run WHERE id = $1")
            .bind(run)
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(ProviderError::database("strike out the run"))
    }

    /// Closes the connection, and drops the registry if it is empty and nobody else uses it.
    pub(super) async fn close(mut self, endpoint: &Endpoint) -> Result<(), ProviderError> {
        let refused = || ProviderError::database("close the registry");
        let in_use: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM public.run) OR EXISTS \
             (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() \
                 AND a.pid <> pg_catalog.pg_backend_pid())",
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(refused())?;
        self.connection.close().await.map_err(refused())?;
        if in_use {
            return Ok(());
        }
        let mut connection = connect(endpoint).await?;
        // Without FORCE: a run that has connected since keeps it.
        let dropped = execute(&mut connection, format!("DROP DATABASE IF EXISTS {DATABASE}")).await;
        connection.close().await.map_err(refused())?;
        match dropped {
            Err(error) if !has_code(&error, &["55006"]) => Err(refused()(error)),
            _ => Ok(()),
        }
    }
}

/// Connects to the registry, which another run may be creating or dropping at this moment.
async fn open(endpoint: &Endpoint) -> Result<PgConnection, ProviderError> {
    const NO_SUCH_DATABASE: &str = "3D000";
    const EXISTS_BY_NOW: [&str; 2] = ["42P04", "23505"];
    const TEMPLATE_IN_USE: &str = "55006";
    let refused = || ProviderError::database("open the registry");
    let mut last = None;
    for _ in 0..OPEN_ATTEMPTS_MAX {
        match endpoint.admin_options(DATABASE).application_name("watertight registry").connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) if has_code(&error, &[NO_SUCH_DATABASE]) => {}
            Err(error) => return Err(refused()(error)),
        }
        let mut connection = connect(endpoint).await?;
        let created = sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {DATABASE} TEMPLATE template0")))
            .execute(&mut connection)
            .await;
        connection.close().await.map_err(refused())?;
        match created {
            Err(error) if has_code(&error, &[TEMPLATE_IN_USE]) || has_code(&error, &EXISTS_BY_NOW) => {
                last = Some(error);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(refused()(error)),
            Ok(_) => {}
        }
    }
    Err(refused()(last.unwrap_or(sqlx::Error::WorkerCrashed)))
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| codes.contains(&code.as_ref()))
}
