//! What the reader decides on: risk, coverage, assumptions, conclusion.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use super::tried::passes;
use crate::areas::Area;
use crate::issues;
use crate::model::{AccessOutcome, CheckOutcome, PresetReport, Severity, Verdict};
use crate::units::{bound_cell, count, number, percent};
use crate::words;

#[derive(Serialize)]
struct Level {
    name: &'static str,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    mark: &'static str,
    text: String,
}

fn line(mark: &'static str, text: String) -> Line {
    Line { mark, text }
}

pub(super) fn risk(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Risk {
        overall: &'static str,
        levels: Vec<Level>,
    }
    let levels = [
        Level { name: "High", lines: high(subject).into_iter().map(|text| line("❌", text)).collect() },
        Level {
            name: "Medium", lines: medium(subject).into_iter().map(|text| line("⚠️", text)).collect()
        },
        Level { name: "Low", lines: low(subject) },
    ];
    let levels: Vec<Level> = levels.into_iter().filter(|level| !level.lines.is_empty()).collect();
    let overall = levels.first()?.name;
    Some(Section::new(include_str!("../../templates/risk.md"), Risk { overall, levels }))
}

fn findings(subject: &Subject<'_>, severities: &[Severity]) -> Vec<String> {
    let wanted = subject.issues.iter().filter(|issue| severities.contains(&issue.finding.severity));
    issues::fixes(wanted).iter().map(|fix| format!("{}: {}", fix.span(), fix.title())).collect()
}

fn high(subject: &Subject<'_>) -> Vec<String> {
    findings(subject, &[Severity::Critical, Severity::High])
}

fn medium(subject: &Subject<'_>) -> Vec<String> {
    let scenario = subject.scenario;
    let mut lines: Vec<String> = findings(subject, &[Severity::Medium]);
    lines.extend(
        subject
            .checks_with(Verdict::Inconclusive)
            .map(|check| format!("`{}` could not be decided", check.invariant)),
    );
    let unexercised: usize = scenario.checks.iter().map(|check| check.not_exercised.len()).sum();
    if unexercised > 0 {
        lines.push(format!(
            "{} not exercised, see Coverage",
            count(unexercised as u64, "subject", "subjects")
        ));
    }
    let not_through = scenario.evidence.presets.iter().filter(|preset| !preset.is_as_documented());
    lines.extend(not_through.map(|preset| format!("“{}” did not go through as documented", preset.title)));
    lines.extend(scenario.evidence.large.iter().flat_map(|large| large.told().map(|(_, line)| line)));
    if !scenario.data.not_made.is_empty() {
        let kinds = count(scenario.data.not_made.len() as u64, "kind", "kinds");
        lines.push(format!("{kinds} of rows could not be made, see Coverage"));
    }
    let lost = scenario.steps.iter().filter(|step| !step.not_restored.is_empty());
    lines.extend(lost.map(|step| format!("the way back of `{}` does not bring everything back", step.id)));
    let without: Vec<String> = scenario
        .steps
        .iter()
        .filter(|step| step.kind == "migrate" && step.down_file.is_none())
        .map(|step| format!("`{}`", step.id))
        .collect();
    if !without.is_empty() {
        lines.push(format!("no way back is given for {}", words::list(&without)));
    }
    lines
}

fn low(subject: &Subject<'_>) -> Vec<Line> {
    let mut lines: Vec<Line> =
        findings(subject, &[Severity::Low]).into_iter().map(|text| line("⚠️", text)).collect();
    for area in Area::ALL {
        let applicable: Vec<_> = area
            .checks(&subject.scenario.checks)
            .filter(|check| check.outcome.verdict() != Verdict::NotApplicable)
            .collect();
        let held = applicable.iter().all(|check| check.outcome.verdict() == Verdict::Held);
        if held && !applicable.is_empty() {
            let checks = count(applicable.len() as u64, "check", "checks");
            let worlds = words::least_worlds(applicable);
            lines.push(line("✅", format!("{}: {checks} held{worlds}", area.checks_title())));
        }
    }
    lines
}

pub(super) fn coverage(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        invariant: &'a str,
        title: &'a str,
        verdict: String,
        cases: String,
        worlds: String,
        bound: String,
    }
    #[derive(Serialize)]
    struct Note<'a> {
        invariant: &'a str,
        text: &'a str,
    }
    #[derive(Serialize)]
    struct Coverage<'a> {
        data: String,
        rows: Vec<Row<'a>>,
        not_exercised: Vec<Note<'a>>,
        not_made: &'a [String],
        not_applicable: Vec<Note<'a>>,
    }
    let scenario = subject.scenario;
    let dash = || "–".to_owned();
    let rows = subject
        .applicable()
        .map(|check| {
            let exercised = check.outcome.exercised();
            Row {
                invariant: &check.invariant,
                title: &check.title,
                verdict: check.outcome.verdict().marked(),
                cases: exercised.map_or_else(dash, |e| number(e.cases.get())),
                worlds: exercised.map_or_else(dash, |e| number(e.worlds.get())),
                bound: match &check.outcome {
                    CheckOutcome::Held { upper_bound_95, .. } => bound_cell(*upper_bound_95),
                    _ => dash(),
                },
            }
        })
        .collect();
    let not_exercised = scenario
        .checks
        .iter()
        .flat_map(|check| check.not_exercised.iter().map(|text| Note { invariant: &check.invariant, text }))
        .collect();
    let not_applicable = subject
        .checks_with(Verdict::NotApplicable)
        .map(|check| Note { invariant: &check.invariant, text: check.outcome.reason().unwrap_or_default() })
        .collect();
    let data = &scenario.data;
    let coverage = Coverage {
        data: format!(
            "{} with {} and {} were generated from seed {}.",
            count(data.cases, "case", "cases"),
            count(data.worlds, "world", "worlds"),
            count(data.rows, "row", "rows"),
            subject.run.seed
        ),
        rows,
        not_exercised,
        not_made: &data.not_made,
        not_applicable,
    };
    Some(Section::new(include_str!("../../templates/coverage.md"), coverage))
}

pub(super) fn assumptions(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Assumptions<'a> {
        assumptions: &'a [String],
    }
    let assumptions = subject.scenario.assumptions.as_slice();
    (!assumptions.is_empty())
        .then(|| Section::new(include_str!("../../templates/assumptions.md"), Assumptions { assumptions }))
}

#[derive(Serialize)]
struct Criterion {
    criterion: String,
    target: String,
    achieved: String,
    mark: &'static str,
}

fn criterion(criterion: &str, target: String, achieved: String, verdict: Verdict) -> Criterion {
    Criterion { criterion: criterion.to_owned(), target, achieved, mark: verdict.mark() }
}

pub(super) fn conclusion(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Conclusion {
        criteria: Vec<Criterion>,
        mark: &'static str,
        word: &'static str,
        status: String,
        verdict: Verdict,
        mend: Vec<String>,
        decide: Vec<String>,
        develop: Vec<String>,
        undecided: Vec<String>,
        digest: String,
        incomplete: bool,
    }
    let of = |wanted: &[Severity]| subject.labels(|issue| wanted.contains(&issue.finding.severity));
    let verdict = subject.scenario.verdict;
    let undecided = subject.checks_with(Verdict::Inconclusive).map(|check| format!("`{}`", check.invariant));
    let conclusion = Conclusion {
        criteria: criteria(subject),
        mark: verdict.mark(),
        word: verdict.word(),
        status: subject.status(),
        verdict,
        mend: of(&[Severity::Critical, Severity::High]),
        decide: of(&[Severity::Medium]),
        develop: of(&[Severity::Low]),
        undecided: undecided.collect(),
        digest: subject.digest(),
        incomplete: subject.run.incomplete.is_some(),
    };
    Some(Section::new(include_str!("../../templates/conclusion.md"), conclusion))
}

/// What a release is accepted by, as measured.
fn criteria(subject: &Subject<'_>) -> Vec<Criterion> {
    let scenario = subject.scenario;
    let mut rows = Vec::new();
    let held_if = |good: bool| if good { Verdict::Held } else { Verdict::Violated };
    let verdicts: Vec<Verdict> = subject.applicable().map(|check| check.outcome.verdict()).collect();
    let held = verdicts.iter().filter(|&&verdict| verdict == Verdict::Held).count();
    if !verdicts.is_empty() {
        let target = count(verdicts.len() as u64, "check", "checks");
        let verdict = Verdict::worst(verdicts);
        rows.push(criterion("Applicable checks held", target, number(held as u64), verdict));
    }
    if let Some(check) = subject.check("backfill-complete") {
        let tables = scenario.tables.iter().filter(|table| table.tenant_column.is_some());
        let (before, left) = tables.fold((0, 0), |(before, left), table| {
            let still = table.rows_without_tenant + table.rows_without_tenant_refused;
            (before + table.rows_without_tenant_before, left + still)
        });
        // Where a NULL tenant is meant, what is left says nothing against the backfill.
        let meant = left > 0 && check.outcome.verdict() == Verdict::Held;
        if before > 0 && left <= before && !meant {
            let achieved = format!(
                "{} ({} of {} rows)",
                percent(before - left, before),
                number(before - left),
                number(before)
            );
            let verdict = check.outcome.verdict();
            rows.push(criterion("Rows that had no tenant have one", "100 %".to_owned(), achieved, verdict));
        }
    }
    let production = scenario.access.iter().filter(|path| path.impact != "development");
    let sent: Vec<_> = production
        .filter(|path| {
            let answered = |outcome: &AccessOutcome| {
                matches!(outcome, AccessOutcome::Works { .. } | AccessOutcome::Fails { .. })
            };
            path.cells.iter().any(|cell| answered(&cell.outcome))
        })
        .collect();
    if !sent.is_empty() {
        let broken = sent.iter().filter(|path| path.fails()).count();
        let achieved = format!("{broken} of {}", count(sent.len() as u64, "path", "paths"));
        rows.push(criterion(
            "Production paths that break while in use",
            "0".to_owned(),
            achieved,
            held_if(broken == 0),
        ));
    }
    let probes: Vec<_> = scenario.checks.iter().flat_map(|check| &check.probes).collect();
    if !probes.is_empty() {
        let passed = probes.iter().filter(|probe| passes(probe)).count();
        let failed = probes.iter().any(|probe| probe.passed < probe.tried);
        let verdict = match (passed == probes.len(), failed) {
            (true, _) => Verdict::Held,
            (false, true) => Verdict::Violated,
            (false, false) => Verdict::Inconclusive,
        };
        let all = number(probes.len() as u64);
        rows.push(criterion(
            "Tests passed",
            all.clone(),
            format!("{}/{all}", number(passed as u64)),
            verdict,
        ));
    }
    rows.extend(scenario.evidence.presets.iter().map(documented));
    rows
}

/// A documented data set: all of its rows come through, each with its tenant.
fn documented(preset: &PresetReport) -> Criterion {
    let tenanted = preset.tables.iter().filter_map(|t| Some((t.with_tenant?, t.rows)));
    let (with, rows) = tenanted.fold((0, 0), |(with, all), (w, rows)| (with + w, all + rows));
    let achieved = match (preset.is_as_documented(), rows) {
        (false, _) => "no, see Documented data sets".to_owned(),
        (true, 0) => number(preset.tables.iter().map(|t| t.rows).sum()),
        (true, _) => {
            format!("{} ({} of {} rows with their tenant)", percent(with, rows), number(with), number(rows))
        }
    };
    let verdict = if preset.is_as_documented() { Verdict::Held } else { Verdict::Inconclusive };
    criterion(&format!("“{}” goes through", preset.title), "100 %".to_owned(), achieved, verdict)
}
