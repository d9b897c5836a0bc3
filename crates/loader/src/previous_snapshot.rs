//! The snapshot that the next one is built from, and which of its files can be used.
//!
//! Normally it is the current one, and every file is expected to be intact. During `load --rebuild`
//! some files may be known to be damaged ([`PreviousSnapshot::lost`]); nothing reads these, and
//! what they held is built again from the staged runs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use claimlake_contract::{LakeFile, LakeManifest, LakeTable};

use crate::damage::check_file;
use crate::error::Result;
use crate::publish::lake::Lake;
use crate::publish::manifest::read_manifest;

/// A published snapshot that another one is built from.
#[derive(Debug)]
pub(crate) struct PreviousSnapshot {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: LakeManifest,
    /// Damaged files that it names, as far as a rebuild looked: nothing reads them.
    pub(crate) lost: BTreeSet<String>,
    /// Whether the snapshot has an intact manifest. If not, `manifest` lists only the files of
    /// `changes` that were found.
    pub(crate) has_manifest: bool,
}

impl PreviousSnapshot {
    /// Reads the manifest of a snapshot and compares it with its checksum. Other files are not
    /// read.
    ///
    /// # Errors
    ///
    /// The manifest is missing, edited, or of another version.
    pub(crate) fn read(lake: &Lake, number: u64) -> Result<Self> {
        let folder = lake.snapshot(number);
        let manifest = read_manifest(&folder)?;
        Ok(Self {
            folder,
            manifest,
            lost: BTreeSet::new(),
            has_manifest: true,
        })
    }

    /// The current snapshot. Where the link `current` is missing, as after a kill in the first load,
    /// it is the newest one: a lake with snapshots is never taken for an empty one.
    pub(crate) fn current(lake: &Lake) -> Result<Option<Self>> {
        let number = match lake.current()? {
            Some(number) => Some(number),
            None => lake.numbers()?.last().copied(),
        };
        number.map(|number| Self::read(lake, number)).transpose()
    }

    /// Whether a file can be used.
    pub(crate) fn has(&self, file: &LakeFile) -> bool {
        !self.lost.contains(&file.path)
    }

    /// Whether its key file cannot be used, so that the table `changes` must say which resources it
    /// had ([`crate::repair::History`]).
    pub(crate) fn has_lost_keys(&self) -> bool {
        let keys = self.manifest.keys.as_ref();
        !self.has_manifest || keys.is_some_and(|keys| !self.has(keys))
    }

    /// The table with this name, if the snapshot has it.
    pub(crate) fn table(&self, name: &str) -> Option<&LakeTable> {
        self.manifest
            .tables
            .iter()
            .find(|table| table.layout.name == name)
    }

    /// The key file, where it can be used.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        let file = self.manifest.keys.as_ref()?;
        self.has(file).then(|| self.folder.join(&file.path))
    }

    /// Compares the key file and the file of current-version candidates with the manifest:
    /// decisions that are based on damaged keys would be wrong.
    ///
    /// # Errors
    ///
    /// [`LoadError::Damaged`](crate::LoadError::Damaged) if one of them differs.
    pub(crate) fn check_key_files(&self) -> Result<()> {
        let files = self.manifest.keys.iter().chain(&self.manifest.current);
        let mut usable = files.filter(|file| self.has(file));
        usable.try_for_each(|file| check_file(&self.folder, file))
    }
}
