//! Read and write paths against checkpoints.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::{AccessOutcome, AccessReport};
use crate::units::{count, number};
use crate::words;

/// Failing paths that are told in full; the others are folded.
const FAILURES_OPEN_MAX: usize = 5;

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    notes: String,
    cells: Vec<String>,
    labels: Vec<String>,
}

#[derive(Serialize)]
struct Matrix<'a> {
    heading: &'static str,
    verdict: String,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    name: &'a str,
    source: &'a Option<String>,
    sql: &'a str,
    answers: Vec<Answer>,
    labels: Vec<String>,
}

#[derive(Serialize)]
struct Answer {
    checkpoints: String,
    sqlstate: String,
    message: String,
    refused: String,
}

pub(super) fn matrix(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Access<'a> {
        checkpoints: Vec<&'a str>,
        matrices: Vec<Matrix<'a>>,
        idle: bool,
        failures: Vec<Failure<'a>>,
        failures_open: usize,
    }
    let paths = &subject.scenario.access;
    let checkpoints: Vec<&str> = paths.first()?.cells.iter().map(|cell| cell.checkpoint.as_str()).collect();
    let matrices = [("read", "Read paths"), ("write", "Write paths")]
        .into_iter()
        .filter_map(|(kind, heading)| {
            let paths: Vec<&AccessReport> = paths.iter().filter(|path| path.kind == kind).collect();
            (!paths.is_empty()).then(|| Matrix {
                heading,
                verdict: verdict(&paths),
                rows: paths.iter().map(|path| row(subject, path, checkpoints.len())).collect(),
            })
        })
        .collect();
    let idle = paths
        .iter()
        .flat_map(|path| &path.cells)
        .any(|cell| matches!(cell.outcome, AccessOutcome::NotExercised));
    let failures = paths.iter().filter(|path| path.fails()).map(|path| failure(subject, path)).collect();
    let access = Access { checkpoints, matrices, idle, failures, failures_open: FAILURES_OPEN_MAX };
    Some(Section::new(include_str!("../../templates/access.md"), access))
}

fn verdict(paths: &[&AccessReport]) -> String {
    let failing = paths.iter().filter(|path| path.fails()).count();
    let all = count(paths.len() as u64, "path", "paths");
    match failing {
        0 => format!("no refusal on {all}"),
        n => format!("{n} of {all} refused at some checkpoint"),
    }
}

fn row<'a>(subject: &Subject<'_>, path: &'a AccessReport, width: usize) -> Row<'a> {
    let mut notes = vec![path.version.clone()];
    if path.impact == "development" {
        notes.push("development".to_owned());
    }
    notes.extend(path.database.clone());
    // A row is as wide as the table, whatever the model holds.
    let mut cells: Vec<String> = path.cells.iter().map(|cell| cell.outcome.cell()).collect();
    cells.resize(width, "·".to_owned());
    let labels = subject.labels(|issue| issue.finding.access.contains(&path.name));
    Row { name: &path.name, notes: notes.join(", "), cells, labels }
}

fn failure<'a>(subject: &Subject<'_>, path: &'a AccessReport) -> Failure<'a> {
    // One line an answer, with all checkpoints at which it was given.
    let mut answers: Vec<(Answer, Vec<String>, u64, u64)> = Vec::new();
    for cell in &path.cells {
        let AccessOutcome::Fails { sent, refused, sqlstate, message } = &cell.outcome else { continue };
        let checkpoint = format!("`{}`", cell.checkpoint);
        match answers
            .iter_mut()
            .find(|(answer, ..)| answer.sqlstate == *sqlstate && answer.message == *message)
        {
            Some((_, checkpoints, sent_so_far, refused_so_far)) => {
                checkpoints.push(checkpoint);
                *sent_so_far += sent;
                *refused_so_far += refused;
            }
            None => {
                let (sqlstate, message) = (sqlstate.clone(), message.clone());
                let answer = Answer { checkpoints: String::new(), sqlstate, message, refused: String::new() };
                answers.push((answer, vec![checkpoint], *sent, *refused));
            }
        }
    }
    let answers = answers.into_iter().map(|(answer, checkpoints, sent, refused)| Answer {
        checkpoints: words::list(&checkpoints),
        refused: format!("{} of {}", number(refused), count(sent, "statement", "statements")),
        ..answer
    });
    Failure {
        name: &path.name,
        source: &path.source,
        sql: &path.sql,
        answers: answers.collect(),
        labels: subject.labels(|issue| issue.finding.access.contains(&path.name)),
    }
}
