//! Small reports of the other kinds, each with the evidence that only it has.

use watertight_reports::*;

use super::build::*;

fn scenario(id: &str, title: &str, checks: Vec<CheckReport>) -> ScenarioReport {
    ScenarioReport {
        id: id.into(),
        title: title.into(),
        summary: None,
        digest: "00".repeat(32),
        origin: None,
        verdict: Verdict::worst(checks.iter().map(|check| check.outcome.verdict())),
        assumptions: Vec::new(),
        steps: Vec::new(),
        tables: Vec::new(),
        access: Vec::new(),
        data: DataReport { cases: 40, worlds: 512, rows: 6_020, not_made: Vec::new() },
        checks,
        evidence: Evidence::default(),
        ms: 9_120.0,
    }
}

/// Phases, documented row counts, acceptance: the kind of a large backfill.
pub(crate) fn backfill() -> ScenarioReport {
    let preset = |table: &str, rows: u64, through: &[&str]| PresetTable {
        table: table.into(),
        rows,
        with_tenant: Some(rows),
        through: through.iter().map(|t| (*t).to_owned()).collect(),
        ms: Some(rows as f64 / 10.0),
    };
    let step = |phase: &str, id: &str, kind: &str, ms| StepReport {
        id: id.into(),
        phase: Some(phase.into()),
        kind: kind.into(),
        title: id.into(),
        file: format!("{id}.sql"),
        statements: 6,
        ms,
        applied: 40,
        ..StepReport::default()
    };
    ScenarioReport {
        steps: vec![
            StepReport {
                timings: [4.0, 10.0]
                    .map(|ms| StatementTime { line: 3, sql: "ALTER TABLE x".into(), ms })
                    .into(),
                ..step("0: columns", "add-columns", "migrate", 14.0)
            },
            StepReport {
                timings: [
                    ("-- by user\nUPDATE conversations\nSET organization_id = 1", 930.0),
                    ("UPDATE messages", 1_000.0),
                ]
                .map(|(sql, ms)| StatementTime { line: 1, sql: sql.into(), ms })
                .into(),
                command: Some("npm run backfill -- --batch 1000".into()),
                rows_written: counts(&[("conversations", 2_263), ("messages", 6_569)]),
                ..step("1: backfill", "fill", "backfill", 1_930.0)
            },
            StepReport {
                down_file: Some("drop-dead-column.down.sql".into()),
                down_sql: Some("ALTER TABLE conversations ADD COLUMN customer_id uuid;".into()),
                not_restored: strings(&[
                    "contents of `conversations.customer_id`: 2,263 rows, all NULL before the drop",
                ]),
                ..step("3: cleanup", "drop-dead-column", "migrate", 1.2)
            },
        ],
        evidence: Evidence {
            behaviour: vec![BehaviourChange {
                attempt: "insert into conversations without organization_id".into(),
                sql: "INSERT INTO conversations (id, organization_id) SELECT id, NULL FROM conversations"
                    .into(),
                before: Answered { tried: 40, refused: 0, answer: None },
                after: Answered {
                    tried: 40,
                    refused: 40,
                    answer: Some("ERROR 23502: null value in column \"organization_id\"".into()),
                },
            }],
            state: vec![
                StateChange {
                    subject: "`conversations.customer_id`".into(),
                    before: Some("uuid, NULL in 2,263 of 2,263 rows".into()),
                    after: None,
                    ok: None,
                },
                StateChange {
                    subject: "plan of `conversations of an organization`".into(),
                    before: Some("nested loop over `domains`".into()),
                    after: Some("index scan on `conversations_organization_id_idx`".into()),
                    ok: Some(true),
                },
            ],
            presets: vec![PresetReport {
                title: "Documented row counts".into(),
                tables: vec![
                    preset("conversations", 2_263, &["domains"]),
                    preset("messages", 6_569, &["conversations", "domains"]),
                    preset("page_embeddings", 20_227, &["scraped_pages", "domains"]),
                ],
                facts: vec![fact(true, "external order ids in `orders.customer_id` unchanged in 1,204 rows")],
                dropped: vec![DroppedColumn {
                    step: "drop-customer-id".into(),
                    column: "conversations.customer_id".into(),
                    rows: 2_263,
                    filled: 0,
                    restored: Some(true),
                }],
                ms: 2_905.9,
            }],
            expectations: Some(Expectations { met: 2, unmet: Vec::new() }),
            indexes: Vec::new(),
            strength: Some(strength()),
            ..Evidence::default()
        },
        ..scenario(
            "org-backfill",
            "Every row gets its organization",
            vec![
                held("backfill-complete", "After the backfill no row lacks its tenant", 40, 512),
                held("rls-read", "A role reads its tenant's rows only", 40, 498),
                CheckReport {
                    remarks: vec![RemarkReport {
                        subject: "messages.number".into(),
                        table: Some("messages".into()),
                        message: "`messages.number` is numbered by `messages_number_seq` for all tenants. As app, two \
                            new rows get 7 and 8; with a row of another tenant between them, 9 and 11."
                            .into(),
                        cases: 12,
                    }],
                    ..not_applicable(
                        "existence-oracle",
                        "No constraint, error or upsert tells a tenant that another tenant's value exists",
                        "every key over values that can be guessed has the tenant in it",
                    )
                },
            ],
        )
    }
}

/// Two databases, a copy, routing, secrets.
pub(crate) fn two_databases() -> ScenarioReport {
    let routes = ["accounts", "contacts", "events", "leads"];
    let routing = routes
        .iter()
        .enumerate()
        .map(|(i, route)| Finding {
            id: format!("routing/{route}"),
            severity: Severity::Critical,
            title: format!("`GET /api/{route}` reads the application database"),
            step: None,
            file: Some(format!("src/app/api/{route}/route.ts")),
            line: Some(10 + i as u32),
            message: format!("A row of `{route}` written to the tenant database was not among 40 answers."),
            cause: "The path is sent to `app`; its table lives in `tenant_data`.".into(),
            remedy: "Send business routes to the tenant's database.".into(),
            tables: strings(&[route]),
            access: vec![format!("GET /api/{route}")],
            cases: 40,
            counterexample: None,
        })
        .collect();
    let copied = |table: &str, rows| CopiedTable {
        table: table.into(),
        source_rows: rows,
        target_rows: rows,
        equal: Some(true),
    };
    ScenarioReport {
        steps: vec![StepReport {
            id: "copy".into(),
            database: Some("tenant_data".into()),
            kind: "copy".into(),
            title: "Copy in dependency order".into(),
            file: "copy.toml".into(),
            statements: 13,
            ms: 210.0,
            applied: 40,
            copied: vec![copied("accounts", 13), copied("contacts", 9), copied("opportunities", 49)],
            ..StepReport::default()
        }],
        access: vec![AccessReport {
            name: "GET /api/accounts".into(),
            database: Some("app".into()),
            kind: "read".into(),
            version: "new".into(),
            impact: "production".into(),
            sql: "SELECT * FROM accounts WHERE tenant_id = :tenant".into(),
            cells: vec![works("baseline", 40), works("copy", 40)],
            ..AccessReport::default()
        }],
        ..scenario(
            "dual-database",
            "Business data moves to a database of its own",
            vec![
                held("copy-complete", "After the copy source and target are equal", 40, 253),
                held("copy-idempotent", "A second copy changes nothing", 40, 253),
                violated("routing", "Each path uses the database that it should", 512, routing),
                held("secrets-at-rest", "Declared secrets are stored encrypted only", 40, 512),
            ],
        )
    }
}

/// Vector columns and their indexes, over the whole of a release.
pub(crate) fn vectors() -> ScenarioReport {
    ScenarioReport {
        evidence: Evidence {
            indexes: vec![
                IndexReport {
                    table: "Chunk".into(),
                    name: "idx_chunk_embedding_cosine".into(),
                    method: "ivfflat".into(),
                    definition: "CREATE INDEX idx_chunk_embedding_cosine ON public.\"Chunk\" USING ivfflat (embedding \
                                 vector_cosine_ops) WITH (lists='100')"
                        .into(),
                    valid: true,
                    rows_when_built: Some(0),
                    plans: Some(Plans { asked: 40, used: 38 }),
                    recall: Some(Recall { tenants: 512, lowest: 0.41, floor: Some(0.9) }),
                    ..IndexReport::default()
                },
                IndexReport {
                    table: "Conversation".into(),
                    name: "idx_conversation_org_created".into(),
                    method: "btree".into(),
                    definition: "CREATE INDEX …".into(),
                    valid: true,
                    rows_when_built: Some(1_240),
                    ..IndexReport::default()
                },
            ],
            ..Evidence::default()
        },
        ..scenario(
            "neonhub",
            "Organizations, agents and retrieval",
            vec![check(
                "vector-recall",
                "A filtered search finds what is near",
                CheckOutcome::Inconclusive { reason: "no tenant had more than 10 chunks".into() },
            )],
        )
    }
}

/// Seeded faults of every fate.
pub(crate) fn strength() -> Strength {
    let fault = |operator: &str, stands_for: &str, line, before: &str, after: &str, fate| SeededFault {
        operator: operator.into(),
        stands_for: stands_for.into(),
        step: "fill".into(),
        file: "fill.sql".into(),
        line,
        before: before.into(),
        after: after.into(),
        fate,
    };
    let joined = "Rows are joined with rows that are not theirs.";
    let caught =
        |by: &[&str], cases| Fate::Caught { by: strings(by), cases, title: "rows of another tenant".into() };
    Strength {
        seed: 1,
        cases: 16,
        checks: strings(&["backfill-complete", "backfill-correct", "rls-read"]),
        unusable: strings(&["vector-recall"]),
        faults: vec![
            fault(
                "drop-join-condition",
                joined,
                4,
                "d.id = c.domain_id AND",
                "",
                caught(&["backfill-correct", "rls-read"], 2),
            ),
            fault("drop-join-condition", joined, 9, "m.id = c.id", "TRUE", caught(&["backfill-correct"], 1)),
            fault(
                "change-on-delete",
                "What a deletion takes along is not what the model says: rows stay behind, or go too far.",
                12,
                "ON DELETE CASCADE",
                "",
                Fate::Survived {
                    differs: strings(&["changes constraint `k` of `messages`: CASCADE → NO ACTION"]),
                    silenced: strings(&["tenant-delete-contained"]),
                    closes: "Say under `[declared]` what the application's model expects of the column."
                        .into(),
                },
            ),
            fault(
                "empty-guard",
                "Nothing looks before the step that makes an incomplete backfill permanent.",
                20,
                "DO $$ BEGIN IF EXISTS (SELECT) THEN RAISE EXCEPTION 'x'; END IF; END $$",
                "",
                Fate::Undecided { why: strings(&["`guard-refuses`: never exercised: it needs rows"]) },
            ),
            fault("drop-not-null", "x.", 22, "NOT NULL", "", Fate::NoEffect),
            fault("drop-unique", "x.", 23, "UNIQUE", "", Fate::NotApplied { why: "42830".into() }),
        ],
        left_out: 0,
        ms: 31_000.0,
    }
}
