//! Tables that the caller provides completely, such as `extract_status`. Each load replaces the
//! former table.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{Schema, SchemaRef};
use claimlake_contract::{LakeManifest, LakeTable, TableLayout};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::merge::columns::{align, align_numbered, lake_schema};
use crate::publish::access::Access;
use crate::request::{LoadOptions, RunTable};
use crate::table::lake_file;
use crate::table::table_columns::file_words;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::encode::partitioned::{FilePlan, PartitionedWriter};
use claimlake_columnar::encode::properties;
use claimlake_columnar::sort::merge::Merge;
use claimlake_columnar::sort::sorter::Sorter;
use claimlake_columnar::sort::span_maker::SpanMaker;
use claimlake_columnar::sort::spans::{OwnedRows, SpanSource};
use claimlake_columnar::sort::table_shape::TableShape;

/// Sorts the rows and writes the table into the snapshot; `None` if the caller gave no batch, so
/// that the columns are unknown. A table without rows gets one file without rows.
pub(crate) fn write(
    table: &RunTable,
    snapshot: &Path,
    spill: &Path,
    options: &LoadOptions,
    access: Access,
) -> Result<Option<LakeTable>> {
    let Some(first) = table.batches.first() else {
        return Ok(None);
    };
    let schema = lake_schema(&first.schema(), &[]);
    let layout = TableLayout {
        partition_by: Vec::new(),
        ..table.layout.clone()
    };
    let sort = layout.sort_by.iter();
    let sort = sort.filter_map(|name| schema.index_of(name).ok()).collect();
    let shape = TableShape::new(&layout.name, &schema, Vec::new(), sort);
    let maker = Rc::new(RefCell::new(SpanMaker::new(shape.clone())?));
    let mut sorter = Sorter::new(maker, options.memory_bytes, spill.join(&layout.name));
    for batch in &table.batches {
        // Each row for itself: rows about the run belong to no resource.
        let owned: Vec<OwnedRows> = (0..batch.num_rows())
            .map(|start| OwnedRows {
                start,
                len: 1,
                resource: ResourceKey::default(),
            })
            .collect();
        sorter.push(align_numbered(batch, &shape)?, &owned)?;
    }
    let plan = FilePlan {
        snapshot: snapshot.to_path_buf(),
        properties: properties::properties(
            &schema,
            &layout.sort_by,
            &layout.bloom,
            options.row_group_rows.max(1),
        )?,
        file_rows: u64::MAX,
        access,
    };
    let mut writer = PartitionedWriter::new(shape, plan);
    let mut rows = Merge::new(sorter.finish()?)?;
    while let Some(span) = rows.next_span()? {
        writer.push(span, "")?;
    }
    writer.close()?;
    if writer.is_empty() {
        writer.write_empty()?;
    }
    Ok(Some(LakeTable {
        columns: file_words(&layout, &schema),
        layout,
        resource: None,
        view_hash: String::new(),
        partition_columns: Vec::new(),
        files: writer.finish()?.into_iter().map(lake_file).collect(),
    }))
}

/// Whether the table differs from the lake's in one of its `change_columns`. Times and run ids
/// differ in every run; alone they are not worth a new snapshot.
///
/// # Errors
///
/// The lake's table cannot be read; a damaged one counts as different.
pub(crate) fn differs_from_lake(
    table: &RunTable,
    before: Option<(&Path, &LakeManifest)>,
) -> Result<bool> {
    if table.change_columns.is_empty() || table.batches.is_empty() {
        return Ok(false);
    }
    let Some((folder, manifest)) = before else {
        return Ok(true);
    };
    let named = |known: &&LakeTable| known.layout.name == table.layout.name;
    let Some(known) = manifest.tables.iter().find(named) else {
        return Ok(true);
    };
    let mut batches = Vec::new();
    for file in &known.files {
        match check_file(folder, file) {
            // What the lake says cannot be known: it is replaced.
            Err(LoadError::Damaged { .. }) => return Ok(true),
            other => other?,
        }
        let path = folder.join(&file.path);
        let opened = std::fs::File::open(&path).map_err(LoadError::io("opening", &path))?;
        let operation = || LoadError::parquet(format!("reading {}", path.display()));
        let reader = ParquetRecordBatchReaderBuilder::try_new(opened)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(operation())?;
        for batch in reader {
            batches.push(batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?);
        }
    }
    Ok(change_columns(&table.batches, table)? != change_columns(&batches, table)?)
}

/// The values of the change columns as comparable bytes, sorted, so that the order of rows does not
/// matter.
fn change_columns(batches: &[RecordBatch], table: &RunTable) -> Result<Vec<Vec<u8>>> {
    let mut rows = Vec::new();
    let Some(first) = table.batches.first() else {
        return Ok(rows);
    };
    let schema: SchemaRef = first.schema();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .filter(|field| table.change_columns.contains(field.name()))
        .cloned()
        .collect();
    let schema = lake_schema(&Schema::new(fields), &[]);
    let operation = || LoadError::arrow(format!("comparing table '{}'", table.layout.name));
    let sort_fields = schema
        .fields()
        .iter()
        .map(|field| SortField::new(field.data_type().clone()));
    let converter = RowConverter::new(sort_fields.collect()).map_err(operation())?;
    for batch in batches {
        let columns: Vec<ArrayRef> = align(batch, &schema, &table.layout.name)?
            .columns()
            .to_vec();
        let converted = converter.convert_columns(&columns).map_err(operation())?;
        rows.extend(converted.iter().map(|row| row.data().to_vec()));
    }
    rows.sort();
    Ok(rows)
}
