//! No step takes protection away, or widens what somebody may do, without saying so.

use watertight_reports::Severity;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, StepId};
use watertight_scenarios::schema::{Function, Grant, Policy, Schema, Table, View};
use watertight_scenarios::{Ident, Relation};

use super::super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey};
use super::{in_force, place, protected, roles};
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Print, Scene, Seen};

/// Protection survives every step.
pub(in crate::invariants) struct Posture;

static SPEC: InvariantSpec = InvariantSpec {
    id: "rls-posture",
    title: "No step silently loses row security, a policy, a grant, security_invoker or a function's settings, or widens one",
    rationale: "CREATE OR REPLACE VIEW forgets security_invoker. DROP COLUMN … CASCADE takes the policies along that \
        name the column. A table that is built anew has neither ENABLE nor its grants. A script that switches row \
        security off for its own sake and fails half-way leaves it off. None of it is an error when it happens.",
    example: "CREATE OR REPLACE VIEW open_invoice AS SELECT … — the view had WITH (security_invoker = true)",
    remedy: "Say it again in the same step: ENABLE and FORCE, the policies, the grants, the view's options, SECURITY \
        and SET of the function. What a step switches off, it switches on again in the same transaction.",
    exercise: "steps in a database where a table has row security",
};

/// One thing that a step lost or widened.
struct Change {
    code: &'static str,
    object: String,
    relation: Relation,
    severity: Severity,
    what: String,
}

fn steps(scene: &Scene) -> impl Iterator<Item = StepId> {
    scene.steps().map(|(id, _)| id).filter(|s| s.after() <= scene.last())
}

fn changes(scene: &Scene, step: StepId) -> Vec<Change> {
    let mut found = Vec::new();
    let states = scene.schemas.get(step.before().0).zip(scene.schemas.get(step.after().0));
    let Some((before, after)) = states else { return found };
    for (i, (before, after)) in before.iter().zip(after).enumerate() {
        let database = DatabaseId(i);
        if !in_force(scene, step.after(), database) {
            continue;
        }
        let both = Both { scene, step, database, before, after };
        both.tables(&mut found);
        both.views(&mut found);
        both.functions(&mut found);
    }
    found
}

/// A database before and after a step.
struct Both<'a> {
    scene: &'a Scene,
    step: StepId,
    database: DatabaseId,
    before: &'a Schema,
    after: &'a Schema,
}

impl Both<'_> {
    fn tables(&self, found: &mut Vec<Change>) {
        for new in self.after.tables.iter().filter(|t| !self.scene.is_platform(&t.name)) {
            let old = self.before.table(&new.name);
            let name = &new.name;
            let counts = protected(self.scene, self.step.after(), &(self.database, name.clone()));
            if counts {
                self.public(name, old.map(|t| t.grants.as_slice()), &new.grants, found);
                self.wide(old, new, found);
            }
            let Some(old) = old else { continue };
            let mut lost = |code, what: &str| {
                found.push(Change {
                    code,
                    object: name.to_string(),
                    relation: name.clone(),
                    severity: Severity::Critical,
                    what: format!("{what} {name}"),
                });
            };
            match (old.row_security, new.row_security) {
                (o, n) if o.enabled && !n.enabled => {
                    lost("loses-row-security", "switches row security off on")
                }
                (o, n) if o.forced && !n.forced => lost("loses-force", "takes FORCE ROW LEVEL SECURITY from"),
                _ => {}
            }
            for policy in old.policies.iter().filter(|p| !is_named(self.scene, self.step, &p.name)) {
                if new.policies.iter().all(|p| p.name != policy.name) {
                    lost(
                        "loses-policy",
                        &format!("takes the policy {} along, without naming it, from", policy.name),
                    );
                }
            }
            self.grants(name, &old.grants, &new.grants, found);
        }
    }

    /// Grants that are gone because the relation is another one of the same name.
    fn grants(&self, name: &Relation, old: &[Grant], new: &[Grant], found: &mut Vec<Change>) {
        let oid = |at: Checkpoint| {
            let reach = self.scene.reach.get(at.0)?.get(self.database.0)?;
            reach.relations.iter().find(|r| &r.relation == name).map(|r| r.oid.clone())
        };
        if oid(self.step.before()) == oid(self.step.after()) {
            return; // REVOKE says what it does
        }
        let gone: Vec<String> = old
            .iter()
            .filter(|g| !new.contains(g))
            .map(|g| format!("{} to {}", g.privilege, g.grantee))
            .collect();
        if !gone.is_empty() {
            found.push(Change {
                code: "loses-grant",
                object: name.to_string(),
                relation: name.clone(),
                severity: Severity::High,
                what: format!("builds {name} anew without its grants ({})", gone.join(", ")),
            });
        }
    }

    fn public(&self, name: &Relation, old: Option<&[Grant]>, new: &[Grant], found: &mut Vec<Change>) {
        let known = old.unwrap_or_default();
        let is_new = |g: &&Grant| g.grantee.as_str() == "public" && !known.contains(g);
        let wide: Vec<&str> = new.iter().filter(is_new).map(|g| g.privilege.as_str()).collect();
        if !wide.is_empty() {
            found.push(Change {
                code: "grants-public",
                object: name.to_string(),
                relation: name.clone(),
                severity: Severity::High,
                what: format!(
                    "grants {} on {name} to PUBLIC: to every role there is and will be",
                    wide.join(", ")
                ),
            });
        }
    }

    /// Policies that let everything through, and did not before.
    fn wide(&self, old: Option<&Table>, new: &Table, found: &mut Vec<Change>) {
        for policy in new.policies.iter().filter(|p| self.is_wide(new, p)) {
            let is_the_same =
                |t: &Table| t.policies.iter().any(|p| p.name == policy.name && self.is_wide(t, p));
            let known = old.is_some_and(is_the_same);
            if !known {
                found.push(Change {
                    code: "widens-policy",
                    object: format!("{} on {}", policy.name, new.name),
                    relation: new.name.clone(),
                    severity: Severity::High,
                    what: format!(
                        "lets {} through the policy {} on {} without a condition on the tenant",
                        policy.command, policy.name, new.name
                    ),
                });
            }
        }
    }

    fn is_wide(&self, table: &Table, policy: &Policy) -> bool {
        let is_true = |e: &Option<String>| e.as_deref() == Some("true");
        let held_back: Vec<&Ident> = roles(self.scene).map(|r| &r.name).collect();
        let applies = policy.roles.iter().any(|r| r.as_str() == "public" || held_back.contains(&r));
        let wide = is_true(&policy.using) || is_true(&policy.with_check);
        // What every restrictive policy has to let through as well is not wide.
        let restricts = |other: &&Policy| {
            let for_all_of_them = other.roles.iter().any(|r| r.as_str() == "public")
                || policy.roles.iter().all(|r| other.roles.contains(r));
            let condition = |e: &Option<String>| e.is_some() && !is_true(e);
            !other.permissive
                && (other.command == "ALL" || other.command == policy.command)
                && for_all_of_them
                && (condition(&other.using) || condition(&other.with_check))
                && !is_true(&other.with_check)
        };
        policy.permissive && applies && wide && !table.policies.iter().any(|p| restricts(&p))
    }

    fn views(&self, found: &mut Vec<Change>) {
        for new in &self.after.views {
            let old =
                self.before.views.iter().find(|v| v.name == new.name && v.materialized == new.materialized);
            if self.shows_tenants(new) {
                self.public(&new.name, old.map(|v| v.grants.as_slice()), &new.grants, found);
            }
            let Some(old) = old else { continue };
            for option in ["security_invoker", "security_barrier"] {
                if is_on(old, option) && !is_on(new, option) {
                    found.push(Change {
                        code: "loses-option",
                        object: format!("{option} of {}", new.name),
                        relation: new.name.clone(),
                        severity: Severity::Critical,
                        what: format!("takes {option} from the view {}", new.name),
                    });
                }
            }
            self.grants(&new.name, &old.grants, &new.grants, found);
        }
    }

    /// Whether a view carries the tenant, or reads a protected table.
    fn shows_tenants(&self, view: &View) -> bool {
        let tenancy = &self.scene.scenario.tenancy;
        let tables = self.after.roots().map(|t| &t.name);
        let mut read = tables.filter(|t| view.definition.contains(t.name.as_str()));
        view.columns.iter().any(|(c, _)| Some(c) == tenancy.column.as_ref())
            || read.any(|t| protected(self.scene, self.step.after(), &(self.database, t.clone())))
    }

    fn functions(&self, found: &mut Vec<Change>) {
        for new in self.after.functions.iter().filter(|f| !self.scene.is_platform(&f.name)) {
            let same = |f: &&Function| f.name == new.name && f.arguments == new.arguments;
            let old = self.before.functions.iter().find(same);
            let label = format!("{}({})", new.name, new.arguments);
            let mut push = |code, severity, what: String| {
                found.push(Change {
                    code,
                    object: label.clone(),
                    relation: new.name.clone(),
                    severity,
                    what,
                });
            };
            let path_is_open = |f: &Function| {
                f.security_definer
                    && !f.settings.iter().any(|s| s.starts_with("search_path="))
                    && !["BEGIN ATOMIC", "RETURN"].iter().any(|b| f.source.trim_start().starts_with(b))
            };
            if path_is_open(new) && !old.is_some_and(path_is_open) {
                let what = format!(
                    "leaves the search path of {label} to its caller, though it runs with its definer's rights"
                );
                push("open-search-path", Severity::High, what);
            }
            let Some(old) = old else { continue };
            match (old.security_definer, new.security_definer) {
                (true, false) => {
                    push("loses-definer", Severity::High, format!("takes SECURITY DEFINER from {label}"))
                }
                (false, true) => {
                    push("becomes-definer", Severity::High, format!("makes {label} SECURITY DEFINER"))
                }
                _ => {}
            }
            let is_lost = |s: &&String| !new.settings.contains(s) && !s.starts_with("search_path=");
            for setting in old.settings.iter().filter(is_lost) {
                push("loses-setting", Severity::High, format!("takes SET {setting} from {label}"));
            }
            let is_public = |f: &Function| f.grants.iter().any(|g| g.grantee.as_str() == "public");
            if new.security_definer && is_public(new) && !is_public(old) {
                push(
                    "grants-public",
                    Severity::High,
                    format!("lets PUBLIC call {label}, which runs with its definer's rights"),
                );
            }
        }
    }
}

fn is_on(view: &View, option: &str) -> bool {
    let value = view.options.iter().find_map(|o| o.strip_prefix(option)?.strip_prefix('='));
    value.is_some_and(|v| matches!(v, "true" | "on" | "1" | "yes"))
}

/// Whether a step's script has that name in it: then what happens to its bearer is said.
fn is_named(scene: &Scene, step: StepId, name: &Ident) -> bool {
    let script = &scene.step(step).up;
    script.statements.iter().any(|s| script.sql(s).contains(name.as_str()))
}

/// A step that holds its own transactions, and what it leaves when it fails.
fn unheld(step: StepId) -> Excursion {
    Excursion { from: step.before(), acts: vec![Act::Step(step, Actor::Migrator), Act::Catalog] }
}

impl Invariant for Posture {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        let databases = (0..scene.scenario.databases.len()).map(DatabaseId);
        if !databases.into_iter().any(|d| in_force(scene, scene.last(), d)) {
            return Err("no table has row security, before or after any step".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let own = |s: &StepId| !scene.step(*s).is_transactional();
        scene.steps().map(|(id, _)| id).filter(own).filter(|_| case.deep).map(unheld).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for step in steps(scene).filter(|s| seen.passed(*s)) {
            judgement.exercised.extend(seen.alive(step.after()));
            for change in changes(scene, step) {
                judgement.violated(violation(
                    scene,
                    step,
                    change,
                    Excursion {
                        from: step.before(),
                        acts: vec![Act::Step(step, Actor::Migrator), Act::Catalog],
                    },
                ));
            }
        }
        for step in scene.steps().map(|(id, _)| id).filter(|_| case.deep) {
            let left = unheld(step);
            let failed = matches!(seen.seen(left.from, &left.acts[..1]), Some(Seen::Refused(_)));
            let (Some(before), Some(after)) =
                (scene.prints.get(step.before().0), seen.seen(left.from, &left.acts).and_then(Seen::catalog))
            else {
                continue;
            };
            if failed {
                judgement.exercised.extend(seen.alive(step.before()));
                for change in left_behind(before, after) {
                    judgement.violated(violation(scene, step, change, left.clone()));
                }
            }
        }
        judgement
    }
}

/// Row security and policies that a step that failed did not give back.
fn left_behind(before: &Print, after: &Print) -> Vec<Change> {
    let is_protection = |kind: &str| matches!(kind, "row security" | "policy");
    before
        .iter()
        .filter(|((kind, object), was)| {
            is_protection(kind)
                && after.get(&(kind.clone(), object.clone())) != Some(*was)
                && was.as_str() != "disabled"
        })
        .map(|((kind, object), was)| {
            let table = object.split(' ').next().unwrap_or(object);
            Change {
                code: "left-behind",
                object: object.clone(),
                relation: Relation::parse(table).unwrap_or_else(|| Relation::public(table)),
                severity: Severity::Critical,
                what: format!("fails and leaves the {kind} of {object} other than it was ({was})"),
            }
        })
        .collect()
}

fn violation(scene: &Scene, step: StepId, change: Change, witness: Excursion) -> Violation {
    let id = &scene.step(step).id;
    Violation {
        key: ViolationKey { step: Some(step), code: change.code, subject: change.object },
        worlds: [].into(),
        severity: change.severity,
        title: format!("`{id}` {}", change.what),
        message: format!("`{id}` {}; it was not so before the step.", change.what),
        cause: String::new(),
        remedy: String::new(),
        tables: vec![change.relation.to_string()],
        place: place(scene, Some(step), &change.relation),
        witness,
    }
}
