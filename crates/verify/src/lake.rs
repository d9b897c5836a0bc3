//! A published snapshot against its manifest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::{CHECKSUM_FILE, LakeFile, LakeManifest, LakeTable, MANIFEST_FILE};
use rayon::prelude::*;

use crate::error::Error;
use crate::files::{NamedFile, check_extra_files, check_file};
use crate::report::Check;

/// The snapshot that `current` led to when verification began.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: LakeManifest,
    /// Paths of files that are not as the manifest says: they are not read.
    pub(crate) damaged: BTreeSet<String>,
    /// Where what is noted of it is kept.
    pub(crate) scratch: PathBuf,
}

impl Snapshot {
    /// Resolves `<lake>/current` once. None where nothing is published yet; a snapshot that cannot
    /// be read is a failure of `check`.
    pub(crate) fn current(
        (lake, scratch): (&Path, &Path),
        was_published: bool,
        check: &mut Check,
    ) -> Result<Option<Self>, Error> {
        let current = lake.join("current");
        let folder = match std::fs::canonicalize(&current) {
            Ok(folder) => folder,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if current.is_symlink() {
                    check.fail(|| "lake/current leads to a snapshot that is not there".into());
                } else if was_published && !snapshot_numbers(lake)?.is_empty() {
                    check.fail(|| "lake/current is missing, and there are snapshots".into());
                }
                return Ok(None);
            }
            Err(error) => return Err(Error::io(&current, error)),
        };
        if !current.is_symlink() {
            check.fail(|| "lake/current is no link: whatever copied the lake followed it".into());
        }
        match claimlake_loader::read_manifest(&folder) {
            Ok(manifest) => {
                check.pass();
                Ok(Some(Self {
                    folder,
                    manifest,
                    damaged: BTreeSet::new(),
                    scratch: scratch.to_path_buf(),
                }))
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

    /// The files of a table that are as the manifest says.
    pub(crate) fn intact_files<'f>(
        &'f self,
        table: &'f LakeTable,
    ) -> impl Iterator<Item = &'f LakeFile> {
        let files = table.files.iter();
        files.filter(|file| !self.damaged.contains(&file.path))
    }

    /// The snapshot's folder as reports name it.
    pub(crate) fn shown(&self) -> String {
        shown(&self.folder)
    }

    /// Checks that every file in the manifest exists unchanged, and that there is no other file.
    pub(crate) fn check_files(&mut self, check: &mut Check) -> Result<(), Error> {
        let shown = shown(&self.folder);
        let files: Vec<_> = self.manifest.all_files().collect();
        let found: Vec<Check> = files
            .par_iter()
            .map(|file| {
                let mut one = check.clone_empty();
                check_file(&mut one, &self.folder, &shown, &NamedFile::from(*file));
                one
            })
            .collect();
        for (file, one) in files.iter().zip(found) {
            if one.failed > 0 {
                self.damaged.insert(file.path.clone());
            }
            check.merge(one);
        }
        let mut expected: BTreeSet<PathBuf> =
            files.iter().map(|file| PathBuf::from(&file.path)).collect();
        if self.manifest.owners.is_some() {
            expected.extend([MANIFEST_FILE, CHECKSUM_FILE].map(PathBuf::from));
            return check_extra_files(check, &self.folder, &shown, &expected);
        }
        // A snapshot of an earlier version names the files of its tables, and its keys.
        for table in &self.manifest.tables {
            let name = &table.layout.name;
            let expected = expected.iter();
            let of_table = expected.filter_map(|path| path.strip_prefix(name).ok());
            let of_table = of_table.map(Path::to_path_buf).collect();
            let shown = format!("{shown}/{name}");
            check_extra_files(check, &self.folder.join(name), &shown, &of_table)?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// Compares the row owners in a snapshot of an earlier version, whose manifest has no hashes of
    /// them, with the rows themselves.
    pub(crate) fn check_earlier_owners(&self) -> Option<Check> {
        if self.manifest.owners.is_some() {
            return None;
        }
        let mut check = Check::hard(
            "row_owners",
            "owners of rows that an earlier version kept against the rows themselves",
        );
        let found = claimlake_loader::damaged_earlier_owners(&self.folder, &self.manifest);
        let shown = shown(&self.folder);
        for (path, damage) in found {
            check.expect(damage.is_none(), || {
                format!("{shown}/{path}: {}", damage.unwrap_or_default())
            });
        }
        Some(check)
    }
}

/// The numbers of all snapshots, ascending.
pub(crate) fn snapshot_numbers(lake: &Path) -> Result<Vec<u64>, Error> {
    let folder = lake.join("snapshots");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(&folder, error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(&folder, error))?;
        let name = entry.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The snapshot's folder as reports name it: relative, without a machine's paths.
fn shown(folder: &Path) -> String {
    let number = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("lake/snapshots/{number}")
}
