//! SARIF 2.1.0: findings with their places, for code scanning. What could not be decided is a notification of the
//! run, not a result: a viewer that counts results must not take silence for a pass.

use serde::Serialize;

use crate::escape::visible_lines;
use crate::issues::{self, Issue};
use crate::model::{CheckOutcome, LargeReport, Report, Severity, Verdict};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: Tool,
    invocations: [Invocation; 1],
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    semantic_version: String,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
    properties: Properties,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "watertightFinding/v1")]
    finding: String,
}

#[derive(Serialize)]
struct Properties {
    scenario: String,
    severity: Severity,
    step: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

/// The run as SARIF, with a line end. Places are relative to the scenario's folder.
pub fn render_sarif(report: &Report) -> String {
    let mut rules: Vec<Rule> = Vec::new();
    let mut results = Vec::new();
    let mut notifications: Vec<Notification> = Vec::new();
    notifications.extend(report.incomplete.as_deref().map(|why| notification("error", why)));
    for scenario in &report.scenarios {
        for check in &scenario.checks {
            if !rules.iter().any(|rule| rule.id == check.invariant) {
                rules.push(Rule { id: check.invariant.clone(), short_description: message(&check.title) });
            }
            if let CheckOutcome::Inconclusive { reason } = &check.outcome {
                let text = format!("{}: {} could not be decided: {reason}", scenario.id, check.invariant);
                notifications.push(notification("warning", &text));
            }
        }
        // It is about all rows at once, and so at no place.
        for (verdict, line) in scenario.evidence.large.iter().flat_map(LargeReport::told) {
            let level = if verdict == Verdict::Violated { "error" } else { "warning" };
            notifications.push(notification(level, &format!("{}: {line}", scenario.id)));
        }
        for issue in issues::of(scenario) {
            let rule = rules.iter().position(|rule| rule.id == issue.check.invariant).unwrap_or(0);
            results.push(result(&issue, rule, &scenario.id));
        }
    }
    let Report { tool, incomplete, .. } = report;
    let driver = Driver { name: tool.name.clone(), semantic_version: tool.version.clone(), rules };
    let invocation = Invocation {
        execution_successful: incomplete.is_none(),
        tool_execution_notifications: notifications,
    };
    let run = Run { tool: Tool { driver }, invocations: [invocation], results };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    let mut text = serde_json::to_string_pretty(&log).expect("a log has string keys only");
    text.push('\n');
    text
}

fn message(text: &str) -> Message {
    Message { text: visible_lines(text) }
}

fn notification(level: &'static str, text: &str) -> Notification {
    Notification { level, message: message(text) }
}

fn result(issue: &Issue<'_>, rule_index: usize, scenario: &str) -> SarifResult {
    let finding = issue.finding;
    let text = format!("{}. {} {}", finding.title, finding.message, finding.remedy);
    SarifResult {
        rule_id: issue.check.invariant.clone(),
        rule_index,
        level: match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "note",
        },
        message: message(&text),
        locations: location(finding.file.as_deref(), finding.line).into_iter().collect(),
        partial_fingerprints: Fingerprints { finding: finding.id.clone() },
        properties: Properties {
            scenario: scenario.to_owned(),
            severity: finding.severity,
            step: finding.step.clone(),
        },
    }
}

/// A place; the file of an access path may carry its line behind a colon.
fn location(file: Option<&str>, line: Option<u32>) -> Option<Location> {
    let file = file?;
    let (path, line) = match (line, file.rsplit_once(':')) {
        (None, Some((path, digits))) => match digits.parse() {
            Ok(line) => (path, Some(line)),
            Err(_) => (file, None),
        },
        _ => (file, line),
    };
    // Lines count from one.
    let region = line.filter(|line| *line > 0).map(|start_line| Region { start_line });
    let artifact_location = Artifact { uri: crate::escape::link_target(path) };
    Some(Location { physical_location: PhysicalLocation { artifact_location, region } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_and_a_line_from_one() {
        let place = |file, line| {
            let location = location(Some(file), line).map(|l| l.physical_location);
            location.map(|l| (l.artifact_location.uri, l.region.map(|r| r.start_line)))
        };
        assert_eq!(place("src/a b.ts:88", None), Some(("src/a%20b.ts".to_owned(), Some(88))));
        assert_eq!(place("up.sql", Some(3)), Some(("up.sql".to_owned(), Some(3))));
        assert_eq!(place("up.sql", Some(0)), Some(("up.sql".to_owned(), None)));
        assert_eq!(place("c:route", None), Some(("c%3Aroute".to_owned(), None)));
    }
}
