//! Who may read the lake: its owner, or also the group of `[load] group`. [`super::group_reach`]
//! finds out whether members of the group can get to the lake's folder at all.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use claimlake_columnar::EntryKind;
pub(crate) use claimlake_columnar::FileAccess as Access;

use crate::error::{LoadError, Result};

/// Access for the owner only, or also for `group` (a name or a number).
///
/// # Errors
///
/// [`LoadError::Request`] if `/etc/group` has no group of that name.
pub(crate) fn access_for(group: Option<&str>) -> Result<Access> {
    Ok(match group {
        Some(group) => Access::group(group_number(group)?),
        None => Access::owner_only(),
    })
}

/// Gives everything that is already in a folder, and the folder itself, to the group. Returns how
/// many files and folders had another group or mode. Does nothing without a group.
///
/// Snapshots share files through hard links, so files from before the group was configured are part
/// of new snapshots too.
pub(crate) fn give_all(access: &Access, folder: &Path) -> Result<u64> {
    if access.group_number().is_none() {
        return Ok(0);
    }
    let mut given = u64::from(give_found(access, folder)?);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(LoadError::io("listing", &folder))?;
        for entry in entries {
            let entry = entry.map_err(LoadError::io("listing", &folder))?;
            let kind = entry
                .file_type()
                .map_err(LoadError::io("reading", &folder))?;
            // `current` points to a folder that is visited anyway.
            if kind.is_symlink() {
                continue;
            }
            given += u64::from(give_found(access, &entry.path())?);
            if kind.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(given)
}

/// Gives one file or folder to the group; returns whether it had another group or mode.
fn give_found(access: &Access, path: &Path) -> Result<bool> {
    let found = std::fs::metadata(path).map_err(LoadError::io("reading", path))?;
    let kind = match found.is_dir() {
        true => EntryKind::Folder,
        false => EntryKind::File,
    };
    let is_given = Some(found.gid()) == access.group_number();
    if is_given && found.mode() & 0o7777 == access.mode(kind) {
        return Ok(false);
    }
    access.give(path, kind)?;
    Ok(true)
}

/// The number of a group, by `/etc/group`. Groups that only a directory service knows must be
/// configured by number.
pub(super) fn group_number(group: &str) -> Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = Path::new("/etc/group");
    let text = std::fs::read_to_string(groups).map_err(LoadError::io("reading", groups))?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&group))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| {
            LoadError::Request(format!(
                "there is no group '{group}' on this machine; [load] group takes a name or a number"
            ))
        })
}
