//! Questions that the harness asks again and again. The server plans each of them once a session, because planning
//! takes most of the time that they need.

/// A question about the catalogs or about the transaction.
#[derive(Debug)]
pub struct Question {
    /// What it is prepared as, behind a prefix.
    pub name: &'static str,
    /// Types of its parameters, in brackets; empty where it has none.
    pub parameters: &'static str,
    /// One statement, which prints text.
    pub sql: &'static str,
}

/// SQLSTATE of a prepared statement that is not there: a script may discard those of its session.
pub const NOT_PREPARED: &str = "26000";

impl Question {
    /// A question without parameters.
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, parameters: "", sql }
    }

    /// Makes it known to a session. Names of another generation are other statements.
    pub fn prepare(&self, generation: u32) -> String {
        format!("PREPARE watertight_{}_{generation}{} AS {}", self.name, self.parameters, self.sql)
    }

    /// Asks it where it is known; `arguments` are in brackets where it has parameters.
    pub fn execute(&self, generation: u32, arguments: &str) -> String {
        format!("EXECUTE watertight_{}_{generation}{arguments}", self.name)
    }
}

/// Whether a message may discard what its session has prepared.
pub fn may_discard(sql: &str) -> bool {
    let words = |words: &str| {
        sql.as_bytes().windows(words.len()).any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
    };
    words("DEALLOCATE") || words("DISCARD ALL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_of_another_generation_is_another_statement() {
        let question = Question { name: "size", parameters: "(text)", sql: "SELECT length($1)" };
        assert_eq!(question.prepare(0), "PREPARE watertight_size_0(text) AS SELECT length($1)");
        assert_eq!(question.execute(1, "('x')"), "EXECUTE watertight_size_1('x')");
    }

    #[test]
    fn what_discards_prepared_statements_is_noticed() {
        assert!(may_discard("SELECT 1; Deallocate all"));
        assert!(may_discard("discard all"));
        assert!(!may_discard("DISCARD TEMP"));
    }
}
