//! What a verifier is worth: how many of the seeded faults of a corpus it finds, how soon and how small, and how often
//! it raises a false alarm on what is sound.

mod corpus;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;
use watertight_scenarios::Scenario;

pub use corpus::{Corpus, CorpusError, Fault, SHEET, Sheet, Smallest};
pub use table::{insert, render};

use crate::provider::Server;
use crate::verify::{Hunt, Sighting, Stop, VerifyError, VerifyOptions, hunt};

/// How a corpus is scored.
#[derive(Clone, Debug)]
pub struct ScoreOptions {
    /// Seeds from 1 on, each a run of its own.
    pub seeds: u32,
    /// Cases that a run may take to find a fault.
    pub cases: u32,
    /// The same over a sound scenario.
    pub sound_seeds: u32,
    /// Cases of a run over a sound scenario.
    pub sound_cases: u32,
    /// Workers.
    pub jobs: usize,
}

/// What became of a corpus.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// Seeds for each fault.
    pub seeds: u32,
    /// Cases that a run could take.
    pub cases: u32,
    /// Each fault, in the corpus's order.
    pub faults: Vec<FaultScore>,
    /// Each sound scenario, in the corpus's order.
    pub sound: Vec<SoundScore>,
}

/// What became of one fault.
#[derive(Clone, Debug, Serialize)]
pub struct FaultScore {
    /// The scenario's id.
    pub id: String,
    /// Its class.
    pub category: String,
    /// Seeds in which an invariant that must fire was exercised: the object was probed.
    pub reached: u32,
    /// Seeds in which any invariant fired or made a remark that it must make: the fault took effect.
    pub triggered: u32,
    /// Seeds in which an invariant fired that must, or made a remark that it must make.
    pub detected: u32,
    /// Invariants that fired and are not on the fault's sheet.
    pub unexpected: BTreeSet<String>,
    /// Cases to the first failure, over the seeds that detected it.
    pub cases_median: Option<u32>,
    /// The same, 95th percentile.
    pub cases_p95: Option<u32>,
    /// Cases to the first failure of each seed that detected it, in rising order.
    pub firsts: Vec<u32>,
    /// Size to which the first seed's failure was shrunk.
    pub shrunk: Option<Smallest>,
    /// The smallest size that is known.
    pub smallest: Option<Smallest>,
    /// Time for all seeds.
    pub seconds: f64,
}

/// What became of one sound scenario.
#[derive(Clone, Debug, Serialize)]
pub struct SoundScore {
    /// The scenario's id.
    pub id: String,
    /// Runs over it.
    pub runs: u32,
    /// Cases of all runs.
    pub cases: u64,
    /// False alarms: in how many runs each invariant fired.
    pub alarms: BTreeMap<String, u32>,
    /// Time for all runs.
    pub seconds: f64,
}

impl Score {
    /// Whether every fault was detected in every seed, and nothing fired on what is sound.
    pub fn is_perfect(&self) -> bool {
        self.faults.iter().all(|f| f.detected == self.seeds) && self.sound.iter().all(|s| s.alarms.is_empty())
    }
}

/// What a listener hears: a scenario has been scored.
pub type Scored<'a> = &'a (dyn Fn(&str) + Sync);

/// Scores a corpus, several scenarios at a time: on a running server, and on others beside it where there are any to be had,
/// because roles belong to a whole server. Needs a multi-threaded runtime.
///
/// # Errors
/// When a server is lost, a scenario cannot be set up, or the user asked to stop.
pub async fn score(
    server: &Server,
    corpus: &Corpus,
    options: &ScoreOptions,
    stop: &Stop,
    scored: Scored<'_>,
) -> Result<Score, (String, VerifyError)> {
    let mut others = Vec::new();
    let wanted = options.jobs.min(corpus.faults.len() + corpus.sound.len());
    while others.len() + 1 < wanted {
        // Fewer than there could be are slower, and no less right.
        match server.another().await {
            Ok(Some(other)) => others.push(other),
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%error, "no further server to score on");
                break;
            }
        }
    }
    let servers: Vec<&Server> = std::iter::once(server).chain(&others).collect();
    let options = &ScoreOptions { jobs: (options.jobs / servers.len()).max(1), ..options.clone() };
    let shift = Shift {
        corpus,
        options,
        stop,
        scored,
        next: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        done: Mutex::new(Vec::new()),
    };
    shift.work(&servers);
    for other in others {
        if let Err(error) = other.stop().await {
            tracing::debug!(%error, "stopping a server that was scored on");
        }
    }
    let mut done = shift.done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(nth, _)| *nth);
    let mut score =
        Score { seeds: options.seeds, cases: options.cases, faults: Vec::new(), sound: Vec::new() };
    for (_, one) in done {
        match one? {
            One::Fault(fault) => score.faults.push(fault),
            One::Sound(sound) => score.sound.push(sound),
        }
    }
    Ok(score)
}

/// A scenario's score, or which one could not be scored, and why.
type Outcome = Result<One, (String, VerifyError)>;

/// What became of one scenario.
enum One {
    Fault(FaultScore),
    Sound(SoundScore),
}

/// The scenarios of a corpus in their order, faults first, being scored.
struct Shift<'a> {
    corpus: &'a Corpus,
    options: &'a ScoreOptions,
    stop: &'a Stop,
    scored: Scored<'a>,
    next: AtomicUsize,
    is_over: AtomicBool,
    done: Mutex<Vec<(usize, Outcome)>>,
}

impl Shift<'_> {
    /// Until there are none left, or one cannot be scored; a thread a server.
    fn work(&self, servers: &[&Server]) {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                for server in servers {
                    scope.spawn(|| runtime.block_on(self.work_on(server)));
                }
            });
        });
    }

    async fn work_on(&self, server: &Server) {
        while !self.is_over.load(Ordering::Relaxed) {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((id, one)) = self.one(server, nth).await else { break };
            match &one {
                Ok(_) => (self.scored)(id),
                Err(_) => self.is_over.store(true, Ordering::Relaxed),
            }
            let one = one.map_err(|error| (id.to_owned(), error));
            self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((nth, one));
        }
    }

    async fn one(&self, server: &Server, nth: usize) -> Option<(&str, Result<One, VerifyError>)> {
        let Corpus { faults, sound } = self.corpus;
        if let Some(fault) = faults.get(nth) {
            let scored = score_fault(server, fault, self.options, self.stop).await;
            return Some((&fault.scenario.id, scored.map(One::Fault)));
        }
        let scenario = sound.get(nth - faults.len())?;
        let scored = score_sound(server, scenario, self.options, self.stop).await;
        Some((&scenario.id, scored.map(One::Sound)))
    }
}

fn settings(options: &ScoreOptions, cases: u32, only: Vec<String>) -> VerifyOptions {
    VerifyOptions { cases, seed: 1, only, skip: Vec::new(), jobs: options.jobs }
}

async fn score_fault(
    server: &Server,
    fault: &Fault,
    options: &ScoreOptions,
    stop: &Stop,
) -> Result<FaultScore, VerifyError> {
    let clock = Instant::now();
    let Sheet { fires, remarks, may_fire, .. } = &fault.sheet;
    let known: Vec<String> = fires.iter().chain(remarks).chain(may_fire).cloned().collect();
    let wanted = Hunt { until: fires, until_told: remarks, seeds: options.seeds, shrink_first: true };
    let settings = settings(options, options.cases, known);
    let sightings = hunt(server, &fault.scenario, &settings, wanted, stop).await?;
    let mut score = FaultScore {
        id: fault.scenario.id.clone(),
        category: fault.sheet.category.clone(),
        reached: 0,
        triggered: 0,
        detected: 0,
        unexpected: BTreeSet::new(),
        cases_median: None,
        cases_p95: None,
        firsts: Vec::new(),
        shrunk: None,
        smallest: fault.sheet.smallest,
        seconds: 0.0,
    };
    let mut firsts = Vec::new();
    for sighting in &sightings {
        let fired = fires.iter().filter_map(|id| sighting.first.get(id));
        let first = fired.chain(remarks.iter().filter_map(|id| sighting.told.get(id))).min();
        let is_exercised = fires.iter().any(|id| sighting.exercised.contains(id));
        score.reached += u32::from(is_exercised || first.is_some());
        score.triggered += u32::from(!sighting.first.is_empty() || first.is_some());
        score.detected += u32::from(first.is_some());
        firsts.extend(first.map(|index| index + 1));
        score.unexpected.extend(unlisted(sighting, fault));
        score.shrunk = score.shrunk.or(sighting.shrunk.map(|(worlds, rows)| Smallest { worlds, rows }));
    }
    firsts.sort_unstable();
    score.cases_median = percentile(&firsts, 50);
    score.cases_p95 = percentile(&firsts, 95);
    score.firsts = firsts;
    score.seconds = clock.elapsed().as_secs_f64();
    Ok(score)
}

fn unlisted<'a>(sighting: &'a Sighting, fault: &'a Fault) -> impl Iterator<Item = String> + 'a {
    let listed = |id: &&String| !fault.sheet.fires.contains(id) && !fault.sheet.may_fire.contains(id);
    sighting.first.keys().filter(listed).cloned()
}

async fn score_sound(
    server: &Server,
    scenario: &Scenario,
    options: &ScoreOptions,
    stop: &Stop,
) -> Result<SoundScore, VerifyError> {
    let clock = Instant::now();
    let seeds = options.sound_seeds;
    let wanted = Hunt { until: &[], until_told: &[], seeds, shrink_first: false };
    let settings = settings(options, options.sound_cases, Vec::new());
    let sightings = hunt(server, scenario, &settings, wanted, stop).await?;
    let mut alarms = BTreeMap::new();
    for id in sightings.iter().flat_map(|s| s.first.keys()) {
        *alarms.entry(id.clone()).or_default() += 1;
    }
    Ok(SoundScore {
        id: scenario.id.clone(),
        runs: seeds,
        cases: u64::from(seeds) * u64::from(options.sound_cases),
        alarms,
        seconds: clock.elapsed().as_secs_f64(),
    })
}

/// The smallest value that so many per cent of the sorted values do not exceed.
fn percentile(sorted: &[u32], percent: usize) -> Option<u32> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 95), Some(7));
        assert_eq!(percentile(&[1, 2, 3, 4], 50), Some(2));
        let twenty: Vec<u32> = (1..=20).collect();
        assert_eq!((percentile(&twenty, 50), percentile(&twenty, 95)), (Some(10), Some(19)));
    }
}
