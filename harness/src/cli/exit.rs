//! Exit codes. Only 0 opens a gate.

use std::process::ExitCode;

use watertight_reports::Verdict;

/// How a command ended, in ascending order of what matters more when several things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything that applies was exercised and held.
    Held,
    /// Something could not be decided, or no check ran.
    Inconclusive,
    /// Something is violated.
    Violated,
    /// A usage or scenario error.
    Usage,
    /// No server, server lost, disk full.
    Environment,
    /// A defect of Watertight.
    Internal,
    /// Ctrl-c.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Violated => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Inconclusive => 4,
            Self::Internal => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Held => Self::Held,
            Verdict::Violated => Self::Violated,
            // Nothing that applies is no pass.
            Verdict::Inconclusive | Verdict::NotApplicable => Self::Inconclusive,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
