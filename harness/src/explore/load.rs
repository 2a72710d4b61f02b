//! Puts a case's data into its databases.

use watertight_generators::{CopyRows, Dataset, Row, TableData, to_insert_statement};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{DatabaseId, StepId};
use watertight_scenarios::{Ident, Schema};

use super::act::Actor;
use super::runner::{OWN_LIMIT, Runner};
use crate::db::session::{Failure, Stopped};

/// Values of a table that is loaded by INSERT.
const INSERTED_VALUES_MAX: usize = 128;

impl Runner<'_> {
    /// Loads data past foreign keys, triggers and row security, and sets every sequence behind it. Tables that get
    /// their rows behind a step are left out.
    pub(super) async fn load(&mut self, data: &Dataset) -> Result<(), Failure> {
        let scene = self.scene;
        self.copy_in(data.tables.iter().filter(|t| !scene.is_late(t))).await?;
        for db in 0..self.sessions.len() {
            let sequences = self.sequences_sql(DatabaseId(db));
            self.own(DatabaseId(db), &format!("{sequences}RESET ALL; RESET ROLE")).await?;
        }
        Ok(())
    }

    /// Fills the tables that get their rows behind a step, those that are still empty, with the rows of worlds that
    /// are still there.
    pub(super) async fn populate(&mut self, step: StepId) -> Result<(), Failure> {
        let Some(data) = self.late.get(&step) else { return Ok(()) };
        let mut data = data.filtered(|_, row| row.world.is_none_or(|w| !self.absent.contains(&w)));
        let observer = self.names.become_sql(&Actor::Observer);
        for table in &mut data.tables {
            let db = DatabaseId(table.database);
            let asked = format!("{observer}; SELECT EXISTS (SELECT FROM {})", table.table.quoted());
            let answers = self.own(db, &asked).await?;
            if answers.last().and_then(|a| a.rows.first()) != Some(&vec![Some("f".to_owned())]) {
                table.rows.clear();
            }
        }
        data.tables.retain(|t| !t.rows.is_empty());
        self.copy_in(data.tables.iter()).await?;
        for db in (0..self.sessions.len()).map(DatabaseId) {
            self.own(db, "RESET ALL; RESET ROLE").await?;
        }
        if self.record.is_some() && !data.tables.is_empty() {
            let schemas: Vec<&Schema> =
                self.scene.schemas.get(step.after().0).into_iter().flatten().collect();
            let sql = watertight_generators::to_insert_sql(&data, &schemas);
            let what = format!("rows for the tables that `{}` leaves", self.scene.step(step).id);
            self.keep(self.scene.step(step).database, &Actor::Loader, what, vec![sql]);
        }
        Ok(())
    }

    /// As the loader, which the sessions are afterwards. The rows of small tables go in one message with those of the
    /// others: a COPY takes two round trips.
    async fn copy_in(&mut self, tables: impl Iterator<Item = &TableData>) -> Result<(), Failure> {
        let scene = self.scene;
        let (mut large, mut small) = (Vec::new(), vec![Vec::new(); self.sessions.len()]);
        for table in tables.filter(|t| !t.rows.is_empty()) {
            let key = (DatabaseId(table.database), table.table.clone());
            let is_small = table.rows.len() * table.columns.len() <= INSERTED_VALUES_MAX;
            let insert = is_small.then(|| to_insert_statement(table, scene.table(scene.born(&key), &key)));
            match insert.flatten() {
                Some(sql) => small[table.database].push((table, sql)),
                None => large.push(table),
            }
        }
        for (db, inserts) in small.into_iter().enumerate() {
            self.insert(DatabaseId(db), inserts).await?;
        }
        for table in large {
            self.copy_rows(table, &table.rows).await?;
        }
        Ok(())
    }

    async fn insert(&mut self, db: DatabaseId, inserts: Vec<(&TableData, String)>) -> Result<(), Failure> {
        let (tables, sql): (Vec<&TableData>, Vec<String>) = inserts.into_iter().unzip();
        match self.run_as(db, &Actor::Loader, &sql, OWN_LIMIT).await? {
            Ok(_) => Ok(()),
            Err(Stopped { statement, failure: Failure::Sql(error), .. }) => {
                let table = tables[statement].table.clone();
                Err(Failure::Unloadable { table, error: Box::new(error) })
            }
            Err(stopped) => Err(stopped.failure),
        }
    }

    /// Sends rows of a table, as whoever the session is.
    pub(super) async fn copy_rows(&mut self, table: &TableData, rows: &[Row]) -> Result<(), Failure> {
        let columns: Vec<String> = table.columns.iter().map(Ident::quoted).collect();
        // A list of no columns is no list.
        let list = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
        let key = (DatabaseId(table.database), table.table.clone());
        let mut copies = CopyRows::new(rows, &table.columns, self.scene.table(self.scene.born(&key), &key));
        while let Some((format, data)) = copies.next_copy() {
            let copy = format!("COPY {}{list} FROM STDIN{}", table.table.quoted(), format.options());
            match self.sessions[table.database].copy_in(&copy, data, OWN_LIMIT).await {
                Ok(_) => {}
                Err(Failure::Sql(error)) => {
                    return Err(Failure::Unloadable { table: table.table.clone(), error: Box::new(error) });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
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
