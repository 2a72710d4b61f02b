//! Over all cases: how often each invariant was exercised, what was tried, which defects there are.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use watertight_generators::Dataset;
use watertight_reports::{ProbeReport, RemarkReport};

use super::measure::Measured;
use super::worker::CaseResult;
use crate::db::session::Failure;
use crate::explore::{Place, Scene};
use crate::invariants::{Invariant, Judgement, Remark, Violation, ViolationKey};

/// Everything over all cases.
pub(super) struct Tally {
    pub(super) cases: u64,
    pub(super) worlds: u64,
    pub(super) rows: u64,
    /// In the order of the invariants.
    pub(super) checks: Vec<Check>,
    pub(super) measured: Vec<Measured>,
    /// Rows that could not be made, by table and the constraint that refused them.
    pub(super) skipped: BTreeMap<(String, String), u64>,
    /// In how many cases each shape of the small scope was there.
    pub(super) shapes: Vec<u64>,
}

/// One invariant over all cases.
#[derive(Default)]
pub(super) struct Check {
    /// Why it does not apply, if it does not.
    pub(super) not_applicable: Option<String>,
    pub(super) cases: u64,
    pub(super) worlds: u64,
    pub(super) probes: IndexMap<String, ProbeReport>,
    pub(super) defects: Vec<Defect>,
    pub(super) doubts: BTreeMap<String, u64>,
    /// By subject, as the first case told it.
    pub(super) remarks: BTreeMap<String, RemarkReport>,
}

/// One defect, as the first case showed it, or the first with tenants that shows it in the same way.
pub(super) struct Defect {
    pub(super) key: ViolationKey,
    pub(super) violation: Violation,
    pub(super) case: u32,
    pub(super) seed: u64,
    pub(super) cases: u64,
    /// What that case saw.
    pub(super) transcript: Vec<String>,
    /// Its data, where it is not the generator's: that of a known failure.
    pub(super) data: Option<Dataset>,
}

/// Adds the cases up, in their order.
pub(super) fn tally(scene: &Scene, invariants: &[Box<dyn Invariant>], results: Vec<CaseResult>) -> Tally {
    let mut checks: Vec<Check> = invariants
        .iter()
        .map(|i| Check { not_applicable: i.applies(scene).err(), ..Check::default() })
        .collect();
    let (mut cases, mut worlds, mut rows) = (0, 0, 0);
    let mut measured = Vec::new();
    let mut shapes = vec![0; scene.scope.targets().len()];
    let mut skipped: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut lost: BTreeMap<Place, (Failure, u64)> = BTreeMap::new();
    for mut result in results {
        if let Some(loss) = result.lost {
            lost.entry(loss.place).or_insert((loss.why, 0)).1 += 1;
            continue;
        }
        cases += 1;
        worlds += result.worlds as u64;
        rows += result.rows as u64;
        for (i, (check, judgement)) in checks.iter_mut().zip(result.judgements).enumerate() {
            if let Some(judgement) = judgement {
                let transcript =
                    |key: &ViolationKey| result.transcripts.remove(&(i, key.clone())).unwrap_or_default();
                check.add(judgement, result.index, result.seed, transcript);
            }
        }
        for (check, remarks) in checks.iter_mut().zip(result.remarks) {
            check.remark(remarks);
        }
        for shape in result.shapes {
            shapes[shape] += 1;
        }
        for one in result.skipped {
            *skipped.entry((one.table.to_string(), one.constraint)).or_default() += u64::from(one.rows);
        }
        measured.push(result.measured);
    }
    for (place, (why, times)) in lost {
        let doubt = format!("cases were lost {}, the first with: {why}", words(scene, place));
        for check in checks.iter_mut().filter(|c| c.not_applicable.is_none()) {
            check.doubts.insert(doubt.clone(), times);
        }
    }
    for check in &mut checks {
        check.defects.sort_by(|a, b| a.key.cmp(&b.key));
    }
    Tally { cases, worlds, rows, checks, measured, skipped, shapes }
}

/// Where a case was lost.
fn words(scene: &Scene, place: Place) -> String {
    match place {
        Place::Load => "while their data was loaded".to_owned(),
        Place::Step(step) => format!("at step `{}`", scene.step(step).id),
        Place::Excursions(at) => format!("in what was tried after `{}`", scene.checkpoint_name(at)),
    }
}

impl Check {
    /// One case's remarks: each subject counts once, however many roles are told of it.
    fn remark(&mut self, remarks: Vec<Remark>) {
        let mut counted: BTreeSet<String> = BTreeSet::new();
        for Remark { subject, table, message } in remarks {
            let new = || RemarkReport { subject: subject.clone(), table, message, cases: 0 };
            let entry = self.remarks.entry(subject.clone()).or_insert_with(new);
            entry.cases += u64::from(counted.insert(subject));
        }
    }

    fn add(
        &mut self,
        judgement: Judgement,
        case: u32,
        seed: u64,
        mut transcript: impl FnMut(&ViolationKey) -> Vec<String>,
    ) {
        // A world that shows a violation met its premise.
        let shown = judgement.violations.iter().flat_map(|v| &v.worlds);
        let exercised: BTreeSet<_> = judgement.exercised.iter().chain(shown).collect();
        if !exercised.is_empty() {
            self.cases += 1;
            self.worlds += exercised.len() as u64;
        }
        for probe in judgement.probes {
            let entry = self.probes.entry(probe.subject.clone()).or_insert_with(|| ProbeReport {
                subject: probe.subject.clone(),
                table: probe.table.clone(),
                tried: 0,
                passed: 0,
                sql: probe.sql.clone(),
                answer: probe.answer.clone(),
                expects: probe.expects,
            });
            // The statement that is shown is the first one that went wrong, if one did.
            if !probe.passed && entry.tried == entry.passed {
                entry.sql = probe.sql;
                entry.answer = probe.answer;
            }
            entry.tried += 1;
            entry.passed += u64::from(probe.passed);
        }
        for doubt in judgement.doubts {
            *self.doubts.entry(doubt).or_default() += 1;
        }
        for violation in judgement.violations {
            let known = self.defects.iter_mut().find(|d| d.key == violation.key);
            let cases = 1 + known.as_ref().map_or(0, |d| d.cases);
            // A case with tenants says more than one without any that shows it in the same way.
            let says_more = |d: &&mut Defect| {
                d.violation.worlds.is_empty()
                    && !violation.worlds.is_empty()
                    && d.violation.witness == violation.witness
            };
            let known = match known {
                Some(known) if !says_more(&known) => {
                    known.cases = cases;
                    continue;
                }
                other => other,
            };
            let (key, transcript) = (violation.key.clone(), transcript(&violation.key));
            let defect = Defect { key, violation, case, seed, cases, transcript, data: None };
            match known {
                Some(known) => *known = defect,
                None => self.defects.push(defect),
            }
        }
    }
}
