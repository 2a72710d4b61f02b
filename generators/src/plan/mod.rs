//! The analysis of a scenario's schemas: made once, then read by generator and shrinker.

mod build;
mod column;
mod exclusion;
mod graph;
pub(crate) mod literals;
mod partition;
mod table;
mod unique;

use std::collections::HashMap;

use serde::Serialize;
use watertight_scenarios::schema::Table;
use watertight_scenarios::{Ident, Relation, Scenario, Schema};

use crate::expr::Expr;
use crate::value::domain::Domain;
use crate::value::{Flavour, Maker};

pub(crate) use unique::{Part, UniquePlan};

/// What was found out about the schemas before the first row is made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Every table that could be filled, of all databases, in load order.
    pub(crate) tables: Vec<TablePlan>,
    /// Position of a table in `tables`.
    pub(crate) index: HashMap<(usize, Relation), usize>,
    /// What cannot be made, and why.
    pub(crate) not_made: Vec<String>,
    /// What was taken for granted.
    pub(crate) assumptions: Vec<String>,
    /// Constraints that are not understood.
    pub(crate) unproven: Vec<Unproven>,
}

/// A constraint that the generator cannot evaluate: its rows may be refused when they are loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unproven {
    /// Index of the database in the scenario.
    pub database: usize,
    /// The table.
    pub table: Relation,
    /// The constraint's or index's name.
    pub constraint: Ident,
    /// Its text.
    pub expression: String,
}

/// What part a table plays in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its rows belong to nobody.
    Shared,
    /// Its rows are the tenants.
    Tenants,
    /// The tenants table refers to it: its rows come before a tenant is there.
    Ancestor,
    /// Anything else of a world.
    Member,
}

/// A table and how its rows are made.
#[derive(Clone, Debug)]
pub(crate) struct TablePlan {
    /// Index of the database.
    pub(crate) database: usize,
    /// The table as introspected.
    pub(crate) table: Table,
    /// The columns that rows carry.
    pub(crate) columns: Vec<ColumnPlan>,
    /// Its part.
    pub(crate) role: Role,
    /// References, in the order in which they are filled.
    pub(crate) references: Vec<Reference>,
    /// Primary key, unique constraints and indexes.
    pub(crate) uniques: Vec<UniquePlan>,
    /// Checks that are understood, domains' included.
    pub(crate) checks: Vec<CheckPlan>,
    /// Constants that constraints talk of which are not understood, by their name.
    pub(crate) literals: HashMap<Ident, Vec<String>>,
    /// For a partitioned table: what each leaf asks of the key columns.
    pub(crate) leaves: Vec<Vec<(usize, Domain)>>,
    /// Whether rows are made at all.
    pub(crate) filled: bool,
}

/// A column that rows carry.
#[derive(Clone, Debug)]
pub(crate) struct ColumnPlan {
    /// Its name.
    pub(crate) name: Ident,
    /// Makes its values.
    pub(crate) maker: Maker,
    /// What they obey.
    pub(crate) domain: Domain,
    /// Whether NULL is allowed.
    pub(crate) nullable: bool,
    /// A key of the table that refers to nothing: its values tell rows apart.
    pub(crate) key: bool,
    /// Alone in a unique index, or kept apart by an exclusion constraint.
    pub(crate) distinct: bool,
    /// Percent of NULLs, where a hint says so.
    pub(crate) null_percent: Option<u8>,
    /// Whether the scenario says that it leads to rows of other tenants, too.
    pub(crate) across: bool,
    /// A hint says what the values are: nothing awkward is put in their place.
    pub(crate) hinted: bool,
    /// The column that holds the tenant's key.
    pub(crate) tenant: bool,
    /// The first reference (by position) that has the column.
    pub(crate) reference: Option<usize>,
}

/// A reference: a foreign key, or a tenant column that has none yet.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// Referencing columns.
    pub(crate) columns: Vec<usize>,
    /// Referenced table.
    pub(crate) target: usize,
    /// Referenced columns.
    pub(crate) target_columns: Vec<usize>,
    /// All NULL or none.
    pub(crate) match_full: bool,
    /// Whether some column may be NULL, so that nothing is referred to.
    pub(crate) nullable: bool,
    /// Part of a cycle: filled when all tables have their rows.
    pub(crate) late: bool,
    /// Declared in the schema.
    pub(crate) declared: bool,
    /// May lead to rows of other tenants.
    pub(crate) across: bool,
}

/// An understood check.
#[derive(Clone, Debug)]
pub(crate) struct CheckPlan {
    /// Its name.
    pub(crate) name: Ident,
    /// Its text.
    pub(crate) text: String,
    /// Its meaning.
    pub(crate) expr: Expr,
    /// Columns that it reads.
    pub(crate) columns: Vec<usize>,
    /// Some column of it is filled late.
    pub(crate) late: bool,
}

impl Plan {
    /// Analyses the schemas of a scenario's databases (one each, in order).
    pub fn new(schemas: &[&Schema], scenario: &Scenario) -> Self {
        build::plan(schemas, scenario)
    }

    /// Tables, columns and constraints for which no data can be made, each with the reason.
    pub fn not_made(&self) -> &[String] {
        &self.not_made
    }

    /// What the generator takes for granted of these schemas, for the report.
    pub fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    /// Constraints that are not understood: whoever loads the data repairs what they refuse.
    pub fn unproven(&self) -> &[Unproven] {
        &self.unproven
    }

    /// Tables that are filled, in load order: database and name.
    pub fn tables(&self) -> impl Iterator<Item = (usize, &Relation)> {
        self.tables.iter().filter(|t| t.filled).map(|t| (t.database, &t.table.name))
    }

    /// The same plan with these columns NULL in every row, given by database, table and name. A column that is not
    /// there, or refuses NULL, is none of them.
    pub fn with_empty<'a>(
        &self,
        columns: impl IntoIterator<Item = (usize, &'a Relation, &'a Ident)>,
    ) -> Self {
        let mut plan = self.clone();
        for (database, table, column) in columns {
            let Some(&t) = plan.index.get(&(database, table.clone())) else { continue };
            let table = &mut plan.tables[t];
            if let Some(c) = table.column(column) {
                table.columns[c].null_percent = Some(100);
            }
        }
        plan
    }

    pub(crate) fn find(&self, database: usize, table: &Relation) -> Option<&TablePlan> {
        self.index.get(&(database, table.clone())).map(|&i| &self.tables[i])
    }
}

impl ColumnPlan {
    /// The flavour of a value that only has to be allowed. An exclusion constraint is met by nothing but distinct
    /// values, for it is not looked at again.
    pub(crate) fn any(&self) -> Flavour {
        if self.distinct { Flavour::Distinct } else { Flavour::Plain }
    }
}

impl TablePlan {
    /// Whether its rows need a tenant although they come before it, or it needs them: each has one, and two tenants
    /// of a world do not share it.
    pub(crate) fn is_bound(&self, tables: &[Self]) -> bool {
        let needs = |r: &Reference| !r.nullable && tables[r.target].role == Role::Tenants;
        self.references.iter().any(|r| needs(r) && (r.late || self.role == Role::Ancestor))
    }

    /// Position of a column among those that rows carry.
    pub(crate) fn column(&self, name: &Ident) -> Option<usize> {
        self.columns.iter().position(|c| &c.name == name)
    }
}
