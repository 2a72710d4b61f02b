//! Schemas written by hand, and the scenario around them.

use indexmap::IndexMap;
use watertight_scenarios::scenario::Tenancy;
use watertight_scenarios::schema::*;
use watertight_scenarios::{Ident, Relation, Scenario, Schema, catalog};

pub(crate) fn ty(name: &str, kind: TypeKind) -> SqlType {
    SqlType { name: name.into(), kind }
}

pub(crate) fn text() -> SqlType {
    ty("text", TypeKind::Text)
}

pub(crate) fn int() -> SqlType {
    ty("integer", TypeKind::Int4)
}

pub(crate) fn uuid() -> SqlType {
    ty("uuid", TypeKind::Uuid)
}

pub(crate) fn enumeration(name: &str, labels: &[&str]) -> SqlType {
    ty(name, TypeKind::Enum(labels.iter().map(|l| (*l).to_owned()).collect()))
}

pub(crate) fn domain(name: &str, base: SqlType, checks: &[&str]) -> SqlType {
    let checks = checks.iter().map(|&c| c.to_owned()).collect();
    ty(name, TypeKind::Domain { base: Box::new(base), not_null: false, checks })
}

/// `name` nullable, `name!` not.
pub(crate) fn column(name: &str, ty: SqlType) -> Column {
    let (name, not_null) = name.strip_suffix('!').map_or((name, false), |n| (n, true));
    Column { name: name.into(), ty, not_null, default: None, identity: None, generated: None }
}

pub(crate) struct TableBuilder(Table);

pub(crate) fn table(name: &str, columns: Vec<Column>) -> TableBuilder {
    TableBuilder(Table {
        name: Relation::public(name),
        owner: "migrator".into(),
        columns,
        primary_key: None,
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        indexes: Vec::new(),
        triggers: Vec::new(),
        policies: Vec::new(),
        row_security: RowSecurity::default(),
        grants: Vec::new(),
        partition_key: None,
        partition_of: None,
    })
}

fn idents(names: &str) -> Vec<Ident> {
    names.split(',').map(|n| Ident::new(n.trim())).collect()
}

impl TableBuilder {
    pub(crate) fn key(mut self, columns: &str) -> Self {
        let name = format!("{}_pkey", self.0.name.name);
        for column in &mut self.0.columns {
            column.not_null |= idents(columns).contains(&column.name);
        }
        self.0.primary_key =
            Some(Key { name: name.into(), columns: idents(columns), deferrable: Deferrable::No });
        self
    }

    pub(crate) fn refers(mut self, columns: &str, target: &str, target_columns: &str) -> Self {
        let name = format!("{}_{}_fkey", self.0.name.name, columns.replace(',', "_"));
        self.0.foreign_keys.push(ForeignKey {
            name: name.into(),
            columns: idents(columns),
            target: Relation::public(target),
            target_columns: idents(target_columns),
            on_delete: Action::Cascade,
            on_update: Action::NoAction,
            match_full: false,
            deferrable: Deferrable::No,
            validated: true,
        });
        self
    }

    pub(crate) fn match_full(mut self) -> Self {
        if let Some(key) = self.0.foreign_keys.last_mut() {
            key.match_full = true;
        }
        self
    }

    pub(crate) fn unique(self, columns: &str) -> Self {
        let parts = idents(columns).into_iter().map(IndexPart::Column).collect();
        self.unique_where(parts, None, false)
    }

    pub(crate) fn unique_where(
        mut self,
        parts: Vec<IndexPart>,
        predicate: Option<&str>,
        nulls_equal: bool,
    ) -> Self {
        let name = format!("{}_key{}", self.0.name.name, self.0.uniques.len());
        self.0.uniques.push(Unique {
            name: name.into(),
            parts,
            predicate: predicate.map(str::to_owned),
            nulls_not_distinct: nulls_equal,
            deferrable: Deferrable::No,
        });
        self
    }

    /// A unique constraint that can be checked late.
    pub(crate) fn deferrable_unique(self, columns: &str, deferrable: Deferrable) -> Self {
        let mut builder = self.unique(columns);
        if let Some(unique) = builder.0.uniques.last_mut() {
            unique.deferrable = deferrable;
        }
        builder
    }

    pub(crate) fn check(mut self, expression: &str) -> Self {
        let name = format!("{}_check{}", self.0.name.name, self.0.checks.len());
        self.0.checks.push(Check {
            name: name.into(),
            expression: expression.into(),
            columns: Vec::new(),
            validated: true,
        });
        self
    }

    pub(crate) fn exclude(mut self, definition: &str) -> Self {
        let name = format!("{}_excl", self.0.name.name);
        self.0.exclusions.push(Exclusion {
            name: name.into(),
            definition: definition.into(),
            columns: Vec::new(),
        });
        self
    }

    pub(crate) fn with(mut self, column: Column) -> Self {
        self.0.columns.push(column);
        self
    }

    pub(crate) fn generated(self, name: &str, ty: SqlType, expression: &str) -> Self {
        self.with(Column { generated: Some(expression.into()), ..column(name, ty) })
    }

    pub(crate) fn deferrable(mut self, deferrable: Deferrable) -> Self {
        if let Some(key) = self.0.foreign_keys.last_mut() {
            key.deferrable = deferrable;
        }
        self
    }

    /// With a trigger that rewrites a text column of each row.
    pub(crate) fn rewritten(mut self, column: &str) -> Self {
        let function = format!("rewrite_{}", self.0.name.name.as_str().replace(' ', "_"));
        self.0.triggers.push(Trigger {
            name: function.as_str().into(),
            definition: format!(
                "CREATE FUNCTION \"{function}\"() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN NEW.\"{column}\" := upper(NEW.\"{column}\"); RETURN NEW; END $$; \
                 CREATE TRIGGER \"{function}\" BEFORE INSERT OR UPDATE ON {} FOR EACH ROW \
                 EXECUTE FUNCTION \"{function}\"();",
                self.0.name.quoted()
            ),
            enabled: true,
        });
        self
    }

    pub(crate) fn partitioned(mut self, key: &str) -> Self {
        self.0.partition_key = Some(key.into());
        self
    }

    pub(crate) fn partition_of(mut self, parent: &str, bound: &str) -> Self {
        self.0.partition_of = Some(PartitionOf { parent: Relation::public(parent), bound: bound.into() });
        self
    }

    pub(crate) fn done(self) -> Table {
        self.0
    }
}

pub(crate) fn schema(tables: Vec<TableBuilder>) -> Schema {
    Schema { tables: tables.into_iter().map(TableBuilder::done).collect(), ..Schema::default() }
}

/// A bundled scenario with another tenancy and without its timeline: what a scenario gains does not concern the tests.
pub(crate) fn scenario(tenants: &str, column: Option<&str>, shared: &[&str]) -> Scenario {
    let base = catalog::load("datahub").unwrap_or_else(|wrong| panic!("{wrong}"));
    let tenancy = Tenancy {
        tenants: Relation::public(tenants),
        column: column.map(Ident::from),
        shared: shared.iter().map(|&s| Relation::public(s)).collect(),
        owner: IndexMap::new(),
        ..base.tenancy
    };
    Scenario { tenancy, steps: Vec::new(), generate: IndexMap::new(), ..base }
}

/// A Prisma application in which users own workspaces.
pub(crate) fn datahub() -> (Schema, Scenario) {
    let provider = || enumeration("\"Provider\"", &["GOOGLE", "META", "STRIPE"]);
    let timestamp = || ty("timestamp(3) without time zone", TypeKind::Timestamp);
    let schema = schema(vec![
        table("User", vec![column("id", text()), column("email!", text()), column("name", text())])
            .key("id")
            .unique("email"),
        table("Workspace", vec![column("id", text()), column("name!", text()), column("ownerId!", text())])
            .key("id")
            .refers("ownerId", "User", "id"),
        table(
            "Connection",
            vec![
                column("id", text()),
                column("userId!", text()),
                column("provider!", provider()),
                column("accessToken", text()),
                column("createdAt!", timestamp()),
            ],
        )
        .key("id")
        .refers("userId", "User", "id"),
        table(
            "MetricDaily",
            vec![
                column("id", text()),
                column("userId!", text()),
                column("provider!", text()),
                column("date!", ty("date", TypeKind::Date)),
                column("value!", ty("double precision", TypeKind::Float8)),
                column("currency", ty("character varying(3)", TypeKind::Varchar(Some(3)))),
            ],
        )
        .key("id")
        .refers("userId", "User", "id")
        .unique("userId,provider,date"),
        table(
            "Insight",
            vec![
                column("id", text()),
                column("userId!", text()),
                column("title!", text()),
                column("body", text()),
            ],
        )
        .key("id")
        .refers("userId", "User", "id"),
        table(
            "ChatMessage",
            vec![
                column("id", text()),
                column("userId!", text()),
                column("workspaceId", text()),
                column("role!", text()),
                column("content!", text()),
                column("scope", text()),
                column("meta", ty("jsonb", TypeKind::Jsonb)),
            ],
        )
        .key("id")
        .refers("userId", "User", "id")
        .refers("workspaceId", "Workspace", "id")
        .check("(role = ANY (ARRAY['user'::text, 'assistant'::text]))"),
    ]);
    (schema, scenario("Workspace", Some("workspaceId"), &[]))
}
