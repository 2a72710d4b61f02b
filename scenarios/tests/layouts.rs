//! Folders of migrations of other tools: recognised, ordered, and with the transactions of each tool.

use std::fs;
use std::path::Path;

use rstest::rstest;
use tempfile::TempDir;
use watertight_scenarios::layout::{self, Chosen, History, Layout, MigrationRange};
use watertight_scenarios::scenario::{Guard, StepKind};
use watertight_scenarios::script::TransactionMode;
use watertight_scenarios::{Diagnostics, Scenario};

const TABLE: &str = "CREATE TABLE t (a int);";
const DROP: &str = "DROP TABLE t;";
const CONCURRENTLY: &str = "CREATE INDEX CONCURRENTLY i ON t (a);";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    root
}

fn try_open(files: &[(&str, &str)]) -> Result<History, Diagnostics> {
    let root = folder(files);
    let found = layout::find(root.path()).expect("it can be searched");
    let [one] = found.as_slice() else { panic!("one folder, not {found:?}") };
    layout::open(root.path(), one)
}

fn open(files: &[(&str, &str)]) -> History {
    try_open(files).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn ids(history: &History) -> Vec<&str> {
    history.migrations.iter().map(|m| m.id.as_str()).collect()
}

/// Which of them have a way back.
fn downs(history: &History) -> Vec<bool> {
    history.migrations.iter().map(|m| m.down.is_some()).collect()
}

/// Which of them one transaction holds.
fn held(history: &History) -> Vec<bool> {
    history.migrations.iter().map(|m| m.up.is_transactional()).collect()
}

fn skipped(history: &History) -> Vec<&str> {
    history.skipped.iter().map(|s| s.path.as_str()).collect()
}

#[test]
fn prisma_sends_each_folder_as_one_message() {
    let two = format!("{TABLE}\n{CONCURRENTLY}");
    let history = open(&[
        ("package.json", "{}"),
        ("node_modules/x/migrations/1_a/migration.sql", TABLE),
        ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\""),
        ("prisma/migrations/20240201000000_b/migration.sql", &two),
        ("prisma/migrations/20240101000000_a/migration.sql", TABLE),
        ("prisma/migrations/20240101000000_a/down.sql", DROP),
        ("prisma/migrations/20240301000000_c/migration.sql", CONCURRENTLY),
    ]);
    assert_eq!((history.layout, history.folder.as_str()), (Layout::Prisma, "prisma/migrations"));
    assert_eq!(ids(&history), ["20240101000000_a", "20240201000000_b", "20240301000000_c"]);
    assert_eq!(downs(&history), [true, false, false]);
    // Beside others the statement is in a transaction, alone it is not.
    assert_eq!(held(&history), [true, true, false]);
}

#[test]
fn sqlx_knows_pairs_and_no_transaction() {
    let no_transaction = format!("-- no-transaction\n{CONCURRENTLY}");
    let history = open(&[
        ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\""),
        ("migrations/20240101000000_a.up.sql", TABLE),
        ("migrations/20240101000000_a.down.sql", DROP),
        ("migrations/20240201000000_b.sql", CONCURRENTLY),
        ("migrations/20240301000000_c.sql", &no_transaction),
        ("migrations/notes.sql", TABLE),
    ]);
    assert_eq!(history.layout, Layout::Sqlx);
    assert_eq!(ids(&history), ["20240101000000_a", "20240201000000_b", "20240301000000_c"]);
    assert_eq!(downs(&history), [true, false, false]);
    assert_eq!(held(&history), [true, true, false]);
    assert_eq!(skipped(&history), ["migrations/notes.sql"]);
}

#[test]
fn golang_migrate_orders_by_number() {
    let history = open(&[
        ("db/migrations/10_c.up.sql", TABLE),
        ("db/migrations/2_b.up.sql", TABLE),
        ("db/migrations/2_b.down.sql", "-- cannot be undone"),
        ("db/migrations/000001_a.up.sql", TABLE),
        ("db/migrations/000001_a.down.sql", DROP),
        ("db/migrations/7_gone.down.sql", DROP),
    ]);
    assert_eq!(history.layout, Layout::GolangMigrate);
    assert_eq!(ids(&history), ["000001_a", "2_b", "10_c"]);
    assert_eq!(downs(&history), [true, false, false], "a way back without a statement is none");
    assert_eq!(skipped(&history), ["db/migrations/7_gone.down.sql"]);
}

#[test]
fn supabase_takes_a_rollback_beside_the_migrations() {
    let history = open(&[
        ("supabase/config.toml", ""),
        ("supabase/seed.sql", "INSERT INTO t VALUES (1);"),
        ("supabase/migrations/20240201000000_b.sql", TABLE),
        ("supabase/migrations/20240101000000_remote_schema.sql", TABLE),
        ("supabase/migrations/helpers.sql", TABLE),
        ("supabase/rollbacks/20240201000000_b.sql", DROP),
    ]);
    assert_eq!(history.layout, Layout::Supabase);
    assert_eq!(ids(&history), ["20240101000000_remote_schema", "20240201000000_b"]);
    assert_eq!(downs(&history), [false, true]);
    assert_eq!(skipped(&history), ["supabase/migrations/helpers.sql"]);
}

#[test]
fn diesel_reads_its_metadata() {
    let history = open(&[
        ("diesel.toml", ""),
        ("Cargo.toml", "[dependencies]\ndiesel = \"2\""),
        ("migrations/00000000000000_diesel_initial_setup/up.sql", "SELECT 1;"),
        ("migrations/00000000000000_diesel_initial_setup/down.sql", ""),
        ("migrations/2024-01-02-000000_b/up.sql", CONCURRENTLY),
        ("migrations/2024-01-02-000000_b/metadata.toml", "run_in_transaction = false"),
        ("migrations/2024-01-01-000000_a/up.sql", TABLE),
        ("migrations/2024-01-01-000000_a/down.sql", DROP),
    ]);
    assert_eq!(history.layout, Layout::Diesel);
    assert_eq!(
        ids(&history),
        ["00000000000000_diesel_initial_setup", "2024-01-01-000000_a", "2024-01-02-000000_b"]
    );
    assert_eq!(downs(&history), [false, true, false]);
    assert_eq!(held(&history), [true, true, false]);
}

#[test]
fn goose_is_read_by_its_annotations() {
    let function = "-- +goose Up\n-- +goose StatementBegin\nDO $$\nBEGIN\n  PERFORM 1;\nEND $$;\n-- +goose StatementEnd\n\
                    CREATE TABLE ä (a int);\n-- +goose Down\nDROP TABLE ä;\n";
    let outside = format!("-- +goose NO TRANSACTION\n-- +goose Up\n{CONCURRENTLY}\n-- +goose Down\n");
    let history = open(&[
        ("migrations/00002_b.sql", &outside),
        ("migrations/00001_a.sql", function),
        ("migrations/00003_c.go", "package migrations"),
    ]);
    assert_eq!(history.layout, Layout::Goose);
    assert_eq!(ids(&history), ["00001_a", "00002_b"]);
    assert_eq!(downs(&history), [true, false]);
    assert_eq!(held(&history), [true, false]);
    assert_eq!(skipped(&history), ["migrations/00003_c.go"]);
    let up = &history.migrations[0].up;
    let lines: Vec<(u32, &str)> = up.statements.iter().map(|s| (s.line, up.sql(s))).collect();
    assert_eq!(lines[1], (8, "CREATE TABLE ä (a int)"), "places are those of the file");
    let down = history.migrations[0].down.as_ref().expect("it has one");
    assert_eq!((down.statements.len(), down.statements[0].line), (1, 10));
}

#[test]
fn what_goose_would_cut_in_two_is_refused() {
    let body =
        "-- +goose Up\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n";
    let wrong = try_open(&[("migrations/001_a.sql", body)]).expect_err("goose refuses it").to_string();
    assert!(wrong.contains("migrations/001_a.sql:4") && wrong.contains("StatementBegin"), "{wrong}");
}

#[test]
fn dbmate_is_read_by_its_sections() {
    let both = "-- migrate:up\nCREATE TABLE t (a int);\n\n-- migrate:down\nDROP TABLE t;\n";
    let outside = format!("-- migrate:up transaction:false\n{CONCURRENTLY}\n-- migrate:down\n");
    let history = open(&[
        ("db/schema.sql", TABLE),
        ("db/migrations/20240102000000_b.sql", &outside),
        ("db/migrations/20240101000000_a.sql", both),
    ]);
    assert_eq!((history.layout, history.folder.as_str()), (Layout::Dbmate, "db/migrations"));
    assert_eq!(ids(&history), ["20240101000000_a", "20240102000000_b"]);
    assert_eq!(downs(&history), [true, false]);
    assert_eq!(held(&history), [true, false]);
    assert_eq!(history.migrations[1].up.transaction, TransactionMode::Message);
}

#[test]
fn flyway_orders_versions_as_numbers_and_repeatables_last() {
    let history = open(&[
        ("src/main/resources/db/migration/V1__init.sql", TABLE),
        ("src/main/resources/db/migration/V1.10__c.sql", TABLE),
        ("src/main/resources/db/migration/V1.2__b.sql", TABLE),
        ("src/main/resources/db/migration/V1.2__b.sql.conf", "executeInTransaction=false"),
        ("src/main/resources/db/migration/U1.10__c.sql", DROP),
        ("src/main/resources/db/migration/V2__i.sql", CONCURRENTLY),
        ("src/main/resources/db/migration/R__views.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS a;"),
        ("src/main/resources/db/migration/beforeMigrate.sql", "SELECT 1;"),
    ]);
    assert_eq!(history.layout, Layout::Flyway);
    assert_eq!(ids(&history), ["V1__init", "V1.2__b", "V1.10__c", "V2__i", "R__views"]);
    assert_eq!(downs(&history), [false, false, true, false, false]);
    assert_eq!(history.migrations[1].up.transaction, TransactionMode::Single);
    assert_eq!(history.migrations[1].step_id(), "v1-2__b");
    assert_eq!(held(&history), [true, true, true, false, true]);
    assert_eq!(skipped(&history), ["src/main/resources/db/migration/beforeMigrate.sql"]);
}

#[test]
fn atlas_reads_its_directives() {
    let single = format!("-- atlas:txmode none\n\n{CONCURRENTLY}\n{TABLE}");
    let history = open(&[
        ("migrations/atlas.sum", "h1:x"),
        ("migrations/20240101000000_a.sql", TABLE),
        ("migrations/20240102000000_b.sql", &single),
        ("migrations/20240103000000_c.sql", "-- atlas:checkpoint\n\nCREATE TABLE t (a int);"),
    ]);
    assert_eq!(history.layout, Layout::Atlas);
    assert_eq!(ids(&history), ["20240101000000_a", "20240102000000_b"]);
    assert_eq!(held(&history), [true, false]);
    assert_eq!(skipped(&history), ["migrations/20240103000000_c.sql"]);
}

#[test]
fn drizzle_follows_its_journal() {
    let journal = r#"{"version":"7","dialect":"postgresql","entries":[
        {"idx":1,"version":"7","when":2,"tag":"0001_late_hulk","breakpoints":true},
        {"idx":0,"version":"7","when":1,"tag":"0000_cool_thor","breakpoints":true}]}"#;
    let broken = format!("{TABLE}\n--> statement-breakpoint\n{CONCURRENTLY}");
    let history = open(&[
        ("drizzle/meta/_journal.json", journal),
        ("drizzle/0000_cool_thor.sql", TABLE),
        ("drizzle/0001_late_hulk.sql", &broken),
        ("drizzle/0002_left_behind.sql", TABLE),
    ]);
    assert_eq!((history.layout, history.folder.as_str()), (Layout::Drizzle, "drizzle"));
    assert_eq!(ids(&history), ["0000_cool_thor", "0001_late_hulk"]);
    assert_eq!(history.migrations[1].up.statements.len(), 2);
    assert_eq!(held(&history), [true, true], "what is due runs in one transaction");
    assert_eq!(skipped(&history), ["drizzle/0002_left_behind.sql"]);
    let wrong = try_open(&[("drizzle/meta/_journal.json", journal), ("drizzle/0000_cool_thor.sql", TABLE)]);
    assert!(wrong.expect_err("a file is missing").to_string().contains("0001_late_hulk.sql"));
}

#[test]
fn numbered_files_need_no_tool() {
    let history = open(&[
        ("sql/9_i.sql", TABLE),
        ("sql/10_j.sql", CONCURRENTLY),
        ("sql/10_j.down.sql", DROP),
        ("sql/down/9_i.sql", DROP),
        ("sql/helpers.sql", "SELECT 1;"),
    ]);
    assert_eq!((history.layout, history.folder.as_str()), (Layout::Plain, "sql"));
    assert_eq!(ids(&history), ["9_i", "10_j"]);
    assert_eq!(downs(&history), [true, true]);
    assert_eq!(skipped(&history), ["sql/helpers.sql"]);
}

#[rstest]
#[case(&[("src/queries.sql", "SELECT 1"), ("src/2.sql", "SELECT 1")])]
#[case(&[("report/1_a.sql", "SELECT 1"), ("report/2_b.sql", "SELECT 1")])]
#[case(&[(".git/migrations/1_a.up.sql", "SELECT 1")])]
fn other_folders_are_none(#[case] files: &[(&str, &str)]) {
    assert_eq!(layout::find(folder(files).path()).expect("it can be searched"), []);
}

#[rstest]
#[case(&[("m/1_a.up.sql", ""), ("m/01_b.up.sql", "")], "version 1 is there twice")]
#[case(&[("m/V1__a.sql", ""), ("m/V1.0__a.sql", ""), ("m/V1__b.sql", "")], "its version is there twice")]
#[case(&[("m/1_a.sql", "-- +goose Up\nSELECT 1;"), ("m/2_b.sql", "SELECT 1;")], "there is no `-- +goose Up`")]
#[case(&[("migrations/1_a.sql", "SELECT 1; \\i b.sql"), ("migrations/2_b.sql", "")], "psql command")]
#[case(&[("m/x/up.sql", ""), ("m/x/metadata.toml", "run_in_transaction =")], "invalid TOML")]
fn what_a_tool_refuses_is_refused(#[case] files: &[(&str, &str)], #[case] expected: &str) {
    let wrong = try_open(files).expect_err("it is refused").to_string();
    assert!(wrong.contains(expected), "{wrong}");
}

#[rstest]
#[case(None, None, &["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"])]
#[case(Some("11_m"), None, &["11", "12"])]
#[case(Some("4_"), Some("sql/5_m.sql"), &["4", "5"])]
#[case(None, Some("2_m"), &["2"])]
fn a_range_is_the_newest_or_what_is_asked_for(
    #[case] from: Option<&str>,
    #[case] to: Option<&str>,
    #[case] expected: &[&str],
) {
    let files: Vec<(String, &str)> = (1..=12).map(|n| (format!("sql/{n}_m.sql"), TABLE)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), *t)).collect();
    let history = open(&files);
    let range = MigrationRange { from: from.map(str::to_owned), to: to.map(str::to_owned) };
    let present = history.present(&range).expect("it is there");
    let numbers: Vec<&str> =
        history.migrations[present].iter().map(|m| m.id.trim_end_matches("_m")).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn a_table_that_is_created_on_the_way_has_no_rows() {
    let history = open(&[
        ("sql/1_a.sql", "CREATE TABLE a (x int);"),
        ("sql/2_b.sql", "CREATE TABLE b (x int); ALTER TABLE a ADD y int;"),
        ("sql/3_c.sql", "CREATE TABLE c (x int);"),
        ("sql/4_b.sql", "UPDATE public.b SET x = 1;"),
    ]);
    let present = history.present(&MigrationRange::default()).expect("it is there");
    assert_eq!(present, 2..4, "the second would leave the last without a row");
}

fn scenario(root: &Path, text: &str, range: MigrationRange) -> Scenario {
    let choose =
        |_: &History, own: MigrationRange| Ok(Chosen { range: range.clone().or(own), why: "why".into() });
    Scenario::from_text(root, text, Some(&choose)).unwrap_or_else(|wrong| panic!("{wrong}"))
}

const TENANCY: &str = "[tenancy]\ntenants = \"org\"\ncolumn = \"org_id\"\n";

#[test]
fn a_history_becomes_baseline_and_steps() {
    let root = folder(&[
        (
            "migrations/1_init.up.sql",
            "CREATE EXTENSION vector; CREATE TABLE org (id int); CREATE ROLE app LOGIN;",
        ),
        ("migrations/2_expand.up.sql", "ALTER TABLE t ADD org_id int;"),
        ("migrations/2_expand.down.sql", "ALTER TABLE t DROP org_id;"),
        ("migrations/3_fill.up.sql", "UPDATE t SET org_id = 1, seen = true; INSERT INTO org VALUES (1);"),
        (
            "migrations/4_contract.up.sql",
            "DO $$ BEGIN IF EXISTS (SELECT FROM t WHERE org_id IS NULL) THEN RAISE EXCEPTION 'no'; END IF; END $$;\n\
             ALTER TABLE t ALTER org_id SET NOT NULL;",
        ),
        ("extra/check.sql", "SELECT 1 WHERE false"),
        ("extra/old.sql", "SELECT 1"),
    ]);
    let text = format!(
        "{TENANCY}[database]\nextensions = [\"vector\"]\n[[roles.app]]\nname = \"app\"\n[migrations]\n\
         [[steps]]\nid = \"4_contract\"\ntimeout = 5\nrerunnable = true\n\
         [[steps]]\nid = \"count\"\ncheck = \"extra/check.sql\"\nafter = \"3_fill\"\n\
         [[steps]]\nid = \"by-hand\"\nbackfill = \"extra/old.sql\"\nafter = \"1_init\"\n\
         [[access]]\nname = \"a\"\nsql = \"SELECT 1\"\nfrom = \"1_init\"\nuntil = \"4_contract\"\n\
         [[access]]\nname = \"b\"\nsql = \"SELECT 1\"\nuntil = \"1_init\"\n"
    );
    let whole = scenario(root.path(), &text, MigrationRange::default());
    let baseline: Vec<(&str, usize)> =
        whole.databases[0].baseline.iter().map(|s| (s.path.as_str(), s.statements.len())).collect();
    assert_eq!(baseline, [("migrations/1_init.up.sql", 1), ("extra/old.sql", 1)]);
    let steps: Vec<(&str, StepKind)> = whole.steps.iter().map(|s| (s.id.as_str(), s.kind)).collect();
    let expected = [
        ("2_expand", StepKind::Migrate),
        ("3_fill", StepKind::Backfill),
        ("count", StepKind::Check),
        ("4_contract", StepKind::Migrate),
    ];
    assert_eq!(steps, expected);
    assert!(whole.steps[0].down.is_some());
    let writes: Vec<String> =
        whole.steps[1].writes.iter().map(|w| format!("{}.{:?}", w.table, w.column)).collect();
    assert_eq!(writes, ["t.Some(\"seen\")", "org.None"]);
    assert!(matches!(whole.steps[3].guard, Some(Guard::NullTenant)));
    assert_eq!(whole.steps[3].timeout_s, 5);
    assert!(whole.steps[3].rerunnable && !whole.steps[0].rerunnable);
    let names: Vec<&str> = whole.access.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["a"], "what earlier migrations retired is out of use");

    let later = MigrationRange { from: Some("4".to_owned()), to: None };
    let later = scenario(root.path(), &text, later);
    assert!(
        later.assumptions[0].contains("Of 4 migrations in migrations (golang-migrate), 1 is verified"),
        "{:?}",
        later.assumptions
    );
    assert_eq!(later.steps.len(), 1);
    assert_eq!(later.databases[0].baseline.len(), 4, "a check is no part of it");
}

#[rstest]
#[case("[migrations]\nfrom = \"9\"", "no migration is called so")]
#[case("[migrations]\nlayout = \"goose\"", "no migrations are found")]
#[case("[migrations]\n[[steps]]\nid = \"2_b\"\nmigrate = \"x.sql\"", "is a migration already")]
#[case(
    "[migrations]\n[[steps]]\nid = \"x\"\nmigrate = \"x.sql\"\nafter = \"7\"",
    "there is no migration or step `7`"
)]
fn mistakes_are_told(#[case] text: &str, #[case] expected: &str) {
    let root =
        folder(&[("migrations/1_a.up.sql", TABLE), ("migrations/2_b.up.sql", DROP), ("x.sql", "SELECT 1")]);
    let wrong = Scenario::from_text(root.path(), &format!("{TENANCY}{text}\n"), None);
    let wrong = wrong.expect_err("it is a mistake").to_string();
    assert!(wrong.contains(expected), "{wrong}");
}
