//! Attempts on a table that a step created, and that the case has no rows for: rows are put there first.

use watertight_generators::WorldId;
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AppRole, Checkpoint, DatabaseId};
use watertight_scenarios::schema::{Column, Table};

use super::attack::{Attack, Attempt};
use super::shown::{Seeded, seed};
use super::{Subject, ask, is_behind_gateway};
use crate::explore::{Act, Actor, CaseData, Context, Excursion, Scene, Statement};

struct Created<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    subject: &'a Subject<'a>,
    role: &'a AppRole,
    context: Option<&'a Context>,
    world: WorldId,
    table: &'a Table,
    seeded: Seeded,
}

/// Everything that is tried on a created table; nothing, where no row can be made up.
pub(super) fn on_created(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    subject: &Subject<'_>,
    role: &AppRole,
    context: Option<&Context>,
    world: WorldId,
) -> Vec<Attempt> {
    let table = subject.root.as_ref().and_then(|root| scene.table(at, root));
    let Some((table, seeded)) = table.zip(seed(scene, case, at, subject, world)) else { return Vec::new() };
    Created { scene, case, at, subject, role, context, world, table, seeded }.attempts()
}

impl Created<'_> {
    fn attempts(&self) -> Vec<Attempt> {
        let (reach, relation) = (self.subject.reach, self.subject.relation().quoted());
        let tenant = &self.seeded.tenant;
        let set =
            |whose: &str| format!("UPDATE {relation} SET {} = {}", tenant.quoted(), quote_literal(whose));
        let may_update = reach.columns.update.contains(tenant);
        let may_truncate = reach.truncate && !is_behind_gateway(self.scene, self.subject.database, self.role);
        let tried = [
            self.assignment().map(|set| (Attack::BareUpdate, format!("UPDATE {relation} SET {set}"))),
            reach.delete.then(|| (Attack::BareDelete, format!("DELETE FROM {relation}"))),
            may_update.then(|| (Attack::Steal, set(&self.seeded.own))),
            may_update.then(|| (Attack::GiveAway, set(&self.seeded.other))),
            may_truncate.then(|| (Attack::Truncate, format!("TRUNCATE {relation}"))),
        ];
        let mut found: Vec<Attempt> =
            tried.into_iter().flatten().map(|(attack, sql)| self.on_rows(attack, sql)).collect();
        // What nobody may add is nobody's: whose a new row is tells only a context.
        found.extend(self.context.and_then(|_| self.insert()));
        found
    }

    fn ask(&self, sql: String) -> Act {
        ask(self.subject.database, self.role, self.context, sql)
    }

    /// Places and tenants of all rows.
    fn look(&self) -> Act {
        let tenant = self.seeded.tenant.quoted();
        let sql = format!(
            "SELECT tableoid::text || ':' || ctid::text, {tenant}::text FROM {}",
            self.subject.relation().quoted()
        );
        Act::Sql(Statement { database: self.subject.database, actor: Actor::Observer, sql })
    }

    fn on_rows(&self, attack: Attack, sql: String) -> Attempt {
        let acts = vec![self.seeded.act.clone(), self.look(), self.ask(sql.clone()), self.look()];
        let excursion = Excursion { from: self.at, acts };
        Attempt { attack, sql, excursion, control: None, prepared: 2, looked: true }
    }

    /// A row that is another tenant's, as the role would add it, and with it one's own as the control.
    fn insert(&self) -> Option<Attempt> {
        let others = self.case.worlds().iter().filter(|w| **w != self.world);
        let sql = others.copied().find_map(|other| self.insert_sql(other, 0x1257))?;
        let control = self.insert_sql(self.world, 0x1258);
        let control = control.map(|sql| Excursion { from: self.at, acts: vec![self.ask(sql)] });
        let excursion = Excursion { from: self.at, acts: vec![self.ask(sql.clone()), self.look()] };
        Some(Attempt { attack: Attack::Insert, sql, excursion, control, prepared: 0, looked: false })
    }

    /// A row of that world; `None` where it has no rows that the new one would refer to.
    fn insert_sql(&self, whose: WorldId, salt: u64) -> Option<String> {
        let tenant = self.case.tenants(whose).first()?;
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (i, column) in self.table.columns.iter().enumerate() {
            let value = if column.name == self.seeded.tenant {
                tenant.clone()
            } else if !is_needed(column) {
                continue;
            } else if is_reference(self.table, &column.name) {
                let database = self.subject.database;
                referred(self.scene, self.case, (database, self.table), whose, &column.name)?
            } else {
                self.scene.fresh(&column.ty.name, self.case.seed ^ salt ^ (i as u64) << 8)?
            };
            if !self.subject.reach.columns.insert.contains(&column.name) {
                return None;
            }
            names.push(column.name.quoted());
            values.push(quote_literal(&value));
        }
        let relation = self.subject.relation().quoted();
        Some(format!("INSERT INTO {relation} ({}) VALUES ({})", names.join(", "), values.join(", ")))
    }

    /// A column that nothing else hangs on, with a value of its type.
    fn assignment(&self) -> Option<String> {
        let mut free = self.subject.reach.columns.update.iter().filter(|c| !self.is_bound(c));
        free.find_map(|name| {
            let column = self.table.column(name)?;
            let value = self.scene.fresh(&column.ty.name, self.case.seed ^ 0xba2e)?;
            Some(format!("{} = {}", name.quoted(), quote_literal(&value)))
        })
    }

    fn is_bound(&self, column: &Ident) -> bool {
        let table = self.table;
        *column == self.seeded.tenant
            || table.column(column).is_none_or(|c| c.generated.is_some() || c.identity.is_some())
            || table.primary_key.iter().any(|k| k.columns.contains(column))
            || table.uniques.iter().any(|u| u.plain_columns().is_none_or(|p| p.contains(column)))
            || is_reference(table, column)
    }
}

/// Whether a row has to say what stands in the column.
pub(super) fn is_needed(column: &Column) -> bool {
    column.not_null && column.default.is_none() && column.identity.is_none() && column.generated.is_none()
}

pub(super) fn is_reference(table: &Table, column: &Ident) -> bool {
    table.foreign_keys.iter().any(|fk| fk.columns.contains(column))
}

/// The value by which a column refers to a row of that world's tenant.
pub(super) fn referred(
    scene: &Scene,
    case: &CaseData,
    (database, table): (DatabaseId, &Table),
    whose: WorldId,
    column: &Ident,
) -> Option<String> {
    let tenant = case.tenants(whose).first()?;
    table.foreign_keys.iter().find_map(|fk| {
        let at = fk.columns.iter().position(|c| c == column)?;
        let data = case.table(database, &fk.target)?;
        let position = data.columns.iter().position(|c| *c == fk.target_columns[at])?;
        let rows = data.rows.iter().filter(|r| r.world == Some(whose));
        let mut led = rows.filter(|r| {
            let led_to = case.leads_to(scene, data, &r.values);
            led_to.is_empty() || led_to.contains(tenant)
        });
        led.find_map(|r| r.values[position].clone())
    })
}
