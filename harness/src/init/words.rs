//! What the text of the migrations tells: extensions, roles, the platform, and tables that they fill themselves.

use watertight_scenarios::layout::{History, Layout};
use watertight_scenarios::scenario::Platform;
use watertight_scenarios::script::Operator;
use watertight_scenarios::{Ident, Relation, Script};

/// Roles that a platform or a stock server has by itself, or that only its operator has.
const SYSTEM_ROLES: [&str; 3] = ["postgres", "rdsadmin", "cloudsqlsuperuser"];

/// Roles by which a platform is recognised, and that are its own.
const PLATFORM_ROLES: [(Platform, &[&str]); 2] = [
    (Platform::Neon, &["neon_superuser", "cloud_admin"]),
    (Platform::Rds, &["rds_superuser", "rds_iam", "rds_replication", "rds_password", "rdsadmin"]),
];

/// Application roles that Supabase has by itself; the last one passes row security.
const SUPABASE_ROLES: [&str; 3] = ["authenticated", "anon", "service_role"];

/// What the scripts say.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// Extensions that they create, in order.
    pub(super) extensions: Vec<String>,
    /// Extensions that they create in a schema of their choice.
    pub(super) placed: Vec<String>,
    /// Roles that act.
    pub(super) roles: Vec<Role>,
    /// What they take for granted of the host.
    pub(super) platform: Platform,
    /// Tables that they put rows into.
    pub(super) seeded: Vec<Relation>,
}

/// A role of the application.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: Ident,
    pub(super) bypass_rls: bool,
    pub(super) member_of: Vec<Ident>,
    pub(super) origin: Origin,
}

/// Where a role comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A migration creates it.
    Created,
    /// A migration grants to it, or has a policy for it, and none creates it.
    Granted,
    /// The platform has it.
    Platform,
}

impl Words {
    /// Reads the scripts.
    pub(super) fn of(history: &History) -> Self {
        let mut words = Self::default();
        let scripts = || history.migrations.iter().map(|m| &m.up);
        let speaks_of = |what: &str| scripts().any(|s| s.text.contains(what));
        if history.layout == Layout::Supabase || speaks_of("auth.uid()") || speaks_of("auth.jwt()") {
            words.platform = Platform::Supabase;
            for name in SUPABASE_ROLES {
                words.role(&Ident::new(name), Origin::Platform).bypass_rls = name == "service_role";
            }
        }
        for (platform, roles) in PLATFORM_ROLES {
            if words.platform == Platform::Plain && roles.iter().any(|role| speaks_of(role)) {
                words.platform = platform;
            }
        }
        for script in scripts() {
            words.operators(script);
            let shape = script.shape();
            words.seeded.extend(shape.writes.into_iter().filter(|w| w.adds).map(|w| w.table));
        }
        for script in scripts() {
            for name in script.grantees() {
                words.grantee(&name);
            }
        }
        words
    }

    /// A role that a script grants to.
    pub(super) fn grantee(&mut self, name: &Ident) {
        let brought = PLATFORM_ROLES.iter().any(|(_, roles)| roles.contains(&name.as_str()));
        if !brought && !SYSTEM_ROLES.contains(&name.as_str()) && !name.as_str().starts_with("pg_") {
            self.role(name, Origin::Granted);
        }
    }

    fn operators(&mut self, script: &Script) {
        for (name, bypass_rls) in script.roles_in_blocks() {
            self.role(&name, Origin::Created).bypass_rls |= bypass_rls;
        }
        for operator in script.statements.iter().filter_map(|s| script.operator(s)) {
            match operator {
                Operator::Extension { name, schema } => {
                    let name = name.as_str().to_owned();
                    // One that has a place of its own the migration makes itself, where it is trusted.
                    let known = [&self.extensions, &self.placed].into_iter().any(|l| l.contains(&name));
                    match schema {
                        _ if known || name == "plpgsql" => {}
                        // pgvector is not trusted: only an operator makes it.
                        Some(_) if name != "vector" => self.placed.push(name),
                        _ => self.extensions.push(name),
                    }
                }
                Operator::Role { name, bypass_rls } => {
                    let role = self.role(&name, Origin::Created);
                    role.bypass_rls |= bypass_rls;
                }
                Operator::Membership { group, member } => {
                    self.grantee(&group);
                    let role = self.role(&member, Origin::Granted);
                    if !role.member_of.contains(&group) {
                        role.member_of.push(group);
                    }
                }
                Operator::Roles { .. }
                | Operator::Owner { .. }
                | Operator::DefaultsOf { .. }
                | Operator::Privilege { .. } => {}
            }
        }
    }

    fn role(&mut self, name: &Ident, origin: Origin) -> &mut Role {
        let at = self.roles.iter().position(|r| r.name == *name).unwrap_or_else(|| {
            let role = Role { name: name.clone(), bypass_rls: false, member_of: Vec::new(), origin };
            self.roles.push(role);
            self.roles.len() - 1
        });
        &mut self.roles[at]
    }
}
