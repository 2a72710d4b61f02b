//! The examples of the book and of the README are read by what they are written for.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use watertight_scenarios::json_schema;

/// Blocks of a language in a page, each with its line.
fn blocks(page: &Path, language: &str) -> Vec<(usize, String)> {
    let text = fs::read_to_string(page).expect("the page can be read");
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (n, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(tag) if !is_open && tag == language => {
                found.push((n + 1, String::new()));
                is_open = true;
            }
            Some(_) => is_open = false,
            None if is_open => {
                if let Some((_, block)) = found.last_mut() {
                    block.push_str(line);
                    block.push('\n');
                }
            }
            None => {}
        }
    }
    found
}

#[rstest]
fn scenario_files_in_pages_have_the_keys_of_the_schema(
    #[files("../README.md")]
    #[files("../docs/src/*.md")]
    page: PathBuf,
) {
    let schema = serde_json::to_value(json_schema()).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    for (line, block) in blocks(&page, "toml") {
        let place = format!("{}:{line}", page.display());
        let value: serde_json::Value = toml::from_str(&block).unwrap_or_else(|e| panic!("{place}: {e}"));
        let wrong: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{place}: {wrong:?}");
    }
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_somewhere() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let summary = fs::read_to_string(book.join("SUMMARY.md")).expect("there is a summary");
    for entry in fs::read_dir(&book).expect("there is a book") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_name().expect("a page has a name").to_string_lossy().into_owned();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name}");
        let text = fs::read_to_string(&path).expect("the page can be read");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || file.is_empty();
            assert!(elsewhere || book.join(file).exists(), "{name}: {link}");
        }
    }
}
