//! Ctrl-c, SIGTERM and SIGKILL leave no server, database or role behind.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::postgres::{belongings, column, server, url};
use watertight_tests::run::Running;
use watertight_tests::{Folder, watertight};

/// A run that would go on for hours, in the middle of its cases.
fn busy(folder: &Folder) -> Running {
    let mut running = watertight!("verify", folder).small(1_000_000).start();
    running.until("a session plays a case", |r| {
        r.descendants().iter().any(|(_, line)| line.starts_with("postgres:") && line.contains("case"))
    });
    assert!(!running.has_ended());
    running
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "still not so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_gone(pid: i32) -> bool {
    // A process that nobody has waited for yet is gone all the same.
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.map_or(true, |s| s.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

#[rstest]
#[case::ctrl_c(Signal::SIGINT, 130)]
#[case::terminated(Signal::SIGTERM, 143)]
fn an_interrupted_run_says_so_and_leaves_nothing(#[case] signal: Signal, #[case] code: i32) {
    let mut running = busy(&Folder::sound("interrupted"));
    let servers = running.descendants();
    // Time for a few cases.
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    running.signal(signal);
    let ended = running.wait().expect(code);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let report = ended.report();
    assert!(report.incomplete.is_some() && report.verdict == Verdict::Inconclusive, "{ended}");
    // What is known: the cases that were played, and of a sound scenario nothing that is violated.
    let scenario = ended.scenario();
    assert!(scenario.data.cases > 0 && scenario.verdict == Verdict::Inconclusive, "{ended}");
    eventually("the server is gone", || servers.iter().all(|(pid, _)| is_gone(*pid)));
}

#[test]
fn a_second_ctrl_c_ends_a_run_that_hangs_at_once() {
    let folder = Folder::sound("hangs");
    let expand = folder.read("expand.sql") + "SELECT pg_sleep(3600) FROM item LIMIT 1;";
    let folder = folder
        .file("expand.sql", expand)
        .with("migrate = \"expand.sql\"", "migrate = \"expand.sql\"\ntimeout = \"1h\"");
    let mut running = watertight!("verify", &folder).small(1_000).start();
    running.until("a session plays a case", |r| {
        r.descendants().iter().any(|(_, line)| line.starts_with("postgres:") && line.contains("case"))
    });
    // The first cases have no rows; those after them sleep.
    std::thread::sleep(Duration::from_secs(2));
    assert!(!running.has_ended());
    let servers = running.descendants();
    running.signal(Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    running.signal(Signal::SIGINT);
    let _ = running.wait().expect(130);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    eventually("the server is gone", || servers.iter().all(|(pid, _)| is_gone(*pid)));
}

#[test]
fn a_killed_run_takes_its_server_along() {
    let mut running = busy(&Folder::sound("killed"));
    let servers = running.descendants();
    assert!(!servers.is_empty());
    running.signal(Signal::SIGKILL);
    let _ = running.wait().expect(137);
    eventually("the server is gone", || servers.iter().all(|(pid, _)| is_gone(*pid)));
}

#[rstest]
#[case::ctrl_c(Signal::SIGINT, 130)]
#[case::killed(Signal::SIGKILL, 137)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_leaves_on_an_existing_server_is_gone_after_the_next_one(
    #[case] signal: Signal,
    #[case] code: i32,
) {
    let host = server().await;
    let before = belongings(&host).await;
    let (folder, address) = (Folder::sound("left"), url(&host, "pw"));
    let arguments = ["--provider", "existing", "--database-url", &address];
    let mut running = watertight!("verify", &folder).args(&arguments).args(&["--cases", "1000000"]).start();
    let sql = "SELECT datname::text FROM pg_stat_activity WHERE datname LIKE '%case'";
    while column(&host, "postgres", sql).await.is_empty() {
        assert!(!running.has_ended());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.signal(signal);
    let _ = running.wait().expect(code);
    let left = belongings(&host).await.len() - before.len();
    if signal == Signal::SIGKILL {
        assert!(left > 1, "a killed run cannot clean up");
    } else {
        assert!(left <= 1, "only the registry stays: {:?}", belongings(&host).await);
    }
    let _ = watertight!("verify", &folder).args(&arguments).args(&["--cases", "8"]).run().expect(0);
    let after: Vec<_> = belongings(&host).await.into_iter().filter(|l| l != "database watertight").collect();
    assert_eq!(after, before);
    host.stop().await.unwrap();
}
