//! The paths of landed files below `<data>/landing`.

use std::path::{Path, PathBuf};

use crate::{ApiVersion, ResourceType, RunId};

/// The file that seals a landing run, a staged run or a snapshot.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The checksum of [`MANIFEST_FILE`] beside it, in the form `sha256sum -c` reads.
pub const CHECKSUM_FILE: &str = "manifest.json.sha256";

/// The paths of a data directory's raw zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandingLayout {
    root: PathBuf,
}

impl LandingLayout {
    /// The layout below `<data>/landing`.
    #[must_use]
    pub fn in_data(data: &Path) -> Self {
        Self {
            root: data.join("landing"),
        }
    }

    /// `<data>/landing`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `landing/api=v2/resource=ExplanationOfBenefit/run=<id>`.
    #[must_use]
    pub fn run_folder(&self, api: ApiVersion, resource: &ResourceType, run: &RunId) -> PathBuf {
        self.root
            .join(format!("api={api}"))
            .join(format!("resource={resource}"))
            .join(format!("run={run}"))
    }

    /// `landing/rejected/run=<id>.ndjson.zst`.
    #[must_use]
    pub fn rejected_file(&self, run: &RunId) -> PathBuf {
        self.root
            .join("rejected")
            .join(format!("run={run}.ndjson.zst"))
    }
}

/// `part-00000.ndjson.zst`.
#[must_use]
pub fn part_file_name(number: u32) -> String {
    format!("part-{number:05}.ndjson.zst")
}

/// `references-00000.ndjson.zst`, for the part with that number.
#[must_use]
pub fn references_file_name(number: u32) -> String {
    format!("references-{number:05}.ndjson.zst")
}

/// The value of `key=value` in the file name of `path`, where its key is `key`.
#[must_use]
pub fn partition_value<'a>(path: &'a Path, key: &str) -> Option<&'a str> {
    let (found, value) = path.file_name()?.to_str()?.split_once('=')?;
    (found == key).then_some(value)
}
