//! Files that do not change: linked into the next snapshot, or copied if hard links are not
//! possible. A snapshot that shares nearly all files with the previous one needs little space.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use claimlake_contract::LakeFile;

use crate::damage::check_length;
use crate::error::{LoadError, Result};
use crate::publish::access::Access;

/// How many files were linked and how many had to be copied.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) linked: AtomicU64,
    pub(crate) copied: AtomicU64,
}

/// Takes a file over from the previous snapshot if it has the length that its manifest says. Its
/// content is not compared: that would take as long as reading the whole lake.
///
/// # Errors
///
/// [`LoadError::Damaged`] if the file is missing or has another length.
pub(crate) fn carry(
    file: &LakeFile,
    before: &Path,
    snapshot: &Path,
    access: &Access,
    carried: &Carried,
) -> Result<()> {
    check_length(before, file)?;
    link_or_copy(&file.path, before, snapshot, access, carried)
}

/// Links the file, or copies it with the lake's mode and group.
fn link_or_copy(
    path: &str,
    before: &Path,
    snapshot: &Path,
    access: &Access,
    carried: &Carried,
) -> Result<()> {
    let (from, to) = (before.join(path), snapshot.join(path));
    if let Some(folder) = to.parent() {
        access.make_folder(folder)?;
    }
    match std::fs::hard_link(&from, &to) {
        Ok(()) => {
            carried.linked.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        Err(error) if cannot_link(error.kind()) => {
            let mut source = std::fs::File::open(&from).map_err(LoadError::io("opening", &from))?;
            let mut copy = access.create_file(&to)?;
            std::io::copy(&mut source, &mut copy).map_err(LoadError::io("copying to", &to))?;
            carried.copied.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        Err(error) => Err(LoadError::io("linking", &from)(error)),
    }
}

/// Whether the error means that the file system has no (more) hard links.
fn cannot_link(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unsupported
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::CrossesDevices
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_links_are_impossible_files_are_copied_and_counted() {
        let (before, shared_memory) = (tempfile::tempdir().unwrap(), Path::new("/dev/shm"));
        if !shared_memory.is_dir() {
            println!("skipped: there is no second file system at /dev/shm");
            return;
        }
        let snapshot = tempfile::tempdir_in(shared_memory).unwrap();
        std::fs::create_dir(before.path().join("eob")).unwrap();
        std::fs::write(before.path().join("eob/1.parquet"), "rows").unwrap();
        let file = LakeFile {
            path: "eob/1.parquet".to_owned(),
            rows: 1,
            bytes: 4,
            sha256: String::new(),
        };
        let carried = Carried::default();
        let access = Access::owner_only();
        carry(&file, before.path(), snapshot.path(), &access, &carried).unwrap();
        let counts = (carried.linked.into_inner(), carried.copied.into_inner());
        assert_eq!(counts, (0, 1));
        assert_eq!(
            std::fs::read(snapshot.path().join("eob/1.parquet")).unwrap(),
            b"rows"
        );
    }
}
