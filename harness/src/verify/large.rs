//! One large case: loaded part by part, driven along the timeline, asked in sets.

use std::time::Instant;

use watertight_generators::Dataset;
use watertight_reports::{LargeAnswer, LargeReport, LargeStep, Verdict};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId, StepKind};
use watertight_scenarios::{Relation, Scenario};

use super::{Stop, VerifyError, survey};
use crate::db::hosts::Hosts;
use crate::db::session::Failure;
use crate::db::stage::Stage;
use crate::explore::large::{Fingerprint, Timed};
use crate::explore::{CaseData, Runner, Scene, Seen};
use crate::invariants::{Kept, due, kept, pairs};
use crate::provider::Server;
use crate::secrets;

/// Rows that are held in memory at a time, about.
const ROWS_PER_PART: usize = 20_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct LargeOptions {
    /// Rows in all tables together, about.
    pub rows: u64,
    /// Seed of the data.
    pub seed: u64,
}

/// Drives one large case along the timeline of a scenario.
///
/// # Errors
/// When the server is lost, or the scenario does not come to its first step.
pub async fn large(
    server: &Server,
    scenario: &Scenario,
    options: LargeOptions,
    stop: &Stop,
) -> Result<LargeReport, VerifyError> {
    let hosts = Hosts::open(server, scenario).await?;
    let done = async {
        let stage = Stage::prepare(&hosts, scenario).await?;
        let (scene, _) = survey::scene(&stage, scenario).await?;
        let mut runner = Runner::open(&scene, &stage).await?;
        let mut large = Large { scene: &scene, runner: &mut runner, report: LargeReport::default() };
        let driven = large.drive(options, stop).await;
        let mut report = large.report;
        runner.close().await?;
        match driven {
            Ok(()) => Ok(report),
            Err(failure) if failure.ends_session() => Err(VerifyError::Lost(failure.to_string())),
            Err(failure) => {
                let at = report.steps.last().map_or("baseline", |step| &step.id).to_owned();
                let seen = format!("could not be driven further: {failure}");
                report.answers.push(answer(&at, "the case comes to its end", Verdict::Inconclusive, seen));
                Ok(report)
            }
        }
    }
    .await;
    hosts.close().await?;
    done
}

fn answer(at: &str, question: &str, verdict: Verdict, seen: String) -> LargeAnswer {
    LargeAnswer { at: at.to_owned(), question: question.to_owned(), verdict, seen, rows: 0, ms: 0.0 }
}

/// A table before a step: what the step has to keep of it, and what it held.
type Before<'a> = (Kept<'a>, Fingerprint);

struct Large<'r, 'a> {
    scene: &'a Scene,
    runner: &'r mut Runner<'a>,
    report: LargeReport,
}

impl<'a> Large<'_, 'a> {
    async fn drive(&mut self, options: LargeOptions, stop: &Stop) -> Result<(), Failure> {
        let scene = self.scene;
        self.load(options, stop).await?;
        self.coherence("baseline", Checkpoint(0)).await?;
        // Data is made apart from any case: a refusal takes nothing out of it.
        let nobody = CaseData::new(scene, 0, options.seed, false, Dataset::default());
        for (step, spec) in scene.steps() {
            if stop.asked() {
                self.report.answers.push(answer(
                    &spec.id,
                    "",
                    Verdict::Inconclusive,
                    "interrupted".to_owned(),
                ));
                return Ok(());
            }
            let before = self.hold(step).await?;
            match self.runner.take_large(&nobody, step).await? {
                Seen::Refused(refusal) => {
                    self.refused(step, &refusal.failure);
                    return Ok(());
                }
                seen => {
                    let ms = seen.done().map_or(0.0, |done| done.took.as_secs_f64() * 1000.0);
                    self.report.steps.push(LargeStep { id: spec.id.clone(), ms });
                }
            }
            self.preserved(step, before).await?;
            self.complete(step).await?;
            if spec.kind == StepKind::Backfill {
                self.idempotent(step).await?;
            }
            self.coherence(&spec.id, step.after()).await?;
        }
        Ok(())
    }

    async fn load(&mut self, options: LargeOptions, stop: &Stop) -> Result<(), Failure> {
        let scene = self.scene;
        let is_late = |db: usize, table: &Relation| scene.late.contains_key(&(DatabaseId(db), table.clone()));
        let spec = scene.plan.large_spec(options.rows, |db, table| !is_late(db, table));
        let mut parts = scene.plan.parts(options.seed, &spec, ROWS_PER_PART);
        let begun = Instant::now();
        let (mut number, sealed) = (options.seed, &scene.scenario);
        let data = parts.by_ref().take_while(|_| !stop.asked()).map(|mut part| {
            number = number.wrapping_add(1);
            secrets::seal_data(sealed, &mut part, number);
            part
        });
        self.report.rows = self.runner.load_large(data).await?;
        self.report.load_ms = begun.elapsed().as_secs_f64() * 1000.0;
        self.report.tenants = spec.worlds.len() as u64;
        let skipped = parts.skipped().into_iter();
        self.report.left_out.extend(
            skipped.map(|s| format!("{} rows of {} could not be made: {}", s.rows, s.table, s.constraint)),
        );
        let late: Vec<String> = scene.late.keys().map(|(_, table)| table.to_string()).collect();
        if !late.is_empty() {
            self.report.left_out.push(format!("no rows for tables that a step creates: {}", late.join(", ")));
        }
        Ok(())
    }

    fn refused(&mut self, step: StepId, failure: &Failure) {
        let id = &self.scene.step(step).id;
        let verdict = if failure.is_word() || matches!(failure, Failure::Complaint(_)) {
            Verdict::Violated
        } else {
            Verdict::Inconclusive
        };
        let seen = format!("`{id}` was refused: {failure}");
        self.report.answers.push(answer(id, "the step applies", verdict, seen));
    }

    async fn hold(&mut self, step: StepId) -> Result<Vec<Before<'a>>, Failure> {
        let mut before = Vec::new();
        for kept in kept(self.scene, step) {
            let held = self.runner.fingerprint(kept.key.0, &kept.key.1, kept.columns.iter().copied()).await?;
            before.push((kept, held.answer));
        }
        Ok(before)
    }

    async fn preserved(&mut self, step: StepId, before: Vec<Before<'a>>) -> Result<(), Failure> {
        let id = &self.scene.step(step).id;
        for (kept, held) in before {
            let columns = kept.columns.iter().copied();
            let now = self.runner.fingerprint(kept.key.0, &kept.key.1, columns).await?;
            let table = &kept.key.1;
            if held.rows != now.answer.rows && kept.moves_rows {
                let difference = self.difference(&kept, &held, &now);
                let line =
                    format!("{difference}; `{id}` moves rows, and the small cases say whether they are kept");
                self.report.left_out.push(line);
                continue;
            }
            let (verdict, seen) = match (now.answer == held, kept.doubt) {
                (true, _) => (Verdict::Held, "as before".to_owned()),
                (false, Some(doubt)) => {
                    (Verdict::Inconclusive, format!("{}, and {doubt}", self.difference(&kept, &held, &now)))
                }
                (false, None) => (Verdict::Violated, self.difference(&kept, &held, &now)),
            };
            let question = format!("{table} keeps its rows and {}", columns_of(&kept));
            self.tell(id, question, verdict, seen, now.answer.rows, &now);
        }
        Ok(())
    }

    fn difference(&self, kept: &Kept<'_>, held: &Fingerprint, now: &Timed<Fingerprint>) -> String {
        let (table, now) = (&kept.key.1, &now.answer);
        if held.rows == now.rows {
            format!("{table}: the {} rows hold something else than before", now.rows)
        } else {
            format!("{table}: {} rows were {} before", now.rows, held.rows)
        }
    }

    async fn complete(&mut self, step: StepId) -> Result<(), Failure> {
        let id = &self.scene.step(step).id;
        for due in due(self.scene, step) {
            let asked = self.runner.ask_large(due.key.0, &due.sql()).await?;
            let [rows, without] = numbers(&asked);
            let verdict = if without == 0 { Verdict::Held } else { Verdict::Violated };
            let seen = format!("{without} of {rows} rows of {} lack it", due.key.1);
            self.tell(id, format!("every row of {} has its tenant", due.key.1), verdict, seen, rows, &asked);
        }
        Ok(())
    }

    async fn idempotent(&mut self, step: StepId) -> Result<(), Failure> {
        let id = &self.scene.step(step).id;
        let begun = Instant::now();
        let question = "a second run writes nothing".to_owned();
        let seen = self.runner.again_large(step).await?;
        let took = begun.elapsed();
        let (verdict, told) = match &seen {
            None => {
                let why = format!("`{id}` was not run twice: no transaction holds it");
                self.report.left_out.push(why);
                return Ok(());
            }
            Some(Seen::Done(done)) => match done.writes.values().sum::<u64>() {
                0 => (Verdict::Held, "it wrote nothing".to_owned()),
                n => (Verdict::Violated, format!("the second run of `{id}` wrote {n} rows")),
            },
            Some(Seen::Refused(refusal)) => {
                (Verdict::Inconclusive, format!("the second run of `{id}` was refused: {}", refusal.failure))
            }
            Some(_) => (Verdict::Inconclusive, "the second run told nothing".to_owned()),
        };
        let rows = self.report.rows;
        self.tell(id, question, verdict, told, rows, &Timed { answer: (), took });
        Ok(())
    }

    async fn coherence(&mut self, id: &str, at: Checkpoint) -> Result<(), Failure> {
        for pair in pairs(self.scene, at) {
            let asked = self.runner.ask_large(pair.database, pair.sql()).await?;
            let [rows, apart] = numbers(&asked);
            let verdict = if apart == 0 { Verdict::Held } else { Verdict::Violated };
            let seen = format!("{apart} of {rows} rows refer to another tenant's by {}", pair.name);
            self.tell(id, format!("{} stays within a tenant", pair.name), verdict, seen, rows, &asked);
        }
        Ok(())
    }

    fn tell<T>(
        &mut self,
        at: &str,
        question: String,
        verdict: Verdict,
        seen: String,
        rows: u64,
        asked: &Timed<T>,
    ) {
        // What is so of no row was not tried.
        if verdict == Verdict::Held && rows == 0 {
            self.report.left_out.push(format!("after `{at}`, {question}: there is no row to ask about"));
            return;
        }
        let ms = asked.took.as_secs_f64() * 1000.0;
        self.report.answers.push(LargeAnswer { at: at.to_owned(), question, verdict, seen, rows, ms });
    }
}

fn columns_of(kept: &Kept<'_>) -> String {
    match kept.columns.as_slice() {
        [one] => one.name.to_string(),
        columns => format!("{} columns", columns.len()),
    }
}

fn numbers(asked: &Timed<Vec<Option<String>>>) -> [u64; 2] {
    let number = |i: usize| asked.answer.get(i).cloned().flatten().and_then(|n| n.parse().ok());
    [number(0).unwrap_or_default(), number(1).unwrap_or_default()]
}
