//! The resources that a snapshot knows, including those without rows (tombstones). `verify`
//! reads them here, so that nothing outside this crate needs the format of the key file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::LakeManifest;

use crate::damage::check_file;
use crate::error::Result;
use crate::merge::keys::{self, KeyRow};
use claimlake_columnar::GroupKey as ResourceKey;

/// A resource of a snapshot's keys.
///
/// Borrowed from the batch that is being read, so it is valid during the visit only.
#[derive(Clone, Copy)]
pub struct KnownResource<'a> {
    /// `v2` or `v3`.
    pub source_api: &'a str,
    /// The resource type, such as `Coverage`.
    pub resource_type: &'a str,
    /// Its id.
    pub resource_id: &'a str,
    /// `meta.lastUpdated` of its newest body, in microseconds since the epoch.
    pub last_updated: Option<i64>,
    /// The hash of the content of its newest body; 16 bytes.
    ///
    /// For a tombstone it is one of the two reserved values, see
    /// [`claimlake_contract::key_columns`].
    pub content_hash: &'a [u8],
}

/// The key of a resource, as `changes` and the loader's own files distinguish resources: 16 bytes
/// of a hash.
///
/// ```
/// use claimlake_loader::resource_key;
///
/// assert_eq!(resource_key("v3", "Coverage", "1"), resource_key("v3", "Coverage", "1"));
/// assert_ne!(resource_key("v2", "Coverage", "1"), resource_key("v3", "Coverage", "1"));
/// ```
#[must_use]
pub fn resource_key(source_api: &str, resource_type: &str, resource_id: &str) -> [u8; 16] {
    ResourceKey::new(source_api, resource_type, resource_id).to_bytes()
}

impl fmt::Debug for KnownResource<'_> {
    /// Does not show the ids of claims.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut known = formatter.debug_struct("KnownResource");
        known.field("source_api", &self.source_api);
        known.field("resource_type", &self.resource_type);
        known.finish_non_exhaustive()
    }
}

/// Calls `visit` with every resource of the snapshot's keys and its status; not with their periods.
///
/// # Errors
///
/// The snapshot's keys are damaged, or cannot be read.
pub fn known_resources(
    snapshot: &Path,
    manifest: &LakeManifest,
    mut visit: impl FnMut(KnownResource<'_>, ResourceStatus),
) -> Result<()> {
    let Some(file) = &manifest.keys else {
        return Ok(());
    };
    check_file(snapshot, file)?;
    for batch in keys::read(&snapshot.join(&file.path))? {
        let batch = Arc::new(batch?);
        for row in 0..batch.num_rows() {
            let row = KeyRow { batch: &batch, row };
            if row.is_of_period() {
                continue;
            }
            let text = |column| row.text(column).unwrap_or_default();
            let status = match (row.is_gone(), row.is_withdrawn()) {
                (true, _) => ResourceStatus::Gone,
                (_, true) => ResourceStatus::LeftOut,
                _ => ResourceStatus::InLake,
            };
            let resource = KnownResource {
                source_api: text(keys::API),
                resource_type: text(keys::RESOURCE_TYPE),
                resource_id: text(keys::ID),
                last_updated: row.last_updated(),
                content_hash: row.content_hash(),
            };
            visit(resource, status);
        }
    }
    Ok(())
}

/// What a snapshot's keys record about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceStatus {
    /// It has rows, or would have.
    InLake,
    /// Its newest body makes none, as the pipeline says.
    LeftOut,
    /// The server no longer has it.
    Gone,
}
