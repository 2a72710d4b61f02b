//! Servers that are not there, not new enough, full, or killed; folders that cannot be written; two runs at once.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use sqlx::{ConnectOptions as _, PgConnection};
use watertight_reports::Verdict;
use watertight_tests::postgres::{belongings, column, execute, server, url};
use watertight_tests::{Folder, watertight};

#[rstest]
#[case::no_url(&["--provider", "existing"], "--database-url")]
#[case::nobody_there(&["--database-url", "postgres://u@127.0.0.1:1/"], "check host")]
#[case::no_such_url(&["--database-url", "mysql://u@127.0.0.1/"], "postgres://user")]
#[case::no_binaries(&["--provider", "embedded", "--postgres-bin", "/nonexistent"], "→")]
#[case::no_docker(&["--provider", "container"], "→")]
fn no_server_is_the_environments_fault_and_comes_with_a_remedy(
    #[case] arguments: &[&str],
    #[case] said: &str,
) {
    let ended = watertight!("verify", Folder::sound("nowhere"))
        .args(arguments)
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .run()
        .expect(3);
    assert!(ended.stderr.contains(said) && ended.stderr.contains('→'), "{ended}");
    assert!(ended.try_report().is_none_or(|r| r.verdict != Verdict::Held), "{ended}");
}

#[rstest]
#[case::too_old("postgres = \">=99\"", "needs PostgreSQL 99")]
#[case::extension_missing("extensions = [\"no_such_extension\"]", "no_such_extension")]
fn a_server_that_lacks_something_is_the_environments_fault(#[case] more: &str, #[case] said: &str) {
    let folder = Folder::sound("demanding").with("[database]", &format!("[database]\n{more}"));
    let ended = watertight!("verify", &folder).small(2).run().expect(3);
    assert!(ended.stderr.contains(said) && ended.stderr.contains('→'), "{ended}");
    assert_eq!(ended.report().verdict, Verdict::Inconclusive);
}

/// Two memory file systems that nobody else sees: one that a server does not choose, and the one that it gets.
const SMALL_DISK: &str = "mount -t tmpfs -o size=64m tmpfs /dev/shm; \
    mount -t tmpfs -o size=200m,mode=1777 tmpfs \"$TMPDIR\"";

/// A launcher with mounts of its own.
fn own_mounts() -> &'static [&'static str] {
    if nix::unistd::geteuid().is_root() {
        &["unshare", "--mount"]
    } else {
        &["unshare", "--mount", "--user", "--map-current-user", "--keep-caps"]
    }
}

#[rstest]
#[case::disk(
    SMALL_DISK,
    "CREATE TABLE large AS SELECT repeat('x', 1000) AS filler FROM generate_series(1, 1000000);",
    "53100"
)]
#[case::memory(
    "ulimit -v 3000000",
    "DO $$ DECLARE held text[]; BEGIN\n  FOR i IN 1..64 LOOP held := held || repeat('x', 100000000); END LOOP;\nEND $$;",
    "53200"
)]
fn a_server_that_runs_out_of_something_is_the_environments_fault(
    #[case] limit: &str,
    #[case] sql: &str,
    #[case] code: &str,
) {
    let launcher = if limit == SMALL_DISK { own_mounts() } else { &[] };
    let folder = Folder::sound("hungry").file("disk/empty", "");
    // The server may run as another user.
    std::fs::set_permissions(folder.outer(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let fill = format!("{}\n{sql}\n", folder.read("fill.sql"));
    let folder = folder.file("fill.sql", fill);
    let ended = watertight!("verify", &folder)
        .small(2)
        .after(limit, launcher)
        .env("TMPDIR", folder.path().join("disk"))
        .run()
        .expect(3);
    assert!(ended.stderr.contains(code) && ended.stderr.contains('→'), "{ended}");
    assert_eq!(ended.report().verdict, Verdict::Inconclusive);
}

#[test]
fn no_client_to_fetch_a_server_with_comes_with_a_remedy() {
    let nothing = Folder::new("nothing");
    let ended = watertight!("verify", Folder::sound("nowhere"), "--provider", "embedded", "--cases", "2")
        .arg("--cache-dir")
        .arg(nothing.path())
        .env("PATH", nothing.path())
        .run();
    if ended.code == 0 && std::env::var("CI").is_err() {
        eprintln!("passed over: this machine has a complete PostgreSQL and fetches none");
        return;
    }
    let ended = ended.expect(3);
    assert!(ended.stderr.contains("pip") && ended.stderr.contains('→'), "{ended}");
}

#[rstest]
#[case::no_pgvector("17.2", "has no pgvector")]
#[case::too_old("14.20", "is older than 15")]
fn installed_binaries_that_do_not_do_are_refused_by_name(#[case] version: &str, #[case] said: &str) {
    let folder = Folder::sound("lacking");
    for program in ["postgres", "initdb"] {
        let path = folder.path().join(program);
        std::fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ended = watertight!("verify", &folder, "--provider", "embedded", "--postgres-bin")
        .arg(folder.path())
        .run()
        .expect(3);
    assert!(ended.stderr.contains(said) && ended.stderr.contains('→'), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_the_environments_fault() {
    let host = server().await;
    let mut held: Vec<PgConnection> = Vec::new();
    while let Ok(connection) = host.admin_options("postgres").connect().await {
        held.push(connection);
        assert!(held.len() < 1000, "the server has no limit");
    }
    let arguments = ["--provider", "existing", "--database-url", &url(&host, "pw"), "--cases", "2"];
    let ended = watertight!("verify", Folder::sound("crowded")).args(&arguments).run().expect(3);
    assert!(ended.stderr.contains("too many"), "{ended}");
    drop(held);
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_run_out_in_the_middle_are_the_environments_fault() {
    let host = server().await;
    let folder = Folder::sound("crowded");
    let run = watertight!("verify", &folder).args(&[
        "--provider",
        "existing",
        "--database-url",
        &url(&host, "pw"),
        "--cases",
        "100000",
        "--jobs",
        "1",
    ]);
    let running = run.start();
    let sql = "SELECT datname::text FROM pg_stat_activity WHERE datname LIKE '%case'";
    while column(&host, "postgres", sql).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut held: Vec<PgConnection> = Vec::new();
    while let Ok(connection) = host.admin_options("postgres").connect().await {
        held.push(connection);
    }
    let ended = running.wait().expect(3);
    drop(held);
    // In the words of whichever connection was the first to be refused.
    assert!(ended.stderr.contains("53300") || ended.stderr.contains("too many"), "{ended}");
    assert!(ended.try_report().is_none_or(|r| r.verdict == Verdict::Inconclusive), "{ended}");
    host.stop().await.unwrap();
}

#[test]
fn a_server_that_is_killed_is_neither_pass_nor_violation() {
    let folder = Folder::sound("killed");
    let mut running = watertight!("verify", &folder).small(100_000).start();
    // Not its supervisor, whose arguments are the server's command line.
    let is_server = |line: &str| line.split(' ').next().is_some_and(|program| program.ends_with("/postgres"));
    running.until("a session plays a case", |r| {
        r.descendants().iter().any(|(_, line)| line.starts_with("postgres:") && line.contains("case"))
    });
    let (pid, _) = running.descendants().into_iter().find(|(_, line)| is_server(line)).unwrap();
    assert!(pid > 1);
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let ended = running.wait().expect(3);
    let report = ended.report();
    assert!(report.incomplete.is_some() && report.verdict == Verdict::Inconclusive, "{ended}");
    assert!(report.scenarios.is_empty(), "{ended}");
}

#[test]
fn a_report_that_cannot_be_written_is_no_pass() {
    let folder = Folder::sound("unwritable").file("taken", "a file");
    let taken = folder.path().join("taken");
    for out in [taken.clone(), taken.join("below"), "/proc/nowhere".into(), "/dev/null".into()] {
        let ended =
            watertight!("verify", &folder, "--only", "backfill-complete").small(2).out(&out).run().expect(3);
        assert!(ended.stderr.contains("cannot be written") && ended.stderr.contains("--out"), "{ended}");
    }
    assert_eq!(folder.read("taken"), "a file");
}

#[test]
fn files_appear_whole_and_nothing_else_appears() {
    let ended =
        watertight!("verify", Folder::sound("files"), "--only", "backfill-complete").small(8).run().expect(0);
    let mut names: Vec<String> = std::fs::read_dir(&ended.out)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["files.md", "report.json", "report.md"]);
    let folder = Folder::sound("files");
    let json = watertight!("verify", &folder, "--only", "backfill-complete", "--format", "json")
        .small(8)
        .run()
        .expect(0);
    assert_eq!(std::fs::read_dir(&json.out).unwrap().count(), 1);
}

#[test]
fn two_runs_at_once_both_pass() {
    let folder = Folder::sound("twin");
    let runs: Vec<_> = (0..2).map(|_| watertight!("verify", &folder).small(8).start()).collect();
    for run in runs {
        let _ = run.wait().expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_on_one_server_both_pass() {
    let host = server().await;
    let before = belongings(&host).await;
    let (folder, address) = (Folder::sound("twin"), url(&host, "pw"));
    let arguments = ["--provider", "existing", "--database-url", &address, "--cases", "8"];
    let runs: Vec<_> = (0..2).map(|_| watertight!("verify", &folder).args(&arguments).start()).collect();
    for run in runs {
        let _ = run.wait().expect(0);
    }
    let after: Vec<_> = belongings(&host).await.into_iter().filter(|l| l != "database watertight").collect();
    assert_eq!(after, before);
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_the_scenario_that_is_somebody_elses_is_not_taken() {
    let host = server().await;
    execute(&host, "postgres", "CREATE ROLE app LOGIN").await;
    let before = belongings(&host).await;
    let arguments = ["--provider", "existing", "--database-url", &url(&host, "pw"), "--cases", "4"];
    let ended = watertight!("verify", Folder::sound("taken")).args(&arguments).run().expect(3);
    assert!(ended.stderr.contains("app"), "{ended}");
    let after: Vec<_> = belongings(&host).await.into_iter().filter(|l| l != "database watertight").collect();
    assert_eq!(after, before);
    host.stop().await.unwrap();
}

#[test]
fn doctor_says_what_can_be_used() {
    let ended = watertight!("doctor", "--provider", "embedded").run().expect(0);
    for provider in ["container", "embedded", "existing"] {
        assert!(ended.stdout.contains(provider), "{ended}");
    }
}
