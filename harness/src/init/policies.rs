//! What policies tell: which columns they compare, and how the session knows its tenant.

use watertight_scenarios::Schema;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::schema::Table;

/// The setting in which Supabase hands over the claims of a request.
const CLAIMS: &str = "request.jwt.claims";

/// How a session is told its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// By a statement that says so.
    Statement(String),
    /// By the user, from whom the policies find the tenants.
    User,
    /// By one of several settings.
    Unclear(Vec<String>),
}

/// Texts of a table's policies.
pub(super) fn texts(table: &Table) -> impl Iterator<Item = &str> {
    table.policies.iter().flat_map(|p| p.using.iter().chain(&p.with_check)).map(String::as_str)
}

/// Whether a text has a name as a word of its own.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(inside) && !text[at + word.len()..].starts_with(inside))
}

/// Whether a policy of the table compares that column with what the session says.
pub(super) fn compares(table: &Table, column: &str) -> bool {
    texts(table).any(|t| {
        has_word(t, column) && (t.contains("current_setting(") || t.contains("auth.") || t.contains('('))
    })
}

/// Whether some policy lets everybody see rows of that column's NULL.
pub(super) fn shows_null(table: &Table, column: &str) -> bool {
    texts(table)
        .any(|t| t.contains(&format!("{column} IS NULL")) || t.contains(&format!("\"{column}\" IS NULL")))
}

/// How the policies learn the tenant; `None` where they do not ask.
pub(super) fn context(schema: &Schema, tenant_words: impl Fn(&str) -> bool) -> Option<Context> {
    let mut policies: Vec<&str> = schema.tables.iter().flat_map(texts).collect();
    // What policies call may do the asking.
    let functions =
        schema.functions.iter().filter(|f| policies.iter().any(|p| has_word(p, f.name.name.as_str())));
    policies.extend(functions.map(|f| f.source.as_str()).collect::<Vec<_>>());
    let mut settings: Vec<String> = Vec::new();
    let mut claims: Vec<String> = Vec::new();
    let mut user = false;
    for text in policies {
        user |= text.contains("auth.uid()");
        let jwt = text.contains("auth.jwt()");
        for name in literals_behind(text, "current_setting(").into_iter().filter(|n| n.contains('.')) {
            if name == CLAIMS {
                claims.extend(literals_behind(text, "->>"));
            } else if !settings.contains(&name) {
                settings.push(name);
            }
        }
        if jwt {
            claims.extend(literals_behind(text, "->>"));
        }
    }
    let fitting: Vec<&String> = settings.iter().filter(|s| tenant_words(s)).collect();
    let setting =
        |name: &str| Context::Statement(format!("SELECT set_config({}, :tenant, true)", quote_literal(name)));
    match (fitting.as_slice(), settings.as_slice()) {
        ([one], _) => return Some(setting(one)),
        ([], [one]) => return Some(setting(one)),
        ([], []) => {}
        _ => return Some(Context::Unclear(settings)),
    }
    if let Some(claim) = claims.iter().find(|c| tenant_words(c)) {
        let claim = quote_literal(claim);
        let object = format!("json_build_object({claim}, :tenant::text)::text");
        return Some(Context::Statement(format!("SELECT set_config('{CLAIMS}', {object}, true)")));
    }
    user.then_some(Context::User)
}

/// The string literals that stand right behind a text.
fn literals_behind(text: &str, what: &str) -> Vec<String> {
    let behind =
        text.match_indices(what).map(|(at, _)| text[at + what.len()..].trim_start_matches([' ', '(']));
    behind.filter_map(|rest| Some(rest.strip_prefix('\'')?.split_once('\'')?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_behind_what_asks_for_them() {
        let text = "(tenant_id = (current_setting('app.tenant'::text, true))::uuid)";
        assert_eq!(literals_behind(text, "current_setting("), ["app.tenant"]);
        let text = "((auth.jwt() ->> 'org_id'::text))::uuid = org_id";
        assert_eq!(literals_behind(text, "->>"), ["org_id"]);
    }

    #[test]
    fn words_stand_by_themselves() {
        assert!(has_word("(org_id = x)", "org_id") && !has_word("(my_org_id = x)", "org_id"));
    }
}
