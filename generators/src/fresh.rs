//! Fresh values by the name of a type: what an access path's parameters are made of.

use watertight_scenarios::schema::{Schema, SqlType, TypeKind};

use crate::dice::{Dice, mix, text_hash};
use crate::plan::ColumnPlan;
use crate::value::domain::Domain;
use crate::value::style::Style;
use crate::value::{Cell, Flavour, Maker};

/// Numbers of fresh values start here, far above those of generated rows.
const FRESH: u64 = 1 << 20;

/// A fresh value of a type, by the name that users write: `text`, `uuid`, `timestamptz`, `numeric(10,2)`,
/// `text[]`, `vector(3)`, or an enum, domain or composite type that some column of the schemas has.
/// `None` for a name that is not known.
pub fn fresh_of_type(name: &str, schemas: &[&Schema], seed: u64) -> Option<String> {
    let ty = sql_type(name, schemas)?;
    let maker = Maker::new(&ty, Style::Title, text_hash(name) << 8);
    make(&maker, &Domain::default(), seed)
}

/// A fresh value for a column.
pub(crate) fn of_column(column: &ColumnPlan, seed: u64) -> Option<String> {
    make(&column.maker, &column.domain, seed)
}

fn make(maker: &Maker, domain: &Domain, seed: u64) -> Option<String> {
    let few = maker.is_few() || maker.count(domain).is_some();
    let flavour = if few { Flavour::Plain } else { Flavour::Distinct };
    let mut dice = Dice::new(seed, 0xf4e5);
    let top = if matches!(maker.kind(), TypeKind::Int2) { 30_000 } else { FRESH };
    let spread = if top == FRESH { 1 << 20 } else { 2_000 };
    let number = top + mix(&[seed]) % spread;
    maker.make(domain, Cell { seed, world: None, number, flavour }, &mut dice)
}

fn sql_type(name: &str, schemas: &[&Schema]) -> Option<SqlType> {
    let name = name.trim();
    if let Some(element) = name.strip_suffix("[]") {
        let element = sql_type(element, schemas)?;
        return Some(SqlType { name: name.to_owned(), kind: TypeKind::Array(Box::new(element)) });
    }
    let (base, modifier) = match name.split_once('(') {
        Some((base, rest)) => {
            let (inner, tail) = rest.split_once(')')?;
            (format!("{}{tail}", base.trim()), Some(inner))
        }
        None => (name.to_owned(), None),
    };
    let number =
        |at: usize| modifier.and_then(|m| m.split(',').nth(at)).and_then(|n| n.trim().parse::<i64>().ok());
    let length = number(0).and_then(|n| u32::try_from(n).ok());
    let kind =
        match base.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => TypeKind::Bool,
            "int2" | "smallint" => TypeKind::Int2,
            "int" | "int4" | "integer" | "serial" => TypeKind::Int4,
            "int8" | "bigint" | "bigserial" => TypeKind::Int8,
            "float4" | "real" => TypeKind::Float4,
            "float" | "float8" | "double precision" => TypeKind::Float8,
            "numeric" | "decimal" => TypeKind::Numeric(number(0).map(|p| {
                (u16::try_from(p).unwrap_or(18), i16::try_from(number(1).unwrap_or(0)).unwrap_or(0))
            })),
            "money" => TypeKind::Money,
            "text" | "string" | "name" => TypeKind::Text,
            "varchar" | "character varying" => TypeKind::Varchar(length),
            "char" | "character" | "bpchar" => TypeKind::Char(length.unwrap_or(1)),
            "citext" => TypeKind::Citext,
            "uuid" => TypeKind::Uuid,
            "date" => TypeKind::Date,
            "time" | "time without time zone" => TypeKind::Time,
            "timetz" | "time with time zone" => TypeKind::TimeTz,
            "timestamp" | "timestamp without time zone" => TypeKind::Timestamp,
            "timestamptz" | "timestamp with time zone" => TypeKind::TimestampTz,
            "interval" => TypeKind::Interval,
            "json" => TypeKind::Json,
            "jsonb" => TypeKind::Jsonb,
            "bytea" => TypeKind::Bytea,
            "inet" => TypeKind::Inet,
            "cidr" => TypeKind::Cidr,
            "macaddr" => TypeKind::MacAddr,
            "bit" => TypeKind::Bit { length, varying: false },
            "varbit" | "bit varying" => TypeKind::Bit { length, varying: true },
            "tsvector" => TypeKind::TsVector,
            "xml" => TypeKind::Xml,
            "point" => TypeKind::Point,
            "vector" => TypeKind::Vector(length),
            "halfvec" => TypeKind::HalfVec(length),
            "sparsevec" => TypeKind::SparseVec(length),
            _ => return in_schemas(name, schemas),
        };
    Some(SqlType { name: name.to_owned(), kind })
}

/// A type that some column has, by its name with or without quotes and schema.
fn in_schemas(name: &str, schemas: &[&Schema]) -> Option<SqlType> {
    let plain = |n: &str| n.rsplit('.').next().unwrap_or(n).trim_matches('"').to_owned();
    let columns = || schemas.iter().flat_map(|s| &s.tables).flat_map(|t| &t.columns).map(|c| &c.ty);
    columns()
        .find(|ty| ty.name == name)
        .or_else(|| columns().find(|ty| plain(&ty.name) == plain(name)))
        .cloned()
}
