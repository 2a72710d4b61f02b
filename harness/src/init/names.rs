//! How much a table's name sounds like tenants.

/// Words for tenants, and how sure they make. Plain nouns that often mean something else weigh little.
const WORDS: [(&str, u32); 29] = [
    ("tenant", 10),
    ("organization", 9),
    ("organisation", 9),
    ("org", 9),
    ("workspace", 9),
    ("account", 6),
    ("team", 6),
    ("company", 6),
    ("business", 5),
    ("merchant", 5),
    ("clinic", 4),
    ("practice", 4),
    ("school", 4),
    ("agency", 4),
    ("firm", 4),
    ("restaurant", 4),
    ("hotel", 4),
    ("club", 4),
    ("shop", 4),
    ("store", 4),
    ("site", 3),
    ("customer", 3),
    ("client", 3),
    ("project", 3),
    ("household", 3),
    ("realm", 3),
    ("community", 3),
    ("space", 2),
    ("group", 2),
];

/// From which weight on a name alone makes sure.
pub(super) const SURE: u32 = 6;

/// Words for people, who act for tenants.
const PEOPLE: [&str; 6] = ["user", "profile", "member", "person", "employee", "identity"];

/// Words that make a column point at one tenant of several without saying whose the row is.
const POINTERS: [&str; 10] =
    ["default", "current", "last", "active", "primary", "home", "selected", "parent", "source", "target"];

/// The words of a name: `workspaceMember`, `workspace_members` and `WORKSPACE-MEMBERS` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            words.push(String::new());
        } else if c.is_uppercase() && lower_before || words.is_empty() {
            words.push(c.to_lowercase().collect());
        } else if let Some(last) = words.last_mut() {
            last.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|w| !w.is_empty() && !matches!(w.as_str(), "tbl" | "t" | "app" | "core"));
    words
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None if word.ends_with("sses") => word.trim_end_matches("es").to_owned(),
        None if word.ends_with("ss") => word.to_owned(),
        None => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}

/// The words of a table's name, the last one in the singular.
fn noun(table: &str) -> Vec<String> {
    let mut words = words(table);
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    words
}

/// How much a table's name sounds like tenants; 0 for not at all.
pub(super) fn weight(table: &str) -> u32 {
    let noun = noun(table);
    let Some(last) = noun.last() else { return 0 };
    let weight = WORDS.iter().find(|(word, _)| word == last).map_or(0, |(_, weight)| *weight);
    if noun.len() == 1 { weight } else { weight / 2 }
}

/// Whether a table's name sounds like people.
pub(super) fn is_people(table: &str) -> bool {
    noun(table).last().is_some_and(|last| PEOPLE.contains(&last.as_str()))
}

/// Whether a column is named after a table: `organization_id` and `orgId` after `organizations`.
pub(super) fn is_named_after(column: &str, table: &str) -> bool {
    let mut column = words(column);
    if column.len() > 1
        && matches!(column.last().map(String::as_str), Some("id" | "uuid" | "key" | "slug" | "code"))
    {
        column.pop();
    }
    let noun = noun(table);
    let short = |a: &str, b: &str| a.len() >= 3 && b.starts_with(a);
    column == noun
        || column.last() == noun.last() && column.len() == 1
        || matches!((column.as_slice(), noun.last()), ([one], Some(last)) if short(one, last))
}

/// Whether a column points at some tenant without saying whose its row is.
pub(super) fn is_pointer(column: &str) -> bool {
    words(column).first().is_some_and(|first| POINTERS.contains(&first.as_str()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Organization", 9)]
    #[case("organisations", 9)]
    #[case("companies", 6)]
    #[case("businesses", 5)]
    #[case("tbl_tenants", 10)]
    #[case("organization_members", 0)]
    #[case("customer_accounts", 3)]
    #[case("access", 0)]
    #[case("", 0)]
    fn names_have_their_weight(#[case] table: &str, #[case] expected: u32) {
        assert_eq!(weight(table), expected);
    }

    #[rstest]
    #[case("organization_id", "organizations", true)]
    #[case("orgId", "Organization", true)]
    #[case("workspaceId", "Workspace", true)]
    #[case("tenant", "tenants", true)]
    #[case("owner_id", "organizations", false)]
    #[case("from_account_id", "accounts", false)]
    fn columns_are_named_after_tables(#[case] column: &str, #[case] table: &str, #[case] expected: bool) {
        assert_eq!(is_named_after(column, table), expected);
    }

    #[test]
    fn pointers_and_people_are_known() {
        assert!(is_pointer("default_workspace_id") && is_pointer("lastOrgId") && !is_pointer("workspace_id"));
        assert!(is_people("User") && is_people("user_profiles") && !is_people("organizations"));
    }
}
