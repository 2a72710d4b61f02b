//! Schemas that are odd, and that people have: rows that need themselves or each other, constraints half understood.

use std::collections::HashMap;

use watertight_generators::{Dataset, Plan, Refused, Row, to_insert_sql};
use watertight_scenarios::schema::{Schema, TypeKind};
use watertight_scenarios::{Ident, Relation, Scenario};

use crate::support::*;

/// Every case is sound and closed, and nothing is left out where each world has one tenant.
fn whole(schema: &Schema, scenario: &Scenario) -> Plan {
    let plan = Plan::new(&[schema], scenario);
    assert_eq!(plan.not_made(), &[] as &[String]);
    for index in 0..60 {
        let spec = plan.case_spec(index, 1000);
        let (data, skipped) = plan.generate_noting(u64::from(index) * 17, &spec);
        assert_eq!(plan.audit(&data), Vec::<String>::new(), "case {index}: {}", spec.label);
        assert_eq!(data.dangling(&[schema]), Vec::new(), "case {index}: {}", spec.label);
        if spec.worlds.iter().all(|w| w.tenants == 1) {
            assert_eq!(skipped, Vec::new(), "case {index}: {}", spec.label);
        }
    }
    plan
}

fn column_of<'a>(data: &'a Dataset, table: &str, name: &str) -> Vec<Option<&'a str>> {
    let table = data.tables.iter().find(|t| t.table.name.as_str() == table).expect("a table");
    let c = table.columns.iter().position(|c| c.as_str() == name).expect("a column");
    table.rows.iter().map(|r| r.values[c].as_deref()).collect()
}

/// A team needs its owner and its first project, and both need the team.
fn tracker() -> Schema {
    schema(vec![
        table("team", vec![column("id", uuid()), column("owner_id!", uuid()), column("project_id!", uuid())])
            .key("id")
            .refers("owner_id", "member", "id")
            .refers("project_id", "project", "id"),
        table(
            "member",
            vec![
                column("id", uuid()),
                column("team_id!", uuid()),
                column("boss!", uuid()),
                column("buddy!", uuid()),
            ],
        )
        .key("id")
        .refers("team_id", "team", "id")
        .refers("boss", "member", "id")
        .refers("buddy", "member", "id")
        .unique("buddy"),
        table("project", vec![column("id", uuid()), column("team_id!", uuid()), column("lead!", uuid())])
            .key("id")
            .refers("team_id", "team", "id")
            .refers("lead", "member", "id"),
        table(
            "issue",
            vec![
                column("project_id!", uuid()),
                column("n!", int()),
                column("parent_project!", uuid()),
                column("parent_n!", int()),
            ],
        )
        .key("project_id,n")
        .refers("project_id", "project", "id")
        .refers("parent_project,parent_n", "issue", "project_id,n"),
        // Waits for a cycle without being of it.
        table("office", vec![column("id", uuid()), column("team_id!", uuid()), column("country!", text())])
            .key("id")
            .refers("team_id", "team", "id")
            .check("(country = ANY (ARRAY['DE'::text, 'FR'::text]))")
            .unique("team_id,country"),
    ])
}

#[test]
fn tables_that_need_each_other_and_rows_that_need_themselves() {
    whole(&tracker(), &scenario("team", Some("team_id"), &[]));
}

#[test]
fn two_tenants_of_a_world_do_not_mix_where_their_rows_come_first() {
    let schema = tracker();
    let plan = Plan::new(&[&schema], &scenario("team", Some("team_id"), &[]));
    let mut several = 0;
    for index in 0..60 {
        let spec = plan.case_spec(index, 1000);
        several += spec.worlds.iter().filter(|w| w.tenants > 1).count();
        let data = plan.generate(u64::from(index), &spec);
        let members: HashMap<_, _> =
            column_of(&data, "member", "id").into_iter().zip(column_of(&data, "member", "team_id")).collect();
        for (lead, team) in
            column_of(&data, "project", "lead").iter().zip(column_of(&data, "project", "team_id"))
        {
            assert_eq!(members[lead], team, "case {index}: {}", spec.label);
        }
        for (owner, team) in column_of(&data, "team", "owner_id").iter().zip(column_of(&data, "team", "id")) {
            assert_eq!(members[owner], team, "case {index}: {}", spec.label);
        }
    }
    assert!(several > 20);
}

#[test]
fn constraints_of_several_demands() {
    let schema = schema(vec![
        table("shop", vec![column("id", uuid()), column("domain!", text())])
            .key("id")
            .unique("domain")
            .check("(domain ~ '^[a-z0-9.-]+$'::text)")
            .check("(domain ~~ '%.%'::text)"),
        table("person", vec![column("id", uuid()), column("shop_id!", uuid())])
            .key("id")
            .refers("shop_id", "shop", "id"),
        table(
            "sale",
            vec![
                column("id", uuid()),
                column("shop_id!", uuid()),
                column("percent!", ty("smallint", TypeKind::Int2)),
                column("seller!", uuid()),
                column("buyer", uuid()),
                column("letter!", ty("\"char\"", TypeKind::Other)),
            ],
        )
        .key("id")
        .refers("shop_id", "shop", "id")
        .refers("seller", "person", "id")
        .refers("buyer", "person", "id")
        .check("((((percent)::integer % 5) = 0) AND ((percent >= 5) AND (percent <= 95)))")
        .check("(buyer IS DISTINCT FROM seller)"),
    ]);
    let plan = whole(&schema, &scenario("shop", Some("shop_id"), &[]));
    assert_eq!(plan.unproven(), &[]);
}

#[test]
fn a_table_without_columns_has_rows() {
    let schema = schema(vec![table("t", vec![column("id", uuid())]).key("id"), table("nothing", Vec::new())]);
    let plan = whole(&schema, &scenario("t", None, &[]));
    let data = plan.generate(1, &plan.case_spec(2, 0));
    assert!(to_insert_sql(&data, &[&schema]).contains("INSERT INTO \"public\".\"nothing\" DEFAULT VALUES;"));
}

#[test]
fn what_is_not_understood_is_tried_with_the_constants_that_it_names() {
    let json = || ty("jsonb", TypeKind::Jsonb);
    let schema = schema(vec![
        table("t", vec![column("id", uuid())]).key("id"),
        table("event", vec![column("id", uuid()), column("t_id!", uuid()), column("body!", json())])
            .key("id")
            .refers("t_id", "t", "id")
            .check("((jsonb_typeof(body) = 'object'::text) AND (body ? 'kind'::text))"),
    ]);
    let plan = Plan::new(&[&schema], &scenario("t", None, &[]));
    assert_eq!(plan.unproven().len(), 1);
    let table = Relation::public("event");
    let row = Row { world: None, values: vec![Some("1".into()), Some("2".into()), Some("{}".into())] };
    let name = Ident::new("event_check0");
    let refused =
        Refused { database: 0, table: &table, row: &row, number: 0, constraint: Some(name.as_str()) };
    let made: Vec<String> = (0..plan.ways())
        .filter_map(|way| plan.remade(refused, 1, way))
        .filter_map(|row| row.values[2].clone())
        .collect();
    assert!(made.iter().any(|body| body.contains("\"kind\": 1")), "{made:?}");
    // The half that is understood is never given up.
    assert!(made.iter().all(|body| body.starts_with('{')), "{made:?}");
}
