//! Vector columns and their indexes: the model's dimension is the column's, and the index can serve the read.

use std::collections::BTreeSet;

use watertight_reports::{Expects, Severity};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AccessId, AccessPath, Checkpoint, DatabaseId, Retrieval, StepId};
use watertight_scenarios::schema::{Index, TypeKind};

use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use crate::db::session::Answer;
use crate::explore::{
    Act, Actor, Binding, CaseData, Excursion, Observations, Scene, Seen, Statement, TableKey,
};

/// The model's dimension is the column's, and another is refused.
pub(super) struct Dimension;
/// An approximate index is valid, built on data, and usable for the declared read.
pub(super) struct IndexUsed;

/// A planner reads small tables whole and sorts them: it is asked what it does with large ones.
pub(crate) const THROUGH_INDEX: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; ";

/// A read that asks for nearest neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) id: AccessId,
    pub(crate) path: &'a AccessPath,
    pub(crate) retrieval: &'a Retrieval,
    /// The last checkpoint at which it is in use.
    pub(crate) at: Checkpoint,
}

/// Declared reads of nearest neighbours, as far as the timeline was reached.
pub(crate) fn asked(scene: &Scene) -> Vec<Asked<'_>> {
    let paths = scene.scenario.access.iter().enumerate();
    paths
        .filter_map(|(i, path)| {
            let (retrieval, at) = (path.retrieval.as_ref()?, path.until.min(scene.last()));
            (path.from <= at).then_some(Asked { id: AccessId(i), path, retrieval, at })
        })
        .collect()
}

impl Asked<'_> {
    pub(crate) fn key(&self) -> TableKey {
        (self.path.database, self.retrieval.table.clone())
    }

    fn dimension_of_column(&self, scene: &Scene) -> Option<Option<u32>> {
        let column = scene.table(self.at, &self.key())?.column(&self.retrieval.column)?;
        dimension(&column.ty.kind)
    }

    fn column(&self) -> String {
        format!("{}.{}", self.retrieval.table, self.retrieval.column)
    }

    /// Approximate indexes on the column.
    pub(crate) fn indexes<'s>(&self, scene: &'s Scene) -> Vec<&'s Index> {
        let Some(table) = scene.table(self.at, &self.key()) else { return Vec::new() };
        table.indexes.iter().filter(|i| is_approximate(i) && self.is_on_column(i)).collect()
    }

    fn is_on_column(&self, index: &Index) -> bool {
        let column = self.retrieval.column.as_str();
        let parts = index.definition.split_once(" USING ").map_or("", |(_, parts)| parts);
        parts.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == column)
            || parts.contains(&self.retrieval.column.quoted())
    }
}

/// Whether an index finds near neighbours rather than all of them.
pub(crate) fn is_approximate(index: &Index) -> bool {
    matches!(index.method.as_str(), "ivfflat" | "hnsw")
}

/// The dimension of a vector type, if it is one; `Some(None)`: a vector of any.
fn dimension(kind: &TypeKind) -> Option<Option<u32>> {
    match kind {
        TypeKind::Vector(n) | TypeKind::HalfVec(n) => Some(*n),
        _ => None,
    }
}

/// The binding with settings before its statement.
pub(crate) fn prefixed(prefix: &str, binding: &Binding) -> Binding {
    Binding { sql: format!("{prefix}{}", binding.sql), ..binding.clone() }
}

/// A read of nearest neighbours as a large table would answer it; any other as it is.
pub(crate) fn as_when_large(scene: &Scene, binding: Binding) -> Binding {
    let retrieval = scene.scenario.access[binding.access.0].retrieval.as_ref();
    if retrieval.is_some() { prefixed(THROUGH_INDEX, &binding) } else { binding }
}

fn has_reads(scene: &Scene) -> Result<(), String> {
    if asked(scene).is_empty() {
        return Err("no access path declares `retrieval`".to_owned());
    }
    Ok(())
}

static DIMENSION: InvariantSpec = InvariantSpec {
    id: "vector-dimension",
    title: "Model and column agree on the dimension, and another dimension is refused",
    rationale: "A model is exchanged for a larger one, the column stays as it was: every ingestion and every question \
        fails from that day on. A column without a dimension accepts both, and every comparison of the two fails later.",
    example: "embedding vector(1536), and text-embedding-3-large at 3072 dimensions",
    remedy: "Give the column the model's dimension, or ask the model for the column's. Approximate indexes take at most \
        2000 dimensions of vector and 4000 of halfvec.",
    exercise: "read paths with `retrieval`, and rows in their tables",
};

/// An attempt to store a vector.
struct Attempt {
    key: TableKey,
    column: Ident,
    world: watertight_generators::WorldId,
    /// Dimensions of the column.
    declared: u32,
    at: Checkpoint,
    fitting: Act,
    unfit: Act,
}

fn attempts(scene: &Scene, case: &CaseData) -> Vec<Attempt> {
    let mut found: Vec<Attempt> = Vec::new();
    for one in asked(scene) {
        let (key, column) = (one.key(), one.retrieval.column.clone());
        let Some(declared) = one.dimension_of_column(scene).flatten().or(one.retrieval.dimension) else {
            continue;
        };
        if found.iter().any(|a| (&a.key, &a.column) == (&key, &column)) {
            continue;
        }
        let data = case.data.tables.iter().find(|t| (DatabaseId(t.database), &t.table) == (key.0, &key.1));
        let Some(data) = data else { continue };
        let Some(identity) = scene.table(scene.born(&key), &key).and_then(|t| t.identity()) else { continue };
        let Some((row, world)) = data.rows.iter().find_map(|r| Some((r, r.world?))) else { continue };
        let here: Option<Vec<String>> = identity
            .iter()
            .map(|c| {
                let value = row.values[data.columns.iter().position(|x| x == c)?].as_ref()?;
                Some(format!("{} = {}", c.quoted(), quote_literal(value)))
            })
            .collect();
        let Some(here) = here else { continue };
        let sql = |n: u32| {
            let vector = quote_literal(&format!("[{}]", vec!["1"; n as usize].join(",")));
            format!(
                "UPDATE {} SET {} = {vector} WHERE {}",
                key.1.quoted(),
                column.quoted(),
                here.join(" AND ")
            )
        };
        let act = |sql: String| Act::Sql(Statement { database: key.0, actor: Actor::Writer, sql });
        found.push(Attempt {
            column: column.clone(),
            world,
            declared,
            at: one.at,
            fitting: act(sql(declared)),
            unfit: act(sql(declared + 1)),
            key,
        });
    }
    found
}

impl Invariant for Dimension {
    fn spec(&self) -> &'static InvariantSpec {
        &DIMENSION
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_reads(scene)
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        if !case.deep {
            return Vec::new();
        }
        attempts(scene, case)
            .into_iter()
            .flat_map(|a| [a.fitting, a.unfit].map(|act| Excursion { from: a.at, acts: vec![act] }))
            .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for one in asked(scene) {
            judge_model(scene, case, seen, &one, &mut judgement);
        }
        for attempt in attempts(scene, case) {
            judge_attempt(seen, &attempt, &mut judgement);
        }
        judgement
    }
}

/// What is declared, against the catalogs.
fn judge_model(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    one: &Asked<'_>,
    judgement: &mut Judgement,
) {
    // A column of any dimension is put to the test by storing one.
    let (Some(Some(column)), Some(model)) = (one.dimension_of_column(scene), one.retrieval.dimension) else {
        return;
    };
    let alive = seen.alive(one.at);
    if alive.is_empty() {
        return;
    }
    judgement.exercised.extend(&alive);
    if column == model {
        return;
    }
    let sent = case.sample(1, one.id.0 as u64).first().and_then(|w| case.bind(scene, one.id, *w));
    judgement.violated(Violation {
        key: ViolationKey { step: None, code: "model-differs", subject: one.column() },
        worlds: alive,
        severity: Severity::Critical,
        title: format!("The model of {} has {model} dimensions, the column {column}", one.column()),
        message: format!(
            "“{}” embeds its question with {model} dimensions; {} has {column}. The server refuses to compare them, and to \
             store what the model gives.",
            one.path.name,
            one.column()
        ),
        cause: "Model and column were chosen apart from each other.".to_owned(),
        remedy: String::new(),
        tables: vec![one.retrieval.table.to_string()],
        place: one.path.source.clone().map(|s| (s, None)),
        witness: Excursion { from: one.at, acts: vec![sent.map_or(Act::Catalog, Act::Send)] },
    });
}

fn judge_attempt(seen: &Observations, attempt: &Attempt, judgement: &mut Judgement) {
    let outcome = |act: &Act| seen.seen(attempt.at, std::slice::from_ref(act));
    // Positive control: a vector of the right dimension is stored in that row.
    let stored = |seen: &Seen| seen.done().is_some_and(|d| d.answer.affected > 0);
    if !outcome(&attempt.fitting).is_some_and(stored) || !seen.alive(attempt.at).contains(&attempt.world) {
        return;
    }
    let Some(unfit) = outcome(&attempt.unfit) else { return };
    judgement.exercised.insert(attempt.world);
    let subject = format!("{}.{}", attempt.key.1, attempt.column);
    let refused = unfit.refusal().and_then(|r| r.failure.sql()).is_some_and(|e| e.sqlstate.starts_with("22"));
    judgement.probes.push(Probe {
        subject: format!("a vector of {} dimensions in {subject} is refused", attempt.declared + 1),
        table: Some(attempt.key.1.to_string()),
        passed: refused,
        sql: None,
        answer: Some(unfit.refusal().map_or_else(|| "accepted".to_owned(), |r| r.failure.to_string())),
        expects: Some(Expects::Refusal),
    });
    if stored(unfit) {
        judgement.violated(Violation {
            key: ViolationKey { step: None, code: "accepts-any", subject: subject.clone() },
            worlds: [attempt.world].into(),
            severity: Severity::High,
            title: format!("{subject} accepts vectors of any dimension"),
            message: format!(
                "A vector of {} dimensions is stored where the model has {}; every comparison with it fails.",
                attempt.declared + 1,
                attempt.declared
            ),
            cause: "The column's type names no dimension.".to_owned(),
            remedy: String::new(),
            tables: vec![attempt.key.1.to_string()],
            place: None,
            witness: Excursion { from: attempt.at, acts: vec![attempt.unfit.clone()] },
        });
    }
}

static INDEX: InvariantSpec = InvariantSpec {
    id: "vector-index-used",
    title: "An approximate index is valid, built on data, and can serve the read that it is meant for",
    rationale: "An IVFFlat index finds its lists in the rows that are there when it is built: built on an empty table it \
        has none, and misses most rows for ever. An index of another operator class is never used, and nobody notices \
        until the table is large.",
    example: "CREATE INDEX … USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100), right after CREATE TABLE",
    remedy: "Build an IVFFlat index after the first real load (or use HNSW, which needs no rows), with the operator class \
        of the read's operator, and ORDER BY that operator alone.",
    exercise: "read paths with `retrieval` on a column with an approximate index, and rows in its table",
};

/// The plan of a read, as a large table would have it.
fn explained(scene: &Scene, case: &CaseData, one: &Asked<'_>) -> Option<(Binding, Excursion)> {
    let world = case.sample(1, one.id.0 as u64).first().copied()?;
    let binding = case.bind(scene, one.id, world)?;
    let sent = prefixed(&format!("{THROUGH_INDEX}EXPLAIN (COSTS OFF) "), &binding);
    Some((binding, Excursion { from: one.at, acts: vec![Act::Send(sent)] }))
}

/// Asks for indexes that the transaction which built them may not use: where rows were updated in place before, an
/// index serves the transactions after it only, and what the planner does now tells nothing.
fn withheld(one: &Asked<'_>, binding: &Binding) -> Excursion {
    const SQL: &str = "SELECT c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
        WHERE i.indcheckxmin";
    Excursion { from: one.at, acts: vec![Act::Send(Binding { sql: SQL.to_owned(), ..binding.clone() })] }
}

impl Invariant for IndexUsed {
    fn spec(&self) -> &'static InvariantSpec {
        &INDEX
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        has_reads(scene)?;
        if asked(scene).iter().all(|one| one.indexes(scene).is_empty()) {
            return Err(
                "no declared read has an approximate index on its vectors: it ranks them all".to_owned()
            );
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let reads = asked(scene).into_iter().filter(|one| !one.indexes(scene).is_empty());
        let plans = reads.filter_map(|one| {
            let (binding, plan) = explained(scene, case, &one)?;
            Some([withheld(&one, &binding), plan])
        });
        scene.checkpoints().map(contents).chain(plans.flatten()).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for one in asked(scene) {
            let indexes = one.indexes(scene);
            if indexes.is_empty() {
                continue;
            }
            for index in &indexes {
                judge_build(scene, case, seen, &one, index, &mut judgement);
            }
            judge_use(scene, case, seen, &one, &indexes, &mut judgement);
        }
        judgement
    }
}

/// The step that brings an index, if one does.
fn brought_by(scene: &Scene, key: &TableKey, name: &Ident) -> Option<StepId> {
    let has =
        |at: &Checkpoint| scene.table(*at, key).is_some_and(|t| t.indexes.iter().any(|i| &i.name == name));
    let first = scene.checkpoints().find(has)?;
    first.0.checked_sub(1).map(StepId)
}

fn judge_build(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    one: &Asked<'_>,
    index: &Index,
    judgement: &mut Judgement,
) {
    let key = one.key();
    let vectors = |at: Checkpoint| -> BTreeSet<_> {
        let Some(table) = seen.contents(at).and_then(|c| c.tables.get(&key)) else { return BTreeSet::new() };
        let filled = table.rows.iter().filter(|r| table.cell(r, &one.retrieval.column).is_some());
        filled.filter_map(|r| case.world_of(scene, &key, table, r)).collect()
    };
    let worlds = vectors(one.at);
    if worlds.is_empty() {
        return;
    }
    judgement.exercised.extend(&worlds);
    let step = brought_by(scene, &key, &index.name);
    let empty = index.method == "ivfflat" && step.is_some_and(|s| vectors(s.before()).is_empty());
    let (code, what, cause) = match (index.valid, empty) {
        (false, _) => ("invalid", "is not valid", "The statement that built it did not end well."),
        (true, true) => (
            "built-empty",
            "is built before its table has a vector",
            "IVFFlat places its lists by the rows that are there when it is built, and never moves them.",
        ),
        (true, false) => return,
    };
    judgement.violated(Violation {
        key: ViolationKey { step, code, subject: index.name.to_string() },
        worlds,
        severity: Severity::High,
        title: format!("The index {} {what}", index.name),
        message: format!(
            "The index {} on {} {what}; rows that come later are searched by it all the same: {}.",
            index.name,
            one.column(),
            index.definition
        ),
        cause: cause.to_owned(),
        remedy: String::new(),
        tables: vec![one.retrieval.table.to_string()],
        place: step.map(|s| place(scene, s, index)),
        witness: contents(one.at),
    });
}

/// The statement of a step that names the index.
fn place(scene: &Scene, step: StepId, index: &Index) -> (String, Option<u32>) {
    let script = &scene.step(step).up;
    let at = script.statements.iter().position(|s| script.sql(s).contains(index.name.as_str()));
    scene.location(step, at.unwrap_or(0))
}

fn judge_use(
    scene: &Scene,
    case: &CaseData,
    seen: &Observations,
    one: &Asked<'_>,
    indexes: &[&Index],
    judgement: &mut Judgement,
) {
    let Some((binding, excursion)) = explained(scene, case, one) else { return };
    if !seen.alive(one.at).contains(&binding.world) {
        return;
    }
    // A read that the server refuses is told by access-compatible.
    let Some(done) = seen.seen(one.at, &excursion.acts).and_then(Seen::done) else { return };
    let words =
        |answer: &Answer| -> Vec<String> { answer.rows.iter().flatten().flatten().cloned().collect() };
    let withheld = seen.seen(one.at, &withheld(one, &binding).acts).and_then(Seen::done);
    let withheld = withheld.map(|done| words(&done.answer)).unwrap_or_default();
    if indexes.iter().any(|index| withheld.iter().any(|name| *name == index.name.as_str())) {
        return;
    }
    let plan = words(&done.answer);
    let names = |index: &&Index| plan.iter().any(|line| names(line, &index.name));
    judgement.exercised.insert(binding.world);
    let list: Vec<String> = indexes.iter().map(|i| i.name.to_string()).collect();
    let used = indexes.iter().any(names);
    judgement.probes.push(Probe {
        subject: format!("“{}” can be answered through {}", one.path.name, list.join(" or ")),
        table: Some(one.retrieval.table.to_string()),
        passed: used,
        sql: None,
        answer: Some(plan.iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ")),
        expects: None,
    });
    if used {
        return;
    }
    judgement.violated(Violation {
        key: ViolationKey { step: None, code: "not-usable", subject: one.path.name.clone() },
        worlds: [binding.world].into(),
        severity: Severity::Medium,
        title: format!("“{}” cannot use {}", one.path.name, list.join(" or ")),
        message: format!(
            "Asked for a plan without reading the whole of {} and without sorting it, the planner does not use {}.",
            one.retrieval.table,
            list.join(" or ")
        ),
        cause: "The read does not order by the operator of the index's class alone, ascending, with a limit.".to_owned(),
        remedy: String::new(),
        tables: vec![one.retrieval.table.to_string()],
        place: one.path.source.clone().map(|s| (s, None)),
        witness: excursion,
    });
}

/// Whether a line of a plan names an object, quoted or not.
pub(crate) fn names(line: &str, name: &Ident) -> bool {
    line.contains(&name.quoted()) || line.split_whitespace().any(|word| word == name.as_str())
}
