//! Excursions: every act is undone before the next one begins, and what begins alike is done once.

use watertight_scenarios::scenario::DatabaseId;

use super::act::{Done, Seen};
use super::case::CaseData;
use super::home::Home;
use super::perform::{Asked, SEND_LIMIT};
use super::runner::Runner;
use super::tree::Node;
use crate::db::session::{Answer, Failure, Stopped};

/// Acts that are sent in one message.
const TOGETHER_MAX: usize = 32;

/// What one of several acts puts into their message.
struct Block {
    sql: Vec<String>,
    /// Statements of the harness's own, before the actor's.
    own: usize,
    /// Place of the statement whose answer is wanted.
    wanted: usize,
}

impl Runner<'_> {
    /// All excursions from the state that this transaction is in.
    pub(super) async fn set_out(&mut self, case: &CaseData, roots: &mut [Node]) -> Result<(), Failure> {
        (self.depth, self.savepoints) = (0, 0);
        self.home = Some(Home::of(roots));
        let visited = self.visit(case, roots).await;
        self.home = None;
        visited
    }

    /// Siblings share a savepoint.
    async fn visit(&mut self, case: &CaseData, mut nodes: &mut [Node]) -> Result<(), Failure> {
        let savepoint = format!("excursion_{}", self.savepoints + 1);
        let mut is_set = false;
        while let [node, ..] = nodes {
            let is_looked_at = self.depth == 0 && node.is_looked_at();
            if is_looked_at {
                Box::pin(self.know_home()).await?;
            }
            let changes = !node.act.is_probe() && !node.act.is_elsewhere();
            if changes && !is_set {
                self.savepoints += 1;
                self.later(&[&format!("SAVEPOINT {savepoint}")]);
                is_set = true;
            }
            let count = if changes { self.together(nodes) } else { 1 };
            let (now, rest) = nodes.split_at_mut(count);
            nodes = rest;
            match now {
                [node] if node.act.is_elsewhere() => {} // played on a clone
                [node] if !changes => {
                    node.seen = Some(Box::pin(self.probe(&node.act)).await?);
                    Box::pin(self.visit(case, &mut node.children)).await?;
                }
                [node] => Box::pin(self.do_and_undo(case, node, &savepoint, is_looked_at)).await?,
                several => Box::pin(self.ask_together(case, several, &savepoint)).await?,
            }
        }
        if is_set {
            self.later(&[&format!("RELEASE SAVEPOINT {savepoint}")]);
            self.savepoints -= 1;
        }
        Ok(())
    }

    async fn do_and_undo(
        &mut self,
        case: &CaseData,
        node: &mut Node,
        savepoint: &str,
        leaves_home: bool,
    ) -> Result<(), Failure> {
        self.depth += 1;
        if leaves_home {
            self.leave_home();
        }
        let absent = self.absent.clone();
        node.seen = Some(Box::pin(self.perform(case, &node.act, savepoint)).await?);
        Box::pin(self.visit(case, &mut node.children)).await?;
        self.absent = absent;
        self.undo_later(savepoint);
        self.depth -= 1;
        Ok(())
    }

    /// How many of these acts go into one message: statements to one database behind which nothing follows.
    fn together(&self, nodes: &[Node]) -> usize {
        let database = |node: &Node| match node.children.is_empty() {
            true => self.asked(&node.act).map(|asked| asked.db),
            false => None,
        };
        match nodes.first().and_then(database) {
            // What is recorded is told act by act.
            Some(db) if self.record.is_none() => {
                nodes.iter().take(TOGETHER_MAX).take_while(|n| database(n) == Some(db)).count()
            }
            _ => 1,
        }
    }

    /// Acts of [`Self::together`], each undone before the next one in the same message.
    async fn ask_together(
        &mut self,
        case: &CaseData,
        nodes: &mut [Node],
        savepoint: &str,
    ) -> Result<(), Failure> {
        let Some(db) = nodes.first().and_then(|n| self.asked(&n.act)).map(|asked| asked.db) else {
            return Ok(());
        };
        self.set_savepoints(db).await?;
        let blocks: Vec<Block> = nodes
            .iter()
            .filter_map(|n| self.asked(&n.act))
            .map(|asked| self.block(asked, savepoint))
            .collect();
        let mut at = 0;
        while at < nodes.len() {
            let (passed, stopped) = self.send_blocks(db, &blocks[at..]).await?;
            for (node, answer) in nodes[at..].iter_mut().zip(passed) {
                node.seen = Some(Seen::Done(Done { answer, ..Done::default() }));
                at += 1;
            }
            let Some(stopped) = stopped else { continue };
            self.depth += 1;
            let Block { own, wanted, .. } = blocks[at];
            let seen = match stopped {
                Stopped { statement, failure: failure @ Failure::Sql(_), .. }
                    if (own..wanted + 2).contains(&statement) =>
                {
                    self.refused(statement - own, failure, savepoint).await?
                }
                // It took too long together with others, or one of the others does not parse: by itself.
                _ => {
                    self.undo_later(savepoint);
                    Box::pin(self.perform(case, &nodes[at].act, savepoint)).await?
                }
            };
            self.depth -= 1;
            nodes[at].seen = Some(seen);
            self.undo_later(savepoint);
            at += 1;
        }
        Ok(())
    }

    fn block(&self, asked: Asked, savepoint: &str) -> Block {
        let mut sql = self.names.become_statements(&asked.actor);
        let own = sql.len();
        sql.extend(asked.sql);
        let wanted = sql.len() - 1;
        sql.extend(self.checked_deferred());
        sql.push(format!("ROLLBACK TO SAVEPOINT {savepoint}"));
        Block { sql, own, wanted }
    }

    /// The answers of blocks as far as they came, and what stopped the next one, its statement counted from the
    /// block's first.
    async fn send_blocks(
        &mut self,
        db: DatabaseId,
        blocks: &[Block],
    ) -> Result<(Vec<Answer>, Option<Stopped>), Failure> {
        let waiting = self.take_waiting(db);
        let all: Vec<&str> =
            waiting.sql.iter().chain(blocks.iter().flat_map(|b| &b.sql)).map(String::as_str).collect();
        let (answers, mut stopped) = match self.sessions[db.0].run_all(&all, SEND_LIMIT).await {
            Ok(answers) => (answers, None),
            Err(Stopped { failure, .. }) if failure.ends_session() => return Err(failure),
            Err(mut stopped) => (std::mem::take(&mut stopped.answers), Some(stopped)),
        };
        let mut left = self.hear(db, &waiting, answers).into_iter();
        let mut begin = waiting.sql.len();
        let mut passed = Vec::with_capacity(blocks.len());
        for block in blocks {
            let mut answers: Vec<Answer> = left.by_ref().take(block.sql.len()).collect();
            if answers.len() < block.sql.len() {
                break;
            }
            passed.push(answers.swap_remove(block.wanted));
            begin += block.sql.len();
        }
        if let Some(stopped) = &mut stopped {
            // One behind the block that comes next does not parse, or what comes before them all failed.
            stopped.statement = stopped.statement.checked_sub(begin).unwrap_or(usize::MAX);
        }
        Ok((passed, stopped))
    }
}
