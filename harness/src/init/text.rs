//! The scenario file that says what was found.

use std::fmt::Write as _;

use watertight_scenarios::layout::Found;
use watertight_scenarios::scenario::{NullTenant, Platform};
use watertight_scenarios::{Ident, Relation};

use super::guess::Guess;
use super::policies::Context;
use super::queries::{Query, Source};
use super::tenancy::Certainty;
use super::words::{Origin, Role, Words};

/// How Supabase tells a session its user.
const AUTHENTICATED: &str = "SELECT set_config('request.jwt.claims', json_build_object('sub', :user, 'role', 'authenticated')::text, true)";

/// What a scenario file needs while the tenants are not known yet: no table has such a name.
const NOBODY: &str = "[tenancy]\ntenants = \"?\"\n";

/// A TOML string: in single quotes where that needs no escapes and double ones would.
fn quoted(text: &str) -> String {
    if text.contains('"') && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A TOML key.
fn key(text: &str) -> String {
    let bare = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { text.to_owned() } else { quoted(text) }
}

/// A part of a name as the scenario file writes it: quoted only where a dot or a quote is in it.
fn part(ident: &Ident) -> String {
    let text = ident.as_str();
    if text.contains(['.', '"']) || text.trim() != text { ident.quoted() } else { text.to_owned() }
}

/// A table's name as the scenario file writes it.
fn relation(table: &Relation) -> String {
    if table.schema.as_str() == "public" {
        part(&table.name)
    } else {
        format!("{}.{}", part(&table.schema), part(&table.name))
    }
}

fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(", "))
}

fn mark(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Sure => "sure",
        Certainty::Guessed => "guessed, please check",
    }
}

/// The whole file, with what was guessed and the sentences that say so. Without them it is only good for looking at the
/// schemas.
pub(super) fn scenario_file(found: &Found, words: &Words, guessed: Option<(&Guess, &[String])>) -> String {
    let guess = guessed.map(|(guess, _)| guess);
    let mut text = String::new();
    let layout = found.layout;
    text.push_str(&format!(
        "# Written by `watertight init` from the migrations in {} ({layout}).\n\
         # Each part says how sure it is; `watertight verify` reads this file from now on.\n\n",
        found.folder
    ));
    if let Some((_, assumed)) = guessed {
        let mut sentences = assumed.to_vec();
        sentences.extend(role_sentences(words));
        text.push_str("# Printed in the report: what nobody has confirmed yet. Take out what you did.\nassumptions = [\n");
        for sentence in sentences {
            text.push_str(&format!("    {},\n", quoted(&sentence)));
        }
        text.push_str("]\n\n");
    }
    database(&mut text, words);
    text.push_str(&format!(
        "[migrations]\nlayout = {}\nfolder = {}\n\
         # from = \"…\"   # the first one to verify; by default what changed against the main branch, else the newest ten\n\n",
        quoted(layout.key()),
        quoted(&found.folder)
    ));
    for role in &words.roles {
        app_role(&mut text, role, guess);
    }
    match guess {
        Some(guess) => tenancy(&mut text, guess),
        None => text.push_str(NOBODY),
    }
    text
}

fn database(text: &mut String, words: &Words) {
    if words.extensions.is_empty() && words.platform == Platform::Plain {
        return;
    }
    text.push_str("[database]\n");
    if !words.extensions.is_empty() {
        let extensions = list(words.extensions.iter().map(String::as_str));
        text.push_str(&format!("extensions = {extensions}   # sure: the migrations create them\n"));
    }
    match words.platform {
        Platform::Plain => {}
        Platform::Supabase => {
            text.push_str("platform = \"supabase\"   # sure: the folder, or auth.uid() in the migrations\n");
        }
        Platform::Neon => text.push_str("platform = \"neon\"   # guessed: the migrations name its roles\n"),
        Platform::Rds => text.push_str("platform = \"rds\"   # guessed: the migrations name its roles\n"),
    }
    text.push('\n');
}

fn app_role(text: &mut String, role: &Role, guess: Option<&Guess>) {
    let origin = match role.origin {
        Origin::Created => "sure: a migration creates it; Watertight makes it before the baseline",
        Origin::Granted => {
            "guessed, please check: migrations grant to it and none creates it; made as a plain role"
        }
        Origin::Platform => "sure: the platform has it",
    };
    text.push_str(&format!("[[roles.app]]\nname = {}   # {origin}\n", quoted(role.name.as_str())));
    if role.bypass_rls {
        text.push_str("bypass_rls = true\n");
    }
    if !role.member_of.is_empty() {
        text.push_str(&format!("member_of = {}\n", list(role.member_of.iter().map(Ident::as_str))));
    }
    match guess.and_then(|g| g.context.as_ref()) {
        Some(Context::User) if role.name.as_str() == "authenticated" => {
            if let Some((table, column)) = guess.and_then(|g| g.member.as_ref()) {
                let member = quoted(&format!("{}.{}", relation(table), part(column)));
                text.push_str(&format!(
                    "tenant_context = \"\"\"{AUTHENTICATED}\"\"\"   # sure: the policies ask auth.uid()\n"
                ));
                text.push_str(&format!("context_params = {{ user = {member} }}   # guessed, please check\n"));
            }
        }
        Some(Context::Statement(sql)) if !role.bypass_rls => {
            text.push_str(&format!("tenant_context = {}   # sure: the policies read it\n", quoted(sql)));
        }
        Some(Context::Unclear(settings)) => {
            let settings = settings.join(", ");
            text.push_str(&format!("# tenant_context = \"…\"   # not known: the policies read {settings}\n"));
        }
        _ => {}
    }
    text.push('\n');
}

fn tenancy(text: &mut String, guess: &Guess) {
    let tenants = &guess.tenants;
    text.push_str(&format!("# {}: {}.\n", mark(tenants.certainty), tenants.why));
    if !tenants.others.is_empty() {
        let others: Vec<String> = tenants.others.iter().map(relation).collect();
        text.push_str(&format!("# It could also be: {}.\n", others.join(", ")));
    }
    text.push_str(&format!("[tenancy]\ntenants = {}\n", quoted(&relation(&tenants.table))));
    if let Some(column) = &tenants.key {
        text.push_str(&format!("key = {}   # sure: what foreign keys refer to\n", quoted(column.as_str())));
    }
    if let Some(column) = &tenants.column {
        text.push_str(&format!("column = {}\n", quoted(column.as_str())));
    }
    if guess.null_tenant == NullTenant::Shared {
        text.push_str(
            "null_tenant = \"shared\"   # guessed, please check: a policy shows rows without a tenant\n",
        );
    }
    if !guess.shared.is_empty() {
        let shared: Vec<String> = guess.shared.iter().map(relation).collect();
        let shared = list(shared.iter().map(String::as_str));
        text.push_str(&format!(
            "shared = {shared}   # guessed, please check: a migration fills them, they refer to nothing\n"
        ));
    }
    for (table, columns) in &tenants.unclear {
        let columns: Vec<&str> = columns.iter().map(Ident::as_str).collect();
        text.push_str(&format!(
            "# not known: of {}, {} could all carry the tenant\n",
            relation(table),
            columns.join(", ")
        ));
    }
    if !tenants.columns.is_empty() {
        text.push_str("\n# sure: its foreign key says so.\n[tenancy.columns]\n");
        for (table, column) in &tenants.columns {
            text.push_str(&format!("{} = {}\n", key(&relation(table)), quoted(column.as_str())));
        }
    }
    if !guess.owners.is_empty() || !guess.unowned.is_empty() {
        text.push_str("\n# Whom a row belongs to before its column says so.\n[tenancy.owner]\n");
    }
    for (table, owned) in &guess.owners {
        text.push_str(&format!("# {}: {}\n", mark(owned.certainty), owned.via));
        text.push_str(&format!("{} = {}\n", key(&relation(table)), quoted(&owned.expression)));
    }
    for (table, why) in &guess.unowned {
        text.push_str(&format!("# not known: {why}\n# {} = \"…\"\n", key(&relation(table))));
    }
}

/// A statement and what its parameters are.
pub(super) struct Access<'q> {
    pub(super) query: &'q Query,
    pub(super) params: Vec<(String, Option<Source>)>,
}

/// The access paths. Of those that work before the first step the old application sends them, too.
pub(super) fn access(paths: &[Access<'_>], words: &Words, last_step: &str) -> String {
    let mut text = String::new();
    for Access { query, params } in paths {
        let statement = match &query.file {
            Some(file) => format!("file = {}", quoted(file)),
            None => format!("sql = {}", quoted(&query.sql)),
        };
        text.push_str(&format!("\n[[access]]\nname = {}\n{statement}\n", quoted(&query.name)));
        text.push_str(if query.is_old {
            "version = \"old\"   # sure: the schema before the first step has what it needs\n"
        } else {
            "version = \"new\"   # sure: the schema before the first step lacks something that it needs\n"
        });
        if !query.is_old {
            text.push_str(&format!("from = {}\n", quoted(last_step)));
        }
        if words.roles.is_empty() {
            text.push_str(
                "role = \"migrator\"   # guessed: nothing is granted, so the application is the owner\n",
            );
        }
        let known: Vec<String> = params
            .iter()
            .filter_map(|(name, s)| Some(format!("{} = {}", key(name), source(s.as_ref()?))))
            .collect();
        if !known.is_empty() {
            text.push_str(&format!(
                "params = {{ {} }}   # guessed: by what they are compared with\n",
                known.join(", ")
            ));
        }
        text.push_str(&format!("source = {}\n", quoted(&query.source)));
        let unknown: Vec<&str> =
            params.iter().filter(|(_, s)| s.is_none()).map(|(n, _)| n.as_str()).collect();
        if !unknown.is_empty() {
            // Without a source for each parameter the path cannot be sent.
            let at = text.rfind("\n[[access]]").map_or(0, |at| at + 1);
            let commented = text[at..].lines().map(|l| format!("# {l}\n")).collect::<String>();
            text.truncate(at);
            text.push_str(&format!("# not known: what {} is\n{commented}", unknown.join(", ")));
        }
    }
    text
}

fn source(source: &Source) -> String {
    match source {
        Source::Tenant => quoted("tenant"),
        Source::Column(table, column) => quoted(&format!("{}.{}", relation(table), part(column))),
        Source::Fresh(ty) => format!("{{ type = {} }}", quoted(ty)),
        Source::Value(value) => format!("{{ value = {value} }}"),
    }
}

/// What is taken for granted of roles.
fn role_sentences(words: &Words) -> Vec<String> {
    let granted = words.roles.iter().filter(|r| r.origin == Origin::Granted).map(|r| r.name.as_str());
    let granted: Vec<&str> = granted.collect();
    if granted.is_empty() {
        return Vec::new();
    }
    vec![format!("Migrations grant to {} and none creates it: made as a plain role.", granted.join(", "))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for table in [
            Relation::public("Organization"),
            Relation::new("billing", "tenants"),
            Relation::new("a.b", "c\"d"),
            Relation::public(" x "),
        ] {
            let written = relation(&table);
            assert_eq!(Relation::parse(&written), Some(table), "{written}");
        }
        assert_eq!(quoted("'a\"\\\n\u{7f}"), r#""'a\"\\\u000a\u007f""#);
        assert_eq!(key("billing.x"), "\"billing.x\"");
    }
}
