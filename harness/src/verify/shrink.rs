//! From the first case that showed a defect to the smallest data that shows it.

use watertight_generators::{Dataset, ShrinkLimits, Shrinker};
use watertight_reports::Counterexample;
use watertight_scenarios::scenario::Checkpoint;

use super::aggregate::{Defect, Tally};
use super::counterexample::counterexample;
use super::data::{Trial, case_data};
use super::lab::{Lab, Origin, Tried, lost};
use super::{Event, Listener, Stop, VerifyError, VerifyOptions};
use crate::db::stage::Stage;
use crate::explore::{Excursion, Scene, transcript};
use crate::invariants::{Invariant, Violation, ViolationKey};

/// Data sets tried for one defect. A number and no time: the same seed gives the same data on a slow machine.
const ATTEMPTS_MAX: u32 = 600;

/// What became of a defect when it was tried again.
pub(super) enum Shrunk {
    /// It showed again.
    Confirmed(Box<Confirmed>),
    /// It did not show again on the same data: what was seen then.
    Flaky(Vec<String>),
    /// The run was stopped before it was tried again.
    Untried,
}

/// The smallest case that shows a defect.
pub(super) struct Confirmed {
    pub(super) counterexample: Counterexample,
    /// As it shows there.
    pub(super) violation: Violation,
    pub(super) data: Dataset,
    pub(super) transcript: Vec<String>,
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
            let mut shrinking = Shrinking {
                lab: Lab::new(stage, scene),
                scene,
                invariant: invariant.as_ref(),
                key: &defect.key,
                origin: Origin { index: defect.case, seed: defect.seed },
                reach: Reach::Short,
            };
            let result = shrinking.shrink(defect, options).await;
            shrinking.lab.clear().await?;
            shrunk.push(result?);
        }
        all.push(shrunk);
    }
    Ok(all)
}

/// How far the timeline is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// As far as the defect's step and the excursions that are asked for.
    Short,
    /// To its end: what is seen at the defect's step does not show it.
    Whole,
}

struct Shrinking<'a> {
    lab: Lab<'a>,
    scene: &'a Scene,
    invariant: &'a dyn Invariant,
    key: &'a ViolationKey,
    origin: Origin,
    reach: Reach,
}

/// Whether data shows the defect.
enum Shown {
    Yes(Box<Violation>, Tried),
    /// What was seen instead, if the server took the data.
    No(Option<Tried>),
}

impl Shrinking<'_> {
    async fn shrink(&mut self, defect: &Defect, options: &VerifyOptions) -> Result<Shrunk, VerifyError> {
        let whole = match &defect.data {
            Some(data) => data.clone(),
            None => {
                let runner = self.lab.runner().await?;
                let made = case_data(runner, self.scene, options, defect.case, Trial::Tried).await;
                made.map_err(|e| lost(&e))?.0.data
            }
        };
        let start = match self.start(&whole, &defect.violation).await? {
            Ok(start) => start,
            Err(seen) => return Ok(Shrunk::Flaky(seen)),
        };
        let mut shrinker =
            Shrinker::new(&self.scene.plan, start, ShrinkLimits { attempts_max: ATTEMPTS_MAX });
        let mut more = shrinker.simplify();
        while more {
            more = match self.shows(shrinker.current()).await? {
                Shown::Yes(..) => shrinker.simplify(),
                Shown::No(_) => shrinker.complicate(),
            };
        }
        let smallest = shrinker.current().clone();
        let (violation, tried) = match self.shows(&smallest).await? {
            Shown::Yes(violation, tried) => (*violation, tried),
            Shown::No(tried) => {
                return Ok(Shrunk::Flaky(self.told(tried.as_ref(), &defect.violation.witness)));
            }
        };
        let record = self.lab.record(&tried.case, violation.witness.clone()).await?;
        let mut found = counterexample(self.scene, &smallest, &violation, record);
        found.seed = defect.seed;
        found.capped = shrinker.capped();
        let transcript = self.told(Some(&tried), &violation.witness);
        Ok(Shrunk::Confirmed(Box::new(Confirmed {
            counterexample: found,
            violation,
            data: smallest,
            transcript,
        })))
    }

    /// Data to start from that shows the defect: the worlds that showed it, if they do so by themselves, else all.
    /// What was seen, where it does not show again.
    async fn start(
        &mut self,
        whole: &Dataset,
        violation: &Violation,
    ) -> Result<Result<Dataset, Vec<String>>, VerifyError> {
        let worlds: Vec<_> = violation.worlds.iter().copied().collect();
        let narrowed = whole.with_worlds(&worlds);
        for reach in [Reach::Short, Reach::Whole] {
            self.reach = reach;
            let fewer = !worlds.is_empty() && narrowed.row_count() < whole.row_count();
            if fewer && matches!(self.shows(&narrowed).await?, Shown::Yes(..)) {
                return Ok(Ok(narrowed));
            }
            match self.shows(whole).await? {
                Shown::Yes(..) => return Ok(Ok(whole.clone())),
                Shown::No(tried) if reach == Reach::Whole => {
                    return Ok(Err(self.told(tried.as_ref(), &violation.witness)));
                }
                Shown::No(_) => {}
            }
        }
        Ok(Err(Vec::new()))
    }

    fn told(&self, tried: Option<&Tried>, witness: &Excursion) -> Vec<String> {
        tried.map(|t| transcript(self.scene, &t.case, &t.seen, witness)).unwrap_or_default()
    }

    async fn shows(&mut self, data: &Dataset) -> Result<Shown, VerifyError> {
        let case = self.lab.case(self.origin, data);
        let asked = self.invariant.plan_for(self.scene, &case, self.key);
        let until = match (self.reach, self.key.step) {
            (Reach::Short, Some(step)) => {
                let asked = asked.iter().map(|e| e.from).max().unwrap_or_default();
                Some(Checkpoint(asked.0.max(step.after().0)))
            }
            _ => None,
        };
        // Data that the server does not take shows nothing.
        let Ok(tried) = self.lab.play(case, asked, until).await? else { return Ok(Shown::No(None)) };
        let judgement = self.invariant.judge(self.scene, &tried.case, &tried.seen);
        Ok(match judgement.violations.into_iter().find(|v| v.key == *self.key) {
            Some(violation) => Shown::Yes(Box::new(violation), tried),
            None => Shown::No(Some(tried)),
        })
    }
}
