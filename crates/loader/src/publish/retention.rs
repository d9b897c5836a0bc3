//! Which snapshots there are, and which of them are kept.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{LakeManifest, RunId};
use serde::Serialize;

use crate::error::Result;
use crate::publish::lake::Lake;
use crate::publish::manifest::read_manifest;

/// A snapshot of a lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// Its number.
    pub number: u64,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether `current` points to it.
    pub is_current: bool,
    /// Whether the lake was rolled back to it, so that loads refuse.
    pub is_pinned: bool,
    /// The run that published it; `None` if its manifest cannot be read.
    pub run: Option<RunId>,
    /// When it was published.
    pub published_at: Option<String>,
    /// Rows of all its tables.
    pub rows: u64,
    /// Bytes of all its files; files shared with other snapshots count here, too.
    ///
    /// Their sum over snapshots is therefore more than the lake's size on disk.
    pub bytes: u64,
    /// Why its manifest cannot be used; `None` if it can. Its other files are not read.
    pub damage: Option<String>,
}

/// The snapshots of a lake, oldest first; none where there is no lake.
///
/// ```
/// # fn main() -> claimlake_loader::Result<()> {
/// let nowhere = std::path::Path::new("/nowhere/lake");
/// assert_eq!(claimlake_loader::snapshots(nowhere)?, []);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The lake cannot be read. A snapshot that is damaged is listed, and says so.
pub fn snapshots(lake: &Path) -> Result<Vec<SnapshotInfo>> {
    let lake = Lake::at(lake);
    let current = lake.current()?;
    let pinned = lake.pinned()?;
    let info = |number: u64| {
        let folder = lake.snapshot(number);
        let manifest = read_manifest(&folder);
        let files = |manifest: &LakeManifest, of: fn(&claimlake_contract::LakeFile) -> u64| {
            manifest
                .tables
                .iter()
                .flat_map(|table| &table.files)
                .map(of)
                .sum()
        };
        let whole = manifest.as_ref().ok();
        SnapshotInfo {
            number,
            is_current: current == Some(number),
            is_pinned: pinned == Some(number),
            run: whole.map(|manifest| manifest.run.clone()),
            published_at: whole.map(|manifest| manifest.published_at.clone()),
            rows: whole.map_or(0, |manifest| files(manifest, |file| file.rows)),
            bytes: whole.map_or(0, |manifest| files(manifest, |file| file.bytes)),
            damage: manifest.as_ref().err().map(ToString::to_string),
            folder,
        }
    };
    Ok(lake.numbers()?.into_iter().map(info).collect())
}

/// The number of the oldest snapshot that is kept, to which a rollback can still go back; `None`
/// where there is none.
///
/// # Errors
///
/// The lake cannot be listed.
pub fn oldest_snapshot(lake: &Path) -> Result<Option<u64>> {
    Ok(Lake::at(lake).numbers()?.first().copied())
}

/// Removes the snapshots that are neither among the newest `keep` nor younger than `hours` at `now`
/// (RFC 3339), and returns their numbers. The current one always stays. A snapshot whose age is
/// unknown because its manifest is damaged counts as old.
pub(crate) fn retain(
    lake: &Lake,
    current: u64,
    keep: usize,
    hours: u64,
    now: &str,
) -> Result<Vec<u64>> {
    let numbers = lake.numbers()?;
    let surplus = numbers.len().saturating_sub(keep.max(1));
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let span = i64::try_from(hours).ok().and_then(TimeDelta::try_hours);
    // Hours beyond all time are for ever.
    let oldest_kept = instant(now).map(|now| {
        let oldest = span.and_then(|span| now.checked_sub_signed(span));
        oldest.unwrap_or_else(|| DateTime::<Utc>::MIN_UTC.fixed_offset())
    });
    let mut removed = Vec::new();
    for number in numbers
        .into_iter()
        .take(surplus)
        .filter(|number| *number != current)
    {
        let published = read_manifest(&lake.snapshot(number))
            .ok()
            .and_then(|manifest| instant(&manifest.published_at));
        // A snapshot without a publication time is unusable.
        let is_young = published
            .zip(oldest_kept)
            .is_some_and(|(published, oldest)| published >= oldest);
        if !is_young {
            lake.remove(number)?;
            removed.push(number);
        }
    }
    Ok(removed)
}
