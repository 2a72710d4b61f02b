//! The JSON Schema that editors complete scenario files with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use watertight_scenarios::json_schema;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_committed_schema_is_up_to_date() {
    let path = root().join("scenario.schema.json");
    let mut current = serde_json::to_string_pretty(&json_schema()).expect("a schema is JSON");
    current.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &current).expect("the schema can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "run the tests with UPDATE_SCHEMA=1 and commit {}", path.display());
}

/// All scenario files of the crate: fixtures and catalog.
fn scenario_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            scenario_files(&path, found);
        } else if path.ends_with("scenario.toml") {
            found.push(path);
        }
    }
}

#[test]
fn sound_scenarios_follow_the_schema() {
    let schema = serde_json::to_value(json_schema()).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is valid");
    let mut files = Vec::new();
    scenario_files(&root().join("tests/fixtures"), &mut files);
    scenario_files(&root().join("catalog"), &mut files);
    assert!(files.len() >= 2);
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        let value: serde_json::Value = toml::from_str(&text).expect("it is TOML");
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    }
}

#[test]
fn the_schema_refuses_unknown_keys() {
    let schema = serde_json::to_value(json_schema()).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is valid");
    for bad in ["tittle = 1", "[[steps]]\nid = 'a'\nmigrat = 'x'", "[database]\nextension = []"] {
        let value: serde_json::Value = toml::from_str(bad).expect("it is TOML");
        assert!(!validator.is_valid(&value), "{bad}");
    }
}

/// Names of all keys of a schema, wherever they stand.
fn keys(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::Object(properties)) = object.get("properties") {
                found.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| keys(value, found));
        }
        serde_json::Value::Array(array) => array.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn the_examples_show_every_key() {
    let mut all = BTreeSet::new();
    keys(&serde_json::to_value(json_schema()).expect("a schema is JSON"), &mut all);
    let fixtures = root().join("tests/fixtures");
    let shown: String = ["every-key", "every-key-derived", "history"]
        .map(|name| fs::read_to_string(fixtures.join(name).join("scenario.toml")).expect("it is there"))
        .concat();
    let words: BTreeSet<&str> = shown.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    // Alternatives to what the examples use.
    let alternatives = BTreeSet::from(["database".to_owned()]);
    let missing: Vec<_> = all.difference(&alternatives).filter(|k| !words.contains(k.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
