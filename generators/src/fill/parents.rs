//! Foreign keys: which row a row refers to.

use super::Filler;
use super::draft::{Draft, may_be_null};
use crate::plan::{Reference, Role};
use crate::value::Flavour;

/// Rows looked at for one reference before it is given up.
const LOOKS_MAX: usize = 2000;

impl<'p> Filler<'p> {
    /// Fills every reference that is not late.
    pub(super) fn fill_parents(&mut self, draft: &mut Draft<'p>) -> Result<(), String> {
        let table = draft.table;
        for (i, reference) in table.references.iter().enumerate() {
            if reference.late {
                // Columns that no other reference fills wait for the end.
                let own = |c: &&usize| !table.references.iter().any(|r| !r.late && r.columns.contains(c));
                for &c in reference.columns.iter().filter(own) {
                    draft.fixed[c] = true;
                }
                continue;
            }
            if reference.columns.iter().all(|&c| draft.fixed[c]) {
                continue;
            }
            let wants_null = reference.nullable && self.wants_null(draft, reference);
            let chosen = !wants_null && self.choose(draft, i);
            if !chosen && !null_out(draft, reference) && !self.choose(draft, i) {
                let columns: Vec<&str> =
                    reference.columns.iter().map(|&c| table.columns[c].name.as_str()).collect();
                let target = &self.table(reference.target).table.name;
                return Err(format!(
                    "({}) refers to {target}, which has no row to refer to",
                    columns.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn wants_null(&mut self, draft: &Draft<'p>, reference: &Reference) -> bool {
        self.is_to_be_null(draft, &reference.columns)
    }

    /// Sets the columns of a reference to those of a row that it may refer to.
    pub(super) fn choose(&mut self, draft: &mut Draft<'p>, number: usize) -> bool {
        let reference = &draft.table.references[number];
        let shared = self.table(reference.target).role == Role::Shared;
        let mut home = if shared { 0 } else { draft.world };
        if !shared && reference.across && self.dice.chance(self.spec.across_percent) {
            home = self.another_world(draft.world);
        }
        let mut found = self.candidate(draft, reference, home, true);
        if found.is_none() && !shared && home != draft.world {
            found = self.candidate(draft, reference, draft.world, true);
        }
        if found.is_none() && !draft.pinned {
            found = self.candidate(draft, reference, home, false);
        }
        if let Some(row) = found {
            let row = &self.filled[reference.target].rows[row];
            if row.world == draft.world && row.lane.is_some() {
                (draft.lane, draft.pinned) = (row.lane, true);
            }
            for (&c, &k) in reference.columns.iter().zip(&reference.target_columns) {
                draft.values[c].clone_from(&row.values[k]);
                draft.fixed[c] = true;
            }
            draft.own.retain(|&own| own != number);
            return true;
        }
        self.refer_to_itself(draft, number)
    }

    /// A world beside that one; the same where there is no other.
    fn another_world(&mut self, world: usize) -> usize {
        let worlds = self.spec.worlds.len();
        if worlds < 2 {
            return world;
        }
        // World 0 is what all share.
        let other = 1 + self.dice.below(worlds - 1);
        other + usize::from(other >= world)
    }

    /// A row of the reference's target in a world: one that agrees with the cells fixed so far, and belongs
    /// to the draft's tenant (or to none yet) where `same_lane` asks for that.
    fn candidate(
        &mut self,
        draft: &Draft<'p>,
        reference: &Reference,
        world: usize,
        same_lane: bool,
    ) -> Option<usize> {
        let &(start, end) = self.filled[reference.target].spans.get(world)?;
        if start == end {
            return None;
        }
        let count = end - start;
        let first = self.look_from.unwrap_or_else(|| self.dice.below(count)) % count;
        let rows = &self.filled[reference.target].rows;
        (0..count.min(LOOKS_MAX)).map(|i| start + (first + i) % count).find(|&r| {
            let row = &rows[r];
            let lane_fits =
                !same_lane || row.lane.is_none() || row.lane == draft.lane || row.world != draft.world;
            lane_fits
                && reference.columns.iter().zip(&reference.target_columns).all(|(&c, &k)| {
                    row.values[k].is_some()
                        && (!draft.fixed[c] || draft.values[c] == row.values[k])
                        && self.leaf_allows(draft, c, row.values[k].as_deref())
                })
        })
    }

    fn leaf_allows(&self, draft: &Draft<'p>, c: usize, value: Option<&str>) -> bool {
        let Some((_, domain)) = draft.leaf.iter().find(|(l, _)| *l == c) else { return true };
        let Some(value) = value else { return false };
        let in_list = domain.one_of.as_ref().is_none_or(|list| list.iter().any(|v| v == value));
        let scale = draft.table.columns[c].maker.scale.as_ref();
        let in_range = match scale.and_then(|s| s.parse(value)) {
            Some((at, _)) => domain.low.is_none_or(|l| at >= l) && domain.high.is_none_or(|h| at <= h),
            None => true,
        };
        in_list && in_range
    }

    /// The row's own key as what a reference of it leads to: the first row of a table that must refer to itself has
    /// no other.
    pub(super) fn refer_to_itself(&mut self, draft: &mut Draft<'p>, i: usize) -> bool {
        let reference = &draft.table.references[i];
        if reference.target != draft.t || reference.nullable {
            return false;
        }
        for &k in &reference.target_columns {
            if draft.values[k].is_none() && !draft.fixed[k] && draft.table.columns[k].reference.is_none() {
                draft.values[k] = self.make(draft, k, Flavour::Plain, None);
                draft.fixed[k] = draft.values[k].is_some();
            }
        }
        // A column of both, such as the tenant, says the same of either row.
        let fits = reference.columns.iter().zip(&reference.target_columns).all(|(&c, &k)| {
            draft.values[k].is_some() && (c == k || !draft.fixed[c] || draft.values[c] == draft.values[k])
        });
        if fits {
            draft.own.push(i);
            draft.follow_own_key();
            for &c in &reference.columns {
                draft.fixed[c] = true;
            }
        }
        fits
    }
}

/// Makes a reference refer to nothing, where that is allowed. Its other columns stay open.
pub(super) fn null_out(draft: &mut Draft<'_>, reference: &Reference) -> bool {
    if !reference.nullable {
        return false;
    }
    let free: Vec<usize> = reference
        .columns
        .iter()
        .copied()
        .filter(|&c| may_be_null(draft, c) && (!draft.fixed[c] || draft.values[c].is_none()))
        .collect();
    if free.is_empty() || (reference.match_full && free.len() < reference.columns.len()) {
        return false;
    }
    for c in free {
        draft.values[c] = None;
        draft.fixed[c] = true;
    }
    true
}
