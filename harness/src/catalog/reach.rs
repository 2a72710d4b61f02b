//! What each role can reach: relations with their privileges, and functions that it can call.

use serde::Deserialize;
use watertight_scenarios::{Ident, Relation};

use super::{CATALOG_LIMIT, REACH_QUESTIONS};
use crate::db::session::{Failure, Session, TextRow};

/// Everything that the session's roles can reach in one database.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Relations, by role.
    pub relations: Vec<Reachable>,
    /// Functions, by role.
    pub functions: Vec<Callable>,
}

/// A relation, and what a role can do with it.
#[derive(Clone, Debug)]
pub struct Reachable {
    /// The role.
    pub role: Ident,
    /// The relation.
    pub relation: Relation,
    /// What kind of relation.
    pub kind: Kind,
    /// Tells a relation from another one of the same name.
    pub oid: String,
    /// Whether the role has BYPASSRLS.
    pub bypass: bool,
    /// SELECT on the whole relation.
    pub select: bool,
    /// DELETE.
    pub delete: bool,
    /// TRUNCATE, which row security does not restrict.
    pub truncate: bool,
    /// Columns by privilege.
    pub columns: Columns,
}

/// Columns that a role has a privilege on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Columns {
    /// SELECT.
    pub select: Vec<Ident>,
    /// INSERT.
    pub insert: Vec<Ident>,
    /// UPDATE.
    pub update: Vec<Ident>,
}

/// A kind of relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table, partitioned or not, or a partition.
    Table,
    /// A view.
    View,
    /// A materialized view.
    Materialized,
    /// A foreign table.
    Foreign,
}

/// A function that a role can call.
#[derive(Clone, Debug)]
pub struct Callable {
    /// The role.
    pub role: Ident,
    /// The function.
    pub name: Relation,
    /// Tells a function from another one of the same name.
    pub oid: String,
    /// SECURITY DEFINER.
    pub definer: bool,
    /// VOLATILE: it may write.
    pub writes: bool,
    /// Arguments that must be given: name (empty without one) and type.
    pub arguments: Vec<(String, String)>,
}

/// Asks what the roles can reach that the session's user may become. The search path must be pinned to `pg_catalog`.
///
/// # Errors
/// When the session fails.
pub async fn reach(session: &mut Session) -> Result<Reach, Failure> {
    let questions: Vec<&str> = REACH_QUESTIONS.iter().map(|(_, q)| *q).collect();
    let sql = questions.join(";\n");
    let mut answers = session.run(&sql, CATALOG_LIMIT).await?.into_iter().map(|a| a.rows);
    let (relations, functions) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
    Ok(Reach {
        relations: relations.iter().map(reachable).collect(),
        functions: functions.iter().map(callable).collect(),
    })
}

fn cell(row: &TextRow, i: usize) -> &str {
    row.get(i).and_then(Option::as_deref).unwrap_or_default()
}

fn reachable(row: &TextRow) -> Reachable {
    Reachable {
        role: Ident::new(cell(row, 0)),
        relation: Relation::new(cell(row, 1), cell(row, 2)),
        kind: match cell(row, 3) {
            "v" => Kind::View,
            "m" => Kind::Materialized,
            "f" => Kind::Foreign,
            _ => Kind::Table,
        },
        oid: cell(row, 4).to_owned(),
        bypass: cell(row, 5) == "t",
        select: cell(row, 6) == "t",
        delete: cell(row, 7) == "t",
        truncate: cell(row, 8) == "t",
        columns: serde_json::from_str(cell(row, 9)).unwrap_or_default(),
    }
}

fn callable(row: &TextRow) -> Callable {
    Callable {
        role: Ident::new(cell(row, 0)),
        name: Relation::new(cell(row, 1), cell(row, 2)),
        oid: cell(row, 3).to_owned(),
        definer: cell(row, 4) == "t",
        writes: cell(row, 5) == "t",
        arguments: serde_json::from_str(cell(row, 6)).unwrap_or_default(),
    }
}
