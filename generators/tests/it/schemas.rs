//! Schemas that nobody wrote, with everything in them that a generator of data has to know.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use watertight_scenarios::schema::{Deferrable, Identity, IndexPart, Schema, SqlType, TypeKind};
use watertight_scenarios::{Relation, Scenario};

use crate::support::*;

fn mood() -> SqlType {
    enumeration("public.mood", &["sad", "ok", "HAPPY days", "it's"])
}

fn pair() -> SqlType {
    ty("public.pair", TypeKind::Composite(vec![("a".into(), int()), ("b".into(), text())]))
}

fn array_of(element: SqlType) -> TypeKind {
    TypeKind::Array(Box::new(element))
}

/// Types that not every server has.
pub(crate) fn not_everywhere() -> [SqlType; 2] {
    [ty("xml", TypeKind::Xml), ty("public.citext", TypeKind::Citext)]
}

struct Maker<'a> {
    dice: ChaCha8Rng,
    /// Types beside those that every server has.
    more: &'a [SqlType],
}

/// A table as others see it: its key's columns and types.
struct Known {
    name: String,
    key: Vec<(String, SqlType)>,
}

impl Maker<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.dice.random_range(0..n)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn ty(&mut self) -> SqlType {
        let options = [
            text(),
            text(),
            ty("character varying(40)", TypeKind::Varchar(Some(40))),
            ty("character varying(6)", TypeKind::Varchar(Some(6))),
            int(),
            ty("bigint", TypeKind::Int8),
            ty("smallint", TypeKind::Int2),
            ty("numeric(10,2)", TypeKind::Numeric(Some((10, 2)))),
            ty("numeric", TypeKind::Numeric(None)),
            ty("double precision", TypeKind::Float8),
            ty("real", TypeKind::Float4),
            ty("boolean", TypeKind::Bool),
            ty("date", TypeKind::Date),
            ty("timestamp(3) without time zone", TypeKind::Timestamp),
            ty("timestamp with time zone", TypeKind::TimestampTz),
            ty("interval", TypeKind::Interval),
            ty("jsonb", TypeKind::Jsonb),
            ty("bytea", TypeKind::Bytea),
            ty("inet", TypeKind::Inet),
            ty("text[]", TypeKind::Array(Box::new(text()))),
            ty("int4range", TypeKind::Range(Box::new(int()))),
            uuid(),
            mood(),
            ty("character(5)", TypeKind::Char(5)),
            ty("money", TypeKind::Money),
            ty("time without time zone", TypeKind::Time),
            ty("time with time zone", TypeKind::TimeTz),
            ty("json", TypeKind::Json),
            ty("cidr", TypeKind::Cidr),
            ty("macaddr", TypeKind::MacAddr),
            ty("bit(8)", TypeKind::Bit { length: Some(8), varying: false }),
            ty("bit varying(12)", TypeKind::Bit { length: Some(12), varying: true }),
            ty("tsvector", TypeKind::TsVector),
            ty("point", TypeKind::Point),
            ty("integer[]", TypeKind::Array(Box::new(int()))),
            ty("uuid[]", TypeKind::Array(Box::new(uuid()))),
            ty("tstzrange", TypeKind::Range(Box::new(ty("timestamp with time zone", TypeKind::TimestampTz)))),
            ty("daterange", TypeKind::Range(Box::new(ty("date", TypeKind::Date)))),
            ty("int4multirange", TypeKind::Multirange(Box::new(int()))),
            ty("public.vector(3)", TypeKind::Vector(Some(3))),
            ty("public.halfvec(4)", TypeKind::HalfVec(Some(4))),
            ty("public.sparsevec(5)", TypeKind::SparseVec(Some(5))),
            pair(),
            ty("numeric(6,2)[]", array_of(ty("numeric(6,2)", TypeKind::Numeric(Some((6, 2)))))),
            ty("timestamp with time zone[]", array_of(ty("timestamp with time zone", TypeKind::TimestampTz))),
            ty("jsonb[]", array_of(ty("jsonb", TypeKind::Jsonb))),
            ty("public.mood[]", array_of(mood())),
            ty("public.pair[]", array_of(pair())),
            ty("numrange", TypeKind::Range(Box::new(ty("numeric", TypeKind::Numeric(None))))),
            ty("tsrange", TypeKind::Range(Box::new(ty("timestamp without time zone", TypeKind::Timestamp)))),
            ty("int8range", TypeKind::Range(Box::new(ty("bigint", TypeKind::Int8)))),
            ty("datemultirange", TypeKind::Multirange(Box::new(ty("date", TypeKind::Date)))),
            ty("nummultirange", TypeKind::Multirange(Box::new(ty("numeric", TypeKind::Numeric(None))))),
            ty("\"char\"", TypeKind::Other),
            ty("macaddr8", TypeKind::Other),
            ty("pg_lsn", TypeKind::Other),
            ty("tsquery", TypeKind::Other),
            ty("polygon", TypeKind::Other),
            ty(
                "public.nested",
                TypeKind::Composite(vec![
                    ("p".into(), pair()),
                    ("m".into(), mood()),
                    ("days".into(), ty("date[]", array_of(ty("date", TypeKind::Date)))),
                ]),
            ),
            domain("public.positive", int(), &["(VALUE > 0)"]),
            domain("public.tags", ty("text[]", array_of(text())), &["(cardinality(VALUE) <= 4)"]),
            ty(
                "public.needed",
                TypeKind::Domain {
                    base: Box::new(ty("character varying(9)", TypeKind::Varchar(Some(9)))),
                    not_null: true,
                    checks: vec!["((VALUE)::text <> ''::text)".into()],
                },
            ),
            domain("public.code", text(), &["(VALUE ~ '^[A-Z]{2,3}$'::text)", "(length(VALUE) <= 3)"]),
        ];
        let at = self.below(options.len() + self.more.len());
        options.get(at).unwrap_or_else(|| &self.more[at - options.len()]).clone()
    }

    fn key_type(&mut self) -> SqlType {
        [text(), uuid(), int(), ty("bigint", TypeKind::Int8)][self.below(4)].clone()
    }

    /// A check over a column of that type, as the server prints it.
    fn check(&mut self, name: &str, of: &SqlType) -> Option<String> {
        let c = format!("\"{name}\"");
        let options: Vec<String> = match (&of.kind, of.name.as_str()) {
            (TypeKind::Text, "text") => vec![
                format!("({c} <> ''::text)"),
                format!("(length({c}) <= 60)"),
                format!("((char_length({c}) >= 3) AND (char_length({c}) <= 80))"),
                format!("({c} = ANY (ARRAY['a'::text, 'b c'::text, 'd''e'::text]))"),
                format!("({c} ~ '^[a-z]{{2,5}}[0-9]*$'::text)"),
                format!("({c} !~~ '%;%'::text)"),
                format!("(lower({c}) = {c})"),
                format!("(({c} IS NULL) OR (length({c}) > 1))"),
            ],
            (TypeKind::Int4 | TypeKind::Int8 | TypeKind::Int2, _) => vec![
                format!("({c} >= 0)"),
                format!("(({c} > '-5'::integer) AND ({c} < 100000))"),
                format!("({c} <> 7)"),
            ],
            (TypeKind::Numeric(_), _) => {
                vec![format!("({c} >= (0)::numeric)"), format!("(({c} > 0.5) AND ({c} <= 99999.99))")]
            }
            (TypeKind::Date, _) => vec![format!("({c} >= '2020-01-01'::date)")],
            (TypeKind::TimestampTz, _) => vec![format!("({c} <= now())")],
            (TypeKind::Jsonb, _) => vec![format!("(jsonb_typeof({c}) = 'object'::text)")],
            (TypeKind::Bytea, _) => vec![format!("(octet_length({c}) <= 64)")],
            (TypeKind::Array(_), _) => vec![format!("(cardinality({c}) <= 4)")],
            _ => return None,
        };
        let at = self.below(options.len());
        Some(options[at].clone())
    }

    fn table(&mut self, number: usize, known: &[Known], tenant: &Known) -> (TableBuilder, Known) {
        let name = format!("{}{number}", ["items", "Event Log", "users", "Order"][self.below(4)]);
        let with_tenant = !self.one_in(4);
        let (tenant_column, tenant_type) = &tenant.key[0];
        let mut columns = Vec::new();
        let mut key = Vec::new();
        let composite = with_tenant && self.one_in(3);
        if with_tenant {
            let nullable = !composite && self.one_in(2);
            let mark = if nullable { "" } else { "!" };
            columns.push(column(&format!("tenant_id{mark}"), tenant_type.clone()));
            if composite {
                key.push(("tenant_id".to_owned(), tenant_type.clone()));
            }
        }
        let id = self.key_type();
        let mut id_column = column("id!", id.clone());
        if matches!(id.kind, TypeKind::Int4 | TypeKind::Int8) && self.one_in(2) {
            id_column.identity = Some(if self.one_in(2) { Identity::Always } else { Identity::ByDefault });
        }
        columns.push(id_column);
        key.push(("id".to_owned(), id));
        let key_list = key.iter().map(|(c, _)| c.clone()).collect::<Vec<_>>().join(",");

        // References to tables before this one, and to itself.
        let mut references: Vec<(String, String, String)> = Vec::new();
        let mut uniques: Vec<(Vec<IndexPart>, Option<&str>, bool)> = Vec::new();
        for i in 0..self.below(3) {
            let myself = Known { name: name.clone(), key: key.clone() };
            let to_self = self.one_in(4);
            let target = if to_self || known.is_empty() { &myself } else { &known[self.below(known.len())] };
            let mut own = Vec::new();
            let required = !self.one_in(2) && !to_self;
            for (c, of) in &target.key {
                let share = c == "tenant_id" && with_tenant;
                let c = if share { "tenant_id".to_owned() } else { format!("ref{i}_{c}") };
                if !share {
                    columns.push(column(&format!("{c}{}", if required { "!" } else { "" }), of.clone()));
                }
                own.push(c);
            }
            if self.one_in(6) {
                uniques.push((
                    own.iter().map(|c| IndexPart::Column(c.as_str().into())).collect(),
                    None,
                    false,
                ));
            }
            let target_key = target.key.iter().map(|(c, _)| c.clone()).collect::<Vec<_>>().join(",");
            references.push((own.join(","), target.name.clone(), target_key));
        }
        let first_plain = columns.len();
        for i in 0..1 + self.below(6) {
            let of = self.ty();
            let name = ["name", "Email", "status", "note", "created_at", "amount"][self.below(6)];
            let mark = if self.one_in(2) { "!" } else { "" };
            columns.push(column(&format!("{name}{i}{mark}"), of));
        }
        let plain: Vec<(String, SqlType)> =
            columns[first_plain..].iter().map(|c| (c.name.as_str().to_owned(), c.ty.clone())).collect();
        let mut builder = table(&name, columns).key(&key_list);
        for (own, target, key) in &references {
            builder = builder.refers(own, target, key);
        }
        if with_tenant && self.one_in(2) {
            builder = builder.refers("tenant_id", &tenant.name, tenant_column);
        }
        for (name, of) in &plain {
            if self.one_in(3)
                && let Some(check) = self.check(name, of)
            {
                builder = builder.check(&check);
            }
        }
        if let (Some((a, _)), Some((b, _))) = (plain.first(), plain.get(1))
            && self.one_in(3)
        {
            builder = builder.check(&format!("((\"{a}\" IS NOT NULL) OR (\"{b}\" IS NOT NULL))"));
        }
        let rich = |of: &SqlType| {
            matches!(of.kind, TypeKind::Text | TypeKind::Int4 | TypeKind::Uuid | TypeKind::Varchar(Some(40)))
        };
        if let Some((c, _)) = plain.iter().find(|(_, of)| rich(of))
            && self.one_in(2)
        {
            let mut parts = vec![IndexPart::Column(c.as_str().into())];
            if with_tenant && self.one_in(2) {
                parts.insert(0, IndexPart::Column("tenant_id".into()));
            }
            uniques.push((parts, None, self.one_in(4)));
        }
        for (parts, predicate, nulls) in uniques {
            builder = builder.unique_where(parts, predicate, nulls);
        }
        (self.spice(builder, &plain, with_tenant), Known { name, key })
    }

    /// What fewer tables have: expression, partial and overlapping unique keys, an exclusion constraint, a generated
    /// column, a trigger that rewrites rows.
    fn spice(
        &mut self,
        mut builder: TableBuilder,
        plain: &[(String, SqlType)],
        with_tenant: bool,
    ) -> TableBuilder {
        let texts: Vec<&String> = plain.iter().filter(|(_, of)| of.name == "text").map(|(c, _)| c).collect();
        let part = |c: &str| IndexPart::Column(c.into());
        if let Some(c) = texts.first() {
            if self.one_in(4) {
                let lower = IndexPart::Expression(format!("lower(\"{c}\")"));
                let parts = if with_tenant { vec![part("tenant_id"), lower] } else { vec![lower] };
                builder = builder.unique_where(parts, None, false);
            }
            if self.one_in(5) {
                builder = builder.generated("folded", text(), &format!("lower(\"{c}\")"));
            }
            if self.one_in(6) {
                builder = builder.rewritten(c);
            }
        }
        if let (Some((a, one)), Some((b, _))) = (plain.first(), plain.get(1))
            && matches!(one.kind, TypeKind::Text | TypeKind::Int4 | TypeKind::Uuid)
        {
            if self.one_in(4) {
                let predicate = format!("(\"{b}\" IS NOT NULL)");
                builder = builder.unique_where(vec![part(a)], Some(&predicate), false);
            }
            if with_tenant && self.one_in(4) {
                // Two keys that share a column.
                builder = builder.unique_where(vec![part("tenant_id"), part(a)], None, false);
                builder = builder.unique_where(vec![part(a), part("id")], None, true);
                builder = builder.deferrable_unique(&format!("id,{a}"), Deferrable::Deferred);
            }
        }
        let range = plain.iter().find(|(_, of)| matches!(of.kind, TypeKind::Range(_)));
        if let Some((c, _)) = range
            && self.one_in(2)
        {
            let deferrable = ["", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"][self.below(3)];
            builder = builder.exclude(&format!("EXCLUDE USING gist (\"{c}\" WITH &&){deferrable}"));
        }
        builder
    }

    /// A partitioned table and its partitions.
    fn partitioned(&mut self, number: usize, tenant: &Known) -> Vec<TableBuilder> {
        let name = format!("parts{number}");
        let (tenant_column, tenant_type) = &tenant.key[0];
        let columns = || {
            vec![
                column("id!", uuid()),
                column("tenant_id!", tenant_type.clone()),
                column("region!", text()),
                column("day!", ty("date", TypeKind::Date)),
                column("note", text()),
            ]
        };
        let (by, bounds): (&str, &[&str]) = [
            ("LIST (region)", ["FOR VALUES IN ('eu', 'uk')", "FOR VALUES IN ('us')"].as_slice()),
            (
                "RANGE (day)",
                [
                    "FOR VALUES FROM ('2024-01-01') TO ('2024-07-01')",
                    "FOR VALUES FROM ('2024-07-01') TO (MAXVALUE)",
                ]
                .as_slice(),
            ),
            (
                "HASH (id)",
                ["FOR VALUES WITH (modulus 2, remainder 0)", "FOR VALUES WITH (modulus 2, remainder 1)"]
                    .as_slice(),
            ),
            ("LIST (region)", ["FOR VALUES IN ('eu')", "DEFAULT"].as_slice()),
        ][self.below(4)];
        let parent = table(&name, columns())
            .key("id,region,day")
            .refers("tenant_id", &tenant.name, tenant_column)
            .partitioned(by);
        let leaf =
            |(i, bound): (usize, &&str)| table(&format!("{name}_{i}"), columns()).partition_of(&name, bound);
        std::iter::once(parent).chain(bounds.iter().enumerate().map(leaf)).collect()
    }
}

/// A schema of a few tables, and whose they are; `more` are types beside those that every server has.
pub(crate) fn schema_of(seed: u64, more: &[SqlType]) -> (Schema, Scenario) {
    let mut maker = Maker { dice: ChaCha8Rng::seed_from_u64(seed), more };
    let key = maker.key_type();
    let mut tables =
        vec![table("Tenant", vec![column("id!", key.clone()), column("name!", text())]).key("id")];
    let tenant = Known { name: "Tenant".into(), key: vec![("id".into(), key)] };
    let mut known = vec![Known { name: "Tenant".into(), key: tenant.key.clone() }];
    let count = 1 + maker.below(7);
    for number in 0..count {
        let (builder, seen) = maker.table(number, &known, &tenant);
        tables.push(builder);
        known.push(seen);
    }
    // A cycle of references: the way back may be NULL, or is needed and checked at the end of a transaction.
    if known.len() > 2 && maker.one_in(2) {
        let (early, late) = (maker.below(2), known.len() - 1);
        if let [(of, of_type)] = known[late].key.as_slice() {
            let deferrable = [Deferrable::No, Deferrable::Immediate, Deferrable::Deferred][maker.below(3)];
            let needed = if deferrable != Deferrable::No && maker.one_in(2) { "latest!" } else { "latest" };
            let from = tables.remove(early).with(column(needed, of_type.clone()));
            tables.insert(early, from.refers("latest", &known[late].name, of).deferrable(deferrable));
        }
    }
    if maker.one_in(3) {
        tables.extend(maker.partitioned(count, &tenant));
    }
    let mut scenario = scenario("Tenant", Some("tenant_id"), &[]);
    if maker.one_in(3)
        && let Some(shared) = known.get(1)
    {
        scenario.tenancy.shared.push(Relation::public(shared.name.as_str()));
    }
    (schema(tables), scenario)
}
