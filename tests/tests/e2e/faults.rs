//! Each invariant fires on something broken and is silent on its sound twin.
//!
//! A folder of `tests/faults/` changes one thing of the scenario that it names as its base. Its `fault.toml` says what
//! must fire and what may; one that is named after an invariant (`<invariant>[-<what>]`) says it by `[expect]` too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rstest::rstest;
use watertight_harness::score::Sheet;
use watertight_reports::{ScenarioReport, Verdict};
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::Expectation;
use watertight_tests::run::{Ended, check, expected, findings, verdict};
use watertight_tests::script::disagreements;
use watertight_tests::watertight;

/// Scenarios without a fault.
const SOUND: [&str; 14] = [
    "items",
    "batches",
    "bookings",
    "items-forced",
    "copied",
    "keys",
    "passages",
    "passages-lists",
    "clinic",
    "clinic-odd",
    "fleet",
    "library",
    "ledger",
    "tickets",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("faults").join(name)
}

fn invariants() -> Vec<&'static str> {
    watertight_harness::invariants::catalog().iter().map(|i| i.spec().id).collect()
}

/// The invariant that a fault's folder is named after: the longest id that its name begins with.
fn target(name: &str) -> Option<&'static str> {
    invariants().into_iter().filter(|id| name.starts_with(id)).max_by_key(|id| id.len())
}

fn sheet(name: &str) -> Sheet {
    Sheet::beside(&folder(name)).unwrap().unwrap_or_else(|| panic!("{name} has no fault.toml"))
}

#[rstest]
#[case("items")]
#[case("batches")]
#[case("bookings")]
#[case("items-forced")]
#[case("copied")]
#[case("keys")]
#[case("passages")]
#[case("passages-lists")]
#[case("clinic")]
#[case("clinic-odd")]
#[case("fleet")]
#[case("library")]
#[case("ledger")]
#[case("tickets")]
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
    let Some(target) = target(name) else { return };
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
    is_about_as_small_as_known(name, &sheet(name), &report);
    assert_eq!(disagreements(&scenario, &report), Vec::<String>::new());
}

/// What is found has been shrunk to no more than one and a half times the smallest data that is known to show it.
fn is_about_as_small_as_known(name: &str, sheet: &Sheet, report: &ScenarioReport) {
    let known = sheet.smallest.unwrap_or_else(|| panic!("{name} says nothing of its smallest data"));
    let found = sheet.fires.iter().filter(|id| report.checks.iter().any(|c| &&c.invariant == id));
    let rows =
        found.flat_map(|id| findings(report, id)).filter_map(|f| Some(f.counterexample.as_ref()?.rows));
    let smallest = rows.min().unwrap_or_else(|| panic!("{name} has no counterexample"));
    assert!(2 * smallest <= 3 * known.rows, "{name}: {smallest} rows, {} are known to do", known.rows);
}

#[rstest]
fn what_a_sheet_says_fires_and_nothing_that_it_does_not(#[files("faults/*/fault.toml")] file: PathBuf) {
    let folder = file.parent().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    if target(name).is_some() {
        return; // looked at above
    }
    let sheet = sheet(name);
    if sheet.fires.is_empty() {
        return; // remarked on: looked at below
    }
    let ended = watertight!("verify", folder).small(16).run().expect(1);
    let report = ended.scenario();
    let is_violated = |id: &str| verdict(&report, id) == Verdict::Violated;
    assert!(sheet.fires.iter().any(|id| is_violated(id)), "{name}: {ended}");
    for id in invariants().into_iter().filter(|id| is_violated(id)) {
        let known = sheet.fires.iter().chain(&sheet.may_fire).any(|k| k == id);
        assert!(known, "{name}: {id} fires too: {ended}");
    }
    is_about_as_small_as_known(name, &sheet, &report);
    assert_eq!(disagreements(&Scenario::load(folder).unwrap(), &report), Vec::<String>::new());
}

/// The subjects of an invariant's remarks on a scenario, with the run that made them.
fn remarks(name: &str, invariant: &str) -> (Vec<String>, Ended) {
    let ended = watertight!("verify", folder(name)).small(16).run().expect(0);
    let report = ended.scenario();
    let subjects = check(&report, invariant).remarks.iter().map(|r| r.subject.clone()).collect();
    (subjects, ended)
}

#[rstest]
fn what_is_no_violation_is_remarked_on_and_changes_no_verdict(#[files("faults/*/fault.toml")] file: PathBuf) {
    let folder = file.parent().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let base = Scenario::load(folder).unwrap().base.unwrap();
    for invariant in sheet(name).remarks {
        let (made, ended) = remarks(name, &invariant);
        assert!(!made.is_empty(), "{name}: {ended}");
        let (silent, ended) = remarks(&base, &invariant);
        assert!(silent.is_empty(), "{base}: {silent:?}: {ended}");
    }
}

/// Every fault, by name.
fn faults() -> Vec<String> {
    let folders = std::fs::read_dir(folder("")).unwrap();
    let names = folders.map(|f| f.unwrap().file_name().into_string().unwrap());
    let mut faults: Vec<String> =
        names.filter(|n| !SOUND.contains(&n.as_str()) && n != "README.md").collect();
    faults.sort();
    faults
}

#[test]
fn every_invariant_has_a_fault() {
    let faults = faults();
    let hit: BTreeSet<String> = faults.iter().flat_map(|n| sheet(n).fires).collect();
    let all: BTreeSet<String> = invariants().into_iter().map(str::to_owned).collect();
    assert_eq!(hit, all);
}

/// Classes and their faults, category by category, as the README has them.
fn classes() -> String {
    let mut classes: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for name in faults() {
        let sheet = sheet(&name);
        let class = sheet.class.unwrap_or_else(|| panic!("{name} is of no class"));
        classes.entry(sheet.category).or_default().entry(class).or_default().push(format!("`{name}`"));
    }
    let mut text = String::new();
    for (category, classes) in classes {
        text.push_str(&format!("\n## {category}\n\n| class | faults |\n|---|---|\n"));
        for (class, faults) in classes {
            text.push_str(&format!("| {class} | {} |\n", faults.join(", ")));
        }
    }
    text
}

/// With `UPDATE_FAULTS` set, writes them instead.
#[test]
fn the_readme_tells_the_faults_of_every_class() {
    const BEGIN: &str = "<!-- classes -->\n";
    const END: &str = "\n<!-- end of classes -->";
    let path = folder("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (told, after) = rest.split_once(END).unwrap();
    let classes = classes();
    if std::env::var_os("UPDATE_FAULTS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{classes}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(told, classes, "UPDATE_FAULTS=1 writes it anew");
}
