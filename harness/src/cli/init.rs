//! `init`: a scenario file for the migrations of a repository.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use watertight_scenarios::Relation;

use super::args::InitArgs;
use super::exit::Exit;
use super::output::{complain, say};
use super::progress::Progress;
use super::subject::{PROJECT_FILE, choice, folder};
use super::verify::{environment, not_made};
use crate::files::write_whole;
use crate::init::{self, Draft, Examined, InitError};
use crate::provider::Server;

/// Runs the command.
pub(super) async fn run(args: InitArgs) -> Exit {
    let root = args.folder.clone().unwrap_or_default();
    let root = folder(&root);
    let file = root.join(PROJECT_FILE);
    if file.exists() && !args.force {
        complain(&format!("error: {} is there already", file.display()));
        complain("  → correct it by hand, or write it anew with --force");
        return Exit::Usage;
    }
    let found = match init::find(root) {
        Ok(found) => found,
        Err(error) => return not_made(&error),
    };
    let server = match Server::start(&args.server.options()).await {
        Ok(server) => server,
        Err(error) => return environment(&error),
    };
    let progress = Progress::new(args.quiet);
    progress.note(&format!("reading {} ({}) on {}", found.folder, found.layout, server.info()));
    let range = args.range.range();
    let examined = init::examine(&server, root, &found, &args.statements, &choice(root, &range)).await;
    let exit = match examined.and_then(|examined| decide(&examined, &args)) {
        Ok(draft) => write(&file, &draft),
        Err(error) => not_made(&error),
    };
    match server.stop().await {
        Ok(()) => exit,
        Err(error) => exit.max(environment(&error)),
    }
}

/// The draft, with the tenants that the user names.
fn decide(examined: &Examined, args: &InitArgs) -> Result<Draft, InitError> {
    let told = args
        .tenants
        .as_deref()
        .map(|t| Relation::parse(t).ok_or_else(|| InitError::NotTenants(t.to_owned())));
    let told = told.transpose()?;
    let asks = !args.quiet && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if told.is_some() || !asks {
        return examined.draft(told.as_ref());
    }
    let draft = match examined.draft(None) {
        Ok(draft) if draft.is_sure && draft.others.is_empty() => return Ok(draft),
        Ok(draft) => draft,
        Err(InitError::NoTenancy { tables }) => {
            return match ask("No table looks like tenants. Which one holds them? ") {
                Some(table) => examined.draft(Some(&table)),
                None => Err(InitError::NoTenancy { tables }),
            };
        }
        Err(error) => return Err(error),
    };
    let others: Vec<String> = draft.others.iter().map(ToString::to_string).collect();
    let others = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
    match ask(&format!(
        "The tenants are the rows of {}{others}. Enter if so, else the table: ",
        draft.tenants
    )) {
        Some(table) => examined.draft(Some(&table)),
        None => Ok(draft),
    }
}

/// A table's name from the terminal; `None` for nothing.
fn ask(question: &str) -> Option<Relation> {
    let mut terminal = anstream::stderr();
    // A terminal that went away gives no answer below.
    let _ = write!(terminal, "{question}").and_then(|()| terminal.flush());
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    Relation::parse(answer.trim())
}

fn write(file: &Path, draft: &Draft) -> Exit {
    if let Err(error) = write_whole(file, &draft.text) {
        complain(&format!("error: {} cannot be written: {error}", file.display()));
        return Exit::Environment;
    }
    say(&format!("written: {}", file.display()));
    for sentence in &draft.assumed {
        say(&format!("  {sentence}"));
    }
    say("next: watertight verify");
    Exit::Held
}
