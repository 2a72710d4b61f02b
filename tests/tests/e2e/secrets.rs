//! A password never reaches a report, a log or an error: a canary is looked for in every output.

use watertight_tests::postgres::{server, url};
use watertight_tests::{Ended, Folder, watertight};

const CANARY: &str = "canary-9f2c-p4ssw0rd";

fn assert_silent(ended: &Ended) {
    assert!(!ended.everything().contains(CANARY), "the password is told:\n{}", ended.everything());
}

/// With a finding, so that counterexamples and transcripts are written too.
fn faulty() -> Folder {
    Folder::sound("secretive").file("fill.sql", "UPDATE item SET tenant_id = NULL;")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_the_server_is_told_nowhere() {
    let host = server().await;
    let address = url(&host, CANARY);
    let folder = faulty();
    let only = ["--only", "backfill-complete,migration-applies", "--cases", "8"];
    let in_url =
        watertight!("verify", &folder, "--database-url", &address).args(&only).env("RUST_LOG", "trace").run();
    assert_silent(&in_url.expect(1));
    let in_environment = watertight!("verify", &folder)
        .args(&only)
        .env("WATERTIGHT_DATABASE_URL", &address)
        .env("PGPASSWORD", CANARY)
        .env("RUST_BACKTRACE", "1")
        .run();
    assert_silent(&in_environment.expect(1));
    for arguments in [&["doctor"] as &[&str], &["verify", "--help"], &["doctor", "--help"], &["list"]] {
        assert_silent(&watertight!().args(arguments).env("WATERTIGHT_DATABASE_URL", &address).run());
    }
    // Refused in every way that there is.
    let user = host.admin_options("postgres").get_username().to_owned();
    for bad in [
        address.replacen(&user, "nobody_here", 1),
        format!("postgres://u:{CANARY}@127.0.0.1:1/"),
        format!("postgres://u:{CANARY}@[::bad/"),
        format!("mysql://u:{CANARY}@localhost/"),
        format!("postgres://u:{CANARY}@nowhere.invalid/?sslmode=nonsense"),
        CANARY.to_owned(),
    ] {
        let ended = watertight!("verify", &folder, "--database-url", &bad).run().expect(3);
        assert_silent(&ended);
        assert_silent(&watertight!("doctor", "--database-url", &bad).run());
    }
    host.stop().await.unwrap();
}

/// What the generator encrypts begins so.
const PLAIN: &str = "sk_test_";

/// What the application of `keys` encrypts.
const SENT: &str = "sb_secret_example_service_key";

#[test]
fn what_is_encrypted_is_readable_in_no_report_log_or_failure() {
    let faults = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("faults");
    // The second has a finding, with a counterexample that holds encrypted values.
    for (name, code) in [("keys", 0), ("secrets-at-rest-cut", 1)] {
        let failures = tempfile::tempdir().unwrap();
        let ended = watertight!("verify", faults.join(name), "--failures", failures.path())
            .args(&["--format", "md,json,junit,sarif,html"])
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "1")
            .small(8)
            .run()
            .expect(code);
        let mut told = ended.everything();
        for file in std::fs::read_dir(failures.path()).into_iter().flatten().flatten() {
            told.push_str(&std::fs::read_to_string(file.path()).unwrap_or_default());
        }
        // The encrypted values are there: it is looked where they would be.
        assert!(code == 0 || told.contains("tenant.api_key"), "{ended}");
        for plain in [PLAIN, SENT] {
            assert!(!told.contains(plain), "{name}: {plain} is readable");
        }
    }
}
