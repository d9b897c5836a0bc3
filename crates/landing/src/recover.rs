//! Sealing a run with some of its frames only: what a killed run had checkpointed, or what is
//! left when a patient's frames turned out not to land. Frames are copied, never recompressed.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    CHECKSUM_FILE, Frame, LANDING_FORMAT, LandingManifest, LandingOrigin, LandingPart,
    LandingPatient, MANIFEST_FILE, hex, part_file_name,
};
use sha2::{Digest, Sha256};

use crate::folder::{create_private_file, sync_folder};
use crate::{LandingError, SealedRun, UnsealedRun, manifest_file};

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
        parts.push(copy_frames(&run.folder, of_one_part, file_name)?);
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
    file_name: String,
) -> Result<LandingPart, LandingError> {
    let old_part = frames.first().map_or(0, |(kept, _)| kept.part);
    let from = folder.join(part_file_name(old_part));
    let to = folder.join(&file_name);
    let source = File::open(&from).map_err(LandingError::io("opening", &from))?;
    let mut target = create_private_file(&to)?;
    let mut part = LandingPart {
        file: file_name,
        lines: 0,
        bytes: 0,
        sha256: String::new(),
        frames: Vec::new(),
        references: None,
    };
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    for (kept, _) in frames {
        let missing = || LandingError::MissingFrame {
            path: from.clone(),
            offset: kept.frame.offset,
        };
        bytes.resize(
            usize::try_from(kept.frame.length).map_err(|_| missing())?,
            0,
        );
        source
            .read_exact_at(&mut bytes, kept.frame.offset)
            .map_err(|_| missing())?;
        target
            .write_all(&bytes)
            .map_err(LandingError::io("writing", &to))?;
        hash.update(&bytes);
        part.frames.push(Frame {
            offset: part.bytes,
            ..kept.frame
        });
        part.bytes += kept.frame.length;
        part.lines += kept.frame.lines;
    }
    target
        .sync_all()
        .map_err(LandingError::io("syncing", &to))?;
    part.sha256 = hex(&hash.finalize());
    Ok(part)
}

fn highest_part(folder: &Path) -> Result<Option<u32>, LandingError> {
    let mut highest = None;
    for path in files(folder)? {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let number = name
            .strip_prefix("part-")
            .and_then(|rest| rest.split('.').next())
            .and_then(|digits| digits.parse::<u32>().ok());
        highest = highest.max(number);
    }
    Ok(highest)
}

pub(crate) fn remove_unnamed_files(
    folder: &Path,
    manifest: &LandingManifest,
) -> Result<(), LandingError> {
    for path in files(folder)? {
        if !is_named(&path, manifest) {
            std::fs::remove_file(&path).map_err(LandingError::io("removing", &path))?;
        }
    }
    Ok(())
}

/// Removes the parts beside a sealed manifest that it does not name, as a kill after sealing leaves
/// them. Returns how many there were.
///
/// # Errors
/// When the disk refuses.
pub fn remove_unnamed_parts(run: &SealedRun) -> Result<usize, LandingError> {
    let mut removed = 0;
    for path in files(&run.folder)? {
        let is_part = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("part-") || name.ends_with(".tmp"));
        if is_part && path.is_file() && !is_named(&path, &run.manifest) {
            std::fs::remove_file(&path).map_err(LandingError::io("removing", &path))?;
            removed += 1;
        }
    }
    if removed > 0 {
        sync_folder(&run.folder)?;
    }
    Ok(removed)
}

fn is_named(path: &Path, manifest: &LandingManifest) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| named_files(manifest).any(|named| named == name))
}

/// The names of all files of a sealed run.
pub(crate) fn named_files(manifest: &LandingManifest) -> impl Iterator<Item = &str> {
    let parts = manifest.parts.iter().flat_map(|part| {
        let references = part.references.as_ref().map(|of| of.file.as_str());
        [Some(part.file.as_str()), references].into_iter().flatten()
    });
    [MANIFEST_FILE, CHECKSUM_FILE].into_iter().chain(parts)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, LandingError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(LandingError::io("listing", folder))? {
        paths.push(entry.map_err(LandingError::io("listing", folder))?.path());
    }
    Ok(paths)
}

pub(crate) fn sha256_of(path: &Path) -> Result<String, LandingError> {
    let mut file = File::open(path).map_err(LandingError::io("opening", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let length = file
            .read(&mut buffer)
            .map_err(LandingError::io("reading", path))?;
        if length == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..length]);
    }
}
