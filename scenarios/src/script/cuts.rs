//! Where a run of a script can be cut so that the states that it leaves differ.

use super::reader::Reader;
use super::{Script, Statement, StatementClass};

impl Script {
    /// Indexes of statements before which a run can be cut, one for each state that a cut leaves: what was done inside
    /// a transaction of the script's own goes with it, whichever of its statements the run is cut at. The last of them
    /// is taken, so that the most is lost. None of a script that runs in one transaction: a cut leaves what was there
    /// before.
    pub fn cuts(&self) -> Vec<usize> {
        if self.is_transactional() {
            return Vec::new();
        }
        let mut cuts: Vec<usize> = Vec::new();
        let turns = self.turns();
        for (k, (turn, is_open)) in turns.iter().enumerate().take(turns.len().saturating_sub(1)) {
            // What was sent so far stays, or it is gone with what was sent before it.
            let is_lost = *is_open && *turn != Some(Turn::Chains);
            match cuts.last_mut() {
                Some(last) if is_lost => *last = k + 1,
                _ => cuts.push(k + 1),
            }
        }
        cuts
    }

    /// Statements that commit on their way and wait for others: CREATE INDEX CONCURRENTLY and its like. One that is
    /// ended while it waits leaves something behind.
    pub fn waiting(&self) -> Vec<usize> {
        let waits = |s: &Statement| {
            s.class == StatementClass::OutsideTransaction
                && Reader::new(self.sql(s)).words().iter().any(|w| w.is("concurrently"))
        };
        let turns = self.turns();
        let is_free = |k: usize| k == 0 || !turns[k - 1].1;
        let all = self.statements.iter().enumerate();
        all.filter(|(k, s)| !self.is_transactional() && is_free(*k) && waits(s)).map(|(k, _)| k).collect()
    }

    /// What each statement does to transactions, and whether one of the script's own is open behind it.
    fn turns(&self) -> Vec<(Option<Turn>, bool)> {
        let mut is_open = false;
        let turn = |statement| {
            let turn = self.turn(statement);
            is_open = match turn {
                Some(Turn::Opens | Turn::Chains) => true,
                Some(Turn::Ends) => false,
                None => is_open,
            };
            (turn, is_open)
        };
        self.statements.iter().map(turn).collect()
    }

    /// Whether a statement of it may commit between its writes: a block with a COMMIT of its own, a procedure that is
    /// called where no transaction is open.
    pub fn commits_within(&self) -> bool {
        let commits = |s: &Statement| match Reader::new(self.sql(s)).peek() {
            Some(word) if word.is("do") => s.class == StatementClass::TransactionControl,
            _ => is_call(self, s),
        };
        !self.is_transactional() && self.statements.iter().any(commits)
    }

    /// Whether it has a CALL.
    pub(super) fn calls_procedure(&self) -> bool {
        self.statements.iter().any(|s| is_call(self, s))
    }

    fn turn(&self, statement: &Statement) -> Option<Turn> {
        if statement.class != StatementClass::TransactionControl {
            return None;
        }
        let reader = Reader::new(self.sql(statement));
        let words = reader.words();
        let first = words.first()?;
        let chains = words.windows(2).any(|w| w[0].is("and") && w[1].is("chain"));
        if chains {
            Some(Turn::Chains)
        } else if first.is("begin") || first.is("start") {
            Some(Turn::Opens)
        } else if first.is("do") {
            None
        } else {
            Some(Turn::Ends)
        }
    }
}

fn is_call(script: &Script, statement: &Statement) -> bool {
    Reader::new(script.sql(statement)).peek().is_some_and(|word| word.is("call"))
}

/// What a statement does to transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// One is open behind it.
    Opens,
    /// None is.
    Ends,
    /// One has ended, and the next is open.
    Chains,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::script::{Script, TransactionMode};

    fn script(sql: &str) -> Script {
        Script::parse("s.sql", sql.as_bytes()).expect("it is sound")
    }

    #[rstest]
    #[case::held("UPDATE t SET a = 1; UPDATE t SET b = 1", &[])]
    #[case::one_by_one("UPDATE t SET a = 1; UPDATE t SET b = 1; VACUUM t", &[1, 2])]
    #[case::own("BEGIN; UPDATE t SET a = 1; UPDATE t SET b = 1; COMMIT", &[3])]
    #[case::two("BEGIN; UPDATE t SET a = 1; COMMIT; BEGIN; UPDATE t SET b = 1; COMMIT", &[2, 5])]
    #[case::behind("BEGIN; SELECT 1; END; VACUUM t", &[2, 3])]
    #[case::chained("BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; COMMIT", &[2, 4])]
    #[case::not_chained("BEGIN; SELECT 1; COMMIT AND NO CHAIN; SELECT 2; VACUUM", &[2, 3, 4])]
    #[case::block("DO $$ BEGIN COMMIT; END $$", &[])]
    #[case::blocks("DO $$ BEGIN COMMIT; END $$; SELECT 1", &[1])]
    fn a_cut_for_each_state(#[case] sql: &str, #[case] expected: &[usize]) {
        assert_eq!(script(sql).cuts(), expected);
    }

    #[test]
    fn a_tool_that_commits_each_statement_can_be_cut_between_them() {
        let sql = "ALTER TABLE t ADD a int; ALTER TABLE t ADD b int; ALTER TABLE t ADD c int";
        assert_eq!(script(sql).run_as(TransactionMode::Single).cuts(), [1, 2]);
        assert!(script(sql).run_as(TransactionMode::Wrapped).cuts().is_empty());
    }

    #[test]
    fn what_waits_and_what_commits_is_known() {
        let sql = "SELECT 1; CREATE INDEX CONCURRENTLY i ON t (a); VACUUM t; DROP INDEX CONCURRENTLY j";
        assert_eq!(script(sql).waiting(), [1, 3]);
        assert!(
            script("BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT").waiting().is_empty(),
            "it is refused"
        );
        assert!(!script(sql).commits_within());
        assert!(script("DO $$ BEGIN COMMIT; END $$").commits_within());
        assert!(script("CALL fill()").commits_within());
        let wrapped = script("SELECT 1; CALL fill()").run_as(TransactionMode::Wrapped);
        assert!(!wrapped.commits_within(), "its tool's transaction holds it");
        assert!(!script("DO $$ BEGIN NULL; END $$; VACUUM t").commits_within());
    }
}
