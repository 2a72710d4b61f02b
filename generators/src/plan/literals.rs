//! What a constraint that is not understood talks of: the constants in its text and in the functions that it calls.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use watertight_scenarios::schema::Function;

/// Constants of one constraint that are tried.
pub(crate) const LITERALS_MAX: usize = 16;

/// Text in quotes, a number, or a name.
static WORDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"'((?:[^']|'')*)'|\b(\d+(?:\.\d+)?)\b|([\p{Alphabetic}_][\w$]*)").ok());

/// The constants, each once, in order of appearance; those of functions that the text names come behind its own.
pub(super) fn literals(text: &str, functions: &[Function]) -> Vec<String> {
    let mut found = Vec::new();
    let mut read = HashSet::new();
    let mut open = vec![text];
    while let Some(text) = open.pop() {
        let Some(words) = &*WORDS else { break };
        for word in words.captures_iter(text) {
            if let Some(name) = word.get(3) {
                let called = functions.iter().filter(|f| f.name.name.as_str() == name.as_str());
                open.extend(called.filter(|f| read.insert(&f.name)).map(|f| f.source.as_str()));
                continue;
            }
            let constant = match (word.get(1), word.get(2)) {
                (Some(quoted), _) => quoted.as_str().replace("''", "'"),
                (None, number) => number.map(|n| n.as_str().to_owned()).unwrap_or_default(),
            };
            if !found.contains(&constant) && found.len() < LITERALS_MAX {
                found.push(constant);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use watertight_scenarios::Relation;

    #[test]
    fn constants_of_the_text_and_of_what_it_calls() {
        let function = |name: &str, source: &str| Function {
            name: Relation::public(name),
            arguments: String::new(),
            result: None,
            owner: "migrator".into(),
            security_definer: false,
            volatility: 'i',
            leakproof: false,
            settings: Vec::new(),
            language: "sql".into(),
            source: source.into(),
            grants: Vec::new(),
        };
        let functions =
            [function("is_fine", "SELECT t IN ('it''s', '') OR is_fine(t)"), function("other", "'no'")];
        assert_eq!(literals("(is_fine(t) AND (n >= 1.5))", &functions), ["1.5", "it's", ""]);
    }
}
