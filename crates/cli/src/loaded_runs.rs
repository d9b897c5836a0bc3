//! Which landing runs the current snapshot contains.

use std::collections::BTreeSet;
use std::path::Path;

use claimlake_contract::{LakeManifest, RunId, StagedManifest};
use claimlake_transformer::RULES_VERSION;

use crate::data_dir::{DataDir, read_staged_manifest};
use crate::failure::Outcome;

/// The landing runs that the current snapshot holds: those that it names, those on record of loaded
/// runs, and those of staged runs that it names: of a load that is about to end, or was killed
/// right then.
///
/// The records are not enough: a rollback forgets those of later snapshots, and the lake may go back
/// to one of these.
pub(crate) fn loaded_runs(data: &DataDir, lake: &Path) -> Outcome<BTreeSet<RunId>> {
    let records = data.transformed_runs()?;
    let Ok(snapshot) = claimlake_loader::read_manifest(&lake.join("current")) else {
        return Ok(landing_runs(records));
    };
    let mut known = records;
    for folder in data.staged_runs()? {
        // It may have been removed by now: then there is a record of it, and another state.
        let staged = read_staged_manifest(&folder).ok();
        known.extend(staged.filter(|staged| snapshot.staged_runs.contains(&staged.run)));
    }
    if snapshot.landing_runs.is_none() && !has_all(&known, &snapshot) {
        return sealed_before(data, &snapshot.run);
    }
    let mut loaded = landing_runs(known);
    loaded.extend(snapshot.landing_runs.into_iter().flatten());
    Ok(loaded)
}

/// Whether the current snapshot was made by the rules of another version, as the records of the runs
/// that it was the first to hold say. Without one, only earlier versions named no landing runs.
pub(super) fn is_of_other_rules(data: &DataDir, lake: &Path) -> Outcome<bool> {
    let Ok(snapshot) = claimlake_loader::read_manifest(&lake.join("current")) else {
        return Ok(false);
    };
    let mut known = data.transformed_runs()?;
    for folder in data.staged_runs()? {
        known.extend(read_staged_manifest(&folder).ok());
    }
    known.retain(|known| snapshot.staged_runs.contains(&known.run));
    let last = known.into_iter().max_by(|a, b| a.run.cmp(&b.run));
    Ok(match last {
        Some(last) => last.rules != RULES_VERSION,
        None => snapshot.landing_runs.is_none(),
    })
}

fn landing_runs(known: Vec<StagedManifest>) -> BTreeSet<RunId> {
    let runs = known.into_iter().flat_map(|manifest| manifest.landing_runs);
    runs.collect()
}

/// Whether every staged run that made the snapshot is on record.
fn has_all(known: &[StagedManifest], snapshot: &LakeManifest) -> bool {
    let mut made_by = snapshot.staged_runs.iter();
    made_by.all(|run| known.iter().any(|known| known.run == *run))
}

/// What had landed when the snapshot was published, as far as run ids tell: earlier versions named no
/// landing runs in a snapshot, and a rollback has forgotten the records.
fn sealed_before(data: &DataDir, published: &RunId) -> Outcome<BTreeSet<RunId>> {
    let sealed = claimlake_landing::landing_runs(&data.landing())?.sealed;
    let runs = sealed.into_iter().map(|run| run.manifest.run);
    Ok(runs.filter(|run| run < published).collect())
}
