//! Puts the plan together.

use std::collections::HashMap;

use watertight_scenarios::scenario::{StepKind, Tenancy};
use watertight_scenarios::schema::{ForeignKey, Table};
use watertight_scenarios::{Ident, Relation, Scenario, Schema};

use super::table::{Around, Notes, is_bookkeeping};
use super::{Plan, Reference, Role, TablePlan, graph, table};

/// Analyses the schemas.
pub(super) fn plan(schemas: &[&Schema], scenario: &Scenario) -> Plan {
    let tenancy = &scenario.tenancy;
    let (mut not_made, mut assumptions, mut unproven) = (Vec::new(), Vec::new(), Vec::new());
    let mut tables: Vec<TablePlan> = Vec::new();
    for (database, schema) in schemas.iter().enumerate() {
        let all: Vec<&Table> = schema.tables.iter().collect();
        let copied_into = database > 0
            && scenario.steps.iter().any(|s| s.kind == StepKind::Copy && s.database.0 == database);
        for table in schema.roots().filter(|t| !is_bookkeeping(&t.name)) {
            let hints = scenario.generate.get(&table.name);
            let mut notes = Notes { not_made: &mut not_made, unproven: &mut unproven };
            let around = Around { all: &all, functions: &schema.functions };
            let mut plan = table::plan(database, table, &around, tables.len(), hints, &mut notes);
            plan.filled &= !copied_into;
            tables.push(plan);
        }
        if copied_into {
            assumptions.push(format!(
                "database {}: starts empty, for a step copies into it",
                scenario.databases.get(database).map_or("?", |d| d.name.as_str())
            ));
        }
    }
    let index = |tables: &[TablePlan]| -> HashMap<(usize, Relation), usize> {
        tables.iter().enumerate().map(|(i, t)| ((t.database, t.table.name.clone()), i)).collect()
    };
    let positions = index(&tables);
    let tenants = (0..schemas.len()).find_map(|d| positions.get(&(d, tenancy.tenants.clone())).copied());
    if tenants.is_none() {
        not_made.push(format!(
            "{}: the tenants table is not in the schema: no world has a tenant",
            tenancy.tenants
        ));
    }
    for t in 0..tables.len() {
        connect(&mut tables, t, &positions, tenancy, tenants, &mut not_made);
    }
    mark_unfillable(&mut tables, &mut not_made);
    roles(&mut tables, tenancy, tenants, &mut assumptions);
    if forbid_shared_of_tenants(&mut tables, &mut not_made) {
        mark_unfillable(&mut tables, &mut not_made);
    }

    let order = graph::load_order(&tables);
    let mut place = vec![0; order.len()];
    for (position, &t) in order.iter().enumerate() {
        place[t] = position;
    }
    let mut slots: Vec<Option<TablePlan>> = tables.into_iter().map(Some).collect();
    let mut tables: Vec<TablePlan> = order.iter().filter_map(|&t| slots[t].take()).collect();
    for (t, table) in tables.iter_mut().enumerate() {
        for reference in &mut table.references {
            reference.target = place[reference.target];
            reference.late = reference.target > t;
        }
        arrange(table, t);
    }
    Plan { index: index(&tables), tables, not_made, assumptions, unproven }
}

/// Gives a table its references: foreign keys, and its tenant column where that is not one.
fn connect(
    tables: &mut [TablePlan],
    t: usize,
    positions: &HashMap<(usize, Relation), usize>,
    tenancy: &Tenancy,
    tenants: Option<usize>,
    not_made: &mut Vec<String>,
) {
    let table = tables[t].table.clone();
    let mut references = Vec::new();
    for key in &table.foreign_keys {
        match foreign_key(tables, t, key, positions) {
            Some(reference) => references.push(reference),
            None => {
                // Nothing to refer to: the columns stay NULL, or there are no rows.
                let columns: Vec<usize> = key.columns.iter().filter_map(|c| tables[t].column(c)).collect();
                let nullable = columns.iter().copied().find(|&c| tables[t].columns[c].nullable);
                match nullable {
                    Some(c) => tables[t].columns[c].null_percent = Some(100),
                    None => tables[t].filled = false,
                }
                let outcome = if nullable.is_some() { "always NULL" } else { "no rows" };
                not_made.push(format!(
                    "{}: {outcome}, for {} refers to a table that is not filled",
                    table.name, key.name
                ));
            }
        }
    }
    for column in tables[t].columns.iter().filter(|c| c.across) {
        if !table.foreign_keys.iter().any(|key| key.columns.contains(&column.name)) {
            let place = format!("{}.{}", table.name, column.name);
            not_made.push(format!("{place}: rows of other tenants, for it is in no foreign key"));
        }
    }
    let column = tenancy.columns.get(&table.name).or(tenancy.column.as_ref());
    let tenant_column = column.and_then(|c| tables[t].column(c)).filter(|_| Some(t) != tenants);
    if let (Some(c), Some(tenants)) = (tenant_column, tenants) {
        tables[t].columns[c].tenant = true;
        // A composite key that has the column may refer to nothing; then it holds the tenant all the same.
        let refers = references.iter().any(|r: &Reference| r.columns == [c]);
        let key = tenants_key(&tables[tenants], tenancy);
        match key.and_then(|k| tables[tenants].column(&k)) {
            Some(key) if !refers => references.push(Reference {
                columns: vec![c],
                target: tenants,
                target_columns: vec![key],
                match_full: false,
                nullable: tables[t].columns[c].nullable,
                late: false,
                declared: false,
                across: false,
            }),
            _ => {}
        }
    }
    // Composite keys first, for they fix columns of the others; the tenant next, for it fixes the side of a
    // world with two; itself last, for its own key must be there.
    references
        .sort_by_key(|r| (r.target == t, std::cmp::Reverse(r.columns.len()), Some(r.target) != tenants));
    tables[t].references = references;
}

/// The tenants' key column: as declared, else the primary key's only column.
fn tenants_key(tenants: &TablePlan, tenancy: &Tenancy) -> Option<Ident> {
    let only = |columns: Vec<Ident>| <[Ident; 1]>::try_from(columns).ok().map(|[one]| one);
    tenancy.key.clone().or_else(|| tenants.table.identity().and_then(only))
}

fn foreign_key(
    tables: &[TablePlan],
    t: usize,
    key: &ForeignKey,
    positions: &HashMap<(usize, Relation), usize>,
) -> Option<Reference> {
    let target = *positions.get(&(tables[t].database, key.target.clone()))?;
    let columns: Option<Vec<usize>> = key.columns.iter().map(|c| tables[t].column(c)).collect();
    let target_columns: Option<Vec<usize>> =
        key.target_columns.iter().map(|c| tables[target].column(c)).collect();
    let columns = columns?;
    let can_be_null = |&c: &usize| tables[t].columns[c].nullable && !tables[t].columns[c].domain.not_null;
    let nullable =
        if key.match_full { columns.iter().all(can_be_null) } else { columns.iter().any(can_be_null) };
    let across = columns.iter().any(|&c| tables[t].columns[c].across);
    Some(Reference {
        columns,
        target,
        target_columns: target_columns?,
        match_full: key.match_full,
        nullable,
        late: false,
        declared: true,
        across,
    })
}

/// A table whose required parent has no rows has none either.
fn mark_unfillable(tables: &mut [TablePlan], not_made: &mut Vec<String>) {
    for _ in 0..tables.len() {
        let lost = (0..tables.len())
            .find(|&t| tables[t].filled && graph::required(tables, t).any(|parent| !tables[parent].filled));
        let Some(t) = lost else { break };
        tables[t].filled = false;
        let name = tables[t].table.name.clone();
        not_made.push(format!("{name}: no rows, for a table that it refers to has none"));
    }
    let filled: Vec<bool> = tables.iter().map(|t| t.filled).collect();
    for table in tables.iter_mut() {
        for reference in table.references.iter().filter(|r| r.declared && !filled[r.target]) {
            for &c in &reference.columns {
                if table.columns[c].nullable {
                    table.columns[c].null_percent = Some(100);
                }
            }
        }
        table.references.retain(|r| filled[r.target]);
    }
}

fn roles(tables: &mut [TablePlan], tenancy: &Tenancy, tenants: Option<usize>, assumptions: &mut Vec<String>) {
    for (t, table) in tables.iter_mut().enumerate() {
        if tenancy.shared.contains(&table.table.name) {
            table.role = Role::Shared;
        } else if table.references.is_empty() && Some(t) != tenants && has_few_keys(table) {
            table.role = Role::Shared;
            let name = &table.table.name;
            assumptions.push(format!("{name}: shared by all tenants, for its unique key has few values"));
        }
    }
    let Some(tenants) = tenants else { return };
    let up = |t: usize| tables[t].references.iter().map(|r| r.target).collect::<Vec<_>>();
    let ancestors = graph::reach(tables.len(), tenants, up);
    let both = |t: usize| {
        let down = (0..tables.len()).filter(|&o| tables[o].references.iter().any(|r| r.target == t));
        down.chain(up(t)).filter(|&o| tables[o].role != Role::Shared).collect::<Vec<_>>()
    };
    let connected = graph::reach(tables.len(), tenants, both);
    for (t, table) in tables.iter_mut().enumerate() {
        if table.role == Role::Shared {
            continue;
        }
        table.role = match (t == tenants, ancestors[t]) {
            (true, _) => Role::Tenants,
            (false, true) => Role::Ancestor,
            (false, false) => Role::Member,
        };
        if !connected[t] && table.filled {
            assumptions.push(format!(
                "{}: no foreign key leads to a tenant; its rows are dealt out to the worlds in turn",
                table.table.name
            ));
        }
    }
}

/// Shared rows cannot refer to what belongs to a tenant; where they must, there are none.
fn forbid_shared_of_tenants(tables: &mut [TablePlan], not_made: &mut Vec<String>) -> bool {
    let mut changed = false;
    for t in 0..tables.len() {
        let shared = |t: usize| tables[t].role == Role::Shared;
        let owned = graph::required(tables, t).find(|&parent| !shared(parent));
        if let Some(parent) = owned.filter(|_| shared(t) && tables[t].filled) {
            let (name, parent) = (&tables[t].table.name, &tables[parent].table.name);
            not_made
                .push(format!("{name}: no rows, for it is shared but must refer to {parent}, which is not"));
            tables[t].filled = false;
            changed = true;
        }
    }
    changed
}

/// Whether some unique key has so few values that worlds would fight over them.
fn has_few_keys(table: &TablePlan) -> bool {
    table.uniques.iter().filter(|u| u.predicate.is_none()).any(|u| {
        let counts = u.columns.iter().map(|&c| {
            let column = &table.columns[c];
            if column.nullable { None } else { column.maker.count(&column.domain) }
        });
        counts.collect::<Option<Vec<usize>>>().is_some_and(|c| c.iter().product::<usize>() <= 32)
    })
}

/// What depends on the final positions: which column belongs to which reference, and what is late.
fn arrange(table: &mut TablePlan, t: usize) {
    let mut late = vec![false; table.columns.len()];
    for (i, reference) in table.references.iter().enumerate() {
        for &c in &reference.columns {
            table.columns[c].reference = table.columns[c].reference.or(Some(i));
            table.columns[c].key = false;
            late[c] |= reference.late && reference.target != t;
        }
    }
    let is_late = |columns: &[usize]| columns.iter().any(|&c| late[c]);
    for unique in &mut table.uniques {
        unique.late = is_late(&unique.columns);
    }
    for check in &mut table.checks {
        check.late = is_late(&check.columns);
    }
}
