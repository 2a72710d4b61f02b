//! Scripts that reach for more than is theirs.

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::postgres::{belongings, column, execute, server, url};
use watertight_tests::{Ended, Folder, watertight};

/// The sound scenario with more at the end of a file.
fn with(file: &str, more: &str) -> Folder {
    let folder = Folder::sound("hostile");
    let text = format!("{}\n{more}\n", folder.read(file));
    folder.file(file, text)
}

/// What only the owner of the machine may do, each of which has to be refused.
const FORBIDDEN: &[&str] = &[
    "COPY tenant TO PROGRAM 'cat > /tmp/watertight-never'",
    "COPY tenant FROM PROGRAM 'id'",
    "COPY tenant TO '/tmp/watertight-never'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('postgresql.conf')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "LOAD '/tmp/watertight-never.so'",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION plpython3u",
    "CREATE FUNCTION evil() RETURNS integer LANGUAGE c AS 'evil', 'evil'",
    "CREATE FUNCTION evil() RETURNS integer LANGUAGE internal AS 'pg_backend_pid'",
    "CREATE ROLE evil SUPERUSER",
    "CREATE ROLE evil",
    "ALTER ROLE migrator SUPERUSER",
    "ALTER ROLE migrator BYPASSRLS",
    "GRANT pg_execute_server_program TO migrator",
    "GRANT pg_read_all_data TO migrator",
    "SET SESSION AUTHORIZATION postgres",
    "SET ROLE pg_execute_server_program",
    "ALTER ROLE ALL SET search_path = nowhere",
    "ALTER DATABASE postgres SET search_path = nowhere",
    "ALTER DATABASE template1 OWNER TO migrator",
    "SELECT pg_reload_conf()",
    "SELECT pg_promote()",
    "GRANT pg_signal_backend TO migrator",
    "CREATE EVENT TRIGGER evil ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE TABLESPACE evil LOCATION '/tmp'",
    "UPDATE pg_catalog.pg_authid SET rolsuper = true",
    "SELECT rolpassword FROM pg_catalog.pg_authid",
];

#[rstest]
#[case::as_migrator("")]
#[case::after_resetting_the_role("RESET ROLE;\n")]
fn what_only_a_superuser_may_do_is_refused(#[case] first: &str) {
    let attempts: String = FORBIDDEN
        .iter()
        .map(|sql| {
            format!(
                "BEGIN EXECUTE $evil${sql}$evil$; done := done || $evil${sql}; $evil$;\n\
                 EXCEPTION WHEN OTHERS THEN NULL; END;\n"
            )
        })
        .collect();
    let block = format!(
        "{first}DO $all$ DECLARE done text := ''; BEGIN\n{attempts}\
         IF done <> '' THEN RAISE EXCEPTION 'accepted: %', done; END IF; END $all$;"
    );
    let ended =
        watertight!("verify", with("expand.sql", &block), "--only", "migration-applies").small(2).run();
    let _ = ended.expect(0);
    assert!(!std::path::Path::new("/tmp/watertight-never").exists());
}

/// Runs on a server that somebody else uses too, and holds that nothing of theirs changed.
async fn run_on_a_shared_server(folder: &Folder, arguments: &[&str]) -> Ended {
    let host = server().await;
    execute(&host, "postgres", "CREATE DATABASE precious").await;
    execute(&host, "postgres", "CREATE ROLE somebody LOGIN").await;
    execute(&host, "precious", "CREATE TABLE gold (bar int); INSERT INTO gold VALUES (1), (2)").await;
    let before = belongings(&host).await;
    let ended = watertight!("verify", folder)
        .args(&["--provider", "existing", "--database-url", &url(&host, "pw"), "--seed", "1"])
        .args(arguments)
        .run();
    // What the registry needs stays; nothing else does.
    let after: Vec<String> =
        belongings(&host).await.into_iter().filter(|line| line != "database watertight").collect();
    assert_eq!(after, before, "{ended}");
    assert_eq!(column(&host, "precious", "SELECT count(*)::text FROM gold").await, ["2"]);
    host.stop().await.unwrap();
    ended
}

#[tokio::test]
async fn a_run_on_an_existing_server_passes_and_touches_nothing_that_is_not_its_own() {
    let ended = run_on_a_shared_server(&Folder::sound("shared"), &["--cases", "8"]).await.expect(0);
    assert_eq!(ended.report().server.provider, "existing");
}

#[rstest]
#[case::settings_of_roles_and_databases(
    "ALTER ROLE CURRENT_USER SET work_mem = '1MB';
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = nowhere', current_database()); END $$;
     RESET ROLE;
     ALTER ROLE SESSION_USER SET search_path = nowhere;
     ALTER ROLE SESSION_USER SET default_transaction_read_only = on;",
    0
)]
#[case::the_same_committed(
    "COMMIT;
     ALTER ROLE CURRENT_USER SET work_mem = '1MB';
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = nowhere', current_database()); END $$;
     RESET ROLE;
     ALTER ROLE SESSION_USER SET search_path = nowhere;
     ALTER ROLE SESSION_USER SET default_transaction_read_only = on;",
    0
)]
#[case::settings_of_the_system("ALTER SYSTEM SET work_mem = '1MB';", 1)]
#[case::drops_databases("DROP DATABASE precious;", 1)]
#[case::drops_the_template("DROP DATABASE template1;", 1)]
#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_changes_the_server_changes_nothing_of_others(#[case] sql: &str, #[case] code: i32) {
    let arguments = ["--cases", "3", "--only", "migration-applies,backfill-complete"];
    let _ = run_on_a_shared_server(&with("contract.sql", sql), &arguments).await.expect(code);
}

#[rstest]
#[case::always("RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid());")]
#[case::on_data(
    "SELECT set_config('seen.items', count(*)::text, true) FROM item;
     RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid()) WHERE current_setting('seen.items')::int > 3;"
)]
fn a_script_that_kills_its_backend_loses_its_case_and_says_so(#[case] sql: &str) {
    let ended = watertight!("verify", with("expand.sql", sql), "--only", "migration-applies")
        .small(4)
        .run()
        .expect(4);
    assert!(ended.everything().contains("57P01"), "{ended}");
}

#[test]
fn a_script_that_kills_everybody_else_does_not_make_it_pass_or_fail() {
    let sql = "RESET ROLE; SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND usename = current_user;";
    let ended = watertight!("verify", with("fill.sql", sql), "--only", "migration-applies").small(6).run();
    assert!([0, 4].contains(&ended.code), "{ended}");
}

/// Objects in the user's own schema that answer wrongly, or not at all, when the ground truth is read through them.
const BOOBY_TRAPS: &str = "
CREATE SCHEMA IF NOT EXISTS trap;
CREATE FUNCTION public.boom() RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ground truth ran user code'; END $$;
CREATE FUNCTION public.boom(uuid, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.boom()';
CREATE FUNCTION public.boom(text, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT public.boom()';
CREATE FUNCTION public.boom(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT public.boom()';
CREATE FUNCTION public.boom(oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.boom()';
CREATE FUNCTION public.boom(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.boom()';
CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = text, PROCEDURE = public.boom);
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = uuid, PROCEDURE = public.boom);
CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, PROCEDURE = public.boom);
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = text, PROCEDURE = public.boom);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, PROCEDURE = public.boom);
CREATE FUNCTION public.concat_boom(text, tid) RETURNS text LANGUAGE sql AS $$ SELECT 'boom' || public.boom() $$;
CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = tid, PROCEDURE = public.concat_boom);
CREATE FUNCTION public.count(integer) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint WHERE public.boom()';
CREATE FUNCTION public.max(text) RETURNS text LANGUAGE sql AS $$ SELECT '' WHERE public.boom() $$;
CREATE FUNCTION public.format(text, name) RETURNS text LANGUAGE sql AS $$ SELECT '' WHERE public.boom() $$;
CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT '' WHERE public.boom() $$;
CREATE FUNCTION public.pg_get_constraintdef(oid, text) RETURNS text LANGUAGE sql AS $$ SELECT '' WHERE public.boom() $$;
CREATE FUNCTION public.pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT 0 WHERE public.boom()';
CREATE VIEW public.pg_class AS SELECT 1 AS oid WHERE public.boom();
CREATE VIEW public.pg_attribute AS SELECT 1 AS attrelid WHERE public.boom();
CREATE VIEW public.pg_namespace AS SELECT 1 AS oid WHERE public.boom();
CREATE VIEW trap.item AS SELECT public.boom() AS id;
CREATE VIEW public.everything AS SELECT i.*, public.boom() FROM item i;
CREATE MATERIALIZED VIEW public.kept AS SELECT count(*) AS items FROM item;
CREATE TABLE trap.tenant (id uuid PRIMARY KEY, name text NOT NULL DEFAULT 'nobody');
";

#[test]
fn ground_truth_runs_none_of_the_users_operators_functions_and_views() {
    let plain = watertight!("verify", Folder::sound("hostile")).small(8).run().expect(0).scenario();
    let trapped = watertight!("verify", with("baseline.sql", BOOBY_TRAPS)).small(8).run().expect(0);
    assert!(!trapped.everything().contains("the ground truth ran user code"), "{trapped}");
    let trapped = trapped.scenario();
    for (one, two) in plain.checks.iter().zip(&trapped.checks) {
        assert_eq!((&one.invariant, one.outcome.verdict()), (&two.invariant, two.outcome.verdict()));
    }
}

#[test]
fn a_search_path_that_puts_user_schemas_first_does_not_change_what_is_seen() {
    let first = "SET search_path = public, trap, pg_catalog;";
    let folder = with("baseline.sql", BOOBY_TRAPS);
    let fill = format!(
        "{first}\n{}",
        folder
            .read("fill.sql")
            .replace('=', "OPERATOR(pg_catalog.=)")
            .replace("SET tenant_id OPERATOR(pg_catalog.=)", "SET tenant_id =")
    );
    let ended = watertight!("verify", folder.file("fill.sql", fill)).small(8).run().expect(0);
    assert_eq!(ended.scenario().verdict, Verdict::Held, "{ended}");
}
