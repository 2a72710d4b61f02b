//! What benches share: servers, scenarios set up on them, rates.

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use watertight_generators::mix;
use watertight_harness::db::hosts::Hosts;
use watertight_harness::db::stage::Stage;
use watertight_harness::explore::tree::Tree;
use watertight_harness::explore::{Excursion, Scene};
use watertight_harness::provider::{ProviderChoice, ProviderOptions, Server};
use watertight_harness::verify::{self, Event, Stop, Verified, VerifyOptions};
use watertight_scenarios::Scenario;

use super::Fault;

/// Workers, where there are several.
pub(super) const WORKERS: usize = 2;

/// An embedded server of the bench's own, for as long as `work` goes on.
pub(super) async fn on_server<T>(work: impl AsyncFnOnce(&Server) -> Result<T, Fault>) -> Result<T, Fault> {
    let server = Server::start(&ProviderOptions::new(ProviderChoice::Embedded)).await?;
    let done = work(&server).await;
    server.stop().await?;
    done
}

/// A scenario set up on a server, and what is known of it.
pub(super) async fn on_stage<T>(
    server: &Server,
    scenario: &Scenario,
    work: impl AsyncFnOnce(&Stage<'_>, &Scene) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let hosts = Hosts::open(server, scenario).await?;
    let done = async {
        let stage = Stage::prepare(&hosts, scenario).await?;
        let scene = verify::scene(&stage, scenario).await?;
        work(&stage, &scene).await
    }
    .await;
    hosts.close().await?;
    done
}

/// A scenario of the benches' own.
pub(super) fn own_scenario(name: &str) -> Result<Scenario, Fault> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures").join(name);
    Scenario::load(&folder).map_err(|e| e.to_string().into())
}

/// A bundled scenario.
pub(super) fn bundled(id: &str) -> Result<Scenario, Fault> {
    watertight_scenarios::catalog::load(id).map_err(|e| e.to_string().into())
}

/// Seed of a case: another one for each number, the same in every run.
pub(super) fn seed(number: u32) -> u64 {
    mix(&[1, u64::from(number)])
}

/// All excursions from each checkpoint, what begins alike once.
pub(super) fn trees(scene: &Scene, excursions: impl IntoIterator<Item = Excursion>) -> Vec<Tree> {
    let mut trees = vec![Tree::default(); scene.schemas.len()];
    for excursion in excursions {
        if let Some(tree) = trees.get_mut(excursion.from.0) {
            tree.add(&excursion.acts);
        }
    }
    trees
}

/// A run of `verify` as its user has it, and when each of its cases was done.
pub(super) struct Timed {
    pub(super) verified: Verified,
    pub(super) cases: Vec<Instant>,
    /// When shrinking began.
    pub(super) shrinking: Option<Instant>,
    pub(super) ended: Instant,
}

pub(super) async fn timed(
    server: &Server,
    scenario: &Scenario,
    options: &VerifyOptions,
) -> Result<Timed, Fault> {
    let (cases, shrinking) = (Mutex::new(Vec::new()), Mutex::new(None));
    let hear = |event: Event<'_>| match event {
        Event::Case => locked(&cases).push(Instant::now()),
        Event::Shrinking { .. } => {
            locked(&shrinking).get_or_insert_with(Instant::now);
        }
        _ => {}
    };
    let verified = verify::verify(server, scenario, &[], options, &Stop::default(), &hear).await?;
    let ended = Instant::now();
    let cases = std::mem::take(&mut *locked(&cases));
    let shrinking = *locked(&shrinking);
    Ok(Timed { verified, cases, shrinking, ended })
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Options of `verify`.
pub(super) fn options(cases: u32, jobs: usize, only: &[&str]) -> VerifyOptions {
    let only = only.iter().map(|id| (*id).to_owned()).collect();
    VerifyOptions { cases, seed: 1, only, skip: Vec::new(), jobs }
}

/// The middle one: what a neighbour on the machine slowed down is not told.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The same work on threads of their own, each with its runtime, until one of them fails. Seconds that it took.
pub(super) fn on_threads(
    workers: usize,
    work: impl Fn(usize) -> Result<(), Fault> + Sync,
) -> Result<f64, Fault> {
    let begun = Instant::now();
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    })?;
    Ok(begun.elapsed().as_secs_f64())
}

/// A runtime for one thread.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
