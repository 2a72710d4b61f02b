//! `score`: a corpus says what the invariants find.

use watertight_tests::{Folder, watertight};

/// A corpus of three: a fault that is found, one that its sheet says something wrong about, and a sound one.
fn corpus() -> Folder {
    let sound = Folder::sound("x");
    let mut corpus = Folder::new("corpus");
    let scenario = sound.read("scenario.toml");
    for name in ["sound", "unfilled", "misnamed"] {
        for file in ["baseline.sql", "expand.sql", "expand.down.sql", "contract.sql", "contract.down.sql"] {
            corpus = corpus.file(&format!("{name}/{file}"), sound.read(file));
        }
        corpus = corpus.file(&format!("{name}/scenario.toml"), &scenario);
        let fill = if name == "sound" { sound.read("fill.sql") } else { "SELECT;\n".to_owned() };
        corpus = corpus.file(&format!("{name}/fill.sql"), fill);
    }
    corpus
        .file(
            "unfilled/fault.toml",
            "category = \"Backfill\"\nfires = [\"backfill-complete\"]\nsmallest = { worlds = 1, rows = 2 }\n",
        )
        .file("misnamed/fault.toml", "category = \"Backfill\"\nfires = [\"rollback-schema\"]\n")
}

#[test]
fn a_score_says_what_was_found_and_what_was_not() {
    let run = |more: &[&str]| {
        watertight!("score", corpus().path(), "--provider", "embedded", "--seeds", "2", "--cases", "16")
            .args(&["--sound-cases", "4", "--sound-seeds", "3", "--jobs", "2"])
            .args(more)
            .run()
    };
    let readme = Folder::new("readme").file("README.md", "# X\n\n<!-- score -->\n<!-- /score -->\n\nrest\n");
    let readme = readme.file("SUMMARY.md", "<!-- score summary -->\n<!-- /score summary -->\n");
    let [page, summary] = ["README.md", "SUMMARY.md"].map(|name| readme.path().join(name));
    let (page, summary) = (page.to_str().unwrap(), summary.to_str().unwrap());
    let ended = run(&["--json", "--into", page, "--into", summary]).expect(1);
    let text = readme.read("README.md");
    assert!(
        text.starts_with("# X\n\n<!-- score -->\n\n2 seeds") && text.ends_with("<!-- /score -->\n\nrest\n"),
        "{text}"
    );
    assert!(text.contains("| unfilled | Backfill | 2/2 | 2/2 | 2/2 |"), "{text}");
    let summary = readme.read("SUMMARY.md");
    assert!(summary.contains("| Backfill | ") && !summary.contains("| unfilled |"), "{summary}");
    let score: serde_json::Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended}"));
    let of =
        |name: &str| score["faults"].as_array().unwrap().iter().find(|f| f["id"] == name).unwrap().clone();
    let (found, missed) = (of("unfilled"), of("misnamed"));
    assert_eq!((&found["detected"], &found["reached"]), (&2.into(), &2.into()), "{ended}");
    assert!(
        found["cases_median"].as_u64().unwrap() < 16 && found["shrunk"]["rows"].as_u64().unwrap() < 8,
        "{ended}"
    );
    assert_eq!((&missed["detected"], &missed["triggered"]), (&0.into(), &0.into()), "{ended}");
    assert_eq!(score["sound"][0]["runs"], 3, "{ended}");
    assert_eq!(score["sound"][0]["alarms"], serde_json::json!({}), "{ended}");
}

#[test]
fn a_corpus_that_cannot_be_read_is_refused_by_name() {
    let empty = Folder::new("empty");
    let ended = watertight!("score", empty.path()).run().expect(2);
    assert!(ended.stderr.contains("no folder in it has a scenario.toml"), "{ended}");
    let page = Folder::new("page").file("README.md", "no marks");
    let path = page.path().join("README.md");
    let ended = watertight!("score", corpus().path(), "--into", path).run().expect(2);
    assert!(ended.stderr.contains("<!-- score -->"), "{ended}");
    let wrong = corpus().file("unfilled/fault.toml", "category = \"x\"\nfires = [\"no-such\"]\n");
    let ended = watertight!("score", wrong.path()).run().expect(2);
    assert!(ended.stderr.contains("fault.toml") && ended.stderr.contains("no-such"), "{ended}");
}
