//! Mutation testing of a verification: faults seeded into the scenario's own scripts, one at a time, and which of them
//! its checks catch.
//!
//! The databases of the scenario are set up once: faults are in the timeline, never in the baseline. Each fault is played
//! on the data on which the scenario held, so that whatever fires, fires because of it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use watertight_reports::{Fate, SeededFault, Strength};
use watertight_scenarios::Scenario;
use watertight_scenarios::mutation::{self, Mutant};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId};

use super::footprint::{About, Footprint, differing, is_empty};
use super::survey::WaysBack;
use super::worker::{self, CaseResult, Until};
use super::{Event, Listener, Stop, VerifyError, VerifyOptions, facts, selected, survey};
use crate::db::hosts::Hosts;
use crate::db::stage::Stage;
use crate::explore::{Print, Scene, TableKey};
use crate::invariants::Invariant;
use crate::provider::Server;

/// A step with a fault in it is not waited for longer than that, in seconds.
const STEP_SECONDS_MAX: u32 = 30;

/// Differences that are told of a fault.
const DIFFERENCES_SHOWN: usize = 4;

/// How faults are seeded and tried.
#[derive(Clone, Debug)]
pub struct MutateOptions {
    /// Most cases for each fault.
    pub cases: u32,
    /// Seed of all cases.
    pub seed: u64,
    /// Invariants asked for; empty means all.
    pub only: Vec<String>,
    /// Invariants left out.
    pub skip: Vec<String>,
    /// Operators asked for, by id; empty means all.
    pub operators: Vec<String>,
    /// Most faults that are tried, taken evenly from all of them; `None`: all.
    pub faults_max: Option<u32>,
    /// Faults that are tried at once.
    pub jobs: usize,
}

/// Why nothing can be said of a scenario's checks.
#[derive(Debug, thiserror::Error)]
pub enum MutateError {
    /// The run cannot go on.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The scenario does not hold as it is.
    #[error("it does not hold as it is: {}", .0.join("; "))]
    NotSound(Vec<String>),
    /// No check held, so that none could catch anything.
    #[error("no check of it held in {0} cases, so that none could catch anything")]
    NoCheck(u32),
    /// The operators find nothing in its scripts.
    #[error("there is nothing in its scripts to seed a fault into")]
    NoFaults,
}

/// Seeds faults into a scenario on a running server, and says which its checks catch. Needs a multi-threaded runtime.
///
/// # Errors
/// When the scenario does not hold without a fault, there is nothing to seed or to catch with, the server is lost, or the
/// user asked to stop.
pub async fn mutate(
    server: &Server,
    scenario: &Scenario,
    options: &MutateOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Strength, MutateError> {
    let clock = Instant::now();
    let (mutants, left_out) = chosen(scenario, options);
    if mutants.is_empty() {
        return Err(MutateError::NoFaults);
    }
    listen(Event::Faults { id: &scenario.id, faults: mutants.len() as u32 });
    let hosts = Hosts::open(server, scenario).await.map_err(VerifyError::from)?;
    let strength = mutate_on(&hosts, scenario, &mutants, options, stop, listen).await;
    let closed = hosts.close().await;
    let mut strength = strength?;
    closed.map_err(VerifyError::from)?;
    strength.left_out = left_out;
    strength.ms = clock.elapsed().as_secs_f64() * 1000.0;
    listen(Event::Done);
    Ok(strength)
}

/// The faults to be tried, and how many more there would be.
fn chosen(scenario: &Scenario, options: &MutateOptions) -> (Vec<Mutant>, u64) {
    let mut all = mutation::mutants(scenario);
    all.retain(|m| options.operators.is_empty() || options.operators.iter().any(|o| o == m.operator.id));
    let count = all.len();
    let wanted = options.faults_max.map_or(count, |max| count.min(max as usize));
    // Evenly, so that every step and most operators are among them.
    let is_chosen = |nth: usize| wanted == count || nth * wanted / count != (nth + 1) * wanted / count;
    let mut nth = 0..;
    all.retain(|_| nth.next().is_some_and(is_chosen));
    let left_out = (count - all.len()) as u64;
    (all, left_out)
}

async fn mutate_on(
    hosts: &Hosts<'_>,
    scenario: &Scenario,
    mutants: &[Mutant],
    options: &MutateOptions,
    stop: &Stop,
    listen: Listener<'_>,
) -> Result<Strength, MutateError> {
    let stage = Stage::prepare(hosts, scenario).await.map_err(VerifyError::from)?;
    let settings = VerifyOptions {
        cases: options.cases,
        seed: options.seed,
        only: options.only.clone(),
        skip: options.skip.clone(),
        jobs: options.jobs,
    };
    let sound = Sound::play(&stage, scenario, &settings, stop).await?;
    let trial = Trial {
        stage: &stage,
        scenario,
        sound: &sound,
        settings: VerifyOptions { jobs: 1, ..settings },
        stop,
        listen,
        next: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        fates: Mutex::new(Vec::new()),
    };
    let fates = trial.all(mutants, options.jobs)?;
    let faults = mutants.iter().zip(fates).map(|(mutant, fate)| told(scenario, mutant, fate)).collect();
    Ok(Strength {
        seed: options.seed,
        cases: options.cases,
        checks: sound.held.into_iter().collect(),
        unusable: sound.unusable.into_iter().collect(),
        faults,
        ..Strength::default()
    })
}

fn told(scenario: &Scenario, mutant: &Mutant, fate: Fate) -> SeededFault {
    let (before, after) = mutant.change(scenario);
    SeededFault {
        operator: mutant.operator.id.to_owned(),
        stands_for: mutant.operator.fault.to_owned(),
        step: scenario.steps[mutant.step.0].id.clone(),
        file: mutant.file(scenario).to_owned(),
        line: mutant.line,
        before,
        after,
        fate,
    }
}

/// What the scenario shows without a fault.
struct Sound {
    scene: Scene,
    ways_back: WaysBack,
    /// Invariants that held.
    held: BTreeSet<String>,
    /// Invariants that apply and did not hold.
    unusable: BTreeSet<String>,
    /// By case.
    footprints: Vec<Footprint>,
    /// What was seen otherwise when the same cases were played again, by case: no fault is told by that.
    noise: Vec<BTreeSet<About>>,
}

impl Sound {
    async fn play(
        stage: &Stage<'_>,
        scenario: &Scenario,
        settings: &VerifyOptions,
        stop: &Stop,
    ) -> Result<Self, MutateError> {
        let (scene, ways_back) = survey::scene(stage, scenario).await?;
        let invariants = selected(settings, scenario);
        let until = Until { is_enough: &|_| false, footprints: true };
        let mut plays = Vec::new();
        for _ in 0..2 {
            let played =
                worker::play_keeping(stage, &scene, &invariants, settings, stop, &|_| (), &until).await?;
            if stop.asked() {
                return Err(VerifyError::Interrupted(None).into());
            }
            plays.push(played);
        }
        let again = footprints(&plays.pop().unwrap_or_default());
        let played = plays.pop().unwrap_or_default();
        let (mut held, mut unusable, mut violated) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (i, invariant) in invariants.iter().enumerate() {
            let id = invariant.spec().id;
            match standing(invariant.as_ref(), &scene, &played, i) {
                Standing::Violated(title) => violated.push(format!("{id}: {title}")),
                Standing::Held => {
                    held.insert(id.to_owned());
                }
                Standing::Undecided(_) => {
                    unusable.insert(id.to_owned());
                }
                Standing::NotApplicable => {}
            }
        }
        if !violated.is_empty() {
            return Err(MutateError::NotSound(violated));
        }
        if held.is_empty() {
            return Err(MutateError::NoCheck(settings.cases));
        }
        let footprints = footprints(&played);
        let noise = footprints.iter().zip(&again).map(|(one, other)| differing(one, other)).collect();
        Ok(Self { scene, ways_back, held, unusable, footprints, noise })
    }
}

fn footprints(played: &[CaseResult]) -> Vec<Footprint> {
    played.iter().map(|result| result.footprint.clone().unwrap_or_default()).collect()
}

/// How an invariant stands over some cases.
enum Standing {
    NotApplicable,
    Held,
    /// Why it is not decided.
    Undecided(String),
    /// The first violation.
    Violated(String),
}

fn standing(invariant: &dyn Invariant, scene: &Scene, played: &[CaseResult], nth: usize) -> Standing {
    if invariant.applies(scene).is_err() {
        return Standing::NotApplicable;
    }
    let judged = || played.iter().filter_map(|r| r.judgements.get(nth)?.as_ref());
    if let Some(violation) = judged().flat_map(|j| &j.violations).next() {
        return Standing::Violated(violation.title.clone());
    }
    if let Some(loss) = played.iter().find_map(|r| r.lost.as_ref()) {
        return Standing::Undecided(format!("cases were lost: {}", loss.why));
    }
    if let Some(doubt) = judged().flat_map(|j| &j.doubts).next() {
        return Standing::Undecided(doubt.clone());
    }
    if judged().all(|j| j.exercised.is_empty()) {
        return Standing::Undecided(format!("never exercised: it needs {}", invariant.spec().exercise));
    }
    Standing::Held
}

/// Faults being tried, several at a time.
struct Trial<'a> {
    stage: &'a Stage<'a>,
    scenario: &'a Scenario,
    sound: &'a Sound,
    settings: VerifyOptions,
    stop: &'a Stop,
    listen: Listener<'a>,
    next: AtomicUsize,
    is_over: AtomicBool,
    fates: Mutex<Vec<(usize, Fate)>>,
}

impl Trial<'_> {
    /// What becomes of each fault, in their order.
    fn all(&self, mutants: &[Mutant], jobs: usize) -> Result<Vec<Fate>, VerifyError> {
        let runtime = tokio::runtime::Handle::current();
        let ended: Vec<Result<(), VerifyError>> = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let work = || runtime.block_on(self.work(mutants));
                let threads: Vec<_> = (0..jobs.clamp(1, mutants.len())).map(|_| scope.spawn(work)).collect();
                let joined = threads.into_iter().map(|thread| thread.join());
                joined.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
            })
        });
        ended.into_iter().collect::<Result<(), VerifyError>>()?;
        if self.stop.asked() {
            return Err(VerifyError::Interrupted(None));
        }
        let mut fates =
            std::mem::take(&mut *self.fates.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        fates.sort_by_key(|(nth, _)| *nth);
        Ok(fates.into_iter().map(|(_, fate)| fate).collect())
    }

    async fn work(&self, mutants: &[Mutant]) -> Result<(), VerifyError> {
        while !self.stop.asked() && !self.is_over.load(Ordering::Relaxed) {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(nth) else { break };
            let fate =
                self.fate(mutant).await.inspect_err(|_| self.is_over.store(true, Ordering::Relaxed))?;
            self.fates.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((nth, fate));
            (self.listen)(Event::Fault);
        }
        Ok(())
    }

    async fn fate(&self, mutant: &Mutant) -> Result<Fate, VerifyError> {
        let mut mutated = match mutant.apply(self.scenario) {
            Ok(mutated) => mutated,
            Err(refused) => return Ok(Fate::NotApplied { why: refused.to_string() }),
        };
        for step in &mut mutated.steps {
            step.timeout_s = step.timeout_s.min(STEP_SECONDS_MAX);
        }
        match self.played(mutant, &mutated).await {
            // A script that takes its session along says nothing of the server.
            Err(VerifyError::Lost(why)) if self.stage.is_alive().await => {
                Ok(Fate::Undecided { why: vec![format!("its session was lost: {why}")] })
            }
            other => other,
        }
    }

    async fn played(&self, mutant: &Mutant, mutated: &Scenario) -> Result<Fate, VerifyError> {
        let (scene, ways_back) = survey::scene(self.stage, mutated).await?;
        if let Some(end) = &scene.stopped {
            return Ok(Fate::NotApplied { why: end.why.clone() });
        }
        let invariants = selected(&self.settings, mutated);
        let catches = |result: &CaseResult| !self.caught_by(&invariants, result).is_empty();
        let until = Until { is_enough: &catches, footprints: true };
        let played =
            worker::play_keeping(self.stage, &scene, &invariants, &self.settings, self.stop, &|_| (), &until)
                .await?;
        if let Some(fate) = played.iter().find_map(|result| self.caught(&invariants, result)) {
            return Ok(fate);
        }
        let differs = self.differs(&scene, &ways_back, &played);
        if differs.is_empty() {
            return Ok(Fate::NoEffect);
        }
        let (mut why, mut silenced) = (Vec::new(), Vec::new());
        for (i, invariant) in invariants.iter().enumerate() {
            let id = invariant.spec().id;
            if !self.sound.held.contains(id) {
                continue;
            }
            match standing(invariant.as_ref(), &scene, &played, i) {
                Standing::Undecided(doubt) => why.push(format!("`{id}`: {doubt}")),
                Standing::NotApplicable => silenced.push(id.to_owned()),
                Standing::Held | Standing::Violated(_) => {}
            }
        }
        Ok(if why.is_empty() {
            let unfilled = self.unfilled(mutant, &scene, &played);
            let rows = unfilled.iter().map(|table| {
                format!(" No case has a row in `{table}`, which a step makes: its `populate` gives it some.")
            });
            let closes = std::iter::once(mutant.operator.closes.to_owned()).chain(rows).collect();
            Fate::Survived { differs, silenced, closes }
        } else {
            Fate::Undecided { why }
        })
    }

    /// Invariants that hold without a fault and that the case violates, each with its first violation's title.
    fn caught_by(&self, invariants: &[Box<dyn Invariant>], result: &CaseResult) -> Vec<(String, String)> {
        let judged = invariants.iter().zip(&result.judgements);
        let usable = judged.filter(|(invariant, _)| self.sound.held.contains(invariant.spec().id));
        let fires = usable.filter_map(|(invariant, judgement)| {
            let first = judgement.as_ref()?.violations.first()?;
            Some((invariant.spec().id.to_owned(), first.title.clone()))
        });
        fires.collect()
    }

    fn caught(&self, invariants: &[Box<dyn Invariant>], result: &CaseResult) -> Option<Fate> {
        let fires = self.caught_by(invariants, result);
        let title = fires.first()?.1.clone();
        let by = fires.into_iter().map(|(id, _)| id).collect();
        Some(Fate::Caught { by, cases: result.index + 1, title })
    }

    /// Tables that the faulty statement names, that the timeline makes, and that had no row at its end in any case: what
    /// was done to them was tried on nothing.
    fn unfilled(&self, mutant: &Mutant, scene: &Scene, played: &[CaseResult]) -> Vec<String> {
        let statement = mutant.statement(self.scenario);
        let made = scene.schemas.last().into_iter().flatten().enumerate().flat_map(|(db, schema)| {
            schema.tables.iter().map(move |table| (DatabaseId(db), table.name.clone()))
        });
        let has_none = |key: &TableKey| {
            let footprints = || played.iter().filter_map(|result| result.footprint.as_ref());
            footprints().next().is_some() && footprints().all(|f| is_empty(f, scene.last(), key))
        };
        made.filter(|key| scene.table(Checkpoint(0), key).is_none() && names(statement, key.1.name.as_str()))
            .filter(has_none)
            .map(|(_, table)| table.to_string())
            .collect()
    }

    /// What the fault changed that can be seen: in the catalogs, in what the ways back leave, in rows and in answers.
    fn differs(&self, scene: &Scene, ways_back: &WaysBack, played: &[CaseResult]) -> Vec<String> {
        let sound = self.sound;
        let mut found = catalogs(&sound.scene, &sound.scene.prints, &scene.prints);
        let of = |ways: &WaysBack, step| ways.get(&step).cloned().unwrap_or_default();
        for (step, _) in scene.steps() {
            let (before, after) = (of(&sound.ways_back, step), of(ways_back, step));
            let new: Vec<&str> = after.iter().filter(|l| !before.contains(l)).map(String::as_str).collect();
            let gone: Vec<&str> = before.iter().filter(|l| !after.contains(l)).map(String::as_str).collect();
            let id = &scene.step(step).id;
            if !new.is_empty() {
                found.push(format!("the way back of `{id}`: {}", new.join(", ")));
            } else if !gone.is_empty() && found.is_empty() {
                found.push(format!("the way back of `{id}` no longer: {}", gone.join(", ")));
            }
        }
        found.extend(self.seen_otherwise(played));
        let more = found.len().saturating_sub(DIFFERENCES_SHOWN);
        found.truncate(DIFFERENCES_SHOWN);
        if more > 0 {
            found.push(format!("and {more} more"));
        }
        found
    }

    fn seen_otherwise(&self, played: &[CaseResult]) -> Vec<String> {
        let scene = &self.sound.scene;
        let (mut tables, mut steps, mut answers) = (BTreeSet::new(), BTreeSet::new(), false);
        for result in played {
            let Some(of) = &result.footprint else { continue };
            let nth = result.index as usize;
            let (Some(sound), Some(noise)) = (self.sound.footprints.get(nth), self.sound.noise.get(nth))
            else {
                continue;
            };
            for about in differing(sound, of).difference(noise) {
                match about {
                    About::Rows(at, key) | About::Column(at, key, _) => {
                        tables.insert((*at, key.clone()));
                    }
                    About::Step(step) => {
                        steps.insert(*step);
                    }
                    About::Answer(..) => answers = true,
                }
            }
        }
        let mut found: Vec<String> = tables
            .into_iter()
            .map(|(at, (_, table))| format!("other rows in `{table}` after `{}`", scene.checkpoint_name(at)))
            .collect();
        found.extend(
            steps.into_iter().map(|step| format!("`{}` is refused otherwise", scene.scenario.steps[step].id)),
        );
        if answers && found.is_empty() {
            found.push("some of what was tried is answered otherwise".to_owned());
        }
        found
    }
}

/// Whether a script names it as a whole word.
fn names(script: &str, name: &str) -> bool {
    script.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
}

/// What is different in the catalogs: at the end, else at the first checkpoint at which something is.
fn catalogs(scene: &Scene, sound: &[Print], faulty: &[Print]) -> Vec<String> {
    let states: Vec<(&Print, &Print)> = sound.iter().zip(faulty).collect();
    if let Some((before, after)) = states.last() {
        let words = facts::words(before, after);
        if !words.is_empty() {
            return words;
        }
    }
    let first = states.iter().position(|(before, after)| before != after);
    let Some(at) = first else { return Vec::new() };
    let words = facts::words(states[at].0, states[at].1);
    words.into_iter().map(|w| format!("after `{}`: {w}", scene.checkpoint_name(Checkpoint(at)))).collect()
}
