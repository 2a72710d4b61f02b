//! The folder of one running server: data, socket, log. A lock held for as long as the harness lives tells a
//! folder in use from one that a killed run left.

use super::account::Account;
use crate::provider::{ProviderError, SOCKET_PATH_BYTES_MAX};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PREFIX: &str = "watertight-";
const LOCK: &str = "lock";
const MEMORY: &str = "/dev/shm";
/// A prepared data directory takes 25 MB; the rest is for users' data.
const MEMORY_FREE_BYTES_MIN: u64 = 1 << 30;
const SOCKET_FILE: &str = ".s.PGSQL.5432";
/// A folder without a lock file is being made, unless it is older than this.
const MAKING_SECONDS_MAX: u64 = 60;

/// A run folder, locked by this process.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) path: PathBuf,
    pub(super) socket: PathBuf,
    _lock: File,
}

impl RunFolder {
    pub(super) fn create(account: Account) -> Result<Self, ProviderError> {
        let name = format!("{PREFIX}{}", &uuid::Uuid::new_v4().simple().to_string()[..10]);
        let path = base(account).join(&name);
        make(&path)?;
        let lock_file = path.join(LOCK);
        let lock = File::create(&lock_file).map_err(ProviderError::io("create", &lock_file))?;
        lock.lock().map_err(ProviderError::io("lock", &lock_file))?;
        account.own(&lock_file)?;
        let mut socket = path.join("socket");
        if socket.join(SOCKET_FILE).as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            socket = Path::new("/tmp").join(&name);
        }
        make(&socket)?;
        account.own(&socket)?;
        account.own(&path)?;
        Ok(Self { path, socket, _lock: lock })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(super) fn socket_file(&self) -> PathBuf {
        self.socket.join(SOCKET_FILE)
    }

    /// The end of the server's log.
    pub(super) fn log_tail(&self) -> String {
        let log = std::fs::read(self.path.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }

    /// Removes the folders, should the supervisor not have done so.
    pub(super) fn remove(&self) -> Result<(), ProviderError> {
        for folder in [&self.socket, &self.path] {
            match std::fs::remove_dir_all(folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ProviderError::io("remove", folder)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn make(path: &Path) -> Result<(), ProviderError> {
    std::fs::create_dir(path).map_err(ProviderError::io("create", path))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(ProviderError::io("chmod", path))
}

/// Memory if there is enough of it, else the folder for temporary files.
fn base(account: Account) -> PathBuf {
    let memory = Path::new(MEMORY);
    let temporary = std::env::temp_dir();
    if free_bytes(memory) >= MEMORY_FREE_BYTES_MIN && account.can_enter(memory) && is_writable(memory) {
        memory.to_owned()
    } else if account.can_enter(&temporary) {
        temporary
    } else {
        PathBuf::from("/tmp")
    }
}

fn free_bytes(path: &Path) -> u64 {
    #[expect(clippy::useless_conversion, reason = "the width of these fields differs between platforms")]
    nix::sys::statvfs::statvfs(path).map_or(0, |found| {
        u64::from(found.blocks_available()).saturating_mul(u64::from(found.fragment_size()))
    })
}

fn is_writable(folder: &Path) -> bool {
    tempfile::Builder::new().prefix(".watertight-").tempdir_in(folder).is_ok()
}

/// Removes what runs left that could not clean up after themselves: their servers first, then their folders.
/// Returns how many were removed. What belongs to other users is not ours to remove.
pub(super) fn sweep() -> usize {
    let mut bases = vec![PathBuf::from(MEMORY), std::env::temp_dir(), PathBuf::from("/tmp")];
    bases.sort();
    bases.dedup();
    let mut removed = 0;
    for entry in bases.iter().filter_map(|base| std::fs::read_dir(base).ok()).flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours && is_stale(&entry.path()) {
            stop_server_of(&entry.path());
            match std::fs::remove_dir_all(entry.path()) {
                Ok(()) => removed += 1,
                Err(error) => {
                    tracing::debug!(path = %entry.path().display(), %error, "left by an earlier run")
                }
            }
        }
    }
    removed
}

/// Whether no live process holds the folder's lock. A folder that cannot be looked into is not ours.
fn is_stale(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => folder
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| modified.elapsed().ok())
            .is_some_and(|age| age > Duration::from_secs(MAKING_SECONDS_MAX)),
        Err(_) => false,
    }
}

/// Stops the server of a folder whose supervisor was killed as well.
fn stop_server_of(folder: &Path) {
    let Some(pid) = std::fs::read_to_string(folder.join("data/postmaster.pid"))
        .ok()
        .and_then(|text| text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()))
        // To `kill`, numbers below 1 are groups, or everybody. A damaged file must not get that far.
        .filter(|pid| *pid > 1)
    else {
        return;
    };
    // The number may have been given to another process since.
    let is_its_server =
        || command_line(pid).is_some_and(|line| line.contains(folder.to_string_lossy().as_ref()));
    if !is_its_server() {
        return;
    }
    let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
    for _ in 0..100 {
        if !is_its_server() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

fn command_line(pid: i32) -> Option<String> {
    if let Ok(bytes) = std::fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output =
        std::process::Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_stale_when_nobody_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_stale(folder.path()), "still being made");
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        lock.lock().unwrap();
        assert!(!is_stale(folder.path()), "in use");
        drop(lock);
        assert!(is_stale(folder.path()));
    }
}
