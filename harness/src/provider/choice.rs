//! What the user asked for.

use super::Secret;
use std::path::PathBuf;
use std::str::FromStr;

/// The environment variable that names an existing server.
pub(super) const DATABASE_URL_VARIABLE: &str = "WATERTIGHT_DATABASE_URL";

/// Which provider to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum ProviderChoice {
    /// The first of container and embedded that works here.
    #[default]
    Auto,
    /// A container of an image with PostgreSQL and pgvector.
    Container,
    /// Server binaries of this machine, or downloaded ones.
    Embedded,
    /// The server of --database-url; only databases and roles of Watertight's own are touched.
    Existing,
}

impl FromStr for ProviderChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as clap::ValueEnum>::from_str(text, true)
            .map_err(|_| format!("unknown provider {text:?}: expected auto, container, embedded or existing"))
    }
}

impl std::fmt::Display for ProviderChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Container => "container",
            Self::Embedded => "embedded",
            Self::Existing => "existing",
        })
    }
}

/// How a server is to be started.
#[derive(Debug, Clone, Default)]
pub struct ProviderOptions {
    /// Which provider.
    pub choice: ProviderChoice,
    /// The image of the container provider; [`super::DEFAULT_IMAGE`] if not given.
    pub image: Option<String>,
    /// The existing server; `WATERTIGHT_DATABASE_URL` if not given.
    pub database_url: Option<Secret>,
    /// Where downloaded and prepared files are kept; the user's cache folder if not given.
    pub cache_dir: Option<PathBuf>,
    /// The folder with `initdb` and `postgres` to use for the embedded provider, instead of looking for one.
    pub postgres_bin: Option<PathBuf>,
    /// Which embedded server binaries to consider.
    pub embedded_source: EmbeddedSource,
    /// Never download anything, neither an image nor server binaries.
    pub offline: bool,
}

/// Which server binaries the embedded provider considers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EmbeddedSource {
    /// Those installed on the machine if complete, else the downloaded ones.
    #[default]
    Any,
    /// Only those installed on the machine.
    Installed,
    /// Only the downloaded ones: the same version on every machine.
    Downloaded,
}

impl ProviderOptions {
    /// Options for one provider, everything else as by default.
    pub fn new(choice: ProviderChoice) -> Self {
        Self { choice, ..Self::default() }
    }

    pub(super) fn url(&self) -> Option<Secret> {
        self.database_url.clone().or_else(|| {
            std::env::var(DATABASE_URL_VARIABLE).ok().filter(|url| !url.is_empty()).map(Secret::new)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ProviderChoice;

    #[test]
    fn parses_its_own_names_and_says_which_there_are() {
        for choice in [
            ProviderChoice::Auto,
            ProviderChoice::Container,
            ProviderChoice::Embedded,
            ProviderChoice::Existing,
        ] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        let error = "docker".parse::<ProviderChoice>().unwrap_err();
        assert!(error.contains("auto, container, embedded or existing"), "{error}");
    }
}
