//! Each invariant fires on something broken and is silent on its sound twin.
//!
//! `tests/faults/<invariant>[-<what>]/` changes one thing of the scenario that it names as its base.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rstest::rstest;
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::Expectation;
use watertight_tests::run::{expected, verdict};
use watertight_tests::watertight;

/// Scenarios without a fault.
const SOUND: [&str; 6] = ["items", "items-forced", "copied", "keys", "passages", "passages-lists"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("faults").join(name)
}

fn invariants() -> Vec<&'static str> {
    watertight_harness::invariants::catalog().iter().map(|i| i.spec().id).collect()
}

/// The invariant that a fault's folder is named after: the longest id that its name begins with.
fn target(name: &str) -> &'static str {
    let fitting = invariants().into_iter().filter(|id| name.starts_with(id));
    fitting.max_by_key(|id| id.len()).unwrap_or_else(|| panic!("{name} is named after no invariant"))
}

#[rstest]
#[case("items")]
#[case("items-forced")]
#[case("copied")]
#[case("keys")]
#[case("passages")]
#[case("passages-lists")]
fn every_invariant_is_silent_on_what_is_sound(#[case] name: &str) {
    let scenario = Scenario::load(&folder(name)).unwrap();
    let ended = watertight!("verify", folder(name)).small(24).run().expect(0);
    let report = ended.scenario();
    for id in invariants() {
        let known = scenario.expect.get(id).unwrap_or_else(|| panic!("{name} expects nothing of {id}"));
        assert_eq!(verdict(&report, id), expected(*known), "{id}: {ended}");
    }
}

#[rstest]
fn its_invariant_fires_on_a_fault(#[files("faults/*/scenario.toml")] file: PathBuf) {
    let folder = file.parent().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    if SOUND.contains(&name) {
        return;
    }
    let scenario = Scenario::load(folder).unwrap();
    let base = scenario.base.as_deref().unwrap_or_else(|| panic!("{name} has no sound twin"));
    assert!(SOUND.contains(&base), "{name} is derived from {base}, which is not known to be sound");
    let target = target(name);
    assert_eq!(scenario.expect.get(target), Some(&Expectation::Violated), "{name}");
    // The invariants that a fault sets off, and no other.
    let all: Vec<String> = scenario.expect.keys().cloned().collect();
    let ended = watertight!("verify", folder, "--only", all.join(",")).small(16).run();
    if ended.code == 3 && ended.stderr.contains("the scenario needs PostgreSQL") {
        println!("passed over: {}", ended.stderr);
        return;
    }
    let ended = ended.expect(1);
    let report = ended.scenario();
    for (id, expectation) in &scenario.expect {
        assert_eq!(verdict(&report, id), expected(*expectation), "{id}: {ended}");
    }
    for finding in report.checks.iter().flat_map(|c| c.outcome.findings()) {
        let smallest =
            finding.counterexample.as_ref().unwrap_or_else(|| panic!("no counterexample: {finding:?}"));
        assert!(smallest.capped.is_none(), "{}: {:?}", finding.title, smallest.capped);
        let size = (smallest.tenants, smallest.rows);
        assert!(size.0 <= 2 && size.1 <= 10, "{}: {size:?} is not small", finding.title);
    }
}

#[test]
fn every_invariant_has_a_fault() {
    let folders = std::fs::read_dir(folder("")).unwrap();
    let names = folders.map(|f| f.unwrap().file_name().into_string().unwrap());
    let hit: BTreeSet<&str> = names.filter(|n| !SOUND.contains(&n.as_str())).map(|n| target(&n)).collect();
    assert_eq!(hit, invariants().into_iter().collect());
}
