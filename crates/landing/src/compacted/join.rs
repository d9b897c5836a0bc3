//! Joins folders of runs: all parts, references and manifests are copied into new files in the folder
//! of the newest run, each compared with its checksum on the way; one rename makes them the ones that
//! are read.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    CHECKSUM_FILE, LandingOrigin, MANIFEST_FILE, hex, part_file_name, references_file_name,
};
use sha2::{Digest, Sha256};

use super::compact::Piece;
use super::manifest::{
    COMPACTED_FORMAT, CompactedFile, CompactedManifest, CompactedRun, file_number,
    manifests_file_name,
};
use super::steps::{CompactStep, Steps, at, switch};
use crate::LandingError;
use crate::folder::{create_private_file, entries, file_name, remove_if_there, sync_folder};
use crate::frame_file::FrameFile;
use crate::listed::{ListedRun, Place};
use crate::manifest_file::{sum_of, sums};
use crate::slice::FileSlice;

/// Joins the folders into that of the last of them.
///
/// # Errors
/// [`LandingError::NotJoined`] names a folder that is damaged. What was written is removed.
pub(super) fn join(pieces: &[Piece], steps: Steps<'_>) -> Result<(), LandingError> {
    let Some(target) = pieces.last().map(|piece| piece.folder.clone()) else {
        return Ok(());
    };
    for piece in pieces {
        check(piece)?;
    }
    let mut runs: Vec<&ListedRun> = pieces.iter().flat_map(|piece| &piece.runs).collect();
    runs.sort_by(|one, other| one.run.cmp(&other.run));
    let number = 1 + highest_number(&target)?;
    let mut new_text = Vec::new();
    let joined = write_files(&runs, &target, number, steps).and_then(|manifest| {
        at(steps, CompactStep::Written, &target)?;
        let text = serde_json::to_vec(&manifest).map_err(|source| LandingError::Manifest {
            path: target.join(MANIFEST_FILE),
            source,
        })?;
        new_text.clone_from(&text);
        switch(&target, &text, steps)
    });
    let Err(error) = joined else {
        return Ok(());
    };
    // Where the manifest was replaced before something failed, it holds.
    match std::fs::read(target.join(MANIFEST_FILE)) {
        Ok(text) if text != new_text && steps(CompactStep::Cleaning).is_ok() => {
            remove_new(&target, number, &sum_of(&text));
        }
        _ => {}
    }
    Err(error)
}

/// A folder of several runs is looked at once; the runs themselves are compared when they are copied.
fn check(piece: &Piece) -> Result<(), LandingError> {
    let damage = match piece.runs.first().map(|listed| &listed.place) {
        Some(Place::Packed(compacted, _)) => compacted.damage()?,
        _ => None,
    };
    match damage {
        Some(reason) => Err(not_joined(&piece.folder, reason)),
        None => Ok(()),
    }
}

fn write_files(
    runs: &[&ListedRun],
    target: &Path,
    number: u32,
    steps: Steps<'_>,
) -> Result<CompactedManifest, LandingError> {
    let first = runs
        .first()
        .ok_or_else(|| not_joined(target, "it has no run".into()))?;
    let mut manifests = FrameFile::create(target.join(manifests_file_name(number)))?;
    at(steps, CompactStep::Begun, target)?;
    let mut part = JoinedFile::new(target.join(part_file_name(number)));
    let mut references = JoinedFile::new(target.join(references_file_name(number)));
    let mut origin = None;
    let mut entries = Vec::new();
    let level = crate::WriterOptions::default().level;
    let compressing = |error| LandingError::io("compressing for", target)(error);
    let mut compressor = crate::frame::compressor(level).map_err(compressing)?;
    for listed in runs {
        let (sealed, mut text) = listed
            .read_text()
            .map_err(|damaged| not_joined(&listed.folder, damaged.reason))?;
        check_own(listed, &text)?;
        let (offset, references_offset) = (part.bytes, references.bytes);
        for of_run in sealed.parts() {
            let sealed = (of_run.part.bytes, of_run.part.sha256.as_str());
            part.copy(&of_run.slice, sealed, &listed.folder)?;
            if let (Some(slice), Some(sealed)) = (&of_run.references, &of_run.part.references) {
                let sealed = (sealed.bytes, sealed.sha256.as_str());
                references.copy(slice, sealed, &listed.folder)?;
            }
        }
        origin = origin.or(Some(sealed.manifest.origin));
        text.push(b'\n');
        let compressed = compressor.compress(&text).map_err(compressing)?;
        entries.push(CompactedRun {
            run: listed.run.clone(),
            offset,
            bytes: part.bytes - offset,
            references_offset,
            references_bytes: references.bytes - references_offset,
            manifest: manifests.append(&compressed, 1, text.len() as u64)?,
        });
        at(steps, CompactStep::Copied, target)?;
    }
    manifests.sync()?;
    let manifest = CompactedManifest {
        format: COMPACTED_FORMAT,
        api: first.api,
        resource: first.resource.clone(),
        origin: origin.unwrap_or(LandingOrigin::Extract),
        number,
        part: part.finish()?,
        references: references.finish()?,
        manifests: CompactedFile {
            file: manifests_file_name(number),
            bytes: manifests.bytes,
            sha256: manifests.sha256(),
        },
        runs: entries,
    };
    sync_folder(target)?;
    Ok(manifest)
}

/// A manifest in a folder of its own is the one that was sealed, and one line.
fn check_own(listed: &ListedRun, text: &[u8]) -> Result<(), LandingError> {
    let Place::Own(_) = listed.place else {
        return Ok(());
    };
    if !sums(&listed.folder).contains(&sum_of(text)) {
        let reason = "its checksum differs: the manifest was edited".into();
        return Err(not_joined(&listed.folder, reason));
    }
    if text.contains(&b'\n') {
        return Err(not_joined(
            &listed.folder,
            "its manifest is not one line".into(),
        ));
    }
    Ok(())
}

fn not_joined(folder: &Path, reason: String) -> LandingError {
    LandingError::NotJoined {
        path: folder.to_path_buf(),
        reason,
    }
}

fn highest_number(folder: &Path) -> Result<u32, LandingError> {
    let paths = entries(folder)?;
    let numbers = paths.iter().filter_map(|path| file_number(file_name(path)));
    Ok(numbers.max().unwrap_or(0))
}

/// What cannot be removed now, the next command that writes removes.
fn remove_new(target: &Path, number: u32, sum: &str) {
    let names = [
        part_file_name(number),
        references_file_name(number),
        manifests_file_name(number),
    ];
    let removed: Result<(), LandingError> = names
        .iter()
        .try_for_each(|name| remove_if_there(&target.join(name)));
    let sums = sums(target);
    let restored = match sums.len() > 1 && sums.iter().any(|one| one == sum) {
        true => crate::manifest_file::write_sums(target, &[sum.to_owned()]),
        false => Ok(()),
    };
    if let Err(error) = removed.and(restored) {
        tracing::warn!(
            error = %error,
            checksums = %target.join(CHECKSUM_FILE).display(),
            "joining landing runs failed, and left files behind"
        );
    }
}

/// A file that gets the bytes of others; made with the first of them.
struct JoinedFile {
    path: PathBuf,
    file: Option<File>,
    hash: Sha256,
    bytes: u64,
}

impl JoinedFile {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    /// Copies what is in `slice`, which must be as it was sealed.
    fn copy(
        &mut self,
        slice: &FileSlice,
        (bytes, sha256): (u64, &str),
        folder: &Path,
    ) -> Result<(), LandingError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create_private_file(&self.path)?),
        };
        let mut hash = Sha256::new();
        let mut refused = None;
        let all = &mut self.hash;
        let read = slice.read(|piece| {
            hash.update(piece);
            all.update(piece);
            file.write_all(piece).map_err(|error| {
                let same_kind = std::io::Error::from(error.kind());
                refused = Some(error);
                same_kind
            })
        });
        if let Some(error) = refused {
            return Err(LandingError::io("writing", &self.path)(error));
        }
        let read = read.map_err(|error| not_joined(folder, error.to_string()))?;
        if read != bytes || hex(&hash.finalize()) != sha256 {
            let reason = "the checksum of a part differs from the manifest's".into();
            return Err(not_joined(folder, reason));
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Makes it durable; none where there was nothing to copy.
    fn finish(self) -> Result<Option<CompactedFile>, LandingError> {
        let Some(file) = self.file else {
            return Ok(None);
        };
        file.sync_data()
            .map_err(LandingError::io("syncing", &self.path))?;
        Ok(Some(CompactedFile {
            file: file_name(&self.path).to_owned(),
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        }))
    }
}
