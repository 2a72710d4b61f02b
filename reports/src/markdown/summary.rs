//! The first page: header, status, executive summary, required fixes.

use serde::Serialize;

use super::engine::Section;
use super::subject::{Run, Subject};
use crate::areas::Area;
use crate::issues::{self, Issue};
use crate::model::{AccessOutcome, AccessReport, CheckOutcome, CheckReport, Verdict};
use crate::units::{count, number};
use crate::words;

/// Rows of the table of fixes; the issues themselves are all told below.
const FIXES_MAX: usize = 12;

pub(super) fn header(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Header<'a> {
        run: Run<'a>,
        id: &'a str,
        title: &'a str,
        summary: &'a Option<String>,
        digest: &'a str,
        ms: f64,
        data: String,
        repeat: String,
        mark: &'static str,
        word: &'static str,
        status: String,
        unmet: &'a [String],
    }
    let scenario = subject.scenario;
    let data = &scenario.data;
    let header = Header {
        run: Run::of(subject.run),
        id: &scenario.id,
        title: &scenario.title,
        summary: &scenario.summary,
        digest: &scenario.digest,
        ms: scenario.ms,
        data: format!(
            "{}, {}, {}",
            count(data.cases, "case", "cases"),
            count(data.worlds, "world", "worlds"),
            count(data.rows, "row", "rows")
        ),
        repeat: subject.repeat(),
        mark: scenario.verdict.mark(),
        word: scenario.verdict.word(),
        status: subject.status(),
        unmet: scenario.evidence.expectations.as_ref().map_or(&[], |expected| &expected.unmet),
    };
    Some(Section::new(include_str!("../../templates/header.md"), header))
}

/// What stands for the verdict of an area of which no check ran.
const NOT_EXERCISED: &str = "ℹ️ not exercised";

#[derive(Serialize)]
struct AreaRow {
    title: &'static str,
    verdict: String,
    measured: String,
    labels: Vec<String>,
}

pub(super) fn executive(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Executive {
        rows: Vec<AreaRow>,
    }
    let rows = Area::ALL.into_iter().filter_map(|area| area_row(subject, area)).collect();
    Some(Section::new(include_str!("../../templates/executive.md"), Executive { rows }))
}

/// The areas that every migration has are always told; the others when there is a check of theirs.
fn area_row(subject: &Subject<'_>, area: Area) -> Option<AreaRow> {
    if let Area::Reads | Area::Writes = area {
        return Some(access_row(subject, area));
    }
    let always = matches!(area, Area::Schema | Area::Scripts | Area::Isolation | Area::Rollback);
    let checks: Vec<&CheckReport> = area.checks(&subject.scenario.checks).collect();
    let verdict = Verdict::worst(checks.iter().map(|check| check.outcome.verdict()));
    let word = if checks.is_empty() { NOT_EXERCISED.to_owned() } else { verdict.marked() };
    if verdict == Verdict::NotApplicable && !always {
        return None;
    }
    let mut measured = area_measure(subject, area);
    measured.push(checks_measure(&checks));
    Some(AreaRow {
        title: area.title(),
        verdict: word,
        measured: sentence(&measured),
        labels: subject.labels(|issue| Area::of(&issue.check.invariant) == area),
    })
}

/// How many of an area's checks held, and how well they were exercised.
fn checks_measure(checks: &[&CheckReport]) -> String {
    let applicable =
        checks.iter().filter(|check| check.outcome.verdict() != Verdict::NotApplicable).count() as u64;
    if applicable == 0 {
        let reason = checks.first().and_then(|check| check.outcome.reason());
        return reason.unwrap_or("no check of this area ran").to_owned();
    }
    let held = checks.iter().filter(|check| check.outcome.verdict() == Verdict::Held).count();
    let exercised = words::least_worlds(checks.iter().copied());
    format!("{held} of {} held{exercised}", count(applicable, "check", "checks"))
}

/// What was measured besides the checks.
fn area_measure(subject: &Subject<'_>, area: Area) -> Vec<String> {
    let steps = &subject.scenario.steps;
    match area {
        Area::Schema => {
            let migrations: Vec<_> = steps.iter().filter(|step| step.kind == "migrate").collect();
            if migrations.is_empty() {
                return Vec::new();
            }
            let applied = migrations.iter().map(|step| step.applied).sum();
            let refused = match migrations.iter().map(|step| step.refused).sum() {
                0 => String::new(),
                n => format!(", refused {}", count(n, "time", "times")),
            };
            let migrations = count(migrations.len() as u64, "migration", "migrations");
            vec![format!("{migrations} applied {}{refused}", count(applied, "time", "times"))]
        }
        Area::Scripts => {
            let kinds = [("backfill", "backfill", "backfills"), ("check", "check script", "check scripts")];
            let scripts = kinds.iter().filter_map(|(kind, one, many)| {
                let n = steps.iter().filter(|step| step.kind == *kind).count() as u64;
                (n > 0).then(|| count(n, one, many))
            });
            let scripts: Vec<String> = scripts.collect();
            if scripts.is_empty() { Vec::new() } else { vec![words::list(&scripts)] }
        }
        Area::Rollback => {
            let migrations: Vec<_> = steps.iter().filter(|step| step.kind == "migrate").collect();
            let back = migrations.iter().filter(|step| step.down_file.is_some()).count();
            match migrations.len() {
                0 => Vec::new(),
                n => {
                    vec![format!("{back} of {} with a way back", count(n as u64, "migration", "migrations"))]
                }
            }
        }
        Area::Databases => {
            let rows: u64 = steps.iter().flat_map(|step| &step.copied).map(|table| table.target_rows).sum();
            if rows == 0 {
                Vec::new()
            } else {
                vec![format!("{} in the target after the copy", count(rows, "row", "rows"))]
            }
        }
        _ => Vec::new(),
    }
}

fn access_row(subject: &Subject<'_>, area: Area) -> AreaRow {
    let kind = if area == Area::Reads { "read" } else { "write" };
    let paths: Vec<&AccessReport> = subject.scenario.access.iter().filter(|path| path.kind == kind).collect();
    let declared = count(paths.len() as u64, "path", "paths");
    let (mut sent, mut refused, mut idle) = (0, 0, 0);
    for cell in paths.iter().flat_map(|path| &path.cells) {
        match cell.outcome {
            AccessOutcome::NotInUse => {}
            AccessOutcome::NotExercised => idle += 1,
            AccessOutcome::Works { sent: n } => sent += n,
            AccessOutcome::Fails { sent: n, refused: r, .. } => (sent, refused) = (sent + n, refused + r),
        }
    }
    let failing = paths.iter().filter(|path| path.fails()).count();
    let development = match paths.iter().filter(|path| path.fails() && path.impact == "development").count() {
        0 => String::new(),
        n => format!(" ({n} in development only)"),
    };
    let undecided = subject
        .check("access-compatible")
        .is_some_and(|check| matches!(check.outcome, CheckOutcome::Inconclusive { .. }));
    // An issue of any check that names one of these paths; one that names none is told with the writes.
    let ours = |issue: &Issue<'_>| {
        let access = &issue.finding.access;
        paths.iter().any(|path| access.contains(&path.name))
            || access.is_empty() && area == Area::Writes && Area::of(&issue.check.invariant) == area
    };
    let labels = subject.labels(ours);
    let statements = count(sent, "statement", "statements");
    let mut measured = Vec::new();
    let verdict = if paths.is_empty() {
        measured.push(format!("the scenario declares no {kind} path"));
        Verdict::NotApplicable
    } else if sent == 0 {
        measured.push(format!("{declared} declared, none exercised"));
        Verdict::Inconclusive
    } else if failing > 0 {
        measured.push(format!(
            "{failing} of {declared} fail{development}: {} of {statements} refused",
            number(refused)
        ));
        Verdict::Violated
    } else {
        measured.push(format!("{declared}: {statements} sent, all answered"));
        match (labels.is_empty(), undecided) {
            (false, _) => Verdict::Violated,
            (true, true) => Verdict::Inconclusive,
            (true, false) => Verdict::Held,
        }
    };
    if idle > 0 && sent > 0 {
        measured.push(format!("{} of the matrix not exercised", count(idle, "cell", "cells")));
    }
    AreaRow { title: area.title(), verdict: verdict.marked(), measured: sentence(&measured), labels }
}

/// Clauses as one sentence.
fn sentence(clauses: &[String]) -> String {
    let text = clauses.join("; ");
    let end = if text.ends_with('.') { "" } else { "." };
    let mut chars = text.chars();
    let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{head}{}{end}", chars.as_str())
}

pub(super) fn required_fixes<'a>(subject: &Subject<'a>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        labels: Vec<String>,
        severity: &'static str,
        mark: &'static str,
        title: String,
        places: Vec<String>,
        remedy: &'a str,
    }
    #[derive(Serialize)]
    struct Fixes<'a> {
        more: u64,
        fixes: Vec<Row<'a>>,
    }
    let fixes = issues::fixes(&subject.issues);
    let row = |fix: &issues::Fix<'a, '_>| Row {
        labels: fix.labels(),
        severity: fix.first().finding.severity.word(),
        mark: fix.first().finding.severity.mark(),
        title: fix.title(),
        places: fix.places(),
        remedy: &fix.first().finding.remedy,
    };
    let more = fixes.len().saturating_sub(FIXES_MAX) as u64;
    let fixes: Vec<Row<'_>> = fixes.iter().take(FIXES_MAX).map(row).collect();
    (!fixes.is_empty()).then(|| Section::new(include_str!("../../templates/fixes.md"), Fixes { more, fixes }))
}
