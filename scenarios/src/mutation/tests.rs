//! Each operator on SQL: what it changes, and what it leaves alone.

use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::ident::Ident;

/// What the operator makes of a script, one text a fault.
fn made(id: &str, sql: &str) -> Vec<String> {
    let operator = operator(id).unwrap_or_else(|| panic!("there is an operator {id}"));
    let script = Script::parse("s.sql", sql.as_bytes()).expect("it is sound");
    let tenancy = Tenancy {
        tenants: crate::ident::Relation::public("tenant"),
        key: None,
        column: Some(Ident::new("tenant_id")),
        columns: indexmap::IndexMap::new(),
        shared: Vec::new(),
        null_tenant: crate::scenario::NullTenant::Hidden,
        owner: indexmap::IndexMap::new(),
    };
    let mut found = Vec::new();
    for piece in &pieces::pieces(&script) {
        for mut edits in (operator.seeds)(&Site { script: &script, piece, tenancy: &tenancy }) {
            edits.sort_by_key(|e| e.range.start);
            let mut text = script.text.clone();
            for edit in edits.iter().rev() {
                text.replace_range(edit.range.clone(), &edit.with);
            }
            found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    found
}

#[rstest]
#[case("drop-write", "UPDATE t SET a = 1; DELETE FROM u", &["; DELETE FROM u", "UPDATE t SET a = 1;"])]
#[case("drop-write", "DO $$ BEGIN UPDATE t SET a = 1; END $$", &["DO $$ BEGIN NULL; END $$"])]
#[case("drop-write", "WITH m AS (DELETE FROM t RETURNING a) INSERT INTO u SELECT a FROM m", &[""])]
#[case("drop-write", "WITH m AS (SELECT a FROM t FOR UPDATE) SELECT a FROM m", &[])]
#[case("drop-write", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE t SET a = 1 $$", &[])]
#[case("drop-null-filter", "UPDATE t SET a = 1 WHERE a IS NULL", &["UPDATE t SET a = 1"])]
#[case("drop-null-filter", "UPDATE t SET a = u.a FROM u WHERE u.id = t.u AND t.a IS NULL AND b IS NOT NULL",
    &["UPDATE t SET a = u.a FROM u WHERE u.id = t.u AND b IS NOT NULL"])]
#[case("drop-null-filter", "INSERT INTO u SELECT a FROM t WHERE t.a IS NULL ON CONFLICT DO NOTHING",
    &["INSERT INTO u SELECT a FROM t ON CONFLICT DO NOTHING"])]
#[case("drop-null-filter", "UPDATE t SET a = 1 WHERE a IS NULL OR b", &[])]
#[case("drop-null-filter", "CREATE INDEX i ON t (a) WHERE a IS NULL", &[])]
#[case("drop-join-condition", "UPDATE t SET a = u.a FROM u WHERE u.id = t.u AND t.a IS NULL",
    &["UPDATE t SET a = u.a FROM u WHERE t.a IS NULL"])]
#[case("drop-join-condition", "INSERT INTO x SELECT 1 FROM t JOIN u ON u.id = t.u WHERE t.k = 3 ORDER BY 1",
    &["INSERT INTO x SELECT 1 FROM t JOIN u ON TRUE WHERE t.k = 3 ORDER BY 1"])]
#[case("drop-join-condition", "UPDATE t SET a = (SELECT u.a FROM u WHERE u.id = t.\"U\") WHERE a IS NULL",
    &["UPDATE t SET a = (SELECT u.a FROM u ) WHERE a IS NULL"])]
#[case("drop-filter", "DELETE FROM t WHERE n BETWEEN 1 AND 3 AND r > 1",
    &["DELETE FROM t WHERE r > 1", "DELETE FROM t WHERE n BETWEEN 1 AND 3"])]
#[case("drop-on-conflict", "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING RETURNING a",
    &["INSERT INTO t (a) VALUES (1) RETURNING a"])]
#[case("drop-on-conflict", "WITH x AS (INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING) SELECT 1",
    &["WITH x AS (INSERT INTO t (a) VALUES (1) ) SELECT 1"])]
fn faults_in_rows(#[case] id: &str, #[case] sql: &str, #[case] expected: &[&str]) {
    assert_eq!(made(id, sql), expected);
}

#[rstest]
#[case("drop-foreign-key", "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE", &[""])]
#[case("drop-foreign-key", "ALTER TABLE t ADD COLUMN a uuid REFERENCES u (id) ON DELETE SET NULL NOT NULL, ADD b int",
    &["ALTER TABLE t ADD COLUMN a uuid NOT NULL, ADD b int"])]
#[case("drop-foreign-key", "CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT k REFERENCES u, FOREIGN KEY (a) REFERENCES v)",
    &["CREATE TABLE t (id int PRIMARY KEY, a int , FOREIGN KEY (a) REFERENCES v)",
      "CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT k REFERENCES u)"])]
#[case("drop-key-tenant", "ALTER TABLE t ADD FOREIGN KEY (tenant_id, a) REFERENCES u (tenant_id, id)",
    &["ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id)"])]
#[case("drop-key-tenant", "ALTER TABLE t ADD FOREIGN KEY (tenant_id) REFERENCES tenant (id)", &[])]
#[case("change-on-delete", "ALTER TABLE t ADD a int REFERENCES u (id) ON DELETE CASCADE ON UPDATE CASCADE",
    &["ALTER TABLE t ADD a int REFERENCES u (id) ON UPDATE CASCADE"])]
#[case("change-on-delete", "ALTER TABLE t ADD a int REFERENCES u (id) ON DELETE SET NULL (a), ADD b int REFERENCES v",
    &["ALTER TABLE t ADD a int REFERENCES u (id) ON DELETE CASCADE, ADD b int REFERENCES v",
      "ALTER TABLE t ADD a int REFERENCES u (id) ON DELETE SET NULL (a), ADD b int REFERENCES v ON DELETE CASCADE"])]
#[case("drop-unique", "CREATE UNIQUE INDEX i ON t (a)", &["CREATE INDEX i ON t (a)"])]
#[case("drop-unique", "CREATE TABLE t (a int UNIQUE NOT NULL, b int, CONSTRAINT k UNIQUE (a, b))",
    &["CREATE TABLE t (a int NOT NULL, b int, CONSTRAINT k UNIQUE (a, b))",
      "CREATE TABLE t (a int UNIQUE NOT NULL, b int)"])]
#[case("drop-unique", "ALTER TABLE t ADD UNIQUE (a)", &[""])]
#[case("drop-unique-tenant", "CREATE UNIQUE INDEX i ON t (tenant_id, lower(a))", &["CREATE UNIQUE INDEX i ON t (lower(a))"])]
#[case("drop-unique-tenant", "ALTER TABLE t ADD CONSTRAINT k UNIQUE NULLS NOT DISTINCT (a, tenant_id)",
    &["ALTER TABLE t ADD CONSTRAINT k UNIQUE NULLS NOT DISTINCT (a)"])]
#[case("drop-unique-tenant", "CREATE UNIQUE INDEX i ON t (tenant_id)", &[])]
#[case("drop-not-null", "ALTER TABLE t ALTER COLUMN a SET NOT NULL, ALTER b SET NOT NULL",
    &["ALTER TABLE t ALTER b SET NOT NULL", "ALTER TABLE t ALTER COLUMN a SET NOT NULL"])]
#[case("drop-not-null", "CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int NOT NULL DEFAULT 1)",
    &["CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int DEFAULT 1)"])]
#[case("drop-not-null", "ALTER TABLE t ALTER a DROP NOT NULL", &[])]
#[case("drop-check", "ALTER TABLE t ADD a int CHECK (a > 0) DEFAULT 1, ADD CONSTRAINT k CHECK (b > 0) NOT VALID",
    &["ALTER TABLE t ADD a int DEFAULT 1, ADD CONSTRAINT k CHECK (b > 0) NOT VALID",
      "ALTER TABLE t ADD a int CHECK (a > 0) DEFAULT 1"])]
#[case("drop-validate", "ALTER TABLE t VALIDATE CONSTRAINT k", &[""])]
fn faults_in_keys(#[case] id: &str, #[case] sql: &str, #[case] expected: &[&str]) {
    assert_eq!(made(id, sql), expected);
}

#[rstest]
#[case("drop-enable", "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    &["ALTER TABLE t FORCE ROW LEVEL SECURITY"])]
#[case("drop-force", "ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER TABLE u NO FORCE ROW LEVEL SECURITY",
    &["; ALTER TABLE u NO FORCE ROW LEVEL SECURITY"])]
#[case("drop-policy", "CREATE POLICY p ON t USING (a); DROP POLICY p ON t", &["; DROP POLICY p ON t"])]
#[case("keep-policy", "DROP POLICY p ON t", &[""])]
#[case("open-using", "CREATE POLICY p ON t FOR ALL TO app USING (a = f(1)) WITH CHECK (a)",
    &["CREATE POLICY p ON t FOR ALL TO app USING (true) WITH CHECK (a)"])]
#[case("open-using", "CREATE POLICY p ON t USING (true)", &[])]
#[case("open-with-check", "CREATE POLICY p ON t WITH CHECK (a = f(1))", &["CREATE POLICY p ON t WITH CHECK (true)"])]
#[case("make-permissive", "CREATE POLICY p ON t AS RESTRICTIVE USING (a)", &["CREATE POLICY p ON t AS PERMISSIVE USING (a)"])]
#[case("widen-policy", "CREATE POLICY p ON t TO app, web USING (a)", &["CREATE POLICY p ON t TO PUBLIC USING (a)"])]
#[case("widen-grant", "GRANT SELECT ON t TO app", &["GRANT SELECT ON t TO PUBLIC"])]
#[case("widen-grant", "GRANT staff TO app", &[])]
#[case("drop-revoke", "REVOKE ALL ON t FROM PUBLIC", &[""])]
#[case("drop-security-invoker", "CREATE VIEW v WITH (security_invoker = true, security_barrier) AS SELECT 1",
    &["CREATE VIEW v WITH (security_invoker = false, security_barrier) AS SELECT 1"])]
#[case("drop-security-invoker", "ALTER VIEW v SET (security_invoker)", &["ALTER VIEW v SET (security_invoker = false)"])]
#[case("make-definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
    &["CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS $$ SELECT 1 $$"])]
#[case("make-definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY INVOKER AS $$ SELECT 1 $$",
    &["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$"])]
#[case("make-definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$", &[])]
#[case("drop-search-path",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT 1 $$",
    &["CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$"])]
#[case("drop-search-path", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = x AS $$ SELECT 1 $$", &[])]
#[case("drop-trigger", "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", &[""])]
#[case("drop-trigger", "DO $$ BEGIN CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f(); END $$",
    &["DO $$ BEGIN NULL; END $$"])]
#[case("drop-vector-index", "CREATE INDEX i ON t USING hnsw (e vector_cosine_ops); CREATE INDEX j ON t (a)",
    &["; CREATE INDEX j ON t (a)"])]
#[case("drop-down", "BEGIN; DROP TABLE t; COMMIT", &["BEGIN; ; COMMIT"])]
fn faults_in_row_security_and_the_rest(#[case] id: &str, #[case] sql: &str, #[case] expected: &[&str]) {
    assert_eq!(made(id, sql), expected);
}

const GUARD: &str = "DO $$ BEGIN IF EXISTS (SELECT FROM t WHERE tenant_id IS NULL) OR EXISTS (SELECT FROM u WHERE u.a IS NULL) \
    THEN RAISE EXCEPTION 'no'; END IF; END $$; SELECT 1";

#[test]
fn faults_in_guards() {
    assert_eq!(made("empty-guard", GUARD), ["; SELECT 1"]);
    let narrowed = made("narrow-guard", GUARD);
    assert_eq!(narrowed.len(), 2);
    assert!(
        narrowed[0].contains("FROM t WHERE FALSE)") && narrowed[0].contains("u.a IS NULL"),
        "{narrowed:?}"
    );
    assert!(narrowed[1].contains("FROM u WHERE FALSE)"), "{narrowed:?}");
    // A guard's conditions are its own matter.
    assert!(made("drop-null-filter", GUARD).is_empty());
    assert!(made("empty-guard", "DO $$ BEGIN UPDATE t SET a = 1; END $$").is_empty());
}

#[test]
fn operators_have_names_of_their_own_and_say_what_they_stand_for() {
    let ids: BTreeSet<&str> = OPERATORS.iter().map(|o| o.id).collect();
    assert_eq!(ids.len(), OPERATORS.len());
    for operator in &OPERATORS {
        assert!(operator.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", operator.id);
        assert!(operator.fault.ends_with('.') && operator.closes.ends_with('.'), "{}", operator.id);
    }
}

/// Every fault of every bundled scenario is a script that can be read, and another one than before.
#[test]
fn faults_of_bundled_scenarios_are_scripts() {
    let mut hit: BTreeSet<&str> = BTreeSet::new();
    for id in crate::catalog::ids() {
        let scenario = crate::catalog::load(id).expect("a bundled scenario is sound");
        for mutant in mutants(&scenario) {
            let mutated =
                mutant.apply(&scenario).unwrap_or_else(|e| panic!("{id}: {}: {e}", mutant.operator.id));
            let (was, is) = (mutant.script(&scenario), mutant.script(&mutated));
            let (was, is) = (was.map(|s| &s.text), is.map(|s| &s.text));
            assert_ne!(was, is, "{id}: {}", mutant.operator.id);
            hit.insert(mutant.operator.id);
            assert!(!mutant.file(&scenario).is_empty() && mutant.line > 0);
        }
    }
    assert!(hit.len() > 10, "{hit:?}");
}
