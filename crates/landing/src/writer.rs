//! Writing the parts of one run of one resource type.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    ApiVersion, Frame, LANDING_FORMAT, LandingLayout, LandingManifest, LandingOrigin,
    LandingPatient, ReferenceRecord, ResourceType, RunId, part_file_name,
};
use zstd::bulk::Compressor;

use crate::folder::{create_private_dir, sync_folder};
use crate::part_writer::{FrameReferences, PartWriter};
use crate::recover::{KeptFrame, KeptPatient, seal_interrupted};
use crate::{LandingError, UnsealedRun, manifest_file};

/// A larger buffer is not kept for the next frame.
const MOST_KEPT: usize = 16 << 20;

/// How parts are written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// zstd's level.
    pub level: i32,
    /// A part that has reached this size on disk is closed and the next begun.
    pub part_bytes: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            level: 1,
            part_bytes: 128 << 20,
        }
    }
}

/// A frame that was written, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenFrame {
    /// The index of the part.
    pub part: u32,
    /// The index of the frame in the part.
    pub index: u32,
    /// Its place and size.
    pub frame: Frame,
}

/// Writes one run folder: frames, then [`LandingWriter::seal`].
///
/// Dropped without a seal, it leaves a folder that readers ignore.
pub struct LandingWriter {
    folder: PathBuf,
    manifest: LandingManifest,
    options: WriterOptions,
    compressor: Compressor<'static>,
    compressed: Vec<u8>,
    open: Option<PartWriter>,
}

impl std::fmt::Debug for LandingWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LandingWriter")
            .field("folder", &self.folder)
            .field("parts", &self.manifest.parts.len())
            .finish_non_exhaustive()
    }
}

impl LandingWriter {
    /// Creates the run folder, which must not exist.
    ///
    /// # Errors
    /// When the folder exists or cannot be created.
    pub fn create(
        layout: &LandingLayout,
        api: ApiVersion,
        resource: &ResourceType,
        run: &RunId,
        origin: LandingOrigin,
        options: WriterOptions,
    ) -> Result<Self, LandingError> {
        let folder = layout.run_folder(api, resource, run);
        if let Some(parent) = folder.parent() {
            create_private_dir(parent)?;
        }
        create_new_folder(&folder)?;
        let compressor = crate::frame::compressor(options.level)
            .map_err(LandingError::io("compressing for", &folder))?;
        Ok(Self {
            folder,
            manifest: LandingManifest {
                format: LANDING_FORMAT,
                run: run.clone(),
                api,
                resource: resource.clone(),
                origin,
                parts: Vec::new(),
                patients: Vec::new(),
            },
            options,
            compressor,
            compressed: Vec::new(),
            open: None,
        })
    }

    /// The run folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lines appended so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let sealed: u64 = self.manifest.parts.iter().map(|part| part.lines).sum();
        sealed + self.open.as_ref().map_or(0, |open| open.part.lines)
    }

    /// Appends `lines` (whole lines, each ended by a newline) as one frame.
    ///
    /// # Errors
    /// When the disk refuses; the run can then not be sealed.
    pub fn append_frame(
        &mut self,
        lines: &[u8],
        line_count: u64,
    ) -> Result<WrittenFrame, LandingError> {
        self.append_with_references(lines, line_count, &[])
    }

    /// The same, with what the references of the lines were resolved to; the lines of the records
    /// count from the frame's first.
    ///
    /// # Errors
    /// As [`LandingWriter::append_frame`].
    pub fn append_with_references(
        &mut self,
        lines: &[u8],
        line_count: u64,
        records: &[ReferenceRecord],
    ) -> Result<WrittenFrame, LandingError> {
        debug_assert!(lines.is_empty() || lines.ends_with(b"\n"));
        let bound = zstd::zstd_safe::compress_bound(lines.len());
        self.compressed.clear();
        self.compressed.reserve(bound);
        self.compressor
            .compress_to_buffer(lines, &mut self.compressed)
            .map_err(LandingError::io("compressing for", &self.folder))?;
        let part = number(self.manifest.parts.len(), &self.folder)?;
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let new = PartWriter::create(self.folder.join(part_file_name(part)))?;
                sync_folder(&self.folder)?;
                none.insert(new)
            }
        };
        let references = FrameReferences::Records(records);
        let uncompressed = lines.len() as u64;
        let frame = open.append(&self.compressed, line_count, uncompressed, &references)?;
        let written = WrittenFrame {
            part,
            index: number(open.part.frames.len() - 1, &self.folder)?,
            frame,
        };
        if self.compressed.capacity() > MOST_KEPT {
            self.compressed = Vec::new();
        }
        let is_full = open.part.bytes >= self.options.part_bytes;
        if is_full || open.part.lines >= u64::from(u32::MAX) / 2 {
            self.close_part()?;
        }
        Ok(written)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&mut self) -> Result<(), LandingError> {
        self.open.as_mut().map_or(Ok(()), |open| open.part.sync())
    }

    /// Closes the last part and seals the run with its manifest.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn seal(mut self, patients: Vec<LandingPatient>) -> Result<LandingManifest, LandingError> {
        self.close_part()?;
        sync_folder(&self.folder)?;
        self.manifest.patients = patients;
        manifest_file::write(&self.folder, &self.manifest)?;
        if let Some(parent) = self.folder.parent() {
            sync_folder(parent)?;
        }
        Ok(self.manifest)
    }

    /// As [`LandingWriter::seal`], keeping only the frames of `kept`: frames of patients that did
    /// not land after all are left out.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn seal_keeping(mut self, kept: Vec<KeptPatient>) -> Result<LandingManifest, LandingError> {
        self.close_part()?;
        let parts = self.manifest.parts.iter();
        let written: usize = parts.map(|part| part.frames.len()).sum();
        let wanted: usize = kept.iter().map(|patient| patient.frames.len()).sum();
        if written != wanted {
            let run = UnsealedRun {
                folder: self.folder,
                api: self.manifest.api,
                resource: self.manifest.resource,
                run: self.manifest.run,
            };
            return seal_interrupted(&run, kept);
        }
        let mut index_of: HashMap<(u32, u64), u32> = HashMap::new();
        for (part_index, part) in (0u32..).zip(&self.manifest.parts) {
            for (index, frame) in (0u32..).zip(&part.frames) {
                index_of.insert((part_index, frame.offset), index);
            }
        }
        let place = |kept: &KeptFrame| {
            let index = index_of.get(&(kept.part, kept.frame.offset))?;
            Some((kept.part, *index))
        };
        let patients = kept
            .into_iter()
            .map(|kept_patient| LandingPatient {
                frames: kept_patient.frames.iter().filter_map(place).collect(),
                ..kept_patient.patient
            })
            .collect();
        self.seal(patients)
    }

    /// Gives the run up and removes its folder.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn discard(self) -> Result<(), LandingError> {
        std::fs::remove_dir_all(&self.folder).map_err(LandingError::io("removing", &self.folder))
    }

    fn close_part(&mut self) -> Result<(), LandingError> {
        if let Some(open) = self.open.take() {
            self.manifest.parts.push(open.finish()?);
        }
        Ok(())
    }
}

fn create_new_folder(folder: &Path) -> Result<(), LandingError> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(LandingError::RunExists {
                path: folder.to_path_buf(),
            })
        }
        done => done.map_err(LandingError::io("creating folder", folder)),
    }
}

fn number(count: usize, folder: &Path) -> Result<u32, LandingError> {
    u32::try_from(count).map_err(|_| LandingError::TooManyParts {
        path: folder.to_path_buf(),
    })
}

#[cfg(test)]
mod tests;
