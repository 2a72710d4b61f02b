//! Identifiers, and the only code that quotes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An SQL identifier as the catalogs store it: unquoted, case kept, at most 63 bytes on a stock server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ident(String);

impl Ident {
    /// Takes a name exactly as the catalogs store it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as stored, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in double quotes, always, so that case, keywords, dots and quotes survive.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl From<&str> for Ident {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Ident {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// A relation (table, view, sequence) or another schema-qualified object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relation {
    /// The schema it lives in.
    pub schema: Ident,
    /// Its name.
    pub name: Ident,
}

impl Relation {
    /// A relation by schema and name, both as the catalogs store them.
    pub fn new(schema: impl Into<Ident>, name: impl Into<Ident>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// A relation of the schema `public`.
    pub fn public(name: impl Into<Ident>) -> Self {
        Self::new("public", name)
    }

    /// Both parts quoted and joined: ready for SQL.
    pub fn quoted(&self) -> String {
        format!("{}.{}", self.schema.quoted(), self.name.quoted())
    }

    /// Reads what a user writes for a relation: `Name`, `schema.Name`, or either part in double quotes.
    /// Case is kept as written, as the catalogs would show it. Returns `None` for unbalanced quotes,
    /// empty parts or more than two parts.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = name_parts(text)?.into_iter();
        match (parts.next()?, parts.next(), parts.next()) {
            (name, None, None) => Some(Self::public(name)),
            (schema, Some(name), None) => Some(Self::new(schema, name)),
            _ => None,
        }
    }

    /// Reads what a user writes for a column: `Table.column` or `schema.Table.column`, parts quoted or not.
    pub fn parse_column(text: &str) -> Option<(Self, Ident)> {
        let mut parts = name_parts(text)?;
        let column = Ident::new(parts.pop()?);
        let mut parts = parts.into_iter();
        match (parts.next()?, parts.next(), parts.next()) {
            (name, None, None) => Some((Self::public(name), column)),
            (schema, Some(name), None) => Some((Self::new(schema, name), column)),
            _ => None,
        }
    }
}

/// The parts of a dotted name, quotes removed; `None` for unbalanced quotes or empty parts.
fn name_parts(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut chars = text.trim().chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                parts.last_mut()?.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    (!quoted && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

impl fmt::Display for Relation {
    /// The name as people say it: `public` is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema.as_str() == "public" {
            write!(f, "{}", self.name)
        } else {
            write!(f, "{}.{}", self.schema, self.name)
        }
    }
}

impl fmt::Debug for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A string literal in single quotes, for a server with `standard_conforming_strings` on (the harness pins it).
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn relation_reads_what_people_write() {
        assert_eq!(Relation::parse("User"), Some(Relation::public("User")));
        assert_eq!(Relation::parse("auth.users"), Some(Relation::new("auth", "users")));
        assert_eq!(Relation::parse("\"a.b\".\"c\"\"d\""), Some(Relation::new("a.b", "c\"d")));
        for bad in ["", ".", "a.", "a.b.c", "\"a"] {
            assert_eq!(Relation::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn column_reads_what_people_write() {
        assert_eq!(Relation::parse_column("User.id"), Some((Relation::public("User"), "id".into())));
        let quoted = Relation::parse_column("auth.\"a.b\".id");
        assert_eq!(quoted, Some((Relation::new("auth", "a.b"), "id".into())));
        for bad in ["id", "a.b.c.d", "User.", ".id", ""] {
            assert_eq!(Relation::parse_column(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn quoted_relation_reads_back(schema in "[^\0]{1,12}", name in "[^\0]{1,12}") {
            let relation = Relation::new(schema.as_str(), name.as_str());
            prop_assert_eq!(Relation::parse(&relation.quoted()), Some(relation));
        }
    }
}
