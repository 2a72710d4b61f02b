//! The providers on real servers.
//!
//! The container tests need an image: `WATERTIGHT_TEST_IMAGE=watertight/postgres:17` (see `containers/README.md`).
//! Without it they are passed over, except in CI, where only `WATERTIGHT_TEST_IMAGE=none` passes them over.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use watertight_harness::provider::registry::{NewDatabase, Run, reap};
use watertight_harness::provider::{
    EmbeddedSource, MAINTENANCE_DATABASE, ProviderChoice, ProviderError, ProviderKind, ProviderOptions,
    Secret, Server, doctor,
};

/// Which server a child process of a test starts and holds on to, so that the test can kill it.
const HOLD: &str = "WATERTIGHT_TEST_HOLD";

fn embedded() -> ProviderOptions {
    ProviderOptions {
        embedded_source: EmbeddedSource::Downloaded,
        ..ProviderOptions::new(ProviderChoice::Embedded)
    }
}

fn existing(url: String) -> ProviderOptions {
    ProviderOptions { database_url: Some(Secret::new(url)), ..ProviderOptions::new(ProviderChoice::Existing) }
}

fn url_of(server: &Server) -> String {
    let options = server.admin_options(MAINTENANCE_DATABASE);
    let socket = options.get_socket().unwrap().display().to_string().replace('/', "%2F");
    format!("postgres://{}:canary@{socket}:5432/ignored", options.get_username())
}

async fn admin(server: &Server) -> PgConnection {
    server.admin_options(MAINTENANCE_DATABASE).connect().await.unwrap()
}

async fn text(connection: &mut PgConnection, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

async fn names(server: &Server) -> (Vec<String>, Vec<String>) {
    let mut connection = admin(server).await;
    let databases = sqlx::query_scalar("SELECT datname::text FROM pg_database ORDER BY 1");
    let databases = databases.fetch_all(&mut connection).await.unwrap();
    let roles = sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1");
    (databases, roles.fetch_all(&mut connection).await.unwrap())
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Starts this test program again, as a harness that holds a server until it is killed. Returns what it reported.
fn spawn_holder(mode: &str) -> (Child, Vec<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "hold_a_server_until_killed", "--nocapture"])
        .env(HOLD, mode)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let report = lines
        .filter_map(|line| line.strip_prefix("held: ").map(str::to_owned))
        .take_while(|line| line != "ready")
        .collect();
    (child, report)
}

/// Not a test: the harness that other tests kill.
#[tokio::test]
#[ignore = "started by other tests"]
async fn hold_a_server_until_killed() {
    let Ok(mode) = std::env::var(HOLD) else { return };
    let options = match mode.split_once(' ') {
        Some(("existing", url)) => existing(url.to_owned()),
        Some(("container", image)) => ProviderOptions {
            image: Some(image.to_owned()),
            ..ProviderOptions::new(ProviderChoice::Container)
        },
        _ => embedded(),
    };
    let server = Server::start(&options).await.unwrap();
    let run = Run::open(&server).await.unwrap();
    run.create_role("migrator").await.unwrap();
    run.create_database(NewDatabase { owner: Some("migrator"), ..NewDatabase::default() }).await.unwrap();
    let mut connection = admin(&server).await;
    println!("held: {}", text(&mut connection, "SELECT current_setting('data_directory')").await);
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    println!("held: {pid}");
    println!("held: ready");
    std::future::pending::<()>().await;
}

fn parent_of(pid: &str) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().to_owned()
}

/// Kills the process group that a supervisor leads, after making sure that it is one. Not with the `kill` program:
/// some versions of it read `-1234` as `-1`, which is everybody.
fn kill_supervisor(pid: &str) {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(line.contains("watertight-supervisor"), "{pid} is not a supervisor: {line}");
    let group = Pid::from_raw(pid.parse().unwrap());
    assert!(group.as_raw() > 1 && getpgid(Some(group)) == Ok(group), "{pid} leads no group");
    killpg(group, Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn embedded_starts_answers_and_leaves_nothing() {
    let begun = Instant::now();
    let server = Server::start(&embedded()).await.unwrap();
    println!("started in {:?}: {}", begun.elapsed(), server.info());
    let info = server.info();
    assert_eq!(info.provider, ProviderKind::Embedded);
    assert!(info.server_version_num >= 150_000);
    assert!(info.pgvector.is_some());
    assert_eq!(info.pinned.time_zone, "UTC");
    assert!(server.is_alive().await);
    let mut connection = admin(&server).await;
    let data = PathBuf::from(text(&mut connection, "SELECT current_setting('data_directory')").await);
    let socket =
        PathBuf::from(text(&mut connection, "SELECT current_setting('unix_socket_directories')").await);
    assert!(data.exists() && socket.exists());
    drop(connection);
    let begun = Instant::now();
    server.stop().await.unwrap();
    println!("stopped in {:?}", begun.elapsed());
    assert!(!data.parent().unwrap().exists() && !socket.exists());
}

#[tokio::test]
async fn a_dropped_server_stops_as_well() {
    let server = Server::start(&embedded()).await.unwrap();
    let data =
        PathBuf::from(text(&mut admin(&server).await, "SELECT current_setting('data_directory')").await);
    drop(server);
    eventually("the folder is gone", || !data.parent().unwrap().exists()).await;
}

#[tokio::test]
async fn what_extensions_there_are_is_known_and_substitutes_work() {
    let server = Server::start(&embedded()).await.unwrap();
    let info = server.info();
    info.require_extension("vector").unwrap();
    let error = info.require_extension("no_such_extension").unwrap_err();
    assert!(error.remedy().contains("--provider container"), "{}", error.remedy());
    if info.substituted.iter().any(|name| name == "uuid-ossp") {
        let mut connection = admin(&server).await;
        sqlx::raw_sql("CREATE EXTENSION vector; CREATE SCHEMA x; CREATE EXTENSION \"uuid-ossp\" SCHEMA x")
            .execute(&mut connection)
            .await
            .unwrap();
        // Computed with another implementation.
        let v3 = text(&mut connection, "SELECT x.uuid_generate_v3(x.uuid_ns_dns(), 'www.example.com')::text")
            .await;
        assert_eq!(v3, "5df41881-3aed-3515-88a7-2f4a814cf09e");
        let v4 = text(&mut connection, "SELECT x.uuid_generate_v4()::text").await;
        assert_eq!(v4.as_bytes()[14], b'4');
        for refused in
            ["x.uuid_generate_v1()", "x.uuid_generate_v1mc()", "x.uuid_generate_v5(x.uuid_nil(), 'a')"]
        {
            let error =
                sqlx::query(AssertSqlSafe(format!("SELECT {refused}"))).execute(&mut connection).await;
            let error = error.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "0A000", "{refused}");
        }
    }
    if info.substituted.iter().any(|name| name == "pgcrypto") {
        let mut connection = admin(&server).await;
        sqlx::raw_sql("CREATE SCHEMA y; CREATE EXTENSION pgcrypto SCHEMA y")
            .execute(&mut connection)
            .await
            .unwrap();
        // FIPS 180-2, appendix B.1.
        let digest = text(&mut connection, "SELECT encode(y.digest('abc', 'sha256'), 'hex')").await;
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let drawn = text(&mut connection, "SELECT length(y.gen_random_bytes(100))::text").await;
        assert_eq!(drawn, "100");
        for refused in ["y.crypt('a', 'b')", "y.gen_salt('bf')", "y.digest('a', 'sha1')"] {
            let error =
                sqlx::query(AssertSqlSafe(format!("SELECT {refused}"))).execute(&mut connection).await;
            let error = error.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "0A000", "{refused}");
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn two_runs_at_once_prepare_once_and_both_work() {
    let cache = tempfile::tempdir().unwrap();
    std::fs::set_permissions(cache.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let bin = {
        let server = Server::start(&embedded()).await.unwrap();
        let bin = PathBuf::from(&server.info().source);
        server.stop().await.unwrap();
        bin
    };
    let options = ProviderOptions {
        postgres_bin: Some(bin),
        cache_dir: Some(cache.path().to_owned()),
        embedded_source: EmbeddedSource::Installed,
        ..embedded()
    };
    let (one, two) = tokio::join!(Server::start(&options), Server::start(&options));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_alive().await && two.is_alive().await);
    one.stop().await.unwrap();
    assert!(two.is_alive().await);
    two.stop().await.unwrap();
    let prepared: Vec<_> = std::fs::read_dir(cache.path())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .collect();
    assert_eq!(prepared.len(), 1, "{prepared:?}");
}

#[tokio::test]
async fn a_killed_harness_leaves_no_server_and_no_folder() {
    let (mut child, report) = spawn_holder("embedded");
    let [data, backend] = report.try_into().unwrap();
    let folder = Path::new(&data).parent().unwrap().to_owned();
    let server = parent_of(&backend);
    assert!(folder.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("server and folder are gone", || {
        !folder.exists() && !Path::new("/proc").join(&server).exists()
    })
    .await;
}

#[tokio::test]
async fn what_a_killed_supervisor_leaves_goes_with_the_next_start() {
    let (mut child, report) = spawn_holder("embedded");
    let [data, backend] = report.try_into().unwrap();
    let folder = Path::new(&data).parent().unwrap().to_owned();
    let server = parent_of(&backend);
    let supervisor = parent_of(&server);
    kill_supervisor(&supervisor);
    child.kill().unwrap();
    child.wait().unwrap();
    let next = Server::start(&embedded()).await.unwrap();
    eventually("server and folder are gone", || {
        !folder.exists() && !Path::new("/proc").join(&server).exists()
    })
    .await;
    next.stop().await.unwrap();
}

#[tokio::test]
async fn a_run_on_an_existing_server_removes_what_it_created_and_nothing_else() {
    let host = Server::start(&embedded()).await.unwrap();
    for sql in ["CREATE ROLE app", "CREATE DATABASE precious"] {
        sqlx::raw_sql(sql).execute(&mut admin(&host).await).await.unwrap();
    }
    let before = names(&host).await;

    let server = Server::start(&existing(url_of(&host))).await.unwrap();
    assert_eq!(server.info().provider, ProviderKind::Existing);
    let run = Run::open(&server).await.unwrap();
    let error = run.create_role("app").await.unwrap_err();
    assert!(matches!(error, ProviderError::ForeignRole { .. }), "{error}");
    for role in ["migrator", "observer", "O'Brien \"x\""] {
        run.create_role(role).await.unwrap();
    }
    run.register_role("by_script").await.unwrap();
    let first = NewDatabase { hint: "data hub", owner: Some("migrator"), ..NewDatabase::default() };
    let first = run.create_database(first).await.unwrap();
    let mut inside = server.admin_options(&first).connect().await.unwrap();
    sqlx::raw_sql(
        "CREATE ROLE by_script; GRANT SET ON PARAMETER session_replication_role TO observer; \
         GRANT migrator TO observer; SET ROLE migrator; CREATE TABLE t (a text); INSERT INTO t VALUES ('é')",
    )
    .execute(&mut inside)
    .await
    .unwrap();
    assert_eq!(text(&mut inside, "SELECT upper(a) FROM t").await, "É");
    inside.close().await.unwrap();
    let copy = NewDatabase { template: Some(&first), ..NewDatabase::default() };
    let copy = run.create_database(copy).await.unwrap();
    let mut inside = server.admin_options(&copy).connect().await.unwrap();
    assert_eq!(text(&mut inside, "SELECT a FROM t").await, "é");
    run.drop_database("precious").await.unwrap();
    run.drop_database(&first).await.unwrap();
    let during = names(&host).await;
    assert!(
        during.0.contains(&"precious".to_owned()) && during.0.contains(&copy) && !during.0.contains(&first)
    );
    run.close().await.unwrap();
    server.stop().await.unwrap();
    assert_eq!(names(&host).await, before);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_killed_run_left_on_an_existing_server_is_reaped() {
    let host = Server::start(&embedded()).await.unwrap();
    let before = names(&host).await;
    let (mut child, _) = spawn_holder(&format!("existing {}", url_of(&host)));
    let during = names(&host).await;
    assert!(during.1.contains(&"migrator".to_owned()));
    let server = Server::start(&existing(url_of(&host))).await.unwrap();
    assert_eq!(reap(&server).await.unwrap(), 0, "the run is alive");
    assert_eq!(names(&host).await, during);
    child.kill().unwrap();
    child.wait().unwrap();
    // The server notices the closed connection in its own time.
    let begun = Instant::now();
    while reap(&server).await.unwrap() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing to reap");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(names(&host).await, before);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn runs_with_roles_on_one_existing_server_take_turns() {
    let host = Server::start(&embedded()).await.unwrap();
    let before = names(&host).await;
    let server = Server::start(&existing(url_of(&host))).await.unwrap();
    let one = Run::open(&server).await.unwrap();
    one.create_role("migrator").await.unwrap();
    let two = Run::open(&server).await.unwrap();
    // Databases need no turn.
    two.create_database(NewDatabase::default()).await.unwrap();
    let waiting = async {
        let begun = Instant::now();
        two.create_role("migrator").await.unwrap();
        begun.elapsed()
    };
    let ending = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        one.close().await.unwrap();
    };
    let (waited, ()) = tokio::join!(waiting, ending);
    assert!(waited > Duration::from_millis(600), "{waited:?}");
    two.close().await.unwrap();
    assert_eq!(names(&host).await, before);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn an_existing_server_is_refused_with_a_remedy_and_without_its_password() {
    let host = Server::start(&embedded()).await.unwrap();
    sqlx::raw_sql("CREATE ROLE plain LOGIN").execute(&mut admin(&host).await).await.unwrap();
    let user = host.admin_options("x").get_username().to_owned();
    for (url, reason) in [
        (url_of(&host).replacen(&user, "plain", 1), "is not a superuser"),
        (url_of(&host).replacen(&user, "nobody_here", 1), "does not exist"),
        ("postgres://u:canary@127.0.0.1:1/x".to_owned(), "refuse"),
        ("canary".to_owned(), "cannot be read"),
    ] {
        let error = Server::start(&existing(url)).await.unwrap_err();
        let said = format!("{error} {error:?} {}", error.remedy());
        assert!(said.contains(reason), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
    host.stop().await.unwrap();
}

#[tokio::test]
async fn doctor_looks_at_every_provider() {
    let host = Server::start(&embedded()).await.unwrap();
    let findings = doctor(&existing(url_of(&host))).await;
    for finding in &findings {
        println!("{finding:?}");
    }
    let providers: Vec<_> = findings.iter().map(|finding| finding.provider.name()).collect();
    assert_eq!(providers, ["container", "embedded", "existing"]);
    assert!(findings[1].availability.is_usable() && findings[2].availability.is_usable());
    assert!(!format!("{findings:?}").contains("canary"));
    host.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_without_a_server_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = ProviderOptions { postgres_bin: Some(folder.path().to_owned()), ..embedded() };
    let options = ProviderOptions { embedded_source: EmbeddedSource::Installed, ..options };
    let error = Server::start(&options).await.unwrap_err();
    assert!(error.to_string().contains("has no `postgres`"), "{error}");
    assert!(!error.remedy().is_empty());
}

mod containers {
    use super::*;

    fn image() -> Option<String> {
        let named = std::env::var("WATERTIGHT_TEST_IMAGE").ok().filter(|image| !image.is_empty());
        match named {
            Some(image) if image == "none" => None,
            None if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
                panic!("CI must test containers: set WATERTIGHT_TEST_IMAGE to an image, or to `none`")
            }
            named => named,
        }
    }

    fn options(image: &str) -> ProviderOptions {
        ProviderOptions {
            image: Some(image.to_owned()),
            offline: true,
            ..ProviderOptions::new(ProviderChoice::Container)
        }
    }

    /// Containers of this process are counted: tests that start one take turns.
    static IN_TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    /// The ids of the containers that a process of this number made, for all processes if none is given.
    fn of_process(pid: u32) -> Vec<String> {
        let filter = format!("label=org.watertight.pid={pid}");
        let output =
            Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &filter]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_container_starts_answers_and_is_removed() {
        let Some(image) = image() else { return };
        let _turn = IN_TURN.lock().await;
        let begun = Instant::now();
        let server = Server::start(&options(&image)).await.unwrap();
        println!("started in {:?}: {}", begun.elapsed(), server.info());
        assert_eq!(server.info().provider, ProviderKind::Container);
        server.info().require_extension("vector").unwrap();
        server.info().require_extension("uuid-ossp").unwrap();
        assert_eq!(of_process(std::process::id()).len(), 1);
        let options = server.admin_options("postgres");
        let sockets = options.get_socket().expect("a socket that this machine shares with the container");
        let run = Run::open(&server).await.unwrap();
        run.create_role("app").await.unwrap();
        sqlx::raw_sql("ALTER ROLE app LOGIN PASSWORD 'p'").execute(&mut admin(&server).await).await.unwrap();
        let database = run.create_database(NewDatabase::default()).await.unwrap();
        let mut app = server.login_options(&database, "app", "p").connect().await.unwrap();
        assert_eq!(text(&mut app, "SELECT current_user::text").await, "app");
        assert_eq!(text(&mut app, "SELECT upper('é')").await, "É");
        assert_eq!(text(&mut app, "SELECT current_setting('fsync')").await, "off");
        assert!(server.login_options(&database, "app", "wrong").connect().await.is_err());
        app.close().await.unwrap();
        run.close().await.unwrap();
        let begun = Instant::now();
        server.stop().await.unwrap();
        println!("stopped in {:?}", begun.elapsed());
        assert_eq!(of_process(std::process::id()), Vec::<String>::new());
        assert!(!sockets.exists(), "{}", sockets.display());
    }

    #[tokio::test]
    async fn a_killed_harness_leaves_no_container() {
        let Some(image) = image() else { return };
        let (mut child, _) = spawn_holder(&format!("container {image}"));
        let pid = child.id();
        assert_eq!(of_process(pid).len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
        eventually("the container is gone", || of_process(pid).is_empty()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_dead_runs_left_goes_with_the_next_start() {
        let Some(image) = image() else { return };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let labels = |host: &str, pid: u32| {
            [
                "org.watertight.run=test".to_owned(),
                format!("org.watertight.host={}", host.trim()),
                "org.watertight.boot=another".to_owned(),
                format!("org.watertight.pid={pid}"),
            ]
        };
        for (host, pid) in [(host.as_str(), 1_000_000_001), ("elsewhere", 1_000_000_002)] {
            let labels = labels(host, pid).into_iter().flat_map(|label| ["--label".to_owned(), label]);
            let created = Command::new("docker").arg("create").args(labels).arg(&image).output().unwrap();
            assert!(created.status.success());
        }
        let _turn = IN_TURN.lock().await;
        let server = Server::start(&options(&image)).await.unwrap();
        server.stop().await.unwrap();
        let (ours, others) = (of_process(1_000_000_001), of_process(1_000_000_002));
        for id in &others {
            Command::new("docker").args(["rm", id]).output().unwrap();
        }
        assert_eq!(ours, Vec::<String>::new());
        assert_eq!(others.len(), 1, "another machine's is not ours to remove");
    }

    #[tokio::test]
    async fn an_image_that_is_not_there_is_refused_with_a_remedy() {
        if image().is_none() {
            return;
        }
        let error = Server::start(&options("watertight/no-such-image:1")).await.unwrap_err();
        assert!(error.remedy().contains("containers/build"), "{error} {}", error.remedy());
    }
}
