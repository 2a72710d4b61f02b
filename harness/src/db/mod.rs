//! Connections, roles and databases.

pub mod session;
pub mod stage;
