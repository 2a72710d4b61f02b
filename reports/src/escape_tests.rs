use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// Text that likes to break things.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "|",
            "\\",
            "`",
            "``",
            "```\n",
            "\n",
            "\r\n",
            "<script>",
            "</details>",
            "[a](b)",
            "\u{1b}[31m",
            "\u{202e}",
            "\u{200b}",
            "::error::",
            "##[error]",
            "@team",
            "https://x.y",
            "www.x.y",
            "# ",
            "- ",
            "1. ",
            "---",
            "&lt;",
            "_a_",
            "**",
            "~~",
            "$x$",
            " ",
            "\t",
            "\0",
            "a",
            "é",
            "表",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn assert_visible(out: &str) {
    for c in out.chars() {
        assert!(!c.is_control() && !is_invisible(c), "{:?} in {out:?}", c);
    }
}

/// Cells of a row as GitHub's table parser cuts them: a backslash protects the next punctuation mark.
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_line_sinks_are_visible_and_keep_the_row_s_shape(a in hostile(), b in hostile()) {
        for (left, right) in [(text(&a), code(&b)), (prose(&a), prose(&b)), (code(&a), text(&b))] {
            assert_visible(&left);
            assert_visible(&right);
            prop_assert_eq!(borders(&format!("| {left} | {right} |")), 3);
        }
    }

    #[test]
    fn text_lets_no_html_through(a in hostile()) {
        let out = text(&a).replace("<!-- -->", "");
        prop_assert!(!out.replace("\\<", "").contains('<'), "{}", out);
    }

    #[test]
    fn html_has_no_tag_of_its_own(a in hostile()) {
        let out = html(&a).replace("<!-- -->", "");
        assert_visible(&out);
        prop_assert!(!out.contains(['<', '>']), "{}", out);
    }

    #[test]
    fn nothing_closes_a_fence(a in hostile()) {
        let out = fence(&a, "sql");
        let marks: String = out.chars().take_while(|&c| c == '`').collect();
        let inner = &out[marks.len()..out.len() - marks.len()];
        prop_assert!(!inner.contains(&marks));
        for line in out.lines() {
            assert_visible(&line.replace('\t', ""));
        }
    }

    #[test]
    fn inline_code_is_one_span(a in hostile()) {
        let out = code(&a);
        if out.starts_with('`') {
            let marks: String = out.chars().take_while(|&c| c == '`').collect();
            let inner = &out[marks.len()..out.len() - marks.len()];
            prop_assert!(inner.split(|c| c != '`').all(|run| run.len() < marks.len()));
        } else {
            prop_assert!(out == "*empty*" || (out.starts_with("<code>") && out.replace("<!-- -->", "").matches('<').count() == 2));
        }
    }

    #[test]
    fn a_terminal_line_is_no_workflow_command(a in hostile()) {
        let out = terminal(&a);
        assert_visible(&out);
        prop_assert!(!out.trim_start().starts_with("::") && !out.contains("##["));
    }

    #[test]
    fn a_link_target_has_plain_characters_only(a in hostile()) {
        prop_assert!(link_target(&a).chars().all(|c| c.is_ascii_alphanumeric() || "-_./%".contains(c)));
    }

    #[test]
    fn nothing_panics_on_short_limits(a in hostile(), n in 0usize..20) {
        shorten(&a, n);
        shell_word(&a);
    }
}

#[rstest]
#[case("customer_id", "customer_id")]
#[case("_x_", "\\_x\\_")]
#[case("a|b\\|c", "a\\|b\\\\\\|c")]
#[case("<b>&amp;", "\\<b\\>\\&amp;")]
#[case("two\nlines", "two lines")]
#[case("see @team", "see @<!-- -->team")]
#[case("http://x", "http:<!-- -->//x")]
#[case("# no heading", "\\# no heading")]
#[case("- no list", "\\- no list")]
#[case("-5", "-5")]
#[case("fixes #12", "fixes #<!-- -->12")]
#[case("1. no list", "1\\. no list")]
#[case("3.5 rows", "3.5 rows")]
#[case("\u{1b}[31mred", "␛\\[31mred")]
#[case("a\u{202e}b", "a\\\\u{202e}b")]
fn as_text(#[case] raw: &str, #[case] expected: &str) {
    assert_eq!(text(raw), expected);
}

#[rstest]
#[case("x", "`x`")]
#[case("a`b", "``a`b``")]
#[case("`", "`` ` ``")]
#[case(" a ", "`  a  `")]
#[case("", "*empty*")]
#[case("a|b`", "<code>a&#124;b&#96;</code>")]
#[case("a\u{202e}\n", "`a\\u{202e}␊`")]
fn as_code(#[case] raw: &str, #[case] expected: &str) {
    assert_eq!(code(raw), expected);
}

#[rstest]
#[case("the column `a_b` is null", "the column `a_b` is null")]
#[case("`a` 3. and", "`a` 3. and")]
#[case("one ` alone", "one \\` alone")]
#[case("`a|b`.", "<code>a&#124;b</code>.")]
#[case("a\n`b`", "a `b`")]
fn as_prose(#[case] raw: &str, #[case] expected: &str) {
    assert_eq!(prose(raw), expected);
}

#[rstest]
#[case("a.sql", "a.sql")]
#[case("a b.sql", "'a b.sql'")]
#[case("a'b", "'a'\\''b'")]
#[case("$(x)", "'$(x)'")]
fn as_shell_word(#[case] raw: &str, #[case] expected: &str) {
    assert_eq!(shell_word(raw), expected);
}
