//! Declared secrets are stored encrypted: nothing of them is readable anywhere, they open with their key, and only as
//! they were written.
//!
//! An invariant that SQL cannot state, and an example of how one is written: what is to be seen is planned from the
//! scene, and judging is a function of two snapshots.

use std::collections::{BTreeMap, BTreeSet};

use watertight_generators::WorldId;
use watertight_reports::Severity;
use watertight_scenarios::Ident;
use watertight_scenarios::scenario::{AccessId, AccessKind, Checkpoint, Impact, Secrets, StepId};

use super::access_compatible::in_use;
use super::{Invariant, InvariantSpec, Judgement, Probe, Violation, ViolationKey, contents};
use crate::explore::snapshot::SnapRow;
use crate::explore::{Act, Binding, CaseData, Excursion, Observations, Scene, Snapshot, TableKey, TableRows};
use crate::secrets::Sealed;

/// Secrets are stored as the scenario declares.
pub(super) struct SecretsAtRest;

/// A write is sent with a look at what it left: each in one case of so many.
const WRITES_EVERY: u32 = 4;

/// Texts shorter than this stand anywhere by chance.
const PLAIN_LENGTH_MIN: usize = 8;

static SPEC: InvariantSpec = InvariantSpec {
    id: "secrets-at-rest",
    title: "Declared secrets are stored encrypted, and nowhere else",
    rationale: "A key that one route, one audit trigger or one migration writes as it is can be read by everybody who \
        can read the table, its backup, or the log. A value that does not open any more locks its tenant out.",
    example: "INSERT INTO audit_log (details) VALUES (:api_key) beside the encrypted one",
    remedy: "Encrypt before the statement is sent, on every path; log that a secret changed and not what it is; give \
        the column a CHECK on the form, and room for all of it.",
    exercise: "`[[secrets]]`, and rows or write paths that put values into their columns",
};

/// A value of a declared column.
struct Value<'a> {
    key: &'a TableKey,
    column: &'a Ident,
    row: &'a SnapRow,
    text: &'a str,
}

impl Value<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.key.1, self.column)
    }
}

fn values<'a>(contents: &'a Snapshot, secrets: &'a Secrets) -> Vec<Value<'a>> {
    let mut found = Vec::new();
    for (relation, column) in &secrets.columns {
        let Some((key, table)) = contents.tables.get_key_value(&(secrets.database, relation.clone())) else {
            continue;
        };
        let filled = table.rows.iter().filter_map(|row| Some((row, table.cell(row, column)?)));
        found.extend(filled.map(|(row, text)| Value { key, column, row, text }));
    }
    found
}

/// What is wrong with a value. In the order of the codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    code: &'static str,
    /// The column that it is about.
    column: String,
    message: String,
    tables: Vec<String>,
    /// Table and place of the row.
    place: (TableKey, String),
}

/// What was found of the declared columns in one state.
#[derive(Debug, Default)]
struct Examined {
    wrong: BTreeSet<Wrong>,
    /// Rows whose value opens.
    sound: Vec<(TableKey, String)>,
    /// By column: values that open, and changed bytes and keys of other lengths that they refused.
    refusals: BTreeMap<String, (u64, u64)>,
}

/// Looks at every declared value of a state, and for what is behind it in every other cell.
fn examine(contents: &Snapshot, secrets: &Secrets) -> Examined {
    let mut examined = Examined::default();
    let mut plain: Vec<(String, String, (TableKey, String))> = Vec::new();
    let mut vectors: BTreeMap<[u8; 16], (&str, String)> = BTreeMap::new();
    for value in values(contents, secrets) {
        let (name, place) = (value.name(), (value.key.clone(), value.row.place.clone()));
        let mut wrong = |code, message| {
            let tables = vec![value.key.1.to_string()];
            examined.wrong.insert(Wrong {
                code,
                column: name.clone(),
                message,
                tables,
                place: place.clone(),
            });
        };
        let Some(sealed) = Sealed::parse(value.text) else {
            wrong("readable", format!("A value of {name} is not encrypted in the declared form."));
            continue;
        };
        let Some(opened) = sealed.open(&secrets.key) else {
            wrong("does-not-open", format!("A value of {name} does not open with its key."));
            continue;
        };
        if vectors.insert(sealed.iv, (value.text, name.clone())).is_some_and(|(other, _)| other != value.text)
        {
            wrong(
                "vector-reused",
                format!("Two values of {name} are encrypted with one initialisation vector."),
            );
        }
        let longer: Vec<u8> = secrets.key.iter().copied().chain([0]).collect();
        let keys = [&longer[..], &secrets.key[..secrets.key.len() / 2], &[]];
        let refused = sealed.tampered().filter(|t| t.open(&secrets.key).is_none()).count()
            + keys.iter().filter(|key| sealed.open(key).is_none()).count();
        let tried = sealed.tampered().count() + keys.len();
        if refused < tried {
            wrong("opens-changed", format!("A changed value of {name} opens all the same."));
        }
        let counts = examined.refusals.entry(name.clone()).or_default();
        *counts = (counts.0 + 1, counts.1 + refused as u64);
        examined.sound.push(place.clone());
        if let Ok(text) = String::from_utf8(opened)
            && text.len() >= PLAIN_LENGTH_MIN
        {
            plain.push((text, name, place));
        }
    }
    for (key, table) in &contents.tables {
        for (column, row, cell) in cells(table) {
            for (_, name, _) in plain.iter().filter(|(text, ..)| cell.contains(text.as_str())) {
                examined.wrong.insert(Wrong {
                    code: "shown",
                    column: name.clone(),
                    message: format!("What {name} holds encrypted stands readable in {}.{column}.", key.1),
                    tables: vec![key.1.to_string()],
                    place: (key.clone(), row.place.clone()),
                });
            }
        }
    }
    examined
}

fn cells(table: &TableRows) -> impl Iterator<Item = (&Ident, &SnapRow, &str)> {
    table.rows.iter().flat_map(move |row| {
        let cells = table.columns.iter().zip(&row.values);
        cells.filter_map(move |(column, value)| Some((column, row, value.as_deref()?)))
    })
}

/// Checkpoints at which one of the columns is there.
fn moments(scene: &Scene, secrets: &Secrets) -> Vec<Checkpoint> {
    let there = |at: &Checkpoint| {
        secrets.columns.iter().any(|(relation, column)| {
            let table = scene.table(*at, &(secrets.database, relation.clone()));
            table.is_some_and(|t| t.column(column).is_some())
        })
    };
    scene.checkpoints().filter(there).collect()
}

/// Write paths of this case, each at the first checkpoint at which it can meet a secret.
fn writes(scene: &Scene, case: &CaseData, secrets: &Secrets) -> Vec<(Binding, Excursion)> {
    let moments = moments(scene, secrets);
    let mut found = Vec::new();
    for (i, path) in scene.scenario.access.iter().enumerate() {
        let access = AccessId(i);
        let turn = (case.index + i as u32).is_multiple_of(WRITES_EVERY);
        if path.kind != AccessKind::Write || path.database != secrets.database || !turn {
            continue;
        }
        let Some(at) = moments.iter().copied().find(|at| in_use(scene, access, *at)) else { continue };
        let sender = case.sample(1, i as u64).into_iter().find_map(|w| case.bind(scene, access, w));
        if let Some(binding) = sender {
            let acts = vec![Act::Send(binding.clone()), Act::Snapshot];
            found.push((binding, Excursion { from: at, acts }));
        }
    }
    found
}

impl Invariant for SecretsAtRest {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        if scene.scenario.secrets.iter().all(|s| moments(scene, s).is_empty()) {
            return Err("the scenario declares no column with secrets".to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let all = scene.scenario.secrets.iter();
        all.flat_map(|secrets| {
            let states = moments(scene, secrets).into_iter().map(contents);
            states.chain(writes(scene, case, secrets).into_iter().map(|(_, e)| e)).collect::<Vec<_>>()
        })
        .collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        for secrets in &scene.scenario.secrets {
            let mut states: BTreeMap<Checkpoint, Examined> = BTreeMap::new();
            let mut known: BTreeSet<(&str, String)> = BTreeSet::new();
            for at in moments(scene, secrets) {
                let Some(state) = seen.contents(at) else { continue };
                let examined = examine(state, secrets);
                note(scene, case, state, &examined, &mut judgement);
                for wrong in &examined.wrong {
                    // It goes on until it is mended: where it shows first is where to look.
                    if known.insert((wrong.code, wrong.column.clone())) {
                        judgement.violated(at_a_checkpoint(scene, case, state, at, wrong));
                    }
                }
                states.insert(at, examined);
            }
            for (binding, excursion) in writes(scene, case, secrets) {
                let at = excursion.from;
                let (Some(before), Some(after)) = (states.get(&at), seen.snapshot(at, &excursion.acts))
                else {
                    continue;
                };
                if !seen.alive(at).contains(&binding.world) {
                    continue;
                }
                let examined = examine(after, secrets);
                note(scene, case, after, &examined, &mut judgement);
                for wrong in examined.wrong.difference(&before.wrong) {
                    judgement.violated(by_a_path(scene, at, &binding, wrong));
                }
            }
        }
        judgement
    }
}

/// Worlds with a secret that opens, and what was tried on it.
fn note(scene: &Scene, case: &CaseData, state: &Snapshot, examined: &Examined, judgement: &mut Judgement) {
    judgement.exercised.extend(examined.sound.iter().filter_map(|place| world(scene, case, state, place)));
    for (column, (_, refusals)) in &examined.refusals {
        judgement.probes.push(Probe {
            subject: format!(
                "{column} opens as it was written, and refuses every changed byte and other key"
            ),
            table: None,
            passed: !examined.wrong.iter().any(|w| &w.column == column),
            sql: None,
            answer: Some(format!("{refusals} changed values and keys of other lengths refused")),
            expects: None,
        });
    }
}

fn world(
    scene: &Scene,
    case: &CaseData,
    state: &Snapshot,
    (key, place): &(TableKey, String),
) -> Option<WorldId> {
    let table = state.tables.get(key)?;
    let row = table.rows.iter().find(|row| &row.place == place)?;
    case.world_of(scene, key, table, row)
}

fn violation(wrong: &Wrong, key: ViolationKey, witness: Excursion) -> Violation {
    Violation {
        key,
        worlds: BTreeSet::new(),
        severity: Severity::Critical,
        title: match wrong.code {
            "readable" => format!("{} holds a readable secret", wrong.column),
            "does-not-open" => format!("{} holds a secret that does not open", wrong.column),
            "vector-reused" => format!("Secrets of {} share an initialisation vector", wrong.column),
            "opens-changed" => format!("A changed secret of {} opens", wrong.column),
            _ => format!("The secret of {} stands readable elsewhere", wrong.column),
        },
        message: wrong.message.clone(),
        cause: String::new(),
        remedy: String::new(),
        tables: wrong.tables.clone(),
        place: None,
        witness,
    }
}

fn at_a_checkpoint(
    scene: &Scene,
    case: &CaseData,
    state: &Snapshot,
    at: Checkpoint,
    wrong: &Wrong,
) -> Violation {
    let step = at.0.checked_sub(1).map(StepId);
    let key = ViolationKey { step, code: wrong.code, subject: wrong.column.clone() };
    Violation {
        worlds: world(scene, case, state, &wrong.place).into_iter().collect(),
        cause: match step {
            Some(step) => format!("It is so from `{}` on.", scene.step(step).id),
            None => "It is so before the first step.".to_owned(),
        },
        place: step.map(|s| scene.location(s, 0)),
        ..violation(wrong, key, contents(at))
    }
}

fn by_a_path(scene: &Scene, at: Checkpoint, binding: &Binding, wrong: &Wrong) -> Violation {
    let path = &scene.scenario.access[binding.access.0];
    let key = ViolationKey { step: None, code: wrong.code, subject: path.name.clone() };
    let witness = Excursion { from: at, acts: vec![Act::Send(binding.clone())] };
    Violation {
        worlds: [binding.world].into(),
        severity: match path.impact {
            Impact::Production => Severity::Critical,
            Impact::Development => Severity::Low,
        },
        cause: format!("“{}” writes it so.", path.name),
        place: path.source.as_ref().map(|s| super::access_compatible::split_place(s)),
        ..violation(wrong, key, witness)
    }
}

#[cfg(test)]
mod tests {
    use watertight_scenarios::Relation;
    use watertight_scenarios::scenario::{DatabaseId, SecretFormat};

    use super::*;

    const PLAIN: &str = "sk_test_0123456789";

    fn secrets() -> Secrets {
        Secrets {
            database: DatabaseId(0),
            columns: vec![(Relation::public("tenant"), Ident::from("api_key"))],
            format: SecretFormat::Aes256Gcm,
            key: (0..32).collect(),
        }
    }

    fn state(keys: &[&str], log: &[&str]) -> Snapshot {
        let table = |column: &str, values: &[&str]| TableRows {
            columns: vec![Ident::from(column)],
            identity: Vec::new(),
            rows: values
                .iter()
                .enumerate()
                .map(|(i, v)| SnapRow { place: i.to_string(), values: vec![Some((*v).to_owned())] })
                .collect(),
        };
        let key = |name| (DatabaseId(0), Relation::public(name));
        let tables = [(key("tenant"), table("api_key", keys)), (key("log"), table("details", log))];
        tables.into_iter().collect()
    }

    fn sealed(plain: &str, salt: &str) -> Sealed {
        Sealed::seal(plain, &secrets().key, salt).unwrap()
    }

    fn codes(keys: &[&str], log: &[&str]) -> Vec<&'static str> {
        examine(&state(keys, log), &secrets()).wrong.iter().map(|w| w.code).collect()
    }

    #[test]
    fn a_sealed_value_is_sound_and_a_readable_one_is_not() {
        let (one, two) = (sealed(PLAIN, "1").to_string(), sealed(PLAIN, "2").to_string());
        assert!(codes(&[&one, &two], &["the key was changed", &one]).is_empty());
        assert_eq!(codes(&[PLAIN], &[]), ["readable"]);
        assert_eq!(codes(&[&one[..20]], &[]), ["readable"]);
    }

    #[test]
    fn a_value_of_another_key_or_that_was_changed_does_not_open() {
        let other = Sealed::seal(PLAIN, &[7; 32], "1").unwrap().to_string();
        let changed = sealed(PLAIN, "1").tampered().last().unwrap().to_string();
        assert_eq!(codes(&[&other], &[]), ["does-not-open"]);
        assert_eq!(codes(&[&changed], &[]), ["does-not-open"]);
    }

    #[test]
    fn what_is_behind_it_stands_nowhere_else() {
        let one = sealed(PLAIN, "1").to_string();
        assert_eq!(codes(&[&one], &[&format!("{{\"new\": \"{PLAIN}\"}}")]), ["shown"]);
    }

    #[test]
    fn an_initialisation_vector_is_used_once() {
        let key = secrets().key;
        let one = sealed(PLAIN, "1");
        let two = Sealed::seal_with(one.iv, "sk_test_other", &key).unwrap().to_string();
        assert_eq!(codes(&[&one.to_string(), &two], &[]), ["vector-reused"]);
    }
}
