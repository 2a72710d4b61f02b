//! Seeds are contracts: the same scenario, seed and settings give the same report but for times.

use rstest::rstest;
use watertight_reports::Report;
use watertight_tests::{Folder, watertight};

/// Without what a run's surroundings may change, as text: a difference is then easy to read.
fn comparable(report: Report) -> String {
    report.without_times().to_json()
}

fn assert_same(one: &str, two: &str) {
    let first = one.lines().zip(two.lines()).enumerate().find(|(_, (a, b))| a != b);
    assert!(one == two, "the reports differ, first in line {first:#?}");
}

/// A scenario with findings of several kinds, generated keys, clocks and enums.
fn datahub(jobs: &str) -> Report {
    let only = "migration-applies,access-compatible,backfill-correct,guard-refuses,rollback-data";
    watertight!("verify", "datahub", "--provider", "embedded", "--seed", "7", "--cases", "16", "--only", only)
        .args(&["--jobs", jobs])
        .run()
        .expect(1)
        .report()
}

#[test]
fn two_runs_with_one_seed_give_the_same_report_whatever_the_number_of_workers() {
    assert_same(&comparable(datahub("1")), &comparable(datahub("2")));
}

/// Paths are sent by several invariants, each in cases of its own choosing.
#[test]
fn a_check_says_the_same_whoever_is_asked_beside_it() {
    let told = |only: &str| {
        let run = watertight!("verify", "dual-database", "--only", only).small(2).run().expect(1);
        let report = run.report().without_times();
        let checks = report.scenarios.into_iter().flat_map(|s| s.checks);
        let mut check = checks.into_iter().find(|c| c.invariant == "routing").unwrap();
        // Of the whole run it is told which paths could not be sent.
        check.not_exercised.clear();
        serde_json::to_string_pretty(&check).unwrap()
    };
    assert_same(&told("routing"), &told("routing,write-isolation,access-compatible,read-isolation"));
}

fn faulty() -> Folder {
    let folder = Folder::sound("clocks");
    let baseline = folder.read("baseline.sql")
        + "ALTER TABLE item ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();\n\
           ALTER TABLE item ADD COLUMN due date, ADD COLUMN price numeric(8,2), ADD COLUMN took interval;\n";
    folder.file("baseline.sql", baseline).and(
        "[[access]]\nname = 'add, as before'\nversion = 'old'\n\
         sql = 'INSERT INTO item (id, account_id, body, rank) VALUES (:id, :account, :body, 1)'\n\
         params = { id = 'uuid', account = 'account.id', body = 'text' }",
    )
}

#[rstest]
#[case::time_zone(&[("TZ", "Asia/Tokyo"), ("PGTZ", "Pacific/Auckland")])]
#[case::locale(&[("LC_ALL", "de_DE.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("LANGUAGE", "de"), ("PGCLIENTENCODING", "LATIN1")])]
#[case::dates(&[("PGDATESTYLE", "German, DMY"), ("PGGEQO", "off")])]
#[case::settings(&[(
    "PGOPTIONS",
    "-c search_path=nowhere -c statement_timeout=1 -c default_transaction_read_only=on -c datestyle=German",
)])]
#[case::libpq(&[("PGHOST", "nowhere.invalid"), ("PGPORT", "1"), ("PGUSER", "nobody"), ("PGDATABASE", "nothing"), ("PGSSLMODE", "require")])]
fn the_surroundings_of_a_run_do_not_show_in_its_report(#[case] variables: &[(&str, &str)]) {
    let folder = faulty();
    let run = || watertight!("verify", &folder).small(8);
    let plain = run().run().expect(1).report();
    let changed = variables.iter().fold(run(), |run, (name, value)| run.env(name, value));
    assert_same(&comparable(plain), &comparable(changed.run().expect(1).report()));
}
