//! Which migrations changed, by git.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use watertight_scenarios::layout::{Chosen, History, MigrationRange};

/// Names under which the main branch may be known, where the remote does not say which it is.
const MAIN: [&str; 4] = ["origin/main", "origin/master", "main", "master"];

/// What git says; `None` where it cannot be asked, or refuses.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(arguments).env("GIT_OPTIONAL_LOCKS", "0");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn paths(list: &str) -> BTreeSet<String> {
    list.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

/// The range that the command line and the scenario file mean; by default what changed against the main branch.
///
/// # Errors
/// A first migration that is neither a migration nor a revision, or a revision since which nothing was added.
pub(crate) fn choose(
    root: &Path,
    given: &MigrationRange,
    history: &History,
    own: MigrationRange,
) -> Result<Chosen, String> {
    let range = given.clone().or(own);
    if let Some(from) = &range.from {
        if history.present(&MigrationRange { from: Some(from.clone()), to: None }).is_ok() {
            return Ok(Chosen { why: format!("those from `{from}` on"), range });
        }
        let Some(commit) = git(root, &["rev-parse", "--verify", "--quiet", &format!("{from}^{{commit}}")])
        else {
            return Err(format!("`{from}` is neither a migration nor a revision of git"));
        };
        let listed = git(root, &["ls-tree", "-r", "-z", "--name-only", commit.trim(), "--", &history.folder]);
        let known = paths(&listed.unwrap_or_default());
        let first = history.migrations.iter().find(|m| !known.contains(m.path()));
        let Some(first) = first else { return Err(format!("no migration was added since `{from}`")) };
        let why = format!("those that revision `{from}` does not have");
        return Ok(Chosen { range: MigrationRange { from: Some(first.id.clone()), ..range }, why });
    }
    if range.to.is_some() {
        return Ok(Chosen { range, why: String::new() });
    }
    Ok(match changed(root, history) {
        Some((main, first)) => {
            let range = MigrationRange { from: Some(first), to: None };
            Chosen { range, why: format!("what changed against {main}") }
        }
        None => Chosen { range, why: String::new() },
    })
}

/// The main branch, and the first migration that differs from it.
fn changed(root: &Path, history: &History) -> Option<(String, String)> {
    let head = git(root, &["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]);
    let named = head.map(|h| h.trim().to_owned());
    let exists = |name: &str| {
        git(root, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).is_some()
    };
    let main = named.into_iter().chain(MAIN.map(str::to_owned)).find(|name| exists(name))?;
    let base = git(root, &["merge-base", "HEAD", &main])?;
    let folder = history.folder.as_str();
    let committed = git(root, &["diff", "-z", "--name-only", "--relative", base.trim(), "--", folder])?;
    let new = git(root, &["ls-files", "-z", "--others", "--exclude-standard", "--", folder])?;
    let mut changed = paths(&committed);
    changed.extend(paths(&new));
    let first = history.migrations.iter().position(|m| {
        changed.contains(m.path()) || m.down.as_ref().is_some_and(|d| changed.contains(&d.path))
    })?;
    // A repository in which every migration is new has nothing to start from: then the range is the newest.
    (first > 0).then(|| (main, history.migrations[first].id.clone()))
}
