//! Drives migrations on a real PostgreSQL and judges what it sees.

pub mod provider;
