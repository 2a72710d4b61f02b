//! The operators: each seeds one kind of fault, and stands for one that teams have shipped.

use super::{Edit, Part, Site, keys, rows, security};

/// A way to seed a fault.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    /// Its id, kebab-case.
    pub id: &'static str,
    /// The real fault that it stands for, in a sentence.
    pub fault: &'static str,
    /// What would catch such a fault where nothing does, in a sentence.
    pub closes: &'static str,
    /// The scripts that it is for.
    pub part: Part,
    pub(super) seeds: fn(&Site<'_>) -> Vec<Vec<Edit>>,
}

const ACCESS: &str = "Declare the statements that depend on it under `[[access]]`, so that they are sent.";
const OWNER: &str = "Say under `[tenancy.owner]` whom the rows belong to, and make rows of every shape that the statement \
    tells apart.";
const OWN: &str =
    "Say what holds in a query of your own in `invariants/`: the rows that it returns are violations.";
const SECURITY: &str = "Name the application's roles and their tenant context under `[[roles.app]]`, and grant them what they have.";
const DECLARED: &str = "Say what the application's model expects: of the column under `[declared]`, or of everything with the \
    database's `model`.";
const MODEL: &str = "Give the database its `model`, where the application's model has it too; else say what holds in a query of \
    your own in `invariants/`: the rows that it returns are violations.";

/// Every operator, in the order in which they are listed.
pub static OPERATORS: [Operator; 31] = [
    Operator {
        id: "drop-write",
        fault: "A statement of a backfill, or one that moves rows, is forgotten.",
        closes: OWNER,
        part: Part::Up,
        seeds: rows::drop_write,
    },
    Operator {
        id: "drop-null-filter",
        fault: "A backfill without `IS NULL` writes over what is there already.",
        closes: OWNER,
        part: Part::Up,
        seeds: rows::drop_null_filter,
    },
    Operator {
        id: "drop-join-condition",
        fault: "Rows are joined with rows that are not theirs.",
        closes: OWNER,
        part: Part::Up,
        seeds: rows::drop_join_condition,
    },
    Operator {
        id: "drop-filter",
        fault: "A statement takes more rows than it is meant for.",
        closes: OWN,
        part: Part::Up,
        seeds: rows::drop_filter,
    },
    Operator {
        id: "drop-on-conflict",
        fault: "A statement that inserts stumbles over rows that are there already.",
        closes: OWNER,
        part: Part::Up,
        seeds: rows::drop_on_conflict,
    },
    Operator {
        id: "drop-foreign-key",
        fault: "Nothing keeps rows from pointing at nothing.",
        closes: DECLARED,
        part: Part::Up,
        seeds: keys::drop_foreign_key,
    },
    Operator {
        id: "drop-key-tenant",
        fault: "A foreign key no longer says that both rows are of one tenant.",
        closes: MODEL,
        part: Part::Up,
        seeds: keys::drop_key_tenant,
    },
    Operator {
        id: "change-on-delete",
        fault: "What a deletion takes along is not what the model says: rows stay behind, or go too far.",
        closes: DECLARED,
        part: Part::Up,
        seeds: keys::change_on_delete,
    },
    Operator {
        id: "drop-unique",
        fault: "What is to be there once can be there twice.",
        closes: MODEL,
        part: Part::Up,
        seeds: keys::drop_unique,
    },
    Operator {
        id: "drop-unique-tenant",
        fault: "What is unique within a tenant is unique across all: one tenant's value refuses another's.",
        closes: ACCESS,
        part: Part::Up,
        seeds: keys::drop_unique_tenant,
    },
    Operator {
        id: "drop-not-null",
        fault: "A column that everything relies on may be empty.",
        closes: DECLARED,
        part: Part::Up,
        seeds: keys::drop_not_null,
    },
    Operator {
        id: "drop-check",
        fault: "Values that mean nothing are accepted.",
        closes: MODEL,
        part: Part::Up,
        seeds: keys::drop_check,
    },
    Operator {
        id: "drop-validate",
        fault: "A constraint stays NOT VALID: it was never tried on the rows that are there.",
        closes: OWN,
        part: Part::Up,
        seeds: |site| keys::drop_actions(site, &["validate", "constraint"]),
    },
    Operator {
        id: "drop-enable",
        fault: "A table has policies, and row security is not on.",
        closes: SECURITY,
        part: Part::Up,
        seeds: |site| keys::drop_actions(site, &["enable", "row", "level", "security"]),
    },
    Operator {
        id: "drop-force",
        fault: "Row security does not apply to the table's owner.",
        closes: SECURITY,
        part: Part::Up,
        seeds: |site| keys::drop_actions(site, &["force", "row", "level", "security"]),
    },
    Operator {
        id: "drop-policy",
        fault: "A policy is forgotten: who needs it sees nothing, and what it restricted is open.",
        closes: ACCESS,
        part: Part::Up,
        seeds: security::drop_policy,
    },
    Operator {
        id: "keep-policy",
        fault: "An old policy stays beside the new one, and any of them is enough.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::keep_policy,
    },
    Operator {
        id: "open-using",
        fault: "A policy with `USING (true)` shows every tenant's rows.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::open_using,
    },
    Operator {
        id: "open-with-check",
        fault: "A policy with `WITH CHECK (true)` lets rows be written into any tenant.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::open_with_check,
    },
    Operator {
        id: "make-permissive",
        fault: "A policy that is to narrow others widens them.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::make_permissive,
    },
    Operator {
        id: "widen-policy",
        fault: "A policy for one role holds for all of them.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::widen_policy,
    },
    Operator {
        id: "widen-grant",
        fault: "A right is granted to everybody.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::widen_grant,
    },
    Operator {
        id: "drop-revoke",
        fault: "A right that is to be taken away stays.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::drop_revoke,
    },
    Operator {
        id: "drop-security-invoker",
        fault: "A view shows what its owner may see, not what its reader may.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::drop_security_invoker,
    },
    Operator {
        id: "make-definer",
        fault: "A function runs with its owner's rights, past the caller's row security.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::make_definer,
    },
    Operator {
        id: "drop-search-path",
        fault: "A function with its owner's rights takes the names that the caller puts before it.",
        closes: SECURITY,
        part: Part::Up,
        seeds: security::drop_search_path,
    },
    Operator {
        id: "drop-trigger",
        fault: "A trigger that fills or refuses is forgotten.",
        closes: ACCESS,
        part: Part::Up,
        seeds: security::drop_trigger,
    },
    Operator {
        id: "empty-guard",
        fault: "Nothing looks before the step that makes an incomplete backfill permanent.",
        closes: "Say `guard = true` of the step, so that it is tried on rows without a tenant.",
        part: Part::Up,
        seeds: security::empty_guard,
    },
    Operator {
        id: "narrow-guard",
        fault: "The guard forgets a table.",
        closes: "Say `guard = true` of the step, so that it is tried on rows without a tenant in each table.",
        part: Part::Up,
        seeds: security::narrow_guard,
    },
    Operator {
        id: "drop-vector-index",
        fault: "Nearest neighbours are looked for without an index.",
        closes: "Declare the read under `[[access]]` with `retrieval`.",
        part: Part::Up,
        seeds: security::drop_vector_index,
    },
    Operator {
        id: "drop-down",
        fault: "The way back leaves something behind.",
        closes: "Nothing but the catalogs and the rows after the way back tells; what it leaves is in neither of them.",
        part: Part::Down,
        seeds: security::drop_down,
    },
];

/// An operator by its id.
pub fn operator(id: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|o| o.id == id)
}
