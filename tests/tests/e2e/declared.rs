//! What is declared of the schema at the end: a whole model, and checks that ask the catalogs.

use rstest::rstest;
use watertight_reports::{Finding, Verdict};
use watertight_tests::run::verdict;
use watertight_tests::{Ended, Folder, watertight};

/// What the timeline of the sound scenario leaves, said as a model would say it: with names of its own for keys, and
/// without CHECK, which its language lacks.
const MODEL: &str =
    "CREATE TABLE tenant (id uuid NOT NULL, name text NOT NULL, CONSTRAINT tenant_pk PRIMARY KEY (id));
CREATE TABLE account (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant (id),
    email     text NOT NULL,
    CONSTRAINT account_by_tenant UNIQUE (tenant_id, id)
);
CREATE TABLE item (
    id         uuid PRIMARY KEY,
    tenant_id  uuid NOT NULL REFERENCES tenant (id),
    account_id uuid NOT NULL,
    body       text NOT NULL,
    rank       integer NOT NULL,
    FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)
);
CREATE INDEX ON item (tenant_id);
CREATE UNIQUE INDEX ON item (tenant_id, id);
CREATE TABLE note (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant (id),
    item_id   uuid NOT NULL,
    body      text,
    FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id)
);
";

fn modelled(name: &str) -> Folder {
    Folder::sound(name).with("[database]", "[database]\nmodel = \"model.sql\"").file("model.sql", MODEL)
}

fn verify(folder: &Folder) -> Ended {
    watertight!("verify", folder).small(6).args(&["--only", "schema-declared,migration-applies"]).run()
}

fn findings(ended: &Ended) -> Vec<Finding> {
    let scenario = ended.scenario();
    scenario.checks.iter().flat_map(|c| c.outcome.findings()).cloned().collect()
}

#[test]
fn a_schema_that_is_the_models_holds_whatever_the_model_calls_it_and_cannot_say() {
    let ended = verify(&modelled("modelled")).expect(0);
    assert_eq!(verdict(&ended.scenario(), "schema-declared"), Verdict::Held, "{ended}");
}

#[rstest]
#[case::nullable("rank       integer NOT NULL", "rank       integer", "column item.rank", Some(8))]
#[case::another_action(
    "FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id)",
    "FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id) ON DELETE CASCADE",
    "foreign key note note_tenant_id_item_id_fkey",
    Some(18)
)]
#[case::not_there("body      text,", "body      text, done boolean,", "column note.done", Some(18))]
#[case::more_than_the_model(
    "CREATE UNIQUE INDEX ON item (tenant_id, id);",
    "CREATE UNIQUE INDEX ON account (email);",
    "unique index item item_tenant_id_key",
    Some(8)
)]
#[case::another_table(
    "CREATE INDEX ON item (tenant_id);",
    "CREATE INDEX ON item (tenant_id); CREATE TABLE tag (id uuid PRIMARY KEY, name text NOT NULL);",
    "table tag",
    Some(16)
)]
fn what_the_steps_leave_otherwise_than_the_model_is_told_with_its_place(
    #[case] old: &str,
    #[case] new: &str,
    #[case] subject: &str,
    #[case] line: Option<u32>,
) {
    assert!(MODEL.contains(old), "{old}");
    // A key of the model needs its unique index.
    let model = MODEL.replacen(old, new, 1);
    let model = match old.starts_with("CREATE UNIQUE") {
        true => {
            model.replace("FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id)", "CHECK (true)")
        }
        false => model,
    };
    let ended = verify(&modelled("drifted").file("model.sql", model)).expect(1);
    let found = findings(&ended);
    let told = found.iter().find(|f| f.title.contains(subject));
    let told = told.unwrap_or_else(|| panic!("{subject}: {found:#?}"));
    assert_eq!((told.file.as_deref(), told.line), (Some("model.sql"), line), "{ended}");
    assert_eq!(verdict(&ended.scenario(), "migration-applies"), Verdict::Held, "{ended}");
}

#[test]
fn a_model_that_cannot_be_made_or_taken_back_is_no_model() {
    let broken = MODEL.replacen("REFERENCES tenant (id)", "REFERENCES nobody (id)", 1);
    let ended = verify(&modelled("broken").file("model.sql", broken)).expect(2);
    assert!(ended.stderr.contains("model.sql:2: the model does not apply to an empty database"), "{ended}");
    let ended = verify(&modelled("committed").file("model.sql", format!("{MODEL}COMMIT;\n"))).expect(2);
    assert!(ended.stderr.contains("`model.sql` holds its own transactions"), "{ended}");
}

/// Nothing is there to fill, and so no backfill that a check could wait for: it asks the catalogs.
fn checked(check: &str) -> Folder {
    Folder::new("checked")
        .file("baseline.sql", "CREATE TABLE tenant (id uuid PRIMARY KEY);\n")
        .file(
            "up.sql",
            "CREATE TABLE item (id uuid PRIMARY KEY, tenant_id uuid REFERENCES tenant (id) ON DELETE CASCADE);\n",
        )
        .file("check.sql", check)
        .file(
            "scenario.toml",
            "[database]\nbaseline = \"baseline.sql\"\n[tenancy]\ntenants = \"tenant\"\ncolumn = \"tenant_id\"\n\
             [[steps]]\nid = \"up\"\nmigrate = \"up.sql\"\npopulate = true\n\
             [[steps]]\nid = \"check\"\ncheck = \"check.sql\"\n",
        )
}

#[test]
fn a_check_that_complains_of_the_schema_is_no_gate_for_data() {
    let nullable = "SELECT attname FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname = 'tenant_id' \
                    AND NOT attnotnull;\n";
    let ended = verify(&checked(nullable)).expect(1);
    let found = findings(&ended);
    let complains = found.iter().find(|f| f.title.contains("The check `check` does not pass"));
    let complains = complains.unwrap_or_else(|| panic!("{ended}"));
    assert!(complains.message.contains("on empty tables, too"), "{complains:#?}");
    // What it says of rows that should not be there stops the release, as it should, and is no fault of a step.
    let ended = verify(&checked("SELECT id FROM item WHERE tenant_id IS NULL;\n"));
    assert_eq!(verdict(&ended.scenario(), "migration-applies"), Verdict::Held, "{ended}");
}
