//! Who may read the lake.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::lake::Snapshot;
use crate::report::Check;

/// Modes of all files and folders of the snapshot, and of the folders it is in: the owner's alone,
/// or, where the lake is shared with a group, readable by it. They are not part of any hash.
pub(crate) fn check(lake: &Path, snapshot: &Snapshot, is_shared: bool) -> Check {
    let mut check = Check::warning(
        "modes",
        "nobody but the owner, or the group of [load] group, may read the lake; if not, chmod -R",
    );
    let (file_mode, folder_mode) = match is_shared {
        true => (0o640, 0o750),
        false => (0o600, 0o700),
    };
    let mut look = |path: &Path, is_folder: bool, shown: &str| {
        let allowed = if is_folder { folder_mode } else { file_mode };
        // What cannot be looked at is reported by the check of files.
        let Ok(found) = std::fs::symlink_metadata(path) else {
            return;
        };
        let mode = found.permissions().mode() & 0o777;
        check.expect(mode & !allowed == 0, || {
            format!("{shown}: mode {mode:04o}, at most {allowed:04o} is right")
        });
    };
    look(lake, true, "lake");
    look(&lake.join("snapshots"), true, "lake/snapshots");
    let shown = snapshot.shown();
    let mut folders = vec![snapshot.folder.clone()];
    while let Some(folder) = folders.pop() {
        let name = |path: &Path| match path.strip_prefix(&snapshot.folder) {
            Ok(below) if !below.as_os_str().is_empty() => format!("{shown}/{}", below.display()),
            _ => shown.clone(),
        };
        look(&folder, true, &name(&folder));
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            match path.is_dir() {
                true => folders.push(path),
                false => look(&path, false, &name(&path)),
            }
        }
    }
    check
}
