//! Faults seeded into a scenario's own scripts, one at a time: whoever verifies it should find them.
//!
//! Operators work on words, not on a syntax tree, so that they reach into bodies of blocks and functions; what one of them
//! makes that no server takes is told by the server.

mod keys;
mod operators;
mod pieces;
mod rows;
mod security;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::scenario::{Scenario, Step, StepId, StepKind, Tenancy};
use crate::script::Script;
pub use operators::{OPERATORS, Operator, operator};
use pieces::{Piece, Place};

/// Which script of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What goes up.
    Up,
    /// The way back.
    Down,
}

/// A scenario's script with one fault in it.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// How it was made.
    pub operator: &'static Operator,
    /// The step.
    pub step: StepId,
    /// 1-based line of the script at which it is.
    pub line: u32,
    edits: Vec<Edit>,
}

/// A change of a script's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Edit {
    /// Bytes that are replaced.
    range: Range<usize>,
    /// What stands there instead.
    with: String,
}

impl Edit {
    fn drop(range: Range<usize>) -> Self {
        Self { range, with: String::new() }
    }
}

/// A statement, and what is known of the scenario.
struct Site<'a> {
    script: &'a Script,
    piece: &'a Piece<'a>,
    tenancy: &'a Tenancy,
}

impl Site<'_> {
    /// What stands there.
    fn text(&self, range: &Range<usize>) -> &str {
        self.script.text.get(range.clone()).unwrap_or_default()
    }

    /// Without the statement. In a body something has to stand there, and what that is, depends on its language.
    fn without_statement(&self) -> Vec<Vec<Edit>> {
        let range = self.piece.bytes(self.piece.all());
        match self.piece.place {
            Place::Script => vec![vec![Edit::drop(range)]],
            Place::Block => vec![vec![Edit { range, with: "NULL".to_owned() }]],
            Place::Body => Vec::new(),
        }
    }

    /// Whether the words are a column that carries the tenant somewhere.
    fn is_tenant(&self, words: Range<usize>) -> bool {
        let Some(name) = self.piece.words.get(words.start).and_then(|w| w.ident()) else { return false };
        let tenancy = self.tenancy;
        words.len() == 1
            && (tenancy.column.as_ref() == Some(&name) || tenancy.columns.values().any(|c| *c == name))
    }
}

/// Every fault that the operators can seed into a scenario's scripts, in the order of the timeline. Checks are left alone:
/// what they should find is not known.
pub fn mutants(scenario: &Scenario) -> Vec<Mutant> {
    let mut found = Vec::new();
    for (nth, step) in scenario.steps.iter().enumerate() {
        if step.kind == StepKind::Check {
            continue;
        }
        for part in [Part::Up, Part::Down] {
            if let Some(script) = script(step, part) {
                seed(scenario, StepId(nth), part, script, &mut found);
            }
        }
    }
    found
}

fn script(step: &Step, part: Part) -> Option<&Script> {
    match part {
        Part::Up => Some(&step.up),
        Part::Down => step.down.as_ref(),
    }
}

fn seed(scenario: &Scenario, step: StepId, part: Part, script: &Script, found: &mut Vec<Mutant>) {
    let mut known: HashSet<Vec<Edit>> = HashSet::new();
    for piece in &pieces::pieces(script) {
        let site = Site { script, piece, tenancy: &scenario.tenancy };
        for operator in OPERATORS.iter().filter(|o| o.part == part) {
            for mut edits in (operator.seeds)(&site) {
                edits.sort_by_key(|e| e.range.start);
                let is_sound = edits.iter().all(|e| !(e.range.is_empty() && e.with.is_empty()));
                let Some(first) = edits.first().map(|e| e.range.start) else { continue };
                if is_sound && known.insert(edits.clone()) {
                    let line = 1 + script.text[..first].matches('\n').count() as u32;
                    found.push(Mutant { operator, step, line, edits });
                }
            }
        }
    }
}

impl Mutant {
    /// The script of the scenario that it changes.
    fn script<'s>(&self, scenario: &'s Scenario) -> Option<&'s Script> {
        scenario.steps.get(self.step.0).and_then(|step| script(step, self.operator.part))
    }

    /// Path of the script, relative to the scenario's folder.
    pub fn file<'s>(&self, scenario: &'s Scenario) -> &'s str {
        self.script(scenario).map_or("", |s| s.path.as_str())
    }

    /// The statement that it is in, as it stood.
    pub fn statement<'s>(&self, scenario: &'s Scenario) -> &'s str {
        let Some(script) = self.script(scenario) else { return "" };
        let before = script.statements.iter().rev().find(|s| s.line <= self.line);
        before.map_or("", |statement| script.sql(statement))
    }

    /// What stood there, on one line, and what stands there instead.
    pub fn change(&self, scenario: &Scenario) -> (String, String) {
        let text = self.script(scenario).map_or("", |s| s.text.as_str());
        let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let before: Vec<String> =
            self.edits.iter().map(|e| on_one_line(text.get(e.range.clone()).unwrap_or_default())).collect();
        let after: Vec<String> = self.edits.iter().map(|e| on_one_line(&e.with)).collect();
        let join = |texts: Vec<String>| {
            let texts: Vec<String> = texts.into_iter().filter(|t| !t.is_empty()).collect();
            texts.join(" … ")
        };
        (join(before), join(after))
    }

    /// The scenario with the fault in it.
    ///
    /// # Errors
    /// When what is left is no script any more.
    pub fn apply(&self, scenario: &Scenario) -> Result<Scenario, Diagnostic> {
        let mut scenario = scenario.clone();
        let Some(step) = scenario.steps.get_mut(self.step.0) else { return Ok(scenario) };
        let script = match self.operator.part {
            Part::Up => Some(&mut step.up),
            Part::Down => step.down.as_mut(),
        };
        if let Some(script) = script {
            let mut text = script.text.clone();
            for edit in self.edits.iter().rev() {
                text.replace_range(edit.range.clone(), &edit.with);
            }
            let changed = Script::parse(script.path.clone(), text.as_bytes())?;
            *script = changed.run_as(script.transaction);
        }
        Ok(scenario)
    }
}
