//! Where one data set after the other is tried: a runner whose databases are renewed now and then.

use watertight_generators::Dataset;
use watertight_scenarios::scenario::Checkpoint;

use super::VerifyError;
use super::worker::trees;
use crate::db::session::Failure;
use crate::db::stage::Stage;
use crate::explore::{Apart, CaseData, Excursion, Observations, Record, Runner, Scene};

/// Attempts after which its databases are renewed. One plays few excursions, and takes far less than new databases cost.
const ATTEMPTS_PER_DATABASE: u32 = 150;

/// A place to try data sets.
pub(super) struct Lab<'a> {
    stage: &'a Stage<'a>,
    scene: &'a Scene,
    bench: Option<Bench<'a>>,
}

struct Bench<'a> {
    runner: Runner<'a>,
    used: u32,
}

/// Which case the data is of: parameters and samples follow from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) index: u32,
    pub(super) seed: u64,
}

/// A data set that was tried.
pub(super) struct Tried {
    pub(super) case: CaseData,
    pub(super) seen: Observations,
}

impl<'a> Lab<'a> {
    pub(super) fn new(stage: &'a Stage<'a>, scene: &'a Scene) -> Self {
        Self { stage, scene, bench: None }
    }

    /// The data as a case, with every question asked of it.
    pub(super) fn case(&self, origin: Origin, data: &Dataset) -> CaseData {
        CaseData::new(self.scene, origin.index, origin.seed, true, data.clone())
    }

    /// Plays a case as far as `until`; the refusal, where the server does not take its data.
    pub(super) async fn play(
        &mut self,
        case: CaseData,
        excursions: Vec<Excursion>,
        until: Option<Checkpoint>,
    ) -> Result<Result<Tried, Failure>, VerifyError> {
        let trees = trees(self.scene, &excursions);
        let commits = self.scene.needs_commits() || trees.iter().any(|t| !t.unheld(self.scene).is_empty());
        let mut again = false;
        loop {
            let runner = self.runner().await?;
            runner.walk_until(until);
            let played = if commits {
                runner.play_committed(&case, trees.clone(), Apart::OnClones).await
            } else {
                runner.play(&case, trees.clone()).await
            };
            runner.walk_until(None);
            if commits {
                self.clear().await?; // used up
            }
            match played {
                Ok(seen) => return Ok(Ok(Tried { case, seen })),
                Err(refused @ Failure::Unloadable { .. }) => return Ok(Err(refused)),
                Err(failure) if again => return Err(lost(&failure)),
                Err(_) => {
                    again = true;
                    self.clear().await?;
                }
            }
        }
    }

    /// Plays a case and keeps every statement up to the end of the witness.
    pub(super) async fn record(
        &mut self,
        case: &CaseData,
        witness: Excursion,
    ) -> Result<Record, VerifyError> {
        let trees = trees(self.scene, [&witness]);
        let commits = self.scene.needs_commits() || trees.iter().any(|t| !t.unheld(self.scene).is_empty());
        let runner = self.runner().await?;
        runner.start_recording();
        let played = if commits {
            runner.play_committed(case, trees, Apart::OnClones).await
        } else {
            runner.play(case, trees).await
        };
        played.map_err(|e| lost(&e))?;
        let record = runner.recorded();
        if commits {
            self.clear().await?;
        }
        Ok(record)
    }

    /// The runner, on databases that are not worn.
    pub(super) async fn runner(&mut self) -> Result<&mut Runner<'a>, VerifyError> {
        if self.bench.as_ref().is_some_and(|b| b.used >= ATTEMPTS_PER_DATABASE) {
            self.clear().await?;
        }
        let bench = match self.bench.take() {
            Some(bench) => bench,
            None => Bench { runner: Runner::open(self.scene, self.stage).await?, used: 0 },
        };
        let bench = self.bench.insert(bench);
        bench.used += 1;
        Ok(&mut bench.runner)
    }

    /// Drops the databases.
    pub(super) async fn clear(&mut self) -> Result<(), VerifyError> {
        if let Some(bench) = self.bench.take() {
            bench.runner.close().await?;
        }
        Ok(())
    }
}

pub(super) fn lost(failure: &Failure) -> VerifyError {
    VerifyError::Lost(failure.to_string())
}
