//! The raw zone against its manifests: parts as they were sealed, patients as they were recorded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    CHECKSUM_FILE, LandingLayout, LandingManifest, LandingOrigin, MANIFEST_FILE, PatientState,
    RunId,
};
use claimlake_landing::{Compacted, DamagedFrame, LandingRuns, SealedPart, SealedRun};

use crate::error::Error;
use crate::files::{
    NamedFile, check_checksum, check_extra_files, check_file, compare, files_below,
};
use crate::known::ABSENT;
use crate::repair::RepairStep;
use crate::report::Check;
use crate::request::VerifyRequest;

/// The check of parts and manifests, before anything was looked at.
pub(crate) fn checksums() -> Check {
    Check::hard("landing_checksums", "landed parts against their manifests")
}

/// Checks that every manifest is the one that was sealed, that every sealed part (as the pass found
/// them) has the bytes that its manifest states, and that there is nothing else.
pub(crate) fn check_parts(
    runs: &LandingRuns,
    request: &VerifyRequest<'_>,
    parts: Vec<Check>,
) -> Result<Check, Error> {
    let mut all = checksums();
    let data = request.data;
    for damaged in &runs.damaged {
        let steps = RepairStep::of_landing(origin_of(&damaged.path, request));
        all.fail_with(steps, || {
            format!("{}: {}", below(data, &damaged.path), damaged.reason)
        });
    }
    check_sealed_before(runs, request, &mut all)?;
    let mut parts = parts.into_iter();
    for run in &runs.sealed {
        let mut check = checksums();
        for part in parts.by_ref().take(run.manifest.parts.len()) {
            check.merge(part);
        }
        let shown = below(data, &run.folder);
        let mut expected = BTreeSet::from([MANIFEST_FILE, CHECKSUM_FILE].map(PathBuf::from));
        for part in run.parts() {
            check_references(&mut check, &part);
            let references = part.part.references.as_ref();
            expected.extend(references.map(|of| PathBuf::from(&of.file)));
            expected.insert(PathBuf::from(&part.part.file));
        }
        if !run.is_packed() {
            let mut of_folder = checksums();
            check_checksum(&mut of_folder, &run.folder, &shown);
            check_extra_files(&mut of_folder, &run.folder, &shown, &expected)?;
            // Joined with others while this was reading, it lies elsewhere as a whole.
            if of_folder.failed == 0 || !run.was_joined() {
                check.merge(of_folder);
            }
        }
        if check.failed > 0 {
            check
                .repair
                .add(RepairStep::of_landing(run.manifest.origin));
        }
        all.merge(check);
    }
    for compacted in &runs.compacted {
        let check = check_compacted(compacted, data)?;
        if check.failed == 0 || !compacted.was_replaced() {
            all.merge(check);
        }
    }
    Ok(all)
}

fn check_references(check: &mut Check, part: &SealedPart) {
    let (Some(found), Some(references)) = (part.references_on_disk(), &part.part.references) else {
        return;
    };
    let place = || match part.relative.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{}", references.file),
        None => references.file.clone(),
    };
    let found = found.map(|found| (found.bytes, found.sha256));
    compare(check, place, found, (references.bytes, &references.sha256));
}

/// The files of a folder of several runs, whose parts and references were compared run by run.
fn check_compacted(compacted: &Compacted, data: &Path) -> Result<Check, Error> {
    let mut check = checksums();
    let shown = below(data, &compacted.folder);
    for (path, bytes, sha256) in compacted.files() {
        let named = NamedFile {
            path,
            bytes,
            sha256,
        };
        if compacted.has_manifests_in(path) {
            check_file(&mut check, &compacted.folder, &shown, &named);
        } else if let Ok(found) = std::fs::metadata(compacted.folder.join(path)) {
            // What is shorter lacks bytes of a run.
            check.expect(found.len() <= bytes, || {
                format!(
                    "{shown}/{path}: {} bytes, the manifest says {bytes}",
                    found.len()
                )
            });
        }
    }
    check_checksum(&mut check, &compacted.folder, &shown);
    for path in files_below(&compacted.folder)? {
        let name = path.strip_prefix(&compacted.folder).unwrap_or(&path);
        let name = name.to_string_lossy();
        check.expect(!compacted.is_unknown(&name), || {
            format!("{shown}/{name}: no manifest names this file")
        });
    }
    if check.failed > 0 {
        check.repair.add(RepairStep::of_landing(compacted.origin()));
    }
    Ok(check)
}

/// Checks runs that are in the lake but have lost their manifests: readers ignore them, as they
/// ignore runs that are being written.
fn check_sealed_before(
    runs: &LandingRuns,
    request: &VerifyRequest<'_>,
    check: &mut Check,
) -> Result<(), Error> {
    let waiting = claimlake_landing::unfinished_runs(&LandingLayout::in_data(request.data))?;
    for run in &runs.unsealed {
        let is_under_way = waiting.contains(&run.run) || run.has_manifest()?;
        if !is_under_way && request.loaded.contains(&run.run) {
            let manifest = run.folder.join(MANIFEST_FILE);
            let steps = RepairStep::of_landing(origin_of(&manifest, request));
            check.fail_with(steps, || {
                let shown = below(request.data, &manifest);
                format!("{shown}: it is missing, and the lake holds what was in the run")
            });
        }
    }
    Ok(())
}

/// Where a run came from whose manifest cannot be used.
fn origin_of(manifest: &Path, request: &VerifyRequest<'_>) -> LandingOrigin {
    match run_of(manifest).is_some_and(|run| request.extract_runs.contains(&run)) {
        true => LandingOrigin::Extract,
        false => LandingOrigin::Import,
    }
}

/// Checks that kept rejected input can be read.
pub(crate) fn check_rejected(layout: &LandingLayout) -> Result<Check, Error> {
    let mut check = Check::hard("landing_rejected", "what could not be landed can be read");
    for path in claimlake_landing::unreadable_rejected(layout)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let steps = [
            RepairStep::ImportAgain,
            RepairStep::TransformFull,
            RepairStep::Load,
        ];
        check.fail_with(steps, || {
            format!("landing/rejected/{name}: it cannot be read to its end")
        });
    }
    Ok(check)
}

/// What was set aside remains until it is removed by hand.
pub(crate) fn check_set_aside(layout: &LandingLayout) -> Result<Check, Error> {
    let mut check = Check::warning(
        "landing_set_aside",
        "nothing that was damaged waits in landing/damaged; remove it when nothing of it is missed",
    );
    let (files, bytes) = claimlake_landing::set_aside_files(layout)?;
    if files > 0 {
        check.fail(|| format!("landing/damaged: {files} files, {bytes} bytes"));
    }
    Ok(check)
}

fn run_of(manifest: &Path) -> Option<RunId> {
    let value = claimlake_contract::partition_value(manifest.parent()?, "run")?;
    value.parse().ok()
}

/// Resources that the lake has and landing has lost must be received again: from the server, if the
/// patient's state shows that they came from there.
pub(crate) fn ask_again(checks: &mut [Check], runs: &LandingRuns, request: &VerifyRequest<'_>) {
    let has_failed = |checks: &[Check], name: &str| {
        checks
            .iter()
            .any(|check| check.name == name && check.failed > 0)
    };
    if !has_failed(checks, ABSENT) || has_failed(checks, "lake_files") {
        return;
    }
    let is_short_of_served = has_failed(checks, "extract_status");
    let mut lost = lost_runs(runs, request).peekable();
    let (mut extracted, mut imported) = (is_short_of_served, false);
    if lost.peek().is_none() && !is_short_of_served {
        // The runs are there, less is in them, and nothing extracted is known to be missing.
        let is_import = |run: &SealedRun| run.manifest.origin == LandingOrigin::Import;
        imported = runs.sealed.iter().any(is_import) || request.extract_runs.is_empty();
        extracted = !imported;
    }
    for run in lost {
        match request.extract_runs.contains(run) {
            true => extracted = true,
            false => imported = true,
        }
    }
    let origins = [
        (extracted, LandingOrigin::Extract),
        (imported, LandingOrigin::Import),
    ];
    for check in checks.iter_mut().filter(|check| check.name == ABSENT) {
        for (_, origin) in origins.into_iter().filter(|(is_wanted, _)| *is_wanted) {
            check.repair.add(RepairStep::of_landing(origin));
        }
    }
}

/// Runs that were loaded and of which nothing is in landing any more.
fn lost_runs<'a>(
    runs: &LandingRuns,
    request: &'a VerifyRequest<'_>,
) -> impl Iterator<Item = &'a RunId> {
    let mut landed: BTreeSet<RunId> = runs.unsealed.iter().map(|run| run.run.clone()).collect();
    landed.extend(runs.sealed.iter().map(|run| run.manifest.run.clone()));
    request
        .loaded
        .iter()
        .filter(move |run| !landed.contains(run))
}

/// Runs whose files are to be imported again, as far as they are known.
pub(crate) fn to_import(
    checks: &[Check],
    runs: &LandingRuns,
    request: &VerifyRequest<'_>,
) -> Vec<String> {
    let mut wanted: BTreeSet<RunId> = BTreeSet::new();
    let is_wanted = |check: &&Check| check.repair.has(RepairStep::ImportAgain);
    for check in checks.iter().filter(is_wanted) {
        if check.name == ABSENT {
            wanted.extend(lost_runs(runs, request).cloned());
        }
        wanted.extend(check.places.iter().filter_map(|place| {
            let (_, rest) = place.split_once("run=")?;
            let end = rest.find(['/', ',', ':']).unwrap_or(rest.len());
            let run = rest.get(..end)?.trim_end_matches(".ndjson.zst");
            run.parse::<RunId>().ok()
        }));
    }
    wanted.retain(|run| !request.extract_runs.contains(run));
    wanted.iter().map(ToString::to_string).collect()
}

/// The frames of every part decompress to the lines that the manifest counts.
pub(crate) fn check_frames(
    runs: &LandingRuns,
    damaged: &[DamagedFrame],
    request: &VerifyRequest<'_>,
) -> Check {
    let mut check = Check::hard("landing_frames", "frames of landed parts hold whole lines");
    let parts = runs.sealed.iter().flat_map(|run| &run.manifest.parts);
    let frames: u64 = parts.map(|part| part.frames.len() as u64).sum();
    check.checked = frames.saturating_sub(damaged.len() as u64);
    for frame in damaged {
        let steps = RepairStep::of_landing(origin_of(Path::new(&frame.file), request));
        check.fail_with(steps, || {
            format!("{}, frame {}: {}", frame.file, frame.frame, frame.reason)
        });
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
            if check.failed > 0 {
                check
                    .repair
                    .add(RepairStep::of_landing(LandingOrigin::Extract));
            }
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
