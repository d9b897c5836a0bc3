//! What a lake holds, counted: people, claims, money by kind and month, how far columns are filled.
//!
//! Reads one snapshot, the one that `current` led to at the beginning. Rows are read for the claims
//! alone; how far columns are filled stands in the footers of the files. Counts that would tell of
//! few people are masked in [`mask`].

mod claims;
mod fill;
mod leftover;
pub mod mask;
pub(crate) mod partition;

use std::path::Path;

use serde::Serialize;

pub use claims::{Cell, Claims, ClaimsOfType, Month};
pub use fill::{ColumnFill, TableFill};
pub use leftover::{Leftovers, RejectKind};
pub(crate) use partition::{is_unknown, value_in};

use crate::lake::Snapshot;
use crate::{Check, Error};

/// What the current snapshot of a lake holds.
#[derive(Debug, Clone, Serialize)]
pub struct LakeContent {
    /// The snapshot's number.
    pub snapshot: u64,
    /// When it was published, RFC 3339.
    pub published_at: String,
    /// Its tables, by name.
    pub tables: Vec<TableFill>,
    /// What its claims add up to.
    #[serde(skip)]
    pub claims: Claims,
    /// Files that could not be read, relative to the snapshot, and why; they are not counted.
    pub unreadable: Vec<String>,
}

impl LakeContent {
    /// A table by its name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableFill> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// Counts what the current snapshot holds; none where nothing is published yet.
///
/// # Errors
///
/// The lake cannot be read, or is of another version. A file that cannot be read is named in the
/// outcome instead.
pub fn content(lake: &Path) -> Result<Option<LakeContent>, Error> {
    let mut check = Check::hard("lake_manifest", "the current snapshot has a manifest");
    let Some(snapshot) = Snapshot::current(lake, false, &mut check)? else {
        return match check.places.into_iter().next() {
            Some(why) => Err(Error::Lake(why)),
            None => Ok(None),
        };
    };
    let mut unreadable = Vec::new();
    let tables = snapshot
        .manifest
        .tables
        .iter()
        .map(|table| fill::of_table(&snapshot.folder, table, &mut unreadable))
        .collect();
    let claims = match snapshot.table(claims::TABLE) {
        Some(table) => claims::of_table(&snapshot.folder, table, &mut unreadable),
        None => Claims::default(),
    };
    unreadable.sort();
    unreadable.dedup();
    Ok(Some(LakeContent {
        snapshot: snapshot.manifest.snapshot,
        published_at: snapshot.manifest.published_at.clone(),
        tables,
        claims,
        unreadable,
    }))
}

#[cfg(test)]
mod tests;
