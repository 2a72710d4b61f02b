//! A score as a Markdown table: for a terminal, and for a README.

use std::collections::BTreeMap;

use super::{FaultScore, Score, Smallest};

/// The whole score, in lines.
pub fn render(score: &Score) -> Vec<String> {
    let mut lines = vec![
        headline(score),
        String::new(),
        "| fault | category | reached | triggered | detected | cases to first failure (median, p95) | shrunk \
         | known smallest | seconds |"
            .to_owned(),
        "|---|---|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(score.faults.iter().map(|fault| fault_line(fault, score.seeds)));
    lines.extend(tables(score));
    lines
}

/// The score without a line for each fault.
fn summary(score: &Score) -> Vec<String> {
    std::iter::once(headline(score)).chain(tables(score)).collect()
}

fn headline(score: &Score) -> String {
    let detected = score.faults.iter().filter(|f| f.detected == score.seeds).count();
    let mut firsts: Vec<u32> = score.faults.iter().flat_map(|f| &f.firsts).copied().collect();
    firsts.sort_unstable();
    let told =
        |percent| super::percentile(&firsts, percent).map_or_else(|| "–".to_owned(), |n| n.to_string());
    let runs: u32 = score.sound.iter().map(|s| s.runs).sum();
    let cases: u64 = score.sound.iter().map(|s| s.cases).sum();
    let alarms: u32 = score.sound.iter().flat_map(|s| s.alarms.values()).sum();
    format!(
        "{} seeds, up to {} cases each: {detected} of {} faults detected in every seed, cases to the first failure {} \
         (median), {} (95th percentile); {runs} runs of {cases} cases over what is sound, {alarms} false alarms.",
        score.seeds,
        score.cases,
        score.faults.len(),
        told(50),
        told(95),
    )
}

fn tables(score: &Score) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        "| category | faults | detected in every seed | cases to first failure (median of medians) |"
            .to_owned(),
        "|---|--:|--:|--:|".to_owned(),
    ];
    lines.extend(categories(score));
    lines.extend([
        String::new(),
        "| sound scenario | runs | cases | false alarms | seconds |".to_owned(),
        "|---|--:|--:|---|--:|".to_owned(),
    ]);
    for sound in &score.sound {
        let alarms: Vec<String> = sound.alarms.iter().map(|(id, runs)| format!("{id} ({runs})")).collect();
        let alarms = if alarms.is_empty() { "none".to_owned() } else { alarms.join(", ") };
        lines.push(format!(
            "| {} | {} | {} | {alarms} | {:.1} |",
            sound.id, sound.runs, sound.cases, sound.seconds
        ));
    }
    lines
}

/// What a score stands between in a text that is not its alone: the whole of it, and its summary.
const MARKS: [(&str, &str); 2] =
    [("<!-- score -->", "<!-- /score -->"), ("<!-- score summary -->", "<!-- /score summary -->")];

/// A text with the score between its marks, as far as it has them.
///
/// # Errors
/// When the text has no pair of marks, one after the other, in a sentence.
pub fn insert(text: &str, score: &Score) -> Result<String, String> {
    insert_lines(text, &[render(score), summary(score)])
}

fn insert_lines(text: &str, lines: &[Vec<String>; 2]) -> Result<String, String> {
    let mut written = text.to_owned();
    let mut found = false;
    for ((open, close), lines) in MARKS.iter().zip(lines) {
        let Some((before, rest)) = written.split_once(open) else { continue };
        let Some((_, after)) = rest.split_once(close) else { continue };
        written = format!("{before}{open}\n\n{}\n\n{close}{after}", lines.join("\n"));
        found = true;
    }
    let [(open, close), _] = MARKS;
    if found {
        Ok(written)
    } else {
        Err(format!("there is no `{open}` with a `{close}` behind it to write between"))
    }
}

fn fault_line(fault: &FaultScore, seeds: u32) -> String {
    let cases = match (fault.cases_median, fault.cases_p95) {
        (Some(median), Some(p95)) => format!("{median}, {p95}"),
        _ => "–".to_owned(),
    };
    let unexpected = match fault.unexpected.is_empty() {
        true => String::new(),
        false => format!(
            " (also fired: {})",
            fault.unexpected.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
    };
    format!(
        "| {} | {} | {}/{seeds} | {}/{seeds} | {}/{seeds}{unexpected} | {cases} | {} | {} | {:.1} |",
        fault.id,
        fault.category,
        fault.reached,
        fault.triggered,
        fault.detected,
        size(fault.shrunk),
        size(fault.smallest),
        fault.seconds
    )
}

fn size(of: Option<Smallest>) -> String {
    of.map_or_else(|| "–".to_owned(), |s| format!("{} worlds, {} rows", s.worlds, s.rows))
}

fn categories(score: &Score) -> Vec<String> {
    let mut by: BTreeMap<&str, Vec<&FaultScore>> = BTreeMap::new();
    for fault in &score.faults {
        by.entry(&fault.category).or_default().push(fault);
    }
    by.into_iter()
        .map(|(category, faults)| {
            let detected = faults.iter().filter(|f| f.detected == score.seeds).count();
            let mut medians: Vec<u32> = faults.iter().filter_map(|f| f.cases_median).collect();
            medians.sort_unstable();
            let median = super::percentile(&medians, 50).map_or_else(|| "–".to_owned(), |m| m.to_string());
            format!("| {category} | {} | {detected} | {median} |", faults.len())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::score::SoundScore;

    #[test]
    fn a_score_is_written_between_its_marks() {
        let lines = [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        let text = "# X\n<!-- score -->\nold\n<!-- /score -->\nrest\n";
        let once = insert_lines(text, &lines).unwrap();
        assert_eq!(once, "# X\n<!-- score -->\n\na\nb\n\n<!-- /score -->\nrest\n");
        assert_eq!(insert_lines(&once, &lines).unwrap(), once);
        let brief = insert_lines("<!-- score summary --><!-- /score summary -->", &lines).unwrap();
        assert_eq!(brief, "<!-- score summary -->\n\nc\n\n<!-- /score summary -->");
        let reversed = insert_lines("<!-- /score --> <!-- score -->", &lines);
        assert!(reversed.unwrap_err().contains("<!-- /score -->"));
    }

    #[test]
    fn a_score_is_a_table() {
        let fault = |id: &str, detected: u32| FaultScore {
            id: id.to_owned(),
            category: "Backfill".to_owned(),
            reached: 2,
            triggered: 2,
            detected,
            unexpected: BTreeSet::new(),
            cases_median: (detected > 0).then_some(3),
            cases_p95: (detected > 0).then_some(5),
            firsts: vec![3; detected as usize],
            shrunk: (detected > 0).then_some(Smallest { worlds: 1, rows: 2 }),
            smallest: Some(Smallest { worlds: 1, rows: 2 }),
            seconds: 0.5,
        };
        let sound = SoundScore {
            id: "items".to_owned(),
            runs: 2,
            cases: 48,
            alarms: [("rls-read".to_owned(), 1)].into(),
            seconds: 1.0,
        };
        let score =
            Score { seeds: 2, cases: 64, faults: vec![fault("a", 2), fault("b", 0)], sound: vec![sound] };
        assert!(!score.is_perfect());
        let text = render(&score).join("\n");
        for line in [
            "| a | Backfill | 2/2 | 2/2 | 2/2 | 3, 5 | 1 worlds, 2 rows | 1 worlds, 2 rows | 0.5 |",
            "| b | Backfill | 2/2 | 2/2 | 0/2 | – | – | 1 worlds, 2 rows | 0.5 |",
            "| Backfill | 2 | 1 | 3 |",
            "| items | 2 | 48 | rls-read (1) | 1.0 |",
            "1 of 2 faults detected in every seed, cases to the first failure 3 (median), 3 (95th percentile)",
            "2 runs of 48 cases over what is sound, 1 false alarms",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
