//! Each constraint of the final schema refuses its violation, by its own SQLSTATE and name, and accepts what is valid.

mod nulls;

use std::collections::BTreeSet;

use watertight_generators::{Row, TableData, WorldId};
use watertight_reports::{Expects, Severity};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId};
use watertight_scenarios::schema::{Action, Table};
use watertight_scenarios::{Ident, Relation};

use super::backfill::filled_before;
use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, Statement, TableKey};

/// Violations are refused.
pub(super) struct Rejects;
/// Valid rows are accepted.
pub(super) struct Admits;

/// One attempt on one row of one table.
struct Attempt {
    at: Checkpoint,
    key: TableKey,
    world: WorldId,
    /// In words.
    subject: String,
    /// What makes the row what it is to be met with.
    first: Option<String>,
    sql: String,
    /// SQLSTATE, and the constraint's or column's name, that should answer. `None`: should be accepted.
    expected: Option<(&'static str, String)>,
    /// The only SQLSTATE by which a refusal is one of what should be accepted, where others may be met first.
    refusal: Option<&'static str>,
    /// Why it is answered otherwise, where that is known.
    cause: Option<&'static str>,
}

impl Attempt {
    fn excursion(&self, at: Checkpoint) -> Excursion {
        let act = |sql: &str| {
            Act::Sql(Statement { database: self.key.0, actor: Actor::Writer, sql: sql.to_owned() })
        };
        Excursion { from: at, acts: self.statements().map(act).collect() }
    }

    fn statements(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain([&self.sql]).map(String::as_str)
    }

    fn told(&self) -> String {
        self.statements().collect::<Vec<_>>().join("; ")
    }
}

/// A loaded row that attempts are made with.
struct Target<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    key: TableKey,
    table: &'a Table,
    data: &'a TableData,
    row: &'a Row,
    world: WorldId,
    identity: Vec<Ident>,
}

fn targets<'a>(scene: &'a Scene, case: &'a CaseData, at: Checkpoint) -> Vec<Target<'a>> {
    let mut found = Vec::new();
    for data in &case.data.tables {
        let key = (DatabaseId(data.database), data.table.clone());
        let Some(table) = scene.table(at, &key) else { continue };
        let Some(identity) = scene.table(scene.born(&key), &key).and_then(|t| t.identity()) else { continue };
        let row = data.rows.iter().find_map(|r| r.world.map(|w| (r, w)));
        if let Some((row, world)) = row {
            found.push(Target { scene, case, at, key, table, data, row, world, identity });
        }
    }
    found
}

impl Target<'_> {
    fn value(&self, column: &Ident) -> Option<&str> {
        let at = self.data.columns.iter().position(|c| c == column)?;
        self.row.values[at].as_deref()
    }

    fn here(&self) -> Option<String> {
        let conditions: Option<Vec<String>> = self
            .identity
            .iter()
            .map(|c| Some(format!("{} = {}", c.quoted(), quote_literal(self.value(c)?))))
            .collect();
        conditions.map(|c| c.join(" AND "))
    }

    fn fresh(&self, column: &Ident, salt: u64) -> Option<String> {
        self.scene
            .plan
            .spare_value(self.key.0.0, &self.key.1, column, self.case.seed ^ salt.wrapping_mul(0x9e37_79b9))
            .map(|v| quote_literal(&v))
    }

    fn update(&self, column: &Ident, literal: &str) -> Option<String> {
        let column = column.quoted();
        self.change(&format!("{column} = {literal}"), &column)
    }

    fn change(&self, sets: &str, returning: &str) -> Option<String> {
        Some(format!(
            "UPDATE {} SET {sets} WHERE {} RETURNING {returning}",
            self.key.1.quoted(),
            self.here()?
        ))
    }

    /// A copy of the row with other values for some columns.
    fn copy(&self, other: &[(&Ident, String)], returning: &str) -> Option<String> {
        let columns: Vec<&Ident> =
            self.table.columns.iter().filter(|c| c.is_insertable()).map(|c| &c.name).collect();
        let names: Vec<String> = columns.iter().map(|c| c.quoted()).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|c| other.iter().find(|(n, _)| n == c).map_or_else(|| c.quoted(), |(_, v)| v.clone()))
            .collect();
        Some(format!(
            "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {2} FROM {0} WHERE {3} RETURNING {4}",
            self.key.1.quoted(),
            names.join(", "),
            values.join(", "),
            self.here()?,
            returning
        ))
    }

    fn attempt(
        &self,
        subject: String,
        sql: Option<String>,
        expected: Option<(&'static str, String)>,
    ) -> Option<Attempt> {
        let (at, key, world) = (self.at, self.key.clone(), self.world);
        let (first, sql) = (None, sql?);
        Some(Attempt { at, key, world, subject, first, sql, expected, refusal: None, cause: None })
    }

    /// Key columns with fresh values, so that a copy does not meet the primary key first.
    fn new_key(&self, salt: u64) -> Option<Vec<(&Ident, String)>> {
        self.identity.iter().enumerate().map(|(i, c)| Some((c, self.fresh(c, salt + i as u64)?))).collect()
    }

    fn not_nulls(&self) -> Vec<Attempt> {
        let name = &self.key.1;
        let columns =
            self.table.columns.iter().filter(|c| c.not_null && c.is_insertable() && c.identity.is_none());
        columns
            .enumerate()
            .flat_map(|(i, column)| {
                let c = &column.name;
                let expected = || Some(("23502", c.to_string()));
                let mut changes = self.new_key(100 + i as u64).unwrap_or_default();
                changes.retain(|(k, _)| *k != c);
                changes.push((c, "NULL".to_owned()));
                [
                    self.attempt(subject::insert_null(name, c), self.copy(&changes, &c.quoted()), expected()),
                    self.attempt(subject::update_null(name, c), self.update(c, "NULL"), expected()),
                ]
            })
            .flatten()
            .collect()
    }

    /// Whether a copy with these changes has the row's own value there, and not NULL.
    fn is_comparable(&self, column: &Ident, changes: &[(&Ident, String)]) -> bool {
        let is_set = !self.data.columns.contains(column) || self.value(column).is_some();
        is_set && !changes.iter().any(|(k, _)| *k == column)
    }

    fn uniques(&self) -> Vec<Attempt> {
        let name = &self.key.1;
        let mut found = Vec::new();
        if let Some(key) = &self.table.primary_key
            && let Some(first) = key.columns.first()
        {
            let subject = subject::duplicate(name, &key.columns);
            let expected = Some(("23505", key.name.to_string()));
            found.extend(self.attempt(subject, self.copy(&[], &first.quoted()), expected));
        }
        for (i, unique) in self.table.uniques.iter().enumerate().filter(|(_, u)| u.predicate.is_none()) {
            let Some(columns) = unique.plain_columns() else { continue };
            let Some(changes) = self.new_key(200 + i as u64) else { continue };
            let comparable = columns.iter().all(|c| self.is_comparable(c, &changes));
            let Some(first) = columns.first().filter(|_| comparable) else { continue };
            let subject = subject::duplicate(name, &columns);
            found.extend(self.attempt(
                subject,
                self.copy(&changes, &first.quoted()),
                Some(("23505", unique.name.to_string())),
            ));
        }
        found
    }

    fn references(&self) -> Vec<Attempt> {
        let name = &self.key.1;
        let single = self.table.foreign_keys.iter().filter(|f| f.columns.len() == 1);
        single
            .enumerate()
            .filter_map(|(i, fk)| {
                let (column, target) = (fk.columns.first()?, fk.target_columns.first()?);
                let nobody = self.nobody(&fk.target, target, self.case.seed ^ (300 + i as u64))?;
                let subject = subject::orphan(name, &fk.columns, &fk.target);
                let stays = format!("{} = {}", column.quoted(), quote_literal(&nobody));
                let sql = self.change(&stays, &stays);
                self.attempt(subject, sql, Some(("23503", fk.name.to_string())))
            })
            .collect()
    }

    /// A value that no row of the target has; `None` where all that there are seem taken.
    fn nobody(&self, target: &Relation, column: &Ident, salt: u64) -> Option<String> {
        let rows = self.case.data.tables.iter().find(|t| (t.database, &t.table) == (self.key.0.0, target));
        let taken = |value: &String| {
            let at = rows.and_then(|t| t.columns.iter().position(|c| c == column));
            at.is_some_and(|at| {
                rows.iter().flat_map(|t| &t.rows).any(|r| r.values[at].as_ref() == Some(value))
            })
        };
        (0..8)
            .filter_map(|turn| {
                self.scene.plan.spare_value(self.key.0.0, target, column, salt.wrapping_add(turn << 32))
            })
            .find(|value| !taken(value))
    }

    fn checks(&self) -> Vec<Attempt> {
        let name = &self.key.1;
        self.table
            .checks
            .iter()
            .filter_map(|check| {
                let assignments =
                    self.scene.plan.violate_check(self.key.0.0, name, &check.name, self.case.seed)?;
                let sets: Vec<String> = assignments
                    .iter()
                    .map(|(c, v)| {
                        let literal = v.as_ref().map_or_else(|| "NULL".to_owned(), |v| quote_literal(v));
                        format!("{} = {literal}", c.quoted())
                    })
                    .collect();
                let sql = self.change(&sets.join(", "), &format!("({}) IS FALSE", check.expression));
                let subject = subject::check(name, &check.name);
                self.attempt(subject, sql, Some(("23514", check.name.to_string())))
            })
            .collect()
    }

    /// The row is taken away and put back as it was.
    fn admitted(&self) -> Option<Attempt> {
        let columns: Vec<String> =
            self.table.columns.iter().filter(|c| c.is_insertable()).map(|c| c.name.quoted()).collect();
        // A row that others point at cannot be taken away without them.
        let referenced = self.case.data.tables.iter().any(|t| {
            self.scene.table(self.scene.last(), &(DatabaseId(t.database), t.table.clone())).is_some_and(
                |other| other.foreign_keys.iter().any(|fk| fk.target == self.key.1 && !t.rows.is_empty()),
            )
        });
        if referenced {
            return None;
        }
        let sql = format!(
            "WITH gone AS (DELETE FROM {0} WHERE {1} RETURNING *) \
             INSERT INTO {0} ({2}) OVERRIDING SYSTEM VALUE SELECT {2} FROM gone",
            self.key.1.quoted(),
            self.here()?,
            columns.join(", ")
        );
        self.attempt(format!("a valid row of {} is accepted", self.key.1), Some(sql), None)
    }

    /// What a row refers to is taken away, by keys of several columns that say that the row stays and refers to nothing
    /// then. One of a single column that is required is a RESTRICT in effect: paths that delete are told of it.
    fn detached(&self) -> Vec<Attempt> {
        let name = &self.key.1;
        let is_required = |c: &Ident| self.table.column(c).is_some_and(|c| c.not_null);
        let keys = self.table.foreign_keys.iter().filter(|fk| fk.on_delete == Action::SetNull);
        keys.filter(|fk| fk.columns.len() > 1 && fk.columns.iter().any(is_required))
            .filter_map(|fk| {
                let quoted = |all: &[Ident]| all.iter().map(Ident::quoted).collect::<Vec<_>>().join(", ");
                let sql = format!(
                    "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {} WHERE {})",
                    fk.target.quoted(),
                    quoted(&fk.target_columns),
                    quoted(&fk.columns),
                    name.quoted(),
                    self.here()?
                );
                let subject = format!("a row of {} goes, and one of {name} stays by {}", fk.target, fk.name);
                let attempt = self.attempt(subject, Some(sql), None)?;
                Some(Attempt { refusal: Some("23502"), cause: Some(SET_NULL), ..attempt })
            })
            .collect()
    }
}

const SET_NULL: &str = "ON DELETE SET NULL sets every column of the key, and one of them is NOT NULL. From PostgreSQL 15 on \
    SET NULL (column) names those to be set.";

/// How each attempt is called: the same words when it is planned, told, and missed.
mod subject {
    use super::{Ident, list};
    use watertight_scenarios::Relation;

    pub(super) fn insert_null(table: &Relation, column: &Ident) -> String {
        format!("insert into {table} without {column} is refused")
    }
    pub(super) fn update_null(table: &Relation, column: &Ident) -> String {
        format!("update of {table}.{column} to NULL is refused")
    }
    pub(super) fn duplicate(table: &Relation, columns: &[Ident]) -> String {
        format!("a second row of {table} with the same {} is refused", list(columns))
    }
    pub(super) fn orphan(table: &Relation, columns: &[Ident], target: &Relation) -> String {
        format!("{table}.{} that points at no row of {target} is refused", list(columns))
    }
    pub(super) fn check(table: &Relation, name: &Ident) -> String {
        format!("a row of {table} against {name} is refused")
    }
}

/// Every constraint of a table as the subject of an attempt; `None` for those that no attempt is made on yet.
fn subjects(table: &Table) -> Vec<(String, bool)> {
    let name = &table.name;
    let columns = table.columns.iter().filter(|c| c.not_null && c.is_insertable() && c.identity.is_none());
    let mut found: Vec<(String, bool)> =
        columns.map(|c| (subject::update_null(name, &c.name), true)).collect();
    found.extend(table.primary_key.iter().map(|k| (subject::duplicate(name, &k.columns), true)));
    for unique in &table.uniques {
        let plain = unique.plain_columns().filter(|_| unique.predicate.is_none());
        found.push(match plain {
            Some(columns) => (subject::duplicate(name, &columns), true),
            None => (format!("the partial or expression key {} of {name}", unique.name), false),
        });
    }
    for key in &table.foreign_keys {
        found.push((subject::orphan(name, &key.columns, &key.target), true));
    }
    found.extend(table.checks.iter().map(|c| (subject::check(name, &c.name), true)));
    found.extend(table.exclusions.iter().map(|e| (format!("the exclusion {} of {name}", e.name), false)));
    found
}

fn list(columns: &[Ident]) -> String {
    columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

static REJECTS: InvariantSpec = InvariantSpec {
    id: "constraint-rejects",
    title: "Each constraint of the final schema refuses its violation",
    rationale: "A constraint that the report lists and the database does not enforce is worse than none: the team \
        stops looking. What counts is the refusal, with its SQLSTATE and the constraint's name. A CHECK that is to keep \
        rows without a tenant out passes NULL, and a unique key does not tell such rows apart: not in the end, and not \
        while rows still wait for their tenants and the key that told them apart is gone.",
    example: "INSERT INTO lead (name) VALUES ('x') is accepted although customer_id should be NOT NULL",
    remedy: "Create the constraint that the model promises, validate it, and test its refusal by name.",
    exercise: "constraints in the final schema, and a row in each table",
};

static ADMITS: InvariantSpec = InvariantSpec {
    id: "constraint-admits",
    title: "The final schema accepts every row that is valid",
    rationale: "A constraint that is too narrow stops the application on rows that the model allows. A key of several \
        columns with ON DELETE SET NULL can never do what it says where one of them, the tenant's as a rule, is NOT NULL.",
    example: "UNIQUE (email) where the model says that an email is unique within its tenant",
    remedy: "Loosen the constraint to what the model says.",
    exercise: "tables with rows that no other row points at",
};

fn rejections(scene: &Scene, case: &CaseData) -> Vec<Attempt> {
    targets(scene, case, scene.last())
        .iter()
        .flat_map(|t| [t.not_nulls(), t.uniques(), t.references(), t.checks()].into_iter().flatten())
        .collect()
}

/// Attempts on what is left open where a row has no tenant: in the end, and before rows are given theirs.
fn openings(scene: &Scene, case: &CaseData) -> Vec<Attempt> {
    let last = targets(scene, case, scene.last());
    let mut found: Vec<Attempt> = last.iter().flat_map(Target::without_tenant).collect();
    if let Some(at) = filled_before(scene).filter(|at| *at < scene.last()) {
        found.extend(targets(scene, case, at).iter().flat_map(Target::before_tenants));
    }
    found
}

fn admissions(scene: &Scene, case: &CaseData) -> Vec<Attempt> {
    let of = |t: &Target<'_>| t.admitted().into_iter().chain(t.detached()).collect::<Vec<_>>();
    targets(scene, case, scene.last()).iter().flat_map(of).collect()
}

fn plan(case: &CaseData, attempts: Vec<Attempt>) -> Vec<Excursion> {
    if !case.deep {
        return Vec::new();
    }
    attempts.iter().map(|a| a.excursion(a.at)).collect()
}

/// An attempt on a constraint that the timeline brings, and how it was answered before and after: the refusal.
#[derive(Clone, Debug)]
pub(crate) struct Attempted {
    pub(crate) words: String,
    pub(crate) sql: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// Attempts on constraints that the baseline lacks: these are made there, too, so that a report can say what changed.
fn brought(scene: &Scene, case: &CaseData) -> Vec<Attempt> {
    let mut attempts = rejections(scene, case);
    attempts.retain(|a| {
        let Some(table) = scene.table(Checkpoint(0), &a.key) else { return false };
        let nullable =
            table.columns.iter().filter(|c| c.not_null).map(|c| subject::insert_null(&table.name, &c.name));
        !subjects(table).into_iter().map(|(s, _)| s).chain(nullable).any(|s| s == a.subject)
    });
    attempts
}

/// What came of them. An attempt that names what the baseline does not have says nothing.
pub(crate) fn answered_otherwise(scene: &Scene, case: &CaseData, seen: &Observations) -> Vec<Attempted> {
    let refusal = |outcome: &Seen| match outcome {
        Seen::Done(done) => (done.answer.affected > 0).then_some(None),
        Seen::Refused(refusal) => refusal
            .failure
            .sql()
            .filter(|e| !e.sqlstate.starts_with("42"))
            .map(|_| Some(refusal.failure.to_string())),
        _ => None,
    };
    let attempts = brought(scene, case);
    attempts
        .into_iter()
        .filter(|a| seen.alive(scene.last()).contains(&a.world))
        .filter_map(|a| {
            let at = |at: Checkpoint| refusal(seen.seen(at, &a.excursion(at).acts)?);
            let (before, after) = (at(Checkpoint(0))?, at(scene.last())?);
            let words = a.subject.strip_suffix(" is refused").unwrap_or(&a.subject).to_owned();
            Some(Attempted { words, sql: a.sql, before, after })
        })
        .collect()
}

fn judge(seen: &Observations, attempts: Vec<Attempt>) -> Judgement {
    let mut judgement = Judgement::default();
    for attempt in attempts.iter().filter(|a| seen.alive(a.at).contains(&a.world)) {
        let at = attempt.at;
        let witness = attempt.excursion(at);
        let went =
            |n| matches!(seen.seen(at, &witness.acts[..n]), Some(Seen::Done(d)) if d.answer.affected > 0);
        if !(1..witness.acts.len()).all(went) {
            continue;
        }
        let Some(outcome) = seen.seen(at, &witness.acts) else { continue };
        let Some(verdict) = weigh(attempt, outcome) else { continue };
        judgement.exercised.insert(attempt.world);
        let answer = match outcome {
            Seen::Refused(refusal) => refusal.failure.to_string(),
            _ => "accepted".to_owned(),
        };
        let table = attempt.key.1.to_string();
        judgement.probes.push(Probe {
            subject: attempt.subject.clone(),
            table: Some(table.clone()),
            passed: verdict.is_ok(),
            sql: Some(attempt.told()),
            answer: Some(answer),
            expects: Some(if attempt.expected.is_some() { Expects::Refusal } else { Expects::Acceptance }),
        });
        if let Err(code) = verdict {
            judgement.violated(Violation {
                key: ViolationKey { step: None, code, subject: attempt.subject.clone() },
                worlds: [attempt.world].into(),
                severity: Severity::High,
                title: format!("Not true: {}", attempt.subject),
                message: match (code, outcome) {
                    ("accepted", _) => {
                        format!("The server accepted what should be refused: {}.", attempt.told())
                    }
                    (_, Seen::Refused(r)) => format!("The server answered {}.", r.failure),
                    _ => String::new(),
                },
                cause: attempt
                    .cause
                    .unwrap_or("The final schema enforces something else than it declares.")
                    .to_owned(),
                remedy: String::new(),
                tables: vec![table],
                place: None,
                witness,
            });
        }
    }
    judgement
}

/// Whether the outcome is the expected one; `None` when the attempt did not come to the point.
fn weigh(attempt: &Attempt, outcome: &Seen) -> Option<Result<(), &'static str>> {
    match (&attempt.expected, outcome) {
        (None, Seen::Done(done)) => (done.answer.affected > 0).then_some(Ok(())),
        // What the server cannot do at all (a rule on the table forbids this form of statement) says nothing of the row.
        (None, Seen::Refused(r)) => {
            let counts = |state: &str| attempt.refusal.map_or(!state.starts_with("0A"), |only| state == only);
            r.failure.sql().filter(|e| counts(&e.sqlstate)).map(|_| Err("refused"))
        }
        (Some(("23502", _)), Seen::Done(done)) => {
            // Accepted with a value: a trigger or default supplied it. Accepted with NULL: not enforced.
            let row = done.answer.rows.first()?;
            row.first()?.is_none().then_some(Err("accepted"))
        }
        // Whether the row is as it was to be: a trigger may have written something else.
        (Some((state, _)), Seen::Done(done))
            if attempt.first.is_some() || ["23503", "23514"].contains(state) =>
        {
            (done.answer.rows.first()?.first()?.as_deref() == Some("t")).then_some(Err("accepted"))
        }
        (Some(_), Seen::Done(done)) => (done.answer.affected > 0).then_some(Err("accepted")),
        (Some((state, name)), Seen::Refused(refusal)) => {
            let error = refusal.failure.sql()?;
            let named = error.constraint.as_ref().or(error.column.as_ref()).is_some_and(|n| n == name);
            // Another constraint was met first: this one was not put to the test.
            (error.sqlstate == *state && named).then_some(Ok(()))
        }
        _ => None,
    }
}

impl Invariant for Rejects {
    fn spec(&self) -> &'static InvariantSpec {
        &REJECTS
    }
    fn applies(&self, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = plan(case, rejections(scene, case));
        wanted.extend(plan(case, openings(scene, case)));
        if case.deep {
            wanted.extend(brought(scene, case).iter().map(|a| a.excursion(Checkpoint(0))));
        }
        wanted
    }
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let tables = scene.schemas.last().into_iter().flatten().flat_map(|s| s.roots());
        tables
            .flat_map(subjects)
            .filter(|(subject, _)| !probed.contains(subject))
            .map(|(subject, known)| {
                let why = if known {
                    "no row of the cases could be made to meet it"
                } else {
                    "no attempt is made on it yet"
                };
                format!("{subject}: {why}")
            })
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut attempts = rejections(scene, case);
        attempts.extend(openings(scene, case));
        judge(seen, attempts)
    }
}

impl Invariant for Admits {
    fn spec(&self) -> &'static InvariantSpec {
        &ADMITS
    }
    fn applies(&self, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        plan(case, admissions(scene, case))
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        judge(seen, admissions(scene, case))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::session::{Answer, Failure, SqlError};
    use crate::explore::{Done, Refusal};
    use watertight_scenarios::Relation;

    fn attempt(expected: Option<(&'static str, &str)>) -> Attempt {
        Attempt {
            at: Checkpoint(0),
            key: (DatabaseId(0), Relation::public("t")),
            world: WorldId(0),
            subject: String::new(),
            first: None,
            sql: String::new(),
            expected: expected.map(|(s, n)| (s, n.to_owned())),
            refusal: None,
            cause: None,
        }
    }

    fn refused(state: &str, constraint: Option<&str>, column: Option<&str>) -> Seen {
        let error = SqlError {
            sqlstate: state.to_owned(),
            message: String::new(),
            detail: None,
            hint: None,
            constraint: constraint.map(str::to_owned),
            table: None,
            column: column.map(str::to_owned),
            position: None,
        };
        Seen::Refused(Refusal { statement: 0, failure: Failure::Sql(error) })
    }

    fn accepted(value: Option<&str>) -> Seen {
        let answer = Answer { rows: vec![vec![value.map(str::to_owned)]], affected: 1, ..Answer::default() };
        Seen::Done(Done { answer, ..Done::default() })
    }

    #[test]
    fn only_the_named_constraint_with_its_own_state_counts_as_refusal() {
        let not_null = attempt(Some(("23502", "c")));
        assert_eq!(weigh(&not_null, &refused("23502", None, Some("c"))), Some(Ok(())));
        assert_eq!(weigh(&not_null, &refused("23502", None, Some("d"))), None);
        assert_eq!(weigh(&not_null, &refused("42601", None, None)), None);
        assert_eq!(weigh(&not_null, &accepted(None)), Some(Err("accepted")));
        assert_eq!(weigh(&not_null, &accepted(Some("by a trigger"))), None);
        let unique = attempt(Some(("23505", "u")));
        assert_eq!(weigh(&unique, &refused("23505", Some("u"), None)), Some(Ok(())));
        assert_eq!(weigh(&unique, &refused("23505", Some("pk"), None)), None);
        assert_eq!(weigh(&unique, &accepted(Some("x"))), Some(Err("accepted")));
    }

    #[test]
    fn a_valid_row_has_to_be_accepted() {
        assert_eq!(weigh(&attempt(None), &accepted(None)), Some(Ok(())));
        assert_eq!(weigh(&attempt(None), &refused("23514", Some("k"), None)), Some(Err("refused")));
        assert_eq!(weigh(&attempt(None), &refused("0A000", None, None)), None);
        let detached = Attempt { refusal: Some("23502"), ..attempt(None) };
        assert_eq!(weigh(&detached, &refused("23503", Some("other"), None)), None);
        assert_eq!(weigh(&detached, &refused("23502", None, Some("tenant_id"))), Some(Err("refused")));
    }
}
