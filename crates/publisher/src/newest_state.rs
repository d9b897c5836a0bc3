//! The newest state of a target, for those who read it without a Delta log.

use std::collections::BTreeMap;

use claimlake_contract::RunId;

use crate::error::Result;
use crate::found::read_state;
use crate::identity::{self, LakeId};
use crate::state::sequence_of;
use crate::target::OpenTarget;

/// One published state of all tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedState {
    /// Its number at the target.
    pub sequence: u64,
    /// The local snapshot that it shows.
    pub snapshot: u64,
    /// The run that published this snapshot.
    pub run: RunId,
    /// By table: the paths of its files, relative to the target.
    pub files: BTreeMap<String, Vec<String>>,
}

impl OpenTarget {
    /// The newest state that the lake published here; `None` before the first.
    ///
    /// # Errors
    /// The target cannot be read, is damaged, or is another lake's.
    pub async fn newest_state(&self, lake: &LakeId) -> Result<Option<PublishedState>> {
        if identity::check(&self.store, lake).await?.is_none() {
            return Ok(None);
        }
        let listing = self.store.list().await?;
        let sequences = listing.iter().filter_map(|(path, _)| sequence_of(path));
        let Some(sequence) = sequences.max() else {
            return Ok(None);
        };
        let state = read_state(&self.store, sequence, lake).await?;
        let paths = |files: Vec<crate::state::FileState>| files.into_iter().map(|file| file.path);
        let files = state.tables.into_iter();
        Ok(Some(PublishedState {
            sequence,
            snapshot: state.local.snapshot,
            run: state.local.run,
            files: files
                .map(|table| (table.name, paths(table.files).collect()))
                .collect(),
        }))
    }
}
