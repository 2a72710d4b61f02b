//! The table of the benches says what was measured, and leaves the page around it alone.

use watertight_tests::figures::{BEGINS, ENDS, Figure, Target, number, put_into, table};

fn figure(name: &str, value: f64, anchor: f64, target: Target) -> Figure {
    let (against, of) = ("a | b".to_owned(), "some rows".to_owned());
    Figure { name: name.to_owned(), value, unit: "rows/s", against, anchor, target, of }
}

#[test]
fn a_target_is_met_or_missed_by_what_it_is_about() {
    let met = |target| figure("f", 300.0, 100.0, target).met();
    assert_eq!(met(Target::RatioAtLeast(3.0)), Some(true));
    assert_eq!(met(Target::RatioAtLeast(3.01)), Some(false));
    assert_eq!(met(Target::RatioAtMost(2.9)), Some(false));
    assert_eq!(met(Target::ValueAtLeast(299.0)), Some(true));
    assert_eq!(met(Target::ValueAtMost(299.0)), Some(false));
    assert_eq!(met(Target::None), None);
    // What could not be measured is no pass.
    let nothing = figure("f", f64::NAN, 100.0, Target::ValueAtMost(1.0));
    assert_eq!((nothing.met(), number(nothing.value)), (Some(false), "?".to_owned()));
}

#[test]
fn numbers_have_the_digits_that_were_measured() {
    let cases = [
        (0.0, "0"),
        (0.456, "0.46"),
        (1.1, "1.1"),
        (9.996, "10"),
        (42.13, "42.1"),
        (99.96, "100"),
        (999.6, "1,000"),
        (1234.4, "1,234"),
        (234_567.0, "234,600"),
        (-1234.0, "-1,234"),
        (9_999_999.0, "10,000,000"),
    ];
    for (value, shown) in cases {
        assert_eq!(number(value), shown);
    }
}

#[test]
fn the_table_has_a_row_a_figure_and_nothing_breaks_it() {
    let figures = [
        figure("bulk/load", 400_000.0, 1_000_000.0, Target::RatioAtLeast(0.8)),
        figure("bulk/read", 5.0, 2.0, Target::None),
    ];
    let shown = table(&figures, &vec![("machine", "two cores\nand a half".to_owned())]);
    let expected = "- machine: two cores and a half

| figure | value | anchor | ratio | target | | measured on |
|---|--:|--:|--:|--:|---|---|
| bulk/load | 400,000 rows/s | 1,000,000 rows/s: a \\| b | 0.4× | ≥ 0.8× | missed | some rows |
| bulk/read | 5 rows/s | 2 rows/s: a \\| b | 2.5× | – | – | some rows |
";
    assert_eq!(shown, expected);
    let line = figures[0].to_string();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["bulk/load", "400,000", "rows/s", "1,000,000", "0.4×", "≥", "0.8×", "missed"]);
}

#[test]
fn only_what_is_between_the_markers_is_written() {
    let page = format!("# Before\n\n{BEGINS}\nold\n{ENDS}\n\nafter {BEGINS}\n");
    let once = put_into(&page, "new\n").unwrap();
    assert_eq!(once, format!("# Before\n\n{BEGINS}\n\nnew\n\n{ENDS}\n\nafter {BEGINS}\n"));
    assert_eq!(put_into(&once, "new\n").unwrap(), once);
    for broken in ["", BEGINS, &format!("{ENDS}{BEGINS}")] {
        assert!(put_into(broken, "new").unwrap_err().contains(BEGINS));
    }
}

#[test]
fn the_page_has_the_markers() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../BENCHMARKS.md");
    put_into(&std::fs::read_to_string(page).unwrap(), "new").unwrap();
}
