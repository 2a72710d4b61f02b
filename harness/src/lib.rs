//! Drives migrations on a real PostgreSQL and judges what it sees.

pub mod catalog;
pub mod cli;
pub mod command;
pub mod db;
pub mod explore;
pub mod failures;
mod files;
pub mod init;
pub mod invariants;
pub mod provider;
pub mod score;
pub mod secrets;
pub mod verify;
