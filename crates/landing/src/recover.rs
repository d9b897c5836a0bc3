//! Sealing a run with some of its frames only: what a killed run had checkpointed, or what is
//! left when a patient's frames turned out not to land. Frames are copied, never recompressed.

use std::fs::File;
use std::path::Path;

use claimlake_contract::{
    Frame, LANDING_FORMAT, LandingManifest, LandingOrigin, LandingPart, LandingPatient,
    part_file_name,
};

use crate::folder::{entries, file_name, sync_folder};
use crate::frame::read_raw;
use crate::part_name::part_number;
use crate::part_writer::{FrameReferences, PartWriter};
use crate::unnamed_files::remove_unnamed_files;
use crate::{LandingError, UnsealedRun, manifest_file};

/// A frame that is kept, and the part it lies in now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFrame {
    /// The part's index.
    pub part: u32,
    /// The frame.
    pub frame: Frame,
}

/// A patient whose frames are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPatient {
    /// What the manifest is to say; its `frames` are filled in here.
    pub patient: LandingPatient,
    /// The patient's frames as they lie now.
    pub frames: Vec<KeptFrame>,
}

/// Seals an unsealed run folder with the frames of `kept` and nothing else.
///
/// The kept frames are copied to parts with numbers of their own, in their order; the manifest
/// then names these, and only then the old parts go. A kill at any moment leaves either a sealed
/// run or everything this needs to be run again.
///
/// # Errors
/// When a kept frame is not on disk, or the disk refuses.
pub fn seal_interrupted(
    run: &UnsealedRun,
    kept: Vec<KeptPatient>,
) -> Result<LandingManifest, LandingError> {
    let mut owned: Vec<(KeptFrame, usize)> = Vec::new();
    let mut patients: Vec<LandingPatient> = Vec::new();
    for kept_patient in kept {
        owned.extend(
            kept_patient
                .frames
                .iter()
                .map(|frame| (*frame, patients.len())),
        );
        patients.push(LandingPatient {
            frames: Vec::new(),
            ..kept_patient.patient
        });
    }
    owned.sort_by_key(|(kept, _)| (kept.part, kept.frame.offset));
    let first_number = highest_part(&run.folder)?.map_or(0, |highest| highest + 1);
    let mut parts: Vec<LandingPart> = Vec::new();
    for of_one_part in owned.chunk_by(|(left, _), (right, _)| left.part == right.part) {
        let part_index = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let file_name = part_file_name(first_number.saturating_add(part_index));
        parts.push(copy_frames(&run.folder, of_one_part, &file_name)?);
        for (index, (_, owner)) in (0u32..).zip(of_one_part) {
            patients[*owner].frames.push((part_index, index));
        }
    }
    sync_folder(&run.folder)?;
    let manifest = LandingManifest {
        format: LANDING_FORMAT,
        run: run.run.clone(),
        api: run.api,
        resource: run.resource.clone(),
        origin: LandingOrigin::Extract,
        parts,
        patients,
    };
    manifest_file::write(&run.folder, &manifest)?;
    if let Some(parent) = run.folder.parent() {
        sync_folder(parent)?;
    }
    remove_unnamed_files(&run.folder, &manifest)?;
    Ok(manifest)
}

fn copy_frames(
    folder: &Path,
    frames: &[(KeptFrame, usize)],
    file_name: &str,
) -> Result<LandingPart, LandingError> {
    let old_part = frames.first().map_or(0, |(kept, _)| kept.part);
    let from = folder.join(part_file_name(old_part));
    let source = File::open(&from).map_err(LandingError::io("opening", &from))?;
    let mut part = PartWriter::create(folder.join(file_name))?;
    let mut bytes = Vec::new();
    for (KeptFrame { frame, .. }, _) in frames {
        read_raw(&source, 0, frame, &mut bytes).map_err(|_| LandingError::MissingFrame {
            path: from.clone(),
            offset: frame.offset,
        })?;
        let no_references = FrameReferences::Records(&[]);
        part.append(&bytes, frame.lines, frame.uncompressed, &no_references)?;
    }
    part.finish()
}

fn highest_part(folder: &Path) -> Result<Option<u32>, LandingError> {
    let paths = entries(folder)?;
    let numbers = paths.iter().map(|path| part_number(file_name(path)));
    Ok(numbers.max().flatten())
}
