//! What a case is made of: how many worlds, of which shapes, and how awkward.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::plan::{Plan, Role};
use watertight_scenarios::Relation;

/// Rows that a case holds at most, unless its spec says otherwise.
pub const ROWS_MAX: usize = 600;

/// The shape of a case. With the seed and the plan it determines the data to the byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSpec {
    /// What the case is for, in a few words.
    pub label: String,
    /// Its worlds, in order of their numbers (the first is world 1).
    pub worlds: Vec<WorldShape>,
    /// Rows of each shared table.
    pub shared_rows: u32,
    /// Percent of cells that hold a value which other worlds have, too.
    pub collisions_percent: u8,
    /// Percent of cells at the edge of their type, or that programs trip over.
    pub extremes_percent: u8,
    /// Percent of the references for which the scenario says that they lead to rows of other tenants, that do.
    #[serde(default)]
    pub across_percent: u8,
    /// Rows at most.
    pub rows_max: usize,
    /// Tables with exactly so many rows over all worlds, instead of what the shapes say.
    #[serde(default)]
    pub exact: Vec<ExactRows>,
}

/// The rows of one table over all worlds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactRows {
    /// Index of its database.
    pub database: usize,
    /// The table.
    pub table: Relation,
    /// Its rows.
    pub rows: u32,
}

/// The shape of one world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldShape {
    /// Rows of the tenants table.
    pub tenants: u8,
    /// Rows of the other tables.
    pub rows: Rows,
    /// How often what may be NULL is.
    pub nulls: Nulls,
    /// Percent of rows that repeat another row of their world in everything but the key.
    pub duplicates_percent: u8,
}

/// How many rows a table has in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// None, but for what the tenants need.
    None,
    /// Exactly as many in each table.
    Each(u32),
    /// From none to as many, few more often than many.
    UpTo(u32),
}

/// How often what may be NULL is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    /// Never.
    Never,
    /// In so many percent of the cells.
    Percent(u8),
    /// Always.
    Always,
    /// So that each two columns are NULL and not NULL in all four ways, in a world with eight rows a table.
    Pairs,
}

/// Rows in which each two columns are NULL and not NULL in all four ways.
pub(crate) const PAIR_ROWS: u32 = 8;

/// Columns that a covering array of [`PAIR_ROWS`] rows has at most: subsets of four of seven rows.
const PAIR_COLUMNS: usize = 35;

/// Whether the column is NULL in that row of a covering array: nothing is in the first row, and each column in four of
/// the other seven. Any two such subsets meet, and neither holds the other. Source: Kleitman and Spencer 1973.
pub(crate) fn null_in_pairs(column: usize, row: usize) -> bool {
    let rows = row % PAIR_ROWS as usize;
    let subsets = (0_u32..1 << (PAIR_ROWS - 1)).filter(|s| s.count_ones() == PAIR_ROWS / 2);
    let subset = subsets.into_iter().nth(column % PAIR_COLUMNS).unwrap_or_default();
    rows > 0 && subset >> (rows - 1) & 1 == 1
}

impl Nulls {
    pub(crate) fn percent(self) -> u8 {
        match self {
            Self::Never => 0,
            Self::Percent(p) => p,
            Self::Always => 100,
            Self::Pairs => 50,
        }
    }
}

/// Sizes of random cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseSize {
    /// Two to four worlds with few rows.
    Small,
    /// Many worlds of all shapes.
    Packed,
    /// Hundreds of worlds with a row or two in each table.
    Crowded,
}

/// Rows that a crowded case holds at most.
const CROWD_ROWS_MAX: usize = 8_000;

/// Behind the small scope, one case in so many is crowded…
const CROWDED_EVERY: u32 = 16;
/// … this one of them: what a case costs is mostly its statements, which are as many for four hundred worlds as for four.
const CROWDED_AT: u32 = 1;

/// Rows that each tenant of a large data set has in each of its tables.
pub const ROWS_OF_LARGE: u32 = 50;

const PLAIN: WorldShape =
    WorldShape { tenants: 1, rows: Rows::Each(1), nulls: Nulls::Percent(35), duplicates_percent: 0 };

fn spec(label: &str, worlds: Vec<WorldShape>) -> CaseSpec {
    let shared_rows = u32::from(!worlds.is_empty()) * 3;
    CaseSpec {
        label: label.to_owned(),
        worlds,
        shared_rows,
        collisions_percent: 15,
        extremes_percent: 0,
        across_percent: 0,
        rows_max: ROWS_MAX,
        exact: Vec::new(),
    }
}

/// The small scope: what every schema meets before anything random.
fn systematic() -> Vec<CaseSpec> {
    let full = WorldShape { nulls: Nulls::Never, ..PLAIN };
    let bare = WorldShape { nulls: Nulls::Always, ..PLAIN };
    let rows = |n: u32, shape: WorldShape| WorldShape { rows: Rows::Each(n), ..shape };
    let double = |shape: WorldShape| WorldShape { duplicates_percent: 100, ..rows(2, shape) };
    let tenants = |n: u8, shape: WorldShape| WorldShape { tenants: n, ..shape };
    let collide = |case: CaseSpec| CaseSpec { collisions_percent: 100, ..case };
    vec![
        spec("no rows at all", Vec::new()),
        spec("one tenant without rows", vec![WorldShape { rows: Rows::None, ..PLAIN }]),
        spec("one tenant, one row per table, nothing NULL", vec![full]),
        spec("one tenant, one row per table, everything NULL that may be", vec![bare]),
        collide(spec("two tenants, one row per table, equal values", vec![full, full])),
        spec("two tenants, rows that differ in their keys only", vec![double(full), double(bare)]),
        spec("no tenant", vec![tenants(0, rows(1, bare)), tenants(0, rows(2, full))]),
        spec("two tenants of one owner", vec![tenants(2, rows(2, full))]),
        spec(
            "two tenants of one owner beside one of another",
            vec![tenants(2, rows(3, PLAIN)), rows(2, PLAIN)],
        ),
        spec("one tenant beside rows of none", vec![rows(2, full), tenants(0, rows(1, bare))]),
        CaseSpec {
            extremes_percent: 100,
            ..spec("two tenants, values at the edge of their types", vec![rows(2, full), rows(2, full)])
        },
        CaseSpec { shared_rows: 0, ..spec("one tenant, no shared rows", vec![rows(2, PLAIN)]) },
        spec(
            "one tenant, each two values missing and there in all ways",
            vec![WorldShape { nulls: Nulls::Pairs, ..rows(PAIR_ROWS, PLAIN) }],
        ),
    ]
}

impl Plan {
    /// The small scope of this schema: what every one meets, and what the scenario says of its references.
    fn systematic(&self) -> Vec<CaseSpec> {
        let mut cases = systematic();
        if self.tables.iter().any(|t| t.references.iter().any(|r| r.across)) {
            let two = WorldShape { rows: Rows::Each(2), nulls: Nulls::Never, ..PLAIN };
            let label = "two tenants, rows that refer to the other's";
            cases.push(CaseSpec { across_percent: 100, ..spec(label, vec![two, two]) });
        }
        cases
    }

    /// Number of systematic cases that come before the random ones.
    pub fn systematic_count(&self) -> u32 {
        u32::try_from(self.systematic().len()).unwrap_or(u32::MAX)
    }

    /// The shape of case number `index` of `total`: the systematic ones first, then small and packed ones
    /// in turn. With few cases in total, packed ones come early: they find the most.
    pub fn case_spec(&self, index: u32, total: u32) -> CaseSpec {
        let systematic = self.systematic();
        let count = u32::try_from(systematic.len()).unwrap_or(u32::MAX);
        // Not all of a short run is spent on the small scope.
        let packed_first = total > 0 && total < 2 * count && index % 4 == 3;
        let small =
            if total > 0 && total < 2 * count { index - index / 4 - u32::from(packed_first) } else { index };
        if !packed_first && let Some(spec) = systematic.into_iter().nth(small as usize) {
            return spec;
        }
        let size = match index {
            _ if packed_first => CaseSize::Packed,
            _ if index % CROWDED_EVERY == CROWDED_AT => CaseSize::Crowded,
            _ if index % 2 == 1 => CaseSize::Packed,
            _ => CaseSize::Small,
        };
        self.random_spec(size, u64::from(index))
    }

    /// A data set with so many rows in each table: as many worlds as tenants, the rows spread over them evenly. Tables
    /// that are not named have none, but for what others need. Nothing is NULL: a count says nothing of gaps.
    pub fn documented_spec(&self, exact: Vec<ExactRows>) -> CaseSpec {
        let is_tenants = |e: &&ExactRows| {
            self.tables
                .iter()
                .any(|t| t.role == Role::Tenants && (t.database, &t.table.name) == (e.database, &e.table))
        };
        let tenants = exact.iter().find(is_tenants).map_or(1, |e| e.rows).max(1);
        let world = WorldShape { rows: Rows::None, nulls: Nulls::Never, ..PLAIN };
        CaseSpec {
            exact,
            collisions_percent: 0,
            rows_max: usize::MAX,
            ..spec("a documented data set", vec![world; tenants as usize])
        }
    }

    /// A data set with about so many rows in the tables that count: tenants alike, each with [`ROWS_OF_LARGE`] rows in its tables, as many
    /// tenants as it takes. Nothing in it is awkward, and what may be NULL often is.
    pub fn large_spec(&self, rows: u64, counts: impl Fn(usize, &Relation) -> bool) -> CaseSpec {
        let world = WorldShape { rows: Rows::Each(ROWS_OF_LARGE), ..PLAIN };
        let of = |worlds: usize| CaseSpec {
            collisions_percent: 0,
            rows_max: usize::MAX,
            ..spec("one large data set", vec![world; worlds])
        };
        let rows_of_world = self.rows_of_worlds(&of(1), counts).max(1);
        of(usize::try_from(rows.div_ceil(rows_of_world)).unwrap_or(usize::MAX))
    }

    /// A random shape; the same for the same number.
    pub fn random_spec(&self, size: CaseSize, number: u64) -> CaseSpec {
        let mut dice = Dice::new(number, 0xca5e);
        let tables = self.tables.iter().filter(|t| t.filled && t.role != Role::Shared).count().max(1);
        let (worlds, rows_most) = match size {
            CaseSize::Small => (2 + dice.below(3), 3),
            CaseSize::Packed => {
                let fitting = ROWS_MAX / tables;
                (16 + dice.below(25).min(fitting.saturating_sub(16)), 6)
            }
            CaseSize::Crowded => ((CROWD_ROWS_MAX / (2 * tables)).min(400), 2),
        };
        let shapes = (0..worlds)
            .map(|_| WorldShape {
                tenants: [0, 1, 1, 1, 1, 1, 1, 1, 2, 2][dice.below(10)],
                rows: match dice.below(8) {
                    0 => Rows::None,
                    1 => Rows::Each(1),
                    // A few tenants dwarf the others.
                    2 if size == CaseSize::Packed => Rows::UpTo(rows_most * 3),
                    _ => Rows::UpTo(rows_most),
                },
                nulls: match dice.below(6) {
                    0 => Nulls::Never,
                    1 => Nulls::Always,
                    _ => Nulls::Percent([10, 35, 60][dice.below(3)]),
                },
                duplicates_percent: [0, 0, 10, 50][dice.below(4)],
            })
            .collect();
        let label = match size {
            CaseSize::Small => "a few random tenants",
            CaseSize::Packed => "many random tenants",
            CaseSize::Crowded => "hundreds of random tenants",
        };
        let rows_max = if size == CaseSize::Crowded { CROWD_ROWS_MAX } else { ROWS_MAX };
        CaseSpec {
            collisions_percent: 20,
            extremes_percent: 6,
            across_percent: if number.is_multiple_of(3) { 10 } else { 0 },
            rows_max,
            ..spec(label, shapes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_columns_are_null_in_all_four_ways() {
        for (a, b) in (0..PAIR_COLUMNS).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let ways: std::collections::BTreeSet<(bool, bool)> =
                (0..PAIR_ROWS as usize).map(|r| (null_in_pairs(a, r), null_in_pairs(b, r))).collect();
            assert_eq!(ways.len(), 4, "columns {a} and {b}");
        }
    }
}
