//! From a repository with migrations to a scenario: what the text of the migrations and the catalogs of a scratch
//! database tell of tenancy, and how sure that is.

mod git;
mod guess;
mod names;
mod owners;
mod policies;
mod queries;
mod tenancy;
mod text;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use watertight_scenarios::layout::{self, Choose, Found, Programs};
use watertight_scenarios::{Diagnostics, Ident, Relation, Scenario, Schema};

use crate::db::hosts::Hosts;
use crate::db::session::Failure;
use crate::db::stage::{Stage, StageError};
use crate::explore::Actor;
use crate::provider::{ProviderError, Server};
use crate::verify::{VerifyError, look_ahead};

pub(crate) use git::choose;
use queries::{Query, Schemas};
use tenancy::Certainty;
use text::Access;
use words::Words;

/// Longest time to plan one query.
const PREPARE_LIMIT: Duration = Duration::from_secs(10);

/// Roles that the catalogs miss and the words did not name, found out one by one.
const ROLES_MAX: usize = 16;

/// A scenario made from migrations.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The scenario file, commented.
    pub text: String,
    /// What was guessed or taken for granted, in sentences.
    pub assumed: Vec<String>,
    /// The table whose rows are taken for the tenants.
    pub tenants: Relation,
    /// Other tables that it could be.
    pub others: Vec<Relation>,
    /// Whether it is sure.
    pub is_sure: bool,
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The folder cannot be searched.
    #[error("{folder} cannot be searched: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// No folder of migrations is recognised.
    #[error(
        "no migrations are found in {0}\n  → name the folder of a scenario, or write a watertight.toml with \
         `[migrations]` or `[[steps]]`"
    )]
    None(String),
    /// Migrations that are programs.
    #[error(
        "the migrations in {folder} are programs ({}, {} in all): Watertight verifies SQL\n  → let the tool write down \
         the SQL that they send, one numbered file each (0001_init.sql), behind a first one with the schema before them \
         (pg_dump --schema-only); a backfill that is a program can stay one, see `backfill = {{ run = […] }}`",
        .of.example,
        .of.count,
        folder = .of.folder
    )]
    Programs {
        /// Which.
        of: Programs,
    },
    /// Several folders of migrations.
    #[error(
        "{folder} has several folders of migrations: {found}\n  → name one of the projects, or say which in a watertight.toml: [migrations] folder = \"…\""
    )]
    Several {
        /// The folder.
        folder: String,
        /// Those that were found.
        found: String,
    },
    /// Something is wrong with the files.
    #[error("{0}")]
    Files(#[from] Diagnostics),
    /// A file of statements cannot be read.
    #[error("{}: no statements are found: {why}", .file.display())]
    Statements {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// No table looks like tenants.
    #[error(
        "no tenancy is found: of {tables} tables none holds what others refer to as a tenant\n  → if there is one, write a \
         watertight.toml with `[tenancy] tenants = \"…\"` (watertight init --help); Watertight verifies multi-tenant migrations"
    )]
    NoTenancy {
        /// Tables of the newest schema.
        tables: usize,
    },
    /// Nothing refers to the table that is to hold the tenants.
    #[error("{0} cannot hold the tenants: no foreign key leads to such a table")]
    NotTenants(String),
    /// The migrations do not apply, or the server failed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl From<StageError> for InitError {
    fn from(error: StageError) -> Self {
        Self::Verify(error.into())
    }
}

impl From<ProviderError> for InitError {
    fn from(error: ProviderError) -> Self {
        Self::Verify(error.into())
    }
}

/// The folder of migrations of a repository.
///
/// # Errors
/// When there is none, or several.
pub fn find(root: &Path) -> Result<Found, InitError> {
    let folder = || match root.display().to_string() {
        empty if empty.is_empty() => ".".to_owned(),
        shown => shown,
    };
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let found = layout::find(root).map_err(|error| InitError::Folder { folder: folder(), error })?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => match layout::programs(root) {
            Ok(Some(of)) => Err(InitError::Programs { of }),
            Ok(None) => Err(InitError::None(folder())),
            Err(error) => Err(InitError::Folder { folder: folder(), error }),
        },
        several => {
            let found: Vec<String> = several.iter().map(|f| format!("{} ({})", f.folder, f.layout)).collect();
            Err(InitError::Several { folder: folder(), found: found.join(", ") })
        }
    }
}

/// What the migrations of a folder tell: their words, and the schema before the first step and after the last.
#[derive(Clone, Debug)]
pub struct Examined {
    found: Found,
    words: Words,
    queries: Vec<Query>,
    last_step: String,
    before: Schema,
    after: Schema,
}

/// Applies the migrations to a scratch database, and looks. `dumps` are files of statements that were seen on a server,
/// besides those that lie where queries do.
///
/// # Errors
/// When the migrations before the range do not apply, or the server fails.
pub async fn examine(
    server: &Server,
    root: &Path,
    found: &Found,
    dumps: &[PathBuf],
    choose: Choose<'_>,
) -> Result<Examined, InitError> {
    let history = layout::open(root, found)?;
    let mut words = Words::of(&history);
    for extension in &words.placed {
        server.info().require_extension(extension)?;
    }
    let mut queries =
        queries::find(root, dumps).map_err(|(file, why)| InitError::Statements { file, why })?;
    let (mut schemas, last_step) = loop {
        let text = text::scenario_file(found, &words, None);
        let scenario = Scenario::from_text(root, &text, Some(choose))?;
        let seen = look(server, &scenario, &mut queries).await?;
        let message = match &seen {
            Ok((_, stopped)) => stopped.clone(),
            Err(VerifyError::Stage(StageError::Baseline { error, .. })) => Some(error.message.clone()),
            Err(_) => None,
        };
        let known = words.roles.len();
        if let Some(role) = message.as_deref().and_then(missing_role).filter(|_| known < ROLES_MAX) {
            words.grantee(&Ident::new(role));
        }
        if words.roles.len() == known {
            break (seen?.0, scenario.steps.last().map(|s| s.id.clone()).unwrap_or_default());
        }
    };
    let after = schemas.pop().unwrap_or_default();
    let before = if schemas.is_empty() { after.clone() } else { schemas.swap_remove(0) };
    Ok(Examined { found: found.clone(), words, queries, last_step, before, after })
}

impl Examined {
    /// The scenario, with the tenants in that table, or where they seem to be.
    ///
    /// # Errors
    /// When no table looks like tenants, or nothing refers to the named one.
    pub fn draft(&self, tenants: Option<&Relation>) -> Result<Draft, InitError> {
        let Some(guess) = guess::guess(&self.words, &self.before, &self.after, tenants) else {
            return Err(match tenants {
                Some(table) => InitError::NotTenants(table.to_string()),
                None => InitError::NoTenancy { tables: self.after.roots().count() },
            });
        };
        let schemas = Schemas { before: &self.before, after: &self.after, tenants: &guess.tenants };
        let (queries, left_out) = queries::of_the_application(&self.queries, &schemas);
        let access: Vec<Access<'_>> =
            queries.into_iter().map(|query| Access { query, params: query.params(&schemas) }).collect();
        let mut assumed = guess.sentences();
        assumed.extend(left_out);
        let mut text = text::scenario_file(&self.found, &self.words, Some((&guess, assumed.as_slice())));
        text.push_str(&text::access(&access, &self.words, &self.last_step));
        Ok(Draft {
            text,
            assumed,
            tenants: guess.tenants.table.clone(),
            others: guess.tenants.others.clone(),
            is_sure: guess.tenants.certainty == Certainty::Sure,
        })
    }
}

type Ahead = Result<(Vec<Schema>, Option<String>), VerifyError>;

async fn look(server: &Server, scenario: &Scenario, queries: &mut [Query]) -> Result<Ahead, InitError> {
    let hosts = Hosts::open(server, scenario).await?;
    let seen = match Stage::prepare(&hosts, scenario).await {
        Ok(stage) => match prepare(&stage, queries).await {
            Ok(()) => look_ahead(&stage, scenario).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error.into()),
    };
    hosts.close().await?;
    Ok(seen)
}

/// Asks the server which queries it takes before the first step.
async fn prepare(stage: &Stage<'_>, queries: &mut [Query]) -> Result<(), VerifyError> {
    if queries.is_empty() {
        return Ok(());
    }
    let lost = |e: Failure| VerifyError::Lost(e.to_string());
    let (databases, mut sessions) = stage.open().await?;
    let become_migrator = stage.names().become_sql(&Actor::Migrator);
    if let Some(session) = sessions.first_mut() {
        for query in queries {
            session.run(&format!("BEGIN; {become_migrator}"), PREPARE_LIMIT).await.map_err(lost)?;
            let prepared =
                session.run(&format!("PREPARE statement AS {}", query.prepared()), PREPARE_LIMIT).await;
            match prepared {
                Ok(_) => query.heard(None),
                Err(Failure::Sql(error)) => query.heard(Some(&error.sqlstate)),
                Err(failure) => return Err(lost(failure)),
            }
            session.run("ROLLBACK; DEALLOCATE ALL", PREPARE_LIMIT).await.map_err(lost)?;
        }
    }
    for session in sessions {
        session.close().await;
    }
    Ok(stage.drop_databases(&databases).await?)
}

/// The role that a refusal misses.
fn missing_role(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("role \"")?;
    Some(rest.split_once("\" does not exist")?.0.to_owned())
}
