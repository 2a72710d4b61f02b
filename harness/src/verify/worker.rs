//! Plays the cases: one worker a core, each on databases of its own, results in the order of the cases.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use watertight_scenarios::scenario::Checkpoint;

use super::measure::{Measured, measure};
use super::{Event, Listener, Stop, VerifyError, VerifyOptions};
use crate::db::session::Failure;
use crate::db::stage::Stage;
use crate::explore::tree::Tree;
use crate::explore::{CaseData, Excursion, Observations, Runner, Scene};
use crate::invariants::{Invariant, Judgement, contents};

/// Cases after which a worker's databases are renewed: rolled-back DDL bloats the catalogs.
const CASES_PER_DATABASE: u32 = 100;

/// Every n-th case is asked the questions that hardly depend on data.
const DEEP_EVERY: u32 = 8;
/// The systematic small cases at the beginning are all asked them.
const DEEP_FIRST: u32 = 16;

/// What one case gave.
pub(super) struct CaseResult {
    pub(super) index: u32,
    pub(super) seed: u64,
    pub(super) worlds: usize,
    pub(super) rows: usize,
    /// In the order of the invariants; `None` where one does not apply.
    pub(super) judgements: Vec<Option<Judgement>>,
    pub(super) measured: Measured,
}

/// The data of a case: the same for the same scenario, seed and number.
pub(super) fn case_data(scene: &Scene, options: &VerifyOptions, index: u32) -> CaseData {
    let seed = case_seed(options.seed, index);
    let spec = scene.plan.case_spec(index, options.cases);
    let data = scene.plan.generate(seed, &spec);
    let deep = index < DEEP_FIRST || index.is_multiple_of(DEEP_EVERY);
    CaseData::new(scene, index, seed, deep, data)
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
    trees(scene, checkpoints.chain(asked))
}

/// Plays every case and judges it.
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
    if stop.asked() {
        return Err(VerifyError::Interrupted);
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
            let (databases, sessions) = self.stage.open().await?;
            let mut runner = Runner::new(self.scene, self.stage.names(), sessions);
            let more = self.work_on(&mut runner).await;
            runner.close().await;
            self.stage.drop_databases(&databases).await?;
            if !more? {
                return Ok(());
            }
        }
    }

    /// Plays cases on one set of databases; `false` when there are none left.
    async fn work_on(&self, runner: &mut Runner<'_>) -> Result<bool, VerifyError> {
        for _ in 0..CASES_PER_DATABASE {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.options.cases || self.stop.asked() {
                return Ok(false);
            }
            let case = case_data(self.scene, self.options, index);
            let result = match self.play(runner, &case).await {
                Ok(result) => result,
                Err(first) => self.again(&case, &first).await?,
            };
            self.results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
            (self.listen)(Event::Case);
        }
        Ok(true)
    }

    /// A case that lost its session is played once more, on new databases.
    async fn again(&self, case: &CaseData, first: &Failure) -> Result<CaseResult, VerifyError> {
        let (databases, sessions) = self.stage.open().await?;
        let mut runner = Runner::new(self.scene, self.stage.names(), sessions);
        let second = self.play(&mut runner, case).await;
        runner.close().await;
        self.stage.drop_databases(&databases).await?;
        second.map_err(|second| VerifyError::Lost(format!("case {}: {first}; and again: {second}", case.index)))
    }

    async fn play(&self, runner: &mut Runner<'_>, case: &CaseData) -> Result<CaseResult, Failure> {
        let seen = runner.play(case, wanted(self.scene, self.invariants, case)).await?;
        Ok(self.result(case, &seen))
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
        }
    }
}
