//! Shrinking: closed at every step, deterministic, minimal, and quick.

use proptest::prelude::*;
use watertight_generators::{
    CaseSize, CaseSpec, Dataset, Nulls, Plan, Rows, ShrinkLimits, Shrinker, WorldShape, to_insert_sql,
};
use watertight_scenarios::Schema;

/// Shrinks what fails; asserts that every candidate is closed.
fn shrink(
    plan: &Plan,
    schema: &Schema,
    data: Dataset,
    attempts_max: u32,
    fails: impl Fn(&Dataset) -> bool,
) -> Shrinker {
    assert!(fails(&data), "the data must fail to begin with");
    let mut shrinker = Shrinker::new(plan, data, ShrinkLimits { attempts_max });
    let mut going = shrinker.simplify();
    while going {
        let candidate = shrinker.current();
        assert_eq!(candidate.dangling(&[schema]), Vec::new());
        assert_eq!(plan.audit(candidate), Vec::<String>::new());
        going = if fails(candidate) { shrinker.simplify() } else { shrinker.complicate() };
    }
    assert!(fails(shrinker.current()), "what is left must fail");
    shrinker
}

fn cells<'a>(data: &'a Dataset, table: &str, column: &str) -> Vec<Option<&'a str>> {
    let table = data.tables.iter().find(|t| t.table.name.as_str() == table).expect("a table");
    let c = table.columns.iter().position(|c| c.as_str() == column).expect("a column");
    table.rows.iter().map(|r| r.values[c].as_deref()).collect()
}

/// Two connections of one user with one provider.
fn collides(data: &Dataset) -> bool {
    let users = cells(data, "Connection", "userId");
    let providers = cells(data, "Connection", "provider");
    let mut pairs: Vec<_> = users.into_iter().zip(providers).collect();
    let all = pairs.len();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.len() < all
}

#[test]
fn a_collision_shrinks_to_three_readable_rows() {
    let (schema, scenario) = crate::support::datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let data =
        (0..).map(|seed| plan.generate(seed, &plan.random_spec(CaseSize::Packed, seed))).find(collides);
    let data = data.expect("a case with a collision");
    let shrinker = shrink(&plan, &schema, data, 600, collides);
    assert_eq!(shrinker.capped(), None);
    let small = shrinker.current();
    assert_eq!(small.row_count(), 3, "{}", to_insert_sql(small, &[&schema]));
    assert_eq!(cells(small, "User", "id"), [Some("user1")]);
    assert_eq!(cells(small, "Connection", "userId"), [Some("user1"), Some("user1")]);
    // The order of generated keys is kept, for a failure may hang on it.
    let mut keys = cells(small, "Connection", "id");
    keys.sort_unstable();
    assert_eq!(keys, [Some("connection1"), Some("connection2")]);
    assert_eq!(cells(small, "Connection", "accessToken"), [None, None]);
    assert!(shrinker.attempts() < 150, "{}", shrinker.attempts());
}

#[test]
fn one_poisoned_row_among_ten_thousand_is_found() {
    let (schema, scenario) = crate::support::datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let world =
        WorldShape { tenants: 1, rows: Rows::Each(62), nulls: Nulls::Percent(20), duplicates_percent: 0 };
    let spec = CaseSpec { worlds: vec![world; 40], rows_max: 20_000, ..plan.case_spec(2, 0) };
    let mut data = plan.generate(7, &spec);
    assert!(data.row_count() >= 10_000, "{}", data.row_count());
    let table = data.tables.iter_mut().find(|t| t.table.name.as_str() == "Insight").expect("a table");
    let title = table.columns.iter().position(|c| c.as_str() == "title").expect("a column");
    table.rows[1234].values[title] = Some("poison".into());
    let fails = |d: &Dataset| cells(d, "Insight", "title").contains(&Some("poison"));
    let mut shrinker = Shrinker::new(&plan, data, ShrinkLimits { attempts_max: 200 });
    let mut going = shrinker.simplify();
    while going {
        going = if fails(shrinker.current()) { shrinker.simplify() } else { shrinker.complicate() };
    }
    assert_eq!(shrinker.capped(), None);
    assert_eq!(shrinker.current().row_count(), 2, "the row and its user");
}

#[test]
fn a_cap_is_told() {
    let (schema, scenario) = crate::support::datahub();
    let plan = Plan::new(&[&schema], &scenario);
    let data = plan.generate(1, &plan.random_spec(CaseSize::Packed, 1));
    let shrinker = shrink(&plan, &schema, data, 3, |d| d.row_count() > 5);
    assert_eq!(shrinker.attempts(), 3);
    assert!(shrinker.capped().is_some_and(|why| why.contains("3 attempts")));
}

/// Data without a row, and without what refers to it.
fn without(data: &Dataset, schema: &Schema, gone: (usize, usize)) -> Dataset {
    let mut left = data.clone();
    left.tables[gone.0].rows.remove(gone.1);
    loop {
        let dangling = left.dangling(&[schema]);
        let Some(row) = dangling.first() else { return left };
        let table = left.tables.iter_mut().find(|t| t.table == row.table).expect("a table");
        table.rows.remove(row.row);
    }
}

/// Two rows of one user, of which one has the letter in its body and the other has not, while there is not exactly one
/// currency: a failure that hangs on rows and on values.
fn hangs_together(data: &Dataset, letter: char) -> bool {
    let users = cells(data, "Insight", "userId");
    let bodies = cells(data, "Insight", "body");
    let noted = |i: usize| bodies[i].is_some_and(|b| b.contains(letter));
    let mut pairs = (0..users.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    let same = pairs.any(|(a, b)| users[a] == users[b] && noted(a) != noted(b));
    same && cells(data, "MetricDaily", "currency").iter().flatten().count() != 1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// No single row can go, and no single value become NULL, without the failure going, too.
    #[test]
    fn shrunk_data_is_one_minimal(seed in 0_u64..10_000, letter in prop::sample::select(vec!['a', 'e', 'q'])) {
        let (schema, scenario) = crate::support::datahub();
        let plan = Plan::new(&[&schema], &scenario);
        let data = plan.generate(seed, &plan.random_spec(CaseSize::Small, seed));
        prop_assume!(hangs_together(&data, letter));
        let fails = |d: &Dataset| hangs_together(d, letter);
        let shrinker = shrink(&plan, &schema, data, 5000, fails);
        prop_assert_eq!(shrinker.capped(), None);
        let small = shrinker.current();
        for t in 0..small.tables.len() {
            for r in 0..small.tables[t].rows.len() {
                prop_assert!(!fails(&without(small, &schema, (t, r))), "{} row {r} can go", small.tables[t].table);
                for c in 0..small.tables[t].columns.len() {
                    let mut other = small.clone();
                    let was = other.tables[t].rows[r].values[c].take();
                    if was.is_some() && plan.audit(&other).is_empty() && other.dangling(&[&schema]).is_empty() {
                        prop_assert!(!fails(&other), "{}.{} can be NULL", small.tables[t].table, small.tables[t].columns[c]);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever fails, and for whatever reason: closed, deterministic, and no row can be spared.
    #[test]
    fn shrunk_data_is_minimal(seed in 0_u64..10_000, modulus in 2_usize..7) {
        let (schema, scenario) = crate::support::datahub();
        let plan = Plan::new(&[&schema], &scenario);
        let data = plan.generate(seed, &plan.random_spec(CaseSize::Small, seed));
        let messages = |d: &Dataset| d.tables.iter().find(|t| t.table.name.as_str() == "ChatMessage").map_or(0, |t| t.rows.len());
        let wanted = messages(&data) % modulus;
        let fails = |d: &Dataset| messages(d) >= wanted;
        let once = shrink(&plan, &schema, data.clone(), 2000, fails);
        let twice = shrink(&plan, &schema, data, 2000, fails);
        prop_assert_eq!(once.current(), twice.current());
        prop_assert_eq!(once.attempts(), twice.attempts());
        prop_assert_eq!(messages(once.current()), wanted);
        let users = once.current().tables.iter().find(|t| t.table.name.as_str() == "User").map_or(0, |t| t.rows.len());
        prop_assert!(once.current().row_count() <= wanted + users);
    }

    #[test]
    fn the_strategy_gives_sound_data(data in { let (s, c) = crate::support::datahub(); Plan::new(&[&s], &c).strategy(CaseSize::Small) }) {
        let (schema, _) = crate::support::datahub();
        prop_assert!(data.dangling(&[&schema]).is_empty());
    }
}
