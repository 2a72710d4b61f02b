//! One scenario set up on one server: its roles, and for each of its databases a template that holds the
//! baseline. Workers play on clones of the templates.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use watertight_scenarios::scenario::{DatabaseId, Platform};
use watertight_scenarios::{Ident, Scenario, Schema, Script};

use super::hosts::{Host, Hosts};
use super::session::{Failure, Session, SqlError};
use super::{platform, supabase};
use crate::catalog;
use crate::explore::act::{Actor, Print};
use crate::provider::registry::NewDatabase;
use crate::provider::{MAINTENANCE_DATABASE, ProviderError, Secret, Server};

/// Limit for one statement of a baseline.
const BASELINE_LIMIT: Duration = Duration::from_secs(300);

/// Times that a session is asked for of a server that is well.
const CONNECTS_MAX: u32 = 5;

/// Session settings that are pinned, so that results do not depend on the server's or the user's defaults.
pub const PINNED: &[(&str, &str)] = &[
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO,MDY"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("standard_conforming_strings", "on"),
    ("client_min_messages", "warning"),
];

/// Names of the roles of one run.
#[derive(Clone, Debug)]
pub struct RoleNames {
    migrator: Ident,
    twin: Ident,
    observer: Ident,
    loader: Ident,
    login: Ident,
    /// Logins of commands, which act as the migrator, or as its twin, from the start.
    command: Ident,
    command_twin: Ident,
}

impl RoleNames {
    /// SQL that makes the session run as `actor` until RESET ROLE: for scripts that hold their own transactions.
    pub fn become_for_session_sql(&self, actor: &Actor) -> String {
        self.become_sql(actor).replace("SET LOCAL ", "SET ")
    }

    /// SQL that makes the rest of the transaction run as `actor`.
    pub fn become_sql(&self, actor: &Actor) -> String {
        self.become_statements(actor).join("; ")
    }

    /// The same, statement by statement.
    pub fn become_statements(&self, actor: &Actor) -> Vec<String> {
        let mut statements = vec![format!("SET LOCAL ROLE {}", self.role(actor).quoted())];
        if *actor == Actor::Loader {
            statements.push("SET LOCAL session_replication_role = replica".to_owned());
        }
        statements
    }

    /// The login of commands that act as the migrator, or as its twin.
    pub fn command_login(&self, actor: &Actor) -> &Ident {
        match actor {
            Actor::MigratorTwin => &self.command_twin,
            _ => &self.command,
        }
    }

    /// The role that an actor runs as.
    pub fn role<'a>(&'a self, actor: &'a Actor) -> &'a Ident {
        match actor {
            Actor::Migrator => &self.migrator,
            Actor::MigratorTwin => &self.twin,
            Actor::Writer | Actor::Loader => &self.loader,
            Actor::Observer => &self.observer,
            Actor::App { role, .. } => role,
        }
    }
}

/// Why a scenario could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The environment's fault.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The server or a session went away.
    #[error("the server was lost while the scenario was set up: {0}")]
    Lost(String),
    /// The baseline does not apply.
    #[error("{file}:{line}: the baseline does not apply: {error}")]
    Baseline {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// The server's word.
        error: Box<SqlError>,
    },
    /// The application's model does not apply.
    #[error("{file}:{line}: the model does not apply to an empty database: {error}")]
    Model {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// The server's word.
        error: Box<SqlError>,
    },
    /// What the operator does first was refused.
    #[error("{file}:{line}: the provision script does not apply: {why}")]
    Provision {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// The server's word.
        why: String,
    },
    /// A statement of the baseline was ended by the watchdog.
    #[error("{file}:{line}: ended by the watchdog after {seconds} s")]
    Hangs {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// Seconds.
        seconds: u64,
    },
    /// The scenario asks for a newer server.
    #[error("the scenario needs PostgreSQL {needed}, the server is {found}")]
    TooOld {
        /// Major version asked for.
        needed: u32,
        /// Version found.
        found: String,
    },
}

/// A scenario set up on its servers.
pub struct Stage<'a> {
    hosts: Vec<Host<'a>>,
    /// By database: its host.
    places: Vec<usize>,
    names: RoleNames,
    password: Secret,
    templates: Vec<String>,
    schemas: Vec<Schema>,
    models: Vec<Option<Print>>,
}

/// Which scripts are being applied.
#[derive(Clone, Copy)]
enum Scripts {
    Baseline,
    Model,
}

impl<'a> Stage<'a> {
    /// Creates the roles and the templates, and applies the baselines.
    ///
    /// # Errors
    /// When the server fails, or the baseline does not apply.
    pub async fn prepare(hosts: &'a Hosts<'_>, scenario: &Scenario) -> Result<Self, StageError> {
        let hosts = hosts.all();
        for host in &hosts {
            let info = host.server.info();
            if let Some(needed) = scenario.postgres_min
                && info.major() < needed
            {
                return Err(StageError::TooOld { needed, found: info.server_version.clone() });
            }
        }
        // Roles have the same names on every server.
        let own = |what: &str| Ident::new(format!("wt_{}_{what}", hosts[0].run.id()));
        let names = RoleNames {
            migrator: scenario.roles.migrator.clone(),
            twin: own("twin"),
            observer: own("observer"),
            loader: own("loader"),
            login: own("login"),
            command: own("command"),
            command_twin: own("command_twin"),
        };
        let password = Secret::random();
        // Where there are fewer servers than the scenario tells apart, the last one takes the rest.
        let places = scenario.servers().into_iter().map(|s| s.min(hosts.len() - 1)).collect();
        let (templates, schemas, models) = (Vec::new(), Vec::new(), Vec::new());
        let mut stage = Self { hosts, places, names, password, templates, schemas, models };
        for host in stage.hosts.clone() {
            stage.create_roles(scenario, host).await?;
        }
        for db in 0..scenario.databases.len() {
            stage.create_template(scenario, DatabaseId(db)).await?;
        }
        Ok(stage)
    }

    /// Names of the roles.
    pub fn names(&self) -> &RoleNames {
        &self.names
    }

    /// The baseline's schemas, by database.
    pub fn schemas(&self) -> &[Schema] {
        &self.schemas
    }

    /// What the application's model makes in each database, as lines of the catalogs; `None` where there is no model.
    pub fn models(&self) -> &[Option<Print>] {
        &self.models
    }

    fn host(&self, db: DatabaseId) -> Host<'a> {
        self.hosts[self.places[db.0]]
    }

    async fn create_roles(&self, scenario: &Scenario, host: Host<'_>) -> Result<(), StageError> {
        let n = &self.names;
        let mut roles: Vec<(&Ident, String)> = Vec::new();
        let bypass = |yes: bool| if yes { "BYPASSRLS" } else { "NOBYPASSRLS" };
        let migrator = bypass(scenario.roles.migrator_bypass_rls);
        roles.push((&n.migrator, format!("NOLOGIN NOSUPERUSER {migrator}")));
        for app in &scenario.roles.app {
            roles.push((&app.name, format!("NOLOGIN NOSUPERUSER {}", bypass(app.bypass_rls))));
        }
        let brought = platform::roles(scenario);
        roles.extend(brought.iter().map(|(name, attributes)| (name, (*attributes).to_owned())));
        roles.push((&n.twin, "NOLOGIN NOSUPERUSER BYPASSRLS".to_owned()));
        roles.push((&n.observer, "NOLOGIN NOSUPERUSER BYPASSRLS".to_owned()));
        roles.push((&n.loader, "NOLOGIN NOSUPERUSER BYPASSRLS".to_owned()));
        let password = watertight_scenarios::ident::quote_literal(self.password.expose());
        roles.push((&n.login, format!("LOGIN NOSUPERUSER NOINHERIT PASSWORD {password}")));
        for (name, attributes) in roles {
            host.run.create_role(name.as_str()).await?;
            self.admin(
                host.server,
                MAINTENANCE_DATABASE,
                &format!("ALTER ROLE {} {attributes}", name.quoted()),
            )
            .await?;
        }
        let q = Ident::quoted;
        let mut sql = vec![
            format!("GRANT {} TO {}", q(&n.migrator), q(&n.twin)),
            format!("GRANT pg_read_all_data TO {}, {}", q(&n.observer), q(&n.loader)),
            format!("GRANT pg_write_all_data TO {}", q(&n.loader)),
            format!("GRANT SET ON PARAMETER session_replication_role TO {}", q(&n.loader)),
        ];
        // From 16 on a membership itself says whether it inherits; before, NOINHERIT of the login does.
        let with = if host.server.info().major() >= 16 { " WITH INHERIT FALSE, SET TRUE" } else { "" };
        for role in [&n.migrator, &n.twin, &n.observer, &n.loader] {
            sql.push(format!("GRANT {} TO {}{with}", q(role), q(&n.login)));
        }
        for app in &scenario.roles.app {
            sql.push(format!("GRANT {} TO {}{with}", q(&app.name), q(&n.login)));
            for group in &app.member_of {
                sql.push(format!("GRANT {} TO {}", q(group), q(&app.name)));
            }
        }
        sql.extend(platform::grants(scenario));
        for one in sql {
            self.admin(host.server, MAINTENANCE_DATABASE, &one).await?;
        }
        if scenario.steps.iter().any(|s| s.command.is_some()) {
            self.create_command_logins(host).await?;
        }
        Ok(())
    }

    /// Logins for programs that are not ours to tell SET ROLE: their sessions begin as the migrator, and as its twin.
    async fn create_command_logins(&self, host: Host<'_>) -> Result<(), StageError> {
        let literal = watertight_scenarios::ident::quote_literal;
        let password = literal(self.password.expose());
        let with = if host.server.info().major() >= 16 { " WITH INHERIT FALSE, SET TRUE" } else { "" };
        for (login, role) in
            [(&self.names.command, &self.names.migrator), (&self.names.command_twin, &self.names.twin)]
        {
            host.run.create_role(login.as_str()).await?;
            let name = login.quoted();
            let mut sql = vec![
                format!("ALTER ROLE {name} LOGIN NOSUPERUSER NOINHERIT PASSWORD {password}"),
                format!("GRANT {} TO {name}{with}", role.quoted()),
                format!("ALTER ROLE {name} SET role = {}", literal(role.as_str())),
            ];
            let pinned = PINNED.iter().map(|(setting, value)| (*setting, *value));
            sql.extend(
                pinned
                    .map(|(setting, value)| format!("ALTER ROLE {name} SET {setting} = {}", literal(value))),
            );
            for one in sql {
                self.admin(host.server, MAINTENANCE_DATABASE, &one).await?;
            }
        }
        Ok(())
    }

    async fn create_database(
        &self,
        db: DatabaseId,
        hint: &str,
        template: Option<&str>,
    ) -> Result<String, StageError> {
        let owner = Some(self.names.migrator.as_str());
        Ok(self.host(db).run.create_database(NewDatabase { hint, template, owner }).await?)
    }

    /// What only a superuser may do, on a connection of its own.
    async fn admin(&self, server: &Server, database: &str, sql: &str) -> Result<(), StageError> {
        let options = server.admin_options(database);
        let mut session =
            Session::connect(&options, server.admin_options(MAINTENANCE_DATABASE)).await.map_err(lost)?;
        let done = session.run(sql, BASELINE_LIMIT).await;
        session.close().await;
        done.map(|_| ()).map_err(lost)
    }

    async fn create_template(&mut self, scenario: &Scenario, db: DatabaseId) -> Result<(), StageError> {
        let database = &scenario.databases[db.0];
        let server = self.host(db).server;
        let name = self.create_database(db, &database.name, None).await?;
        for extension in &database.extensions {
            server.info().require_extension(extension)?;
            let name_sql = Ident::new(extension.as_str()).quoted();
            self.admin(server, &name, &format!("CREATE EXTENSION IF NOT EXISTS {name_sql} CASCADE")).await?;
        }
        if database.platform == Platform::Supabase {
            self.admin(server, &name, &supabase::sql(&self.names.migrator)).await?;
        }
        if let Some(provision) = &database.provision {
            for statement in &provision.statements {
                self.admin(server, &name, provision.sql(statement)).await.map_err(|e| match e {
                    StageError::Lost(why) => {
                        StageError::Provision { file: provision.path.clone(), line: statement.line, why }
                    }
                    other => other,
                })?;
            }
        }
        let mut session = self.connect(db, &name).await?;
        let model = match database.model.as_slice() {
            [] => None,
            scripts => Some(self.made_by(&mut session, scripts).await?),
        };
        for script in &database.baseline {
            self.apply(&mut session, script).await?;
        }
        let observer = self.names.become_sql(&Actor::Observer);
        session
            .run(&format!("BEGIN; {observer}; SET LOCAL search_path = pg_catalog"), BASELINE_LIMIT)
            .await
            .map_err(lost)?;
        let schema = catalog::introspect(&mut session).await.map_err(lost)?;
        session.run("ROLLBACK", BASELINE_LIMIT).await.map_err(lost)?;
        session.close().await;
        self.templates.push(name);
        self.schemas.push(schema);
        self.models.push(model);
        Ok(())
    }

    /// What the scripts of a model bring into the catalogs of a database that has no baseline yet. Nothing stays.
    async fn made_by(&self, session: &mut Session, scripts: &[Script]) -> Result<Print, StageError> {
        session.run("BEGIN", BASELINE_LIMIT).await.map_err(lost)?;
        let blank = self.print(session).await?;
        for script in scripts {
            let role = self.names.become_sql(&Actor::Migrator);
            session.run(&role, BASELINE_LIMIT).await.map_err(lost)?;
            self.send(session, script, Scripts::Model).await?;
            session.run("RESET ALL; RESET ROLE", BASELINE_LIMIT).await.map_err(lost)?;
        }
        let mut made = self.print(session).await?;
        session.run("ROLLBACK; RESET ALL; RESET ROLE", BASELINE_LIMIT).await.map_err(lost)?;
        made.retain(|object, definition| blank.get(object) != Some(definition));
        Ok(made)
    }

    async fn print(&self, session: &mut Session) -> Result<Print, StageError> {
        let observer = self.names.become_sql(&Actor::Observer);
        let look = format!("SAVEPOINT look; {observer}; SET LOCAL search_path = pg_catalog");
        session.run(&look, BASELINE_LIMIT).await.map_err(lost)?;
        let print = catalog::fingerprint(session).await.map_err(lost)?;
        let back = "ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look";
        session.run(back, BASELINE_LIMIT).await.map_err(lost)?;
        Ok(print)
    }

    async fn apply(&self, session: &mut Session, script: &Script) -> Result<(), StageError> {
        let role = format!("SET ROLE {}", self.names.migrator.quoted());
        let wrap = script.is_transactional();
        session.run(&role, BASELINE_LIMIT).await.map_err(lost)?;
        if wrap {
            session.run("BEGIN", BASELINE_LIMIT).await.map_err(lost)?;
        }
        self.send(session, script, Scripts::Baseline).await?;
        let end = if wrap { "COMMIT; RESET ALL; RESET ROLE" } else { "RESET ALL; RESET ROLE" };
        session.run(end, BASELINE_LIMIT).await.map_err(lost)?;
        Ok(())
    }

    /// The statements of a script, one after the other.
    async fn send(&self, session: &mut Session, script: &Script, of: Scripts) -> Result<(), StageError> {
        for statement in &script.statements {
            if let Err(failure) = session.run(script.sql(statement), BASELINE_LIMIT).await {
                let (file, line) = (script.path.clone(), statement.line);
                return Err(match failure {
                    Failure::Sql(error) => {
                        let error = Box::new(error);
                        match of {
                            Scripts::Baseline => StageError::Baseline { file, line, error },
                            Scripts::Model => StageError::Model { file, line, error },
                        }
                    }
                    Failure::TimedOut(limit) => StageError::Hangs { file, line, seconds: limit.as_secs() },
                    Failure::Lost(why) | Failure::Exhausted(why) => StageError::Lost(why),
                    other @ (Failure::Complaint(_)
                    | Failure::Command(_)
                    | Failure::Unfinished(_)
                    | Failure::Whole
                    | Failure::Unloadable { .. }) => StageError::Lost(other.to_string()),
                });
            }
        }
        Ok(())
    }

    /// Whether every server still answers.
    pub async fn is_alive(&self) -> bool {
        for host in &self.hosts {
            if !host.server.is_alive().await {
                return false;
            }
        }
        true
    }

    /// A copy of one of the scenario's databases, by its name on the server, that nobody is connected to.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn clone_of(&self, db: DatabaseId, database: &str) -> Result<String, StageError> {
        self.create_database(db, "clone", Some(database)).await
    }

    /// How somebody else connects to the server of a database as the plain login role: host or socket's folder, port, user, password.
    pub fn way_in(&self, db: DatabaseId) -> (String, u16, String, Secret) {
        let (host, port) = self.place(db);
        (host, port, self.names.login.as_str().to_owned(), self.password.clone())
    }

    /// Host, or the socket's folder, and port of the server of a database.
    pub(super) fn place(&self, db: DatabaseId) -> (String, u16) {
        let options = self.options(db);
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        (host, options.get_port())
    }

    /// How the plain login role reaches the server of a database.
    pub(super) fn options(&self, db: DatabaseId) -> PgConnectOptions {
        let (login, password) = (self.names.login.as_str(), self.password.expose());
        self.host(db).server.login_options(MAINTENANCE_DATABASE, login, password)
    }

    /// The server of a database.
    pub(super) fn server(&self, db: DatabaseId) -> &Server {
        self.host(db).server
    }

    /// The password of every login of the run.
    pub(super) fn password(&self) -> &Secret {
        &self.password
    }

    /// A session of the plain login role, with every setting pinned.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn connect(&self, db: DatabaseId, database: &str) -> Result<Session, StageError> {
        let server = self.host(db).server;
        let options = server
            .login_options(database, self.names.login.as_str(), self.password.expose())
            .options(PINNED.iter().copied());
        let mut tries = 0;
        loop {
            tries += 1;
            let control = server.admin_options(MAINTENANCE_DATABASE);
            match Session::connect(&options, control).await {
                // A script on another session may end those that have just begun.
                Err(Failure::Lost(_)) if tries < CONNECTS_MAX && self.is_alive().await => {}
                connected => return connected.map_err(lost),
            }
        }
    }

    /// Clones of every template, each with a session on it.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn open(&self) -> Result<(Vec<String>, Vec<Session>), StageError> {
        let (mut databases, mut sessions) = (Vec::new(), Vec::new());
        for (db, template) in self.templates.iter().enumerate() {
            let db = DatabaseId(db);
            let name = self.create_database(db, "case", Some(template)).await?;
            sessions.push(self.connect(db, &name).await?);
            databases.push(name);
        }
        Ok((databases, sessions))
    }

    /// Drops clones, one of each of the scenario's databases in their order.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn drop_databases(&self, databases: &[String]) -> Result<(), StageError> {
        for (db, name) in databases.iter().enumerate() {
            self.host(DatabaseId(db)).run.drop_database(name).await?;
        }
        Ok(())
    }
}

fn lost(failure: Failure) -> StageError {
    StageError::Lost(failure.to_string())
}
