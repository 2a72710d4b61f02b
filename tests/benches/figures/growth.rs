//! Whether a row costs the same among many as among few.

use std::time::Instant;

use watertight_harness::db::stage::Stage;
use watertight_harness::explore::{CaseData, Runner, Scene, Seen};
use watertight_tests::figures::{Figure, Target};

use super::Fault;
use super::bulk::exact;
use super::lab::{on_server, on_stage, own_scenario, trees};

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];
const TEN_MILLION: u32 = 10_000_000;
/// Small sizes are measured more often: so many rows in all, at least.
const ROWS_AT_LEAST: u32 = 100_000;

/// Microseconds a row, by what was done.
struct Costs {
    rows: u32,
    generate: f64,
    index: f64,
    play: f64,
    /// Of the timeline within it.
    steps: f64,
}

impl Costs {
    fn all(&self) -> f64 {
        self.generate + self.index + self.play
    }
}

pub(super) async fn figures(ten_million: bool) -> Result<Vec<Figure>, Fault> {
    let scenario = own_scenario("plain")?;
    let costs = on_server(async |server| {
        on_stage(server, &scenario, async |stage, scene| {
            let mut costs = Vec::new();
            for rows in SIZES.into_iter().chain(ten_million.then_some(TEN_MILLION)) {
                costs.push(one(stage, scene, rows).await?);
            }
            Ok(costs)
        })
        .await
    })
    .await?;
    let [least, .., most] = costs.as_slice() else { return Err("no size was measured".into()) };
    let figure = |name: &str, cost: fn(&Costs) -> f64| {
        let each: Vec<String> = costs.iter().map(|c| format!("{:.2} µs at {}", cost(c), c.rows)).collect();
        Figure {
            name: format!("growth/{name}"),
            value: cost(most),
            unit: "µs/row",
            against: format!("at {} rows", least.rows),
            anchor: cost(least),
            target: Target::RatioAtMost(1.5),
            of: each.join(", "),
        }
    };
    Ok(vec![
        figure("whole", Costs::all),
        figure("generate", |c| c.generate),
        figure("index", |c| c.index),
        figure("load-and-steps", |c| c.play),
        figure("steps", |c| c.steps),
    ])
}

async fn one(stage: &Stage<'_>, scene: &Scene, rows: u32) -> Result<Costs, Fault> {
    let spec = scene.plan.documented_spec(exact(rows));
    let rounds = (ROWS_AT_LEAST / rows).max(1);
    let mut costs = Costs { rows, generate: 0.0, index: 0.0, play: 0.0, steps: 0.0 };
    let micros = |begun: Instant| begun.elapsed().as_secs_f64() * 1e6 / f64::from(rows * rounds);
    for round in 0..rounds {
        let begun = Instant::now();
        let data = scene.plan.generate(u64::from(round), &spec);
        costs.generate += micros(begun);
        let begun = Instant::now();
        let case = CaseData::new(scene, 0, 1, false, data);
        costs.index += micros(begun);
        let mut runner = Runner::open(scene, stage).await?;
        let begun = Instant::now();
        // Contents are read into the harness, which takes no more than half a million rows of a table.
        let seen = runner.play(&case, trees(scene, [])).await?;
        costs.play += micros(begun);
        runner.close().await?;
        let took = seen.steps.iter().filter_map(|run| run.seen.done()).map(|done| done.took.as_secs_f64());
        costs.steps += took.sum::<f64>() * 1e6 / f64::from(rows * rounds);
        if let Some(refused) = seen.steps.iter().find(|run| matches!(run.seen, Seen::Refused(_))) {
            return Err(format!("a step is to pass: {:?}", refused.seen).into());
        }
    }
    Ok(costs)
}
