//! The `embedded` provider: server binaries of this machine, or downloaded ones, run as a child process on a Unix
//! socket with durability off.

mod account;
mod cluster;
mod download;
mod installed;
mod rundir;
mod settings;

use super::choice::{EmbeddedSource, ProviderOptions};
use super::facts::Source;
use super::{MAINTENANCE_DATABASE, ProviderError};
use account::Account;
use cluster::{SUPERUSER, blocking};
use installed::Installation;
use rundir::RunFolder;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const START_SECONDS_MAX: u64 = 30;
const STOP_SECONDS_MAX: u64 = 15;

/// A server process of this one. Its supervisor stops it when `Child` (which holds the pipe) is dropped.
#[derive(Debug)]
pub(super) struct Running {
    supervisor: Child,
    folder: RunFolder,
}

/// What the embedded provider would use, for `doctor`.
#[derive(Debug)]
pub(super) struct Outlook {
    /// The server version, if binaries are there.
    pub(super) version: Option<String>,
    /// Where the binaries are, or how they would be had.
    pub(super) detail: String,
    /// The version of pgvector, if binaries are there.
    pub(super) pgvector: Option<String>,
}

pub(super) async fn start(
    options: &ProviderOptions,
) -> Result<(Running, PgConnectOptions, Source), ProviderError> {
    let begun = Instant::now();
    let account = Account::choose()?;
    let cache = account::cache_folder(account, options.cache_dir.as_deref())?;
    make_cache(&cache)?;
    let (installation, folder) = {
        let (options, cache) = (options.clone(), cache.clone());
        blocking(move || {
            rundir::sweep();
            Ok((find(&options, &cache)?, RunFolder::create(account)?))
        })
        .await?
    };
    let prepared = cluster::prepared(&cache, &installation);
    if !prepared.is_dir() {
        let _lock = lock(&cache).await?;
        if !prepared.is_dir() {
            cluster::prepare(&installation, account, &folder.path, &prepared).await?;
        }
    }
    let (folder, rest) = blocking(move || {
        let rest = cluster::copy_first(&prepared, &folder.data(), account)?;
        Ok((folder, rest))
    })
    .await?;
    let substituted = settings::write_substitutes(&installation, account, &folder.path)?;
    let supervisor = spawn(&installation, account, &folder, &substituted)?;
    let mut running = Running { supervisor, folder };
    let admin = PgConnectOptions::new_without_pgpass()
        .socket(&running.folder.socket)
        .port(5432)
        .username(SUPERUSER)
        .password("")
        .ssl_mode(PgSslMode::Disable);
    let (ready, copied) = tokio::join!(wait_until_ready(&mut running, &admin), blocking(move || rest.copy()));
    let not_ready = |reason| ProviderError::DidNotStart { provider: "embedded", reason };
    if let Err(error) = copied.and(ready.map_err(not_ready)) {
        running.stop().await?;
        return Err(error);
    }
    tracing::debug!(
        milliseconds = begun.elapsed().as_millis(),
        version = installation.version,
        "server started"
    );
    let source = Source { description: installation.bin.display().to_string(), substituted };
    Ok((running, admin, source))
}

/// What `start` would use, found without downloading or starting anything.
pub(super) fn outlook(options: &ProviderOptions) -> Result<Outlook, ProviderError> {
    let account = Account::choose()?;
    let cache = account::cache_folder(account, options.cache_dir.as_deref())?;
    let found = installed::newest(options.postgres_bin.as_deref())
        .ok()
        .filter(|_| options.embedded_source != EmbeddedSource::Downloaded)
        .or_else(|| download::cached(&cache));
    match found {
        Some(installation) => Ok(Outlook {
            pgvector: installation.extension_version("vector"),
            version: Some(installation.version),
            detail: installation.bin.display().to_string(),
        }),
        None if options.offline => Err(offline()),
        None => {
            let client = download::client()?;
            Ok(Outlook {
                version: None,
                pgvector: None,
                detail: format!("will be downloaded once with `{client}`"),
            })
        }
    }
}

/// The binaries to use: installed ones if complete, else downloaded ones.
fn find(options: &ProviderOptions, cache: &Path) -> Result<Installation, ProviderError> {
    if options.embedded_source != EmbeddedSource::Downloaded {
        match installed::newest(options.postgres_bin.as_deref()) {
            Ok(installation) => return Ok(installation),
            Err(reasons)
                if options.embedded_source == EmbeddedSource::Installed || options.postgres_bin.is_some() =>
            {
                return Err(installed::refused(&reasons));
            }
            Err(reasons) => tracing::debug!(?reasons, "no complete PostgreSQL is installed"),
        }
    }
    if let Some(installation) = download::cached(cache) {
        return Ok(installation);
    }
    if options.offline {
        return Err(offline());
    }
    let _lock = lock_now(cache)?;
    match download::cached(cache) {
        Some(installation) => Ok(installation),
        None => {
            tracing::info!("downloading PostgreSQL with pgvector, once (25 MB)");
            download::fetch(cache)
        }
    }
}

fn offline() -> ProviderError {
    ProviderError::Unusable {
        provider: "embedded",
        reason: "no server binaries are installed or cached, and downloading is switched off".to_owned(),
        remedy: "run once without --offline, or install PostgreSQL with pgvector".to_owned(),
    }
}

fn make_cache(cache: &Path) -> Result<(), ProviderError> {
    if !cache.is_dir() {
        std::fs::create_dir_all(cache).map_err(ProviderError::io("create", cache))?;
        std::fs::set_permissions(cache, Permissions::from_mode(0o755))
            .map_err(ProviderError::io("chmod", cache))?;
    }
    Ok(())
}

/// Two runs at once download and prepare once. Waits for the other.
fn lock_now(cache: &Path) -> Result<File, ProviderError> {
    let path = cache.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(ProviderError::io("create", &path))?;
    file.lock().map_err(ProviderError::io("lock", &path))?;
    Ok(file)
}

async fn lock(cache: &Path) -> Result<File, ProviderError> {
    let cache = cache.to_owned();
    blocking(move || lock_now(&cache)).await
}

fn spawn(
    installation: &Installation,
    account: Account,
    folder: &RunFolder,
    substituted: &[String],
) -> Result<Child, ProviderError> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", include_str!("supervise.sh"), "watertight-supervisor"])
        .args([&folder.path, &folder.socket])
        .arg(installation.bin.join("postgres"))
        .arg("-D")
        .arg(folder.data())
        .args(settings::arguments(installation, folder, substituted))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // ctrl-c in the terminal is for the harness, which still needs the server to end in good order.
        .process_group(0);
    account.apply(&mut command);
    command.spawn().map_err(|source| ProviderError::DidNotStart {
        provider: "embedded",
        reason: format!("cannot start its supervisor: {source}"),
    })
}

async fn wait_until_ready(running: &mut Running, admin: &PgConnectOptions) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
    let socket = running.folder.socket_file();
    let ended = running.folder.path.join("ended");
    let options = admin.clone().database(MAINTENANCE_DATABASE).disable_statement_logging();
    let mut last = "it does not answer".to_owned();
    while Instant::now() < deadline {
        if socket.exists() {
            match options.connect().await {
                Ok(connection) => return connection.close().await.map_err(|error| error.to_string()),
                Err(error) => last = error.to_string(),
            }
        }
        if ended.exists() {
            return Err(running.folder.log_tail());
        }
        if let Ok(Some(status)) = running.supervisor.try_wait() {
            return Err(format!("its supervisor ended with {status}"));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(format!("no answer within {START_SECONDS_MAX} s: {last}; {}", running.folder.log_tail()))
}

impl Running {
    pub(super) async fn stop(mut self) -> Result<(), ProviderError> {
        // The supervisor waits for this.
        drop(self.supervisor.stdin.take());
        let limit = Duration::from_secs(STOP_SECONDS_MAX);
        if tokio::time::timeout(limit, self.supervisor.wait()).await.is_err() {
            tracing::warn!("the server did not stop within {STOP_SECONDS_MAX} s and is killed");
            if let Some(pid) = self.supervisor.id().and_then(|id| i32::try_from(id).ok()) {
                let group = nix::unistd::Pid::from_raw(pid);
                let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
            }
        }
        blocking(move || self.folder.remove()).await
    }
}
