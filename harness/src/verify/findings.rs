//! One check: its verdict, its findings, and the failures to be kept of them.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use sha2::{Digest as _, Sha256};
use watertight_generators::Dataset;
use watertight_reports::{
    AccessOutcome, AccessReport, CheckOutcome, CheckReport, Exercised, Finding, Flaky, ProbeReport, Severity,
};

use super::aggregate::{Check, Defect};
use super::shrink::{Confirmed, Shrunk};
use crate::explore::Scene;
use crate::explore::transcript::act as words;
use crate::failures::{FORMAT, Failure, ScenarioRef};
use crate::invariants::Invariant;

/// What a check tells besides its report.
pub(super) struct Told<'a> {
    pub(super) failures: &'a mut Vec<Failure>,
    pub(super) flaky: &'a mut Vec<Flaky>,
}

/// One check over all cases, with its findings.
pub(super) fn check_report(
    scene: &Scene,
    invariant: &dyn Invariant,
    check: Check,
    shrunk: Vec<Shrunk>,
    access: &[AccessReport],
    told: Told<'_>,
) -> CheckReport {
    let spec = invariant.spec();
    let mut not_exercised = Vec::new();
    if check.not_applicable.is_none() {
        let probed: BTreeSet<String> = check.probes.keys().cloned().collect();
        not_exercised.extend(invariant.not_exercised(scene, &probed));
        if invariant.sends_paths() {
            not_exercised.extend(unsent(access));
        }
    }
    let exercised = NonZeroU64::new(check.cases)
        .zip(NonZeroU64::new(check.worlds))
        .map(|(cases, worlds)| Exercised { cases, worlds });
    let (mut flaky, mut untried) = (Vec::new(), Vec::new());
    let mut findings = Vec::new();
    for (defect, shrunk) in check.defects.into_iter().zip(shrunk) {
        match shrunk {
            Shrunk::Confirmed(confirmed) => {
                let (finding, failure) = finding(scene, invariant, defect, *confirmed);
                findings.push(finding);
                told.failures.push(failure);
            }
            Shrunk::Untried => untried.push(defect.violation.title),
            Shrunk::Flaky(second) => {
                flaky.push(format!("{} ({})", defect.violation.title, defect.violation.message));
                told.flaky.push(Flaky {
                    invariant: spec.id.to_owned(),
                    title: defect.violation.title,
                    message: defect.violation.message,
                    seed: defect.seed,
                    first: defect.transcript,
                    second,
                });
            }
        }
    }
    findings.sort_by(|a: &Finding, b: &Finding| b.severity.cmp(&a.severity).then(a.id.cmp(&b.id)));
    let doubts: Vec<String> =
        check.doubts.iter().map(|(why, cases)| format!("{why} ({cases} cases)")).collect();
    let outcome = match (check.not_applicable, findings.is_empty(), exercised) {
        (Some(reason), ..) => CheckOutcome::NotApplicable { reason },
        (None, false, exercised) => CheckOutcome::Violated {
            severity: findings.iter().map(|f| f.severity).max().unwrap_or(Severity::Low),
            exercised: exercised.unwrap_or(Exercised { cases: NonZeroU64::MIN, worlds: NonZeroU64::MIN }),
            findings,
        },
        (None, true, _) if !flaky.is_empty() => CheckOutcome::Inconclusive {
            reason: format!("seen once and not again on the same data: {}", flaky.join("; ")),
        },
        (None, true, _) if !untried.is_empty() => CheckOutcome::Inconclusive {
            reason: format!("seen, and stopped before it was confirmed: {}", untried.join("; ")),
        },
        (None, true, _) if !doubts.is_empty() => CheckOutcome::Inconclusive { reason: doubts.join("; ") },
        (None, true, Some(exercised)) => CheckOutcome::held(exercised),
        (None, true, None) => {
            not_exercised.push(format!("{}: needs {}", spec.id, spec.exercise));
            CheckOutcome::Inconclusive { reason: format!("never exercised: it needs {}", spec.exercise) }
        }
    };
    let probes: Vec<ProbeReport> = check.probes.into_values().collect();
    CheckReport {
        invariant: spec.id.to_owned(),
        title: spec.title.to_owned(),
        outcome,
        probes,
        not_exercised,
        remarks: check.remarks.into_values().collect(),
    }
}

/// Paths that were in use and could not be sent.
fn unsent(access: &[AccessReport]) -> impl Iterator<Item = String> {
    access.iter().filter_map(|path| {
        let idle = path.cells.iter().filter(|c| c.outcome == AccessOutcome::NotExercised);
        let at: Vec<String> = idle.map(|c| format!("`{}`", c.checkpoint)).collect();
        (!at.is_empty()).then(|| {
            format!(
                "“{}” at {}: no tenant has the rows that its parameters are taken from",
                path.name,
                at.join(", ")
            )
        })
    })
}

/// The finding as a report has it, and as a file of its own.
fn finding(
    scene: &Scene,
    invariant: &dyn Invariant,
    defect: Defect,
    confirmed: Confirmed,
) -> (Finding, Failure) {
    let spec = invariant.spec();
    let Confirmed { counterexample, violation: shrunk, data, transcript } = confirmed;
    let Defect { key, violation, case, seed, cases, .. } = defect;
    let step = key.step.map(|s| scene.step(s).id.clone());
    let (file, line) = violation.place.map_or((None, None), |(file, line)| (Some(file), line));
    let access: Vec<String> =
        scene.scenario.access.iter().map(|a| &a.name).filter(|name| **name == key.subject).cloned().collect();
    let finding = Finding {
        id: finding_id(&scene.scenario.id, spec.id, step.as_deref(), key.code, &key.subject),
        severity: violation.severity,
        title: violation.title,
        step,
        file,
        line,
        message: shrunk.message,
        cause: violation.cause,
        remedy: if violation.remedy.is_empty() { spec.remedy.to_owned() } else { violation.remedy },
        access,
        tables: violation.tables,
        cases,
        counterexample: Some(counterexample),
    };
    let failure = Failure {
        format: FORMAT,
        id: finding.id.clone(),
        scenario: ScenarioRef {
            id: scene.scenario.id.clone(),
            digest: scene.scenario.digest.clone(),
            path: None,
            range: scene.scenario.range.clone(),
        },
        invariant: spec.id.to_owned(),
        step: finding.step.clone(),
        code: key.code.to_owned(),
        subject: key.subject,
        access: finding.access.clone(),
        title: finding.title.clone(),
        expected: spec.title.to_owned(),
        seen: finding.message.clone(),
        seed,
        case,
        from: scene.checkpoint_name(shrunk.witness.from).to_owned(),
        excursion: shrunk.witness.acts.iter().map(|act| words(scene, act)).collect(),
        transcript,
        data: Dataset { tables: data.tables.into_iter().filter(|t| !t.rows.is_empty()).collect() },
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        server: String::new(),
    };
    (finding, failure)
}

/// Ten hex digits over what makes it the same defect: stable across runs, seeds and versions of the data.
fn finding_id(scenario: &str, invariant: &str, step: Option<&str>, code: &str, subject: &str) -> String {
    let parts = [scenario, invariant, step.unwrap_or_default(), code, subject];
    let digest = Sha256::digest(parts.join("\u{1f}").as_bytes());
    digest.iter().take(5).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_keeps_its_id_whatever_the_data_was() {
        let id = || finding_id("datahub", "access-compatible", Some("contract"), "refused", "seed: insight");
        assert_eq!(id(), id());
        assert_ne!(id(), finding_id("datahub", "access-compatible", None, "refused", "seed: insight"));
        assert_eq!(id().len(), 10);
    }
}
