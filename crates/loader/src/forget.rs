//! Removes one patient from the lake: publishes a snapshot without their rows, and removes every
//! other snapshot.
//!
//! Kept snapshots contain the rows too, so they go as a whole; rebuilding each of them would take
//! much longer and would change published snapshots. The new snapshot is published first, so that a
//! kill between the two steps leaves a lake that can be read, and the same call finishes the work.

mod patients;
mod person_resources;
mod run_tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    ApiVersion, LAKE_FORMAT, LakeManifest, LakeTable, Person, Progress, ResourceType, RunId,
};

pub use patients::{has_snapshot, patients_of_lake};

use crate::error::Result;
use crate::forget::person_resources::PersonResources;
use crate::merge::current::{self, CurrentInput, Found};
use crate::merge::resource_list::ResourceList;
use crate::previous_snapshot::PreviousSnapshot;
use crate::publish::access::{Access, access_for};
use crate::publish::lake::Lake;
use crate::publish::publication::publish;
use crate::request::LoadOptions;
use crate::row_owners::next::{self, NextOwners};
use crate::row_owners::snapshot::SnapshotOwners;
use crate::row_owners::touched::Touched;
use crate::table::all::{build_all, on_threads};
use crate::table::build::BuildInput;
use crate::table::carry::Carried;
use crate::table::plan::{PlanInput, plan};

/// Which patient to remove, and how the snapshot without them is published.
#[derive(Debug, Clone)]
pub struct ForgetRequest {
    /// The lake's folder.
    pub lake: PathBuf,
    /// The person, with all patient ids under which the APIs know them.
    pub person: Person,
    /// Resources that belong to the person according to landing, even if their keys in the lake
    /// name another patient or none.
    pub resources: Vec<(ApiVersion, ResourceType, String)>,
    /// The run that publishes.
    pub run: RunId,
    /// The same options as for a load, so that files are written in the same way.
    pub options: LoadOptions,
    /// When the snapshot is published, RFC 3339.
    pub published_at: String,
}

/// What the current snapshot has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonInLake {
    /// Rows, by table; tables without one are left out.
    pub rows: BTreeMap<String, u64>,
    /// Resources.
    pub resources: u64,
    /// The other snapshots of the lake, which are removed completely, whether they contain the
    /// person or not.
    pub other_snapshots: Vec<u64>,
}

/// What a removal did to the lake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgetOutcome {
    /// The snapshot that is current now; `None` if the lake is empty.
    pub snapshot: Option<u64>,
    /// Whether that snapshot is new. False if the current one had nothing of the person.
    pub changed: bool,
    /// The snapshots that were removed.
    pub snapshots_removed: Vec<u64>,
}

/// Counts everything of a person in the current snapshot, and changes nothing: what `forget` shows
/// before it asks.
///
/// # Errors
///
/// The lake cannot be read, or a file that was read differs from the manifest.
pub fn person_in_lake(
    lake: &Path,
    person: &Person,
    resources: &[(ApiVersion, ResourceType, String)],
) -> Result<PersonInLake> {
    let lake = Lake::at(lake);
    let current = lake.current()?;
    let mut found = PersonInLake {
        other_snapshots: lake.numbers()?,
        ..PersonInLake::default()
    };
    found
        .other_snapshots
        .retain(|number| Some(*number) != current);
    let Some(before) = PreviousSnapshot::current(&lake)? else {
        return Ok(found);
    };
    before.check_key_files()?;
    let resources = PersonResources::find(person, resources, &before)?;
    found.rows = resources.owned_rows(&before)?;
    found.resources = resources.resources;
    let of_runs = |table: &&LakeTable| table.resource.is_none();
    for table in before.manifest.tables.iter().filter(of_runs) {
        let mut rows = 0;
        for file in &table.files {
            rows += resources.rows_about(&before.folder, file)?;
        }
        if rows > 0 {
            found.rows.insert(table.layout.name.clone(), rows);
        }
    }
    Ok(found)
}

/// Publishes a snapshot without the person if the current one contains any of their rows, and
/// removes every other snapshot. It can be killed at any moment and called again with the same
/// result. A lake that was rolled back stays pinned, to the new snapshot.
///
/// # Errors
///
/// The lake is being written, damaged, or cannot be written. Snapshots are removed only after the
/// new one was published.
pub fn forget(request: &ForgetRequest, progress: &dyn Progress) -> Result<ForgetOutcome> {
    let lake = Lake::at(&request.lake);
    if !request.lake.exists() {
        return Ok(ForgetOutcome::default());
    }
    let access = access_for(request.options.group.as_deref())?;
    let _lock = lake.lock(&access)?;
    let pinned = lake.pinned()?;
    let mut outcome = ForgetOutcome::default();
    if let Some(before) = PreviousSnapshot::current(&lake)? {
        outcome.snapshot = Some(before.manifest.snapshot);
        let built = on_threads(&request.options, || {
            without(request, &lake, &before, access, progress)
        });
        if let Ok(Some(manifest)) = &built {
            publish(&lake, manifest.clone(), &request.options, &access)?;
            if pinned.is_some() {
                lake.pin(manifest.snapshot, &access)?;
            }
            outcome.snapshot = Some(manifest.snapshot);
            outcome.changed = true;
        }
        let cleared = lake.clear_building();
        built?;
        cleared?;
    }
    for number in lake.numbers()? {
        if outcome.snapshot != Some(number) {
            lake.remove(number)?;
            outcome.snapshots_removed.push(number);
        }
    }
    Ok(outcome)
}

/// Builds the snapshot without the person; `None` if the current one contains nothing of them. The
/// steps are those of a load without staged runs: the person's resources count as outdated, so
/// their partitions are rewritten and all other files are linked.
fn without(
    request: &ForgetRequest,
    lake: &Lake,
    before: &PreviousSnapshot,
    access: Access,
    progress: &dyn Progress,
) -> Result<Option<LakeManifest>> {
    before.check_key_files()?;
    let resources = PersonResources::find(&request.person, &request.resources, before)?;
    let snapshot = lake.building();
    access.make_folder(&snapshot)?;
    let carried = Carried::default();
    let (run_tables, run_tables_change) = resources.filter_run_tables(before, &snapshot, access)?;
    if resources.keys.is_empty() && !run_tables_change {
        return Ok(None);
    }
    let key_file = resources.write_other_keys(before, &snapshot, access)?;
    let plans = plan(&PlanInput {
        staged: &[],
        before: Some((before.folder.as_path(), &before.manifest)),
        options: &request.options,
        full: false,
        has_resources: true,
    })?;
    let outdated = ResourceList::of(
        lake.spill().join("_outdated"),
        resources.keys.iter().copied(),
    )?;
    let candidates = match &before.manifest.current {
        Some(file) => {
            let path = before.folder.join(&file.path);
            // Those of another rule cannot be decided again; the next load makes all of them anew.
            current::are_comparable(&path, &request.options.current)?.then_some(path)
        }
        None => None,
    };
    let found = match candidates {
        None => Found::default(),
        Some(candidates) => current::find(
            &CurrentInput {
                plans: &plans.tables,
                rules: &request.options.current,
                staged: &[],
                outdated: &outdated,
                before: Some(candidates),
                snapshot: &snapshot,
                spill: &lake.spill(),
                budget: request.options.memory_bytes,
                access,
            },
            &mut [],
        )?,
    };
    let touched = Touched::new(
        SnapshotOwners::new(&before.folder, &before.manifest),
        &outdated,
        &found.flips,
        &plans.tables,
    );
    let built = build_all(
        &plans.tables,
        &BuildInput {
            staged: &[],
            decisions: &[],
            outdated: &outdated,
            flips: &found.flips,
            touched: Some(&touched),
            before: Some(&before.folder),
            snapshot: &snapshot,
            spill: &lake.spill(),
            access,
            options: &request.options,
            memory_bytes: request.options.memory_bytes,
            carried: &carried,
        },
        progress,
    )?;
    let owners = next::write(
        &NextOwners {
            built: built
                .iter()
                .map(|built| (&built.table, &built.owners))
                .collect(),
            before: Some((&before.folder, &touched.owners)),
            snapshot: &snapshot,
            access,
        },
        progress,
    )?;
    drop(touched);
    outdated.check()?;
    let mut tables: Vec<LakeTable> = built.into_iter().map(|built| built.table).collect();
    tables.extend(run_tables);
    tables.sort_by(|left, right| left.layout.name.cmp(&right.layout.name));
    Ok(Some(LakeManifest {
        format: LAKE_FORMAT,
        snapshot: lake.numbers()?.last().copied().unwrap_or(0) + 1,
        run: request.run.clone(),
        published_at: request.published_at.clone(),
        staged_runs: Vec::new(),
        landing_runs: before.manifest.landing_runs.clone(),
        tables,
        keys: key_file,
        current: found.file,
        owners: Some(owners),
        views: None,
    }))
}
