//! Rows that are put beside those of a case.

use watertight_generators::{Row, TableData};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::DatabaseId;
use watertight_scenarios::schema::{Column, Table};
use watertight_scenarios::{Ident, Relation};

use crate::explore::{CaseData, Scene};

/// Makes copies of a table's rows under new keys, for a tenant.
pub(super) struct FreshRow<'a> {
    pub(super) scene: &'a Scene,
    pub(super) case: &'a CaseData,
    pub(super) database: DatabaseId,
    pub(super) table: &'a Table,
    pub(super) data: &'a TableData,
    /// Columns that may be given a value.
    pub(super) may_give: &'a [Ident],
    pub(super) tenant_column: Option<&'a Ident>,
}

impl FreshRow<'_> {
    /// A copy of a row. Columns of unique keys get values that nobody has, others with another salt; columns that are
    /// `left` get what the server gives them, as does the tenant's without a tenant.
    pub(super) fn insert_sql(
        &self,
        into: &Relation,
        row: &Row,
        tenant: Option<&str>,
        salt: u64,
        left: impl Fn(&Column) -> bool,
    ) -> Option<String> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        let is_left = |c: &Column| c.generated.is_some() || c.identity.is_some() || left(c);
        for (i, column) in self.table.columns.iter().enumerate() {
            let name = &column.name;
            if !self.may_give.contains(name) || is_left(column) {
                continue;
            }
            let value = if self.tenant_column == Some(name) {
                let Some(tenant) = tenant else { continue };
                Some(tenant.to_owned())
            } else {
                // One that a step adds has its default.
                let Some(at) = self.data.columns.iter().position(|c| c == name) else { continue };
                match self.is_unique(name) && !self.is_reference(name) {
                    true => Some(self.fresh(name, salt + i as u64)?),
                    false => row.values[at].clone(),
                }
            };
            columns.push(name.quoted());
            values.push(value.map_or_else(|| "NULL".to_owned(), |v| quote_literal(&v)));
        }
        let (columns, values) = (columns.join(", "), values.join(", "));
        (!columns.is_empty()).then(|| format!("INSERT INTO {} ({columns}) VALUES ({values})", into.quoted()))
    }

    fn fresh(&self, column: &Ident, salt: u64) -> Option<String> {
        let seed = self.case.seed ^ salt;
        self.scene.plan.spare_value(self.database.0, &self.table.name, column, seed)
    }

    fn is_unique(&self, column: &Ident) -> bool {
        self.table.identity().is_some_and(|key| key.contains(column))
            || self.table.uniques.iter().any(|u| u.plain_columns().is_some_and(|p| p.contains(column)))
    }

    fn is_reference(&self, column: &Ident) -> bool {
        self.table.foreign_keys.iter().any(|fk| fk.columns.contains(column))
    }
}
