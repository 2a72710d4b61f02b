//! A report of the Data Hub kind: users' rows become workspaces' rows.

use watertight_reports::*;

use super::build::*;

const TABLES: [(&str, u64, u64); 4] = [
    ("Connection", 3_912, 2_870),
    ("MetricDaily", 11_406, 8_512),
    ("Insight", 4_377, 3_240),
    ("ChatMessage", 6_120, 4_533),
];
const CHECKPOINTS: [&str; 5] = ["baseline", "expand", "fill", "no-nulls", "contract"];
const EXPAND: &str = "20251219170000_add_workspace_to_datahub_models/migration.sql";
const CONTRACT: &str = "20251219171000_datahub_workspace_not_null/migration.sql";
const NULL_REFUSED: &str =
    "null value in column \"workspaceId\" of relation \"ChatMessage\" violates not-null constraint";

/// As documented: with its defects.
pub(crate) fn documented() -> ScenarioReport {
    let access = vec![
        read("GET /api/data/overview: connections", "app/api/data/overview/route.ts:42"),
        read("GET /api/data/channel: metrics", "app/api/data/channel/route.ts:72"),
        write("POST /api/chat: user message", "app/api/chat/route.ts:88", None),
        write(
            "POST /api/chat: assistant message",
            "app/api/chat/route.ts:284",
            Some(("contract", NULL_REFUSED)),
        ),
        write("POST /api/data/connect", "app/api/data/connect/route.ts:58", None),
        development("seed: Connection.create", "prisma/seed.ts:400", "Connection"),
        development("seed: Insight.create", "prisma/seed.ts:538", "Insight"),
    ];
    let checks = vec![
        violated(
            "backfill-complete",
            "After the backfill no row lacks its tenant",
            1_804,
            vec![duplicate_provider()],
        ),
        violated(
            "backfill-correct",
            "Every row gets the tenant that its owner says",
            1_804,
            vec![ambiguous_owner()],
        ),
        held("backfill-idempotent", "A second run of the backfill writes nothing", 118, 1_804),
        held("backfill-preserves", "The backfill changes nothing but empty tenant columns", 118, 2_391),
        held(
            "step-role-faithful",
            "Each step does the same for its role as for one that sees every row",
            118,
            2_391,
        ),
        held(
            "migration-applies",
            "Every step applies to the data that the state before it accepts",
            120,
            2_402,
        ),
        guard(),
        constraint_rejects(),
        violated(
            "access-compatible",
            "Each path of the application works at each checkpoint where it is in use",
            2_391,
            vec![
                assistant_message(),
                seed_write("Connection", "prisma/seed.ts", 400),
                seed_write("Insight", "prisma/seed.ts", 538),
            ],
        ),
        held("read-isolation", "A declared read returns rows of its tenant only", 116, 2_210),
        held("non-interference", "What a tenant reads does not depend on other tenants' data", 58, 1_102),
        held("rollback-schema", "Up and down again leaves the catalogs as they were", 120, 2_402),
        held("rollback-data", "Up and down again leaves the rows as they were", 118, 2_391),
        not_applicable("rls-read", "A role reads its tenant's rows only", "no table has row security"),
        not_applicable("vector-recall", "A filtered search finds what is near", "no column is a vector"),
    ];
    ScenarioReport {
        id: "datahub".into(),
        title: "Data Hub: users' rows become workspaces' rows".into(),
        summary: Some(
            "Four tables of the Data Hub get a workspace. It is added as nullable, filled for each user, and made \
             NOT NULL once nothing lacks it."
                .into(),
        ),
        digest: "9f2c1c0c5a4e7d3b8a6f0e1d2c3b4a5968778695a4b3c2d1e0f9a8b7c6d5e4f3".into(),
        origin: None,
        verdict: Verdict::Violated,
        assumptions: strings(&[
            "Before the first step `Connection` has no unique key on (`userId`, `provider`).",
            "A user without a workspace gets one from the backfill, named after the user.",
        ]),
        steps: steps(),
        tables: tables(),
        access,
        data: DataReport { cases: 120, worlds: 2_402, rows: 31_048, not_made: Vec::new() },
        checks,
        evidence: Evidence {
            state: TABLES.iter().map(|(name, ..)| state(name)).collect(),
            ..Evidence::default()
        },
        ms: 41_870.0,
    }
}

/// The same system with its defects put right.
pub(crate) fn mended() -> ScenarioReport {
    let mut scenario = documented();
    scenario.id = "datahub-mended".into();
    scenario.title = "Data Hub, mended".into();
    scenario.verdict = Verdict::Held;
    scenario.digest = scenario.digest.chars().rev().collect();
    scenario.access.retain(|path| path.impact != "development");
    for path in &mut scenario.access {
        for cell in &mut path.cells {
            if let AccessOutcome::Fails { sent, .. } = cell.outcome {
                cell.outcome = AccessOutcome::Works { sent };
            }
        }
    }
    for step in &mut scenario.steps {
        if step.id == "fill" {
            (step.applied, step.refused) = (120, 0);
        }
    }
    for table in &mut scenario.tables {
        table.rows_without_tenant = 0;
        table.status = Verdict::Held;
    }
    for check in &mut scenario.checks {
        if let CheckOutcome::Violated { exercised, .. } = &check.outcome {
            check.outcome = CheckOutcome::held(*exercised);
        }
    }
    scenario.evidence.expectations = Some(Expectations { met: 13, unmet: Vec::new() });
    scenario
}

/// A run that could not decide two of its checks.
pub(crate) fn inconclusive() -> ScenarioReport {
    let mut scenario = mended();
    scenario.id = "datahub-undecided".into();
    scenario.verdict = Verdict::Inconclusive;
    for check in &mut scenario.checks {
        match check.invariant.as_str() {
            "read-isolation" => {
                check.outcome = CheckOutcome::Inconclusive {
                    reason: "the positive control failed: tenant A did not see its own 3 rows through \
                             `GET /api/data/channel: metrics`"
                        .into(),
                };
            }
            "backfill-idempotent" => {
                check.outcome = CheckOutcome::Inconclusive {
                    reason: "statement 4 of `backfill.sql` was cancelled after 30 s in 2 of 118 cases".into(),
                };
            }
            "constraint-rejects" => {
                check.not_exercised = strings(&[
                    "exclusion constraint `Connection_period_excl`: no case had two overlapping periods; \
                 raise `--cases` or add a generation hint for `Connection.period`",
                ])
            }
            _ => {}
        }
    }
    scenario.data.not_made =
        strings(&["`MetricDaily.checksum`: 12 rows refused by CHECK `MetricDaily_checksum_valid`"]);
    for cell in &mut scenario.access[1].cells {
        cell.outcome = AccessOutcome::NotExercised;
    }
    scenario.evidence.expectations = Some(Expectations {
        met: 11,
        unmet: strings(&[
            "`read-isolation`: expected held, found inconclusive",
            "`backfill-idempotent`: expected held, found inconclusive",
        ]),
    });
    scenario
}

fn steps() -> Vec<StepReport> {
    let migrate = |id: &str, file: &str, statements, ms| StepReport {
        id: id.into(),
        kind: "migrate".into(),
        title: file.into(),
        file: file.into(),
        down_file: Some(file.replace("migration.sql", "down.sql")),
        statements,
        ms,
        applied: 120,
        ..StepReport::default()
    };
    let tables = TABLES.map(|(name, ..)| name);
    vec![
        StepReport {
            changes: tables
                .iter()
                .map(|name| format!("adds column `{name}.workspaceId` text, nullable"))
                .chain(tables.iter().map(|name| {
                    format!("adds foreign key `{name}_workspaceId_fkey` to `Workspace`, ON DELETE CASCADE")
                }))
                .chain(["adds unique index `Connection_workspaceId_provider_key`".into()])
                .collect(),
            down_changes: strings(&[
                "catalogs as before step `expand`",
                "rows of the other columns as before",
            ]),
            down_sql: Some(
                tables
                    .iter()
                    .map(|name| format!("ALTER TABLE \"{name}\" DROP COLUMN \"workspaceId\";\n"))
                    .collect(),
            ),
            down_ms: Some(6.2),
            not_restored: strings(&["7,412 values of `workspaceId` that the new application wrote"]),
            locks: tables
                .iter()
                .map(|name| LockHeld { table: (*name).into(), mode: "AccessExclusiveLock".into() })
                .collect(),
            ..migrate("expand", EXPAND, 16, 11.4)
        },
        StepReport {
            id: "fill".into(),
            kind: "backfill".into(),
            title: "Get or create each user's workspace, then fill".into(),
            file: "backfill.sql".into(),
            statements: 5,
            ms: 18.7,
            rows_written: counts(&[
                ("Workspace", 31),
                ("Connection", 212),
                ("MetricDaily", 640),
                ("Insight", 233),
                ("ChatMessage", 301),
            ]),
            applied: 96,
            refused: 24,
            ..StepReport::default()
        },
        StepReport {
            id: "no-nulls".into(),
            kind: "check".into(),
            title: "NULL counts".into(),
            file: "check.sql".into(),
            statements: 1,
            ms: 1.1,
            applied: 96,
            refused: 0,
            ..StepReport::default()
        },
        StepReport {
            guard: true,
            changes: tables.iter().map(|name| format!("sets `{name}.workspaceId` NOT NULL")).collect(),
            down_changes: strings(&["catalogs as before step `contract`", "all rows as before"]),
            down_sql: Some(
                tables
                    .iter()
                    .map(|name| {
                        format!("ALTER TABLE \"{name}\" ALTER COLUMN \"workspaceId\" DROP NOT NULL;\n")
                    })
                    .collect(),
            ),
            down_ms: Some(2.4),
            applied: 96,
            ..migrate("contract", CONTRACT, 5, 4.9)
        },
    ]
}

fn tables() -> Vec<TableReport> {
    let table = |(name, rows, before): &(&str, u64, u64)| TableReport {
        database: None,
        name: (*name).into(),
        tenant_column: Some("workspaceId".into()),
        facts: vec![
            fact(true, "`workspaceId` text, NOT NULL"),
            fact(true, &format!("foreign key `{name}_workspaceId_fkey` to `Workspace`, ON DELETE CASCADE")),
            fact(true, &format!("index `{name}_workspaceId_idx` on (`workspaceId`)")),
            fact(None, "no row security"),
        ],
        rows: *rows,
        rows_without_tenant_before: *before,
        rows_without_tenant: if *name == "Connection" { 48 } else { 0 },
        rows_without_tenant_refused: 0,
        status: if *name == "MetricDaily" { Verdict::Held } else { Verdict::Violated },
    };
    let mut tables = vec![TableReport {
        database: None,
        name: "Workspace".into(),
        tenant_column: None,
        facts: vec![fact(None, "the tenants; primary key `id` text")],
        rows: 2_402,
        rows_without_tenant_before: 0,
        rows_without_tenant: 0,
        rows_without_tenant_refused: 0,
        status: Verdict::Held,
    }];
    tables.extend(TABLES.iter().map(table));
    tables
}

fn state(table: &str) -> StateChange {
    StateChange {
        subject: format!("`{table}.workspaceId`"),
        before: None,
        after: Some("text, NOT NULL".into()),
        ok: Some(true),
    }
}

fn read(name: &str, source: &str) -> AccessReport {
    AccessReport {
        name: name.into(),
        kind: "read".into(),
        version: "new".into(),
        impact: "production".into(),
        source: Some(source.into()),
        sql: "SELECT * FROM \"Connection\" WHERE \"workspaceId\" = :workspace".into(),
        cells: CHECKPOINTS
            .iter()
            .map(|at| if *at == "baseline" { not_in_use(at) } else { works(at, 2_210) })
            .collect(),
        ..AccessReport::default()
    }
}

fn write(name: &str, source: &str, broken: Option<(&str, &str)>) -> AccessReport {
    let cell = |at: &&str| match broken {
        Some((checkpoint, message)) if checkpoint == *at => fails(at, 1_822, 1_822, "23502", message),
        _ => works(at, 2_391),
    };
    AccessReport {
        name: name.into(),
        kind: "write".into(),
        version: "old".into(),
        impact: "production".into(),
        source: Some(source.into()),
        sql: "INSERT INTO \"ChatMessage\" (\"id\", \"userId\", \"scope\", \"role\", \"content\")\n\
              VALUES (:id, :user, :scope, 'ASSISTANT', :content)"
            .into(),
        cells: CHECKPOINTS.iter().map(cell).collect(),
        ..AccessReport::default()
    }
}

fn development(name: &str, source: &str, table: &str) -> AccessReport {
    let message = NULL_REFUSED.replace("ChatMessage", table);
    AccessReport {
        impact: "development".into(),
        sql: format!(
            "INSERT INTO \"{table}\" (\"id\", \"userId\", \"provider\") VALUES (:id, :user, :provider)"
        ),
        ..write(name, source, Some(("contract", &message)))
    }
}

fn guard() -> CheckReport {
    CheckReport {
        not_exercised: Vec::new(),
        ..held("guard-refuses", "The guard refuses incomplete data and changes nothing", 44, 391)
    }
}

fn constraint_rejects() -> CheckReport {
    let mut probes = Vec::new();
    for (table, ..) in TABLES {
        probes.push(asked(
            probe(Some(Expects::Refusal), &format!("insert `{table}` without `workspaceId`"), 96, 96),
            &format!("INSERT INTO \"{table}\" (\"id\", \"userId\") VALUES ('m1', 'u1')"),
            &format!("23502 {}", NULL_REFUSED.replace("ChatMessage", table)),
        ));
    }
    probes.push(asked(
        probe(Some(Expects::Acceptance), "insert `ChatMessage` with `workspaceId`", 96, 96),
        "INSERT INTO \"ChatMessage\" (\"id\", \"userId\", \"workspaceId\") VALUES ('m2', 'u1', 'w1')",
        "1 row",
    ));
    CheckReport {
        probes,
        ..held(
            "constraint-rejects",
            "Each constraint refuses its violation and accepts what is valid",
            96,
            1_822,
        )
    }
}

fn assistant_message() -> Finding {
    Finding {
        id: "access-compatible/contract/chat-assistant".into(),
        severity: Severity::Critical,
        title: "The assistant's message can no longer be written after `contract`".into(),
        step: Some("contract".into()),
        file: Some("app/api/chat/route.ts".into()),
        line: Some(284),
        message:
            "`POST /api/chat: assistant message` was refused in 1,822 of 1,822 attempts after `contract`; it \
                  worked at every checkpoint before."
                .into(),
        cause:
            "The statement gives no `workspaceId`, and `contract` makes `ChatMessage.workspaceId` NOT NULL."
                .into(),
        remedy: "Send `workspaceId` with the statement before `contract` is deployed.".into(),
        tables: strings(&["ChatMessage"]),
        access: strings(&["POST /api/chat: assistant message"]),
        cases: 96,
        counterexample: Some(Counterexample {
            tenants: 1,
            rows: 2,
            seed: 7_731,
            data: vec![
                table("User", &["id", "email"], &[&[Some("u1"), Some("a@example.org")]]),
                table("Workspace", &["id", "ownerId"], &[&[Some("w1"), Some("u1")]]),
            ],
            transcript: strings(&[
                "migrator: step expand, applied",
                "migrator: step fill, applied, 0 rows written",
                "migrator: step contract, applied",
                "app: INSERT INTO \"ChatMessage\" (\"id\", \"userId\", \"scope\", \"role\", \"content\") VALUES ('m1', 'u1', 'MASTER', 'ASSISTANT', 'x')",
                "     ERROR 23502: null value in column \"workspaceId\" of relation \"ChatMessage\" violates not-null constraint",
            ]),
            sql: "CREATE TABLE …".into(),
            file: Some("counterexamples/datahub-c1.sql".into()),
            replay: Some("watertight replay failures/8c6e2a0f41.json".into()),
            capped: None,
        }),
    }
}

fn seed_write(table: &str, file: &str, line: u32) -> Finding {
    Finding {
        id: format!("access-compatible/contract/seed-{table}"),
        severity: Severity::Low,
        title: format!("The seed script cannot create `{table}` after `contract`"),
        message: format!("`seed: {table}.create` was refused in 1,822 of 1,822 attempts after `contract`."),
        cause: format!(
            "The statement gives no `workspaceId`, and `contract` makes `{table}.workspaceId` NOT NULL."
        ),
        remedy: "Give every create of the seed script the workspace of its user.".into(),
        file: Some(file.into()),
        line: Some(line),
        tables: strings(&[table]),
        access: vec![format!("seed: {table}.create")],
        counterexample: None,
        ..assistant_message()
    }
}

fn duplicate_provider() -> Finding {
    Finding {
        id: "backfill-complete/fill/connection-unique".into(),
        severity: Severity::High,
        title: "The backfill stops at a user with two connections of one provider".into(),
        step: Some("fill".into()),
        file: Some("backfill.sql".into()),
        line: Some(14),
        message: "In 24 of 120 cases `fill` was refused with SQLSTATE 23505; 48 rows of `Connection` were left without \
                  a workspace."
            .into(),
        cause: "`expand` adds `Connection_workspaceId_provider_key`; before it nothing kept a user from two \
                connections of one provider."
            .into(),
        remedy: "Merge or remove duplicate connections of (`userId`, `provider`) before `fill`, and say which one stays."
            .into(),
        tables: strings(&["Connection"]),
        access: Vec::new(),
        cases: 24,
        counterexample: Some(Counterexample {
            tenants: 1,
            rows: 3,
            seed: 118,
            data: vec![
                table("User", &["id", "email"], &[&[Some("u1"), Some("")]]),
                table(
                    "Connection",
                    &["id", "userId", "provider", "workspaceId"],
                    &[
                        &[Some("c1"), Some("u1"), Some("GOOGLE_ADS"), None],
                        &[Some("c2"), Some("u1"), Some("GOOGLE_ADS"), None],
                    ],
                ),
            ],
            transcript: strings(&[
                "migrator: step expand, applied",
                "migrator: step fill, refused at line 14",
                "     ERROR 23505: duplicate key value violates unique constraint \"Connection_workspaceId_provider_key\"",
                "     DETAIL: Key (\"workspaceId\", provider)=(w1, GOOGLE_ADS) already exists.",
            ]),
            sql: "CREATE TABLE \"User\" (…);\nINSERT INTO \"User\" VALUES ('u1', '');\n".into(),
            file: None,
            replay: None,
            capped: Some("400 attempts were made".into()),
        }),
    }
}

fn ambiguous_owner() -> Finding {
    Finding {
        id: "backfill-correct/fill/ambiguous-owner".into(),
        severity: Severity::Medium,
        title: "A user in two workspaces has no one workspace to fill in".into(),
        step: Some("fill".into()),
        file: Some("backfill.sql".into()),
        line: Some(9),
        message:
            "The owner expression of `ChatMessage` gave 2 workspaces for 61 rows; `fill` took the older one."
                .into(),
        cause: "`backfill.sql` orders workspaces by `createdAt` and takes the first.".into(),
        remedy: "Decide which workspace such rows belong to, and say it in the script or in the assumptions."
            .into(),
        tables: strings(&["ChatMessage"]),
        access: Vec::new(),
        cases: 31,
        counterexample: None,
    }
}
