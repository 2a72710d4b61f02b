//! What a mended scenario put right matters: with any one mend taken away, the checks that it is for fire, and no other.

use std::collections::BTreeSet;

use watertight_tests::mend::{differences, mended};
use watertight_tests::run::disagreements;
use watertight_tests::{Mend, watertight};

/// Cases a scenario, as many as the bundled ones are compared with.
const CASES: u32 = 16;

/// A test for each mend, and the list of them all.
macro_rules! mends {
    ($($name:ident => $mend:expr;)*) => {
        $(#[test] fn $name() { is_missed(&$mend); })*

        fn all() -> Vec<Mend> { vec![$($mend),*] }
    };
}

/// Without it the scenario has the verdicts of the mended one, but for those that it is for.
fn is_missed(mend: &Mend) {
    let folder = mend.taken_away();
    let ended = watertight!("verify", &folder).small(CASES).run();
    let scenario = ended.scenario();
    let wrong = disagreements(&mend.expecting(), &scenario);
    assert!(wrong.is_empty(), "{wrong:#?}\n{ended}");
    assert_eq!(scenario.verdict, mend.verdict(), "{ended}");
    let findings: Vec<_> = scenario.checks.iter().flat_map(|c| c.outcome.findings()).collect();
    let untold = mend.told.iter().find(|words| !findings.iter().any(|f| f.title.contains(words.as_str())));
    assert_eq!(untold, None, "{ended}");
}

#[test]
fn every_difference_of_a_mended_scenario_is_part_of_a_mend_that_is_taken_away() {
    let mends = all();
    for id in mended() {
        let touched: BTreeSet<String> =
            mends.iter().filter(|m| m.scenario == id).flat_map(Mend::touches).collect();
        let differences = differences(&id);
        let untouched: Vec<_> = differences.difference(&touched).collect();
        let unknown: Vec<_> = touched.difference(&differences).collect();
        assert!(untouched.is_empty() && unknown.is_empty(), "{id}: {untouched:#?}, unknown: {unknown:#?}");
    }
}

// --- tighten-constraints ---------------------------------------------------------------------------------------------

const TIGHTEN: &str = "prisma/migrations/20251110_tighten_constraints";
const FOLLOW: &str = "prisma/migrations/20251111_jobs_follow_their_lead";
const HAND_OVER: &str = "access PATCH /api/leads/[id]: hand over to another customer";

fn tighten() -> Mend {
    Mend::of("tighten-constraints-mended")
}

mends! {
    keys_that_refuse => tighten()
        .taking(["step tighten"])
        .files(TIGHTEN, &["migration.sql", "rollback.sql"])
        .violates(&["access-compatible", "schema-declared"]);

    jobs_follow_their_lead => tighten()
        .taking(["step jobs-follow"])
        .files(FOLLOW, &["migration.sql", "rollback.sql"])
        .violates(&["tenant-coherence"]);

    // Rows that it parts from each other stop the step that wants them together, too.
    jobs_are_handed_over => tighten().taking([HAND_OVER]).violates(&["migration-applies", "tenant-coherence"]);

    // --- datahub ---------------------------------------------------------------------------------------------------

    one_rule_for_whose_a_row_is => datahub().taking(["tenancy.owner"]).violates(&["backfill-correct"]);

    the_oldest_workspace => datahub()
        .taking(["step fill"])
        .files("scripts", &["backfill-datahub-workspace.sql"])
        .violates(&["backfill-correct"]);

    rows_of_old_code_are_filled => datahub()
        .taking(["step expand", "step contract"])
        .cut(&format!("{EXPAND}/migration.sql"), "-- An application that does not know", None)
        .cut(&format!("{EXPAND}/down.sql"), "DROP TRIGGER", Some("DROP FUNCTION \"datahubWorkspaceOf\""))
        .cut(&format!("{CONTRACT}/migration.sql"), "DROP TRIGGER", Some("DROP FUNCTION \"datahubWorkspaceOf\""))
        .cut(&format!("{CONTRACT}/down.sql"), "-- An application that does not know", None)
        .violates(&["migration-applies"]);

    one_connection => datahub()
        .taking(["step one-connection", "access POST /api/data/connect", "access POST /api/data/disconnect"])
        .files(ONE_CONNECTION, &["migration.sql", "down.sql"])
        .add(
            &format!("{EXPAND}/migration.sql"),
            r#"CREATE UNIQUE INDEX "Connection_workspaceId_provider_key" ON "Connection" ("workspaceId", "provider");"#,
        )
        .violates(&["migration-applies", "schema-declared"]);

    the_assistants_message => datahub()
        .taking([
            "access POST /api/chat: assistant message",
            "access POST /api/chat: assistant message, with its workspace",
        ])
        .violates(&["access-compatible"]);

    seeded_connections => datahub()
        .taking(["access seed: connection", "access seed: connection, with its workspace"])
        .violates(&["access-compatible"]);

    seeded_connections_are_asked_for_by_workspace => datahub()
        .taking(["access seed: existing connections"])
        .violates(&["read-isolation"]);

    seeded_metrics => datahub()
        .taking(["access seed: daily metrics", "access seed: daily metrics, with their workspace"])
        .violates(&["access-compatible"]);

    seeded_insights => datahub()
        .taking(["access seed: insight", "access seed: insight, with its workspace"])
        .violates(&["access-compatible"]);

    a_model_of_workspaces => datahub()
        .taking(["database.model"])
        .files("prisma", &["model.sql"])
        .silences(&["schema-declared"]);

    // --- dual-database ---------------------------------------------------------------------------------------------

    lists_that_move => dual()
        .taking(routes(|r| format!("GET /api/{r}")))
        .violates(&["routing"])
        .telling(ROUTES.map(|r| format!("“GET /api/{r}”")));

    single_rows_that_move => dual()
        .taking(routes(|r| format!("GET /api/{r}/[id]")))
        .violates(&["routing"])
        .telling(ROUTES.map(|r| format!("“GET /api/{r}/[id]”")));

    writes_that_move => dual()
        .taking(routes(|r| format!("POST /api/{r}")))
        .violates(&["access-compatible"])
        .telling(ROUTES.map(|r| format!("“POST /api/{r}”")));

    a_freeze_before_the_copy => dual()
        .taking(["step freeze"])
        .migration("20251028000001_freeze_business_tables.sql")
        .setting(ROUTES.map(|r| format!("access POST /api/{r} / until")), "copy")
        .violates(&["copy-concurrent", "schema-declared"]);

    schemas_of_both_databases => dual()
        .taking(["databases.app", "databases.tenant"])
        .files("supabase/schemas", &["app.sql", "tenant.sql"])
        .silences(&["schema-declared"]);

    // --- org-backfill ----------------------------------------------------------------------------------------------

    orphans_set_aside => org()
        .taking(["step orphans", "tenancy.shared"])
        .migration("20251027090000_set_orphans_aside.sql")
        .violates(&["backfill-complete", "migration-applies", "schema-declared"]);

    keys_that_carry_the_organisation => org()
        .taking(["step add-columns"])
        .migration("20251028090000_add_organization_id.sql")
        .cut(&format!("supabase/migrations/{INSISTS}"), "-- With the organisation mandatory", None)
        .cut(
            &format!("supabase/rollbacks/{INSISTS}"),
            "ALTER TABLE website_content ADD CONSTRAINT",
            Some("ALTER TABLE website_content ALTER"),
        )
        .violates(&["tenant-coherence", "tenant-delete-contained", "rls-write", "schema-declared"]);

    values_that_are_kept => org()
        .taking(["step drop-customer-id"])
        .migration("20251104090000_drop_dead_customer_id.sql")
        .violates(&["rollback-data", "schema-declared"]);

    a_guard_that_counts => org()
        .taking(["step not-null"])
        .cut(&format!("supabase/migrations/{INSISTS}"), "-- Refuse while a row", Some("ALTER TABLE conversations ALTER"))
        .silences(&["guard-refuses"]);

    messages_follow_their_conversation => org()
        .taking(["access widget: message, with its organisation"])
        .violates(&["access-compatible"]);

    chunks_follow_their_page => org()
        .taking(["access crawler: chunk, with its organisation"])
        .violates(&["access-compatible"]);

    a_schema_of_organisations => org()
        .taking(["database.model"])
        .files("supabase/schemas", &["public.sql"])
        .silences(&["schema-declared"]);

    // --- neonhub ---------------------------------------------------------------------------------------------------

    ways_back => neonhub()
        .taking(["realign", "tenant-keys", "cutover", "indexes", "seed"].map(|step| format!("step {step} / down")))
        .files(REALIGN, &["down.sql"])
        .files(KEYS, &["down.sql"])
        .files(CUTOVER, &["down.sql"])
        .files(INDEXES, &["down.sql"])
        .files("scripts", &["unseed.sql"])
        .silences(&["rollback-schema", "rollback-data", "rollback-roundtrip", "rollback-keeps-writes"]);

    roles_of_ones_own_organisation => neonhub()
        .cut(&format!("{KEYS}/migration.sql"), "-- A membership's role", Some("-- A campaign's brand"))
        .cut(&format!("{KEYS}/down.sql"), "ALTER TABLE \"OrganizationMembership\" DROP CONSTRAINT", None)
        .violates(&["tenant-coherence", "schema-declared"]);

    brands_of_ones_own_organisation => neonhub()
        .cut(&format!("{KEYS}/migration.sql"), "-- A campaign's brand", Some("-- A chunk names"))
        .cut(
            &format!("{KEYS}/down.sql"),
            "ALTER TABLE \"Campaign\" DROP CONSTRAINT",
            Some("ALTER TABLE \"OrganizationMembership\" DROP"),
        )
        .violates(&["tenant-coherence", "schema-declared"]);

    chunks_of_ones_own_data_set => neonhub()
        .cut(&format!("{KEYS}/migration.sql"), "ALTER TABLE \"Chunk\" DROP CONSTRAINT", Some("-- The columns hold"))
        .cut(&format!("{KEYS}/down.sql"), "ALTER TABLE \"Chunk\" DROP CONSTRAINT", Some("ALTER TABLE \"Chunk\" DROP COLUMN"))
        .violates(&["tenant-coherence", "tenant-delete-contained", "schema-declared"]);

    one_dimension_for_all_models => neonhub()
        .taking(["generate.EmbeddingSpace"])
        .cut(&format!("{KEYS}/migration.sql"), "-- The columns hold", None)
        .cut(&format!("{KEYS}/down.sql"), "ALTER TABLE \"EmbeddingSpace\"", Some("ALTER TABLE \"Chunk\""))
        .violates(&["models-fit-their-columns", "schema-declared"]);

    vectors_that_are_ranked_within_the_organisation => neonhub()
        .taking([
            "step indexes / title",
            "access GET /api/chunks/[id]/similar",
            "access POST /api/messages/search: messages nearest to a question",
        ])
        .add(
            &format!("{INDEXES}/migration.sql"),
            r#"CREATE INDEX "idx_chunk_embedding_cosine" ON "Chunk" USING ivfflat ("embedding" vector_cosine_ops) WITH (lists = 100);
               CREATE INDEX "idx_message_embedding_cosine" ON "Message" USING ivfflat ("embedding" vector_cosine_ops) WITH (lists = 100);"#,
        )
        .add(
            &format!("{INDEXES}/down.sql"),
            r#"DROP INDEX "idx_message_embedding_cosine"; DROP INDEX "idx_chunk_embedding_cosine";"#,
        )
        .violates(&["non-interference", "vector-index-used", "vector-recall"]);

    a_seed_of_the_columns_dimension => neonhub()
        .taking(["step seed / migrate"])
        .files("scripts", &["seed.sql"])
        .violates(&["migration-applies"])
        // No case comes to its end.
        .leaves_open(&["constraint-validated", "schema-declared"]);

    a_model_of_organisations => neonhub()
        .taking(["database.model"])
        .files("prisma", &["model.sql"])
        .silences(&["schema-declared"]);

    chunks_that_name_their_organisation => neonhub()
        .taking(["access POST /api/datasets/[id]/chunks"])
        .violates(&["access-compatible"]);

    questions_of_the_columns_dimension => neonhub()
        .taking(["access POST /api/retrieval: chunks nearest to a question"])
        .violates(&["access-compatible", "vector-dimension"]);
}

/// The scenario's own constants, below the list for those who read it first.
const EXPAND: &str = "prisma/migrations/20251219170000_add_workspace_to_datahub_models";
const ONE_CONNECTION: &str = "prisma/migrations/20251219170500_one_connection_per_provider";
const CONTRACT: &str = "prisma/migrations/20251219171000_datahub_workspace_not_null";
const INSISTS: &str = "20251105090000_organization_id_not_null.sql";
const REALIGN: &str = "prisma/migrations/20250126000000_realign_schema";
const CUTOVER: &str = "prisma/migrations/20250126010000_message_cutover";
const INDEXES: &str = "prisma/migrations/20250126020000_vector_and_hot_path_indexes";
const KEYS: &str = "prisma/migrations/20250126005000_tenant_keys";

fn datahub() -> Mend {
    Mend::of("datahub-mended")
}

fn dual() -> Mend {
    Mend::of("dual-database-mended")
}

fn org() -> Mend {
    Mend::of("org-backfill-mended")
}

fn neonhub() -> Mend {
    Mend::of("neonhub-mended")
}

const ROUTES: [&str; 10] = [
    "accounts",
    "contacts",
    "events",
    "opportunities",
    "leads",
    "invoices",
    "locations",
    "tasks",
    "communications",
    "attachments",
];

/// A route of each kind of record, retired on one database and new on the other.
fn routes(name: impl Fn(&str) -> String) -> Vec<String> {
    let both =
        |route| [format!("access {}", name(route)), format!("access {} (tenant database)", name(route))];
    ROUTES.into_iter().flat_map(both).collect()
}
