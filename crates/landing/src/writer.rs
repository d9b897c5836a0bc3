//! Writing the parts of one run of one resource type.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    ApiVersion, Frame, LANDING_FORMAT, LandingLayout, LandingManifest, LandingOrigin, LandingPart,
    LandingPatient, ReferenceRecord, ResourceType, RunId, hex, part_file_name,
};
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::folder::{create_private_dir, create_private_file, sync_folder};
use crate::recover::{KeptFrame, KeptPatient, seal_interrupted};
use crate::references::ReferencesWriter;
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
/// Dropped without a seal, it leaves a folder that readers pass over.
pub struct LandingWriter {
    folder: PathBuf,
    manifest: LandingManifest,
    options: WriterOptions,
    compressor: Compressor<'static>,
    compressed: Vec<u8>,
    open: Option<OpenPart>,
}

struct OpenPart {
    file: File,
    path: PathBuf,
    hash: Sha256,
    unsynced: bool,
    /// Made with the first record.
    references: Option<ReferencesWriter>,
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
        let mut compressor =
            Compressor::new(options.level).map_err(LandingError::io("compressing for", &folder))?;
        for parameter in [
            CParameter::ChecksumFlag(true),
            CParameter::ContentSizeFlag(true),
        ] {
            compressor
                .set_parameter(parameter)
                .map_err(LandingError::io("compressing for", &folder))?;
        }
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
        self.manifest.parts.iter().map(|part| part.lines).sum()
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
        self.open_part()?;
        let Some(open) = self.open.as_mut() else {
            return Err(LandingError::TooManyParts {
                path: self.folder.clone(),
            });
        };
        open.file
            .write_all(&self.compressed)
            .map_err(LandingError::io("writing", &open.path))?;
        open.hash.update(&self.compressed);
        open.unsynced = true;
        let part_index = self.manifest.parts.len() - 1;
        let part = &mut self.manifest.parts[part_index];
        if open.references.is_none() && !records.is_empty() {
            let before = part.frames.len();
            open.references = Some(ReferencesWriter::create(&self.folder, &part.file, before)?);
        }
        if let Some(references) = open.references.as_mut() {
            references.append(records)?;
        }
        let frame = Frame {
            offset: part.bytes,
            length: self.compressed.len() as u64,
            lines: line_count,
            uncompressed: lines.len() as u64,
        };
        if self.compressed.capacity() > MOST_KEPT {
            self.compressed = Vec::new();
        }
        part.frames.push(frame);
        part.bytes += frame.length;
        part.lines += line_count;
        let written = WrittenFrame {
            part: number(part_index, &self.folder)?,
            index: number(part.frames.len() - 1, &self.folder)?,
            frame,
        };
        if part.bytes >= self.options.part_bytes || part.lines >= u64::from(u32::MAX) / 2 {
            self.close_part()?;
        }
        Ok(written)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&mut self) -> Result<(), LandingError> {
        let Some(open) = self.open.as_mut() else {
            return Ok(());
        };
        if open.unsynced {
            open.file
                .sync_data()
                .map_err(LandingError::io("syncing", &open.path))?;
            open.unsynced = false;
        }
        Ok(())
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
        let written: usize = self
            .manifest
            .parts
            .iter()
            .map(|part| part.frames.len())
            .sum();
        let wanted: usize = kept.iter().map(|patient| patient.frames.len()).sum();
        if written != wanted {
            self.close_part()?;
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

    fn open_part(&mut self) -> Result<(), LandingError> {
        if self.open.is_some() {
            return Ok(());
        }
        let file_name = part_file_name(number(self.manifest.parts.len(), &self.folder)?);
        let path = self.folder.join(&file_name);
        self.open = Some(OpenPart {
            file: create_private_file(&path)?,
            path,
            hash: Sha256::new(),
            unsynced: true,
            references: None,
        });
        self.manifest.parts.push(LandingPart {
            file: file_name,
            lines: 0,
            bytes: 0,
            sha256: String::new(),
            frames: Vec::new(),
            references: None,
        });
        sync_folder(&self.folder)
    }

    fn close_part(&mut self) -> Result<(), LandingError> {
        self.sync()?;
        if let (Some(open), Some(part)) = (self.open.take(), self.manifest.parts.last_mut()) {
            part.sha256 = hex(&open.hash.finalize());
            part.references = open.references.map(ReferencesWriter::finish).transpose()?;
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
