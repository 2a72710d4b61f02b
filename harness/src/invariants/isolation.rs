//! Declared reads show their own tenant's rows only, and do not depend on another tenant's data.

use std::collections::{BTreeSet, HashMap};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, Impact, StepId};

use super::access_compatible::{in_use, sendings};
use super::vectors::as_when_large;
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, about, contents};
use crate::db::session::Answer;
use crate::explore::case::is_distinctive;
use crate::explore::{Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Seen, Snapshot};

/// A read shows no value that only another tenant has.
pub(super) struct ReadIsolation;
/// A read's answer is the same whatever the other tenants' data is.
pub(super) struct NonInterference;

fn reads(scene: &Scene) -> Vec<AccessId> {
    let paths = scene.scenario.access.iter().enumerate();
    paths.filter(|(_, p)| p.kind == AccessKind::Read).map(|(i, _)| AccessId(i)).collect()
}

fn has_reads(scene: &Scene) -> Result<(), String> {
    if reads(scene).is_empty() { Err("the scenario declares no read path".to_owned()) } else { Ok(()) }
}

fn is_read(scene: &Scene, binding: &Binding) -> bool {
    scene.scenario.access[binding.access.0].kind == AccessKind::Read
}

static READ: InvariantSpec = InvariantSpec {
    id: "read-isolation",
    title: "A declared read shows its own tenant's rows only",
    rationale: "One query without its tenant condition shows a customer another customer's data. It works in every \
        test that has one tenant.",
    example: "SELECT * FROM message WHERE scope = $1",
    remedy: "Restrict the read to the tenant, in the statement or by a policy on every table that it reads.",
    exercise: "read paths whose tenant has rows to read while another tenant has some too",
};

impl Invariant for ReadIsolation {
    fn spec(&self) -> &'static InvariantSpec {
        &READ
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_reads(scene)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        sendings(scene, case)
            .into_iter()
            .filter(|(_, b)| is_read(scene, b))
            .flat_map(|(at, b)| [contents(at), Excursion { from: at, acts: vec![Act::Send(b)] }])
            .collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for (at, binding) in sendings(scene, case).into_iter().filter(|(_, b)| is_read(scene, b)) {
            let witness = Excursion { from: at, acts: vec![Act::Send(binding.clone())] };
            let alive = seen.alive(at);
            let Some(Seen::Done(done)) =
                seen.seen(at, &witness.acts).filter(|_| alive.contains(&binding.world))
            else {
                continue;
            };
            let owners = worlds_shown(scene, case, &done.answer);
            let is_foreign = |w: &WorldId| {
                *w != binding.world && !case.tenants(*w).iter().any(|t| is_entitled(&binding, t))
            };
            let foreign: BTreeSet<WorldId> = owners.iter().copied().filter(is_foreign).collect();
            let tenant = case.tenants(binding.world).first();
            let sibling =
                tenant.is_some_and(|tenant| {
                    let known = seen.contents(at).map(|s| row_tenants(scene, at, s)).unwrap_or_default();
                    done.answer.rows.iter().flatten().flatten().any(|v| {
                        known.get(v.as_str()).is_some_and(|t| t != tenant && !is_entitled(&binding, t))
                    })
                });
            // Positive control: the tenant sees its own, and there is somebody else to be seen.
            if owners.contains(&binding.world) && alive.len() > 1 {
                judgement.exercised.insert(binding.world);
            }
            if foreign.is_empty() && !sibling {
                continue;
            }
            judgement.exercised.insert(binding.world);
            let path = &scene.scenario.access[binding.access.0];
            let message = if foreign.is_empty() {
                format!(
                    "Sent for one of a user's tenants, “{}” returns rows of the other one too.",
                    path.name
                )
            } else {
                format!("Sent for one tenant, “{}” returns values that only other tenants have.", path.name)
            };
            judgement.violated(Violation {
                key: ViolationKey { step: None, code: "shows-foreign", subject: path.name.clone() },
                worlds: foreign.iter().copied().chain([binding.world]).collect(),
                severity: match path.impact {
                    Impact::Production => Severity::Critical,
                    Impact::Development => Severity::Low,
                },
                title: format!("“{}” shows another tenant's rows", path.name),
                message,
                cause: "Neither the statement nor a policy restricts the read to the tenant.".to_owned(),
                remedy: String::new(),
                tables: Vec::new(),
                place: path.source.clone().map(|s| (s, None)),
                witness,
            });
        }
        judgement
    }
}

/// The worlds whose values an answer shows. A number is a tenant's where its column says so; elsewhere it may be
/// another table's key, or a count.
fn worlds_shown(scene: &Scene, case: &CaseData, answer: &Answer) -> BTreeSet<WorldId> {
    let tenancy = &scene.scenario.tenancy;
    let mut worlds = BTreeSet::new();
    for row in &answer.rows {
        for (value, column) in row.iter().zip(&answer.columns) {
            let Some(value) = value else { continue };
            let told = is_distinctive(value) || tenancy.is_tenant_name(column);
            let tenant = || case.world_of_tenant(value).filter(|_| told);
            worlds.extend(case.world_of_value(value).or_else(tenant));
        }
    }
    worlds
}

/// Whether the context of a path is a user's who works for that tenant, too.
fn is_entitled(binding: &Binding, tenant: &str) -> bool {
    binding.context.as_ref().is_some_and(|c| c.tenants.contains(tenant))
}

/// Keys of rows that have a tenant, and the tenant. A key that stands in two tables for two tenants tells nothing.
fn row_tenants<'a>(scene: &Scene, at: Checkpoint, contents: &'a Snapshot) -> HashMap<&'a str, &'a str> {
    let mut known: HashMap<&str, &str> = HashMap::new();
    let mut unclear: BTreeSet<&str> = BTreeSet::new();
    for (key, column) in scene.tenant_tables(at) {
        let Some(table) = contents.tables.get(&key) else { continue };
        let [identity] = table.identity.as_slice() else { continue };
        for row in &table.rows {
            let (Some(id), Some(tenant)) = (row.values[*identity].as_deref(), table.cell(row, &column))
            else {
                continue;
            };
            if id.parse::<f64>().is_ok() || known.insert(id, tenant).is_some_and(|other| other != tenant) {
                unclear.insert(id);
            }
        }
    }
    known.retain(|id, _| !unclear.contains(id));
    known
}

fn step_before(at: Checkpoint) -> Option<StepId> {
    at.0.checked_sub(1).map(StepId)
}

static INTERFERENCE: InvariantSpec = InvariantSpec {
    id: "non-interference",
    title: "A tenant's answers do not depend on another tenant's data",
    rationale: "Counts, limits, rankings and approximate indexes leak what no row comparison shows: a tenant's answer \
        changes when its neighbour's data does.",
    example: "SELECT rank() OVER (ORDER BY score) … filtered by tenant only outside the subquery",
    remedy: "Restrict to the tenant before counting, ranking, limiting and searching.",
    exercise: "read paths that answer with rows, in cases with more than one tenant",
};

/// Two runs: everybody is there, or the tenant is alone from the start.
fn alone(scene: &Scene, case: &CaseData) -> Vec<(Checkpoint, Binding, Excursion)> {
    let mut found = Vec::new();
    for world in case.sample(1, 17) {
        let mut beginning = vec![Act::Keep(vec![world])];
        for at in scene.checkpoints() {
            if let Some(step) = step_before(at) {
                beginning.push(Act::Step(step, Actor::Migrator));
            }
            for access in reads(scene).into_iter().filter(|a| in_use(scene, *a, at)) {
                let Some(binding) = case.bind(scene, access, world) else { continue };
                let binding = as_when_large(scene, binding);
                let mut acts = beginning.clone();
                acts.push(Act::Send(binding.clone()));
                found.push((at, binding, Excursion { from: Checkpoint(0), acts }));
            }
        }
    }
    found
}

impl Invariant for NonInterference {
    fn spec(&self) -> &'static InvariantSpec {
        &INTERFERENCE
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_reads(scene)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        if case.worlds().len() < 2 {
            return Vec::new();
        }
        alone(scene, case)
            .into_iter()
            .flat_map(|(at, b, e)| [Excursion { from: at, acts: vec![Act::Send(b)] }, e])
            .collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        if case.worlds().len() < 2 {
            return judgement;
        }
        for (at, binding, excursion) in alone(scene, case) {
            // Only a world that took every step in both runs can be compared.
            let steps_passed = (1..excursion.acts.len() - 1)
                .all(|n| matches!(seen.seen(excursion.from, &excursion.acts[..=n]), Some(Seen::Done(_))));
            if !steps_passed || !seen.alive(at).contains(&binding.world) {
                continue;
            }
            let (Some(together), Some(by_itself)) =
                (seen.seen(at, &[Act::Send(binding.clone())]), seen.seen(excursion.from, &excursion.acts))
            else {
                continue;
            };
            let (a, b) = (transcript(case, together), transcript(case, by_itself));
            if together.done().is_some_and(|d| !d.answer.rows.is_empty()) && seen.alive(at).len() > 1 {
                judgement.exercised.insert(binding.world);
            }
            if a == b {
                continue;
            }
            let path = &scene.scenario.access[binding.access.0];
            judgement.exercised.insert(binding.world);
            judgement.violated(Violation {
                key: ViolationKey { step: None, code: "depends-on-others", subject: path.name.clone() },
                worlds: seen.alive(at),
                severity: Severity::High,
                title: format!("“{}” depends on other tenants' data", path.name),
                message: format!(
                    "For the same tenant “{}” answers with {} among other tenants and with {} when it is alone.",
                    path.name,
                    sum(together),
                    sum(by_itself)
                ),
                cause: "The answer is computed over rows of other tenants before it is restricted to one.".to_owned(),
                remedy: String::new(),
                tables: Vec::new(),
                place: path.source.clone().map(|s| (s, None)),
                witness: Excursion { from: at, acts: vec![Act::Send(binding.clone())] },
            });
        }
        judgement
    }
}

fn sum(seen: &Seen) -> String {
    match seen {
        Seen::Done(done) => format!("{} rows", done.answer.rows.len()),
        Seen::Refused(refusal) => refusal.failure.to_string(),
        _ => String::new(),
    }
}

/// What the application can tell of an answer: its rows without order, with values that the run made up (fresh
/// ids) told apart only from values that the case knows.
fn transcript(case: &CaseData, seen: &Seen) -> Vec<String> {
    match seen {
        Seen::Done(done) => answer_lines(case, &done.answer),
        Seen::Refused(refusal) => vec![refusal.failure.to_string()],
        _ => Vec::new(),
    }
}

fn answer_lines(case: &CaseData, answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = answer
        .rows
        .iter()
        .map(|row| {
            let cells: Vec<&str> = row
                .iter()
                .map(|v| match v {
                    None => "NULL",
                    Some(v) if case.knows_value(v) => v,
                    Some(_) => "fresh",
                })
                .collect();
            cells.join("\u{1f}")
        })
        .collect();
    lines.sort();
    lines
}
