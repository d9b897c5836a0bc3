//! The next snapshot: built beside the others from the one before and the staged runs.

mod input;
mod landing_runs;
mod run_tables;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use claimlake_contract::{LAKE_FORMAT, LakeManifest, LakeTable, Progress, hive};

use crate::error::{LoadError, Result};
use crate::merge::current::{self, CurrentInput};
use crate::merge::decision::Take;
use crate::merge::key_walk::{self, KeyPlan, MergedKeys};
use crate::merge::keys;
use crate::merge::staged_keys::StagedKeys;
use crate::previous_snapshot::PreviousSnapshot;
use crate::request::{AbsentResources, LoadOutcome, LoadRequest, TableOutcome};
use crate::row_owners::next::{self, NextOwners};
use crate::row_owners::snapshot::SnapshotOwners;
use crate::row_owners::touched::Touched;
use crate::table::all::build_all;
use crate::table::build::{BuildInput, BuiltTable};
use crate::table::carry::Carried;
use crate::table::plan::{PlanInput, Plans, plan};
use crate::table::table_columns::file_words;

pub(crate) use input::SnapshotInput;
use run_tables::{changes_table, run_tables, run_tables_differ};

/// Builds the next snapshot beside the others. Returns its manifest (`None` if nothing changed) and
/// what was done. Nothing is visible to readers yet.
///
/// The order: (1) plan the tables; (2) merge keys and decide what changes; stop here if nothing
/// does; (3) decide what is current; (4) build the tables; (5) write row owners, tables about runs
/// and `changes`. Each step needs the results of those before it.
pub(crate) fn build_next(
    input: &SnapshotInput<'_>,
    progress: &dyn Progress,
) -> Result<(Option<LakeManifest>, LoadOutcome)> {
    let request = input.request;
    let snapshot = input.lake.building();
    input.access.make_folder(&snapshot)?;
    if let Some(before) = input.before {
        before.check_key_files()?;
    }
    let plans = plan(&PlanInput {
        staged: input.staged,
        before: input
            .before
            .map(|before| (before.folder.as_path(), &before.manifest)),
        options: &request.options,
        full: input.full,
        has_resources: has_resources(input)?,
    })?;
    let key_file = input.before.and_then(PreviousSnapshot::key_file);
    let staged_keys = StagedKeys::read(
        input.staged,
        key_file.as_deref().filter(|_| !input.full),
        &input.lake.spill(),
        key_budget(request),
    )?;
    let mut keys = merge_keys(input, &plans, &staged_keys, &snapshot)?;
    let carried = Carried::default();
    if input.repair.is_none()
        && keys.is_unchanged()
        && !plans_change(&plans, input)
        && !run_tables_differ(input)?
    {
        let outcome = outcome(&keys, &plans, &[], &carried);
        return Ok((None, outcome));
    }
    let found = current::find(
        &CurrentInput {
            plans: &plans.tables,
            rules: &request.options.current,
            staged: input.staged,
            outdated: &keys.outdated,
            before: input.before.and_then(|before| {
                let file = before.manifest.current.as_ref()?;
                before.has(file).then(|| before.folder.join(&file.path))
            }),
            snapshot: &snapshot,
            spill: &input.lake.spill(),
            budget: key_budget(request),
            access: input.access,
        },
        &mut keys.decisions,
    )?;
    // Where all tables are made anew, nothing reads the owners of before.
    let keeps_files = plans.tables.iter().any(|plan| plan.before.is_some());
    let touched = input.before.filter(|_| keeps_files).map(|before| {
        let owners = SnapshotOwners::new(&before.folder, &before.manifest);
        Touched::new(owners, &keys.outdated, &found.flips, &plans.tables)
    });
    let built = build_all(
        &plans.tables,
        &BuildInput {
            staged: input.staged,
            decisions: &keys.decisions,
            outdated: &keys.outdated,
            flips: &found.flips,
            touched: touched.as_ref(),
            before: input.before.map(|before| before.folder.as_path()),
            snapshot: &snapshot,
            spill: &input.lake.spill(),
            access: input.access,
            options: &request.options,
            memory_bytes: request.options.memory_bytes,
            carried: &carried,
        },
        progress,
    )?;
    let mut outcome = outcome(&keys, &plans, &built, &carried);
    let is_empty = built.is_empty() && request.run_tables.is_empty() && keys.left_out == 0;
    if input.before.is_none() && is_empty {
        return Ok((None, outcome));
    }
    let owners = next::write(
        &NextOwners {
            built: built
                .iter()
                .map(|built| (&built.table, &built.owners))
                .collect(),
            before: input
                .before
                .zip(touched.as_ref())
                .map(|(before, touched)| (before.folder.as_path(), &touched.owners)),
            snapshot: &snapshot,
            access: input.access,
        },
        progress,
    )?;
    drop(touched);
    keys.outdated.check()?;
    let mut tables: Vec<LakeTable> = built.into_iter().map(|built| built.table).collect();
    tables.extend(run_tables(input, &snapshot, &carried)?);
    tables.extend(changes_table(
        input,
        &staged_keys,
        &keys.changed_periods,
        &found,
        &snapshot,
        &carried,
    )?);
    tables.sort_by(|left, right| left.layout.name.cmp(&right.layout.name));
    let has_news = !keys.is_unchanged();
    let manifest = LakeManifest {
        format: LAKE_FORMAT,
        snapshot: input.lake.numbers()?.last().copied().unwrap_or(0) + 1,
        run: request.run.clone(),
        published_at: request.published_at.clone(),
        staged_runs: input
            .staged
            .iter()
            .map(|run| run.manifest.run.clone())
            .collect(),
        landing_runs: landing_runs::of(input),
        tables,
        keys: keys.file,
        current: found.file,
        owners: Some(owners),
        views: None,
    };
    if let Some(repair) = input.repair {
        repair.use_built(&manifest, &snapshot)?;
        outcome.files_repaired = repair.replaced();
        outcome.lost = repair.lost();
        let is_news = has_news || differs(&manifest, input);
        let number = input.before.map(|before| before.manifest.snapshot);
        if !is_news && number.is_some_and(|number| repair.is_whole(number)) {
            return Ok((None, outcome));
        }
    }
    Ok((Some(manifest), outcome))
}

/// Whether tables that a rebuild has made differ from those of the previous snapshot.
fn differs(manifest: &LakeManifest, input: &SnapshotInput<'_>) -> bool {
    let Some(before) = input.before.filter(|before| before.has_manifest) else {
        return true;
    };
    // A manifest without `owners` is of an earlier version.
    before.manifest.owners.is_some() != manifest.owners.is_some()
        || before.manifest.current.is_some() != manifest.current.is_some()
        || manifest.tables != before.manifest.tables
}

/// The memory for sorting keys. They are sorted before the tables and are small compared with the
/// rows.
fn key_budget(request: &LoadRequest) -> usize {
    request.options.memory_bytes / 3
}

/// Whether the lake has a resource: what it has tombstones of is not in it.
fn has_resources(input: &SnapshotInput<'_>) -> Result<bool> {
    match input.before.and_then(PreviousSnapshot::key_file) {
        Some(file) => keys::has_resources(&file),
        None => Ok(false),
    }
}

/// Merges the keys and refuses the load if resources are absent.
fn merge_keys(
    input: &SnapshotInput<'_>,
    plans: &Plans,
    staged: &StagedKeys,
    snapshot: &Path,
) -> Result<MergedKeys> {
    let kept_tables = plans.tables.iter().filter(|plan| plan.before.is_some());
    let kept_tables = kept_tables.map(|plan| plan.layout.name.as_str()).collect();
    let mut keys = key_walk::merge(&KeyPlan {
        staged,
        before: input.before.and_then(PreviousSnapshot::key_file),
        snapshot,
        spill: &input.lake.spill(),
        budget: key_budget(input.request),
        access: input.access,
        full: input.full,
        kept_tables: &kept_tables,
    })?;
    if let Some(history) = input.history()? {
        history.correct(&mut keys, staged)?;
    }
    if keys.absent > 0 && input.request.options.absent == AbsentResources::Refuse {
        return Err(LoadError::Absent {
            missing: keys.absent,
        });
    }
    Ok(keys)
}

/// Whether tables change although no resource does: a new table, another column, a partition that
/// was null, a table that is dropped.
fn plans_change(plans: &Plans, input: &SnapshotInput<'_>) -> bool {
    let Some(before) = input.before else {
        return !plans.tables.is_empty();
    };
    let changes = plans.tables.iter().any(|plan| {
        let columns = file_words(&plan.layout, &plan.shape.schema);
        // Files of an older build may lie in partitions of null.
        let is_as_before = |table: &LakeTable| {
            let mut files = table.files.iter();
            table.columns == columns && !files.any(|file| hive::has_null(&file.path))
        };
        plan.take == Take::All || !plan.before.as_ref().is_some_and(is_as_before)
    });
    let planned: BTreeSet<&str> = plans
        .tables
        .iter()
        .map(|plan| plan.layout.name.as_str())
        .collect();
    let drops = before
        .manifest
        .tables
        .iter()
        .any(|table| table.resource.is_some() && !planned.contains(table.layout.name.as_str()));
    changes || drops
}

fn outcome(
    keys: &MergedKeys,
    plans: &Plans,
    built: &[BuiltTable],
    carried: &Carried,
) -> LoadOutcome {
    use std::sync::atomic::Ordering::Relaxed;
    let written: HashMap<&str, u64> = built
        .iter()
        .map(|built| (built.table.layout.name.as_str(), built.files_written))
        .collect();
    let mut tables: Vec<TableOutcome> = built
        .iter()
        .map(|built| TableOutcome::of(&built.table))
        .collect();
    if built.is_empty() {
        let before = plans.tables.iter().filter_map(|plan| plan.before.as_ref());
        tables.extend(before.map(TableOutcome::of));
    }
    for table in &mut tables {
        table.files_written = written.get(table.name.as_str()).copied().unwrap_or(0);
    }
    let stale = plans.tables.iter().filter(|plan| plan.is_stale);
    LoadOutcome {
        changed: false,
        snapshot: None,
        snapshot_folder: None,
        new: keys.new,
        changed_resources: keys.changed,
        unchanged: keys.unchanged,
        superseded_bodies: keys.superseded,
        dropped: keys.dropped,
        gone: keys.gone,
        left_out: keys.left_out,
        stale_tables: stale.map(|plan| plan.layout.name.clone()).collect(),
        tables_without_rows: plans.without_rows.clone(),
        files_linked: carried.linked.load(Relaxed),
        files_copied: carried.copied.load(Relaxed),
        files_written: tables.iter().map(|table| table.files_written).sum(),
        tables,
        given_to_group: 0,
        snapshots_removed: Vec::new(),
        files_repaired: 0,
        damaged_snapshots_removed: Vec::new(),
        lost: Vec::new(),
    }
}
