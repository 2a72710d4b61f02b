//! Generated data meets what its schema asks for.

use std::collections::HashSet;

use crate::support::*;
use watertight_generators::{
    CaseSize, CaseSpec, Dataset, Plan, Row, Scope, Shape, canary, fresh_of_type, to_copy_text, to_insert_sql,
};
use watertight_scenarios::scenario::{ColumnHint, TableHints};
use watertight_scenarios::schema::{Deferrable, IndexPart, Schema, SqlType, TypeKind, Unique};
use watertight_scenarios::{Ident, Relation, Scenario};

/// Every case of a run is sound, closed, complete and repeatable.
fn sound(schema: &Schema, scenario: &Scenario) -> Plan {
    let plan = Plan::new(&[schema], scenario);
    assert_eq!(plan.not_made(), &[] as &[String]);
    assert_eq!(plan.unproven(), &[]);
    for index in 0..80 {
        let spec = plan.case_spec(index, 1000);
        let seed = u64::from(index) * 31;
        let (data, skipped) = plan.generate_noting(seed, &spec);
        assert_eq!(plan.audit(&data), Vec::<String>::new(), "case {index}: {}", spec.label);
        assert_eq!(data.dangling(&[schema]), Vec::new(), "case {index}: {}", spec.label);
        // Where there is no tenant, a row may have nothing to refer to; where there are two, nothing of its own.
        if spec.worlds.iter().all(|w| w.tenants == 1) {
            assert_eq!(skipped, Vec::new(), "case {index}: {}", spec.label);
        }
        assert_eq!(data, plan.generate(seed, &spec), "case {index} is not repeatable");
        // Two rows of each table always find room.
        if spec.label == "two tenants, one row per table, equal values" {
            for table in &data.tables {
                assert!(!table.rows.is_empty(), "{} has no rows", table.table);
            }
        }
    }
    sound_in_parts(&plan, schema);
    plan
}

/// What comes in parts is sound as a whole: no key comes twice, nothing refers to what is in no part.
fn sound_in_parts(plan: &Plan, schema: &Schema) {
    let spec = plan.large_spec(3000, |_, _| true);
    let parts: Vec<Dataset> = plan.parts(7, &spec, 500).collect();
    let mut whole = parts[0].clone();
    for part in &parts[1..] {
        for (table, more) in whole.tables.iter_mut().zip(&part.tables) {
            table.rows.extend_from_slice(&more.rows);
        }
    }
    assert!(parts.len() > 3, "{} parts", parts.len());
    assert_eq!(plan.audit(&whole), Vec::<String>::new(), "in parts");
    assert_eq!(whole.dangling(&[schema]), Vec::new(), "in parts");
    assert!(plan.parts(7, &spec, 500).eq(parts), "parts are not repeatable");
}

#[test]
fn datahub_data_meets_its_schema() {
    let (schema, scenario) = datahub();
    let plan = sound(&schema, &scenario);
    let labels: Vec<String> = (0..plan.systematic_count()).map(|i| plan.case_spec(i, 1000).label).collect();
    assert_eq!(labels[0], "no rows at all");
    assert!(labels.iter().any(|l| l == "two tenants of one owner"));
}

#[test]
fn datahub_data_has_the_awkward_rows() {
    let (schema, scenario) = datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let (mut owners_of_two, mut owners_of_none, mut twins, mut early, mut orphan) = (0, 0, 0, 0, 0);
    for seed in 0..4 {
        let data = plan.generate(seed, &plan.random_spec(CaseSize::Packed, seed));
        let table = |name: &str| data.tables.iter().find(|t| t.table.name.as_str() == name).expect("a table");
        let owned: Vec<_> = table("Workspace").rows.iter().map(|r| r.values[2].as_deref()).collect();
        for user in &table("User").rows {
            match owned.iter().filter(|o| **o == user.values[0].as_deref()).count() {
                0 => owners_of_none += 1,
                1 => {}
                _ => owners_of_two += 1,
            }
        }
        let mut pairs = HashSet::new();
        twins +=
            table("Connection").rows.iter().filter(|r| !pairs.insert((&r.values[1], &r.values[2]))).count();
        early += table("ChatMessage").rows.iter().filter(|r| r.values[2].is_some()).count();
        orphan += table("ChatMessage").rows.iter().filter(|r| r.values[2].is_none()).count();
    }
    for (count, what) in [
        (owners_of_two, "owners of two workspaces"),
        (owners_of_none, "users without a workspace"),
        (twins, "connections of one user with one provider"),
        (early, "messages that already have a workspace"),
        (orphan, "messages that have none"),
    ] {
        assert!(count >= 3, "{what}: {count}");
    }
}

#[test]
fn marks_tell_whose_a_text_is() {
    let (schema, scenario) = datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let data = plan.generate(3, &plan.random_spec(CaseSize::Packed, 3));
    let mut marked = 0;
    for table in &data.tables {
        for row in &table.rows {
            for text in row.values.iter().flatten() {
                for world in canary::worlds_in(text) {
                    assert_eq!(Some(world), row.world, "{text}");
                    marked += 1;
                }
            }
        }
    }
    assert!(marked > 100, "{marked}");
}

#[test]
fn keys_of_all_kinds() {
    let schema = schema(vec![
        table("orgs", vec![column("id", ty("bigint", TypeKind::Int8)), column("name!", text())]).key("id"),
        table(
            "users",
            vec![
                column("id", uuid()),
                column("email!", ty("citext", TypeKind::Citext)),
                column("boss", uuid()),
            ],
        )
        .key("id")
        .unique_where(vec![IndexPart::Expression("lower((email)::text)".into())], None, false)
        .refers("boss", "users", "id"),
        // Links users to organisations: all of its key refers.
        table(
            "members",
            vec![
                column("org_id!", ty("bigint", TypeKind::Int8)),
                column("user_id!", uuid()),
                column("role!", text()),
            ],
        )
        .key("org_id,user_id")
        .refers("org_id", "orgs", "id")
        .refers("user_id", "users", "id"),
        // A composite key with the tenant in it, and a tree along it.
        table(
            "projects",
            vec![
                column("org_id!", ty("bigint", TypeKind::Int8)),
                column("no!", int()),
                column("parent_no", int()),
                column("slug!", text()),
            ],
        )
        .key("org_id,no")
        .refers("org_id", "orgs", "id")
        .refers("org_id,parent_no", "projects", "org_id,no")
        .unique("org_id,slug"),
        table(
            "tasks",
            vec![
                column("id", uuid()),
                column("org_id!", ty("bigint", TypeKind::Int8)),
                column("project_no", int()),
                column("assignee", uuid()),
                column("position!", int()),
                column("archived!", ty("boolean", TypeKind::Bool)),
            ],
        )
        .key("id")
        .refers("org_id,project_no", "projects", "org_id,no")
        .refers("org_id", "orgs", "id")
        .refers("assignee", "users", "id")
        .unique_where(
            vec![IndexPart::Column("org_id".into()), IndexPart::Column("position".into())],
            Some("(NOT archived)"),
            false,
        ),
        table(
            "settings",
            vec![
                column("id", uuid()),
                column("org_id!", ty("bigint", TypeKind::Int8)),
                column("theme", text()),
            ],
        )
        .key("id")
        .refers("org_id", "orgs", "id")
        .unique("org_id"),
        table(
            "flags",
            vec![
                column("id", uuid()),
                column("org_id", ty("bigint", TypeKind::Int8)),
                column("name", text()),
            ],
        )
        .key("id")
        .refers("org_id", "orgs", "id")
        .unique_where(
            vec![IndexPart::Column("org_id".into()), IndexPart::Column("name".into())],
            None,
            true,
        ),
    ]);
    sound(&schema, &scenario("orgs", Some("org_id"), &[]));
}

#[test]
fn cycles_and_references_to_oneself() {
    let schema = schema(vec![
        table("teams", vec![column("id", uuid()), column("lead_id", uuid()), column("name!", text())])
            .key("id")
            .refers("lead_id", "people", "id"),
        table("people", vec![column("id", uuid()), column("team_id!", uuid()), column("name!", text())])
            .key("id")
            .refers("team_id", "teams", "id"),
        // Not even the cycle can be left out.
        table("a", vec![column("id", int()), column("b_id!", int()), column("team_id!", uuid())])
            .key("id")
            .refers("b_id", "b", "id")
            .refers("team_id", "teams", "id"),
        table("b", vec![column("id", int()), column("a_id!", int())]).key("id").refers("a_id", "a", "id"),
        table("nodes", vec![column("id", int()), column("parent_id!", int()), column("team_id!", uuid())])
            .key("id")
            .refers("parent_id", "nodes", "id")
            .refers("team_id", "teams", "id"),
        table(
            "pairs",
            vec![column("id", int()), column("x", int()), column("y", int()), column("team_id!", uuid())],
        )
        .key("id")
        .refers("x,y", "points", "x,y")
        .match_full()
        .refers("team_id", "teams", "id"),
        table("points", vec![column("x!", int()), column("y!", int()), column("team_id!", uuid())])
            .key("x,y")
            .refers("team_id", "teams", "id"),
    ]);
    let scenario = scenario("teams", Some("team_id"), &[]);
    sound(&schema, &scenario);
    let plan = Plan::new(&[&schema], &scenario);
    let data = plan.generate(1, &plan.case_spec(2, 0));
    let sql = to_insert_sql(&data, &[&schema]);
    assert!(sql.contains("session_replication_role"), "{sql}");
    assert!(sql.contains("UPDATE \"public\".\"teams\" SET \"lead_id\""), "{sql}");
}

#[test]
fn checks_are_met_by_construction() {
    let numeric = || ty("numeric(10,2)", TypeKind::Numeric(Some((10, 2))));
    let timestamp = || ty("timestamp with time zone", TypeKind::TimestampTz);
    let schema = schema(vec![
        table(
            "shops",
            vec![
                column("id", uuid()),
                column("code!", ty("character varying(8)", TypeKind::Varchar(Some(8)))),
            ],
        )
        .key("id")
        .unique("code")
        .check("((code)::text ~ '^[A-Z]{2}-[0-9]{4}$'::text)"),
        table(
            "orders",
            vec![
                column("id", uuid()),
                column("shop_id!", uuid()),
                column("status!", text()),
                column("quantity!", int()),
                column("price!", numeric()),
                column("total!", numeric()),
                column("starts_at!", timestamp()),
                column("ends_at", timestamp()),
                column("shipped_at", timestamp()),
                column("email", text()),
                column("phone", text()),
                column("iban", text()),
                column("data!", ty("jsonb", TypeKind::Jsonb)),
                column("tags!", ty("text[]", TypeKind::Array(Box::new(text())))),
                column("active!", ty("boolean", TypeKind::Bool)),
                column("created_at!", timestamp()),
                column("hash!", ty("bytea", TypeKind::Bytea)),
                column("percent", ty("real", TypeKind::Float4)),
            ],
        )
        .key("id")
        .refers("shop_id", "shops", "id")
        .check("(status = ANY (ARRAY['open'::text, 'shipped'::text, 'closed'::text]))")
        .check("((quantity > 0) AND (quantity <= 12))")
        .check("(price >= (0)::numeric)")
        .check("(total = ((quantity)::numeric * price))")
        .check("((ends_at IS NULL) OR (ends_at > starts_at))")
        .check("((status = 'shipped'::text) = (shipped_at IS NOT NULL))")
        .check("(num_nonnulls(email, phone, iban) = 1)")
        .check("((length(email) <= 40) AND (email ~~ '%@%'::text))")
        .check("(jsonb_typeof(data) = 'object'::text)")
        .check("((cardinality(tags) >= 1) AND (cardinality(tags) <= 5))")
        .check("((NOT active) OR (email IS NOT NULL) OR (phone IS NOT NULL))")
        .check("(created_at <= now())")
        .check("(octet_length(hash) = 32)")
        .check("((percent >= (0)::double precision) AND (percent <= (100)::double precision))")
        .check("(lower(email) = email)")
        .check("CASE WHEN (status = 'closed'::text) THEN (quantity < 5) ELSE true END"),
        // Belongs to exactly one of two.
        table(
            "comments",
            vec![
                column("id", uuid()),
                column("shop_id", uuid()),
                column("order_id", uuid()),
                column("body!", text()),
            ],
        )
        .key("id")
        .refers("shop_id", "shops", "id")
        .refers("order_id", "orders", "id")
        .check("(num_nonnulls(shop_id, order_id) = 1)")
        .check("((char_length(btrim(body)) >= 1) AND (char_length(btrim(body)) <= 200))"),
    ]);
    let plan = sound(&schema, &scenario("shops", None, &[]));
    let orders = Relation::public("orders");
    for check in 0..16 {
        let name = Ident::new(format!("orders_check{check}"));
        let cells = plan.violate_check(0, &orders, &name, 5);
        assert!(cells.is_some_and(|c| !c.is_empty()), "{name} is never violated");
    }
}

#[test]
fn types_of_all_kinds() {
    let array = |of: SqlType| ty(&format!("{}[]", of.name), TypeKind::Array(Box::new(of)));
    let range = |name: &str, of| ty(name, TypeKind::Range(Box::new(of)));
    let domain = ty(
        "public.postcode",
        TypeKind::Domain {
            base: Box::new(text()),
            not_null: false,
            checks: vec!["(VALUE ~ '^\\d{5}$'::text)".into()],
        },
    );
    let address =
        ty("public.address", TypeKind::Composite(vec![("street".into(), text()), ("no".into(), int())]));
    let decimal = |precision, scale| TypeKind::Numeric(Some((precision, scale)));
    let all = vec![
        column("id", int()),
        column("t_id!", uuid()),
        column("texts!", array(text())),
        column("decimals!", array(ty("numeric(5,1)", decimal(5, 1)))),
        column("numbers!", range("int4range", int())),
        column("during!", range("tstzrange", ty("timestamp with time zone", TypeKind::TimestampTz))),
        column("days!", ty("datemultirange", TypeKind::Multirange(Box::new(ty("date", TypeKind::Date))))),
        column("postcode!", domain),
        column("address!", address),
        column("span!", ty("interval", TypeKind::Interval)),
        column("ip!", ty("inet", TypeKind::Inet)),
        column("net!", ty("cidr", TypeKind::Cidr)),
        column("mac!", ty("macaddr", TypeKind::MacAddr)),
        column("cash!", ty("money", TypeKind::Money)),
        column("bits!", ty("bit(5)", TypeKind::Bit { length: Some(5), varying: false })),
        column("varbits!", ty("bit varying(7)", TypeKind::Bit { length: Some(7), varying: true })),
        column("padded!", ty("character(4)", TypeKind::Char(4))),
        column("clock!", ty("time without time zone", TypeKind::Time)),
        column("zoned!", ty("time with time zone", TypeKind::TimeTz)),
        column("stamp!", ty("timestamp(0) without time zone", TypeKind::Timestamp)),
        column("exact!", ty("timestamp(6) with time zone", TypeKind::TimestampTz)),
        column("day!", ty("date", TypeKind::Date)),
        column("note!", ty("json", TypeKind::Json)),
        column("data!", ty("jsonb", TypeKind::Jsonb)),
        column("page!", ty("xml", TypeKind::Xml)),
        column("words!", ty("tsvector", TypeKind::TsVector)),
        column("place!", ty("point", TypeKind::Point)),
        column("tiny!", ty("smallint", TypeKind::Int2)),
        column("big!", ty("bigint", TypeKind::Int8)),
        column("single!", ty("real", TypeKind::Float4)),
        column("double!", ty("double precision", TypeKind::Float8)),
        column("any!", ty("numeric", TypeKind::Numeric(None))),
        column("hundreds!", ty("numeric(4,-2)", decimal(4, -2))),
        column("bytes!", ty("bytea", TypeKind::Bytea)),
        column("handle!", ty("name", TypeKind::Text)),
        column("ci!", ty("citext", TypeKind::Citext)),
        column("position!", ty("pg_lsn", TypeKind::Other)),
        column("truth!", ty("boolean", TypeKind::Bool)),
    ];
    let schema = schema(vec![
        table(
            "t",
            vec![
                column("id", uuid()),
                column("tiny!", ty("character varying(2)", TypeKind::Varchar(Some(2)))),
            ],
        )
        .key("id")
        .unique("tiny"),
        table("all", all)
            .key("id")
            .refers("t_id", "t", "id")
            .unique("tiny")
            .exclude("EXCLUDE USING gist (t_id WITH =, during WITH &&)"),
    ]);
    sound(&schema, &scenario("t", None, &[]));
}

#[test]
fn types_of_extensions() {
    let schema = schema(vec![
        table("t", vec![column("id", uuid())]).key("id"),
        table(
            "chunks",
            vec![
                column("id", int()),
                column("t_id!", uuid()),
                column("small!", ty("vector(3)", TypeKind::Vector(Some(3)))),
                column("large!", ty("vector(1536)", TypeKind::Vector(Some(1536)))),
                column("half!", ty("halfvec(4)", TypeKind::HalfVec(Some(4)))),
                column("sparse!", ty("sparsevec(9)", TypeKind::SparseVec(Some(9)))),
            ],
        )
        .key("id")
        .refers("t_id", "t", "id")
        .check("(vector_dims(small) = 3)"),
    ]);
    sound(&schema, &scenario("t", None, &[]));
}

#[test]
fn partitions_take_all_rows() {
    let at = || ty("timestamp without time zone", TypeKind::Timestamp);
    let columns = || {
        vec![column("id!", int()), column("t_id!", uuid()), column("at!", at()), column("region!", text())]
    };
    let schema = schema(vec![
        table("t", vec![column("id", uuid())]).key("id"),
        table("events", columns()).key("id,at,region").refers("t_id", "t", "id").partitioned("RANGE (at)"),
        table("events_2023", columns())
            .partition_of("events", "FOR VALUES FROM ('2023-01-01 00:00:00') TO ('2023-02-01 00:00:00')")
            .partitioned("LIST (region)"),
        table("events_2023_eu", columns()).partition_of("events_2023", "FOR VALUES IN ('eu', 'uk')"),
        table("events_2031", columns())
            .partition_of("events", "FOR VALUES FROM ('2031-01-01 00:00:00') TO (MAXVALUE)"),
    ]);
    let scenario = scenario("t", None, &[]);
    sound(&schema, &scenario);
    let plan = Plan::new(&[&schema], &scenario);
    let data = plan.generate(1, &plan.random_spec(CaseSize::Packed, 1));
    let events = data.tables.iter().find(|t| t.table.name.as_str() == "events").expect("a table");
    let mut seen = HashSet::new();
    for row in &events.rows {
        let (at, region) = (row.values[2].as_deref().unwrap_or_default(), row.values[3].as_deref());
        let early = at.starts_with("2023-01-") && matches!(region, Some("eu" | "uk"));
        assert!(early || at >= "2031" || at == "infinity", "{at} {region:?}");
        seen.insert(early);
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn shared_tables_belong_to_nobody() {
    let schema = schema(vec![
        table("plans", vec![column("code", enumeration("plan", &["free", "team"])), column("price!", int())])
            .key("code"),
        table("countries", vec![column("id", int()), column("name!", text())]).key("id"),
        table("tenants", vec![column("id", uuid()), column("plan!", enumeration("plan", &["free", "team"]))])
            .key("id")
            .refers("plan", "plans", "code"),
        table(
            "offices",
            vec![column("id", uuid()), column("tenant_id", uuid()), column("country_id!", int())],
        )
        .key("id")
        .refers("country_id", "countries", "id"),
        table("loose", vec![column("id", uuid()), column("note", text())]).key("id"),
    ]);
    let scenario = scenario("tenants", Some("tenant_id"), &["countries"]);
    let plan = Plan::new(&[&schema], &scenario);
    assert_eq!(plan.assumptions().len(), 2, "{:?}", plan.assumptions());
    let data = plan.generate(1, &plan.random_spec(CaseSize::Packed, 1));
    assert_eq!(plan.audit(&data), Vec::<String>::new());
    for table in &data.tables {
        let shared = matches!(table.table.name.as_str(), "plans" | "countries");
        assert!(table.rows.iter().all(|r| r.world.is_none() == shared), "{}", table.table);
        assert!(!table.rows.is_empty(), "{}", table.table);
    }
}

#[test]
fn hints_override() {
    let (schema, mut scenario) = datahub();
    let hint = |name: &str, hint: ColumnHint| (name.to_owned(), hint);
    let columns = [
        hint("role", ColumnHint { fixed: Some("user".into()), ..ColumnHint::default() }),
        hint(
            "scope",
            ColumnHint {
                one_of: Some(vec!["x".into(), "y".into()]),
                null_share: Some(0.0),
                ..ColumnHint::default()
            },
        ),
        hint("content", ColumnHint { pattern: Some("[a-f]{4}".into()), ..ColumnHint::default() }),
        hint("workspaceId", ColumnHint { null_share: Some(1.0), ..ColumnHint::default() }),
        hint("nothing", ColumnHint::default()),
    ];
    scenario
        .generate
        .insert(Relation::public("ChatMessage"), TableHints { columns: columns.into_iter().collect() });
    let plan = Plan::new(&[&schema], &scenario);
    assert_eq!(plan.not_made(), ["ChatMessage.nothing: a hint names a column that is not there"]);
    let data = plan.generate(1, &plan.random_spec(CaseSize::Packed, 1));
    let messages = data.tables.iter().find(|t| t.table.name.as_str() == "ChatMessage").expect("a table");
    assert!(messages.rows.len() > 10);
    for row in &messages.rows {
        let cell = |i: usize| row.values[i].as_deref();
        assert_eq!((cell(2), cell(3)), (None, Some("user")));
        assert!(
            cell(4).is_some_and(|c| c.len() == 4 && c.chars().all(|c| ('a'..='f').contains(&c))),
            "{:?}",
            cell(4)
        );
        assert!(matches!(cell(5), Some("x" | "y")), "{:?}", cell(5));
    }
}

#[test]
fn what_cannot_be_made_is_said() {
    let schema = schema(vec![
        table("t", vec![column("id", uuid())]).key("id"),
        table(
            "odd",
            vec![
                column("id", uuid()),
                column("shape!", ty("geometry", TypeKind::Other)),
                column("t_id!", uuid()),
            ],
        )
        .key("id")
        .refers("t_id", "t", "id"),
        table("needs_odd", vec![column("id", uuid()), column("odd_id!", uuid())])
            .key("id")
            .refers("odd_id", "odd", "id"),
        table("no_way", vec![column("id", uuid()), column("n!", int())])
            .key("id")
            .check("((n > 5) AND (n < 3))"),
        table("riddle", vec![column("id", uuid()), column("n!", int())]).key("id").check("app.is_fine(n)"),
    ]);
    let plan = Plan::new(&[&schema], &scenario("t", None, &[]));
    assert_eq!(plan.not_made().len(), 2, "{:?}", plan.not_made());
    assert_eq!(plan.unproven().len(), 1);
    let (data, skipped) = plan.generate_noting(1, &plan.case_spec(2, 0));
    assert_eq!(plan.audit(&data), Vec::<String>::new());
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0].constraint, "n: no value meets its constraints");
}

#[test]
fn fresh_values_are_of_their_type() {
    let (schema, scenario) = datahub();
    for (name, starts) in [
        ("text", ""),
        ("uuid", ""),
        ("timestamptz", "2"),
        ("integer", "1"),
        ("text[]", "{"),
        ("vector(2)", "["),
    ] {
        let one = fresh_of_type(name, &[&schema], 1).unwrap_or_else(|| panic!("{name}"));
        assert!(one.starts_with(starts), "{name}: {one}");
        assert_ne!(Some(one), fresh_of_type(name, &[&schema], 2), "{name}");
    }
    assert!(
        fresh_of_type("Provider", &[&schema], 1)
            .is_some_and(|v| ["GOOGLE", "META", "STRIPE"].contains(&v.as_str()))
    );
    assert_eq!(fresh_of_type("nonsense", &[&schema], 1), None);
    let plan = Plan::new(&[&schema], &scenario);
    let spare = plan.spare_value(0, &Relation::public("User"), &"id".into(), 3);
    assert!(spare.is_some_and(|s| s.starts_with('c')));
}

#[test]
fn copy_text_escapes_what_copy_reads() {
    let (schema, scenario) = datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let mut data = plan.generate(1, &plan.case_spec(2, 0));
    let users = &mut data.tables[0];
    users.rows[0].values = vec![Some("a\tb\\N\n".into()), Some(String::new()), None];
    assert_eq!(to_copy_text(&users.rows), b"a\\tb\\\\N\\n\t\t\\N\n");
    let sql = to_insert_sql(&data, &[&schema]);
    assert!(sql.contains("(E'a\\tb\\\\N\\n', '', NULL);"), "{sql}");
}

/// The datahub, in which messages are sent to workspaces of others.
fn datahub_with_strangers() -> (Schema, Scenario) {
    let (schema, mut scenario) = datahub();
    let across = ColumnHint { across_tenants: true, ..ColumnHint::default() };
    let hints = TableHints { columns: [("workspaceId".to_owned(), across)].into_iter().collect() };
    scenario.generate.insert(Relation::public("ChatMessage"), hints);
    (schema, scenario)
}

#[test]
fn rows_refer_to_other_tenants_rows_where_the_scenario_says_so() {
    let crossing = |data: &Dataset, column: &str, target: &str| {
        let table = |name: &str| data.tables.iter().find(|t| t.table.name.as_str() == name).expect("a table");
        let messages = table("ChatMessage");
        let at = messages.columns.iter().position(|c| c.as_str() == column).expect("a column");
        let is_elsewhere = |row: &&Row| {
            let home = table(target).rows.iter().find(|r| r.values[0] == row.values[at]).map(|r| r.world);
            home.is_some_and(|home| home != row.world)
        };
        messages.rows.iter().filter(is_elsewhere).count()
    };
    let to_others = |data: &Dataset| crossing(data, "workspaceId", "Workspace");
    let (schema, scenario) = datahub_with_strangers();
    let plan = Plan::new(&[&schema], &scenario);
    let last = plan.systematic_count() - 1;
    let data = plan.generate(2, &plan.case_spec(last, 1000));
    assert_eq!(plan.audit(&data), Vec::<String>::new());
    assert!(to_others(&data) > 0);
    assert_eq!(crossing(&data, "userId", "User"), 0, "nothing is said of these");
    let scope = Scope::new(&plan, &[]);
    let shapes: Vec<String> = scope
        .reached(&plan, &data)
        .into_iter()
        .map(|i| format!("{}: {}", scope.targets()[i].table.name, scope.targets()[i].shape))
        .collect();
    assert!(
        shapes.contains(&"ChatMessage: workspaceId to a row of another tenant".to_owned()),
        "{shapes:#?}"
    );
    assert!((0..last).all(|i| to_others(&plan.generate(2, &plan.case_spec(i, 1000))) == 0));

    let (schema, scenario) = datahub();
    let plan = Plan::new(&[&schema], &scenario);
    assert_eq!(plan.systematic_count(), last);
    let spec = CaseSpec { across_percent: 100, ..plan.random_spec(CaseSize::Packed, 2) };
    assert_eq!(to_others(&plan.generate(2, &spec)), 0);
}

#[test]
fn every_schema_prints_as_sql() {
    let (schema, scenario) = datahub();
    let sql = crate::ddl::ddl(&schema);
    assert!(sql.starts_with("CREATE TYPE \"Provider\" AS ENUM ('GOOGLE', 'META', 'STRIPE');"), "{sql}");
    let plan = Plan::new(&[&schema], &scenario);
    let script = crate::ddl::load(&plan.generate(1, &plan.case_spec(2, 0)));
    assert_eq!(script.matches("\nCOPY ").count(), schema.tables.len(), "{script}");
}

#[test]
fn the_small_scope_is_measured_from_the_rows() {
    let (schema, scenario) = datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let key = Unique {
        name: "later".into(),
        parts: ["workspaceId", "provider"].map(|c| IndexPart::Column(c.into())).to_vec(),
        predicate: None,
        nulls_not_distinct: false,
        deferrable: Deferrable::No,
    };
    let scope = Scope::new(&plan, &[(0, Relation::public("Connection"), key)]);
    let told: Vec<String> =
        scope.targets().iter().map(|t| format!("{}: {}", t.table.name, t.shape)).collect();
    for wanted in [
        "Connection: (provider) twice in one tenant",
        "Connection: (provider) in two tenants",
        "ChatMessage: workspaceId to no row",
        "ChatMessage: userId to a row of the same tenant",
        "User: name NULL",
        "MetricDaily: one row",
    ] {
        assert!(told.iter().any(|t| t == wanted), "{wanted}: {told:#?}");
    }
    let mut reached = HashSet::new();
    for index in 0..plan.systematic_count() {
        let data = plan.generate(u64::from(index), &plan.case_spec(index, 1000));
        reached.extend(scope.reached(&plan, &data));
    }
    let missed: Vec<&String> =
        told.iter().enumerate().filter(|(i, _)| !reached.contains(i)).map(|(_, t)| t).collect();
    // Rows of one tenant that refer to another's are wrong before the first step: the scenario has to ask for them.
    assert!(missed.iter().all(|t| t.ends_with("of another tenant")), "{missed:#?}");
    // What is not there is not reached.
    let empty = scope.reached(&plan, &plan.generate(1, &plan.case_spec(0, 1000)));
    assert!(empty.iter().all(|&i| scope.targets()[i].shape == Shape::Empty), "{empty:?}");
}
