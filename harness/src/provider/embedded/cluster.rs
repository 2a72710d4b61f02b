//! A prepared data directory: `initdb` runs once per server version and its result is copied at every start.

use super::account::Account;
use super::installed::Installation;
use crate::provider::ProviderError;
use sha2::{Digest as _, Sha256};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The privileged role. Not `postgres`, which scenarios of hosted platforms declare as a role of their own.
pub(super) const SUPERUSER: &str = "watertight";

const COPY_THREADS_MAX: usize = 4;

/// Where the prepared data directory of this installation is or will be.
pub(super) fn prepared(cache: &Path, installation: &Installation) -> PathBuf {
    let mut digest = Sha256::new();
    digest.update(installation.bin.as_os_str().as_encoded_bytes());
    digest.update([0]);
    digest.update(&installation.version);
    for option in initdb_options(installation.major) {
        digest.update([0]);
        digest.update(option);
    }
    let key: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    cache.join(format!("cluster-{}-{key}", installation.major))
}

fn initdb_options(major: u32) -> Vec<String> {
    let mut options = vec![
        format!("--username={SUPERUSER}"),
        "--auth=trust".to_owned(),
        "--encoding=UTF8".to_owned(),
        "--wal-segsize=1".to_owned(),
        "--no-sync".to_owned(),
        "--no-instructions".to_owned(),
    ];
    if major >= 17 {
        // The same collation on every operating system, whatever its C library.
        options.extend(
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"].map(str::to_owned),
        );
    } else {
        options.push(if cfg!(target_os = "macos") { "--locale=C" } else { "--locale=C.UTF-8" }.to_owned());
        options.push("--lc-messages=C".to_owned());
    }
    if major >= 18 {
        options.push("--no-data-checksums".to_owned());
    }
    options
}

/// Runs `initdb` in a scratch folder of the account's own and keeps the result in the cache, owned by the caller.
/// The caller holds the cache's lock.
pub(super) async fn prepare(
    installation: &Installation,
    account: Account,
    scratch: &Path,
    target: &Path,
) -> Result<(), ProviderError> {
    let data = scratch.join("initdb");
    let mut command = Command::new(installation.bin.join("initdb"));
    command.arg("--pgdata").arg(&data).args(initdb_options(installation.major));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    account.apply(&mut command);
    let failed = |output: String| ProviderError::Program {
        program: "initdb".to_owned(),
        output,
        remedy: "use --provider container, or name another server; `watertight doctor` shows what there is"
            .to_owned(),
    };
    let output = command.output().await.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let (data, target) = (data, target.to_owned());
    blocking(move || {
        let partial = target.with_extension("partial");
        if partial.exists() {
            std::fs::remove_dir_all(&partial).map_err(ProviderError::io("remove", &partial))?;
        }
        copy(&data, &partial, Account::Caller)?;
        std::fs::remove_dir_all(&data).map_err(ProviderError::io("remove", &data))?;
        std::fs::rename(&partial, &target).map_err(ProviderError::io("create", &target))
    })
    .await
}

/// Copies a data directory and gives it to the account. A thousand small files: the time goes into creating them, so
/// several threads share the work.
pub(super) fn copy(from: &Path, to: &Path, account: Account) -> Result<(), ProviderError> {
    let mut files = Vec::new();
    make_folders(from, to, account, &mut files)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(COPY_THREADS_MAX);
    std::thread::scope(|scope| {
        let copiers: Vec<_> = (0..threads)
            .map(|first| {
                let files = &files;
                scope.spawn(move || {
                    files.iter().skip(first).step_by(threads).try_for_each(|(source, target)| {
                        std::fs::copy(source, target).map_err(ProviderError::io("write", target))?;
                        account.own(target)
                    })
                })
            })
            .collect();
        copiers.into_iter().try_for_each(|copier| match copier.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// Makes the folders of a data directory and lists its files with where they go.
fn make_folders(
    from: &Path,
    to: &Path,
    account: Account,
    files: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), ProviderError> {
    std::fs::create_dir(to).map_err(ProviderError::io("create", to))?;
    std::fs::set_permissions(to, Permissions::from_mode(0o700)).map_err(ProviderError::io("chmod", to))?;
    for entry in std::fs::read_dir(from).map_err(ProviderError::io("read", from))? {
        let entry = entry.map_err(ProviderError::io("read", from))?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(ProviderError::io("read", entry.path()))?.is_dir() {
            make_folders(&entry.path(), &target, account, files)?;
        } else {
            files.push((entry.path(), target));
        }
    }
    account.own(to)
}

/// Runs file work off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProviderError> + Send + 'static,
) -> Result<T, ProviderError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ProviderError::DidNotStart {
                provider: "embedded",
                reason: "the run was interrupted".to_owned(),
            }),
        },
    }
}
