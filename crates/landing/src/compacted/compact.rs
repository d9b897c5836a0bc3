//! Which runs are joined: so many small ones that reading and listing them costs more than what they
//! have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingOrigin, ResourceType, RunId, first_joined,
};

use super::join::join;
use super::steps::{CompactStep, Steps};
use crate::folder::entries;
use crate::listed::{ListedRun, Place};
use crate::{LandingError, listed_runs};

/// A folder of as many bytes is not joined any more: a run has a part for every so many.
pub(super) const MOST_BYTES: u64 = 128 << 20;

/// A folder, with the runs that it has.
pub(super) struct Piece {
    pub(super) folder: PathBuf,
    pub(super) runs: Vec<ListedRun>,
}

/// Joins runs of one resource type, received in one way, into one folder, where eight or more folders
/// are many for their sizes. All lines and manifests stay as they were sealed, and so do the places of
/// lines that rejects and traces name. Returns how many folders were joined.
///
/// The caller has locked landing. A kill at any moment leaves the runs readable, and so does an error;
/// the next call tries again. A folder that is damaged is left out.
///
/// `report` is called at each step; an error of it ends the compaction of a resource type there.
///
/// # Errors
/// When the disk refuses: the first error. The other resource types are joined.
pub fn compact(
    layout: &LandingLayout,
    report: &mut dyn FnMut(CompactStep) -> std::io::Result<()>,
) -> Result<u64, LandingError> {
    compact_in_steps(layout, MOST_BYTES, report)
}

pub(super) fn compact_in_steps(
    layout: &LandingLayout,
    most_bytes: u64,
    steps: Steps<'_>,
) -> Result<u64, LandingError> {
    let (mut joined, mut failed) = (0, None);
    for pieces in pieces(layout)? {
        match joined_of_type(pieces, most_bytes, steps) {
            Ok(folders) => joined += folders,
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(joined),
    }
}

/// The folders by API version, resource type and origin, in the order of their newest runs.
fn pieces(layout: &LandingLayout) -> Result<Vec<Vec<Piece>>, LandingError> {
    let listed = listed_runs(layout)?;
    type Key = (ApiVersion, ResourceType, bool);
    let mut folders: BTreeMap<Key, BTreeMap<PathBuf, Vec<ListedRun>>> = BTreeMap::new();
    for run in listed.sealed {
        let origin = match &run.place {
            Place::Own(origin) => *origin,
            Place::Packed(compacted, _) => Some(compacted.manifest.origin),
            Place::Damaged(_) => None,
        };
        let Some(origin) = origin else {
            continue;
        };
        let is_import = origin == LandingOrigin::Import;
        let key = (run.api, run.resource.clone(), is_import);
        let of_type = folders.entry(key).or_default();
        of_type.entry(run.folder.clone()).or_default().push(run);
    }
    let of_type = |folders: BTreeMap<PathBuf, Vec<ListedRun>>| {
        let pieces = folders.into_iter();
        let mut pieces: Vec<Piece> = pieces
            .map(|(folder, runs)| Piece { folder, runs })
            .collect();
        pieces.sort_by(|one, other| one.newest().cmp(&other.newest()));
        pieces
    };
    Ok(folders.into_values().map(of_type).collect())
}

impl Piece {
    pub(super) fn newest(&self) -> Option<&RunId> {
        self.runs.last().map(|listed| &listed.run)
    }

    /// The bytes of the files that belong to its runs, and of their manifests.
    fn bytes(&self) -> Result<u64, LandingError> {
        match self.runs.first().map(|listed| &listed.place) {
            Some(Place::Packed(compacted, _)) => {
                Ok(compacted.manifest.files().map(|file| file.bytes).sum())
            }
            _ => bytes_in(&self.folder),
        }
    }
}

fn bytes_in(folder: &Path) -> Result<u64, LandingError> {
    let mut bytes = 0;
    for path in entries(folder)? {
        let found = std::fs::metadata(&path);
        bytes += found.map_err(LandingError::io("reading", &path))?.len();
    }
    Ok(bytes)
}

fn joined_of_type(
    pieces: Vec<Piece>,
    most_bytes: u64,
    steps: Steps<'_>,
) -> Result<u64, LandingError> {
    // Fewer than any that are joined: their sizes do not matter.
    if first_joined(&vec![1; pieces.len()]).is_none() {
        return Ok(0);
    }
    let mut small = Vec::new();
    let mut sizes = Vec::new();
    for piece in pieces {
        let bytes = piece.bytes()?;
        if bytes < most_bytes {
            small.push(piece);
            sizes.push(bytes);
        }
    }
    let Some(first) = first_joined(&sizes) else {
        return Ok(0);
    };
    let mut joined = 0;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for (piece, size) in small.into_iter().zip(sizes).skip(first) {
        batch.push(piece);
        bytes += size;
        if bytes >= most_bytes {
            joined += join_whole(std::mem::take(&mut batch), steps)?;
            bytes = 0;
        }
    }
    Ok(joined + join_whole(batch, steps)?)
}

/// Joins the folders that are whole.
fn join_whole(mut batch: Vec<Piece>, steps: Steps<'_>) -> Result<u64, LandingError> {
    while batch.len() > 1 {
        match join(&batch, steps) {
            Err(LandingError::NotJoined { path, reason }) => {
                tracing::warn!(
                    run.folder = %path.display(),
                    reason = %reason,
                    "a damaged landing run is not joined with others; verify says what repairs it"
                );
                let before = batch.len();
                batch.retain(|piece| piece.folder != path);
                if batch.len() == before {
                    return Err(LandingError::NotJoined { path, reason });
                }
            }
            done => return done.map(|()| batch.len() as u64),
        }
    }
    Ok(0)
}
