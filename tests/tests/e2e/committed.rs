//! Scripts that no transaction can hold are played with commits, and their defects are found all the same.

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::run::{findings, verdict};
use watertight_tests::{Folder, watertight};

/// With a file that begins and ends otherwise.
fn around(name: &str, file: &str, before: &str, after: &str) -> Folder {
    let folder = Folder::sound(name);
    let text = format!("{before}\n{}\n{after}\n", folder.read(file));
    folder.file(file, text)
}

/// Fills batch by batch, in a procedure that goes as it came.
const PROCEDURE: &str = "CREATE OR REPLACE PROCEDURE fill_items() LANGUAGE plpgsql AS $$
DECLARE
    filled integer;
BEGIN
    LOOP
        UPDATE item i SET tenant_id = a.tenant_id FROM account a
        WHERE a.id = i.account_id AND i.id IN (SELECT id FROM item WHERE tenant_id IS NULL ORDER BY id LIMIT 2);
        GET DIAGNOSTICS filled = ROW_COUNT;
        COMMIT;
        EXIT WHEN filled = 0;
    END LOOP;
END $$;
CALL fill_items();
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
DROP PROCEDURE fill_items();
";

#[rstest]
#[case::commit(around("commits", "fill.sql", "BEGIN;", "COMMIT;"))]
#[case::commit_between(around("commits", "fill.sql", "BEGIN; SELECT 1; COMMIT; BEGIN;", "COMMIT;"))]
#[case::commit_in_a_block(around("commits", "fill.sql", "DO $$ BEGIN PERFORM 1; COMMIT; END $$;", ""))]
#[case::procedure(Folder::sound("commits").file("fill.sql", PROCEDURE))]
#[case::rollback(around("commits", "fill.sql", "BEGIN; UPDATE item SET rank = 7; ROLLBACK;", ""))]
#[case::index(Folder::sound("commits").file("expand.sql", format!("{}
        DROP INDEX CONCURRENTLY IF EXISTS item_body_idx; CREATE INDEX CONCURRENTLY item_body_idx ON item (body);",
        include_str!("../../faults/batches/expand.sql")))
    .file("expand.down.sql", "DROP INDEX CONCURRENTLY item_body_idx;
        ALTER TABLE note DROP COLUMN tenant_id; ALTER TABLE item DROP COLUMN tenant_id;"))]
#[case::vacuum(around("commits", "fill.sql", "", "VACUUM (ANALYZE) item;"))]
fn what_is_sound_holds_with_commits_too(#[case] folder: Folder) {
    let ended = watertight!("verify", &folder).small(8).run().expect(0);
    let scenario = ended.scenario();
    for id in
        ["backfill-complete", "backfill-idempotent", "migration-applies", "rollback-schema", "rollback-data"]
    {
        assert_eq!(verdict(&scenario, id), Verdict::Held, "{id}: {ended}");
    }
}

#[rstest]
#[case::rolled_back_by_itself(
    around("faulty", "fill.sql", "BEGIN;", "ROLLBACK;"),
    "backfill-complete",
    "item"
)]
#[case::writes_again(
    Folder::sound("faulty").file("fill.sql", "BEGIN;
        UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id;
        UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id; COMMIT;"),
    "backfill-idempotent", "again")]
#[case::duplicates(
    around(
        "faulty",
        "expand.sql",
        "",
        "CREATE UNIQUE INDEX CONCURRENTLY item_account_key ON item (account_id);"
    ),
    "migration-applies",
    "23505"
)]
#[case::left_behind(
    around("faulty", "expand.sql", "", "CREATE INDEX CONCURRENTLY item_body_idx ON item (body);"),
    "rollback-schema",
    "item_body_idx"
)]
#[case::in_a_transaction_of_its_tool(
    around(
        "faulty",
        "expand.sql",
        "BEGIN;",
        "CREATE INDEX CONCURRENTLY item_body_idx ON item (body); COMMIT;"
    ),
    "migration-applies",
    "25001"
)]
fn a_planted_defect_is_found_with_commits_too(#[case] folder: Folder, #[case] id: &str, #[case] words: &str) {
    let ended = watertight!("verify", &folder, "--only", id).small(8).run().expect(1);
    let scenario = ended.scenario();
    let found = findings(&scenario, id);
    assert!(found.iter().any(|f| f.title.contains(words) || f.message.contains(words)), "{ended}");
    assert!(found.iter().all(|f| f.counterexample.is_some()), "{ended}");
}
