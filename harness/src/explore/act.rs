//! What an invariant may ask for. A closed set: the explorer, the replay and the printed SQL know them all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use watertight_generators::WorldId;
use watertight_scenarios::scenario::{AccessId, Checkpoint, DatabaseId, StepId};
use watertight_scenarios::{Ident, Relation};

use super::cut::Cut;
use super::meanwhile::Meanwhile;
use super::snapshot::Snapshot;
use crate::db::session::{Answer, Failure, TextRow};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// Owner of the schema, subject to row security as in production.
    Migrator,
    /// The migrator with BYPASSRLS: what the step would do if it saw every row.
    MigratorTwin,
    /// Writes past row security; constraints and triggers are in force.
    Writer,
    /// Writes past row security, foreign keys and triggers.
    Loader,
    /// Reads past row security.
    Observer,
    /// An application role, after what it tells its session.
    App {
        /// The role.
        role: Ident,
        /// The tenant context, where one is set.
        context: Option<Context>,
    },
}

impl Actor {
    /// The statement that sets the tenant context, where there is one.
    pub fn context_sql(&self) -> Option<&str> {
        match self {
            Self::App { context, .. } => context.as_ref().map(|c| c.sql.as_str()),
            _ => None,
        }
    }
}

/// What an application tells its session before it works.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context {
    /// For whom, in words: the tenant, or what is no tenant.
    pub whom: String,
    /// The statement that sets it.
    pub sql: String,
    /// Tenants whose rows it entitles to.
    pub tenants: BTreeSet<String>,
}

/// One action or probe of an excursion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Contents of every table, as ground truth.
    Snapshot,
    /// Fingerprint of the catalogs.
    Catalog,
    /// The step goes up, as migrator or as its twin.
    Step(StepId, Actor),
    /// The step goes up, as migrator, in a session with that time zone. Asked of steps that a transaction can hold.
    StepIn(StepId, String),
    /// The step goes down, as migrator.
    Down(StepId),
    /// An access path is sent as its role, for a world.
    Send(Binding),
    /// A statement as somebody.
    Sql(Statement),
    /// One connection as a pool hands it out: transaction after transaction, each committed, nothing reset between
    /// them. What was seen is the last statement's answer.
    Pooled(DatabaseId, Vec<Turn>),
    /// The copy step gets so far, as the migrator: so many of its tables are copied, and then it stops.
    Copied(StepId, usize),
    /// The step goes up as the migrator, and is cut on the way: its session is gone, and what it did not commit.
    Cut(StepId, Cut),
    /// The step goes up as the migrator; at that write, counted from 1, somebody else works, and then it goes on.
    Meanwhile(StepId, u32, Meanwhile),
    /// Only these worlds stay; rows of all others are taken away past every constraint.
    Keep(Vec<WorldId>),
}

/// One transaction on a connection that others had before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn {
    /// Whose turn it is.
    pub actor: Actor,
    /// What he sends, after his context.
    pub sql: Vec<String>,
}

/// A statement of the harness's own making.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement {
    /// The database.
    pub database: DatabaseId,
    /// Who sends it.
    pub actor: Actor,
    /// The statement.
    pub sql: String,
}

/// An access path with the values of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binding {
    /// The access path.
    pub access: AccessId,
    /// The world that sends it.
    pub world: WorldId,
    /// The tenant context, where the path's role sets one.
    pub context: Option<Context>,
    /// The statement with its literals.
    pub sql: String,
    /// Keys of the rows that the literals were taken from.
    pub rows: Vec<(Relation, TextRow)>,
}

impl Act {
    /// Whether it can change the state, and so has to be undone.
    pub fn is_probe(&self) -> bool {
        matches!(self, Self::Snapshot | Self::Catalog)
    }

    /// Whether it is played on a clone, because it commits.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Pooled(..) | Self::Cut(..) | Self::Meanwhile(..))
    }
}

/// Actions from a checkpoint, undone at the end. Excursions that begin alike share their beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Excursion {
    /// Where it starts.
    pub from: Checkpoint,
    /// What is done, in order. A refused action is undone by itself; those after it still run.
    pub acts: Vec<Act>,
}

/// What was seen of one act.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Contents.
    Snapshot(Arc<Snapshot>),
    /// Catalog lines.
    Catalog(Arc<Print>),
    /// A statement or script ran to its end.
    Done(Done),
    /// It was refused, timed out, or lost its session; the state is the one before it.
    Refused(Refusal),
}

/// A script or statement that ran to its end.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The last statement's answer.
    pub answer: Answer,
    /// Rows inserted, updated and deleted, by table, from the transaction's own counters.
    pub writes: BTreeMap<Relation, u64>,
    /// Wall time.
    pub took: Duration,
    /// Wall time of each statement of a script.
    pub timings: Vec<Duration>,
}

impl Done {
    /// Rows written, by all statements of a script: as counted, else as their command tags say.
    pub fn written(&self) -> u64 {
        if self.writes.is_empty() { self.answer.affected } else { self.writes.values().sum() }
    }
}

/// A script or statement that did not.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Index of the statement within its script.
    pub statement: usize,
    /// Why.
    pub failure: Failure,
}

/// Catalog lines: (kind, object) → definition.
pub type Print = BTreeMap<(String, String), String>;

impl Seen {
    /// The contents, if it is a snapshot.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match self {
            Self::Snapshot(s) => Some(s),
            _ => None,
        }
    }

    /// The catalog lines, if it is a fingerprint.
    pub fn catalog(&self) -> Option<&Print> {
        match self {
            Self::Catalog(p) => Some(p),
            _ => None,
        }
    }

    /// The refusal by the server, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(r) => Some(r),
            _ => None,
        }
    }

    /// What ran to its end.
    pub fn done(&self) -> Option<&Done> {
        match self {
            Self::Done(d) => Some(d),
            _ => None,
        }
    }
}
