//! What `claimlake.spark.transform` says of a folder that it staged: `_claimlake/manifest.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use claimlake_contract::RunId;
use claimlake_landing::listed_runs;
use claimlake_loader::StagingJob;
use claimlake_transformer::{Plan, RULES_VERSION};
use serde::Deserialize;

use crate::data_dir::JOB_FOLDER;
use crate::failure::Outcome;
use crate::invocation::Invocation;

#[derive(Deserialize)]
struct Manifest {
    /// Of the plan by which rows were made; earlier versions did not say it.
    plan_hash: String,
    rules: u32,
    landing_runs: Vec<RunId>,
    files: Vec<File>,
    /// Files of no task, with their SHA-256.
    driver_files: BTreeMap<String, String>,
    counts: Counts,
}

#[derive(Deserialize)]
struct File {
    path: String,
    sha256: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counts {
    without_view: u64,
    rejected_resources: u64,
    rejected_cells: u64,
    without_patient: u64,
    rounded_cells: u64,
}

/// Reads it, if it is there. Rows by another plan or other rules are refused: they would be published
/// as those of this pipeline.
pub(super) fn read(
    folder: &Path,
    plan: &Plan,
    invocation: &Invocation,
) -> Outcome<Option<StagingJob>> {
    let path = folder.join(JOB_FOLDER).join("manifest.json");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let what = format!("reading {}", path.display());
            return Err(anyhow::Error::new(error).context(what).into());
        }
    };
    let manifest: serde_json::Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is damaged: stage it again", path.display()))?;
    if manifest.get("plan_hash").is_none() {
        return Ok(None);
    }
    let manifest = Manifest::deserialize(manifest)
        .with_context(|| format!("{} is damaged: stage it again", path.display()))?;
    if manifest.plan_hash != plan.hash() || manifest.rules != RULES_VERSION {
        return Err(anyhow!(
            "{} was staged by another pipeline, or by another version of claimlake, than {}: stage it again",
            folder.display(),
            invocation.origin().display()
        )
        .into());
    }
    let files = manifest.files.into_iter();
    let mut files: BTreeMap<_, _> = files.map(|file| (file.path, file.sha256)).collect();
    files.extend(manifest.driver_files);
    let counts = manifest.counts;
    Ok(Some(StagingJob {
        landing_runs: landed_here(manifest.landing_runs, invocation)?,
        files,
        without_view: counts.without_view,
        rejected_resources: counts.rejected_resources,
        rejected_cells: counts.rejected_cells,
        without_patient: counts.without_patient,
        rounded_cells: counts.rounded_cells,
    }))
}

/// The runs, if all of them are in this data directory; of another's landing, nothing is known here.
fn landed_here(runs: Vec<RunId>, invocation: &Invocation) -> Outcome<Vec<RunId>> {
    let listed = listed_runs(&invocation.data()?.landing())?;
    let sealed: BTreeSet<&RunId> = listed.sealed.iter().map(|listed| &listed.run).collect();
    match runs.iter().all(|run| sealed.contains(run)) {
        true => Ok(runs),
        false => Ok(Vec::new()),
    }
}
