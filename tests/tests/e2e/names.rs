//! Names with quotes, dots, spaces, keywords, mixed case, other scripts and 63 bytes work; in a report they do no harm.

use watertight_reports::Verdict;
use watertight_tests::postgres::{execute, psql, server};
use watertight_tests::run::{findings, verdict};
use watertight_tests::{Folder, watertight};

/// 63 bytes.
const LONGEST: &str = "a_name_of_sixty_three_bytes_which_is_the_most_that_fits_in_xxxx";

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// As a TOML basic string.
fn toml(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A small scenario in which every name is given. Its keys do not include the tenant.
fn scenario(tenants: &str, items: &str, tenant_column: &str, other_column: &str, role: &str) -> Folder {
    assert!([tenants, items, tenant_column, other_column, role].iter().all(|n| n.len() <= 63));
    let (t, i, c, o, r) =
        (quoted(tenants), quoted(items), quoted(tenant_column), quoted(other_column), quoted(role));
    let file = format!(
        "title = {title}
[database]
baseline = 'baseline.sql'
[[roles.app]]
name = {role}
[tenancy]
tenants = {tenants}
column = {column}
[tenancy.owner]
{items} = {owner}
[[steps]]
id = 'expand'
title = {title}
migrate = 'up and <b>away</b>.sql'
down = 'down.sql'
[[steps]]
id = 'fill'
backfill = 'fill.sql'
[[access]]
name = {title}
version = 'new'
from = 'fill'
sql = {read}
source = 'app/`x`|<i>.ts:7'
",
        title = toml(NASTY),
        role = toml(role),
        tenants = toml(&format!("public.{t}")),
        column = toml(tenant_column),
        items = toml(&format!("public.{i}")),
        owner = toml(&format!("(SELECT p.{c} FROM public.\"own er\" p WHERE p.id = \"row\".{o})")),
        read = toml(&format!("SELECT * FROM {i} WHERE {c} = :tenant")),
    );
    Folder::new("names")
        .file("scenario.toml", file)
        .file(
            "baseline.sql",
            format!(
                "CREATE TABLE {t} (\"select\" uuid PRIMARY KEY, \"na\"\"me\" text);
                 CREATE TABLE \"own er\" (id uuid PRIMARY KEY, {c} uuid NOT NULL REFERENCES {t});
                 CREATE TABLE {i} (\"i.d\" uuid PRIMARY KEY, {o} uuid NOT NULL REFERENCES \"own er\", \"größe\" integer);
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO {r};"
            ),
        )
        .file("up and <b>away</b>.sql", format!("ALTER TABLE {i} ADD COLUMN {c} uuid REFERENCES {t};"))
        .file("down.sql", format!("ALTER TABLE {i} DROP COLUMN {c};"))
        .file("fill.sql", format!("UPDATE {i} x SET {c} = p.{c} FROM \"own er\" p WHERE p.id = x.{o} AND x.{c} IS NULL;"))
}

/// What a report must not pass on as it is.
const NASTY: &str = "<script>alert(1)</script> | `code` \u{1b}[31mred \u{202e}dlrow \"quoted\" 'single' ::error::x =cmd() &amp; *b* [l](http://x)";

fn all() -> Vec<Folder> {
    vec![
        scenario("te\"nant", "it'em", "ten.ant id", "own\\er", "ap\"p"),
        scenario("table", "order", "user", "group", "all-users"),
        scenario("Tenant", "tenant", "tenantId", "OwnerID", "App"),
        scenario("組織", "données; DROP TABLE x;--", "тенант", "😀", "rôle"),
        scenario(
            LONGEST,
            &LONGEST.replace("xxxx", "yyyy"),
            &LONGEST.replace("xxxx", "zzzz"),
            &LONGEST.replace("a_", "b_"),
            &LONGEST.replace("xxxx", "role"),
        ),
        scenario("<b>t</b>", "a|b`c`", "$1", ":tenant %s {x}", "-- app"),
    ]
}

#[test]
fn names_of_any_kind_work() {
    for folder in all() {
        let ended = watertight!("verify", &folder, "--skip", "tenant-coherence").small(8).run().expect(0);
        let scenario = ended.scenario();
        for id in [
            "backfill-complete",
            "backfill-correct",
            "backfill-idempotent",
            "read-isolation",
            "rollback-schema",
        ] {
            assert_eq!(
                verdict(&scenario, id),
                Verdict::Held,
                "{id}: {ended}\n{}",
                folder.read("scenario.toml")
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counterexamples_with_names_of_any_kind_replay_and_reports_pass_nothing_on() {
    let host = server().await;
    for (n, folder) in all().into_iter().enumerate() {
        let fill = folder.read("fill.sql").replace(" AND x.", " OR x.");
        let folder = folder.file("fill.sql", fill);
        let ended = watertight!("verify", &folder, "--only", "backfill-idempotent,backfill-correct")
            .small(4)
            .run()
            .expect(1);
        let scenario = ended.scenario();
        for (k, finding) in findings(&scenario, "backfill-idempotent").iter().enumerate() {
            let smallest = finding.counterexample.as_ref().unwrap();
            let database = format!("names_{n}_{k}");
            execute(&host, "postgres", &format!("CREATE DATABASE {database} TEMPLATE template0")).await;
            if let Some(said) = psql(&host, &database, &ended.file(smallest.file.as_ref().unwrap())) {
                assert!(!said.contains("ERROR"), "{said}\n{}", smallest.sql);
            }
        }
        for (what, text) in [
            ("stdout", ended.stdout.clone()),
            ("stderr", ended.stderr.clone()),
            ("markdown", std::fs::read_to_string(ended.file("names.md")).unwrap()),
            ("index", std::fs::read_to_string(ended.file("report.md")).unwrap()),
        ] {
            for raw in ["\u{1b}[31m", "\u{202e}"] {
                assert!(!text.contains(raw), "{what} passes {raw:?} on:\n{text}");
            }
            if what != "stdout" && what != "stderr" {
                assert!(!text.contains("<script>"), "{what} passes a script on:\n{text}");
            }
        }
    }
    host.stop().await.unwrap();
}
