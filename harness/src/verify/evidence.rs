//! Evidence that a report shows where there is some: before and after, what is answered otherwise, expectations.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use watertight_reports::{
    Answered, BehaviourChange, CheckReport, Evidence, Expectations, StateChange, TableReport, Verdict,
};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, Expectation, NullTenant};

use super::measure::Measured;
use super::{facts, indexes};
use crate::explore::{Print, Scene, TableKey};

/// Kinds of catalog lines that a reader compares. Grants and functions are told with the step that changes them.
const COMPARED: [&str; 5] = ["column", "constraint", "policy", "row security", "trigger"];

/// All of it.
pub(super) fn evidence(
    scene: &Scene,
    measured: &[Measured],
    tables: &[TableReport],
    checks: &[CheckReport],
) -> Evidence {
    let mut state = tenants(scene, tables, checks);
    state.extend(catalogs(scene));
    Evidence {
        state,
        behaviour: behaviour(measured),
        indexes: indexes::reports(scene, measured),
        expectations: expectations(scene, checks),
        ..Evidence::default()
    }
}

/// What the catalogs say of tables that are there before the timeline, and which tables come and go.
fn catalogs(scene: &Scene) -> Vec<StateChange> {
    let (Some(before), Some(after)) = (scene.prints.first(), scene.prints.last()) else { return Vec::new() };
    let keys = |at: Checkpoint| -> BTreeSet<TableKey> {
        let schemas = scene.schemas.get(at.0).into_iter().flatten().enumerate();
        schemas.flat_map(|(db, s)| s.roots().map(move |t| (DatabaseId(db), t.name.clone()))).collect()
    };
    let (old, new) = (keys(Checkpoint(0)), keys(scene.last()));
    let mut changes = Vec::new();
    for key in old.intersection(&new) {
        let label = label(key);
        let (then, now) = (lines(before, &label), lines(after, &label));
        let named: BTreeSet<_> = then.keys().chain(now.keys()).copied().collect();
        for line in named {
            let (a, b) = (then.get(&line), now.get(&line));
            if a != b {
                // Definitions of policies are printed over several lines.
                let code = |d: Option<&&str>| d.map(|d| format!("`{}`", facts::on_one_line(d)));
                let subject = format!("{} {}", line.0, facts::object(line.1));
                changes.push(StateChange { subject, before: code(a), after: code(b), ok: None });
            }
        }
    }
    let columns = |at: Checkpoint, key: &TableKey| {
        scene
            .table(at, key)
            .map(|t| format!("{} columns, {} foreign keys", t.columns.len(), t.foreign_keys.len()))
    };
    for key in old.symmetric_difference(&new) {
        changes.push(StateChange {
            subject: format!("table `{}`", key.1),
            before: columns(Checkpoint(0), key),
            after: columns(scene.last(), key),
            ok: None,
        });
    }
    changes
}

/// A table as the catalog lines call it.
fn label((db, table): &TableKey) -> String {
    let name = format!("{}.{}", table.schema, table.name);
    if db.0 == 0 { name } else { format!("[{}] {name}", db.0) }
}

/// The compared lines about one table.
fn lines<'a>(print: &'a Print, label: &str) -> BTreeMap<(&'a str, &'a str), &'a str> {
    print
        .iter()
        .filter(|((kind, object), _)| {
            let rest = object.strip_prefix(label);
            COMPARED.contains(&kind.as_str())
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ']))
        })
        .map(|((kind, object), definition)| ((kind.as_str(), object.as_str()), definition.as_str()))
        .collect()
}

/// Rows without a tenant, when the tenant column came and at the end.
fn tenants(scene: &Scene, tables: &[TableReport], checks: &[CheckReport]) -> Vec<StateChange> {
    let hidden = scene.scenario.tenancy.null_tenant == NullTenant::Hidden;
    tables
        .iter()
        .filter(|t| t.rows > 0)
        .filter_map(|table| {
            let column = table.tenant_column.as_ref()?;
            let refused = match table.rows_without_tenant_refused {
                0 => String::new(),
                n => format!("; {n} were refused on the way"),
            };
            // What a check or a guard refuses is as it should be; what a backfill leaves is not.
            let left = checks.iter().filter(|c| c.invariant == "backfill-complete");
            let left = left.flat_map(|c| c.outcome.findings()).any(|f| f.tables.contains(&table.name));
            Some(StateChange {
                subject: format!("rows of `{}` without `{column}`", table.name),
                before: Some(table.rows_without_tenant_before.to_string()),
                after: Some(format!("{} of {}{refused}", table.rows_without_tenant, table.rows)),
                ok: hidden.then_some(table.rows_without_tenant == 0 && !left),
            })
        })
        .collect()
}

/// Attempts over all cases, those only whose answer the timeline changed.
fn behaviour(measured: &[Measured]) -> Vec<BehaviourChange> {
    let mut found: IndexMap<&str, BehaviourChange> = IndexMap::new();
    for attempt in measured.iter().flat_map(|m| &m.attempts) {
        let entry = found.entry(&attempt.words).or_insert_with(|| BehaviourChange {
            attempt: attempt.words.clone(),
            sql: attempt.sql.clone(),
            ..BehaviourChange::default()
        });
        add(&mut entry.before, attempt.before.as_deref());
        add(&mut entry.after, attempt.after.as_deref());
    }
    let share = |a: &Answered| (a.refused > 0, a.refused == a.tried);
    found.into_values().filter(|c| share(&c.before) != share(&c.after)).collect()
}

fn add(answered: &mut Answered, refusal: Option<&str>) {
    answered.tried += 1;
    if let Some(words) = refusal {
        answered.refused += 1;
        answered.answer.get_or_insert_with(|| words.to_owned());
    }
}

/// Verdicts against those that the scenario expects, of the checks that ran.
fn expectations(scene: &Scene, checks: &[CheckReport]) -> Option<Expectations> {
    let expected = &scene.scenario.expect;
    if expected.is_empty() {
        return None;
    }
    let mut found = Expectations::default();
    for check in checks {
        let (id, verdict) = (&check.invariant, check.outcome.verdict());
        match expected.get(id).map(|e| self::verdict(*e)) {
            Some(wanted) if wanted == verdict => found.met += 1,
            Some(wanted) => {
                found.unmet.push(format!("`{id}`: expected {}, found {}", wanted.word(), verdict.word()))
            }
            // What nobody expects may hold, and may have no subject.
            None if matches!(verdict, Verdict::Held | Verdict::NotApplicable) => {}
            None => found.unmet.push(format!("`{id}`: nothing expected, found {}", verdict.word())),
        }
    }
    Some(found)
}

fn verdict(expected: Expectation) -> Verdict {
    match expected {
        Expectation::Held => Verdict::Held,
        Expectation::Violated => Verdict::Violated,
        Expectation::Inconclusive => Verdict::Inconclusive,
        Expectation::NotApplicable => Verdict::NotApplicable,
    }
}
