//! A tenant's context ends with its transaction, on connections that go from one tenant to the next.

use std::collections::BTreeSet;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::{AppRole, DatabaseId};

use super::rls::shown::Truth;
use super::rls::{Subject, applies, ask, from, roles, subjects};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::{Act, Actor, CaseData, Context, Excursion, Observations, Scene, Seen, Turn};

/// What one tenant's transaction set does not reach the next one's.
pub(super) struct ContextContained;

/// Tables that are asked through a used connection.
const TABLES_MAX: usize = 3;

static SPEC: InvariantSpec = InvariantSpec {
    id: "context-contained",
    title: "A tenant's context does not outlive its transaction on a connection that is used again",
    rationale: "A pool hands one connection to tenant after tenant. set_config(…, false) stays on it; a tenant function \
        that is declared IMMUTABLE is computed once and kept in the plan of a prepared statement. The next request \
        works with the last one's tenant, under load only, and never on a developer's machine.",
    example: "SELECT set_config('app.tenant', '…', false); COMMIT — the next transaction still sees that tenant",
    remedy: "Set the context for the transaction only (set_config(…, true), SET LOCAL), and declare functions that \
        read it STABLE.",
    exercise: "row security, an application role with a `tenant_context`, and two tenants with rows in a table that \
        the role may read. Needs commits: a share of the cases",
};

/// One connection, two transactions.
struct Reuse<'a> {
    code: &'static str,
    role: &'a AppRole,
    subject: Subject<'a>,
    world: WorldId,
    context: Context,
    /// What the second transaction is entitled to.
    entitled: BTreeSet<String>,
    control: Excursion,
    /// The same as the second transaction on a connection that nobody had before.
    fresh: Excursion,
    excursion: Excursion,
}

/// A few of the first cases, those with two tenants among them, and fewer after them: each needs databases of its own.
fn is_due(case: &CaseData) -> bool {
    matches!(case.index, 3 | 4 | 5 | 7 | 11 | 15) || case.index % 32 == 17
}

fn reuses<'a>(scene: &'a Scene, case: &CaseData) -> Vec<Reuse<'a>> {
    let mut found = Vec::new();
    if !is_due(case) {
        return found;
    }
    let at = scene.last();
    for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
        let tables = subjects(scene, at, role).into_iter().filter(|s| s.root.is_some() && s.reach.select);
        for subject in tables.take(TABLES_MAX) {
            let tellers: Vec<WorldId> = case.sample(2, 37);
            let Some(world) = tellers.first().copied() else { continue };
            let database: DatabaseId = subject.database;
            let Some(context) = case.context(scene, role, database, world) else { continue };
            let columns: Vec<String> = subject.reach.columns.select.iter().map(|c| c.quoted()).collect();
            let select = format!("SELECT {} FROM {}", columns.join(", "), subject.relation().quoted());
            let control = from(at, ask(database, role, Some(&context), select.clone()));
            let turn = |context: Option<&Context>, sql: Vec<String>| Turn {
                actor: Actor::App { role: role.name.clone(), context: context.cloned() },
                sql,
            };
            let pooled = |turns| from(at, Act::Pooled(database, turns));
            let again = || Subject { database, reach: subject.reach, root: subject.root.clone() };
            let outlives =
                pooled(vec![turn(Some(&context), vec![select.clone()]), turn(None, vec![select.clone()])]);
            let alone = |context| from(at, ask(database, role, context, select.clone()));
            let reuse = |code, entitled, fresh, excursion| Reuse {
                fresh,
                code,
                role,
                subject: again(),
                world,
                context: context.clone(),
                entitled,
                control: control.clone(),
                excursion,
            };
            found.push(reuse("outlives", BTreeSet::new(), alone(None), outlives));
            let next = tellers.get(1).and_then(|w| case.context(scene, role, database, *w));
            if let Some(next) = next.filter(|n| n.tenants.is_disjoint(&context.tenants)) {
                let execute = "EXECUTE wt_prepared".to_owned();
                let first = vec![format!("PREPARE wt_prepared AS {select}"), execute.clone()];
                let kept = pooled(vec![turn(Some(&context), first), turn(Some(&next), vec![execute])]);
                found.push(reuse("kept-in-plan", next.tenants.clone(), alone(Some(&next)), kept));
            }
        }
    }
    found
}

impl Invariant for ContextContained {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        applies(scene, |role| role.tenant_context.is_some())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let asked = reuses(scene, case).into_iter().flat_map(|r| [r.control, r.fresh, r.excursion]);
        asked.chain([contents(scene.last())]).collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        let about = |r: &Reuse<'_>| r.code == key.code && r.role.name.as_str() == key.subject;
        let asked =
            reuses(scene, case).into_iter().filter(about).flat_map(|r| [r.control, r.fresh, r.excursion]);
        asked.chain([contents(scene.last())]).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        let at = scene.last();
        let (alive, Some(contents)) = (seen.alive(at), seen.contents(at)) else { return judgement };
        let truth = Truth::new(scene, case, at, contents);
        for one in reuses(scene, case).into_iter().filter(|r| alive.contains(&r.world)) {
            let answer = |e: &Excursion| seen.seen(e.from, &e.acts).and_then(Seen::done).map(|d| &d.answer);
            let (Some(control), Some(next)) = (answer(&one.control), answer(&one.excursion)) else {
                continue;
            };
            // Positive control: the first tenant sees its rows, so there is something to be left over.
            let own = truth.shown_by_values(control, &one.context.tenants, "").own;
            // What shows on a new connection too is row security's matter.
            let open = answer(&one.fresh).map(|a| truth.shown_by_values(a, &one.entitled, "").others);
            if own == 0 || open.is_some_and(|o| !o.is_disjoint(&one.context.tenants)) {
                continue;
            }
            judgement.exercised.insert(one.world);
            let shown = truth.shown_by_values(next, &one.entitled, "");
            if shown.others.is_disjoint(&one.context.tenants) {
                continue;
            }
            let (title, message, cause) = match one.code {
                "outlives" => (
                    format!("The tenant context of {} outlives its transaction", one.role.name),
                    format!(
                        "{} sets the context of a tenant and commits; the next transaction on the connection sets none and sees {} rows of that tenant in {}.",
                        one.role.name,
                        shown.foreign,
                        one.subject.relation()
                    ),
                    "The context is set for the session, not for the transaction.",
                ),
                _ => (
                    format!("A prepared statement of {} keeps the tenant it was planned for", one.role.name),
                    format!(
                        "Prepared for one tenant and executed for another on the same connection, a SELECT on {} shows {} rows of the first.",
                        one.subject.relation(),
                        shown.foreign
                    ),
                    "A function that reads the context is declared IMMUTABLE, and its value is kept in the plan.",
                ),
            };
            judgement.violated(Violation {
                key: ViolationKey { step: None, code: one.code, subject: one.role.name.to_string() },
                worlds: case
                    .worlds_of(shown.others.iter())
                    .into_iter()
                    .chain(case.worlds_of(one.entitled.iter()))
                    .chain([one.world])
                    .collect(),
                severity: Severity::Critical,
                title,
                message,
                cause: cause.to_owned(),
                remedy: String::new(),
                tables: vec![one.subject.relation().to_string()],
                place: None,
                witness: one.excursion.clone(),
            });
        }
        judgement
    }
}
