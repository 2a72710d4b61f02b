//! What each provider would do on this machine, without starting, pulling or downloading anything.

use super::{ProviderError, ProviderKind, ProviderOptions, container, embedded, existing};

/// One provider on this machine.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which provider.
    pub provider: ProviderKind,
    /// Whether it can be used.
    pub availability: Availability,
}

/// Whether a provider can be used.
#[derive(Debug, Clone)]
pub enum Availability {
    /// At once.
    Ready {
        /// The version of the server, or of the container engine; `None` if only starting it would tell.
        version: Option<String>,
        /// The version of pgvector, if it is known without starting the server.
        pgvector: Option<String>,
        /// The image, the folder of the binaries, or the host.
        detail: String,
    },
    /// After a download that the first use makes by itself.
    AfterDownload {
        /// What is downloaded, and how.
        detail: String,
    },
    /// Not without the user's doing something.
    Unavailable {
        /// What is missing.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// Only when asked for.
    NotAsked {
        /// How to ask for it.
        remedy: String,
    },
}

impl Availability {
    /// Whether `verify` can use it without the user's doing anything.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Ready { .. } | Self::AfterDownload { .. })
    }
}

/// Looks at all providers, in the order in which `auto` tries them.
pub async fn doctor(options: &ProviderOptions) -> Vec<Finding> {
    vec![
        Finding { provider: ProviderKind::Container, availability: container(options).await },
        Finding { provider: ProviderKind::Embedded, availability: embedded(options).await },
        Finding { provider: ProviderKind::Existing, availability: existing(options).await },
    ]
}

async fn container(options: &ProviderOptions) -> Availability {
    match container::outlook(options).await {
        Ok(outlook) if outlook.is_local => {
            Availability::Ready { version: outlook.engine_version, pgvector: None, detail: outlook.image }
        }
        Ok(outlook) => Availability::AfterDownload {
            detail: format!("image {} will be pulled, if its registry can be reached", outlook.image),
        },
        Err(error) => unavailable(&error),
    }
}

async fn embedded(options: &ProviderOptions) -> Availability {
    let owned = options.clone();
    match tokio::task::spawn_blocking(move || embedded::outlook(&owned)).await {
        Ok(Ok(outlook)) => match outlook.version {
            Some(version) => Availability::Ready {
                version: Some(version),
                pgvector: outlook.pgvector,
                detail: outlook.detail,
            },
            None => Availability::AfterDownload { detail: outlook.detail },
        },
        Ok(Err(error)) => unavailable(&error),
        Err(error) => Availability::Unavailable {
            reason: format!("looking for server binaries failed: {error}"),
            remedy: "report this as a defect of Watertight".to_owned(),
        },
    }
}

async fn existing(options: &ProviderOptions) -> Availability {
    if options.url().is_none() {
        return Availability::NotAsked {
            remedy: "name a disposable server with --provider existing --database-url".to_owned(),
        };
    }
    match existing::look(options).await {
        Ok(info) => Availability::Ready {
            version: Some(info.server_version),
            pgvector: info.pgvector,
            detail: info.source,
        },
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &ProviderError) -> Availability {
    Availability::Unavailable { reason: error.to_string(), remedy: error.remedy() }
}
