//! One table: columns, checks, uniques, partitions, exclusions.

use std::collections::HashMap;

use watertight_scenarios::scenario::TableHints;
use watertight_scenarios::schema::{Function, IndexPart, Table, TypeKind, Unique};
use watertight_scenarios::{Ident, Relation};

use super::{
    CheckPlan, ColumnPlan, Part, Role, TablePlan, UniquePlan, Unproven, column, exclusion, literals,
    partition,
};
use crate::expr::{Expr, parse};

/// What planning a table says besides its plan.
pub(super) struct Notes<'a> {
    pub(super) not_made: &'a mut Vec<String>,
    pub(super) unproven: &'a mut Vec<Unproven>,
}

/// What a table is planned within.
pub(super) struct Around<'a> {
    /// Tables of its schema, partitions among them.
    pub(super) all: &'a [&'a Table],
    /// Functions that constraints may call.
    pub(super) functions: &'a [Function],
}

/// The plan of one table; references come later.
pub(super) fn plan(
    database: usize,
    table: &Table,
    around: &Around<'_>,
    number: usize,
    hints: Option<&TableHints>,
    notes: &mut Notes<'_>,
) -> TablePlan {
    let mut columns = Vec::new();
    let mut filled = true;
    for c in table.columns.iter().filter(|c| c.is_insertable()) {
        let hint = hints.and_then(|h| h.columns.get(c.name.as_str()));
        let plan = column::plan(c, table, number, hint, notes.not_made);
        if plan.maker.can_make() || plan.domain.one_of.is_some() {
            columns.push(plan);
        } else if c.default.is_some() || !column::refuses_null(c) {
            notes.not_made.push(format!(
                "{}.{}: no values of type {} can be made; left to its default",
                table.name, c.name, c.ty.name
            ));
        } else {
            notes.not_made.push(format!(
                "{}: no rows, for {} is NOT NULL of type {}, which cannot be made",
                table.name, c.name, c.ty.name
            ));
            filled = false;
        }
    }
    for name in hints.iter().flat_map(|h| h.columns.keys()) {
        if !columns.iter().any(|c| c.name.as_str() == name) {
            notes.not_made.push(format!("{}.{name}: a hint names a column that is not there", table.name));
        }
    }
    let mut literals: HashMap<Ident, Vec<String>> = HashMap::new();
    let mut unprove = |name: &Ident, text: &str| {
        literals.entry(name.clone()).or_default().extend(literals::literals(text, around.functions));
        notes.unproven.push(Unproven {
            database,
            table: table.name.clone(),
            constraint: name.clone(),
            expression: text.to_owned(),
        });
    };
    let checks = checks(table, &mut columns, &mut unprove);
    let uniques = uniques(table, &columns, &mut unprove);
    for unique in &uniques {
        if let ([Part::Column(c)], false) = (unique.parts.as_slice(), columns[unique.columns[0]].key) {
            columns[*c].distinct = true;
        }
    }
    for exclusion in &table.exclusions {
        match exclusion::kept_apart(exclusion, table, &columns) {
            Some(c) => columns[c].distinct = true,
            None => unprove(&exclusion.name, &exclusion.definition),
        }
    }
    let mut leaves = Vec::new();
    if table.partition_key.is_some() {
        match partition::leaves(table, around.all, &columns) {
            Some(found) if !found.is_empty() => leaves = found,
            _ => {
                let key = table.partition_key.as_deref().unwrap_or_default();
                notes.not_made.push(format!(
                    "{}: partition key {key} is not understood or has no partitions; rows may be refused",
                    table.name
                ));
            }
        }
    }
    TablePlan {
        database,
        table: table.clone(),
        columns,
        role: Role::Member,
        references: Vec::new(),
        uniques,
        checks,
        literals,
        leaves,
        filled,
    }
}

/// What a name in an expression stands for: a column that rows carry, or the expression of a generated one.
fn resolve(name: &str, table: &Table, columns: &[ColumnPlan], depth: u32) -> Option<Expr> {
    if let Some(c) = columns.iter().position(|c| c.name.as_str() == name) {
        return Some(Expr::Column(c));
    }
    let generated = table.column(&Ident::new(name))?.generated.as_ref()?;
    if depth > 3 {
        return None;
    }
    Some(parse::parse(generated, &|n| resolve(n, table, columns, depth + 1)))
}

fn checks(
    table: &Table,
    columns: &mut [ColumnPlan],
    unprove: &mut dyn FnMut(&Ident, &str),
) -> Vec<CheckPlan> {
    let mut checks = Vec::new();
    let mut add = |name: &Ident, text: &str, expr: Expr| {
        // Of what is demanded together, the parts that are understood are met all the same.
        let parts = match expr {
            Expr::And(parts) => parts,
            one => vec![one],
        };
        let (known, unknown): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(Expr::is_understood);
        if !unknown.is_empty() {
            unprove(name, text);
        }
        if !known.is_empty() {
            let expr = Expr::And(known);
            let columns = expr.columns();
            checks.push(CheckPlan { name: name.clone(), text: text.to_owned(), expr, columns, late: false });
        }
    };
    for check in &table.checks {
        let expr = parse::parse(&check.expression, &|n| resolve(n, table, columns, 0));
        add(&check.name, &check.expression, expr);
    }
    for (i, column) in columns.iter().enumerate() {
        let mut ty = table.column(&column.name).map(|c| &c.ty);
        while let Some(TypeKind::Domain { base, checks: texts, .. }) = ty.map(|t| &t.kind) {
            for text in texts {
                let value = |n: &str| n.eq_ignore_ascii_case("value").then_some(Expr::Column(i));
                add(&column.name, text, parse::parse(text, &value));
            }
            ty = Some(base);
        }
    }
    for check in &checks {
        let parts = match &check.expr {
            Expr::And(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for part in parts {
            if let [c] = part.columns().as_slice() {
                let scale = columns[*c].maker.scale.clone();
                columns[*c].domain.absorb(*c, scale.as_ref(), part);
            }
        }
    }
    checks
}

fn uniques(table: &Table, columns: &[ColumnPlan], unprove: &mut dyn FnMut(&Ident, &str)) -> Vec<UniquePlan> {
    let position = |name: &Ident| columns.iter().position(|c| &c.name == name);
    let mut plans = Vec::new();
    if let Some(key) = &table.primary_key {
        let columns: Option<Vec<usize>> = key.columns.iter().map(position).collect();
        if let Some(columns) = columns {
            plans.push(UniquePlan {
                name: key.name.clone(),
                parts: columns.iter().map(|&c| Part::Column(c)).collect(),
                predicate: None,
                nulls_not_distinct: false,
                columns,
                late: false,
            });
        }
    }
    for unique in &table.uniques {
        match understood(unique, table, columns) {
            Some(plan) => plans.push(plan),
            None => unprove(&unique.name, &describe(unique)),
        }
    }
    plans
}

fn understood(unique: &Unique, table: &Table, columns: &[ColumnPlan]) -> Option<UniquePlan> {
    let read = |text: &str| {
        let expr = parse::parse(text, &|n| resolve(n, table, columns, 0));
        expr.is_understood().then_some(expr)
    };
    let mut parts = Vec::new();
    let mut used = Vec::new();
    for part in &unique.parts {
        let expr = match part {
            IndexPart::Column(name) => resolve(name.as_str(), table, columns, 0)?,
            IndexPart::Expression(text) => read(text)?,
        };
        if !expr.is_understood() {
            return None;
        }
        used.extend(expr.columns());
        parts.push(match expr {
            Expr::Column(c) => Part::Column(c),
            other => Part::Expression(other),
        });
    }
    // A predicate that is not understood makes the key hold for every row: stricter, so never refused.
    let predicate = unique.predicate.as_deref().and_then(read);
    used.sort_unstable();
    used.dedup();
    if used.is_empty() {
        return None;
    }
    let nulls_not_distinct = unique.nulls_not_distinct;
    Some(UniquePlan {
        name: unique.name.clone(),
        parts,
        predicate,
        nulls_not_distinct,
        columns: used,
        late: false,
    })
}

fn describe(unique: &Unique) -> String {
    let parts: Vec<String> = unique
        .parts
        .iter()
        .map(|p| match p {
            IndexPart::Column(c) => c.quoted(),
            IndexPart::Expression(e) => e.clone(),
        })
        .collect();
    let predicate = unique.predicate.as_ref().map(|p| format!(" WHERE {p}")).unwrap_or_default();
    format!("UNIQUE ({}){predicate}", parts.join(", "))
}

/// Bookkeeping of migration tools: their rows are the tools' own.
pub(super) fn is_bookkeeping(table: &Relation) -> bool {
    matches!(
        table.name.as_str(),
        "_prisma_migrations"
            | "schema_migrations"
            | "flyway_schema_history"
            | "databasechangelog"
            | "databasechangeloglock"
            | "_sqlx_migrations"
            | "__drizzle_migrations"
            | "knex_migrations"
            | "knex_migrations_lock"
            | "alembic_version"
            | "django_migrations"
            | "ar_internal_metadata"
    )
}
