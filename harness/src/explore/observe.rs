//! Everything seen of one case.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{Checkpoint, StepId};

use super::act::{Act, Refusal, Seen};
use super::snapshot::Snapshot;
use super::tree::Tree;

/// What was seen of one case: the timeline, and every excursion.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Excursions by checkpoint.
    pub trees: Vec<Tree>,
    /// The timeline's steps, as far as it came.
    pub steps: Vec<StepRun>,
    /// Worlds still in the case, by checkpoint.
    pub alive: Vec<BTreeSet<WorldId>>,
    /// What is shown of the excursions, where that is not everything.
    shown: Option<Vec<Tree>>,
}

/// A step of the timeline.
#[derive(Clone, Debug)]
pub struct StepRun {
    /// How it went in the end: `Done`, or `Refused` when the case could not go on.
    pub seen: Seen,
    /// Refusals on the way, each with the worlds that were taken out before the next try.
    pub removed: Vec<(Refusal, BTreeSet<WorldId>)>,
}

impl Observations {
    /// Observations of a walk that is about to begin.
    pub fn of(trees: Vec<Tree>, alive: BTreeSet<WorldId>) -> Self {
        Self { trees, alive: vec![alive], ..Self::default() }
    }

    /// From now on shows only what these trees ask. Whoever judges is shown what it asked for itself: what others have
    /// asked beside it is not there when its finding is tried again.
    pub fn show_only(&mut self, asked: Vec<Tree>) {
        self.shown = Some(asked);
    }

    /// Shows everything again.
    pub fn show_all(&mut self) {
        self.shown = None;
    }

    /// What was seen of the last of these acts, from that checkpoint.
    pub fn seen(&self, from: Checkpoint, acts: &[Act]) -> Option<&Seen> {
        if let Some(shown) = &self.shown {
            shown.get(from.0).filter(|asked| asked.has(acts))?;
        }
        self.trees.get(from.0)?.seen(acts)
    }

    /// The contents after these acts.
    pub fn snapshot(&self, from: Checkpoint, acts: &[Act]) -> Option<&Snapshot> {
        self.seen(from, acts).and_then(Seen::snapshot)
    }

    /// The contents at a checkpoint.
    pub fn contents(&self, at: Checkpoint) -> Option<&Snapshot> {
        self.snapshot(at, &[Act::Snapshot])
    }

    /// How the step went on the timeline, if the case came that far.
    pub fn step(&self, step: StepId) -> Option<&StepRun> {
        self.steps.get(step.0)
    }

    /// Whether the step ran to its end on the timeline.
    pub fn passed(&self, step: StepId) -> bool {
        self.step(step).is_some_and(|s| matches!(s.seen, Seen::Done(_)))
    }

    /// Worlds that are in the case at a checkpoint; empty when the case did not come that far.
    pub fn alive(&self, at: Checkpoint) -> BTreeSet<WorldId> {
        self.alive.get(at.0).cloned().unwrap_or_default()
    }
}
