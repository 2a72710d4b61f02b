//! What a run creates on a server, and how it goes away again: with the run, or with the next one.
//!
//! On a server that outlives the run, databases and roles are written down in a database of Watertight's own before
//! they are created. A run holds an advisory lock for as long as it lives, so a run whose lock is free is dead, and
//! what it left can be removed. Roles belong to the whole server and their names are the scenario's: runs that create
//! roles take turns. On a private server none of this is needed, and the same calls work without it.

mod ledger;

use super::{Endpoint, MAINTENANCE_DATABASE, ProviderError, Server, ServerInfo};
use ledger::Ledger;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Mutex;

/// PostgreSQL cuts longer identifiers off.
const IDENTIFIER_BYTES_MAX: usize = 63;

/// A run on a server: the owner of every database and role that it creates there. Call [`Run::close`] when done; what
/// a run leaves on an existing server is removed by the next one.
#[derive(Debug)]
pub struct Run {
    id: String,
    endpoint: Endpoint,
    info: ServerInfo,
    /// Only on a server that outlives the run.
    ledger: Option<Mutex<Ledger>>,
    created: Mutex<Created>,
    databases_made: AtomicU32,
}

#[derive(Debug, Default)]
struct Created {
    databases: BTreeSet<String>,
    roles: BTreeSet<String>,
}

/// A database to create.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewDatabase<'a> {
    /// What it is for; part of its name. Letters and digits, the rest is replaced.
    pub hint: &'a str,
    /// The database to copy, which nobody may be connected to; an empty one if not given.
    pub template: Option<&'a str>,
    /// The role that owns it; the privileged user if not given.
    pub owner: Option<&'a str>,
}

impl Run {
    /// Begins a run: removes what dead runs left, then registers this one.
    ///
    /// # Errors
    /// When the server refuses, or is lost.
    pub async fn open(server: &Server) -> Result<Self, ProviderError> {
        let id = uuid::Uuid::new_v4().simple().to_string()[..10].to_owned();
        let ledger = if server.is_private() {
            None
        } else {
            let mut ledger = Ledger::open(&server.endpoint).await?;
            ledger.reap(&server.endpoint).await?;
            ledger.enter(&id).await?;
            Some(Mutex::new(ledger))
        };
        Ok(Self {
            id,
            endpoint: server.endpoint.clone(),
            info: server.info.clone(),
            ledger,
            created: Mutex::default(),
            databases_made: AtomicU32::new(0),
        })
    }

    /// The run's identifier: part of the names of its databases.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Creates a database and returns its name, which no other run uses: `wt_<run>_<number>_<hint>`.
    ///
    /// # Errors
    /// When the server refuses: no such template or owner, the template is in use, the disk is full.
    pub async fn create_database(&self, wanted: NewDatabase<'_>) -> Result<String, ProviderError> {
        let number = self.databases_made.fetch_add(1, Ordering::Relaxed);
        let name = database_name(&self.id, number, wanted.hint);
        if let Some(ledger) = &self.ledger {
            ledger.lock().await.register(&self.id, Kind::Database, &name).await?;
        }
        self.created.lock().await.databases.insert(name.clone());
        let refused = || ProviderError::database(format!("create database {name}"));
        let mut connection = connect(&self.endpoint).await?;
        let statement: String = sqlx::query_scalar(include_str!("create_database.sql"))
            .bind(&name)
            .bind(wanted.template)
            .bind(wanted.owner)
            .bind(&self.info.pinned.encoding)
            .bind(&self.info.pinned.locale_provider)
            .bind(&self.info.pinned.locale)
            .fetch_one(&mut connection)
            .await
            .map_err(refused())?;
        execute(&mut connection, statement).await.map_err(refused())?;
        connection.close().await.map_err(refused())?;
        Ok(name)
    }

    /// Drops a database of this run, and with it the sessions that are connected to it.
    ///
    /// # Errors
    /// When the server refuses. A name that is not this run's is not touched.
    pub async fn drop_database(&self, name: &str) -> Result<(), ProviderError> {
        if !self.created.lock().await.databases.contains(name) {
            return Ok(());
        }
        drop_database(&self.endpoint, name).await?;
        self.created.lock().await.databases.remove(name);
        if let Some(ledger) = &self.ledger {
            ledger.lock().await.forget(Kind::Database, name).await?;
        }
        Ok(())
    }

    /// Creates a role without any attribute (no login, no rights); the caller alters it as needed. On an existing
    /// server this first waits until no other run has roles there. Creating a role of this run again does nothing.
    ///
    /// # Errors
    /// When the server has a role of that name that Watertight did not create.
    pub async fn create_role(&self, name: &str) -> Result<(), ProviderError> {
        self.claim_role(name, true).await
    }

    /// Registers a role that a script is about to create, so that it goes away with the run. Otherwise as
    /// [`Run::create_role`], which is safer: there, creating and registering are one transaction.
    ///
    /// # Errors
    /// When the server has a role of that name that Watertight did not create.
    pub async fn register_role(&self, name: &str) -> Result<(), ProviderError> {
        self.claim_role(name, false).await
    }

    async fn claim_role(&self, name: &str, create: bool) -> Result<(), ProviderError> {
        // Held to the end: two tasks that claim one name must not both create it.
        let mut created = self.created.lock().await;
        if created.roles.contains(name) {
            return Ok(());
        }
        match &self.ledger {
            Some(ledger) => {
                let mut ledger = ledger.lock().await;
                ledger.take_turn(&self.endpoint).await?;
                ledger.claim_role(&self.id, name, create).await?;
            }
            None => {
                let mut connection = connect(&self.endpoint).await?;
                claim_role(&mut connection, name, create).await?;
                connection.close().await.map_err(ProviderError::database("close a connection"))?;
            }
        }
        created.roles.insert(name.to_owned());
        Ok(())
    }

    /// Ends the run: drops its databases, then its roles.
    ///
    /// # Errors
    /// The first thing that could not be removed; the rest is removed all the same.
    pub async fn close(self) -> Result<(), ProviderError> {
        let created = self.created.into_inner();
        let gone = remove(&self.endpoint, &created).await;
        let Some(ledger) = self.ledger else { return gone };
        let mut ledger = ledger.into_inner();
        if gone.is_ok() {
            ledger.leave(&self.id).await?;
        }
        ledger.close(&self.endpoint).await?;
        gone
    }
}

/// Removes what dead runs left on a server. Returns how many databases and roles that were. Nothing is ever left on a
/// private server, which goes away as a whole.
///
/// # Errors
/// When the server refuses, or is lost.
pub async fn reap(server: &Server) -> Result<usize, ProviderError> {
    if server.is_private() {
        return Ok(0);
    }
    let mut ledger = Ledger::open(&server.endpoint).await?;
    let reaped = ledger.reap(&server.endpoint).await;
    ledger.close(&server.endpoint).await?;
    reaped
}

/// What is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Role,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Role => "role",
        }
    }
}

async fn connect(endpoint: &Endpoint) -> Result<PgConnection, ProviderError> {
    endpoint.admin_options(MAINTENANCE_DATABASE).connect().await.map_err(ProviderError::database("connect"))
}

/// Runs statements that the server itself has quoted.
async fn execute(connection: &mut PgConnection, statements: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.map(|_| ())
}

/// Refuses a role that exists; creates it if asked to.
async fn claim_role(connection: &mut PgConnection, name: &str, create: bool) -> Result<(), ProviderError> {
    let refused = || ProviderError::database(format!("create role {name:?}"));
    let (exists, statement): (bool, String) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = $1::pg_catalog.text), \
                pg_catalog.format('CREATE ROLE %I', $1)",
    )
    .bind(name)
    .fetch_one(&mut *connection)
    .await
    .map_err(refused())?;
    if exists {
        return Err(ProviderError::ForeignRole { name: name.to_owned() });
    }
    if create {
        execute(connection, statement).await.map_err(refused())?;
    }
    Ok(())
}

/// Removes databases first: roles own what is in them.
async fn remove(endpoint: &Endpoint, created: &Created) -> Result<(), ProviderError> {
    let mut first = Ok(());
    for name in &created.databases {
        first = first.and(drop_database(endpoint, name).await);
    }
    if !created.roles.is_empty() {
        first = first.and(drop_roles(endpoint, &created.roles).await);
    }
    first
}

async fn drop_database(endpoint: &Endpoint, name: &str) -> Result<(), ProviderError> {
    let refused = || ProviderError::database(format!("drop database {name}"));
    let mut connection = connect(endpoint).await?;
    let statement: String =
        sqlx::query_scalar("SELECT pg_catalog.format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .map_err(refused())?;
    execute(&mut connection, statement).await.map_err(refused())?;
    connection.close().await.map_err(refused())
}

async fn drop_roles(endpoint: &Endpoint, roles: &BTreeSet<String>) -> Result<(), ProviderError> {
    let refused = || ProviderError::database("drop the roles of the run");
    let mut connection = connect(endpoint).await?;
    let names: Vec<&str> = roles.iter().map(String::as_str).collect();
    let statements: Option<String> = sqlx::query_scalar(include_str!("drop_roles.sql"))
        .bind(names)
        .fetch_optional(&mut connection)
        .await
        .map_err(refused())?;
    if let Some(statements) = statements {
        execute(&mut connection, statements).await.map_err(refused())?;
    }
    connection.close().await.map_err(refused())
}

fn database_name(run: &str, number: u32, hint: &str) -> String {
    let readable: String =
        hint.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let mut name = format!("wt_{run}_{number}_{readable}");
    name.truncate(IDENTIFIER_BYTES_MAX);
    name
}

#[cfg(test)]
mod tests {
    use super::database_name;

    #[test]
    fn database_names_are_plain_identifiers_of_at_most_63_bytes() {
        assert_eq!(database_name("0123456789", 3, "Data Hub"), "wt_0123456789_3_data_hub");
        let long = database_name("0123456789", u32::MAX, &"é\"; DROP".repeat(40));
        assert_eq!(long.len(), 63);
        assert!(long.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
    }
}
