//! How many rows each table has in each world, decided before the first row is made.

use super::Filler;
use crate::case::Rows;
use crate::plan::{Part, Reference, Role, TablePlan, UniquePlan};

impl Filler<'_> {
    /// Rows by world (0: shared), then table.
    pub(super) fn counts(&mut self) -> Vec<Vec<u32>> {
        let tables = &self.plan.tables;
        let shared = tables
            .iter()
            .map(|t| if t.role == Role::Shared && t.filled { self.spec.shared_rows } else { 0 })
            .collect();
        let mut counts: Vec<Vec<u32>> = vec![shared];
        for world in 1..=self.spec.worlds.len() {
            let wished = self.wished(world);
            counts.push(wished);
        }
        self.exact(&mut counts);
        for world in 0..counts.len() {
            self.make_possible(&mut counts, world);
        }
        self.cap(&mut counts);
        counts
    }

    /// Tables that are to have a certain number of rows: the first worlds have one more than the last.
    fn exact(&self, counts: &mut [Vec<u32>]) {
        for exact in &self.spec.exact {
            let named = |t: &TablePlan| (t.database, &t.table.name) == (exact.database, &exact.table);
            let Some(t) = self.plan.tables.iter().position(named) else { continue };
            let table = &self.plan.tables[t];
            let worlds = u32::try_from(counts.len() - 1).unwrap_or(u32::MAX);
            match table.role {
                _ if !table.filled => {}
                Role::Tenants => {} // one a world
                Role::Shared => counts[0][t] = exact.rows,
                _ => {
                    for (world, count) in (0..worlds).zip(counts.iter_mut().skip(1)) {
                        count[t] = exact.rows / worlds + u32::from(world < exact.rows % worlds);
                    }
                }
            }
        }
    }

    fn wished(&mut self, world: usize) -> Vec<u32> {
        let shape = *self.shape(world);
        let mut counts = Vec::with_capacity(self.plan.tables.len());
        for table in &self.plan.tables {
            let rows = match (shape.rows, table.role) {
                _ if !table.filled => 0,
                (_, Role::Shared) => 0,
                (_, Role::Tenants) => u32::from(shape.tenants),
                // One owner per world: whose the rows are must not be a matter of taste.
                (Rows::None, Role::Ancestor) if shape.tenants == 0 => 1,
                (Rows::None, _) => 0,
                // Each tenant has its own.
                (_, Role::Ancestor) if table.is_bound(&self.plan.tables) => u32::from(shape.tenants.max(1)),
                (_, Role::Ancestor) => {
                    1 + u32::from(matches!(shape.rows, Rows::UpTo(_)) && self.dice.chance(10))
                }
                (Rows::Each(n), _) => n,
                (Rows::UpTo(n), _) => {
                    // The smaller of two throws, but rarely nothing.
                    let throw = |dice: &mut crate::dice::Dice| dice.below(n as usize + 1);
                    let few = throw(&mut self.dice).min(throw(&mut self.dice));
                    u32::try_from(few).unwrap_or(0)
                }
            };
            counts.push(rows);
        }
        counts
    }

    /// Takes away what cannot be, and adds what must be.
    fn make_possible(&self, counts: &mut [Vec<u32>], world: usize) {
        let tables = &self.plan.tables;
        let shared = counts[0].clone();
        let without_tenant = world > 0 && self.shape(world).tenants == 0;
        // What requires a table that stays empty stays empty, too.
        for _ in 0..tables.len() {
            let mut changed = false;
            for (t, table) in tables.iter().enumerate() {
                let impossible = |r: &Reference| {
                    !r.nullable
                        && r.target != t
                        && match tables[r.target].role {
                            Role::Shared => shared[r.target] == 0,
                            Role::Tenants => without_tenant || world == 0,
                            _ => {
                                world == 0
                                    || (counts[world][r.target] == 0
                                        && self.never(&tables[r.target], without_tenant, &shared))
                            }
                        }
                };
                if counts[world][t] > 0 && table.references.iter().any(impossible) {
                    counts[world][t] = 0;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        // What is required is there.
        for _ in 0..tables.len() {
            let mut changed = false;
            for (t, table) in tables.iter().enumerate().rev() {
                if counts[world][t] == 0 {
                    continue;
                }
                for reference in table.references.iter().filter(|r| !r.nullable && r.target != t) {
                    let role = tables[reference.target].role;
                    if role != Role::Shared && role != Role::Tenants && counts[world][reference.target] == 0 {
                        let dealt = tables[reference.target].is_bound(tables) && world > 0;
                        let least = if dealt { self.shape(world).tenants.max(1) } else { 1 };
                        counts[world][reference.target] = u32::from(least);
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        for (t, table) in tables.iter().enumerate() {
            for unique in &table.uniques {
                self.fit(counts, world, t, unique);
            }
        }
    }

    /// Whether a table can have no rows in a world, whatever is added to it.
    fn never(&self, table: &TablePlan, without_tenant: bool, shared: &[u32]) -> bool {
        table.references.iter().any(|r| {
            let target = &self.plan.tables[r.target];
            !r.nullable
                && !std::ptr::eq(target, table)
                && match target.role {
                    Role::Shared => shared[r.target] == 0,
                    Role::Tenants => without_tenant,
                    _ => !r.late && self.never(target, without_tenant, shared),
                }
        })
    }

    /// Not more rows than a unique key has combinations; where they are tenants, more parents instead.
    fn fit(&self, counts: &mut [Vec<u32>], world: usize, t: usize, unique: &UniquePlan) {
        let table = &self.plan.tables[t];
        if unique.predicate.is_some() || counts[world][t] == 0 {
            return;
        }
        let mut capacity = 1_usize;
        let mut grown = None;
        let mut all_shared = true;
        for part in &unique.parts {
            let Part::Column(c) = part else { return };
            let column = &table.columns[*c];
            if column.nullable && !unique.nulls_not_distinct {
                return;
            }
            let parents = table.references.iter().find(|r| r.columns.contains(c));
            all_shared &= parents.is_none_or(|r| self.plan.tables[r.target].role == Role::Shared);
            let choices = match parents {
                Some(r) if r.target == t => return,
                Some(r) => {
                    if self.plan.tables[r.target].role == Role::Ancestor {
                        grown = Some(r.target);
                    }
                    counts[world][r.target].saturating_add(counts[0][r.target]) as usize
                }
                None => match column.maker.count(&column.domain) {
                    Some(n) => n,
                    None => return,
                },
            };
            capacity = capacity.saturating_mul(choices.max(1));
        }
        let wanted = counts[world][t];
        if all_shared {
            // Worlds take from one store, and each leaves the next what it does not need.
            let taken: u32 = counts[..world].iter().map(|c| c[t]).sum();
            capacity = capacity.saturating_sub(taken as usize);
        }
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        match grown {
            Some(parent) if wanted > capacity && table.role == Role::Tenants => {
                counts[world][parent] = wanted
            }
            _ => counts[world][t] = wanted.min(capacity),
        }
    }

    /// Scales tables with several rows down until the case is small enough.
    fn cap(&self, counts: &mut [Vec<u32>]) {
        // Each round takes a row away, so the rounds end.
        loop {
            let total: usize = counts.iter().flatten().map(|&n| n as usize).sum();
            if total <= self.spec.rows_max {
                return;
            }
            let mut changed = false;
            for (t, table) in self.plan.tables.iter().enumerate() {
                for row in counts.iter_mut() {
                    if row[t] > 1 && !matches!(table.role, Role::Tenants | Role::Ancestor) {
                        row[t] -= 1;
                        changed = true;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }
}
