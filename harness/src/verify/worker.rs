//! Plays the cases: one worker a core, each on databases of its own, results in the order of the cases.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use watertight_generators::Skipped;
use watertight_scenarios::scenario::Checkpoint;

use super::measure::{self, Measured, measure};
use super::{Event, Listener, Stop, VerifyError, VerifyOptions};
use crate::db::session::Failure;
use crate::db::stage::Stage;
use crate::explore::tree::Tree;
use crate::explore::{Apart, CaseData, Excursion, Observations, Runner, Scene};
use crate::invariants::{Invariant, Judgement, ViolationKey, contents};

/// Cases after which a worker's databases are renewed: rolled-back DDL bloats the catalogs.
const CASES_PER_DATABASE: u32 = 100;

/// Every n-th case is asked the questions that hardly depend on data.
const DEEP_EVERY: u32 = 8;
/// The systematic small cases at the beginning are all asked them.
const DEEP_FIRST: u32 = 16;

/// Of a timeline that transactions can hold, one case in so many is played in both modes, and has to give the same.
const COMMITTED_EVERY: u32 = 32;
/// Which one of them: small, with two worlds.
const COMMITTED_AT: u32 = 5;

/// Of a timeline that they cannot hold, excursions that need a clone each are played in the first cases…
const CLONES_FIRST: u32 = 6;
/// … and in one of so many.
const CLONES_EVERY: u32 = 16;

/// What one case gave.
pub(super) struct CaseResult {
    pub(super) index: u32,
    pub(super) seed: u64,
    pub(super) worlds: usize,
    pub(super) rows: usize,
    /// In the order of the invariants; `None` where one does not apply.
    pub(super) judgements: Vec<Option<Judgement>>,
    pub(super) measured: Measured,
    pub(super) skipped: Vec<Skipped>,
}

/// The data of a case: the same for the same scenario, seed and number.
/// With it, the rows that could not be made.
pub(super) fn case_data(scene: &Scene, options: &VerifyOptions, index: u32) -> (CaseData, Vec<Skipped>) {
    let seed = case_seed(options.seed, index);
    let spec = scene.plan.case_spec(index, options.cases);
    let (data, skipped) = scene.plan.generate_noting(seed, &spec);
    let deep = index < DEEP_FIRST || index.is_multiple_of(DEEP_EVERY);
    (CaseData::new(scene, index, seed, deep, data), skipped)
}

/// SplitMix64 over seed and number: neighbouring cases get unrelated seeds.
fn case_seed(seed: u64, index: u32) -> u64 {
    let mut z = seed.wrapping_add(u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Trees of all excursions, by checkpoint.
pub(super) fn trees(scene: &Scene, excursions: impl IntoIterator<Item = Excursion>) -> Vec<Tree> {
    let mut trees = vec![Tree::default(); scene.schemas.len()];
    let mut known: BTreeSet<Excursion> = BTreeSet::new();
    for excursion in excursions {
        if excursion.from.0 < trees.len() && known.insert(excursion.clone()) {
            trees[excursion.from.0].add(&excursion.acts);
        }
    }
    trees
}

fn wanted(scene: &Scene, invariants: &[Box<dyn Invariant>], case: &CaseData) -> Vec<Tree> {
    let checkpoints = scene.checkpoints().map(contents);
    let asked = invariants.iter().filter(|i| i.applies(scene).is_ok()).flat_map(|i| i.plan(scene, case));
    trees(scene, checkpoints.chain(asked).chain(measure::plan(scene, case)))
}

/// Plays every case and judges it; those that were done when the user asked to stop.
pub(super) async fn play_all(
    stage: &Stage<'_>,
    scene: &Scene,
    invariants: &[Box<dyn Invariant>],
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Vec<CaseResult>, VerifyError> {
    let next = AtomicU32::new(0);
    let results: Mutex<Vec<CaseResult>> = Mutex::new(Vec::new());
    let workers = options.jobs.clamp(1, options.cases.max(1) as usize);
    let job = Job { stage, scene, invariants, options, stop, listen, next: &next, results: &results };
    // A worker is a thread with a runtime of its own, so that judging runs on every core.
    let ended: Vec<Result<(), VerifyError>> = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| job.work())).collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    });
    for end in ended {
        end?;
    }
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|r| r.index);
    Ok(results)
}

struct Job<'a> {
    stage: &'a Stage<'a>,
    scene: &'a Scene,
    invariants: &'a [Box<dyn Invariant>],
    options: &'a VerifyOptions,
    stop: &'a Stop,
    listen: Listener<'a>,
    next: &'a AtomicU32,
    results: &'a Mutex<Vec<CaseResult>>,
}

impl Job<'_> {
    fn work(&self) -> Result<(), VerifyError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| VerifyError::Lost(format!("no runtime for a worker: {e}")))?;
        let ended = runtime.block_on(self.work_async());
        if ended.is_err() {
            self.stop_others();
        }
        ended
    }

    /// A worker that cannot go on ends the run: the others take no further case.
    fn stop_others(&self) {
        self.next.store(self.options.cases, Ordering::Relaxed);
    }

    async fn work_async(&self) -> Result<(), VerifyError> {
        loop {
            let mut runner = Runner::open(self.scene, self.stage).await?;
            let more = self.work_on(&mut runner).await;
            let closed = runner.close().await;
            if !more? {
                return Ok(());
            }
            closed?;
        }
    }

    /// Plays cases on one set of databases; `false` when there are none left.
    async fn work_on(&self, runner: &mut Runner<'_>) -> Result<bool, VerifyError> {
        for _ in 0..CASES_PER_DATABASE {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.options.cases || self.stop.asked() {
                return Ok(false);
            }
            let (case, skipped) = case_data(self.scene, self.options, index);
            let (mut result, lost) = match self.play(runner, &case).await {
                Ok(result) => (result, false),
                Err(first) => (self.again(&case, &first).await?, true),
            };
            result.skipped = skipped;
            self.results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
            (self.listen)(Event::Case);
            if lost {
                return Ok(true); // these databases are gone, or in doubt
            }
        }
        Ok(true)
    }

    /// A case that lost its session is played once more, on new databases. If the server is well and the session is
    /// lost again, the case says so: it decides nothing.
    async fn again(&self, case: &CaseData, first: &Failure) -> Result<CaseResult, VerifyError> {
        let mut runner = Runner::open(self.scene, self.stage).await?;
        let second = self.play(&mut runner, case).await;
        let _ = runner.close().await; // the server is asked below
        match second {
            Ok(result) => Ok(result),
            Err(second) if !matches!(second, Failure::Exhausted(_)) && self.stage.is_alive().await => {
                let doubt = format!("case {} was lost: {second}", case.index);
                let judgement = Judgement { doubts: vec![doubt], ..Judgement::default() };
                Ok(CaseResult {
                    index: case.index,
                    seed: case.seed,
                    worlds: 0,
                    rows: 0,
                    judgements: self
                        .invariants
                        .iter()
                        .map(|i| i.applies(self.scene).is_ok().then(|| judgement.clone()))
                        .collect(),
                    measured: Measured::default(),
                    skipped: Vec::new(),
                })
            }
            Err(second) => {
                Err(VerifyError::Lost(format!("case {}: {first}; and again: {second}", case.index)))
            }
        }
    }

    async fn play(&self, runner: &mut Runner<'_>, case: &CaseData) -> Result<CaseResult, Failure> {
        let trees = wanted(self.scene, self.invariants, case);
        if self.scene.needs_commits() {
            return self.play_committed(case, trees).await;
        }
        let seen = runner.play(case, trees.clone()).await?;
        let mut result = self.result(case, &seen);
        if case.index % COMMITTED_EVERY == COMMITTED_AT {
            let committed = self.play_committed(case, trees).await?;
            compare(&mut result, &committed);
        }
        Ok(result)
    }

    /// The case with every step committed, on databases of its own.
    async fn play_committed(&self, case: &CaseData, trees: Vec<Tree>) -> Result<CaseResult, Failure> {
        let lost = |e: crate::db::stage::StageError| Failure::Lost(e.to_string());
        let mut runner = Runner::open(self.scene, self.stage).await.map_err(lost)?;
        let apart = if case.index < CLONES_FIRST || case.index.is_multiple_of(CLONES_EVERY) {
            Apart::OnClones
        } else {
            Apart::LeftOut
        };
        let seen = runner.play_committed(case, trees, apart).await;
        runner.close().await.map_err(lost)?;
        Ok(self.result(case, &seen?))
    }

    fn result(&self, case: &CaseData, seen: &Observations) -> CaseResult {
        CaseResult {
            index: case.index,
            seed: case.seed,
            worlds: seen.alive(Checkpoint(0)).len(),
            rows: case.data.row_count(),
            judgements: self
                .invariants
                .iter()
                .map(|i| i.applies(self.scene).is_ok().then(|| i.judge(self.scene, case, seen)))
                .collect(),
            measured: measure(self.scene, case, seen),
            skipped: Vec::new(),
        }
    }
}

/// Two modes have to find the same. Where they do not, the harness is at fault, and nothing is decided.
fn compare(result: &mut CaseResult, committed: &CaseResult) {
    let keys = |j: &Option<Judgement>| -> BTreeSet<ViolationKey> {
        j.iter().flat_map(|j| &j.violations).map(|v| v.key.clone()).collect()
    };
    for (mine, theirs) in result.judgements.iter_mut().zip(&committed.judgements) {
        let (held, apart) = (keys(mine), keys(theirs));
        let Some(judgement) = mine else { continue };
        for key in held.symmetric_difference(&apart) {
            let side = if held.contains(key) { "only inside a transaction" } else { "only with commits" };
            judgement.doubts.push(format!(
                "case {}: {} {} is seen {side}; the two modes must not differ",
                result.index, key.code, key.subject
            ));
        }
    }
}
