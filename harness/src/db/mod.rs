//! Connections, roles and databases.

pub mod hosts;
pub mod session;
pub mod stage;
pub mod supabase;
