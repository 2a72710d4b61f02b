//! The schema of one database, as its catalogs tell it. Pure data: introspection fills it, generators read it.

use serde::{Deserialize, Serialize};

use crate::ident::{Ident, Relation};

/// Everything that matters of one database at one checkpoint, in a stable order (by schema, then name).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Ordinary tables, partitioned tables and partitions.
    pub tables: Vec<Table>,
    /// Views and materialized views.
    pub views: Vec<View>,
    /// Functions and procedures outside the system schemas and extensions.
    pub functions: Vec<Function>,
    /// Sequences, owned by columns or free.
    pub sequences: Vec<Sequence>,
    /// Installed extensions, name and version.
    pub extensions: Vec<Extension>,
}

impl Schema {
    /// The table of that name.
    pub fn table(&self, name: &Relation) -> Option<&Table> {
        self.tables.iter().find(|t| &t.name == name)
    }

    /// Tables that hold rows of their own and are not partitions: what a generator fills.
    pub fn roots(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|t| t.partition_of.is_none())
    }
}

/// A table with all that constrains it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: Relation,
    /// Its owner's role name.
    pub owner: Ident,
    /// Columns in order of their number.
    pub columns: Vec<Column>,
    /// The primary key's columns, in key order; `None` without one.
    pub primary_key: Option<Key>,
    /// Unique constraints and unique indexes other than the primary key's.
    pub uniques: Vec<Unique>,
    /// Foreign keys that start here.
    pub foreign_keys: Vec<ForeignKey>,
    /// Check constraints.
    pub checks: Vec<Check>,
    /// Exclusion constraints.
    pub exclusions: Vec<Exclusion>,
    /// All indexes, those of constraints included.
    pub indexes: Vec<Index>,
    /// User triggers (not those that implement foreign keys).
    pub triggers: Vec<Trigger>,
    /// Row-security policies.
    pub policies: Vec<Policy>,
    /// ENABLE and FORCE ROW LEVEL SECURITY.
    pub row_security: RowSecurity,
    /// Privileges granted on the table.
    pub grants: Vec<Grant>,
    /// For a partitioned table: strategy and key, as `pg_get_partkeydef` prints them.
    pub partition_key: Option<String>,
    /// For a partition: its parent and bounds.
    pub partition_of: Option<PartitionOf>,
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|c| &c.name == name)
    }

    /// Position of the column of that name in [`Table::columns`].
    pub fn column_index(&self, name: &Ident) -> Option<usize> {
        self.columns.iter().position(|c| &c.name == name)
    }

    /// The columns that identify a row: the primary key, else the first unique key of plain NOT NULL columns.
    pub fn identity(&self) -> Option<Vec<Ident>> {
        if let Some(key) = &self.primary_key {
            return Some(key.columns.clone());
        }
        self.uniques
            .iter()
            .filter(|u| u.predicate.is_none())
            .filter_map(Unique::plain_columns)
            .find(|columns| columns.iter().all(|c| self.column(c).is_some_and(|c| c.not_null)))
    }
}

/// A primary key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The constraint's name.
    pub name: Ident,
    /// Columns in key order.
    pub columns: Vec<Ident>,
    /// DEFERRABLE, and whether INITIALLY DEFERRED.
    pub deferrable: Deferrable,
}

/// Whether a constraint can be checked at commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferrable {
    /// NOT DEFERRABLE.
    #[default]
    No,
    /// DEFERRABLE INITIALLY IMMEDIATE.
    Immediate,
    /// DEFERRABLE INITIALLY DEFERRED.
    Deferred,
}

/// A unique constraint or unique index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unique {
    /// Constraint's or index's name.
    pub name: Ident,
    /// What it is made of, in order.
    pub parts: Vec<IndexPart>,
    /// WHERE of a partial index, as `pg_get_expr` prints it.
    pub predicate: Option<String>,
    /// NULLS NOT DISTINCT.
    pub nulls_not_distinct: bool,
    /// Deferrability, for a constraint.
    pub deferrable: Deferrable,
}

impl Unique {
    /// The columns, if no part is an expression.
    pub fn plain_columns(&self) -> Option<Vec<Ident>> {
        self.parts
            .iter()
            .map(|p| match p {
                IndexPart::Column(c) => Some(c.clone()),
                IndexPart::Expression(_) => None,
            })
            .collect()
    }
}

/// One part of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexPart {
    /// A plain column.
    Column(Ident),
    /// An expression, as `pg_get_indexdef` prints it.
    Expression(String),
}

/// Any index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: Ident,
    /// Access method: btree, gin, hnsw, ivfflat…
    pub method: String,
    /// `pg_get_indexdef`.
    pub definition: String,
    /// UNIQUE.
    pub unique: bool,
    /// `indisvalid`.
    pub valid: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: Ident,
    /// Referencing columns.
    pub columns: Vec<Ident>,
    /// Referenced table.
    pub target: Relation,
    /// Referenced columns, in the order of `columns`.
    pub target_columns: Vec<Ident>,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// MATCH FULL.
    pub match_full: bool,
    /// Deferrability.
    pub deferrable: Deferrable,
    /// `convalidated`.
    pub validated: bool,
}

/// A referential action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// NO ACTION.
    NoAction,
    /// RESTRICT.
    Restrict,
    /// CASCADE.
    Cascade,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
}

impl Action {
    /// As a foreign key's ON DELETE has it in SQL.
    pub fn on_delete_sql(self) -> &'static str {
        match self {
            Self::NoAction => "ON DELETE NO ACTION",
            Self::Restrict => "ON DELETE RESTRICT",
            Self::Cascade => "ON DELETE CASCADE",
            Self::SetNull => "ON DELETE SET NULL",
            Self::SetDefault => "ON DELETE SET DEFAULT",
        }
    }
}

/// A check constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The constraint's name.
    pub name: Ident,
    /// The expression, as `pg_get_expr` prints it.
    pub expression: String,
    /// Columns it reads.
    pub columns: Vec<Ident>,
    /// `convalidated`.
    pub validated: bool,
}

/// An exclusion constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The constraint's name.
    pub name: Ident,
    /// `pg_get_constraintdef`.
    pub definition: String,
    /// Plain columns it reads.
    pub columns: Vec<Ident>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: SqlType,
    /// NOT NULL (of the column, not of its domain).
    pub not_null: bool,
    /// DEFAULT expression, as `pg_get_expr` prints it.
    pub default: Option<String>,
    /// GENERATED … AS IDENTITY.
    pub identity: Option<Identity>,
    /// GENERATED ALWAYS AS (expression), stored or virtual.
    pub generated: Option<String>,
}

impl Column {
    /// Whether an INSERT may name it with a value.
    pub fn is_insertable(&self) -> bool {
        self.generated.is_none()
    }
}

/// Kind of identity column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// GENERATED ALWAYS: COPY may still give values; INSERT needs OVERRIDING SYSTEM VALUE.
    Always,
    /// GENERATED BY DEFAULT.
    ByDefault,
}

/// A type as the server prints it, and what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SqlType {
    /// `format_type(atttypid, atttypmod)`, schema-qualified where the pinned search path needs it.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
}

/// The types that the generator knows. `Other` holds what it does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// boolean
    Bool,
    /// smallint
    Int2,
    /// integer
    Int4,
    /// bigint
    Int8,
    /// real
    Float4,
    /// double precision
    Float8,
    /// numeric, with (precision, scale) where declared
    Numeric(Option<(u16, i16)>),
    /// money
    Money,
    /// text, name
    Text,
    /// varchar, with a length in characters where declared
    Varchar(Option<u32>),
    /// char(n), length in characters
    Char(u32),
    /// citext
    Citext,
    /// uuid
    Uuid,
    /// date
    Date,
    /// time without time zone
    Time,
    /// time with time zone
    TimeTz,
    /// timestamp without time zone
    Timestamp,
    /// timestamp with time zone
    TimestampTz,
    /// interval
    Interval,
    /// json
    Json,
    /// jsonb
    Jsonb,
    /// bytea
    Bytea,
    /// inet
    Inet,
    /// cidr
    Cidr,
    /// macaddr
    MacAddr,
    /// bit(n) and bit varying(n): length in bits, and whether it is fixed
    Bit {
        /// Bits, where declared.
        length: Option<u32>,
        /// `bit varying`.
        varying: bool,
    },
    /// tsvector
    TsVector,
    /// xml
    Xml,
    /// point
    Point,
    /// An enum, labels in order.
    Enum(Vec<String>),
    /// A domain over another type.
    Domain {
        /// The type below.
        base: Box<SqlType>,
        /// NOT NULL of the domain.
        not_null: bool,
        /// Check expressions on VALUE.
        checks: Vec<String>,
    },
    /// An array of another type.
    Array(Box<SqlType>),
    /// A range over a subtype.
    Range(Box<SqlType>),
    /// A multirange over a subtype.
    Multirange(Box<SqlType>),
    /// A composite type's attributes.
    Composite(Vec<(Ident, SqlType)>),
    /// pgvector `vector(n)`
    Vector(Option<u32>),
    /// pgvector `halfvec(n)`
    HalfVec(Option<u32>),
    /// pgvector `sparsevec(n)`
    SparseVec(Option<u32>),
    /// Not known: filled with NULL or the default where that is possible.
    Other,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name.
    pub name: Ident,
    /// `pg_get_triggerdef`.
    pub definition: String,
    /// Whether it fires in a normal session.
    pub enabled: bool,
}

/// ENABLE and FORCE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSecurity {
    /// ENABLE ROW LEVEL SECURITY.
    pub enabled: bool,
    /// FORCE ROW LEVEL SECURITY.
    pub forced: bool,
}

/// A row-security policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: Ident,
    /// PERMISSIVE (else RESTRICTIVE).
    pub permissive: bool,
    /// ALL, SELECT, INSERT, UPDATE or DELETE.
    pub command: String,
    /// Roles; `public` for everyone.
    pub roles: Vec<Ident>,
    /// USING.
    pub using: Option<String>,
    /// WITH CHECK.
    pub with_check: Option<String>,
}

/// A privilege that a role has on an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// Grantee; `public` for everyone.
    pub grantee: Ident,
    /// SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, EXECUTE, USAGE…
    pub privilege: String,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: Relation,
    /// Its owner.
    pub owner: Ident,
    /// Materialized.
    pub materialized: bool,
    /// `pg_get_viewdef`.
    pub definition: String,
    /// `security_invoker=true`, `security_barrier=true`, …
    pub options: Vec<String>,
    /// Column names and types.
    pub columns: Vec<(Ident, SqlType)>,
    /// Privileges granted on it.
    pub grants: Vec<Grant>,
}

/// A function or procedure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: Relation,
    /// `pg_get_function_identity_arguments`.
    pub arguments: String,
    /// `pg_get_function_result`; `None` for a procedure.
    pub result: Option<String>,
    /// Its owner.
    pub owner: Ident,
    /// SECURITY DEFINER.
    pub security_definer: bool,
    /// i(mmutable), s(table) or v(olatile).
    pub volatility: char,
    /// LEAKPROOF.
    pub leakproof: bool,
    /// SET clauses, `name=value`.
    pub settings: Vec<String>,
    /// Language name.
    pub language: String,
    /// Body.
    pub source: String,
    /// Privileges granted on it.
    pub grants: Vec<Grant>,
}

/// A sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: Relation,
    /// The column that owns it, by `serial` or identity.
    pub owned_by: Option<(Relation, Ident)>,
    /// START value.
    pub start: i64,
    /// INCREMENT.
    pub increment: i64,
}

/// An installed extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its installed version.
    pub version: String,
    /// The schema it is installed in.
    pub schema: Ident,
}

/// Where a partition hangs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionOf {
    /// The partitioned table.
    pub parent: Relation,
    /// `pg_get_expr(relpartbound, oid)`: FOR VALUES … or DEFAULT.
    pub bound: String,
}
