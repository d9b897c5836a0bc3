//! The raw zone against its manifests: parts as they were sealed, patients as they were recorded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    CHECKSUM_FILE, LandingManifest, LandingOrigin, MANIFEST_FILE, PatientState,
};
use claimlake_landing::{LandingRuns, SealedRun, chunks_of, read_chunk};
use rayon::prelude::*;

use crate::files::{NamedFile, check_checksum, check_extra_files, check_file};
use crate::{Check, Error};

/// Every sealed part is there with the bytes its manifest says, and its frames hold whole lines.
pub(crate) fn check_parts(runs: &LandingRuns, data: &Path) -> Result<Check, Error> {
    let mut check = Check::hard("landing_checksums", "landed parts against their manifests");
    for damaged in &runs.damaged {
        check.fail(|| format!("{}: {}", below(data, &damaged.path), damaged.reason));
    }
    for run in &runs.sealed {
        let shown = below(data, &run.folder);
        let parts: Vec<_> = run.parts().collect();
        let found: Vec<Check> = parts
            .par_iter()
            .map(|part| {
                let mut one = check.clone_empty();
                let named = NamedFile {
                    path: &part.part.file,
                    bytes: part.part.bytes,
                    sha256: &part.part.sha256,
                };
                check_file(&mut one, &run.folder, &shown, &named);
                one
            })
            .collect();
        found.into_iter().for_each(|one| check.merge(one));
        let mut expected: BTreeSet<PathBuf> = run
            .manifest
            .parts
            .iter()
            .map(|part| PathBuf::from(&part.file))
            .collect();
        expected.insert(PathBuf::from(MANIFEST_FILE));
        expected.insert(PathBuf::from(CHECKSUM_FILE));
        check_checksum(&mut check, &run.folder, &shown);
        check_extra_files(&mut check, &run.folder, &shown, &expected)?;
    }
    Ok(check)
}

/// The frames of every part decompress to the lines that the manifest counts.
pub(crate) fn check_frames(runs: &LandingRuns) -> Check {
    let mut check = Check::hard("landing_frames", "frames of landed parts hold whole lines");
    for run in &runs.sealed {
        for part in run.parts() {
            let damaged: Vec<_> = chunks_of(&part, CHUNK_BYTES)
                .par_iter()
                .flat_map(|chunk| read_chunk(chunk).damaged)
                .collect();
            check.checked += part.part.frames.len() as u64 - damaged.len() as u64;
            for frame in damaged {
                check.fail(|| format!("{}, frame {}: {}", frame.file, frame.frame, frame.reason));
            }
        }
    }
    check
}

/// Bytes of text that are looked at together.
pub(crate) const CHUNK_BYTES: u64 = 4 << 20;

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
