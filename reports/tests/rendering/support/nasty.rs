//! A report in which every string tries to break out of its place.

use watertight_reports::*;

use super::build::*;

/// Markdown, HTML, ANSI, bidirectional marks, workflow commands and line ends in one name.
pub(crate) const NASTY: &str = "x|y `z``\n</details><script>alert(1)</script> \u{1b}[31m\u{202e}gnp.exe\u{200b} @team #1 \
                         [a](https://x.example) ::error::boom ##[error] ``` \\| $x$ **b** _c_ &lt;";

/// With that text in every place.
pub(crate) fn scenario() -> ScenarioReport {
    scenario_of(NASTY)
}

/// The same with any text.
pub(crate) fn scenario_of(text: &str) -> ScenarioReport {
    let n = || text.to_owned();
    let finding = Finding {
        id: n(),
        severity: Severity::High,
        title: n(),
        step: Some(n()),
        file: Some(n()),
        line: Some(3),
        message: n(),
        cause: n(),
        remedy: n(),
        tables: vec![n()],
        access: vec![n()],
        cases: 1,
        counterexample: Some(Counterexample {
            tenants: 1,
            rows: 1,
            seed: 1,
            data: vec![table(text, &[text, "b"], &[&[Some(text), None], &[Some("```"), Some("\\|")]])],
            transcript: vec![n(), "````".into()],
            sql: format!("SELECT '{text}'; -- ````"),
            file: None,
            replay: Some(n()),
            capped: Some(n()),
        }),
    };
    let nasty_probe = asked(probe(None, text, 2, 1), text, text);
    ScenarioReport {
        id: n(),
        title: n(),
        summary: Some(n()),
        digest: n(),
        origin: None,
        verdict: Verdict::Violated,
        assumptions: vec![n()],
        steps: vec![StepReport {
            id: n(),
            database: Some(n()),
            phase: Some(n()),
            command: None,
            kind: "migrate".into(),
            title: n(),
            file: n(),
            down_file: Some(n()),
            guard: true,
            statements: 1,
            ms: 1.0,
            timings: vec![StatementTime { line: 1, sql: n(), ms: 1.0 }; 2],
            rows_written: counts(&[(text, 1)]),
            changes: vec![n()],
            down_changes: vec![n()],
            down_sql: Some(n()),
            applied: 1,
            refused: 1,
            locks: vec![LockHeld { table: n(), mode: n() }],
            copied: vec![CopiedTable { table: n(), source_rows: 1, target_rows: 2, equal: None }],
            down_ms: Some(1.0),
            not_restored: vec![n()],
        }],
        tables: (0..9)
            .map(|_| TableReport {
                database: Some(n()),
                name: n(),
                tenant_column: Some(n()),
                facts: vec![fact(false, text)],
                rows: 1,
                rows_without_tenant_before: 1,
                rows_without_tenant: 1,
                rows_without_tenant_refused: 0,
                status: Verdict::Inconclusive,
            })
            .collect(),
        access: vec![AccessReport {
            name: n(),
            database: Some(n()),
            kind: "write".into(),
            version: n(),
            impact: "production".into(),
            source: Some(n()),
            sql: n(),
            cells: vec![fails(text, 1, 1, text, text), not_in_use("b")],
        }],
        data: DataReport { cases: 1, worlds: 1, rows: 1, not_made: vec![n()] },
        checks: vec![
            CheckReport {
                probes: vec![nasty_probe],
                not_exercised: vec![n()],
                remarks: vec![RemarkReport { subject: n(), table: Some(n()), message: n(), cases: 1 }],
                ..violated(text, text, 1, vec![finding])
            },
            check("backfill-complete", text, CheckOutcome::Inconclusive { reason: n() }),
            not_applicable("rls-read", text, text),
        ],
        evidence: Evidence {
            state: vec![StateChange { subject: n(), before: Some(n()), after: Some(n()), ok: Some(false) }],
            behaviour: vec![BehaviourChange {
                attempt: n(),
                sql: n(),
                before: Answered { tried: 1, refused: 1, answer: Some(n()) },
                after: Answered { tried: 1, ..Answered::default() },
            }],
            presets: vec![PresetReport {
                title: n(),
                tables: vec![PresetTable {
                    table: n(),
                    rows: 1,
                    through: vec![n()],
                    ..PresetTable::default()
                }],
                facts: vec![fact(None, text)],
                dropped: vec![DroppedColumn { step: n(), column: n(), rows: 1, filled: 1, restored: None }],
                ms: 1.0,
            }],
            indexes: vec![IndexReport {
                database: Some(n()),
                table: n(),
                name: n(),
                method: n(),
                definition: n(),
                ..IndexReport::default()
            }],
            expectations: Some(Expectations { met: 0, unmet: vec![n()] }),
            known: vec![KnownFailure {
                id: n(),
                title: n(),
                invariant: n(),
                outcome: KnownOutcome::CannotRun,
                note: Some(n()),
            }],
            scope: vec![TableScope {
                database: Some(n()),
                table: n(),
                shapes: vec![ShapeCount { shape: n(), cases: 0 }],
                pairs: Share { reached: 1, all: 2 },
            }],
            flaky: vec![Flaky {
                invariant: n(),
                title: n(),
                message: n(),
                seed: 1,
                first: vec![n()],
                second: vec![n()],
            }],
            large: Some(LargeReport {
                rows: 1,
                tenants: 1,
                load_ms: 1.0,
                steps: vec![LargeStep { id: n(), ms: 1.0 }],
                answers: vec![LargeAnswer {
                    at: n(),
                    question: n(),
                    verdict: Verdict::Violated,
                    seen: n(),
                    rows: 1,
                    ms: 1.0,
                }],
                left_out: vec![n()],
            }),
            strength: Some(strength(text)),
        },
        ms: 1.0,
    }
}

/// A fault of every fate, with that text wherever there is room for one.
fn strength(text: &str) -> Strength {
    let n = || text.to_owned();
    let fates = [
        Fate::Caught { by: vec![n()], cases: 1, title: n() },
        Fate::Undecided { why: vec![n(), n()] },
        Fate::Survived { differs: vec![n()], silenced: vec![n()], closes: n() },
        Fate::NoEffect,
        Fate::NotApplied { why: n() },
    ];
    let fault = |fate| SeededFault {
        operator: n(),
        stands_for: n(),
        step: n(),
        file: n(),
        line: 1,
        before: n(),
        after: n(),
        fate,
    };
    Strength {
        seed: 1,
        cases: 1,
        checks: vec![n()],
        unusable: vec![n(), n()],
        faults: fates.into_iter().map(fault).collect(),
        left_out: 1,
        ms: 1.0,
    }
}
