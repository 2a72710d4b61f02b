//! What the schema says: tables, before and after, data sets, indexes.

use serde::Serialize;

use super::engine::Section;
use super::subject::Subject;
use crate::model::{DroppedColumn, Fact, IndexReport, PresetReport, StateChange, TableReport, Verdict};
use crate::units::{number, percent};
use crate::words;

/// Tables above this number are folded when there is nothing wrong with them.
const TABLES_OPEN_MAX: usize = 8;

/// Changes between before and after above which the others are folded.
const CHANGES_OPEN_MAX: usize = 16;

#[derive(Serialize)]
struct FactLine<'a> {
    mark: &'static str,
    text: &'a str,
}

fn fact_lines(facts: &[Fact]) -> Vec<FactLine<'_>> {
    let mark = |ok| match ok {
        Some(true) => "✅",
        Some(false) => "❌",
        None => "ℹ️",
    };
    facts.iter().map(|fact| FactLine { mark: mark(fact.ok), text: &fact.text }).collect()
}

pub(super) fn tables(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Table<'a> {
        name: String,
        tenant_column: &'a Option<String>,
        rows: u64,
        before: String,
        after: String,
        verdict: String,
        labels: Vec<String>,
        facts: Vec<FactLine<'a>>,
        folded: bool,
    }
    #[derive(Serialize)]
    struct Tables<'a> {
        tables: Vec<Table<'a>>,
    }
    let many = subject.scenario.tables.len() > TABLES_OPEN_MAX;
    let tables: Vec<Table<'_>> = subject
        .scenario
        .tables
        .iter()
        .map(|table| {
            let with_tenant =
                |rows: u64| if table.tenant_column.is_some() { number(rows) } else { "–".to_owned() };
            Table {
                name: full_name(&table.database, &table.name),
                tenant_column: &table.tenant_column,
                rows: table.rows,
                before: with_tenant(table.rows_without_tenant_before),
                after: match table.rows_without_tenant_refused {
                    0 => with_tenant(table.rows_without_tenant),
                    n => format!("{}, and {} refused", number(table.rows_without_tenant), number(n)),
                },
                verdict: table.status.marked(),
                labels: labels_of_table(subject, table),
                facts: fact_lines(&table.facts),
                folded: many && table.status != Verdict::Violated,
            }
        })
        .collect();
    (!tables.is_empty()).then(|| Section::new(include_str!("../../templates/tables.md"), Tables { tables }))
}

fn labels_of_table(subject: &Subject<'_>, table: &TableReport) -> Vec<String> {
    subject.labels(|issue| issue.finding.tables.contains(&table.name))
}

fn full_name(database: &Option<String>, name: &str) -> String {
    match database {
        Some(database) => format!("{database}: {name}"),
        None => name.to_owned(),
    }
}

/// Before and after: what the scenario's catalogs said, and the rows without a tenant.
pub(super) fn state(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Change<'a> {
        subject: &'a str,
        before: &'a Option<String>,
        after: &'a Option<String>,
        mark: &'static str,
    }
    #[derive(Serialize)]
    struct State<'a> {
        /// Those that are open, and those that are folded.
        parts: Vec<Vec<Change<'a>>>,
    }
    let mark = |change: &StateChange| match change.ok {
        Some(true) => "✅",
        Some(false) => "❌",
        None => "ℹ️",
    };
    let mut changes: Vec<Change<'_>> = subject
        .scenario
        .evidence
        .state
        .iter()
        .map(|change| Change {
            subject: &change.subject,
            before: &change.before,
            after: &change.after,
            mark: mark(change),
        })
        .collect();
    let open = if changes.len() > CHANGES_OPEN_MAX + 2 { CHANGES_OPEN_MAX } else { changes.len() };
    let folded = changes.split_off(open);
    let parts: Vec<_> = [changes, folded].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| Section::new(include_str!("../../templates/state.md"), State { parts }))
}

pub(super) fn presets(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Row<'a> {
        table: &'a str,
        rows: u64,
        share: String,
        mark: &'static str,
        through: String,
        ms: Option<f64>,
    }
    #[derive(Serialize)]
    struct Preset<'a> {
        title: &'a str,
        ms: f64,
        rows: u64,
        share: String,
        times: bool,
        tables: Vec<Row<'a>>,
        facts: Vec<FactLine<'a>>,
        dropped: Vec<String>,
    }
    #[derive(Serialize)]
    struct Presets<'a> {
        presets: Vec<Preset<'a>>,
    }
    let share =
        |with: Option<u64>, rows: u64| with.map_or_else(|| "–".to_owned(), |with| percent(with, rows));
    let presets: Vec<Preset<'_>> = subject
        .scenario
        .evidence
        .presets
        .iter()
        .map(|preset: &PresetReport| {
            let tenanted =
                preset.tables.iter().filter_map(|table| table.with_tenant.map(|with| (with, table.rows)));
            let (with, of) = tenanted.fold((0, 0), |(w, o), (with, rows)| (w + with, o + rows));
            Preset {
                title: &preset.title,
                ms: preset.ms,
                rows: preset.tables.iter().map(|table| table.rows).sum(),
                share: share((of > 0).then_some(with), of),
                tables: preset
                    .tables
                    .iter()
                    .map(|table| Row {
                        table: &table.table,
                        rows: table.rows,
                        share: share(table.with_tenant, table.rows),
                        mark: match table.with_tenant {
                            None => "ℹ️",
                            Some(with) if with == table.rows => "✅",
                            Some(_) => "❌",
                        },
                        through: words::list(&table.through),
                        ms: table.ms,
                    })
                    .collect(),
                times: preset.tables.iter().any(|table| table.ms.is_some()),
                facts: fact_lines(&preset.facts),
                dropped: preset.dropped.iter().map(DroppedColumn::sentence).collect(),
            }
        })
        .collect();
    (!presets.is_empty())
        .then(|| Section::new(include_str!("../../templates/presets.md"), Presets { presets }))
}

pub(super) fn indexes(subject: &Subject<'_>) -> Option<Section> {
    #[derive(Serialize)]
    struct Index<'a> {
        name: &'a str,
        table: String,
        method: &'a str,
        definition: &'a str,
        valid: &'static str,
        rows_when_built: String,
        plans: String,
        recall: String,
    }
    #[derive(Serialize)]
    struct Indexes<'a> {
        indexes: Vec<Index<'a>>,
        verdicts: Vec<String>,
    }
    let index = |index: &IndexReport| -> (String, String, String) {
        let built = match index.rows_when_built {
            Some(0) => "⚠️ 0".to_owned(),
            Some(rows) => number(rows),
            None => "–".to_owned(),
        };
        let plans = match index.plans {
            Some(plans) if plans.used == 0 => format!("❌ 0 of {}", number(plans.asked)),
            Some(plans) => format!("✅ {} of {}", number(plans.used), number(plans.asked)),
            None => "not exercised".to_owned(),
        };
        let recall = index.recall.map_or_else(
            || "–".to_owned(),
            |recall| {
                let mark = match recall.floor {
                    Some(floor) if recall.lowest < floor => "❌ ",
                    Some(_) => "✅ ",
                    None => "",
                };
                let floor = recall.floor.map_or(String::new(), |floor| format!(", floor {floor:.2}"));
                format!("{mark}{:.2} over {} tenants{floor}", recall.lowest, number(recall.tenants))
            },
        );
        (built, plans, recall)
    };
    let indexes: Vec<Index<'_>> = subject
        .scenario
        .evidence
        .indexes
        .iter()
        .map(|report| {
            let (rows_when_built, plans, recall) = index(report);
            Index {
                name: &report.name,
                table: full_name(&report.database, &report.table),
                method: &report.method,
                definition: &report.definition,
                valid: if report.valid { "✅ valid" } else { "❌ invalid" },
                rows_when_built,
                plans,
                recall,
            }
        })
        .collect();
    let verdicts = subject
        .applicable()
        .filter(|check| check.invariant.starts_with("vector-"))
        .map(|check| format!("`{}`: {}", check.invariant, check.outcome.sentence()))
        .collect();
    (!indexes.is_empty())
        .then(|| Section::new(include_str!("../../templates/indexes.md"), Indexes { indexes, verdicts }))
}
