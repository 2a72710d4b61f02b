//! Progress: a bar on a terminal, plain lines on a pipe, nothing when quiet.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::complain;
use crate::verify::Event;

/// Shows what happens.
pub(super) struct Progress {
    kind: Kind,
    cases: AtomicU32,
}

enum Kind {
    Quiet,
    Lines,
    Bar(Mutex<ProgressBar>),
}

impl Progress {
    /// As stderr and the user want it.
    pub(super) fn new(quiet: bool) -> Self {
        let kind = if quiet {
            Kind::Quiet
        } else if std::io::stderr().is_terminal() {
            Kind::Bar(Mutex::new(ProgressBar::hidden()))
        } else {
            Kind::Lines
        };
        Self { kind, cases: AtomicU32::new(0) }
    }

    /// A line that is not part of the result.
    pub(super) fn note(&self, line: &str) {
        match &self.kind {
            Kind::Quiet => {}
            Kind::Lines => complain(line),
            Kind::Bar(bar) => {
                bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner).suspend(|| complain(line))
            }
        }
    }

    /// Hears an event.
    pub(super) fn hear(&self, event: Event<'_>) {
        match &self.kind {
            Kind::Quiet => {}
            Kind::Lines => self.line(event),
            Kind::Bar(bar) => {
                let mut bar = bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                match event {
                    Event::Scenario { id, cases } => *bar = new_bar(id, cases, "cases"),
                    Event::Faults { id, faults } => *bar = new_bar(id, faults, "seeded faults"),
                    Event::Case | Event::Fault => bar.inc(1),
                    Event::Shrinking { title } => bar.set_message(format!("shrinking: {title}")),
                    Event::Done => bar.finish_and_clear(),
                }
            }
        }
    }

    fn line(&self, event: Event<'_>) {
        match event {
            Event::Scenario { id, cases } => {
                self.cases.store(0, Ordering::Relaxed);
                complain(&format!("{id}: {cases} cases"));
            }
            Event::Case => {
                self.cases.fetch_add(1, Ordering::Relaxed);
            }
            Event::Shrinking { title } => complain(&format!("  shrinking: {title}")),
            Event::Faults { id, faults } => complain(&format!("{id}: {faults} seeded faults")),
            Event::Fault | Event::Done => {}
        }
    }
}

fn new_bar(id: &str, length: u32, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(u64::from(length));
    let template = format!("{{prefix:24}} {{bar:30}} {{pos}}/{{len}} {what} {{wide_msg}}");
    let style = ProgressStyle::with_template(&template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(id.to_owned());
    bar
}
