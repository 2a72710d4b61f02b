//! A report decides on a release, is written again in other formats, and is not believed when it cannot be right.

use std::path::Path;

use serde_json::{Value, json};
use watertight_reports::Verdict;
use watertight_tests::{Ended, Folder, watertight};

/// Sound, verified, with the report in `watertight-report`.
fn verified(cases: u32) -> (Folder, Ended) {
    let folder = Folder::sound("items");
    let ended = verify(&folder, cases, &[]);
    (folder, ended)
}

fn verify(folder: &Folder, cases: u32, more: &[&str]) -> Ended {
    let out = folder.path().join("watertight-report");
    watertight!("verify", ".").args(more).small(cases).inside(folder.path()).out(out).run()
}

fn gate(folder: &Folder, more: &[&str]) -> Ended {
    watertight!("gate").args(more).inside(folder.path()).run()
}

/// A backfill that fills nothing.
fn broken() -> Folder {
    Folder::sound("items").file("fill.sql", "SELECT 1;")
}

/// The report says something else.
fn forge(folder: &Folder, change: impl FnOnce(&mut Value)) {
    let path = folder.path().join("watertight-report/report.json");
    let mut report = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut report);
    std::fs::write(path, report.to_string()).unwrap();
}

#[test]
fn what_held_and_is_as_it_was_passes() {
    let (folder, ended) = verified(24);
    let _ = ended.expect(0);
    let ended = gate(&folder, &[]).expect(0);
    assert!(ended.stdout.contains("passes") && ended.stdout.contains("the gate is open"), "{ended}");
    let elsewhere = watertight!("gate", "--root")
        .arg(folder.path())
        .arg(folder.path().join("watertight-report"))
        .run()
        .expect(0);
    assert!(elsewhere.stdout.contains("the gate is open"), "{elsewhere}");

    // The same report, and another file.
    let baseline = folder.read("baseline.sql");
    let folder = folder.file("baseline.sql", format!("{baseline}\n-- a word more\n"));
    let ended = gate(&folder, &[]).expect(4);
    assert!(ended.stdout.contains("not those that were verified"), "{ended}");
    let folder = folder.file("baseline.sql", &baseline);
    let _ = gate(&folder, &[]).expect(0);

    // A step more.
    let scenario = folder.read("scenario.toml");
    let more = "\n[[steps]]\nid = \"later\"\nmigrate = \"later.sql\"\n";
    let folder = folder.file("scenario.toml", format!("{scenario}{more}")).file("later.sql", "SELECT 1;");
    let ended = gate(&folder, &[]).expect(4);
    assert!(ended.stdout.contains("not verified: later"), "{ended}");
    let folder = folder.file("scenario.toml", &scenario);

    // A verdict that its own checks do not bear out.
    forge(&folder, |report| {
        report["scenarios"][0]["checks"][0] = json!({
            "invariant": "backfill-complete", "title": "t", "verdict": "inconclusive", "reason": "r",
            "probes": [], "not_exercised": [],
        });
    });
    let ended = gate(&folder, &[]).expect(2);
    assert!(ended.stdout.contains("contradicts itself"), "{ended}");
}

#[test]
fn what_is_violated_or_left_out_does_not() {
    let folder = broken();
    let _ = verify(&folder, 4, &[]).expect(1);
    let ended = gate(&folder, &[]).expect(1);
    assert!(ended.stdout.contains("refused") && ended.stdout.contains("violated: "), "{ended}");

    let partly = verify(&folder, 4, &["--only", "migration-applies"]).expect(0);
    assert_eq!(partly.scenario().verdict, Verdict::Held);
    let ended = gate(&folder, &[]).expect(4);
    assert!(ended.stdout.contains("verified are only migration-applies"), "{ended}");
    let _ = gate(&folder, &["--partial"]).expect(0);

    forge(&folder, |report| report["schema_version"] = json!(99));
    let ended = gate(&folder, &[]).expect(2);
    assert!(ended.stderr.contains("schema version 99"), "{ended}");
    forge(&folder, |report| *report = json!("held"));
    let ended = gate(&folder, &[]).expect(2);
    assert!(ended.stderr.contains("not a report"), "{ended}");
    let ended = gate(&folder, &["elsewhere.json"]).expect(2);
    assert!(ended.stderr.contains("watertight verify"), "{ended}");
}

#[test]
fn a_migration_that_came_later_was_not_verified() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/goose");
    let folder = Folder::copy_of(&sample);
    let only = ["--only", "migration-applies"];
    let _ = watertight!("verify")
        .args(&only)
        .small(2)
        .inside(folder.path())
        .out(folder.path().join("watertight-report"))
        .run()
        .expect(0);
    let _ = gate(&folder, &["--partial"]).expect(0);
    let next = "-- +goose Up\nCREATE INDEX letters_clinic_idx ON letters (clinic_id);\n";
    let folder = folder.file("migrations/00005_letters_index.sql", next);
    let ended = gate(&folder, &["--partial"]).expect(4);
    assert!(ended.stdout.contains("not verified: 00005_letters_index"), "{ended}");

    // That bundled scenarios hold says nothing of what is here.
    let out = folder.path().join("watertight-report");
    let bundled = watertight!("verify", "tighten-constraints-mended").args(&only);
    let _ = bundled.small(2).inside(folder.path()).out(out).run().expect(0);
    let ended = gate(&folder, &["--partial"]).expect(4);
    assert!(ended.stdout.contains("bundled scenarios only"), "{ended}");
}

#[test]
fn a_report_is_written_again_in_other_formats() {
    let folder = broken();
    let _ = verify(&folder, 4, &[]).expect(1);
    let formats = ["--format", "md,html,junit,sarif,json", "--out", "again"];
    let ended = watertight!("report").args(&formats).inside(folder.path()).run().expect(0);
    assert!(ended.stdout.contains("again/report.html"), "{ended}");
    for name in ["report.html", "report.md", "junit.xml", "report.sarif", "report.json"] {
        assert!(folder.path().join("again").join(name).is_file(), "{name}");
    }
    assert_eq!(folder.read("again/report.md"), folder.read("watertight-report/report.md"));
    assert_eq!(folder.read("again/report.json"), folder.read("watertight-report/report.json"));
}

#[test]
fn shells_complete_the_command_line() {
    let ended = watertight!("completions", "bash").run().expect(0);
    assert!(ended.stdout.contains("complete ") && ended.stdout.contains("verify"), "{ended}");
    let ended = watertight!("completions", "basic").run().expect(2);
    assert!(ended.stderr.contains("possible values"), "{ended}");
}
