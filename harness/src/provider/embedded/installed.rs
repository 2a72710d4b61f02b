//! Server binaries: what makes a folder of them complete, and those that the machine already has.

use crate::provider::{OLDEST_MAJOR_VERSION, ProviderError};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Server binaries that can be started.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    /// The folder of `postgres` and `initdb`.
    pub(super) bin: PathBuf,
    /// The folder of `extension/`.
    pub(super) share: PathBuf,
    /// What `postgres --version` says, without the program's name.
    pub(super) version: String,
    /// The major version.
    pub(super) major: u32,
}

impl Installation {
    /// Looks at a folder of binaries; says what is missing if it is not complete.
    pub(super) fn inspect(bin: &Path) -> Result<Self, String> {
        for program in ["postgres", "initdb"] {
            if !bin.join(program).is_file() {
                return Err(format!("{} has no `{program}` (client programs only?)", bin.display()));
            }
        }
        let (version, said_share) = match configured(bin) {
            Some((version, share)) => (version, Some(share)),
            None => (server_version(bin)?, None),
        };
        let major =
            major_version(&version).ok_or_else(|| format!("{}: cannot read {version:?}", bin.display()))?;
        if major < OLDEST_MAJOR_VERSION {
            return Err(format!("{}: version {version} is older than {OLDEST_MAJOR_VERSION}", bin.display()));
        }
        let share = share_folder(bin, major, said_share).ok_or_else(|| {
            format!("{}: version {version} has no pgvector (vector.control)", bin.display())
        })?;
        // Whether it runs. Asked last, because it loads far more libraries than `pg_config`.
        let version = server_version(bin)?;
        Ok(Self { bin: bin.to_owned(), share, version, major })
    }

    /// The version that `CREATE EXTENSION` would install, from the extension's control file.
    pub(super) fn extension_version(&self, name: &str) -> Option<String> {
        let control = self.share.join("extension").join(format!("{name}.control"));
        let text = std::fs::read_to_string(control).ok()?;
        let line = text.lines().find(|line| line.trim_start().starts_with("default_version"))?;
        Some(line.split_once('=')?.1.trim().trim_matches('\'').to_owned())
    }

    /// Whether the server has files of this extension.
    pub(super) fn has_extension(&self, name: &str) -> bool {
        self.share.join("extension").join(format!("{name}.control")).is_file()
    }
}

/// The newest complete installation of this machine, or why each one found is not.
pub(super) fn newest(asked: Option<&Path>) -> Result<Installation, Vec<String>> {
    let folders = match asked {
        Some(bin) => vec![bin.to_owned()],
        None => candidates(),
    };
    let (found, refused): (Vec<_>, Vec<_>) =
        folders.iter().map(|bin| Installation::inspect(bin)).partition(Result::is_ok);
    found
        .into_iter()
        .flatten()
        .max_by_key(|installation| installation.major)
        .ok_or_else(|| refused.into_iter().filter_map(Result::err).collect())
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(bin) = run(Path::new("pg_config"), &["--bindir"]) {
        folders.push(PathBuf::from(bin));
    }
    // Debian, Red Hat, Homebrew on both kinds of Mac, Postgres.app.
    for (parent, prefix, below) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        folders.extend(
            entries
                .flatten()
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
                .map(|entry| entry.path().join(below))
                .filter(|bin| bin.is_dir()),
        );
    }
    folders.sort();
    folders.dedup();
    folders
}

/// What `postgres --version` says, without the program's name.
fn server_version(bin: &Path) -> Result<String, String> {
    let said = run(&bin.join("postgres"), &["--version"])?;
    Ok(said.trim_start_matches("postgres (PostgreSQL)").trim().to_owned())
}

/// Version and share folder, as the `pg_config` beside the server has them.
fn configured(bin: &Path) -> Option<(String, PathBuf)> {
    let said = run(&bin.join("pg_config"), &["--version", "--sharedir"]).ok()?;
    let (version, share) = said.split_once('\n')?;
    Some((version.trim_start_matches("PostgreSQL").trim().to_owned(), PathBuf::from(share.trim())))
}

/// The share folder that has pgvector: the one that the installation names, or one guessed from its layout.
fn share_folder(bin: &Path, major: u32, said: Option<PathBuf>) -> Option<PathBuf> {
    let guessed = [
        PathBuf::from(format!("/usr/share/postgresql/{major}")),
        bin.join("../share/postgresql"),
        bin.join("../share"),
    ];
    said.into_iter().chain(guessed).find(|share| share.join("extension/vector.control").is_file())
}

fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("{} does not run: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{} {} failed", program.display(), arguments.join(" ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `18.4` and `18beta1 (Debian 18~beta1-1)` are 18.
fn major_version(version: &str) -> Option<u32> {
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..digits)?.parse().ok()
}

/// The error of an installation that was asked for by name.
pub(super) fn refused(reasons: &[String]) -> ProviderError {
    ProviderError::Unusable {
        provider: "embedded",
        reason: if reasons.is_empty() {
            "no PostgreSQL server is installed on this machine".to_owned()
        } else {
            reasons.join("; ")
        },
        remedy: format!(
            "install PostgreSQL {OLDEST_MAJOR_VERSION} or newer with pgvector, or let Watertight download one"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_all_their_forms() {
        assert_eq!(major_version("18.4"), Some(18));
        assert_eq!(major_version("15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("19devel"), Some(19));
        assert_eq!(major_version("devel"), None);
    }

    #[test]
    fn a_folder_without_a_server_is_refused_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let reason = Installation::inspect(folder.path()).unwrap_err();
        assert!(reason.contains("has no `postgres`"), "{reason}");
        assert_eq!(newest(Some(folder.path())).unwrap_err(), [reason]);
    }

    /// A folder whose programs are scripts. Another process writes them: what this one has open for writing, a fork of
    /// another test's may hold for a moment, and the system runs no such file.
    fn programs(each: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in each {
            let write = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod 755 "$1""#;
            let path = folder.path().join(name);
            let written = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status();
            assert!(written.unwrap().success());
        }
        folder
    }

    const CONFIGURED: &str = r#"echo "PostgreSQL 17.5 (Debian 17.5-1)"; echo "${0%/*}/share""#;

    #[test]
    fn a_server_without_pgvector_is_refused_before_it_is_run() {
        let folder = programs(&[("pg_config", CONFIGURED), ("initdb", ""), ("postgres", "exit 1")]);
        let reason = Installation::inspect(folder.path()).unwrap_err();
        assert!(reason.contains("version 17.5 (Debian 17.5-1) has no pgvector"), "{reason}");
    }

    #[test]
    fn a_complete_installation_is_one_whose_server_runs() {
        let runs = "echo 'postgres (PostgreSQL) 17.5'";
        for (script, version) in [(runs, Some("17.5")), ("exit 1", None)] {
            let folder = programs(&[("pg_config", CONFIGURED), ("initdb", ""), ("postgres", script)]);
            let share = folder.path().join("share");
            std::fs::create_dir_all(share.join("extension")).unwrap();
            std::fs::write(share.join("extension/vector.control"), "").unwrap();
            let found = Installation::inspect(folder.path());
            assert_eq!(found.as_ref().ok().map(|found| found.version.as_str()), version);
            assert!(found.is_ok_and(|found| found.share == share) || version.is_none());
        }
    }
}
