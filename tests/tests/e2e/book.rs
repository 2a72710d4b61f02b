//! Commands in the book and in the README are commands that there are.

use std::path::PathBuf;

use rstest::rstest;
use watertight_tests::watertight;

/// The command lines of `watertight` in the blocks of a page, as words.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut is_open = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_open = !is_open && ["```sh", "```yaml"].iter().any(|tag| line.starts_with(tag));
            continue;
        }
        // What a command says is no command.
        let line = line.split(" #").next().unwrap_or_default();
        let command = line.split("&&").map(|c| c.trim().trim_start_matches("- ").trim_start_matches("run: "));
        for command in command.filter(|_| is_open) {
            let command = command
                .strip_prefix("cargo run --release -- ")
                .map(|c| format!("watertight {c}"))
                .unwrap_or_else(|| command.to_owned());
            let mut words = command.split_whitespace().map(str::to_owned);
            if words.next().as_deref() == Some("watertight") {
                found.push(words.collect());
            }
        }
    }
    found
}

#[rstest]
fn commands_of_a_page_are_known(
    #[files("../README.md")]
    #[files("../docs/src/*.md")]
    page: PathBuf,
) {
    for words in commands(&std::fs::read_to_string(&page).unwrap()) {
        let words: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let ended = words.iter().fold(watertight!(), |run, word| run.arg(word)).run();
        assert_eq!(ended.code, 0, "{}: {words:?}: {ended}", page.display());
    }
}

#[test]
fn commands_are_found() {
    let text = "```sh\ncd x && watertight verify --cases 3   # why\ncargo run --release -- list\n```\nwatertight no\n\
                ```text\nwatertight no\n```\n```yaml\n      - run: watertight verify --out o\n```\n";
    let found: Vec<String> = commands(text).into_iter().map(|words| words.join(" ")).collect();
    assert_eq!(found, ["verify --cases 3", "list", "verify --out o"]);
}
