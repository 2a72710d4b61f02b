//! Indexes that a timeline brings for the sake of reads: what they are, what they were built on, who can use them.

use watertight_reports::{IndexReport, Plans, Recall};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId};
use watertight_scenarios::schema::{Index, Table};
use watertight_scenarios::{Ident, Schema};

use super::measure::Measured;
use crate::explore::{Scene, TableKey};
use crate::invariants::{asked, is_approximate, names};

/// An index that the timeline brings.
pub(super) struct Brought<'a> {
    pub(super) key: TableKey,
    pub(super) index: &'a Index,
    /// The step that brings it.
    pub(super) step: StepId,
}

/// Indexes of the final schema that the baseline does not have. Those that come with their table are told with it,
/// unless they are approximate.
pub(super) fn of_timeline(scene: &Scene) -> Vec<Brought<'_>> {
    let Some(last) = scene.schemas.last().filter(|_| scene.last() > Checkpoint(0)) else { return Vec::new() };
    let tables = last.iter().enumerate().flat_map(|(db, schema): (usize, &Schema)| {
        schema.roots().map(move |t| ((DatabaseId(db), t.name.clone()), t))
    });
    tables
        .flat_map(|(key, table): (TableKey, &Table)| {
            table.indexes.iter().filter_map(move |index| {
                let first = scene.checkpoints().find(|at| has(scene, *at, &key, &index.name))?;
                let step = StepId(first.0.checked_sub(1)?);
                let with_table = scene.table(step.before(), &key).is_none();
                (!with_table || is_approximate(index)).then(|| Brought { key: key.clone(), index, step })
            })
        })
        .collect()
}

fn has(scene: &Scene, at: Checkpoint, key: &TableKey, name: &Ident) -> bool {
    scene.table(at, key).is_some_and(|t| t.indexes.iter().any(|i| &i.name == name))
}

/// The posture of each.
pub(super) fn reports(scene: &Scene, measured: &[Measured]) -> Vec<IndexReport> {
    let several = scene.scenario.databases.len() > 1;
    of_timeline(scene)
        .into_iter()
        .map(|brought| {
            let Brought { key, index, step } = brought;
            let built =
                measured.iter().filter_map(|m| m.rows.get(&(step.before(), key.clone())).copied()).max();
            let plans = measured.iter().flat_map(|m| &m.plans);
            let asked: Vec<_> = plans.filter(|lines| lines.iter().any(|l| reads(l, &key.1.name))).collect();
            let used = asked.iter().filter(|lines| lines.iter().any(|l| names(l, &index.name))).count();
            IndexReport {
                database: several.then(|| scene.scenario.databases[key.0.0].name.clone()),
                table: key.1.to_string(),
                name: index.name.to_string(),
                method: index.method.clone(),
                definition: index.definition.clone(),
                valid: index.valid,
                // A table that its own step creates has no rows when the index comes.
                rows_when_built: Some(built.unwrap_or(0)),
                plans: (!asked.is_empty()).then_some(Plans { asked: asked.len() as u64, used: used as u64 }),
                recall: recall(scene, measured, &key, index),
            }
        })
        .collect()
}

/// Lowest recall over the tenants that asked through an approximate index on the table.
fn recall(scene: &Scene, measured: &[Measured], key: &TableKey, index: &Index) -> Option<Recall> {
    let asked = asked(scene).into_iter().filter(|one| &one.key() == key);
    let reads: Vec<_> = asked.filter(|one| one.indexes(scene).iter().any(|i| i.name == index.name)).collect();
    let shares = measured.iter().flat_map(|m| &m.recall);
    let shares: Vec<f64> =
        shares.filter(|(id, _)| reads.iter().any(|one| one.id == *id)).map(|(_, share)| *share).collect();
    let lowest = shares.iter().copied().min_by(f64::total_cmp)?;
    let floor = reads.iter().map(|one| one.retrieval.recall).max_by(f64::total_cmp);
    Some(Recall { tenants: shares.len() as u64, lowest, floor })
}

/// Whether a line of a plan reads the table.
fn reads(line: &str, table: &Ident) -> bool {
    line.split_once(" on ").is_some_and(|(_, rest)| {
        let name = rest.strip_prefix('"').map_or_else(
            || rest.split([' ', '.']).next().unwrap_or_default(),
            |quoted| quoted.split('"').next().unwrap_or_default(),
        );
        name == table.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_tables_and_indexes_with_and_without_quotes() {
        let line = r#"  ->  Index Scan using "Message_role_idx" on "Message" m"#;
        assert!(names(line, &"Message_role_idx".into()) && reads(line, &"Message".into()));
        assert!(!names(line, &"Message_role".into()) && !reads(line, &"m".into()));
        let line = "Index Scan using item_idx on item";
        assert!(
            names(line, &"item_idx".into()) && reads(line, &"item".into()) && !names(line, &"item_id".into())
        );
    }
}
