//! Rows that were copied bring their keys along; the sequences of the target do not know of them.

use std::collections::BTreeSet;

use watertight_reports::Severity;
use watertight_scenarios::scenario::{CopySpec, StepId};

use super::sequences::{Fed, behind, fed, look};
use super::{Violation, ViolationKey};
use crate::explore::{CaseData, Excursion, Observations, Scene};

/// Columns of copied tables that sequences feed.
fn copied<'a>(scene: &'a Scene, step: StepId, spec: &CopySpec) -> Vec<Fed<'a>> {
    let mut found = fed(scene, step.after(), spec.to);
    found.retain(|fed| spec.tables.contains(&fed.key.1));
    found
}

/// What has to be seen; nothing, where no sequence feeds a copied table.
pub(super) fn plan(scene: &Scene, step: StepId, spec: &CopySpec) -> Option<Excursion> {
    let fed = copied(scene, step, spec);
    (!fed.is_empty()).then(|| Excursion { from: step.after(), acts: vec![look(spec.to, &fed)] })
}

/// Sequences that are behind the rows that were copied.
pub(super) fn violations(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
    spec: &CopySpec,
) -> Vec<Violation> {
    let fed = copied(scene, step, spec);
    let Some(witness) = plan(scene, step, spec) else { return Vec::new() };
    let (Some(looked), Some(rows)) = (seen.seen(witness.from, &witness.acts), seen.contents(step.after()))
    else {
        return Vec::new();
    };
    let (id, mut found) = (&scene.step(step).id, Vec::new());
    for behind in behind(&fed, looked, rows) {
        let (name, column) = (&behind.fed.key.1, behind.fed.column);
        let worlds =
            behind.rows.iter().filter_map(|r| case.world_of(scene, &behind.fed.key, behind.table, r));
        found.push(Violation {
            key: ViolationKey { step: Some(step), code: "sequence-behind", subject: behind.subject() },
            worlds: worlds.collect::<BTreeSet<_>>(),
            severity: Severity::High,
            title: format!("New rows of {name} get keys that copied rows have"),
            message: format!("After `{id}` {}.", behind.words()),
            cause: "The rows bring their keys along, and nothing tells the target's sequence.".to_owned(),
            remedy: format!(
                "Set the sequence of {name}.{column} behind the highest key, in the step that copies."
            ),
            tables: vec![name.to_string()],
            place: Some(scene.location(step, 0)),
            witness: witness.clone(),
        });
    }
    found
}
