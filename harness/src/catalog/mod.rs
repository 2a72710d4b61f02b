//! What the catalogs say: introspection into [`Schema`](watertight_scenarios::Schema), and a fingerprint
//! of everything that a migration can change.

mod introspect;
pub mod reach;
mod types;

pub use introspect::introspect;

use std::time::Duration;

use crate::db::question::Question;
use crate::db::session::{Failure, Session, TextRow};
use crate::explore::act::Print;

/// One catalog question is never allowed to take longer.
pub(crate) const CATALOG_LIMIT: Duration = Duration::from_secs(60);

/// Every catalog question, for the test that prepares them all.
pub const QUESTIONS: &[(&str, &str)] = &[
    ("tables", include_str!("sql/tables.sql")),
    ("columns", include_str!("sql/columns.sql")),
    ("types", include_str!("sql/types.sql")),
    ("constraints", include_str!("sql/constraints.sql")),
    ("indexes", include_str!("sql/indexes.sql")),
    ("triggers", include_str!("sql/triggers.sql")),
    ("policies", include_str!("sql/policies.sql")),
    ("grants", include_str!("sql/grants.sql")),
    ("views", include_str!("sql/views.sql")),
    ("functions", include_str!("sql/functions.sql")),
    ("sequences", include_str!("sql/sequences.sql")),
    ("extensions", include_str!("sql/extensions.sql")),
    ("fingerprint", FINGERPRINT.sql),
];

/// What roles can reach, besides.
pub const REACH_QUESTIONS: &[(&str, &str)] =
    &[("reach", include_str!("sql/reach.sql")), ("callable", include_str!("sql/callable.sql"))];

/// Everything that a migration can change in the catalogs. The session's search path must be pinned to `pg_catalog`, so
/// that every name is printed qualified.
pub const FINGERPRINT: Question = Question::new("fingerprint", include_str!("sql/fingerprint.sql"));

/// The catalogs as lines that can be compared.
pub async fn fingerprint(session: &mut Session) -> Result<Print, Failure> {
    let answers = session.run(FINGERPRINT.sql, CATALOG_LIMIT).await?;
    Ok(print_of(answers.into_iter().flat_map(|a| a.rows)))
}

/// The answer to [`FINGERPRINT`].
pub fn print_of(rows: impl IntoIterator<Item = TextRow>) -> Print {
    let line = |row: TextRow| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut cell = || cells.next().unwrap_or_default();
        ((cell(), cell()), cell())
    };
    rows.into_iter().map(line).collect()
}
