//! Every bundled scenario has the verdicts that it expects, and no other.

use std::path::PathBuf;

use rstest::rstest;
use watertight_scenarios::catalog;
use watertight_tests::run::disagreements;
use watertight_tests::watertight;

/// Cases a scenario: enough for every known defect to show with seed 1, and for every check to be exercised.
const CASES: u32 = 16;

/// Data Hub has tests of its own, which look closer.
const LOOKED_AT_ELSEWHERE: [&str; 2] = ["datahub", "datahub-mended"];

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
    let wrong = disagreements(&scenario, &ended.scenario());
    assert!(wrong.is_empty(), "{id}: {wrong:#?}\n{ended}");
}
