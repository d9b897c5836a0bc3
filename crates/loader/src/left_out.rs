//! The resources that a snapshot knows of and has no rows of: their newest body makes none.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::LakeManifest;

use crate::error::Result;
use crate::merge::keys::{self, KeyRow};

/// A resource whose newest body makes no rows.
#[derive(Clone, Copy)]
pub struct LeftOut<'a> {
    /// `v2` or `v3`.
    pub source_api: &'a str,
    /// The FHIR resource type.
    pub resource_type: &'a str,
    /// Its id.
    pub resource_id: &'a str,
    /// `meta.lastUpdated` of that body, in microseconds since the epoch.
    pub last_updated: Option<i64>,
}

impl fmt::Debug for LeftOut<'_> {
    /// Without the ids of claims.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left_out = formatter.debug_struct("LeftOut");
        left_out.field("source_api", &self.source_api);
        left_out.field("resource_type", &self.resource_type);
        left_out.finish_non_exhaustive()
    }
}

/// Tells of every resource that the snapshot in the folder `snapshot` knows as left out.
///
/// # Errors
///
/// The snapshot's keys are damaged, or cannot be read.
pub fn left_out(
    snapshot: &Path,
    manifest: &LakeManifest,
    mut tell: impl FnMut(LeftOut<'_>),
) -> Result<()> {
    known_resources(snapshot, manifest, |found, held| {
        if held == Held::LeftOut {
            tell(found);
        }
    })
}

/// Tells of every resource of the snapshot's keys whether it is in the lake; of those that the
/// server no longer has it is not.
///
/// # Errors
///
/// The snapshot's keys cannot be read.
pub fn known_resources(
    snapshot: &Path,
    manifest: &LakeManifest,
    mut tell: impl FnMut(LeftOut<'_>, Held),
) -> Result<()> {
    let Some(file) = &manifest.keys else {
        return Ok(());
    };
    let path = snapshot.join(&file.path);
    keys::check(&path, file)?;
    for batch in keys::read(&path)? {
        let batch = Arc::new(batch?);
        for row in 0..batch.num_rows() {
            let row = KeyRow { batch: &batch, row };
            let text = |column| row.text(column).unwrap_or_default();
            let held = match (row.is_gone(), row.is_withdrawn()) {
                (true, _) => Held::Gone,
                (_, true) => Held::LeftOut,
                _ => Held::InLake,
            };
            let resource = LeftOut {
                source_api: text(keys::API),
                resource_type: text(keys::RESOURCE_TYPE),
                resource_id: text(keys::ID),
                last_updated: row.last_updated(),
            };
            tell(resource, held);
        }
    }
    Ok(())
}

/// What a snapshot's keys say of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It has rows, or would have.
    InLake,
    /// Its newest body makes none, as the pipeline says.
    LeftOut,
    /// The server no longer has it.
    Gone,
}
