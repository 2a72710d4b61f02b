//! What is wrong with a scenario or a command line is said with file, line and column before anything starts.

use rstest::rstest;
use watertight_tests::{Ended, Folder, watertight};

/// Verifies on a server that is not there: whoever tries to start one ends with 3.
fn verify_without_server(folder: &Folder) -> Ended {
    let nobody = ["--provider", "existing", "--database-url", "postgres://nobody@127.0.0.1:1/"];
    watertight!("verify", folder).args(&nobody).run()
}

#[rstest]
#[case::broken_toml("scenario.toml", b"title = \"x\n" as &[u8], "scenario.toml:1:")]
#[case::unknown_key("scenario.toml", b"title = 'x'\n[tenacy]\ntenants = 't'\n", "scenario.toml:2:2")]
#[case::unknown_key_suggests("scenario.toml", b"title = 'x'\n[tenacy]\ntenants = 't'\n", "tenancy")]
#[case::missing_file("scenario.toml", MISSING_FILE, "scenario.toml:8:11")]
#[case::missing_file_by_name("scenario.toml", MISSING_FILE, "nowhere.sql")]
#[case::empty_glob("scenario.toml", EMPTY_GLOB, "scenario.toml:3:12")]
#[case::invalid_utf8("fill.sql", b"SELECT 1;\n-- \xff\n", "fill.sql:2:4")]
#[case::nul("fill.sql", b"SELECT 1;\nSELECT '\0';\n", "fill.sql:2:9")]
#[case::psql_connect("fill.sql", b"SELECT 1;\n\\connect other\n", "fill.sql:2:1")]
#[case::psql_include("fill.sql", b"\\i other.sql\n", "fill.sql:1:1")]
#[case::psql_shell("fill.sql", b"SELECT 1;\n\n  \\! touch /tmp/never\n", "fill.sql:3:3")]
fn is_refused_with_its_place_and_nothing_starts(
    #[case] file: &str,
    #[case] contents: &[u8],
    #[case] said: &str,
) {
    let ended = verify_without_server(&Folder::sound("bad").file(file, contents)).expect(2);
    assert!(ended.stderr.contains(said), "{ended}");
    assert!(ended.try_report().is_none() && ended.stdout.is_empty(), "{ended}");
}

const MISSING_FILE: &[u8] = b"[database]
baseline = 'baseline.sql'
[tenancy]
tenants = 'tenant'
column = 'tenant_id'
[[steps]]
id = 'expand'
migrate = 'nowhere.sql'
";

const EMPTY_GLOB: &[u8] = b"title = 'x'
[database]
baseline = 'schema/*.sql'
[tenancy]
tenants = 'tenant'
column = 'tenant_id'
[[steps]]
id = 'expand'
migrate = 'expand.sql'
";

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let mut folder = Folder::sound("windows");
    for file in ["scenario.toml", "baseline.sql", "expand.sql", "fill.sql", "contract.sql"] {
        let text = format!("\u{feff}{}", folder.read(file).replace('\n', "\r\n"));
        folder = folder.file(file, text);
    }
    let _ = watertight!("verify", &folder).small(8).run().expect(0);
}

#[rstest]
#[case::scenario_that_is_not_there(&["verify", "datahob"], 2, "datahub")]
#[case::unknown_option(&["verify", "--casses", "3"], 2, "--cases")]
#[case::unknown_command(&["verfy"], 2, "verify")]
#[case::no_command(&[], 2, "Usage")]
#[case::seed_that_is_no_number(&["verify", "datahub", "--seed", "one"], 2, "expected a number")]
#[case::unknown_invariant(&["verify", "datahub", "--only", "backfill-correkt"], 2, "backfill-correct")]
#[case::unknown_invariant_to_skip(&["verify", "datahub", "--skip", "nonsense"], 2, "there are: backfill-complete")]
#[case::unknown_invariant_to_explain(&["explain", "guard-refuse"], 2, "guard-refuses")]
#[case::zero_cases(&["verify", "datahub", "--cases", "0"], 4, "nothing was checked")]
fn a_command_line_that_asks_for_nothing_sensible(
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] said: &str,
) {
    let ended = watertight!().args(arguments).run().expect(code);
    assert!(ended.stderr.contains(said), "{ended}");
    assert!(ended.try_report().is_none(), "{ended}");
}

#[test]
fn everything_skipped_is_no_pass() {
    let list = watertight!("list").run().expect(0);
    let ids: Vec<&str> = list
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("Invariants"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(ids.len() >= 15, "{list}");
    let ended = watertight!("verify", "datahub", "--skip").arg(ids.join(",")).run().expect(4);
    assert!(ended.stderr.contains("every invariant is skipped"), "{ended}");
    for id in ids {
        let page = watertight!("explain", id).run().expect(0);
        for part in ["Why", "The smallest example that fails", "What to do", "Exercised by"] {
            assert!(page.stdout.contains(part), "{page}");
        }
    }
}

#[test]
fn a_baseline_that_does_not_apply_ends_the_scenario_before_any_case() {
    let folder = Folder::sound("baseline");
    let baseline = folder.read("baseline.sql") + "\nCREATE INDEX ON nowhere (id);\n";
    let line = baseline.lines().count();
    let ended = watertight!("verify", folder.file("baseline.sql", baseline)).small(4).run().expect(4);
    assert!(ended.stderr.contains(&format!("baseline.sql:{line}: the baseline does not apply")), "{ended}");
    assert!(ended.stderr.contains("42P01"), "{ended}");
    let report = ended.report();
    assert!(report.scenarios.is_empty() && report.incomplete.is_some(), "{ended}");
}

#[rstest]
#[case::no_such_column("column = \"tenant_id\"", "column = \"tenantid\"", "[tenancy] column tenantid")]
#[case::no_such_table(
    "tenants = \"tenant\"",
    "tenants = \"tenantz\"",
    "[tenancy] tenants: there is no table tenantz"
)]
fn tenants_that_are_not_there_are_named(#[case] right: &str, #[case] wrong: &str, #[case] told: &str) {
    let ended = watertight!("verify", &Folder::sound("tenants").with(right, wrong)).small(4).run().expect(2);
    assert!(ended.stderr.contains(told), "{ended}");
    assert!(ended.stderr.contains("scenario.toml"), "{ended}");
}

#[test]
fn a_syntax_error_in_a_step_is_a_finding_with_its_place_and_no_constraints_refusal() {
    let folder = Folder::sound("syntax");
    let contract = format!("{}\n\nALTER TABEL item ADD x integer;\n", folder.read("contract.sql"));
    let line = contract.lines().position(|l| l.starts_with("ALTER TABEL")).unwrap() as u32 + 1;
    let ended = watertight!("verify", folder.file("contract.sql", contract)).small(4).run().expect(1);
    let scenario = ended.scenario();
    let all: Vec<_> = scenario.checks.iter().flat_map(|c| c.outcome.findings()).collect();
    let found = all.iter().find(|f| f.message.contains("42601")).unwrap_or_else(|| panic!("{ended}"));
    assert_eq!((found.file.as_deref(), found.line), (Some("contract.sql"), Some(line)), "{ended}");
    for id in ["guard-refuses", "constraint-rejects"] {
        for probe in &watertight_tests::run::check(&scenario, id).probes {
            let answer = probe.answer.as_deref().unwrap_or_default();
            assert!(!(answer.contains("42601") && probe.passed > 0), "counted as a refusal: {probe:?}");
        }
    }
}

/// No name differs from itself.
fn impossible() -> Folder {
    let folder = Folder::sound("impossible");
    let baseline =
        folder.read("baseline.sql").replace("name text NOT NULL", "name text NOT NULL CHECK (name <> name)");
    folder.file("baseline.sql", baseline)
}

#[test]
fn data_of_which_no_row_can_be_made_is_no_pass() {
    let ended = watertight!("verify", impossible()).small(4).run().expect(4);
    assert_eq!(ended.scenario().data.rows, 0, "{ended}");
}

#[test]
fn rows_that_cannot_be_made_are_named_with_the_constraint_that_refuses_them() {
    let ended = watertight!("verify", impossible()).small(4).run().expect(4);
    let not_made = ended.scenario().data.not_made;
    assert!(not_made.iter().any(|why| why.contains("tenant")), "{not_made:?}\n{ended}");
}
