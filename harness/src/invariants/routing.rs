//! After a copy the application uses the database that its tables were copied to.
//!
//! Nothing is read from the statements: where a write lands is seen in both databases, and whose rows a read shows is
//! seen by taking the copied rows away on one side, then on the other.

use std::collections::BTreeSet;

use watertight_reports::Severity;
use watertight_scenarios::scenario::{
    AccessId, AccessKind, Checkpoint, CopySpec, DatabaseId, Impact, StepId,
};

use super::copy::{copies, has_copy};
use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use crate::explore::snapshot::{Change, diff};
use crate::explore::{
    Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Seen, Snapshot, Statement, TableKey,
};

/// Access paths use the database that their tables were copied to.
pub(super) struct Routing;

/// A write is sent with a look at both databases afterwards: each in one case of so many.
const WRITES_EVERY: u32 = 4;

static SPEC: InvariantSpec = InvariantSpec {
    id: "routing",
    title: "After a copy the application reads and writes the database that was copied to",
    rationale: "The copy is done, and the application still works: on the old tables, which are still there. What it \
        writes there is lost to the new database, and nobody sees it until somebody compares the two.",
    example: "A route that still queries accounts in the application database after accounts was copied to the \
        tenants' own",
    remedy: "Send the path to the database that holds the table now, in the release that follows the copy; retire the \
        old path before the copy, and take the old table's privileges away so that a forgotten one fails loudly.",
    exercise: "access paths in use after a `copy` step, and rows in the tables that it copies",
};

/// An access path that is in use after a table was copied for the last time.
struct Subject<'a> {
    access: AccessId,
    step: StepId,
    spec: &'a CopySpec,
    at: Checkpoint,
}

/// Every path on either side of a copy, at the first checkpoint at which it is in use behind it. Before a later copy of
/// the same tables there is still time: only the last one counts.
fn subjects(scene: &Scene) -> Vec<Subject<'_>> {
    let all = copies(scene);
    let last = all.iter().filter(|(step, spec)| {
        !all.iter().any(|(later, other)| {
            later > step
                && (other.from, other.to) == (spec.from, spec.to)
                && spec.tables.iter().all(|t| other.tables.contains(t))
        })
    });
    last.flat_map(|&(step, spec)| {
        scene.scenario.access.iter().enumerate().filter_map(move |(i, path)| {
            let at = path.from.max(step.after());
            let reached = at <= path.until.min(scene.last());
            (reached && [spec.from, spec.to].contains(&path.database)).then_some(Subject {
                access: AccessId(i),
                step,
                spec,
                at,
            })
        })
    })
    .collect()
}

/// The path with the values of a world that has some.
fn binding(scene: &Scene, case: &CaseData, access: AccessId) -> Option<Binding> {
    case.sample(1, access.0 as u64).into_iter().find_map(|w| case.bind(scene, access, w))
}

/// Takes the rows of every copied table away on one side.
fn emptied(spec: &CopySpec, database: DatabaseId) -> Act {
    let sql: Vec<String> = spec.tables.iter().rev().map(|t| format!("DELETE FROM {}", t.quoted())).collect();
    Act::Sql(Statement { database, actor: Actor::Loader, sql: sql.join("; ") })
}

impl Subject<'_> {
    fn kind(&self, scene: &Scene) -> AccessKind {
        scene.scenario.access[self.access.0].kind
    }

    fn plain(&self, binding: &Binding) -> Excursion {
        Excursion { from: self.at, acts: vec![Act::Send(binding.clone())] }
    }

    fn landing(&self, binding: &Binding) -> Excursion {
        Excursion { from: self.at, acts: vec![Act::Send(binding.clone()), Act::Snapshot] }
    }

    fn without(&self, side: DatabaseId, binding: &Binding) -> Excursion {
        Excursion { from: self.at, acts: vec![emptied(self.spec, side), Act::Send(binding.clone())] }
    }

    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let Some(binding) = binding(scene, case, self.access) else { return Vec::new() };
        match self.kind(scene) {
            AccessKind::Read => vec![
                self.plain(&binding),
                self.without(self.spec.from, &binding),
                self.without(self.spec.to, &binding),
            ],
            AccessKind::Write if (case.index + self.access.0 as u32).is_multiple_of(WRITES_EVERY) => {
                vec![contents(self.at), self.landing(&binding)]
            }
            AccessKind::Write => Vec::new(),
        }
    }

    /// Which sides the path uses, and what shows it. `None` when it could not be told.
    fn sides(&self, scene: &Scene, seen: &Observations, binding: &Binding) -> Option<(Sides, Excursion)> {
        match self.kind(scene) {
            AccessKind::Read => {
                let plain = self.plain(binding);
                let answer = rows(seen, &plain)?;
                let follows = |side| Some(rows(seen, &self.without(side, binding))? != answer);
                let sides = Sides { source: follows(self.spec.from)?, target: follows(self.spec.to)? };
                // A path that uses the source is seen to by what it answers with the target's rows gone.
                Some((sides, self.without(self.spec.to, binding)))
            }
            AccessKind::Write => {
                let landing = self.landing(binding);
                let (before, after) = (seen.contents(self.at)?, seen.snapshot(landing.from, &landing.acts)?);
                seen.seen(landing.from, &landing.acts[..1])?.done()?;
                Some((landed(self.spec, before, after), self.plain(binding)))
            }
        }
    }
}

/// Databases whose copied tables a path uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sides {
    source: bool,
    target: bool,
}

/// The rows of an answer, in no order.
fn rows(seen: &Observations, excursion: &Excursion) -> Option<Vec<Vec<Option<String>>>> {
    let mut rows = match seen.seen(excursion.from, &excursion.acts)? {
        Seen::Done(done) if !done.answer.truncated => done.answer.rows.clone(),
        _ => return None,
    };
    rows.sort();
    Some(rows)
}

/// Where a write left something in a copied table.
fn landed(spec: &CopySpec, before: &Snapshot, after: &Snapshot) -> Sides {
    let written: BTreeSet<&TableKey> = diff(before, after)
        .into_iter()
        .filter(|c| c.change != Change::Rewritten && spec.tables.contains(&c.table.1))
        .map(|c| c.table)
        .collect();
    let on = |side| written.iter().any(|key| key.0 == side);
    Sides { source: on(spec.from), target: on(spec.to) }
}

fn subject(scene: &Scene, access: AccessId) -> String {
    format!("“{}” uses the database that its tables were copied to", scene.scenario.access[access.0].name)
}

impl Invariant for Routing {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_copy(scene)?;
        if subjects(scene).is_empty() {
            return Err("no access path is in use after the copy".to_owned());
        }
        Ok(())
    }
    fn sends_paths(&self) -> bool {
        true
    }
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let all = subjects(scene).into_iter().map(|s| subject(scene, s.access));
        all.filter(|s| !probed.contains(s))
            .map(|s| format!("{s}: it was not seen to use a copied table"))
            .collect()
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        subjects(scene).iter().flat_map(|s| s.plan(scene, case)).collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        let all = subjects(scene);
        let one = all.iter().filter(|s| scene.scenario.access[s.access.0].name == key.subject);
        one.flat_map(|s| s.plan(scene, case)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for one in subjects(scene) {
            let Some(binding) = binding(scene, case, one.access) else { continue };
            if !seen.alive(one.at).contains(&binding.world) {
                continue;
            }
            let Some((sides, witness)) = one.sides(scene, seen, &binding) else { continue };
            if !sides.source && !sides.target {
                continue; // it has nothing to do with what was copied, or nothing was there for it
            }
            judgement.exercised.insert(binding.world);
            let misrouted = sides.source && !sides.target;
            judgement.probes.push(Probe {
                subject: subject(scene, one.access),
                table: None,
                passed: !misrouted,
                sql: Some(binding.sql.clone()),
                answer: None,
                expects: None,
            });
            if misrouted {
                judgement.violated(violation(scene, &one, &binding, witness));
            }
        }
        judgement
    }
}

fn violation(scene: &Scene, subject: &Subject<'_>, binding: &Binding, witness: Excursion) -> Violation {
    let path = &scene.scenario.access[subject.access.0];
    let name = |db: DatabaseId| &scene.scenario.databases[db.0].name;
    let (from, to) = (name(subject.spec.from), name(subject.spec.to));
    let id = &scene.step(subject.step).id;
    let (code, verb, message) = match path.kind {
        AccessKind::Read => (
            "reads-source",
            "reads",
            format!(
                "After `{id}`, “{}” answers the same without the rows of {to}, and not without those of {from}.",
                path.name
            ),
        ),
        AccessKind::Write => (
            "writes-source",
            "writes",
            format!("After `{id}`, what “{}” writes is in {from} and not in {to}.", path.name),
        ),
    };
    Violation {
        key: ViolationKey { step: Some(subject.step), code, subject: path.name.clone() },
        worlds: [binding.world].into(),
        severity: match path.impact {
            Impact::Production => Severity::Critical,
            Impact::Development => Severity::Low,
        },
        title: format!("“{}” still {verb} {from} after the copy to {to}", path.name),
        message,
        cause: format!("The path is sent to {from}, whose tables were left as they are."),
        remedy: format!("Send it to {to}."),
        tables: named(subject.spec, &binding.sql),
        place: path.source.as_ref().map(|s| super::access_compatible::split_place(s)),
        witness,
    }
}

/// Copied tables that a statement names: for the report only.
fn named(spec: &CopySpec, sql: &str) -> Vec<String> {
    let words: BTreeSet<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    spec.tables.iter().filter(|t| words.contains(t.name.as_str())).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use watertight_scenarios::{Ident, Relation};

    use super::*;
    use std::sync::Arc;

    use crate::explore::TableRows;
    use crate::explore::snapshot::SnapRow;

    const SOURCE: DatabaseId = DatabaseId(0);
    const TARGET: DatabaseId = DatabaseId(1);

    fn spec() -> CopySpec {
        CopySpec { from: SOURCE, to: TARGET, tables: vec![Relation::public("account")], line: 1 }
    }

    fn contents(rows: &[(DatabaseId, &str, &str)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for database in [SOURCE, TARGET] {
            for name in ["account", "audit"] {
                let rows = rows.iter().filter(|r| r.0 == database && r.1 == name);
                let rows =
                    rows.map(|r| SnapRow { place: r.2.to_owned(), values: vec![Some(r.2.to_owned())] });
                let table =
                    TableRows { columns: vec![Ident::from("id")], identity: vec![0], rows: rows.collect() };
                snapshot.tables.insert((database, Relation::public(name)), Arc::new(table));
            }
        }
        snapshot
    }

    #[test]
    fn a_write_is_where_its_row_is() {
        let before = contents(&[(SOURCE, "account", "1"), (TARGET, "account", "1")]);
        let landed = |rows: &[(DatabaseId, &str, &str)]| {
            let mut all = vec![(SOURCE, "account", "1"), (TARGET, "account", "1")];
            all.extend_from_slice(rows);
            let sides = landed(&spec(), &before, &contents(&all));
            (sides.source, sides.target)
        };
        assert_eq!(landed(&[(SOURCE, "account", "2")]), (true, false));
        assert_eq!(landed(&[(TARGET, "account", "2")]), (false, true));
        assert_eq!(landed(&[(SOURCE, "account", "2"), (TARGET, "account", "2")]), (true, true));
        // What was not copied may be written where it is.
        assert_eq!(landed(&[(SOURCE, "audit", "2")]), (false, false));
        assert_eq!(landed(&[]), (false, false));
    }

    #[test]
    fn a_statement_names_tables_as_words() {
        assert_eq!(named(&spec(), "SELECT * FROM account a"), ["account"]);
        assert!(named(&spec(), "SELECT * FROM accounts").is_empty());
    }
}
