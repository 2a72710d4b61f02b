//! Sound migrations that look wrong, or that a harness could break by how it plays them: nothing is reported.

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::run::verdict;
use watertight_tests::{Ended, Folder, watertight};

const TENANTS: &str = "CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL);\n";

const THREADS: &str = "CREATE TABLE threads (id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE, UNIQUE (tenant_id, id));\n";

/// A repository of numbered files.
fn repository(name: &str, migrations: &[(&str, &str)]) -> Folder {
    migrations
        .iter()
        .fold(Folder::new(name), |folder, (file, sql)| folder.file(&format!("migrations/{file}.sql"), sql))
}

fn verify(folder: &Folder) -> Ended {
    watertight!("verify").small(8).inside(folder.path()).run()
}

/// A value of an enum is used by the migration behind the one that adds it.
fn an_enum_grows() -> Folder {
    let init = format!(
        "{TENANTS}CREATE TYPE stage AS ENUM ('open', 'won');
         CREATE TABLE deals (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
             stage stage NOT NULL);"
    );
    repository(
        "growing",
        &[
            ("01_init", &init),
            ("02_lost", "ALTER TYPE stage ADD VALUE IF NOT EXISTS 'lost';"),
            ("03_index", "CREATE INDEX deals_lost ON deals (tenant_id) WHERE stage = 'lost';"),
        ],
    )
}

/// Every tenant has the same few keys: a row that is given another tenant's key points at its own tenant's row.
fn keys_that_every_tenant_has() -> Folder {
    let init = format!(
        "{TENANTS}CREATE TABLE shelves (tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
             code varchar(3) NOT NULL CHECK (code IN ('a', 'b')), PRIMARY KEY (tenant_id, code));
         CREATE TABLE boxes (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, code varchar(3) NOT NULL,
             FOREIGN KEY (tenant_id, code) REFERENCES shelves ON DELETE CASCADE);"
    );
    repository("codes", &[("01_init", &init), ("02_note", "ALTER TABLE boxes ADD COLUMN note text;")])
}

/// A trigger takes a row that is moved to another tenant's thread along to that tenant.
fn a_trigger_keeps_rows_together() -> Folder {
    let init = format!(
        "{TENANTS}{THREADS}CREATE TABLE posts (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, thread_id uuid NOT NULL,
             FOREIGN KEY (tenant_id, thread_id) REFERENCES threads (tenant_id, id) ON DELETE CASCADE);
         CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             SELECT t.tenant_id INTO NEW.tenant_id FROM threads t WHERE t.id = NEW.thread_id;
             RETURN NEW;
         END $$;
         CREATE TRIGGER follow BEFORE INSERT OR UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION follow();"
    );
    repository("moving", &[("01_init", &init), ("02_note", "ALTER TABLE posts ADD COLUMN note text;")])
}

/// A backfill with a temporary table and deferred constraints, and a step behind it that rewrites the table.
fn each_step_has_its_commit(down: bool) -> Folder {
    const TEMPORARY: &str = "CREATE TEMP TABLE todo ON COMMIT DROP AS
        SELECT p.id, t.tenant_id FROM public.posts p JOIN public.threads t ON t.id = p.thread_id
        WHERE p.tenant_id IS NULL;\n";
    let init = format!(
        "{TENANTS}{THREADS}CREATE TABLE posts (id uuid PRIMARY KEY,
             thread_id uuid NOT NULL REFERENCES threads ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, body text);"
    );
    let expand = "ALTER TABLE posts ADD COLUMN tenant_id uuid, ADD CONSTRAINT posts_thread
        FOREIGN KEY (tenant_id, thread_id) REFERENCES threads (tenant_id, id)
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;";
    let fill =
        format!("{TEMPORARY}UPDATE posts p SET tenant_id = d.tenant_id FROM todo d WHERE d.id = p.id;");
    let tighten = format!("{TEMPORARY}ALTER TABLE posts ALTER COLUMN tenant_id SET NOT NULL;");
    let back = format!("{TEMPORARY}ALTER TABLE posts ALTER COLUMN tenant_id DROP NOT NULL;");
    let mut migrations =
        vec![("01_init", init.as_str()), ("02_expand", expand), ("03_fill", &fill), ("04_tighten", &tighten)];
    if down {
        migrations.push(("04_tighten.down", &back));
    }
    repository("commits", &migrations)
}

/// A policy lets everything through, and a restrictive one only a tenant's own.
fn a_restrictive_policy() -> Folder {
    let init = format!(
        "{TENANTS}CREATE TABLE notes (id uuid PRIMARY KEY,
             tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE, body text NOT NULL);
         GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO web;"
    );
    let secure = "ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE notes FORCE ROW LEVEL SECURITY;
        CREATE POLICY anybody ON notes USING (true);
        CREATE POLICY own ON notes AS RESTRICTIVE
            USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);";
    repository("restrictive", &[("01_init", &init), ("02_secure", secure)])
}

/// A value is unique over all tenants, and nobody is there who could try values.
fn nobody_asks() -> Folder {
    let init = format!(
        "{TENANTS}CREATE TABLE keys (id uuid PRIMARY KEY, hash text NOT NULL UNIQUE,
             tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE);"
    );
    repository(
        "hashes",
        &[("01_init", &init), ("02_expiry", "ALTER TABLE keys ADD COLUMN expires_at timestamptz;")],
    )
}

#[rstest]
#[case::nobody_asks(nobody_asks())]
#[case::a_restrictive_policy(a_restrictive_policy())]
#[case::an_enum_grows(an_enum_grows())]
#[case::keys_that_every_tenant_has(keys_that_every_tenant_has())]
#[case::a_trigger_keeps_rows_together(a_trigger_keeps_rows_together())]
#[case::each_step_has_its_commit(each_step_has_its_commit(false))]
#[case::and_its_way_back(each_step_has_its_commit(true))]
fn nothing_is_reported(#[case] folder: Folder) {
    let ended = verify(&folder);
    assert_eq!(ended.code, 0, "{ended}");
}

/// Rows that belong to people who carry the tenant: whose they are is known, and the backfill is held against it. A key
/// that holds the filled column itself is no second way.
#[test]
fn whose_a_row_is_is_known_by_its_person() {
    let init = format!(
        "{TENANTS}CREATE TABLE users (id uuid PRIMARY KEY,
             tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE, UNIQUE (tenant_id, id));
         CREATE TABLE tasks (id uuid PRIMARY KEY, author uuid NOT NULL REFERENCES users ON DELETE CASCADE);"
    );
    let expand = "ALTER TABLE tasks ADD COLUMN tenant_id uuid, ADD CONSTRAINT tasks_author_of_tenant
        FOREIGN KEY (tenant_id, author) REFERENCES users (tenant_id, id) ON DELETE CASCADE;";
    let fill = "UPDATE tasks t SET tenant_id = u.tenant_id FROM users u WHERE u.id = t.author AND t.tenant_id IS NULL;";
    let right = repository("people", &[("01_init", &init), ("02_expand", expand), ("03_fill", fill)]);
    let ended = verify(&right);
    assert_eq!(verdict(&ended.scenario(), "backfill-correct"), Verdict::Held, "{ended}");
    let any =
        "UPDATE tasks SET tenant_id = (SELECT min(id::text)::uuid FROM tenants) WHERE tenant_id IS NULL;";
    let wrong = repository(
        "anybody",
        &[
            ("01_init", &init),
            ("02_expand", "ALTER TABLE tasks ADD COLUMN tenant_id uuid;"),
            ("03_fill", any),
        ],
    );
    let ended = verify(&wrong);
    assert_eq!(verdict(&ended.scenario(), "backfill-correct"), Verdict::Violated, "{ended}");
}

/// Keys from sequences meet: a backfill that joins on the wrong one finds rows, and gives them to the wrong tenant.
#[rstest]
#[case::the_reference("project_id", Verdict::Held)]
#[case::the_key_itself("id", Verdict::Violated)]
fn keys_of_different_tables_meet(#[case] column: &str, #[case] expected: Verdict) {
    let init = "CREATE TABLE tenants (id serial PRIMARY KEY, name text NOT NULL);
        CREATE TABLE projects (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants ON DELETE CASCADE);
        CREATE TABLE tasks (id serial PRIMARY KEY, project_id int NOT NULL REFERENCES projects ON DELETE CASCADE);";
    let fill = format!(
        "UPDATE tasks t SET tenant_id = p.tenant_id FROM projects p WHERE p.id = t.{column} AND t.tenant_id IS NULL;"
    );
    let expand = "ALTER TABLE tasks ADD COLUMN tenant_id int REFERENCES tenants ON DELETE CASCADE;";
    let ended =
        verify(&repository("serial", &[("01_init", init), ("02_expand", expand), ("03_fill", &fill)]));
    assert_eq!(verdict(&ended.scenario(), "backfill-correct"), expected, "{ended}");
}

/// Deferred constraints stay deferred: a step may part what it puts together again before its commit.
#[test]
fn a_deferred_constraint_is_asked_at_the_end_of_each_step() {
    let swap = "UPDATE posts SET thread_id = '00000000-0000-0000-0000-000000000000' WHERE body = 'never';";
    let torn = "UPDATE posts SET thread_id = '00000000-0000-0000-0000-000000000000';";
    let sound = each_step_has_its_commit(false).file("migrations/05_swap.sql", swap);
    let ended = verify(&sound);
    assert_eq!(ended.code, 0, "{ended}");
    let ended = verify(&each_step_has_its_commit(false).file("migrations/05_torn.sql", torn)).expect(1);
    assert!(ended.stdout.contains("05_torn stops"), "{ended}");
}

/// A failure that needs no row is fixed when its step passes, though there is no row to tell.
#[test]
fn a_known_failure_without_rows_is_seen_to_be_fixed() {
    let broken = "ALTER TABLE boxes ADD COLUMN note text; ALTER TABLE boxes ADD COLUMN note text;";
    let folder = keys_that_every_tenant_has().file("migrations/02_note.sql", broken);
    let verify = |code| {
        let run = watertight!("verify", "--failures", "failures").small(8).inside(folder.path());
        run.run().expect(code)
    };
    let ended = verify(1);
    assert!(ended.stdout.contains("02_note does not apply, whatever the data"), "{ended}");
    assert!(
        ended.scenario().checks.iter().any(|c| c
            .outcome
            .findings()
            .iter()
            .any(|f| f.message.contains(r#"column "note" of relation "boxes" already exists"#))),
        "{ended}"
    );
    std::fs::write(folder.path().join("migrations/02_note.sql"), "ALTER TABLE boxes ADD COLUMN note text;")
        .unwrap();
    let ended = verify(0);
    assert!(ended.stdout.contains("fixed"), "{ended}");
}
