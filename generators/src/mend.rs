//! Other values for rows that a server refused, and data without the rows that cannot be made.

use watertight_scenarios::schema::{IndexPart, Table, TypeKind};
use watertight_scenarios::{Ident, Relation};

use crate::dataset::{Dataset, Row};
use crate::dice::{Dice, mix};
use crate::expr::{Value, eval};
use crate::plan::literals::LITERALS_MAX;
use crate::plan::{ColumnPlan, Plan, TablePlan};
use crate::shrink::without_rows;
use crate::value::domain::Domain;
use crate::value::structured::print_json;
use crate::value::style::Style;
use crate::value::{Cell, Flavour, Maker, array};

/// Numbers of cells that are made anew start here, above those of generated rows and below fresh ones.
const ANEW: u64 = 1 << 19;

/// Texts of other looks than the column's name suggests, in the order in which they are tried.
const TEXTS: &[&str] = &[
    "a",
    "1",
    "A",
    "EUR",
    "en",
    "word",
    "two words",
    "a-b",
    "a@example.com",
    "2020-01-01",
    "#000000",
    "{}",
    "0",
    "",
];

/// Bounds of numbers and times, in units of their scale, in the order in which they are tried.
const BOUNDS: &[(i128, i128)] =
    &[(1, 9), (0, 0), (1, 1), (10, 99), (100, 999), (1000, 9999), (-9, -1), (2, 2)];

/// The first ways: values as the generator makes them, of each flavour in turn.
const FLAVOURS: [Flavour; 4] = [Flavour::Plain, Flavour::Distinct, Flavour::Common, Flavour::Extreme];

/// How often each flavour has its turn.
const TURNS: usize = 3;

/// A refused row, and what is known of the refusal.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Index of the database in the scenario.
    pub database: usize,
    /// The table.
    pub table: &'a Relation,
    /// The row.
    pub row: &'a Row,
    /// Its number among the rows of its table.
    pub number: u64,
    /// The constraint that refused it, where the server names one.
    pub constraint: Option<&'a str>,
}

impl Plan {
    /// Ways to make a refused row anew.
    pub fn ways(&self) -> usize {
        FLAVOURS.len() * TURNS + TEXTS.len() + 1 + LITERALS_MAX
    }

    /// The row with other values in the columns that the constraint reads, in that way of [`Plan::ways`]; keys,
    /// references and partition keys stay. `None` where the way changes nothing, or breaks what is understood.
    /// A constraint that is not known by its name may be about any column.
    pub fn remade(&self, refused: Refused<'_>, seed: u64, way: usize) -> Option<Row> {
        let plan = self.find(refused.database, refused.table)?;
        let row = refused.row;
        let mut values = row.values.clone();
        let named = refused.constraint.and_then(|name| plan.literals.get(&Ident::new(name)));
        let literals = named.map(Vec::as_slice).unwrap_or_default();
        for c in open_columns(plan, refused.constraint) {
            let column = &plan.columns[c];
            let number = ANEW + refused.number * self.ways() as u64 + way as u64;
            let cell = Cell { seed, world: row.world, number, flavour: Flavour::Plain };
            let mut dice = Dice::new(mix(&[seed, number]), c as u64);
            let made = match way.checked_sub(self.ways() - LITERALS_MAX) {
                Some(at) => of_literals(column, literals, at).map(Some),
                None => anew(plan, column, cell, way, &mut dice),
            };
            if let Some(value) = made {
                values[c] = value;
            }
        }
        let cell = |c: usize| eval::read(plan.columns[c].maker.kind(), values[c].as_deref());
        let breaks = plan.checks.iter().any(|k| matches!(eval::eval(&k.expr, &cell), Value::Bool(false)));
        (values != row.values && !breaks).then_some(Row { world: row.world, values })
    }

    /// The data without rows, given as positions of table and row, and without whatever refers to them.
    pub fn without(&self, dataset: &Dataset, gone: &[(usize, usize)]) -> Dataset {
        without_rows(self, dataset, gone)
    }
}

/// A value of another look; `None` where the way has none for the column.
fn anew(
    table: &TablePlan,
    column: &ColumnPlan,
    cell: Cell,
    way: usize,
    dice: &mut Dice,
) -> Option<Option<String>> {
    let domain = &column.domain;
    let Some(at) = way.checked_sub(FLAVOURS.len() * TURNS) else {
        let cell = Cell { flavour: FLAVOURS[way % FLAVOURS.len()], ..cell };
        return column.maker.make(domain, cell, dice).map(Some);
    };
    match TEXTS.get(at) {
        None => (column.nullable && !domain.not_null).then_some(None),
        Some(&text) if column.maker.is_text() && domain.one_of.is_none() => {
            let ty = &table.table.column(&column.name)?.ty;
            Maker::new(ty, Style::Few(vec![text.to_owned()]), 0).make(domain, cell, dice).map(Some)
        }
        Some(_) => {
            column.maker.scale.as_ref()?;
            let (low, high) = *BOUNDS.get(at)?;
            let within =
                domain.clone().and(&Domain { low: Some(low), high: Some(high), ..Domain::default() });
            column.maker.make(&within, cell, dice).map(Some)
        }
    }
}

/// A value made of the constants that a constraint talks of, another for each of them.
fn of_literals(column: &ColumnPlan, literals: &[String], at: usize) -> Option<String> {
    let literal = literals.get(at).filter(|_| !column.hinted)?;
    let maker = &column.maker;
    if let Some(scale) = &maker.scale {
        return scale.parse(literal).map(|(at, _)| scale.print(at));
    }
    match maker.kind() {
        TypeKind::Text | TypeKind::Varchar(_) | TypeKind::Char(_) | TypeKind::Citext => {
            maker.width().is_none_or(|w| literal.chars().count() <= w).then(|| maker.padded(literal.clone()))
        }
        TypeKind::Array(of) if matches!(of.kind, TypeKind::Text | TypeKind::Varchar(_)) => {
            Some(array::print(&[Some(literal.clone())]))
        }
        // Constants that stand beside JSON are names of fields, and what the first of them holds.
        TypeKind::Json | TypeKind::Jsonb => {
            let mut fields: serde_json::Map<String, serde_json::Value> =
                literals.iter().map(|name| (name.clone(), 1.into())).collect();
            if at > 0 {
                fields.insert(literals.first()?.clone(), literal.clone().into());
            }
            Some(print_json(&serde_json::Value::Object(fields)))
        }
        _ => None,
    }
}

/// Columns that a constraint of that name reads and that may be changed.
fn open_columns(plan: &TablePlan, constraint: Option<&str>) -> Vec<usize> {
    let named = constraint.map(|name| columns_of(&plan.table, name)).unwrap_or_default();
    let open = |c: &usize| {
        let column = &plan.columns[*c];
        !column.key && column.reference.is_none() && !plan.leaves.iter().flatten().any(|(l, _)| l == c)
    };
    let all = || (0..plan.columns.len()).filter(open);
    let of_constraint: Vec<usize> = all().filter(|&c| named.contains(&plan.columns[c].name)).collect();
    if !of_constraint.is_empty() {
        return of_constraint;
    }
    let is_domain = |c: &usize| {
        let column = plan.table.column(&plan.columns[*c].name);
        column.is_some_and(|c| matches!(c.ty.kind, TypeKind::Domain { .. }))
    };
    // A name that no constraint of the table has is that of a domain's.
    let of_domains: Vec<usize> = all().filter(is_domain).collect();
    if constraint.is_some() && !of_domains.is_empty() { of_domains } else { all().collect() }
}

fn columns_of(table: &Table, constraint: &str) -> Vec<Ident> {
    let check = table.checks.iter().find(|c| c.name.as_str() == constraint).map(|c| c.columns.clone());
    let exclusion =
        || table.exclusions.iter().find(|e| e.name.as_str() == constraint).map(|e| e.columns.clone());
    let unique = || {
        let unique = table.uniques.iter().find(|u| u.name.as_str() == constraint)?;
        let part = |p: &IndexPart| match p {
            IndexPart::Column(name) => Some(vec![name.clone()]),
            // The expression is not understood: any column may be in it.
            IndexPart::Expression(_) => None,
        };
        unique.parts.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.concat())
    };
    check.or_else(exclusion).or_else(unique).unwrap_or_default()
}
