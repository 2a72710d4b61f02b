//! Statements that an operator runs rather than the migrating role, and the roles that a script speaks of.

use super::reader::{Reader, Word};
use super::{Script, Statement};
use crate::ident::Ident;
use crate::lex::Kind;

/// What only an operator may do, or what the harness does by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// CREATE ROLE or USER, and ALTER ROLE.
    Role {
        /// Its name.
        name: Ident,
        /// BYPASSRLS.
        bypass_rls: bool,
    },
    /// A block that does nothing but make roles, mostly those that are not there yet.
    Roles {
        /// Each with whether it gets BYPASSRLS.
        roles: Vec<(Ident, bool)>,
    },
    /// GRANT of one role to another.
    Membership {
        /// The role that is granted.
        group: Ident,
        /// Who gets it.
        member: Ident,
    },
    /// CREATE EXTENSION.
    Extension {
        /// Its name.
        name: Ident,
        /// The schema that it is put into, where the statement says so.
        schema: Option<Ident>,
    },
    /// GRANT or REVOKE of privileges, of which only an operator's role gets anything.
    Privilege {
        /// The operator's role.
        role: Ident,
    },
    /// ALTER … OWNER TO.
    Owner {
        /// The new owner.
        role: Ident,
    },
    /// ALTER DEFAULT PRIVILEGES FOR ROLE.
    DefaultsOf {
        /// Whose defaults.
        role: Ident,
    },
}

/// Words that stand for a role and name none.
const NOBODY: [&str; 5] = ["public", "current_user", "session_user", "current_role", "group"];

/// Roles of operators, as dumps of hosted databases name them.
const OPERATORS: [&str; 4] = ["postgres", "supabase_admin", "rdsadmin", "cloudsqlsuperuser"];

impl Script {
    /// What a statement does in an operator's stead, if it does.
    pub fn operator(&self, statement: &Statement) -> Option<Operator> {
        let mut r = Reader::new(self.sql(statement));
        if let Some(role) = only_grantee(&r) {
            return Some(Operator::Privilege { role });
        }
        if r.skip("do") {
            return only_roles(&r);
        }
        if r.skip("create") {
            if r.skip("extension") {
                let _ = r.skip_all(&["if", "not", "exists"]);
                let name = r.ident()?;
                let schema = r.seek("schema").then(|| r.ident()).flatten();
                return Some(Operator::Extension { name, schema });
            }
            return (r.skip("role") || r.skip("user") && !r.skip("mapping")).then(|| role(&mut r)).flatten();
        }
        if r.skip("grant") {
            let groups = r.idents();
            let [group] = groups.as_slice() else { return None };
            if !r.skip("to") {
                return None;
            }
            return Some(Operator::Membership { group: group.clone(), member: r.ident()? });
        }
        if !r.skip("alter") {
            return None;
        }
        if r.skip("role") || r.skip("user") {
            return role(&mut r);
        }
        if r.skip_all(&["default", "privileges", "for"]) {
            let _ = r.skip("role") || r.skip("user");
            return Some(Operator::DefaultsOf { role: r.ident()? });
        }
        (r.seek("owner") && r.skip("to")).then(|| r.ident().map(|role| Operator::Owner { role })).flatten()
    }

    /// Roles that the blocks of the script make, among other things, each with whether it gets BYPASSRLS.
    pub fn roles_in_blocks(&self) -> Vec<(Ident, bool)> {
        let readers = self.statements.iter().map(|s| Reader::new(self.sql(s)));
        let blocks = readers.filter_map(|mut r| r.skip("do").then(|| block_of(&r)).flatten());
        let mut found = Vec::new();
        for body in blocks {
            found.extend(body.split(';').filter_map(role_within));
        }
        found
    }

    /// Roles that the script grants to, or makes policies for, in order.
    pub fn grantees(&self) -> Vec<Ident> {
        let mut found = Vec::new();
        for statement in &self.statements {
            grantees(self.sql(statement), &mut found);
        }
        found
    }

    /// The script without the statements that `leave_out` names.
    #[must_use]
    pub fn without(mut self, leave_out: impl Fn(&Operator) -> bool) -> Self {
        let kept = self.statements.iter().map(|s| !self.operator(s).is_some_and(|o| leave_out(&o)));
        let mut kept = kept.collect::<Vec<_>>().into_iter();
        self.statements.retain(|_| kept.next().unwrap_or(true));
        self
    }
}

/// The operator's role that alone gets or loses privileges.
fn only_grantee(r: &Reader<'_>) -> Option<Ident> {
    let mut r = r.clone();
    let defaults = r.skip_all(&["alter", "default", "privileges"]);
    let found = match () {
        () if defaults => !r.clone().seek("for") && r.seek("on") && r.seek("to"),
        () if r.skip("grant") => r.seek("on") && r.seek("to"),
        () => r.skip("revoke") && r.seek("on") && r.seek("from"),
    };
    let roles = if found { r.idents() } else { Vec::new() };
    let [role] = roles.as_slice() else { return None };
    OPERATORS.contains(&role.as_str()).then(|| role.clone())
}

fn role(r: &mut Reader<'_>) -> Option<Operator> {
    let _ = r.skip_all(&["if", "not", "exists"]);
    let name = r.ident()?;
    let bypass_rls = r.words().iter().any(|w| w.is("bypassrls"));
    Some(Operator::Role { name, bypass_rls })
}

fn block_of(r: &Reader<'_>) -> Option<String> {
    r.words().iter().find(|w| w.kind == Kind::Dollar).and_then(Word::body)
}

/// The role that a part of a block makes, whatever words of control stand before it.
fn role_within(part: &str) -> Option<(Ident, bool)> {
    let mut r = statement_within(part);
    if r.skip("execute") {
        let text = r.peek().and_then(Word::body)?;
        return role_within(&text);
    }
    if !(r.skip("create") || r.skip("alter")) || !(r.skip("role") || r.skip("user") || r.skip("group")) {
        return None;
    }
    match role(&mut r)? {
        Operator::Role { name, bypass_rls } => Some((name, bypass_rls)),
        _ => None,
    }
}

/// What a part of a block does, behind the words that say when.
fn statement_within(part: &str) -> Reader<'_> {
    let mut r = Reader::new(part);
    let begins = |w: &Word<'_>| ["begin", "then", "else", "loop"].iter().any(|word| w.is(word));
    r.at = r.words().iter().rposition(begins).map_or(0, |at| at + 1);
    r
}

/// A block of which every part makes a role, or nothing.
fn only_roles(r: &Reader<'_>) -> Option<Operator> {
    let body = block_of(r)?;
    let mut roles = Vec::new();
    for part in body.split(';') {
        if let Some(role) = role_within(part) {
            roles.push(role);
            continue;
        }
        let mut r = statement_within(part);
        let member = r.clone().skip("grant") && !r.words().iter().any(|w| w.is("on"));
        let nothing =
            r.peek().is_none() || ["end", "null", "raise", "declare"].iter().any(|word| r.skip(word));
        if !nothing && !member {
            return None;
        }
    }
    (!roles.is_empty()).then_some(Operator::Roles { roles })
}

fn grantees(sql: &str, found: &mut Vec<Ident>) {
    let mut r = Reader::new(sql);
    let first = r.peek().map(|w| w.text.to_ascii_lowercase()).unwrap_or_default();
    let targets = match first.as_str() {
        "grant" => r.seek("to"),
        "revoke" => r.seek("from"),
        "alter" => {
            let policy = r.skip_all(&["alter", "policy"]);
            let defaults = r.skip_all(&["alter", "default", "privileges"]);
            (policy && r.seek("to")) || (defaults && r.seek("grant") && r.seek("to"))
        }
        "create" => {
            let policy = r.skip_all(&["create", "policy"]);
            // A role stands behind TO; an expression's TO is within parentheses.
            policy && r.seek("to")
        }
        "do" => {
            // Grants within a block, also those that it executes as text.
            for word in r.words().iter().filter(|w| w.kind == Kind::Dollar) {
                let body = word.body().unwrap_or_default();
                granted_within(&body, found);
            }
            false
        }
        _ => false,
    };
    if !targets {
        return;
    }
    let _ = r.skip("group") || r.skip("role");
    for role in r.idents() {
        if !NOBODY.contains(&role.as_str()) && !found.contains(&role) {
            found.push(role);
        }
    }
}

/// Roles behind each GRANT in the body of a block.
fn granted_within(body: &str, found: &mut Vec<Ident>) {
    let lower = body.to_ascii_lowercase();
    for (at, _) in lower.match_indices("grant ") {
        let statement = body[at..].split(';').next().unwrap_or_default();
        grantees(statement, found);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn script(sql: &str) -> Script {
        Script::parse("s.sql", sql.as_bytes()).expect("it is sound")
    }

    #[rstest]
    #[case("CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA extensions", Operator::Extension { name: "uuid-ossp".into(), schema: Some("extensions".into()) })]
    #[case("CREATE USER App_Rw WITH LOGIN PASSWORD 'x' BYPASSRLS", Operator::Role { name: "app_rw".into(), bypass_rls: true })]
    #[case("ALTER ROLE app NOINHERIT", Operator::Role { name: "app".into(), bypass_rls: false })]
    #[case("GRANT readers TO app", Operator::Membership { group: "readers".into(), member: "app".into() })]
    #[case("ALTER TABLE ONLY public.t OWNER TO \"postgres\"", Operator::Owner { role: "postgres".into() })]
    #[case("ALTER FUNCTION f(int, text) OWNER TO x", Operator::Owner { role: "x".into() })]
    #[case("ALTER DEFAULT PRIVILEGES FOR ROLE p IN SCHEMA s GRANT ALL ON TABLES TO a", Operator::DefaultsOf { role: "p".into() })]
    #[case("GRANT ALL ON FUNCTION f(int) TO \"postgres\"", Operator::Privilege { role: "postgres".into() })]
    #[case("REVOKE ALL ON SCHEMA s FROM postgres", Operator::Privilege { role: "postgres".into() })]
    fn an_operators_statements_are_known(#[case] sql: &str, #[case] expected: Operator) {
        let script = script(sql);
        assert_eq!(script.operator(&script.statements[0]), Some(expected));
        assert!(script.without(|_| true).statements.is_empty());
    }

    #[rstest]
    #[case("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app LOGIN; END IF; END $$", &["app"])]
    #[case("DO $do$ BEGIN CREATE ROLE \"App\" NOLOGIN BYPASSRLS; EXCEPTION WHEN duplicate_object THEN RAISE NOTICE 'x'; END $do$", &["App+"])]
    #[case("DO $$ BEGIN EXECUTE 'CREATE USER a'; CREATE ROLE b; GRANT b TO a; END $$ LANGUAGE plpgsql", &["a", "b"])]
    #[case("DO $$ BEGIN CREATE ROLE a; CREATE TABLE t (); END $$", &[])]
    #[case("DO $$ BEGIN CREATE ROLE a; GRANT SELECT ON t TO a; END $$", &[])]
    #[case("DO $$ BEGIN NULL; END $$", &[])]
    fn blocks_that_make_roles_are_an_operators(#[case] sql: &str, #[case] expected: &[&str]) {
        let script = script(sql);
        let roles = match script.operator(&script.statements[0]) {
            Some(Operator::Roles { roles }) => roles,
            _ => Vec::new(),
        };
        let told = |(name, bypass): &(Ident, bool)| format!("{name}{}", if *bypass { "+" } else { "" });
        assert_eq!(roles.iter().map(told).collect::<Vec<_>>(), expected, "{sql}");
        let within = script.roles_in_blocks().len();
        assert_eq!(within > 0, sql.contains("CREATE ROLE"), "{sql}");
    }

    #[rstest]
    #[case("GRANT SELECT, INSERT ON t TO app, \"Reader\" WITH GRANT OPTION", &["app", "Reader"])]
    #[case("GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC", &[])]
    #[case("CREATE POLICY p ON t FOR SELECT TO authenticated, anon USING (true)", &["authenticated", "anon"])]
    #[case("CREATE POLICY p ON t USING (a = cast(b AS int))", &[])]
    #[case("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO r", &["r"])]
    #[case("DO $$ BEGIN GRANT USAGE ON SCHEMA s TO app; END $$", &["app"])]
    #[case("ALTER TABLE t RENAME TO u; CREATE TABLE x ()", &[])]
    fn roles_that_are_granted_to_are_known(#[case] sql: &str, #[case] expected: &[&str]) {
        let found = script(sql).grantees();
        assert_eq!(found.iter().map(Ident::as_str).collect::<Vec<_>>(), expected, "{sql}");
    }

    #[test]
    fn other_statements_are_the_migrators() {
        let script = script(
            "GRANT SELECT ON t TO app; ALTER TABLE t ADD owner text; CREATE USER MAPPING FOR x SERVER y",
        );
        assert!(script.statements.iter().all(|s| script.operator(s).is_none()));
    }
}
