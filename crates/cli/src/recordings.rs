//! Where the exchanges of a data directory were recorded. This is stored with its runs, so that
//! `forget` finds the recordings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::RunId;
use claimlake_vault::{RunEnd, Vault};
use serde_json::{Value, json};

use crate::failure::Outcome;

const COMMAND: &str = "recording";

/// Notes where exchanges are about to be recorded.
pub(crate) fn note(vault: &Vault, run: &RunId, folder: &Path) -> Outcome<()> {
    let folder = std::path::absolute(folder)?;
    vault.begin_run(run, COMMAND)?;
    let noted = json!({ "folder": folder });
    Ok(vault.end_run(run, RunEnd::Finished, Some(&noted.to_string()))?)
}

/// The folders that were recorded into and are still there.
pub(crate) fn known(vault: &Vault) -> Outcome<BTreeSet<PathBuf>> {
    let noted = vault.runs(COMMAND, u32::MAX)?;
    let folders = noted.into_iter().filter_map(|run| {
        let noted: Value = serde_json::from_str(run.summary.as_deref()?).ok()?;
        Some(PathBuf::from(noted["folder"].as_str()?))
    });
    Ok(folders.filter(|folder| folder.is_dir()).collect())
}
