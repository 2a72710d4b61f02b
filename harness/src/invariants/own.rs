//! An invariant of the user's: a query whose rows are violations.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::{Checkpoint, OwnInvariant, StepId};

use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey};
use crate::db::session::Answer;
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, Statement};

/// A column of this name says whose a row is.
const TENANT: &str = "tenant";

/// Cells of a row that a message shows.
const CELLS_SHOWN: usize = 4;

/// One query of the user's.
pub(super) struct Own {
    spec: &'static InvariantSpec,
    asked: OwnInvariant,
}

impl Own {
    pub(super) fn new(asked: &OwnInvariant) -> Self {
        // What a page says lives as long as the program; a scenario has a handful of them.
        let page = |text: String| -> &'static str { text.leak() };
        let spec = Box::leak(Box::new(InvariantSpec {
            id: page(asked.id.clone()),
            title: page(asked.title.clone()),
            rationale: page(asked.why.clone().unwrap_or_else(|| format!("{} asks for it.", asked.file))),
            example: page(asked.sql.clone()),
            remedy: "Change the step after which the rows appear, or put right what they show before it.",
            exercise: "data at a checkpoint from which on it holds",
        }));
        Self { spec, asked: asked.clone() }
    }

    /// Checkpoints at which it is asked.
    fn checkpoints(&self, scene: &Scene) -> Vec<Checkpoint> {
        scene.checkpoints().filter(|at| (self.asked.from..=self.asked.until).contains(at)).collect()
    }

    fn question(&self, at: Checkpoint) -> Excursion {
        let sql = format!("SET LOCAL search_path = pg_catalog; {}", self.asked.sql);
        let statement = Statement { database: self.asked.database, actor: Actor::Observer, sql };
        Excursion { from: at, acts: vec![Act::Sql(statement)] }
    }

    /// Rows that are there before the first step, and so not the steps' doing.
    fn known<'s>(&self, seen: &'s Observations) -> BTreeSet<&'s [Option<String>]> {
        let start = self.question(Checkpoint(0));
        match seen.seen(start.from, &start.acts) {
            Some(Seen::Done(done)) if self.asked.is_from_the_start => {
                done.answer.rows.iter().map(Vec::as_slice).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    fn violation(
        &self,
        scene: &Scene,
        at: Checkpoint,
        rows: &[&[Option<String>]],
        worlds: BTreeSet<WorldId>,
    ) -> Violation {
        let first: Vec<&str> =
            rows[0].iter().take(CELLS_SHOWN).map(|c| c.as_deref().unwrap_or("NULL")).collect();
        let (n, moment) = (rows.len(), scene.checkpoint_name(at));
        let noun = if n == 1 { "row" } else { "rows" };
        Violation {
            key: ViolationKey {
                step: at.0.checked_sub(1).map(StepId),
                code: "rows",
                subject: self.asked.id.clone(),
            },
            worlds,
            severity: Severity::High,
            title: format!("“{}” does not hold after `{moment}`", self.asked.title),
            message: format!("The query returns {n} {noun}, the first: {}.", first.join(", ")),
            cause: format!(
                "{} asks for it, and the state after `{moment}` does not give it.",
                self.asked.file
            ),
            remedy: String::new(),
            tables: Vec::new(),
            place: Some((self.asked.file.clone(), Some(self.asked.line))),
            witness: self.question(at),
        }
    }
}

/// Worlds that the rows name, where a column does; else all of them.
fn worlds(
    case: &CaseData,
    answer: &Answer,
    rows: &[&[Option<String>]],
    alive: &BTreeSet<WorldId>,
) -> BTreeSet<WorldId> {
    let Some(column) = answer.columns.iter().position(|c| c == TENANT) else { return alive.clone() };
    let named = rows.iter().filter_map(|r| case.world_of_tenant(r.get(column)?.as_deref()?));
    let named: BTreeSet<WorldId> = named.collect();
    if named.is_empty() { alive.clone() } else { named }
}

impl Invariant for Own {
    fn spec(&self) -> &'static InvariantSpec {
        self.spec
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if self.checkpoints(scene).is_empty() {
            return Err("the timeline does not come to where it holds".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        self.checkpoints(scene).into_iter().map(|at| self.question(at)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        // A row is held against the step after which it is first seen.
        let mut known = self.known(seen);
        for at in self.checkpoints(scene) {
            let question = self.question(at);
            let alive = seen.alive(at);
            let answer = match seen.seen(question.from, &question.acts) {
                Some(Seen::Done(done)) => &done.answer,
                Some(Seen::Refused(refusal)) => {
                    let moment = scene.checkpoint_name(at);
                    let why =
                        format!("it cannot be asked after `{moment}`: {}; say `-- from:`", refusal.failure);
                    judgement.doubts.push(why);
                    continue;
                }
                _ => continue,
            };
            judgement.exercised.extend(&alive);
            let rows: Vec<&[Option<String>]> =
                answer.rows.iter().map(Vec::as_slice).filter(|r| !known.contains(r)).collect();
            judgement.probes.push(Probe {
                subject: format!("after `{}`", scene.checkpoint_name(at)),
                table: None,
                passed: rows.is_empty(),
                sql: Some(self.asked.sql.clone()),
                answer: Some(format!("{} rows", rows.len())),
                expects: None,
            });
            known.extend(&rows);
            if !rows.is_empty() {
                let worlds = worlds(case, answer, &rows, &alive);
                judgement.violated(self.violation(scene, at, &rows, worlds));
            }
        }
        judgement
    }
}
