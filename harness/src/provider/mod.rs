//! Where the PostgreSQL server comes from: a container, server binaries on this machine, or a server
//! that the user names. Everything above this module sees a [`Server`] and does not ask which.

mod choice;
mod container;
pub(crate) mod defects;
mod doctor;
mod embedded;
mod error;
mod existing;
mod facts;
mod process;
pub mod registry;
mod secret;
mod settings;

pub use choice::{EmbeddedSource, ProviderChoice, ProviderOptions};
pub use container::{DEFAULT_IMAGE, LOCAL_IMAGE};
pub use doctor::{Availability, Finding, doctor};
pub use error::ProviderError;
pub use facts::{Pinned, ServerInfo};
pub use secret::Secret;

use facts::Source;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// The oldest major version that has everything the harness relies on: `GRANT SET ON PARAMETER` and
/// `CREATE DATABASE … STRATEGY` came with 15.
pub const OLDEST_MAJOR_VERSION: u32 = 15;

/// The database that every server has and that nobody drops: where privileged connections start.
pub const MAINTENANCE_DATABASE: &str = "postgres";

/// Which provider a server came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// A container that this process started.
    Container,
    /// A server process that this process started.
    Embedded,
    /// A server that was there before.
    Existing,
}

impl ProviderKind {
    /// The name used on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Embedded => "embedded",
            Self::Existing => "existing",
        }
    }
}

impl std::fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// `sun_path` holds 104 bytes on macOS and 108 on Linux, with the final NUL.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// A running server. Call [`Server::stop`] when done; dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Server {
    backend: Backend,
    endpoint: Endpoint,
    info: ServerInfo,
    options: ProviderOptions,
}

#[derive(Debug)]
enum Backend {
    Container(Box<container::Running>),
    Embedded(Box<embedded::Running>),
    Existing,
}

/// How to reach a server: the options of its privileged user, without a database.
#[derive(Debug, Clone)]
struct Endpoint {
    admin: PgConnectOptions,
}

impl Endpoint {
    fn admin_options(&self, database: &str) -> PgConnectOptions {
        plain(self.admin.clone().database(database)).application_name("watertight admin")
    }

    fn login_options(&self, database: &str, user: &str, password: &str) -> PgConnectOptions {
        plain(self.admin.clone().database(database).username(user).password(password))
            .application_name("watertight")
    }
}

/// Settings that the caller's `PGOPTIONS` or the server could come with, and that a script could leave at its role or
/// its database for the sessions after it. What a session is started with stands above them, and is what RESET ALL
/// goes back to.
const SHIELDED: [(&str, &str); 9] = [
    ("search_path", "\"$user\",public"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_deferrable", "off"),
    ("row_security", "on"),
    ("check_function_bodies", "on"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// DDL invalidates cached statements, and a statement log would repeat users' data.
fn plain(options: PgConnectOptions) -> PgConnectOptions {
    options.options(SHIELDED).statement_cache_capacity(0).disable_statement_logging()
}

impl Server {
    /// Starts (or reaches) a server as the options ask.
    ///
    /// # Errors
    /// When the provider asked for does not work here, or with `auto` none does.
    pub async fn start(options: &ProviderOptions) -> Result<Self, ProviderError> {
        match options.choice {
            ProviderChoice::Container => Self::container(options, Vec::new()).await,
            ProviderChoice::Embedded => Self::embedded(options, Vec::new()).await,
            ProviderChoice::Existing => Self::existing(options, Vec::new()).await,
            ProviderChoice::Auto => Self::first_usable(options).await,
        }
    }

    async fn first_usable(options: &ProviderOptions) -> Result<Self, ProviderError> {
        let mut skipped = Vec::new();
        let mut remedies = Vec::new();
        let mut pass_over = |kind: ProviderKind, error: &ProviderError| {
            tracing::debug!(provider = kind.name(), %error, "provider passed over");
            skipped.push(format!("{kind}: {}", first_line(error)));
            remedies.push(format!("{kind}: {}", error.remedy()));
        };
        match Self::container(options, Vec::new()).await {
            Ok(server) => return Ok(server),
            Err(error) => pass_over(ProviderKind::Container, &error),
        }
        match Self::embedded(options, Vec::new()).await {
            Ok(mut server) => {
                server.info.skipped = skipped;
                return Ok(server);
            }
            Err(error) => pass_over(ProviderKind::Embedded, &error),
        }
        skipped.push("existing: only when asked for, with --database-url".to_owned());
        remedies
            .push("existing: name a disposable server with --provider existing --database-url".to_owned());
        Err(ProviderError::NoneUsable { skipped, remedies })
    }

    async fn container(options: &ProviderOptions, skipped: Vec<String>) -> Result<Self, ProviderError> {
        let (running, admin, source) = container::start(options).await?;
        Self::ready(Backend::Container(Box::new(running)), options, admin, source, skipped).await
    }

    async fn embedded(options: &ProviderOptions, skipped: Vec<String>) -> Result<Self, ProviderError> {
        let (running, admin, source) = embedded::start(options).await?;
        Self::ready(Backend::Embedded(Box::new(running)), options, admin, source, skipped).await
    }

    async fn existing(options: &ProviderOptions, skipped: Vec<String>) -> Result<Self, ProviderError> {
        let (admin, source) = existing::reach(options).await?;
        Self::ready(Backend::Existing, options, admin, source, skipped).await
    }

    async fn ready(
        backend: Backend,
        options: &ProviderOptions,
        admin: PgConnectOptions,
        source: Source,
        skipped: Vec<String>,
    ) -> Result<Self, ProviderError> {
        let endpoint = Endpoint { admin };
        let kind = match backend {
            Backend::Container(_) => ProviderKind::Container,
            Backend::Embedded(_) => ProviderKind::Embedded,
            Backend::Existing => ProviderKind::Existing,
        };
        let info = facts::ask(&endpoint, kind, source, skipped).await;
        let server = Self { backend, endpoint, info: ServerInfo::unknown(kind), options: options.clone() };
        match info.and_then(ServerInfo::check) {
            Ok(info) => Ok(Self { info, ..server }),
            Err(error) => {
                // The first error is the one to report.
                if let Err(second) = server.stop().await {
                    tracing::debug!(%second, "stopping a server that is not usable");
                }
                Err(error)
            }
        }
    }

    /// One more server of the same kind, for a scenario whose databases stand on several. `None` where there is none
    /// to be had: a server that the user names is the only one.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn another(&self) -> Result<Option<Self>, ProviderError> {
        match self.backend {
            Backend::Container(_) => Self::container(&self.options, Vec::new()).await.map(Some),
            Backend::Embedded(_) => Self::embedded(&self.options, Vec::new()).await.map(Some),
            Backend::Existing => Ok(None),
        }
    }

    /// What this server is: for the report, and to decide what can run on it.
    pub fn info(&self) -> &ServerInfo {
        &self.info
    }

    /// Whether only this process uses the server, and it goes away with it.
    pub fn is_private(&self) -> bool {
        !matches!(self.backend, Backend::Existing)
    }

    /// A privileged connection: creates databases, roles and extensions; never runs user SQL.
    pub fn admin_options(&self, database: &str) -> PgConnectOptions {
        self.endpoint.admin_options(database)
    }

    /// The same server with other credentials. Prepared statements are not cached (DDL invalidates them).
    pub fn login_options(&self, database: &str, user: &str, password: &str) -> PgConnectOptions {
        self.endpoint.login_options(database, user, password)
    }

    /// Whether the server still answers. Bounded: a server that does not answer within 5 s is not alive.
    pub async fn is_alive(&self) -> bool {
        let ask = async {
            let mut connection = self.admin_options(MAINTENANCE_DATABASE).connect().await?;
            connection.ping().await?;
            connection.close().await
        };
        matches!(tokio::time::timeout(std::time::Duration::from_secs(5), ask).await, Ok(Ok(())))
    }

    /// Stops the server and removes what was made for it. An existing server goes on.
    ///
    /// # Errors
    /// When something could not be removed; the next run removes it.
    pub async fn stop(self) -> Result<(), ProviderError> {
        match self.backend {
            Backend::Container(running) => running.stop().await,
            Backend::Embedded(running) => running.stop().await,
            Backend::Existing => Ok(()),
        }
    }
}

fn first_line(error: &ProviderError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
