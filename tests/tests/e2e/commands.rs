//! Steps that programs of the user's do: on their own connections, as the migrator, and judged as scripts are.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::postgres::{execute, server};
use watertight_tests::run::{Running, findings, verdict};
use watertight_tests::{Folder, watertight};

const FILL: &str = "backfill = \"fill.sql\"";

/// What every script begins with: a statement as the program's own login.
const ASK: &str = "set -e\nask() { psql \"$DATABASE_URL\" -XqAt -v ON_ERROR_STOP=1 \"$@\"; }\n";

/// The sound timeline, with its backfill and a check done by shell scripts.
fn sound(name: &str) -> Folder {
    let check =
        "ask -c 'SELECT tenant_id, id FROM item WHERE tenant_id IS NULL' | grep . && exit 1 || exit 0\n";
    Folder::sound(name)
        .with(
            FILL,
            "backfill = { run = [\"sh\", \"fill.sh\"], files = [\"*.sql\"] }\n\n[[steps]]\nid = \"filled\"\n\
             check = { run = [\"sh\", \"check.sh\"] }",
        )
        .file("fill.sh", format!("{ASK}ask -f fill.sql\n"))
        .file("check.sh", format!("{ASK}{check}"))
}

/// The same with another backfill.
fn filled_by(name: &str, script: &str) -> Folder {
    sound(name).file("fill.sh", format!("{ASK}{script}\n"))
}

#[test]
fn what_is_sound_holds_with_commands_too() {
    let ended = watertight!("verify", &sound("sound")).small(6).run().expect(0);
    let report = ended.scenario();
    for id in [
        "backfill-complete",
        "backfill-correct",
        "backfill-idempotent",
        "backfill-resumable",
        "backfill-preserves",
        "migration-applies",
        "guard-refuses",
        "rollback-data",
    ] {
        assert_eq!(verdict(&report, id), Verdict::Held, "{id}: {ended}");
    }
    assert_eq!(report.steps[1].command.as_deref(), Some("sh fill.sh"), "{ended}");
    let text = std::fs::read_to_string(ended.file("sound.md")).unwrap();
    assert!(text.contains("must end with exit code 0"), "{text}");
}

#[rstest]
#[case::half(
    filled_by(
        "faulty",
        "ask -c 'UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.rank > 5'"
    ),
    "backfill-complete",
    "without a tenant"
)]
#[case::again(
    filled_by(
        "faulty",
        "sed s/'AND . .tenant_id IS NULL'// fill.sql > /dev/null; ask -f fill.sql; ask -c 'UPDATE item SET body = body'"
    ),
    "backfill-idempotent",
    "writes to item again"
)]
#[case::refuses(
    filled_by(
        "faulty",
        "ask -f fill.sql\n[ -z \"$(ask -c 'SELECT 1 FROM item WHERE rank = 1 LIMIT 1')\" ] || { echo 'Error: rank 1' >&2; exit 3; }"
    ),
    "migration-applies",
    "exit code 3: Error: rank 1"
)]
#[case::complains(
    filled_by(
        "faulty",
        "ask -c 'UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.rank > 5'"
    ),
    "migration-applies",
    "exit code 1"
)]
#[case::never_ends(
    filled_by("faulty", "while [ -n \"$(ask -c 'SELECT 1 FROM item LIMIT 1')\" ]; do sleep 0.1; done")
        .with("id = \"fill\"", "id = \"fill\"\ntimeout = 2"),
    "migration-applies",
    "does not end"
)]
#[case::as_one_who_sees_less(
    sound("faulty").file("expand.sql", Folder::sound("other").read("expand.sql")
        + "ALTER TABLE item ENABLE ROW LEVEL SECURITY; ALTER TABLE item FORCE ROW LEVEL SECURITY;"),
    "step-role-faithful",
    "row security hides rows"
)]
fn a_planted_defect_is_found_with_commands_too(
    #[case] folder: Folder,
    #[case] id: &str,
    #[case] words: &str,
) {
    let ended = watertight!("verify", &folder, "--only", id).small(4).run().expect(1);
    let scenario = ended.scenario();
    let found = findings(&scenario, id);
    assert!(found.iter().any(|f| f.title.contains(words) || f.message.contains(words)), "{ended}");
    assert!(found.iter().all(|f| f.counterexample.is_some()), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counterexample_says_what_to_run_and_replays() {
    let script = "ask -c 'UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.rank > 5'";
    let folder = filled_by("replayed", script);
    let only = ["--only", "backfill-complete", "--failures"];
    let known = folder.path().join(".watertight/failures");
    let ended = watertight!("verify", &folder).small(4).args(&only).arg(&known).run().expect(1);
    let report = ended.scenario();
    let found = &findings(&report, "backfill-complete")[0];
    let smallest = found.counterexample.as_ref().unwrap();
    assert!(smallest.transcript.iter().any(|line| line.contains("migrator: sh fill.sh → ")), "{ended}");

    let file = known.join(format!("{}.json", found.id));
    let replayed = watertight!("replay", &file, "--provider", "embedded", "--step").run().expect(1);
    assert!(replayed.stdout.contains("migrator: sh fill.sh → "), "{replayed}");

    // psql runs the command where it is told to, and says what to run where it is not.
    let server = server().await;
    for database in ["told", "run"] {
        execute(&server, "postgres", &format!("CREATE DATABASE {database}")).await;
    }
    let options = server.admin_options("postgres");
    let socket = options.get_socket().unwrap().display().to_string();
    let psql = |arguments: &[&str]| {
        let mut command = Command::new("psql");
        command.args(["-X", "-U", options.get_username(), "-h", &socket]).args(arguments);
        let output = command.current_dir(folder.path()).stdin(std::process::Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let script = ended.file(smallest.file.as_ref().unwrap()).display().to_string();
    let said = psql(&["-d", "told", "-f", &script]);
    assert!(said.contains("Run now in the scenario's folder") && said.contains("sh fill.sh"), "{said}");
    let said = psql(&["-d", "run", "-v", "commands=run", "-f", &script]);
    assert!(!said.contains("ERROR"), "{said}");
    let left = psql(&["-d", "run", "-c", "SELECT count(*) AS left FROM item WHERE tenant_id IS NULL", "-At"]);
    assert_ne!(left.trim(), "0", "{said}");
    server.stop().await.unwrap();
}

#[test]
fn a_command_is_the_migrator_and_nobody_else_and_tells_no_password() {
    let script = "
[ \"$(ask -c 'SELECT current_user')\" = migrator ]
[ \"$(ask -c 'SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user')\" = f ]
[ \"$(PGDATABASE= psql -XAtc 'SELECT current_user' \"$MAIN_URL\")\" = migrator ]
[ \"$(psql -XAtc 'SHOW TimeZone')\" = UTC ]
[ \"$MODE\" = '{a: 1}' ] && [ -z \"$WATERTIGHT_DATABASE_URL\" ] && [ \"$OTHER_URL\" = \"$DATABASE_URL\" ]
[ \"$(basename \"$PWD\")\" = job ]
psql -XAtc 'RESET ROLE; SELECT pg_read_file($$/etc/passwd$$)' 2> /dev/null && exit 9
ask -f ../fill.sql
echo \"connected to $DATABASE_URL with $PGPASSWORD\"
exit 1";
    let folder = sound("own")
        .with("run = [\"sh\", \"fill.sh\"]", "run = [\"sh\", \"fill.sh\"], folder = \"job\", env = { MAIN_URL = \"{main}\", MODE = \"{a: 1}\" }")
        .with("files = [\"*.sql\"]", "files = [\"*.sh\"]")
        .file("job/fill.sh", format!("{ASK}{script}\n"));
    let ended = watertight!("verify", &folder, "--only", "migration-applies")
        .small(2)
        .env("OTHER_URL", "postgresql://me:canary-11@production.example/data")
        .env("DATABASE_URL", "postgresql://me:canary-12@production.example/data")
        .run()
        .expect(1);
    let scenario = ended.scenario();
    let found = findings(&scenario, "migration-applies");
    assert!(found.iter().all(|f| f.message.contains("exit code 1: connected to")), "{ended}");
    let everything = ended.everything();
    assert!(
        everything.contains("[redacted]@localhost") && everything.contains("with [redacted]"),
        "{everything}"
    );
    assert!(!everything.contains("canary-1"), "{everything}");
}

#[rstest]
#[case::no_program("{ run = [] }", 2, "has no program")]
#[case::no_folder("{ run = [\"true\"], folder = \"nowhere\" }", 2, "there is no folder `nowhere`")]
#[case::outside("{ run = [\"true\"], folder = \"../..\" }", 2, "leads out of the scenario's folder")]
#[case::no_database("{ run = [\"true\"], env = { X = \"{other}\" } }", 2, "there is no database `other`")]
#[case::no_file("{ run = [\"true\"], files = [\"src/*.ts\"] }", 2, "no file matches `src/*.ts`")]
#[case::misspelt("{ runs = [\"true\"] }", 2, "expected an SQL file's path, or { run = ")]
#[case::not_installed("{ run = [\"no-such-program-7\"] }", 3, "did not run to its end: exit code 127")]
fn a_command_that_cannot_be_run_is_no_finding(#[case] given: &str, #[case] code: i32, #[case] words: &str) {
    let folder = Folder::sound("unfit").with(FILL, &format!("backfill = {given}"));
    let ended = watertight!("verify", &folder).small(2).run().expect(code);
    assert!(ended.stderr.contains(words), "{ended}");
}

#[test]
fn what_a_command_is_made_of_is_part_of_the_digest() {
    let digest = |folder: &Folder| watertight_scenarios::Scenario::load(folder.path()).unwrap().digest;
    let folder = sound("digest").file("lib/a.sql", "SELECT 1;");
    let first = digest(&folder);
    let folder = folder.file("lib/a.sql", "SELECT 2;");
    assert_eq!(digest(&folder), first, "nothing says that the command reads it");
    let folder = folder.file("fill.sh", "true");
    let second = digest(&folder);
    assert_ne!(second, first);
    assert_ne!(digest(&folder.with("\"*.sql\"", "\"*.sql\", \"lib/**\"")), second);
}

fn sleeping(running: &Running) -> Vec<i32> {
    running
        .descendants()
        .into_iter()
        .filter(|(_, line)| line.starts_with("sleep 987"))
        .map(|(pid, _)| pid)
        .collect()
}

fn is_gone(pid: i32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.map_or(true, |s| s.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

#[rstest]
#[case::killed(&[Signal::SIGKILL])]
#[case::ctrl_c_twice(&[Signal::SIGINT, Signal::SIGINT])]
fn a_command_does_not_outlive_the_run(#[case] signals: &[Signal]) {
    let folder = filled_by("outlived", "[ -z \"$(ask -c 'SELECT 1 FROM item LIMIT 1')\" ] || sleep 987");
    let mut running = watertight!("verify", &folder).small(8).start();
    running.until("a command sleeps", |r| !sleeping(r).is_empty());
    let left = sleeping(&running);
    assert!(!left.is_empty());
    for signal in signals {
        running.signal(*signal);
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    let _ = running.wait();
    let begun = std::time::Instant::now();
    while !left.iter().all(|pid| is_gone(*pid)) {
        assert!(begun.elapsed().as_secs() < 20, "a command outlives the run");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
