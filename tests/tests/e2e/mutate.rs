//! `mutate`: faults seeded into a scenario's own scripts, and which its checks catch.

use serde_json::Value;
use watertight_reports::{Fate, MutationReport, SeededFault};
use watertight_tests::run::Ended;
use watertight_tests::{Folder, watertight};

fn strength(ended: &Ended) -> MutationReport {
    let text =
        std::fs::read_to_string(ended.file("strength.json")).unwrap_or_else(|e| panic!("{e}: {ended}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {ended}"))
}

fn mutate(folder: &Folder, more: &[&str]) -> Ended {
    watertight!("mutate", folder).small(12).args(more).run()
}

/// The only fault of an operator at a line.
fn at<'r>(report: &'r MutationReport, operator: &str, file: &str, line: u32) -> &'r SeededFault {
    let found: Vec<&SeededFault> = report
        .strength
        .faults
        .iter()
        .filter(|f| f.operator == operator && f.file == file && f.line == line)
        .collect();
    assert_eq!(found.len(), 1, "{operator} {file}:{line}: {:#?}", report.strength.faults);
    found[0]
}

fn caught_by(fault: &SeededFault) -> &[String] {
    match &fault.fate {
        Fate::Caught { by, .. } => by,
        other => panic!("{} {}:{}: {other:?}", fault.operator, fault.file, fault.line),
    }
}

/// The sound scenario with an index that is given twice, and a way back that says more than it has to: some of their
/// faults are none.
fn redundant() -> Folder {
    let sound = Folder::sound("redundant");
    let contract =
        format!("{}ALTER TABLE item ALTER COLUMN tenant_id SET NOT NULL;\n", sound.read("contract.sql"));
    let down = format!("DROP INDEX item_tenant_idx;\n{}", sound.read("expand.down.sql"));
    sound.file("contract.sql", contract).file("expand.down.sql", down)
}

#[test]
fn known_faults_are_caught_and_one_that_changes_nothing_is_none() {
    let folder = redundant();
    let ended = mutate(
        &folder,
        &[
            "--only-operator",
            "drop-write,drop-join-condition,drop-null-filter,narrow-guard,drop-not-null,drop-down",
        ],
    );
    let report = strength(&ended);
    let caught = |operator, line, file, invariant: &str| {
        let by = caught_by(at(&report, operator, file, line));
        assert!(by.iter().any(|id| id == invariant), "{operator} {file}:{line} by {by:?}");
    };
    caught("drop-write", 1, "fill.sql", "backfill-complete");
    caught("drop-join-condition", 1, "fill.sql", "backfill-correct");
    caught("drop-null-filter", 2, "fill.sql", "backfill-idempotent");
    caught("drop-down", 2, "contract.down.sql", "rollback-schema");
    // Made NOT NULL twice: taking one of them away takes nothing away. The index goes with its column anyway.
    let redundant = [
        ("drop-not-null", "contract.sql", 8),
        ("drop-not-null", "contract.sql", 14),
        ("drop-down", "expand.down.sql", 1),
    ];
    for (operator, file, line) in redundant {
        assert_eq!(at(&report, operator, file, line).fate, Fate::NoEffect, "{operator} {file}:{line}");
    }
    let strength = &report.strength;
    assert!(strength.counted() < strength.faults.len() as u64, "{ended}");
    assert!(
        strength.checks.iter().any(|id| id == "backfill-complete") && strength.unusable.is_empty(),
        "{ended}"
    );
    let markdown = std::fs::read_to_string(ended.file("strength.md")).unwrap();
    let line = format!("**Caught {} of {} seeded faults.**", strength.caught(), strength.counted());
    assert!(
        markdown.contains(&line) && markdown.contains("without any effect that can be seen"),
        "{markdown}"
    );
}

#[test]
fn a_fault_that_no_check_sees_is_told_with_what_it_changed_and_what_would_catch_it() {
    // Nobody declares what a deletion takes along.
    let folder = Folder::sound("undeclared").with("on_delete = \"no_action\"\n", "");
    let args = ["--only-operator", "change-on-delete"];
    let ended = mutate(&folder, &args).expect(1);
    let report = strength(&ended);
    let fault = at(&report, "change-on-delete", "expand.sql", 1);
    let Fate::Survived { differs, closes, .. } = &fault.fate else { panic!("{fault:?}") };
    assert!(differs.iter().any(|d| d.contains("ON DELETE CASCADE")), "{differs:?}");
    assert!(closes.contains("[declared]"), "{closes}");
    assert!(ended.stdout.contains("not caught    change-on-delete expand.sql:1"), "{ended}");
    // Declared, it is caught.
    let report = strength(&mutate(&Folder::sound("declared"), &args));
    assert_eq!(caught_by(at(&report, "change-on-delete", "expand.sql", 1)), ["schema-declared"]);
}

#[test]
fn a_fault_in_a_table_without_rows_is_told_to_have_been_tried_on_nothing() {
    let sound = Folder::sound("without-rows");
    let up =
        format!("{}CREATE TABLE tag (id uuid PRIMARY KEY, name text NOT NULL);\n", sound.read("expand.sql"));
    let down = format!("DROP TABLE tag;\n{}", sound.read("expand.down.sql"));
    let folder = sound.file("expand.sql", up).file("expand.down.sql", down);
    let report = strength(&mutate(&folder, &["--only-operator", "drop-not-null"]));
    let fault = at(&report, "drop-not-null", "expand.sql", 5);
    let Fate::Survived { closes, .. } = &fault.fate else { panic!("{fault:?}") };
    assert!(closes.contains("No case has a row in `tag`") && closes.contains("`populate`"), "{closes}");
}

/// The bundled scenario with the fewest faults: those of the others are as many as a nightly run has time for.
#[test]
fn a_mended_system_catches_every_fault() {
    let ended = watertight!("mutate", "tighten-constraints-mended").small(8).run().expect(0);
    let strength = strength(&ended).strength;
    assert!(strength.counted() > 15 && strength.caught() == strength.counted(), "{ended}");
}

#[test]
fn the_same_seed_gives_the_same_fates_whoever_tries_them() {
    let folder = redundant();
    let run = |jobs: &str| {
        let args =
            ["--cases", "6", "--at-most", "9", "--seed", "7", "--provider", "embedded", "--jobs", jobs];
        let mut report = strength(&watertight!("mutate", &folder).args(&args).run());
        report.strength.ms = 0.0;
        report
    };
    let (one, two) = (run("1"), run("2"));
    assert_eq!(one, two);
    assert_eq!(one.strength.faults.len(), 9);
    assert!(one.strength.left_out > 0);
}

#[test]
fn a_scenario_that_does_not_hold_is_not_mutated() {
    let folder = Folder::sound("unfilled").file("fill.sql", "SELECT;\n");
    let ended = mutate(&folder, &[]).expect(2);
    assert!(
        ended.stderr.contains("does not hold as it is") && ended.stderr.contains("backfill-complete"),
        "{ended}"
    );
    let ended = mutate(&Folder::sound("sound"), &["--only-operator", "drop-everything"]).expect(2);
    assert!(ended.stderr.contains("no operator `drop-everything`"), "{ended}");
}

#[test]
fn operators_are_listed_and_explained() {
    let ended = watertight!("mutate", "--list").run().expect(0);
    for operator in &watertight_scenarios::mutation::OPERATORS {
        assert!(ended.stdout.contains(operator.id), "{}: {ended}", operator.id);
    }
    let ended = watertight!("explain", "open-using").run().expect(0);
    assert!(ended.stdout.contains("USING (true)"), "{ended}");
}

#[test]
fn a_verification_says_what_it_is_worth_if_asked() {
    let only = "backfill-complete,backfill-correct,rollback-schema";
    let folder = Folder::sound("sound");
    let verify = || watertight!("verify", &folder, "--only", only).small(6);
    let ended = verify().arg("--mutate").run().expect(0);
    let strength = ended.scenario().evidence.strength.unwrap_or_else(|| panic!("{ended}"));
    assert!(strength.caught() > 0 && strength.cases == 6 && strength.checks.len() == 3, "{ended}");
    assert!(
        ended.stdout.contains(&format!("caught {} of {}", strength.caught(), strength.counted())),
        "{ended}"
    );
    let markdown = std::fs::read_to_string(ended.file("sound.md")).unwrap();
    assert!(markdown.contains("## Strength of this verification"), "{ended}");
    // One that was not asked has no such key: an older reader and an older report lack nothing.
    let ended = verify().run().expect(0);
    let text = std::fs::read_to_string(ended.file("report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert!(report["scenarios"][0]["evidence"].get("strength").is_none(), "{ended}");
}
