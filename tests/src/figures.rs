//! What benches measure: figures, each with the anchor that it was measured against in the same run, and the table
//! that tells of them.

use std::fmt;

/// The line before the table in a file that holds one.
pub const BEGINS: &str = "<!-- benches -->";
/// The line behind it.
pub const ENDS: &str = "<!-- /benches -->";

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The value is to be at least that.
    ValueAtLeast(f64),
    /// The value is to be at most that.
    ValueAtMost(f64),
    /// Value by anchor is to be at least that.
    RatioAtLeast(f64),
    /// Value by anchor is to be at most that.
    RatioAtMost(f64),
    /// It is told for those that have one.
    None,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name, `bench/what`.
    pub name: String,
    /// As measured.
    pub value: f64,
    /// Of the value and of the anchor.
    pub unit: &'static str,
    /// What it was measured against, in a few words.
    pub against: String,
    /// The same of that.
    pub anchor: f64,
    /// What it should be.
    pub target: Target,
    /// How much of what was measured, in a few words.
    pub of: String,
}

impl Figure {
    /// Value by anchor.
    pub fn ratio(&self) -> f64 {
        self.value / self.anchor
    }

    /// Whether it is what it should be; `None` where nothing is asked of it.
    pub fn met(&self) -> Option<bool> {
        match self.target {
            Target::ValueAtLeast(least) => Some(self.value >= least),
            Target::ValueAtMost(most) => Some(self.value <= most),
            Target::RatioAtLeast(least) => Some(self.ratio() >= least),
            Target::RatioAtMost(most) => Some(self.ratio() <= most),
            Target::None => None,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "–",
        }
    }

    fn target(&self) -> String {
        match self.target {
            Target::ValueAtLeast(least) => format!("≥ {} {}", number(least), self.unit),
            Target::ValueAtMost(most) => format!("≤ {} {}", number(most), self.unit),
            Target::RatioAtLeast(least) => format!("≥ {}×", number(least)),
            Target::RatioAtMost(most) => format!("≤ {}×", number(most)),
            Target::None => "–".to_owned(),
        }
    }
}

/// `name value unit anchor ratio`, then the target and what came of it.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<28} {:>10} {:<9} {:>10} {:>8}×  {:<20} {}",
            self.name,
            number(self.value),
            self.unit,
            number(self.anchor),
            number(self.ratio()),
            self.target(),
            self.verdict()
        )
    }
}

/// Three digits that mean something, thousands apart.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "?".to_owned();
    }
    if size < 99.95 {
        let digits = if size < 9.995 { 2 } else { 1 };
        let text = format!("{value:.digits$}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    // Beyond that no measurement here is exact to the last digit.
    let unit = if size < 9_999.5 { 1.0 } else { 100.0 };
    let digits = format!("{:.0}", (size / unit).round() * unit);
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Where and when figures were measured, a line each.
pub type Circumstances = Vec<(&'static str, String)>;

/// The table, as Markdown, with where and when.
pub fn table(figures: &[Figure], circumstances: &Circumstances) -> String {
    let mut text = String::new();
    for (what, how) in circumstances {
        text.push_str(&format!("- {what}: {}\n", cell(how)));
    }
    text.push_str(
        "\n| figure | value | anchor | ratio | target | | measured on |\n|---|--:|--:|--:|--:|---|---|\n",
    );
    for figure in figures {
        text.push_str(&format!(
            "| {} | {} {} | {} {}: {} | {}× | {} | {} | {} |\n",
            cell(&figure.name),
            number(figure.value),
            figure.unit,
            number(figure.anchor),
            figure.unit,
            cell(&figure.against),
            number(figure.ratio()),
            figure.target(),
            figure.verdict(),
            cell(&figure.of)
        ));
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The text with the table between its markers; everything else stays.
///
/// # Errors
/// When the markers are not both there, in their order.
pub fn put_into(text: &str, table: &str) -> Result<String, String> {
    let found = text.split_once(BEGINS).and_then(|(before, rest)| Some((before, rest.split_once(ENDS)?.1)));
    let (before, after) = found.ok_or_else(|| format!("it has no {BEGINS} followed by {ENDS}"))?;
    Ok(format!("{before}{BEGINS}\n\n{}\n\n{ENDS}{after}", table.trim()))
}
