//! Documented data sets: loaded as they are described, driven along the timeline, and counted.

use std::collections::BTreeSet;

use watertight_generators::{CaseSpec, ExactRows, Plan};
use watertight_reports::{DroppedColumn, Fact, PresetReport, PresetTable};
use watertight_scenarios::Relation;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, NullTenant, Preset, StepId, StepKind};

use super::measure::dropped;
use super::{VerifyError, VerifyOptions};
use crate::db::stage::Stage;
use crate::explore::tree::Tree;
use crate::explore::{Act, Apart, CaseData, Observations, Runner, Scene, Seen, Snapshot, TableKey};
use crate::invariants::not_restored;
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

fn spec(plan: &Plan, preset: &Preset) -> CaseSpec {
    let exact = preset.rows.iter().map(|(table, rows)| ExactRows {
        database: preset.database.0,
        table: table.clone(),
        rows: *rows,
    });
    plan.documented_spec(exact.collect())
}

/// Steps that take a column away from a table which stays.
fn dropping(scene: &Scene) -> Vec<StepId> {
    let drops = |id: &StepId| {
        let before = scene.schemas.get(id.before().0).into_iter().flatten().enumerate();
        before.flat_map(|(db, schema)| schema.roots().map(move |t| (DatabaseId(db), t))).any(|(db, old)| {
            let new = scene.table(id.after(), &(db, old.name.clone()));
            new.is_some_and(|new| old.columns.iter().any(|c| new.column(&c.name).is_none()))
        })
    };
    scene.steps().map(|(id, _)| id).filter(|id| id.after() <= scene.last()).filter(drops).collect()
}

/// What is to be seen: the beginning, the end, behind each copy, around each step that drops a column, and the way
/// back from there.
fn trees(scene: &Scene) -> Vec<Tree> {
    let mut trees = vec![Tree::default(); scene.schemas.len()];
    let copies = scene.steps_of(StepKind::Copy).into_iter().map(StepId::after);
    let dropping = dropping(scene);
    let around = dropping.iter().flat_map(|id| [id.before(), id.after()]);
    for at in copies
        .chain(around)
        .chain([Checkpoint(0), scene.last()])
        .filter(|at| at.0 < trees.len())
        .collect::<Vec<_>>()
    {
        trees[at.0].add(&[Act::Snapshot]);
    }
    for id in dropping.into_iter().filter(|id| scene.step(*id).down.is_some()) {
        trees[id.after().0].add(&[Act::Down(id), Act::Snapshot]);
    }
    trees
}

async fn drive(
    stage: &Stage<'_>,
    scene: &Scene,
    options: &VerifyOptions,
    preset: &Preset,
) -> Result<PresetReport, VerifyError> {
    let plan =
        scene.plan.with_empty(preset.empty.iter().map(|(table, column)| (preset.database.0, table, column)));
    let mut data = plan.generate(options.seed, &spec(&plan, preset));
    secrets::seal_data(&scene.scenario, &mut data, options.seed);
    let case = CaseData::new(scene, 0, options.seed, false, data);
    let trees = trees(scene);
    let mut runner = Runner::open(scene, stage).await?;
    let played = if scene.needs_commits() {
        runner.play_committed(&case, trees, Apart::LeftOut).await
    } else {
        runner.play(&case, trees).await
    };
    runner.close().await?;
    Ok(match played {
        Ok(seen) => report(scene, preset, &case, &seen),
        Err(failure) => PresetReport {
            title: preset.title.clone(),
            facts: vec![Fact { text: format!("could not be driven: {failure}"), ok: Some(false) }],
            ..PresetReport::default()
        },
    })
}

fn rows_of(contents: Option<&Snapshot>, key: &TableKey) -> u64 {
    contents.and_then(|c| c.tables.get(key)).map_or(0, |t| t.rows.len() as u64)
}

fn report(scene: &Scene, preset: &Preset, case: &CaseData, seen: &Observations) -> PresetReport {
    let (first, last) = (seen.contents(Checkpoint(0)), seen.contents(scene.last()));
    let tables: Vec<PresetTable> = preset
        .rows
        .iter()
        .map(|(table, _)| {
            let key = (preset.database, table.clone());
            PresetTable {
                table: table.to_string(),
                rows: rows_of(first, &key),
                with_tenant: with_tenant(scene, last, &key),
                through: through(scene, &key),
                ms: time_of(scene, seen, &key),
            }
        })
        .collect();
    let mut facts: Vec<Fact> = Vec::new();
    for (table, rows) in &preset.rows {
        let made = rows_of(first, &(preset.database, table.clone()));
        if made != u64::from(*rows) {
            facts.push(Fact { text: format!("{table}: {made} rows, {rows} documented"), ok: Some(false) });
        }
    }
    for (database, relation, column) in
        preset.empty.iter().map(|(table, column)| (preset.database, table, column))
    {
        let table = first.and_then(|c| c.tables.get(&(database, relation.clone())));
        let filled = table.map(|t| t.rows.iter().filter(|row| t.cell(row, column).is_some()).count());
        if filled != Some(0) {
            facts.push(Fact {
                text: format!("{relation}.{column} is documented as empty, and cannot be"),
                ok: Some(false),
            });
        }
    }
    facts.extend(scene.steps().filter_map(|(id, _)| fact(scene, seen, id)));
    if scene.scenario.tenancy.null_tenant == NullTenant::Hidden {
        facts.extend(tables.iter().filter_map(without_tenant));
    }
    let dropped = dropping(scene).into_iter().flat_map(|id| columns(scene, case, seen, id)).collect();
    let took = seen.steps.iter().filter_map(|run| run.seen.done()).map(|done| done.took.as_secs_f64());
    PresetReport { title: preset.title.clone(), tables, facts, dropped, ms: took.sum::<f64>() * 1000.0 }
}

/// The shortest way by foreign keys of the baseline from a table to the tenants: what lies between.
fn through(scene: &Scene, key: &TableKey) -> Vec<String> {
    let (database, tenants) = (key.0, &scene.scenario.tenancy.tenants);
    let mut ways: Vec<Vec<Relation>> = vec![vec![key.1.clone()]];
    let mut known: BTreeSet<Relation> = [key.1.clone()].into();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let table = way.last().and_then(|at| scene.table(Checkpoint(0), &(database, at.clone())));
            for target in table.into_iter().flat_map(|t| &t.foreign_keys).map(|f| &f.target) {
                if target == tenants {
                    return way[1..].iter().map(ToString::to_string).collect();
                }
                if known.insert(target.clone()) {
                    longer.push(way.iter().chain([target]).cloned().collect());
                }
            }
        }
        ways = longer;
    }
    Vec::new()
}

fn without_tenant(table: &PresetTable) -> Option<Fact> {
    let left = table.rows.checked_sub(table.with_tenant?).filter(|left| *left > 0)?;
    let text = format!("{}: {left} of {} rows have no tenant at the end", table.table, table.rows);
    Some(Fact { text, ok: Some(false) })
}

/// The columns that a step drops, and whether its way back brings back what was in them.
fn columns(scene: &Scene, case: &CaseData, seen: &Observations, id: StepId) -> Vec<DroppedColumn> {
    let back = [Act::Down(id), Act::Snapshot];
    let went_back = seen.seen(id.after(), &back[..1]).and_then(Seen::done).is_some();
    let restored = went_back.then(|| not_restored(scene, case, seen, id).is_empty());
    dropped(seen, id)
        .into_iter()
        .map(|((key, column), (rows, filled))| DroppedColumn {
            step: scene.step(id).id.clone(),
            column: format!("{}.{column}", key.1),
            rows,
            filled,
            restored,
        })
        .collect()
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
