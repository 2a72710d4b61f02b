//! The main job: the Data Hub migration, documented and mended.

use rstest::rstest;
use watertight_reports::{Finding, ScenarioReport, Severity, Verdict};
use watertight_scenarios::catalog;
use watertight_tests::postgres::{execute, psql, server};
use watertight_tests::run::{check, disagreements, findings, verdict};
use watertight_tests::watertight;

fn find<'a>(scenario: &'a ScenarioReport, invariant: &str, words: &[&str]) -> &'a Finding {
    let all = findings(scenario, invariant);
    let found = all.iter().find(|f| words.iter().all(|w| f.title.contains(w) || f.message.contains(w)));
    found.unwrap_or_else(|| panic!("{invariant} says nothing of {words:?}: {all:#?}"))
}

/// What psql has to say when it runs a finding's script.
fn symptom(finding: &Finding) -> &'static str {
    for state in ["23502", "23505", "P0001"] {
        if finding.message.contains(state) {
            return state;
        }
    }
    ""
}

#[tokio::test]
async fn datahub_is_violated_where_it_is_known_to_be_and_each_counterexample_replays_in_psql() {
    let ended = watertight!("verify", "datahub").small(24).run().expect(1);
    let scenario = ended.scenario();
    let wrong = disagreements(&catalog::load("datahub").unwrap(), &scenario);
    assert!(wrong.is_empty(), "{wrong:#?}\n{ended}");

    let assistant = find(&scenario, "access-compatible", &["POST /api/chat: assistant message"]);
    assert_eq!(
        (assistant.severity, assistant.step.as_deref()),
        (Severity::Critical, Some("contract")),
        "{ended}"
    );
    assert!(
        assistant.message.contains("23502") && assistant.message.contains("workspaceId"),
        "{assistant:#?}"
    );
    assert_eq!(assistant.file.as_deref(), Some("app/api/chat/route.ts"));
    assert_eq!(assistant.line, Some(284));

    for seed in ["seed: connection", "seed: daily metrics", "seed: insight"] {
        let finding = find(&scenario, "access-compatible", &[seed]);
        assert_eq!((finding.severity, finding.step.as_deref()), (Severity::Low, Some("contract")), "{ended}");
    }

    let collision = find(&scenario, "migration-applies", &["Connection_workspaceId_provider_key"]);
    assert_eq!(collision.step.as_deref(), Some("fill"), "{ended}");
    assert_eq!(collision.file.as_deref(), Some("scripts/backfill-datahub-workspace.sql"));
    assert!(collision.message.contains("23505"), "{collision:#?}");

    // A user in two workspaces, and rows that the old application writes between the fill and the last migration.
    find(&scenario, "backfill-correct", &["Connection"]);
    find(&scenario, "migration-applies", &["contract"]);

    // Each finding: small, and psql alone shows it.
    let host = server().await;
    for (n, finding) in scenario.checks.iter().flat_map(|c| c.outcome.findings()).enumerate() {
        let smallest =
            finding.counterexample.as_ref().unwrap_or_else(|| panic!("no counterexample: {finding:#?}"));
        assert!(smallest.tenants <= 2, "{} tenants: {}", smallest.tenants, finding.title);
        assert!(smallest.rows <= 4, "{} rows: {}", smallest.rows, finding.title);
        let file = ended.file(smallest.file.as_ref().unwrap());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), smallest.sql);
        let database = format!("empty_{n}");
        execute(&host, "postgres", &format!("CREATE DATABASE {database} TEMPLATE template0")).await;
        let Some(said) = psql(&host, &database, &file) else { continue };
        // Only what shows the defect may go wrong, and it has to.
        let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR:")).collect();
        let expected = symptom(finding);
        let shows =
            if expected.is_empty() { errors.is_empty() } else { errors.iter().any(|e| e.contains(expected)) };
        assert!(shows, "{}: expected {expected:?}\n{said}", finding.title);
        let other = errors.iter().find(|e| !e.contains(expected) && !e.contains("25P02"));
        assert!(other.is_none(), "{}: {other:?}\n{said}", finding.title);
    }
    host.stop().await.unwrap();

    // The report says in words what it says in numbers.
    let markdown = std::fs::read_to_string(ended.file("report.md")).unwrap();
    assert!(markdown.contains("datahub"), "{markdown}");
    assert!(ended.stdout.contains("violated") && ended.stdout.contains("report.md"), "{ended}");
    assert!(ended.everything().contains(&assistant.id));
}

/// Invariants that have a subject in this system: it has no row security, one database, and no vectors.
const APPLY: [&str; 18] = [
    "backfill-complete",
    "backfill-correct",
    "backfill-idempotent",
    "backfill-preserves",
    "read-isolation",
    "non-interference",
    "migration-applies",
    "migration-preserves",
    "guard-refuses",
    "constraint-rejects",
    "constraint-admits",
    "constraint-validated",
    "schema-declared",
    "access-compatible",
    "rollback-schema",
    "rollback-data",
    "rollback-roundtrip",
    "rollback-keeps-writes",
];

/// A user without a workspace gets one by the very write that needs it: it is nobody else's.
#[rstest]
#[case(4)]
#[case(7)]
fn a_tenant_that_a_write_makes_is_the_writers_own(#[case] seed: u32) {
    let run = watertight!("verify", "datahub-mended", "--provider", "embedded", "--only", "write-isolation");
    let ended = run.args(&["--cases", "16", "--seed", &seed.to_string()]).run().expect(0);
    assert_eq!(verdict(&ended.scenario(), "write-isolation"), Verdict::Held, "{ended}");
}

#[test]
fn datahub_mended_holds_and_every_check_that_applies_was_exercised() {
    let ended = watertight!("verify", "datahub-mended").small(24).run().expect(0);
    let scenario = ended.scenario();
    assert_eq!(scenario.verdict, Verdict::Held);
    let wrong = disagreements(&catalog::load("datahub-mended").unwrap(), &scenario);
    assert!(wrong.is_empty(), "{wrong:#?}\n{ended}");
    for id in APPLY {
        let found = check(&scenario, id);
        assert!(found.outcome.exercised().is_some_and(|e| e.worlds.get() > 0), "{id}: {ended}");
    }
    for found in scenario.checks.iter().filter(|c| !APPLY.contains(&c.invariant.as_str())) {
        assert!(matches!(found.outcome.verdict(), Verdict::Held | Verdict::NotApplicable), "{ended}");
    }
    assert_eq!(check(&scenario, "guard-refuses").outcome.verdict(), Verdict::Held);
    assert!(scenario.data.not_made.is_empty(), "{:?}", scenario.data.not_made);
}
