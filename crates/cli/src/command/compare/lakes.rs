//! Finds the snapshot that a path names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use claimlake_contract::MANIFEST_FILE;

use crate::access::has_vault;
use crate::failure::{Failure, Outcome};

/// A lake that was named on the command line.
pub(in crate::command) struct NamedLake {
    /// The folder of one snapshot, without a link in its path: it never changes.
    pub(in crate::command) snapshot: PathBuf,
    /// The lake that it is of.
    pub(in crate::command) lake: PathBuf,
    /// The data directory of the lake, where it lies in one that has a vault.
    pub(in crate::command) data: Option<PathBuf>,
}

impl NamedLake {
    /// A data directory's or lake's current snapshot, or the snapshot itself.
    pub(in crate::command) fn find(path: &Path, flag: &str) -> Outcome<Self> {
        let root = std::fs::canonicalize(path)
            .with_context(|| format!("{flag} {}", path.display()))
            .map_err(Failure::usage)?;
        let currents = [root.join("lake/current"), root.join("current")];
        let snapshot = match currents.iter().find(|current| current.is_symlink()) {
            Some(current) => std::fs::canonicalize(current)
                .with_context(|| format!("{flag}: reading {}", current.display()))
                .map_err(Failure::usage)?,
            None if root.join(MANIFEST_FILE).is_file() => root.clone(),
            None => {
                return Err(Failure::usage(anyhow!(
                    "{flag} {}: nothing is published there; name a data directory after its `load`, \
                     a lake, or a folder of its snapshots",
                    path.display()
                )));
            }
        };
        // A snapshot lies two folders below its lake; a copy of one may be alone.
        let above = snapshot
            .parent()
            .filter(|above| above.ends_with("snapshots"));
        let lake = above
            .and_then(Path::parent)
            .unwrap_or(&snapshot)
            .to_path_buf();
        let data = lake
            .parent()
            .filter(|data| has_vault(data))
            .map(Path::to_path_buf);
        Ok(Self {
            snapshot,
            lake,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::NamedLake;

    #[test]
    fn a_data_directory_a_lake_and_a_snapshot_name_the_same() {
        let data = tempfile::tempdir().unwrap();
        let snapshots = data.path().join("lake/snapshots");
        let second = snapshots.join("2");
        std::fs::create_dir_all(&second).unwrap();
        std::fs::write(second.join("manifest.json"), "{}").unwrap();
        std::os::unix::fs::symlink("snapshots/2", data.path().join("lake/current")).unwrap();
        let second = std::fs::canonicalize(second).unwrap();
        for path in ["", "lake", "lake/current", "lake/snapshots/2"] {
            let found = NamedLake::find(&data.path().join(path), "--left").unwrap();
            assert_eq!(found.snapshot, second, "{path}");
        }
        for path in ["lake/snapshots", "nowhere"] {
            assert!(
                NamedLake::find(&data.path().join(path), "--left").is_err(),
                "{path}"
            );
        }
    }
}
