//! `verify --scale`: one large case, streamed, with every step committed and asked in sets.

use std::collections::BTreeSet;

use rstest::rstest;
use watertight_reports::{LargeReport, Verdict};
use watertight_tests::{Ended, Folder, Watertight, watertight};

const SCENARIO: &str = r#"
title = "Readings get the tenant of their meter"

[database]
baseline = "baseline.sql"

[[roles.app]]
name = "app"

[tenancy]
tenants = "tenants"
column = "tenant_id"

[tenancy.owner]
readings = '(SELECT m.tenant_id FROM meters m WHERE m.id = "row".meter_id)'

[[steps]]
id = "fill"
backfill = "fill.sql"

[[steps]]
id = "contract"
migrate = "contract.sql"
"#;

const BASELINE: &str = "
CREATE TABLE tenants (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE meters (
    id integer PRIMARY KEY, tenant_id integer NOT NULL REFERENCES tenants, name text NOT NULL, place point
);
CREATE TABLE readings (
    id bigint PRIMARY KEY, meter_id integer NOT NULL REFERENCES meters, tenant_id integer REFERENCES tenants,
    taken_at timestamptz NOT NULL, unit text NOT NULL, amount numeric(8,2), note jsonb
);
CREATE INDEX readings_taken ON readings (taken_at);
";

const FILL: &str = "UPDATE readings SET tenant_id = m.tenant_id FROM meters m WHERE m.id = meter_id AND readings.tenant_id IS NULL;\n";

fn sound(name: &str) -> Folder {
    Folder::new(name)
        .file("scenario.toml", SCENARIO)
        .file("baseline.sql", BASELINE)
        .file("fill.sql", FILL)
        .file("contract.sql", "ALTER TABLE readings ALTER COLUMN tenant_id SET NOT NULL;\n")
}

fn verify(folder: &Folder, rows: &str) -> Watertight {
    watertight!("verify").arg(folder.path()).args(&["--only", "backfill-complete", "--scale", rows]).small(8)
}

fn large(ended: &Ended) -> LargeReport {
    ended.scenario().evidence.large.unwrap()
}

/// What does not hold, and where.
fn open(large: &LargeReport, verdict: Verdict) -> BTreeSet<(&str, &str)> {
    let open = large.answers.iter().filter(|a| a.verdict == verdict);
    open.map(|a| (a.at.as_str(), a.question.as_str())).collect()
}

#[test]
fn a_sound_scenario_holds_over_many_rows() {
    let folder = sound("large-sound");
    let ended = verify(&folder, "rows=20k").run().expect(0);
    let large = large(&ended);
    assert_eq!(large.verdict(), Verdict::Held);
    assert!((20_000..22_000).contains(&large.rows), "{} rows", large.rows);
    assert_eq!(large.steps.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["fill", "contract"]);
    let asked: BTreeSet<&str> = large.answers.iter().map(|a| a.question.as_str()).collect();
    assert!(asked.contains("every row of readings has its tenant"), "{asked:?}");
    assert!(asked.contains("a second run writes nothing"), "{asked:?}");
    assert!(asked.contains("readings.meter_id → meters stays within a tenant"), "{asked:?}");
    assert!(ended.everything().contains("One large case"));
    let again = verify(&folder, "rows=20k").run().expect(0);
    assert_eq!(ended.report().without_times().to_json(), again.report().without_times().to_json());
}

#[rstest]
#[case::incomplete(
    "fill.sql",
    "AND readings.tenant_id IS NULL",
    "AND readings.tenant_id IS NULL AND amount > 0",
    "fill",
    "every row of readings has its tenant"
)]
#[case::twice("fill.sql", " AND readings.tenant_id IS NULL", "", "fill", "a second run writes nothing")]
#[case::somebody(
    "fill.sql",
    "m.tenant_id FROM",
    "(SELECT min(id) FROM tenants) FROM",
    "fill",
    "readings.meter_id → meters stays within a tenant"
)]
#[case::emptied(
    "contract.sql",
    "SET NOT NULL;",
    "SET NOT NULL, DROP COLUMN note; ALTER TABLE readings ADD note jsonb;",
    "contract",
    "readings keeps its rows and 6 columns"
)]
fn what_does_not_hold_is_violated(
    #[case] file: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] at: &str,
    #[case] question: &str,
) {
    let folder = sound("large-fault");
    let text = folder.read(file);
    assert!(text.contains(old));
    let ended = verify(&folder.file(file, text.replace(old, new)), "rows=5k").run().expect(1);
    let large = large(&ended);
    assert!(open(&large, Verdict::Violated).contains(&(at, question)), "{:#?}", large.answers);
}

#[test]
fn a_step_that_is_refused_is_told() {
    let folder = sound("large-refused").file("fill.sql", "SELECT 1;\n");
    let large = large(&verify(&folder, "rows=5k").run().expect(1));
    assert!(
        open(&large, Verdict::Violated).contains(&("contract", "the step applies")),
        "{:#?}",
        large.answers
    );
}

/// Whether rows that a step takes are kept elsewhere is asked of the small cases.
#[test]
fn rows_that_a_step_takes_on_purpose_are_not_asked_about() {
    let folder = sound("large-aside");
    let aside = "CREATE TABLE aside AS SELECT * FROM readings WHERE amount < 0;\n\
        DELETE FROM readings WHERE id IN (SELECT id FROM aside) OR id % 2 = 0;\n";
    let contract = folder.read("contract.sql");
    let ended = verify(&folder.file("contract.sql", aside.to_owned() + &contract), "rows=5k").run().expect(0);
    let large = large(&ended);
    assert!(large.left_out.iter().any(|l| l.contains("readings")), "{:#?}", large.left_out);
}

/// What a step writes in ways that its words do not tell may be on purpose.
#[test]
fn a_change_by_hidden_words_is_a_doubt() {
    let hidden = format!(
        "{FILL}DO $$ BEGIN EXECUTE 'UPDATE readings SET unit = upper(unit) || ''!'' WHERE unit NOT LIKE ''%!'''; END $$;\n"
    );
    let folder = sound("large-hidden").file("fill.sql", hidden);
    let large = large(&verify(&folder, "rows=5k").run());
    assert!(open(&large, Verdict::Violated).is_empty(), "{:#?}", large.answers);
    assert!(!open(&large, Verdict::Inconclusive).is_empty(), "{:#?}", large.answers);
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    let folder = sound("large-memory");
    let peak = |rows: &str| {
        let mut running = verify(&folder, rows).start();
        let mut peak = 0;
        running.until("it ends", |r| {
            peak = peak.max(r.memory_peak_kb().unwrap_or_default());
            false
        });
        assert_eq!(large(&running.wait().expect(0)).verdict(), Verdict::Held);
        peak
    };
    let (few, many) = (peak("rows=20k"), peak("rows=200k"));
    assert!(many < few + few / 2, "{few} kB for few rows, {many} kB for many");
}

#[rstest]
#[case("1M")]
#[case("rows=0")]
#[case("rows=many")]
#[case("rows=999999M")]
fn a_scale_that_is_none_is_a_usage_error(#[case] scale: &str) {
    let ended = watertight!("verify", "datahub", "--scale", scale).run().expect(2);
    assert!(ended.everything().contains("rows"));
}
