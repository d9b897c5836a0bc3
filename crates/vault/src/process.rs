//! Which process holds a lock, according to the operating system. Used for messages only.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The process that holds a write lock of this kind (`FLOCK`, `POSIX`) on a file; `None` if it is
/// this process, or if the system does not tell.
pub(crate) fn lock_holder(path: &Path, kind: &str) -> Option<u32> {
    let inode = std::fs::metadata(path).ok()?.ino();
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF`
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, found, _, "WRITE", pid, file, ..] = fields[..] else {
            return None;
        };
        let is_it = found == kind && file.rsplit(':').next()?.parse() == Ok(inode);
        let pid: u32 = pid.parse().ok()?;
        (is_it && pid > 0 && pid != std::process::id()).then_some(pid)
    })
}

/// `process 4711 (sqlite3)`.
pub(crate) fn name_of(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim().replace(char::is_control, "") {
        name if name.is_empty() => format!("process {pid}"),
        name => format!("process {pid} ({name})"),
    }
}
