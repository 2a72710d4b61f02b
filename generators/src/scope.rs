//! The small scope: the shapes that data of a schema can have, and which of them some data has. Measured from the rows,
//! not claimed by whoever made them.

use std::collections::{BTreeSet, HashMap, HashSet};

use watertight_scenarios::schema::{IndexPart, Unique};
use watertight_scenarios::{Ident, Relation};

use crate::dataset::{Dataset, TableData, WorldId};
use crate::plan::{Plan, Role, TablePlan};

/// References followed from a row to its tenant.
const DEPTH_MAX: usize = 8;

/// A shape that rows of one table can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No row.
    Empty,
    /// Exactly one.
    OneRow,
    /// More.
    Rows,
    /// A row without that value.
    Null(Ident),
    /// A row with it.
    NotNull(Ident),
    /// A row in which two values are missing (true) or there.
    Both([(Ident, bool); 2]),
    /// A row that refers to nothing through these columns.
    ToNone(Vec<Ident>),
    /// A row that refers to one of its tenant, or of no tenant.
    ToSame(Vec<Ident>),
    /// A row that refers to one of another tenant than the one that its other columns lead to.
    ToOther(Vec<Ident>),
    /// Two rows of one tenant that agree in these columns, which a unique key has or will have.
    AgreeWithin(Vec<Ident>),
    /// Rows of two tenants that do.
    AgreeAcross(Vec<Ident>),
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |columns: &[Ident]| columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Empty => f.write_str("no row"),
            Self::OneRow => f.write_str("one row"),
            Self::Rows => f.write_str("several rows"),
            Self::Null(column) => write!(f, "{column} NULL"),
            Self::NotNull(column) => write!(f, "{column} not NULL"),
            Self::Both([(a, a_null), (b, b_null)]) => {
                let told = |null: &bool| if *null { "NULL" } else { "not NULL" };
                write!(f, "{a} {} and {b} {}", told(a_null), told(b_null))
            }
            Self::ToNone(columns) => write!(f, "{} to no row", list(columns)),
            Self::ToSame(columns) => write!(f, "{} to a row of the same tenant", list(columns)),
            Self::ToOther(columns) => write!(f, "{} to a row of another tenant", list(columns)),
            Self::AgreeWithin(columns) => write!(f, "({}) twice in one tenant", list(columns)),
            Self::AgreeAcross(columns) => write!(f, "({}) in two tenants", list(columns)),
        }
    }
}

/// A shape of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Index of the database in the scenario.
    pub database: usize,
    /// The table.
    pub table: Relation,
    /// The shape.
    pub shape: Shape,
}

/// Every shape that data of a schema can have.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    targets: Vec<Target>,
}

impl Scope {
    /// The shapes of a plan's tables. `keys` are unique keys of any state of the schema: those that a later step brings
    /// are where data collides.
    pub fn new(plan: &Plan, keys: &[(usize, Relation, Unique)]) -> Self {
        let mut targets = Vec::new();
        for table in plan.tables.iter().filter(|t| t.filled) {
            let first = targets.len();
            let mut add = |shape: Shape| {
                let target = Target { database: table.database, table: table.table.name.clone(), shape };
                if !targets[first..].contains(&target) {
                    targets.push(target);
                }
            };
            for shape in [Shape::Empty, Shape::OneRow, Shape::Rows] {
                add(shape);
            }
            for column in &table.columns {
                let percent = column.null_percent;
                if column.nullable && !column.domain.not_null && percent != Some(0) {
                    add(Shape::Null(column.name.clone()));
                    if percent != Some(100) {
                        add(Shape::NotNull(column.name.clone()));
                    }
                }
            }
            pairs(table, &mut add);
            references(plan, table, &mut add);
            for (_, _, key) in keys.iter().filter(|(d, t, _)| (*d, t) == (table.database, &table.table.name))
            {
                collisions(table, key, &mut add);
            }
        }
        Self { targets }
    }

    /// Every shape, in the order of the tables.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Positions of the shapes that the data has.
    pub fn reached(&self, plan: &Plan, data: &Dataset) -> Vec<usize> {
        let tenants = Tenants::of(plan, data);
        let has = |target: &Target| {
            let at =
                data.tables.iter().position(|t| t.database == target.database && t.table == target.table);
            match at {
                None => target.shape == Shape::Empty,
                Some(d) => shows(&data.tables[d], d, &target.shape, &tenants),
            }
        };
        (0..self.targets.len()).filter(|&i| has(&self.targets[i])).collect()
    }
}

fn names(table: &TablePlan, columns: &[usize]) -> Vec<Ident> {
    columns.iter().map(|&c| table.columns[c].name.clone()).collect()
}

/// Each two values, missing and there. Where the scenario says how often a value is missing, it is not asked.
fn pairs(table: &TablePlan, add: &mut impl FnMut(Shape)) {
    let free: Vec<&Ident> = table
        .columns
        .iter()
        .filter(|c| c.nullable && !c.domain.not_null && c.null_percent.is_none())
        .map(|c| &c.name)
        .collect();
    for (i, a) in free.iter().enumerate() {
        for b in &free[..i] {
            for nulls in [(false, false), (false, true), (true, false), (true, true)] {
                add(Shape::Both([((*b).clone(), nulls.0), ((*a).clone(), nulls.1)]));
            }
        }
    }
}

/// What references can be: to nothing, to the same tenant, to another.
fn references(plan: &Plan, table: &TablePlan, add: &mut impl FnMut(Shape)) {
    let owned = |target: usize| plan.tables[target].role != Role::Shared;
    let ways = table.references.iter().filter(|r| owned(r.target)).count();
    for reference in table.references.iter().filter(|r| owned(r.target)) {
        let columns = names(table, &reference.columns);
        if reference.nullable {
            add(Shape::ToNone(columns.clone()));
        }
        add(Shape::ToSame(columns.clone()));
        // A key with the tenant in it cannot lead elsewhere.
        if (ways > 1 || reference.across)
            && !reference.columns.iter().any(|&c| table.columns[c].tenant && reference.columns.len() > 1)
        {
            add(Shape::ToOther(columns));
        }
    }
}

/// What a unique key can meet: the same values twice in a tenant, and in two tenants.
fn collisions(table: &TablePlan, key: &Unique, add: &mut impl FnMut(Shape)) {
    let named: Option<Vec<&Ident>> = key
        .parts
        .iter()
        .map(|part| match part {
            IndexPart::Column(name) => Some(name),
            IndexPart::Expression(_) => None,
        })
        .collect();
    let Some(named) = named else { return };
    let columns: Vec<usize> = named.iter().filter_map(|n| table.column(n)).collect();
    let own: Vec<usize> = columns.iter().copied().filter(|&c| !table.columns[c].tenant).collect();
    // A column that a later step brings is the tenant's, or unknown: the others can agree.
    if own.is_empty() {
        return;
    }
    let enforced = |columns: &[usize]| {
        let whole = table.uniques.iter().filter(|u| u.predicate.is_none());
        whole.filter(|u| !u.columns.is_empty()).any(|u| u.columns.iter().all(|c| columns.contains(c)))
    };
    if !enforced(&own) {
        add(Shape::AgreeAcross(names(table, &own)));
        let with_tenant: Vec<usize> =
            (0..table.columns.len()).filter(|&c| own.contains(&c) || table.columns[c].tenant).collect();
        if !enforced(&with_tenant) {
            add(Shape::AgreeWithin(names(table, &own)));
        }
    }
}

/// To which tenants the rows lead.
struct Tenants {
    /// By table and row: through all references, and through all but each one.
    of: Vec<Vec<Leads>>,
    references: Vec<Vec<Link>>,
}

#[derive(Default)]
struct Leads {
    world: Option<WorldId>,
    all: BTreeSet<u32>,
    /// By reference: the tenants that the other references lead to.
    others: Vec<BTreeSet<u32>>,
    /// By reference: the row that it refers to.
    parents: Vec<Option<usize>>,
}

struct Link {
    columns: Vec<Ident>,
    target: usize,
}

impl Tenants {
    fn of(plan: &Plan, data: &Dataset) -> Self {
        let mut references = Vec::new();
        let mut of: Vec<Vec<Leads>> = Vec::new();
        let mut tenants_at = None;
        for (d, table) in data.tables.iter().enumerate() {
            let plan_of = plan.find(table.database, &table.table);
            if plan_of.is_some_and(|p| p.role == Role::Tenants) {
                tenants_at = Some(d);
            }
            let mut links = Vec::new();
            let leads = table.rows.iter().map(|row| Leads { world: row.world, ..Leads::default() });
            let mut leads: Vec<Leads> = leads.collect();
            for reference in plan_of.iter().flat_map(|p| &p.references) {
                let target = &plan.tables[reference.target];
                let is_it = |t: &TableData| t.database == target.database && t.table == target.table.name;
                let Some(at) = data.tables.iter().position(is_it) else { continue };
                let mut keys: HashMap<Vec<&str>, usize> = HashMap::new();
                for (r, row) in data.tables[at].rows.iter().enumerate() {
                    if let Some(key) = cells(&row.values, &reference.target_columns) {
                        keys.insert(key, r);
                    }
                }
                for (row, leads) in table.rows.iter().zip(&mut leads) {
                    let key = cells(&row.values, &reference.columns);
                    leads.parents.push(key.and_then(|k| keys.get(&k).copied()));
                }
                let columns = plan_of.map(|p| names(p, &reference.columns)).unwrap_or_default();
                links.push(Link { columns, target: at });
            }
            references.push(links);
            of.push(leads);
        }
        let mut tenants = Self { of, references };
        tenants.follow(tenants_at);
        tenants
    }

    fn follow(&mut self, tenants_at: Option<usize>) {
        if let Some(at) = tenants_at {
            for (r, leads) in self.of[at].iter_mut().enumerate() {
                leads.all.insert(u32::try_from(r).unwrap_or(u32::MAX));
            }
        }
        for _ in 0..DEPTH_MAX {
            let mut changed = false;
            for d in (0..self.of.len()).filter(|&d| Some(d) != tenants_at) {
                for r in 0..self.of[d].len() {
                    let led: BTreeSet<u32> = self.through(d, r, None);
                    if !led.is_subset(&self.of[d][r].all) {
                        self.of[d][r].all.extend(led);
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        for d in 0..self.of.len() {
            for r in 0..self.of[d].len() {
                let others =
                    (0..self.references[d].len()).map(|skip| self.through(d, r, Some(skip))).collect();
                self.of[d][r].others = others;
            }
        }
    }

    /// The tenants that a row's references lead to, one of them left out.
    fn through(&self, d: usize, r: usize, skip: Option<usize>) -> BTreeSet<u32> {
        let links = self.references[d].iter().zip(&self.of[d][r].parents).enumerate();
        links
            .filter(|(i, _)| Some(*i) != skip)
            .filter_map(|(_, (link, parent))| parent.map(|p| &self.of[link.target][p].all))
            .flatten()
            .copied()
            .collect()
    }
}

fn cells<'a>(values: &'a [Option<String>], columns: &[usize]) -> Option<Vec<&'a str>> {
    columns.iter().map(|&c| values[c].as_deref()).collect()
}

fn shows(data: &TableData, d: usize, shape: &Shape, tenants: &Tenants) -> bool {
    let at = |name: &Ident| data.columns.iter().position(|c| c == name);
    match shape {
        Shape::Empty => data.rows.is_empty(),
        Shape::OneRow => data.rows.len() == 1,
        Shape::Rows => data.rows.len() > 1,
        Shape::Null(name) => at(name).is_some_and(|c| data.rows.iter().any(|r| r.values[c].is_none())),
        Shape::NotNull(name) => at(name).is_some_and(|c| data.rows.iter().any(|r| r.values[c].is_some())),
        Shape::Both(both) => {
            let Some(at) =
                both.iter().map(|(name, null)| Some((at(name)?, *null))).collect::<Option<Vec<_>>>()
            else {
                return false;
            };
            data.rows.iter().any(|r| at.iter().all(|&(c, null)| r.values[c].is_none() == null))
        }
        Shape::ToNone(names) | Shape::ToSame(names) | Shape::ToOther(names) => {
            let links = tenants.references[d].iter();
            let Some(i) = links.into_iter().position(|l| &l.columns == names) else { return false };
            let target = tenants.references[d][i].target;
            tenants.of[d].iter().any(|leads| match (shape, leads.parents[i]) {
                (Shape::ToNone(_), parent) => parent.is_none(),
                (_, None) => false,
                (_, Some(parent)) => {
                    let (own, its) = (&leads.others[i], &tenants.of[target][parent]);
                    let apart = match (leads.world, its.world) {
                        // Nothing else of the row says whose it is.
                        (Some(home), Some(other)) if own.is_empty() => home != other,
                        _ => !own.is_empty() && !its.all.is_empty() && own.is_disjoint(&its.all),
                    };
                    apart == matches!(shape, Shape::ToOther(_))
                }
            })
        }
        Shape::AgreeWithin(names) | Shape::AgreeAcross(names) => {
            let Some(columns) = names.iter().map(at).collect::<Option<Vec<usize>>>() else { return false };
            let within = matches!(shape, Shape::AgreeWithin(_));
            // Rows that lead to no tenant are told apart by their world.
            let mut seen: HashMap<Vec<&str>, HashSet<(bool, u32)>> = HashMap::new();
            data.rows.iter().zip(&tenants.of[d]).any(|(row, leads)| {
                let Some(key) = cells(&row.values, &columns) else { return false };
                let owner = match leads.all.first() {
                    Some(&tenant) => (true, tenant),
                    None => (false, row.world.map_or(u32::MAX, |w| w.0)),
                };
                let owners = seen.entry(key).or_default();
                let again = !owners.insert(owner);
                if within { again } else { owners.len() > 1 }
            })
        }
    }
}
