//! Failures that are known from earlier runs, played again before anything else.

use watertight_scenarios::scenario::StepId;

use super::VerifyError;
use super::aggregate::{Defect, Tally};
use super::lab::{Lab, Origin};
use crate::db::stage::Stage;
use crate::explore::transcript::act as words;
use crate::explore::{Excursion, Scene, transcript};
use crate::failures::Failure;
use crate::invariants::{Invariant, Violation};

/// What became of a known failure.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It fails as before.
    Failed(Box<Again>),
    /// Its premise is met, and it fails no more.
    Fixed {
        /// What else the same data shows, in words.
        others: Vec<String>,
        /// What was seen of the excursions that its kind of failure is looked for with.
        transcript: Vec<String>,
    },
    /// Nothing can be said, and why.
    CannotRun(String),
}

/// A failure that shows again.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    pub(crate) violation: Violation,
    pub(crate) transcript: Vec<String>,
}

/// Plays every known failure of these invariants; `None` for one of an invariant that was not asked for.
pub(super) async fn retry_all(
    stage: &Stage<'_>,
    scene: &Scene,
    invariants: &[Box<dyn Invariant>],
    known: &[Failure],
) -> Result<Vec<Option<Outcome>>, VerifyError> {
    let mut lab = Lab::new(stage, scene);
    let mut outcomes = Vec::new();
    let mut result = Ok(());
    for failure in known {
        let Some(invariant) = invariants.iter().find(|i| i.spec().id == failure.invariant) else {
            outcomes.push(None);
            continue;
        };
        match retry(&mut lab, scene, invariant.as_ref(), failure).await {
            Ok(outcome) => outcomes.push(Some(outcome)),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    lab.clear().await?;
    result.map(|()| outcomes)
}

/// Plays one known failure on its own data.
pub(super) async fn retry(
    lab: &mut Lab<'_>,
    scene: &Scene,
    invariant: &dyn Invariant,
    failure: &Failure,
) -> Result<Outcome, VerifyError> {
    if let Err(why) = still_there(scene, invariant, failure) {
        return Ok(Outcome::CannotRun(why));
    }
    let case = lab.case(Origin { index: failure.case, seed: failure.seed }, &failure.data);
    let asked = invariant.plan(scene, &case);
    let tried = match lab.play(case, asked.clone(), None).await? {
        Ok(tried) => tried,
        Err(refused) => return Ok(Outcome::CannotRun(format!("its data does not fit any more: {refused}"))),
    };
    let judgement = invariant.judge(scene, &tried.case, &tried.seen);
    let told = |witness: &Excursion| transcript(scene, &tried.case, &tried.seen, witness);
    let (same, others): (Vec<Violation>, Vec<Violation>) =
        judgement.violations.into_iter().partition(|v| failure.is_shown_by(scene, v));
    if let Some(violation) = same.into_iter().next() {
        let transcript = told(&violation.witness);
        return Ok(Outcome::Failed(Box::new(Again { violation, transcript })));
    }
    if let Some(doubt) = judgement.doubts.first() {
        return Ok(Outcome::CannotRun(doubt.clone()));
    }
    // A step that stopped whatever the data was needs none to be seen to pass.
    let passes = failure.data.row_count() == 0
        && scene.steps().any(|(id, step)| Some(&step.id) == failure.step.as_ref() && tried.seen.passed(id));
    if judgement.exercised.is_empty() && !passes {
        let why =
            format!("its data does not exercise the check any more: it needs {}", invariant.spec().exercise);
        return Ok(Outcome::CannotRun(why));
    }
    // The excursion that is told is the one that reads most like the one that failed.
    let likeness = |excursion: &&Excursion| {
        let from = scene.checkpoint_name(excursion.from) == failure.from;
        let acts: Vec<String> = excursion.acts.iter().map(|a| words(scene, a)).collect();
        let shared = acts.iter().zip(&failure.excursion).take_while(|(a, b)| a == b).count();
        (from, shared, std::cmp::Reverse(acts.len()))
    };
    let transcript = asked.iter().max_by_key(likeness).map(&told).unwrap_or_default();
    Ok(Outcome::Fixed { others: others.into_iter().map(|v| v.title).collect(), transcript })
}

/// Whether the scenario still has what the failure is about.
fn still_there(scene: &Scene, invariant: &dyn Invariant, failure: &Failure) -> Result<(), String> {
    if let Some(step) = failure.step.as_ref().filter(|s| !scene.steps().any(|(_, known)| &known.id == *s)) {
        return Err(format!("the timeline has no step `{step}` any more"));
    }
    let is_gone = |path: &&String| !scene.scenario.access.iter().any(|a| &a.name == *path);
    if let Some(path) = failure.access.iter().find(is_gone) {
        return Err(format!("the scenario has no access path “{path}” any more"));
    }
    invariant.applies(scene).map_err(|why| format!("{} does not apply any more: {why}", invariant.spec().id))
}

impl Failure {
    /// Whether a violation is this defect.
    fn is_shown_by(&self, scene: &Scene, violation: &Violation) -> bool {
        let key = &violation.key;
        let step = key.step.map(|StepId(s)| scene.scenario.steps[s].id.as_str());
        step == self.step.as_deref() && key.code == self.code && key.subject == self.subject
    }
}

impl Tally {
    /// Counts a known failure that fails again among the defects: its data is small already.
    pub(super) fn add_known(&mut self, invariants: &[Box<dyn Invariant>], failure: &Failure, again: Again) {
        let Some(i) = invariants.iter().position(|i| i.spec().id == failure.invariant) else { return };
        let Again { violation, transcript } = again;
        let check = &mut self.checks[i];
        let key = violation.key.clone();
        let cases = check.defects.iter().find(|d| d.key == key).map_or(1, |d| d.cases);
        check.defects.retain(|d| d.key != key);
        check.defects.push(Defect {
            key,
            violation,
            case: failure.case,
            seed: failure.seed,
            cases,
            transcript,
            data: Some(failure.data.clone()),
        });
        check.defects.sort_by(|a, b| a.key.cmp(&b.key));
    }
}
