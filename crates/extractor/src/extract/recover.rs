//! Sealing what a killed extraction had checkpointed, and removing what it had not.

use std::collections::BTreeMap;

use claimlake_contract::{
    ApiVersion, CHECKSUM_FILE, GrantHandle, LandingLayout, ResourceType, RunId,
};
use claimlake_landing::{
    KeptPatient, LandingError, UnsealedRun, landing_runs, listed_runs, mark_finished,
    remove_unnamed_parts, seal_interrupted, sealed_folders, set_aside_unsealed, unfinished_runs,
};
use claimlake_vault::{RunEnd, Vault};

use super::set_aside::forget_held;
use crate::error::ExtractError;
use crate::landing_writer::CheckpointDetail;

const RUNS_LOOKED_AT: u32 = 1000;

/// The runs that were sealed or removed.
pub(super) fn recover(
    vault: &Vault,
    layout: &LandingLayout,
    present: &RunId,
) -> Result<Vec<RunId>, ExtractError> {
    let mut recovered = Vec::new();
    for run in vault.checkpointed_runs()? {
        if run == *present {
            continue;
        }
        seal_run(vault, layout, &run)?;
        remove_unnamed(layout, &run)?;
        mark_finished(layout, &run)?;
        vault.drop_checkpoints(&run)?;
        vault.end_run(&run, RunEnd::Interrupted, None)?;
        recovered.push(run);
    }
    remove_leftovers(vault, layout, present)?;
    // Those of earlier runs were looked at by the runs after them.
    if let Some(newest) = listed_runs(layout)?.sealed.last() {
        remove_unnamed(layout, &newest.run)?;
    }
    Ok(recovered)
}

type Kept = BTreeMap<(ApiVersion, ResourceType), Vec<(GrantHandle, KeptPatient)>>;

fn seal_run(vault: &Vault, layout: &LandingLayout, run: &RunId) -> Result<(), ExtractError> {
    let mut kept = Kept::new();
    for checkpoint in vault.checkpoints(run)? {
        let Ok(detail) = serde_json::from_str::<CheckpointDetail>(&checkpoint.detail) else {
            // Its frames are not known: the patient is read again.
            vault.forget_known_resources(&checkpoint.grant, &checkpoint.resource)?;
            continue;
        };
        let key = (detail.api, checkpoint.resource);
        let patient = (checkpoint.grant, detail.into_kept());
        kept.entry(key).or_default().push(patient);
    }
    let runs = landing_runs(layout)?;
    for ((api, resource), patients) in kept {
        let is_here = |unsealed: &&UnsealedRun| {
            unsealed.run == *run && unsealed.api == api && unsealed.resource == resource
        };
        let is_sealed = runs.sealed.iter().any(|sealed| {
            let manifest = &sealed.manifest;
            manifest.run == *run && manifest.api == api && manifest.resource == resource
        });
        let unsealed = runs.unsealed.iter().find(is_here);
        if is_sealed || unsealed.map_or(Ok(false), UnsealedRun::has_manifest)? {
            continue;
        }
        let has_frames = patients.iter().any(|(_, kept)| !kept.frames.is_empty());
        let lists_gone = patients.iter().any(|(_, kept)| kept.patient.lists_gone());
        match unsealed {
            None if !has_frames && !lists_gone => {}
            None if !has_frames => {
                let kept = patients.into_iter().map(|(_, kept)| kept).collect();
                crate::landing_writer::begin(layout, api, &resource, run)?.seal_keeping(kept)?;
            }
            None => forget_all(vault, &resource, &patients)?,
            Some(unsealed) if !has_frames && !lists_gone => remove(unsealed)?,
            Some(unsealed) => seal_folder(vault, &resource, unsealed, patients)?,
        }
    }
    Ok(())
}

/// Seals with the patients that have all their frames on disk; the others are read again.
fn seal_folder(
    vault: &Vault,
    resource: &ResourceType,
    unsealed: &UnsealedRun,
    mut patients: Vec<(GrantHandle, KeptPatient)>,
) -> Result<(), ExtractError> {
    loop {
        let kept: Vec<KeptPatient> = patients.iter().map(|(_, kept)| kept.clone()).collect();
        match seal_interrupted(unsealed, kept) {
            Ok(_) => return Ok(()),
            Err(LandingError::MissingFrame { path, offset }) => {
                tracing::warn!(
                    part.path = %path.display(),
                    frame.offset = offset,
                    "a landing part is cut short: the patients behind the cut are read again"
                );
                let is_behind = |kept: &KeptPatient| {
                    let part = |frame: &claimlake_landing::KeptFrame| {
                        path.ends_with(claimlake_contract::part_file_name(frame.part))
                            && frame.frame.offset >= offset
                    };
                    kept.frames.iter().any(part)
                };
                let (lost, rest): (Vec<_>, Vec<_>) =
                    patients.into_iter().partition(|(_, kept)| is_behind(kept));
                if lost.is_empty() {
                    let path = path.clone();
                    return Err(LandingError::MissingFrame { path, offset }.into());
                }
                forget_all(vault, resource, &lost)?;
                patients = rest;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn forget_all(
    vault: &Vault,
    resource: &ResourceType,
    patients: &[(GrantHandle, KeptPatient)],
) -> Result<(), ExtractError> {
    for (grant, _) in patients {
        vault.forget_known_resources(grant, resource)?;
    }
    Ok(())
}

/// Folders of extractions that were killed before their first checkpoint.
fn remove_leftovers(
    vault: &Vault,
    layout: &LandingLayout,
    present: &RunId,
) -> Result<(), ExtractError> {
    let known = vault.runs("extract", RUNS_LOOKED_AT)?;
    let marked = unfinished_runs(layout)?;
    let is_ours = |run: &RunId| {
        let known = known.iter().any(|known| known.run == *run) || marked.contains(run);
        known && run != present
    };
    for unsealed in listed_runs(layout)?.unsealed {
        if !is_ours(&unsealed.run) {
            continue;
        }
        // A run that was finished has lost its manifest: its parts are kept.
        let was_sealed = unsealed.folder.join(CHECKSUM_FILE).exists();
        if was_sealed && !marked.contains(&unsealed.run) {
            let kept = set_aside_unsealed(layout, &unsealed)?;
            tracing::warn!(
                run.folder = %kept.place,
                kept.in = %kept.kept_in,
                "a run has no manifest any more: it was set aside, and is read again"
            );
            forget_held(vault, &kept)?;
        } else {
            remove(&unsealed)?;
        }
    }
    for run in marked.iter().filter(|run| is_ours(run)) {
        remove_unnamed(layout, run)?;
        mark_finished(layout, run)?;
    }
    Ok(())
}

/// A kill between the manifests of a run and the removal of what they replace leaves unused parts. The
/// run is still marked then, has checkpoints, or is the newest.
fn remove_unnamed(layout: &LandingLayout, run: &RunId) -> Result<(), ExtractError> {
    for sealed in sealed_folders(layout, run)? {
        let removed = remove_unnamed_parts(&sealed)?;
        if removed > 0 {
            tracing::warn!(
                run.folder = %sealed.folder.display(),
                parts = removed,
                "parts that no manifest names were removed: a run was killed while it was sealed"
            );
        }
    }
    Ok(())
}

fn remove(unsealed: &UnsealedRun) -> Result<(), ExtractError> {
    std::fs::remove_dir_all(&unsealed.folder).map_err(|error| {
        ExtractError::Landing(format!("removing {}: {error}", unsealed.folder.display()))
    })
}
