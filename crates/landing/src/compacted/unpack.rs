//! Gives each run of a folder of several its own folder again, as it was sealed: for a removal and for
//! a repair, which change single runs.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{LandingLayout, LandingOrigin, part_file_name};

use super::Compacted;
use super::leftovers::remove_ours;
use super::manifest::MANIFESTS;
use super::steps::{CompactStep, Steps, at, switch};
use crate::folder::{
    create_private_dir, create_private_file, file_name, remove_folder_if_there, remove_if_there,
    sync_folder,
};
use crate::listed::{ListedRun, packed_runs};
use crate::manifest_file;
use crate::part_name::references_name;
use crate::slice::FileSlice;
use crate::{LandingError, listed_runs};

/// Unpacks all folders of several runs.
///
/// # Errors
/// When the disk refuses; run again, it goes on.
pub(crate) fn unpack_all(layout: &LandingLayout) -> Result<(), LandingError> {
    for compacted in listed_runs(layout)?.compacted {
        unpack(&compacted, &mut |_| Ok(()))?;
    }
    Ok(())
}

/// Unpacks one folder. Until the manifest of its newest run is in place, it is the folder of several
/// that is read.
///
/// # Errors
/// When the disk refuses; run again, it goes on.
pub(crate) fn unpack(compacted: &Arc<Compacted>, steps: Steps<'_>) -> Result<(), LandingError> {
    let Some(of_type) = compacted.folder.parent() else {
        return Ok(());
    };
    let runs: Vec<ListedRun> = packed_runs(compacted).collect();
    let Some((newest, others)) = runs.split_last() else {
        return Ok(());
    };
    // From before they were joined: they are replaced as a whole.
    for listed in others {
        remove_folder_if_there(&of_type.join(format!("run={}", listed.run)))?;
        at(steps, CompactStep::Removed, of_type)?;
    }
    for listed in others {
        let folder = of_type.join(format!("run={}", listed.run));
        create_private_dir(&folder)?;
        let text = write_run(compacted, listed, &folder)?;
        manifest_file::write_text(&folder, &text)?;
        at(steps, CompactStep::Copied, of_type)?;
    }
    let text = write_run(compacted, newest, &compacted.folder)?;
    sync_folder(&compacted.folder)?;
    sync_folder(of_type)?;
    at(steps, CompactStep::Written, of_type)?;
    switch(&compacted.folder, &text, steps)?;
    let is_of_several = |name: &str| {
        compacted.files().any(|(file, ..)| file == name) || name.starts_with(MANIFESTS)
    };
    remove_ours(&compacted.folder, &|name| !is_of_several(name))
}

/// Writes the parts of a run into its folder; the text of its manifest.
fn write_run(
    compacted: &Compacted,
    listed: &ListedRun,
    folder: &Path,
) -> Result<Vec<u8>, LandingError> {
    match listed.read_text() {
        Ok((sealed, text)) => {
            for part in sealed.parts() {
                copy(&part.slice, &folder.join(&part.part.file))?;
                if let (Some(slice), Some(of)) = (&part.references, &part.part.references) {
                    copy(slice, &folder.join(&of.file))?;
                }
            }
            Ok(text)
        }
        // What there is of it, with a manifest that is damaged, too: a repair sets it aside.
        Err(_) => {
            let run = compacted.runs().iter().find(|run| run.run == listed.run);
            if let Some(run) = run {
                let place = compacted.place(run);
                let name = part_file_name(0);
                let part = FileSlice::piece(place.part, place.begins, run.bytes);
                copy(&part, &folder.join(&name))?;
                let (begins, bytes) = (run.references_offset, run.references_bytes);
                if bytes > 0 {
                    let references = FileSlice::piece(place.references, begins, bytes);
                    copy(&references, &folder.join(references_name(&name)))?;
                }
            }
            let origin = match compacted.manifest.origin {
                LandingOrigin::Extract => "extract",
                LandingOrigin::Import => "import",
            };
            Ok(format!("{{\"format\":1,\"origin\":\"{origin}\"").into_bytes())
        }
    }
}

/// Copies what there is, also where it is damaged: it is compared later.
fn copy(slice: &FileSlice, to: &Path) -> Result<(), LandingError> {
    remove_if_there(to)?;
    let mut file: File = create_private_file(to)?;
    match slice.read(|piece| file.write_all(piece)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(LandingError::io("copying to", to)(error));
        }
        _ => {}
    }
    file.sync_data()
        .map_err(LandingError::io("syncing", file_name(to)))
}
