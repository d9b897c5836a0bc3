//! The snapshot that the next one follows, and what of it can be used.

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
    /// Whether the manifest is what was published; if not, it names the files of `changes` alone.
    pub(crate) has_manifest: bool,
}

impl PreviousSnapshot {
    /// A snapshot of the lake.
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

    /// Whether its keys no longer say which resources it has.
    pub(crate) fn has_lost_keys(&self) -> bool {
        let keys = self.manifest.keys.as_ref();
        !self.has_manifest || keys.is_some_and(|keys| !self.has(keys))
    }

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

    /// Compares the files of keys and candidates with the manifest: what is built on damage would be as
    /// wrong.
    pub(crate) fn check_key_files(&self) -> Result<()> {
        let files = self.manifest.keys.iter().chain(&self.manifest.current);
        let mut usable = files.filter(|file| self.has(file));
        usable.try_for_each(|file| check_file(&self.folder, file))
    }
}
