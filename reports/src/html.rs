//! HTML: the same document as the Markdown, as one page that needs nothing else.
//!
//! The page is made from the Markdown renderer's output, so that both say the same. What data holds is escaped there
//! already; here everything that looks like markup and is not the renderers' own is shown as text once more.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use serde::Serialize;

use crate::markdown::{self, render_index, render_markdown};
use crate::model::{Report, ScenarioReport, Verdict};

/// Tags of the Markdown renderer itself, as it writes them.
const OWN_TAGS: [&str; 9] = [
    "<details>",
    "</details>",
    "<summary>",
    "</summary>",
    "<code>",
    "</code>",
    "<br>",
    "</a>",
    // Keeps a word from becoming a mention or a link.
    "<!-- -->",
];

/// The verification report of one scenario as a page.
pub fn render_html(scenario: &ScenarioReport, report: &Report) -> String {
    let index = (report.scenarios.len() > 1).then_some("report.html");
    page(&render_markdown(scenario, report), &scenario.title, scenario.verdict, index)
}

/// The report over all scenarios of a run as a page.
pub fn render_html_index(report: &Report) -> String {
    page(&render_index(report), "Verification of migrations", report.verdict, None)
}

/// Name of the file that a scenario's page is written to, beside the index: what the index links to.
pub fn html_file_name(scenario: &ScenarioReport) -> String {
    to_html(&markdown::file_name(scenario))
}

fn to_html(file: &str) -> String {
    file.strip_suffix(".md").map_or_else(|| file.to_owned(), |stem| format!("{stem}.html"))
}

#[derive(Serialize)]
struct Entry {
    id: String,
    title: String,
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    verdict: &'a str,
    index: Option<&'a str>,
    sections: Vec<Entry>,
    body: String,
}

fn page(document: &str, title: &str, verdict: Verdict, index: Option<&str>) -> String {
    let mut sections = Vec::new();
    let mut body = String::new();
    html::push_html(&mut body, events(document, &mut sections).into_iter());
    let page = Page { title, verdict: verdict.word(), index, sections, body };
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    engine
        .render_str(include_str!("../templates/page.html"), Serde(page))
        .expect("the template is part of this crate and reads only what the page gives it")
}

/// The document's events, with an anchor at each section, links to pages rather than files, and no markup but ours.
fn events<'a>(document: &'a str, sections: &mut Vec<Entry>) -> Vec<Event<'a>> {
    let parser = Parser::new_ext(document, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS);
    let mut events: Vec<Event<'a>> = Vec::new();
    let mut heading: Option<usize> = None;
    for event in parser {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H2, classes, attrs, .. }) => {
                let id = format!("section-{}", sections.len() + 1);
                sections.push(Entry { id: id.clone(), title: String::new() });
                heading = Some(events.len());
                events.push(Event::Start(Tag::Heading {
                    level: HeadingLevel::H2,
                    id: Some(CowStr::from(id)),
                    classes,
                    attrs,
                }));
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => {
                heading = None;
                events.push(event);
            }
            Event::Text(text) => {
                if let Some(entry) = sections.last_mut().filter(|_| heading.is_some()) {
                    entry.title.push_str(&text);
                }
                events.push(Event::Text(text));
            }
            // A table may be wider than the page: it scrolls by itself.
            Event::Start(Tag::Table(_)) => {
                events.push(Event::Html(CowStr::from("<div class=\"table\">")));
                events.push(event);
            }
            Event::End(TagEnd::Table) => {
                events.push(event);
                events.push(Event::Html(CowStr::from("</div>\n")));
            }
            Event::Html(raw) => events.push(Event::Html(CowStr::from(own_markup(&raw)))),
            Event::InlineHtml(raw) => events.push(Event::InlineHtml(CowStr::from(own_markup(&raw)))),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = CowStr::from(target(&dest_url));
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            other => events.push(other),
        }
    }
    events
}

/// Where a link goes: to an anchor, or to the page of a scenario; nowhere else.
fn target(url: &str) -> String {
    let (file, anchor) = match url.split_once('#') {
        Some((file, anchor)) => (file, format!("#{anchor}")),
        None => (url, String::new()),
    };
    let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%');
    if file.chars().all(local) && anchor.chars().skip(1).all(local) {
        format!("{}{anchor}", to_html(file))
    } else {
        "#".to_owned()
    }
}

/// Raw markup: the renderer's own tags as they are, everything else as text. Entities are the renderer's, too.
fn own_markup(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['<', '>']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let own = OWN_TAGS.iter().copied().find(|tag| rest.starts_with(*tag)).or_else(|| anchor(rest));
        match own {
            Some(tag) => {
                out.push_str(tag);
                rest = &rest[tag.len()..];
            }
            None => {
                out.push_str(if rest.starts_with('<') { "&lt;" } else { "&gt;" });
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The anchor of an issue, `<a id="c1">`, if the text begins with one.
fn anchor(text: &str) -> Option<&str> {
    let label = text.strip_prefix("<a id=\"")?;
    let end = label.find('"')?;
    let plain = label[..end].chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let tag = &text[..text.len() - label.len() + end];
    (plain && text[tag.len()..].starts_with("\">")).then(|| &text[..tag.len() + 2])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("<br>", "<br>")]
    #[case("<a id=\"c1\"></a>", "<a id=\"c1\"></a>")]
    #[case("<a id=\"c1\" onclick=\"x()\">", "&lt;a id=\"c1\" onclick=\"x()\"&gt;")]
    #[case("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    #[case("<details open onToggle=x>", "&lt;details open onToggle=x&gt;")]
    #[case("<summary>a &lt; b</summary>", "<summary>a &lt; b</summary>")]
    fn only_the_renderers_own_markup_stays_markup(#[case] raw: &str, #[case] expected: &str) {
        assert_eq!(own_markup(raw), expected);
    }

    #[rstest]
    #[case("#c1", "#c1")]
    #[case("datahub.md#c1", "datahub.html#c1")]
    #[case("javascript:alert(1)", "#")]
    #[case("//evil.example/x.md", "#")]
    fn links_go_to_anchors_and_pages_of_the_report(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(target(url), expected);
    }
}
