//! The TOML tree between text and types: parsing, and laying a derived scenario over its base.

use std::collections::HashSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::sources::Sources;
use crate::diagnostic::{Diagnostic, suggest};

/// A table of values with their places.
pub(crate) type Tree<'a> = DeTable<'a>;
type Value<'a> = Spanned<DeValue<'a>>;

/// Syntax errors shown at most: the first ones make the later ones.
const SYNTAX_ERRORS_MAX: usize = 3;

/// Parses a file whose places are offset by `base`.
pub(crate) fn parse<'a>(text: &'a str, base: usize, sources: &Sources) -> Result<Tree<'a>, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(shift_table(table.into_inner(), base));
    }
    let mut diagnostics: Vec<Diagnostic> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            sources.at(&offset(&span, base), format!("invalid TOML: {}", error.message()))
        })
        .collect();
    let line = |d: &Diagnostic| d.place.as_ref().map(|p| p.line);
    diagnostics.sort_by_key(line);
    diagnostics.dedup_by_key(|d| line(d));
    diagnostics.truncate(SYNTAX_ERRORS_MAX);
    Err(diagnostics)
}

fn offset(span: &Range<usize>, base: usize) -> Range<usize> {
    span.start + base..span.end + base
}

fn shift_table(table: DeTable<'_>, base: usize) -> DeTable<'_> {
    let mut shifted = DeTable::new();
    for (key, value) in table {
        shifted.insert(Spanned::new(offset(&key.span(), base), key.into_inner()), shift(value, base));
    }
    shifted
}

fn shift(value: Value<'_>, base: usize) -> Value<'_> {
    let span = offset(&value.span(), base);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shift_table(table, base)),
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(|v| shift(v, base)).collect()),
        other => other,
    };
    Spanned::new(span, value)
}

/// The string at a key of a table.
pub(crate) fn string<'t>(table: &'t Tree<'_>, key: &str) -> Option<(&'t str, Range<usize>)> {
    let value = table.get(key)?;
    value.get_ref().as_str().map(|s| (s, value.span()))
}

/// How entries of a list override those of the base.
struct ListRules {
    /// The key that names an entry.
    name: &'static str,
    /// Keys of which an entry has one: naming one in the derived scenario drops the base's.
    exclusive: &'static [&'static str],
    /// What an entry is called.
    noun: &'static str,
}

const STEPS: ListRules =
    ListRules { name: "id", exclusive: &["migrate", "backfill", "check", "copy"], noun: "step" };
const ACCESS: ListRules = ListRules { name: "name", exclusive: &["sql", "file"], noun: "access path" };
const ROLES: ListRules = ListRules { name: "name", exclusive: &[], noun: "application role" };

/// Lays a derived scenario over its base.
pub(crate) fn overlay<'a>(
    mut base: Tree<'a>,
    own: Tree<'a>,
    sources: &Sources,
    wrong: &mut Vec<Diagnostic>,
) -> Tree<'a> {
    // What a scenario's verdicts are is its own affair: a mended one has none of its base's violations.
    base.remove("expect");
    for (key, value) in own {
        let below = base.get_mut(key.get_ref().as_ref());
        match (key.get_ref().as_ref(), below) {
            ("assumptions", Some(below)) => append(below, value),
            ("steps", Some(below)) => overlay_list(below, value, &STEPS, sources, wrong),
            ("access", Some(below)) => overlay_list(below, value, &ACCESS, sources, wrong),
            ("roles", Some(below)) => overlay_roles(below, value, sources, wrong),
            (_, Some(below)) => overlay_value(below, value),
            (_, None) => {
                base.insert(key, value);
            }
        }
    }
    base
}

/// A list is appended to the base's; anything else replaces it.
fn append<'a>(below: &mut Value<'a>, own: Value<'a>) {
    let span = own.span();
    match own.into_inner() {
        DeValue::Array(more) => {
            let old = std::mem::replace(below.get_mut(), DeValue::Array(DeArray::new()));
            let old = match old {
                DeValue::Table(mut table) => match table.remove("replace").map(Spanned::into_inner) {
                    Some(DeValue::Array(list)) => list,
                    _ => DeArray::new(),
                },
                DeValue::Array(list) => list,
                _ => DeArray::new(),
            };
            *below = Spanned::new(span, DeValue::Array(old.into_iter().chain(more).collect()));
        }
        other => *below = Spanned::new(span, other),
    }
}

/// Tables are merged, `false` takes a key of the base away, anything else replaces.
fn overlay_value<'a>(below: &mut Value<'a>, own: Value<'a>) {
    let span = own.span();
    match (below.get_mut(), own.into_inner()) {
        (DeValue::Table(below), DeValue::Table(own)) => {
            for (key, value) in own {
                overlay_key(below, key, value, true);
            }
        }
        (_, own) => *below = Spanned::new(span, own),
    }
}

fn overlay_key<'a>(
    below: &mut Tree<'a>,
    key: Spanned<std::borrow::Cow<'a, str>>,
    value: Value<'a>,
    deep: bool,
) {
    let removes = value.get_ref().as_bool() == Some(false);
    match below.get_mut(key.get_ref().as_ref()) {
        Some(_) if removes => {
            below.remove(key.get_ref().as_ref());
        }
        Some(old) if deep => overlay_value(old, value),
        Some(old) => *old = value,
        None => {
            below.insert(key, value);
        }
    }
}

fn overlay_roles<'a>(below: &mut Value<'a>, own: Value<'a>, sources: &Sources, wrong: &mut Vec<Diagnostic>) {
    let span = own.span();
    match (below.get_mut(), own.into_inner()) {
        (DeValue::Table(below), DeValue::Table(own)) => {
            for (key, value) in own {
                match below.get_mut(key.get_ref().as_ref()) {
                    Some(old) if key.get_ref() == "app" => overlay_list(old, value, &ROLES, sources, wrong),
                    _ => overlay_key(below, key, value, true),
                }
            }
        }
        (_, own) => *below = Spanned::new(span, own),
    }
}

fn overlay_list<'a>(
    below: &mut Value<'a>,
    own: Value<'a>,
    rules: &ListRules,
    sources: &Sources,
    wrong: &mut Vec<Diagnostic>,
) {
    let span = own.span();
    let list = match (std::mem::replace(below.get_mut(), DeValue::Boolean(false)), own.into_inner()) {
        (DeValue::Array(old), DeValue::Array(own)) => {
            let mut merged = List { entries: old.into_iter().collect(), rules, sources, wrong };
            let mut seen = HashSet::new();
            for entry in own {
                // A second entry of one name is a mistake for the reader of the list to report.
                let name = name_of(&entry, rules).map(str::to_owned);
                let repeated = name.clone().is_some_and(|name| !seen.insert(name));
                match name {
                    Some(name) if !repeated => merged.place(&name, entry),
                    _ => merged.entries.push(entry),
                }
            }
            DeValue::Array(merged.entries.into_iter().collect())
        }
        (_, own) => own,
    };
    *below = Spanned::new(span, list);
}

fn name_of<'t>(entry: &'t Value<'_>, rules: &ListRules) -> Option<&'t str> {
    entry.get_ref().as_table().and_then(|t| string(t, rules.name)).map(|(name, _)| name)
}

/// A list of the base, being overridden.
struct List<'a, 'r> {
    entries: Vec<Value<'a>>,
    rules: &'r ListRules,
    sources: &'r Sources,
    wrong: &'r mut Vec<Diagnostic>,
}

impl<'a> List<'a, '_> {
    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| name_of(entry, self.rules) == Some(name))
    }

    /// Replaces, inserts or removes one entry.
    fn place(&mut self, name: &str, entry: Value<'a>) {
        let span = entry.span();
        let DeValue::Table(mut own) = entry.into_inner() else { return };
        let name_span = own.get(self.rules.name).map_or(span.clone(), Spanned::span);
        let removes = own.remove("remove").is_some_and(|v| v.get_ref().as_bool() == Some(true));
        let target = self.target(&mut own);
        match self.position(name) {
            Some(at) if removes => {
                self.entries.remove(at);
            }
            None if removes => self.unknown(name, &name_span),
            Some(at) => {
                let entry = override_fields(self.entries.remove(at), Spanned::new(span, own), self.rules);
                let at = target.map_or(at, |(anchor, behind)| self.anchored(&anchor, behind, at));
                self.entries.insert(at, entry);
            }
            None => {
                let end = self.entries.len();
                let at = target.map_or(end, |(anchor, behind)| self.anchored(&anchor, behind, end));
                self.entries.insert(at, Spanned::new(span, DeValue::Table(own)));
            }
        }
    }

    /// The entry to insert at, and whether behind it.
    fn target(&mut self, own: &mut Tree<'a>) -> Option<(Spanned<String>, bool)> {
        if self.rules.noun != STEPS.noun {
            return None;
        }
        let after = own.remove("after");
        let before = own.remove("before");
        if let (Some(_), Some(before)) = (&after, &before) {
            self.wrong.push(self.sources.at(&before.span(), "either `after` or `before`, not both"));
        }
        let (anchor, behind) = match (after, before) {
            (Some(anchor), _) => (anchor, true),
            (None, Some(anchor)) => (anchor, false),
            (None, None) => return None,
        };
        if let Some(name) = anchor.get_ref().as_str() {
            return Some((Spanned::new(anchor.span(), name.to_owned()), behind));
        }
        self.wrong.push(self.sources.at(&anchor.span(), "expected a step's id"));
        None
    }

    fn anchored(&mut self, anchor: &Spanned<String>, behind: bool, otherwise: usize) -> usize {
        match self.position(anchor.get_ref()) {
            Some(at) => at + usize::from(behind),
            None => {
                self.unknown(anchor.get_ref(), &anchor.span());
                otherwise
            }
        }
    }

    fn unknown(&mut self, name: &str, span: &Range<usize>) {
        let message = format!("the base has no {} `{name}`", self.rules.noun);
        let known = self.entries.iter().filter_map(|e| name_of(e, self.rules));
        let help = suggest(name, known);
        self.wrong.push(self.sources.at(span, message).help(help));
    }
}

/// The derived scenario's fields over those of the base. The entry's place is the derived one.
fn override_fields<'a>(below: Value<'a>, own: Spanned<Tree<'a>>, rules: &ListRules) -> Value<'a> {
    let span = own.span();
    let own = own.into_inner();
    let DeValue::Table(mut table) = below.into_inner() else {
        return Spanned::new(span, DeValue::Table(own));
    };
    if own.keys().any(|k| rules.exclusive.contains(&k.get_ref().as_ref())) {
        for key in rules.exclusive {
            table.remove(*key);
        }
    }
    for (key, value) in own {
        overlay_key(&mut table, key, value, false);
    }
    Spanned::new(span, DeValue::Table(table))
}
