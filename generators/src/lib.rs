//! Random multi-tenant data for any schema, and its shrinking. Pure: no database, no clock, no I/O.

pub mod dataset;

pub use dataset::{Dataset, Row, TableData, WorldId};
