//! Who refers to whom: load order, cycles, requirements.

use super::TablePlan;

/// An order in which referenced tables come first. References that it cannot honour are part of a cycle:
/// their tables come later, and they are the ones to be filled late.
pub(super) fn load_order(tables: &[TablePlan]) -> Vec<usize> {
    let mut placed = vec![false; tables.len()];
    let mut order = Vec::with_capacity(tables.len());
    while order.len() < tables.len() {
        let waits_for = |t: usize| -> Vec<bool> {
            let up =
                |t: usize| tables[t].references.iter().map(|r| r.target).filter(|&r| !placed[r]).collect();
            reach(tables.len(), t, up)
        };
        let missing = |t: usize| {
            let open = || tables[t].references.iter().filter(|r| r.target != t && !placed[r.target]);
            // Where a cycle must be cut, cut it at references that may be NULL.
            (open().filter(|r| !r.nullable).count(), open().count(), t)
        };
        let free = (0..tables.len()).filter(|&t| !placed[t] && missing(t).1 == 0).min();
        // Only a cycle is cut, never what merely waits for one.
        let in_cycle = |t: usize| {
            let above = waits_for(t);
            (0..tables.len()).all(|other| !above[other] || waits_for(other)[t])
        };
        let open = || (0..tables.len()).filter(|&t| !placed[t]);
        let next = free.or_else(|| open().filter(|&t| in_cycle(t)).min_by_key(|&t| missing(t)));
        let Some(next) = next else { break };
        placed[next] = true;
        order.push(next);
    }
    order
}

/// Tables that a row of each table cannot be without, in its own world, itself excluded.
pub(crate) fn required(tables: &[TablePlan], t: usize) -> impl Iterator<Item = usize> + '_ {
    tables[t].references.iter().filter(move |r| !r.nullable && r.target != t).map(|r| r.target)
}

/// Which tables a walk along `next` reaches from `from`, the start included.
pub(super) fn reach(count: usize, from: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut open = vec![from];
    while let Some(t) = open.pop() {
        if !std::mem::replace(&mut seen[t], true) {
            open.extend(next(t));
        }
    }
    seen
}
