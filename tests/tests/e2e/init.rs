//! What `init` makes of a repository: on a terminal and without one, of roles, and of statements seen on a server.

use std::io::Write as _;
use std::process::{Command, Stdio};

use watertight_reports::Verdict;
use watertight_tests::run::{findings, verdict};
use watertight_tests::{Ended, Folder, watertight};

fn init(folder: &Folder, arguments: &[&str]) -> Ended {
    watertight!("init", "--provider", "embedded").args(arguments).inside(folder.path()).run()
}

/// Two tables that could hold the tenants, and whose names do not say which.
fn doubtful() -> Folder {
    Folder::new("doubtful")
        .file(
            "sql/1_init.sql",
            "CREATE TABLE site (id bigint PRIMARY KEY, name text);
             CREATE TABLE club (id bigint PRIMARY KEY, name text);
             CREATE TABLE court (id bigint PRIMARY KEY, site_id bigint NOT NULL REFERENCES site);
             CREATE TABLE match (id bigint PRIMARY KEY, club_id bigint NOT NULL REFERENCES club);",
        )
        .file("sql/2_note.sql", "ALTER TABLE court ADD COLUMN note text;")
}

/// Runs a command on a terminal of its own, and types that.
fn on_a_terminal(folder: &Folder, arguments: &str, typed: &str) -> String {
    let program = env!("CARGO_BIN_EXE_watertight-under-test");
    let mut child = Command::new("script")
        .args(["-q", "-e", "-c", &format!("{program} {arguments}"), "/dev/null"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux gives a command a terminal");
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn on_a_terminal_it_asks_and_elsewhere_it_does_not() {
    let folder = doubtful();
    let quiet = init(&folder, &[]).expect(0);
    assert!(!quiet.stderr.contains("Enter if so"), "{quiet}");
    let guessed = folder.read("watertight.toml");
    assert!(guessed.contains("guessed, please check"), "{guessed}");
    let (taken, other) =
        if guessed.contains("tenants = \"club\"") { ("club", "site") } else { ("site", "club") };

    let said = on_a_terminal(&folder, "init --force --provider embedded", "\n");
    assert!(said.contains(&format!("The tenants are the rows of {taken} (or {other})")), "{said}");
    assert_eq!(folder.read("watertight.toml"), guessed, "the same again");

    let said = on_a_terminal(&folder, "init --force --provider embedded", &format!("{other}\n"));
    let told = folder.read("watertight.toml");
    assert!(told.contains(&format!("tenants = \"{other}\"")), "{said}\n{told}");

    let said = on_a_terminal(&folder, "init --force --quiet --provider embedded", "");
    assert!(!said.contains("Enter if so"), "{said}");
    assert_eq!(folder.read("watertight.toml"), guessed);
    let _ = init(&folder, &["--force", "--tenants", other]).expect(0);
    assert_eq!(folder.read("watertight.toml"), told);
}

#[test]
fn migrations_that_are_programs_are_told_clearly() {
    let folder = Folder::new("programs")
        .file("src/migrations/1693301234567-CreateUser.ts", "export class CreateUser {}")
        .file("src/migrations/1693401234567-AddOrg.ts", "export class AddOrg {}")
        .file("src/migrations/index.d.ts", "");
    for command in ["init", "verify"] {
        let ended = watertight!(command, "--provider", "embedded").inside(folder.path()).run().expect(2);
        let said = "src/migrations are programs (1693301234567-CreateUser.ts, 2 in all)";
        assert!(ended.stderr.contains(said) && ended.stderr.contains("SQL"), "{ended}");
    }
}

const ROLES: &str = "
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_rw') THEN CREATE ROLE app_rw LOGIN; END IF;
END $$;
DO $$ BEGIN CREATE ROLE app_ro NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE ROLE \"Back Office\" BYPASSRLS;
CREATE TABLE org (id bigint PRIMARY KEY, name text);
CREATE TABLE memo (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, body text);
GRANT SELECT, INSERT ON org, memo TO app_rw;
GRANT SELECT ON org, memo TO app_ro, \"Back Office\";";

#[test]
fn roles_that_migrations_make_are_made_beforehand() {
    let folder = Folder::new("roles")
        .file("sql/1_init.sql", ROLES)
        .file("sql/2_index.sql", "CREATE INDEX ON memo (org_id); GRANT UPDATE (body) ON memo TO app_rw;");
    let _ = init(&folder, &[]).expect(0);
    let written = folder.read("watertight.toml");
    for name in ["app_rw", "app_ro", "Back Office"] {
        assert!(
            written.contains(&format!("name = \"{name}\"   # sure: a migration creates it")),
            "{written}"
        );
    }
    assert!(written.contains("bypass_rls = true"), "{written}");
    let ended = watertight!("verify", "--only", "migration-applies").small(4).inside(folder.path()).run();
    assert_eq!(verdict(&ended.expect(0).scenario(), "migration-applies"), Verdict::Held);
}

const SEEN: &str = "query,calls
\"SELECT r.id, r.amount FROM refunds r JOIN orders o ON o.id = r.order_id WHERE o.shop_id = $1 LIMIT $2\",912
BEGIN,4000
\"INSERT INTO refunds (order_id, amount) VALUES ($1, $2) RETURNING id\",31
\"SELECT relname FROM pg_catalog.pg_class WHERE oid = $1\",77
\"SELECT round(total, $1) FROM orders\",5
\"SELECT id FROM refunds WHERE \",3
";

const LOG: &str =
    "2026-11-21 09:00:00 UTC [7] LOG:  statement: SELECT id, amount FROM refunds WHERE order_id = 17
2026-11-21 09:00:01 UTC [7] LOG:  statement: SELECT id, amount FROM refunds WHERE order_id = 18
";

#[test]
fn statements_seen_on_a_server_are_the_applications() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/dbmate");
    let folder = Folder::copy_of(&sample).file("db/queries/seen.csv", SEEN).file("postgresql.log", LOG);
    let _ = init(&folder, &["--statements", "postgresql.log"]).expect(0);
    let written = folder.read("watertight.toml");
    for part in [
        "LIMIT :p2",
        "params = { p1 = \"tenant\", p2 = { value = 20 } }",
        "VALUES (:p1, :p2) RETURNING id",
        "source = \"db/queries/seen.csv:2\"",
        "WHERE order_id = :p1\"",
        "source = \"postgresql.log:1\"",
        "# not known: what p1 is",
    ] {
        assert!(written.contains(part), "{part}: {written}");
    }
    assert!(!written.contains("pg_class") && !written.contains("WHERE \""), "{written}");

    // What is sent today does not know the column that becomes mandatory.
    let ended = watertight!("verify", "--only", "access-compatible").small(8).inside(folder.path()).run();
    let report = ended.expect(1).scenario();
    let found = findings(&report, "access-compatible");
    assert!(found.iter().any(|f| f.title.contains("insert refunds")), "{written}");

    let refused = init(&folder, &["--force", "--statements", "db/migrations"]).expect(2);
    assert!(refused.stderr.contains("no statements are found"), "{refused}");
}

#[test]
fn the_roles_of_a_platform_are_there() {
    let rds = "CREATE TABLE org (id bigint PRIMARY KEY, name text);
        CREATE TABLE memo (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, body text);
        CREATE USER app; GRANT rds_iam TO app; GRANT SELECT ON memo TO rds_superuser, app;";
    let shows = "ALTER TABLE memo ENABLE ROW LEVEL SECURITY; ALTER TABLE memo FORCE ROW LEVEL SECURITY;
        DO $$ BEGIN
            ASSERT (SELECT pg_has_role(current_user, '@group@', 'MEMBER'));
            ASSERT (SELECT rolbypassrls = @passes@ AND NOT rolsuper FROM pg_roles WHERE rolname = current_user);
        END $$;";
    for (platform, baseline, group, passes) in [
        ("rds", rds.to_owned(), "rds_superuser", "false"),
        (
            "neon",
            rds.replace("rds_iam", "neon_superuser").replace("rds_superuser", "cloud_admin"),
            "neon_superuser",
            "true",
        ),
    ] {
        let folder = Folder::new("hosted")
            .file("sql/1_init.sql", baseline)
            .file("sql/2_secure.sql", shows.replace("@group@", group).replace("@passes@", passes));
        let _ = init(&folder, &[]).expect(0);
        let written = folder.read("watertight.toml");
        assert!(written.contains(&format!("platform = \"{platform}\"")), "{written}");
        assert!(written.contains("member_of = [") && !written.contains("made as a plain role"), "{written}");
        let ended = watertight!("verify", "--only", "migration-applies").small(2).inside(folder.path()).run();
        assert_eq!(verdict(&ended.expect(0).scenario(), "migration-applies"), Verdict::Held);
    }
}
