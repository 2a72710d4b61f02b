//! A prepared data directory: `initdb` runs once per server version and its result is copied at every start.

use super::account::Account;
use super::installed::Installation;
use crate::provider::ProviderError;
use sha2::{Digest as _, Sha256};
use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The privileged role. Not `postgres`, which scenarios of hosted platforms declare as a role of their own.
pub(super) const SUPERUSER: &str = "watertight";

const COPY_THREADS_MAX: usize = 4;

/// The folders of template1 and template0, whose numbers are the same in every cluster since 15. A server that was shut
/// down in good order looks into neither while it starts.
const TEMPLATES: [&str; 2] = ["base/1", "base/4"];

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
    if major >= 16 {
        // Otherwise segments for later are kept ready, four fifths of the log that is copied at every start.
        options.push("--set=wal_recycle=off".to_owned());
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

/// Copies a data directory and gives it to the account.
pub(super) fn copy(from: &Path, to: &Path, account: Account) -> Result<(), ProviderError> {
    copy_first(from, to, account)?.copy()
}

/// Copies what a server needs to start. The rest may come while it starts.
pub(super) fn copy_first(from: &Path, to: &Path, account: Account) -> Result<Files, ProviderError> {
    let mut files = Vec::new();
    make_folders(from, to, account, &mut files)?;
    let later = TEMPLATES.map(|folder| from.join(folder));
    let (rest, first): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(source, _)| later.iter().any(|folder| source.starts_with(folder)));
    Files { each: first, account }.copy()?;
    Ok(Files { each: rest, account })
}

/// Files to copy, with where they go.
#[must_use]
pub(super) struct Files {
    each: Vec<(PathBuf, PathBuf)>,
    account: Account,
}

impl Files {
    /// Several threads share the work: the time goes into making hundreds of small files.
    pub(super) fn copy(self) -> Result<(), ProviderError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(COPY_THREADS_MAX);
        std::thread::scope(|scope| {
            let copiers: Vec<_> = (0..threads)
                .map(|first| {
                    scope.spawn({
                        let files = &self;
                        move || files.copy_share(first, threads)
                    })
                })
                .collect();
            copiers.into_iter().try_for_each(|copier| match copier.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    fn copy_share(&self, first: usize, of: usize) -> Result<(), ProviderError> {
        let mut contents = Vec::new();
        for (source, target) in self.each.iter().skip(first).step_by(of) {
            contents.clear();
            File::open(source)
                .and_then(|mut file| file.read_to_end(&mut contents))
                .map_err(ProviderError::io("read", source))?;
            // Less work than `std::fs::copy`, which between file systems goes through a pipe, page by page.
            File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(target)
                .and_then(|mut file| file.write_all(&contents))
                .map_err(ProviderError::io("write", target))?;
            self.account.own(target)?;
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_come_after_the_rest_and_nothing_is_left_out() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        let [last, first] = [["base/1/1255", "base/4/1255"], ["base/5/1255", "global/pg_control"]];
        for file in first.iter().chain(&last) {
            let path = from.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        let rest = copy_first(&from, &to, Account::Caller).unwrap();
        assert!(first.iter().all(|file| std::fs::read_to_string(to.join(file)).unwrap() == *file));
        assert!(last.iter().all(|file| !to.join(file).exists()));
        rest.copy().unwrap();
        for file in first.iter().chain(&last) {
            let copied = to.join(file);
            assert_eq!(std::fs::read_to_string(&copied).unwrap(), *file);
            assert_eq!(copied.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
    }
}
