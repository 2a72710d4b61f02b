//! Steps are cut on their way, at the same places in every run, and what is told of it happens again by hand.

use std::process::{Command, Stdio};

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::postgres::{execute, server};
use watertight_tests::run::{findings, verdict};
use watertight_tests::{Folder, watertight};

/// What every script begins with: a statement as the program's own login.
const ASK: &str = "set -e\nask() { psql \"$DATABASE_URL\" -XqAt -v ON_ERROR_STOP=1 \"$@\"; }\n";

/// What fills the notes, at the end of each.
const NOTES: &str = "ask -c 'UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL'\n";

/// The sound timeline, with its backfill done by a shell script that takes one item after the other.
fn filled_by(name: &str, script: &str) -> Folder {
    Folder::sound(name)
        .with(
            "backfill = \"fill.sql\"",
            "backfill = { run = [\"sh\", \"fill.sh\"] }\nwrites = [\"fill_progress\"]",
        )
        .file("fill.sh", format!("{ASK}{script}{NOTES}"))
}

/// Each item is asked whether it is done.
const BY_ITS_ROWS: &str = "
for id in $(ask -c 'SELECT id FROM item WHERE tenant_id IS NULL ORDER BY id'); do
  ask -c \"UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.id = '$id'\"
done
";

/// What is done is noted, and before it is done.
const BY_A_NOTE: &str = "
ask -c 'CREATE TABLE IF NOT EXISTS fill_progress (item_id uuid PRIMARY KEY)' 2> /dev/null
for id in $(ask -c 'SELECT id FROM item WHERE id NOT IN (SELECT item_id FROM fill_progress) ORDER BY id'); do
  ask -c \"INSERT INTO fill_progress VALUES ('$id')\"
  ask -c \"UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.id = '$id'\"
done
";

#[test]
fn a_command_that_asks_the_rows_bears_to_be_killed() {
    let folder = filled_by("asks", BY_ITS_ROWS);
    let ended = watertight!("verify", &folder, "--only", "backfill-resumable").small(6).run().expect(0);
    assert_eq!(verdict(&ended.scenario(), "backfill-resumable"), Verdict::Held, "{ended}");
}

#[test]
fn a_command_that_notes_what_it_has_not_done_is_found() {
    let folder = filled_by("notes", BY_A_NOTE);
    let ended = watertight!("verify", &folder, "--only", "backfill-resumable").small(6).run().expect(1);
    let scenario = ended.scenario();
    let found = findings(&scenario, "backfill-resumable");
    let item = found.iter().find(|f| f.title.contains("does not finish item")).unwrap();
    assert!(item.message.contains("stopped at write 1"), "{ended}");
    let smallest = item.counterexample.as_ref().unwrap();
    assert!(
        smallest.transcript.iter().any(|line| line.contains("sh fill.sh, stopped at write 1")),
        "{ended}"
    );
    assert!(smallest.tenants <= 1 && smallest.rows <= 3, "{ended}");
}

fn fault(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("faults").join(name)
}

#[rstest]
#[case("backfill-resumable", "backfill-resumable")]
#[case("migration-atomic-invalid-index", "migration-atomic")]
fn cuts_are_the_same_in_every_run(#[case] name: &str, #[case] id: &str) {
    let run = || {
        let ended = watertight!("verify", fault(name), "--only", id).small(6).run();
        ended.expect(1).report().without_times().to_json()
    };
    assert!(run() == run());
}

/// The script beside a finding leaves in psql what the finding says.
#[rstest]
#[case("backfill-resumable", "backfill-resumable", "SELECT count(*) > 0 FROM item WHERE tenant_id IS NULL")]
#[case(
    "migration-atomic",
    "migration-atomic",
    "SELECT count(*) = 1 FROM pg_attribute WHERE attrelid IN ('item'::regclass, 'note'::regclass) AND attname = 'tenant_id'"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_happens_in_psql_too(#[case] name: &str, #[case] id: &str, #[case] question: &str) {
    let ended = watertight!("verify", fault(name), "--only", id).small(8).run().expect(1);
    let scenario = ended.scenario();
    let found = findings(&scenario, id);
    let smallest = found[0].counterexample.as_ref().unwrap();
    let script = ended.file(smallest.file.as_ref().unwrap()).display().to_string();
    let server = server().await;
    execute(&server, "postgres", "CREATE DATABASE empty").await;
    let options = server.admin_options("postgres");
    let socket = options.get_socket().unwrap().display().to_string();
    let psql = |arguments: &[&str]| {
        let mut command = Command::new("psql");
        command.args(["-X", "-d", "empty", "-U", options.get_username(), "-h", &socket]).args(arguments);
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let said = psql(&["-f", &script]);
    assert_eq!(psql(&["-Atc", question]).trim(), "t", "{said}");
    server.stop().await.unwrap();
}

/// Cuts of every kind leave nothing behind that a sound step could not go on from, whatever its neighbours hold.
#[test]
fn a_session_that_is_cut_takes_its_locks_along() {
    let held = "SELECT pg_advisory_lock(7); CREATE TEMP TABLE batch (id uuid); BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE;";
    let filled = "INSERT INTO batch SELECT id FROM item WHERE tenant_id IS NULL;
        UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.id IN (SELECT id FROM batch);
        COMMIT; DO $$ BEGIN IF NOT pg_try_advisory_lock(7) THEN RAISE 'somebody else fills'; END IF; COMMIT; END $$;
        UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;";
    let folder = Folder::sound("holds").file("fill.sql", format!("{held}{filled}"));
    let ended = watertight!("verify", &folder, "--only", "backfill-resumable").small(6).run().expect(0);
    assert_eq!(verdict(&ended.scenario(), "backfill-resumable"), Verdict::Held, "{ended}");
}
