//! PostgreSQL refuses to run as root, so root starts it as somebody else, who must be able to reach its files.

use crate::provider::ProviderError;
use nix::unistd::{User, geteuid};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Accounts to fall back to, in this order. `nobody` owns nothing, so nothing is at risk.
const UNPRIVILEGED: [&str; 3] = ["nobody", "daemon", "postgres"];

/// Where root keeps its cache when other users cannot enter root's own.
const SHARED_CACHE: &str = "/var/cache/watertight";

/// The account that runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The caller's own.
    Caller,
    /// Another, because the caller is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn choose() -> Result<Self, ProviderError> {
        if !geteuid().is_root() {
            return Ok(Self::Caller);
        }
        UNPRIVILEGED
            .into_iter()
            .filter_map(|name| User::from_name(name).ok().flatten())
            .find(|user| !user.uid.is_root())
            .map(|user| Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
            .ok_or_else(|| ProviderError::Unusable {
                provider: "embedded",
                reason:
                    "PostgreSQL refuses to run as root, and there is no unprivileged account to use instead"
                        .to_owned(),
                remedy: "run watertight as a normal user, or add an account named `nobody`".to_owned(),
            })
    }

    /// Makes a command run as this account.
    pub(super) fn apply(self, command: &mut tokio::process::Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a file or folder to this account.
    pub(super) fn own(self, path: &Path) -> Result<(), ProviderError> {
        match self {
            Self::Caller => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::lchown(path, Some(uid), Some(gid))
                .map_err(ProviderError::io("change the owner of", path)),
        }
    }

    /// Whether this account can enter a folder (which may not exist yet: then its nearest ancestor counts).
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        let Self::Other { uid, gid } = self else { return true };
        folder.ancestors().filter_map(|ancestor| ancestor.metadata().ok()).all(|metadata| {
            let needed = if metadata.uid() == uid {
                0o100
            } else if metadata.gid() == gid {
                0o010
            } else {
                0o001
            };
            metadata.permissions().mode() & needed != 0
        })
    }
}

/// The folder for downloaded and prepared files: the one asked for, else the user's cache folder, else (for root,
/// whose own is closed to others) a shared one.
pub(super) fn cache_folder(account: Account, asked: Option<&Path>) -> Result<PathBuf, ProviderError> {
    if let Some(folder) = asked {
        if account.can_enter(folder) {
            return Ok(folder.to_owned());
        }
        return Err(ProviderError::Unusable {
            provider: "embedded",
            reason: format!(
                "the server runs as an unprivileged user, who cannot enter the cache folder {}",
                folder.display()
            ),
            remedy: "name another folder with --cache-dir, or `chmod o+x` that one and those above it"
                .to_owned(),
        });
    }
    let own = etcetera::choose_base_strategy()
        .map(|strategy| etcetera::BaseStrategy::cache_dir(&strategy).join("watertight"))
        .ok()
        .filter(|folder| folder.is_absolute() && account.can_enter(folder));
    match (own, account) {
        (Some(folder), _) => Ok(folder),
        (None, Account::Other { .. }) => Ok(PathBuf::from(SHARED_CACHE)),
        (None, Account::Caller) => Err(ProviderError::Unusable {
            provider: "embedded",
            reason: "this user has no cache folder (neither XDG_CACHE_HOME nor HOME is set)".to_owned(),
            remedy: "name a folder with --cache-dir".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_folder_cannot_be_entered_by_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("cache");
        let (uid, gid) =
            (folder.path().metadata().unwrap().uid() + 1, folder.path().metadata().unwrap().gid() + 1);
        let other = Account::Other { uid, gid };
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!other.can_enter(&inside));
        assert!(Account::Caller.can_enter(&inside));
        assert!(cache_folder(other, Some(&inside)).is_err());
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        assert!(other.can_enter(&inside));
        assert_eq!(cache_folder(other, Some(&inside)).unwrap(), inside);
    }
}
