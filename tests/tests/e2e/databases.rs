//! Several databases in one scenario, on one server and on two.

use std::collections::BTreeSet;

use watertight_reports::{Finding, ScenarioReport, Verdict};
use watertight_tests::postgres::{execute, psql_of, server};
use watertight_tests::run::{disagreements, findings};
use watertight_tests::{Folder, watertight};

/// The second database stands on a server of its own.
const APART: (&str, &str) = ("[databases.store]\n", "[databases.store]\nserver = \"another\"\n");

/// Both paths of the new application stay where they were.
fn misrouted(name: &str) -> Folder {
    let old = "from = \"copy\"\ndatabase = \"store\"";
    let new = "from = \"copy\"\ndatabase = \"main\"";
    Folder::copied(name).with(old, new).with(old, new)
}

/// What a finding says, and the script that shows it.
fn told(scenario: &ScenarioReport) -> Vec<[&str; 3]> {
    let findings = scenario.checks.iter().flat_map(|c| c.outcome.findings());
    findings.map(|f| [&*f.title, &*f.message, f.counterexample.as_ref().map_or("", |c| &c.sql)]).collect()
}

#[test]
fn two_databases_on_two_servers_hold_as_on_one() {
    let folder = Folder::copied("apart").with(APART.0, APART.1);
    let mut running = watertight!("verify", &folder).small(16).start();
    let servers = std::cell::RefCell::new(BTreeSet::new());
    running.until("two servers are there", |run| {
        let lines = run.descendants().into_iter().map(|(_, line)| line);
        // A server's own processes have its command line until they have names.
        servers.borrow_mut().extend(lines.filter(|line| line.contains("/postgres -D ")));
        servers.borrow().len() == 2
    });
    assert_eq!(servers.take().len(), 2);
    let ended = running.wait().expect(0);
    let scenario = ended.scenario();
    assert_eq!(scenario.verdict, Verdict::Held);
    let stated = watertight_scenarios::Scenario::load(folder.path()).unwrap();
    assert_eq!(disagreements(&stated, &scenario), Vec::<String>::new(), "{ended}");
}

#[tokio::test]
async fn what_is_found_on_two_servers_is_found_on_one_and_psql_replays_it_on_two() {
    let only = ["--only", "routing,copy-complete"];
    let apart =
        watertight!("verify", misrouted("misrouted").with(APART.0, APART.1)).args(&only).small(8).run();
    let ended = watertight!("verify", misrouted("misrouted")).args(&only).small(8).run().expect(1);
    let (one, two) = (ended.scenario(), apart.expect(1).scenario());
    assert_eq!(told(&one), told(&two));
    let found: &[Finding] = findings(&one, "routing");
    assert_eq!(found.len(), 2, "{ended}");

    let (main, store) = (server().await, server().await);
    for (n, finding) in found.iter().enumerate() {
        let smallest = finding.counterexample.as_ref().unwrap();
        assert!(smallest.tenants == 1 && smallest.rows <= 3, "{}: {} rows", finding.title, smallest.rows);
        let file = ended.file(smallest.file.as_ref().unwrap());
        let database = format!("empty_{n}");
        for (host, part) in [(&main, "main"), (&store, "store")] {
            execute(host, "postgres", &format!("CREATE DATABASE {database} TEMPLATE template0")).await;
            let Some(said) = psql_of(host, &database, Some(part), &file) else { continue };
            assert!(!said.contains("ERROR:"), "{}: {said}", finding.title);
        }
        // What was written to one is not in the other.
        let counts = "SELECT count(*)::text FROM item";
        let on = async |host| watertight_tests::postgres::column(host, &database, counts).await;
        let (source, target) = (on(&main).await, on(&store).await);
        assert_ne!(source, target, "{}", finding.title);
    }
    main.stop().await.unwrap();
    store.stop().await.unwrap();
}

#[test]
fn a_copy_without_tables_takes_what_both_have_and_says_which() {
    let ended =
        watertight!("verify", Folder::copied("all"), "--only", "copy-complete").small(8).run().expect(0);
    let scenario = ended.scenario();
    let copy = scenario.steps.iter().find(|s| s.kind == "copy").unwrap();
    let copied: Vec<_> = copy.copied.iter().map(|c| (c.table.as_str(), c.equal)).collect();
    assert_eq!(copied, [("account", Some(true)), ("item", Some(true))]);
    assert!(copy.copied.iter().all(|c| c.source_rows == c.target_rows && c.source_rows > 0), "{copy:?}");
}
