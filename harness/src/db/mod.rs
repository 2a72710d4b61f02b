//! Connections, roles and databases.

pub mod session;
pub mod stage;
pub mod supabase;
