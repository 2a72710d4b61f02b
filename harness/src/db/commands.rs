//! How a program of the user's reaches the databases of a run.

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::postgres::PgSslMode;
use watertight_scenarios::Scenario;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{CommandSpec, DatabaseId, Variable};

use super::session::{Failure, Session};
use super::stage::{Stage, StageError};
use crate::command::{self, Ended, Program};
use crate::explore::act::Actor;
use crate::provider::{MAINTENANCE_DATABASE, Secret};

/// Limit for ending the sessions that a command left.
const END_LIMIT: Duration = Duration::from_secs(30);

/// What a command is to work on.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    /// The scenario that it is a step of.
    pub scenario: &'a Scenario,
    /// The command.
    pub spec: &'a CommandSpec,
    /// The database that its step is on.
    pub database: DatabaseId,
    /// Names of all databases of the scenario on their servers.
    pub databases: &'a [String],
    /// As whom: the migrator or its twin.
    pub actor: &'a Actor,
    /// Longest time.
    pub limit: Duration,
}

/// How a command that could be cut came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It succeeded before it was cut.
    Whole,
    /// It was cut.
    Cut,
}

impl Stage<'_> {
    /// Runs a command, and ends every session that it leaves: what it did is done when this returns.
    ///
    /// # Errors
    /// [`Failure::Command`], [`Failure::TimedOut`] and [`Failure::Unfinished`] when it did not succeed;
    /// [`Failure::Lost`] when the server is lost.
    pub async fn run_command(&self, errand: Errand<'_>) -> Result<(), Failure> {
        self.run_command_until(errand, std::future::pending()).await.map(|_| ())
    }

    /// The same, but when `cut` is there its whole process group is killed, and its sessions with it.
    ///
    /// # Errors
    /// As those of [`Self::run_command`].
    pub async fn run_command_until(
        &self,
        errand: Errand<'_>,
        cut: impl Future<Output = ()>,
    ) -> Result<Ran, Failure> {
        let Errand { scenario, spec, database, databases, limit, .. } = errand;
        let url = |db: DatabaseId| self.url(&errand, db);
        let mut variables = self.libpq(&errand);
        variables.push(("DATABASE_URL".to_owned(), url(database)));
        for (name, value) in &spec.variables {
            let value = match value {
                Variable::Text(text) => Secret::new(text),
                Variable::Url(db) => url(*db),
            };
            variables.push((name.clone(), value));
        }
        let program = Program {
            words: &spec.words,
            folder: &spec.folder,
            variables,
            url: url(database),
            secrets: vec![self.password().clone()],
            limit,
        };
        let ended = command::run_until(&program, cut).await;
        for db in (0..scenario.databases.len()).map(DatabaseId) {
            self.end_sessions(db, &databases[db.0]).await.map_err(|e| Failure::Lost(e.to_string()))?;
        }
        match ended {
            Ok(ended) if ended.is_success() => Ok(Ran::Whole),
            Ok(Ended { status: command::Status::Cut, .. }) => Ok(Ran::Cut),
            Ok(Ended { status: command::Status::TimedOut, .. }) => Err(Failure::TimedOut(limit)),
            Ok(ended) if ended.is_word() => Err(Failure::Command(ended)),
            Ok(ended) => {
                Err(Failure::Unfinished(format!("`{}` did not run to its end: {ended}", spec.line_shown())))
            }
            Err(error) => {
                Err(Failure::Unfinished(format!("`{}` cannot be started: {error}", spec.line_shown())))
            }
        }
    }

    /// The variables that programs of PostgreSQL read by themselves.
    fn libpq(&self, errand: &Errand<'_>) -> Vec<(String, Secret)> {
        let (host, port) = self.place(errand.database);
        let user = self.names().command_login(errand.actor).as_str().to_owned();
        let variables = [
            ("PGHOST", host),
            ("PGPORT", port.to_string()),
            ("PGUSER", user),
            ("PGPASSWORD", self.password().expose().to_owned()),
            ("PGDATABASE", errand.databases[errand.database.0].clone()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).collect()
    }

    /// The URL of a database. A socket stands in its parameters: not every program takes one for a host.
    fn url(&self, errand: &Errand<'_>, db: DatabaseId) -> Secret {
        let (host, port) = self.place(db);
        let user = self.names().command_login(errand.actor);
        let is_socket = host.starts_with('/');
        let mut url = format!(
            "postgresql://{}:{}@{}:{port}/{}",
            encoded(user.as_str()),
            encoded(self.password().expose()),
            if is_socket { "localhost" } else { &host },
            encoded(&errand.databases[db.0]),
        );
        if is_socket {
            // Writing to a String cannot fail.
            let _ = write!(url, "?host={}", encoded(&host));
        } else if let Some(mode) = ssl_mode(self.options(db).get_ssl_mode()) {
            let _ = write!(url, "?sslmode={mode}");
        }
        Secret::new(url)
    }

    /// Ends the sessions of commands on a database, and waits for their end.
    async fn end_sessions(&self, db: DatabaseId, database: &str) -> Result<(), StageError> {
        let logins = [Actor::Migrator, Actor::MigratorTwin]
            .map(|actor| quote_literal(self.names().command_login(&actor).as_str()));
        let sql = format!(
            "SELECT pg_catalog.pg_terminate_backend(pid, 10000) FROM pg_catalog.pg_stat_activity \
             WHERE datname = {} AND usename IN ({})",
            quote_literal(database),
            logins.join(", ")
        );
        let server = self.server(db);
        let lost = |failure: Failure| StageError::Lost(failure.to_string());
        let control = || server.admin_options(MAINTENANCE_DATABASE);
        let mut session = Session::connect(&control(), control()).await.map_err(lost)?;
        let done = session.run(&sql, END_LIMIT).await;
        session.close().await;
        done.map(drop).map_err(lost)
    }
}

/// As a URL writes it: everything that is not plain in percent.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The parameter of a URL, where the server was reached with more than the default. A certificate of its own the
/// command has to know by itself.
fn ssl_mode(mode: PgSslMode) -> Option<&'static str> {
    match mode {
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => Some("require"),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_parameter() {
        assert_eq!(encoded("/dev/shm/a b"), "%2Fdev%2Fshm%2Fa%20b");
        assert_eq!(encoded("wt_0f_1-x.y"), "wt_0f_1-x.y");
    }
}
