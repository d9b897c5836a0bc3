//! Whether the members of `[load] group` can reach the lake: every folder above it needs the
//! execute bit for them, and the publishing user must be allowed to give files to the group.
//! Nothing is changed here; `doctor` reports the result.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{LoadError, Result};
use crate::publish::access::group_number;

/// What members of a group find on their way to a lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReach {
    /// Whether this process may give files to the group: it is root, or a member.
    pub may_give: bool,
    /// The topmost folder above the lake that members may not enter, with its mode (permission bits
    /// only).
    pub blocked_by: Option<(PathBuf, u32)>,
    /// The topmost folder above the lake that has an access-control list. Its mode does not show
    /// who may enter, so nothing is claimed about it.
    pub has_acl: Option<PathBuf>,
}

/// Examines the folders above a lake; the lake's own folder does not have to exist yet.
///
/// # Errors
///
/// There is no such group, or a folder cannot be examined.
pub fn group_reach(lake: &Path, group: &str) -> Result<GroupReach> {
    let number = group_number(group)?;
    let mut reach = GroupReach {
        may_give: may_give(number),
        blocked_by: None,
        has_acl: None,
    };
    let lake = real_folder(lake)?;
    let above = lake.ancestors().skip(1).collect::<Vec<_>>();
    for folder in above.into_iter().rev().filter(|folder| folder.is_dir()) {
        let found = folder
            .metadata()
            .map_err(LoadError::io("reading", folder))?;
        if has_acl(folder) {
            reach.has_acl.get_or_insert_with(|| folder.to_path_buf());
        } else if reach.blocked_by.is_none() && !lets_through(found.mode(), found.gid() == number) {
            reach.blocked_by = Some((folder.to_path_buf(), found.mode() & 0o777));
        }
    }
    Ok(reach)
}

/// The path without links, of a folder of which the last parts need not be there yet.
///
/// # Errors
///
/// A part of the path that is there cannot be resolved.
pub fn real_folder(folder: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(folder).map_err(LoadError::io("resolving", folder))?;
    let there = absolute.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("/"));
    let real = there
        .canonicalize()
        .map_err(LoadError::io("resolving", there))?;
    Ok(match absolute.strip_prefix(there) {
        Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
        _ => real,
    })
}

/// Whether the mode lets a user enter who does not own the folder and is (or is not) in its group.
/// POSIX checks the first class that applies: members of the group are not covered by the bits for
/// others.
fn lets_through(mode: u32, is_its_group: bool) -> bool {
    let bit = if is_its_group { 0o010 } else { 0o001 };
    mode & bit != 0
}

/// Whether this process may give a file to the group: only root and members may.
fn may_give(group: u32) -> bool {
    let groups = rustix::process::getgroups().unwrap_or_default();
    rustix::process::geteuid().is_root()
        || rustix::process::getegid().as_raw() == group
        || groups.iter().any(|own| own.as_raw() == group)
}

/// Whether a folder has a POSIX access-control list.
#[cfg(target_os = "linux")]
fn has_acl(folder: &Path) -> bool {
    let mut buffer = [0; 4_096];
    rustix::fs::getxattr(folder, "system.posix_acl_access", &mut buffer).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn has_acl(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    use super::{group_reach, lets_through, real_folder};

    #[test]
    fn the_bits_of_a_folders_own_group_count_or_else_those_of_others() {
        for (mode, is_its_group, expected) in [
            (0o700, true, false),
            (0o700, false, false),
            (0o710, true, true),
            (0o710, false, false),
            (0o750, true, true),
            (0o701, false, true),
            // The group's bits alone decide about its members.
            (0o701, true, false),
            (0o711, true, true),
            (0o755, false, true),
            // To list a folder is not to pass it.
            (0o740, true, false),
            (0o744, false, false),
        ] {
            assert_eq!(lets_through(mode, is_its_group), expected, "{mode:o}");
        }
    }

    #[test]
    fn the_topmost_folder_that_blocks_is_named() {
        let top = tempfile::tempdir().unwrap();
        let own = top.path().metadata().unwrap().gid();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let (outer, inner) = (top.path().join("a"), top.path().join("a/b"));
        fs::create_dir_all(&inner).unwrap();
        set(top.path(), 0o755);
        let real = top.path().canonicalize().unwrap();
        let above = group_reach(&real, &own.to_string()).unwrap();
        // Where temporary files are private, every way is blocked further up.
        if above.blocked_by.is_some() || above.has_acl.is_some() {
            return;
        }
        let blocked = |outer_mode, inner_mode| {
            set(&inner, inner_mode);
            set(&outer, outer_mode);
            let reach = group_reach(&inner.join("lake"), &own.to_string()).unwrap();
            assert!(reach.may_give);
            let (path, mode) = reach.blocked_by?;
            Some((
                path.strip_prefix(&real).unwrap().display().to_string(),
                mode,
            ))
        };
        for (outer_mode, inner_mode, expected) in [
            (0o755, 0o755, None),
            (0o710, 0o750, None),
            (0o700, 0o755, Some(("a", 0o700))),
            (0o755, 0o700, Some(("a/b", 0o700))),
            (0o705, 0o700, Some(("a", 0o705))),
        ] {
            let expected = expected.map(|(path, mode): (&str, u32)| (path.to_owned(), mode));
            assert_eq!(blocked(outer_mode, inner_mode), expected, "{outer_mode:o}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_resolved_through_links() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", top.path().join("link")).unwrap();
        let real = top.path().canonicalize().unwrap().join("real/new/lake");
        assert_eq!(
            real_folder(&top.path().join("link/new/lake")).unwrap(),
            real
        );
    }
}
