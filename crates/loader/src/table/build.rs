//! Builds one table: sorts the new rows, merges them with the old rows of the same partitions,
//! writes.
//!
//! Only partitions in which something changes are written. A partition is rewritten completely,
//! since a Parquet file cannot be edited, and its rows keep the table's sort order. The rows of one
//! resource stay together, in the order of their view.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use claimlake_contract::{LANDING_ORDER_COLUMN, LakeFile, LakeTable};

use super::lake_file;
use crate::error::{LoadError, Result};
use crate::merge::columns::align_numbered;
use crate::merge::decision::{DecisionReader, RunDecisions, Take};
use crate::merge::resource_list::ResourceList;
use crate::publish::access::Access;
use crate::request::LoadOptions;
use crate::row_owners::group::folder_of;
use crate::row_owners::spool::{OwnerSpool, SpooledOwners};
use crate::row_owners::touched::{Flips, Touched};
use crate::staged_run::{Checksums, StagedRun, landing_orders};
use crate::table::carry::{Carried, carry};
use crate::table::old_files::{in_sorted_order, split_old_files};
use crate::table::old_rows::{Edits, OldRows};
use crate::table::plan::TablePlan;
use crate::table::table_columns::{file_words, partition_words};
use claimlake_columnar::encode::partitioned::{FilePlan, PartitionedWriter};
use claimlake_columnar::encode::properties;
use claimlake_columnar::sort::batch_spans::BatchSpans;
use claimlake_columnar::sort::merge::Merge;
use claimlake_columnar::sort::sorter::Sorter;
use claimlake_columnar::sort::span_maker::SpanMaker;
use claimlake_columnar::sort::spans::{OwnedRows, SpanSource};

/// What all tables of a load share.
#[derive(Debug)]
pub(crate) struct BuildInput<'a> {
    pub(crate) staged: &'a [StagedRun],
    /// For each staged run, which of its bodies are used.
    pub(crate) decisions: &'a [RunDecisions],
    /// Resources whose rows in the lake must go, because a newer body was staged or because they
    /// vanished.
    pub(crate) outdated: &'a ResourceList,
    /// Resources of the lake in which nothing but `is_current` changes, by the table that decides.
    pub(crate) flips: &'a Flips,
    /// In which partitions such resources have rows; `None` if there is no previous snapshot.
    pub(crate) touched: Option<&'a Touched<'a>>,
    /// The folder of the snapshot before.
    pub(crate) before: Option<&'a Path>,
    /// The folder of the snapshot that is being built.
    pub(crate) snapshot: &'a Path,
    /// Where sorted runs go that do not fit in memory.
    pub(crate) spill: &'a Path,
    pub(crate) access: Access,
    pub(crate) options: &'a LoadOptions,
    /// How many bytes the rows of a table may take before they are written to disk as a sorted run.
    pub(crate) memory_bytes: usize,
    pub(crate) carried: &'a Carried,
}

/// A table of the next snapshot.
#[derive(Debug)]
pub(crate) struct BuiltTable {
    pub(crate) table: LakeTable,
    /// Files that the previous snapshot does not have.
    pub(crate) files_written: u64,
    /// Which resources the written rows belong to.
    pub(crate) owners: SpooledOwners,
}

/// Builds the table of `plan`.
///
/// All sources deliver sorted spans (consecutive rows of one resource with equal sort keys), and
/// one merge of them delivers the table in its final order. This is also the order of the owner
/// notes, which say for each row to which resource it belongs.
///
/// # Errors
///
/// A staged or old file is damaged, or a file cannot be written.
pub(crate) fn build(plan: &TablePlan, input: &BuildInput<'_>) -> Result<BuiltTable> {
    let maker = Rc::new(RefCell::new(SpanMaker::new(plan.shape.clone())?));
    let spill = input.spill.join(&plan.layout.name);
    let mut sorter = Sorter::new(maker.clone(), input.memory_bytes, spill);
    sort_staged(plan, input, &mut sorter)?;
    let no_flips = HashMap::new();
    let rule = plan.rule.as_ref();
    let flips = rule.and_then(|rule| input.flips.get(&rule.table));
    let flips = flips.unwrap_or(&no_flips);
    let edits = Edits {
        outdated: input.outdated,
        flips,
        current_column: rule.map(|rule| rule.column.as_str()),
    };
    let old = split_old_files(plan, input, &maker.borrow())?;
    let mut sources = sorter.finish()?;
    if let (Some(before), Some(touched), Some(table)) = (input.before, input.touched, &plan.before)
    {
        let ordered = in_sorted_order(plan, old.rewritten, &maker.borrow())?;
        for files in ordered {
            let rows = OldRows::new(
                (before, table, &touched.owners),
                files,
                edits,
                maker.clone(),
            );
            sources.push(Box::new(BatchSpans::new(rows)) as Box<dyn SpanSource>);
        }
    }
    let owners = input.spill.join(format!("{}.owners", plan.layout.name));
    let mut owners = OwnerSpool::new(owners);
    let mut writer = PartitionedWriter::new(plan.shape.clone(), file_plan(plan, input)?);
    let mut merged = Merge::new(sources)?;
    while let Some(span) = merged.next_span()? {
        let partition = span.span().partition;
        let path = maker.borrow().path(partition).to_owned();
        let rows = span.span().rows;
        owners.push(&path, rows.resource, rows.len as u32)?;
        writer.push(span, &path)?;
    }
    if old.kept.is_empty() {
        writer.close()?;
        if writer.is_empty() {
            writer.write_empty()?;
        }
    }
    let written = writer.finish()?.into_iter().map(lake_file).collect();
    finish(plan, input, old.kept, (written, owners.finish()?))
}

/// Links the files that stay and lists all files in the order of the manifest: by partition, and
/// within one in the order of the rows.
fn finish(
    plan: &TablePlan,
    input: &BuildInput<'_>,
    kept: Vec<LakeFile>,
    (written, owners): (Vec<LakeFile>, SpooledOwners),
) -> Result<BuiltTable> {
    if let Some(before) = input.before {
        for file in &kept {
            carry(file, before, input.snapshot, &input.access, input.carried)?;
        }
    }
    let files_before: HashSet<&LakeFile> =
        plan.before.iter().flat_map(|table| &table.files).collect();
    let files_written = written
        .iter()
        .filter(|file| !files_before.contains(file))
        .count();
    // Ordered by partition, and within one by rows.
    let mut files: Vec<LakeFile> = kept.into_iter().chain(written).collect();
    files.sort_by(|left, right| folder_of(&left.path).cmp(folder_of(&right.path)));
    let table = LakeTable {
        layout: plan.layout.clone(),
        resource: plan.resource.clone(),
        view_hash: plan.view_hash.clone(),
        columns: file_words(&plan.layout, &plan.shape.schema),
        partition_columns: partition_words(&plan.layout, &plan.shape.schema),
        files,
    };
    Ok(BuiltTable {
        table,
        files_written: files_written as u64,
        owners,
    })
}

/// Where and how the files are written. The rows per file follow from the options and the columns,
/// never from the data or the memory, so that the same rows give the same files.
fn file_plan(plan: &TablePlan, input: &BuildInput<'_>) -> Result<FilePlan> {
    let options = input.options;
    let row_group_rows = options.row_group_rows.max(1);
    let schema = &plan.shape.schema;
    let in_files: Vec<_> = schema
        .fields()
        .iter()
        .filter(|field| !plan.layout.partition_by.contains(field.name()))
        .cloned()
        .collect();
    let file_schema = arrow_schema::Schema::new(in_files);
    let file_rows = options.target_file_rows.unwrap_or_else(|| {
        properties::rows_for(&file_schema, options.target_file_mb, row_group_rows)
    });
    Ok(FilePlan {
        snapshot: input.snapshot.to_path_buf(),
        properties: properties::properties(
            &file_schema,
            &plan.layout.sort_by,
            &plan.layout.bloom,
            row_group_rows,
        )?,
        file_rows: file_rows.max(1),
        access: input.access,
    })
}

/// Puts the staged rows that the table needs into the sorter.
fn sort_staged(plan: &TablePlan, input: &BuildInput<'_>, sorter: &mut Sorter) -> Result<()> {
    let checksums = if input.options.check_staged {
        Checksums::Compare
    } else {
        Checksums::Trust
    };
    for (run, decisions) in input.staged.iter().zip(input.decisions) {
        let Some(table) = run.table(&plan.layout.name) else {
            continue;
        };
        if plan.take == Take::Differing && decisions.nothing_differs() {
            continue;
        }
        let mut decisions = decisions.reader()?;
        for batch in run.batches(table, None, checksums) {
            let batch = batch?;
            let (owned, current) = owned_rows(plan, &batch, &mut decisions, run)?;
            if owned.is_empty() {
                continue;
            }
            let aligned = align_numbered(&batch, &plan.shape)?;
            sorter.push(with_current(plan, aligned, current)?, &owned)?;
        }
    }
    Ok(())
}

/// The rows of a batch that the table needs, each with its resource; and for every row of the batch
/// whether it is current (empty without a rule).
fn owned_rows(
    plan: &TablePlan,
    batch: &RecordBatch,
    decisions: &mut DecisionReader<'_>,
    run: &StagedRun,
) -> Result<(Vec<OwnedRows>, Vec<Option<bool>>)> {
    let orders = landing_orders(batch).ok_or_else(|| {
        let reason = format!("table '{}' has no {LANDING_ORDER_COLUMN}", plan.layout.name);
        LoadError::staged(&run.folder, reason)
    })?;
    let mut owned = Vec::new();
    let mut current = Vec::new();
    let mut start = 0;
    for rows in orders.chunk_by(|left, right| left == right) {
        let decision = decisions.find(rows[0])?;
        if plan.rule.is_some() {
            let value = decision.and_then(|decision| decision.current);
            current.extend(std::iter::repeat_n(value, rows.len()));
        }
        if let Some(decision) = decision.filter(|decision| plan.take.takes(decision)) {
            owned.push(OwnedRows {
                start,
                len: rows.len(),
                resource: decision.resource,
            });
        }
        start += rows.len();
    }
    Ok((owned, current))
}

/// Replaces the placeholder column of the rule by its values.
fn with_current(
    plan: &TablePlan,
    batch: RecordBatch,
    current: Vec<Option<bool>>,
) -> Result<RecordBatch> {
    let Some(rule) = &plan.rule else {
        return Ok(batch);
    };
    let schema = batch.schema();
    let operation = || LoadError::arrow(format!("reading rows of table '{}'", plan.layout.name));
    let column = schema.index_of(&rule.column).map_err(operation())?;
    let mut columns = batch.columns().to_vec();
    columns[column] = Arc::new(BooleanArray::from(current)) as ArrayRef;
    RecordBatch::try_new(schema, columns).map_err(operation())
}
