//! A load from beginning to end.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use claimlake_contract::{LAKE_FORMAT, LakeManifest, LakeTable, Progress};
use rayon::prelude::*;

use crate::error::{LoadError, Result};
use crate::merge::keys::{self, KeyPlan, MergedKeys};
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::publish::{manifest, retention, views_sql};
use crate::request::{AbsentResources, LoadOutcome, LoadRequest, TableOutcome};
use crate::staged_run::StagedRun;
use crate::table::build::{BuildInput, BuiltTable, build};
use crate::table::carry::Carried;
use crate::table::plan::{PlanInput, TablePlan, plan};

/// Loads staged runs into the lake: publishes one new snapshot, or says that nothing changed.
///
/// The staged runs are left where they are; once this has returned they are no longer needed.
///
/// # Errors
///
/// A staged run is not sealed, truncated or of another version; the lake is locked, pinned, edited
/// or cannot be written; columns differ in more than added ones. The snapshot before stands.
pub fn load(request: &LoadRequest, progress: &dyn Progress) -> Result<LoadOutcome> {
    let staged = open_staged(&request.staged_runs)?;
    let full = staged.iter().any(|run| run.manifest.full);
    if request.options.rebuild && !full {
        return Err(LoadError::Request(
            "--rebuild needs a staged run made from all of landing; run `transform --full` first"
                .to_owned(),
        ));
    }
    let access = Access::new(request.options.group.as_deref())?;
    let lake = Lake::at(&request.lake);
    let _lock = lake.lock(&access)?;
    if let Some(snapshot) = lake.pinned()?
        && !request.options.unpin
    {
        return Err(LoadError::Pinned { snapshot });
    }
    let before = read_current(&lake)?;
    clear_unpublished(&lake, before.as_ref())?;
    let outcome = publish_next(request, &staged, full, &lake, before, &access, progress);
    // Whatever happened, what was in the works is of no use any more.
    lake.clear_building()?;
    outcome
}

/// The snapshot before.
struct Before {
    folder: PathBuf,
    manifest: LakeManifest,
}

fn read_current(lake: &Lake) -> Result<Option<Before>> {
    let Some(number) = lake.current()? else {
        return Ok(None);
    };
    let folder = lake.snapshot(number);
    let manifest = manifest::read_manifest(&folder)?;
    Ok(Some(Before { folder, manifest }))
}

/// A snapshot that a killed load placed but did not make current is built again.
fn clear_unpublished(lake: &Lake, before: Option<&Before>) -> Result<()> {
    if lake.pinned()?.is_some() {
        return Ok(());
    }
    let current = before.map_or(0, |before| before.manifest.snapshot);
    for number in lake.numbers()? {
        if number > current {
            lake.remove(number)?;
        }
    }
    Ok(())
}

/// Opens the staged runs in the order of their ids; what came before a full one is in it.
fn open_staged(folders: &[PathBuf]) -> Result<Vec<StagedRun>> {
    let mut staged = folders
        .iter()
        .map(|folder| StagedRun::open(folder))
        .collect::<Result<Vec<_>>>()?;
    staged.sort_by(|left, right| left.manifest.run.cmp(&right.manifest.run));
    if let Some(last_full) = staged.iter().rposition(|run| run.manifest.full) {
        staged.drain(..last_full);
    }
    Ok(staged)
}

fn publish_next(
    request: &LoadRequest,
    staged: &[StagedRun],
    full: bool,
    lake: &Lake,
    before: Option<Before>,
    access: &Access,
    progress: &dyn Progress,
) -> Result<LoadOutcome> {
    let options = &request.options;
    let snapshot = lake.building();
    access.make_folder(&snapshot)?;
    let plans = plan(&PlanInput {
        staged,
        before: before
            .as_ref()
            .map(|before| (before.folder.as_path(), &before.manifest)),
        options,
        full,
    })?;
    let key_file = before.as_ref().and_then(|before| {
        let file = before.manifest.keys.as_ref()?;
        Some(before.folder.join(&file.path))
    });
    let keys = keys::merge(
        &KeyPlan {
            staged,
            before: key_file,
            snapshot: &snapshot,
            access: *access,
            full,
        },
        |_| Ok(()),
    )?;
    if keys.absent > 0 && options.absent == AbsentResources::Refuse {
        return Err(LoadError::Absent {
            missing: keys.absent,
        });
    }
    let carried = Carried::default();
    let flips = HashMap::new();
    let built = build_all(
        &plans.tables,
        &BuildInput {
            staged,
            verdicts: &keys.verdicts,
            outdated: &keys.outdated,
            flips: &flips,
            before: before.as_ref().map(|before| before.folder.as_path()),
            snapshot: &snapshot,
            spill: &lake.spill(),
            access: *access,
            options,
            memory_bytes: 0,
            carried: &carried,
        },
        progress,
    )?;
    let mut outcome = outcome_of(&keys, &built, &carried);
    outcome.tables_without_rows = plans.without_rows;
    let dropped_tables = before.as_ref().is_some_and(|before| {
        before.manifest.tables.iter().any(|table| {
            built
                .iter()
                .all(|built| built.table.layout.name != table.layout.name)
        })
    });
    let keys_differ = keys.new + keys.changed + keys.outdated.len() as u64 > 0;
    outcome.changed = keys_differ || dropped_tables || built.iter().any(|built| built.differs);
    if !outcome.changed || (before.is_none() && built.is_empty()) {
        outcome.changed = false;
        outcome.files_linked = 0;
        outcome.files_copied = 0;
        outcome.snapshot = before.as_ref().map(|before| before.manifest.snapshot);
        outcome.snapshot_folder = before.map(|before| before.folder);
        return Ok(outcome);
    }
    let number = lake.numbers()?.last().copied().unwrap_or(0) + 1;
    let manifest = LakeManifest {
        format: LAKE_FORMAT,
        snapshot: number,
        run: request.run.clone(),
        published_at: request.published_at.clone(),
        staged_runs: staged.iter().map(|run| run.manifest.run.clone()).collect(),
        tables: built.into_iter().map(|built| built.table).collect(),
        keys: keys.file,
        current: None,
    };
    publish(lake, &manifest, options, access)?;
    outcome.snapshots_removed = retention::retain(
        lake,
        number,
        options.keep_snapshots,
        options.keep_hours,
        &request.published_at,
    )?;
    outcome.snapshot = Some(number);
    outcome.snapshot_folder = Some(real_path(&lake.snapshot(number))?);
    Ok(outcome)
}

fn publish(
    lake: &Lake,
    manifest: &LakeManifest,
    options: &crate::request::LoadOptions,
    access: &Access,
) -> Result<()> {
    let building = lake.building();
    // The real path, though the folder gets its name only when the snapshot is placed.
    let folder = lake.snapshot(manifest.snapshot);
    let parent = folder
        .parent()
        .map(real_path)
        .transpose()?
        .unwrap_or_default();
    let folder = parent.join(manifest.snapshot.to_string());
    let duckdb = views_sql::duckdb(manifest, &folder, &options.main_tables);
    let spark = views_sql::spark(manifest, &folder);
    manifest::write_file(
        &building.join(views_sql::DUCKDB_FILE),
        duckdb.as_bytes(),
        access,
    )?;
    manifest::write_file(
        &building.join(views_sql::SPARK_FILE),
        spark.as_bytes(),
        access,
    )?;
    manifest::write(&building, manifest, access)?;
    lake.place(manifest.snapshot)?;
    lake.flip(manifest.snapshot)?;
    lake.unpin()
}

fn real_path(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .map_err(LoadError::io("resolving", path))
}

/// Builds all tables, several at once, the largest first.
fn build_all(
    plans: &[TablePlan],
    input: &BuildInput<'_>,
    progress: &dyn Progress,
) -> Result<Vec<BuiltTable>> {
    let threads = match input.options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("load-{number}"))
        .build()
        .map_err(|error| LoadError::Request(format!("starting {threads} threads: {error}")))?;
    let input = BuildInput {
        memory_bytes: input.options.memory_bytes / threads,
        ..*input
    };
    let mut order: Vec<&TablePlan> = plans.iter().collect();
    order.sort_by_key(|plan| std::cmp::Reverse(staged_bytes(plan, input.staged)));
    let task = progress.begin("tables", "tables", Some(plans.len() as u64));
    let built = pool.install(|| {
        order
            .into_par_iter()
            // One table at a time to each thread: the largest must not queue behind each other.
            .with_max_len(1)
            .map(|plan| {
                let built = build(plan, &input);
                progress.advance(task, 1);
                built
            })
            .collect::<Result<Vec<_>>>()
    });
    progress.end(task);
    let mut built = built?;
    built.sort_by(|left, right| left.table.layout.name.cmp(&right.table.layout.name));
    Ok(built)
}

fn staged_bytes(plan: &TablePlan, staged: &[StagedRun]) -> u64 {
    staged
        .iter()
        .filter_map(|run| run.table(&plan.layout.name))
        .flat_map(|table| &table.files)
        .map(|file| file.bytes)
        .sum()
}

fn outcome_of(keys: &MergedKeys, built: &[BuiltTable], carried: &Carried) -> LoadOutcome {
    use std::sync::atomic::Ordering::Relaxed;
    let table_outcome = |built: &BuiltTable| TableOutcome {
        name: built.table.layout.name.clone(),
        rows: sum(&built.table, |file| file.rows),
        files: built.table.files.len() as u64,
        files_written: built.files_written,
        bytes: sum(&built.table, |file| file.bytes),
    };
    let stale: HashSet<&str> = built
        .iter()
        .filter(|built| built.is_stale)
        .map(|built| built.table.layout.name.as_str())
        .collect();
    let mut stale_tables: Vec<String> = stale.into_iter().map(str::to_owned).collect();
    stale_tables.sort();
    LoadOutcome {
        changed: true,
        snapshot: None,
        snapshot_folder: None,
        tables: built.iter().map(table_outcome).collect(),
        new: keys.new,
        changed_resources: keys.changed,
        unchanged: keys.unchanged,
        superseded_bodies: keys.superseded,
        dropped: keys.dropped,
        stale_tables,
        tables_without_rows: Vec::new(),
        files_linked: carried.linked.load(Relaxed),
        files_copied: carried.copied.load(Relaxed),
        files_written: built.iter().map(|built| built.files_written).sum(),
        snapshots_removed: Vec::new(),
    }
}

fn sum(table: &LakeTable, of: fn(&claimlake_contract::LakeFile) -> u64) -> u64 {
    table.files.iter().map(of).sum()
}
