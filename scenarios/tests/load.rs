//! Sound scenarios: what is read, and how a derived scenario is laid over its base.

use std::path::Path;

use watertight_scenarios::scenario::{
    AccessKind, AccessPath, Checkpoint, DatabaseId, Guard, ParamSource, StepKind, Variable,
};
use watertight_scenarios::schema::Action;
use watertight_scenarios::{Ident, Relation, Scenario, catalog};

fn fixture(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    Scenario::load(&path).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn path<'a>(scenario: &'a Scenario, name: &str) -> &'a AccessPath {
    scenario.access.iter().find(|a| a.name == name).expect("the fixture has it")
}

#[test]
fn a_scenario_is_read_with_its_files_and_defaults() {
    let notes = fixture("notes");
    assert_eq!(notes.id, "notes");
    assert_eq!(notes.postgres_min, Some(14));
    assert_eq!(notes.databases[0].name, "main");
    assert_eq!(notes.databases[0].baseline[0].statements.len(), 3);
    assert_eq!(notes.roles.migrator, Ident::new("migrator"));
    assert_eq!(notes.tenancy.owner.keys().collect::<Vec<_>>(), [&Relation::public("Note")]);
    let kinds: Vec<_> = notes.steps.iter().map(|s| (s.id.as_str(), s.kind)).collect();
    assert_eq!(
        kinds,
        [("expand", StepKind::Migrate), ("fill", StepKind::Backfill), ("contract", StepKind::Migrate)]
    );
    assert_eq!(notes.steps[0].down.as_ref().map(|s| s.path.as_str()), Some("expand.down.sql"));
    assert!(matches!(notes.steps[2].guard, Some(Guard::NullTenant)));
    assert_eq!((notes.steps[0].timeout_s, notes.steps[2].timeout_s), (60, 300));

    let add = path(&notes, "add note");
    assert_eq!((add.kind, add.from, add.until), (AccessKind::Write, Checkpoint(0), Checkpoint(3)));
    assert_eq!(add.params["id"], ParamSource::Fresh("uuid".into()));
    assert_eq!(add.params["body"], ParamSource::Fixed(Some("hello".into())));
    let user = ParamSource::Column { table: Relation::public("User"), column: "id".into() };
    assert_eq!(add.params["user"], user);
    let list = path(&notes, "list notes");
    assert_eq!((list.kind, list.from, list.until), (AccessKind::Read, Checkpoint(2), Checkpoint(3)));
    assert_eq!(list.params["tenant"], ParamSource::Tenant);
}

#[test]
fn a_derived_scenario_states_what_differs() {
    let (notes, mended) = (fixture("notes"), fixture("notes-mended"));
    assert_eq!(mended.base.as_deref(), Some("notes"));
    assert_eq!(mended.assumptions.len(), 2);
    let ids: Vec<_> = mended.steps.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["expand", "fill", "check", "contract"]);
    assert_eq!(mended.steps[2].up.path, "check.sql");
    assert_eq!(mended.steps[3].up.path, "../notes/contract.sql");
    assert!(mended.expect.is_empty(), "verdicts are not inherited");
    let add = path(&mended, "add note");
    assert_eq!((add.from, add.until), (Checkpoint(0), Checkpoint(3)));
    assert_eq!(add.params.len(), 3);
    assert_ne!(notes.digest, mended.digest);
    assert_eq!(mended.digest, fixture("notes-mended").digest);
}

#[test]
fn every_bundled_scenario_loads() {
    let ids = catalog::ids();
    assert!(ids.is_sorted());
    for id in ids {
        let scenario = catalog::load(id).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(scenario.id, id);
    }
}

#[test]
fn every_key_is_read() {
    let scenario = fixture("every-key");
    let names: Vec<_> = scenario.databases.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["app", "orders"]);
    let baseline: Vec<_> = scenario.databases[0].baseline.iter().map(|s| s.path.as_str()).collect();
    assert_eq!(baseline, ["schema/1_app.sql", "schema/2_more.sql"]);
    let copy = scenario.steps[4].copy.as_ref().expect("it is a copy");
    assert_eq!(
        (copy.from, copy.to, scenario.steps[4].database),
        (DatabaseId(0), DatabaseId(1), DatabaseId(1))
    );
    assert_eq!(copy.tables, [Relation::public("orders"), Relation::public("item")]);
    assert!(scenario.steps[4].up.statements.is_empty());
    let writes: Vec<_> =
        scenario.steps[1].writes.iter().map(|w| (w.table.to_string(), w.column.is_some())).collect();
    assert_eq!(writes, [("audit".into(), false), ("item".into(), true), ("shop.Tenant".into(), false)]);
    assert!(matches!(&scenario.steps[5].guard, Some(Guard::Query(q)) if q.starts_with("SELECT id")));
    let step = &scenario.steps[6];
    let command = step.command.as_ref().expect("it is a command");
    assert_eq!((step.kind, step.up.path.as_str()), (StepKind::Check, "jobs/count.sh"));
    assert_eq!((command.line_shown(), command.folder_shown.as_str()), ("sh count.sh".to_owned(), "jobs"));
    assert!(command.folder.ends_with("tests/fixtures/every-key/jobs") && command.folder.is_absolute());
    assert_eq!(command.variables["LEVEL"], Variable::Text("3".to_owned()));
    assert_eq!(command.variables["ORDERS_URL"], Variable::Url(DatabaseId(1)));
    assert!(!step.is_transactional() && scenario.steps[5].is_transactional());
    let post = path(&scenario, "POST /items");
    assert_eq!((post.from, post.until), (Checkpoint(0), Checkpoint(3)));
    assert_eq!(post.params["up"], ParamSource::Fixed(None));
    assert_eq!(post.params["note"], ParamSource::Fresh("text".into()));
    let get = path(&scenario, "GET /items");
    assert_eq!(get.from, Checkpoint(1));
    let promise = get.retrieval.as_ref().expect("it asks for nearest neighbours");
    assert_eq!((promise.table.to_string(), promise.column.as_str()), ("item".into(), "embedding"));
    assert_eq!((promise.limit, promise.recall, promise.dimension), (5, 0.95, Some(1536)));
    let populate = &scenario.steps[0].populate;
    assert!(populate.covers(&Relation::public("audit")) && !populate.covers(&Relation::public("item")));
    assert!(scenario.steps[0].rerunnable && !scenario.steps[3].rerunnable);
    assert_eq!(scenario.generate.len(), 2);
    let declared = &scenario.declared[0];
    assert_eq!((declared.table.to_string(), declared.column.as_str()), ("item".into(), "order_id"));
    assert_eq!((declared.nullable, declared.on_delete), (Some(false), Some(Action::Restrict)));
}

#[test]
fn every_way_to_differ_works() {
    let scenario = fixture("every-key-derived");
    let steps: Vec<_> = scenario.steps.iter().map(|s| (s.id.as_str(), s.kind, s.up.path.as_str())).collect();
    let expected = [
        ("prepare", StepKind::Backfill, "prepare.sql"),
        ("expand", StepKind::Migrate, "../every-key/expand.sql"),
        ("fill", StepKind::Migrate, "../every-key/fill.sql"),
        ("look", StepKind::Check, "check.sql"),
        ("contract", StepKind::Migrate, "../every-key/contract.sql"),
        ("move", StepKind::Copy, "../every-key/scenario.toml"),
        ("close", StepKind::Migrate, "../every-key/contract.sql"),
        ("count", StepKind::Check, "../every-key/jobs/count.sh"),
    ];
    assert_eq!(steps, expected);
    assert!(scenario.steps[6].guard.is_none());
    assert_eq!(scenario.assumptions, ["Instead of the base's."]);
    assert!(scenario.tenancy.columns.is_empty());
    assert_eq!(scenario.roles.app.len(), 1);
    assert_eq!(scenario.access.len(), 1);
    assert_eq!(scenario.access[0].until, Checkpoint(8));
}
