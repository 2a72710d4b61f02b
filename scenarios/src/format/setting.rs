//! Resolving what surrounds the timeline: databases, roles, tenancy.

use std::collections::HashMap;
use std::ops::Range;

use indexmap::IndexMap;

use super::at::{At, OneOrMany};
use super::raw::{RawDatabase, RawFile, RawRoles, RawTenancy, RawVersion};
use super::resolve::{Resolver, is_id};
use crate::ident::Ident;
use crate::scenario::{AppRole, Database, Owner, Roles, SqlTemplate, Tenancy};
use crate::script::Script;

/// The name of a scenario's only database.
const MAIN: &str = "main";

impl Resolver<'_> {
    pub(super) fn postgres_min(&mut self, raw: &RawFile) -> Option<u32> {
        let single = raw.database.iter().map(|d| &d.value);
        let mut highest = None;
        for version in single.chain(raw.databases.values()).filter_map(|d| d.postgres.as_ref()) {
            let major = match &version.value {
                RawVersion::Number(major) => Some(*major),
                RawVersion::Text(text) => text.trim().trim_start_matches(">=").trim().parse().ok(),
            };
            match major {
                Some(major) if (10..100).contains(&major) => highest = highest.max(Some(major)),
                _ => {
                    let help = "write the lowest major version, as \">=14\"";
                    self.report_help(&version.span, "not a PostgreSQL version", help);
                }
            }
        }
        highest
    }

    pub(super) fn databases(
        &mut self,
        single: Option<At<RawDatabase>>,
        several: IndexMap<At<String>, RawDatabase>,
    ) -> Vec<Database> {
        if let (Some(single), Some((first, _))) = (&single, several.first()) {
            let line = self.sources.line(&first.span);
            let help = format!("[databases] begins on line {line}; give this one a name and put it there");
            self.report_help(&single.span, "both [database] and [databases]", help);
        }
        if several.is_empty() {
            return vec![self.database(MAIN, single.map(|d| d.value).unwrap_or_default())];
        }
        let mut databases = Vec::new();
        for (name, raw) in several {
            if !is_id(&name) {
                let help = "lower-case letters, digits, `-` and `_`";
                self.report_help(&name.span, format!("`{}` is not a database name", name.value), help);
            }
            databases.push(self.database(&name, raw));
        }
        databases
    }

    fn database(&mut self, name: &str, raw: RawDatabase) -> Database {
        let provision = raw.provision.and_then(|path| self.script(&path.value, &path.span));
        let baseline = raw.baseline.map(|list| self.baseline(&list)).unwrap_or_default();
        Database {
            name: name.to_owned(),
            extensions: raw.extensions,
            platform: raw.platform,
            provision,
            baseline,
        }
    }

    fn baseline(&mut self, list: &At<OneOrMany>) -> Vec<Script> {
        let mut paths: Vec<At<String>> = Vec::new();
        for item in list.items() {
            let (pattern, takes_away) = match item.strip_prefix('!') {
                Some(pattern) => (pattern, true),
                None => (item.as_str(), false),
            };
            if !takes_away && !pattern.contains(['*', '?', '[']) {
                paths.push(item);
                continue;
            }
            match self.files.matching(pattern) {
                Ok(found) if found.is_empty() => {
                    let help = "`*` matches within a folder, `**` across folders";
                    self.report_help(&item.span, format!("no file matches `{pattern}`"), help);
                }
                Ok(found) if takes_away => paths.retain(|path| !found.contains(&path.value)),
                Ok(found) => {
                    paths.extend(found.into_iter().map(|path| At { value: path, span: item.span.clone() }));
                }
                Err(error) => self.report_path(&item.span, error),
            }
        }
        paths.iter().filter_map(|path| self.script(&path.value, &path.span)).collect()
    }

    pub(super) fn roles(&mut self, raw: RawRoles) -> Roles {
        let migrator = raw.migrator.name.map_or_else(|| Ident::new("migrator"), |n| Ident::new(n.value));
        let mut seen: HashMap<String, Range<usize>> = HashMap::new();
        let mut app = Vec::new();
        for At { value: role, .. } in raw.app {
            if let Some(first) = seen.insert(role.name.value.clone(), role.name.span.clone()) {
                self.report_duplicate("role", &role.name, &first);
            }
            if role.remove {
                self.report(&role.name.span, "`remove` takes a role of the base away; there is none");
            }
            if role.name.trim().is_empty() {
                self.report(&role.name.span, "the name is empty");
            }
            app.push(AppRole {
                name: Ident::new(role.name.value),
                tenant_context: role.tenant_context.and_then(|sql| self.tenant_context(&sql)),
                bypass_rls: role.bypass_rls,
                member_of: role.member_of.into_iter().map(Ident::new).collect(),
            });
        }
        if app.is_empty() {
            let name = Ident::new("app");
            app.push(AppRole { name, tenant_context: None, bypass_rls: false, member_of: Vec::new() });
        }
        Roles { migrator, migrator_bypass_rls: raw.migrator.bypass_rls, app }
    }

    fn tenant_context(&mut self, sql: &At<String>) -> Option<SqlTemplate> {
        let template = self.template(sql)?;
        let params = template.params();
        if let Some(other) = params.iter().find(|p| **p != "tenant") {
            let message = format!("a tenant context has one parameter, `:tenant`; there is `:{other}`");
            self.report(&sql.span, message);
        } else if params.is_empty() {
            let help = "as in SELECT set_config('app.tenant', :tenant, true)";
            self.report_help(&sql.span, "the tenant context does not use `:tenant`", help);
        }
        Some(template)
    }

    pub(super) fn tenancy(&mut self, At { value: raw, span }: At<RawTenancy>) -> Option<Tenancy> {
        if raw.tenants.is_none() {
            let help = "add `tenants`, the table whose rows are the tenants";
            self.report_help(&span, "the tenancy does not say what the tenants are", help);
        }
        let tenants = raw.tenants.and_then(|table| self.relation(&table));
        let shared = raw.shared.iter().filter_map(|table| self.relation(table)).collect();
        let columns = raw.columns.into_iter();
        let columns = columns
            .filter_map(|(table, column)| Some((self.relation(&table)?, Ident::new(column))))
            .collect();
        let mut owner = IndexMap::new();
        for (table, expression) in raw.owner {
            if expression.trim().is_empty() {
                self.report(&expression.span, "the owner expression is empty");
            }
            if let Some(table) = self.relation(&table) {
                owner.insert(table, Owner { expression: expression.value });
            }
        }
        Some(Tenancy {
            tenants: tenants?,
            key: raw.key.map(Ident::new),
            column: raw.column.map(Ident::new),
            columns,
            shared,
            null_tenant: raw.null_tenant,
            owner,
        })
    }
}
