//! What a migration keeps, means to change, and leaves half done: told apart on variants of the ledger.

use std::path::Path;

use rstest::rstest;
use watertight_reports::{CheckOutcome, Severity, Verdict};
use watertight_tests::run::{check, findings, verdict};
use watertight_tests::{Ended, Folder, watertight};

/// A function that rewrites what it is not asked to, a place for what goes, a trigger that stamps, a constraint that
/// nobody validated.
const BESIDES: &str = "
CREATE TABLE kept (row_was jsonb NOT NULL);
CREATE TABLE stamped (
    id      uuid PRIMARY KEY,
    shop_id uuid NOT NULL REFERENCES shop (id),
    word    text NOT NULL,
    stamp   integer NOT NULL DEFAULT 1 CONSTRAINT stamp_small CHECK (stamp < 1000),
    number  integer NOT NULL
);
ALTER TABLE stamped ADD CONSTRAINT number_known CHECK (number > -2147483648) NOT VALID;
CREATE FUNCTION mark_all() RETURNS void LANGUAGE sql AS $$ UPDATE stamped SET word = word || '!' $$;
CREATE FUNCTION next_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> OLD.number THEN
        NEW.stamp := OLD.stamp / 2 - 7;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER next_stamp BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION next_stamp();
";

/// The ledger with that in its baseline, and one more step at its end.
fn ledger(step: &str, keys: &str) -> Folder {
    let folder = Folder::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/ledger"));
    let baseline = format!("{}{BESIDES}", folder.read("baseline.sql"));
    folder
        .file("baseline.sql", baseline)
        .file("more.sql", step)
        .with("\n[[access]]", &format!("\n[[steps]]\nid = \"more\"\n{keys}\n\n[[access]]"))
}

fn verify(folder: &Folder, invariant: &str) -> Ended {
    watertight!("verify", folder, "--only", invariant).small(12).run()
}

const MIGRATE: &str = r#"migrate = "more.sql""#;

#[rstest]
#[case::set_aside_as_objects(
    "INSERT INTO kept SELECT to_jsonb(s) FROM stamped s; DELETE FROM stamped;",
    MIGRATE,
    Verdict::Held
)]
#[case::deleted("DELETE FROM stamped;", MIGRATE, Verdict::Violated)]
#[case::deleted_and_declared(
    "DELETE FROM stamped;",
    "migrate = \"more.sql\"\nwrites = [\"stamped\"]",
    Verdict::Held
)]
#[case::said("UPDATE stamped SET word = word || '!';", MIGRATE, Verdict::Held)]
#[case::done_by_a_function("SELECT mark_all();", MIGRATE, Verdict::Inconclusive)]
#[case::done_by_a_function_and_declared(
    "SELECT mark_all();",
    "migrate = \"more.sql\"\nwrites = [\"stamped.word\"]",
    Verdict::Held
)]
#[case::a_wider_number("ALTER TABLE stamped ALTER number TYPE bigint;", MIGRATE, Verdict::Held)]
#[case::a_number_as_text(
    "ALTER TABLE stamped DROP CONSTRAINT number_known; ALTER TABLE stamped ALTER number TYPE text;",
    MIGRATE,
    Verdict::Held
)]
#[case::a_key_as_text("ALTER TABLE stamped ALTER id TYPE text;", MIGRATE, Verdict::Held)]
#[case::a_key_made_anew(
    "ALTER TABLE stamped DROP COLUMN id; ALTER TABLE stamped ADD COLUMN id bigserial PRIMARY KEY;",
    MIGRATE,
    Verdict::Held
)]
#[case::less_of_a_number(
    "ALTER TABLE stamped DROP CONSTRAINT number_known; ALTER TABLE stamped ALTER number TYPE boolean USING number > 0;",
    MIGRATE,
    Verdict::Violated
)]
#[case::a_check_that_writes(
    "INSERT INTO kept VALUES ('{}'); SELECT id FROM stamped WHERE false;",
    r#"check = "more.sql""#,
    Verdict::Violated
)]
fn what_goes_is_told_from_what_is_meant_to(
    #[case] step: &str,
    #[case] keys: &str,
    #[case] expected: Verdict,
) {
    let ended = verify(&ledger(step, keys), "migration-preserves");
    assert_eq!(verdict(&ended.scenario(), "migration-preserves"), expected, "{ended}");
}

#[test]
fn what_a_trigger_writes_along_is_told_as_such() {
    let folder = ledger("UPDATE stamped SET number = 7;", MIGRATE);
    let ended = verify(&folder, "migration-preserves").expect(1);
    let report = ended.scenario();
    let found = findings(&report, "migration-preserves");
    assert_eq!(found.len(), 1, "{ended}");
    assert!(found[0].title.contains("stamped.stamp") && found[0].severity == Severity::Medium, "{ended}");
}

#[test]
fn a_doubt_says_what_would_end_it() {
    let ended = verify(&ledger("SELECT mark_all();", MIGRATE), "migration-preserves").expect(4);
    let report = ended.scenario();
    let CheckOutcome::Inconclusive { reason } = &check(&report, "migration-preserves").outcome else {
        panic!("{ended}");
    };
    assert!(reason.contains("declare `stamped.word` in its `writes`"), "{ended}");
}

#[test]
fn what_the_baseline_left_is_told_apart_from_what_the_timeline_leaves() {
    let ended = verify(&ledger("SELECT 1;", MIGRATE), "constraint-validated").expect(0);
    let told = check(&ended.scenario(), "constraint-validated").not_exercised.join("\n");
    assert!(told.contains("number_known is NOT VALID, as it was before the first step"), "{told}\n{ended}");
}

#[test]
fn a_table_that_is_left_to_another_role_is_found() {
    let folder = ledger("ALTER TABLE stamped OWNER TO till;", MIGRATE)
        .file("provision.sql", "GRANT till TO migrator; GRANT CREATE ON SCHEMA public TO till;")
        .with("baseline = \"baseline.sql\"", "baseline = \"baseline.sql\"\nprovision = \"provision.sql\"");
    let ended = verify(&folder, "constraint-validated").expect(1);
    let report = ended.scenario();
    let found = findings(&report, "constraint-validated");
    assert_eq!(found.len(), 1, "{ended}");
    assert!(found[0].title.contains("The table stamped is left to till"), "{ended}");
}
