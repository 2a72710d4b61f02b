//! Puts a case's data into its databases.

use watertight_generators::{Dataset, Row, TableData};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::DatabaseId;

use super::act::Actor;
use super::runner::{OWN_LIMIT, Runner};
use crate::db::session::Failure;

impl Runner<'_> {
    /// Loads data past foreign keys, triggers and row security, and sets every sequence behind it.
    pub(super) async fn load(&mut self, data: &Dataset) -> Result<(), Failure> {
        let loader = self.names.become_sql(&Actor::Loader);
        for db in 0..self.sessions.len() {
            self.own(DatabaseId(db), &loader).await?;
        }
        for table in data.tables.iter().filter(|t| !t.rows.is_empty()) {
            self.copy_rows(table, &table.rows).await?;
        }
        for db in 0..self.sessions.len() {
            let sequences = self.sequences_sql(DatabaseId(db));
            self.own(DatabaseId(db), &format!("{sequences}RESET ALL; RESET ROLE")).await?;
        }
        Ok(())
    }

    /// Sends rows of a table, as whoever the session is.
    pub(super) async fn copy_rows(&mut self, table: &TableData, rows: &[Row]) -> Result<(), Failure> {
        let columns: Vec<String> = table.columns.iter().map(Ident::quoted).collect();
        let copy = format!("COPY {} ({}) FROM STDIN", table.table.quoted(), columns.join(", "));
        let bytes = watertight_generators::to_copy_text(rows);
        match self.sessions[table.database].copy_in(&copy, &bytes, OWN_LIMIT).await {
            Ok(_) => Ok(()),
            Err(Failure::Sql(error)) => {
                Err(Failure::Unloadable { table: table.table.clone(), error: Box::new(error) })
            }
            Err(other) => Err(other),
        }
    }

    /// Sequences are not undone with a transaction: each case starts them at the same place.
    fn sequences_sql(&self, db: DatabaseId) -> String {
        let Some(schema) = self.scene.schemas.first().and_then(|s| s.get(db.0)) else { return String::new() };
        let mut sql = String::new();
        for sequence in &schema.sequences {
            let name = quote_literal(&sequence.name.quoted());
            let floor = match &sequence.owned_by {
                Some((table, column)) => format!(
                    "(SELECT pg_catalog.greatest(COALESCE(pg_catalog.max({}), 0) + 1, {}) FROM {})",
                    column.quoted(),
                    sequence.start,
                    table.quoted()
                )
                .replace("pg_catalog.greatest", "GREATEST"),
                None => sequence.start.to_string(),
            };
            sql.push_str(&format!("SELECT pg_catalog.setval({name}::pg_catalog.regclass, {floor}, false);"));
        }
        sql
    }
}
