//! The raw zone against its manifests: parts as they were sealed, patients as they were recorded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    CHECKSUM_FILE, LandingManifest, LandingOrigin, MANIFEST_FILE, PatientState,
};
use claimlake_landing::{DamagedFrame, LandingRuns, SealedRun};

use crate::files::{NamedFile, check_checksum, check_extra_files, check_file};
use crate::{Check, Error};

/// The check of parts and manifests, before anything was looked at.
pub(crate) fn checksums() -> Check {
    Check::hard("landing_checksums", "landed parts against their manifests")
}

/// Every manifest is the one that was sealed, every sealed part (as the pass found them) is there
/// with the bytes its manifest says, and nothing else is.
pub(crate) fn check_parts(
    runs: &LandingRuns,
    data: &Path,
    parts: Vec<Check>,
) -> Result<Check, Error> {
    let mut check = checksums();
    for damaged in &runs.damaged {
        check.fail(|| format!("{}: {}", below(data, &damaged.path), damaged.reason));
    }
    parts.into_iter().for_each(|part| check.merge(part));
    for run in &runs.sealed {
        let shown = below(data, &run.folder);
        let mut expected: BTreeSet<PathBuf> = run
            .manifest
            .parts
            .iter()
            .map(|part| PathBuf::from(&part.file))
            .collect();
        for references in run
            .manifest
            .parts
            .iter()
            .filter_map(|part| part.references.as_ref())
        {
            let named = NamedFile {
                path: &references.file,
                bytes: references.bytes,
                sha256: &references.sha256,
            };
            check_file(&mut check, &run.folder, &shown, &named);
            expected.insert(PathBuf::from(&references.file));
        }
        expected.insert(PathBuf::from(MANIFEST_FILE));
        expected.insert(PathBuf::from(CHECKSUM_FILE));
        check_checksum(&mut check, &run.folder, &shown);
        check_extra_files(&mut check, &run.folder, &shown, &expected)?;
    }
    Ok(check)
}

/// The frames of every part decompress to the lines that the manifest counts.
pub(crate) fn check_frames(runs: &LandingRuns, damaged: &[DamagedFrame]) -> Check {
    let mut check = Check::hard("landing_frames", "frames of landed parts hold whole lines");
    let parts = runs.sealed.iter().flat_map(|run| &run.manifest.parts);
    let frames: u64 = parts.map(|part| part.frames.len() as u64).sum();
    check.checked = frames.saturating_sub(damaged.len() as u64);
    for frame in damaged {
        check.fail(|| format!("{}, frame {}: {}", frame.file, frame.frame, frame.reason));
    }
    check
}

/// What the manifests say of each patient agrees with the frames they point to.
pub(crate) fn check_patients(runs: &LandingRuns) -> Check {
    let mut check = Check::hard(
        "landing_patients",
        "patients of landing manifests against their frames and totals",
    );
    for SealedRun { manifest, .. } in &runs.sealed {
        if manifest.origin == LandingOrigin::Extract {
            check_manifest(manifest, &mut check);
        }
    }
    check
}

fn check_manifest(manifest: &LandingManifest, check: &mut Check) {
    let shown = format!(
        "api={}/resource={}/run={}",
        manifest.api, manifest.resource, manifest.run
    );
    let mut seen = BTreeSet::new();
    for patient in &manifest.patients {
        let place = |what: &str| format!("landing/{shown}, grant {}: {what}", patient.grant);
        let mut lines = 0_u64;
        let mut known = true;
        for &(part, frame) in &patient.frames {
            let found = manifest
                .parts
                .get(part as usize)
                .and_then(|part| part.frames.get(frame as usize));
            match found {
                Some(found) => lines += found.lines,
                None => known = false,
            }
            if !seen.insert((part, frame)) {
                check.fail(|| place("shares a frame with another patient"));
            }
        }
        check.expect(known && lines == patient.resources, || {
            place("the frames do not hold the resources the manifest counts")
        });
        let short = patient.state == PatientState::Complete
            && patient.total.is_some_and(|total| patient.resources > total);
        check.expect(!short, || {
            place("is marked complete, with more resources than the server had")
        });
    }
    let frames: usize = manifest.parts.iter().map(|part| part.frames.len()).sum();
    check.expect(seen.len() == frames, || {
        format!(
            "landing/{shown}: {} frames belong to no patient",
            frames.saturating_sub(seen.len())
        )
    });
}

fn below(data: &Path, path: &Path) -> String {
    path.strip_prefix(data)
        .unwrap_or(path)
        .display()
        .to_string()
}
