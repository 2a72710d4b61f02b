//! The formats for machines and browsers: their structure, and that data never becomes markup.

use proptest::prelude::*;
use quick_junit::{NonSuccessKind, TestCaseStatus};
use rstest::rstest;
use serde_json::Value;
use watertight_reports::*;

use crate::github::hostile;
use crate::support::{build, datahub, kinds, nasty};

/// Tags that a page may have.
const TAGS: &[&str] = &[
    "html", "head", "meta", "title", "style", "body", "div", "nav", "span", "a", "main", "h1", "h2", "h3",
    "h4", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "table", "thead", "tbody", "tr", "th", "td",
    "details", "summary", "br", "input", "hr",
];

/// Attributes that they may have.
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "name",
    "content",
    "http-equiv",
    "class",
    "id",
    "href",
    "style",
    "type",
    "checked",
    "disabled",
    "start",
];

fn pages(report: &Report) -> Vec<String> {
    let scenarios = report.scenarios.iter().map(|scenario| render_html(scenario, report));
    scenarios.chain([render_html_index(report)]).collect()
}

/// Every tag of a page is one that the renderer makes, and nothing in it runs or leaves the page.
fn assert_harmless(page: &str) {
    let page = page.split("</style>").collect::<Vec<_>>().join(""); // the renderer's own
    let (_, body) = page.split_once("<body").expect("a page has a body");
    for tag in body.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { panic!("a tag does not end: {tag}") };
        if tag.starts_with("!-- ") {
            continue;
        }
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(TAGS.contains(&name.as_str()), "<{tag}>");
        let quoted: Vec<&str> = tag.split('"').collect();
        for before in quoted.iter().step_by(2) {
            let attribute = before.trim().trim_end_matches('=').rsplit(' ').next().unwrap_or_default();
            let known = attribute.trim_start_matches('/') == name || ATTRIBUTES.contains(&attribute);
            assert!(known || attribute.is_empty() || attribute == "/", "<{tag}>: {attribute}");
        }
        if let Some((_, href)) = tag.split_once("href=\"") {
            assert!(!href.contains(':') && !href.starts_with("//"), "<{tag}>");
        }
    }
}

#[test]
fn a_page_shows_what_the_document_says() {
    let report = build::report(vec![datahub::documented(), kinds::backfill()]);
    let pages = pages(&report);
    for page in &pages {
        assert_harmless(page);
    }
    // The banner's colour, the way to a section, an issue's anchor, a table, the way back to the index.
    for expected in [
        "<body class=\"violated\">",
        "<a href=\"#section-1\">Executive summary</a>",
        "<a id=\"c1\"></a>",
        "<a href=\"#c1\">C1</a>",
        "<div class=\"table\"><table>",
        "<a href=\"report.html\">All scenarios</a>",
        "<details><summary>",
    ] {
        assert!(pages[0].contains(expected), "{expected}");
    }
    let index = pages.last().expect("there is an index");
    assert!(
        index.contains("<a href=\"org-backfill.html\">") && index.contains("<a href=\"datahub.html#c1\">")
    );
    assert_eq!(html_file_name(&report.scenarios[1]), "org-backfill.html");
}

#[test]
fn what_looks_like_markup_in_data_is_text_on_a_page() {
    let report = build::report(vec![nasty::scenario()]);
    for page in pages(&report) {
        assert_harmless(&page);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_becomes_markup(text in hostile()) {
        for page in pages(&build::report(vec![nasty::scenario_of(&text)])) {
            assert_harmless(&page);
        }
    }
}

#[test]
fn junit_tells_a_failure_from_an_error_and_only_held_is_a_success() {
    let mut report = build::report(vec![datahub::documented(), datahub::inconclusive()]);
    report.incomplete = Some("interrupted".to_owned());
    let xml = render_junit(&report).expect("it can be written");
    let read = quick_junit::Report::deserialize_from_str(&xml).expect("it can be read");
    assert_eq!(read.test_suites.len(), 3);
    for (suite, scenario) in read.test_suites.iter().zip(&report.scenarios) {
        assert_eq!(suite.test_cases.len(), scenario.checks.len());
        for (case, check) in suite.test_cases.iter().zip(&scenario.checks) {
            assert_eq!(case.name.as_str(), check.invariant);
            let verdict = match &case.status {
                TestCaseStatus::Success { .. } => Verdict::Held,
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => Verdict::Violated,
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => Verdict::Inconclusive,
                TestCaseStatus::Skipped { .. } => Verdict::NotApplicable,
            };
            assert_eq!(verdict, check.outcome.verdict(), "{}", check.invariant);
        }
    }
    // A run that ended early fails, whatever its checks say.
    assert_eq!(read.test_suites[2].errors, 1);
}

#[test]
fn junit_is_xml_whatever_the_data_is() {
    let xml = render_junit(&build::report(vec![nasty::scenario()])).expect("it can be written");
    quick_junit::Report::deserialize_from_str(&xml).expect("it can be read");
    assert!(!xml.contains("<script>") && !xml.contains('\u{1b}') && !xml.contains('\u{202e}'));
}

fn sarif(report: &Report) -> Value {
    serde_json::from_str(&render_sarif(report)).expect("it is JSON")
}

#[test]
fn sarif_has_a_result_for_each_finding_and_no_silence_for_doubts() {
    let report = build::report(vec![datahub::documented(), datahub::inconclusive()]);
    let log = sarif(&report);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let checks = || report.scenarios.iter().flat_map(|s| &s.checks);
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), checks().flat_map(|c| c.outcome.findings()).count());
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().expect("an index") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(result["partialFingerprints"]["watertightFinding/v1"].is_string());
        for location in result["locations"].as_array().expect("locations") {
            let place = &location["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().expect("a place has a file");
            assert!(!uri.is_empty() && !uri.contains([' ', ':']), "{uri}");
            assert!(place["region"].is_null() || place["region"]["startLine"].as_u64() > Some(0));
        }
    }
    let doubts = checks().filter(|c| c.outcome.verdict() == Verdict::Inconclusive).count();
    let told = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications");
    assert_eq!(told.len(), doubts);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[rstest]
#[case(None, true)]
#[case(Some("the server was lost"), false)]
fn an_incomplete_run_is_no_successful_execution(#[case] incomplete: Option<&str>, #[case] successful: bool) {
    let report =
        Report { incomplete: incomplete.map(str::to_owned), ..build::report(vec![nasty::scenario()]) };
    assert_eq!(sarif(&report)["runs"][0]["invocations"][0]["executionSuccessful"], successful);
}

#[test]
fn a_defect_of_the_server_is_told_as_the_servers() {
    let mut report = build::report(vec![datahub::documented()]);
    assert!(!render_index(&report).contains("**Engine:**"));
    report.server.engine_defects.push(EngineDefect {
        id: "CVE-2024-10976".into(),
        what: "policies of another role apply".into(),
        mended_in: "17.1".into(),
    });
    for page in [render_index(&report), render_markdown(&report.scenarios[0], &report)] {
        assert!(
            page.contains("CVE-2024-10976, mended in PostgreSQL 17.1: policies of another role"),
            "{page}"
        );
    }
}
