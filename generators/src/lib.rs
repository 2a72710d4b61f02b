//! Random multi-tenant data for any schema, and its shrinking. Pure: no database, no clock, no I/O.
//!
//! A [`Plan`] analyses the schemas once; [`Plan::case_spec`] gives the shape of a case and
//! [`Plan::generate`] its data; a [`Shrinker`] makes failing data small.

pub mod audit;
mod calendar;
pub mod canary;
pub mod case;
pub mod copy;
pub mod dataset;
mod dice;
mod expr;
mod fill;
mod fresh;
mod interval;
mod mend;
mod pattern;
pub mod plan;
pub mod print;
pub mod scope;
pub mod shrink;
mod strategy;
mod value;

pub use audit::Dangling;
pub use case::{CaseSize, CaseSpec, ExactRows, Nulls, Rows, WorldShape};
pub use copy::{CopyFormat, CopyRows, to_copy_text};
pub use dataset::{Dataset, Row, TableData, WorldId};
pub use dice::mix;
pub use fill::{Parts, Skipped};
pub use fresh::fresh_of_type;
pub use mend::Refused;
pub use plan::{Plan, Unproven};
pub use print::{sequence_positions, to_insert_sql, to_insert_statement};
pub use scope::{Scope, Shape, Target};
pub use shrink::{ShrinkLimits, Shrinker};
pub use strategy::{DatasetStrategy, DatasetTree};
