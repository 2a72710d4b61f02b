//! A case played with every act committed, so that others can look into each state.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_scenarios::scenario::StepId;

use super::act::{Act, Actor, Excursion, Seen};
use super::case::CaseData;
use super::runner::Runner;
use super::transcript::told;
use crate::db::session::Failure;

impl Runner<'_> {
    /// Plays a case up to the end of an excursion on this runner's databases, which are used up by it. Each act is
    /// told once it is done.
    ///
    /// # Errors
    /// When a session is lost, or the data is not taken.
    pub async fn open_up(
        &mut self,
        case: &CaseData,
        witness: &Excursion,
        tell: &mut dyn FnMut(&Self, String),
    ) -> Result<(), Failure> {
        self.everywhere("BEGIN").await?;
        self.take_in(case).await?;
        self.everywhere("COMMIT").await?;
        tell(self, format!("the data → {} rows loaded", case.data.row_count()));
        let mut alive: BTreeSet<WorldId> = case.worlds().iter().copied().collect();
        for k in 0..witness.from.0 {
            let run = self.advance_committed(case, StepId(k), &mut alive).await?;
            tell(self, told(self.scene, case, &Act::Step(StepId(k), Actor::Migrator), Some(&run.seen)));
            if matches!(run.seen, Seen::Refused(_)) {
                return Ok(());
            }
        }
        for act in &witness.acts {
            let seen = self.act_committed(case, act).await?;
            tell(self, told(self.scene, case, act, Some(&seen)));
        }
        Ok(())
    }

    /// The database of that number.
    pub fn database(&self, number: usize) -> &str {
        &self.databases[number]
    }
}
