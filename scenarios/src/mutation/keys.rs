//! Faults in what a table demands: foreign keys, unique keys, NOT NULL, CHECK.

use std::ops::Range;

use super::pieces::Piece;
use super::{Edit, Site};

/// A part of CREATE TABLE or ALTER TABLE: a column, a constraint, an action.
struct Element {
    /// All of its words.
    words: Range<usize>,
    /// Where the column or constraint begins, behind `ADD COLUMN`.
    body: usize,
    depth: usize,
    is_constraint: bool,
    /// `ADD …` and the parts of CREATE TABLE define something; other actions do not.
    defines: bool,
}

/// The parts of a statement, in order.
struct Parts<'p, 'a> {
    site: &'p Site<'a>,
    piece: &'p Piece<'a>,
    elements: Vec<Element>,
    is_create: bool,
}

const CONSTRAINTS: [&str; 7] = ["constraint", "foreign", "unique", "check", "primary", "exclude", "like"];

impl<'p, 'a> Parts<'p, 'a> {
    fn of(site: &'p Site<'a>) -> Option<Self> {
        let piece = site.piece;
        let is_create = piece.begins(&["create"]);
        let table = piece.words.iter().take(4).position(|w| w.is("table"))?;
        if !(is_create || piece.begins(&["alter", "table"])) {
            return None;
        }
        let at = piece.skip(table + 1, &["if", "not", "exists"]);
        let at = piece.skip(piece.skip(at, &["if", "exists"]), &["only"]);
        let at = piece.skip_name(at);
        let ranges = if is_create {
            // CREATE TABLE … AS and … PARTITION OF define nothing here.
            piece.list(at)
        } else {
            piece.items(at..piece.words.len(), 0)
        };
        let depth = usize::from(is_create);
        let elements = ranges
            .into_iter()
            .map(|words| {
                let adds = piece.has(words.start, &["add"]);
                let body = match adds {
                    true => piece.skip(piece.skip(words.start + 1, &["column"]), &["if", "not", "exists"]),
                    false => words.start,
                };
                let is_constraint = piece.words.get(body).is_some_and(|w| w.is_any(&CONSTRAINTS));
                Element { body, depth, is_constraint, defines: is_create || adds, words }
            })
            .collect();
        Some(Self { site, piece, elements, is_create })
    }

    /// Without the whole of an element.
    fn without(&self, nth: usize) -> Vec<Vec<Edit>> {
        if self.elements.len() == 1 && !self.is_create {
            return self.site.without_statement();
        }
        let items: Vec<Range<usize>> = self.elements.iter().map(|e| e.words.clone()).collect();
        vec![vec![without_item(self.piece, &items, nth)]]
    }

    fn defined(&self) -> impl Iterator<Item = (usize, &Element)> {
        self.elements.iter().enumerate().filter(|(_, e)| e.defines)
    }

    fn find(&self, element: &Element, keywords: &[&str]) -> Option<usize> {
        self.piece.find(element.body..element.words.end, element.depth, keywords)
    }

    /// With the name of the constraint, where one stands before it.
    fn with_name(&self, at: usize, element: &Element) -> usize {
        let named = at >= element.body + 2 && self.piece.has(at - 2, &["constraint"]);
        if named { at - 2 } else { at }
    }
}

/// A list without one of its items, and without the comma beside it.
fn without_item(piece: &Piece<'_>, items: &[Range<usize>], nth: usize) -> Edit {
    let own = piece.bytes(items[nth].clone());
    match (nth.checked_sub(1), items.get(nth + 1)) {
        (Some(before), _) => Edit::drop(piece.bytes(items[before].clone()).end..own.end),
        (None, Some(next)) => Edit::drop(own.start..piece.bytes(next.clone()).start),
        (None, None) => Edit::drop(own),
    }
}

/// `REFERENCES table (columns) options`.
struct References {
    words: Range<usize>,
    /// The parenthesis before the columns.
    columns: Option<usize>,
    /// Behind the columns, or the table.
    behind: usize,
    on_delete: Option<Range<usize>>,
}

fn references(parts: &Parts<'_, '_>, element: &Element) -> Option<References> {
    let piece = parts.piece;
    let start = parts.find(element, &["references"])?;
    let mut at = piece.skip_name(start + 1);
    let columns = piece.is_at(at, "(").then_some(at);
    if let Some(open) = columns {
        at = piece.close(open)? + 1;
    }
    let behind = at;
    let mut on_delete = None;
    loop {
        let before = at;
        if piece.has(at, &["match"]) {
            at += 2;
        } else if piece.has(at, &["on", "delete"]) || piece.has(at, &["on", "update"]) {
            let two = piece.has(at + 2, &["set"]) || piece.has(at + 2, &["no"]);
            let mut end = at + if two { 4 } else { 3 };
            if let Some(close) = piece.close(end) {
                end = close + 1; // SET NULL (column)
            }
            if piece.has(at, &["on", "delete"]) {
                on_delete = Some(at..end);
            }
            at = end;
        } else if piece.has(at, &["not", "deferrable"]) || piece.has(at, &["initially"]) {
            at += 2;
        } else if piece.has(at, &["deferrable"]) {
            at += 1;
        }
        if at == before || at >= element.words.end {
            break;
        }
    }
    Some(References { words: start..at.min(element.words.end), columns, behind, on_delete })
}

fn all_references<'p, 'a>(
    site: &'p Site<'a>,
    found: impl Fn(&Parts<'p, 'a>, usize, &Element, References) -> Vec<Vec<Edit>>,
) -> Vec<Vec<Edit>> {
    let Some(parts) = Parts::of(site) else { return Vec::new() };
    let of = |(nth, element)| references(&parts, element).map(|r| found(&parts, nth, element, r));
    parts.defined().filter_map(of).flatten().collect()
}

pub(super) fn drop_foreign_key(site: &Site<'_>) -> Vec<Vec<Edit>> {
    all_references(site, |parts, nth, element, found| {
        if element.is_constraint {
            return parts.without(nth);
        }
        let start = parts.with_name(found.words.start, element);
        vec![vec![Edit::drop(parts.piece.bytes(start..found.words.end))]]
    })
}

/// A key of several columns that says that both rows are of one tenant, without that column.
pub(super) fn drop_key_tenant(site: &Site<'_>) -> Vec<Vec<Edit>> {
    all_references(site, |parts, _, element, found| {
        let piece = parts.piece;
        let Some(own) = parts.find(element, &["foreign", "key"]).map(|at| piece.list(at + 2)) else {
            return Vec::new();
        };
        let Some(target) = found.columns.map(|open| piece.list(open)) else { return Vec::new() };
        if own.len() < 2 || own.len() != target.len() {
            return Vec::new();
        }
        let tenants = own.iter().position(|column| site.is_tenant(column.clone()));
        let edits = |nth| vec![without_item(piece, &own, nth), without_item(piece, &target, nth)];
        tenants.map(edits).into_iter().collect()
    })
}

/// CASCADE is taken away where it stands, and stands where another action did, or none.
pub(super) fn change_on_delete(site: &Site<'_>) -> Vec<Vec<Edit>> {
    all_references(site, |parts, _, _, found| {
        let piece = parts.piece;
        let edit = match found.on_delete {
            Some(words) if piece.has(words.start + 2, &["cascade"]) => Edit::drop(piece.bytes(words)),
            Some(words) => Edit { range: piece.bytes(words), with: "ON DELETE CASCADE".to_owned() },
            None => {
                let range = piece.bytes(found.words.start..found.behind);
                Edit { with: format!("{} ON DELETE CASCADE", site.text(&range)), range }
            }
        };
        vec![vec![edit]]
    })
}

/// The words of UNIQUE in an element, up to its columns.
fn unique(parts: &Parts<'_, '_>, element: &Element) -> Option<Range<usize>> {
    let at = parts.find(element, &["unique"])?;
    let end = parts.piece.skip(at + 1, &["nulls"]);
    let end =
        if end > at + 1 { parts.piece.skip(parts.piece.skip(end, &["not"]), &["distinct"]) } else { end };
    Some(at..end)
}

pub(super) fn drop_unique(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    if piece.begins(&["create", "unique", "index"]) {
        // The index stays, for those who read by it.
        return vec![vec![Edit::drop(piece.words[1].range.start..piece.words[2].range.start)]];
    }
    let Some(parts) = Parts::of(site) else { return Vec::new() };
    let of = |(nth, element): (usize, &Element)| {
        let words = unique(&parts, element)?;
        if element.is_constraint {
            return Some(parts.without(nth));
        }
        let start = parts.with_name(words.start, element);
        Some(vec![vec![Edit::drop(piece.bytes(start..words.end))]])
    };
    parts.defined().filter_map(of).flatten().collect()
}

/// What is unique within a tenant, unique across all of them.
pub(super) fn drop_unique_tenant(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let piece = site.piece;
    let mut lists = Vec::new();
    if piece.begins(&["create", "unique", "index"]) {
        let on = piece.find(piece.all(), 0, &["on"]);
        let open = on.and_then(|on| (on..piece.words.len()).find(|&at| piece.is_at(at, "(")));
        lists.extend(open.map(|open| piece.list(open)));
    } else if let Some(parts) = Parts::of(site) {
        let constraints = parts.defined().filter(|(_, e)| e.is_constraint);
        lists.extend(constraints.filter_map(|(_, e)| Some(piece.list(unique(&parts, e)?.end))));
    }
    let of = |items: Vec<Range<usize>>| {
        let nth = items.iter().position(|column| site.is_tenant(column.clone()))?;
        (items.len() > 1).then(|| vec![without_item(piece, &items, nth)])
    };
    lists.into_iter().filter_map(of).collect()
}

pub(super) fn drop_not_null(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let Some(parts) = Parts::of(site) else { return Vec::new() };
    let piece = parts.piece;
    let mut found = Vec::new();
    for (nth, element) in parts.elements.iter().enumerate() {
        let set = parts.find(element, &["set", "not", "null"]);
        if set.is_some() && piece.has(element.words.start, &["alter"]) {
            found.extend(parts.without(nth));
        } else if element.defines && !element.is_constraint && parts.find(element, &["primary"]).is_none() {
            let Some(at) = parts.find(element, &["not", "null"]) else { continue };
            if at > 0 && piece.words[at - 1].is("is") {
                continue;
            }
            let start = parts.with_name(at, element);
            found.push(vec![Edit::drop(piece.bytes(start..at + 2))]);
        }
    }
    found
}

pub(super) fn drop_check(site: &Site<'_>) -> Vec<Vec<Edit>> {
    let Some(parts) = Parts::of(site) else { return Vec::new() };
    let of = |(nth, element): (usize, &Element)| {
        let at = parts.find(element, &["check"])?;
        if element.is_constraint {
            return Some(parts.without(nth));
        }
        let close = parts.piece.close(at + 1)?;
        let start = parts.with_name(at, element);
        Some(vec![vec![Edit::drop(parts.piece.bytes(start..close + 1))]])
    };
    parts.defined().filter_map(of).flatten().collect()
}

/// Without the actions that begin so.
pub(super) fn drop_actions(site: &Site<'_>, keywords: &[&str]) -> Vec<Vec<Edit>> {
    let Some(parts) = Parts::of(site).filter(|p| !p.is_create) else { return Vec::new() };
    let wanted = |(_, e): &(usize, &Element)| parts.piece.has(e.words.start, keywords);
    let found: Vec<usize> = parts.elements.iter().enumerate().filter(wanted).map(|(nth, _)| nth).collect();
    found.into_iter().flat_map(|nth| parts.without(nth)).collect()
}
