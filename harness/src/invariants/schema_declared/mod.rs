//! The final schema is the one that the application's model declares: column by column, or as a whole.

mod model;

use watertight_reports::Severity;
use watertight_scenarios::scenario::{DatabaseId, Declared};
use watertight_scenarios::schema::{Action, Table};
use watertight_scenarios::{Ident, Script};

use self::model::{Drift, drifts};
use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey, contents};
use crate::explore::{Act, CaseData, Excursion, Observations, Print, Scene};

/// The schema as declared.
pub(super) struct SchemaDeclared;

static SPEC: InvariantSpec = InvariantSpec {
    id: "schema-declared",
    title: "The final schema is the one that the application's model declares",
    rationale: "The model is edited, the migration is written by hand, and one of the two forgets a clause. The \
        application then counts on a refusal that the database does not give, or gives with another error.",
    example: "onDelete: Restrict in the model, ON DELETE SET NULL on a NOT NULL column in the database: a delete is \
        refused as a NULL, not as a foreign key",
    remedy: "Write the migration that the model asks for (drop the constraint, add it with the declared action), or \
        change the model to what the database does.",
    exercise: "`[declared]` columns or a database's `model`, and a case that comes to the end of the timeline",
};

/// What differs from a declaration: a code, what is declared, what is there.
fn differences(table: Option<&Table>, declared: &Declared) -> Vec<(&'static str, String, String)> {
    let Some(column) = table.and_then(|t| t.column(&declared.column)) else {
        return vec![("column", "the column is there".to_owned(), "there is none".to_owned())];
    };
    let mut found = Vec::new();
    let nullable = |yes: bool| if yes { "nullable" } else { "NOT NULL" }.to_owned();
    if let Some(wanted) = declared.nullable
        && wanted == column.not_null
    {
        found.push(("nullable", nullable(wanted), nullable(!column.not_null)));
    }
    if let Some(wanted) = declared.on_delete {
        let of = |wanted: fn(&[Ident], &Ident) -> bool| -> Vec<Action> {
            let keys = table.iter().flat_map(|t| &t.foreign_keys);
            keys.filter(|k| wanted(&k.columns, &declared.column)).map(|k| k.on_delete).collect()
        };
        // A key of several columns speaks for one of them only where none is its own.
        let own = of(|columns, column| columns == [column.clone()]);
        let actions = if own.is_empty() { of(|columns, column| columns.contains(column)) } else { own };
        if !actions.contains(&wanted) {
            let there: Vec<&str> = actions.iter().map(|a| a.on_delete_sql()).collect();
            let there = if there.is_empty() { "no foreign key".to_owned() } else { there.join(", ") };
            found.push(("on-delete", wanted.on_delete_sql().to_owned(), there));
        }
    }
    found
}

/// The final catalogs of a database, as they are of that one alone.
fn last(scene: &Scene, db: usize) -> Print {
    let of = |object: &str| match object.strip_prefix('[').and_then(|o| o.split_once("] ")) {
        Some((nth, rest)) => (nth.parse() == Ok(db)).then(|| rest.to_owned()),
        None => (db == 0).then(|| object.to_owned()),
    };
    let lines = scene.prints.last().into_iter().flatten();
    lines.filter_map(|((kind, o), definition)| Some(((kind.clone(), of(o)?), definition.clone()))).collect()
}

/// Everything in which the final schemas are not the models', by database.
fn all_drifts(scene: &Scene) -> Vec<(DatabaseId, Drift)> {
    let models = scene.models.iter().enumerate();
    let of = |(db, model): (usize, &Option<Print>)| -> Vec<(DatabaseId, Drift)> {
        let Some(model) = model else { return Vec::new() };
        drifts(model, &last(scene, db)).into_iter().map(|drift| (DatabaseId(db), drift)).collect()
    };
    models.flat_map(of).collect()
}

/// File and line of the model's first statement that names a table.
fn place(scene: &Scene, db: DatabaseId, table: &str) -> Option<(String, Option<u32>)> {
    let name = table.rsplit_once('.').map_or(table, |(_, name)| name);
    let names = |script: &Script| {
        let words = |sql: &str| sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|w| w == name);
        let line = script.statements.iter().find(|s| words(script.sql(s))).map(|s| s.line)?;
        Some((script.path.clone(), Some(line)))
    };
    scene.scenario.databases[db.0].model.iter().find_map(names)
}

impl Invariant for SchemaDeclared {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if scene.scenario.declared.is_empty() && scene.models.iter().all(Option::is_none) {
            return Err("the scenario declares nothing of the final schema".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, _case: &CaseData) -> Vec<Excursion> {
        vec![contents(scene.last())]
    }
    fn judge(&self, scene: &Scene, _case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        let (at, alive) = (scene.last(), seen.alive(scene.last()));
        if at.0 < scene.scenario.steps.len() || alive.is_empty() {
            return judgement; // half of a timeline leaves half of a schema
        }
        judgement.exercised.extend(&alive);
        for declared in &scene.scenario.declared {
            let subject = format!("{}.{}", declared.table, declared.column);
            let schemas = scene.schemas.last().map(Vec::as_slice).unwrap_or_default();
            let found =
                (0..schemas.len()).find_map(|db| scene.table(at, &(DatabaseId(db), declared.table.clone())));
            for (code, wanted, there) in differences(found, declared) {
                judgement.violated(Violation {
                    key: ViolationKey { step: None, code, subject: subject.clone() },
                    worlds: alive.clone(),
                    severity: Severity::High,
                    title: format!("{subject} is not as the model declares it"),
                    message: format!(
                        "The model declares {wanted} for {subject}; the final schema says {there}."
                    ),
                    cause: "The migrations leave another schema than the model describes.".to_owned(),
                    remedy: String::new(),
                    tables: vec![declared.table.to_string()],
                    place: None,
                    witness: Excursion { from: at, acts: vec![Act::Catalog] },
                });
            }
        }
        for (db, drift) in all_drifts(scene) {
            let place = drift.table.as_ref().and_then(|table| place(scene, db, table));
            // Two databases may have tables of the same name.
            let databases = &scene.scenario.databases;
            let subject = match databases.len() {
                1 => drift.subject,
                _ => format!("{} in `{}`", drift.subject, databases[db.0].name),
            };
            judgement.violated(Violation {
                key: ViolationKey { step: None, code: drift.code, subject: subject.clone() },
                worlds: alive.clone(),
                severity: drift.severity,
                title: match drift.code {
                    "model-unknown" => format!("The model does not know the {subject}"),
                    "model-missing" => format!("The {subject} of the model is not there"),
                    _ => format!("The {subject} is not as the model has it"),
                },
                message: drift.message,
                cause: "The migrations leave another schema than the model describes.".to_owned(),
                remedy: String::new(),
                tables: drift.table.into_iter().collect(),
                place,
                witness: Excursion { from: at, acts: vec![Act::Catalog] },
            });
        }
        judgement
    }
}
