//! How the server is configured, and what replaces extensions that its package does not have.

use super::installed::Installation;
use super::rundir::RunFolder;
use crate::provider::ProviderError;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// `extension_control_path` came with 18.
const SUBSTITUTES_SINCE_MAJOR: u32 = 18;

/// An extension in plain SQL that stands in for one written in C.
struct Substitute {
    name: &'static str,
    control: &'static str,
    script_name: &'static str,
    script: &'static str,
}

const SUBSTITUTES: [Substitute; 1] = [Substitute {
    name: "uuid-ossp",
    control: include_str!("substitutes/uuid-ossp.control"),
    script_name: "uuid-ossp--1.1.sql",
    script: include_str!("substitutes/uuid-ossp--1.1.sql"),
}];

/// Disposable data needs no durability; results must not depend on the machine's time zone or locale, nor on when
/// a background process looks at a table.
const SETTINGS: [&str; 26] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "wal_init_zero=off",
    "wal_recycle=off",
    "max_wal_size=1GB",
    "checkpoint_timeout=1d",
    // Autovacuum analyses tables at times of its own choosing (plans change) and sits in template databases when
    // they are to be copied.
    "autovacuum=off",
    "jit=off",
    "shared_buffers=128MB",
    "huge_pages=off",
    "max_connections=100",
    // One transaction holds the locks of a whole timeline.
    "max_locks_per_transaction=512",
    "update_process_title=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "datestyle=ISO, MDY",
    "lc_messages=C",
    "default_text_search_config=pg_catalog.english",
    // Failures of user SQL are expected here by the thousand; the log is for the server's own.
    "log_min_messages=log",
    "log_checkpoints=off",
    "logging_collector=off",
];

pub(super) fn arguments(
    installation: &Installation,
    folder: &RunFolder,
    substituted: &[String],
) -> Vec<String> {
    let mut settings: Vec<String> = SETTINGS.map(str::to_owned).to_vec();
    settings.push(format!("unix_socket_directories={}", folder.socket.display()));
    if installation.major >= 18 {
        // No I/O workers: they would be the most numerous processes of a small server.
        settings.push("io_method=sync".to_owned());
    }
    if !substituted.is_empty() {
        settings.push(format!("extension_control_path={}:$system", folder.path.display()));
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// Writes the substitutes that this installation needs and can find. Returns their names.
pub(super) fn write_substitutes(
    installation: &Installation,
    run_folder: &Path,
) -> Result<Vec<String>, ProviderError> {
    let mut written = Vec::new();
    if installation.major < SUBSTITUTES_SINCE_MAJOR {
        return Ok(written);
    }
    let folder = run_folder.join("extension");
    for substitute in SUBSTITUTES.iter().filter(|substitute| !installation.has_extension(substitute.name)) {
        if written.is_empty() {
            std::fs::create_dir(&folder).map_err(ProviderError::io("create", &folder))?;
            open(&folder, 0o755)?;
        }
        for (name, text) in [
            (format!("{}.control", substitute.name), substitute.control),
            (substitute.script_name.to_owned(), substitute.script),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(ProviderError::io("write", &path))?;
            open(&path, 0o644)?;
        }
        written.push(substitute.name.to_owned());
    }
    Ok(written)
}

/// Whatever the caller's umask: the server may run as another user.
fn open(path: &Path, mode: u32) -> Result<(), ProviderError> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(ProviderError::io("chmod", path))
}
