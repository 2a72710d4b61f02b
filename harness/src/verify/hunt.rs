//! Looks for the first case that makes an invariant fire, over several seeds: what a score is made of.

use std::collections::{BTreeMap, BTreeSet};

use watertight_scenarios::Scenario;

use super::shrink::Shrunk;
use super::worker::CaseResult;
use super::{Stop, VerifyError, VerifyOptions, aggregate, selected, shrink, survey, worker};
use crate::db::hosts::Hosts;
use crate::db::stage::Stage;
use crate::invariants::{Invariant, Judgement};
use crate::provider::Server;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hunt<'a> {
    /// A seed ends with the first case in which one of these fires; none: it plays all of its cases.
    pub(crate) until: &'a [String],
    /// It ends with the first case in which one of these makes a remark, too.
    pub(crate) until_told: &'a [String],
    /// Seeds, from that of the options on.
    pub(crate) seeds: u32,
    /// Whether the failure of the first seed that has one is shrunk.
    pub(crate) shrink_first: bool,
}

/// What one seed showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sighting {
    /// By invariant that fired, the number of the first case in which it did, from 0.
    pub(crate) first: BTreeMap<String, u32>,
    /// The same by invariant that made a remark.
    pub(crate) told: BTreeMap<String, u32>,
    /// Invariants of which some world met the premise.
    pub(crate) exercised: BTreeSet<String>,
    /// Worlds and rows of the shrunk failure.
    pub(crate) shrunk: Option<(u32, u32)>,
}

/// Plays a scenario with one seed after the other; its databases are set up once.
///
/// # Errors
/// When the server is lost, the baseline does not apply, or the user asked to stop.
pub(crate) async fn hunt(
    server: &Server,
    scenario: &Scenario,
    options: &VerifyOptions,
    wanted: Hunt<'_>,
    stop: &Stop,
) -> Result<Vec<Sighting>, VerifyError> {
    let hosts = Hosts::open(server, scenario).await?;
    let sightings = hunt_on(&hosts, scenario, options, wanted, stop).await;
    let closed = hosts.close().await;
    let sightings = sightings?;
    closed?;
    Ok(sightings)
}

async fn hunt_on(
    hosts: &Hosts<'_>,
    scenario: &Scenario,
    options: &VerifyOptions,
    wanted: Hunt<'_>,
    stop: &Stop,
) -> Result<Vec<Sighting>, VerifyError> {
    let stage = Stage::prepare(hosts, scenario).await?;
    let surveyed = survey::survey(&stage, scenario).await?;
    let scene = &surveyed.scene;
    let invariants = selected(options, scenario);
    let is_enough = |result: &CaseResult| {
        let is_named = |ids: &[String], i: usize| ids.iter().any(|id| id == invariants[i].spec().id);
        let fired = |j: &Option<Judgement>| j.as_ref().is_some_and(|j| !j.violations.is_empty());
        let mut judgements = result.judgements.iter().enumerate();
        let mut remarks = result.remarks.iter().enumerate();
        judgements.any(|(i, j)| fired(j) && is_named(wanted.until, i))
            || remarks.any(|(i, r)| !r.is_empty() && is_named(wanted.until_told, i))
    };
    let mut sightings: Vec<Sighting> = Vec::new();
    for seed in 0..wanted.seeds {
        let options = VerifyOptions { seed: options.seed + u64::from(seed), ..options.clone() };
        let results =
            worker::play_until(&stage, scene, &invariants, &options, stop, &|_| (), &is_enough).await?;
        if stop.asked() {
            return Err(VerifyError::Interrupted(None));
        }
        let mut sighting = sighting(&invariants, &results);
        let untried = wanted.shrink_first && sightings.iter().all(|s| s.shrunk.is_none());
        if untried && !sighting.first.is_empty() {
            let mut tally = aggregate::tally(scene, &invariants, results);
            // The first defect of the invariants that are looked for; what else there is, is not shrunk.
            let mut found = false;
            for (check, invariant) in tally.checks.iter_mut().zip(&invariants) {
                let is_wanted = !found && wanted.until.iter().any(|id| id == invariant.spec().id);
                check.defects.truncate(usize::from(is_wanted));
                found |= !check.defects.is_empty();
            }
            let shrunk =
                shrink::shrink_all(&stage, scene, &invariants, &tally, &options, stop, &|_| ()).await?;
            sighting.shrunk = shrunk.iter().flatten().find_map(size);
        }
        sightings.push(sighting);
    }
    Ok(sightings)
}

fn size(shrunk: &Shrunk) -> Option<(u32, u32)> {
    match shrunk {
        Shrunk::Confirmed(confirmed) => {
            Some((confirmed.counterexample.tenants, confirmed.counterexample.rows))
        }
        _ => None,
    }
}

fn sighting(invariants: &[Box<dyn Invariant>], results: &[CaseResult]) -> Sighting {
    let mut sighting = Sighting::default();
    for result in results {
        for (invariant, _) in invariants.iter().zip(&result.remarks).filter(|(_, told)| !told.is_empty()) {
            sighting.told.entry(invariant.spec().id.to_owned()).or_insert(result.index);
        }
        for (invariant, judgement) in invariants.iter().zip(&result.judgements) {
            let Some(judgement) = judgement else { continue };
            let id = invariant.spec().id;
            if !judgement.violations.is_empty() {
                sighting.first.entry(id.to_owned()).or_insert(result.index);
            }
            if !judgement.exercised.is_empty() || !judgement.violations.is_empty() {
                sighting.exercised.insert(id.to_owned());
            }
        }
    }
    sighting
}
