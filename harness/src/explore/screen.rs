//! Screening: when a step is refused, the worlds that break it are taken out, and the case goes on without them.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{DatabaseId, StepId, StepKind};

use super::act::{Actor, Refusal, Seen};
use super::case::CaseData;
use super::observe::StepRun;
use super::perform::Pace;
use super::runner::Runner;
use crate::db::session::Failure;

/// Times that a step is tried again without the worlds that broke it.
const SCREENS_MAX: usize = 64;

impl Runner<'_> {
    /// The step on the timeline. When a world breaks it, the case goes on without that world.
    pub(super) async fn advance(
        &mut self,
        case: &CaseData,
        step: StepId,
        alive: &mut BTreeSet<WorldId>,
    ) -> Result<StepRun, Failure> {
        let mut removed: Vec<(Refusal, BTreeSet<WorldId>)> = Vec::new();
        loop {
            self.later(&["SAVEPOINT timeline"]);
            let seen = self.checked_step(step, "timeline").await?;
            let Seen::Refused(refusal) = &seen else {
                self.later(&["RELEASE SAVEPOINT timeline"]);
                return Ok(StepRun { seen, removed });
            };
            let stuck = self.record.is_some()
                || removed.len() >= SCREENS_MAX
                || matches!(refusal.failure, Failure::TimedOut(_))
                || self.scene.refuses_anyway(step, refusal)
                || alive.is_empty();
            if stuck {
                return Ok(StepRun { seen, removed });
            }
            let refusal = refusal.clone();
            let suspects = self.suspects(case, step, &refusal, alive).await?;
            if suspects.is_empty() {
                return Ok(StepRun { seen, removed });
            }
            self.remove(case, &suspects).await?;
            alive.retain(|w| !suspects.contains(w));
            removed.push((refusal, suspects));
        }
    }

    /// The step as a gate: a check that returns rows refuses.
    async fn checked_step(&mut self, step: StepId, savepoint: &str) -> Result<Seen, Failure> {
        let seen = self.step(step, &Actor::Migrator, Pace::Timed, savepoint).await?;
        let rows = seen.done().map_or(0, |d| d.answer.rows.len());
        if self.scene.step(step).kind != StepKind::Check || rows == 0 {
            return Ok(seen);
        }
        self.later(&[&format!("ROLLBACK TO SAVEPOINT {savepoint}")]);
        Ok(Seen::Refused(Refusal { statement: 0, failure: Failure::Complaint(rows) }))
    }

    /// A check that is a command, committed. It changes nothing, so that the case can go on without the worlds that it
    /// names; where it names none, the case ends.
    pub(super) async fn advance_check(
        &mut self,
        case: &CaseData,
        step: StepId,
        alive: &mut BTreeSet<WorldId>,
    ) -> Result<StepRun, Failure> {
        let mut removed: Vec<(Refusal, BTreeSet<WorldId>)> = Vec::new();
        loop {
            let seen = self.alone(step, false, &Actor::Migrator).await?;
            let Some(Refusal { failure: Failure::Command(ended), .. }) = seen.refusal() else {
                return Ok(StepRun { seen, removed });
            };
            let named = named(case, &ended.output.join(" "), alive);
            if named.is_empty() || self.record.is_some() || removed.len() >= SCREENS_MAX {
                return Ok(StepRun { seen, removed });
            }
            self.everywhere("BEGIN").await?;
            self.remove(case, &named).await?;
            self.everywhere("COMMIT").await?;
            alive.retain(|w| !named.contains(w));
            removed.extend(seen.refusal().map(|refusal| (refusal.clone(), named)));
        }
    }

    /// Worlds that make the step fail: those that the server's detail names, else half by half.
    async fn suspects(
        &mut self,
        case: &CaseData,
        step: StepId,
        refusal: &Refusal,
        alive: &BTreeSet<WorldId>,
    ) -> Result<BTreeSet<WorldId>, Failure> {
        if let Some(error) = refusal.failure.sql() {
            let text = format!("{} {}", error.message, error.detail.as_deref().unwrap_or_default());
            let named = named(case, &text, alive);
            if !named.is_empty() {
                return Ok(named);
            }
        }
        let mut guilty: Vec<WorldId> = alive.iter().copied().collect();
        while guilty.len() > 1 {
            let (first, second) = guilty.split_at(guilty.len() / 2);
            let without: BTreeSet<WorldId> = alive.iter().filter(|w| !first.contains(w)).copied().collect();
            let gone: BTreeSet<WorldId> = alive.difference(&without).copied().collect();
            self.later(&["SAVEPOINT screen"]);
            let absent = self.absent.clone();
            self.remove(case, &gone).await?;
            let still = matches!(self.checked_step(step, "screen").await?, Seen::Refused(_));
            self.absent = absent;
            self.undo_later("screen");
            self.later(&["RELEASE SAVEPOINT screen"]);
            guilty = if still { second.to_vec() } else { first.to_vec() };
        }
        Ok(guilty.into_iter().collect())
    }

    /// Takes worlds out of the state, past every constraint.
    pub(super) async fn remove(
        &mut self,
        case: &CaseData,
        worlds: &BTreeSet<WorldId>,
    ) -> Result<(), Failure> {
        self.absent.extend(worlds);
        let contents = self.contents().await?;
        let mut by_db: BTreeMap<DatabaseId, String> = BTreeMap::new();
        for (key, table) in &contents.tables {
            let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for row in &table.rows {
                if case.world_of(self.scene, key, table, row).is_some_and(|w| worlds.contains(&w))
                    && let Some((oid, place)) = row.place.split_once(':')
                {
                    places.entry(oid).or_default().push(place);
                }
            }
            for (oid, places) in places {
                let list: Vec<String> = places.iter().map(|p| format!("\"{p}\"")).collect();
                by_db.entry(key.0).or_default().push_str(&format!(
                    "DELETE FROM {} WHERE tableoid = {oid}::pg_catalog.oid AND ctid = ANY ('{{{}}}'::pg_catalog.tid[]);",
                    key.1.quoted(),
                    list.join(",")
                ));
            }
        }
        let loader = self.names.become_sql(&Actor::Loader);
        for (db, sql) in by_db {
            self.own(db, &format!("{loader}; {sql} RESET ALL; RESET ROLE")).await?;
        }
        Ok(())
    }
}

/// Worlds of which a text names the tenant or a value.
fn named(case: &CaseData, text: &str, alive: &BTreeSet<WorldId>) -> BTreeSet<WorldId> {
    text.split(['(', ')', ',', ' ', '=', '"', '\''])
        .filter_map(|word| case.world_of_tenant(word).or_else(|| case.world_of_value(word)))
        .filter(|w| alive.contains(w))
        .collect()
}
