//! Fills random schemas.

use std::time::Duration;

use watertight_generators::{
    CopyFormat, CopyRows, Dataset, Plan, TableData, to_copy_text, to_insert_statement,
};
use watertight_harness::catalog::introspect;
use watertight_harness::db::session::{Answer, Failure, Session};
use watertight_harness::provider::MAINTENANCE_DATABASE;
use watertight_scenarios::schema::TypeKind;
use watertight_scenarios::{Ident, Schema};
use watertight_tests::postgres::server;

use crate::ddl::{ddl, foreign_keys};
use crate::schemas::{not_everywhere, schema_of};

/// Schemas that are made and filled.
const SCHEMAS: u64 = 240;

/// The cases of each: small ones of several kinds, and a packed one.
const CASES: [u32; 4] = [2, 4, 9, 21];

const LIMIT: Duration = Duration::from_secs(60);

async fn run(session: &mut Session, sql: &str, what: &str) {
    if let Err(error) = session.run(sql, LIMIT).await {
        panic!("{what}: {error}\n{sql}");
    }
}

/// Loads the data as a case does, and counts the tables whose rows all went in binary.
async fn load(session: &mut Session, data: &Dataset, schema: &Schema) -> Result<usize, (String, Failure)> {
    let mut binary = 0;
    for table in data.tables.iter().filter(|t| !t.rows.is_empty()) {
        let mut copies = CopyRows::new(&table.rows, &table.columns, schema.table(&table.table));
        let mut formats = Vec::new();
        while let Some((format, bytes)) = copies.next_copy() {
            formats.push(format);
            let copied = session.copy_in(&copy(table, format), bytes, LIMIT).await;
            copied.map_err(|error| (table.table.to_string(), error))?;
        }
        binary += usize::from(formats == [CopyFormat::Binary]);
    }
    Ok(binary)
}

/// What is in the tables after a load by INSERT statements, which is how small cases are loaded.
async fn load_inserts(
    session: &mut Session,
    data: &Dataset,
    schema: &Schema,
) -> Result<Vec<Answer>, Failure> {
    let inserts = data.tables.iter().filter_map(|t| to_insert_statement(t, schema.table(&t.table)));
    session.run(&inserts.collect::<Vec<_>>().join(";"), LIMIT).await?;
    contents(session, data).await
}

/// What is in the tables after a load of text, which is how the values are spelled.
async fn load_text(session: &mut Session, data: &Dataset) -> Result<Vec<Answer>, Failure> {
    for table in data.tables.iter().filter(|t| !t.rows.is_empty()) {
        let bytes = to_copy_text(&table.rows);
        session.copy_in(&copy(table, CopyFormat::Text), [bytes], LIMIT).await?;
    }
    contents(session, data).await
}

fn copy(table: &TableData, format: CopyFormat) -> String {
    let columns: Vec<String> = table.columns.iter().map(Ident::quoted).collect();
    format!("COPY {} ({}) FROM STDIN{}", table.table.quoted(), columns.join(", "), format.options())
}

/// Every value as the server keeps it and as it prints it.
async fn contents(session: &mut Session, data: &Dataset) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::new();
    for table in &data.tables {
        let columns: Vec<String> = table.columns.iter().map(Ident::quoted).collect();
        let columns = columns.join(", ");
        let sql = format!(
            "SELECT {columns}, record_send(ROW({columns})) FROM {} ORDER BY record_send(ROW({columns}))",
            table.table.quoted()
        );
        answers.extend(session.run(&sql, LIMIT).await?);
    }
    Ok(answers)
}

/// The foreign keys are made anew behind the data, which is what has the server look at every row.
fn anew(schema: &Schema) -> String {
    let mut sql = String::new();
    for table in schema.tables.iter().filter(|t| t.partition_of.is_none()) {
        for key in &table.foreign_keys {
            sql += &format!("ALTER TABLE {} DROP CONSTRAINT {};", table.name.quoted(), key.name.quoted());
        }
    }
    sql + &foreign_keys(schema)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_for_random_schemas_loads_without_a_refusal() {
    let host = server().await;
    let admin = host.admin_options(MAINTENANCE_DATABASE);
    let mut session = Session::connect(&admin, admin.clone()).await.expect("the server answers");
    run(&mut session, "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public", "vector").await;
    let mut more = not_everywhere().to_vec();
    for setup in ["CREATE EXTENSION IF NOT EXISTS citext SCHEMA public", "SELECT ''::xml"] {
        if session.run(setup, LIMIT).await.is_err() {
            let type_of = if setup.contains("citext") { TypeKind::Citext } else { TypeKind::Xml };
            more.retain(|ty| ty.kind != type_of);
        }
    }
    let mut refused = Vec::new();
    let (mut rows, mut left_out, mut binary) = (0, 0, 0);
    for seed in 0..SCHEMAS {
        let (made, scenario) = schema_of(seed, &more);
        run(&mut session, "BEGIN", "begin").await;
        run(&mut session, &ddl(&made), &format!("schema {seed}")).await;
        run(&mut session, "SET LOCAL search_path = pg_catalog", "path").await;
        let schema = introspect(&mut session).await.expect("the catalogs answer");
        let plan = Plan::new(&[&schema], &scenario);
        for unknown in plan.unproven() {
            refused.push(format!(
                "schema {seed}: {} is not understood: {}",
                unknown.constraint, unknown.expression
            ));
        }
        for index in CASES {
            let (data, skipped) = plan.generate_noting(seed, &plan.case_spec(index, 1000));
            rows += data.row_count();
            // A key of few values has no room for many rows, and says so.
            left_out += skipped.iter().map(|s| s.rows as usize).sum::<usize>();
            run(&mut session, "SAVEPOINT fill; SET LOCAL session_replication_role = replica", "savepoint")
                .await;
            let again = "ROLLBACK TO SAVEPOINT fill; SET LOCAL session_replication_role = replica";
            let as_text = load_text(&mut session, &data).await;
            run(&mut session, again, "again").await;
            let by_inserts = load_inserts(&mut session, &data, &schema).await;
            if by_inserts != as_text {
                refused.push(format!("schema {seed}, case {index}: {by_inserts:?} is not what text loads"));
            }
            run(&mut session, again, "again").await;
            match load(&mut session, &data, &schema).await {
                Err((table, error)) => refused.push(format!("schema {seed}, case {index}: {table}: {error}")),
                Ok(in_binary) => {
                    binary += in_binary;
                    let loaded = contents(&mut session, &data).await;
                    if as_text.is_err() || as_text != loaded {
                        refused.push(format!("schema {seed}, case {index}: not what text loads"));
                    }
                    run(&mut session, "SET LOCAL session_replication_role = origin", "origin").await;
                    if let Err(error) = session.run(&anew(&made), LIMIT).await {
                        refused.push(format!("schema {seed}, case {index}: {error}"));
                    }
                }
            }
            run(&mut session, "ROLLBACK TO SAVEPOINT fill", "rollback").await;
        }
        run(&mut session, "ROLLBACK", "rollback").await;
    }
    session.close().await;
    host.stop().await.expect("the server stops");
    assert!(refused.is_empty(), "{} of {rows} rows' loads:\n{}", refused.len(), refused.join("\n"));
    assert!(binary > 500, "{binary} loads of a table went in binary");
    assert!(rows > 25_000 && left_out * 500 < rows, "{rows} rows, {left_out} could not be made");
}
