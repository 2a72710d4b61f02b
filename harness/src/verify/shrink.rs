//! From the first case that showed a defect to the smallest data that shows it.

use futures_util::{StreamExt as _, stream};
use watertight_generators::{Dataset, ShrinkLimits, Shrinker};
use watertight_reports::Counterexample;
use watertight_scenarios::scenario::Checkpoint;

use super::aggregate::{Defect, Tally};
use super::counterexample::counterexample;
use super::data::{Trial, case_data};
use super::lab::{Lab, Origin, Tried, lost};
use super::{Event, Listener, Stop, VerifyError, VerifyOptions};
use crate::db::stage::Stage;
use crate::explore::{Act, CaseData, Excursion, Scene, transcript};
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

/// Shrinks every defect of the tally, until the user asks to stop: as many at a time as there are workers, each on
/// databases of its own.
pub(super) async fn shrink_all(
    stage: &Stage<'_>,
    scene: &Scene,
    invariants: &[Box<dyn Invariant>],
    tally: &Tally,
    options: &VerifyOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Counterexamples, VerifyError> {
    let each = tally.checks.iter().zip(invariants).enumerate();
    let jobs = each.flat_map(|(check, (c, invariant))| c.defects.iter().map(move |d| (check, d, invariant)));
    let shrunk: Vec<(usize, Result<Shrunk, VerifyError>)> = stream::iter(jobs)
        .map(|(check, defect, invariant)| async move {
            if stop.asked() {
                return (check, Ok(Shrunk::Untried));
            }
            listen(Event::Shrinking { title: &defect.violation.title });
            let mut shrinking = Shrinking {
                lab: Lab::new(stage, scene),
                scene,
                invariant: invariant.as_ref(),
                key: &defect.key,
                origin: Origin { index: defect.case, seed: defect.seed },
                witness: &defect.violation.witness,
                reach: Reach::Whole,
            };
            let result = shrinking.shrink(defect, options).await;
            let cleared = shrinking.lab.clear().await;
            (check, result.and_then(|shrunk| cleared.map(|()| shrunk)))
        })
        .buffered(options.jobs.max(1))
        .collect()
        .await;
    let mut all: Counterexamples = tally.checks.iter().map(|_| Vec::new()).collect();
    for (check, result) in shrunk {
        all[check].push(result?);
    }
    Ok(all)
}

/// How much of the case is played: the less, the more data sets can be tried. The narrowest that shows the defect on
/// the data to start from is taken; the smallest data has to show it in the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// The timeline as far as the witness, with contents and with excursions that do what the witness does.
    Alike,
    /// The timeline as far as the witness, with every excursion that the invariant asks for.
    Short,
    /// Everything.
    Whole,
}

impl Reach {
    const ALL: [Self; 3] = [Self::Alike, Self::Short, Self::Whole];
}

struct Shrinking<'a> {
    lab: Lab<'a>,
    scene: &'a Scene,
    invariant: &'a dyn Invariant,
    key: &'a ViolationKey,
    origin: Origin,
    witness: &'a Excursion,
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
        let mut least = Reach::Alike;
        let (shrinker, violation, tried) = loop {
            let start = match self.start(&whole, &defect.violation, least).await? {
                Ok(start) => start,
                Err(seen) => return Ok(Shrunk::Flaky(seen)),
            };
            let narrow = self.reach;
            let shrinker = self.smallest(start).await?;
            self.reach = Reach::Whole;
            match self.shows(shrinker.current()).await? {
                Shown::Yes(violation, tried) => break (shrinker, *violation, tried),
                Shown::No(tried) if narrow == Reach::Whole => {
                    return Ok(Shrunk::Flaky(self.told(tried.as_ref(), self.witness)));
                }
                // Less than the whole misled: once more with all of it.
                Shown::No(_) => least = Reach::Whole,
            }
        };
        let smallest = shrinker.current().clone();
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

    async fn smallest(&mut self, start: Dataset) -> Result<Shrinker, VerifyError> {
        let mut shrinker =
            Shrinker::new(&self.scene.plan, start, ShrinkLimits { attempts_max: ATTEMPTS_MAX });
        let mut more = shrinker.simplify();
        while more {
            more = match self.shows(shrinker.current()).await? {
                Shown::Yes(..) => shrinker.simplify(),
                Shown::No(_) => shrinker.complicate(),
            };
        }
        Ok(shrinker)
    }

    /// Data to start from that shows the defect: the worlds that showed it, if they do so by themselves, else all.
    /// What was seen, where it does not show again.
    async fn start(
        &mut self,
        whole: &Dataset,
        violation: &Violation,
        least: Reach,
    ) -> Result<Result<Dataset, Vec<String>>, VerifyError> {
        let worlds: Vec<_> = violation.worlds.iter().copied().collect();
        let narrowed = whole.with_worlds(&worlds);
        let fewer = !worlds.is_empty() && narrowed.row_count() < whole.row_count();
        let mut seen = Vec::new();
        for reach in Reach::ALL.into_iter().filter(|r| *r >= least) {
            self.reach = reach;
            if fewer && matches!(self.shows(&narrowed).await?, Shown::Yes(..)) {
                return Ok(Ok(narrowed));
            }
            match self.shows(whole).await? {
                Shown::Yes(..) => return Ok(Ok(whole.clone())),
                Shown::No(tried) => seen = self.told(tried.as_ref(), &violation.witness),
            }
        }
        Ok(Err(seen))
    }

    /// What is asked of a case, and how far it is played.
    fn asked(&self, case: &CaseData) -> (Vec<Excursion>, Option<Checkpoint>) {
        let mut asked = self.invariant.plan_for(self.scene, case, self.key);
        if self.reach == Reach::Whole {
            return (asked, None);
        }
        let step = self.key.step.map(|step| step.after().0).unwrap_or_default();
        let until = Checkpoint(self.witness.from.0.max(step));
        let does = |e: &Excursion| e.acts.iter().map(std::mem::discriminant).collect::<Vec<_>>();
        let wanted = does(self.witness);
        asked.retain(|e| {
            let alike = e.from == self.witness.from && does(e) == wanted;
            let looks = e.acts.iter().all(Act::is_probe);
            e.from <= until && (self.reach == Reach::Short || alike || looks)
        });
        (asked, Some(until))
    }

    fn told(&self, tried: Option<&Tried>, witness: &Excursion) -> Vec<String> {
        tried.map(|t| transcript(self.scene, &t.case, &t.seen, witness)).unwrap_or_default()
    }

    async fn shows(&mut self, data: &Dataset) -> Result<Shown, VerifyError> {
        let case = self.lab.case(self.origin, data);
        let (asked, until) = self.asked(&case);
        // Data that the server does not take shows nothing.
        let Ok(tried) = self.lab.play(case, asked, until).await? else { return Ok(Shown::No(None)) };
        let judgement = self.invariant.judge(self.scene, &tried.case, &tried.seen);
        Ok(match judgement.violations.into_iter().find(|v| v.key == *self.key) {
            Some(violation) => Shown::Yes(Box::new(violation), tried),
            None => Shown::No(Some(tried)),
        })
    }
}
