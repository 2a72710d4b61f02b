//! What reports look like, and what must be true of each of them.

use crate::support::{build, datahub, kinds, nasty};
use proptest::prelude::*;
use rstest::rstest;
use watertight_reports::*;

fn rendered(scenario: ScenarioReport) -> String {
    let report = build::report(vec![scenario]);
    render_markdown(&report.scenarios[0], &report)
}

#[rstest]
#[case("datahub", datahub::documented())]
#[case("datahub_mended", datahub::mended())]
#[case("datahub_undecided", datahub::inconclusive())]
#[case("backfill", kinds::backfill())]
#[case("two_databases", kinds::two_databases())]
#[case("vectors", kinds::vectors())]
#[case("nasty", nasty::scenario())]
fn a_scenario_s_report(#[case] name: &str, #[case] scenario: ScenarioReport) {
    let markdown = rendered(scenario);
    assert_well_formed(&markdown);
    insta::assert_snapshot!(name, markdown);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_breaks_a_report(text in "[-a-z|`<>\\\\\\[\\]()&#*_~$@:./ \n\t\r\u{1b}\u{202e}\u{200b}0-9]{0,24}|\\PC{0,12}") {
        let report = build::report(vec![nasty::scenario_of(&text)]);
        assert_well_formed(&render_markdown(&report.scenarios[0], &report));
        assert_well_formed(&render_index(&report));
        for line in render_summary(&report, 80) {
            prop_assert!(!line.text.chars().any(char::is_control) && line.text.chars().count() <= 80);
        }
    }
}

fn all() -> Report {
    build::report(vec![
        datahub::documented(),
        datahub::mended(),
        datahub::inconclusive(),
        kinds::backfill(),
        kinds::two_databases(),
        kinds::vectors(),
    ])
}

#[test]
fn the_index() {
    let markdown = render_index(&all());
    assert_well_formed(&markdown);
    insta::assert_snapshot!("index", markdown);
    assert_well_formed(&render_index(&build::report(vec![nasty::scenario(), nasty::scenario()])));
    assert_well_formed(&render_index(&build::report(Vec::new())));
}

#[rstest]
#[case("all", all(), 120)]
#[case("datahub", build::report(vec![datahub::documented()]), 100)]
#[case("nasty", build::report(vec![nasty::scenario()]), 60)]
fn the_summary(#[case] name: &str, #[case] report: Report, #[case] width: usize) {
    let lines = render_summary(&report, width);
    assert!(lines.len() <= 24);
    for line in &lines {
        assert!(line.text.chars().count() <= width, "{}", line.text);
        assert!(!line.text.chars().any(char::is_control));
    }
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    insta::assert_snapshot!(format!("summary_{name}"), texts.join("\n"));
}

#[test]
fn what_a_verification_is_worth() {
    let report = MutationReport {
        schema_version: SCHEMA_VERSION,
        tool: build::report(Vec::new()).tool,
        server: build::report(Vec::new()).server,
        scenario: "org-backfill".into(),
        title: "Every row gets its organization".into(),
        digest: "00".repeat(32),
        strength: kinds::strength(),
    };
    let markdown = render_strength(&report);
    assert_well_formed(&markdown);
    let lines: Vec<String> =
        render_strength_summary(&report.strength).into_iter().map(|line| line.text).collect();
    insta::assert_snapshot!("strength", format!("{markdown}\n{}\n", lines.join("\n")));
    // Nothing was caught and nothing counts: no claim.
    let nothing = Strength { faults: Vec::new(), ..report.strength };
    assert_eq!((nothing.caught(), nothing.counted()), (0, 0));
    assert_ne!(render_strength_summary(&nothing)[0].verdict, Some(Verdict::Held));
}

#[test]
fn an_interrupted_run_says_so() {
    let mut report = build::report(vec![datahub::mended()]);
    report.incomplete = Some("interrupted after 31 of 120 cases".into());
    report.verdict = Verdict::Inconclusive;
    assert!(
        render_markdown(&report.scenarios[0], &report).contains("**Incomplete run:** interrupted after 31")
    );
    assert!(render_index(&report).contains("**Incomplete run:** interrupted after 31"));
    assert!(render_summary(&report, 80).iter().any(|line| line.text.contains("interrupted after 31")));
}

#[test]
fn a_report_of_nothing_claims_nothing() {
    let mut scenario = kinds::vectors();
    scenario.checks.clear();
    scenario.evidence = Evidence::default();
    scenario.verdict = Verdict::Inconclusive;
    let markdown = rendered(scenario);
    assert_well_formed(&markdown);
    assert!(!markdown.contains("✅"), "{markdown}");
    assert!(!markdown.contains("accepts this report"));
}

/// What holds for every document: tables keep their shape, nothing is invisible, no section is empty, every
/// fence and fold is closed, and every link to an issue has its target.
fn assert_well_formed(markdown: &str) {
    let mut fence: Option<String> = None;
    let mut columns: Option<usize> = None;
    let mut folds = 0;
    let mut previous_heading: Option<(usize, String)> = None;
    for line in markdown.lines() {
        assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "control character in {line:?}");
        assert!(!line.contains(['\u{202e}', '\u{200b}']), "invisible character in {line:?}");
        if let Some(marks) = &fence {
            if line == marks {
                fence = None;
            }
            continue;
        }
        if line.starts_with("```") && !line.trim_start_matches('`').contains('`') {
            fence = Some(line.chars().take_while(|&c| c == '`').collect());
            previous_heading = None;
            continue;
        }
        assert_eq!(line, line.trim_end(), "space at the end of a line");
        if line.starts_with('|') {
            let borders = borders(line);
            assert_eq!(*columns.get_or_insert(borders), borders, "{line}");
        } else {
            columns = None;
        }
        folds += line.matches("<details>").count();
        folds -= line.matches("</details>").count();
        let level = line.chars().take_while(|&c| c == '#').count();
        if level > 0 && line[level..].starts_with(' ') {
            if let Some((previous, heading)) = &previous_heading {
                assert!(*previous < level, "nothing under {heading:?}");
            }
            previous_heading = Some((level, line.to_owned()));
        } else if !line.is_empty() {
            previous_heading = None;
        }
        assert_only_known_tags(line);
    }
    assert!(fence.is_none() && folds == 0, "an open fence or fold");
    assert!(previous_heading.is_none(), "nothing under {previous_heading:?}");
    for (_, rest) in markdown.match_indices("](#").map(|(at, m)| (at, &markdown[at + m.len()..])) {
        let target = rest.split(')').next().unwrap_or_default();
        assert!(markdown.contains(&format!("<a id=\"{target}\">")), "no target for #{target}");
    }
}

/// HTML outside code comes from the templates alone.
fn assert_only_known_tags(line: &str) {
    // Between HTML tags Markdown is not read: there is no code to be in.
    let raw = line.starts_with("<details>");
    let (mut rest, mut in_code) = (line, None);
    while let Some(at) = rest.find(['\\', '`', '<']) {
        let here = &rest[at..];
        let ticks = if raw { 0 } else { here.chars().take_while(|&c| c == '`').count() };
        let taken = match (ticks, in_code) {
            (0, Some(_)) => 1,
            (0, None) if here.starts_with('\\') && !raw => here.chars().take(2).map(char::len_utf8).sum(),
            (0, None) if here.starts_with('<') => {
                let known = [
                    "<!-- -->",
                    "<br>",
                    "<a id=",
                    "</a>",
                    "<details>",
                    "</details>",
                    "<summary>",
                    "</summary>",
                    "<code>",
                    "</code>",
                ];
                assert!(known.iter().any(|tag| here.starts_with(tag)), "a tag of its own in {line}");
                1
            }
            (0, None) => 1,
            (n, None) => {
                in_code = Some(n);
                n
            }
            (n, Some(open)) => {
                if n == open {
                    in_code = None;
                }
                n
            }
        };
        rest = &here[taken..];
    }
    assert!(in_code.is_none(), "open code in {line}");
}

/// Cells as GitHub's table parser cuts them: a backslash protects the mark that follows it.
fn borders(row: &str) -> usize {
    let (mut borders, mut escaped) = (0, false);
    for c in row.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '|' => borders += 1,
            _ => {}
        }
    }
    borders
}
