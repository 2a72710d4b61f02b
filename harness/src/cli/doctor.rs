//! `doctor`: where a PostgreSQL can come from on this machine.

use super::args::ServerArgs;
use super::exit::Exit;
use super::output::say;
use crate::provider::{Availability, doctor};

/// Shows every provider; fails when none can be used.
pub(super) async fn run(args: &ServerArgs) -> Exit {
    let mut usable = false;
    for finding in doctor(&args.options()).await {
        let name = finding.provider.name();
        match finding.availability {
            Availability::Ready { version, pgvector, detail } => {
                usable = true;
                let version = version.map(|v| format!(" {v}")).unwrap_or_default();
                let pgvector = pgvector.map(|v| format!(", pgvector {v}")).unwrap_or_default();
                say(&format!("✓ {name}:{version}{pgvector} ({detail})"));
            }
            Availability::AfterDownload { detail } => {
                usable = true;
                say(&format!("✓ {name}: after a download that the first run makes: {detail}"));
            }
            Availability::NotAsked { remedy } => say(&format!("- {name}: only when asked for\n  → {remedy}")),
            Availability::Unavailable { reason, remedy } => {
                say(&format!("✗ {name}: {reason}\n  → {remedy}"));
            }
        }
    }
    if usable { Exit::Held } else { Exit::Environment }
}
