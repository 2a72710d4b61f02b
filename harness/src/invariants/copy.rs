//! A copy between databases takes every row as it is, and its second run writes none.

use std::collections::{BTreeSet, HashMap};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{CopySpec, StepId, StepKind};

use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, again, contents, copy_sequence};
use crate::db::session::TextRow;
use crate::explore::snapshot::SnapRow;
use crate::explore::{
    Act, Actor, CaseData, Excursion, Observations, Scene, Snapshot, Statement, TableKey, TableRows,
};

/// Every row of the source is in the target, equal, and no other.
pub(super) struct Complete;
/// The second run writes nothing.
pub(super) struct Idempotent;

/// Copy steps that the run over empty tables reached, with what they copy.
pub(super) fn copies(scene: &Scene) -> Vec<(StepId, &CopySpec)> {
    scene
        .steps_of(StepKind::Copy)
        .into_iter()
        .filter(|s| s.after() <= scene.last())
        .filter_map(|s| Some((s, scene.step(s).copy.as_ref()?)))
        .collect()
}

/// The usual reason for a copy's invariant not to apply.
pub(super) fn has_copy(scene: &Scene) -> Result<(), String> {
    if copies(scene).is_empty() { Err("the timeline has no copy step".to_owned()) } else { Ok(()) }
}

/// Worlds with a row to copy that the step did not lose.
pub(super) fn to_copy(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    step: StepId,
    spec: &CopySpec,
) -> BTreeSet<WorldId> {
    let Some(before) = seen.contents(step.before()) else { return BTreeSet::new() };
    let alive = seen.alive(step.after());
    spec.tables
        .iter()
        .filter_map(|table| before.tables.get_key_value(&(spec.from, table.clone())))
        .flat_map(|(key, table)| table.rows.iter().filter_map(move |r| case.world_of(scene, key, table, r)))
        .filter(|w| alive.contains(w))
        .collect()
}

/// How the copy of a table differs from it.
#[derive(Debug, Default)]
pub(super) struct Difference<'a> {
    /// Rows of the source that are not in the target.
    pub(super) missing: Vec<&'a SnapRow>,
    /// Rows of the target that are not in the source and were not there before.
    extra: Vec<&'a SnapRow>,
    /// Rows of the source that are in the target with another value in one of these columns.
    pub(super) changed: Vec<&'a SnapRow>,
    columns: BTreeSet<&'a Ident>,
}

/// Compares row by row, by what identifies a row in the target, and column by column of those that both have.
pub(super) fn compare<'a>(
    source: &'a TableRows,
    target: &'a TableRows,
    target_before: Option<&TableRows>,
) -> Difference<'a> {
    let shared: Vec<(usize, usize)> =
        source.columns.iter().enumerate().filter_map(|(i, c)| Some((i, target.position(c)?))).collect();
    let key: Option<Vec<(usize, usize)>> =
        target.identity.iter().map(|&j| Some((source.position(&target.columns[j])?, j))).collect();
    // Without a key that both have, a row is all of its values.
    let key = key.filter(|k| !k.is_empty()).unwrap_or_else(|| shared.clone());
    let pick = |row: &SnapRow, at: &mut dyn Iterator<Item = usize>| -> TextRow {
        at.map(|i| row.values[i].clone()).collect()
    };
    let mut there: HashMap<TextRow, Vec<&SnapRow>> = HashMap::new();
    for row in &target.rows {
        there.entry(pick(row, &mut key.iter().map(|k| k.1))).or_default().push(row);
    }
    let mut difference = Difference::default();
    for row in &source.rows {
        let found = there.get_mut(&pick(row, &mut key.iter().map(|k| k.0))).and_then(Vec::pop);
        let Some(copy) = found else {
            difference.missing.push(row);
            continue;
        };
        let other = shared.iter().filter(|(i, j)| row.values[*i] != copy.values[*j]);
        let columns: BTreeSet<&Ident> = other.map(|(i, _)| &source.columns[*i]).collect();
        if !columns.is_empty() {
            difference.changed.push(row);
            difference.columns.extend(columns);
        }
    }
    let known: BTreeSet<&str> =
        target_before.into_iter().flat_map(|t| &t.rows).map(|r| r.place.as_str()).collect();
    difference.extra = there.into_values().flatten().filter(|r| !known.contains(r.place.as_str())).collect();
    difference.extra.sort_by(|a, b| a.values.cmp(&b.values));
    difference
}

static COMPLETE: InvariantSpec = InvariantSpec {
    id: "copy-complete",
    title: "After a copy every row of the source is in the target, equal, and no other",
    rationale: "A copy that reads as a role that row security hides rows from copies a part and reports success. \
        Triggers and defaults of the target rewrite what arrives. Once the application has moved, what is missing is \
        missed by its owner first.",
    example: "ALTER TABLE item FORCE ROW LEVEL SECURITY on the source: SELECT * FROM item as its owner reads no row",
    remedy: "Copy as a role that sees every row, give the target the same columns and no trigger that rewrites a row \
        that says its values itself, and compare both sides before the application moves.",
    exercise: "rows in the tables that a `copy` step copies",
};

impl Invariant for Complete {
    fn spec(&self) -> &'static InvariantSpec {
        &COMPLETE
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_copy(scene)
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        copies(scene)
            .into_iter()
            .flat_map(|(step, spec)| {
                let sequences = copy_sequence::plan(scene, step, spec);
                [contents(step.before()), contents(step.after())].into_iter().chain(sequences)
            })
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (step, spec) in copies(scene) {
            let (Some(before), Some(after)) = (seen.contents(step.before()), seen.contents(step.after()))
            else {
                continue;
            };
            judgement.exercised.extend(to_copy(scene, case, seen, step, spec));
            for violation in copy_sequence::violations(scene, case, seen, step, spec) {
                judgement.violated(violation);
            }
            for table in &spec.tables {
                let (from, to) = ((spec.from, table.clone()), (spec.to, table.clone()));
                let (Some(source), Some(target)) = (after.tables.get(&from), after.tables.get(&to)) else {
                    continue; // the step was refused, or it is a view: then there is nothing to compare
                };
                let difference = compare(source, target, before.tables.get(&to).map(AsRef::as_ref));
                for violation in violations(scene, case, step, spec, &from, before, after, &difference) {
                    judgement.violated(violation);
                }
            }
        }
        judgement
    }
}

#[expect(clippy::too_many_arguments, reason = "one table of one step, with all that is known of it")]
fn violations(
    scene: &Scene,
    case: &CaseData,
    step: StepId,
    spec: &CopySpec,
    from: &TableKey,
    before: &Snapshot,
    after: &Snapshot,
    difference: &Difference<'_>,
) -> Vec<Violation> {
    let (table, id) = (&from.1, &scene.step(step).id);
    let to: TableKey = (spec.to, table.clone());
    let all = before.tables.get(from).map_or(0, |t| t.rows.len());
    let secured = scene.table(step.before(), from).is_some_and(|t| t.row_security.enabled);
    let worlds = |key: &TableKey, rows: &[&SnapRow]| -> BTreeSet<WorldId> {
        let Some(table) = after.tables.get(key) else { return BTreeSet::new() };
        rows.iter().filter_map(|r| case.world_of(scene, key, table, r)).collect()
    };
    let columns: Vec<String> = difference.columns.iter().map(ToString::to_string).collect();
    let ways = [
        (
            "missing",
            &difference.missing,
            from,
            format!("Rows of {table} are not copied"),
            format!(
                "After `{id}` {} of {all} rows of {table} are not in the target.",
                difference.missing.len()
            ),
            match secured && difference.missing.len() == all {
                true => "The copy reads as the migrator, and row security hides the table's rows from it.",
                false => "The copy does not reach these rows, or the target drops them.",
            },
        ),
        (
            "differs",
            &difference.changed,
            from,
            format!("Rows of {table} are changed by the copy"),
            format!(
                "After `{id}` {} of {all} rows of {table} have another value in the target: {}.",
                difference.changed.len(),
                columns.join(", ")
            ),
            "A trigger, a type or a rule of the target rewrites what arrives.",
        ),
        (
            "extra",
            &difference.extra,
            &to,
            format!("The copy makes rows of {table} that the source does not have"),
            format!("After `{id}` the target has {} rows of {table} too many.", difference.extra.len()),
            "Something in the target writes rows while rows arrive.",
        ),
    ];
    ways.into_iter()
        .filter(|(_, rows, ..)| !rows.is_empty())
        .map(|(code, rows, key, title, message, cause)| Violation {
            key: ViolationKey { step: Some(step), code, subject: table.to_string() },
            worlds: worlds(key, rows),
            severity: Severity::Critical,
            title,
            message,
            cause: cause.to_owned(),
            remedy: String::new(),
            tables: vec![table.to_string()],
            place: Some(scene.location(step, 0)),
            witness: side_by_side(step, spec, from),
        })
        .collect()
}

/// Both sides of a table, as a reader would look at them.
fn side_by_side(step: StepId, spec: &CopySpec, from: &TableKey) -> Excursion {
    let look = |database| {
        let sql = format!("SELECT * FROM {} ORDER BY 1", from.1.quoted());
        Act::Sql(Statement { database, actor: Actor::Observer, sql })
    };
    Excursion { from: step.after(), acts: vec![look(spec.from), look(spec.to)] }
}

static IDEMPOTENT: InvariantSpec = InvariantSpec {
    id: "copy-idempotent",
    title: "A second run of a copy writes no row",
    rationale: "A copy is run again: because it stopped half-way, or to fetch what was written since. What it writes \
        then to rows that are there already fires their triggers once more, fills audit logs, or makes duplicates.",
    example: "A BEFORE INSERT trigger of the target that logs: it fires for every row that is there already, too",
    remedy: "Upsert by a primary key, write only rows that differ, and let the target's triggers tell a new row from \
        one that is there.",
    exercise: "rows in the tables that a `copy` step copies",
};

impl Invariant for Idempotent {
    fn spec(&self) -> &'static InvariantSpec {
        &IDEMPOTENT
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_copy(scene)
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        copies(scene)
            .into_iter()
            .flat_map(|(s, _)| [contents(s.before())].into_iter().chain(again::plan(s)))
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (step, spec) in copies(scene) {
            let exercised = to_copy(scene, case, seen, step, spec);
            again::judge(scene, case, seen, step, &exercised, &mut judgement);
        }
        judgement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[&str]]) -> TableRows {
        let rows = rows.iter().enumerate().map(|(i, values)| SnapRow {
            place: i.to_string(),
            values: values.iter().map(|v| Some((*v).to_owned())).collect(),
        });
        let columns = columns.iter().map(|c| Ident::from(*c)).collect();
        TableRows { columns, identity: vec![0], rows: rows.collect() }
    }

    fn told(
        source: &TableRows,
        target: &TableRows,
        before: Option<&TableRows>,
    ) -> (usize, usize, usize, Vec<String>) {
        let d = compare(source, target, before);
        let columns = d.columns.iter().map(ToString::to_string).collect();
        (d.missing.len(), d.changed.len(), d.extra.len(), columns)
    }

    #[test]
    fn an_equal_copy_has_no_difference_whatever_the_order_of_rows_and_columns() {
        let source = table(&["id", "a", "b"], &[&["1", "x", "y"], &["2", "z", "w"]]);
        let target = table(&["id", "b", "a"], &[&["2", "w", "z"], &["1", "y", "x"]]);
        assert_eq!(told(&source, &target, None), (0, 0, 0, vec![]));
    }

    #[test]
    fn missing_changed_and_extra_rows_are_told_apart() {
        let source = table(&["id", "a"], &[&["1", "x"], &["2", "y"], &["3", "z"]]);
        let target = table(&["id", "a"], &[&["1", "x"], &["2", "Y"], &["4", "w"]]);
        assert_eq!(told(&source, &target, None), (1, 1, 1, vec!["a".to_owned()]));
    }

    #[test]
    fn a_row_that_the_target_had_before_is_not_the_copys() {
        let source = table(&["id", "a"], &[]);
        let target = table(&["id", "a"], &[&["9", "own"]]);
        assert_eq!(told(&source, &target, Some(&target)), (0, 0, 0, vec![]));
        assert_eq!(told(&source, &target, None), (0, 0, 1, vec![]));
    }

    #[test]
    fn equal_rows_without_a_key_are_counted() {
        let mut source = table(&["a"], &[&["x"], &["x"]]);
        let mut target = table(&["a"], &[&["x"]]);
        source.identity.clear();
        target.identity.clear();
        assert_eq!(told(&source, &target, None), (1, 0, 0, vec![]));
    }
}
