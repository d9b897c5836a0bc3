//! The next snapshot: built beside the others from the one before and the staged runs.

mod landing_runs;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use claimlake_contract::{LAKE_FORMAT, LakeManifest, LakeTable, Progress, hive};

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::merge::current::{self, CurrentInput, Fate, Found};
use crate::merge::key_event::KeyEvent;
use crate::merge::key_walk::{self, KeyPlan, MergedKeys};
use crate::merge::keys;
use crate::merge::staged_keys::StagedKeys;
use crate::merge::verdict::Take;
use crate::owners::next::{self, NextOwners};
use crate::owners::snapshot::SnapshotOwners;
use crate::owners::touched::Touched;
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::request::{AbsentResources, LoadOutcome, LoadRequest, TableOutcome};
use crate::run_table::changes::{self, CHANGES_TABLE, ChangeKind, ChangeWriter};
use crate::run_table::replaced;
use crate::staged_run::StagedRun;
use crate::table::all::build_all;
use crate::table::build::{BuildInput, BuiltTable};
use crate::table::carry::{Carried, carry};
use crate::table::plan::{PlanInput, Plans, file_words, plan};

/// The snapshot before.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: LakeManifest,
}

impl Before {
    fn table(&self, name: &str) -> Option<&LakeTable> {
        self.manifest
            .tables
            .iter()
            .find(|table| table.layout.name == name)
    }
}

/// What the next snapshot is made from.
#[derive(Debug)]
pub(crate) struct SnapshotInput<'a> {
    pub(crate) request: &'a LoadRequest,
    pub(crate) staged: &'a [StagedRun],
    pub(crate) full: bool,
    pub(crate) lake: &'a Lake,
    pub(crate) before: Option<&'a Before>,
    pub(crate) access: Access,
}

/// The manifest of the snapshot that was built, none where nothing changed, and what was done.
pub(crate) fn build_next(
    input: &SnapshotInput<'_>,
    progress: &dyn Progress,
) -> Result<(Option<LakeManifest>, LoadOutcome)> {
    let request = input.request;
    let snapshot = input.lake.building();
    input.access.make_folder(&snapshot)?;
    check_own_files(input.before)?;
    let plans = plan(&PlanInput {
        staged: input.staged,
        before: input
            .before
            .map(|before| (before.folder.as_path(), &before.manifest)),
        options: &request.options,
        full: input.full,
        holds_resources: holds_resources(input)?,
    })?;
    let staged_keys = StagedKeys::read(input.staged, &input.lake.spill(), key_budget(request))?;
    let mut keys = merge_keys(input, &staged_keys, &snapshot)?;
    let carried = Carried::default();
    if keys.is_unchanged() && !plans_change(&plans, input) && !run_tables_tell(input)? {
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
                Some(before.folder.join(&file.path))
            }),
            snapshot: &snapshot,
            spill: &input.lake.spill(),
            budget: key_budget(request),
            access: input.access,
        },
        &mut keys.verdicts,
    )?;
    let touched = input.before.map(|before| {
        let owners = SnapshotOwners::new(&before.folder, &before.manifest);
        Touched::new(owners, &keys.outdated, &found.flips)
    });
    let built = build_all(
        &plans.tables,
        &BuildInput {
            staged: input.staged,
            verdicts: &keys.verdicts,
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
    let outcome = outcome(&keys, &plans, &built, &carried);
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
    let mut tables: Vec<LakeTable> = built.into_iter().map(|built| built.table).collect();
    tables.extend(run_tables(input, &snapshot, &carried)?);
    tables.extend(changes_table(
        input,
        &staged_keys,
        &found,
        &snapshot,
        &carried,
    )?);
    tables.sort_by(|left, right| left.layout.name.cmp(&right.layout.name));
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
    Ok((Some(manifest), outcome))
}

/// Keys are sorted before the tables are, and are few against their rows.
fn key_budget(request: &LoadRequest) -> usize {
    request.options.memory_bytes / 3
}

fn key_file(input: &SnapshotInput<'_>) -> Option<PathBuf> {
    let before = input.before?;
    let file = before.manifest.keys.as_ref()?;
    Some(before.folder.join(&file.path))
}

/// The loader's own files of the snapshot before are as its manifest says: what is built on them
/// would be as wrong as they are.
pub(crate) fn check_own_files(before: Option<&Before>) -> Result<()> {
    let Some(Before { folder, manifest }) = before else {
        return Ok(());
    };
    let mut own = manifest.keys.iter().chain(&manifest.current);
    own.try_for_each(|file| check_file(folder, file))
}

/// Whether the lake has a resource: what it has tombstones of is not in it.
fn holds_resources(input: &SnapshotInput<'_>) -> Result<bool> {
    match key_file(input) {
        Some(file) => keys::holds_resources(&file),
        None => Ok(false),
    }
}

fn merge_keys(
    input: &SnapshotInput<'_>,
    staged: &StagedKeys,
    snapshot: &Path,
) -> Result<MergedKeys> {
    let keys = key_walk::merge(&KeyPlan {
        staged,
        before: key_file(input),
        snapshot,
        spill: &input.lake.spill(),
        budget: key_budget(input.request),
        access: input.access,
        full: input.full,
    })?;
    if keys.absent > 0 && input.request.options.absent == AbsentResources::Refuse {
        return Err(LoadError::Absent {
            missing: keys.absent,
        });
    }
    Ok(keys)
}

/// Whether tables change though no resource did.
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

fn run_tables_tell(input: &SnapshotInput<'_>) -> Result<bool> {
    let before = input
        .before
        .map(|before| (before.folder.as_path(), &before.manifest));
    for table in &input.request.run_tables {
        if replaced::tells_news(table, before)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The tables that the caller handed over, and those of earlier runs that it did not.
fn run_tables(
    input: &SnapshotInput<'_>,
    snapshot: &Path,
    carried: &Carried,
) -> Result<Vec<LakeTable>> {
    let mut tables = Vec::new();
    for table in &input.request.run_tables {
        tables.extend(replaced::write(
            table,
            snapshot,
            &input.lake.spill(),
            &input.request.options,
            input.access,
        )?);
    }
    let Some(before) = input.before else {
        return Ok(tables);
    };
    for known in before
        .manifest
        .tables
        .iter()
        .filter(|table| table.resource.is_none())
    {
        let name = &known.layout.name;
        if name == CHANGES_TABLE || tables.iter().any(|table| table.layout.name == *name) {
            continue;
        }
        for file in &known.files {
            carry(file, &before.folder, snapshot, &input.access, carried)?;
        }
        tables.push(known.clone());
    }
    Ok(tables)
}

fn changes_table(
    input: &SnapshotInput<'_>,
    staged: &StagedKeys,
    found: &Found,
    snapshot: &Path,
    carried: &Carried,
) -> Result<Option<LakeTable>> {
    let request = input.request;
    let mut writer = ChangeWriter::new(snapshot, input.access, &request.run, &request.published_at);
    let fate = |row: &keys::KeyRow<'_>| {
        found.fates.get(&row.resource()).map(|fate| match fate {
            Fate::Superseded => ChangeKind::Superseded,
            Fate::Cancelled => ChangeKind::Cancelled,
            Fate::Reinstated => ChangeKind::Changed,
        })
    };
    let before = key_file(input);
    key_walk::walk(
        staged,
        before.as_deref(),
        input.full,
        |event, _| match event {
            KeyEvent::New { after, .. } => writer.push(ChangeKind::New, None, Some(after)),
            KeyEvent::Changed { before, after, .. } => {
                let kind = fate(&after).unwrap_or(ChangeKind::Changed);
                writer.push(kind, Some(before), Some(after))
            }
            KeyEvent::Same { before, .. } | KeyEvent::Older(before) | KeyEvent::Kept(before) => {
                match fate(&before) {
                    Some(kind) => writer.push(kind, Some(before), Some(before)),
                    None => Ok(()),
                }
            }
            KeyEvent::Withdrawn { before, .. }
            | KeyEvent::Gone { before, .. }
            | KeyEvent::Dropped(before) => writer.push(ChangeKind::Vanished, Some(before), None),
            KeyEvent::LeftOut(_) | KeyEvent::Lapsed => Ok(()),
        },
    )?;
    let mut files = changes::files_before(input.before.map(|before| &before.manifest));
    if let Some(before) = input
        .before
        .filter(|before| before.table(CHANGES_TABLE).is_some())
    {
        for file in &files {
            carry(file, &before.folder, snapshot, &input.access, carried)?;
        }
    }
    files.extend(writer.finish()?);
    Ok((!files.is_empty()).then(|| changes::table(files)))
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
    }
}
