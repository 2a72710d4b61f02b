//! A repository with migrations and no configuration: the tool is recognised, the tenants are found, and so is the
//! defect that was planted.

use std::path::Path;
use std::process::Command;

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::run::findings;
use watertight_tests::{Ended, Folder, watertight};

fn sample(name: &str) -> Folder {
    Folder::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name))
}

fn verify(folder: &Folder) -> Ended {
    watertight!("verify").small(24).inside(folder.path()).run()
}

/// What a report says of each check, and the ids of its findings.
fn outcome(ended: &Ended) -> Vec<(String, Verdict, Vec<String>)> {
    let checks = ended.scenario().checks.into_iter();
    let ids = |c: &watertight_reports::CheckOutcome| c.findings().iter().map(|f| f.id.clone()).collect();
    checks.map(|c| (c.invariant.clone(), c.outcome.verdict(), ids(&c.outcome))).collect()
}

#[rstest]
#[case::prisma("prisma", "migration-applies", "20250302140000_connection_workspace/migration.sql", 5)]
#[case::sqlx("sqlx", "rollback-data", "20250221103000_contact_full_name.down.sql", 2)]
#[case::supabase("supabase", "backfill-complete", "20250301091000_fill_reports_organization.sql", 1)]
#[case::diesel("diesel", "backfill-correct", "2025-02-11-121000_fill_comments_company/up.sql", 4)]
#[case::golang_migrate("golang-migrate", "rollback-schema", "000002_vehicle_status.down.sql", 0)]
#[case::goose("goose", "guard-refuses", "00004_clinic_required.sql", 3)]
#[case::dbmate("dbmate", "backfill-idempotent", "20250214094000_fill_refunds_shop.sql", 3)]
#[case::flyway("flyway", "tenant-coherence", "", 4)]
#[case::atlas("atlas", "backfill-complete", "20250304071000_fill_cards_workspace.sql", 3)]
#[case::drizzle("drizzle", "migration-applies", "0001_bright_owl.sql", 1)]
#[case::supabase_dump("supabase-dump", "rls-default-deny", "", 3)]
#[case::plain("plain", "backfill-preserves", "02_fill_reading_org.sql", 3)]
fn the_planted_defect_is_found_without_a_configuration(
    #[case] name: &str,
    #[case] invariant: &str,
    #[case] file: &str,
    #[case] rows_max: u32,
) {
    let folder = sample(name);
    let ended = verify(&folder).expect(1);
    let report = ended.scenario();
    assert_eq!(report.id, name);
    let found = findings(&report, invariant);
    assert!(!found.is_empty(), "{ended}");
    let blames = |f: &&watertight_reports::Finding| f.file.as_deref().unwrap_or_default().ends_with(file);
    let planted = found.iter().find(blames).unwrap_or_else(|| panic!("{file}: {ended}"));
    let smallest = planted.counterexample.as_ref().unwrap_or_else(|| panic!("{ended}"));
    assert!(smallest.capped.is_none(), "{ended}");
    assert!(smallest.rows <= rows_max, "{} rows are not the smallest: {}", smallest.rows, smallest.sql);
    let assumed = report.assumptions.join("\n");
    assert!(assumed.contains("are the tenants"), "{assumed}");
    assert!(assumed.contains(" verified: the newest"), "{assumed}");
    told_in_the_book(name, &ended);

    // The file that `init` writes needs no correction: it says what was assumed without it.
    let written =
        watertight!("init", "--quiet", "--provider", "embedded").inside(folder.path()).run().expect(0);
    assert!(written.stdout.contains("are the tenants"), "{written}");
    let again = verify(&folder).expect(1);
    assert_eq!(outcome(&ended), outcome(&again), "{}", folder.read("watertight.toml"));
    assert_eq!(again.scenario().assumptions, report.assumptions);
    let refused = watertight!("init", "--provider", "embedded").inside(folder.path()).run().expect(2);
    assert!(refused.stderr.contains("--force"), "{refused}");
}

/// What the book says that one sees in a sample is what one sees: each line, but for the labels of findings and what
/// stands between.
fn told_in_the_book(name: &str, ended: &Ended) {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/tour.md");
    let text = std::fs::read_to_string(book).unwrap();
    let command = format!("```sh\ncd tests/samples/{name}\nwatertight verify\n```");
    let (_, rest) = text.split_once(&command).unwrap_or_else(|| panic!("the book does not tell of {name}"));
    let (_, block) = rest.split_once("```text\n").unwrap();
    let titles = findings_of(ended);
    for line in block.split("```").next().unwrap_or_default().lines() {
        let seen = match line.split_once("  ") {
            Some((severity, title)) => titles.iter().any(|(s, t)| s == severity && t.contains(title)),
            None => ended.stderr.contains(line),
        };
        assert!(seen, "the book says `{line}` of {name}: {ended}");
    }
}

/// Severity and title of every finding, as a terminal shows them.
fn findings_of(ended: &Ended) -> Vec<(String, String)> {
    let report = ended.scenario();
    let found = report.checks.iter().flat_map(|c| c.outcome.findings());
    let told = |f: &watertight_reports::Finding| {
        (format!("{:?}", f.severity).to_lowercase(), f.title.replace('`', ""))
    };
    found.map(told).collect()
}

fn git(folder: &Folder, arguments: &[&str]) {
    let fixed = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"];
    let mut command = Command::new("git");
    let ran = command.arg("-C").arg(folder.path()).args(fixed).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn what_changed_against_the_main_branch_is_verified() {
    let folder = sample("goose");
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-qm", "All of it"]);
    git(&folder, &["checkout", "-qb", "next"]);
    let next = "-- +goose Up\nCREATE INDEX letters_clinic_idx ON letters (clinic_id);\n-- +goose Down\nDROP INDEX letters_clinic_idx;\n";
    let folder = folder.file("migrations/00005_letters_index.sql", next);
    let ended = verify(&folder);
    let report = ended.scenario();
    let steps: Vec<&str> = report.steps.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(steps, ["00005_letters_index"], "{ended}");
    assert!(
        report.assumptions.iter().any(|a| a.contains("what changed against main")),
        "{:?}",
        report.assumptions
    );

    let ended = watertight!("verify", "--from", "00003").small(4).inside(folder.path()).run();
    assert_eq!(ended.scenario().steps.len(), 3, "{ended}");
    let ended = watertight!("verify", "--from", "main", "--to", "00005").small(4).inside(folder.path()).run();
    assert_eq!(ended.scenario().steps.len(), 1, "{ended}");
    let ended = watertight!("verify", "--from", "nowhere").small(4).inside(folder.path()).run().expect(2);
    assert!(ended.stderr.contains("neither a migration nor a revision"), "{ended}");
}

#[test]
fn a_history_that_does_not_apply_is_no_finding() {
    let broken = "CREATE TABLE later (id int REFERENCES nowhere (id));";
    let folder = sample("plain").file("sql/01_init.sql", broken);
    let ended = verify(&folder).expect(4);
    assert!(ended.stderr.contains("sql/01_init.sql:1") && ended.stderr.contains("42P01"), "{ended}");
}

#[test]
fn no_tenancy_is_said_clearly() {
    let folder = Folder::new("rates")
        .file("migrations/1_init.up.sql", "CREATE TABLE currency (code text PRIMARY KEY);")
        .file(
            "migrations/2_rate.up.sql",
            "CREATE TABLE rate (id int PRIMARY KEY, code text REFERENCES currency);",
        );
    let ended = verify(&folder).expect(2);
    assert!(ended.stderr.contains("no tenancy is found"), "{ended}");
    let ended = watertight!("init", "--provider", "embedded").inside(folder.path()).run().expect(2);
    assert!(ended.stderr.contains("no tenancy is found"), "{ended}");
}

#[test]
fn odd_names_several_schemas_and_several_tenant_columns_work() {
    let init = r#"
CREATE SCHEMA "Core Data";
CREATE SCHEMA billing;
CREATE TABLE "Core Data"."tenants" ("Tenant ""Key""" bigint PRIMARY KEY, "name" text);
CREATE TABLE "Core Data"."Order" (
    "id" bigint PRIMARY KEY, "Tenant" bigint NOT NULL REFERENCES "Core Data"."tenants", UNIQUE ("Tenant", "id")
);
CREATE TABLE billing."Überweisung" (id bigint PRIMARY KEY, "Order" bigint NOT NULL REFERENCES "Core Data"."Order" ("id"));
CREATE TABLE billing.transfer (
    id bigint PRIMARY KEY,
    from_tenant bigint NOT NULL REFERENCES "Core Data"."tenants",
    to_tenant bigint NOT NULL REFERENCES "Core Data"."tenants"
);
CREATE TABLE billing.ledger (id bigint PRIMARY KEY, mandant bigint NOT NULL REFERENCES "Core Data"."tenants");
CREATE TABLE billing.note (id bigint PRIMARY KEY, "Tenant" bigint REFERENCES "Core Data"."tenants");
CREATE ROLE "App Role" LOGIN PASSWORD 'x';
GRANT USAGE ON SCHEMA billing TO "App Role", reporting;"#;
    let fill = r#"
ALTER TABLE billing."Überweisung" ADD COLUMN "Tenant" bigint REFERENCES "Core Data"."tenants";
UPDATE billing."Überweisung" u SET "Tenant" = o."Tenant" FROM "Core Data"."Order" o WHERE o.id = u."Order" AND o.id % 2 = 0;"#;
    let folder =
        Folder::new("odd").file("migrations/1_init.up.sql", init).file("migrations/2_tenant.up.sql", fill);
    let report = verify(&folder).expect(1).scenario();
    let found = findings(&report, "backfill-complete");
    let tables: Vec<&[String]> = found.iter().map(|f| f.tables.as_slice()).collect();
    assert_eq!(tables, [["billing.Überweisung".to_owned()]], "a column that nobody fills here is nobody's");
    let assumed = report.assumptions.join("\n");
    for part in
        ["Core Data.tenants are the tenants", "from_tenant, to_tenant could all say it", "grant to reporting"]
    {
        assert!(assumed.contains(part), "{part}: {assumed}");
    }
    let _ = watertight!("init", "--provider", "embedded").inside(folder.path()).run().expect(0);
    let written = folder.read("watertight.toml");
    assert!(
        written.contains("\"billing.ledger\" = \"mandant\"") && written.contains("guessed, please check"),
        "{written}"
    );
    assert_eq!(verify(&folder).expect(1).scenario().assumptions, report.assumptions);
}

#[test]
fn named_queries_are_the_applications_statements() {
    let refund = "-- name: AddOldRefund :one\nINSERT INTO refunds (order_id, amount) VALUES ($1, 9.90) RETURNING id;\n\
                  -- name: RefundsOf :many\nSELECT id FROM refunds WHERE id = ANY($1::bigint[]);\n";
    let folder = sample("dbmate").file("db/queries/old.sql", refund);
    let ended = verify(&folder).expect(1);
    let report = ended.scenario();
    let paths: Vec<&str> = report.access.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(
        paths,
        ["AddOldRefund", "GetShop", "ListOrders", "AddOrder", "AddRefund", "ListRefunds"],
        "{ended}"
    );
    // The application that was there before does not know the column that becomes mandatory.
    let found = findings(&report, "access-compatible");
    assert!(found.iter().any(|f| f.title.contains("AddOldRefund")), "{ended}");
    assert!(found.iter().all(|f| f.title.contains("AddOldRefund")), "{ended}");
    let read = watertight_tests::run::verdict(&report, "read-isolation");
    assert_eq!(read, Verdict::Held, "{ended}");
    let _ = watertight!("init", "--provider", "embedded").inside(folder.path()).run().expect(0);
    let written = folder.read("watertight.toml");
    assert!(written.contains("# not known: what p1 is") && written.contains("# [[access]]"), "{written}");
    assert_eq!(outcome(&verify(&folder)), outcome(&ended), "{written}");
}

/// The first block of a page of the book in that language.
fn example(page: &str, language: &str) -> String {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src").join(page);
    let text = std::fs::read_to_string(book).unwrap();
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn an_invariant_in_sql_is_held_and_violated() {
    let sound =
        sample("goose").file("invariants/visits-in-their-clinic.sql", example("sql-invariant.md", "sql"));
    let only = ["--only", "visits-in-their-clinic"];
    let _ = watertight!("init", "--provider", "embedded").inside(sound.path()).run().expect(0);
    let ended = watertight!("verify").args(&only).small(16).inside(sound.path()).run().expect(0);
    let report = ended.scenario();
    assert_eq!(report.checks[0].title, "A visit is in the clinic of its patient");

    let fill =
        sound.read("migrations/00003_fill_clinic.sql").replacen("p.id = v.patient_id", "p.name > ''", 1);
    let broken = sound.file("migrations/00003_fill_clinic.sql", fill);
    let ended = watertight!("verify").args(&only).small(16).inside(broken.path()).run().expect(1);
    let report = ended.scenario();
    let found = findings(&report, "visits-in-their-clinic");
    assert_eq!(found.len(), 1, "{ended}");
    assert_eq!(found[0].step.as_deref(), Some("00003_fill_clinic"), "{ended}");
    let smallest = found[0].counterexample.as_ref().unwrap();
    assert!(smallest.rows <= 5 && smallest.capped.is_none(), "{} rows: {ended}", smallest.rows);

    // One that cannot be asked is no pass.
    let broken = broken.file(
        "invariants/visits-in-their-clinic.sql",
        "SELECT id FROM public.visits WHERE clinic_id IS NULL AND id IS NULL",
    );
    let ended = watertight!("verify").args(&only).small(4).inside(broken.path()).run().expect(4);
    assert!(ended.everything().contains("cannot be asked after `baseline`"), "{ended}");
    let two = broken.file("invariants/visits-in-their-clinic.sql", "SELECT 1; SELECT 2");
    let ended = watertight!("verify").small(4).inside(two.path()).run().expect(2);
    assert!(ended.stderr.contains("an invariant is one query"), "{ended}");
}

#[test]
fn a_long_history_starts_soon() {
    let folder = (0..100).fold(Folder::new("long"), |folder, t| {
        let table =
            format!("CREATE TABLE t{t} (id int PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text);");
        folder
            .file(&format!("sql/{:03}_table.sql", 3 * t + 1), table)
            .file(
                &format!("sql/{:03}_column.sql", 3 * t + 2),
                format!("ALTER TABLE t{t} ADD COLUMN note text;"),
            )
            .file(&format!("sql/{:03}_index.sql", 3 * t + 3), format!("CREATE INDEX ON t{t} (org_id, name);"))
    });
    let folder = folder.file("sql/000_org.sql", "CREATE TABLE org (id int PRIMARY KEY, name text);");
    let begun = std::time::Instant::now();
    let ended =
        watertight!("verify", "--cases", "1").args(&["--provider", "embedded"]).inside(folder.path()).run();
    let assumed = ended.scenario().assumptions.join("\n");
    assert!(assumed.contains("Of 301 migrations"), "{assumed}");
    // Alone it takes 3 s; a machine may be busy.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn several_folders_of_migrations_are_named() {
    let table = "CREATE TABLE t (a int);";
    let folder = Folder::new("monorepo")
        .file("apps/a/prisma/migrations/1_a/migration.sql", table)
        .file("apps/b/prisma/migrations/1_a/migration.sql", table);
    let ended = verify(&folder).expect(2);
    assert!(ended.stderr.contains("apps/a/prisma/migrations") && ended.stderr.contains("apps/b"), "{ended}");
}

/// Where there is nothing of the user's, the bundled scenarios are verified: that is said, so that nobody takes them for his.
#[test]
fn a_folder_without_migrations_is_told_from_one_with() {
    let ended = watertight!("verify", "--only", "vector-dimension").small(1).run();
    assert!(ended.stderr.contains("no migrations in this folder"), "{ended}");
    assert_eq!(ended.report().scenarios.len(), watertight_scenarios::catalog::ids().len());
}
