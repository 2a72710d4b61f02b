//! Areas of a report: which checks are told together.

use crate::model::CheckReport;

/// What a check is about, in the order of the executive summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Steps apply, constraints do what they say, the final schema is the declared one.
    Schema,
    /// Backfills, checks and guards.
    Scripts,
    /// Reads of the application. Its checks are those of the access paths that read.
    Reads,
    /// Writes of the application.
    Writes,
    /// A tenant sees and changes nothing of another.
    Isolation,
    /// The way back.
    Rollback,
    /// Copies between databases, and which database an access path uses.
    Databases,
    /// Vector columns, indexes and reads.
    Vectors,
    /// Secrets at rest.
    Secrets,
    /// Invariants that the user added.
    Own,
}

impl Area {
    /// All, in order.
    pub const ALL: [Self; 10] = [
        Self::Schema,
        Self::Scripts,
        Self::Reads,
        Self::Writes,
        Self::Isolation,
        Self::Rollback,
        Self::Databases,
        Self::Vectors,
        Self::Secrets,
        Self::Own,
    ];

    /// The area of an invariant. `access-compatible` belongs to reads and writes alike and is told per
    /// access path; as a check it counts among the writes.
    pub fn of(invariant: &str) -> Self {
        match invariant {
            "step-role-faithful" | "guard-refuses" => Self::Scripts,
            "access-compatible" => Self::Writes,
            "tenant-coherence"
            | "context-contained"
            | "non-interference"
            | "existence-oracle"
            | "tenant-delete-contained" => Self::Isolation,
            "schema-declared" => Self::Schema,
            "routing" => Self::Databases,
            "secrets-at-rest" => Self::Secrets,
            _ => match invariant.split_once('-') {
                Some(("backfill", _)) => Self::Scripts,
                Some(("migration" | "constraint", _)) => Self::Schema,
                Some(("read" | "write" | "rls", _)) => Self::Isolation,
                Some(("rollback", _)) => Self::Rollback,
                Some(("copy", _)) => Self::Databases,
                Some(("vector", _)) => Self::Vectors,
                _ => Self::Own,
            },
        }
    }

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Schema => "Schema and migrations",
            Self::Scripts => "Scripts",
            Self::Reads => "Read paths",
            Self::Writes => "Write paths",
            Self::Isolation => "Isolation",
            Self::Rollback => "Rollback",
            Self::Databases => "Copy and routing",
            Self::Vectors => "Vectors",
            Self::Secrets => "Secrets",
            Self::Own => "Own checks",
        }
    }

    /// As a heading for checks rather than paths: the check of the writes is that of the reads too.
    pub(crate) fn checks_title(self) -> &'static str {
        if self == Self::Writes { "Read and write paths" } else { self.title() }
    }

    /// The checks of this area.
    pub(crate) fn checks(self, checks: &[CheckReport]) -> impl Iterator<Item = &CheckReport> {
        checks.iter().filter(move |check| Self::of(&check.invariant) == self)
    }
}
