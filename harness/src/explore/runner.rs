//! Does what acts say, on the sessions of one worker: one transaction a case, a savepoint an act.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use watertight_generators::{Dataset, WorldId};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{DatabaseId, StepId, StepKind};
use watertight_scenarios::{Ident, Relation, Script};

use super::act::{Act, Actor, Binding, Done, Refusal, Seen, Statement};
use super::case::{CaseData, is_distinctive};
use super::observe::{Observations, StepRun};
use super::scene::Scene;
use super::snapshot::{SnapRow, Snapshot, TableKey, TableRows};
use super::tree::{Node, Tree};
use crate::catalog;
use crate::db::session::{Answer, Failure, Session};
use crate::db::stage::{RoleNames, Stage, StageError};

/// Limit for the harness's own statements.
const OWN_LIMIT: Duration = Duration::from_secs(120);
/// Limit for one statement of an access path.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// Times that a step is tried again without the worlds that broke it.
const SCREENS_MAX: usize = 64;

/// What is told of the acts as they happen: the counterexample's script is written from it.
pub type Record = Vec<Recorded>;

/// A statement, and who sent it where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The database.
    pub database: DatabaseId,
    /// Who.
    pub actor: Actor,
    /// What, in words, for a comment.
    pub what: String,
    /// Statements, as sent.
    pub sql: Vec<String>,
    /// What the server answered, in one line.
    pub answer: Option<String>,
}

/// Databases of one worker with a session on each.
pub struct Runner<'a> {
    pub(super) scene: &'a Scene,
    pub(super) stage: &'a Stage<'a>,
    pub(super) names: &'a RoleNames,
    pub(super) databases: Vec<String>,
    pub(super) sessions: Vec<Session>,
    pub(super) record: Option<Record>,
    /// Values of the case that is played.
    pub(super) values: Arc<HashMap<String, Option<WorldId>>>,
    /// Savepoints to set and undo, by database: sent in one message with whatever comes next.
    pending: Vec<Vec<String>>,
    depth: usize,
}

impl<'a> Runner<'a> {
    /// A runner on clones of the stage's templates, one for each database of the scenario.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn open(scene: &'a Scene, stage: &'a Stage<'a>) -> Result<Self, StageError> {
        let (databases, sessions) = stage.open().await?;
        Ok(Self {
            scene,
            stage,
            names: stage.names(),
            databases,
            sessions,
            record: None,
            values: Arc::default(),
            pending: Vec::new(),
            depth: 0,
        })
    }

    /// From now on keeps every statement, until [`Runner::recorded`].
    pub fn start_recording(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What was kept.
    pub fn recorded(&mut self) -> Record {
        self.record.take().unwrap_or_default()
    }

    /// Closes the sessions and drops the databases.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn close(self) -> Result<(), StageError> {
        for session in self.sessions {
            session.close().await;
        }
        self.stage.drop_databases(&self.databases).await
    }

    pub(super) async fn everywhere(&mut self, sql: &str) -> Result<(), Failure> {
        for db in (0..self.sessions.len()).map(DatabaseId) {
            self.own(db, sql).await?;
        }
        Ok(())
    }

    /// The same for statements that cannot fail and that nobody waits for: they go with the next message.
    fn later(&mut self, statements: &[String]) {
        self.pending.resize(self.sessions.len(), Vec::new());
        for pending in &mut self.pending {
            pending.extend_from_slice(statements);
        }
    }

    /// What a script or statement set for its session ends with it.
    fn reset_later(&mut self, db: DatabaseId) {
        self.pending.resize(self.sessions.len(), Vec::new());
        self.pending[db.0].extend(["RESET ALL".to_owned(), "RESET ROLE".to_owned()]);
    }

    fn undo_later(&mut self, savepoint: &str) {
        self.later(&[format!("ROLLBACK TO SAVEPOINT {savepoint}"), format!("RELEASE SAVEPOINT {savepoint}")]);
    }

    pub(super) async fn own(&mut self, db: DatabaseId, sql: &str) -> Result<Vec<Answer>, Failure> {
        let first = self.pending.get_mut(db.0).map(std::mem::take).unwrap_or_default();
        if first.is_empty() {
            return self.sessions[db.0].run(sql, OWN_LIMIT).await;
        }
        let count = first.len();
        let mut answers = self.sessions[db.0].run(&format!("{};{sql}", first.join(";")), OWN_LIMIT).await?;
        answers.drain(..count.min(answers.len()));
        Ok(answers)
    }

    pub(super) fn keep(&mut self, database: DatabaseId, actor: &Actor, what: String, sql: Vec<String>) {
        if let Some(record) = &mut self.record {
            record.push(Recorded { database, actor: actor.clone(), what, sql, answer: None });
        }
    }

    pub(super) fn answered(&mut self, seen: &Seen) {
        let Some(last) = self.record.as_mut().and_then(|r| r.last_mut()) else { return };
        last.answer = match seen {
            Seen::Refused(refusal) => Some(refusal.failure.to_string()),
            Seen::Done(done) if !done.answer.rows.is_empty() => {
                Some(format!("{} rows", done.answer.rows.len()))
            }
            Seen::Done(done) => Some(format!("{} rows written", done.answer.affected)),
            _ => None,
        };
    }

    /// One case from its first row to the end of the timeline, with every excursion of `trees`.
    /// Everything is undone at the end.
    ///
    /// # Errors
    /// When a session is lost; what was seen until then is lost with it.
    pub async fn play(&mut self, case: &CaseData, trees: Vec<Tree>) -> Result<Observations, Failure> {
        self.depth = 0;
        self.pending.clear();
        self.values = case.values();
        self.everywhere("BEGIN").await?;
        let played = self.play_inside(case, trees).await;
        let undone = self.everywhere("ROLLBACK").await;
        let seen = played?;
        undone?;
        Ok(seen)
    }

    async fn play_inside(&mut self, case: &CaseData, trees: Vec<Tree>) -> Result<Observations, Failure> {
        self.load(&case.data).await?;
        let mut seen =
            Observations { alive: vec![case.worlds().iter().copied().collect()], trees, steps: Vec::new() };
        // A replay from an earlier case has trees for the checkpoints that it asks about only.
        let last = seen.trees.iter().rposition(|t| !t.is_empty()).unwrap_or(0);
        for k in 0..self.scene.scenario.steps.len() + 1 {
            if let Some(tree) = seen.trees.get_mut(k) {
                let mut roots = std::mem::take(&mut tree.roots);
                self.visit(case, &mut roots).await?;
                seen.trees[k].roots = roots;
            }
            if k == self.scene.scenario.steps.len() || (self.record.is_some() && k >= last) {
                break;
            }
            let mut alive = seen.alive[k].clone();
            let run = self.advance(case, StepId(k), &mut alive).await?;
            let passed = matches!(run.seen, Seen::Done(_));
            seen.steps.push(run);
            if !passed {
                break;
            }
            seen.alive.push(alive);
        }
        Ok(seen)
    }

    /// The step on the timeline. When a world breaks it, the case goes on without that world.
    pub(super) async fn advance(
        &mut self,
        case: &CaseData,
        step: StepId,
        alive: &mut BTreeSet<WorldId>,
    ) -> Result<StepRun, Failure> {
        let mut removed: Vec<(Refusal, BTreeSet<WorldId>)> = Vec::new();
        loop {
            self.later(&["SAVEPOINT timeline".to_owned()]);
            let seen = self.checked_step(step, "timeline").await?;
            let Seen::Refused(refusal) = &seen else {
                self.later(&["RELEASE SAVEPOINT timeline".to_owned()]);
                return Ok(StepRun { seen, removed });
            };
            let stuck = self.record.is_some()
                || removed.len() >= SCREENS_MAX
                || matches!(refusal.failure, Failure::TimedOut(_))
                || alive.is_empty();
            if stuck {
                return Ok(StepRun { seen, removed });
            }
            let refusal = refusal.clone();
            let suspects = self.suspects(case, step, &refusal, alive).await?;
            if suspects.is_empty() {
                return Ok(StepRun { seen, removed });
            }
            self.remove(case, &suspects).await?;
            alive.retain(|w| !suspects.contains(w));
            removed.push((refusal, suspects));
        }
    }

    /// The step as a gate: a check that returns rows refuses.
    async fn checked_step(&mut self, step: StepId, savepoint: &str) -> Result<Seen, Failure> {
        let seen = self.step(step, &Actor::Migrator, savepoint).await?;
        let rows = seen.done().map_or(0, |d| d.answer.rows.len());
        if self.scene.step(step).kind != StepKind::Check || rows == 0 {
            return Ok(seen);
        }
        self.later(&[format!("ROLLBACK TO SAVEPOINT {savepoint}")]);
        Ok(Seen::Refused(Refusal { statement: 0, failure: Failure::Complaint(rows) }))
    }

    /// Worlds that make the step fail: those that the server's detail names, else half by half.
    async fn suspects(
        &mut self,
        case: &CaseData,
        step: StepId,
        refusal: &Refusal,
        alive: &BTreeSet<WorldId>,
    ) -> Result<BTreeSet<WorldId>, Failure> {
        if let Some(error) = refusal.failure.sql() {
            let text = format!("{} {}", error.message, error.detail.as_deref().unwrap_or_default());
            let named: BTreeSet<WorldId> = text
                .split(['(', ')', ',', ' ', '=', '"', '\''])
                .filter_map(|word| case.world_of_tenant(word).or_else(|| case.world_of_value(word)))
                .filter(|w| alive.contains(w))
                .collect();
            if !named.is_empty() {
                return Ok(named);
            }
        }
        let mut guilty: Vec<WorldId> = alive.iter().copied().collect();
        while guilty.len() > 1 {
            let (first, second) = guilty.split_at(guilty.len() / 2);
            let without: BTreeSet<WorldId> = alive.iter().filter(|w| !first.contains(w)).copied().collect();
            let gone: BTreeSet<WorldId> = alive.difference(&without).copied().collect();
            self.later(&["SAVEPOINT screen".to_owned()]);
            self.remove(case, &gone).await?;
            let still = matches!(self.checked_step(step, "screen").await?, Seen::Refused(_));
            self.undo_later("screen");
            guilty = if still { second.to_vec() } else { first.to_vec() };
        }
        Ok(guilty.into_iter().collect())
    }

    pub(super) async fn visit(&mut self, case: &CaseData, nodes: &mut [Node]) -> Result<(), Failure> {
        for node in nodes {
            if node.act.is_probe() {
                node.seen = Some(self.probe(&node.act).await?);
                Box::pin(self.visit(case, &mut node.children)).await?;
                continue;
            }
            self.depth += 1;
            let name = format!("excursion_{}", self.depth);
            self.later(&[format!("SAVEPOINT {name}")]);
            let seen = self.perform(case, &node.act, &name).await?;
            node.seen = Some(seen);
            Box::pin(self.visit(case, &mut node.children)).await?;
            self.undo_later(&name);
            self.depth -= 1;
        }
        Ok(())
    }

    async fn probe(&mut self, act: &Act) -> Result<Seen, Failure> {
        match act {
            Act::Catalog => {
                let mut all = super::act::Print::new();
                for db in 0..self.sessions.len() {
                    self.observe(DatabaseId(db)).await?;
                    let print = catalog::fingerprint(&mut self.sessions[db]).await;
                    self.unobserve(DatabaseId(db));
                    for ((kind, object), definition) in print? {
                        let object = if db == 0 { object } else { format!("[{db}] {object}") };
                        all.insert((kind, object), definition);
                    }
                }
                Ok(Seen::Catalog(Arc::new(all)))
            }
            _ => Ok(Seen::Snapshot(Arc::new(self.snapshot().await?))),
        }
    }

    /// Does one act. A refused act leaves the state before it, which `savepoint` marks.
    pub(super) async fn perform(
        &mut self,
        case: &CaseData,
        act: &Act,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        match act {
            Act::Snapshot | Act::Catalog => self.probe(act).await,
            Act::Step(step, actor) => self.step(*step, actor, savepoint).await,
            Act::Down(step) => {
                let Some(down) = self.scene.step(*step).down.clone() else {
                    return Ok(Seen::Done(Done::default()));
                };
                let limit = Duration::from_secs(u64::from(self.scene.step(*step).timeout_s));
                let db = self.scene.step(*step).database;
                self.script(db, &Actor::Migrator, &down, limit, savepoint).await
            }
            Act::Send(binding) => self.send(binding, savepoint).await,
            Act::Sql(statement) => self.statement(statement, savepoint).await,
            Act::Keep(worlds) => {
                let others: BTreeSet<WorldId> =
                    case.worlds().iter().copied().filter(|w| !worlds.contains(w)).collect();
                self.remove(case, &others).await?;
                Ok(Seen::Done(Done::default()))
            }
        }
    }

    pub(super) async fn step(
        &mut self,
        step: StepId,
        actor: &Actor,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let (db, limit) = {
            let step = self.scene.step(step);
            (step.database, Duration::from_secs(u64::from(step.timeout_s)))
        };
        let script = self.scene.step(step).up.clone();
        let before = self.counters(db).await?;
        let mut seen = self.script(db, actor, &script, limit, savepoint).await?;
        if let Seen::Done(done) = &mut seen {
            for (table, after) in self.counters(db).await? {
                let wrote = after.saturating_sub(before.get(&table).copied().unwrap_or_default());
                if wrote > 0 {
                    done.writes.insert(table, wrote);
                }
            }
        }
        Ok(seen)
    }

    async fn script(
        &mut self,
        db: DatabaseId,
        actor: &Actor,
        script: &Script,
        limit: Duration,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let sql: Vec<String> = script.statements.iter().map(|s| script.sql(s).to_owned()).collect();
        self.keep(db, actor, script.path.clone(), sql.clone());
        let clock = Instant::now();
        self.own(db, &self.names.become_sql(actor)).await?;
        let mut answer = Answer::default();
        for (i, statement) in sql.iter().enumerate() {
            match self.sessions[db.0].run(statement, limit.saturating_sub(clock.elapsed())).await {
                Ok(answers) => {
                    for one in answers {
                        if answer.rows.is_empty() || !one.rows.is_empty() {
                            answer = one;
                        }
                    }
                }
                Err(failure) => return self.refused(i, failure, savepoint).await,
            }
        }
        self.reset_later(db);
        let seen = Seen::Done(Done { answer, writes: BTreeMap::new(), took: clock.elapsed() });
        self.answered(&seen);
        Ok(seen)
    }

    async fn refused(
        &mut self,
        statement: usize,
        failure: Failure,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let failure = match failure {
            Failure::Lost(_) => return Err(failure),
            Failure::Sql(mut error) => {
                error.detail = error.detail.map(|detail| without_fresh_values(&detail, &self.values));
                Failure::Sql(error)
            }
            other => other,
        };
        self.later(&[format!("ROLLBACK TO SAVEPOINT {savepoint}")]);
        let seen = Seen::Refused(Refusal { statement, failure });
        self.answered(&seen);
        Ok(seen)
    }

    async fn send(&mut self, binding: &Binding, savepoint: &str) -> Result<Seen, Failure> {
        let path = &self.scene.scenario.access[binding.access.0];
        let role = self.scene.scenario.roles.app.iter().find(|r| r.name == path.role);
        let context = role.and_then(|r| r.tenant_context.as_ref()).zip(binding.tenant.as_ref()).and_then(
            |(template, tenant)| {
                template.render(|name| (name == "tenant").then(|| quote_literal(tenant))).ok()
            },
        );
        let actor = Actor::App { role: path.role.clone(), tenant: binding.tenant.clone() };
        let db = path.database;
        let mut sql: Vec<String> = context.into_iter().collect();
        sql.push(binding.sql.clone());
        self.keep(db, &actor, path.name.clone(), sql.clone());
        self.one_by_one(db, &actor, &sql, savepoint).await
    }

    async fn statement(&mut self, statement: &Statement, savepoint: &str) -> Result<Seen, Failure> {
        let sql = vec![statement.sql.clone()];
        self.keep(statement.database, &statement.actor, "probe".to_owned(), sql.clone());
        self.one_by_one(statement.database, &statement.actor, &sql, savepoint).await
    }

    async fn one_by_one(
        &mut self,
        db: DatabaseId,
        actor: &Actor,
        sql: &[String],
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        self.own(db, &self.names.become_sql(actor)).await?;
        let mut answer = Answer::default();
        for (i, one) in sql.iter().enumerate() {
            match self.sessions[db.0].run(one, SEND_LIMIT).await {
                Ok(mut answers) => answer = answers.pop().unwrap_or_default(),
                Err(failure) => return self.refused(i, failure, savepoint).await,
            }
        }
        // What a deferred constraint would say at commit belongs to the answer.
        if self.scene.has_deferrable()
            && let Err(failure) = self.sessions[db.0].run("SET CONSTRAINTS ALL IMMEDIATE", SEND_LIMIT).await
        {
            return self.refused(sql.len(), failure, savepoint).await;
        }
        self.reset_later(db);
        let seen = Seen::Done(Done { answer, ..Done::default() });
        self.answered(&seen);
        Ok(seen)
    }

    /// Loads data past foreign keys, triggers and row security, and sets every sequence behind it.
    pub(super) async fn load(&mut self, data: &Dataset) -> Result<(), Failure> {
        let loader = self.names.become_sql(&Actor::Loader);
        for db in 0..self.sessions.len() {
            self.own(DatabaseId(db), &loader).await?;
        }
        for table in data.tables.iter().filter(|t| !t.rows.is_empty()) {
            let columns: Vec<String> = table.columns.iter().map(Ident::quoted).collect();
            let copy = format!("COPY {} ({}) FROM STDIN", table.table.quoted(), columns.join(", "));
            let bytes = watertight_generators::to_copy_text(table);
            self.sessions[table.database].copy_in(&copy, &bytes).await?;
        }
        for db in 0..self.sessions.len() {
            let sequences = self.sequences_sql(DatabaseId(db));
            self.own(DatabaseId(db), &format!("{sequences}RESET ALL; RESET ROLE")).await?;
        }
        Ok(())
    }

    /// Sequences are not undone with a transaction: each case starts them at the same place.
    fn sequences_sql(&self, db: DatabaseId) -> String {
        let Some(schema) = self.scene.schemas.first().and_then(|s| s.get(db.0)) else { return String::new() };
        let mut sql = String::new();
        for sequence in &schema.sequences {
            let name = quote_literal(&sequence.name.quoted());
            let floor = match &sequence.owned_by {
                Some((table, column)) => format!(
                    "(SELECT pg_catalog.greatest(COALESCE(pg_catalog.max({}), 0) + 1, {}) FROM {})",
                    column.quoted(),
                    sequence.start,
                    table.quoted()
                )
                .replace("pg_catalog.greatest", "GREATEST"),
                None => sequence.start.to_string(),
            };
            sql.push_str(&format!("SELECT pg_catalog.setval({name}::pg_catalog.regclass, {floor}, false);"));
        }
        sql
    }

    /// Takes worlds out of the state, past every constraint.
    async fn remove(&mut self, case: &CaseData, worlds: &BTreeSet<WorldId>) -> Result<(), Failure> {
        let contents = self.snapshot().await?;
        let mut by_db: BTreeMap<DatabaseId, String> = BTreeMap::new();
        for (key, table) in &contents.tables {
            let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for row in &table.rows {
                if case.world_of(self.scene, key, table, row).is_some_and(|w| worlds.contains(&w))
                    && let Some((oid, place)) = row.place.split_once(':')
                {
                    places.entry(oid).or_default().push(place);
                }
            }
            for (oid, places) in places {
                let list: Vec<String> = places.iter().map(|p| format!("\"{p}\"")).collect();
                by_db.entry(key.0).or_default().push_str(&format!(
                    "DELETE FROM {} WHERE tableoid = {oid}::pg_catalog.oid AND ctid = ANY ('{{{}}}'::pg_catalog.tid[]);",
                    key.1.quoted(),
                    list.join(",")
                ));
            }
        }
        let loader = self.names.become_sql(&Actor::Loader);
        for (db, sql) in by_db {
            self.own(db, &format!("{loader}; {sql} RESET ALL; RESET ROLE")).await?;
        }
        Ok(())
    }

    async fn observe(&mut self, db: DatabaseId) -> Result<(), Failure> {
        let sql = format!(
            "SAVEPOINT observation; {}; SET LOCAL search_path = pg_catalog",
            self.names.become_sql(&Actor::Observer)
        );
        self.own(db, &sql).await.map(|_| ())
    }

    fn unobserve(&mut self, db: DatabaseId) {
        self.pending.resize(self.sessions.len(), Vec::new());
        self.pending[db.0].push("ROLLBACK TO SAVEPOINT observation".to_owned());
        self.pending[db.0].push("RELEASE SAVEPOINT observation".to_owned());
    }

    /// The contents of every table.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        for db in (0..self.sessions.len()).map(DatabaseId) {
            self.observe(db).await?;
            let listed = self.own(db, include_str!("sql/contents.sql")).await?;
            let mut tables: Vec<(TableKey, TableRows, String)> = Vec::new();
            for row in listed.into_iter().flat_map(|a| a.rows) {
                let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
                let (leaf, root) = (Relation::new(cell(0), cell(1)), Relation::new(cell(2), cell(3)));
                let columns: Vec<Ident> = serde_json::from_str(&cell(4)).unwrap_or_default();
                let identity: Vec<Ident> = serde_json::from_str(&cell(5)).unwrap_or_default();
                let identity = identity.iter().filter_map(|c| columns.iter().position(|x| x == c)).collect();
                let list: String = columns.iter().map(|c| format!(", {}", c.quoted())).collect();
                let select =
                    format!("SELECT tableoid::text || ':' || ctid::text{list} FROM ONLY {}", leaf.quoted());
                tables.push(((db, root), TableRows { columns, identity, rows: Vec::new() }, select));
            }
            let selects: Vec<&str> = tables.iter().map(|(_, _, s)| s.as_str()).collect();
            let answers =
                if selects.is_empty() { Vec::new() } else { self.own(db, &selects.join(";")).await? };
            self.unobserve(db);
            for ((key, mut rows, _), answer) in tables.into_iter().zip(answers) {
                if answer.truncated {
                    // Half of a table is no ground truth.
                    return Err(Failure::Lost(format!("{} is too large to be compared row by row", key.1)));
                }
                rows.rows = answer
                    .rows
                    .into_iter()
                    .map(|mut values| {
                        let place = values.remove(0).unwrap_or_default();
                        SnapRow { place, values }
                    })
                    .collect();
                match snapshot.tables.entry(key) {
                    std::collections::btree_map::Entry::Vacant(slot) => {
                        slot.insert(rows);
                    }
                    std::collections::btree_map::Entry::Occupied(mut slot) => {
                        slot.get_mut().rows.extend(rows.rows);
                    }
                }
            }
        }
        Ok(snapshot)
    }

    /// Rows written in this transaction so far, by table.
    async fn counters(&mut self, db: DatabaseId) -> Result<BTreeMap<Relation, u64>, Failure> {
        let answers = self.own(db, include_str!("sql/counters.sql")).await?;
        Ok(answers
            .into_iter()
            .flat_map(|a| a.rows)
            .map(|row| {
                let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
                (Relation::new(cell(0), cell(1)), cell(2).parse().unwrap_or_default())
            })
            .collect())
    }
}

/// The DETAIL of a refusal without values that the run made up (fresh ids): they differ from run to run.
fn without_fresh_values(detail: &str, known: &HashMap<String, Option<WorldId>>) -> String {
    let Some((before, rest)) = detail.split_once(")=(") else { return detail.to_owned() };
    let Some((values, after)) = rest.rsplit_once(')') else { return detail.to_owned() };
    let told: Vec<&str> = values
        .split(", ")
        .map(|v| {
            if known.contains_key(v)
                || !is_distinctive(v)
                || v.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            {
                v
            } else {
                "…"
            }
        })
        .collect();
    format!("{before})=({}){after}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_keeps_known_values_and_hides_fresh_ones() {
        let known: HashMap<String, Option<WorldId>> = [("workspace1".to_owned(), None)].into();
        let told = |d: &str| without_fresh_values(d, &known);
        assert_eq!(
            told("Key (a, b)=(workspace1, 7) already exists."),
            "Key (a, b)=(workspace1, 7) already exists."
        );
        assert_eq!(
            told("Key (a, b)=(c8f9e519a80b, SHOPIFY) already exists."),
            "Key (a, b)=(…, SHOPIFY) already exists."
        );
        assert_eq!(told("something else"), "something else");
    }
}
