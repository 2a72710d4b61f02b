//! Every bundled scenario has the verdicts that it expects, and no other.

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_scenarios::catalog;
use watertight_scenarios::scenario::{Expectation, StepKind};
use watertight_tests::watertight;

/// Cases a scenario: enough for every known defect to show with seed 1.
const CASES: u32 = 32;

/// Data Hub has tests of its own, which look closer.
const LOOKED_AT_ELSEWHERE: [&str; 0] = [];

fn agrees(expected: Expectation, found: Verdict) -> bool {
    matches!(
        (expected, found),
        (Expectation::Held, Verdict::Held)
            | (Expectation::Violated, Verdict::Violated)
            | (Expectation::Inconclusive, Verdict::Inconclusive)
            | (Expectation::NotApplicable, Verdict::NotApplicable)
    )
}

#[rstest]
#[case("datahub")]
#[case("datahub-mended")]
#[case("org-backfill")]
#[case("org-backfill-mended")]
#[case("tighten-constraints")]
#[case("tighten-constraints-mended")]
fn a_bundled_scenario_has_the_verdicts_that_it_expects(#[case] id: &str) {
    let scenario = catalog::load(id).unwrap();
    let ended = watertight!("verify", id).small(CASES).run();
    let report = ended.scenario();
    let mut wrong = Vec::new();
    for check in &report.checks {
        let found = check.outcome.verdict();
        match scenario.expect.get(&check.invariant) {
            Some(expected) if agrees(*expected, found) => {}
            Some(expected) => wrong.push(format!("{}: {found:?}, expected {expected:?}", check.invariant)),
            // What nobody expects may hold, and may have no subject.
            None if matches!(found, Verdict::Held | Verdict::NotApplicable) => {}
            None => wrong.push(format!("{}: {found:?}, and nothing is expected", check.invariant)),
        }
    }
    for id in scenario.expect.keys() {
        if !report.checks.iter().any(|c| &c.invariant == id) {
            wrong.push(format!("{id} is expected and is no invariant"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\n{ended}");
}

/// Scenarios that the explorer cannot play yet: they copy between databases.
#[test]
fn every_bundled_scenario_is_looked_at() {
    let known = [
        "datahub",
        "datahub-mended",
        "org-backfill",
        "org-backfill-mended",
        "tighten-constraints",
        "tighten-constraints-mended",
    ];
    for id in catalog::ids() {
        let scenario = catalog::load(id).unwrap();
        let copies = scenario.steps.iter().any(|s| s.kind == StepKind::Copy) || scenario.databases.len() > 1;
        assert!(copies || known.contains(&id) || LOOKED_AT_ELSEWHERE.contains(&id), "{id} has no test");
    }
}
