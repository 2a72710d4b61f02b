//! What a script is for, from its words: only a first guess is made of it, which the scenario file may correct.

use super::Script;
use super::reader::Reader;
use crate::ident::{Ident, Relation};
use crate::lex::Kind;

/// What a script does, as far as its words tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Some statement is neither a query nor a change of rows.
    pub changes_schema: bool,
    /// Tables that it creates.
    pub creates: Vec<Relation>,
    /// Tables that it alters, or puts a unique index on.
    pub alters: Vec<Relation>,
    /// The rows that it writes, in order.
    pub writes: Vec<Write>,
    /// Columns that it makes NOT NULL.
    pub not_null: Vec<(Relation, Ident)>,
    /// Text of the blocks that raise an exception before the first column is made NOT NULL.
    pub guards: Vec<String>,
}

/// One INSERT or UPDATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The table.
    pub table: Relation,
    /// The columns that are written, where they are named.
    pub columns: Vec<Ident>,
    /// Whether it adds rows.
    pub adds: bool,
}

impl Shape {
    /// Whether it changes rows that are there, in such a column.
    pub fn fills(&self, column: impl Fn(&Relation, &Ident) -> bool) -> bool {
        let hits = |w: &Write| !w.adds && w.columns.iter().any(|c| column(&w.table, c));
        self.writes.iter().any(hits)
    }

    fn read(&mut self, sql: &str) {
        let mut reader = Reader::new(sql);
        let Some(first) = reader.peek().map(|w| w.text.to_ascii_lowercase()) else { return };
        match first.as_str() {
            "select" | "values" | "with" | "insert" | "update" | "delete" | "merge" | "call" => {
                self.rows(&reader);
            }
            "set" | "reset" | "lock" | "analyze" | "begin" | "commit" | "end" | "start" | "savepoint"
            | "release" | "rollback" | "vacuum" => {}
            "do" => self.block(&reader),
            "alter" => {
                self.changes_schema = true;
                self.not_null(&mut reader);
            }
            "create" => {
                self.changes_schema = true;
                self.create(&mut reader);
            }
            _ => self.changes_schema = true,
        }
    }

    /// CREATE TABLE, CREATE UNIQUE INDEX.
    fn create(&mut self, reader: &mut Reader<'_>) {
        reader.at += 1;
        let _ = reader.skip("unlogged");
        if reader.skip("table") {
            let _ = reader.skip_all(&["if", "not", "exists"]);
            self.creates.extend(reader.relation());
        } else if reader.skip_all(&["unique", "index"]) && reader.seek("on") {
            let _ = reader.skip("only");
            self.alters.extend(reader.relation());
        }
    }

    /// The body of a DO block, or a string that it executes.
    fn block(&mut self, reader: &Reader<'_>) {
        let Some(body) = reader.words().iter().find(|w| w.kind == Kind::Dollar).and_then(|w| w.body()) else {
            return;
        };
        let inner = Reader::new(&body);
        let raises = inner.words().windows(2).any(|w| w[0].is("raise") && w[1].is("exception"));
        if raises && self.not_null.is_empty() {
            self.guards.push(body.clone());
        }
        self.rows(&inner);
        let changes =
            |word: &str| matches!(word, "create" | "alter" | "drop" | "truncate" | "grant" | "revoke");
        for word in inner.words() {
            match word.kind {
                Kind::Word => self.changes_schema |= changes(&word.text.to_ascii_lowercase()),
                Kind::Text | Kind::Dollar => {
                    let text = word.body().unwrap_or_default();
                    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
                    self.changes_schema |= changes(&first);
                }
                _ => {}
            }
        }
    }

    /// Every INSERT and UPDATE, however deep.
    fn rows(&mut self, reader: &Reader<'_>) {
        let mut reader = reader.clone();
        while reader.at < reader.words().len() {
            let at = reader.at;
            let before = at.checked_sub(1).and_then(|at| reader.words().get(at));
            // FOR UPDATE, ON CONFLICT DO UPDATE, ON UPDATE
            let clause = before.is_some_and(|w| w.is("for") || w.is("do") || w.is("on") || w.is("key"));
            let write = if clause {
                None
            } else if reader.skip_all(&["insert", "into"]) {
                insert(&mut reader)
            } else if reader.skip("update") {
                update(&mut reader)
            } else {
                None
            };
            self.writes.extend(write);
            // What follows may hold another one: go on right behind the keyword.
            reader.at = at + 1;
        }
    }

    /// ALTER TABLE, and its ALTER COLUMN … SET NOT NULL.
    fn not_null(&mut self, reader: &mut Reader<'_>) {
        if !reader.skip_all(&["alter", "table"]) {
            return;
        }
        let _ = reader.skip_all(&["if", "exists"]);
        let _ = reader.skip("only");
        let Some(table) = reader.relation() else { return };
        self.alters.push(table.clone());
        while reader.seek("alter") {
            let _ = reader.skip("column");
            let Some(column) = reader.ident() else { continue };
            if reader.skip_all(&["set", "not", "null"]) {
                self.not_null.push((table.clone(), column));
            }
        }
    }
}

fn insert(reader: &mut Reader<'_>) -> Option<Write> {
    let table = reader.relation()?;
    if reader.skip("as") {
        reader.ident()?;
    }
    let columns = reader.columns().unwrap_or_default();
    Some(Write { table, columns, adds: true })
}

fn update(reader: &mut Reader<'_>) -> Option<Write> {
    let _ = reader.skip("only");
    let table = reader.relation()?;
    if reader.skip("as") {
        reader.ident()?;
    }
    if !reader.skip("set") {
        reader.ident()?;
        if !reader.skip("set") {
            return None;
        }
    }
    let mut columns = Vec::new();
    loop {
        match reader.columns() {
            Some(several) => columns.extend(several),
            None => columns.push(reader.ident()?),
        }
        if !next_assignment(reader) {
            return Some(Write { table, columns, adds: false });
        }
    }
}

/// Steps over `= expression`; whether a comma and another assignment follow.
fn next_assignment(reader: &mut Reader<'_>) -> bool {
    let mut depth = 0usize;
    while let Some(word) = reader.peek() {
        match word.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => return false,
            Kind::Close => depth -= 1,
            Kind::Semicolon => return false,
            Kind::Word if depth == 0 && ["from", "where", "returning"].iter().any(|k| word.is(k)) => {
                return false;
            }
            _ if depth == 0 && word.text == "," => {
                reader.at += 1;
                return true;
            }
            _ => {}
        }
        reader.at += 1;
    }
    false
}

impl Script {
    /// What the script is for.
    pub fn shape(&self) -> Shape {
        let mut shape = Shape::default();
        for statement in &self.statements {
            shape.read(self.sql(statement));
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn shape(sql: &str) -> Shape {
        Script::parse("s.sql", sql.as_bytes()).expect("it is sound").shape()
    }

    #[rstest]
    #[case("UPDATE items SET tenant_id = 1", "items(tenant_id)")]
    #[case(
        "UPDATE ONLY \"Note\" AS n SET (\"a\", b) = (1, 2), c = f(1, 2) FROM x WHERE d = 1",
        "Note(a,b,c)"
    )]
    #[case("update billing.invoices i set org = o.id from orgs o where o.id = i.x", "billing.invoices(org)")]
    #[case("WITH u AS (UPDATE a SET b = 1 RETURNING *) INSERT INTO c (d, e) SELECT 1, 2", "a(b) +c(d,e)")]
    #[case("INSERT INTO t AS x VALUES (1) ON CONFLICT (id) DO UPDATE SET y = 1", "+t()")]
    #[case("SELECT * FROM t FOR UPDATE OF t", "")]
    #[case(
        "DO $$ BEGIN LOOP UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT 9); END LOOP; END $$",
        "t(a)"
    )]
    fn writes_are_found(#[case] sql: &str, #[case] expected: &str) {
        let found = shape(sql);
        let writes: Vec<String> = found
            .writes
            .iter()
            .map(|w| {
                let columns: Vec<&str> = w.columns.iter().map(Ident::as_str).collect();
                format!("{}{}({})", if w.adds { "+" } else { "" }, w.table, columns.join(","))
            })
            .collect();
        assert_eq!(writes.join(" "), expected);
        assert!(!found.changes_schema);
    }

    #[rstest]
    #[case("CREATE TABLE t (a int)")]
    #[case("ALTER TABLE t ADD COLUMN a int; UPDATE t SET a = 1")]
    #[case("DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN a int'; END $$")]
    #[case("DO $$ BEGIN CREATE TABLE x (); END $$")]
    #[case("CREATE TRIGGER g AFTER UPDATE ON t EXECUTE FUNCTION f()")]
    #[case("TRUNCATE t")]
    fn changes_of_the_schema_are_seen(#[case] sql: &str) {
        assert!(shape(sql).changes_schema);
    }

    #[test]
    fn tables_that_are_created_and_altered_are_known() {
        let found = shape(
            "CREATE TABLE IF NOT EXISTS a (); CREATE UNLOGGED TABLE s.b (); CREATE UNIQUE INDEX i ON \"C\" (x); \
             ALTER TABLE ONLY d ADD x int; CREATE INDEX j ON e (x);",
        );
        let names = |tables: &[Relation]| tables.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&found.creates), ["a", "s.b"]);
        assert_eq!(names(&found.alters), ["C", "d"]);
    }

    #[test]
    fn a_guard_stands_before_what_it_guards() {
        let guard = "DO $$ BEGIN IF EXISTS (SELECT FROM t WHERE o IS NULL) THEN RAISE EXCEPTION 'no'; END IF; END $$;";
        let tighten = "ALTER TABLE IF EXISTS ONLY t ALTER COLUMN o SET NOT NULL, ALTER p SET NOT NULL;";
        let found = shape(&format!("{guard}{tighten}"));
        assert_eq!(found.guards.len(), 1);
        let columns: Vec<&str> = found.not_null.iter().map(|(_, c)| c.as_str()).collect();
        assert_eq!(columns, ["o", "p"]);
        assert!(shape(&format!("{tighten}{guard}")).guards.is_empty());
        assert!(shape("DO $$ BEGIN RAISE NOTICE 'x'; END $$").guards.is_empty());
    }
}
