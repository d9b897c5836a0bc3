//! `deidentified.json` of a copy: what it is, how it was made, and its files.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DeidentifyError, Result};
use crate::policy::Profile;

/// The file in the folder of a copy; written last.
pub const COPY_FILE: &str = "deidentified.json";

/// The version of the format.
pub(crate) const FORMAT: u32 = 1;

/// What a copy says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyManifest {
    /// The version of this format.
    pub format: u32,
    /// What the copy is, and what it is not.
    pub statement: String,
    /// By which rule.
    pub profile: Profile,
    /// Whether NPIs and CCNs were kept.
    pub keeps_providers: bool,
    /// For whom.
    pub recipient: String,
    /// The random name of the codebook.
    pub codebook: String,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// The version of claimlake.
    pub tool_version: String,
    /// SHA-256 of the policy and the list of ZIP areas.
    pub policy_sha256: String,
    /// The tables.
    pub tables: Vec<CopyTable>,
}

/// A table of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyTable {
    /// Its name, and that of its folder.
    pub name: String,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: u64,
    /// Its files, in the order of the rows.
    pub files: Vec<CopyFile>,
}

/// A file of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFile {
    /// The path relative to the copy's folder.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

impl CopyManifest {
    /// Reads the manifest of a copy; `None` if there is none.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(COPY_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(DeidentifyError::io("reading", &path)(error)),
        };
        let damaged = |reason: String| DeidentifyError::Damaged {
            path: path.clone(),
            reason,
        };
        let read: Self = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("line {}", error.line())))?;
        match read.format {
            FORMAT => Ok(Some(read)),
            format => Err(damaged(format!(
                "format {format} is unknown: update claimlake"
            ))),
        }
    }
}

/// Whether a folder, or one of those above it, is a de-identified copy.
#[must_use]
pub fn is_copy(folder: &Path) -> bool {
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let mut above = folder.ancestors();
    above.any(|folder| folder.join(COPY_FILE).exists())
}
