//! A filtered search for nearest neighbours finds what is there, whatever the other tenants hold.

use std::collections::HashMap;

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::scenario::Checkpoint;

use super::vectors::{Asked, THROUGH_INDEX, asked, prefixed};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, about, contents};
use crate::explore::{Act, Binding, CaseData, Excursion, Observations, Scene, Seen};

/// As many rows as asked while there are, and the recall that is declared.
pub(super) struct VectorRecall;

/// Tenants that ask in each case.
const SENDERS: usize = 2;

/// The exact answer: no index gives the order.
const EXACT: &str = "SET LOCAL enable_indexscan = off; ";

static SPEC: InvariantSpec = InvariantSpec {
    id: "vector-recall",
    title: "A filtered search finds as many rows as asked, and those that are nearest",
    rationale: "An approximate index looks at the nearest rows of all tenants and drops the foreign ones afterwards. A \
        small tenant beside a large one gets fewer rows than it has, or none, and what it gets depends on its neighbours.",
    example: "SELECT … WHERE tenant_id = $1 ORDER BY embedding <=> $2 LIMIT 5, over one HNSW index for all tenants",
    remedy: "Rank a tenant's own rows exactly while they are few; else scan iteratively (hnsw.iterative_scan, \
        ivfflat.iterative_scan), or give each tenant a partition or partial index of its own.",
    exercise: "read paths with `retrieval`, tenants with vectors beside other tenants with vectors",
};

/// One tenant's question, answered through the index and exactly.
pub(crate) struct Recalled<'a> {
    pub(crate) asked: Asked<'a>,
    binding: Binding,
    /// Rows of the exact answer.
    pub(crate) expected: usize,
    /// Rows of the answer through the index.
    got: usize,
    /// Those of them that the exact answer has, too.
    found: usize,
    /// Whether other tenants have vectors in the table.
    beside_others: bool,
}

impl Recalled<'_> {
    /// From 0 to 1.
    pub(crate) fn recall(&self) -> f64 {
        self.found as f64 / self.expected as f64
    }
}

fn questions<'a>(scene: &'a Scene, case: &CaseData) -> Vec<(Asked<'a>, Binding)> {
    let mut found = Vec::new();
    for one in asked(scene) {
        for world in case.sample(SENDERS, one.id.0 as u64) {
            found.extend(case.bind(scene, one.id, world).map(|binding| (one, binding)));
        }
    }
    found
}

fn ways(one: &Asked<'_>, binding: &Binding) -> [Excursion; 2] {
    [THROUGH_INDEX, EXACT]
        .map(|prefix| Excursion { from: one.at, acts: vec![Act::Send(prefixed(prefix, binding))] })
}

/// Every question that was answered both ways, with a non-empty exact answer.
pub(crate) fn recalled<'a>(scene: &'a Scene, case: &CaseData, seen: &Observations) -> Vec<Recalled<'a>> {
    let mut found = Vec::new();
    for (one, binding) in questions(scene, case) {
        let alive = seen.alive(one.at);
        let [through, exact] = ways(&one, &binding);
        let answers = [through, exact].map(|e| seen.seen(one.at, &e.acts).and_then(Seen::done));
        let ([Some(through), Some(exact)], true) = (answers, alive.contains(&binding.world)) else {
            continue;
        };
        let key = one.key();
        // Rows that were taken out on the way are still in the index, and would stand in the others' way.
        if scene.born(&key) == Checkpoint(0) && alive.len() < seen.alive(Checkpoint(0)).len() {
            continue;
        }
        let Some(table) = seen.contents(one.at).and_then(|c| c.tables.get(&key)) else { continue };
        let [identity] = table.identity.as_slice() else { continue };
        // Rows are compared by their vectors: of two that are equally near either is right.
        let mut vectors: HashMap<&str, &str> = HashMap::new();
        let mut others: Vec<WorldId> = Vec::new();
        for row in &table.rows {
            let (Some(id), Some(vector)) = (&row.values[*identity], table.cell(row, &one.retrieval.column))
            else {
                continue;
            };
            vectors.insert(id, vector);
            others.extend(case.world_of(scene, &key, table, row).filter(|w| *w != binding.world));
        }
        let told = |rows: &[Vec<Option<String>>]| -> Vec<String> {
            let named = rows.iter().filter_map(|r| r.iter().flatten().find_map(|v| vectors.get(v.as_str())));
            named.filter(|v| !is_zero(v)).map(|v| (*v).to_owned()).collect()
        };
        let (expected, got) = (told(&exact.answer.rows), told(&through.answer.rows));
        if expected.is_empty() {
            continue;
        }
        let mut left = expected.clone();
        let hits =
            got.iter().filter(|v| left.iter().position(|x| x == *v).map(|i| left.swap_remove(i)).is_some());
        let hits = hits.count();
        found.push(Recalled {
            asked: one,
            expected: expected.len(),
            got: got.len(),
            found: hits,
            beside_others: others.iter().any(|w| alive.contains(w)),
            binding,
        });
    }
    found
}

/// Whether all coordinates are zero: such a vector has no angle, and no index by angle holds it.
fn is_zero(vector: &str) -> bool {
    let coordinates = vector.split_once('/').map_or(vector, |(coordinates, _)| coordinates);
    !coordinates.contains(|c: char| ('1'..='9').contains(&c))
}

impl Invariant for VectorRecall {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if asked(scene).is_empty() {
            return Err("no access path declares `retrieval`".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        questions(scene, case)
            .iter()
            .flat_map(|(one, binding)| ways(one, binding).into_iter().chain([contents(one.at)]))
            .collect()
    }
    fn plan_for(&self, scene: &Scene, case: &CaseData, key: &ViolationKey) -> Vec<Excursion> {
        about(scene, self.plan(scene, case), &key.subject)
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for one in recalled(scene, case, seen) {
            let (name, world) = (&one.asked.path.name, one.binding.world);
            if one.beside_others {
                judgement.exercised.insert(world);
            }
            let floor = one.asked.retrieval.recall;
            let (code, severity, title, message) = if one.got < one.expected {
                (
                    "fewer-rows",
                    Severity::High,
                    format!("“{name}” returns fewer rows than there are"),
                    format!(
                        "Of {} rows that a tenant asks for and has, “{name}” returns {} where the planner uses an index.",
                        one.expected, one.got
                    ),
                )
            } else if one.recall() < floor {
                (
                    "recall",
                    Severity::Medium,
                    format!("“{name}” misses rows that are nearer"),
                    format!(
                        "Of the {} nearest rows of a tenant “{name}” returns {}: recall {:.2}, declared {floor:.2}.",
                        one.expected,
                        one.found,
                        one.recall()
                    ),
                )
            } else {
                continue;
            };
            let [witness, _] = ways(&one.asked, &one.binding);
            judgement.violated(Violation {
                key: ViolationKey { step: None, code, subject: name.clone() },
                worlds: [world].into(),
                severity,
                title,
                message,
                cause: "The index is searched over the rows of all tenants; what the filter takes away, or what lies in \
                    another list, is not replaced."
                    .to_owned(),
                remedy: String::new(),
                tables: vec![one.asked.retrieval.table.to_string()],
                place: one.asked.path.source.clone().map(|s| (s, None)),
                witness,
            });
        }
        judgement
    }
}

#[cfg(test)]
mod tests {
    use super::is_zero;

    #[test]
    fn only_a_vector_without_any_coordinate_is_zero() {
        assert!(is_zero("[0,0,0]") && is_zero("[-0,0]") && is_zero("{}/12"));
        assert!(!is_zero("[0,0.5,0]") && !is_zero("{3:1}/12") && !is_zero("[0,1e-30]"));
    }
}
