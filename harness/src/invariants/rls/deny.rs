//! Without a tenant, a role sees and writes nobody's rows.

use std::collections::BTreeSet;

use watertight_reports::Severity;
use watertight_scenarios::scenario::{AppRole, Checkpoint};
use watertight_scenarios::schema::TypeKind;

use super::super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use super::attack::{Attempt, Target, effect};
use super::created::on_created;
use super::shown::{Truth, seed, select};
use super::{Subject, applies, ask, cause, from, is_due, place, prober, roles, since, subjects};
use crate::catalog::reach::Kind;
use crate::explore::{CaseData, Context, Excursion, Observations, Scene, Seen};

/// Row security denies whoever says not, or not truly, for whom he works.
pub(in crate::invariants) struct DefaultDeny;

static SPEC: InvariantSpec = InvariantSpec {
    id: "rls-default-deny",
    title: "Without a tenant context, or with one that is empty, garbage or nobody's, a role reaches no tenant's rows",
    rationale: "A connection from the pool, a background job, a forgotten middleware: sooner or later a statement is \
        sent without its tenant. A policy that is open when the setting is missing shows everything exactly then.",
    example: "USING (tenant_id = COALESCE(current_setting('app.tenant', true)::uuid, tenant_id))",
    remedy: "Compare with NULLIF(current_setting('app.tenant', true), '') and nothing else: a comparison with NULL \
        denies. Grant roles without a tenant nothing that carries one.",
    exercise: "row security, an application role, and rows of a tenant in a table that the role may read",
};

/// Text columns of a view that are tried for what a failing cast tells.
const CASTS_MAX: usize = 3;

/// One relation, asked for nobody.
struct Denial<'a> {
    role: &'a AppRole,
    subject: Subject<'a>,
    /// In words: what the context was.
    how: &'static str,
    act: DenialAct,
}

enum DenialAct {
    Read(String, Excursion),
    /// The same of rows that are put there first: a step created the table.
    Seeded(String, Excursion),
    Write(Attempt),
}

/// Contexts that entitle to nothing.
fn nobody(scene: &Scene, case: &CaseData, role: &AppRole) -> Vec<(&'static str, Option<Context>)> {
    let mut contexts = vec![("without a tenant context", None)];
    let of = |whom, literal| CaseData::context_of_nobody(role, whom, literal);
    let set = [
        ("with an empty tenant context", of("an empty tenant", "")),
        ("with garbage as tenant context", of("garbage", "' OR true --")),
        ("with a tenant context that is nobody's", case.context_of_a_stranger(scene, role)),
    ];
    contexts.extend(set.into_iter().filter(|(_, c)| c.is_some()));
    contexts
}

fn denials<'a>(scene: &'a Scene, case: &CaseData, at: Checkpoint) -> Vec<Denial<'a>> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    for role in roles(scene) {
        for (how, context) in nobody(scene, case, role) {
            for subject in subjects(scene, at, role) {
                let read = |sql: String| {
                    let excursion = from(at, ask(subject.database, role, context.as_ref(), sql.clone()));
                    DenialAct::Read(sql, excursion)
                };
                let seeded =
                    case.sample(1, at.0 as u64).first().and_then(|w| seed(scene, case, at, &subject, *w));
                let mut acts: Vec<DenialAct> = match seeded {
                    Some(seeded) if subject.reach.select => {
                        let sql =
                            format!("SELECT {} FROM {}", seeded.tenant.quoted(), subject.relation().quoted());
                        let asked = ask(subject.database, role, context.as_ref(), sql.clone());
                        let excursion = Excursion { from: at, acts: vec![seeded.act, asked] };
                        vec![DenialAct::Seeded(sql, excursion)]
                    }
                    _ => select(&subject).into_iter().map(read).collect(),
                };
                // A view's condition may be tried after what the reader asks, and an error tells the row.
                if subject.reach.kind == Kind::View && how != "with garbage as tenant context" {
                    acts.extend(casts(scene, at, &subject).into_iter().map(read));
                }
                if context.is_none()
                    && is_due(scene, at, &subject)
                    && let Some(world) = prober(case, &subject, at.0 as u64)
                {
                    // Nobody's: a world is only where the values are taken from.
                    let target = Target::new(scene, case, at, &subject, role, None, world);
                    acts.extend(target.iter().flat_map(|t| t.bare()).map(DenialAct::Write));
                    let created = on_created(scene, case, at, &subject, role, None, world);
                    acts.extend(created.into_iter().map(DenialAct::Write));
                }
                for act in acts {
                    let subject = Subject {
                        database: subject.database,
                        reach: subject.reach,
                        root: subject.root.clone(),
                    };
                    found.push(Denial { role, subject, how, act });
                }
            }
        }
    }
    found
}

fn casts(scene: &Scene, at: Checkpoint, subject: &Subject<'_>) -> Vec<String> {
    let schema = scene.schemas.get(at.0).and_then(|s| s.get(subject.database.0));
    let Some(view) = schema.and_then(|s| s.views.iter().find(|v| &v.name == subject.relation())) else {
        return Vec::new();
    };
    let readable = |name| subject.reach.columns.select.contains(name);
    let texts = view
        .columns
        .iter()
        .filter(|(name, ty)| matches!(ty.kind, TypeKind::Text | TypeKind::Varchar(_)) && readable(name));
    texts
        .take(CASTS_MAX)
        .map(|(column, _)| {
            format!(
                "SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; \
                 SELECT 1 FROM {} WHERE {}::integer IS NULL",
                view.name.quoted(),
                column.quoted()
            )
        })
        .collect()
}

impl Invariant for DefaultDeny {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        applies(scene, |_| true)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for at in scene.checkpoints() {
            wanted.push(contents(at));
            wanted.extend(denials(scene, case, at).into_iter().map(|d| match d.act {
                DenialAct::Read(_, excursion) | DenialAct::Seeded(_, excursion) => excursion,
                DenialAct::Write(attempt) => attempt.excursion,
            }));
        }
        wanted
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        let mut wanted = Vec::new();
        for at in scene.checkpoints() {
            wanted.push(contents(at));
            let denials = denials(scene, case, at).into_iter();
            let about = denials.filter(|d| subject_of(d) == key.subject && code(&d.act) == key.code);
            wanted.extend(about.map(|d| match d.act {
                DenialAct::Read(_, excursion) | DenialAct::Seeded(_, excursion) => excursion,
                DenialAct::Write(attempt) => attempt.excursion,
            }));
        }
        wanted
    }
    fn not_exercised(&self, scene: &Scene, probed: &BTreeSet<String>) -> Vec<String> {
        let mut missed = BTreeSet::new();
        for at in scene.checkpoints() {
            for role in roles(scene) {
                missed.extend(subjects(scene, at, role).iter().map(|s| name(role, s)));
            }
        }
        missed.into_iter().filter(|m| !probed.contains(m)).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        if !case.deep {
            return judgement;
        }
        for at in scene.checkpoints() {
            let Some(contents) = seen.contents(at) else { continue };
            let truth = Truth::new(scene, case, at, contents);
            for denial in denials(scene, case, at) {
                judge_denial(scene, case, at, &truth, &denial, seen, &mut judgement);
            }
        }
        judgement
    }
}

fn name(role: &AppRole, subject: &Subject<'_>) -> String {
    format!("{} without a tenant reaches nothing of {}", role.name, subject.relation())
}

fn subject_of(denial: &Denial<'_>) -> String {
    format!("{}: {}", denial.role.name, denial.subject.relation())
}

fn code(act: &DenialAct) -> &'static str {
    match act {
        DenialAct::Read(..) | DenialAct::Seeded(..) => "open-to-read",
        DenialAct::Write(_) => "open-to-write",
    }
}

fn judge_denial(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    truth: &Truth<'_>,
    denial: &Denial<'_>,
    seen: &Observations,
    judgement: &mut Judgement,
) {
    let nothing = BTreeSet::new();
    let (role, relation) = (denial.role, denial.subject.relation());
    let (sql, excursion, command) = match &denial.act {
        DenialAct::Read(sql, excursion) | DenialAct::Seeded(sql, excursion) => (sql, excursion, "SELECT"),
        DenialAct::Write(attempt) => (&attempt.sql, &attempt.excursion, attempt.attack.command()),
    };
    let mut there = true;
    let (others, what) = match &denial.act {
        DenialAct::Read(..) | DenialAct::Seeded(..) => match seen.seen(at, &excursion.acts) {
            Some(Seen::Done(done)) => {
                let is_seeded = matches!(denial.act, DenialAct::Seeded(..));
                let shown = if is_seeded {
                    truth.shown_by_values(&done.answer, &nothing, "")
                } else {
                    truth.shown(&denial.subject, &done.answer, &nothing)
                };
                there = shown.others_there;
                (shown.others, format!("returns {} rows of tenants", shown.foreign))
            }
            Some(Seen::Refused(refusal)) => match refusal.failure.sql() {
                Some(error) => (truth.told(error, &nothing, sql), format!("is refused, and tells: {error}")),
                None => return,
            },
            _ => return,
        },
        DenialAct::Write(attempt) => {
            let before = truth.places(&denial.subject);
            match effect(seen, attempt, &before, &nothing) {
                Some(done) => {
                    there = done.others_there;
                    (done.others, format!("writes {} rows of tenants", done.foreign + done.landed))
                }
                None => return,
            }
        }
    };
    let worlds = case.worlds_of(others.iter());
    if others.is_empty() {
        if there {
            judgement.exercised.extend(seen.alive(at).into_iter().filter(|w| !case.tenants(*w).is_empty()));
            judgement.probes.push(Probe {
                subject: name(role, &denial.subject),
                table: Some(relation.to_string()),
                passed: true,
                sql: Some(sql.clone()),
                answer: Some(format!("{}: nothing", denial.how)),
                expects: None,
            });
        }
        return;
    }
    judgement.exercised.extend(&worlds);
    judgement.probes.push(Probe {
        subject: name(role, &denial.subject),
        table: Some(relation.to_string()),
        passed: false,
        sql: Some(sql.clone()),
        answer: Some(what.clone()),
        expects: None,
    });
    let step = since(scene, at, relation);
    judgement.violated(Violation {
        key: ViolationKey { step, code: code(&denial.act), subject: subject_of(denial) },
        worlds,
        severity: Severity::Critical,
        title: format!("{relation} is open to {} {}", role.name, denial.how),
        message: format!("As {} {}, {sql} {what}.", role.name, denial.how),
        cause: cause(scene, at, &denial.subject, role, command),
        remedy: String::new(),
        tables: vec![relation.to_string()],
        place: place(scene, step, relation),
        witness: excursion.clone(),
    });
}
