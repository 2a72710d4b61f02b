//! Faults in statements that move rows: backfills, and what migrations do to data on their way.

use std::ops::Range;

use super::pieces::Piece;
use super::{Edit, Site};
use crate::lex::Kind;

/// Whether the statement reads or writes rows: its conditions are then about rows.
fn is_about_rows(site: &Site<'_>) -> bool {
    let piece = site.piece;
    let heads = ["update", "delete", "insert", "with", "merge", "select", "perform", "return", "for"];
    !piece.in_guard && piece.words.first().is_some_and(|w| w.is_any(&heads))
}

/// Whether the statement writes rows.
fn writes(piece: &Piece<'_>) -> bool {
    let verbs = ["update", "delete", "insert", "merge"];
    piece.words.first().is_some_and(|w| w.is_any(&verbs))
        || piece.begins(&["with"]) && (1..piece.words.len()).any(|at| begins_write(piece, at))
}

/// Whether a statement that writes begins there: `UPDATE` of `FOR UPDATE`, `ON CONFLICT DO UPDATE` and the like does not.
fn begins_write(piece: &Piece<'_>, at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| piece.words.get(at));
    let is_clause = before.is_some_and(|w| w.is_any(&["for", "do", "on", "key", "then"]));
    !is_clause && piece.words[at].is_any(&["update", "delete", "insert", "merge"])
}

pub(super) fn drop_write(site: &Site<'_>) -> Vec<Vec<Edit>> {
    if writes(site.piece) && !site.piece.in_guard { site.without_statement() } else { Vec::new() }
}

/// What is done on a conflict: without it the second run meets the rows of the first.
pub(super) fn drop_on_conflict(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let clauses = piece.all().filter(|&at| piece.has(at, &["on", "conflict"]));
    clauses
        .map(|at| {
            let depth = piece.depth(at);
            let is_end = |n: &usize| {
                piece.depth(*n) < depth || piece.depth(*n) == depth && piece.words[*n].is("returning")
            };
            let end = (at + 2..piece.words.len()).find(is_end).unwrap_or(piece.words.len());
            vec![Edit::drop(piece.bytes(at..end))]
        })
        .collect()
}

pub(super) fn drop_null_filter(site: &Site<'_>) -> Vec<Vec<Edit>> {
    conditions_where(site, |piece, one| is_null_test(piece, one) == Some(true))
}

pub(super) fn drop_join_condition(site: &Site<'_>) -> Vec<Vec<Edit>> {
    conditions_where(site, joins)
}

pub(super) fn drop_filter(site: &Site<'_>) -> Vec<Vec<Edit>> {
    conditions_where(site, |piece, one| {
        is_null_test(piece, one.clone()) != Some(true) && !joins(piece, one.clone())
    })
}

fn conditions_where(site: &Site<'_>, wanted: impl Fn(&Piece<'_>, Range<usize>) -> bool) -> Vec<Vec<Edit>> {
    if !is_about_rows(site) {
        return Vec::new();
    }
    let clauses = clauses(site.piece);
    let of = |clause: &Clause| -> Vec<Vec<Edit>> {
        let parts = clause.parts.iter().enumerate();
        parts
            .filter(|(_, part)| wanted(site.piece, (*part).clone()))
            .map(|(nth, _)| vec![clause.without(site.piece, nth)])
            .collect()
    };
    clauses.iter().flat_map(of).collect()
}

/// `x IS NULL` (`Some(true)`), `x IS NOT NULL` (`Some(false)`), or something else.
fn is_null_test(piece: &Piece<'_>, one: Range<usize>) -> Option<bool> {
    let end = one.end;
    if one.len() >= 3 && piece.has(end - 2, &["is", "null"]) {
        return Some(true);
    }
    (one.len() >= 4 && piece.has(end - 3, &["is", "not", "null"])).then_some(false)
}

/// `a = b`, both of them columns or variables.
fn joins(piece: &Piece<'_>, one: Range<usize>) -> bool {
    let Some(equals) = one.clone().find(|&at| piece.is_at(at, "=")) else { return false };
    is_name(piece, one.start..equals) && is_name(piece, equals + 1..one.end)
}

fn is_name(piece: &Piece<'_>, words: Range<usize>) -> bool {
    let is_ident = |at: usize| matches!(piece.words[at].kind, Kind::Word | Kind::QuotedIdent);
    let is_value = words.len() == 1 && piece.words[words.start].is_any(&["true", "false", "null"]);
    !words.is_empty()
        && words.len() % 2 == 1
        && !is_value
        && words
            .clone()
            .enumerate()
            .all(|(n, at)| if n % 2 == 0 { is_ident(at) } else { piece.is_at(at, ".") })
}

/// WHERE or ON with its conditions, which AND joins.
struct Clause {
    keyword: usize,
    is_on: bool,
    parts: Vec<Range<usize>>,
}

impl Clause {
    /// The clause without one of its conditions.
    fn without(&self, piece: &Piece<'_>, nth: usize) -> Edit {
        let part = &self.parts[nth];
        match (nth, self.parts.len()) {
            (_, 1) if self.is_on => Edit { range: piece.bytes(part.clone()), with: "TRUE".to_owned() },
            (_, 1) => Edit::drop(piece.bytes(self.keyword..part.end)),
            (0, _) => {
                let (first, second) = (piece.bytes(part.clone()), piece.bytes(self.parts[1].clone()));
                Edit::drop(first.start..second.start)
            }
            // With the AND before it.
            _ => Edit::drop(piece.bytes(part.start - 1..part.end)),
        }
    }
}

/// What ends a clause, in its own parentheses.
const ENDS: [&str; 22] = [
    "group",
    "order",
    "limit",
    "returning",
    "having",
    "window",
    "union",
    "except",
    "intersect",
    "for",
    "offset",
    "fetch",
    "on",
    "join",
    "left",
    "right",
    "inner",
    "full",
    "cross",
    "where",
    "loop",
    "when",
];

fn clauses(piece: &Piece<'_>) -> Vec<Clause> {
    let mut found = Vec::new();
    for at in piece.all() {
        let (word, next) = (&piece.words[at], piece.words.get(at + 1));
        let is_on =
            word.is("on") && !next.is_some_and(|w| w.is_any(&["conflict", "delete", "update", "constraint"]));
        let after_distinct = at > 0 && piece.words[at - 1].is("distinct");
        if !(word.is("where") || is_on && !after_distinct) {
            continue;
        }
        let depth = piece.depth(at);
        let is_end = |n: &usize| {
            let closes = piece.is_at(*n, ")") && piece.depth(*n) < depth;
            closes || piece.depth(*n) == depth && (piece.words[*n].is_any(&ENDS) || piece.is_at(*n, ";"))
        };
        let end = (at + 1..piece.words.len()).find(is_end).unwrap_or(piece.words.len());
        if let Some(parts) = parts(piece, at + 1..end, depth) {
            found.push(Clause { keyword: at, is_on, parts });
        }
    }
    found
}

/// The conditions between ANDs; none where an OR makes one of them all.
fn parts(piece: &Piece<'_>, within: Range<usize>, depth: usize) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut start = within.start;
    let (mut between, mut cases) = (false, 0usize);
    for at in within.clone() {
        let word = &piece.words[at];
        if piece.depth(at) != depth {
            continue;
        }
        match word.text.to_ascii_lowercase().as_str() {
            "case" => cases += 1,
            "end" => cases = cases.saturating_sub(1),
            "between" => between = true,
            "or" if cases == 0 => return None,
            "and" if between => between = false,
            "and" if cases == 0 => {
                found.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(start..within.end);
    (found.iter().all(|part| !part.is_empty())).then_some(found)
}
