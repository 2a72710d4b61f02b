//! What a run keeps of its failures: files to be replayed, those that are fixed, and how a report names them.

use std::path::Path;

use watertight_reports::{CheckOutcome, KnownOutcome, Origin};
use watertight_scenarios::Scenario;

use super::exit::Exit;
use super::output::{complain, say};
use super::subject::read_again;
use crate::failures::Folder;
use crate::verify::Verified;

/// With the command that replays each finding.
pub(super) fn shown(mut verified: Verified, folder: &Folder) -> Verified {
    for check in &mut verified.report.checks {
        let CheckOutcome::Violated { findings, .. } = &mut check.outcome else { continue };
        for finding in findings {
            let file = folder.shown(&finding.id);
            if let Some(counterexample) = &mut finding.counterexample {
                counterexample.replay = Some(format!("watertight replay {}", shell_word(&file)));
            }
        }
    }
    verified
}

/// A word of a shell's command line.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Writes the failures, and tells of those that were known.
pub(super) fn keep(verified: &Verified, scenario: &Scenario, folder: &Folder, prune: Prune) -> Exit {
    let findings = verified.report.checks.iter().flat_map(|c| c.outcome.findings());
    for (finding, failure) in
        findings.filter_map(|f| Some((f, verified.failures.iter().find(|known| known.id == f.id)?)))
    {
        let sql = finding.counterexample.as_ref().map(|c| c.sql.as_str()).unwrap_or_default();
        if let Err(error) = folder.write(failure, scenario, sql) {
            complain(&format!("error: {error}"));
            complain("  → free space, or name another folder with --failures");
            return Exit::Environment;
        }
    }
    for known in &verified.report.evidence.known {
        let note = known.note.as_ref().map(|n| format!(" ({n})")).unwrap_or_default();
        match known.outcome {
            KnownOutcome::Failed => {}
            KnownOutcome::CannotRun => complain(&format!(
                "{}: the known failure {} cannot be run{note}\n  → if it is about something that is gone, remove {}",
                scenario.id,
                known.id,
                folder.shown(&known.id)
            )),
            KnownOutcome::Fixed => match prune {
                Prune::No => say(&format!(
                    "fixed         {}: {}{note}; --prune-fixed removes its file",
                    known.id, known.title
                )),
                Prune::Fixed => {
                    if let Err(error) = folder.remove(&known.id) {
                        complain(&format!("error: {error}"));
                        return Exit::Environment;
                    }
                    say(&format!("fixed         {}: {}{note}; its file is removed", known.id, known.title));
                }
            },
        }
    }
    Exit::Held
}

/// What becomes of files of failures that are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prune {
    /// They stay.
    No,
    /// They are removed.
    Fixed,
}

/// Where the scenario was read; `None` for a bundled one. `text` is that of a scenario file that is not there.
pub(super) fn origin(scenario: &Scenario, text: Option<&str>) -> Option<Origin> {
    (!Folder::is_bundled(scenario)).then(|| Origin {
        file: scenario.file.clone(),
        text: text.map(str::to_owned),
        from: scenario.range.from.clone(),
        to: scenario.range.to.clone(),
    })
}

/// Whether the scenario's files are others than those that were read. `text` is that of a scenario file that is not
/// there.
pub(super) fn is_edited(scenario: &Scenario, text: Option<&str>) -> bool {
    let Some(origin) = origin(scenario, text) else { return false };
    read_again(&origin, Path::new(""), origin.to.as_deref()).map_or(true, |now| now.digest != scenario.digest)
}
