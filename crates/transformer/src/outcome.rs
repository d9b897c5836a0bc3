//! The result of a transform.

use std::collections::BTreeMap;
use std::path::PathBuf;

use claimlake_contract::{ApiVersion, RejectReason, ResourceType, StagedManifest};
use serde::Serialize;

/// The result of a transform.
#[derive(Debug, Clone)]
pub struct TransformOutcome {
    /// The staged run's folder.
    pub folder: PathBuf,
    /// The manifest of the staged run.
    pub manifest: StagedManifest,
    /// Resources labelled 42 CFR Part 2 that made no rows, as the pipeline says.
    pub dropped: u64,
    /// Resources that are no longer at the server, by the runs that were read.
    pub gone: u64,
    /// Rejects by their reason; for damaged parts, frames.
    pub rejects: BTreeMap<RejectReason, u64>,
    /// Frames of landed parts that could not be read; their lines count as rejected.
    pub damaged_frames: u64,
    /// The topmost JSON paths that no view reads into a column.
    pub unread: Vec<UnreadPath>,
}

impl TransformOutcome {
    /// The share of resources that were refused.
    #[must_use]
    pub fn reject_share(&self) -> f64 {
        let resources = self.manifest.resources;
        if resources == 0 {
            return 0.0;
        }
        // Counts are far below what a double represents exactly.
        self.manifest.rejected_resources as f64 / resources as f64
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let tables = self.manifest.tables.iter();
        let files = tables.flat_map(|table| &table.files);
        files.map(|file| file.rows).sum()
    }
}

/// A JSON path that no view reads into a column; it represents all below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnreadPath {
    /// The API version of the resources.
    pub api: ApiVersion,
    /// Their type.
    pub resource: ResourceType,
    /// The path from the resource, without positions in arrays.
    pub path: String,
    /// How often it came.
    pub count: u64,
}
