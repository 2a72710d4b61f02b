//! Does one act: a step, a way back, an access path, a statement.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use watertight_generators::WorldId;
use watertight_scenarios::Script;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{DatabaseId, StepId};

use super::act::{Act, Actor, Binding, Done, Refusal, Seen, Statement};
use super::case::{CaseData, Values};
use super::runner::Runner;
use crate::db::session::{Answer, Failure, Stopped};

/// Limit for one statement of an access path.
pub(super) const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Checks what waits for the end of the transaction.
const CHECK_DEFERRED: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// Constraints that are deferred from the beginning are so again. One that shares its name with one that cannot be is
/// left as it is.
const DEFER_AGAIN: &str = "DO $defer$ DECLARE one record; BEGIN
    FOR one IN
        SELECT DISTINCT n.nspname, c.conname
        FROM pg_catalog.pg_constraint c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
        WHERE c.condeferred AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('SET CONSTRAINTS %I.%I DEFERRED', one.nspname, one.conname);
        EXCEPTION WHEN wrong_object_type THEN NULL;
        END;
    END LOOP;
END $defer$";

/// Temporary tables end with the transaction or the connection that made them.
pub(crate) const DISCARD_TEMPORARY: &str = "DISCARD TEMP";

/// How the statements of a script are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// One by one, each timed: on the timeline.
    Timed,
    /// In one message, which is quicker: in excursions.
    Together,
}

impl Runner<'_> {
    /// Does one act. A refused act leaves the state before it, which `savepoint` marks.
    pub(super) async fn perform(
        &mut self,
        case: &CaseData,
        act: &Act,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        match act {
            Act::Snapshot | Act::Catalog => self.probe(act).await,
            Act::Send(_) | Act::Sql(_) => match self.asked(act) {
                Some(asked) => self.ask(asked, savepoint).await,
                None => Ok(Seen::Done(Done::default())),
            },
            // Never inside a transaction.
            Act::Pooled(..) | Act::Cut(..) | Act::Meanwhile(..) => Ok(Seen::Done(Done::default())),
            Act::Step(step, actor) => self.step(*step, actor, Pace::Together, savepoint).await,
            Act::StepIn(step, zone) => {
                let db = self.scene.step(*step).database;
                // Of the session, as a client would have it; it ends with the step.
                let sql = format!("SET TimeZone = {}", quote_literal(zone));
                self.keep(db, &Actor::Migrator, "another session's time zone".to_owned(), vec![sql.clone()]);
                self.own(db, &sql).await?;
                self.step(*step, &Actor::Migrator, Pace::Together, savepoint).await
            }
            Act::Down(step) => {
                let Some(down) = self.scene.step(*step).down.clone() else {
                    return Ok(Seen::Done(Done::default()));
                };
                let limit = Duration::from_secs(u64::from(self.scene.step(*step).timeout_s));
                let db = self.scene.step(*step).database;
                self.script(db, &Actor::Migrator, &down, limit, Pace::Together, savepoint).await
            }
            Act::Copied(step, tables) => {
                let Some(mut spec) = self.scene.step(*step).copy.clone() else {
                    return Ok(Seen::Done(Done::default()));
                };
                spec.tables.truncate(*tables);
                self.copy(*step, &spec, &Actor::Migrator, savepoint).await
            }
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
        pace: Pace,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let (db, limit) = {
            let step = self.scene.step(step);
            (step.database, Duration::from_secs(u64::from(step.timeout_s)))
        };
        self.count_before_step(db);
        let mut seen = match self.scene.step(step).copy.clone() {
            Some(spec) => self.copy(step, &spec, actor, savepoint).await?,
            None => {
                let script = self.scene.step(step).up.clone();
                self.script(db, actor, &script, limit, pace, savepoint).await?
            }
        };
        if let Seen::Done(done) = &mut seen {
            done.writes = self.written_by_step(db).await?;
        }
        if matches!(seen, Seen::Done(_)) {
            self.populate(step).await?;
        }
        Ok(seen)
    }

    async fn script(
        &mut self,
        db: DatabaseId,
        actor: &Actor,
        script: &Script,
        limit: Duration,
        pace: Pace,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let mut sql: Vec<String> = script.statements.iter().map(|s| script.sql(s).to_owned()).collect();
        self.keep(db, actor, script.path.clone(), sql.clone());
        let statements = sql.len();
        sql.extend(self.at_its_end(script));
        let clock = Instant::now();
        let sent = match pace {
            Pace::Timed => self.one_by_one(db, actor, &sql, limit).await?,
            Pace::Together => self.run_as(db, actor, &sql, limit).await?.map(|answers| (answers, Vec::new())),
        };
        let (mut answers, mut timings) = match sent {
            Ok(sent) => sent,
            Err(Stopped { statement, failure, .. }) => {
                // What a deferred constraint says at the end is said of the whole.
                return self.refused(statement.min(statements.saturating_sub(1)), failure, savepoint).await;
            }
        };
        answers.truncate(statements);
        timings.truncate(statements);
        let written = answers.iter().filter(|one| one.rows.is_empty()).map(|one| one.affected).sum();
        let mut answer = Answer::default();
        for one in answers {
            if answer.rows.is_empty() || !one.rows.is_empty() {
                answer = one;
            }
        }
        if answer.rows.is_empty() {
            answer.affected = written;
        }
        self.reset_later(db);
        let seen = Seen::Done(Done { answer, writes: BTreeMap::new(), took: clock.elapsed(), timings });
        self.answered(&seen);
        Ok(seen)
    }

    /// What the commit of a script would do, for the transaction goes on: deferred constraints are checked, and are
    /// then as deferred as before; temporary tables go.
    fn at_its_end(&self, script: &Script) -> Vec<String> {
        let mut sql = Vec::new();
        if self.scene.has_deferrable() {
            sql.extend([CHECK_DEFERRED.to_owned(), DEFER_AGAIN.to_owned()]);
        }
        sql.extend(script.mentions_temporary().then(|| DISCARD_TEMPORARY.to_owned()));
        sql
    }

    async fn one_by_one(
        &mut self,
        db: DatabaseId,
        actor: &Actor,
        sql: &[String],
        limit: Duration,
    ) -> Result<Result<(Vec<Answer>, Vec<Duration>), Stopped>, Failure> {
        self.own(db, &self.names.become_sql(actor)).await?;
        let clock = Instant::now();
        let (mut answers, mut timings) = (Vec::with_capacity(sql.len()), Vec::with_capacity(sql.len()));
        for (i, statement) in sql.iter().enumerate() {
            let begun = clock.elapsed();
            match self.sessions[db.0].run(statement, limit.saturating_sub(begun)).await {
                Ok(more) => answers.extend(more),
                Err(failure) => return Ok(Err(Stopped { statement: i, failure, answers })),
            }
            timings.push(clock.elapsed().saturating_sub(begun));
        }
        Ok(Ok((answers, timings)))
    }

    pub(super) async fn refused(
        &mut self,
        statement: usize,
        failure: Failure,
        savepoint: &str,
    ) -> Result<Seen, Failure> {
        let failure = match failure {
            ending if ending.ends_session() => return Err(ending),
            Failure::Sql(mut error) => {
                error.detail = error.detail.map(|detail| without_fresh_values(&detail, &self.values));
                Failure::Sql(error)
            }
            other => other,
        };
        self.later(&[&format!("ROLLBACK TO SAVEPOINT {savepoint}")]);
        let seen = Seen::Refused(Refusal { statement, failure });
        self.answered(&seen);
        Ok(seen)
    }

    /// An access path or a statement, after what its actor tells the session.
    async fn ask(&mut self, asked: Asked, savepoint: &str) -> Result<Seen, Failure> {
        let Asked { db, actor, what, mut sql } = asked;
        self.keep(db, &actor, what, sql.clone());
        let last = sql.len() - 1;
        sql.extend(self.checked_deferred());
        let answer = match self.run_as(db, &actor, &sql, SEND_LIMIT).await? {
            Ok(answers) => answers.into_iter().nth(last).unwrap_or_default(),
            Err(stopped) => return self.refused(stopped.statement, stopped.failure, savepoint).await,
        };
        self.reset_later(db);
        let seen = Seen::Done(Done { answer, ..Done::default() });
        self.answered(&seen);
        Ok(seen)
    }

    /// What a deferred constraint would say at commit belongs to the answer.
    pub(super) fn checked_deferred(&self) -> Option<String> {
        self.scene.has_deferrable().then(|| CHECK_DEFERRED.to_owned())
    }

    /// What an act asks, if it is nothing but statements of one actor.
    pub(super) fn asked(&self, act: &Act) -> Option<Asked> {
        let (db, actor, what, sql) = match act {
            Act::Send(Binding { access, context, sql, .. }) => {
                let path = &self.scene.scenario.access[access.0];
                let actor = Actor::App { role: path.role.clone(), context: context.clone() };
                (path.database, actor, path.name.clone(), sql)
            }
            Act::Sql(Statement { database, actor, sql }) => {
                (*database, actor.clone(), "probe".to_owned(), sql)
            }
            _ => return None,
        };
        let sql = actor.context_sql().into_iter().chain([sql.as_str()]).flat_map(statements_of).collect();
        Some(Asked { db, actor, what, sql })
    }
}

/// Each of them has an answer of its own.
fn statements_of(sql: &str) -> Vec<String> {
    let several = sql.contains(';').then(|| Script::parse("", sql.as_bytes()).ok()).flatten();
    match several.filter(|script| !script.statements.is_empty()) {
        Some(script) => script.statements.iter().map(|s| script.sql(s).to_owned()).collect(),
        None => vec![sql.to_owned()],
    }
}

/// Statements that an actor sends, what he tells his session first.
pub(super) struct Asked {
    pub(super) db: DatabaseId,
    pub(super) actor: Actor,
    what: String,
    pub(super) sql: Vec<String>,
}

/// The DETAIL of a refusal without values that the run made up (fresh ids): they differ from run to run.
fn without_fresh_values(detail: &str, known: &Values) -> String {
    let Some((before, rest)) = detail.split_once(")=(") else { return detail.to_owned() };
    let Some((values, after)) = rest.rsplit_once(')') else { return detail.to_owned() };
    let told: Vec<&str> =
        values
            .split(", ")
            .map(|v| {
                if known.knows(v) || v.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
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
    use super::super::lookup::Entries;
    use super::*;

    #[test]
    fn statements_are_counted_by_what_the_server_answers() {
        let one = ["SELECT ';'".to_owned()];
        assert_eq!(statements_of("SELECT ';'"), one);
        assert_eq!(statements_of("SET LOCAL enable_sort = off; SELECT ';'")[1..], one);
        assert_eq!(statements_of("SELECT 1"), ["SELECT 1"]);
    }

    #[test]
    fn a_detail_keeps_known_values_and_hides_fresh_ones() {
        let mut known = Entries::with_capacity(1);
        known.push([Some("workspace1")], None);
        let known = Values::of(known);
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
