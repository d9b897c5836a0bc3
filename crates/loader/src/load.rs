//! A load from beginning to end: take the lock, build the next snapshot beside the others, publish
//! it, remove what is no longer kept.
//!
//! The order of the steps makes a load safe to kill at any point:
//!
//! 1. The lock is taken, and what a killed load left in `.building/` and `.removing/` is removed.
//! 2. Everything new is written below `.building/`, which no reader looks at.
//! 3. [`publish`] syncs it, renames it to `snapshots/<n>`, and then replaces `current` by one rename.
//! 4. Only then are old snapshots removed. A load that is killed before this leaves too many
//!    snapshots, never too few; the next load removes them.

use std::path::PathBuf;

use claimlake_contract::Progress;

use crate::error::{LoadError, Result};
use crate::next_snapshot::{SnapshotInput, build_next};
use crate::previous_snapshot::PreviousSnapshot;
use crate::publish::access::{access_for, give_all};
use crate::publish::lake::Lake;
use crate::publish::publication::{publish, real_path};
use crate::publish::retention;
use crate::repair::Repair;
use crate::request::{LoadOutcome, LoadRequest};
use crate::staged_run::StagedRun;
use crate::table::all::on_threads;

/// Loads staged runs into the lake: publishes one new snapshot, or says that nothing changed.
///
/// The staged runs are left where they are; once this has returned they are no longer needed.
///
/// # Errors
///
/// A staged run is not sealed, truncated or of another version; the lake is locked, pinned, edited
/// or cannot be written; columns differ in more than added ones. The lake is then unchanged.
pub fn load(request: &LoadRequest, progress: &dyn Progress) -> Result<LoadOutcome> {
    let staged = open_staged(&request.staged_runs)?;
    let full = staged.iter().any(|run| run.manifest.full);
    if request.options.rebuild && !full {
        return Err(LoadError::Request(
            "--rebuild needs a staged run made from all of landing; run `transform --full` first"
                .to_owned(),
        ));
    }
    let access = access_for(request.options.group.as_deref())?;
    let lake = Lake::at(&request.lake);
    let _lock = lake.lock(&access)?;
    // A pin that cannot be read is removed as one that can.
    if !request.options.unpin
        && let Some(snapshot) = lake.pinned()?
    {
        return Err(LoadError::Pinned { snapshot });
    }
    let options = &request.options;
    let repair = match options.rebuild {
        true => Some(on_threads(options, || {
            Repair::begin(&lake, access, options)
        })?),
        false => None,
    };
    let before = match &repair {
        Some(repair) => repair.before()?,
        None => PreviousSnapshot::current(&lake)?,
    };
    let input = SnapshotInput {
        request,
        staged: &staged,
        full,
        lake: &lake,
        before: before.as_ref(),
        access,
        repair: repair.as_ref(),
    };
    let outcome = build_and_publish(&input, progress);
    // Whatever happened, the unfinished build is useless now. A failure to remove it must not hide
    // the first error; the next load removes it, too.
    let cleared = lake.clear_building();
    let outcome = outcome?;
    cleared?;
    Ok(outcome)
}

/// Opens the staged runs, oldest first. Runs before the latest full one are skipped: a full run was
/// made from all of landing, so it contains their rows.
///
/// # Errors
///
/// A run cannot be opened, or two folders have the same run id: a row is found by run and landing
/// order, which would then be ambiguous.
fn open_staged(folders: &[PathBuf]) -> Result<Vec<StagedRun>> {
    let mut staged = folders
        .iter()
        .map(|folder| StagedRun::open(folder))
        .collect::<Result<Vec<_>>>()?;
    staged.sort_by(|left, right| left.manifest.run.cmp(&right.manifest.run));
    // A body is identified by its run and its position in it.
    if let Some([_, twice]) = staged
        .array_windows()
        .find(|[left, right]| left.manifest.run == right.manifest.run)
    {
        let reason = "another staged run has its id: load one of them";
        return Err(LoadError::staged(&twice.folder, reason));
    }
    if let Some(last_full) = staged.iter().rposition(|run| run.manifest.full) {
        staged.drain(..last_full);
    }
    Ok(staged)
}

/// Builds and publishes the next snapshot, then applies retention. If nothing changed, only
/// `current`, the pin and retention are brought up to date: a previous load may have been killed
/// before it did so.
fn build_and_publish(input: &SnapshotInput<'_>, progress: &dyn Progress) -> Result<LoadOutcome> {
    let options = &input.request.options;
    // First, since the next snapshot shares files with those before.
    let given_to_group = give_all(&input.access, &input.request.lake)?;
    let (manifest, mut outcome) = on_threads(options, || build_next(input, progress))?;
    outcome.given_to_group = given_to_group;
    let number = match (&manifest, input.before) {
        (Some(manifest), _) => {
            let task = progress.begin("publishing", "snapshots", Some(1));
            let published = publish(input.lake, manifest.clone(), options, &input.access);
            progress.end(task);
            published?;
            outcome.changed = true;
            manifest.snapshot
        }
        (None, Some(before)) => before.manifest.snapshot,
        (None, None) => return Ok(outcome),
    };
    if manifest.is_none() {
        if input.lake.current().ok().flatten() != Some(number) {
            input.lake.flip(number)?;
        }
        // `--unpin` removes the pin even if there is nothing to load.
        input.lake.unpin()?;
    }
    if let Some(repair) = input.repair {
        outcome.damaged_snapshots_removed = repair.remove_damaged(number)?;
    }
    outcome.snapshots_removed = retention::retain(
        input.lake,
        number,
        options.keep_snapshots,
        options.keep_hours,
        &input.request.published_at,
    )?;
    outcome.snapshot = Some(number);
    outcome.snapshot_folder = Some(real_path(&input.lake.snapshot(number))?);
    Ok(outcome)
}
