//! Whose the rows of an answer are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use watertight_generators::WorldId;
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::Checkpoint;

use super::Subject;
use super::created::{is_needed, referred};
use crate::db::session::{Answer, SqlError};
use crate::explore::{Act, Actor, CaseData, Scene, Snapshot, Statement};

/// Values shorter than this are not looked for in messages.
const TOLD_LENGTH_MIN: usize = 6;

/// What a relation's answer shows, and what there was to be seen.
#[derive(Debug, Default)]
pub(in crate::invariants) struct Shown {
    /// Rows of the tenants that the context entitles to.
    pub(in crate::invariants) own: usize,
    /// Rows of others.
    pub(in crate::invariants) foreign: usize,
    /// The others.
    pub(in crate::invariants) others: BTreeSet<String>,
    /// Whether others have rows there.
    pub(in crate::invariants) others_there: bool,
}

impl Shown {
    fn count(&mut self, owners: &BTreeSet<String>, entitled: &BTreeSet<String>) {
        if owners.is_empty() {
            return;
        }
        if owners.is_disjoint(entitled) {
            self.foreign += 1;
            self.others.extend(owners.iter().cloned());
        } else {
            self.own += 1;
        }
    }
}

/// The statement that reads a relation: places of rows where it holds rows, else what the role may select.
pub(in crate::invariants) fn select(subject: &Subject<'_>) -> Option<String> {
    let relation = subject.relation().quoted();
    if subject.root.is_some() && subject.reach.select {
        return Some(format!("SELECT tableoid::text || ':' || ctid::text FROM {relation}"));
    }
    let columns: Vec<String> = subject.reach.columns.select.iter().map(|c| c.quoted()).collect();
    (!columns.is_empty()).then(|| format!("SELECT {} FROM {relation}", columns.join(", ")))
}

/// Rows put into a table that a step created, past every constraint but its own: one of each of two tenants.
pub(in crate::invariants) struct Seeded {
    /// Puts them there.
    pub(in crate::invariants) act: Act,
    /// The column that carries the tenant.
    pub(in crate::invariants) tenant: Ident,
    /// The tenant that looks.
    pub(in crate::invariants) own: String,
    /// The other one.
    pub(in crate::invariants) other: String,
}

/// Rows for a table that the case has none for. `None` where a row cannot be made up from the columns' types.
pub(in crate::invariants) fn seed(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    subject: &Subject<'_>,
    world: WorldId,
) -> Option<Seeded> {
    let root = subject.root.as_ref().filter(|r| case.deep && case.table(r.0, &r.1).is_none())?;
    let (table, tenant) = (scene.table(at, root)?, scene.tenant_column(at, root)?);
    let tenant_of = |world: WorldId| case.tenants(world).first().cloned();
    let mut others = case.worlds().iter().copied().filter(|w| *w != world);
    let (own, (elsewhere, other)) = (tenant_of(world)?, others.find_map(|w| Some((w, tenant_of(w)?)))?);
    let needed = table.columns.iter().filter(|c| c.name != tenant && is_needed(c));
    let needed: Vec<_> = needed.collect();
    let insert = |whose: &str, world: WorldId, salt: u64| -> Option<String> {
        let (mut names, mut values) = (vec![tenant.quoted()], vec![quote_literal(whose)]);
        for (i, column) in needed.iter().enumerate() {
            names.push(column.name.quoted());
            // A row of one's own transaction is checked again by every UPDATE, whatever that changes.
            let value = referred(scene, case, (root.0, table), world, &column.name);
            let fresh = || scene.fresh(&column.ty.name, case.seed ^ salt ^ (i as u64) << 8);
            values.push(quote_literal(&value.or_else(fresh)?));
        }
        let (names, values) = (names.join(", "), values.join(", "));
        Some(format!("INSERT INTO {} ({names}) VALUES ({values})", table.name.quoted()))
    };
    let sql = format!("{}; {}", insert(&own, world, 0x5eed)?, insert(&other, elsewhere, 0x5eee)?);
    let act = Act::Sql(Statement { database: root.0, actor: Actor::Loader, sql });
    Some(Seeded { act, tenant, own, other })
}

/// Ground truth of one checkpoint of one case.
pub(in crate::invariants) struct Truth<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    contents: &'a Snapshot,
    values: HashMap<&'a str, BTreeSet<String>>,
}

impl<'a> Truth<'a> {
    pub(in crate::invariants) fn new(
        scene: &'a Scene,
        case: &'a CaseData,
        at: Checkpoint,
        contents: &'a Snapshot,
    ) -> Self {
        Self { scene, case, at, contents, values: case.value_owners(scene, at, contents) }
    }

    /// Owners of a table's rows, by place.
    pub(in crate::invariants) fn places(&self, subject: &Subject<'_>) -> BTreeMap<String, BTreeSet<String>> {
        let Some(root) = &subject.root else { return BTreeMap::new() };
        self.case.places(self.scene, self.at, self.contents, root)
    }

    /// What an answer to [`select`] shows.
    pub(in crate::invariants) fn shown(
        &self,
        subject: &Subject<'_>,
        answer: &Answer,
        entitled: &BTreeSet<String>,
    ) -> Shown {
        if subject.root.is_none() || !subject.reach.select {
            return self.shown_by_values(answer, entitled, "");
        }
        let places = self.places(subject);
        let mut shown = Shown::default();
        for place in answer.rows.iter().filter_map(|row| row.first().cloned().flatten()) {
            if let Some(owners) = places.get(&place) {
                shown.count(owners, entitled);
            }
        }
        shown.others_there = places.values().any(|o| !o.is_empty() && o.is_disjoint(entitled));
        shown
    }

    /// The same by the values of the rows. Values that were sent tell nothing.
    pub(in crate::invariants) fn shown_by_values(
        &self,
        answer: &Answer,
        entitled: &BTreeSet<String>,
        sent: &str,
    ) -> Shown {
        let mut shown = Shown::default();
        let tenancy = &self.scene.scenario.tenancy;
        let tenant_at = answer.columns.iter().position(|c| tenancy.is_tenant_name(c));
        for row in &answer.rows {
            let mut owners: BTreeSet<String> = BTreeSet::new();
            let tenant = tenant_at.and_then(|at| row[at].as_ref());
            let mut foreign = false;
            if let Some(tenant) = tenant.filter(|t| self.case.world_of_tenant(t).is_some()) {
                owners.insert(tenant.clone());
            } else {
                for value in row.iter().flatten().filter(|v| !sent.contains(v.as_str())) {
                    if let Some(known) = self.values.get(value.as_str()) {
                        foreign |= known.is_disjoint(entitled);
                        owners.extend(known.iter().cloned());
                    }
                }
            }
            if foreign {
                owners.retain(|o| !entitled.contains(o));
            }
            shown.count(&owners, entitled);
        }
        shown.others_there = self.values.values().any(|o| o.is_disjoint(entitled));
        shown
    }

    /// Tenants whose values an error tells, and that were not sent.
    pub(in crate::invariants) fn told(
        &self,
        error: &SqlError,
        entitled: &BTreeSet<String>,
        sent: &str,
    ) -> BTreeSet<String> {
        let text = format!(
            "{} {} {}",
            error.message,
            error.detail.as_deref().unwrap_or_default(),
            error.hint.as_deref().unwrap_or_default()
        );
        self.values
            .iter()
            .filter(|(value, owners)| {
                value.len() >= TOLD_LENGTH_MIN
                    && owners.is_disjoint(entitled)
                    && text.contains(**value)
                    && !sent.contains(**value)
            })
            .flat_map(|(_, owners)| owners.iter().cloned())
            .collect()
    }
}
