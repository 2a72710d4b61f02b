//! Every bundled scenario has the verdicts that it expects, and no other.

use std::path::PathBuf;

use rstest::rstest;
use watertight_reports::ScenarioReport;
use watertight_scenarios::catalog;
use watertight_tests::run::{disagreements, findings};
use watertight_tests::watertight;

/// Cases a scenario: enough for every known defect to show with seed 1, and for every check to be exercised.
const CASES: u32 = 16;

/// Data Hub has tests of its own, which look closer.
const LOOKED_AT_ELSEWHERE: [&str; 2] = ["datahub", "datahub-mended"];

/// What the documents of the systems do not say: the scenario, the invariant that finds it, words of the finding.
const OVERLOOKED: [(&str, &str, &str); 9] = [
    // The model says Restrict, the database still sets NULL, and the delete fails with an error that nobody expects.
    ("tighten-constraints", "schema-declared", "Lead.customer_id"),
    ("tighten-constraints", "access-compatible", "DELETE /api/customers/[id]"),
    // The model's vectors are longer than the columns; the lists were drawn over an empty table; whose list is
    // searched depends on the neighbours; a role may be another organisation's.
    ("neonhub", "vector-dimension", "Chunk.embedding"),
    ("neonhub", "vector-index-used", "idx_chunk_embedding_cosine"),
    ("neonhub", "non-interference", "messages nearest to a question"),
    ("neonhub", "tenant-coherence", "OrganizationMembership.roleId"),
    // A dropped column cannot come back; a domain that moves leaves its rows behind; rows without a domain.
    ("org-backfill", "rollback-data", "conversations"),
    ("org-backfill", "tenant-coherence", "admin: move a domain"),
    ("org-backfill", "backfill-complete", "conversations"),
];

/// Each is found, in data of a size that a reader takes in at a glance.
fn finds_what_was_overlooked(report: &ScenarioReport) {
    for (_, invariant, words) in OVERLOOKED.iter().filter(|(id, ..)| *id == report.id) {
        let all = findings(report, invariant);
        let found = all.iter().find(|f| f.title.contains(words));
        let found = found.unwrap_or_else(|| panic!("{invariant} says nothing of {words:?}: {all:#?}"));
        let smallest =
            found.counterexample.as_ref().unwrap_or_else(|| panic!("no counterexample: {found:#?}"));
        assert!(smallest.tenants <= 2, "{} tenants: {}", smallest.tenants, found.title);
        assert!(smallest.rows <= 6, "{} rows: {}", smallest.rows, found.title);
    }
}

#[rstest]
fn a_bundled_scenario_has_the_verdicts_that_it_expects(
    #[files("../scenarios/catalog/*/scenario.toml")] file: PathBuf,
) {
    let id = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
    let scenario = catalog::load(id).unwrap();
    assert!(!scenario.expect.is_empty(), "{id} expects nothing");
    if LOOKED_AT_ELSEWHERE.contains(&id) {
        return;
    }
    let ended = watertight!("verify", id).small(CASES).run();
    let report = ended.scenario();
    let wrong = disagreements(&scenario, &report);
    assert!(wrong.is_empty(), "{id}: {wrong:#?}\n{ended}");
    finds_what_was_overlooked(&report);
}
