//! After the backfill every row has the tenant that owns it.

use std::collections::HashMap;

use watertight_reports::Severity;

use super::backfill::{final_backfills, first_of_run, has_filler};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::db::session::TextRow;
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Seen, Statement, TableKey};

/// Every row has the right tenant after the backfill.
pub(super) struct Correct;

static CORRECT: InvariantSpec = InvariantSpec {
    id: "backfill-correct",
    title: "After the backfill every row has the tenant that owns it",
    rationale: "A join that misses a condition, or an owner that is not unique, gives a tenant's rows to another \
        tenant. Nothing fails; the wrong customer sees them.",
    example: "UPDATE item SET tenant_id = (SELECT id FROM tenant LIMIT 1)",
    remedy: "Derive the tenant of each row from the row's own owner. Where an owner has several tenants, decide by a \
        rule that gives the same answer on every run, and write the rule into `[tenancy.owner]`.",
    exercise: "`[tenancy.owner]` for tables whose rows lack their tenant before the backfill",
};

/// Reads the owners of every row: its place, and a JSON array of tenants.
pub(super) fn owner_query(scene: &Scene, key: &TableKey) -> Option<Act> {
    let owner = scene.scenario.tenancy.owner.get(&key.1)?;
    let expression = owner.expression.trim();
    // A parenthesised query may return several owners; as an array it says so instead of failing.
    let inner = expression.strip_prefix('(').map(str::trim_start).unwrap_or_default();
    let is_query = inner.get(..6).is_some_and(|w| w.eq_ignore_ascii_case("select"));
    let array = if is_query { format!("ARRAY{expression}") } else { format!("ARRAY[{expression}]") };
    let sql = format!(
        "SELECT \"row\".tableoid::text || ':' || \"row\".ctid::text, pg_catalog.to_json({array})::text FROM {} AS \"row\"",
        key.1.quoted()
    );
    Some(Act::Sql(Statement { database: key.0, actor: Actor::Observer, sql }))
}

/// One answer row of [`owner_query`]: place and distinct owners.
pub(super) fn owners_of(row: &TextRow) -> Option<(&str, Vec<String>)> {
    let place = row.first()?.as_deref()?;
    let list: Vec<serde_json::Value> = serde_json::from_str(row.get(1)?.as_deref()?).ok()?;
    let mut owners: Vec<String> = list
        .into_iter()
        .filter(|v| !v.is_null())
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
        .collect();
    owners.sort();
    owners.dedup();
    Some((place, owners))
}

impl Invariant for Correct {
    fn spec(&self) -> &'static InvariantSpec {
        &CORRECT
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_filler(scene)?;
        if scene.scenario.tenancy.owner.is_empty() {
            return Err("`[tenancy.owner]` says of no table whom its rows belong to".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for step in final_backfills(scene) {
            wanted.push(contents(first_of_run(scene, step).before()));
            wanted.push(contents(step.after()));
            for (key, _) in scene.tenant_tables(step.after()) {
                if let Some(act) = owner_query(scene, &key) {
                    wanted.push(Excursion { from: step.after(), acts: vec![act] });
                }
            }
        }
        wanted
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in final_backfills(scene) {
            let first = first_of_run(scene, step);
            let (Some(before), Some(after)) = (seen.contents(first.before()), seen.contents(step.after()))
            else {
                continue;
            };
            let alive = seen.alive(step.after());
            for (key, column) in scene.tenant_tables(step.after()) {
                let (Some(act), Some(table), Some(old)) =
                    (owner_query(scene, &key), after.tables.get(&key), before.tables.get(&key))
                else {
                    continue;
                };
                let witness = Excursion { from: step.after(), acts: vec![act] };
                let owners: HashMap<&str, Vec<String>> = match seen.seen(witness.from, &witness.acts) {
                    Some(Seen::Done(done)) => done.answer.rows.iter().filter_map(owners_of).collect(),
                    Some(Seen::Refused(refusal)) => {
                        judgement
                            .doubts
                            .push(format!("the owner of {} cannot be read: {}", key.1, refusal.failure));
                        continue;
                    }
                    _ => continue,
                };
                let earlier = old.by_key();
                for row in &table.rows {
                    let was_null = earlier
                        .get(&table.key(row))
                        .and_then(|rows| rows.first())
                        .is_some_and(|r| old.cell(r, &column).is_none());
                    let Some(world) = case.world_of(scene, &key, table, row) else { continue };
                    let (Some(tenant), Some(owned)) =
                        (table.cell(row, &column), owners.get(row.place.as_str()))
                    else {
                        continue;
                    };
                    if !was_null || !alive.contains(&world) || owned.is_empty() {
                        continue;
                    }
                    judgement.exercised.insert(world);
                    let Some(wrong) = Wrong::of(&key, tenant, owned) else { continue };
                    judgement.violated(Violation {
                        key: ViolationKey { step: Some(step), code: wrong.code, subject: key.1.to_string() },
                        worlds: [world].into(),
                        severity: wrong.severity,
                        title: wrong.title,
                        message: wrong.message,
                        cause: wrong.cause.to_owned(),
                        remedy: String::new(),
                        tables: vec![key.1.to_string()],
                        place: Some(scene.location(step, 0)),
                        witness: witness.clone(),
                    });
                }
            }
        }
        judgement
    }
}

/// What is wrong with the tenant of a row.
struct Wrong {
    code: &'static str,
    severity: Severity,
    title: String,
    message: String,
    cause: &'static str,
}

impl Wrong {
    fn of(key: &TableKey, tenant: &str, owned: &[String]) -> Option<Self> {
        let table = &key.1;
        if !owned.iter().any(|o| o == tenant) {
            return Some(Self {
                code: "wrong-tenant",
                severity: Severity::Critical,
                title: format!("Rows of {table} are given to a tenant that does not own them"),
                message: format!(
                    "A row of {table} that belongs to {} was given to {tenant}.",
                    owned.join(" or ")
                ),
                cause: "The backfill derives the tenant otherwise than `[tenancy.owner]` does.",
            });
        }
        (owned.len() > 1).then(|| Self {
            code: "ambiguous-owner",
            severity: Severity::Medium,
            title: format!("Rows of {table} have several possible owners"),
            message: format!(
                "A row of {table} may belong to {} tenants ({}); the backfill took {tenant}.",
                owned.len(),
                owned.join(", ")
            ),
            cause: "Its owner has several tenants and nothing says which one gets the row: the choice may differ \
                    from run to run.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watertight_scenarios::Relation;
    use watertight_scenarios::scenario::DatabaseId;

    fn code(tenant: &str, owners: &[&str]) -> Option<&'static str> {
        let key = (DatabaseId(0), Relation::public("t"));
        let owners: Vec<String> = owners.iter().map(|o| (*o).to_owned()).collect();
        Wrong::of(&key, tenant, &owners).map(|w| w.code)
    }

    #[test]
    fn the_only_owner_is_right_any_other_wrong_and_two_are_ambiguous() {
        assert_eq!(code("a", &["a"]), None);
        assert_eq!(code("b", &["a"]), Some("wrong-tenant"));
        assert_eq!(code("a", &["a", "b"]), Some("ambiguous-owner"));
    }

    #[test]
    fn owners_are_read_from_json_of_any_key_type() {
        let row = vec![Some("1:(0,1)".to_owned()), Some("[7, null, 7, 3]".to_owned())];
        assert_eq!(owners_of(&row), Some(("1:(0,1)", vec!["3".to_owned(), "7".to_owned()])));
    }
}
