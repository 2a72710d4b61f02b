//! Steps that hang, never end, let nothing through, or say too much.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rstest::rstest;
use sqlx::ConnectOptions as _;
use watertight_reports::{CheckOutcome, Verdict};
use watertight_tests::postgres::{column, server, url};
use watertight_tests::run::{check, findings, verdict};
use watertight_tests::{Folder, watertight};

#[rstest]
#[case::hangs("SELECT pg_sleep(3600);")]
#[case::switches_the_timeout_off(
    "SET statement_timeout = 0;\nSET LOCAL statement_timeout = 0;\nSELECT pg_sleep(3600);"
)]
#[case::catches_the_cancellation(
    "DO $$ BEGIN\n  BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(3600); END;\nEND $$;"
)]
fn a_migration_that_hangs_is_ended_from_outside_and_decides_nothing(#[case] sql: &str) {
    let folder = Folder::sound("hangs");
    let expand = format!("{}\n{sql}\n", folder.read("expand.sql"));
    let folder = folder
        .file("expand.sql", expand)
        .with("migrate = \"expand.sql\"", "migrate = \"expand.sql\"\ntimeout = 1");
    let begun = Instant::now();
    let ended = watertight!("verify", &folder, "--only", "migration-applies").small(2).run().expect(4);
    assert!(begun.elapsed() < Duration::from_secs(90), "{:?}: {ended}", begun.elapsed());
    let scenario = ended.scenario();
    let CheckOutcome::Inconclusive { reason } = &check(&scenario, "migration-applies").outcome else {
        panic!("{ended}")
    };
    assert!(reason.contains("watchdog"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_a_lock_is_ended_and_decides_nothing() {
    let host = server().await;
    let folder =
        Folder::sound("waits").with("migrate = \"expand.sql\"", "migrate = \"expand.sql\"\ntimeout = 1");
    let arguments =
        ["--provider", "existing", "--cases", "300", "--jobs", "1", "--only", "migration-applies"];
    let running = watertight!("verify", &folder)
        .args(&arguments)
        .env("WATERTIGHT_DATABASE_URL", url(&host, "pw"))
        .start();
    // Somebody reads in every database for long: rows can be loaded meanwhile, and the table not altered.
    let mut readers = BTreeMap::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        let playing = "SELECT DISTINCT datname::text FROM pg_stat_activity WHERE datname LIKE '%case'";
        for database in column(&host, "postgres", playing).await {
            let options = host.admin_options(&database);
            readers.entry(database).or_insert_with(|| {
                tokio::spawn(async move {
                    // A database that is dropped takes its reader along.
                    let Ok(mut reader) = options.connect().await else { return };
                    let lock = "BEGIN; LOCK TABLE item IN ACCESS SHARE MODE; SELECT pg_sleep(3600)";
                    let _ = sqlx::raw_sql(lock).execute(&mut reader).await;
                })
            });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for reader in readers.into_values() {
        reader.abort();
    }
    let let_go =
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)'";
    column(&host, "postgres", let_go).await;
    let ended = running.wait().expect(4);
    let scenario = ended.scenario();
    let CheckOutcome::Inconclusive { reason } = &check(&scenario, "migration-applies").outcome else {
        panic!("{ended}")
    };
    assert!(reason.contains("watchdog"), "{ended}");
    host.stop().await.unwrap();
}

#[test]
fn a_backfill_that_never_ends_is_violated() {
    // Each round works on what is to be done and brings none of it nearer to its end.
    let fill = "DO $$ BEGIN
  WHILE EXISTS (SELECT FROM item WHERE tenant_id IS NULL) LOOP
    UPDATE item SET body = body WHERE tenant_id IS NULL;
  END LOOP;
END $$;";
    let folder = Folder::sound("endless").file("fill.sql", fill);
    let folder = folder.with("backfill = \"fill.sql\"", "backfill = \"fill.sql\"\ntimeout = 1");
    let ended = watertight!("verify", &folder, "--only", "migration-applies").small(3).run().expect(1);
    let scenario = ended.scenario();
    let found = findings(&scenario, "migration-applies");
    assert!(
        found.iter().any(|f| f.step.as_deref() == Some("fill") && f.title.contains("does not end")),
        "{ended}"
    );
}

/// Resident memory that no run of these needs.
const MEMORY_MAX_KB: u64 = 400_000;

#[rstest]
#[case::rows("SELECT repeat('x', 4000) FROM generate_series(1, 200000);")]
#[case::small_rows("SELECT FROM generate_series(1, 3000000);")]
#[case::notices(
    "SET client_min_messages = debug5;\n\
     DO $$ BEGIN FOR i IN 1..100000 LOOP RAISE WARNING '%', repeat('x', 4000); END LOOP; END $$;"
)]
fn a_flood_of_rows_or_notices_leaves_memory_flat(#[case] sql: &str) {
    let folder = Folder::sound("flood");
    let fill = format!("{}\n{sql}\n", folder.read("fill.sql"));
    let folder = folder.file("fill.sql", fill);
    let run = watertight!("verify", &folder, "--only", "backfill-complete", "--provider", "embedded")
        .args(&["--cases", "3", "--jobs", "1"]);
    let mut running = run.start();
    let mut peak_kb = 0;
    while !running.has_ended() {
        peak_kb = peak_kb.max(running.memory_peak_kb().unwrap_or_default());
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = running.wait().expect(0);
    assert_eq!(verdict(&ended.scenario(), "backfill-complete"), Verdict::Held, "{ended}");
    assert!(peak_kb < MEMORY_MAX_KB, "{peak_kb} kB");
}

#[test]
fn a_guard_that_lets_nothing_through_is_not_taken_for_one_that_does_its_duty() {
    let folder = Folder::sound("never");
    let contract = folder.read("contract.sql");
    let guard = "IF EXISTS (SELECT FROM item WHERE tenant_id IS NULL) OR EXISTS (SELECT FROM note WHERE tenant_id IS NULL)";
    assert!(contract.contains(guard));
    let folder = folder.file("contract.sql", contract.replace(guard, "IF EXISTS (SELECT FROM item)"));
    let ended = watertight!("verify", folder, "--only", "guard-refuses").small(16).run().expect(4);
    let report = ended.scenario();
    let check = report.checks.iter().find(|c| c.invariant == "guard-refuses").unwrap();
    let CheckOutcome::Inconclusive { reason } = &check.outcome else { panic!("{ended}") };
    assert!(reason.contains("nothing passes, complete data neither"), "{reason}");
}
