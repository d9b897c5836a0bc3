//! The rows of Parquet files, as a reader that is not ours finds them.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::files::files;

/// The Parquet files below a folder, sorted; none where the folder is not there.
pub(crate) fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    if !folder.exists() {
        return Vec::new();
    }
    let mut files = files(&folder.canonicalize().unwrap());
    files.retain(|path| path.extension().is_some_and(|kind| kind == "parquet"));
    files
}

/// The rows of one file.
pub(crate) fn rows_of(file: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The rows of all files below a folder, which must be there: a table without rows has a file, too.
pub(crate) fn rows_below(folder: &Path) -> Vec<Row> {
    assert!(folder.exists(), "{} is missing", folder.display());
    let files = parquet_files(folder);
    files.iter().flat_map(|file| rows_of(file)).collect()
}

/// The cell of a column that there must be.
pub(crate) fn cell<'r>(row: &'r Row, name: &str) -> &'r Field {
    let mut columns = row.get_column_iter();
    let found = columns.find(|(column, _)| *column == name);
    found
        .unwrap_or_else(|| panic!("there is no column {name}"))
        .1
}
