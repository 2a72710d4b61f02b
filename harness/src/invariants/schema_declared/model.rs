//! What the final catalogs say, against what the application's model makes of an empty database.
//!
//! A model speaks only of what its language knows: one without a single policy, trigger or CHECK is not taken to forbid
//! them. What it calls otherwise and defines alike is the same.

use std::collections::BTreeSet;

use watertight_reports::Severity;

use crate::explore::Print;

/// What an object is, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Schema,
    Type,
    Function,
    Table,
    View,
    Sequence,
    Column,
    Key,
    ForeignKey,
    Check,
    Exclusion,
    UniqueIndex,
    Index,
    Trigger,
    Policy,
    RowSecurity,
    Grant,
}

impl Kind {
    /// `None` for what is not compared: who may install what, and what is there by saying nothing.
    fn of(kind: &str, definition: &str) -> Option<Self> {
        Some(match kind {
            "schema" => Self::Schema,
            "type" => Self::Type,
            "function" | "procedure" | "aggregate" => Self::Function,
            "table" => Self::Table,
            "view" | "materialized view" => Self::View,
            "sequence" => Self::Sequence,
            "column" => Self::Column,
            "constraint" if definition.starts_with("FOREIGN KEY") => Self::ForeignKey,
            "constraint" if definition.starts_with("CHECK") => Self::Check,
            "constraint" if definition.starts_with("EXCLUDE") => Self::Exclusion,
            "constraint" => Self::Key,
            "index" if definition.starts_with("CREATE UNIQUE") => Self::UniqueIndex,
            "index" => Self::Index,
            "trigger" => Self::Trigger,
            "policy" => Self::Policy,
            "row security" if definition != "disabled" => Self::RowSecurity,
            "grant" => Self::Grant,
            _ => return None,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Type => "type",
            Self::Function => "function",
            Self::Table => "table",
            Self::View => "view",
            Self::Sequence => "sequence",
            Self::Column => "column",
            Self::Key => "key",
            Self::ForeignKey => "foreign key",
            Self::Check => "CHECK",
            Self::Exclusion => "exclusion",
            Self::UniqueIndex => "unique index",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::RowSecurity => "row security of",
            Self::Grant => "grant",
        }
    }

    /// Whether it is part of a table.
    fn is_part(self) -> bool {
        !matches!(
            self,
            Self::Schema | Self::Type | Self::Function | Self::Table | Self::View | Self::Sequence
        )
    }

    /// Whether what the model does not know of it is held against the schema: it refuses rows, or lets somebody in.
    fn is_closed(self) -> bool {
        self.is_part() && self != Self::Index
    }

    /// Whether its name is nothing but a name.
    fn is_by_definition(self) -> bool {
        matches!(
            self,
            Self::Key | Self::ForeignKey | Self::Check | Self::Exclusion | Self::UniqueIndex | Self::Index
        )
    }

    /// What counts of a definition: names of indexes and owners do not.
    fn essence(self, definition: &str) -> &str {
        match self {
            Self::Table | Self::Sequence | Self::Schema => "",
            Self::View => definition.splitn(3, ' ').nth(2).unwrap_or_default(),
            Self::Function => definition.rsplit_once(" owner ").map_or(definition, |(body, _)| body),
            Self::Index | Self::UniqueIndex => {
                definition.split_once(" ON ").map_or(definition, |(_, rest)| rest)
            }
            _ => definition,
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Index => Severity::Low,
            Self::Policy | Self::RowSecurity | Self::Grant => Severity::Critical,
            _ => Severity::High,
        }
    }
}

/// One line that is compared.
struct Line<'a> {
    kind: Kind,
    object: &'a str,
    /// The table that it is, or is part of.
    table: &'a str,
    definition: &'a str,
}

impl Line<'_> {
    fn is_same(&self, other: &Self) -> bool {
        let alike = self.kind.essence(self.definition) == other.kind.essence(other.definition);
        self.kind == other.kind && self.table == other.table && alike
    }
}

/// The lines that are compared. The index of a key is said with the key.
fn lines(print: &Print) -> Vec<Line<'_>> {
    let tables: BTreeSet<&str> =
        print.keys().filter(|(kind, _)| kind == "table").map(|(_, object)| object.as_str()).collect();
    let mut found = Vec::new();
    for ((kind, object), definition) in print {
        let of_key = kind == "index" && print.contains_key(&("constraint".to_owned(), object.clone()));
        let Some(kind) = Kind::of(kind, definition).filter(|_| !of_key) else { continue };
        // A name may have the dot or the space in it: the longest table that fits is the one.
        let is_of = |table: &&&str| {
            object.strip_prefix(**table).is_some_and(|r| r.is_empty() || r.starts_with(['.', ' ']))
        };
        let table = tables.iter().filter(is_of).max_by_key(|t| t.len()).copied();
        let table = table.filter(|_| kind.is_part() || kind == Kind::Table).unwrap_or_default();
        found.push(Line { kind, object, table, definition });
    }
    found
}

/// Where the final schema is not the model's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Drift {
    pub(super) code: &'static str,
    /// What it is about, without the schema where that is `public`.
    pub(super) subject: String,
    /// The table, if it is about one.
    pub(super) table: Option<String>,
    pub(super) severity: Severity,
    pub(super) message: String,
}

impl Drift {
    fn of(code: &'static str, line: &Line<'_>, message: String) -> Self {
        Self {
            code,
            subject: named(line),
            table: Some(short(line.table).to_owned()).filter(|t| !t.is_empty()),
            severity: line.kind.severity(),
            message,
        }
    }
}

fn short(object: &str) -> &str {
    object.strip_prefix("public.").unwrap_or(object)
}

fn named(line: &Line<'_>) -> String {
    format!("{} {}", line.kind.words(), short(line.object))
}

/// Every difference between a model and the final catalogs.
pub(super) fn drifts(model: &Print, last: &Print) -> Vec<Drift> {
    let (wanted, there) = (lines(model), lines(last));
    let spoken: BTreeSet<Kind> = wanted.iter().map(|line| line.kind).collect();
    let tables = |lines: &[Line<'_>]| -> BTreeSet<String> {
        lines.iter().filter(|l| l.kind == Kind::Table).map(|l| l.object.to_owned()).collect()
    };
    let (known, present) = (tables(&wanted), tables(&there));
    let mut found = Vec::new();
    for want in &wanted {
        if want.kind.is_part() && known.contains(want.table) && !present.contains(want.table) {
            continue; // said of the table
        }
        let by_name = there.iter().find(|line| line.kind == want.kind && line.object == want.object);
        if by_name.is_some_and(|line| line.is_same(want))
            || want.kind.is_by_definition() && there.iter().any(|line| line.is_same(want))
        {
            continue;
        }
        let what = named(want);
        found.push(match by_name {
            Some(line) => Drift::of(
                "model-differs",
                want,
                format!(
                    "The model makes the {what} {}; the final schema has {}.",
                    want.definition, line.definition
                ),
            ),
            None => Drift::of(
                "model-missing",
                want,
                format!("The model makes the {what} ({}); the final schema has none.", want.definition),
            ),
        });
    }
    for line in &there {
        let counts = line.kind.is_closed() && spoken.contains(&line.kind) && known.contains(line.table);
        let is_known = wanted.iter().any(|want| {
            want.kind == line.kind && want.object == line.object
                || line.kind.is_by_definition() && want.is_same(line)
        });
        if counts && !is_known {
            let message = format!(
                "The final schema has the {} ({}); the model knows none.",
                named(line),
                line.definition
            );
            found.push(Drift::of("model-unknown", line, message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn print(lines: &[(&str, &str, &str)]) -> Print {
        let owned = |(kind, object, definition): &(&str, &str, &str)| {
            (((*kind).to_owned(), (*object).to_owned()), (*definition).to_owned())
        };
        lines.iter().map(owned).collect()
    }

    const TABLE: (&str, &str, &str) = ("table", "public.t", "owner m");
    const KEY: (&str, &str, &str) = ("constraint", "public.t t_key", "UNIQUE (a)");
    const KEY_INDEX: (&str, &str, &str) =
        ("index", "public.t t_key", "CREATE UNIQUE INDEX t_key ON public.t USING btree (a)");
    const COLUMN: (&str, &str, &str) = ("column", "public.t.a", "integer NOT NULL");
    const CHECK: (&str, &str, &str) = ("constraint", "public.t c", "CHECK ((a > 0))");

    #[rstest]
    #[case::nothing(&[TABLE, COLUMN, KEY, KEY_INDEX], &[])]
    #[case::another_owner(&[("table", "public.t", "owner somebody"), COLUMN, KEY, KEY_INDEX], &[])]
    #[case::another_name(&[TABLE, COLUMN, ("constraint", "public.t other", "UNIQUE (a)")], &[])]
    #[case::what_the_model_cannot_say(&[TABLE, COLUMN, KEY, CHECK], &[])]
    #[case::another_table(&[TABLE, COLUMN, KEY, ("table", "public.u", "owner m")], &[])]
    #[case::an_index(&[TABLE, COLUMN, KEY, ("index", "public.t i", "CREATE INDEX i ON public.t (a)")], &[])]
    #[case::no_key(&[TABLE, COLUMN], &[("model-missing", "key t t_key")])]
    #[case::no_table(&[], &[("model-missing", "table t")])]
    #[case::nullable(&[TABLE, ("column", "public.t.a", "integer"), KEY], &[("model-differs", "column t.a")])]
    #[case::one_column_more(
        &[TABLE, COLUMN, KEY, ("column", "public.t.b", "text")],
        &[("model-unknown", "column t.b")]
    )]
    fn what_differs_is_told_and_what_the_model_does_not_speak_of_is_not(
        #[case] last: &[(&str, &str, &str)],
        #[case] expected: &[(&str, &str)],
    ) {
        let found = drifts(&print(&[TABLE, COLUMN, KEY, KEY_INDEX]), &print(last));
        let found: Vec<(&str, &str)> = found.iter().map(|d| (d.code, d.subject.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_model_that_knows_policies_knows_all_of_them() {
        let policy = |name: &'static str| ("policy", name, "permissive r to public using true");
        let with = |names: &[&'static str]| {
            let policies = names.iter().map(|n| policy(n));
            print(&std::iter::once(TABLE).chain(policies).collect::<Vec<_>>())
        };
        let found = drifts(&with(&["public.t new"]), &with(&["public.t new", "public.t old"]));
        assert_eq!(found.iter().map(|d| d.subject.as_str()).collect::<Vec<_>>(), ["policy t old"]);
        assert!(drifts(&with(&[]), &with(&["public.t old"])).is_empty());
    }
}
