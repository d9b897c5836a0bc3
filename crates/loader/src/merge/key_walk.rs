//! The keys of the lake against those of the staged runs: which bodies are new, changed, the
//! same, superseded. The newest body of a resource wins: by `meta.lastUpdated`, then as landed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, Field, TimeUnit};
use claimlake_contract::{LakeFile, RunId, key_columns};

use crate::error::{LoadError, Result};
use crate::merge::keys::{self, KeyFile, KeyRow, key_schema};
use crate::merge::resource_key::ResourceKey;
use crate::merge::verdict::{Verdict, Verdicts};
use crate::publish::access::Access;
use crate::sort::span::resource_column;
use crate::staged_run::StagedRun;

/// What became of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyEvent<'a> {
    /// It is staged and was not in the lake.
    New(KeyRow<'a>),
    /// It is staged with another content.
    Changed {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
        /// Whether the staged body is older, and yet all that landing has.
        is_older: bool,
    },
    /// It is staged as the lake has it.
    Same {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
    },
    /// It is staged with an older body than the lake's.
    Older(KeyRow<'a>),
    /// It is in the lake and not staged.
    Kept(KeyRow<'a>),
    /// It is in the lake, and its newest body is to make no rows.
    Withdrawn(KeyRow<'a>),
    /// It is in the lake, and all of landing lacks it.
    Dropped(KeyRow<'a>),
}

/// The keys of the staged runs, the newest body of each resource, sorted by the resource's key.
#[derive(Debug)]
pub(crate) struct StagedKeys {
    batches: Vec<(usize, Arc<RecordBatch>)>,
    newest: Vec<Entry>,
    /// Bodies that a newer staged one supersedes.
    superseded: u64,
}

impl StagedKeys {
    pub(crate) fn read(staged: &[StagedRun]) -> Result<Self> {
        let batches = read_staged(staged)?;
        let mut newest = order_of(&batches);
        let all = newest.len();
        // The newest comes last; `dedup_by` keeps the first, hence backwards.
        newest.reverse();
        newest.dedup_by(|left, right| {
            left.row(&batches).resource() == right.row(&batches).resource()
        });
        newest.reverse();
        Ok(Self {
            superseded: (all - newest.len()) as u64,
            batches,
            newest,
        })
    }

    /// Tells of every resource of the lake and of the staged runs, by key; staged ones come with
    /// the number of their staged run.
    pub(crate) fn walk(
        &self,
        before: Option<&Path>,
        full: bool,
        mut tell: impl FnMut(KeyEvent<'_>, Option<usize>) -> Result<()>,
    ) -> Result<()> {
        let rows = self
            .newest
            .iter()
            .map(|entry| (entry, entry.row(&self.batches)));
        let mut next = rows.peekable();
        let lake_batches = before.map(keys::read).transpose()?;
        for batch in lake_batches.into_iter().flatten() {
            let batch = Arc::new(batch?);
            for row in 0..batch.num_rows() {
                let before = KeyRow { batch: &batch, row };
                while let Some((entry, row)) =
                    next.next_if(|(_, row)| row.resource() < before.resource())
                {
                    tell_new(row, entry.run, &mut tell)?;
                }
                match next.next_if(|(_, row)| row.resource() == before.resource()) {
                    Some((entry, after)) => tell(compared(before, after, full), Some(entry.run))?,
                    None if full => tell(KeyEvent::Dropped(before), None)?,
                    None => tell(KeyEvent::Kept(before), None)?,
                }
            }
        }
        for (entry, row) in next {
            tell_new(row, entry.run, &mut tell)?;
        }
        Ok(())
    }
}

/// Of a resource that the lake does not have and that makes no rows, nothing is told.
fn tell_new<'a>(
    row: KeyRow<'a>,
    run: usize,
    tell: &mut impl FnMut(KeyEvent<'a>, Option<usize>) -> Result<()>,
) -> Result<()> {
    match row.is_withdrawn() {
        true => Ok(()),
        false => tell(KeyEvent::New(row), Some(run)),
    }
}

fn compared<'a>(before: KeyRow<'a>, after: KeyRow<'a>, full: bool) -> KeyEvent<'a> {
    let is_older = after.age() <= before.age();
    if before.content_hash() == after.content_hash() {
        KeyEvent::Same { before, after }
    } else if is_older && !full {
        KeyEvent::Older(before)
    } else if after.is_withdrawn() {
        KeyEvent::Withdrawn(before)
    } else {
        KeyEvent::Changed {
            before,
            after,
            is_older,
        }
    }
}

/// The lake's keys merged with the staged ones.
#[derive(Debug, Default)]
pub(crate) struct MergedKeys {
    /// The verdicts of each staged run.
    pub(crate) verdicts: Vec<Verdicts>,
    /// Resources whose rows in the lake are out of date or gone.
    pub(crate) outdated: HashSet<ResourceKey>,
    pub(crate) new: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) superseded: u64,
    /// Resources of the lake that a full staged run lacks, or has only an older body of.
    pub(crate) absent: u64,
    /// Resources of the lake that a full staged run lacks.
    pub(crate) dropped: u64,
    /// The key file, relative to the snapshot.
    pub(crate) file: Option<LakeFile>,
}

impl MergedKeys {
    /// Whether the lake has everything as it is staged.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.new == 0 && self.outdated.is_empty()
    }
}

/// Where keys are read and written.
#[derive(Debug)]
pub(crate) struct KeyPlan<'a> {
    pub(crate) staged: &'a StagedKeys,
    /// How many staged runs there are.
    pub(crate) runs: usize,
    /// The key file of the snapshot before.
    pub(crate) before: Option<PathBuf>,
    /// The snapshot that is being built.
    pub(crate) snapshot: &'a Path,
    pub(crate) access: Access,
    /// Whether the staged runs hold all of landing.
    pub(crate) full: bool,
}

/// Merges the keys, writes the new key file.
pub(crate) fn merge(plan: &KeyPlan<'_>) -> Result<MergedKeys> {
    let mut merged = MergedKeys {
        superseded: plan.staged.superseded,
        ..MergedKeys::default()
    };
    let mut verdicts: Vec<Vec<Verdict>> = vec![Vec::new(); plan.runs];
    let mut output = KeyFile::create(plan.snapshot, &plan.access)?;
    plan.staged
        .walk(plan.before.as_deref(), plan.full, |event, run| {
            if let (Some(run), Some(verdict)) = (run, verdict(event)) {
                verdicts[run].push(verdict);
            }
            match event {
                KeyEvent::New(row) => {
                    merged.new += 1;
                    output.push(row)
                }
                KeyEvent::Changed {
                    before,
                    after,
                    is_older,
                } => {
                    merged.changed += 1;
                    merged.absent += u64::from(is_older);
                    merged.outdated.insert(before.resource());
                    output.push(after)
                }
                KeyEvent::Same { before, .. } => {
                    merged.unchanged += 1;
                    output.push(before)
                }
                KeyEvent::Older(before) => {
                    merged.superseded += 1;
                    output.push(before)
                }
                KeyEvent::Kept(before) => output.push(before),
                KeyEvent::Withdrawn(before) => {
                    merged.changed += 1;
                    merged.outdated.insert(before.resource());
                    Ok(())
                }
                KeyEvent::Dropped(before) => {
                    merged.absent += 1;
                    merged.dropped += 1;
                    merged.outdated.insert(before.resource());
                    Ok(())
                }
            }
        })?;
    merged.file = Some(output.finish()?);
    merged.verdicts = verdicts.into_iter().map(Verdicts::new).collect();
    Ok(merged)
}

fn verdict(event: KeyEvent<'_>) -> Option<Verdict> {
    let (row, differs) = match event {
        KeyEvent::New(row) | KeyEvent::Changed { after: row, .. } => (row, true),
        KeyEvent::Same { after, .. } => (after, false),
        KeyEvent::Older(_) | KeyEvent::Kept(_) | KeyEvent::Withdrawn(_) | KeyEvent::Dropped(_) => {
            return None;
        }
    };
    Some(Verdict {
        order: row.order(),
        resource: row.resource(),
        differs,
        current: None,
    })
}

/// A staged key: batch and row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    run: usize,
    batch: usize,
    row: usize,
}

impl Entry {
    fn row<'a>(&self, batches: &'a [(usize, Arc<RecordBatch>)]) -> KeyRow<'a> {
        KeyRow {
            batch: &batches[self.batch].1,
            row: self.row,
        }
    }
}

/// Staged keys by resource, the newest of each last.
fn order_of(batches: &[(usize, Arc<RecordBatch>)]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (number, (run, batch)) in batches.iter().enumerate() {
        entries.extend((0..batch.num_rows()).map(|row| Entry {
            run: *run,
            batch: number,
            row,
        }));
    }
    entries.sort_by(|left, right| {
        let (left, right) = (left.row(batches), right.row(batches));
        left.resource()
            .cmp(&right.resource())
            .then_with(|| left.age().cmp(&right.age()))
    });
    entries
}

/// The staged keys with the columns of the key file, each batch with the number of its run.
fn read_staged(staged: &[StagedRun]) -> Result<Vec<(usize, Arc<RecordBatch>)>> {
    let mut batches = Vec::new();
    for (number, run) in staged.iter().enumerate() {
        for batch in run.keys() {
            batches.push((number, Arc::new(as_key_file(&batch?, run)?)));
        }
    }
    Ok(batches)
}

fn as_key_file(batch: &RecordBatch, run: &StagedRun) -> Result<RecordBatch> {
    let schema = key_schema();
    let column = |name: &str| -> Result<ArrayRef> {
        let expected = schema.field_with_name(name).map(Field::data_type).ok();
        batch
            .column_by_name(name)
            .and_then(|column| as_written(column, expected?))
            .ok_or_else(|| {
                LoadError::staged(&run.folder, format!("its keys have no fit column {name}"))
            })
    };
    let api = column(key_columns::API)?;
    let resource_type = column(key_columns::RESOURCE_TYPE)?;
    let id = column(key_columns::ID)?;
    let (apis, types, ids) = (
        api.as_string::<i32>(),
        resource_type.as_string::<i32>(),
        id.as_string::<i32>(),
    );
    let resources = resource_column(
        (0..batch.num_rows())
            .map(|row| ResourceKey::new(apis.value(row), types.value(row), ids.value(row))),
    )?;
    let runs = StringArray::from_iter_values(std::iter::repeat_n(
        RunId::as_str(&run.manifest.run),
        batch.num_rows(),
    ));
    let columns = vec![
        Arc::new(resources) as ArrayRef,
        api,
        resource_type,
        id,
        column(key_columns::LAST_UPDATED)?,
        column(key_columns::CONTENT_HASH)?,
        column(key_columns::PATIENT)?,
        Arc::new(runs),
        column(key_columns::LANDING_ORDER)?,
    ];
    RecordBatch::try_new(schema, columns)
        .map_err(|error| LoadError::staged(&run.folder, format!("its keys are broken: {error}")))
}

/// The column in the key file's type, whoever wrote it: a time may name its zone, always UTC, in
/// other words; Spark knows neither unsigned numbers nor binaries of a fixed size.
fn as_written(column: &ArrayRef, expected: &DataType) -> Option<ArrayRef> {
    if column.data_type() == expected {
        return Some(column.clone());
    }
    let same: ArrayRef = match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let times = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(times.with_timezone("UTC"))
        }
        DataType::Int64 => {
            let signed = column.as_primitive::<Int64Type>();
            let orders = ScalarBuffer::from(signed.values().inner().clone());
            Arc::new(UInt64Array::new(orders, signed.nulls().cloned()))
        }
        DataType::Binary if column.null_count() == 0 => {
            let hashes = column.as_binary::<i32>();
            let hashes = FixedSizeBinaryArray::try_from_iter(hashes.iter().flatten()).ok()?;
            Arc::new(hashes)
        }
        _ => return None,
    };
    (same.data_type() == expected).then_some(same)
}
