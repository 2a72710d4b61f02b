//! `report.json`: what comes back is what was written, and what cannot be true is refused.

use crate::support::{build, datahub, kinds, nasty};
use rstest::rstest;
use serde_json::{Value, json};
use watertight_reports::*;

#[rstest]
#[case(datahub::documented())]
#[case(datahub::mended())]
#[case(datahub::inconclusive())]
#[case(kinds::backfill())]
#[case(kinds::two_databases())]
#[case(kinds::vectors())]
#[case(nasty::scenario())]
fn there_and_back(#[case] scenario: ScenarioReport) {
    let report = build::report(vec![scenario]);
    let back = Report::from_json(&report.to_json()).expect("what was written can be read");
    assert!(back == report, "{}", similar_line(&back, &report));
}

/// The first line in which two reports differ: they are too long to print.
fn similar_line(left: &Report, right: &Report) -> String {
    let (left, right) = (left.to_json(), right.to_json());
    let differs = left.lines().zip(right.lines()).find(|(left, right)| left != right);
    differs.map_or_else(|| "they print the same".to_owned(), |(left, right)| format!("{left} / {right}"))
}

#[test]
fn another_version_is_told_from_a_damaged_file() {
    let text = build::report(Vec::new()).to_json();
    let other = text.replace("\"schema_version\": 1", "\"schema_version\": 7");
    assert!(matches!(Report::from_json(&other), Err(ReadError::Version { found: 7 })));
    assert!(matches!(Report::from_json(&text[..text.len() / 2]), Err(ReadError::Shape(_))));
}

fn held_json() -> Value {
    json!({
        "invariant": "backfill-complete", "title": "t", "verdict": "held",
        "exercised": { "cases": 1, "worlds": 1 }, "upper_bound_95": 1.0, "probes": [], "not_exercised": []
    })
}

#[test]
fn the_shape_of_a_file() {
    insta::assert_snapshot!("report_json", build::report(vec![kinds::vectors()]).to_json());
}

#[test]
fn a_check_is_flat() {
    let check: CheckReport = serde_json::from_value(held_json()).expect("held and exercised");
    assert_eq!(serde_json::to_value(&check).expect("JSON"), held_json());
}

#[rstest]
#[case("/exercised/worlds")]
#[case("/exercised/cases")]
fn held_without_exercise_cannot_be_read(#[case] pointer: &str) {
    let mut value = held_json();
    *value.pointer_mut(pointer).expect("is there") = json!(0);
    assert!(serde_json::from_value::<CheckReport>(value).is_err());
}

#[test]
fn violated_without_a_finding_cannot_be_read() {
    let mut value = held_json();
    value["verdict"] = json!("violated");
    value["severity"] = json!("low");
    value["findings"] = json!([]);
    assert!(serde_json::from_value::<CheckReport>(value).is_err());
}

#[test]
fn fields_that_came_later_may_be_missing() {
    let mut value = serde_json::to_value(build::report(vec![datahub::documented()])).expect("JSON");
    value.as_object_mut().expect("an object").remove("incomplete");
    let scenario = value["scenarios"][0].as_object_mut().expect("an object");
    scenario.remove("evidence");
    for step in scenario["steps"].as_array_mut().expect("an array") {
        for field in ["database", "phase", "command", "locks", "copied", "down_ms", "not_restored"] {
            step.as_object_mut().expect("an object").remove(field);
        }
    }
    assert!(serde_json::from_value::<Report>(value).is_ok());
}

#[test]
fn times_are_all_that_two_runs_differ_in() {
    let one = build::report(vec![datahub::documented(), kinds::backfill()]);
    let mut other = one.clone();
    other.started_at = "2026-02-01T00:00:00Z".into();
    other.ms += 1.0;
    other.scenarios[1].ms += 1.0;
    other.scenarios[1].steps[0].ms += 1.0;
    other.scenarios[1].evidence.presets[0].tables[0].ms = Some(0.5);
    assert!(one != other);
    assert!(one.without_times() == other.without_times());
}
