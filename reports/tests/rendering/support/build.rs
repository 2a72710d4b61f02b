//! Short ways to say what a report holds.

use std::num::NonZeroU64;

use watertight_reports::*;

pub(crate) fn exercised(cases: u64, worlds: u64) -> Exercised {
    let some = |n| NonZeroU64::new(n).expect("fixtures exercise something");
    Exercised { cases: some(cases), worlds: some(worlds) }
}

pub(crate) fn check(invariant: &str, title: &str, outcome: CheckOutcome) -> CheckReport {
    CheckReport {
        invariant: invariant.into(),
        title: title.into(),
        outcome,
        probes: Vec::new(),
        not_exercised: Vec::new(),
        remarks: Vec::new(),
    }
}

pub(crate) fn held(invariant: &str, title: &str, cases: u64, worlds: u64) -> CheckReport {
    check(invariant, title, CheckOutcome::held(exercised(cases, worlds)))
}

pub(crate) fn violated(invariant: &str, title: &str, worlds: u64, findings: Vec<Finding>) -> CheckReport {
    let severity = findings.iter().map(|finding| finding.severity).max().expect("fixtures find something");
    check(invariant, title, CheckOutcome::Violated { severity, exercised: exercised(118, worlds), findings })
}

pub(crate) fn not_applicable(invariant: &str, title: &str, reason: &str) -> CheckReport {
    check(invariant, title, CheckOutcome::NotApplicable { reason: reason.into() })
}

pub(crate) fn works(checkpoint: &str, sent: u64) -> AccessCell {
    AccessCell { checkpoint: checkpoint.into(), outcome: AccessOutcome::Works { sent } }
}

pub(crate) fn not_in_use(checkpoint: &str) -> AccessCell {
    AccessCell { checkpoint: checkpoint.into(), outcome: AccessOutcome::NotInUse }
}

pub(crate) fn fails(checkpoint: &str, refused: u64, sent: u64, sqlstate: &str, message: &str) -> AccessCell {
    let (sqlstate, message) = (sqlstate.into(), message.into());
    AccessCell {
        checkpoint: checkpoint.into(),
        outcome: AccessOutcome::Fails { sent, refused, sqlstate, message },
    }
}

pub(crate) fn fact(ok: impl Into<Option<bool>>, text: &str) -> Fact {
    Fact { ok: ok.into(), text: text.into() }
}

pub(crate) fn counts(tables: &[(&str, u64)]) -> Vec<TableCount> {
    tables.iter().map(|(table, rows)| TableCount { table: (*table).into(), rows: *rows }).collect()
}

pub(crate) fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

pub(crate) fn probe(expects: Option<Expects>, subject: &str, tried: u64, passed: u64) -> ProbeReport {
    ProbeReport { subject: subject.into(), tried, passed, expects, ..ProbeReport::default() }
}

pub(crate) fn asked(probe: ProbeReport, sql: &str, answer: &str) -> ProbeReport {
    ProbeReport { sql: Some(sql.into()), answer: Some(answer.into()), ..probe }
}

pub(crate) fn table(name: &str, columns: &[&str], rows: &[&[Option<&str>]]) -> CounterexampleTable {
    CounterexampleTable {
        table: name.into(),
        columns: strings(columns),
        rows: rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect(),
    }
}

pub(crate) fn report(scenarios: Vec<ScenarioReport>) -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "watertight".into(), version: "0.1.0".into() },
        server: Server {
            provider: "embedded".into(),
            version: "17.6".into(),
            pgvector: Some("0.8.1".into()),
            settings: strings(&["TimeZone=UTC", "lc_collate=C"]),
            engine_defects: Vec::new(),
        },
        seed: 20_251_219,
        settings: Settings { cases: 120, only: Vec::new(), skip: Vec::new() },
        verdict: Verdict::worst(scenarios.iter().map(|scenario| scenario.verdict)),
        started_at: "2026-01-05T09:30:00Z".into(),
        ms: 48_211.0,
        incomplete: None,
        scenarios,
    }
}
