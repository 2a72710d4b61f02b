//! Rows without a tenant that a constraint over the tenant's column lets pass, because NULL is neither right nor wrong and
//! equal to nothing.

use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{Checkpoint, NullTenant};
use watertight_scenarios::schema::{Table, Unique};

use super::{Attempt, Target, list};
use crate::invariants::backfill::{filled_before, is_filled};

const CHECK: &str =
    "A CHECK refuses what is false. Where the tenant is NULL its expression is unknown, and that passes.";
const KEY: &str = "NULL is equal to nothing: a unique key holds no two rows apart that have one in it.";

const REPLACED: &str = "The key that held such rows apart is gone before rows have their tenants, and NULL is equal to \
    nothing in the one that stands for it. Two that are written meanwhile stop the backfill.";

impl Target<'_> {
    /// Attempts on checks and keys that are there for rows which all have a tenant, or for those that nobody owns.
    pub(super) fn without_tenant(&self) -> Vec<Attempt> {
        let Some(column) = self.scene.tenant_column(self.scene.last(), &self.key) else { return Vec::new() };
        if self.table.column(&column).is_none_or(|c| c.not_null || !c.is_insertable()) {
            return Vec::new();
        }
        self.unknown(&column).into_iter().chain(self.unequal(&column)).collect()
    }

    /// Whether it comes behind the backfill that gives every row its tenant.
    fn is_brought_for(&self, column: &Ident, there: impl Fn(&Table) -> bool) -> bool {
        let before = filled_before(self.scene).and_then(|at| self.scene.table(at, &self.key));
        before.is_some_and(|table| !there(table))
            && is_filled(self.scene, &self.key, column)
            && self.scene.scenario.tenancy.null_tenant != NullTenant::Shared
    }

    fn unknown(&self, column: &Ident) -> Vec<Attempt> {
        let checks = self.table.checks.iter().filter(|c| c.columns.contains(column));
        let brought = checks.filter(|check| {
            self.is_brought_for(column, |t| t.checks.iter().any(|c| c.expression == check.expression))
        });
        brought
            .filter_map(|check| {
                let subject =
                    format!("a row of {} without {column} is refused by {}", self.key.1, check.name);
                let unknown = format!("{} IS NULL AND ({}) IS NULL", column.quoted(), check.expression);
                let sql = self.change(&format!("{} = NULL", column.quoted()), &unknown);
                let attempt = self.attempt(subject, sql, Some(("23514", check.name.to_string())))?;
                Some(Attempt { cause: Some(CHECK), ..attempt })
            })
            .collect()
    }

    fn unequal(&self, column: &Ident) -> Vec<Attempt> {
        let is_shared = self.scene.scenario.tenancy.null_tenant == NullTenant::Shared;
        let is_meant = |columns: &[Ident]| {
            let there = |t: &Table| t.uniques.iter().any(|u| u.plain_columns().is_some_and(|c| c == columns));
            is_shared || self.is_brought_for(column, there)
        };
        self.told_apart(column, "is refused", KEY, is_meant)
    }

    /// Attempts on keys that stand for one of the baseline's, with the tenant that no row has yet.
    pub(super) fn before_tenants(&self) -> Vec<Attempt> {
        let Some(column) = self.scene.tenant_column(self.at, &self.key) else { return Vec::new() };
        let is_nullable = self.table.column(&column).is_some_and(|c| !c.not_null && c.is_insertable());
        let baseline = self.scene.table(Checkpoint(0), &self.key).filter(|_| is_nullable);
        let held_apart = |columns: &[Ident]| {
            baseline.is_some_and(|table| {
                let whole = table.uniques.iter().filter(|u| u.predicate.is_none());
                whole
                    .filter_map(Unique::plain_columns)
                    .any(|old| !old.contains(&column) && old.iter().all(|c| columns.contains(c)))
            })
        };
        self.told_apart(&column, "is refused before rows have their tenants", REPLACED, held_apart)
    }

    fn told_apart(
        &self,
        column: &Ident,
        promise: &str,
        cause: &'static str,
        is_meant: impl Fn(&[Ident]) -> bool,
    ) -> Vec<Attempt> {
        let uniques = self.table.uniques.iter().filter(|u| u.predicate.is_none());
        uniques
            .enumerate()
            .filter_map(|(i, unique)| {
                let columns = unique.plain_columns().filter(|c| c.len() > 1 && c.contains(column))?;
                if !is_meant(&columns) {
                    return None;
                }
                let mut changes = self.new_key(400 + i as u64)?;
                let others = columns.iter().filter(|c| *c != column);
                if !others.clone().all(|c| self.is_comparable(c, &changes)) {
                    return None;
                }
                changes.push((column, "NULL".to_owned()));
                let others: Vec<Ident> = others.cloned().collect();
                let subject = format!(
                    "a second row of {} without {column} and with the same {} {promise}",
                    self.key.1,
                    list(&others)
                );
                let sql = self.copy(&changes, &format!("{} IS NULL", column.quoted()));
                let attempt = self.attempt(subject, sql, Some(("23505", unique.name.to_string())))?;
                let first = self.change(&format!("{} = NULL", column.quoted()), &column.quoted());
                Some(Attempt { first, cause: Some(cause), ..attempt })
            })
            .collect()
    }
}
