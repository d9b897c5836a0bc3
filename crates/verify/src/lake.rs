//! A published snapshot against its manifest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::{LakeManifest, LakeTable};
use rayon::prelude::*;

use crate::files::{NamedFile, check_extra_files, check_file};
use crate::{Check, Error};

/// The snapshot that `current` led to when verification began.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: LakeManifest,
}

impl Snapshot {
    /// Resolves `<lake>/current` once. None where nothing is published yet; a snapshot that cannot
    /// be read is a failure of `check`.
    pub(crate) fn current(lake: &Path, check: &mut Check) -> Result<Option<Self>, Error> {
        let current = lake.join("current");
        let folder = match std::fs::canonicalize(&current) {
            Ok(folder) => folder,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if current.is_symlink() {
                    check.fail(|| "lake/current leads to a snapshot that is not there".into());
                }
                return Ok(None);
            }
            Err(error) => return Err(Error::io(&current, error)),
        };
        match claimlake_loader::read_manifest(&folder) {
            Ok(manifest) => {
                check.pass();
                Ok(Some(Self { folder, manifest }))
            }
            Err(error) => {
                check.fail(|| format!("{}: {error}", shown(&folder)));
                Ok(None)
            }
        }
    }

    pub(crate) fn table(&self, name: &str) -> Option<&LakeTable> {
        self.manifest
            .tables
            .iter()
            .find(|table| table.layout.name == name)
    }

    /// Every file the manifest names is there as it was written, and no other is.
    pub(crate) fn check_files(&self, check: &mut Check) -> Result<(), Error> {
        let shown = shown(&self.folder);
        let files: Vec<_> = self
            .manifest
            .tables
            .iter()
            .flat_map(|table| &table.files)
            .chain(&self.manifest.keys)
            .chain(&self.manifest.current)
            .collect();
        let found: Vec<Check> = files
            .par_iter()
            .map(|file| {
                let mut one = check.clone_empty();
                let named = NamedFile {
                    path: &file.path,
                    bytes: file.bytes,
                    sha256: &file.sha256,
                };
                check_file(&mut one, &self.folder, &shown, &named);
                one
            })
            .collect();
        found.into_iter().for_each(|one| check.merge(one));
        for table in &self.manifest.tables {
            let root = self.folder.join(&table.layout.name);
            let expected: BTreeSet<PathBuf> = table
                .files
                .iter()
                .filter_map(|file| Path::new(&file.path).strip_prefix(&table.layout.name).ok())
                .map(Path::to_path_buf)
                .collect();
            let shown = format!("{shown}/{}", table.layout.name);
            check_extra_files(check, &root, &shown, &expected)?;
        }
        Ok(())
    }
}

/// The snapshot's folder as reports name it: relative, without a machine's paths.
fn shown(folder: &Path) -> String {
    let number = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("lake/snapshots/{number}")
}
