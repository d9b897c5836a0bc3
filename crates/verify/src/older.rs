//! Snapshots that are kept beside the current one: a rollback to them must be safe.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use claimlake_contract::LakeFile;
use rayon::prelude::*;

use crate::error::Error;
use crate::files::{NamedFile, check_file};
use crate::lake::{Snapshot, snapshot_numbers};
use crate::report::Check;

type Inode = (u64, u64);

/// Every file of every kept snapshot but the current one, against its manifest. Files that snapshots
/// share are read once, and those of the current one were read before.
pub(crate) fn check(lake: &Path, current: Option<&Snapshot>) -> Result<Check, Error> {
    let mut check = Check::hard(
        "older_snapshots",
        "files of the other kept snapshots against their manifests",
    );
    // Files that were read, with the hash that each was compared with.
    let mut seen: HashMap<Inode, String> = HashMap::new();
    if let Some(current) = current {
        let files = current.manifest.all_files();
        seen.extend(files.filter_map(|file| {
            let inode = inode(&current.folder.join(&file.path))?;
            Some((inode, file.sha256.clone()))
        }));
    }
    let mut waiting: Vec<(PathBuf, u64, LakeFile)> = Vec::new();
    for number in snapshot_numbers(lake)? {
        let folder = lake.join("snapshots").join(number.to_string());
        let is_current = current.is_some_and(|current| current.manifest.snapshot == number);
        if is_current || claimlake_loader::is_of_another_version(&folder) {
            continue;
        }
        let manifest = match claimlake_loader::read_manifest(&folder) {
            Ok(manifest) => manifest,
            // Named by the check of the current snapshot's manifest.
            Err(_) if current.is_none() && is_target(lake, number) => continue,
            Err(error) => {
                check.fail(|| format!("older snapshot {number}: {error}"));
                continue;
            }
        };
        for file in manifest.all_files() {
            let found = inode(&folder.join(&file.path));
            let is_known =
                found.is_some_and(|found| seen.get(&found).is_some_and(|sum| *sum == file.sha256));
            if is_known {
                continue;
            }
            if let Some(found) = found {
                seen.insert(found, file.sha256.clone());
            }
            waiting.push((folder.clone(), number, file.clone()));
        }
    }
    let found: Vec<Check> = waiting
        .par_iter()
        .map(|(folder, number, file)| {
            let mut one = check.clone_empty();
            let shown = format!("older snapshot {number}: lake/snapshots/{number}");
            check_file(&mut one, folder, &shown, &NamedFile::from(file));
            one
        })
        .collect();
    found.into_iter().for_each(|one| check.merge(one));
    Ok(check)
}

/// Whether the lake is pinned to a snapshot, as far as that can be read.
pub(crate) fn check_pin(lake: &Path) -> Result<(Check, bool), Error> {
    let mut check = Check::hard("lake_pin", "the lake is pinned to a snapshot, or to none");
    let path = lake.join("pinned");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((check, false)),
        Err(error) => return Err(Error::io(&path, error)),
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let number = text.trim().parse::<u64>();
    check.expect(number.is_ok(), || {
        "lake/pinned: it does not name a snapshot, so that no load goes on".into()
    });
    Ok((check, true))
}

/// Whether `current` points to the snapshot.
fn is_target(lake: &Path, number: u64) -> bool {
    let target = std::fs::read_link(lake.join("current")).unwrap_or_default();
    let name = target.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()) == Some(number)
}

fn inode(path: &Path) -> Option<Inode> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
