//! The explorer: one transaction a case, checkpoints, excursions as savepoints.

pub mod act;
pub mod case;
mod committed;
pub mod observe;
pub mod runner;
pub mod scene;
pub mod snapshot;
pub mod tree;

pub use act::{Act, Actor, Binding, Done, Excursion, Print, Refusal, Seen, Statement};
pub use case::CaseData;
pub use observe::{Observations, StepRun};
pub use runner::Runner;
pub use scene::Scene;
pub use snapshot::{Snapshot, TableKey, TableRows};
