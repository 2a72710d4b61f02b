//! `report.json`, written and read.

use serde::Deserialize;
use thiserror::Error;

use crate::model::{MutationReport, Report, SCHEMA_VERSION};

/// Why a file is not a report that this version can read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Not JSON, or not of a report's shape.
    #[error("not a report: {0}")]
    Shape(#[from] serde_json::Error),
    /// Written by a version with another shape.
    #[error(
        "the report has schema version {found}, this watertight reads {SCHEMA_VERSION}; verify again with this version"
    )]
    Version {
        /// What the file says.
        found: u32,
    },
}

#[derive(Deserialize)]
struct Versioned {
    schema_version: u32,
}

impl Report {
    /// The report as `report.json` holds it, with a line end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report has string keys only");
        text.push('\n');
        text
    }

    /// Reads a `report.json`. The version is looked at first, so that a file of another version is told from a
    /// damaged one.
    ///
    /// # Errors
    /// When the text is no JSON, says another version, or says what cannot be true (held without exercise).
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let Versioned { schema_version: found } = serde_json::from_str(text)?;
        if found != SCHEMA_VERSION {
            return Err(ReadError::Version { found });
        }
        Ok(serde_json::from_str(text)?)
    }
}

impl MutationReport {
    /// The report as `strength.json` holds it, with a line end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report has string keys only");
        text.push('\n');
        text
    }
}
