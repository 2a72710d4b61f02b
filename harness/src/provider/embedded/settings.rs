//! How the server is configured, and what replaces extensions that its package does not have.

use super::account::Account;
use super::installed::Installation;
use super::rundir::RunFolder;
use crate::provider::ProviderError;
use crate::provider::settings::{self, PRIVATE_SERVER};
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

const SUBSTITUTES: [Substitute; 2] = [
    Substitute {
        name: "uuid-ossp",
        control: include_str!("substitutes/uuid-ossp.control"),
        script_name: "uuid-ossp--1.1.sql",
        script: include_str!("substitutes/uuid-ossp--1.1.sql"),
    },
    Substitute {
        name: "pgcrypto",
        control: include_str!("substitutes/pgcrypto.control"),
        script_name: "pgcrypto--1.3.sql",
        script: include_str!("substitutes/pgcrypto--1.3.sql"),
    },
];

/// Only this user on this machine reaches the server: it has a socket and no port.
const EMBEDDED: [&str; 6] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    // In the data directory, so that nothing is left elsewhere, whatever ends the server.
    "dynamic_shared_memory_type=mmap",
    "huge_pages=off",
    "update_process_title=off",
    "logging_collector=off",
];

pub(super) fn arguments(
    installation: &Installation,
    folder: &RunFolder,
    substituted: &[String],
) -> Vec<String> {
    let mut settings: Vec<String> = PRIVATE_SERVER.into_iter().chain(EMBEDDED).map(str::to_owned).collect();
    settings.push(format!("unix_socket_directories={}", folder.socket.display()));
    if installation.major >= 18 {
        // No I/O workers: they would be the most numerous processes of a small server.
        settings.push("io_method=sync".to_owned());
    }
    if !substituted.is_empty() {
        settings.push(format!("extension_control_path={}:$system", folder.path.display()));
    }
    settings::arguments(settings)
}

/// Writes the substitutes that this installation needs and can find. Returns their names.
pub(super) fn write_substitutes(
    installation: &Installation,
    account: Account,
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
            account.own(&folder)?;
        }
        for (name, text) in [
            (format!("{}.control", substitute.name), substitute.control),
            (substitute.script_name.to_owned(), substitute.script),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(ProviderError::io("write", &path))?;
            account.own(&path)?;
        }
        written.push(substitute.name.to_owned());
    }
    Ok(written)
}
