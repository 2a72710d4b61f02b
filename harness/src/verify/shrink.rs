//! From the first case that showed a defect to the smallest data that shows it.

use std::time::{Duration, Instant};

use watertight_generators::{Dataset, ShrinkLimits, Shrinker};
use watertight_reports::Counterexample;

use super::aggregate::{Defect, Tally};
use super::counterexample::counterexample;
use super::data::{Trial, case_data};
use super::worker::trees;
use super::{Event, Listener, Stop, VerifyError, VerifyOptions};
use crate::db::session::Failure;
use crate::db::stage::Stage;
use crate::explore::{Apart, CaseData, Record, Runner, Scene};
use crate::invariants::{Invariant, Violation, ViolationKey};

/// Data sets tried for one defect.
const ATTEMPTS_MAX: u32 = 600;

/// Longest time for one defect.
const TIME_MAX: Duration = Duration::from_secs(40);

/// Attempts after which the databases are renewed.
const ATTEMPTS_PER_DATABASE: u32 = 150;

/// What became of a defect when it was tried again.
pub(super) enum Shrunk {
    /// The smallest case that shows it, with the violation as it shows there.
    Confirmed(Box<(Counterexample, Violation)>),
    /// It did not show again on the same data.
    Flaky,
    /// The run was stopped before it was tried again.
    Untried,
}

/// One entry a defect, in the order of the tally's checks and their defects.
pub(super) type Counterexamples = Vec<Vec<Shrunk>>;

/// Shrinks every defect of the tally, until the user asks to stop.
pub(super) async fn shrink_all(
    stage: &Stage<'_>,
    scene: &Scene,
    invariants: &[Box<dyn Invariant>],
    tally: &Tally,
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Counterexamples, VerifyError> {
    let mut all = Vec::new();
    for (check, invariant) in tally.checks.iter().zip(invariants) {
        let mut shrunk = Vec::new();
        for defect in &check.defects {
            if stop.asked() {
                shrunk.push(Shrunk::Untried);
                continue;
            }
            listen(Event::Shrinking { title: &defect.violation.title });
            shrunk.push(shrink_one(stage, scene, invariant.as_ref(), defect, options).await?);
        }
        all.push(shrunk);
    }
    Ok(all)
}

async fn shrink_one(
    stage: &Stage<'_>,
    scene: &Scene,
    invariant: &dyn Invariant,
    defect: &Defect,
    options: &VerifyOptions,
) -> Result<Shrunk, VerifyError> {
    let mut runner = Runner::open(scene, stage).await?;
    let original = case_data(&mut runner, scene, options, defect.case, Trial::Tried).await;
    let original = original.map_err(|e| lost(&e))?.0;
    let bench = Some(Bench { runner, used: 0 });
    let mut lab = Lab { stage, scene, invariant, key: &defect.key, original, bench };
    let result = lab.shrink(defect).await;
    lab.clear().await?;
    result
}

/// Where data sets are tried.
struct Lab<'a> {
    stage: &'a Stage<'a>,
    scene: &'a Scene,
    invariant: &'a dyn Invariant,
    key: &'a ViolationKey,
    original: CaseData,
    bench: Option<Bench<'a>>,
}

struct Bench<'a> {
    runner: Runner<'a>,
    used: u32,
}

impl<'a> Lab<'a> {
    async fn shrink(&mut self, defect: &Defect) -> Result<Shrunk, VerifyError> {
        let whole = self.original.data.clone();
        // The worlds that showed it are where to start from, if they show it by themselves.
        let worlds: Vec<_> = defect.violation.worlds.iter().copied().collect();
        let mut start = whole.clone();
        let narrowed = whole.with_worlds(&worlds);
        if !worlds.is_empty()
            && narrowed.row_count() < whole.row_count()
            && self.shows(&narrowed).await?.is_some()
        {
            start = narrowed;
        } else if self.shows(&whole).await?.is_none() {
            return Ok(Shrunk::Flaky);
        }
        let limits = ShrinkLimits { attempts_max: ATTEMPTS_MAX };
        let mut shrinker = Shrinker::new(&self.scene.plan, start, limits);
        let clock = Instant::now();
        let mut late = false;
        let mut more = shrinker.simplify();
        while more {
            late = clock.elapsed() > TIME_MAX;
            if late {
                shrinker.complicate(); // the candidate at hand was not tried
                break;
            }
            more = if self.shows(shrinker.current()).await?.is_some() {
                shrinker.simplify()
            } else {
                shrinker.complicate()
            };
        }
        let smallest = shrinker.current().clone();
        let Some(violation) = self.shows(&smallest).await? else { return Ok(Shrunk::Flaky) };
        let record = self.record(&smallest, &violation).await?;
        let mut found = counterexample(self.scene, &smallest, &violation, record);
        found.seed = defect.seed;
        found.capped = match late {
            true => Some(format!("stopped after {} s", TIME_MAX.as_secs())),
            false => shrinker.capped(),
        };
        Ok(Shrunk::Confirmed(Box::new((found, violation))))
    }

    fn case(&self, data: &Dataset) -> CaseData {
        CaseData::new(self.scene, self.original.index, self.original.seed, true, data.clone())
    }

    /// The violation, if this data shows it.
    async fn shows(&mut self, data: &Dataset) -> Result<Option<Violation>, VerifyError> {
        let case = self.case(data);
        let trees = trees(self.scene, self.invariant.plan_for(self.scene, &case, self.key));
        let mut tries = 0;
        let seen = loop {
            let commits = self.scene.needs_commits();
            let bench = self.bench().await?;
            let played = if commits {
                bench.runner.play_committed(&case, trees.clone(), Apart::OnClones).await
            } else {
                bench.runner.play(&case, trees.clone()).await
            };
            if commits {
                self.clear().await?; // used up
            }
            match played {
                Ok(seen) => break seen,
                // Data that the server does not take shows nothing.
                Err(Failure::Unloadable { .. }) => return Ok(None),
                Err(failure) if tries > 0 => return Err(lost(&failure)),
                Err(_) => {
                    tries += 1;
                    self.clear().await?;
                }
            }
        };
        let judgement = self.invariant.judge(self.scene, &case, &seen);
        Ok(judgement.violations.into_iter().find(|v| v.key == *self.key))
    }

    /// Plays the smallest case once more and keeps every statement up to the end of the witness.
    async fn record(&mut self, data: &Dataset, violation: &Violation) -> Result<Record, VerifyError> {
        let case = self.case(data);
        let trees = trees(self.scene, [violation.witness.clone()]);
        let commits = self.scene.needs_commits();
        let bench = self.bench().await?;
        bench.runner.start_recording();
        let played = if commits {
            bench.runner.play_committed(&case, trees, Apart::OnClones).await
        } else {
            bench.runner.play(&case, trees).await
        };
        played.map_err(|e| lost(&e))?;
        let record = bench.runner.recorded();
        if commits {
            self.clear().await?;
        }
        Ok(record)
    }

    async fn bench(&mut self) -> Result<&mut Bench<'a>, VerifyError> {
        if self.bench.as_ref().is_some_and(|b| b.used >= ATTEMPTS_PER_DATABASE) {
            self.clear().await?;
        }
        let bench = match self.bench.take() {
            Some(bench) => bench,
            None => Bench { runner: Runner::open(self.scene, self.stage).await?, used: 0 },
        };
        let bench = self.bench.insert(bench);
        bench.used += 1;
        Ok(bench)
    }

    async fn clear(&mut self) -> Result<(), VerifyError> {
        if let Some(bench) = self.bench.take() {
            bench.runner.close().await?;
        }
        Ok(())
    }
}

fn lost(failure: &Failure) -> VerifyError {
    VerifyError::Lost(failure.to_string())
}
