//! Plays the cases: one worker a core, each on databases of its own, results in the order of the cases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use watertight_generators::Skipped;
use watertight_scenarios::scenario::Checkpoint;

use super::data::{Trial, case_data};
use super::footprint::{Footprint, footprint};
use super::measure::{self, Measured, measure};
use super::{Event, Listener, Stop, VerifyError, VerifyOptions};
use crate::db::session::Failure;
use crate::db::stage::{Stage, StageError};
use crate::explore::tree::Tree;
use crate::explore::{Apart, CaseData, Excursion, Observations, Place, Runner, Scene, transcript};
use crate::invariants::{Invariant, Judgement, Remark, Remarks, ViolationKey, contents};

/// Cases after which a worker's databases are renewed. Rolled-back DDL bloats the catalogs: each case takes half a percent
/// longer than the one before, and new databases cost about as much as one case.
pub const CASES_PER_DATABASE: u32 = 24;

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
    /// Of each invariant, in their order.
    pub(super) remarks: Vec<Vec<Remark>>,
    pub(super) measured: Measured,
    pub(super) skipped: Vec<Skipped>,
    /// Shapes of the small scope that its data has.
    pub(super) shapes: Vec<usize>,
    /// What was seen of each violation, for the case that shows it first.
    pub(super) transcripts: BTreeMap<(usize, ViolationKey), Vec<String>>,
    /// The case decides nothing: its session was lost, and again when it was played once more.
    pub(super) lost: Option<Loss>,
    /// Everything that was seen of it, where that was asked for.
    pub(super) footprint: Option<Footprint>,
}

/// How long cases are played, and what is kept of them.
pub(super) struct Until<'a> {
    /// No further case is begun after one that is enough.
    pub(super) is_enough: &'a (dyn Fn(&CaseResult) -> bool + Sync),
    /// Whether footprints are kept.
    pub(super) footprints: bool,
}

/// Where and why a case was lost, twice.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    pub(super) place: Place,
    pub(super) why: Failure,
}

/// Trees of all excursions, by checkpoint.
pub(super) fn trees<'a>(scene: &Scene, excursions: impl IntoIterator<Item = &'a Excursion>) -> Vec<Tree> {
    let mut trees = vec![Tree::default(); scene.schemas.len()];
    let mut known: BTreeSet<&Excursion> = BTreeSet::new();
    for excursion in excursions {
        if excursion.from.0 < trees.len() && known.insert(excursion) {
            trees[excursion.from.0].add(&excursion.acts);
        }
    }
    trees
}

/// What each invariant asks of a case; `None` where it does not apply.
type Asked = Vec<Option<Vec<Excursion>>>;

fn asked(scene: &Scene, invariants: &[Box<dyn Invariant>], case: &CaseData) -> Asked {
    let each = invariants.iter();
    each.map(|i| i.applies(scene).is_ok().then(|| i.plan(scene, case))).collect()
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
    play_until(stage, scene, invariants, options, stop, listen, &|_| false).await
}

/// The same, but no further case is begun after one that is enough. Every case before that one is among the results.
pub(super) async fn play_until(
    stage: &Stage<'_>,
    scene: &Scene,
    invariants: &[Box<dyn Invariant>],
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
    is_enough: &(dyn Fn(&CaseResult) -> bool + Sync),
) -> Result<Vec<CaseResult>, VerifyError> {
    let until = Until { is_enough, footprints: false };
    play_keeping(stage, scene, invariants, options, stop, listen, &until).await
}

/// The same, with what is asked for kept of each case.
pub(super) async fn play_keeping(
    stage: &Stage<'_>,
    scene: &Scene,
    invariants: &[Box<dyn Invariant>],
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
    until: &Until<'_>,
) -> Result<Vec<CaseResult>, VerifyError> {
    let next = AtomicU32::new(0);
    let results: Mutex<Vec<CaseResult>> = Mutex::new(Vec::new());
    let workers = options.jobs.clamp(1, options.cases.max(1) as usize);
    let refusing = AtomicBool::new(!scene.plan.unproven().is_empty());
    let job = Job {
        stage,
        scene,
        invariants,
        options,
        stop,
        listen,
        next: &next,
        results: &results,
        refusing: &refusing,
        until,
    };
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
    /// The server refuses data that the generator makes, or may do so: data is tried before it is used.
    refusing: &'a AtomicBool,
    until: &'a Until<'a>,
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
            let (result, lost) = match self.number(runner, index).await {
                Ok(result) => (result, false),
                Err(first) => (self.again(index, &first).await?, true),
            };
            if (self.until.is_enough)(&result) {
                self.stop_others();
            }
            self.results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
            (self.listen)(Event::Case);
            if lost {
                return Ok(true); // these databases are gone, or in doubt
            }
        }
        Ok(true)
    }

    /// The case of that number: its data made, tried where need be, and played.
    async fn number(&self, runner: &mut Runner<'_>, index: u32) -> Result<CaseResult, Loss> {
        let trial = if self.refusing.load(Ordering::Relaxed) { Trial::Tried } else { Trial::Trusted };
        match self.number_on_trial(runner, index, trial).await {
            Err(Loss { why: Failure::Unloadable { .. }, .. }) if trial == Trial::Trusted => {
                self.refusing.store(true, Ordering::Relaxed);
                self.number_on_trial(runner, index, Trial::Tried).await
            }
            played => played,
        }
    }

    async fn number_on_trial(
        &self,
        runner: &mut Runner<'_>,
        index: u32,
        trial: Trial,
    ) -> Result<CaseResult, Loss> {
        let made = case_data(runner, self.scene, self.options, index, trial).await;
        let (case, skipped) = made.map_err(|why| Loss { place: Place::Load, why })?;
        let mut result = self.play(runner, &case).await?;
        result.skipped = skipped;
        Ok(result)
    }

    /// A case that lost its session is played once more, on new databases. If the server is well and the session is
    /// lost again, the case says so: it decides nothing.
    async fn again(&self, index: u32, first: &Loss) -> Result<CaseResult, VerifyError> {
        let mut runner = Runner::open(self.scene, self.stage).await?;
        let second = self.number(&mut runner, index).await;
        let _ = runner.close().await; // the server is asked below
        match second {
            Ok(result) => Ok(result),
            Err(second) if self.is_well(&second).await => Ok(CaseResult {
                index,
                seed: 0,
                worlds: 0,
                rows: 0,
                judgements: Vec::new(),
                remarks: Vec::new(),
                measured: Measured::default(),
                skipped: Vec::new(),
                shapes: Vec::new(),
                transcripts: BTreeMap::new(),
                lost: Some(second),
                footprint: None,
            }),
            Err(second) => {
                Err(VerifyError::Lost(format!("case {index}: {}; and again: {}", first.why, second.why)))
            }
        }
    }

    /// Whether the server can play other cases after that loss.
    async fn is_well(&self, loss: &Loss) -> bool {
        !matches!(loss.why, Failure::Exhausted(_)) && self.stage.is_alive().await
    }

    fn wanted(&self, asked: &Asked, case: &CaseData) -> Vec<Tree> {
        let scene = self.scene;
        let remarks = self.remarkers().flatten().flat_map(|r| (r.plan)(scene, case));
        let measured = measure::plan(scene, case);
        let besides: Vec<Excursion> =
            scene.checkpoints().map(contents).chain(measured).chain(remarks).collect();
        trees(scene, asked.iter().flatten().flatten().chain(&besides))
    }

    /// What each invariant remarks on. Where only answers are compared, nobody reads remarks.
    fn remarkers(&self) -> impl Iterator<Item = Option<&'static Remarks>> {
        let are_read = !self.until.footprints;
        self.invariants.iter().map(move |i| i.remarks().filter(|_| are_read))
    }

    fn remarks(&self, case: &CaseData, seen: &Observations) -> Vec<Vec<Remark>> {
        let told = |r: Option<&Remarks>| r.map(|r| (r.tell)(self.scene, case, seen)).unwrap_or_default();
        self.remarkers().map(told).collect()
    }

    async fn play(&self, runner: &mut Runner<'_>, case: &CaseData) -> Result<CaseResult, Loss> {
        let asked = asked(self.scene, self.invariants, case);
        let trees = self.wanted(&asked, case);
        if self.scene.needs_commits() {
            return self.play_committed(case, &asked, trees).await;
        }
        let seen = runner.play(case, trees.clone()).await;
        let mut seen = seen.map_err(|why| Loss { place: runner.place(), why })?;
        let unheld: Vec<Tree> = trees.iter().map(|t| t.unheld(self.scene)).collect();
        if unheld.iter().any(|t| !t.is_empty()) {
            let elsewhere = self.committed(case, unheld, Apart::OnClones).await?;
            for (tree, played) in seen.trees.iter_mut().zip(elsewhere.trees) {
                tree.take_over(played);
            }
        }
        let mut result = self.result(case, &asked, seen);
        if case.index % COMMITTED_EVERY == COMMITTED_AT {
            let committed = self.play_committed(case, &asked, trees).await?;
            compare(&mut result, &committed);
        }
        Ok(result)
    }

    /// The case with every step committed, on databases of its own.
    async fn play_committed(
        &self,
        case: &CaseData,
        asked: &Asked,
        trees: Vec<Tree>,
    ) -> Result<CaseResult, Loss> {
        let apart = if case.index < CLONES_FIRST || case.index.is_multiple_of(CLONES_EVERY) {
            Apart::OnClones
        } else {
            Apart::LeftOut
        };
        let seen = self.committed(case, trees, apart).await?;
        Ok(self.result(case, asked, seen))
    }

    async fn committed(&self, case: &CaseData, trees: Vec<Tree>, apart: Apart) -> Result<Observations, Loss> {
        let lost = |e: StageError| Loss { place: Place::Load, why: Failure::Lost(e.to_string()) };
        let mut runner = Runner::open(self.scene, self.stage).await.map_err(lost)?;
        let seen = runner.play_committed(case, trees, apart).await;
        let place = runner.place();
        runner.close().await.map_err(lost)?;
        seen.map_err(|why| Loss { place, why })
    }

    fn result(&self, case: &CaseData, asked: &Asked, mut seen: Observations) -> CaseResult {
        let mut judgements: Vec<Option<Judgement>> = Vec::new();
        for (invariant, asked) in self.invariants.iter().zip(asked) {
            judgements.push(asked.as_ref().map(|asked| {
                seen.show_only(trees(self.scene, asked));
                invariant.judge(self.scene, case, &seen)
            }));
        }
        seen.show_all();
        let mut transcripts = BTreeMap::new();
        for (i, violation) in judgements.iter().enumerate().flat_map(|(i, j)| {
            let violations = j.iter().flat_map(|j| &j.violations);
            violations.map(move |v| (i, v))
        }) {
            let lines = transcript(self.scene, case, &seen, &violation.witness);
            transcripts.insert((i, violation.key.clone()), lines);
        }
        CaseResult {
            index: case.index,
            seed: case.seed,
            worlds: seen.alive(Checkpoint(0)).len(),
            rows: case.data.row_count(),
            judgements,
            remarks: self.remarks(case, &seen),
            measured: measure(self.scene, case, &seen),
            skipped: Vec::new(),
            shapes: self.scene.scope.reached(&self.scene.plan, &case.data),
            transcripts,
            lost: None,
            footprint: self.until.footprints.then(|| footprint(self.scene, &seen)),
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
