//! The `container` provider. Not there yet: it always says so.

use super::facts::Source;
use super::{ProviderError, ProviderOptions};
use sqlx::postgres::PgConnectOptions;

/// The image of the container provider.
pub const DEFAULT_IMAGE: &str = "pgvector/pgvector:0.8.1-pg17";

#[derive(Debug)]
pub(super) struct Running;

impl Running {
    pub(super) async fn stop(self) -> Result<(), ProviderError> {
        Ok(())
    }
}

pub(super) async fn start(
    _options: &ProviderOptions,
) -> Result<(Running, PgConnectOptions, Source), ProviderError> {
    Err(ProviderError::Unusable {
        provider: "container",
        reason: "it is not implemented yet".to_owned(),
        remedy: "use --provider embedded or existing".to_owned(),
    })
}
