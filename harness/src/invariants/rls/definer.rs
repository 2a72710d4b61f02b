//! Functions with their definer's rights, which no policy holds back: what they write when they are handed another
//! tenant's keys, and whether what they answer depends on others' rows.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_reports::{Expects, Severity};
use watertight_scenarios::scenario::Checkpoint;

use super::super::{Judgement, Probe, Violation, ViolationKey};
use super::place;
use super::routine::{Call, calls};
use super::{callables, roles};
use crate::db::session::TextRow;
use crate::explore::snapshot::diff;
use crate::explore::{Act, CaseData, Excursion, Observations, Scene, Seen, TableKey};

pub(super) fn name(call: &Call<'_>) -> String {
    format!("{} calls {}", call.role.name, call.callable.name)
}

/// Functions with their definer's rights that no call came to, and how to have them called.
pub(super) fn not_called(scene: &Scene, probed: &BTreeSet<String>, only_writing: bool) -> Vec<String> {
    let mut missed = BTreeSet::new();
    for at in scene.checkpoints() {
        for role in roles(scene).filter(|r| r.tenant_context.is_some()) {
            let reached = callables(scene, at, role).into_iter().map(|(_, f)| f);
            let counts = reached.filter(|f| f.definer && (f.writes || !only_writing));
            missed.extend(counts.map(|f| format!("{} calls {}", role.name, f.name)));
        }
    }
    let what = if only_writing { "wrote" } else { "answered" };
    let how = format!(
        "no call with keys of the schema {what} anything; an [[access]] path that calls it exercises it"
    );
    missed.into_iter().filter(|m| !probed.contains(m)).map(|m| format!("{m}: {how}")).collect()
}

/// Calls that may write, each with a look at what it wrote.
fn writings<'a>(scene: &'a Scene, case: &CaseData, at: Checkpoint) -> Vec<(Call<'a>, Excursion)> {
    let writing = calls(scene, case, at).into_iter().filter(|c| c.callable.definer && c.callable.writes);
    let looked = |call: Call<'a>| {
        let acts = call.excursion.acts.iter().cloned().chain([Act::Snapshot]).collect();
        (call, Excursion { from: at, acts })
    };
    writing.map(looked).collect()
}

pub(super) fn plan_writes(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    subject: Option<&str>,
) -> Vec<Excursion> {
    let wanted = |call: &Call<'_>| subject.is_none_or(|s| s == name(call));
    writings(scene, case, at).into_iter().filter(|(c, _)| wanted(c)).map(|(_, e)| e).collect()
}

/// What a call wrote: rows of the caller's, and rows of others with those others.
#[derive(Default)]
struct Wrote {
    own: usize,
    others: BTreeMap<(TableKey, TextRow), BTreeSet<String>>,
}

fn wrote(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    call: &Call<'_>,
    looked: &Excursion,
) -> Option<Wrote> {
    let (before, after) = (seen.contents(call.at)?, seen.snapshot(looked.from, &looked.acts)?);
    let mut wrote = Wrote::default();
    // A row that is written again with what it held is written all the same: the arguments were its own values.
    for change in diff(before, after) {
        let (row, contents) = match (change.before, change.after) {
            (Some(row), _) => (row, before),
            (None, Some(row)) => (row, after),
            (None, None) => continue,
        };
        let Some(table) = contents.tables.get(change.table) else { continue };
        // A tenant that was not there before is nobody else's.
        let owners: BTreeSet<String> = case.owners(scene, call.at, change.table, table, row);
        let known: BTreeSet<String> =
            owners.into_iter().filter(|t| case.world_of_tenant(t).is_some()).collect();
        if known.is_empty() {
            continue;
        }
        if known.is_disjoint(&call.context.tenants) {
            wrote.others.insert((change.table.clone(), table.key(row)), known);
        } else {
            wrote.own += 1;
        }
    }
    Some(wrote)
}

/// Another tenant's rows that a call writes when it is handed that tenant's keys, and not when it is handed one's own.
pub(super) fn judge_writes(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    alive: &BTreeSet<WorldId>,
    seen: &Observations,
    judgement: &mut Judgement,
) {
    let all = writings(scene, case, at);
    let mut own: BTreeMap<String, (bool, BTreeSet<(TableKey, TextRow)>)> = BTreeMap::new();
    let function = |call: &Call<'_>| format!("{} {}", call.role.name, call.callable.oid);
    for (call, looked) in all.iter().filter(|(c, _)| c.is_own() && alive.contains(&c.world)) {
        if let Some(wrote) = wrote(scene, case, seen, call, looked) {
            let (writes, anyway) = own.entry(function(call)).or_default();
            *writes |= wrote.own > 0;
            anyway.extend(wrote.others.into_keys());
        }
    }
    for (call, looked) in all.iter().filter(|(c, _)| !c.is_own() && alive.contains(&c.world)) {
        if !alive.contains(&call.whose) {
            continue;
        }
        let outcome = seen.seen(at, &call.excursion.acts);
        let others = match outcome {
            Some(Seen::Done(_)) => wrote(scene, case, seen, call, looked).unwrap_or_default().others,
            Some(Seen::Refused(_)) => BTreeMap::new(),
            _ => continue,
        };
        let known = own.get(&function(call));
        let foreign: Vec<_> =
            others.iter().filter(|(row, _)| !known.is_some_and(|(_, anyway)| anyway.contains(row))).collect();
        // Positive control: handed its own keys, it writes.
        if foreign.is_empty() && !known.is_some_and(|(writes, _)| *writes) {
            continue;
        }
        judgement.exercised.insert(call.world);
        judgement.probes.push(Probe {
            subject: name(call),
            table: None,
            passed: foreign.is_empty(),
            sql: Some(call.sql.clone()),
            answer: Some(format!("{} rows of other tenants written", foreign.len())),
            expects: Some(Expects::Refusal),
        });
        if foreign.is_empty() {
            continue;
        }
        let tables: BTreeSet<String> = foreign.iter().map(|((key, _), _)| key.1.to_string()).collect();
        let tenants = foreign.iter().flat_map(|(_, owners)| owners.iter());
        let (step, called) = (call.since(scene), &call.callable.name);
        judgement.violated(Violation {
            key: ViolationKey { step, code: "function-writes-foreign", subject: name(call) },
            worlds: case.worlds_of(tenants).into_iter().chain([call.world]).collect(),
            severity: Severity::Critical,
            title: format!("{called} lets {} write other tenants' rows", call.role.name),
            message: format!(
                "Called as {} for {} with another tenant's key, {called} writes {} rows of that tenant in {}.",
                call.role.name,
                call.context.whom,
                foreign.len(),
                tables.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
            cause: "The function runs with its definer's rights and does not ask whose the row is.".to_owned(),
            remedy: "Restrict what the function writes by the tenant, or make it SECURITY INVOKER.".to_owned(),
            tables: tables.into_iter().collect(),
            place: place(scene, step, called),
            witness: looked.clone(),
        });
    }
}

/// A call with one's own arguments: among all, once more after nothing has changed, and alone.
struct Answering<'a> {
    call: Call<'a>,
    again: Excursion,
    alone: Excursion,
}

fn answerings<'a>(scene: &'a Scene, case: &CaseData, at: Checkpoint) -> Vec<Answering<'a>> {
    let own = calls(scene, case, at).into_iter().filter(|c| c.callable.definer && c.is_own());
    let answering = |call: Call<'a>| {
        let among = |worlds: Vec<WorldId>| {
            let acts = [Act::Keep(worlds)].into_iter().chain(call.excursion.acts.iter().cloned()).collect();
            Excursion { from: at, acts }
        };
        let (again, alone) = (among(case.worlds().to_vec()), among(vec![call.world]));
        Answering { call, again, alone }
    };
    own.map(answering).collect()
}

pub(super) fn plan_answers(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    subject: Option<&str>,
) -> Vec<Excursion> {
    let wanted = |one: &Answering<'_>| subject.is_none_or(|s| s == name(&one.call));
    answerings(scene, case, at).into_iter().filter(wanted).flat_map(|a| [a.again, a.alone]).collect()
}

/// Rows of an answer, in no order.
fn answer(seen: &Observations, excursion: &Excursion) -> Option<Vec<TextRow>> {
    let mut rows = seen.seen(excursion.from, &excursion.acts)?.done()?.answer.rows.clone();
    rows.sort();
    Some(rows)
}

/// Answers that are others when the other tenants are not there: counts, sums, whether something is taken.
pub(super) fn judge_answers(
    scene: &Scene,
    case: &CaseData,
    at: Checkpoint,
    alive: &BTreeSet<WorldId>,
    seen: &Observations,
    judgement: &mut Judgement,
) {
    if alive.len() < 2 {
        return;
    }
    for one in answerings(scene, case, at).into_iter().filter(|a| alive.contains(&a.call.world)) {
        let call = &one.call;
        let answers = (answer(seen, &call.excursion), answer(seen, &one.again), answer(seen, &one.alone));
        let (Some(among), Some(again), Some(alone)) = answers else { continue };
        // What is never the same twice tells nothing of others.
        if among.is_empty() || among != again {
            continue;
        }
        let depends = among != alone;
        judgement.exercised.insert(call.world);
        judgement.probes.push(Probe {
            subject: name(call),
            table: None,
            passed: !depends,
            sql: Some(call.sql.clone()),
            answer: Some(said(&among)),
            expects: None,
        });
        // Rows of others are told by themselves.
        let told = judgement.violations.iter().any(|v| v.key.subject == name(call));
        if !depends || told {
            continue;
        }
        let (step, called) = (call.since(scene), &call.callable.name);
        judgement.violated(Violation {
            key: ViolationKey { step, code: "function-depends-on-others", subject: name(call) },
            worlds: alive.clone(),
            severity: Severity::High,
            title: format!("What {called} answers {} depends on other tenants' rows", call.role.name),
            message: format!(
                "Called as {} for {}, {called} answers {} among other tenants and {} when it is alone.",
                call.role.name,
                call.context.whom,
                said(&among),
                said(&alone)
            ),
            cause: "The function runs with its definer's rights and counts or looks up more than the tenant's rows."
                .to_owned(),
            remedy: "Restrict what the function reads by the tenant, or make it SECURITY INVOKER.".to_owned(),
            tables: Vec::new(),
            place: place(scene, step, called),
            witness: call.excursion.clone(),
        });
    }
}

/// The only value of an answer, or how many rows it has.
fn said(rows: &[TextRow]) -> String {
    match rows {
        [row] if row.len() == 1 => row[0].clone().unwrap_or_else(|| "NULL".to_owned()),
        _ => format!("{} rows", rows.len()),
    }
}
