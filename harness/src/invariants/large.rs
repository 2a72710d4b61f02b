//! What is to be asked about one large case in sets: the same promises as those of the invariants, of all rows at once.

use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{Checkpoint, DatabaseId, NullTenant, StepId};
use watertight_scenarios::schema::Column;

use super::backfill::{Filled, final_backfills};
use super::migration_preserves::intent::Intent;
use super::tenant_coherence::joins;
use crate::explore::{Scene, TableKey};

/// Columns of a table that a step has to leave as they are.
pub(crate) struct Kept<'a> {
    pub(crate) key: TableKey,
    pub(crate) columns: Vec<&'a Column>,
    /// Why a difference is not yet a violation, if the step may write in ways that nobody declared.
    pub(crate) doubt: Option<&'static str>,
    /// Whether the step adds rows or takes some, as its own words, its copy or its `writes` say.
    pub(crate) moves_rows: bool,
}

/// What a step has to keep of every table that is there before and after it.
pub(crate) fn kept(scene: &Scene, step: StepId) -> Vec<Kept<'_>> {
    let intent = Intent::of_step(scene, step);
    let says_so = says_that_rows_move(scene, step);
    let mut found = Vec::new();
    let Some(schemas) = scene.schemas.get(step.before().0) else { return found };
    for (db, schema) in schemas.iter().enumerate() {
        for table in schema.roots() {
            let key = (DatabaseId(db), table.name.clone());
            let Some(later) = scene.table(step.after(), &key) else { continue };
            let tenant = scene.tenant_column(step.after(), &key);
            let stays = |c: &&Column| {
                later.column(&c.name).is_some_and(|l| l.ty == c.ty && l.generated.is_none())
                    && c.generated.is_none()
                    && tenant.as_ref() != Some(&c.name)
                    && !intent.changes(&key.1, &c.name)
                    && !scene.may_write(step, &key.1, &c.name)
            };
            let columns: Vec<&Column> = table.columns.iter().filter(stays).collect();
            let doubt = if intent.is_opaque() {
                Some("the step may write in ways that its words do not tell")
            } else if table.triggers.iter().chain(&later.triggers).any(|t| t.enabled) {
                Some("a trigger of the table may have written")
            } else {
                None
            };
            if !columns.is_empty() {
                let moves_rows = says_so || scene.may_add(step, &key);
                found.push(Kept { key, columns, doubt, moves_rows });
            }
        }
    }
    found
}

fn says_that_rows_move(scene: &Scene, step: StepId) -> bool {
    let text = scene.step(step).up.text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty());
    let words: Vec<&str> = words.collect();
    words.contains(&"truncate") || words.windows(2).any(|two| MOVING.contains(&[two[0], two[1]]))
}

/// Words that add rows or take some. For which table is not asked: a cascade takes rows of tables that nobody names.
const MOVING: [[&str; 2]; 3] = [["insert", "into"], ["delete", "from"], ["merge", "into"]];

/// A table of which no row may lack its tenant.
pub(crate) struct Due {
    pub(crate) key: TableKey,
    column: Ident,
}

impl Due {
    /// Asks for all rows, and for those that lack their tenant.
    pub(crate) fn sql(&self) -> String {
        let Self { key, column } = self;
        format!(
            "SELECT count(*), count(*) FILTER (WHERE {} IS NULL) FROM {}",
            column.quoted(),
            key.1.quoted()
        )
    }
}

/// The tables that are filled when the step has run.
pub(crate) fn due(scene: &Scene, step: StepId) -> Vec<Due> {
    if scene.scenario.tenancy.null_tenant == NullTenant::Shared || !final_backfills(scene).contains(&step) {
        return Vec::new();
    }
    let filled = Filled::of(scene);
    let tables = scene.tenant_tables(step.after()).into_iter();
    let due = tables.filter(|(key, column)| filled.is_due(scene, step, key, column));
    due.map(|(key, column)| Due { key, column }).collect()
}

/// A foreign key between two tables with a tenant.
pub(crate) struct Pair {
    pub(crate) database: DatabaseId,
    pub(crate) name: String,
    sql: String,
}

impl Pair {
    /// Asks for all rows that refer to one, and for those whose tenant is another than that of the row they refer to.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }
}

/// The foreign keys that may not join rows of two tenants.
pub(crate) fn pairs(scene: &Scene, at: Checkpoint) -> Vec<Pair> {
    let pair = |join: super::tenant_coherence::Join| {
        let on = join.key.columns.iter().zip(&join.key.target_columns);
        let on: Vec<String> = on.map(|(c, t)| format!("c.{} = p.{}", c.quoted(), t.quoted())).collect();
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE c.{} <> p.{}) FROM {} c JOIN {} p ON {}",
            join.child_tenant.quoted(),
            join.parent_tenant.quoted(),
            join.child.1.quoted(),
            join.parent.1.quoted(),
            on.join(" AND ")
        );
        Pair { database: join.child.0, name: join.name(), sql }
    };
    joins(scene, at).into_iter().map(pair).collect()
}
