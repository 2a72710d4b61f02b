//! What Watertight verifies: scenarios, their timelines, schemas and identifiers.
//!
//! This crate knows files and text, never a database. A [`Scenario`] is a folder with a `scenario.toml`
//! and the SQL that it names; [`Schema`] is what introspection finds in a server's catalogs.

pub mod catalog;
pub mod diagnostic;
mod format;
pub mod ident;
pub mod layout;
mod lex;
pub mod mutation;
pub mod queries;
pub mod scenario;
pub mod schema;
pub mod script;
mod source;

pub use diagnostic::{Diagnostic, Diagnostics};
pub use format::{LoadOptions, json_schema};
pub use ident::{Ident, Relation};
pub use scenario::Scenario;
pub use schema::Schema;
pub use script::Script;
