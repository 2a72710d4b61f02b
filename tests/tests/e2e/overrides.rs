//! What a scenario says of its data, and what is found in it.

use rstest::rstest;
use watertight_reports::Verdict;
use watertight_tests::run::{findings, verdict};
use watertight_tests::{Folder, watertight};

/// Columns that nothing in the schema restricts, and a step that looks at what is in them.
fn open(name: &str) -> Folder {
    let folder = Folder::sound(name);
    let baseline = folder.read("baseline.sql")
        + "ALTER TABLE item ADD COLUMN channel text NOT NULL DEFAULT '', ADD COLUMN score numeric(6,2) NOT NULL DEFAULT 0,
           ADD COLUMN code text NOT NULL DEFAULT '', ADD COLUMN plan text, ADD COLUMN mail text NOT NULL DEFAULT '',
           ADD COLUMN memo text;";
    let check = "DO $$ BEGIN IF EXISTS (SELECT FROM item WHERE channel NOT IN ('email', 'web; ''quoted''') OR score NOT BETWEEN 10 AND 20
        OR code !~ '^[a-f]{3}-[0-9]{2}$' OR plan IS DISTINCT FROM 'free' OR mail NOT LIKE '%@%' OR memo IS NOT NULL)
        THEN RAISE EXCEPTION 'not as asked'; END IF; END $$;";
    let step = "[[steps]]\nid = \"as-asked\"\nmigrate = \"asked.sql\"\n\n[[steps]]\nid = \"expand\"";
    folder.file("baseline.sql", baseline).file("asked.sql", check).with("[[steps]]\nid = \"expand\"", step)
}

const ASKED: &str = r#"
[generate.item]
channel = { one_of = ["email", "web; 'quoted'"] }
score = { range = ["10", "20"] }
code = { pattern = "[a-f]{3}-[0-9]{2}" }
plan = { fixed = "free", null_share = 0.0 }
mail = { fake = "email" }
memo = { null_share = 1.0 }
"#;

#[test]
fn generated_values_are_those_that_the_scenario_asks_for() {
    let ended =
        watertight!("verify", open("asked").and(ASKED), "--only", "migration-applies").small(16).run();
    let ended = ended.expect(0);
    assert!(ended.scenario().data.rows > 300, "{ended}");
    // The step refuses where nothing is asked for.
    let ended = watertight!("verify", open("asked"), "--only", "migration-applies").small(16).run().expect(1);
    assert_eq!(verdict(&ended.scenario(), "migration-applies"), Verdict::Violated, "{ended}");
}

#[rstest]
#[case::no_such_column("nothing = { fixed = \"x\" }", "nothing")]
#[case::no_such_kind("mail = { fake = \"zodiac\" }", "zodiac")]
#[case::no_range("mail = { range = [\"a\", \"b\"] }", "range")]
fn what_is_asked_for_and_cannot_be_had_is_said(#[case] hint: &str, #[case] word: &str) {
    let folder = open("asked").and(&format!("[generate.item]\n{hint}"));
    let ended = watertight!("verify", folder, "--only", "backfill-complete").small(2).run();
    let said = ended
        .try_report()
        .map_or_else(|| ended.stderr.clone(), |report| report.scenarios[0].data.not_made.join("\n"));
    assert!(said.contains(word), "{ended}\n{said}");
}

#[test]
fn one_poisoned_row_among_thousands_is_found_and_nothing_else_is_kept() {
    let folder = Folder::sound("poison").and("[generate.item]\nrank = { range = [\"1\", \"700\"] }");
    let expand =
        folder.read("expand.sql") + "\nALTER TABLE item ADD CONSTRAINT antidote CHECK (rank <> 333);\n";
    let folder = folder.file("expand.sql", expand);
    let ended = watertight!("verify", folder, "--only", "migration-applies").small(48).run().expect(1);
    let scenario = ended.scenario();
    assert!(scenario.data.rows > 3000, "{}", scenario.data.rows);
    let [found] = findings(&scenario, "migration-applies") else { panic!("{ended}") };
    let smallest = found.counterexample.as_ref().unwrap();
    // The row, its account and its tenant.
    assert_eq!((smallest.tenants, smallest.rows, &smallest.capped), (1, 3, &None), "{ended}");
    let item = smallest.data.iter().find(|t| t.table == "public.item" || t.table == "item").unwrap();
    let rank = item.columns.iter().position(|c| c == "rank").unwrap();
    assert_eq!(item.rows[0][rank].as_deref(), Some("333"), "{smallest:?}");
}

/// Live rows may refer to rows of other tenants. Where the scenario says so, some do: a backfill that follows the wrong
/// reference of two is as good as the right one until then.
#[rstest]
#[case::each_to_its_own("", Verdict::Held)]
#[case::across("[generate.item]\nreviewer = { across_tenants = true }", Verdict::Violated)]
fn rows_refer_to_other_tenants_where_the_scenario_says_so(#[case] hint: &str, #[case] expected: Verdict) {
    let folder = Folder::sound("across").and(hint);
    let baseline = folder.read("baseline.sql")
        + "ALTER TABLE item ADD COLUMN reviewer uuid NOT NULL REFERENCES account (id);";
    let fill = folder.read("fill.sql").replace("a.id = i.account_id", "a.id = i.reviewer");
    // The item is its account's; the reviewer may be anybody.
    let folder = folder.file("baseline.sql", baseline).file("fill.sql", fill);
    let ended = watertight!("verify", folder, "--only", "backfill-correct").small(32).run();
    let scenario = ended.scenario();
    assert_eq!(verdict(&scenario, "backfill-correct"), expected, "{ended}");
    let scope = &scenario.evidence.scope.iter().find(|t| t.table.contains("item")).unwrap().shapes;
    let other = scope.iter().find(|s| s.shape == "reviewer to a row of another tenant").unwrap();
    assert_eq!(other.cases > 0, !hint.is_empty(), "{scope:#?}");
}
