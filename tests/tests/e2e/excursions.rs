//! What is seen of an excursion does not depend on those beside it: neither on what they left counted, nor on the message
//! that they share.

use std::collections::BTreeMap;

use watertight_generators::CaseSize;
use watertight_harness::db::hosts::Hosts;
use watertight_harness::db::stage::Stage;
use watertight_harness::explore::act::Print;
use watertight_harness::explore::tree::Tree;
use watertight_harness::explore::{Act, Actor, CaseData, Runner, Scene, Seen, Snapshot, Statement, TableKey};
use watertight_harness::verify;
use watertight_scenarios::Scenario;
use watertight_scenarios::scenario::DatabaseId;
use watertight_tests::Folder;
use watertight_tests::postgres::server;

const BASELINE: &str = "
    CREATE TABLE org (id int PRIMARY KEY, name text NOT NULL);
    CREATE TYPE state AS ENUM ('new', 'done');
    CREATE TABLE item (id int PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text NOT NULL,
        state state NOT NULL, n int NOT NULL);
    CREATE TABLE event (id int, org_id int NOT NULL REFERENCES org, what text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE event_low PARTITION OF event FOR VALUES FROM (MINVALUE) TO (1000);
    CREATE TABLE event_high (what text, gone int, org_id int NOT NULL, id int NOT NULL);
    ALTER TABLE event_high DROP COLUMN gone;
    ALTER TABLE event ATTACH PARTITION event_high FOR VALUES FROM (1000) TO (MAXVALUE);
";

const SCENARIO: &str = r#"
title = "Items"
summary = "What excursions are played on."
[database]
baseline = "baseline.sql"
[tenancy]
tenants = "org"
column = "org_id"
[[steps]]
id = "expand"
migrate = "expand.sql"
"#;

/// Each changes something else of what is looked at, or nothing.
const ACTS: [&str; 17] = [
    "UPDATE item SET label = 'x'",
    "INSERT INTO org VALUES (-1, 'one more')",
    "DELETE FROM event",
    "INSERT INTO event_high (id, org_id, what) SELECT 2000000000, min(id), 'direct' FROM org",
    "TRUNCATE event",
    "TRUNCATE item; INSERT INTO org VALUES (-2, 'beside'); TRUNCATE item",
    "ALTER TYPE state RENAME VALUE 'new' TO 'fresh'",
    "ALTER TABLE item ADD COLUMN more int DEFAULT 5",
    "ALTER TABLE item ALTER COLUMN n TYPE text USING 'n' || n",
    "CREATE TABLE item_copy AS SELECT * FROM item",
    "DROP TABLE event_low",
    "DO $$ BEGIN BEGIN DELETE FROM item; RAISE 'undone'; EXCEPTION WHEN raise_exception THEN NULL; END; END $$",
    "SELECT count(*) FROM item; SELECT 1 FROM org",
    "DELETE FROM event; SELECT 1 / 0",
    "SELEC 1",
    "DEALLOCATE ALL",
    "DISCARD TEMP",
];

fn act(sql: &str) -> Act {
    Act::Sql(Statement { database: DatabaseId(0), actor: Actor::Migrator, sql: sql.to_owned() })
}

/// Contents by value: places depend on what others wrote and undid.
fn rows(snapshot: &Snapshot) -> BTreeMap<TableKey, (String, Vec<String>)> {
    let of = |(key, table): (&TableKey, &std::sync::Arc<watertight_harness::explore::TableRows>)| {
        let mut rows: Vec<String> = table.rows.iter().map(|row| format!("{:?}", row.values)).collect();
        rows.sort();
        (key.clone(), (format!("{:?}", table.columns), rows))
    };
    snapshot.tables.iter().map(of).collect()
}

#[derive(Debug, PartialEq)]
struct Told {
    rows: Option<BTreeMap<TableKey, (String, Vec<String>)>>,
    catalogs: Option<Print>,
    /// The answers on the way, or the SQLSTATE.
    answers: Vec<String>,
}

fn told(tree: &Tree, acts: &[Act]) -> Told {
    let after = |last: Act| tree.seen(&[acts, &[last]].concat()).cloned();
    let answer = |seen: Option<&Seen>| match seen {
        Some(Seen::Done(done)) => format!("{} {:?}", done.answer.affected, done.answer.rows),
        Some(Seen::Refused(refusal)) => {
            refusal.failure.sql().map_or_else(|| refusal.failure.to_string(), |e| e.sqlstate.clone())
        }
        other => format!("{other:?}"),
    };
    Told {
        rows: after(Act::Snapshot).as_ref().and_then(Seen::snapshot).map(rows),
        catalogs: after(Act::Catalog).as_ref().and_then(Seen::catalog).cloned(),
        answers: (1..=acts.len()).map(|n| answer(tree.seen(&acts[..n]))).collect(),
    }
}

fn tree<'a>(excursions: impl IntoIterator<Item = &'a Vec<Act>>) -> Tree {
    let mut tree = Tree::default();
    for acts in excursions {
        for look in [Act::Snapshot, Act::Catalog] {
            tree.add(&[acts.as_slice(), &[look]].concat());
        }
        // The last one beside itself, as a leaf.
        tree.add(acts);
    }
    tree
}

async fn played(runner: &mut Runner<'_>, scene: &Scene, case: &CaseData, tree: Tree) -> Tree {
    let mut trees = vec![Tree::default(); scene.schemas.len()];
    trees[1] = tree;
    let mut seen = runner.play(case, trees).await.expect("the session stays");
    seen.trees.swap_remove(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excursion_sees_the_same_alone_and_beside_others() {
    let folder = Folder::new("excursions")
        .file("baseline.sql", BASELINE)
        .file("expand.sql", "ALTER TABLE item ADD COLUMN note text;")
        .file("scenario.toml", SCENARIO);
    let scenario = Scenario::load(folder.path()).expect("the scenario is right");
    let host = server().await;
    let hosts = Hosts::open(&host, &scenario).await.expect("the server answers");
    let stage = Stage::prepare(&hosts, &scenario).await.expect("the baseline applies");
    let scene = verify::scene(&stage, &scenario).await.expect("the step applies");
    let mut runner = Runner::open(&scene, &stage).await.expect("there is a database");
    let spec = scene.plan.random_spec(CaseSize::Packed, 3);
    let case = CaseData::new(&scene, 3, 3, false, scene.plan.generate(3, &spec));

    let mut excursions: Vec<Vec<Act>> = vec![vec![]];
    for one in ACTS {
        excursions.push(vec![act(one)]);
        excursions.extend(ACTS.iter().step_by(3).map(|other| vec![act(one), act(other)]));
    }
    let together = played(&mut runner, &scene, &case, tree(&excursions)).await;
    let mut differ = Vec::new();
    for acts in &excursions {
        let alone = played(&mut runner, &scene, &case, tree([acts])).await;
        let (alone, together) = (told(&alone, acts), told(&together, acts));
        assert!(alone.rows.as_ref().is_some_and(|rows| rows.len() >= 2) && alone.catalogs.is_some());
        if alone != together {
            differ.push(format!("{acts:?}\nalone {alone:?}\ntogether {together:?}"));
        }
    }
    runner.close().await.expect("its databases go");
    drop(stage);
    hosts.close().await.expect("what was made goes");
    host.stop().await.expect("the server stops");
    assert!(differ.is_empty(), "{} of {}:\n{}", differ.len(), excursions.len(), differ.join("\n\n"));
}
