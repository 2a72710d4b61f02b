//! Connections, roles and databases.

pub mod barrier;
pub mod commands;
pub mod hosts;
pub mod platform;
pub mod question;
pub mod session;
pub mod stage;
pub mod supabase;
