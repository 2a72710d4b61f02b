//! What the platform Supabase brings by itself.

use watertight_scenarios::{Ident, Relation};

const SQL: &str = include_str!("supabase.sql");

/// Its roles that are not the application's: (name, attributes).
pub const ROLES: &[(&str, &str)] = &[
    ("authenticator", "NOLOGIN NOINHERIT"),
    ("supabase_admin", "NOLOGIN"),
    ("supabase_auth_admin", "NOLOGIN NOINHERIT"),
    ("supabase_storage_admin", "NOLOGIN NOINHERIT"),
    ("dashboard_user", "NOLOGIN"),
];

/// Schemas that are the platform's own.
const SCHEMAS: &[&str] = &["auth", "storage", "extensions"];

/// Schemas, tables, functions and default privileges, for a project whose migrations run as that role. To be run as
/// superuser when [`ROLES`] and the application's roles are there.
pub fn sql(migrator: &Ident) -> String {
    SQL.replace("@migrator@", &migrator.quoted())
}

/// Whether a relation or function is the platform's own.
pub fn owns(name: &Relation) -> bool {
    SCHEMAS.contains(&name.schema.as_str())
}
