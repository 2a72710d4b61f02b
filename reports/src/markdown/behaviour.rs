//! What the database answers otherwise after the timeline than before it, and what goes on as it was.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::{AccessOutcome, Answered};
use crate::units::number;

#[derive(Serialize)]
struct Change<'a> {
    attempt: &'a str,
    sql: &'a str,
    before: String,
    after: String,
    answer: Option<&'a str>,
}

#[derive(Serialize)]
struct Path<'a> {
    name: &'a str,
    before: String,
    after: String,
}

#[derive(Serialize)]
struct Behaviour<'a> {
    changes: Vec<Change<'a>>,
    paths: Vec<Path<'a>>,
}

pub(super) fn behaviour(subject: &Subject<'_>) -> Option<Section> {
    let changes = &subject.scenario.evidence.behaviour;
    let changes: Vec<Change<'_>> = changes
        .iter()
        .map(|change| Change {
            attempt: &change.attempt,
            sql: &change.sql,
            before: answered(&change.before),
            after: answered(&change.after),
            answer: change.after.answer.as_deref().or(change.before.answer.as_deref()),
        })
        .collect();
    let paths = subject.scenario.access.iter().filter(|path| path.kind == "write");
    let paths: Vec<Path<'_>> = paths
        .filter_map(|path| {
            let (before, after) =
                (outcome(&path.cells.first()?.outcome)?, outcome(&path.cells.last()?.outcome)?);
            Some(Path { name: &path.name, before, after })
        })
        .collect();
    // Paths alone are told in the matrix.
    (!changes.is_empty())
        .then(|| Section::new(include_str!("../../templates/behaviour.md"), Behaviour { changes, paths }))
}

fn answered(answered: &Answered) -> String {
    let Answered { tried, refused, .. } = answered;
    match *refused {
        0 => format!("accepted {0}/{0}", number(*tried)),
        refused => format!("refused {}/{}", number(refused), number(*tried)),
    }
}

/// How a path was answered, if it was sent.
fn outcome(outcome: &AccessOutcome) -> Option<String> {
    match outcome {
        AccessOutcome::NotInUse | AccessOutcome::NotExercised => None,
        AccessOutcome::Works { sent } => Some(format!("✅ accepted {0}/{0}", number(*sent))),
        AccessOutcome::Fails { sent, refused, .. } => {
            Some(format!("❌ refused {}/{}", number(*refused), number(*sent)))
        }
    }
}
