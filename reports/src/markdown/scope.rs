//! Which shapes the generated data had.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::Share;

/// The small scope, a line a table: how many of its shapes were there, and those that were not.
pub(super) fn scope(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        table: String,
        reached: usize,
        all: usize,
        missing: Vec<&'a str>,
        pairs: Share,
    }
    #[derive(Serialize)]
    struct Scope<'a> {
        rows: Vec<Row<'a>>,
    }
    let rows: Vec<Row<'_>> = subject
        .scenario
        .evidence
        .scope
        .iter()
        .map(|scope| {
            let missing: Vec<&str> =
                scope.shapes.iter().filter(|s| s.cases == 0).map(|s| s.shape.as_str()).collect();
            let database = scope.database.as_ref().map(|d| format!("{d}: ")).unwrap_or_default();
            Row {
                table: format!("{database}{}", scope.table),
                reached: scope.shapes.len() - missing.len(),
                all: scope.shapes.len(),
                missing,
                pairs: scope.pairs,
            }
        })
        .collect();
    (!rows.is_empty()).then(|| Section::new(include_str!("../../templates/scope.md"), Scope { rows }))
}
