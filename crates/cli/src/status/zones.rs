//! The oldest PHI on disk, by zone: what retention periods and auditors ask about.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use claimlake_contract::partition_value;

use crate::data_dir::{DataDir, runs_of};

/// The oldest PHI of one zone.
#[derive(Debug)]
pub(crate) struct OldestOfZone {
    /// The zone, in one word.
    pub(crate) zone: &'static str,
    /// The time of the run that wrote it.
    pub(crate) since: DateTime<Utc>,
    /// Its folder, relative to the data directory.
    pub(crate) place: String,
}

/// The oldest data in each folder that has any, oldest first.
pub(super) fn oldest(data: &DataDir, lake: &Path) -> anyhow::Result<Vec<OldestOfZone>> {
    let mut found = Vec::new();
    let mut landing = Vec::new();
    for api in folders_named(data.landing().root(), "api")? {
        for resource in folders_named(&api, "resource")? {
            landing.extend(folders_named(&resource, "run")?);
        }
    }
    let zones = [
        ("landing", landing),
        (
            "rejected",
            files_in(&data.landing().root().join("rejected"))?,
        ),
        ("staged", folders_named(&data.staged(), "run")?),
        ("records", data.transformed_folders()?),
    ];
    for (zone, paths) in zones {
        let dated = paths
            .into_iter()
            .filter_map(|path| Some((runs_of(&path)?.0.started_at()?, path)));
        if let Some((since, path)) = dated.min() {
            found.push(OldestOfZone {
                zone,
                since,
                place: below(data, &path),
            });
        }
    }
    // A row may have come with any earlier snapshot: the run that landed it is what dates it.
    for snapshot in claimlake_loader::snapshots(lake).unwrap_or_default() {
        let published = snapshot.published_at.as_deref().unwrap_or_default();
        if let Ok(since) = DateTime::parse_from_rfc3339(published) {
            found.push(OldestOfZone {
                zone: "lake",
                since: since.to_utc(),
                place: below(data, &snapshot.folder),
            });
            break;
        }
    }
    found.sort_by_key(|zone| zone.since);
    Ok(found)
}

/// The files in a folder, sorted; none where it is not there.
pub(crate) fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let said = format!("listing {}: {error}", folder.display());
            return Err(io::Error::new(error.kind(), said));
        }
    };
    files.sort();
    Ok(files)
}

fn folders_named(folder: &Path, key: &str) -> io::Result<Vec<PathBuf>> {
    let mut folders = files_in(folder)?;
    folders.retain(|path| partition_value(path, key).is_some());
    Ok(folders)
}

fn below(data: &DataDir, path: &Path) -> String {
    let below = path.strip_prefix(data.root()).unwrap_or(path);
    below.display().to_string()
}
