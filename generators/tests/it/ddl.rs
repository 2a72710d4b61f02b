//! A schema as SQL that makes it, from nothing.

use std::fmt::Write;

use watertight_generators::{Dataset, to_copy_text};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::schema::{Deferrable, Identity, IndexPart, Schema, SqlType, Table, TypeKind};

fn list(names: &[Ident]) -> String {
    names.iter().map(Ident::quoted).collect::<Vec<_>>().join(", ")
}

/// CREATE statements of the types that a type needs, each behind those that it is made of.
fn types(ty: &SqlType, found: &mut Vec<String>) {
    let made = match &ty.kind {
        TypeKind::Enum(labels) => {
            let labels: Vec<String> = labels.iter().map(|l| quote_literal(l)).collect();
            format!("CREATE TYPE {} AS ENUM ({});", ty.name, labels.join(", "))
        }
        TypeKind::Domain { base, not_null, checks } => {
            types(base, found);
            let checks: String = checks.iter().map(|c| format!(" CHECK ({c})")).collect();
            let not_null = if *not_null { " NOT NULL" } else { "" };
            format!("CREATE DOMAIN {} AS {}{not_null}{checks};", ty.name, base.name)
        }
        TypeKind::Composite(fields) => {
            fields.iter().for_each(|(_, of)| types(of, found));
            let fields: Vec<String> =
                fields.iter().map(|(n, t)| format!("{} {}", n.quoted(), t.name)).collect();
            format!("CREATE TYPE {} AS ({});", ty.name, fields.join(", "))
        }
        TypeKind::Array(of) => return types(of, found),
        _ => return,
    };
    if !found.contains(&made) {
        found.push(made);
    }
}

fn create(table: &Table) -> String {
    if let Some(of) = &table.partition_of {
        let key = table.partition_key.as_ref().map(|k| format!(" PARTITION BY {k}")).unwrap_or_default();
        return format!(
            "CREATE TABLE {} PARTITION OF {} {}{key};\n",
            table.name.quoted(),
            of.parent.quoted(),
            of.bound
        );
    }
    let mut parts = Vec::new();
    for column in &table.columns {
        let mut part = format!("{} {}", column.name.quoted(), column.ty.name);
        if let Some(expression) = &column.generated {
            let _ = write!(part, " GENERATED ALWAYS AS ({expression}) STORED");
        }
        if let Some(identity) = column.identity {
            let kind = if identity == Identity::Always { "ALWAYS" } else { "BY DEFAULT" };
            let _ = write!(part, " GENERATED {kind} AS IDENTITY");
        }
        if column.not_null {
            part.push_str(" NOT NULL");
        }
        parts.push(part);
    }
    if let Some(key) = &table.primary_key {
        parts.push(format!("CONSTRAINT {} PRIMARY KEY ({})", key.name.quoted(), list(&key.columns)));
    }
    for check in &table.checks {
        parts.push(format!("CONSTRAINT {} CHECK ({})", check.name.quoted(), check.expression));
    }
    for exclusion in &table.exclusions {
        parts.push(format!("CONSTRAINT {} {}", exclusion.name.quoted(), exclusion.definition));
    }
    let key = table.partition_key.as_ref().map(|k| format!(" PARTITION BY {k}")).unwrap_or_default();
    format!("CREATE TABLE {} (\n  {}\n){key};\n", table.name.quoted(), parts.join(",\n  "))
}

/// CREATE statements for a schema.
pub(crate) fn ddl(schema: &Schema) -> String {
    let mut found = Vec::new();
    schema.tables.iter().flat_map(|t| &t.columns).for_each(|c| types(&c.ty, &mut found));
    let mut sql: String = found.iter().map(|t| format!("{t}\n")).collect();
    for table in &schema.tables {
        sql.push_str(&create(table));
    }
    for table in &schema.tables {
        for unique in &table.uniques {
            let parts: Vec<String> = unique
                .parts
                .iter()
                .map(|p| match p {
                    IndexPart::Column(c) => c.quoted(),
                    IndexPart::Expression(e) => format!("({e})"),
                })
                .collect();
            if unique.deferrable != Deferrable::No {
                let (on, name) = (table.name.quoted(), unique.name.quoted());
                let late = if unique.deferrable == Deferrable::Deferred { " INITIALLY DEFERRED" } else { "" };
                let parts = parts.join(", ");
                let _ = writeln!(
                    sql,
                    "ALTER TABLE {on} ADD CONSTRAINT {name} UNIQUE ({parts}) DEFERRABLE{late};"
                );
                continue;
            }
            let nulls = if unique.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
            let predicate = unique.predicate.as_ref().map(|p| format!(" WHERE {p}")).unwrap_or_default();
            let (name, on) = (unique.name.quoted(), table.name.quoted());
            let _ =
                writeln!(sql, "CREATE UNIQUE INDEX {name} ON {on} ({}){nulls}{predicate};", parts.join(", "));
        }
    }
    for table in &schema.tables {
        sql.extend(table.triggers.iter().map(|t| format!("{}\n", t.definition)));
    }
    sql.push_str(&foreign_keys(schema));
    sql
}

/// ALTER TABLE statements for its foreign keys.
pub(crate) fn foreign_keys(schema: &Schema) -> String {
    let mut sql = String::new();
    for table in &schema.tables {
        for key in &table.foreign_keys {
            let full = if key.match_full { " MATCH FULL" } else { "" };
            let deferrable = match key.deferrable {
                Deferrable::No => "",
                Deferrable::Immediate => " DEFERRABLE",
                Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
            };
            let _ = writeln!(
                sql,
                "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){full}{deferrable};",
                table.name.quoted(),
                key.name.quoted(),
                list(&key.columns),
                key.target.quoted(),
                list(&key.target_columns)
            );
        }
    }
    sql
}

/// A psql script that loads data as the harness does.
pub(crate) fn load(data: &Dataset) -> String {
    let mut script = String::from("SET session_replication_role = replica;\n");
    for table in &data.tables {
        let columns = list(&table.columns);
        let _ = writeln!(script, "COPY {} ({columns}) FROM STDIN;", table.table.quoted());
        script.push_str(&String::from_utf8_lossy(&to_copy_text(&table.rows)));
        script.push_str("\\.\n");
    }
    script.push_str("RESET session_replication_role;\n");
    script
}
