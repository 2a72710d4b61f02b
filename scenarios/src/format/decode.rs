//! From the TOML tree to the raw types: one diagnostic per thing that is wrong, not only the first.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::raw::RawFile;
use super::sources::Sources;
use super::tree::Tree;
use crate::diagnostic::{Diagnostic, suggest};

/// Mistakes shown at most.
const MISTAKES_MAX: usize = 20;

/// Reads the types from the tree. Serde stops at the first mistake; what holds it is cut away and reading starts
/// again, so that the next one is seen too.
pub(crate) fn decode(mut tree: Tree<'_>, sources: &Sources, wrong: &mut Vec<Diagnostic>) -> Option<RawFile> {
    let mut complete = true;
    for _ in 0..MISTAKES_MAX {
        let error = match RawFile::deserialize(Deserializer::from(Spanned::new(0..0, tree.clone()))) {
            Ok(raw) => return complete.then_some(raw),
            Err(error) => error,
        };
        complete = false;
        let Some(span) = error.span() else {
            wrong.push(sources.at(&(0..0), error.message()));
            return None;
        };
        wrong.push(describe(error.message(), &span, sources));
        if !prune(&mut tree, &span) {
            return None;
        }
    }
    None
}

fn describe(message: &str, span: &Range<usize>, sources: &Sources) -> Diagnostic {
    // serde's own wording: "unknown field `x`, expected one of `a`, `b`" or "…, expected `a`".
    for (kind, noun) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        let Some((name, expected)) = message.strip_prefix(kind).and_then(|rest| rest.split_once('`')) else {
            continue;
        };
        let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return sources.at(span, format!("unknown {noun} `{name}`")).help(suggest(name, known));
    }
    match message.strip_prefix("missing field ") {
        Some(key) => sources.at(span, format!("missing key {key}")),
        // What the TOML reader says of an enum's value.
        None if message == "wanted string or table" => sources.at(span, "expected a name in quotes"),
        None => sources.at(span, message),
    }
}

/// Removes the smallest entry that holds the place.
fn prune(tree: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    prune_table(tree, &|found| found == span)
        || prune_table(tree, &|found| found.start <= span.start && span.end <= found.end)
}

fn prune_table(table: &mut DeTable<'_>, hit: &dyn Fn(&Range<usize>) -> bool) -> bool {
    for (_, value) in table.iter_mut() {
        if prune_value(value.get_mut(), hit) {
            return true;
        }
    }
    let key = table.iter().find(|(key, value)| hit(&key.span()) || hit(&value.span()));
    match key.map(|(key, _)| key.get_ref().clone()) {
        Some(key) => table.remove(key.as_ref()).is_some(),
        None => false,
    }
}

fn prune_value(value: &mut DeValue<'_>, hit: &dyn Fn(&Range<usize>) -> bool) -> bool {
    match value {
        DeValue::Table(table) => prune_table(table, hit),
        DeValue::Array(array) => {
            if array.iter_mut().any(|entry| prune_value(entry.get_mut(), hit)) {
                return true;
            }
            let Some(at) = array.iter().position(|entry| hit(&entry.span())) else { return false };
            let kept = array.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, v)| v.clone());
            *array = kept.collect();
            true
        }
        _ => false,
    }
}
