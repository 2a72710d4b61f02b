//! What can go wrong between "start a server" and a server that answers. All of it is exit code 3.

use std::path::PathBuf;

/// Why there is no server, or none any more. [`ProviderError::remedy`] says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// `auto` found nothing that works here.
    #[error("no PostgreSQL server can be started here:{}", bullets(.skipped))]
    NoneUsable {
        /// One line per provider, why it was passed over.
        skipped: Vec<String>,
        /// What would make each of them work.
        remedies: Vec<String>,
    },
    /// A provider was asked for by name and is not usable on this machine.
    #[error("provider `{provider}` cannot be used here: {reason}")]
    Unusable {
        /// The provider's name.
        provider: &'static str,
        /// What is missing.
        reason: String,
        /// What would make it work.
        remedy: String,
    },
    /// Files could not be read, written, copied or removed.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A helper program failed.
    #[error("{program} failed: {output}")]
    Program {
        /// The program and its purpose.
        program: String,
        /// The end of its output.
        output: String,
        /// What to do about it.
        remedy: String,
    },
    /// The downloaded server binaries are not those that Watertight was tested with.
    #[error("{} has SHA-256 {found}, expected {expected}", .file.display())]
    Checksum {
        /// The file that was refused.
        file: PathBuf,
        /// The pinned digest.
        expected: String,
        /// The digest of what was downloaded.
        found: String,
    },
    /// The server was started and did not come up.
    #[error("the {provider} server did not start: {reason}")]
    DidNotStart {
        /// The provider's name.
        provider: &'static str,
        /// The end of its log, or the last refusal.
        reason: String,
    },
    /// The container engine refused something.
    #[error("the container engine could not {action}: {reason}")]
    Engine {
        /// What was asked of it, as a verb.
        action: &'static str,
        /// Its answer.
        reason: String,
    },
    /// The server refused a statement of the provider's own.
    #[error("the server refused to {action}: {source}")]
    Database {
        /// What was asked, as a verb.
        action: String,
        /// The server's answer.
        source: sqlx::Error,
    },
    /// An existing server has a role of this name that Watertight did not create.
    #[error("the server already has a role {name:?} that Watertight did not create")]
    ForeignRole {
        /// The role's name.
        name: String,
    },
    /// The scenario needs an extension that this server does not have.
    #[error("extension {name:?} is not available on this server ({server})")]
    ExtensionMissing {
        /// The extension's name.
        name: String,
        /// Which server was asked.
        server: String,
    },
    /// The server is older than what the harness relies on.
    #[error("PostgreSQL {found} is too old: Watertight needs {needed} or newer")]
    TooOld {
        /// The server's version.
        found: String,
        /// The oldest major version that works.
        needed: u32,
    },
}

impl ProviderError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoneUsable { remedies, .. } => {
                format!("any one of these is enough:{}", bullets(remedies))
            }
            Self::Unusable { remedy, .. } | Self::Program { remedy, .. } => remedy.clone(),
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull => {
                    "free some space, or name another folder with --cache-dir or TMPDIR".to_owned()
                }
                _ => "check the permissions of that folder, or name another cache folder with --cache-dir"
                    .to_owned(),
            },
            Self::Checksum { .. } => {
                "the package index serves a different file: do not use it; try another index, or another provider"
                    .to_owned()
            }
            Self::DidNotStart { .. } => {
                "run `watertight doctor`; if the log names a limit (memory, shared memory, disk), raise it, \
                 or use another provider"
                    .to_owned()
            }
            Self::Engine { .. } => {
                "check that `docker info` works for this user and that the image exists, or use --provider embedded"
                    .to_owned()
            }
            Self::Database { .. } => {
                "check the server's log; if it is your own server, check that it still runs and that the user of \
                 the URL is still a superuser"
                    .to_owned()
            }
            Self::ForeignRole { name } => format!(
                "use a disposable server without a role {name:?} (the providers `embedded` and `container` start one), \
                 or rename the role in the scenario"
            ),
            Self::ExtensionMissing { name, .. } => format!(
                "use --provider container (its image has every contrib module), or install {name:?} on the server"
            ),
            Self::TooOld { .. } => {
                "name a newer server or image, or use --provider embedded".to_owned()
            }
        }
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn database(action: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let action = action.into();
        move |source| Self::Database { action, source }
    }
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  - {line}")).collect()
}
