//! Many runs in one folder: their parts one after the other in one file, their manifests as they were
//! sealed. Readers list them as the runs that they are.
//!
//! The folder is that of the newest of them. One rename of its `manifest.json` replaces all the
//! folders; those of the others are ignored from then on, and removed by the next command that
//! writes, so that whoever listed them before still finds their files.

pub(crate) mod compact;
pub(crate) mod join;
pub(crate) mod leftovers;
pub(crate) mod manifest;
pub(crate) mod steps;
#[cfg(test)]
mod tests;
pub(crate) mod unpack;
pub(crate) mod whole;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use claimlake_contract::{ApiVersion, LandingOrigin, MANIFEST_FILE, ResourceType, RunId, hex};
use sha2::{Digest, Sha256};
use zstd::bulk::Decompressor;

use crate::frame::{append_frame, read_raw};
use crate::listed::placed_now;
use crate::manifest_file;
use crate::slice::FileSlice;
use manifest::{CompactedManifest, CompactedRun};

/// A folder that has several runs.
#[derive(Debug)]
pub struct Compacted {
    /// The folder.
    pub folder: PathBuf,
    pub(crate) manifest: CompactedManifest,
    manifests: OnceLock<Result<File, String>>,
}

/// Where the parts of a run begin in the files of a folder of several runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackedPlace {
    pub(crate) part: PathBuf,
    pub(crate) begins: u64,
    pub(crate) references: PathBuf,
    pub(crate) references_begin: u64,
}

impl Compacted {
    /// Reads a manifest that begins as one of several runs does.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn read(
        folder: &Path,
        (api, resource, run): (ApiVersion, &ResourceType, &RunId),
    ) -> Result<Self, String> {
        let path = folder.join(MANIFEST_FILE);
        let text = std::fs::read(&path).map_err(|error| error.to_string())?;
        let manifest: CompactedManifest = serde_json::from_slice(&text)
            .map_err(|source| format!("manifest {} is not valid: {source}", path.display()))?;
        if manifest.api != api || manifest.resource != *resource || manifest.newest() != Some(run) {
            return Err("the manifest is that of another run folder".into());
        }
        manifest.check()?;
        Ok(Self {
            folder: folder.to_path_buf(),
            manifest,
            manifests: OnceLock::new(),
        })
    }

    /// The runs, in order.
    pub(crate) fn runs(&self) -> &[CompactedRun] {
        &self.manifest.runs
    }

    /// The run whose folder it is.
    pub(crate) fn newest(&self) -> Option<&RunId> {
        self.manifest.newest()
    }

    /// The manifest of a run, byte for byte as it was sealed.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn sealed_text(&self, run: &CompactedRun) -> Result<Vec<u8>, String> {
        let path = self.folder.join(&self.manifest.manifests.file);
        let failed = |reason: String| format!("{}: {reason}", path.display());
        let file = self
            .manifests
            .get_or_init(|| File::open(&path).map_err(|error| error.to_string()));
        let file = file.as_ref().map_err(|reason| failed(reason.clone()))?;
        let (mut compressed, mut text) = (Vec::new(), Vec::new());
        read_raw(file, 0, &run.manifest, &mut compressed).map_err(failed)?;
        let mut decompressor = Decompressor::new().map_err(|error| failed(error.to_string()))?;
        append_frame(&compressed, &run.manifest, &mut decompressor, &mut text).map_err(failed)?;
        text.pop();
        Ok(text)
    }

    pub(crate) fn place(&self, run: &CompactedRun) -> PackedPlace {
        PackedPlace {
            part: self.folder.join(self.manifest.part_name()),
            begins: run.offset,
            references: self.folder.join(self.manifest.references_name()),
            references_begin: run.references_offset,
        }
    }

    /// Whether its runs lie elsewhere by now.
    #[must_use]
    pub fn was_replaced(&self) -> bool {
        let (manifest, newest) = (&self.manifest, self.runs().last());
        newest.is_some_and(|newest| {
            let of = (manifest.api, &manifest.resource, &newest.run);
            let now = placed_now(&self.folder, of).and_then(|run| run.packed);
            now.is_some_and(|now| now != self.place(newest))
        })
    }

    /// How all of its runs were received.
    #[must_use]
    pub fn origin(&self) -> LandingOrigin {
        self.manifest.origin
    }

    /// The files of the folder beside the manifest, each with its length and SHA-256.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        let named = self.manifest.files();
        named.map(|file| (file.file.as_str(), file.bytes, file.sha256.as_str()))
    }

    /// Whether this file of the folder has the manifests of its runs.
    #[must_use]
    pub fn has_manifests_in(&self, name: &str) -> bool {
        self.manifest.manifests.file == name
    }

    /// Whether a file of the folder is none of its own and none that a reader may still need.
    #[must_use]
    pub fn is_unknown(&self, name: &str) -> bool {
        !self.manifest.is_named(name) && !self.manifest.is_replaced(name)
    }

    /// What is wrong with the manifest or with the file of the runs' manifests, if anything.
    pub(crate) fn damage(&self) -> Result<Option<String>, crate::LandingError> {
        let path = self.folder.join(MANIFEST_FILE);
        let text = std::fs::read(&path).map_err(crate::LandingError::io("reading", &path))?;
        let found = hex(&Sha256::digest(&text));
        if !manifest_file::sums(&self.folder).contains(&found) {
            return Ok(Some("its checksum differs: the manifest was edited".into()));
        }
        let named = &self.manifest.manifests;
        let file = FileSlice::whole(self.folder.join(&named.file));
        file.damage(&named.sha256)
    }
}
