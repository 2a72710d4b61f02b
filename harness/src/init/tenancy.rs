//! Which table holds the tenants and which columns carry them, from the catalogs of the newest schema.

use std::collections::BTreeMap;

use watertight_scenarios::schema::{ForeignKey, Table};
use watertight_scenarios::{Ident, Relation, Schema};

use super::{names, policies};

/// How sure a guess is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// It is one of several things that it could be.
    Guessed,
    /// Names and keys, or policies, agree.
    Sure,
}

/// Who the tenants are.
#[derive(Clone, Debug)]
pub(super) struct Tenants {
    /// Their table.
    pub(super) table: Relation,
    /// Its key, where that is not the primary key's only column.
    pub(super) key: Option<Ident>,
    /// The column that carries them.
    pub(super) column: Option<Ident>,
    /// Tables in which it has another name.
    pub(super) columns: BTreeMap<Relation, Ident>,
    /// Tables of which several columns lead to tenants, none more than the others.
    pub(super) unclear: Vec<(Relation, Vec<Ident>)>,
    /// How sure that is.
    pub(super) certainty: Certainty,
    /// Why these.
    pub(super) why: String,
    /// Other tables that could be the tenants.
    pub(super) others: Vec<Relation>,
}

/// A table that could be the tenants.
struct Candidate<'s> {
    table: &'s Table,
    weight: u32,
    /// The columns that lead to it, by table.
    columns: BTreeMap<Relation, Vec<Ident>>,
    /// Tables with a policy on such a column.
    policies: usize,
}

impl Candidate<'_> {
    fn score(&self) -> usize {
        2 * self.weight as usize + self.columns.len() + 2 * self.policies
    }
}

/// Tables with foreign keys to a table, and the columns.
fn leading_to(schema: &Schema, target: &Table) -> BTreeMap<Relation, Vec<Ident>> {
    let mut found: BTreeMap<Relation, Vec<Ident>> = BTreeMap::new();
    for table in schema.roots().filter(|t| t.name != target.name) {
        let keys = table.foreign_keys.iter().filter(|f| f.target == target.name);
        for column in keys.filter_map(only_column).filter(|c| !names::is_pointer(c.as_str())) {
            let columns = found.entry(table.name.clone()).or_default();
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
    }
    found
}

fn only_column(key: &ForeignKey) -> Option<&Ident> {
    match key.columns.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// The tenants of a schema, in the table that is told or the one that looks most like them; `None` where nothing does.
pub(super) fn tenants(schema: &Schema, told: Option<&Relation>) -> Option<Tenants> {
    let mut candidates: Vec<Candidate<'_>> = schema
        .roots()
        .map(|table| {
            let columns = leading_to(schema, table);
            let compared = columns.iter().filter(|(name, columns)| {
                let referring = schema.table(name);
                referring.is_some_and(|t| columns.iter().any(|c| policies::compares(t, c.as_str())))
            });
            let people = names::is_people(table.name.name.as_str());
            let weight = if people { 0 } else { names::weight(table.name.name.as_str()) };
            Candidate { table, weight, policies: if people { 0 } else { compared.count() }, columns }
        })
        .filter(|c| !c.columns.is_empty())
        .collect();
    if let Some(told) = told {
        let best = candidates.iter().find(|c| c.table.name == *told)?;
        return Some(describe(schema, best, true, Vec::new()));
    }
    candidates.sort_by_key(|c| (std::cmp::Reverse(c.score()), c.table.name.clone()));
    let named: Vec<&Candidate<'_>> = candidates.iter().filter(|c| c.weight > 0 || c.policies > 0).collect();
    match named.as_slice() {
        [best, rest @ ..] => {
            let rival = rest.iter().any(|r| r.weight >= names::SURE && r.score() + 3 > best.score());
            let certain = (best.weight >= names::SURE || best.policies > 0) && !rival;
            // What belongs to the tenants is not above them.
            let others = rest.iter().filter(|r| r.weight > 0 && !best.columns.contains_key(&r.table.name));
            let others = others.map(|r| r.table.name.clone()).collect();
            Some(describe(schema, best, certain, others))
        }
        [] => by_structure(schema, &candidates),
    }
}

/// Without a name that says it: the table that most others refer to, if it is most of them.
fn by_structure(schema: &Schema, candidates: &[Candidate<'_>]) -> Option<Tenants> {
    let best = candidates.iter().max_by_key(|c| c.columns.len())?;
    let others = schema.roots().count() - 1;
    let needed = if names::is_people(best.table.name.name.as_str()) { 2 } else { 3 };
    let many = best.columns.len() >= needed && 2 * best.columns.len() >= others;
    many.then(|| describe(schema, best, false, Vec::new()))
}

fn describe(schema: &Schema, best: &Candidate<'_>, certain: bool, others: Vec<Relation>) -> Tenants {
    let name = best.table.name.name.as_str();
    let mut counts: BTreeMap<&Ident, usize> = BTreeMap::new();
    for columns in best.columns.values() {
        columns.iter().for_each(|c| *counts.entry(c).or_default() += 1);
    }
    // The name that most tables have; of two, the one after the table.
    let column = counts
        .iter()
        .max_by_key(|(c, n)| (names::is_named_after(c.as_str(), name), **n))
        .map(|(c, _)| (*c).clone());
    let (mut columns, mut unclear) = (BTreeMap::new(), Vec::new());
    for (table, leading) in &best.columns {
        if column.as_ref().is_some_and(|c| leading.contains(c)) {
            continue;
        }
        match leading.as_slice() {
            [one] => {
                columns.insert(table.clone(), one.clone());
            }
            several => unclear.push((table.clone(), several.to_vec())),
        }
    }
    // The tenants' own table carries no tenant, and a table above it none either.
    columns.retain(|table, _| !is_above(schema, &best.table.name, table));
    let tables = best.columns.len();
    let by = column.as_ref().map(|c| format!(" by {c}")).unwrap_or_default();
    let mut why = format!("{tables} {} to it{by}", if tables == 1 { "table refers" } else { "tables refer" });
    if best.policies > 0 {
        why.push_str(&format!(", and the policies of {} compare that column", best.policies));
    }
    Tenants {
        table: best.table.name.clone(),
        key: key(schema, best),
        column,
        columns,
        unclear,
        certainty: if certain { Certainty::Sure } else { Certainty::Guessed },
        why,
        others,
    }
}

/// Whether the tenants refer to that table.
fn is_above(schema: &Schema, tenants: &Relation, table: &Relation) -> bool {
    schema.table(tenants).is_some_and(|t| t.foreign_keys.iter().any(|f| f.target == *table))
}

/// The column that foreign keys refer to, where it is not the primary key's only one.
fn key(schema: &Schema, best: &Candidate<'_>) -> Option<Ident> {
    let primary = best.table.primary_key.as_ref().map(|k| k.columns.as_slice());
    let referring = best.columns.keys().filter_map(|t| schema.table(t)).flat_map(|t| &t.foreign_keys);
    let mut keys = referring.filter(|f| f.target == best.table.name && f.columns.len() == 1);
    let used = keys.next()?.target_columns.first()?.clone();
    (primary != Some(std::slice::from_ref(&used))).then_some(used)
}

impl Tenants {
    /// The column that carries the tenant of a table.
    pub(super) fn column_of(&self, table: &Table) -> Option<Ident> {
        if table.name == self.table {
            return None;
        }
        let column = self.columns.get(&table.name).or(self.column.as_ref())?;
        table.column(column).map(|c| c.name.clone())
    }

    /// The key column of the tenants.
    pub(super) fn key_in(&self, schema: &Schema) -> Option<Ident> {
        let primary = || schema.table(&self.table)?.primary_key.as_ref()?.columns.first().cloned();
        self.key.clone().or_else(primary)
    }
}
