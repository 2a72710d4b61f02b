//! The explorer: one transaction a case, checkpoints, excursions as savepoints.

pub mod act;
mod admit;
mod bind;
pub mod case;
mod committed;
pub(crate) mod copy;
pub mod cut;
mod home;
pub mod large;
mod load;
mod lookup;
pub mod meanwhile;
pub mod observe;
mod open_up;
mod owners;
mod perform;
pub mod record;
pub mod runner;
pub mod scene;
mod screen;
pub mod snapshot;
pub mod transcript;
pub mod tree;
mod truth;
mod visit;
mod waiting;

use crate::catalog::FINGERPRINT;
use crate::db::question::Question;

pub use act::{Act, Actor, Binding, Context, Done, Excursion, Print, Refusal, Seen, Statement, Turn};
pub use case::CaseData;
pub use cut::Cut;
pub use meanwhile::Meanwhile;
pub use observe::{Observations, StepRun};
pub(crate) use perform::DISCARD_TEMPORARY;
pub use record::{Manner, Record, Recorded};
pub use runner::{Apart, Place, Runner};
pub use scene::Scene;
pub use snapshot::{Snapshot, TableKey, TableRows};
pub use transcript::transcript;

/// The questions that cases ask of the catalogs and of their transaction.
pub const QUESTIONS: [&Question; 6] =
    [&truth::SHAPE, &truth::CONTENTS, &truth::COUNTERS, &home::METER, &home::SYSTEM, &FINGERPRINT];
