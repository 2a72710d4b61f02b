//! The servers on which the databases of a scenario stand.

use watertight_scenarios::Scenario;

use crate::provider::registry::Run;
use crate::provider::{ProviderError, Server};

/// The servers of a scenario, each with what the run creates there. Close it when done.
#[derive(Debug)]
pub struct Hosts<'a> {
    first: &'a Server,
    run: Run,
    /// Started for the scenario alone.
    others: Vec<(Server, Run)>,
    wanted: usize,
}

/// A server, and what the run creates there.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The server.
    pub server: &'a Server,
    /// The run.
    pub run: &'a Run,
}

impl<'a> Hosts<'a> {
    /// The server that is there, and beside it as many as the scenario tells apart, if there are more to be had.
    ///
    /// # Errors
    /// When a server does not start, or does not answer.
    pub async fn open(first: &'a Server, scenario: &Scenario) -> Result<Self, ProviderError> {
        let wanted = scenario.servers().into_iter().max().unwrap_or_default() + 1;
        let mut others = Vec::new();
        while others.len() + 1 < wanted {
            let Some(server) = first.another().await? else { break };
            let run = Run::open(&server).await?;
            others.push((server, run));
        }
        Ok(Self { first, run: Run::open(first).await?, others, wanted })
    }

    /// All of them, the first one first.
    pub fn all(&self) -> Vec<Host<'_>> {
        let first = Host { server: self.first, run: &self.run };
        let others = self.others.iter().map(|(server, run)| Host { server, run });
        std::iter::once(first).chain(others).collect()
    }

    /// What a report has to say when there were fewer servers than the scenario tells apart.
    pub fn told(&self) -> Option<String> {
        let (wanted, had) = (self.wanted, self.others.len() + 1);
        (had < wanted).then(|| {
            format!("The databases stand on {wanted} servers; here they share {had}: there was no other to be had.")
        })
    }

    /// Removes what the run created, and stops the servers that were started for it.
    ///
    /// # Errors
    /// When something could not be removed; the first error is the one that counts.
    pub async fn close(self) -> Result<(), ProviderError> {
        let mut ended = self.run.close().await;
        for (server, run) in self.others {
            ended = ended.and(run.close().await);
            ended = ended.and(server.stop().await);
        }
        ended
    }
}
