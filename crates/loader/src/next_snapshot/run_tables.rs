//! Tables about runs in the next snapshot: those that the caller handed over, and `changes`.

use std::collections::HashSet;
use std::path::Path;

use claimlake_contract::{LakeFile, LakeTable};

use super::input::SnapshotInput;
use crate::error::Result;
use crate::merge::current::{CurrentTransition, Found};
use crate::merge::key_event::KeyEvent;
use crate::merge::key_walk;
use crate::merge::keys;
use crate::merge::staged_keys::StagedKeys;
use crate::previous_snapshot::PreviousSnapshot;
use crate::repair::History;
use crate::run_table::changes::{self, CHANGES_TABLE, ChangeKind, ChangeWriter};
use crate::run_table::joined_changes;
use crate::run_table::replaced;
use crate::table::carry::{Carried, carry};
use claimlake_columnar::GroupKey as ResourceKey;

/// Whether a table that the caller provided says something that the lake does not say yet.
pub(super) fn run_tables_differ(input: &SnapshotInput<'_>) -> Result<bool> {
    let before = input
        .before
        .map(|before| (before.folder.as_path(), &before.manifest));
    for table in &input.request.run_tables {
        let known = input
            .before
            .and_then(|before| before.table(&table.layout.name));
        let is_lost = |file| input.before.is_some_and(|before| !before.has(file));
        // A rebuild finds out by what it writes.
        if known.is_some_and(|known| known.files.iter().any(is_lost)) {
            continue;
        }
        if replaced::differs_from_lake(table, before)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The tables that the caller handed over, and those of earlier runs that it did not.
pub(super) fn run_tables(
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
        if known.files.iter().any(|file| !before.has(file)) {
            if let Some(repair) = input.repair {
                repair.lose(format!("table {name}, which only its own run could make"));
            }
            continue;
        }
        for file in &known.files {
            carry(file, &before.folder, snapshot, &input.access, carried)?;
        }
        tables.push(known.clone());
    }
    Ok(tables)
}

/// The table `changes`: the rows of earlier runs, and those of this run. A resource has changed
/// where one of its `changed_periods` has, whichever of its bodies is the newest.
pub(super) fn changes_table(
    input: &SnapshotInput<'_>,
    staged: &StagedKeys,
    changed_periods: &HashSet<ResourceKey>,
    found: &Found,
    snapshot: &Path,
    carried: &Carried,
) -> Result<Option<LakeTable>> {
    let request = input.request;
    let mut writer = ChangeWriter::new(snapshot, input.access, &request.run, &request.published_at);
    let transition = |row: &keys::KeyRow<'_>| {
        found
            .transitions
            .get(&row.resource())
            .map(|transition| match transition {
                CurrentTransition::Superseded => ChangeKind::Superseded,
                CurrentTransition::Cancelled => ChangeKind::Cancelled,
                CurrentTransition::Reinstated => ChangeKind::Changed,
            })
    };
    let history = match input.history()? {
        Some(history) => Some(history),
        // What the lost rows said last of a resource is said again, as of this run.
        None => input
            .before
            .filter(|before| loses_changes(before))
            .map(History::read)
            .transpose()?,
    };
    let before = input
        .before
        .and_then(PreviousSnapshot::key_file)
        .filter(|_| history.is_none());
    let mut seen = HashSet::new();
    key_walk::walk(
        staged,
        before.as_deref(),
        input.full,
        |event, _| match event {
            event if event.is_of_period() => Ok(()),
            _ if let Some(history) = &history => history.write(event, &mut seen, &mut writer),
            KeyEvent::New { after, .. } => writer.push(ChangeKind::New, None, Some(after)),
            KeyEvent::Changed { before, after, .. } => {
                let kind = transition(&after).unwrap_or(ChangeKind::Changed);
                writer.push(kind, Some(before), Some(after))
            }
            KeyEvent::Same { before, .. } | KeyEvent::Older(before) | KeyEvent::Kept(before) => {
                let has_rows = !before.is_tombstone();
                let has_changed = has_rows && changed_periods.contains(&before.resource());
                let has_changed = has_changed.then_some(ChangeKind::Changed);
                match transition(&before).or(has_changed) {
                    Some(kind) => writer.push(kind, Some(before), Some(before)),
                    None => Ok(()),
                }
            }
            KeyEvent::Withdrawn { before, .. }
            | KeyEvent::Gone { before, .. }
            | KeyEvent::Dropped(before) => writer.push(ChangeKind::Vanished, Some(before), None),
            KeyEvent::LeftOut(_) | KeyEvent::Lapsed | KeyEvent::Ended(_) => Ok(()),
        },
    )?;
    if let (Some(history), Some(before)) = (&history, input.before) {
        history.write_vanished(before, &seen, &mut writer)?;
    }
    let mut files = changes::files_before(input.before.map(|before| &before.manifest));
    lose_damaged_changes(input, &mut files);
    let new = writer.finish()?;
    let files = match input.before {
        Some(before) => joined_changes::files_after(
            &before.folder,
            files,
            new,
            snapshot,
            input.access,
            carried,
        )?,
        None => new.into_iter().collect(),
    };
    Ok((!files.is_empty()).then(|| changes::table(files)))
}

/// Whether files of `changes` are damaged.
fn loses_changes(before: &PreviousSnapshot) -> bool {
    let files = changes::files_before(Some(&before.manifest));
    files.iter().any(|file| !before.has(file))
}

/// Leaves out damaged files of `changes` and reports this: nothing else has their content.
fn lose_damaged_changes(input: &SnapshotInput<'_>, files: &mut Vec<LakeFile>) {
    let (Some(before), Some(repair)) = (input.before, input.repair) else {
        return;
    };
    for file in files.extract_if(.., |file| !before.has(file)) {
        repair.lose(format!(
            "{} rows of table {CHANGES_TABLE} ({}), which a load had noted and landing does not say",
            file.rows, file.path
        ));
    }
}
