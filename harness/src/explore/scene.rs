//! The stage on which cases play: the scenario, and what its schema is at each checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::{Plan, Scope, TableData};
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, Platform, Step, StepId, StepKind};
use watertight_scenarios::schema::{Deferrable, Schema, Table};
use watertight_scenarios::{Ident, Relation, Scenario};

use super::act::{Print, Refusal};
use super::snapshot::TableKey;
use crate::catalog::reach::Reach;
use crate::db::supabase;

/// Static knowledge of one scenario on one server.
pub struct Scene {
    /// What to verify.
    pub scenario: Scenario,
    /// Schemas by checkpoint, then database, from a run over empty tables. Ends where that run failed.
    pub schemas: Vec<Vec<Schema>>,
    /// Catalog lines by checkpoint.
    pub prints: Vec<Print>,
    /// What the application's model makes, as catalog lines, by database; `None` where there is no model.
    pub models: Vec<Option<Print>>,
    /// Checks that return rows over empty tables, too: they are about the schema.
    pub complaining: BTreeSet<StepId>,
    /// What each role can reach, by checkpoint, then database.
    pub reach: Vec<Vec<Reach>>,
    /// How data is made for the baseline.
    pub plan: Plan,
    /// Tables that the timeline creates and that get rows behind a step: that step.
    pub late: BTreeMap<TableKey, StepId>,
    /// The shapes that data can have.
    pub scope: Scope,
    /// Words in quotes of the timeline's scripts: values that rows may have of them rather than of a tenant.
    pub literals: BTreeSet<String>,
    /// Why the run over empty tables ended early, if it did.
    pub stopped: Option<EarlyEnd>,
}

/// Where the run over empty tables ended before the last step.
#[derive(Clone, Debug)]
pub struct EarlyEnd {
    /// The step that was not passed.
    pub step: StepId,
    /// What was refused; `None` where the way back of the step before it took the session along.
    pub refusal: Option<Refusal>,
    /// Why, with the place.
    pub why: String,
}

/// Words in quotes of the timeline's scripts. What stands between two quotes and is no literal does no harm.
pub(crate) fn literals(scenario: &Scenario) -> BTreeSet<String> {
    let scripts = scenario.steps.iter().flat_map(|s| [Some(&s.up), s.down.as_ref()]).flatten();
    let parts = scripts.flat_map(|script| script.text.split('\''));
    parts.filter(|part| part.len() < 64 && !part.contains(char::is_whitespace)).map(str::to_owned).collect()
}

/// Tables that the timeline creates and that get rows behind a step.
pub(crate) fn late_tables(scenario: &Scenario, schemas: &[Vec<Schema>]) -> BTreeMap<TableKey, StepId> {
    let mut late: BTreeMap<TableKey, StepId> = BTreeMap::new();
    let names = |at: usize| -> BTreeSet<TableKey> {
        let databases = schemas.get(at).into_iter().flatten().enumerate();
        databases.flat_map(|(db, s)| s.roots().map(move |t| (DatabaseId(db), t.name.clone()))).collect()
    };
    let baseline = names(0);
    for (i, step) in scenario.steps.iter().enumerate() {
        for key in names(i + 1).difference(&baseline).filter(|key| step.populate.covers(&key.1)) {
            late.entry(key.clone()).or_insert(StepId(i));
        }
    }
    late
}

/// The baseline's schemas with the late tables as their step leaves them: what data is made for.
pub(crate) fn schemas_with_late(
    baseline: &[Schema],
    schemas: &[Vec<Schema>],
    late: &BTreeMap<TableKey, StepId>,
) -> Vec<Schema> {
    let mut merged = baseline.to_vec();
    for ((db, name), step) in late {
        let table = schemas.get(step.after().0).and_then(|s| s.get(db.0)).and_then(|s| s.table(name));
        if let (Some(schema), Some(table)) = (merged.get_mut(db.0), table) {
            schema.tables.push(table.clone());
        }
    }
    merged
}

impl Scene {
    /// Whether rows are loaded behind a step rather than before the first.
    pub fn is_late(&self, table: &TableData) -> bool {
        self.late.contains_key(&(DatabaseId(table.database), table.table.clone()))
    }

    /// The checkpoint at which a table's rows are loaded.
    pub fn born(&self, key: &TableKey) -> Checkpoint {
        self.late.get(key).map_or(Checkpoint(0), |step| step.after())
    }

    /// Steps with their ids.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.scenario.steps.iter().enumerate().map(|(i, s)| (StepId(i), s))
    }

    /// Steps of one kind.
    pub fn steps_of(&self, kind: StepKind) -> Vec<StepId> {
        self.steps().filter(|(_, s)| s.kind == kind).map(|(id, _)| id).collect()
    }

    /// A step.
    pub fn step(&self, id: StepId) -> &Step {
        &self.scenario.steps[id.0]
    }

    /// The last checkpoint that was reached over empty tables.
    pub fn last(&self) -> Checkpoint {
        Checkpoint(self.schemas.len().saturating_sub(1))
    }

    /// All checkpoints that were reached over empty tables.
    pub fn checkpoints(&self) -> impl Iterator<Item = Checkpoint> + use<> {
        (0..self.schemas.len()).map(Checkpoint)
    }

    /// What people call a checkpoint: `baseline`, or the id of the step before it.
    pub fn checkpoint_name(&self, at: Checkpoint) -> &str {
        match at.0.checked_sub(1) {
            None => "baseline",
            Some(i) => &self.scenario.steps[i].id,
        }
    }

    /// A table at a checkpoint.
    pub fn table(&self, at: Checkpoint, key: &TableKey) -> Option<&Table> {
        self.schemas.get(at.0)?.get(key.0.0)?.table(&key.1)
    }

    /// The column that carries the tenant of a table, if it has it at that checkpoint. The tenants' own
    /// table and shared ones have none.
    pub fn tenant_column(&self, at: Checkpoint, key: &TableKey) -> Option<Ident> {
        let tenancy = &self.scenario.tenancy;
        if key.1 == tenancy.tenants || tenancy.shared.contains(&key.1) {
            return None;
        }
        let column = tenancy.columns.get(&key.1).or(tenancy.column.as_ref())?;
        self.table(at, key)?.column(column).map(|c| c.name.clone())
    }

    /// Tables with a tenant column at a checkpoint, and the column.
    pub fn tenant_tables(&self, at: Checkpoint) -> Vec<(TableKey, Ident)> {
        let Some(schemas) = self.schemas.get(at.0) else { return Vec::new() };
        let mut found = Vec::new();
        for (db, schema) in schemas.iter().enumerate() {
            for table in schema.roots() {
                let key = (DatabaseId(db), table.name.clone());
                if let Some(column) = self.tenant_column(at, &key) {
                    found.push((key, column));
                }
            }
        }
        found
    }

    /// The tenants' key column.
    pub fn tenant_key(&self) -> Option<Ident> {
        if let Some(key) = &self.scenario.tenancy.key {
            return Some(key.clone());
        }
        let schemas = self.schemas.first()?;
        let table = schemas.iter().find_map(|s| s.table(&self.scenario.tenancy.tenants))?;
        match table.primary_key.as_ref()?.columns.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    /// A fresh value of a type, by the name that users write. Types of the final schema are known too.
    pub fn fresh(&self, ty: &str, seed: u64) -> Option<String> {
        let schemas: Vec<&Schema> = self.schemas.last().into_iter().flatten().collect();
        watertight_generators::fresh_of_type(ty, &schemas, seed)
    }

    /// What a part of a step is called: a statement of its file, or a table that it copies.
    pub fn part(&self, step: StepId, part: usize) -> String {
        match self.step(step).copy.as_ref().and_then(|c| c.tables.get(part)) {
            Some(table) => format!("The copy of {table}"),
            None if self.step(step).command.is_some() => format!("The command {}", self.step(step).work()),
            None => format!("Statement {} of {}", part + 1, self.step(step).up.path),
        }
    }

    /// The table that a table's rows are copied from, by whatever step.
    pub fn copied_from(&self, key: &TableKey) -> Option<TableKey> {
        let copies = self.scenario.steps.iter().filter_map(|s| s.copy.as_ref());
        let mut into = copies.filter(|c| c.to == key.0 && c.tables.contains(&key.1));
        into.next().map(|c| (c.from, key.1.clone()))
    }

    /// The SQL file and line of a statement of a step.
    pub fn location(&self, step: StepId, statement: usize) -> (String, Option<u32>) {
        let script = &self.step(step).up;
        let copy = self.step(step).copy.as_ref().map(|c| c.line);
        let command = self.step(step).command.as_ref().and_then(|c| c.line);
        let line = script.statements.get(statement).map(|s| s.line).or(copy).or(command);
        (script.path.clone(), line)
    }

    /// Whether a step was refused in the same way over empty tables: no row is to blame.
    pub fn refuses_anyway(&self, step: StepId, refusal: &Refusal) -> bool {
        let stopped = self.stopped.as_ref().filter(|end| end.step == step);
        let Some(first) = stopped.and_then(|end| end.refusal.as_ref()) else { return false };
        let is_same = match (first.failure.sql(), refusal.failure.sql()) {
            // Whatever the words: an error may count rows, or name one.
            (Some(a), Some(b)) => a.sqlstate == b.sqlstate,
            _ => first.failure == refusal.failure,
        };
        is_same && first.statement == refusal.statement
    }

    /// Whether any constraint can be deferred to the end of a transaction.
    pub fn has_deferrable(&self) -> bool {
        let tables = self.schemas.iter().flatten().flat_map(|s| &s.tables);
        tables.into_iter().any(|t| {
            let keys = t.primary_key.iter().map(|k| k.deferrable);
            let uniques = t.uniques.iter().map(|u| u.deferrable);
            let references = t.foreign_keys.iter().map(|f| f.deferrable);
            keys.chain(uniques).chain(references).any(|d| d != Deferrable::No)
                || t.triggers.iter().any(|t| t.definition.contains("CONSTRAINT TRIGGER"))
        })
    }

    /// Whether any table has row security at a checkpoint.
    pub fn has_row_security(&self, at: Checkpoint) -> bool {
        self.schemas.get(at.0).is_some_and(|s| {
            s.iter().flat_map(|s| &s.tables).any(|t| t.row_security.enabled && !self.is_platform(&t.name))
        })
    }

    /// Whether a relation or function is the hosting platform's own.
    pub fn is_platform(&self, name: &Relation) -> bool {
        self.scenario.databases.iter().any(|d| d.platform == Platform::Supabase) && supabase::owns(name)
    }

    /// Whether a backfill or a copy may add rows to the table.
    pub fn may_add(&self, step: StepId, key: &TableKey) -> bool {
        let step = self.step(step);
        step.writes.iter().any(|w| w.table == key.1 && w.column.is_none())
            || step.copy.as_ref().is_some_and(|c| c.to == key.0 && c.tables.contains(&key.1))
    }

    /// Whether a backfill may write that column of existing rows.
    pub fn may_write(&self, step: StepId, table: &Relation, column: &Ident) -> bool {
        self.step(step).writes.iter().any(|w| &w.table == table && w.column.as_ref() == Some(column))
    }
}
