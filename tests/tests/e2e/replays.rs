//! Failures as files: kept, played again, mended, removed.

use std::path::{Path, PathBuf};

use rstest::rstest;
use watertight_reports::{KnownOutcome, Report, Verdict};
use watertight_tests::postgres::{execute, psql, server};
use watertight_tests::run::{check, verdict};
use watertight_tests::{Ended, Folder, Watertight, watertight};

/// A backfill that leaves out what is of low rank.
fn forgetful() -> Folder {
    let folder = Folder::sound("forgetful");
    let fill =
        folder.read("fill.sql").replacen("i.tenant_id IS NULL", "i.tenant_id IS NULL AND i.rank > 5", 1);
    folder.file("fill.sql", fill)
}

const ONLY: [&str; 2] = ["--only", "backfill-complete,migration-applies,access-compatible"];

fn verify(folder: &Folder) -> Watertight {
    verify_other(folder, "1", "12")
}

fn verify_other(folder: &Folder, seed: &str, cases: &str) -> Watertight {
    let known = folder.path().join(".watertight/failures");
    let run = watertight!("verify", folder, "--provider", "embedded", "--seed", seed, "--cases", cases);
    run.args(&ONLY).arg("--failures").arg(known)
}

fn files(folder: &Folder, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.path().join(".watertight/failures"));
    let mut paths: Vec<PathBuf> = entries.into_iter().flatten().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == extension));
    paths.sort();
    paths
}

fn file_of(folder: &Folder, report: &Report, invariant: &str) -> PathBuf {
    let found = &check(&report.scenarios[0], invariant).outcome.findings()[0];
    folder.path().join(format!(".watertight/failures/{}.json", found.id))
}

fn replay(file: &Path) -> Watertight {
    watertight!("replay", file, "--provider", "embedded")
}

fn mend(folder: Folder) -> Folder {
    let fill = folder.read("fill.sql").replace(" AND i.rank > 5", "");
    folder.file("fill.sql", fill)
}

#[test]
fn a_failure_is_replayed_the_same_each_time_until_it_is_mended() {
    let folder = forgetful();
    let first = verify(&folder).run().expect(1);
    let report = first.report();
    assert_eq!(verdict(&report.scenarios[0], "backfill-complete"), Verdict::Violated, "{first}");
    let found = check(&report.scenarios[0], "backfill-complete").outcome.findings();
    let counterexample = found[0].counterexample.as_ref().unwrap();
    assert!(counterexample.rows <= 4, "{first}");
    let file = file_of(&folder, &report, "backfill-complete");
    assert!(counterexample.replay.as_ref().unwrap().ends_with(&format!("{}.json", found[0].id)), "{first}");
    assert_eq!(files(&folder, "json").len(), files(&folder, "sql").len());
    let before = std::fs::read(&file).unwrap();

    // The same each time, by file.
    let replays: Vec<Ended> = (0..10).map(|_| replay(&file).run().expect(1)).collect();
    assert!(replays[0].stdout.starts_with("FAILED"), "{}", replays[0]);
    assert!(replays[0].stdout.contains("NULL"), "{}", replays[0]);
    for again in &replays {
        assert_eq!(again.stdout, replays[0].stdout);
        assert!(!again.stdout.lines().any(|l| l.starts_with(['+', '-'])), "{again}");
    }

    // Another seed finds the same defect, starts from what is known, and leaves the file alone.
    let second = verify_other(&folder, "99", "12").run().expect(1);
    assert_eq!(std::fs::read(&file).unwrap(), before, "{second}");
    let known = &second.scenario().evidence.known;
    assert!(known.iter().all(|k| k.outcome == KnownOutcome::Failed) && !known.is_empty(), "{known:?}");

    // Mended, it is fixed; the file goes when that is asked for.
    let folder = mend(folder);
    let fixed = replay(&file).run().expect(0);
    assert!(fixed.stdout.starts_with("FIXED"), "{fixed}");
    assert!(fixed.stdout.lines().any(|l| l.starts_with('-')), "{fixed}");
    let told = verify(&folder).run().expect(0);
    assert!(told.stdout.contains("fixed") && told.stdout.contains("--prune-fixed"), "{told}");
    assert!(file.exists());
    let pruned = verify(&folder).arg("--prune-fixed").run().expect(0);
    assert!(pruned.stdout.contains("removed"), "{pruned}");
    assert_eq!(files(&folder, "json").len() + files(&folder, "sql").len(), 0, "{pruned}");
}

#[test]
fn a_known_failure_is_found_by_a_run_whose_own_cases_do_not_show_it() {
    let folder = forgetful();
    let report = verify(&folder).run().expect(1).report();
    let file = file_of(&folder, &report, "backfill-complete");
    // One case: no rows at all.
    let ended = verify_other(&folder, "1", "1").run().expect(1);
    let scenario = ended.scenario();
    assert_eq!(verdict(&scenario, "backfill-complete"), Verdict::Violated, "{ended}");
    assert!(file.exists());
}

#[rstest]
#[case::step("id = \"fill\"", "id = \"filled\"", "no step `fill`")]
#[case::schema("tenants = \"tenant\"", "tenants = \"tenant\"\nshared = [\"item\", \"note\"]", "any more")]
fn a_failure_whose_subject_is_gone_cannot_be_run_and_is_no_pass(
    #[case] old: &str,
    #[case] new: &str,
    #[case] why: &str,
) {
    let folder = forgetful();
    let report = verify(&folder).run().expect(1).report();
    let file = file_of(&folder, &report, "backfill-complete");
    let mut text = folder.read("scenario.toml").replace(old, new);
    text = text.replace("from = \"fill\"", "from = \"contract\"");
    let folder = mend(folder).file("scenario.toml", text);
    let ended = replay(&file).run().expect(4);
    assert!(ended.stdout.starts_with("CANNOT RUN") && ended.stdout.contains(why), "{ended}");
    let ended = verify(&folder).run().expect(4);
    assert!(ended.stderr.contains("cannot be run"), "{ended}");
    assert_eq!(ended.report().verdict, Verdict::Inconclusive);
}

#[rstest]
#[case::damaged("{\"format\": 1, \"id\": \"01", ":1:")]
#[case::no_json("not a failure", "not a failure that watertight wrote")]
#[case::foreign("{\"format\": 999, \"tool\": \"77.0.0\"}", "77.0.0")]
fn a_damaged_or_foreign_file_is_refused_and_explained(#[case] text: &str, #[case] why: &str) {
    let folder = Folder::sound("damaged").file(".watertight/failures/0123456789.json", text);
    let file = folder.path().join(".watertight/failures/0123456789.json");
    for run in [replay(&file), verify(&folder)] {
        let ended = run.run().expect(2);
        assert!(ended.stderr.contains("0123456789.json") && ended.stderr.contains(why), "{ended}");
        assert!(ended.stderr.contains('→') && !ended.stderr.contains("using PostgreSQL"), "{ended}");
    }
}

#[test]
fn a_failure_that_is_nowhere_is_a_usage_error() {
    let ended = watertight!("replay", "0000000000", "--provider", "embedded").run().expect(2);
    assert!(ended.stderr.contains("0000000000") && ended.stderr.contains("--failures"), "{ended}");
}

#[test]
fn step_and_psql_walk_to_the_failing_state() {
    let folder = forgetful();
    let report = verify(&folder).run().expect(1).report();
    let file = file_of(&folder, &report, "backfill-complete");
    // Without a terminal the way in is printed; the input is at its end at once.
    let ended = replay(&file).args(&["--step", "--psql"]).run().expect(1);
    for line in ["the data → ", "migrator: expand.sql", "migrator: fill.sql", "connect: psql -h", "SET ROLE"]
    {
        assert!(ended.stdout.contains(line), "{line}: {ended}");
    }
}

#[test]
fn on_a_terminal_each_step_waits_and_psql_opens_where_it_fails() {
    if std::process::Command::new("psql").arg("--version").output().is_err() {
        assert!(std::env::var("CI").is_err(), "CI has to have psql");
        return;
    }
    let folder = forgetful();
    let report = verify(&folder).run().expect(1).report();
    let file = file_of(&folder, &report, "backfill-complete");
    let mut run = replay(&file).args(&["--step", "--psql"]).on_terminal();
    // The data, expand, the backfill, and what is looked at: nothing goes on before Enter.
    for step in 1..=4 {
        run.until_shown("[Enter] goes on", step);
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert_eq!(run.screen().matches("[Enter] goes on").count(), step, "{}", run.screen());
        assert!(!run.has_ended(), "{}", run.screen());
        run.type_line("");
    }
    run.until_shown("=>", 1);
    run.type_line(
        "SELECT 'role ' || current_user, count(*) || ' left out' FROM item WHERE tenant_id IS NULL;",
    );
    run.until_shown("1 left out", 1);
    run.type_line("\\q");
    let (code, screen) = run.wait();
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("role ") && screen.contains("migrator"), "{screen}");
    assert!(screen.contains("FAILED"), "{screen}");
}

#[tokio::test]
async fn the_script_beside_a_failure_shows_it_in_psql_alone() {
    let folder = forgetful();
    let report = verify(&folder).run().expect(1).report();
    let script = file_of(&folder, &report, "backfill-complete").with_extension("sql");
    let host = server().await;
    execute(&host, "postgres", "CREATE DATABASE empty TEMPLATE template0").await;
    if let Some(said) = psql(&host, "empty", &script) {
        assert!(!said.contains("ERROR"), "{said}");
        let left = watertight_tests::postgres::column(
            &host,
            "empty",
            "SELECT count(*)::text FROM item WHERE tenant_id IS NULL",
        );
        assert_eq!(left.await, ["1"], "{said}");
    }
    host.stop().await.unwrap();
}

#[test]
fn a_violation_that_does_not_show_again_is_undecided_with_both_transcripts() {
    let folder = Folder::sound("moody");
    // Transaction numbers go up: the first cases fail, and nothing after them does.
    let baseline = folder.read("baseline.sql")
        + "CREATE TABLE era (began bigint NOT NULL);\nINSERT INTO era SELECT pg_current_xact_id()::text::bigint;\n";
    let fill = folder.read("fill.sql").replacen(
        "i.tenant_id IS NULL",
        "i.tenant_id IS NULL AND (SELECT pg_current_xact_id()::text::bigint > began + 600 FROM era)",
        1,
    );
    let folder = folder.file("baseline.sql", baseline).file("fill.sql", fill);
    let folder = folder.with("column = \"tenant_id\"", "column = \"tenant_id\"\nshared = [\"era\"]");
    let ended = watertight!("verify", &folder, "--only", "backfill-complete").small(24).run().expect(4);
    let scenario = ended.scenario();
    assert_eq!(verdict(&scenario, "backfill-complete"), Verdict::Inconclusive, "{ended}");
    let flaky = &scenario.evidence.flaky;
    assert!(!flaky.is_empty(), "{ended}");
    for one in flaky {
        assert!(one.first.iter().any(|l| l.contains("fill.sql")), "{one:?}");
        assert!(one.second.iter().any(|l| l.contains("fill.sql")), "{one:?}");
        assert_ne!(one.first, one.second);
    }
}

#[test]
fn a_scenario_that_is_edited_during_its_run_is_no_pass() {
    let folder = Folder::sound("edited");
    let mut running = watertight!("verify", &folder).small(48).start();
    running.until("a server runs", |run| run.descendants().iter().any(|(_, line)| line.contains("postgres")));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let fill = folder.read("fill.sql") + "\n-- one more line\n";
    std::fs::write(folder.path().join("fill.sql"), fill).unwrap();
    let ended = running.wait().expect(4);
    assert!(ended.stderr.contains("changed during the run"), "{ended}");
    let report = ended.report();
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(report.incomplete.is_some_and(|why| why.contains("changed")), "{ended}");
}
