//! From `pg_type` to [`SqlType`].

use std::collections::HashMap;

use watertight_scenarios::Ident;
use watertight_scenarios::schema::{SqlType, TypeKind};

use crate::db::session::TextRow;

/// One row of `sql/types.sql`.
struct RawType {
    name: String,
    schema: String,
    class: char,
    base: u32,
    base_modifier: i32,
    base_name: String,
    element: u32,
    category: char,
    not_null: bool,
    relation: u32,
    subtype: u32,
    labels: Vec<String>,
    checks: Vec<String>,
}

/// All types of a database, and the attributes of its composite types.
pub(super) struct TypeTable {
    types: HashMap<u32, RawType>,
    /// By relation oid: name, type, modifier, printed type.
    attributes: HashMap<u32, Vec<(Ident, u32, i32, String)>>,
}

fn number<T: std::str::FromStr + Default>(cell: Option<&String>) -> T {
    cell.and_then(|c| c.parse().ok()).unwrap_or_default()
}

fn list(cell: Option<&String>) -> Vec<String> {
    cell.and_then(|c| serde_json::from_str(c).ok()).unwrap_or_default()
}

impl TypeTable {
    /// Reads the rows of `sql/types.sql`; `columns` are those of `sql/columns.sql`.
    pub(super) fn new(types: &[TextRow], columns: &[TextRow]) -> Self {
        let cell = |row: &TextRow, i: usize| row.get(i).cloned().flatten();
        let types = types
            .iter()
            .map(|row| {
                let at = |i| cell(row, i);
                let raw = RawType {
                    name: at(1).unwrap_or_default(),
                    schema: at(2).unwrap_or_default(),
                    class: at(3).and_then(|c| c.chars().next()).unwrap_or('b'),
                    base: number(at(4).as_ref()),
                    base_modifier: number(at(5).as_ref()),
                    base_name: at(13).unwrap_or_default(),
                    element: number(at(6).as_ref()),
                    category: at(7).and_then(|c| c.chars().next()).unwrap_or('U'),
                    not_null: at(8).as_deref() == Some("t"),
                    relation: number(at(9).as_ref()),
                    subtype: number(at(10).as_ref()),
                    labels: list(at(11).as_ref()),
                    checks: list(at(12).as_ref()),
                };
                (number(at(0).as_ref()), raw)
            })
            .collect();
        let mut attributes: HashMap<u32, Vec<_>> = HashMap::new();
        for row in columns {
            let at = |i| cell(row, i);
            attributes.entry(number(at(0).as_ref())).or_default().push((
                Ident::new(at(1).unwrap_or_default()),
                number(at(2).as_ref()),
                number(at(3).as_ref()),
                at(4).unwrap_or_default(),
            ));
        }
        Self { types, attributes }
    }

    /// The type with that oid and modifier, which the server prints as `name`.
    pub(super) fn resolve(&self, oid: u32, modifier: i32, name: &str) -> SqlType {
        SqlType { name: name.to_owned(), kind: self.kind(oid, modifier) }
    }

    fn plain(&self, oid: u32) -> SqlType {
        let name = self.types.get(&oid).map_or_else(String::new, |t| {
            if t.schema == "pg_catalog" {
                t.name.clone()
            } else {
                watertight_scenarios::Relation::new(t.schema.as_str(), t.name.as_str()).quoted()
            }
        });
        self.resolve(oid, -1, &name)
    }

    fn kind(&self, oid: u32, modifier: i32) -> TypeKind {
        let Some(t) = self.types.get(&oid) else { return TypeKind::Other };
        let length = (modifier > 4).then(|| (modifier - 4) as u32);
        match t.class {
            'e' => return TypeKind::Enum(t.labels.clone()),
            'd' => {
                return TypeKind::Domain {
                    base: Box::new(self.resolve(t.base, t.base_modifier, &t.base_name)),
                    not_null: t.not_null,
                    checks: t.checks.clone(),
                };
            }
            'r' => return TypeKind::Range(Box::new(self.plain(t.subtype))),
            'm' => return TypeKind::Multirange(Box::new(self.plain(t.subtype))),
            'c' => {
                let attributes = self.attributes.get(&t.relation).map(Vec::as_slice).unwrap_or_default();
                return TypeKind::Composite(
                    attributes.iter().map(|(n, o, m, p)| (n.clone(), self.resolve(*o, *m, p))).collect(),
                );
            }
            _ => {}
        }
        if t.category == 'A' && t.element != 0 {
            let mut element = self.plain(t.element);
            element.kind = self.kind(t.element, modifier);
            return TypeKind::Array(Box::new(element));
        }
        let dimension = (modifier > 0).then_some(modifier as u32);
        match t.name.as_str() {
            "bool" => TypeKind::Bool,
            "int2" => TypeKind::Int2,
            "int4" => TypeKind::Int4,
            "int8" => TypeKind::Int8,
            "float4" => TypeKind::Float4,
            "float8" => TypeKind::Float8,
            // numeric packs (precision << 16 | scale) + 4 into its modifier; the scale has 11 signed bits.
            "numeric" => TypeKind::Numeric((modifier >= 4).then(|| {
                let packed = modifier - 4;
                let scale = (packed & 0x7ff) ^ 0x400;
                (((packed >> 16) & 0xffff) as u16, (scale - 0x400) as i16)
            })),
            "money" => TypeKind::Money,
            "text" | "name" => TypeKind::Text,
            "varchar" => TypeKind::Varchar(length),
            "bpchar" => TypeKind::Char(length.unwrap_or(1)),
            "citext" => TypeKind::Citext,
            "uuid" => TypeKind::Uuid,
            "date" => TypeKind::Date,
            "time" => TypeKind::Time,
            "timetz" => TypeKind::TimeTz,
            "timestamp" => TypeKind::Timestamp,
            "timestamptz" => TypeKind::TimestampTz,
            "interval" => TypeKind::Interval,
            "json" => TypeKind::Json,
            "jsonb" => TypeKind::Jsonb,
            "bytea" => TypeKind::Bytea,
            "inet" => TypeKind::Inet,
            "cidr" => TypeKind::Cidr,
            "macaddr" => TypeKind::MacAddr,
            "bit" => TypeKind::Bit { length: dimension, varying: false },
            "varbit" => TypeKind::Bit { length: dimension, varying: true },
            "tsvector" => TypeKind::TsVector,
            "xml" => TypeKind::Xml,
            "point" => TypeKind::Point,
            "vector" => TypeKind::Vector(dimension),
            "halfvec" => TypeKind::HalfVec(dimension),
            "sparsevec" => TypeKind::SparseVec(dimension),
            _ => TypeKind::Other,
        }
    }
}
