//! From catalog rows to [`Schema`].

use std::collections::HashMap;

use watertight_scenarios::schema::{
    Action, Check, Column, Deferrable, Exclusion, Extension, ForeignKey, Function, Grant, Identity, Index,
    IndexPart, Key, PartitionOf, Policy, RowSecurity, Schema, Sequence, Table, Trigger, Unique, View,
};
use watertight_scenarios::{Ident, Relation};

use super::types::TypeTable;
use super::{CATALOG_LIMIT, QUESTIONS};
use crate::db::session::{Failure, Session, TextRow};

/// Reads the whole schema. The session's search path must be pinned to `pg_catalog`.
pub async fn introspect(session: &mut Session) -> Result<Schema, Failure> {
    let questions: Vec<&str> =
        QUESTIONS.iter().filter(|(n, _)| *n != "fingerprint").map(|(_, q)| *q).collect();
    let answers = session.run(&questions.join(";\n"), CATALOG_LIMIT).await?;
    let mut facts: HashMap<&str, Vec<TextRow>> = HashMap::new();
    for ((name, _), answer) in QUESTIONS.iter().zip(answers) {
        facts.insert(name, answer.rows);
    }
    Ok(Assembly::new(facts).schema())
}

/// A catalog row with typed access to its cells.
struct Cells<'a>(&'a TextRow);

impl Cells<'_> {
    fn opt(&self, i: usize) -> Option<String> {
        self.0.get(i).cloned().flatten()
    }
    fn text(&self, i: usize) -> String {
        self.opt(i).unwrap_or_default()
    }
    fn ident(&self, i: usize) -> Ident {
        Ident::new(self.text(i))
    }
    fn flag(&self, i: usize) -> bool {
        self.opt(i).as_deref() == Some("t")
    }
    fn letter(&self, i: usize) -> char {
        self.text(i).chars().next().unwrap_or(' ')
    }
    fn number<T: std::str::FromStr + Default>(&self, i: usize) -> T {
        self.text(i).parse().unwrap_or_default()
    }
    fn relation(&self, i: usize) -> Relation {
        Relation::new(self.ident(i), self.ident(i + 1))
    }
    fn json<T: serde::de::DeserializeOwned + Default>(&self, i: usize) -> T {
        self.opt(i).and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
    }
    fn deferrable(&self, i: usize) -> Deferrable {
        match (self.flag(i), self.flag(i + 1)) {
            (false, _) => Deferrable::No,
            (true, false) => Deferrable::Immediate,
            (true, true) => Deferrable::Deferred,
        }
    }
}

struct Assembly {
    facts: HashMap<&'static str, Vec<TextRow>>,
    types: TypeTable,
}

impl Assembly {
    fn new(facts: HashMap<&'static str, Vec<TextRow>>) -> Self {
        let empty = Vec::new();
        let types =
            TypeTable::new(facts.get("types").unwrap_or(&empty), facts.get("columns").unwrap_or(&empty));
        Self { facts, types }
    }

    fn rows(&self, question: &str) -> impl Iterator<Item = Cells<'_>> {
        self.facts.get(question).into_iter().flatten().map(Cells)
    }

    /// Rows of a question whose first cell is that oid.
    fn of(&self, question: &str, oid: &str) -> impl Iterator<Item = Cells<'_>> {
        self.rows(question).filter(move |c| c.0.first().and_then(Option::as_deref) == Some(oid))
    }

    fn schema(&self) -> Schema {
        Schema {
            tables: self.rows("tables").map(|c| self.table(&c)).collect(),
            views: self.rows("views").map(|c| self.view(&c)).collect(),
            functions: self.rows("functions").map(|c| function(&c)).collect(),
            sequences: self.rows("sequences").map(|c| sequence(&c)).collect(),
            extensions: self
                .rows("extensions")
                .map(|c| Extension { name: c.text(0), version: c.text(1), schema: c.ident(2) })
                .collect(),
        }
    }

    fn grants(&self, oid: &str) -> Vec<Grant> {
        self.of("grants", oid).map(|c| Grant { grantee: c.ident(1), privilege: c.text(2) }).collect()
    }

    fn columns(&self, oid: &str) -> Vec<Column> {
        self.of("columns", oid)
            .map(|c| Column {
                name: c.ident(1),
                ty: self.types.resolve(c.number(2), c.number(3), &c.text(4)),
                not_null: c.flag(5),
                default: c.opt(6),
                identity: match c.letter(7) {
                    'a' => Some(Identity::Always),
                    'd' => Some(Identity::ByDefault),
                    _ => None,
                },
                generated: c.opt(8),
            })
            .collect()
    }

    fn table(&self, row: &Cells<'_>) -> Table {
        let oid = row.text(0);
        let mut table = Table {
            name: row.relation(1),
            owner: row.ident(3),
            columns: self.columns(&oid),
            primary_key: None,
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            indexes: Vec::new(),
            triggers: self
                .of("triggers", &oid)
                .map(|c| Trigger { name: c.ident(1), definition: c.text(2), enabled: c.flag(3) })
                .collect(),
            policies: self.of("policies", &oid).map(|c| policy(&c)).collect(),
            row_security: RowSecurity { enabled: row.flag(4), forced: row.flag(5) },
            grants: self.grants(&oid),
            partition_key: row.opt(6),
            partition_of: row.opt(8).map(|_| PartitionOf { parent: row.relation(7), bound: row.text(9) }),
        };
        for c in self.of("constraints", &oid) {
            let (name, columns): (Ident, Vec<Ident>) = (c.ident(1), c.json(6));
            match c.letter(2) {
                'p' => table.primary_key = Some(Key { name, columns, deferrable: c.deferrable(3) }),
                'f' => table.foreign_keys.push(ForeignKey {
                    name,
                    columns,
                    target: c.relation(7),
                    target_columns: c.json(9),
                    on_delete: action(c.letter(10)),
                    on_update: action(c.letter(11)),
                    match_full: c.letter(12) == 'f',
                    deferrable: c.deferrable(3),
                    validated: c.flag(5),
                }),
                'c' => {
                    table.checks.push(Check { name, expression: c.text(13), columns, validated: c.flag(5) });
                }
                'x' => table.exclusions.push(Exclusion { name, definition: c.text(14), columns }),
                _ => {}
            }
        }
        for c in self.of("indexes", &oid) {
            table.indexes.push(Index {
                name: c.ident(1),
                method: c.text(2),
                definition: c.text(3),
                unique: c.flag(4),
                valid: c.flag(5),
            });
            if c.flag(4) && !c.flag(6) {
                let parts: Vec<(Option<Ident>, String)> = c.json(9);
                table.uniques.push(Unique {
                    name: c.ident(1),
                    parts: parts
                        .into_iter()
                        .map(|(column, text)| column.map_or(IndexPart::Expression(text), IndexPart::Column))
                        .collect(),
                    predicate: c.opt(8),
                    nulls_not_distinct: c.flag(7),
                    deferrable: c.deferrable(10),
                });
            }
        }
        table
    }

    fn view(&self, row: &Cells<'_>) -> View {
        let oid = row.text(0);
        View {
            name: row.relation(1),
            owner: row.ident(3),
            materialized: row.flag(4),
            definition: row.text(5),
            options: row.json(6),
            columns: self.columns(&oid).into_iter().map(|c| (c.name, c.ty)).collect(),
            grants: self.grants(&oid),
        }
    }
}

fn policy(c: &Cells<'_>) -> Policy {
    Policy {
        name: c.ident(1),
        permissive: c.flag(2),
        command: c.text(3),
        roles: c.json(4),
        using: c.opt(5),
        with_check: c.opt(6),
    }
}

fn function(c: &Cells<'_>) -> Function {
    let grants: Vec<(Ident, String)> = c.json(11);
    Function {
        name: c.relation(0),
        arguments: c.text(2),
        result: c.opt(3),
        owner: c.ident(4),
        security_definer: c.flag(5),
        volatility: c.letter(6),
        leakproof: c.flag(7),
        settings: c.json(8),
        language: c.text(9),
        source: c.text(10),
        grants: grants.into_iter().map(|(grantee, privilege)| Grant { grantee, privilege }).collect(),
    }
}

fn sequence(c: &Cells<'_>) -> Sequence {
    Sequence {
        name: c.relation(0),
        owned_by: c.opt(4).map(|column| (c.relation(2), Ident::new(column))),
        start: c.number(5),
        increment: c.number(6),
    }
}

fn action(letter: char) -> Action {
    match letter {
        'r' => Action::Restrict,
        'c' => Action::Cascade,
        'n' => Action::SetNull,
        'd' => Action::SetDefault,
        _ => Action::NoAction,
    }
}
