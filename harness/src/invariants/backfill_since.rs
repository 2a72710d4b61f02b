//! Rows that the application writes behind the backfill, before the trigger or default is there that fills them.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, StepId, StepKind};

use super::access_compatible::in_use;
use super::backfill::final_backfills;
use super::{Judgement, Violation, ViolationKey, contents};
use crate::explore::{
    Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Seen, Snapshot, TableKey,
};

/// A write that is in use behind the last backfill and still so where later steps have changed what fills rows.
struct Late {
    /// The last step that fills.
    fill: StepId,
    /// The step that brings a trigger or default, the first of them.
    filler: StepId,
    to: Checkpoint,
    tables: Vec<(TableKey, Ident)>,
    binding: Binding,
}

impl Late {
    /// Sent behind the backfill, and then the steps that follow.
    fn early(&self, scene: &Scene) -> Excursion {
        let steps = (self.fill.after().0..self.to.0).map(StepId);
        let steps = steps.filter(|s| scene.step(*s).kind != StepKind::Check);
        let mut acts = vec![Act::Send(self.binding.clone())];
        acts.extend(steps.map(|s| Act::Step(s, Actor::Migrator)));
        acts.push(Act::Snapshot);
        Excursion { from: self.fill.after(), acts }
    }

    /// Sent behind them.
    fn late(&self) -> Excursion {
        Excursion { from: self.to, acts: vec![Act::Send(self.binding.clone()), Act::Snapshot] }
    }
}

/// Tables whose missing tenants something else fills at the one checkpoint than at the other, and the first step that
/// changes it.
fn filled_otherwise(
    scene: &Scene,
    from: Checkpoint,
    to: Checkpoint,
) -> (Vec<(TableKey, Ident)>, Option<StepId>) {
    let (mut tables, mut first) = (Vec::new(), None);
    for (key, column) in scene.tenant_tables(to) {
        let fills = |at: Checkpoint| {
            let table = scene.table(at, &key)?;
            let default = table.column(&column).map(|c| (c.not_null, c.default.clone()))?;
            Some((table.triggers.clone(), default))
        };
        let before = fills(from);
        if before.as_ref().is_none_or(|(_, (not_null, _))| *not_null) || before == fills(to) {
            continue;
        }
        let changes = (from.0..to.0).map(StepId).find(|s| fills(s.before()) != fills(s.after()));
        first = first.into_iter().chain(changes).min();
        tables.push((key, column));
    }
    (tables, first)
}

fn lates(scene: &Scene, case: &CaseData) -> Vec<Late> {
    let Some(fill) = final_backfills(scene).last().copied().filter(|_| case.deep) else { return Vec::new() };
    let mut found = Vec::new();
    for (i, path) in scene.scenario.access.iter().enumerate() {
        let access = AccessId(i);
        if path.kind != AccessKind::Write || !in_use(scene, access, fill.after()) {
            continue;
        }
        let to = scene.checkpoints().filter(|at| in_use(scene, access, *at)).max();
        let Some(to) = to.filter(|to| *to > fill.after()) else { continue };
        let (mut tables, filler) = filled_otherwise(scene, fill.after(), to);
        tables.retain(|(key, _)| key.0 == path.database);
        let Some(filler) = filler.filter(|_| !tables.is_empty()) else { continue };
        let world = case.sample(1, i as u64).first().copied();
        let binding = world.and_then(|world| case.bind(scene, access, world));
        found.extend(binding.map(|binding| Late { fill, filler, to, tables, binding }));
    }
    found
}

/// What has to be seen.
pub(super) fn plan(scene: &Scene, case: &CaseData) -> Vec<Excursion> {
    let lates = lates(scene, case);
    lates.iter().flat_map(|late| [late.early(scene), late.late(), contents(late.to)]).collect()
}

/// Rows of a table, and those of them that lack their tenant.
fn counted(rows: &Snapshot, key: &TableKey, column: &Ident) -> Option<(usize, usize)> {
    let table = rows.tables.get(key)?;
    Some((table.rows.len(), table.rows.iter().filter(|row| table.cell(row, column).is_none()).count()))
}

/// The end of it, if nothing was refused on the way.
fn end<'a>(seen: &'a Observations, excursion: &Excursion) -> Option<&'a Snapshot> {
    let acts = &excursion.acts;
    let went = (1..acts.len()).all(|n| matches!(seen.seen(excursion.from, &acts[..n]), Some(Seen::Done(_))));
    seen.snapshot(excursion.from, acts).filter(|_| went)
}

/// Rows that stay without a tenant because they were written too early.
pub(super) fn judge(scene: &Scene, case: &CaseData, seen: &Observations, judgement: &mut Judgement) {
    for late in lates(scene, case) {
        let (witness, world) = (late.early(scene), late.binding.world);
        let (Some(early), Some(after)) = (end(seen, &witness), end(seen, &late.late())) else { continue };
        let Some(unwritten) = seen.contents(late.to).filter(|_| seen.alive(late.to).contains(&world)) else {
            continue;
        };
        for (key, column) in &late.tables {
            let of = |rows| counted(rows, key, column);
            let (Some((count, open)), Some(sent_early), Some(sent_late)) =
                (of(unwritten), of(early), of(after))
            else {
                continue;
            };
            // What the path writes here has its tenant by then: so it is meant to.
            if sent_late.0 <= count || sent_late.1 > open {
                continue;
            }
            judgement.exercised.insert(world);
            if sent_early.1 > open {
                judgement.violated(violation(scene, &late, key, column, [world].into(), witness.clone()));
            }
        }
    }
}

fn violation(
    scene: &Scene,
    late: &Late,
    key: &TableKey,
    column: &Ident,
    worlds: BTreeSet<WorldId>,
    witness: Excursion,
) -> Violation {
    let path = &scene.scenario.access[late.binding.access.0].name;
    let (fill, filler) = (&scene.step(late.fill).id, &scene.step(late.filler).id);
    Violation {
        key: ViolationKey { step: Some(late.fill), code: "written-since", subject: key.1.to_string() },
        worlds,
        severity: Severity::Critical,
        title: format!("Rows of {} that are written between `{fill}` and `{filler}` stay without a tenant", key.1),
        message: format!(
            "Sent behind `{fill}`, “{path}” leaves a row of {} with {column} NULL, and no later step fills it. Sent in the \
             state after `{}`, it leaves none.",
            key.1,
            scene.checkpoint_name(late.to)
        ),
        cause: format!("What gives such rows their tenant is there from `{filler}` on, and nothing fills those before."),
        remedy: "Install the trigger or the default before the backfill begins, or fill the rest in the step that \
                 brings it, under a lock."
            .to_owned(),
        tables: vec![key.1.to_string()],
        place: Some(scene.location(late.filler, 0)),
        witness,
    }
}
