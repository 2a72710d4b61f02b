//! Resolving what surrounds the timeline: databases, roles, tenancy.

use std::collections::HashMap;
use std::ops::Range;

use indexmap::IndexMap;

use super::access::Wanting;
use super::at::{At, OneOrMany};
use super::raw::{RawDatabase, RawFile, RawPreset, RawRoles, RawSecrets, RawTenancy, RawVersion};
use super::resolve::{Resolver, is_id};
use crate::ident::{Ident, Relation};
use crate::scenario::{AppRole, Database, Owner, Platform, Preset, Roles, Secrets, SqlTemplate, Tenancy};
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
        let model = raw.model.map(|list| self.model(&list)).unwrap_or_default();
        Database {
            name: name.to_owned(),
            extensions: raw.extensions,
            platform: raw.platform,
            server: raw.server,
            provision,
            baseline,
            model,
        }
    }

    /// Scripts that are taken back when they have been looked at.
    fn model(&mut self, list: &At<OneOrMany>) -> Vec<Script> {
        let scripts = self.baseline(list);
        for script in scripts.iter().filter(|script| !script.is_transactional()) {
            let message = format!("`{}` holds its own transactions", script.path);
            self.report_help(&list.span, message, "a model is made and taken back in one transaction");
        }
        scripts
    }

    pub(super) fn presets(
        &mut self,
        raw: IndexMap<String, RawPreset>,
        databases: &[Database],
    ) -> Vec<Preset> {
        raw.into_iter()
            .map(|(name, preset)| Preset {
                title: preset.title.unwrap_or(name),
                database: self.database_id(preset.database.as_ref(), databases),
                rows: preset
                    .rows
                    .into_iter()
                    .filter_map(|(table, rows)| Some((self.relation(&table)?, rows)))
                    .collect(),
                empty: preset.empty.iter().filter_map(|name| self.column_name(name)).collect(),
            })
            .collect()
    }

    /// A column by its written name.
    pub(super) fn column_name(&mut self, name: &At<String>) -> Option<(Relation, Ident)> {
        let column = Relation::parse_column(&name.value);
        if column.is_none() {
            let message = format!("`{}` is not a column's name", name.value);
            self.report_help(&name.span, message, "write `Table.column` or `schema.Table.column`");
        }
        column
    }

    pub(super) fn secrets(&mut self, raw: Vec<RawSecrets>, databases: &[Database]) -> Vec<Secrets> {
        raw.into_iter().filter_map(|one| self.secret_columns(&one, databases)).collect()
    }

    fn secret_columns(&mut self, raw: &RawSecrets, databases: &[Database]) -> Option<Secrets> {
        let database = self.database_id(raw.database.as_ref(), databases);
        let columns: Vec<_> = raw.columns.iter().filter_map(|name| self.column_name(name)).collect();
        let length = raw.format.key_length();
        let key = bytes(&raw.key).filter(|key| key.len() == length);
        if key.is_none() {
            let help = format!("write a key for tests: {} hexadecimal digits", 2 * length);
            self.report_help(&raw.key.span, "not a key of this format", help);
        }
        if raw.columns.is_empty() {
            self.report(&raw.key.span, "the secrets name no columns");
        }
        Some(Secrets { database, columns, format: raw.format, key: key? })
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

    pub(super) fn roles(&mut self, raw: RawRoles, platforms: &[Platform]) -> Roles {
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
            let tenant_context = role.tenant_context.as_ref().and_then(|sql| self.tenant_context(sql));
            let whose = format!("the tenant context of `{}`", role.name.value);
            let at = role.tenant_context.as_ref().map_or(&role.name.span, |sql| &sql.span);
            let wanting = Wanting { whose, at, key: "context_params" };
            let context_params = self.params(&role.context_params, tenant_context.as_ref(), &wanting);
            if let (None, Some((param, _))) = (&role.tenant_context, role.context_params.first()) {
                self.report(&param.span, "`context_params` without a `tenant_context` that takes them");
            }
            app.push(AppRole {
                name: Ident::new(role.name.value),
                tenant_context,
                context_params,
                bypass_rls: role.bypass_rls,
                member_of: role.member_of.into_iter().map(Ident::new).collect(),
            });
        }
        // The first is the default of access paths: on Supabase the server's own role comes after the users'.
        let brought: &[(&str, bool)] = if platforms.contains(&Platform::Supabase) {
            &[("authenticated", false), ("anon", false), ("service_role", true)]
        } else if app.is_empty() {
            &[("app", false)]
        } else {
            &[]
        };
        for (name, bypass_rls) in brought {
            if app.iter().all(|role: &AppRole| role.name.as_str() != *name) {
                app.push(AppRole { bypass_rls: *bypass_rls, ..AppRole::named(name) });
            }
        }
        let migrator_bypass_rls = raw.migrator.bypass_rls || platforms.contains(&Platform::Neon);
        Roles { migrator, migrator_bypass_rls, app }
    }

    fn tenant_context(&mut self, sql: &At<String>) -> Option<SqlTemplate> {
        let template = self.template(sql)?;
        if template.params().is_empty() {
            let help = "as in SELECT set_config('app.tenant', :tenant, true)";
            self.report_help(&sql.span, "the tenant context has no parameter, as `:tenant`", help);
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

/// Hexadecimal digits as bytes.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2))
        .collect()
}
