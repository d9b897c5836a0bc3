//! Which runs have landed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingManifest, LandingPart, MANIFEST_FILE, ResourceType, RunId,
};

use crate::compacted::{Compacted, PackedPlace};
use crate::listed::placed_now;
use crate::slice::FileSlice;
use crate::{FoundFile, LandingError, listed_runs};

/// A sealed run of one resource type.
#[derive(Debug, Clone)]
pub struct SealedRun {
    /// The folder that has it: its own, or that of several runs.
    pub folder: PathBuf,
    /// Its manifest, as it was sealed.
    pub manifest: LandingManifest,
    /// Where its parts lie in a folder of several runs.
    pub(crate) packed: Option<PackedPlace>,
}

impl SealedRun {
    /// The run, API version and resource type, by which runs are sorted.
    #[must_use]
    pub fn key(&self) -> (RunId, ApiVersion, ResourceType) {
        let manifest = &self.manifest;
        (
            manifest.run.clone(),
            manifest.api,
            manifest.resource.clone(),
        )
    }

    /// API version and type of its resources.
    #[must_use]
    pub fn of_type(&self) -> (ApiVersion, ResourceType) {
        (self.manifest.api, self.manifest.resource.clone())
    }

    /// Whether it lies in a folder of several runs.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// Whether it was joined with others since it was listed, so that its own folder means nothing.
    #[must_use]
    pub fn was_joined(&self) -> bool {
        let of = (
            self.manifest.api,
            &self.manifest.resource,
            &self.manifest.run,
        );
        self.packed.is_none() && placed_now(&self.folder, of).is_some_and(|now| now.is_packed())
    }

    /// Its folder, to be written to: what it has is in no other run's.
    pub(crate) fn own_folder(&self) -> Result<&Path, LandingError> {
        match &self.packed {
            None => Ok(&self.folder),
            Some(_) => Err(LandingError::Packed {
                path: self.folder.clone(),
            }),
        }
    }

    /// The parts, in landing order.
    pub fn parts(&self) -> impl Iterator<Item = SealedPart> + '_ {
        let mut begins = (0, 0);
        self.manifest.parts.iter().map(move |part| {
            let slice = self.slice(part, begins.0);
            let relative = format!(
                "landing/api={}/resource={}/run={}/{}",
                self.manifest.api, self.manifest.resource, self.manifest.run, part.file
            );
            let references = self.references_slice(part, begins.1);
            begins.0 += part.bytes;
            begins.1 += part.references.as_ref().map_or(0, |of| of.bytes);
            SealedPart {
                path: slice.path.clone(),
                relative,
                api: self.manifest.api,
                resource: self.manifest.resource.clone(),
                run: self.manifest.run.clone(),
                part: part.clone(),
                slice,
                references,
            }
        })
    }

    /// The bytes of the part at this position.
    pub(crate) fn part_slice(&self, index: usize) -> Option<FileSlice> {
        let part = self.manifest.parts.get(index)?;
        let before = self.manifest.parts.iter().take(index);
        Some(self.slice(part, before.map(|part| part.bytes).sum()))
    }

    fn slice(&self, part: &LandingPart, before: u64) -> FileSlice {
        match &self.packed {
            None => FileSlice::whole(self.folder.join(&part.file)),
            Some(packed) => {
                FileSlice::piece(packed.part.clone(), packed.begins + before, part.bytes)
            }
        }
    }

    fn references_slice(&self, part: &LandingPart, before: u64) -> Option<FileSlice> {
        let references = part.references.as_ref()?;
        Some(match &self.packed {
            None => FileSlice::whole(self.folder.join(&references.file)),
            Some(packed) => {
                let begins = packed.references_begin + before;
                FileSlice::piece(packed.references.clone(), begins, references.bytes)
            }
        })
    }
}

/// One part of a sealed run.
#[derive(Debug, Clone)]
pub struct SealedPart {
    /// The file that has it: its own, or one of the parts of several runs.
    pub path: PathBuf,
    /// The part relative to the data directory, as rejects name it, wherever it lies.
    pub relative: String,
    /// The API version of its resources.
    pub api: ApiVersion,
    /// The type of its resources.
    pub resource: ResourceType,
    /// The run that landed it.
    pub run: RunId,
    /// Its entry in the manifest.
    pub part: LandingPart,
    pub(crate) slice: FileSlice,
    pub(crate) references: Option<FileSlice>,
}

impl SealedPart {
    /// The SHA-256 of its bytes as they are on disk now, lower-case hex.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256_on_disk(&self) -> Result<String, LandingError> {
        let found = self.slice.found();
        let found = found.map_err(LandingError::io("reading", &self.path))?;
        Ok(found.sha256)
    }

    /// Opens it where it is now, and says where in the file that is. Who listed it before it was joined
    /// with others finds it among them.
    pub(crate) fn open(&self) -> std::io::Result<(File, FileSlice)> {
        opened(&self.slice, || Some(self.now()?.slice))
    }

    /// The same for its references.
    pub(crate) fn open_references(&self) -> Option<std::io::Result<(File, FileSlice)>> {
        let slice = self.references.as_ref()?;
        Some(opened(slice, || self.now()?.references))
    }

    /// The part as it is listed now.
    pub(crate) fn now(&self) -> Option<Self> {
        let run = placed_now(self.path.parent()?, (self.api, &self.resource, &self.run))?;
        let mut parts = run.parts();
        parts.find(|part| part.relative == self.relative)
    }

    /// Whether it lies in a file with the parts of other runs; then [`Self::path`] is not where
    /// [`Self::relative`] says.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.slice.length().is_some()
    }

    /// Where a frame begins in the file at [`Self::path`], and its length there.
    #[must_use]
    pub fn bytes_of_frame(&self, frame: u32) -> Option<(u64, u64)> {
        let frame = self.part.frames.get(frame as usize)?;
        Some((self.slice.begins() + frame.offset, frame.length))
    }

    /// What is on disk of its references, if it has any.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn references_on_disk(&self) -> Option<std::io::Result<FoundFile>> {
        let opened = self.open_references()?;
        Some(opened.and_then(|(_, slice)| slice.found()))
    }

    /// The file that has the references of the part, if it has any.
    #[must_use]
    pub fn references_path(&self) -> Option<PathBuf> {
        let references = self.references.as_ref()?;
        Some(references.path.clone())
    }
}

fn opened(
    slice: &FileSlice,
    now: impl FnOnce() -> Option<FileSlice>,
) -> std::io::Result<(File, FileSlice)> {
    match File::open(&slice.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let slice = now().ok_or(error)?;
            Ok((File::open(&slice.path)?, slice))
        }
        file => Ok((file?, slice.clone())),
    }
}

/// A run folder that readers ignore: being written, or left by a run that was killed. It may have
/// a manifest, where other resource types of its run are not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsealedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// The run.
    pub run: RunId,
}

impl UnsealedRun {
    /// Whether this resource type is sealed, and only the others of the run are not.
    ///
    /// # Errors
    /// When the folder cannot be looked into.
    pub fn has_manifest(&self) -> Result<bool, LandingError> {
        exists(&self.folder.join(MANIFEST_FILE))
    }
}

/// A run folder whose manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedManifest {
    /// The manifest.
    pub path: PathBuf,
    /// What is wrong with it, as text.
    pub reason: String,
}

/// Everything below `landing`, sorted by run, then API version, then resource type.
#[derive(Debug, Clone, Default)]
pub struct LandingRuns {
    /// Runs that readers read.
    pub sealed: Vec<SealedRun>,
    /// Runs that readers ignore.
    pub unsealed: Vec<UnsealedRun>,
    /// Runs that were sealed and cannot be read any more.
    pub damaged: Vec<DamagedManifest>,
    /// The folders that have several of the runs.
    pub compacted: Vec<Arc<Compacted>>,
}

/// Lists everything below `landing` and reads every manifest; a landing zone that does not exist yet
/// is empty.
///
/// # Errors
/// When a folder cannot be listed.
pub fn landing_runs(layout: &LandingLayout) -> Result<LandingRuns, LandingError> {
    Ok(listed_runs(layout)?.read(|_| true))
}

/// The sealed runs, sorted by run, then API version, then resource type. Damaged manifests are
/// logged and left out; [`landing_runs`] returns them.
///
/// # Errors
/// When a folder cannot be listed.
pub fn sealed_runs(layout: &LandingLayout) -> Result<Vec<SealedRun>, LandingError> {
    let runs = landing_runs(layout)?;
    for damaged in &runs.damaged {
        tracing::warn!(
            manifest.path = %damaged.path.display(),
            reason = %damaged.reason,
            "a landing run is left out: its manifest cannot be used"
        );
    }
    Ok(runs.sealed)
}

fn exists(path: &Path) -> Result<bool, LandingError> {
    path.try_exists()
        .map_err(LandingError::io("looking for", path))
}
