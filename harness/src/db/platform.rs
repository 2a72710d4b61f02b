//! What hosting platforms bring to a server by themselves: roles, and what they are members of.

use watertight_scenarios::scenario::Platform;
use watertight_scenarios::{Ident, Scenario};

use super::supabase;

/// What stands for the role that runs migrations in a membership.
const MIGRATOR: &str = "@migrator@";

/// Roles that are the platform's own, with their attributes, and who is granted what.
struct Brought {
    roles: &'static [(&'static str, &'static str)],
    memberships: &'static [(&'static str, &'static str)],
}

const NOTHING: Brought = Brought { roles: &[], memberships: &[] };

const SUPABASE: Brought = Brought { roles: supabase::ROLES, memberships: &[] };

/// Neon makes the roles of its console members of neon_superuser, which is no superuser.
const NEON: Brought = Brought {
    roles: &[("cloud_admin", "NOLOGIN"), ("neon_superuser", "NOLOGIN BYPASSRLS")],
    memberships: &[
        ("pg_read_all_data", "neon_superuser"),
        ("pg_write_all_data", "neon_superuser"),
        ("pg_monitor", "neon_superuser"),
        ("neon_superuser", MIGRATOR),
    ],
};

/// The first user of RDS and Aurora is a member of rds_superuser, which is no superuser and passes no row security.
const RDS: Brought = Brought {
    roles: &[
        ("rdsadmin", "NOLOGIN"),
        ("rds_superuser", "NOLOGIN"),
        ("rds_replication", "NOLOGIN"),
        ("rds_password", "NOLOGIN"),
        ("rds_iam", "NOLOGIN"),
    ],
    memberships: &[
        ("pg_monitor", "rds_superuser"),
        ("pg_signal_backend", "rds_superuser"),
        ("rds_replication", "rds_superuser"),
        ("rds_password", "rds_superuser"),
        ("rds_superuser", MIGRATOR),
    ],
};

fn brought(scenario: &Scenario) -> impl Iterator<Item = &'static Brought> {
    let all = [
        (Platform::Plain, &NOTHING),
        (Platform::Supabase, &SUPABASE),
        (Platform::Neon, &NEON),
        (Platform::Rds, &RDS),
    ];
    let platforms: Vec<Platform> = scenario.databases.iter().map(|d| d.platform).collect();
    all.into_iter().filter(move |(platform, _)| platforms.contains(platform)).map(|(_, brought)| brought)
}

/// Roles of the platforms that are not the application's, with their attributes.
pub fn roles(scenario: &Scenario) -> Vec<(Ident, &'static str)> {
    let roles = brought(scenario).flat_map(|b| b.roles);
    roles.map(|(name, attributes)| (Ident::new(*name), *attributes)).collect()
}

/// What they are granted: to be sent when they and the scenario's roles are there.
pub fn grants(scenario: &Scenario) -> Vec<String> {
    let memberships = brought(scenario).flat_map(|b| b.memberships);
    memberships
        .map(|(group, member)| {
            let member = if *member == MIGRATOR { &scenario.roles.migrator } else { &Ident::new(*member) };
            format!("GRANT {} TO {}", Ident::new(*group).quoted(), member.quoted())
        })
        .collect()
}
