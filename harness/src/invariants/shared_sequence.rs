//! What a sequence that all tenants draw from tells one of them: how many rows the others add.

use watertight_generators::{Row, WorldId};
use watertight_scenarios::scenario::{AppRole, Checkpoint};
use watertight_scenarios::schema::{Column, Sequence, Table, TypeKind};
use watertight_scenarios::{Ident, Relation};

use super::fresh_row::FreshRow;
use super::rls::{ask, roles};
use super::{Remark, Remarks};
use crate::catalog::reach::Reachable;
use crate::db::session::TextRow;
use crate::explore::{Act, Actor, CaseData, Excursion, Observations, Scene, Statement, TableKey};

/// Worlds of a case that are asked for.
const WORLDS_MAX: usize = 2;

/// How far sequences have come, as nobody's policies restrict it.
const PLACES: &str = "SELECT schemaname, sequencename, last_value FROM pg_catalog.pg_sequences ORDER BY 1, 2";

pub(super) static REMARKS: Remarks = Remarks {
    about: "A sequence that all tenants draw from (a serial key, invoice numbers) tells each of them how many rows the \
        others add: add a row, wait, add another, and the gap is theirs. Seen by adding two rows for one tenant, with \
        and without another tenant's row between them. It is told and changes no verdict, for nearly every schema with \
        running numbers has one; where the number of rows is a secret, number them within the tenant, or use random keys.",
    plan,
    tell,
};

/// One table, as one role adds rows to it for one tenant.
struct Draw<'a> {
    key: TableKey,
    role: &'a Ident,
    worlds: [WorldId; 2],
    /// Columns that the role is shown of its new rows.
    shown: Vec<&'a Column>,
    /// Two rows in a row.
    alone: Excursion,
    /// The same with another tenant's row between them.
    among: Excursion,
}

/// Where the first and the second row of one's own, and the look at the sequences behind them, are in
/// [`Draw::alone`] and in [`Draw::among`].
const ALONE: [usize; 3] = [1, 2, 3];
const AMONG: [usize; 3] = [0, 2, 3];

/// Who adds rows, and to what.
struct Desk<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    role: &'a AppRole,
    reach: &'a Reachable,
    table: &'a Table,
    key: TableKey,
    tenant_column: Ident,
}

impl<'a> Desk<'a> {
    fn draw(&self) -> Option<Draw<'a>> {
        let shown: Vec<&Column> = self
            .table
            .columns
            .iter()
            .filter(|c| may_be_numbered(c) && self.reach.columns.select.contains(&c.name))
            .collect();
        let rows = &self.case.table(self.key.0, &self.key.1)?.rows;
        let of = |is_wanted: &dyn Fn(WorldId) -> bool| rows.iter().find(|r| r.world.is_some_and(is_wanted));
        let sampled = self.case.sample(WORLDS_MAX, 37);
        let own = of(&|w| sampled.contains(&w))?;
        let theirs = of(&|w| Some(w) != own.world && !self.case.tenants(w).is_empty())?;
        let [first, second] = [0x5e9_1000, 0x5e9_2000].map(|salt| self.adds(own, salt, &shown));
        let (first, second, between) = (first?, second?, self.adds(theirs, 0x5e9_3000, &shown)?);
        let excursion = |acts| Excursion { from: self.at, acts };
        let look = self.look();
        Some(Draw {
            key: self.key.clone(),
            role: &self.role.name,
            worlds: [own.world?, theirs.world?],
            shown: Some(shown).filter(|shown| !shown.is_empty())?,
            // They must not begin alike: what is shared is done once, and no rollback gives a number back.
            alone: excursion(vec![look.clone(), first.clone(), second.clone(), look.clone()]),
            among: excursion(vec![first, between, second, look]),
        })
    }

    fn adds(&self, row: &Row, salt: u64, shown: &[&Column]) -> Option<Act> {
        let fresh = FreshRow {
            scene: self.scene,
            case: self.case,
            database: self.key.0,
            table: self.table,
            data: self.case.table(self.key.0, &self.key.1)?,
            may_give: &self.reach.columns.insert,
            tenant_column: Some(&self.tenant_column),
        };
        let tenant = self.case.tenants(row.world?).first()?;
        let sql = fresh.insert_sql(&self.key.1, row, Some(tenant), salt, draws)?;
        let returned: Vec<String> = shown.iter().map(|c| c.name.quoted()).collect();
        let context = match self.role.tenant_context {
            Some(_) => Some(self.case.context(self.scene, self.role, self.key.0, row.world?)?),
            None => None,
        };
        let sql = format!("{sql} RETURNING {}", returned.join(", "));
        Some(ask(self.key.0, self.role, context.as_ref(), sql))
    }

    fn look(&self) -> Act {
        Act::Sql(Statement { database: self.key.0, actor: Actor::Observer, sql: PLACES.to_owned() })
    }
}

/// Whether the column's default is drawn from a sequence.
fn draws(column: &Column) -> bool {
    column.default.as_ref().is_some_and(|d| d.contains("nextval("))
}

fn may_be_numbered(column: &Column) -> bool {
    draws(column) || matches!(column.ty.kind, TypeKind::Int2 | TypeKind::Int4 | TypeKind::Int8)
}

fn sequences<'a>(scene: &'a Scene, at: Checkpoint, key: &TableKey) -> impl Iterator<Item = &'a Sequence> {
    let schema = scene.schemas.get(at.0).and_then(|s| s.get(key.0.0));
    schema.into_iter().flat_map(|s| &s.sequences).filter(|s| !scene.is_platform(&s.name))
}

fn draw_all<'a>(scene: &'a Scene, case: &'a CaseData) -> Vec<Draw<'a>> {
    let at = scene.last();
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    for (key, tenant_column) in scene.tenant_tables(at) {
        let Some(table) = scene.table(at, &key).filter(|_| sequences(scene, at, &key).next().is_some())
        else {
            continue;
        };
        for role in roles(scene) {
            let reach = scene.reach.get(at.0).and_then(|r| r.get(key.0.0));
            let reach =
                reach.and_then(|r| r.relations.iter().find(|r| r.role == role.name && r.relation == key.1));
            let Some(reach) = reach else { continue };
            let (key, tenant_column) = (key.clone(), tenant_column.clone());
            found.extend(Desk { scene, case, at, role, reach, table, key, tenant_column }.draw());
        }
    }
    found
}

fn plan(scene: &Scene, case: &CaseData) -> Vec<Excursion> {
    draw_all(scene, case).into_iter().flat_map(|d| [d.alone, d.among]).collect()
}

fn tell(scene: &Scene, case: &CaseData, seen: &Observations) -> Vec<Remark> {
    let alive = seen.alive(scene.last());
    draw_all(scene, case)
        .into_iter()
        .filter(|draw| draw.worlds.iter().all(|w| alive.contains(w)))
        .flat_map(|draw| {
            let runs = Run::of(seen, &draw.alone, ALONE).zip(Run::of(seen, &draw.among, AMONG));
            let told = |(alone, among): (Run<'_>, Run<'_>)| {
                let columns = draw.shown.iter().enumerate();
                let told = columns
                    .filter_map(|(i, c)| remark(scene, &draw, c, alone.numbers(i)?, among.numbers(i)?));
                told.collect::<Vec<_>>()
            };
            runs.map(told).unwrap_or_default()
        })
        .collect()
}

/// What one's own two rows showed, and how far the sequences had come behind them.
struct Run<'a> {
    rows: [&'a TextRow; 2],
    places: &'a [TextRow],
}

/// Two numbers that a tenant saw one after the other, and the sequences that stood at the second one.
#[derive(Clone, Debug)]
struct Numbers {
    first: i64,
    second: i64,
    sequences: Vec<Relation>,
}

impl<'a> Run<'a> {
    fn of(seen: &'a Observations, excursion: &Excursion, places: [usize; 3]) -> Option<Self> {
        let all: Option<Vec<&[TextRow]>> = (0..excursion.acts.len())
            .map(|nth| {
                Some(seen.seen(excursion.from, &excursion.acts[..=nth])?.done()?.answer.rows.as_slice())
            })
            .collect();
        let all = all?;
        let [first, second, look] = places.map(|nth| all[nth]);
        Some(Self { rows: [first.first()?, second.first()?], places: look })
    }

    fn numbers(&self, column: usize) -> Option<Numbers> {
        let [first, second] = self.rows.map(|row| number(row.get(column)?.as_deref()?));
        let second = second?;
        let at = |row: &&TextRow| row.get(2).cloned().flatten() == Some(second.to_string());
        let name = |row: &TextRow| Some(Relation::new(row.first()?.clone()?, row.get(1)?.clone()?));
        let sequences = self.places.iter().filter(at).filter_map(name).collect();
        Some(Numbers { first: first?, second, sequences })
    }
}

/// The number that a value ends with: `INV-0042` is the 42nd.
fn number(value: &str) -> Option<i64> {
    let before = value.trim_end_matches(|c: char| c.is_ascii_digit());
    value[before.len()..].parse().ok()
}

/// The sequence that another tenant's row moved on: it stood at the second number both times, and that number was another
/// one. Of several sequences, the column's own.
fn shared<'a>(
    column: &Column,
    own: Option<&Relation>,
    alone: &'a Numbers,
    among: &Numbers,
) -> Option<&'a Relation> {
    if alone.second - alone.first == among.second - among.first {
        return None;
    }
    let both = || alone.sequences.iter().filter(|s| among.sequences.contains(s));
    let names =
        |d: &str, name: &str| d.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
    let named = |s: &&Relation| column.default.as_ref().is_some_and(|d| names(d, s.name.as_str()));
    both().find(|s| Some(*s) == own).or_else(|| both().find(named)).or_else(|| both().next())
}

fn remark(scene: &Scene, draw: &Draw<'_>, column: &Column, alone: Numbers, among: Numbers) -> Option<Remark> {
    let owns = |s: &&Sequence| {
        s.owned_by.as_ref().is_some_and(|(table, name)| *table == draw.key.1 && *name == column.name)
    };
    let own = sequences(scene, draw.alone.from, &draw.key).find(owns).map(|s| &s.name);
    let sequence = shared(column, own, &alone, &among)?;
    let (table, role, name) = (&draw.key.1, draw.role, &column.name);
    let message = format!(
        "`{table}.{name}` is drawn from `{sequence}`, which tenants share. As {role}, two new rows get {} and {}; with a \
         row of another tenant between them, {} and {}. So a tenant can tell how many rows the others add.",
        alone.first, alone.second, among.first, among.second
    );
    Some(Remark { subject: format!("{table}.{name}"), table: Some(table.to_string()), message })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use watertight_scenarios::schema::SqlType;

    use super::*;

    #[rstest]
    #[case("42", Some(42))]
    #[case("INV-0042", Some(42))]
    #[case("2024-7", Some(7))]
    #[case("none", None)]
    #[case("", None)]
    fn a_number_is_what_a_value_ends_with(#[case] value: &str, #[case] expected: Option<i64>) {
        assert_eq!(number(value), expected);
    }

    fn column(default: Option<&str>) -> Column {
        Column {
            name: Ident::from("number"),
            ty: SqlType { name: "bigint".to_owned(), kind: TypeKind::Int8 },
            not_null: true,
            default: default.map(str::to_owned),
            identity: None,
            generated: None,
        }
    }

    /// Numbers of a run that showed these, where these sequences stood behind it.
    fn numbers(first: &str, second: &str, places: &[(&str, i64)]) -> Numbers {
        let some = |value: &str| Some(value.to_owned());
        let rows = [vec![some(first)], vec![some(second)]];
        let place = |(name, at): &(&str, i64)| vec![some("public"), some(name), some(&at.to_string())];
        let places: Vec<TextRow> = places.iter().map(place).collect();
        Run { rows: [&rows[0], &rows[1]], places: &places }.numbers(0).unwrap()
    }

    #[test]
    fn a_sequence_is_shared_where_another_tenant_moves_it_on() {
        let alone = numbers("4", "5", &[("x", 5), ("y", 5), ("z", 3)]);
        let among = numbers("6", "8", &[("x", 8), ("y", 8), ("z", 3)]);
        let found = |column, own: Option<&str>| {
            let own = own.map(Relation::public);
            shared(&column, own.as_ref(), &alone, &among).map(ToString::to_string)
        };
        assert_eq!(found(column(None), None).as_deref(), Some("x"));
        assert_eq!(found(column(None), Some("y")).as_deref(), Some("y"));
        assert_eq!(found(column(Some("nextval('y'::regclass)")), None).as_deref(), Some("y"));
    }

    #[test]
    fn nothing_is_told_of_numbers_of_one_s_own_or_of_no_sequence() {
        let (column, alone) = (column(None), numbers("4", "5", &[("x", 5)]));
        assert_eq!(shared(&column, None, &alone, &numbers("6", "7", &[("x", 7)])), None);
        assert_eq!(shared(&column, None, &alone, &numbers("6", "8", &[("x", 9)])), None);
    }
}
