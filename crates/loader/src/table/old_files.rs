//! The files of the previous snapshot: which of them stay, and in which order the others are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow_array::{Array, ArrayRef};
use claimlake_columnar::hive_path;
use claimlake_columnar::sort::span_maker::SpanMaker;
use claimlake_contract::{LakeFile, hive};

use super::build::BuildInput;
use crate::error::{LoadError, Result};
use crate::row_owners::group::{group_of, partition_in_table};
use crate::table::old_rows::OldFile;
use crate::table::plan::TablePlan;
use crate::table::table_columns::file_words;

/// The files of the previous snapshot.
#[derive(Debug, Default)]
pub(super) struct OldFiles {
    /// They stay as they are.
    pub(super) kept: Vec<LakeFile>,
    /// The old files of partitions that are rewritten, by partition.
    pub(super) rewritten: BTreeMap<String, Vec<LakeFile>>,
}

/// Separates the partitions that stay from those that are rewritten: partitions with new rows,
/// those with rows that must go or change, and those with a null in their path, which an earlier
/// version wrote.
pub(super) fn split_old_files(
    plan: &TablePlan,
    input: &BuildInput<'_>,
    maker: &SpanMaker,
) -> Result<OldFiles> {
    let mut split = OldFiles::default();
    let (Some(table), Some(owners)) = (&plan.before, input.touched) else {
        return Ok(split);
    };
    let mut touched: BTreeSet<String> = maker.paths().iter().cloned().collect();
    let partition_columns: Vec<_> = plan.shape.partition_columns().collect();
    // A file without rows only shows the columns; it is removed once there are rows or further
    // columns.
    let has_rows = !touched.is_empty() || table.files.iter().any(|file| file.rows > 0);
    let is_wider = table.columns != file_words(&plan.layout, &plan.shape.schema);
    for file in &table.files {
        let partition = partition_in_table(file, &table.layout.name);
        if hive::has_null(partition) {
            // Written by an older build: its rows move to the partition where such rows belong now.
            let values = hive_path::values_in(partition, &partition_columns);
            let values = values.into_iter().flatten().map(Some);
            touched.insert(plan.shape.partition_path(values));
            touched.insert(partition.to_owned());
        }
        if touched.contains(partition) {
            continue;
        }
        if file.rows > 0
            && let Some(group) = group_of(table, partition)
            && owners.is_touched(&group, &table.layout.name)?
        {
            touched.insert(partition.to_owned());
        }
    }
    for file in &table.files {
        let partition = partition_in_table(file, &table.layout.name);
        if file.rows == 0 {
            if !has_rows && !is_wider && !hive::has_null(partition) {
                split.kept.push(file.clone());
            }
        } else if touched.contains(partition) {
            split
                .rewritten
                .entry(partition.to_owned())
                .or_default()
                .push(file.clone());
        } else {
            split.kept.push(file.clone());
        }
    }
    Ok(split)
}

/// The files of rewritten partitions in the sort order of the table. There are several lists if
/// partitions of an earlier version (null and `UNKNOWN`) become one: each list is sorted in itself.
pub(super) fn in_sorted_order(
    plan: &TablePlan,
    rewritten: BTreeMap<String, Vec<LakeFile>>,
    maker: &SpanMaker,
) -> Result<Vec<Vec<OldFile>>> {
    let named: Vec<_> = plan.shape.partition_columns().collect();
    let mut partitions = Vec::new();
    for (path, files) in rewritten {
        let values = hive_path::values_in(&path, &named).ok_or_else(|| {
            LoadError::lake(Path::new(&path), "the partition is not one of this layout")
        })?;
        partitions.push((values, files));
    }
    let shape = &plan.shape;
    let columns = shape
        .partition
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let data_type = shape.schema.field(*column).data_type();
            let values = partitions
                .iter()
                .map(|(values, _)| hive_path::array_of(data_type, &values[place], 1))
                .collect::<Option<Vec<_>>>();
            let values = values.ok_or_else(|| LoadError::Layout {
                table: shape.name.clone(),
                reason: format!("a partition's value is not {data_type}"),
            })?;
            let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
            if values.is_empty() {
                return Ok(arrow_array::new_empty_array(data_type));
            }
            arrow_select::concat::concat(&values).map_err(LoadError::arrow("ordering partitions"))
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let order = if columns.is_empty() {
        (0..partitions.len()).collect()
    } else {
        maker.order_partitions(&columns)?
    };
    let mut ordered: Vec<Vec<OldFile>> = vec![Vec::new()];
    let mut same = 0;
    let mut last = None;
    for index in order {
        let (values, of_partition) = &partitions[index];
        same = if last == Some(values) { same + 1 } else { 0 };
        last = Some(values);
        if same == ordered.len() {
            ordered.push(Vec::new());
        }
        ordered[same].extend(of_partition.iter().map(|file| OldFile {
            file: file.clone(),
            partition: values.clone(),
        }));
    }
    Ok(ordered)
}
