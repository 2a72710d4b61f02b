//! Whom a row belongs to before its column says so: by the foreign keys that the schema has without it.

use std::collections::{BTreeSet, VecDeque};

use watertight_scenarios::schema::{ForeignKey, Table};
use watertight_scenarios::{Ident, Schema};

use super::names;
use super::tenancy::{Certainty, Tenants};

/// Foreign keys in one way at most.
const HOPS_MAX: usize = 5;

/// An owner expression for a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) expression: String,
    pub(super) certainty: Certainty,
    /// The way, in words.
    pub(super) via: String,
}

/// Where the owners of a table's rows are found.
pub(super) enum Found {
    /// One way leads there.
    Way(Owned),
    /// Several do, as long as each other.
    Several(Vec<String>),
    /// None does.
    None,
}

/// Foreign keys followed from a table, to one that has a tenant.
struct Way<'s> {
    keys: Vec<&'s ForeignKey>,
    /// The column of the last table that holds the tenant.
    column: Ident,
}

/// The owners of a table's rows before its own column `filled` says so, in the schema before the steps.
pub(super) fn owner(schema: &Schema, tenants: &Tenants, table: &Table, filled: &Ident) -> Found {
    let ways = ways(schema, tenants, table, filled);
    match ways.as_slice() {
        [one] => return Found::Way(one.owned(table)),
        [] => {}
        several => return Found::Several(several.iter().map(|w| w.words(table)).collect()),
    }
    let people = by_people(schema, tenants, table);
    match people.as_slice() {
        [one] => Found::Way(one.clone()),
        [] => Found::None,
        several => Found::Several(several.iter().map(|o| o.via.clone()).collect()),
    }
}

/// The shortest ways to a tenant.
fn ways<'s>(schema: &'s Schema, tenants: &Tenants, table: &'s Table, filled: &Ident) -> Vec<Way<'s>> {
    let mut found: Vec<Way<'s>> = Vec::new();
    let mut seen = BTreeSet::from([table.name.clone()]);
    let mut waiting: VecDeque<(Vec<&'s ForeignKey>, &'s Table)> = VecDeque::from([(Vec::new(), table)]);
    while let Some((keys, at)) = waiting.pop_front() {
        if found.first().is_some_and(|f| f.keys.len() < keys.len()) {
            break;
        }
        seen.insert(at.name.clone());
        let own = |c: &Ident| keys.is_empty() && c == filled;
        let leading = at.foreign_keys.iter().filter(|f| f.target == tenants.table && f.columns.len() == 1);
        let leading: Vec<&Ident> =
            leading.map(|f| &f.columns[0]).filter(|c| !own(c) && !names::is_pointer(c.as_str())).collect();
        let carried = tenants.column_of(at).filter(|c| !own(c));
        let column = match leading.as_slice() {
            _ if carried.is_some() => carried,
            [one] => Some((*one).clone()),
            _ => None,
        };
        if let Some(column) = column {
            found.push(Way { keys, column });
            continue;
        }
        if keys.len() == HOPS_MAX {
            continue;
        }
        for key in at.foreign_keys.iter().filter(|f| !f.columns.iter().any(own)) {
            let Some(next) = schema.table(&key.target) else { continue };
            let back = seen.contains(&next.name) || next.name == tenants.table;
            // People act for tenants; whose they are is asked last.
            if !back && !names::is_people(next.name.name.as_str()) {
                let mut longer = keys.clone();
                longer.push(key);
                waiting.push_back((longer, next));
            }
        }
    }
    found
}

impl Way<'_> {
    fn owned(&self, table: &Table) -> Owned {
        Owned { expression: self.expression(), certainty: Certainty::Sure, via: self.words(table) }
    }

    fn words(&self, table: &Table) -> String {
        let mut words = table.name.to_string();
        for key in &self.keys {
            let columns: Vec<&str> = key.columns.iter().map(Ident::as_str).collect();
            words.push_str(&format!(".{} → {}", columns.join(", "), key.target));
        }
        format!("{words}.{}", self.column)
    }

    fn expression(&self) -> String {
        let Some((first, rest)) = self.keys.split_first() else {
            return format!("\"row\".{}", self.column.quoted());
        };
        let alias = |n: usize| format!("o{n}");
        let mut sql = format!(
            "(SELECT {}.{} FROM {} {}",
            alias(self.keys.len()),
            self.column.quoted(),
            first.target.quoted(),
            alias(1)
        );
        for (n, key) in rest.iter().enumerate() {
            let on = equal(key, &alias(n + 2), &alias(n + 1));
            sql.push_str(&format!(" JOIN {} {} ON {on}", key.target.quoted(), alias(n + 2)));
        }
        sql.push_str(&format!(" WHERE {})", equal(first, &alias(1), "\"row\"")));
        sql
    }
}

/// A key's columns of the target and of the referring side, compared.
fn equal(key: &ForeignKey, target: &str, referring: &str) -> String {
    let pairs = key.target_columns.iter().zip(&key.columns);
    let parts = pairs.map(|(t, c)| format!("{target}.{} = {referring}.{}", t.quoted(), c.quoted()));
    parts.collect::<Vec<_>>().join(" AND ")
}

/// By the people that the row belongs to: the tenant that they carry, else tenants that they own, else those that they
/// are members of. People may have several, so it is a guess.
fn by_people(schema: &Schema, tenants: &Tenants, table: &Table) -> Vec<Owned> {
    let Some(key) = tenants.key_in(schema) else { return Vec::new() };
    let Some(tenants_table) = schema.table(&tenants.table) else { return Vec::new() };
    let people = |f: &&ForeignKey| names::is_people(f.target.name.as_str()) && f.columns.len() == 1;
    let mut found = Vec::new();
    for own in table.foreign_keys.iter().filter(people) {
        let person = own.columns[0].quoted();
        if let Some(column) = schema.table(&own.target).and_then(|people| tenants.column_of(people)) {
            found.push(Owned {
                expression: format!(
                    "(SELECT o1.{} FROM {} o1 WHERE {})",
                    column.quoted(),
                    own.target.quoted(),
                    equal(own, "o1", "\"row\"")
                ),
                certainty: Certainty::Guessed,
                via: format!("{}.{} → {}.{column}", table.name, own.columns[0], own.target),
            });
            continue;
        }
        let owning: Vec<&ForeignKey> = tenants_table
            .foreign_keys
            .iter()
            .filter(|f| f.target == own.target && f.columns.len() == 1)
            .collect();
        if let [owner] = owning.as_slice() {
            let by = &owner.columns[0];
            found.push(Owned {
                expression: format!(
                    "(SELECT o1.{} FROM {} o1 WHERE o1.{} = \"row\".{person})",
                    key.quoted(),
                    tenants.table.quoted(),
                    by.quoted()
                ),
                certainty: Certainty::Guessed,
                via: format!("{}.{} = {}.{by}", table.name, own.columns[0], tenants.table),
            });
            continue;
        }
        let memberships = schema.roots().filter(|m| m.name != table.name);
        let members: Vec<(&Table, &Ident, Ident)> = memberships
            .filter_map(|m| {
                let user = m.foreign_keys.iter().find(|f| f.target == own.target && f.columns.len() == 1)?;
                let tenant = tenants.column_of(m)?;
                names::is_people(m.name.name.as_str()).then_some((m, &user.columns[0], tenant))
            })
            .collect();
        if let [(membership, user, tenant)] = members.as_slice() {
            found.push(Owned {
                expression: format!(
                    "(SELECT o1.{} FROM {} o1 WHERE o1.{} = \"row\".{person})",
                    tenant.quoted(),
                    membership.name.quoted(),
                    user.quoted()
                ),
                certainty: Certainty::Guessed,
                via: format!("{}.{} = {}.{user}", table.name, own.columns[0], membership.name),
            });
        }
    }
    found
}
