//! Attempts to write what is another tenant's, and what came of them.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::{Row, TableData, WorldId};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AppRole, Checkpoint};
use watertight_scenarios::schema::Table;

use super::super::fresh_row::FreshRow;
use super::{Subject, ask, is_behind_gateway};
use crate::db::session::TextRow;
use crate::explore::{Act, Actor, CaseData, Context, Excursion, Observations, Scene, Seen, Statement};

/// How another tenant's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// UPDATE of every row there is.
    BareUpdate,
    /// UPDATE of another tenant's row, by its key, with RETURNING.
    FilteredUpdate,
    /// UPDATE that makes every row one's own.
    Steal,
    /// UPDATE that makes one's own rows another tenant's.
    GiveAway,
    /// DELETE of every row there is.
    BareDelete,
    /// The same with nothing left that refers to the rows.
    LoneDelete,
    /// DELETE of another tenant's row, by its key, with RETURNING.
    FilteredDelete,
    /// INSERT of a row that is another tenant's.
    Insert,
    /// INSERT of one's own row that leaves the tenant to the column's default.
    InsertDefault,
    /// TRUNCATE, which no policy restricts.
    Truncate,
}

impl Attack {
    /// The violation's code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::BareUpdate | Self::FilteredUpdate => "updates-foreign",
            Self::Steal => "steals",
            Self::GiveAway => "gives-away",
            Self::BareDelete | Self::LoneDelete | Self::FilteredDelete => "deletes-foreign",
            Self::Insert => "inserts-foreign",
            Self::InsertDefault => "inserts-elsewhere",
            Self::Truncate => "truncates",
        }
    }

    /// The policies' command.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::BareUpdate | Self::FilteredUpdate | Self::Steal | Self::GiveAway => "UPDATE",
            Self::BareDelete | Self::LoneDelete | Self::FilteredDelete => "DELETE",
            Self::Insert | Self::InsertDefault => "INSERT",
            Self::Truncate => "TRUNCATE",
        }
    }
}

/// One attempt on one table.
pub(super) struct Attempt {
    pub(super) attack: Attack,
    pub(super) sql: String,
    /// What is tried, then a look at the table.
    pub(super) excursion: Excursion,
    /// The same with what is one's own: it must go well for a refusal to count.
    pub(super) control: Option<Excursion>,
    /// Acts before the statement itself.
    pub(super) prepared: usize,
    /// Owners of the rows before it are told by the last of those acts, not by the contents.
    pub(super) looked: bool,
}

/// What an attempt did.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// Whether the server refused the statement, and whether row security did.
    pub(super) refused: Option<bool>,
    /// Rows of the tenants that the context entitles to that were changed or taken away.
    pub(super) own: usize,
    /// Rows of others that were.
    pub(super) foreign: usize,
    /// Rows that are another tenant's now, and were not there, or not so, before.
    pub(super) landed: usize,
    /// The others.
    pub(super) others: BTreeSet<String>,
    /// Whether others have rows there.
    pub(super) others_there: bool,
}

impl Effect {
    /// Whether another tenant's rows were written.
    pub(super) fn is_harm(&self) -> bool {
        self.foreign > 0 || self.landed > 0
    }
}

/// What attempts on a table are made with.
pub(super) struct Target<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    subject: &'a Subject<'a>,
    role: &'a AppRole,
    context: Option<&'a Context>,
    table: &'a Table,
    data: &'a TableData,
    tenant_column: Option<Ident>,
    identity: Vec<Ident>,
    own: Option<&'a Row>,
    foreign: Option<&'a Row>,
    others_tenant: Option<String>,
}

impl<'a> Target<'a> {
    /// A table that holds rows, attacked on behalf of a world. `None` for views, and where no case has rows.
    pub(super) fn new(
        scene: &'a Scene,
        case: &'a CaseData,
        at: Checkpoint,
        subject: &'a Subject<'a>,
        role: &'a AppRole,
        context: Option<&'a Context>,
        world: WorldId,
    ) -> Option<Self> {
        let root = subject.root.as_ref()?;
        let table = scene.table(at, root)?;
        let data = case.table(root.0, &root.1)?;
        let of = |is_own: bool| {
            data.rows
                .iter()
                .find(|r| r.world.is_some_and(|w| (w == world) == is_own && !case.tenants(w).is_empty()))
        };
        let foreign = of(false);
        let others_tenant = foreign.and_then(|r| case.tenants(r.world?).first().cloned());
        let identity: Vec<Ident> =
            table.identity().unwrap_or_default().into_iter().filter(|c| data.columns.contains(c)).collect();
        Some(Self {
            scene,
            case,
            at,
            subject,
            role,
            context,
            table,
            data,
            tenant_column: scene.tenant_column(at, root),
            identity,
            own: of(true),
            foreign,
            others_tenant,
        })
    }

    /// Everything that is tried with a tenant's context.
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        let mut found = self.bare();
        let reach = self.subject.reach;
        if let Some((row, here)) = self.foreign.and_then(|r| Some((r, self.here(r)?))) {
            let relation = self.subject.relation().quoted();
            let returning = reach.columns.select.first().map(|c| format!(" RETURNING {}", c.quoted()));
            let returning = returning.unwrap_or_default();
            if let Some((column, literal)) = self.assignment(row) {
                let sql = format!("UPDATE {relation} SET {column} = {literal} WHERE {here}{returning}");
                found.push(self.attempt(Attack::FilteredUpdate, sql));
            }
            if reach.delete {
                found.push(self.attempt(
                    Attack::FilteredDelete,
                    format!("DELETE FROM {relation} WHERE {here}{returning}"),
                ));
            }
        }
        if let Some(column) = self.tenant_column.as_ref().filter(|c| reach.columns.update.contains(c)) {
            if let Some(tenant) = self.own_tenant() {
                let (relation, tenant) = (self.subject.relation().quoted(), quote_literal(&tenant));
                let sql = format!("UPDATE {relation} SET {} = {tenant}", column.quoted());
                found.push(self.attempt(Attack::Steal, sql));
            }
            found.extend(self.give_away(column));
        }
        found.extend(self.insert());
        if let Some(own) = self.own.filter(|_| self.own_tenant().is_some() && self.tenant_column.is_some()) {
            let omitted = self.insert_sql(own, None);
            found.extend(omitted.map(|sql| self.attempt(Attack::InsertDefault, sql)));
        }
        found
    }

    /// What needs no row of one's own.
    pub(super) fn bare(&self) -> Vec<Attempt> {
        let (reach, relation) = (self.subject.reach, self.subject.relation().quoted());
        let mut found = Vec::new();
        if let Some((column, literal)) = self.own.or(self.foreign).and_then(|row| self.assignment(row)) {
            found.push(
                self.attempt(Attack::BareUpdate, format!("UPDATE {relation} SET {column} = {literal}")),
            );
        }
        if reach.delete {
            let sql = format!("DELETE FROM {relation}");
            found.push(self.attempt(Attack::BareDelete, sql.clone()));
            found.extend(self.clearing().map(|clearing| {
                let mut lone = self.attempt(Attack::LoneDelete, sql);
                lone.excursion.acts.insert(0, clearing);
                lone.prepared = 1;
                lone
            }));
        }
        if reach.truncate && !is_behind_gateway(self.scene, self.subject.database, self.role) {
            found.push(self.attempt(Attack::Truncate, format!("TRUNCATE {relation}")));
        }
        found
    }

    /// A row that is another tenant's, and with it one's own as the control.
    pub(super) fn insert(&self) -> Option<Attempt> {
        if self.subject.root.as_ref().is_some_and(|r| r.1 == self.scene.scenario.tenancy.tenants) {
            return None; // a new tenant is nobody else's
        }
        let foreign = self.foreign?;
        if self.tenant_column.is_none()
            && self.case.leads_to(self.scene, self.data, &foreign.values).is_empty()
        {
            return None; // whose a new row is cannot be told
        }
        let sql = self.insert_sql(foreign, Some(self.others_tenant.as_ref()?))?;
        let mut attempt = self.attempt(Attack::Insert, sql);
        attempt.control = self
            .own
            .zip(self.own_tenant())
            .and_then(|(own, tenant)| self.insert_sql(own, Some(&tenant)))
            .map(|sql| Excursion { from: self.at, acts: vec![self.ask(sql)] });
        Some(attempt)
    }

    /// One's own row becomes another tenant's, and refers to what that one has. Without a condition, which would ask the
    /// policies for SELECT, too; so that no key stops it, it is one's only row, and nothing refers to it.
    fn give_away(&self, column: &Ident) -> Option<Attempt> {
        let (own, foreign, tenant) = (self.own?, self.foreign?, self.others_tenant.as_ref()?);
        let keys = self.table.foreign_keys.iter().filter(|fk| fk.columns.contains(column));
        let along = keys.flat_map(|fk| &fk.columns).filter(|c| *c != column && !self.identity.contains(c));
        let mut sets = BTreeMap::from([(column, Some(tenant.clone()))]);
        for also in along.filter(|c| self.data.columns.contains(c)) {
            if !self.subject.reach.columns.update.contains(also) {
                return None;
            }
            sets.entry(also).or_insert_with(|| self.value(foreign, also));
        }
        let sets: Vec<String> = sets
            .into_iter()
            .map(|(c, value)| {
                let literal = value.map_or_else(|| "NULL".to_owned(), |v| quote_literal(&v));
                format!("{} = {literal}", c.quoted())
            })
            .collect();
        let sql = format!("UPDATE {} SET {}", self.subject.relation().quoted(), sets.join(", "));
        let mut attempt = self.attempt(Attack::GiveAway, sql);
        if let Some((here, tenant)) = self.here(own).zip(self.own_tenant()) {
            let (table, tenant) = (self.table.name.quoted(), quote_literal(&tenant));
            let others = format!("DELETE FROM {table} WHERE {} = {tenant} AND NOT ({here})", column.quoted());
            let sql: Vec<String> = self.referring().into_iter().chain([others]).collect();
            attempt.excursion.acts.insert(0, self.clear(&sql));
            attempt.prepared = 1;
        }
        Some(attempt)
    }

    fn own_tenant(&self) -> Option<String> {
        self.case.tenants(self.own?.world?).first().cloned()
    }

    fn ask(&self, sql: String) -> Act {
        ask(self.subject.database, self.role, self.context, sql)
    }

    fn attempt(&self, attack: Attack, sql: String) -> Attempt {
        let acts = vec![self.ask(sql.clone()), self.look()];
        Attempt {
            attack,
            sql,
            excursion: Excursion { from: self.at, acts },
            control: None,
            prepared: 0,
            looked: false,
        }
    }

    /// Places of all rows, and their tenants where a column carries them.
    fn look(&self) -> Act {
        let tenant = self.tenant_column.as_ref().map_or_else(|| "NULL".to_owned(), Ident::quoted);
        let sql = format!(
            "SELECT tableoid::text || ':' || ctid::text, {tenant}::text FROM {}",
            self.table.name.quoted()
        );
        Act::Sql(Statement { database: self.subject.database, actor: Actor::Observer, sql })
    }

    /// Empties the tables that refer to this one and would stop a deletion.
    fn clearing(&self) -> Option<Act> {
        let sql = self.referring();
        (!sql.is_empty()).then(|| self.clear(&sql))
    }

    fn clear(&self, sql: &[String]) -> Act {
        Act::Sql(Statement { database: self.subject.database, actor: Actor::Loader, sql: sql.join("; ") })
    }

    /// What empties the tables that refer to this one, or to one that does.
    fn referring(&self) -> Vec<String> {
        let schema = self.scene.schemas.get(self.at.0).and_then(|s| s.get(self.subject.database.0));
        let mut reached = vec![&self.table.name];
        let mut next = 0;
        while let Some(target) = reached.get(next).copied() {
            next += 1;
            for table in schema.into_iter().flat_map(|s| s.roots()) {
                let refers = table.foreign_keys.iter().any(|fk| &fk.target == target);
                if refers && !reached.contains(&&table.name) {
                    reached.push(&table.name);
                }
            }
        }
        reached[1..].iter().map(|t| format!("DELETE FROM {}", t.quoted())).collect()
    }

    fn value(&self, row: &Row, column: &Ident) -> Option<String> {
        let at = self.data.columns.iter().position(|c| c == column)?;
        row.values[at].clone()
    }

    fn here(&self, row: &Row) -> Option<String> {
        let conditions: Option<Vec<String>> = self
            .identity
            .iter()
            .map(|c| Some(format!("{} = {}", c.quoted(), quote_literal(&self.value(row, c)?))))
            .collect();
        conditions.filter(|c| !c.is_empty()).map(|c| c.join(" AND "))
    }

    /// A column that nothing else hangs on, and a value that it had: valid for every row.
    fn assignment(&self, row: &Row) -> Option<(String, String)> {
        let columns = self.subject.reach.columns.update.iter();
        let mut free = columns.filter(|c| self.data.columns.contains(c) && !self.is_bound(c));
        free.find_map(|c| Some((c.quoted(), quote_literal(&self.value(row, c)?))))
    }

    fn is_bound(&self, column: &Ident) -> bool {
        let table = self.table;
        table.column(column).is_none_or(|c| c.generated.is_some() || c.identity.is_some())
            || self.identity.contains(column)
            || self.tenant_column.as_ref() == Some(column)
            || table.primary_key.iter().any(|k| k.columns.contains(column))
            || table.uniques.iter().any(|u| u.plain_columns().is_none_or(|p| p.contains(column)))
            || self.is_reference(column)
    }

    fn is_reference(&self, column: &Ident) -> bool {
        self.table.foreign_keys.iter().any(|fk| fk.columns.contains(column))
    }

    /// A copy of a row under a new key, for a tenant. Without one, its column is left to its default.
    fn insert_sql(&self, row: &Row, tenant: Option<&str>) -> Option<String> {
        let fresh = FreshRow {
            scene: self.scene,
            case: self.case,
            database: self.subject.database,
            table: self.table,
            data: self.data,
            may_give: &self.subject.reach.columns.insert,
            tenant_column: self.tenant_column.as_ref(),
        };
        fresh.insert_sql(self.subject.relation(), row, tenant, 0xa77a, |_| false)
    }
}

/// What an attempt did, by the places of rows before and after it. `None` when it was not played.
pub(super) fn effect(
    seen: &Observations,
    attempt: &Attempt,
    before: &BTreeMap<String, BTreeSet<String>>,
    entitled: &BTreeSet<String>,
) -> Option<Effect> {
    let (from, acts) = (attempt.excursion.from, &attempt.excursion.acts);
    let looked: BTreeMap<String, BTreeSet<String>>;
    let before = if attempt.looked {
        let told = seen.seen(from, &acts[..attempt.prepared])?.done()?;
        let owner = |row: &TextRow| Some((row.first()?.clone()?, row.get(1)?.clone().into_iter().collect()));
        looked = told.answer.rows.iter().filter_map(owner).collect();
        &looked
    } else {
        before
    };
    let is_foreign = |owners: &BTreeSet<String>| !owners.is_empty() && owners.is_disjoint(entitled);
    let mut effect = Effect { others_there: before.values().any(is_foreign), ..Effect::default() };
    match seen.seen(from, &acts[..=attempt.prepared])? {
        Seen::Refused(refusal) => {
            effect.refused = Some(refusal.failure.sql()?.sqlstate == "42501");
            return Some(effect);
        }
        Seen::Done(_) => {}
        _ => return None,
    }
    let after = seen.seen(from, acts)?.done()?;
    let mut places: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for row in &after.answer.rows {
        if let [Some(place), tenant] = row.as_slice() {
            places.insert(place, tenant.as_deref());
        }
    }
    for (_, owners) in before.iter().filter(|(place, _)| !places.contains_key(place.as_str())) {
        if is_foreign(owners) {
            effect.foreign += 1;
            effect.others.extend(owners.iter().cloned());
        } else {
            effect.own += usize::from(!owners.is_empty());
        }
    }
    for (_, tenant) in places.iter().filter(|(place, _)| !before.contains_key(**place)) {
        // A foreign row that was changed and stayed where it was counts above.
        if let Some(tenant) = tenant.filter(|t| !entitled.contains(*t) && !effect.others.contains(*t)) {
            effect.landed += 1;
            effect.others.insert(tenant.to_owned());
        }
    }
    Some(effect)
}
