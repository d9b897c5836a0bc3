//! How many rows have a value in each column, from the null counts in the Parquet footers.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::is_unknown_partition;
use parquet::file::metadata::ParquetMetaDataReader;
use rayon::prelude::*;
use serde::Serialize;

/// A table and its columns.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TableFill {
    /// Its name.
    pub(crate) name: String,
    /// The resource type its view reads; none for tables about the run.
    pub(crate) resource: Option<String>,
    /// Its rows.
    pub(crate) rows: u64,
    /// The size of its files.
    pub(crate) bytes: u64,
    /// Its columns: those in the files, then those in the paths.
    pub(crate) columns: Vec<ColumnFill>,
}

/// A column and how many rows have a value in it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ColumnFill {
    /// Its name.
    pub(crate) name: String,
    /// Its Arrow type, as text.
    pub(crate) data_type: String,
    /// Rows with a value; `None` if a file does not say.
    pub(crate) filled: Option<u64>,
}

/// Values by column of one file, or of several.
type Filled = BTreeMap<String, Option<u64>>;

/// Counts one table; files that cannot be read are named in `unreadable`.
pub(super) fn of_table(
    snapshot: &Path,
    table: &LakeTable,
    unreadable: &mut Vec<String>,
) -> TableFill {
    let found: Vec<Result<Filled, String>> = table
        .files
        .par_iter()
        .map(|file| of_file(snapshot, file).map_err(|error| format!("{}: {error}", file.path)))
        .collect();
    let mut filled = Filled::new();
    for one in found {
        match one {
            Ok(one) => merge(&mut filled, one),
            Err(why) => unreadable.push(why),
        }
    }
    let in_files = table.columns.iter().map(|(name, data_type)| ColumnFill {
        name: name.clone(),
        data_type: data_type.clone(),
        // A file of an older view that lacks the column has only nulls in it.
        filled: filled.get(name).copied().unwrap_or(Some(0)),
    });
    let in_paths = table
        .partition_columns
        .iter()
        .map(|(name, data_type)| ColumnFill {
            name: name.clone(),
            data_type: data_type.clone(),
            filled: Some(rows_with_value(&table.files, name, data_type)),
        });
    TableFill {
        name: table.layout.name.clone(),
        resource: table.resource.as_ref().map(ToString::to_string),
        rows: table.files.iter().map(|file| file.rows).sum(),
        bytes: table.files.iter().map(|file| file.bytes).sum(),
        columns: in_files.chain(in_paths).collect(),
    }
}

fn rows_with_value(files: &[LakeFile], column: &str, data_type: &str) -> u64 {
    files
        .iter()
        .filter(|file| !is_unknown_partition(&file.path, column, data_type))
        .map(|file| file.rows)
        .sum()
}

fn of_file(
    snapshot: &Path,
    file: &LakeFile,
) -> Result<Filled, Box<dyn std::error::Error + Send + Sync>> {
    let opened = File::open(snapshot.join(&file.path))?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&opened)?;
    let mut filled = Filled::new();
    for group in metadata.row_groups() {
        let rows = u64::try_from(group.num_rows())?;
        let mut of_group = Filled::new();
        for chunk in group.columns() {
            let Some(name) = chunk.column_path().parts().first() else {
                continue;
            };
            // An absent list has one entry, which is null; so nulls are rows without a value here, too.
            let nulls = chunk.statistics().and_then(|found| found.null_count_opt());
            let values = nulls.map(|nulls| rows.saturating_sub(nulls));
            of_group.insert(name.clone(), values);
        }
        merge(&mut filled, of_group);
    }
    Ok(filled)
}

fn merge(filled: &mut Filled, more: Filled) {
    for (name, values) in more {
        let known = filled.entry(name).or_insert(Some(0));
        *known = known.zip(values).map(|(known, more)| known + more);
    }
}
