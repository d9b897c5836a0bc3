//! Files against the manifests that name them: present, as long as said, with the checksum said.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use claimlake_contract::{CHECKSUM_FILE, LakeFile, MANIFEST_FILE, hex};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::report::Check;

/// A file that a manifest names.
#[derive(Debug, Clone)]
pub(crate) struct NamedFile<'a> {
    /// Relative to the manifest's folder.
    pub(crate) path: &'a str,
    pub(crate) bytes: u64,
    pub(crate) sha256: &'a str,
}

impl<'a> From<&'a LakeFile> for NamedFile<'a> {
    fn from(file: &'a LakeFile) -> Self {
        Self {
            path: &file.path,
            bytes: file.bytes,
            sha256: &file.sha256,
        }
    }
}

/// Compares one named file below `folder`; `shown` is the folder as reports name it.
pub(crate) fn check_file(check: &mut Check, folder: &Path, shown: &str, named: &NamedFile<'_>) {
    let found = digest(&folder.join(named.path));
    let place = || format!("{shown}/{}", named.path);
    compare(check, place, found, (named.bytes, named.sha256));
}

/// Compares length and SHA-256 of the file at `place` with what its manifest says.
pub(crate) fn compare(
    check: &mut Check,
    place: impl Fn() -> String,
    found: std::io::Result<(u64, String)>,
    (bytes, sha256): (u64, &str),
) {
    match found {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            check.fail(|| format!("{}: the file is missing", place()));
        }
        Err(error) => check.fail(|| format!("{}: {error}", place())),
        Ok((found, _)) if found != bytes => {
            check.fail(|| format!("{}: {found} bytes, the manifest says {bytes}", place()));
        }
        Ok((_, found)) => check.expect(found == sha256, || {
            format!("{}: the checksum differs from the manifest's", place())
        }),
    }
}

/// Checks that the manifest in `folder` has the checksum in the file beside it.
pub(crate) fn check_checksum(check: &mut Check, folder: &Path, shown: &str) {
    let place = || format!("{shown}/{MANIFEST_FILE}");
    let said = std::fs::read_to_string(folder.join(CHECKSUM_FILE));
    match (said, digest(&folder.join(MANIFEST_FILE))) {
        (Ok(said), Ok((_, found))) => {
            // While a manifest is replaced, there is a line for each of the two.
            let mut sums = said
                .lines()
                .filter_map(|line| line.split_whitespace().next());
            let is_same = sums.any(|sum| sum == found);
            check.expect(is_same, || {
                format!("{}: it was edited, its checksum differs", place())
            });
        }
        (Err(error), _) => check.fail(|| format!("{shown}/{CHECKSUM_FILE}: {error}")),
        (_, Err(error)) => check.fail(|| format!("{}: {error}", place())),
    }
}

/// Counts every file below `folder` that is not among `expected` (paths relative to it).
pub(crate) fn check_extra_files(
    check: &mut Check,
    folder: &Path,
    shown: &str,
    expected: &BTreeSet<PathBuf>,
) -> Result<(), Error> {
    for path in files_below(folder)? {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        check.expect(expected.contains(relative), || {
            format!(
                "{shown}/{}: no manifest names this file",
                relative.display()
            )
        });
    }
    Ok(())
}

/// All files below `folder`, sorted; none where the folder is not there.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io(&next, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Error::io(&next, error))?;
            let kind = entry
                .file_type()
                .map_err(|error| Error::io(&entry.path(), error))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Length and SHA-256 of a file.
fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut hasher = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hasher)?;
    Ok((bytes, hex(&hasher.finalize())))
}

#[cfg(test)]
mod tests {
    use super::{NamedFile, check_file};
    use crate::report::Check;

    #[test]
    fn a_flipped_byte_a_short_file_and_a_missing_one_are_each_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "abc").unwrap();
        // From FIPS 180-2, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut check = Check::hard("files", "");
        let named = NamedFile {
            path: "a",
            bytes: 3,
            sha256,
        };
        check_file(&mut check, folder.path(), "x", &named);
        assert_eq!((check.checked, check.failed), (1, 0));

        std::fs::write(folder.path().join("a"), "abd").unwrap();
        check_file(&mut check, folder.path(), "x", &named);
        std::fs::write(folder.path().join("a"), "ab").unwrap();
        check_file(&mut check, folder.path(), "x", &named);
        std::fs::remove_file(folder.path().join("a")).unwrap();
        check_file(&mut check, folder.path(), "x", &named);
        assert_eq!(check.failed, 3);
        assert!(check.places[0].contains("checksum"), "{:?}", check.places);
        assert!(check.places[1].contains("2 bytes"), "{:?}", check.places);
        assert!(check.places[2].contains("missing"), "{:?}", check.places);
    }
}
