//! What a mended scenario put right matters: with any one mend taken away, the checks that it is for fire, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::{Folder, watertight};

/// Cases a scenario, as many as the bundled ones are compared with.
const CASES: u32 = 16;

const TIGHTEN: &str = "prisma/migrations/20251110_tighten_constraints";
const DROPS: &str = "20251104090000_drop_dead_customer_id.sql";
const INSISTS: &str = "20251105090000_organization_id_not_null.sql";

/// A scenario like a mended one but for what is stated here, with these files as the documented one has them.
fn without(documented: &str, stated: &str, files: &[String]) -> Folder {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/catalog").join(documented);
    let folder = Folder::new("taken-away")
        .file("scenario.toml", format!("base = \"{documented}-mended\"\n{stated}\n"));
    files.iter().fold(folder, |folder, file| folder.file(file, std::fs::read(catalog.join(file)).unwrap()))
}

/// An access path that is in use until another step than before.
fn until(path: &str, step: &str) -> String {
    format!("[[access]]\nname = \"{path}\"\nuntil = \"{step}\"\n")
}

fn from(path: &str, step: &str) -> String {
    format!("[[access]]\nname = \"{path}\"\nfrom = \"{step}\"\n")
}

fn removed(step: &str) -> String {
    format!("[[steps]]\nid = \"{step}\"\nremove = true\n")
}

/// The way up and the way back of a migration of org-backfill.
fn both(file: &str) -> Vec<String> {
    ["migrations", "rollbacks"].map(|folder| format!("supabase/{folder}/{file}")).to_vec()
}

#[rstest]
#[case::keys_that_refuse(
    without("tighten-constraints", "", &["migration", "rollback"].map(|f| format!("{TIGHTEN}/{f}.sql"))),
    &["access-compatible", "schema-declared"]
)]
#[case::jobs_follow_their_lead(
    without("tighten-constraints", &removed("jobs-follow"), &[]),
    &["tenant-coherence"]
)]
#[case::the_oldest_workspace(
    without("datahub", "", &["scripts/backfill-datahub-workspace.sql".to_owned()]),
    &["backfill-correct"]
)]
#[case::one_connection(
    without(
        "datahub",
        &[
            removed("one-connection"),
            from("POST /api/data/connect", "fill"),
            from("POST /api/data/disconnect", "fill"),
        ]
        .concat(),
        &[]
    ),
    &["access-compatible"]
)]
#[case::the_assistants_message(
    without("datahub", &until("POST /api/chat: assistant message", "end"), &[]),
    &["access-compatible"]
)]
#[case::seeded_connections(without("datahub", &until("seed: connection", "end"), &[]), &["access-compatible"])]
#[case::seeded_metrics(without("datahub", &until("seed: daily metrics", "end"), &[]), &["access-compatible"])]
#[case::seeded_insights(without("datahub", &until("seed: insight", "end"), &[]), &["access-compatible"])]
#[case::orphans_set_aside(
    without("org-backfill", &removed("orphans"), &[]),
    &["backfill-complete", "migration-applies"]
)]
#[case::values_that_are_kept(without("org-backfill", "", &both(DROPS)), &["rollback-data"])]
#[case::a_guard_that_counts(without("org-backfill", "", &both(INSISTS)), &["guard-refuses"])]
#[case::reads_that_move(without("dual-database", &until("GET /api/accounts", "end"), &[]), &["routing"])]
#[case::writes_that_stop_at_the_freeze(
    without("dual-database", &until("POST /api/accounts", "end"), &[]),
    &["access-compatible"]
)]
fn a_mend_that_is_taken_away_is_missed(#[case] folder: Folder, #[case] fires: &[&str]) {
    let ended = watertight!("verify", &folder).small(CASES).run().expect(1);
    let scenario = ended.scenario();
    let checks = scenario.checks.iter().map(|c| (c.invariant.as_str(), c.outcome.verdict()));
    let not_held: BTreeSet<(&str, Verdict)> =
        checks.filter(|(_, v)| !matches!(v, Verdict::Held | Verdict::NotApplicable)).collect();
    let expected: BTreeSet<(&str, Verdict)> = fires.iter().map(|id| (*id, Verdict::Violated)).collect();
    assert_eq!(not_held, expected, "{ended}");
}
