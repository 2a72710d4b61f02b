//! What bad input gets: a message with file, line and column, and what to do. The goldens are the texts.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rstest::{Context, rstest};
use watertight_scenarios::{Scenario, catalog};

/// A sound scenario; each case spoils it.
const SOUND: &str = r#"title = "Sound"

[database]
baseline = "baseline.sql"

[tenancy]
tenants = "Tenant"

[[steps]]
id = "expand"
migrate = "up.sql"

[[access]]
name = "list"
sql = "SELECT id FROM item WHERE tenant_id = :tenant"
"#;

fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
    fs::write(path, bytes).expect("it can be written");
}

/// Loads the folder `case` with these files over a sound scenario's; gives what is wrong, without the folder's path.
fn load(files: &[(&str, &[u8])]) -> Result<Scenario, String> {
    let temp = tempfile::tempdir().expect("a folder can be made");
    let folder = temp.path().join("case");
    write(&folder, "scenario.toml", SOUND.as_bytes());
    write(&folder, "baseline.sql", b"CREATE TABLE \"Tenant\" (id uuid PRIMARY KEY);\n");
    write(&folder, "up.sql", b"SELECT 1;\n");
    for (path, bytes) in files {
        write(&folder, path, bytes);
    }
    let base = format!("{}/", temp.path().display());
    Scenario::load(&folder).map_err(|wrong| wrong.to_string().replace(&base, ""))
}

fn refuse(files: &[(&str, &[u8])]) -> String {
    load(files).expect_err("it is refused")
}

/// The sound scenario file with a part replaced.
fn spoiled(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    SOUND.replace(from, to)
}

#[test]
fn the_sound_scenario_is_sound() {
    load(&[]).unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[rstest]
#[case::broken_toml("title = \"Sound\"", "title = \"Sound\ntitle 2")]
#[case::duplicate_key("[database]", "title = \"Again\"\n\n[database]")]
#[case::unknown_keys("title = \"Sound\"", "tittle = \"Sound\"\nzzz = 1\nassumption = [\"a\"]")]
#[case::unknown_keys_of_a_step("migrate = \"up.sql\"", "migrat = \"up.sql\"\nguards = true")]
#[case::unknown_value("name = \"list\"", "name = \"list\"\nversion = \"odl\"")]
#[case::wrong_types("title = \"Sound\"", "title = 3\nassumptions = \"none\"\nexpect = { a = 1 }")]
#[case::missing_fields("id = \"expand\"\n", "")]
#[case::empty_title("title = \"Sound\"", "title = \" \"")]
#[case::missing_file("migrate = \"up.sql\"", "migrate = \"upp.sql\"\ndown = \"nowhere/down.sql\"")]
#[case::folder_as_file("migrate = \"up.sql\"", "migrate = \".\"")]
#[case::empty_path("migrate = \"up.sql\"", "migrate = \"\"")]
#[case::empty_glob("baseline = \"baseline.sql\"", "baseline = [\"baseline.sql\", \"migrations/*/up.sql\"]")]
#[case::bad_glob("baseline = \"baseline.sql\"", "baseline = \"***.sql\"")]
#[case::path_escapes(
    "baseline = \"baseline.sql\"",
    "baseline = [\"../x.sql\", \"/etc/passwd\", \"a/../../b.sql\", \"a\\\\b.sql\", \"../*.sql\"]"
)]
#[case::bad_version("[database]", "[database]\npostgres = \"latest\"")]
#[case::two_kinds_of_databases("[tenancy]", "[databases.app]\n[databases.Other]\n[tenancy]")]
#[case::no_tenancy("[tenancy]\ntenants = \"Tenant\"\n", "")]
#[case::no_tenants("tenants = \"Tenant\"", "column = \"tenant_id\"")]
#[case::bad_tenancy("tenants = \"Tenant\"", "tenants = \"a.b.c\"\nshared = [\"\"]\nowner = { x = \" \" }")]
#[case::no_steps("[[steps]]\nid = \"expand\"\nmigrate = \"up.sql\"\n", "")]
#[case::step_without_kind("migrate = \"up.sql\"\n", "")]
#[case::step_with_two_kinds("migrate = \"up.sql\"\n", "migrate = \"up.sql\"\nbackfill = \"up.sql\"\n")]
#[case::duplicate_ids(
    "[[access]]",
    "[[steps]]\nid = \"expand\"\ncheck = \"up.sql\"\n\n[[access]]\nname = \"list\"\nsql = \"SELECT 1\"\n\n[[access]]"
)]
#[case::bad_ids("id = \"expand\"", "id = \"Add Column\"")]
#[case::reserved_id("id = \"expand\"", "id = \"end\"")]
#[case::only_derived("id = \"expand\"", "id = \"expand\"\nafter = \"x\"")]
#[case::unfit_keys(
    "migrate = \"up.sql\"",
    "check = \"up.sql\"\ndown = \"up.sql\"\nguard = true\nwrites = [\"a.b\"]"
)]
#[case::bad_step_values(
    "migrate = \"up.sql\"",
    "migrate = \"up.sql\"\ntimeout = \"soon\"\nguard = \"SELECT :x\"\nwrites = [\"a..b\"]\ndatabase = \"mian\"\ndown = true"
)]
#[case::bad_copy("migrate = \"up.sql\"", "copy = { from = \"main\", to = \"main\", tables = [\"a..b\"] }")]
#[case::unknown_names(
    "name = \"list\"",
    "name = \"list\"\nrole = \"ap\"\nfrom = \"expnad\"\nuntil = \"contract\"\ndatabase = \"other\"\nmay_fail = [\"oops\"]"
)]
#[case::never_in_use("name = \"list\"", "name = \"list\"\nversion = \"new\"\nuntil = \"expand\"")]
#[case::no_statement("sql = \"SELECT id FROM item WHERE tenant_id = :tenant\"", "")]
#[case::two_statements_given("name = \"list\"", "name = \"list\"\nfile = \"up.sql\"")]
#[case::parameter_without_source("= :tenant\"", "= :org\"\nparams = { orgg = \"Tenant.id\" }")]
#[case::bad_parameters(
    "= :tenant\"",
    "= f(:a, :b, :c)\"\nparams = { a = \"x..y\", b = { null = false }, c = \"\" }"
)]
#[case::bad_parameter_form("= :tenant\"", "= :a\"\nparams = { a = 1 }")]
#[case::bad_statements(
    "sql = \"SELECT id FROM item WHERE tenant_id = :tenant\"",
    "sql = '''\nSELECT $1'''\n\n[[access]]\nname = \"two\"\nsql = \"DELETE FROM a; DELETE FROM b\""
)]
#[case::bad_tenant_context(
    "[tenancy]",
    "[[roles.app]]\nname = \"app\"\ntenant_context = \"SET app.x = 1\"\n\n[[roles.app]]\nname = \"app\"\n\n[tenancy]"
)]
#[case::bad_hints("[tenancy]", "[generate.\"Tenant\".id]\nnull_share = 2.0\none_of = []\n\n[tenancy]")]
#[case::unknown_base("title = \"Sound\"", "title = \"Sound\"\nbase = \"nowhere\"")]
#[case::base_is_a_path("title = \"Sound\"", "title = \"Sound\"\nbase = \"../case\"")]
#[case::base_is_itself("title = \"Sound\"", "title = \"Sound\"\nbase = \"case\"")]
fn a_bad_scenario_file(#[context] context: Context, #[case] from: &str, #[case] to: &str) {
    insta::assert_snapshot!(
        context.description.expect("cases are named"),
        refuse(&[("scenario.toml", spoiled(from, to).as_bytes())])
    );
}

#[rstest]
#[case::invalid_utf8(b"SELECT 1;\nSELECT 'caf\xe9';\n")]
#[case::nul(b"SELECT 1;\nSELECT '\0';\n")]
#[case::psql_connect(b"-- \\connect here is a comment\n\\connect other\nSELECT 1;\n")]
#[case::psql_include(b"SELECT '\n\\i in a string';\n  \\i other.sql\n")]
#[case::psql_shell(b"SELECT 1;\n\\! rm -rf /\n")]
#[case::psql_copy(b"\\copy item FROM 'items.csv'\n")]
#[case::psql_gset(b"SELECT 1 AS one \\gset\n")]
#[case::copy_from_stdin(b"SELECT 1;\nCOPY item (id) FROM stdin;\n1\tO'Neill\n\\.\n")]
fn a_bad_script(#[context] context: Context, #[case] bytes: &[u8]) {
    insta::assert_snapshot!(context.description.expect("cases are named"), refuse(&[("up.sql", bytes)]));
}

#[test]
fn a_bad_scenario_file_is_not_always_text() {
    insta::assert_snapshot!("scenario_utf8", refuse(&[("scenario.toml", b"title = \"caf\xe9\"\n")]));
    insta::assert_snapshot!("scenario_nul", refuse(&[("scenario.toml", b"title = \"\0\"\n")]));
}

#[test]
fn a_bad_statement_in_a_file_has_its_place_there() {
    let toml = spoiled("sql = \"SELECT id FROM item WHERE tenant_id = :tenant\"", "file = \"q.sql\"");
    let query = b"SELECT 1;\n\nSELECT 2;\n";
    insta::assert_snapshot!(
        "statement_file",
        refuse(&[("scenario.toml", toml.as_bytes()), ("q.sql", query)])
    );
}

#[test]
fn a_derived_scenario_names_what_its_base_has() {
    let temp = tempfile::tempdir().expect("a folder can be made");
    let sound = temp.path().join("sound");
    write(&sound, "scenario.toml", SOUND.replace("up.sql", "gone.sql").as_bytes());
    write(&sound, "baseline.sql", b"");
    let toml = r#"base = "sound"

[[steps]]
id = "expnad"
remove = true

[[steps]]
id = "fill"
after = "contract"
before = "expand"
backfill = "baseline.sql"

[[access]]
name = "lists"
remove = true
"#;
    write(&temp.path().join("derived"), "scenario.toml", toml.as_bytes());
    let wrong = Scenario::load(&temp.path().join("derived")).expect_err("it is refused").to_string();
    insta::assert_snapshot!("derived", wrong.replace(&format!("{}/", temp.path().display()), ""));
}

#[test]
fn a_chain_of_bases_that_bites_its_tail_is_refused() {
    let temp = tempfile::tempdir().expect("a folder can be made");
    write(&temp.path().join("a"), "scenario.toml", b"base = \"b\"\n");
    write(&temp.path().join("b"), "scenario.toml", b"base = \"a\"\n");
    let wrong = Scenario::load(&temp.path().join("a")).expect_err("it is refused").to_string();
    assert!(wrong.contains("`a` is derived from itself"), "{wrong}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let up = windows("-- one\nSELECT 1;\nSELECT 2;\n");
    let files = [("scenario.toml", windows(SOUND)), ("up.sql", up)];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let scenario = load(&files).unwrap_or_else(|wrong| panic!("{wrong}"));
    let up = &scenario.steps[0].up;
    assert!(up.text.starts_with("-- one"));
    assert_eq!(up.statements.iter().map(|s| s.line).collect::<Vec<_>>(), [2, 3]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_refused() {
    let temp = tempfile::tempdir().expect("a folder can be made");
    let folder = temp.path().join("case");
    write(&folder, "scenario.toml", SOUND.as_bytes());
    write(&folder, "inside.sql", b"SELECT 1;");
    write(temp.path(), "outside.sql", b"SELECT 1;");
    std::os::unix::fs::symlink("inside.sql", folder.join("baseline.sql")).expect("it can be linked");
    std::os::unix::fs::symlink("../outside.sql", folder.join("up.sql")).expect("it can be linked");
    let wrong = Scenario::load(&folder).expect_err("it is refused");
    let messages: Vec<_> = wrong.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["`up.sql` leads out of the scenario's folder by a symbolic link"]);
}

#[test]
fn a_folder_without_a_scenario_is_refused() {
    let temp = tempfile::tempdir().expect("a folder can be made");
    let shown = |wrong: watertight_scenarios::Diagnostics| {
        wrong.to_string().replace(&temp.path().display().to_string(), "FOLDER")
    };
    insta::assert_snapshot!("no_scenario", shown(Scenario::load(temp.path()).expect_err("it is refused")));
    let nowhere = temp.path().join("nowhere");
    let wrong = shown(Scenario::load(&nowhere).expect_err("it is refused"));
    assert!(wrong.contains("there is no such folder or file"), "{wrong}");
    assert!(catalog::load("no-such-scenario").is_err());
}

#[test]
fn a_project_file_is_a_scenario_too() {
    let temp = tempfile::tempdir().expect("a folder can be made");
    let folder = temp.path().join("shop");
    write(&folder, "watertight.toml", SOUND.as_bytes());
    write(&folder, "baseline.sql", b"");
    write(&folder, "up.sql", b"");
    for path in [folder.clone(), folder.join("watertight.toml")] {
        let scenario = Scenario::load(&path).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(scenario.id, "shop");
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let dotted = format!("a{} = 1\n", ".a".repeat(100_000));
    let array = format!("a = {}1{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let tables = format!("a = {}1{}\n", "{a = ".repeat(100_000), "}".repeat(100_000));
    for text in [dotted, array, tables] {
        refuse(&[("scenario.toml", text.as_bytes())]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_refused_not_fatal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(load(&[("scenario.toml", &bytes)]).is_err());
    }

    #[test]
    fn a_damaged_scenario_file_is_read_or_refused(
        at in 0..SOUND.len(),
        length in 0usize..12,
        with in "[a-z\\[\\]{}=\"'., \n]{0,6}",
    ) {
        let mut text = SOUND.to_owned();
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &with);
        let _ = load(&[("scenario.toml", text.as_bytes())]);
    }
}
