//! Documented data sets: loaded as they are described, driven along the timeline, and counted.

use std::time::Instant;

use watertight_generators::{CaseSpec, ExactRows};
use watertight_reports::{Fact, PresetReport, PresetTable};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, Preset, StepId, StepKind};

use super::{VerifyError, VerifyOptions};
use crate::db::stage::Stage;
use crate::explore::tree::Tree;
use crate::explore::{Act, Apart, CaseData, Observations, Runner, Scene, Snapshot, TableKey};
use crate::secrets;

/// Drives every preset of the scenario once.
pub(super) async fn presets(
    stage: &Stage<'_>,
    scene: &Scene,
    options: &VerifyOptions,
) -> Result<Vec<PresetReport>, VerifyError> {
    let mut reports = Vec::new();
    for preset in &scene.scenario.presets {
        reports.push(drive(stage, scene, options, preset).await?);
    }
    Ok(reports)
}

fn spec(scene: &Scene, preset: &Preset) -> CaseSpec {
    let exact = preset.rows.iter().map(|(table, rows)| ExactRows {
        database: preset.database.0,
        table: table.clone(),
        rows: *rows,
    });
    scene.plan.documented_spec(exact.collect())
}

async fn drive(
    stage: &Stage<'_>,
    scene: &Scene,
    options: &VerifyOptions,
    preset: &Preset,
) -> Result<PresetReport, VerifyError> {
    let mut data = scene.plan.generate(options.seed, &spec(scene, preset));
    secrets::seal_data(&scene.scenario, &mut data, options.seed);
    let case = CaseData::new(scene, 0, options.seed, false, data);
    // What is there at the beginning, at the end, and behind each copy.
    let mut trees = vec![Tree::default(); scene.schemas.len()];
    let copies = scene.steps_of(StepKind::Copy).into_iter().map(StepId::after);
    for at in copies.chain([Checkpoint(0), scene.last()]).filter(|at| at.0 < trees.len()).collect::<Vec<_>>()
    {
        trees[at.0].add(&[Act::Snapshot]);
    }
    let mut runner = Runner::open(scene, stage).await?;
    let clock = Instant::now();
    let played = if scene.needs_commits() {
        runner.play_committed(&case, trees, Apart::LeftOut).await
    } else {
        runner.play(&case, trees).await
    };
    let ms = clock.elapsed().as_secs_f64() * 1000.0;
    runner.close().await?;
    Ok(match played {
        Ok(seen) => report(scene, preset, &seen, ms),
        Err(failure) => PresetReport {
            title: preset.title.clone(),
            facts: vec![Fact { text: format!("could not be driven: {failure}"), ok: Some(false) }],
            ms,
            ..PresetReport::default()
        },
    })
}

fn rows_of(contents: Option<&Snapshot>, key: &TableKey) -> u64 {
    contents.and_then(|c| c.tables.get(key)).map_or(0, |t| t.rows.len() as u64)
}

fn report(scene: &Scene, preset: &Preset, seen: &Observations, ms: f64) -> PresetReport {
    let (first, last) = (seen.contents(Checkpoint(0)), seen.contents(scene.last()));
    let tables = preset.rows.iter().map(|(table, _)| {
        let key = (preset.database, table.clone());
        PresetTable {
            table: table.to_string(),
            rows: rows_of(first, &key),
            with_tenant: with_tenant(scene, last, &key),
            through: None,
            ms: time_of(scene, seen, &key),
        }
    });
    let mut facts: Vec<Fact> = Vec::new();
    for (table, rows) in &preset.rows {
        let made = rows_of(first, &(preset.database, table.clone()));
        if made != u64::from(*rows) {
            facts.push(Fact { text: format!("{table}: {made} rows, {rows} documented"), ok: Some(false) });
        }
    }
    facts.extend(scene.steps().filter_map(|(id, _)| fact(scene, seen, id)));
    PresetReport { title: preset.title.clone(), tables: tables.collect(), facts, ms }
}

/// Rows that carry their tenant in the end.
fn with_tenant(scene: &Scene, last: Option<&Snapshot>, key: &TableKey) -> Option<u64> {
    let column = scene.tenant_column(scene.last(), key)?;
    let table = last?.tables.get(key)?;
    Some(table.rows.iter().filter(|row| table.cell(row, &column).is_some()).count() as u64)
}

/// What the only step took that wrote to the table and to no other.
fn time_of(scene: &Scene, seen: &Observations, key: &TableKey) -> Option<f64> {
    let DatabaseId(database) = key.0;
    let mut wrote = scene.steps().filter_map(|(id, step)| {
        let done = seen.step(id)?.seen.done()?;
        (step.database.0 == database && done.writes.contains_key(&key.1)).then_some(done)
    });
    let done = wrote.next().filter(|done| done.writes.len() == 1)?;
    wrote.next().is_none().then_some(done.took.as_secs_f64() * 1000.0)
}

/// What is to be said of a step: a copy, and one that did not run to its end.
fn fact(scene: &Scene, seen: &Observations, id: StepId) -> Option<Fact> {
    let step = scene.step(id);
    let run = seen.step(id)?;
    if let Some(refusal) = run.seen.refusal().or_else(|| run.removed.first().map(|(refusal, _)| refusal)) {
        let text = format!("`{}` was refused: {}", step.id, refusal.failure);
        return Some(Fact { text, ok: Some(false) });
    }
    let spec = step.copy.as_ref()?;
    let after = seen.contents(id.after());
    let sum = |database: DatabaseId| -> u64 {
        spec.tables.iter().map(|table| rows_of(after, &(database, table.clone()))).sum()
    };
    let (source, target) = (sum(spec.from), sum(spec.to));
    let text = format!("`{}` copied {target} of {source} records", step.id);
    Some(Fact { text, ok: Some(source == target) })
}
