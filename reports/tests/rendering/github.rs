//! What a reader of GitHub-flavoured Markdown makes of escaped text: the text, and nothing else.

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use proptest::prelude::*;
use watertight_reports::escape;

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.math_dollars = true;
    options.extension.alerts = true;
    options
}

/// Text that likes to become markup.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec![
        "|",
        "\\",
        "`",
        "``",
        "<b>",
        "</td>",
        "[a](b)",
        "![i](x)",
        "@team",
        "a@b.example",
        "https://x.example",
        "www.x.example",
        "#",
        "# ",
        "- ",
        "+ ",
        "* ",
        "1. ",
        "1) ",
        "---",
        "===",
        "> ",
        "&lt;",
        "&#124;",
        "_a_",
        "__",
        "**",
        "*",
        "~~",
        "~",
        "$x$",
        "$",
        "[^1]",
        "[ ] ",
        ": ",
        "{",
        "}",
        "a",
        "b c",
        "é",
        "表",
        "1",
        "\n",
        "_",
        "!",
    ]);
    prop::collection::vec(mark, 1..10).prop_map(|marks| marks.concat())
}

/// The text of a node, and what else is in it.
fn read<'a>(node: &'a AstNode<'a>, text: &mut String, markup: &mut Vec<String>) {
    match &node.data().value {
        NodeValue::Text(content) => text.push_str(content),
        NodeValue::Code(code) => text.push_str(&code.literal),
        NodeValue::HtmlInline(html) if html == "<!-- -->" => {}
        NodeValue::HtmlInline(html) if html == "<code>" || html == "</code>" => {}
        NodeValue::Document | NodeValue::Paragraph | NodeValue::TableCell => {}
        other => markup.push(format!("{other:?}")),
    }
    for child in node.children() {
        read(child, text, markup);
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// HTML and Markdown readers do not keep runs of spaces apart.
fn spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cells(row: &str) -> Result<Vec<String>, TestCaseError> {
    let arena = Arena::new();
    let columns = "|---".repeat(3);
    let root = parse_document(&arena, &format!("| a | b | c |\n{columns}|\n{row}\n"), &options());
    let rows: Vec<_> =
        root.descendants().filter(|node| matches!(node.data().value, NodeValue::TableRow(false))).collect();
    prop_assert_eq!(rows.len(), 1, "rows of {}", row);
    let mut cells = Vec::new();
    for cell in rows[0].children() {
        let (mut text, mut markup) = (String::new(), Vec::new());
        read(cell, &mut text, &mut markup);
        prop_assert!(markup.is_empty(), "{:?} in {}", markup, row);
        cells.push(text);
    }
    Ok(cells)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_paragraph_of_text_reads_as_the_text(raw in hostile()) {
        let arena = Arena::new();
        let markdown = escape::text(&raw);
        let root = parse_document(&arena, &markdown, &options());
        let (mut text, mut markup) = (String::new(), Vec::new());
        read(root, &mut text, &mut markup);
        prop_assert!(markup.is_empty(), "{:?} in {}", markup, markdown);
        prop_assert_eq!(spaces(&text), spaces(&one_line(&raw)), "{}", markdown);
    }

    #[test]
    fn a_row_has_its_cells_and_they_read_as_they_are(a in hostile(), b in hostile(), c in hostile()) {
        let row = format!("| {} | {} | {} |", escape::text(&a), escape::code(&b), escape::prose(&c));
        let cells = cells(&row)?;
        prop_assert_eq!(cells.len(), 3, "{}", row);
        prop_assert_eq!(spaces(&cells[0]), spaces(&one_line(&a)), "{}", row);
        prop_assert_eq!(&cells[1], &escape::visible(&b), "{}", row);
    }

    #[test]
    fn a_fence_holds_its_text(raw in hostile()) {
        let arena = Arena::new();
        let markdown = format!("before\n\n{}\n\nafter", escape::fence(&raw, "sql"));
        let root = parse_document(&arena, &markdown, &options());
        let blocks: Vec<_> = root.children().map(|node| node.data().value.clone()).collect();
        prop_assert_eq!(blocks.len(), 3, "{}", markdown);
        let NodeValue::CodeBlock(block) = &blocks[1] else { panic!("no code in {markdown}") };
        prop_assert_eq!(block.literal.trim_end_matches('\n'), raw.trim_end_matches('\n'));
    }
}
