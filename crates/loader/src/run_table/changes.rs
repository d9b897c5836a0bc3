//! The table `changes`: what changed for which resource in which run. Each load that changes
//! something adds one file; the files of earlier loads are linked, or joined once they are many.
//! Nothing else records this history, so it cannot be rebuilt from landing.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use claimlake_contract::{
    BloomColumns, LakeFile, LakeManifest, LakeTable, PatientId, RunId, TableLayout, hex,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use crate::error::{LoadError, Result};
use crate::merge::columns::words;
use crate::merge::keys::{self, KeyRow};
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::publish::manifest::read_manifest;
use claimlake_columnar::encode::parquet_file::ParquetFile;
use claimlake_columnar::encode::properties;

/// The table's name.
pub(crate) const CHANGES_TABLE: &str = "changes";

const CHUNK_ROWS: usize = 1_024;

/// What changed for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The lake did not have it, or no longer had it.
    New,
    /// Its content differs, or it became current again.
    Changed,
    /// It is no longer current, and neither is any other version of the claim.
    Cancelled,
    /// It is no longer current, and another version of the claim is.
    Superseded,
    /// It was removed from the lake: its hash after the change is null.
    Vanished,
}

impl ChangeKind {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::New => "new",
            ChangeKind::Changed => "changed",
            ChangeKind::Cancelled => "cancelled",
            ChangeKind::Superseded => "superseded",
            ChangeKind::Vanished => "vanished",
        }
    }
}

/// A row of the table `changes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The run that published the change.
    pub run: String,
    /// When it was published, RFC 3339.
    pub published_at: String,
    /// `v2` or `v3`.
    pub source_api: String,
    /// The resource type, such as `Coverage`.
    pub resource_type: String,
    /// The resource's id.
    pub resource_id: String,
    /// The patient whose resource it is; `None` if the resource names none.
    pub patient_id: Option<PatientId>,
    /// The name of a [`ChangeKind`]. A later version may add kinds, so it is not parsed.
    pub kind: String,
    /// The hash of the content before, as hex digits; `None` if the lake did not have it.
    pub hash_before: Option<String>,
    /// The hash of the content after, as hex digits; `None` if it was removed.
    pub hash_after: Option<String>,
}

/// The columns of the table; all are text, and a file with other columns is refused.
pub(super) fn schema() -> SchemaRef {
    let names = [
        "run",
        "published_at",
        "source_api",
        "resource_type",
        "resource_id",
        "patient_id",
        "kind",
        "hash_before",
        "hash_after",
    ];
    let fields: Vec<Field> = names
        .into_iter()
        .map(|name| Field::new(name, DataType::Utf8, true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The columns with a Bloom filter: those by which people look for changes.
fn bloom_columns() -> BloomColumns {
    BloomColumns(vec!["resource_id".to_owned(), "patient_id".to_owned()])
}

/// Smaller than in other tables: nearly every value is distinct, so a row group would need much
/// memory.
const ROW_GROUP_ROWS: usize = 16_384;

/// Writes the changes of one run. The file is created with the first change.
pub(crate) struct ChangeWriter<'a> {
    snapshot: &'a Path,
    access: Access,
    run: &'a str,
    published_at: &'a str,
    file: Option<ParquetFile>,
    /// Rows not written yet, without the two columns that are constant.
    pending: Vec<[Option<String>; 7]>,
}

impl<'a> ChangeWriter<'a> {
    pub(crate) fn new(
        snapshot: &'a Path,
        access: Access,
        run: &'a RunId,
        published_at: &'a str,
    ) -> Self {
        Self {
            snapshot,
            access,
            run: run.as_str(),
            published_at,
            file: None,
            pending: Vec::new(),
        }
    }

    /// Adds a change of a resource from its keys before and after; at least one must be given.
    pub(crate) fn push(
        &mut self,
        kind: ChangeKind,
        before: Option<KeyRow<'_>>,
        after: Option<KeyRow<'_>>,
    ) -> Result<()> {
        let hash = |row: Option<KeyRow<'_>>| row.map(|row| hex(row.content_hash()));
        match after.or(before) {
            Some(key) => self.add_key(kind, key, hash(before), hash(after)),
            None => Ok(()),
        }
    }

    /// Adds a change of a resource whose content before is known by its hash (hex) alone.
    pub(crate) fn push_since(
        &mut self,
        kind: ChangeKind,
        key: KeyRow<'_>,
        hash_before: &str,
        has_after: bool,
    ) -> Result<()> {
        let after = has_after.then(|| hex(key.content_hash()));
        self.add_key(kind, key, Some(hash_before.to_owned()), after)
    }

    /// Adds a row about the resource of a key.
    fn add_key(
        &mut self,
        kind: ChangeKind,
        key: KeyRow<'_>,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<()> {
        let text = |column| key.text(column).map(str::to_owned);
        self.add([
            text(keys::API),
            text(keys::RESOURCE_TYPE),
            text(keys::ID),
            text(keys::PATIENT),
            Some(kind.as_str().to_owned()),
            before,
            after,
        ])
    }

    /// Adds that the resource of an earlier change is no longer in the lake.
    pub(crate) fn push_vanished(&mut self, last: Change) -> Result<()> {
        self.add([
            Some(last.source_api),
            Some(last.resource_type),
            Some(last.resource_id),
            last.patient_id.map(|patient| patient.expose().to_owned()),
            Some(ChangeKind::Vanished.as_str().to_owned()),
            last.hash_after,
            None,
        ])
    }

    fn add(&mut self, row: [Option<String>; 7]) -> Result<()> {
        self.pending.push(row);
        if self.pending.len() == CHUNK_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.pending);
        let constant = |text: &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                text,
                rows.len(),
            )))
        };
        let mut columns = vec![constant(self.run), constant(self.published_at)];
        for column in 0..7 {
            let values = rows.iter().map(|row| row[column].as_deref());
            columns.push(Arc::new(values.collect::<StringArray>()));
        }
        let batch = RecordBatch::try_new(schema(), columns)
            .map_err(LoadError::arrow("writing table 'changes'"))?;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create_file(self.snapshot, &self.access)?),
        };
        Ok(file.write(&batch)?)
    }

    /// Ends the file and returns its entry in the manifest; `None` if nothing changed.
    pub(crate) fn finish(mut self) -> Result<Option<LakeFile>> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        self.file.map(lake_file).transpose()
    }
}

/// Begins a file of the table in a snapshot.
pub(super) fn create_file(snapshot: &Path, access: &Access) -> Result<ParquetFile> {
    Ok(ParquetFile::create(
        &snapshot.join(CHANGES_TABLE),
        &schema(),
        properties::properties(&schema(), &[], &bloom_columns(), ROW_GROUP_ROWS)?,
        access,
    )?)
}

/// Ends a file of the table; its entry in the manifest.
pub(super) fn lake_file(file: ParquetFile) -> Result<LakeFile> {
    let written = file.finish()?;
    Ok(LakeFile {
        path: format!("{CHANGES_TABLE}/{}", written.name),
        rows: written.rows,
        bytes: written.bytes,
        sha256: written.sha256,
    })
}

/// The error of a file that is of another version, or no file of the table.
pub(super) fn other_columns(path: &Path) -> LoadError {
    LoadError::lake(path, "it has other columns than table 'changes'")
}

/// The table as the manifest lists it, with these files.
pub(crate) fn table(files: Vec<LakeFile>) -> LakeTable {
    let schema = schema();
    LakeTable {
        layout: TableLayout {
            name: CHANGES_TABLE.to_owned(),
            partition_by: Vec::new(),
            sort_by: Vec::new(),
            bloom: bloom_columns(),
        },
        resource: None,
        view_hash: String::new(),
        columns: words(&schema, 0..schema.fields().len()),
        partition_columns: Vec::new(),
        files,
    }
}

/// The files of the table in a snapshot, oldest first.
pub(crate) fn files_before(before: Option<&LakeManifest>) -> Vec<LakeFile> {
    before
        .and_then(|before| {
            let named = |table: &&LakeTable| table.layout.name == CHANGES_TABLE;
            before.tables.iter().find(named)
        })
        .map(|table| table.files.clone())
        .unwrap_or_default()
}

/// All changes, run by run; with `since`, only those of later runs. Run ids sort by time.
///
/// # Errors
///
/// The lake cannot be read. An error within a file is an item of the iterator.
pub fn changes(
    lake: &Path,
    since: Option<&RunId>,
) -> Result<impl Iterator<Item = Result<Change>> + use<>> {
    let lake = Lake::at(lake);
    let mut files = Vec::new();
    if let Some(number) = lake.current()? {
        let folder = lake.snapshot(number);
        let manifest = read_manifest(&folder)?;
        let paths = files_before(Some(&manifest)).into_iter();
        files.extend(paths.map(|file| folder.join(file.path)));
    }
    let since = since.map(|run| run.as_str().to_owned());
    let is_after = move |change: &Change| since.as_ref().is_none_or(|since| change.run > *since);
    let changes = files.into_iter().flat_map(|path| match read_file(&path) {
        Ok(changes) => changes,
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
    Ok(changes.filter(move |change| change.as_ref().map_or(true, &is_after)))
}

/// The first and the last run of a file's rows; `None` if it has none. A file is about successive
/// runs, oldest first.
pub(crate) fn runs_of(path: &Path) -> Result<Option<(String, String)>> {
    let mut runs: Option<(String, String)> = None;
    for change in read_file(path)? {
        let run = change?.run;
        match &mut runs {
            Some((_, last)) => *last = run,
            none => *none = Some((run.clone(), run)),
        }
    }
    Ok(runs)
}

/// The number of rows of a file, by its footer.
pub(crate) fn rows_of(path: &Path) -> Result<u64> {
    let file = std::fs::File::open(path).map_err(LoadError::io("opening", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(LoadError::parquet(format!("reading {}", path.display())))?;
    Ok(u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0))
}

pub(crate) type Changes = Box<dyn Iterator<Item = Result<Change>>>;

/// The rows of a file, in order.
pub(crate) fn read_file(path: &Path) -> Result<Changes> {
    let file = std::fs::File::open(path).map_err(LoadError::io("opening", path))?;
    let path = path.to_path_buf();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(LoadError::parquet(format!("reading {}", path.display())))?;
    Ok(Box::new(reader.flat_map(move |batch| {
        match batch {
            Ok(batch) => (0..batch.num_rows())
                .map(|row| change_at(&batch, row, &path))
                .collect::<Vec<_>>(),
            Err(error) => {
                vec![Err(
                    LoadError::arrow(format!("reading {}", path.display()))(error),
                )]
            }
        }
    })))
}

/// One row of a batch.
fn change_at(batch: &RecordBatch, row: usize, path: &Path) -> Result<Change> {
    if batch.schema().fields() != schema().fields() {
        return Err(other_columns(path));
    }
    let text = |column: usize| {
        let column = batch.column(column).as_string::<i32>();
        (!column.is_null(row)).then(|| column.value(row).to_owned())
    };
    Ok(Change {
        run: text(0).unwrap_or_default(),
        published_at: text(1).unwrap_or_default(),
        source_api: text(2).unwrap_or_default(),
        resource_type: text(3).unwrap_or_default(),
        resource_id: text(4).unwrap_or_default(),
        patient_id: text(5).map(PatientId::new),
        kind: text(6).unwrap_or_default(),
        hash_before: text(7),
        hash_after: text(8),
    })
}
