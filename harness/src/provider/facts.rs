//! What a server is: asked once, after it has come up.

use super::{Endpoint, MAINTENANCE_DATABASE, OLDEST_MAJOR_VERSION, ProviderError, ProviderKind};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::collections::BTreeSet;

/// What a server is, for the report and for deciding what can run on it.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// Where it came from.
    pub provider: ProviderKind,
    /// The image and its tag, the folder of the binaries, or the host. Never a password.
    pub source: String,
    /// As the server says it, such as `18.4`.
    pub server_version: String,
    /// As a number, such as `180004`.
    pub server_version_num: u32,
    /// The version of pgvector that `CREATE EXTENSION vector` would install.
    pub pgvector: Option<String>,
    /// The extensions that `CREATE EXTENSION` would find.
    pub extensions: BTreeSet<String>,
    /// Extensions that are replaced by SQL of Watertight's own, such as `uuid-ossp`.
    pub substituted: Vec<String>,
    /// Why other providers were passed over, one line each. Only with `auto`.
    pub skipped: Vec<String>,
    /// Time zone, locale and collation.
    pub pinned: Pinned,
}

/// What a result could depend on besides data and SQL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned {
    /// The server's own time zone. Sessions set theirs.
    pub time_zone: String,
    /// The encoding of new databases.
    pub encoding: String,
    /// `builtin` or `libc`.
    pub locale_provider: String,
    /// Collation and character classification of the databases that Watertight makes.
    pub locale: String,
}

/// The encoding of every database that Watertight makes.
const ENCODING: &str = "UTF8";

/// What a provider knows of its server before asking it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) description: String,
    pub(super) substituted: Vec<String>,
}

impl ServerInfo {
    pub(super) fn unknown(provider: ProviderKind) -> Self {
        Self {
            provider,
            source: String::new(),
            server_version: String::new(),
            server_version_num: 0,
            pgvector: None,
            extensions: BTreeSet::new(),
            substituted: Vec::new(),
            skipped: Vec::new(),
            pinned: Pinned::default(),
        }
    }

    /// The major version, such as 18.
    pub fn major(&self) -> u32 {
        self.server_version_num / 10_000
    }

    /// That an extension can be created on this server.
    ///
    /// # Errors
    /// When it cannot; the remedy says which provider has it.
    pub fn require_extension(&self, name: &str) -> Result<(), ProviderError> {
        if self.extensions.contains(name) {
            return Ok(());
        }
        Err(ProviderError::ExtensionMissing { name: name.to_owned(), server: self.to_string() })
    }

    pub(super) fn check(self) -> Result<Self, ProviderError> {
        if self.major() < OLDEST_MAJOR_VERSION {
            return Err(ProviderError::TooOld { found: self.server_version, needed: OLDEST_MAJOR_VERSION });
        }
        Ok(self)
    }
}

/// One line: `PostgreSQL 18.4 with pgvector 0.8.5, embedded (…)`.
impl std::fmt::Display for ServerInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgreSQL {}", self.server_version)?;
        match &self.pgvector {
            Some(version) => write!(f, " with pgvector {version}")?,
            None => f.write_str(" without pgvector")?,
        }
        write!(f, ", {} ({})", self.provider, self.source)
    }
}

pub(super) async fn ask(
    endpoint: &Endpoint,
    provider: ProviderKind,
    source: Source,
    skipped: Vec<String>,
) -> Result<ServerInfo, ProviderError> {
    let explain = || ProviderError::database("say what it is");
    let mut connection = endpoint.admin_options(MAINTENANCE_DATABASE).connect().await.map_err(explain())?;
    let row = sqlx::query(include_str!("facts.sql")).fetch_one(&mut connection).await.map_err(explain())?;
    connection.close().await.map_err(explain())?;
    let read = || -> Result<ServerInfo, sqlx::Error> {
        let extensions: Option<Vec<String>> = row.try_get("extensions")?;
        Ok(ServerInfo {
            provider,
            source: source.description,
            server_version: row.try_get("server_version")?,
            server_version_num: row.try_get::<i32, _>("server_version_num")?.unsigned_abs(),
            pgvector: row.try_get("pgvector")?,
            extensions: extensions.unwrap_or_default().into_iter().collect(),
            substituted: source.substituted,
            skipped,
            pinned: Pinned {
                time_zone: row.try_get("time_zone")?,
                encoding: ENCODING.to_owned(),
                locale_provider: row.try_get("locale_provider")?,
                locale: row.try_get("locale")?,
            },
        })
    };
    read().map_err(explain())
}
