//! Faults in row security and rights.

use std::ops::Range;

use super::pieces::{Piece, Place};
use super::{Edit, Site};
use crate::lex::Kind;

fn is_policy(piece: &Piece<'_>) -> bool {
    piece.begins(&["create", "policy"]) || piece.begins(&["alter", "policy"])
}

/// A policy's expression, with TRUE in its place.
fn open(site: &Site<'_>, keywords: &[&str]) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    if !is_policy(piece) {
        return Vec::new();
    }
    let Some(at) = piece.find(piece.all(), 0, keywords) else { return Vec::new() };
    let open = at + keywords.len();
    let Some(close) = piece.close(open) else { return Vec::new() };
    if close == open + 2 && piece.words[open + 1].is("true") {
        return Vec::new();
    }
    vec![vec![Edit { range: piece.bytes(open..close + 1), with: "(true)".to_owned() }]]
}

pub(super) fn open_using(site: &Site<'_>) -> Vec<Vec<Edit>> {
    open(site, &["using"])
}

pub(super) fn open_with_check(site: &Site<'_>) -> Vec<Vec<Edit>> {
    open(site, &["with", "check"])
}

pub(super) fn drop_policy(site: &Site<'_>) -> Vec<Vec<Edit>> {
    if site.piece.begins(&["create", "policy"]) { site.without_statement() } else { Vec::new() }
}

/// A restrictive policy narrows what others allow; permissive, it adds to it.
pub(super) fn make_permissive(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let at = piece.find(piece.all(), 0, &["as", "restrictive"]).filter(|_| is_policy(piece));
    at.map(|at| vec![Edit { range: piece.bytes(at + 1..at + 2), with: "PERMISSIVE".to_owned() }])
        .into_iter()
        .collect()
}

pub(super) fn keep_policy(site: &Site<'_>) -> Vec<Vec<Edit>> {
    if site.piece.begins(&["drop", "policy"]) { site.without_statement() } else { Vec::new() }
}

/// The roles behind TO, replaced by PUBLIC.
fn to_public(piece: &Piece<'_>) -> Vec<Vec<Edit>> {
    let Some(to) = piece.find(piece.all(), 0, &["to"]) else { return Vec::new() };
    let ends = ["using", "with", "granted"];
    let end =
        (to + 1..piece.words.len()).find(|&at| piece.words[at].is_any(&ends)).unwrap_or(piece.words.len());
    let roles: Range<usize> = to + 1..end;
    if roles.is_empty() || roles.clone().any(|at| piece.words[at].is("public")) {
        return Vec::new();
    }
    vec![vec![Edit { range: piece.bytes(roles), with: "PUBLIC".to_owned() }]]
}

/// GRANT … ON; a membership is not for everybody to have.
pub(super) fn widen_grant(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let is_grant = piece.begins(&["grant"]) && piece.find(piece.all(), 0, &["on"]).is_some();
    if is_grant { to_public(piece) } else { Vec::new() }
}

pub(super) fn widen_policy(site: &Site<'_>) -> Vec<Vec<Edit>> {
    if is_policy(site.piece) { to_public(site.piece) } else { Vec::new() }
}

pub(super) fn drop_revoke(site: &Site<'_>) -> Vec<Vec<Edit>> {
    if site.piece.begins(&["revoke"]) { site.without_statement() } else { Vec::new() }
}

/// `security_invoker = true` of a view, set to false.
pub(super) fn drop_security_invoker(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let is_view = piece.words.iter().take(5).any(|w| w.is("view"));
    let Some(at) = piece.all().find(|&at| piece.words[at].is("security_invoker")).filter(|_| is_view) else {
        return Vec::new();
    };
    let end = if piece.is_at(at + 1, "=") { at + 3 } else { at + 1 };
    if end > at + 1 && piece.words.get(at + 2).is_some_and(|w| w.is_any(&["false", "off"])) {
        return Vec::new();
    }
    vec![vec![Edit { range: piece.bytes(at..end), with: "security_invoker = false".to_owned() }]]
}

fn creates_routine(piece: &Piece<'_>) -> bool {
    let at = piece.skip(1, &["or", "replace"]);
    piece.begins(&["create"]) && piece.words.get(at).is_some_and(|w| w.is_any(&["function", "procedure"]))
}

fn is_definer(piece: &Piece<'_>) -> bool {
    piece.find(piece.all(), 0, &["security", "definer"]).is_some()
}

/// A function that runs with the rights of whoever owns it.
pub(super) fn make_definer(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    if !creates_routine(piece) || is_definer(piece) {
        return Vec::new();
    }
    if let Some(at) = piece.find(piece.all(), 0, &["security", "invoker"]) {
        return vec![vec![Edit { range: piece.bytes(at + 1..at + 2), with: "DEFINER".to_owned() }]];
    }
    let Some(at) = piece.find(piece.all(), 0, &["language"]) else { return Vec::new() };
    let range = piece.words[at].range.clone();
    vec![vec![Edit { with: format!("SECURITY DEFINER {}", site.text(&range)), range }]]
}

/// `SET search_path = …` of a function that runs with its owner's rights.
pub(super) fn drop_search_path(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    if !creates_routine(piece) || !is_definer(piece) {
        return Vec::new();
    }
    let Some(at) = piece.find(piece.all(), 0, &["set", "search_path"]) else { return Vec::new() };
    // Up to the last of its values, which commas join.
    let mut end = at + 4;
    while piece.is_at(end, ",") {
        end += 2;
    }
    vec![vec![Edit::drop(piece.bytes(at..end.min(piece.words.len())))]]
}

pub(super) fn drop_trigger(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let creates = piece.begins(&["create"]) && piece.words.iter().take(5).any(|w| w.is("trigger"));
    if creates { site.without_statement() } else { Vec::new() }
}

/// The whole block that guards.
pub(super) fn empty_guard(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let is_block = site.piece.place == Place::Script && site.piece.in_guard;
    if is_block { site.without_statement() } else { Vec::new() }
}

/// One of the tests of a guard, which then finds nothing.
pub(super) fn narrow_guard(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    if !piece.in_guard || piece.place != Place::Block {
        return Vec::new();
    }
    let mut found = Vec::new();
    for is in piece.all().filter(|&at| piece.has(at, &["is", "null"])) {
        let mut start = is;
        while start > 0 {
            let word = &piece.words[start - 1];
            let names = matches!(word.kind, Kind::QuotedIdent) || word.text == ".";
            let plain =
                word.kind == Kind::Word && !word.is_any(&["where", "and", "or", "not", "if", "when", "on"]);
            if !(names || plain) {
                break;
            }
            start -= 1;
        }
        // A variable that was counted into is not a column that is looked at.
        let looks = (0..start).any(|at| piece.words[at].is("where"));
        if start < is && looks {
            found.push(vec![Edit { range: piece.bytes(start..is + 2), with: "FALSE".to_owned() }]);
        }
    }
    found
}

pub(super) fn drop_vector_index(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let creates = piece.begins(&["create", "index"]);
    let of_vectors = piece.words.iter().any(|w| w.is_any(&["hnsw", "ivfflat"]));
    if creates && of_vectors { site.without_statement() } else { Vec::new() }
}

/// A statement of a way back.
pub(super) fn drop_down(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let is_whole = site.piece.place == Place::Script;
    let controls = ["begin", "commit", "start", "set", "reset", "lock", "end"];
    let counts = !site.piece.words.first().is_none_or(|w| w.is_any(&controls));
    if is_whole && counts { site.without_statement() } else { Vec::new() }
}
