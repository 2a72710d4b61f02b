//! Everything that is made of words and catalogs, and how sure each of it is.

use watertight_scenarios::scenario::NullTenant;
use watertight_scenarios::{Ident, Relation, Schema};

use super::names;
use super::owners::{self, Found, Owned};
use super::policies::{self, Context};
use super::tenancy::{self, Certainty, Tenants};
use super::words::Words;

/// What is said of a scenario besides its migrations.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    /// Who the tenants are.
    pub(super) tenants: Tenants,
    /// Whom rows belong to, for tables that the steps fill.
    pub(super) owners: Vec<(Relation, Owned)>,
    /// Tables whose owners are not found, and why.
    pub(super) unowned: Vec<(Relation, String)>,
    /// Tables without a tenant, on purpose.
    pub(super) shared: Vec<Relation>,
    /// What a NULL tenant means.
    pub(super) null_tenant: NullTenant,
    /// How a session is told its tenant.
    pub(super) context: Option<Context>,
    /// The column that makes a user a member of a tenant, where there is one only.
    pub(super) member: Option<(Relation, Ident)>,
}

/// Looks at the schemas before the first step and after the last. The tenants may be told.
pub(super) fn guess(
    words: &Words,
    before: &Schema,
    after: &Schema,
    told: Option<&Relation>,
) -> Option<Guess> {
    let tenants = tenancy::tenants(after, told)?;
    let (mut owners, mut unowned) = (Vec::new(), Vec::new());
    let mut null_tenant = NullTenant::Hidden;
    for table in after.roots() {
        let Some(column) = tenants.column_of(table) else { continue };
        if policies::shows_null(table, column.as_str()) {
            null_tenant = NullTenant::Shared;
        }
        let Some(old) = before.table(&table.name) else { continue };
        // What has its tenant before the first step is not filled by any.
        if old.column(&column).is_some_and(|c| c.not_null) {
            continue;
        }
        match owners::owner(before, &tenants, old, &column) {
            Found::Way(owned) => owners.push((table.name.clone(), owned)),
            Found::Several(ways) => {
                unowned.push((
                    table.name.clone(),
                    format!("several ways lead to a tenant: {}", ways.join("; ")),
                ));
            }
            Found::None => {
                unowned.push((table.name.clone(), "no foreign key leads to a tenant".to_owned()));
            }
        }
    }
    let context = policies::context(after, |name| {
        let last = name.rsplit(['.', '_']).find(|w| *w != "id").unwrap_or(name);
        names::weight(last) > 0
            || names::is_named_after(name.rsplit('.').next().unwrap_or(name), tenants.table.name.as_str())
    });
    let shared = shared(words, &tenants, after);
    let member = member(&tenants, before);
    Some(Guess { tenants, owners, unowned, shared, null_tenant, context, member })
}

/// The only column of a table with tenants that refers to people, of tables that sound like members.
fn member(tenants: &Tenants, schema: &Schema) -> Option<(Relation, Ident)> {
    let mut found = schema.roots().filter(|t| names::is_people(t.name.name.as_str())).filter_map(|t| {
        tenants.column_of(t)?;
        let key = t
            .foreign_keys
            .iter()
            .find(|f| names::is_people(f.target.name.as_str()) && f.columns.len() == 1)?;
        Some((t.name.clone(), key.columns[0].clone()))
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Tables that the migrations fill themselves and that belong to nobody: they refer to nothing, and carry no tenant.
fn shared(words: &Words, tenants: &Tenants, schema: &Schema) -> Vec<Relation> {
    let seeded = schema.roots().filter(|t| words.seeded.contains(&t.name));
    let free = seeded.filter(|t| {
        t.name != tenants.table
            && t.foreign_keys.is_empty()
            && tenants.column_of(t).is_none()
            && !names::is_people(t.name.name.as_str())
    });
    free.map(|t| t.name.clone()).collect()
}

impl Guess {
    /// What was guessed, in sentences for the report.
    pub(super) fn sentences(&self) -> Vec<String> {
        let tenants = &self.tenants;
        let mut said = Vec::new();
        let guessed = |certainty| if certainty == Certainty::Guessed { "Guessed: " } else { "" };
        said.push(format!(
            "{}The rows of {} are the tenants: {}.",
            guessed(tenants.certainty),
            tenants.table,
            tenants.why
        ));
        if !tenants.others.is_empty() {
            let others: Vec<String> = tenants.others.iter().map(ToString::to_string).collect();
            said.push(format!("Not taken for the tenants, though it could be: {}.", others.join(", ")));
        }
        for (table, owned) in &self.owners {
            said.push(format!(
                "{}Rows of {table} belong to whom {} says.",
                guessed(owned.certainty),
                owned.via
            ));
        }
        for (table, why) in &self.unowned {
            said.push(format!(
                "Whom rows of {table} belong to before their column says so is not known: {why}."
            ));
        }
        for (table, columns) in &tenants.unclear {
            let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
            said.push(format!(
                "{table} is taken to be without a tenant: {} could all say it.",
                columns.join(", ")
            ));
        }
        for table in &self.shared {
            said.push(format!(
                "Guessed: {table} is shared by all tenants: a migration fills it, and it refers to nothing."
            ));
        }
        if self.null_tenant == NullTenant::Shared {
            said.push("Guessed: a row with a NULL tenant is for everybody: a policy shows it.".to_owned());
        }
        match &self.context {
            Some(Context::Unclear(settings)) => {
                said.push(format!(
                    "How a session is told its tenant is not known: the policies read {}.",
                    settings.join(", ")
                ));
            }
            Some(Context::User) => said.push(match &self.member {
                Some((table, column)) => {
                    format!("Guessed: the policies know users, and {table}.{column} makes a user a member of a tenant.")
                }
                None => "The policies know users; which of them work for a tenant is not known.".to_owned(),
            }),
            _ => {}
        }
        said
    }
}
