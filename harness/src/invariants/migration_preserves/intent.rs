//! What a script says itself that it changes: the columns that its own UPDATEs name. Such a change is the author's will;
//! any other is a loss, unless the script may write in ways that its words do not tell.

use std::collections::BTreeSet;

use watertight_scenarios::scenario::StepId;
use watertight_scenarios::script::Write;
use watertight_scenarios::{Ident, Relation, Script};

use crate::explore::{Scene, TableKey};

/// Words behind which anything may be written.
const OPAQUE: [&str; 4] = ["call", "execute", "perform", "merge"];

/// First words of statements that call a function when they name it; others make, grant or drop it.
const CALLING: [&str; 7] = ["select", "with", "do", "insert", "update", "values", "delete"];

/// What a script means to change.
pub(in crate::invariants) struct Intent {
    writes: Vec<Write>,
    opaque: bool,
}

impl Intent {
    /// What a step means to change on its way up.
    pub(in crate::invariants) fn of_step(scene: &Scene, step: StepId) -> Self {
        let mut intent = Self::of(scene, &scene.step(step).up);
        // A program says nothing of what it does.
        intent.opaque |= scene.step(step).command.is_some();
        intent
    }

    /// What a script means to change.
    pub(in crate::invariants) fn of(scene: &Scene, script: &Script) -> Self {
        let functions: BTreeSet<String> = (scene.schemas.iter().flatten())
            .flat_map(|s| &s.functions)
            .map(|f| f.name.name.as_str().to_lowercase())
            .collect();
        let statements = script.statements.iter().map(|s| script.sql(s));
        let opaque = statements.map(words).any(|words| is_opaque(&words, &functions));
        Self { writes: script.shape().writes, opaque }
    }

    /// Whether the script itself names the column as one that it changes.
    pub(in crate::invariants) fn changes(&self, table: &Relation, column: &Ident) -> bool {
        // A script that sets its search path names tables without their schema.
        let meant = |w: &&Write| w.table == *table || Relation::public(w.table.name.as_str()) == w.table;
        let named = self.writes.iter().filter(|w| !w.adds && w.table.name == table.name);
        named.filter(meant).any(|w| w.columns.contains(column))
    }

    /// Whether the script itself updates rows of the table.
    pub(super) fn updates(&self, table: &Relation) -> bool {
        self.writes.iter().any(|w| !w.adds && w.table.name == table.name)
    }

    /// Whether the script may write in ways that its words do not tell.
    pub(in crate::invariants) fn is_opaque(&self) -> bool {
        self.opaque
    }
}

fn words(sql: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    sql.split(|c| !is_part(c)).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

fn is_opaque(words: &[String], functions: &BTreeSet<String>) -> bool {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let upserts = words.windows(2).any(|w| w[0] == "do" && w[1] == "update");
    // What a statement makes, grants or drops it does not run: EXECUTE FUNCTION of a trigger runs nothing now.
    let runs = CALLING.contains(&first);
    let hidden = |w: &String| OPAQUE.contains(&w.as_str()) || functions.contains(w);
    OPAQUE.contains(&first) || runs && (upserts || words.iter().any(hidden))
}

/// Whether somebody declared that the step may change a column of rows that are there, or fills a missing tenant.
pub(in crate::invariants) fn is_declared(
    scene: &Scene,
    step: StepId,
    key: &TableKey,
    column: &Ident,
    was_null: bool,
) -> bool {
    let fills = was_null && scene.tenant_column(step.after(), key).as_ref() == Some(column);
    fills || scene.may_write(step, &key.1, column)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("UPDATE item SET body = lower(body)", false)]
    #[case("SELECT rewrite_all()", true)]
    #[case("CREATE FUNCTION rewrite_all() RETURNS void AS 'BEGIN EXECUTE 1; END'", false)]
    #[case("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION rewrite_all()", false)]
    #[case("DO $$ BEGIN EXECUTE 'UPDATE item SET a = 1'; END $$", true)]
    #[case("DO $$ BEGIN PERFORM 1; END $$", true)]
    #[case("MERGE INTO item USING x ON true WHEN MATCHED THEN UPDATE SET a = 1", true)]
    #[case("INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", true)]
    #[case("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", false)]
    #[case("GRANT EXECUTE ON FUNCTION rewrite_all() TO app", false)]
    fn what_words_do_not_tell_is_known(#[case] sql: &str, #[case] expected: bool) {
        let functions: BTreeSet<String> = ["rewrite_all".to_owned()].into();
        assert_eq!(is_opaque(&words(sql), &functions), expected);
    }
}
