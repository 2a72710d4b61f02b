//! The invariant catalog. Each invariant plans excursions from the scene and judges what was seen; it does no
//! I/O, so a verdict can be computed again from recorded observations.
//!
//! To add one: write a module with a unit struct that implements [`Invariant`], and list it in [`catalog`]. The module
//! `secrets_at_rest` is meant as the example: what SQL cannot say is said in Rust, on what was seen.

mod access_compatible;
mod again;
mod backfill;
mod backfill_concurrent;
mod backfill_correct;
mod backfill_preserves;
mod backfill_resumable;
mod backfill_since;
mod constraint_validated;
mod constraints;
mod context_contained;
mod copy;
mod copy_cut;
mod copy_sequence;
mod ends;
mod existence_oracle;
mod fresh_row;
mod guard;
mod isolation;
mod large;
mod migration_applies;
mod migration_atomic;
mod migration_preserves;
mod migration_rerunnable;
mod own;
mod rls;
mod rollback;
mod rollback_roundtrip;
mod rollback_writes;
mod routing;
mod schema_declared;
mod secrets_at_rest;
mod sequences;
mod shared_sequence;
mod spec;
mod step_role;
mod tenant_coherence;
mod tenant_delete;
mod vector_recall;
mod vectors;
mod write_isolation;

use std::collections::BTreeSet;

pub(crate) use access_compatible::{counts, in_use, present, sendings};
pub(crate) use constraints::{Attempted, answered_otherwise};
pub(crate) use large::{Kept, due, kept, pairs};
pub(crate) use rollback::not_restored;
pub use spec::InvariantSpec;
pub(crate) use vector_recall::recalled;
pub(crate) use vectors::{THROUGH_INDEX, asked, is_approximate, names};
use watertight_generators::WorldId;
use watertight_reports::{Expects, Severity};
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::{Checkpoint, StepId};

use crate::explore::{Act, CaseData, Excursion, Observations, Scene};

/// A property of a multi-tenant migration.
pub trait Invariant: Send + Sync {
    /// Id, title, rationale, remedy.
    fn spec(&self) -> &'static InvariantSpec;
    /// Whether there is anything to check.
    ///
    /// # Errors
    /// The reason for which the invariant is not applicable.
    fn applies(&self, scene: &Scene) -> Result<(), String>;
    /// What has to be seen of this case.
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion>;
    /// What has to be seen to find this one defect again: less, where shrinking can do with less.
    fn plan_for(&self, scene: &Scene, case: &CaseData, _key: &ViolationKey) -> Vec<Excursion> {
        self.plan(scene, case)
    }
    /// Whether it is about the access paths: then those that could not be sent are told with it.
    fn sends_paths(&self) -> bool {
        false
    }
    /// Subjects that no probe came to, in words, given the subjects of those that did.
    fn not_exercised(&self, _scene: &Scene, _probed: &BTreeSet<String>) -> Vec<String> {
        Vec::new()
    }
    /// What it tells besides, whether or not it applies.
    fn remarks(&self) -> Option<&'static Remarks> {
        None
    }
    /// What is to be said of it. Pure.
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement;
}

/// Remarks: what is worth telling and no violation. No verdict, exit code or count of findings hangs on them.
pub struct Remarks {
    /// What is remarked on, why, and what can be done about it.
    pub about: &'static str,
    /// What has to be seen of this case.
    pub plan: fn(&Scene, &CaseData) -> Vec<Excursion>,
    /// What is to be told. Pure.
    pub tell: fn(&Scene, &CaseData, &Observations) -> Vec<Remark>,
}

/// One remark. Those of one subject are told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// A column, table or access path.
    pub subject: String,
    /// The table that it concerns.
    pub table: Option<String>,
    /// What was seen, with names and numbers.
    pub message: String,
}

/// What one case says of one invariant.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Worlds in which the premise was met.
    pub exercised: BTreeSet<WorldId>,
    /// What was tried, by subject.
    pub probes: Vec<Probe>,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// What could not be decided, and why.
    pub doubts: Vec<String>,
}

/// One thing that was tried.
#[derive(Clone, Debug)]
pub struct Probe {
    /// In words: `insert into Lead without customer_id is refused`.
    pub subject: String,
    /// The table it concerns.
    pub table: Option<String>,
    /// Whether it went as it should.
    pub passed: bool,
    /// The statement.
    pub sql: Option<String>,
    /// The server's answer.
    pub answer: Option<String>,
    /// Whether the server should refuse or accept it, where that is the question.
    pub expects: Option<Expects>,
}

/// What is wrong, in one case.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What makes it the same defect in another case.
    pub key: ViolationKey,
    /// Worlds that show it.
    pub worlds: BTreeSet<WorldId>,
    /// How bad.
    pub severity: Severity,
    /// In a few words.
    pub title: String,
    /// What happens, with names and numbers.
    pub message: String,
    /// Why.
    pub cause: String,
    /// What to do; the invariant's own remedy when empty.
    pub remedy: String,
    /// Tables it concerns.
    pub tables: Vec<String>,
    /// File and line to blame.
    pub place: Option<(String, Option<u32>)>,
    /// What to do from where to see it happen.
    pub witness: Excursion,
}

/// Identity of a defect: stable across cases and runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViolationKey {
    /// The step at which it shows.
    pub step: Option<StepId>,
    /// Which of the invariant's ways to be violated.
    pub code: &'static str,
    /// A table, constraint or access path.
    pub subject: String,
}

impl Judgement {
    /// Adds a violation, or its worlds if the same defect was noted already.
    pub fn violated(&mut self, violation: Violation) {
        match self.violations.iter_mut().find(|v| v.key == violation.key) {
            Some(known) => known.worlds.extend(violation.worlds),
            None => self.violations.push(violation),
        }
    }
}

/// Excursions that send one access path, and those that send none: what a defect of that path needs.
pub(crate) fn about(scene: &Scene, excursions: Vec<Excursion>, path: &str) -> Vec<Excursion> {
    let other = |act: &Act| match act {
        Act::Send(binding) => scene.scenario.access[binding.access.0].name != path,
        _ => false,
    };
    excursions.into_iter().filter(|e| !e.acts.iter().any(other)).collect()
}

/// Contents at a checkpoint: the most common question.
pub(crate) fn contents(at: Checkpoint) -> Excursion {
    Excursion { from: at, acts: vec![Act::Snapshot] }
}

/// The user's own invariants of a scenario.
pub fn own(scenario: &Scenario) -> Vec<Box<dyn Invariant>> {
    scenario.invariants.iter().map(|asked| Box::new(own::Own::new(asked)) as Box<dyn Invariant>).collect()
}

/// Every invariant, in the order of the catalog.
pub fn catalog() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(backfill::Complete),
        Box::new(backfill_correct::Correct),
        Box::new(backfill::Idempotent),
        Box::new(backfill_resumable::Resumable),
        Box::new(backfill_concurrent::Concurrent),
        Box::new(backfill_preserves::Preserves),
        Box::new(step_role::StepRoleFaithful),
        Box::new(tenant_coherence::TenantCoherence),
        Box::new(rls::Read),
        Box::new(rls::Write),
        Box::new(rls::DefaultDeny),
        Box::new(rls::Posture),
        Box::new(isolation::ReadIsolation),
        Box::new(write_isolation::WriteIsolation),
        Box::new(isolation::NonInterference),
        Box::new(existence_oracle::ExistenceOracle),
        Box::new(tenant_delete::TenantDelete),
        Box::new(context_contained::ContextContained),
        Box::new(migration_applies::MigrationApplies),
        Box::new(migration_preserves::MigrationPreserves),
        Box::new(migration_atomic::Atomic),
        Box::new(migration_rerunnable::Rerunnable),
        Box::new(guard::GuardRefuses),
        Box::new(constraints::Rejects),
        Box::new(constraints::Admits),
        Box::new(constraint_validated::ConstraintValidated),
        Box::new(schema_declared::SchemaDeclared),
        Box::new(access_compatible::AccessCompatible),
        Box::new(rollback::SchemaBack),
        Box::new(rollback::DataBack),
        Box::new(rollback_roundtrip::Roundtrip),
        Box::new(rollback_writes::KeepsWrites),
        Box::new(copy::Complete),
        Box::new(copy::Idempotent),
        Box::new(copy_cut::Resumable),
        Box::new(copy_cut::Concurrent),
        Box::new(routing::Routing),
        Box::new(secrets_at_rest::SecretsAtRest),
        Box::new(vectors::Dimension),
        Box::new(vectors::IndexUsed),
        Box::new(vector_recall::VectorRecall),
    ]
}
