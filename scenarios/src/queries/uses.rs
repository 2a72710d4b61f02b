//! What the parameters of a statement are compared with, or written into, from its words.

use crate::ident::{Ident, Relation};
use crate::lex::Kind;
use crate::script::reader::{Reader, Word};

/// What a parameter is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// It is compared with a column: of the table with that alias, or of any.
    Compared {
        /// The alias or table before the dot.
        of: Option<Ident>,
        /// The column.
        column: Ident,
    },
    /// It is written into a column: of a new row, or of one that is there.
    Written {
        /// The table.
        table: Relation,
        /// The column.
        column: Ident,
    },
    /// LIMIT.
    Limit,
    /// OFFSET.
    Offset,
}

/// The tables and parameters of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Its tables with their aliases, in order.
    pub tables: Vec<(Ident, Relation)>,
    /// Its parameters with their first use that tells something, in order.
    pub params: Vec<(String, Option<Use>)>,
}

/// Words that end a table's alias before it begins.
const NO_ALIAS: [&str; 22] = [
    "where",
    "on",
    "using",
    "set",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "group",
    "order",
    "limit",
    "offset",
    "returning",
    "values",
    "select",
    "default",
    "having",
    "union",
    "for",
];

impl Uses {
    /// Reads a statement with `:name` parameters.
    pub fn of(sql: &str) -> Self {
        let mut uses = Self::default();
        let mut reader = Reader::new(sql);
        while reader.at < reader.words().len() {
            let at = reader.at;
            let joins = reader.skip("from") || reader.skip("join") || reader.skip("update");
            if joins {
                uses.table(&mut reader);
            } else if reader.skip_all(&["insert", "into"]) {
                uses.insert(&mut reader);
            } else if uses.is_param(&reader) {
                uses.param(&reader, None);
            }
            reader.at = at + 1;
        }
        uses
    }

    fn table(&mut self, reader: &mut Reader<'_>) -> Option<Relation> {
        let _ = reader.skip("only");
        let table = reader.relation()?;
        let _ = reader.skip("as");
        let next = reader.peek().map(|w| w.text.to_ascii_lowercase()).unwrap_or_default();
        let alias = if NO_ALIAS.contains(&next.as_str()) { None } else { reader.ident() };
        self.tables.push((alias.unwrap_or_else(|| table.name.clone()), table.clone()));
        Some(table)
    }

    /// The columns of an INSERT, and the parameters in the rows of its VALUES.
    fn insert(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let table = self.table(reader)?;
        let columns = reader.columns()?;
        if !reader.skip("values") {
            return None;
        }
        while reader.is_next("(") {
            reader.at += 1;
            let (mut depth, mut column) = (0usize, 0usize);
            while let Some(word) = reader.peek() {
                let (kind, text) = (word.kind, word.text);
                match kind {
                    Kind::Open => depth += 1,
                    Kind::Close if depth == 0 => break,
                    Kind::Close => depth -= 1,
                    _ if text == "," && depth == 0 => column += 1,
                    _ if depth == 0 && self.is_param(reader) => {
                        let written = columns.get(column);
                        let written =
                            written.map(|c| Use::Written { table: table.clone(), column: c.clone() });
                        self.param(reader, written);
                    }
                    _ => {}
                }
                reader.at += 1;
            }
            reader.at += 1;
            reader.at += usize::from(reader.is_next(","));
        }
        Some(())
    }

    /// Whether a parameter begins here: a colon and a word, and no cast before.
    fn is_param(&self, reader: &Reader<'_>) -> bool {
        let words = reader.words();
        let kind = |n: usize| words.get(n).map(|w| w.kind);
        let cast = reader.at > 0 && kind(reader.at - 1) == Some(Kind::Colon);
        kind(reader.at) == Some(Kind::Colon) && kind(reader.at + 1) == Some(Kind::Word) && !cast
    }

    fn param(&mut self, reader: &Reader<'_>, known: Option<Use>) {
        let name = reader.words()[reader.at + 1].text.to_owned();
        let found = known.or_else(|| self.compared(reader));
        match self.params.iter_mut().find(|(n, _)| *n == name) {
            Some((_, known)) if known.is_none() => *known = found,
            Some(_) => {}
            None => self.params.push((name, found)),
        }
    }

    /// What stands before the parameter: `a.b =`, `a.b IN (…,`, `a.b BETWEEN … AND`, `SET b =`, LIMIT.
    fn compared(&self, reader: &Reader<'_>) -> Option<Use> {
        let words = reader.words();
        let at = first_of_list(words, reader.at);
        let before = |n: usize| at.checked_sub(n).and_then(|at| words.get(at));
        if before(1).is_some_and(|w| w.is("limit")) {
            return Some(Use::Limit);
        }
        if before(1).is_some_and(|w| w.is("offset")) {
            return Some(Use::Offset);
        }
        let mut left = at;
        let operator = |w: &Word<'_>| {
            matches!(w.text, "=" | "<" | ">" | "!")
                || ["like", "ilike", "not", "in", "between"].iter().any(|word| w.is(word))
        };
        while left > 0 && operator(&words[left - 1]) {
            left -= 1;
        }
        if left == at || left == 0 {
            return None;
        }
        let of = |n: usize| {
            let mut alone = Reader::at(words[n].clone());
            alone.ident()
        };
        let column = of(left - 1)?;
        let dotted = left >= 3 && words[left - 2].text == ".";
        let alias = if dotted { of(left - 3) } else { None };
        if alias.is_none() && words[left.saturating_sub(2)].is("set") || self.is_assignment(reader, left) {
            let table = self.tables.first()?.1.clone();
            return Some(Use::Written { table, column });
        }
        Some(Use::Compared { of: alias, column })
    }

    /// Whether the `=` before the parameter is one of SET's: no WHERE, ON or FROM between.
    fn is_assignment(&self, reader: &Reader<'_>, left: usize) -> bool {
        let before = &reader.words()[..left];
        let ends = ["where", "on", "from", "when", "having", "select"];
        before.iter().rev().find(|w| w.is("set") || ends.iter().any(|e| w.is(e))).is_some_and(|w| w.is("set"))
    }
}

/// Where the list of an IN begins, or the first value of a BETWEEN, for a parameter in it: what stands before it there is
/// what it is compared with.
fn first_of_list(words: &[Word<'_>], at: usize) -> usize {
    let is_value = |n: usize| matches!(words[n].kind, Kind::Text | Kind::Number | Kind::Positional);
    // The start of the value that ends before `n`, a parameter being a colon and a word.
    let value_before = |n: usize| match n {
        n if n >= 2 && words[n - 2].kind == Kind::Colon => Some(n - 2),
        n if n >= 1 && is_value(n - 1) => Some(n - 1),
        _ => None,
    };
    let mut first = at;
    while first > 0
        && words[first - 1].text == ","
        && let Some(start) = value_before(first - 1)
    {
        first = start;
    }
    if first >= 2 && words[first - 1].kind == Kind::Open && words[first - 2].is("in") {
        return first - 1;
    }
    let between = at > 0 && words[at - 1].is("and");
    match value_before(at.saturating_sub(1)).filter(|_| between) {
        Some(start) if start > 0 && words[start - 1].is("between") => start,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "SELECT * FROM a x JOIN s.b AS y ON y.id = x.b WHERE x.org_id = :org AND y.n >= :n LIMIT :l OFFSET :o",
        "org: x.org_id, n: y.n, l: limit, o: offset"
    )]
    #[case("SELECT * FROM a WHERE id = :id::uuid AND (name ILIKE :q OR :q IS NULL)", "id: .id, q: .name")]
    #[case(
        "INSERT INTO a (id, org_id, body) VALUES (:id, :org, lower(:body)), (:id2, :org, 'x') RETURNING id",
        "id: a<-id, org: a<-org_id, id2: a<-id, body: ?"
    )]
    #[case("UPDATE a SET body = :body, n = n + :n WHERE id = :id", "body: a<-body, n: ?, id: .id")]
    #[case("DELETE FROM a WHERE id = ANY(:ids)", "ids: ?")]
    #[case("SELECT 1 FROM a WHERE a.id NOT IN (:x, 'y', :z) AND f(:g, :h)", "x: a.id, z: a.id, g: ?, h: ?")]
    #[case("SELECT 1 FROM a WHERE n BETWEEN :low AND :high AND b = :b", "low: .n, high: .n, b: .b")]
    #[case("SELECT a.x FROM \"A\" a WHERE a.\"orgId\" <> :o", "o: a.orgId")]
    fn uses_are_found(#[case] sql: &str, #[case] expected: &str) {
        let found: Vec<String> = Uses::of(sql)
            .params
            .into_iter()
            .map(|(name, found)| {
                let found = match found {
                    Some(Use::Compared { of, column }) => {
                        format!("{}.{column}", of.map(|o| o.to_string()).unwrap_or_default())
                    }
                    Some(Use::Written { table, column }) => format!("{table}<-{column}"),
                    Some(Use::Limit) => "limit".to_owned(),
                    Some(Use::Offset) => "offset".to_owned(),
                    None => "?".to_owned(),
                };
                format!("{name}: {found}")
            })
            .collect();
        assert_eq!(found.join(", "), expected);
    }

    #[test]
    fn tables_have_their_aliases() {
        let found =
            Uses::of("SELECT 1 FROM a, b JOIN s.c AS d ON true LEFT JOIN e ON true WHERE true").tables;
        let found: Vec<String> = found.into_iter().map(|(alias, table)| format!("{alias}={table}")).collect();
        assert_eq!(found, ["a=a", "d=s.c", "e=e"]);
    }
}
