//! `list`, `explain` and `completions`.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;
use watertight_scenarios::catalog;
use watertight_scenarios::mutation::operator;

use super::args::Cli;
use super::exit::Exit;
use super::output::{complain, say};
use crate::invariants;

/// Bundled scenarios and invariants, a line each.
pub(super) fn list() -> Exit {
    say("Bundled scenarios:");
    let ids = catalog::ids();
    let width = ids.iter().map(|id| id.len()).max().unwrap_or_default();
    for id in ids {
        match catalog::load(id) {
            Ok(scenario) => say(&format!("  {id:width$}  {}", scenario.title)),
            Err(diagnostics) => {
                complain(&diagnostics.to_string());
                return Exit::Internal;
            }
        }
    }
    say("\nInvariants:");
    let catalog = invariants::catalog();
    let width = catalog.iter().map(|i| i.spec().id.len()).max().unwrap_or_default();
    for invariant in &catalog {
        say(&format!("  {:width$}  {}", invariant.spec().id, invariant.spec().title));
    }
    Exit::Held
}

/// What a shell needs to complete the command line.
pub(super) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "watertight", &mut script);
    // A reader that went away is no error.
    let _ = std::io::stdout().write_all(&script);
    Exit::Held
}

/// The page of one invariant, or of one operator that seeds faults.
pub(super) fn explain(id: &str) -> Exit {
    if let Some(operator) = operator(id) {
        say(&format!("{id}\n{}\n", "=".repeat(id.len())));
        say("Seeds a fault into a scenario's scripts (watertight mutate).\n");
        say(&format!("The fault that it stands for\n  {}\n", operator.fault));
        say(&format!("What would catch it\n  {}", operator.closes));
        return Exit::Held;
    }
    let catalog = invariants::catalog();
    let Some(invariant) = catalog.iter().find(|i| i.spec().id == id) else {
        complain(&unknown(id));
        return Exit::Usage;
    };
    let spec = invariant.spec();
    say(&format!("{}\n{}\n", spec.id, "=".repeat(spec.id.len())));
    say(&format!("{}.\n", spec.title));
    say(&format!("Why\n  {}\n", spec.rationale));
    say(&format!("The smallest example that fails\n  {}\n", spec.example));
    say(&format!("What to do\n  {}\n", spec.remedy));
    say(&format!("Exercised by\n  {}", spec.exercise));
    if let Some(remarks) = invariant.remarks() {
        say(&format!("\nRemarks\n  {}", remarks.about));
    }
    Exit::Held
}

/// What is said of an invariant that there is not.
pub(super) fn unknown(id: &str) -> String {
    let ids: Vec<&str> = invariants::catalog().iter().map(|i| i.spec().id).collect();
    let near = ids
        .iter()
        .map(|known| (strsim::jaro_winkler(known, id), *known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, known)) => format!("error: there is no invariant `{id}`; did you mean `{known}`?"),
        None => format!("error: there is no invariant `{id}`; there are: {}", ids.join(", ")),
    }
}
