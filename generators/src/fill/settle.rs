//! Generate, evaluate, repair: until a row meets its checks and keys, or is given up.

use super::Filler;
use super::check::{undecided, violated};
use super::draft::{Draft, may_be_null};
use crate::expr::Expr;
use crate::plan::UniquePlan;
use crate::value::Flavour;

/// Repairs of one row before it is begun anew.
const REPAIRS: u32 = 24;
/// Repairs of checks that cannot be decided.
const DOUBTS: u32 = 6;
/// Combinations of parents tried for a key that is made of references alone.
const COMBINATIONS_MAX: usize = 400;

impl<'p> Filler<'p> {
    /// Repairs the row; the name of what it could not be made to meet is the error.
    pub(super) fn settle(&mut self, draft: &mut Draft<'p>) -> Result<(), String> {
        let table = draft.table;
        // A domain that yields no value for a cell that must have one cannot be repaired.
        let empty = |draft: &Draft<'p>| {
            (0..table.columns.len()).find(|&c| {
                let late = table.columns[c].reference.is_some_and(|r| table.references[r].late);
                draft.values[c].is_none() && !may_be_null(draft, c) && !late
            })
        };
        let mut reason = String::new();
        for repair in 0..REPAIRS {
            draft.follow_own_key();
            if let Some(c) = empty(draft) {
                draft.values[c] = self.make(draft, c, table.columns[c].any(), None);
                if draft.values[c].is_none() {
                    return Err(format!("{}: no value meets its constraints", table.columns[c].name));
                }
            }
            // A check that cannot be decided may be so for a better value; if not, the server decides.
            let doubtful = |expr: &Expr| repair < DOUBTS && undecided(draft, expr);
            let mut checks = table.checks.iter().filter(|c| !c.late);
            let broken = checks.find(|c| violated(draft, &c.expr) || doubtful(&c.expr));
            if let Some(check) = broken {
                reason = format!("check {}", check.name);
                if !self.solve(draft, &check.expr, true) {
                    self.again(draft, &check.columns);
                }
                continue;
            }
            match self.conflict(draft, false) {
                None => return Ok(()),
                Some(unique) => {
                    reason = format!("unique {}", table.uniques[unique].name);
                    self.separate(draft, unique);
                }
            }
        }
        Err(reason)
    }

    /// New values for the open cells among these, and other rows for those that refer to some.
    fn again(&mut self, draft: &mut Draft<'p>, columns: &[usize]) {
        for &c in columns {
            if !draft.fixed[c] {
                draft.values[c] = self.cell(draft, c);
            } else if let Some(r) = draft.table.columns[c].reference
                && !draft.table.references[r].late
            {
                let nothing = self.dice.chance(30) && self.set_null(draft, c);
                let _ = nothing || self.refer_elsewhere(draft, r);
            }
        }
    }

    /// The first unique key (of those with late columns, or of the others) that a row seen before has taken.
    pub(super) fn conflict(&self, draft: &Draft<'p>, late: bool) -> Option<usize> {
        draft.table.uniques.iter().enumerate().filter(|(_, u)| u.late == late).find_map(|(i, unique)| {
            let digest = unique.digest(&draft.table.columns, &draft.values)?;
            self.filled[draft.t].seen[i].contains(&digest).then_some(i)
        })
    }

    /// Changes something in a key that another row has taken.
    fn separate(&mut self, draft: &mut Draft<'p>, unique: usize) {
        let unique = &draft.table.uniques[unique];
        // What refers to nothing and is no key: a distinct value settles it, if its type has enough of them.
        let open: Vec<usize> = unique
            .columns
            .iter()
            .copied()
            .filter(|&c| {
                draft.table.columns[c].reference.is_none() && draft.table.columns[c].null_percent != Some(100)
            })
            .collect();
        let plenty = |c: &&usize| {
            let column = &draft.table.columns[**c];
            column.maker.count(&column.domain).is_none() && !column.maker.is_few()
        };
        let rich: Vec<usize> = open.iter().filter(plenty).copied().collect();
        let referring: Vec<usize> = unique
            .columns
            .iter()
            .filter_map(|&c| draft.table.columns[c].reference)
            .filter(|&r| !draft.table.references[r].late)
            .collect();
        let key = |c: usize| draft.table.columns[c].key;
        if open.is_empty() && self.refer_in_turn(draft, unique, &referring) {
            return;
        }
        if let Some(&c) = rich.first()
            && (referring.is_empty() || self.dice.chance(70))
        {
            let flavour = if key(c) { Flavour::Key } else { Flavour::Distinct };
            if let Some(value) = self.make(draft, c, flavour, None) {
                draft.values[c] = Some(value);
            }
            return;
        }
        let turn = self.dice.below(open.len() + referring.len() + 1);
        if let Some(&c) = open.get(turn) {
            // Few values: any other will do, and NULL where NULLs are distinct.
            let flavour = if key(c) { Flavour::Key } else { Flavour::Distinct };
            if let Some(value) = self.make(draft, c, flavour, None) {
                draft.values[c] = Some(value);
            }
        } else if let Some(&r) = referring.get(turn - open.len()) {
            self.refer_elsewhere(draft, r);
        } else if !unique.nulls_not_distinct
            && let Some(c) = unique.columns.iter().copied().find(|&c| may_be_null(draft, c))
        {
            self.set_null(draft, c);
        }
    }

    /// Goes through the rows that a key's references may refer to until the key is free.
    fn refer_in_turn(&mut self, draft: &mut Draft<'p>, unique: &UniquePlan, references: &[usize]) -> bool {
        let Some(number) = draft.table.uniques.iter().position(|u| std::ptr::eq(u, unique)) else {
            return false;
        };
        let sizes: Vec<usize> = references
            .iter()
            .map(|&r| {
                let spans = &self.filled[draft.table.references[r].target].spans;
                let size = |world: usize| spans.get(world).map_or(0, |(start, end)| end - start);
                (size(draft.world) + size(0)).max(1)
            })
            .collect();
        let combinations: usize = sizes.iter().product();
        let start = self.dice.below(combinations);
        for i in 0..combinations.min(COMBINATIONS_MAX) {
            let mut at = (start + i) % combinations;
            for (&r, &size) in references.iter().zip(&sizes) {
                self.look_from = Some(at % size);
                at /= size;
                self.refer_elsewhere(draft, r);
            }
            self.look_from = None;
            let digest = unique.digest(&draft.table.columns, &draft.values);
            if digest.is_none_or(|d| !self.filled[draft.t].seen[number].contains(&d)) {
                return true;
            }
        }
        // Nobody else can have taken the row itself.
        references.iter().any(|&r| {
            let before = draft.fixed.clone();
            for &c in draft.table.references[r].columns.iter().filter(|&&c| !draft.table.columns[c].tenant) {
                draft.fixed[c] = false;
            }
            let own = self.refer_to_itself(draft, r);
            if !own {
                draft.fixed = before;
            }
            own
        })
    }

    /// Lets a reference pick its row again; columns that other references share stay as they are.
    pub(super) fn refer_elsewhere(&mut self, draft: &mut Draft<'p>, reference: usize) -> bool {
        let columns = &draft.table.references[reference].columns;
        let shared = |c: usize| {
            draft.table.references.iter().enumerate().any(|(i, r)| i != reference && r.columns.contains(&c))
        };
        let own: Vec<usize> = columns.iter().copied().filter(|&c| !shared(c)).collect();
        let before: Vec<_> = own.iter().map(|&c| (draft.values[c].clone(), draft.fixed[c])).collect();
        for &c in &own {
            draft.fixed[c] = false;
        }
        if self.choose(draft, reference) {
            return true;
        }
        for (&c, (value, fixed)) in own.iter().zip(before) {
            draft.values[c] = value;
            draft.fixed[c] = fixed;
        }
        false
    }

    /// Remembers the row's keys.
    pub(super) fn admit(&mut self, draft: &Draft<'p>) {
        for (i, unique) in draft.table.uniques.iter().enumerate().filter(|(_, u)| !u.late) {
            if let Some(digest) = unique.digest(&draft.table.columns, &draft.values) {
                self.filled[draft.t].seen[i].insert(digest);
            }
        }
    }
}
