//! Reads the rows of the previous snapshot in sorted order, without those that are out of date and
//! with the new values of `is_current`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use claimlake_contract::{LakeFile, LakeTable};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::merge::columns::align_numbered;
use crate::merge::resource_list::ResourceList;
use crate::row_owners::group::{folder_of, group_of, partition_in_table};
use crate::row_owners::runs::{Run, Runs};
use crate::row_owners::snapshot::SnapshotOwners;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::encode::properties::CHUNK_ROWS;
use claimlake_columnar::hive_path;
use claimlake_columnar::parquet_reader;
use claimlake_columnar::sort::batch_spans::BatchSource;
use claimlake_columnar::sort::buffered::with_dictionary;
use claimlake_columnar::sort::span_maker::SpanMaker;
use claimlake_columnar::sort::spans::{OwnedRows, SpanBatch};

/// A file with the values of its partition columns, in their order.
#[derive(Debug, Clone)]
pub(crate) struct OldFile {
    pub(crate) file: LakeFile,
    pub(crate) partition: Vec<String>,
}

/// How the rows change while they are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edits<'a> {
    /// Resources whose rows are left out.
    pub(crate) outdated: &'a ResourceList,
    /// Resources whose `is_current` changes, with the new value.
    pub(crate) flips: &'a HashMap<ResourceKey, Option<bool>>,
    /// The name of that column; `None` if the table has no rule.
    pub(crate) current_column: Option<&'a str>,
}

/// Reads the files one after the other. The rows of a partition are matched with their owners while
/// they are read: a file with more or fewer rows than owners is an error.
pub(crate) struct OldRows<'a> {
    snapshot: &'a Path,
    table: &'a LakeTable,
    owners: &'a SnapshotOwners<'a>,
    files: std::vec::IntoIter<OldFile>,
    edits: Edits<'a>,
    maker: Rc<RefCell<SpanMaker>>,
    open: Option<OpenFile>,
    /// The owners of the partition whose files are being read.
    partition: Option<PartitionOwners<'a>>,
}

/// A file that is being read.
struct OpenFile {
    reader: ParquetRecordBatchReader,
    partition: Vec<String>,
    path: std::path::PathBuf,
}

/// The owners of a partition's remaining rows.
struct PartitionOwners<'a> {
    folder: String,
    runs: Runs<'a>,
    /// The rest of the current run.
    run: Option<Run>,
}

impl<'a> OldRows<'a> {
    /// `files` must be in the order of their rows, and those of one partition together.
    pub(crate) fn new(
        (snapshot, table, owners): (&'a Path, &'a LakeTable, &'a SnapshotOwners<'a>),
        files: Vec<OldFile>,
        edits: Edits<'a>,
        maker: Rc<RefCell<SpanMaker>>,
    ) -> Self {
        Self {
            snapshot,
            table,
            owners,
            files: files.into_iter(),
            edits,
            maker,
            open: None,
            partition: None,
        }
    }

    /// Opens the next file after it was compared with the manifest. With the first file of a
    /// partition, it opens the partition's owners.
    fn open(&mut self, old: OldFile) -> Result<OpenFile> {
        check_file(self.snapshot, &old.file)?;
        let path = self.snapshot.join(&old.file.path);
        let folder = folder_of(&old.file.path);
        let is_other = self
            .partition
            .as_ref()
            .is_none_or(|open| open.folder != folder);
        if is_other {
            self.end_partition()?;
            let name = &self.table.layout.name;
            let group = group_of(self.table, partition_in_table(&old.file, name));
            self.partition = Some(PartitionOwners {
                folder: folder.to_owned(),
                runs: self.owners.runs(&group.unwrap_or_default(), name)?,
                run: None,
            });
        }
        let file = File::open(&path).map_err(LoadError::io("opening", &path))?;
        let reader = parquet_reader(file, CHUNK_ROWS)
            .and_then(|builder| builder.build())
            .map_err(|error| LoadError::lake(&path, format!("the file is broken: {error}")))?;
        Ok(OpenFile {
            reader,
            partition: old.partition,
            path,
        })
    }

    /// Checks that no owner of the partition is left over.
    fn end_partition(&mut self) -> Result<()> {
        let Some(mut ended) = self.partition.take() else {
            return Ok(());
        };
        match (ended.run, ended.runs.next()) {
            (None, None) => Ok(()),
            (_, Some(Err(error))) => Err(error),
            _ => {
                let path = self.snapshot.join(&ended.folder);
                Err(LoadError::damaged(&path, "it has fewer rows than owners"))
            }
        }
    }

    /// Adds the partition columns, which are in the path only, and null columns for those that the
    /// file does not have yet.
    fn with_partition(&self, batch: &RecordBatch, open: &OpenFile) -> Result<RecordBatch> {
        let maker = self.maker.borrow();
        let shape = maker.shape();
        let mut columns = align_numbered(batch, shape)?.columns().to_vec();
        for (column, value) in shape.partition.iter().zip(&open.partition) {
            let data_type = shape.schema.field(*column).data_type();
            let values = hive_path::array_of(data_type, value, batch.num_rows());
            let values = values.ok_or_else(|| {
                LoadError::lake(&open.path, format!("its partition is not {data_type}"))
            })?;
            columns[*column] =
                with_dictionary(&values).map_err(LoadError::arrow("reading the lake"))?;
        }
        RecordBatch::try_new(shape.dictionaries.clone(), columns)
            .map_err(LoadError::arrow("reading the lake"))
    }

    /// Sets the new values of `is_current`.
    fn with_flips(&self, batch: RecordBatch, owned: &[OwnedRows]) -> Result<RecordBatch> {
        let Some(name) = self.edits.current_column else {
            return Ok(batch);
        };
        let flips = self.edits.flips;
        if flips.is_empty() || !owned.iter().any(|rows| flips.contains_key(&rows.resource)) {
            return Ok(batch);
        }
        let schema = batch.schema();
        let column = schema
            .index_of(name)
            .map_err(LoadError::arrow("reading the lake"))?;
        let mut values: Vec<Option<bool>> = batch.column(column).as_boolean().iter().collect();
        for rows in owned {
            if let Some(value) = flips.get(&rows.resource) {
                values[rows.start..rows.start + rows.len].fill(*value);
            }
        }
        let mut columns = batch.columns().to_vec();
        columns[column] = Arc::new(BooleanArray::from(values)) as ArrayRef;
        RecordBatch::try_new(schema, columns).map_err(LoadError::arrow("reading the lake"))
    }
}

impl PartitionOwners<'_> {
    /// The owners of the next `rows` rows.
    ///
    /// # Errors
    ///
    /// [`LoadError::Damaged`] if there are fewer owners than rows.
    fn owners_of(&mut self, rows: usize, path: &Path) -> Result<Vec<OwnedRows>> {
        let mut owned = Vec::new();
        let mut start = 0;
        while start < rows {
            let (resource, left) = match self.run.take() {
                Some(run) => run,
                None => match self.runs.next() {
                    Some(run) => run?,
                    None => return Err(LoadError::damaged(path, "it has more rows than owners")),
                },
            };
            let len = (left as usize).min(rows - start);
            owned.push(OwnedRows {
                start,
                len,
                resource,
            });
            start += len;
            let left = left - len as u32;
            self.run = (left > 0).then_some((resource, left));
        }
        Ok(owned)
    }
}

impl BatchSource for OldRows<'_> {
    /// The next batch, in the form in which it is merged with the sorted rows.
    fn next_batch(&mut self) -> claimlake_columnar::Result<Option<SpanBatch>> {
        loop {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => match self.files.next() {
                    Some(file) => self.open(file)?,
                    None => {
                        self.end_partition()?;
                        return Ok(None);
                    }
                },
            };
            let Some(batch) = open.reader.next() else {
                continue;
            };
            let batch = batch.map_err(|error| {
                LoadError::lake(&open.path, format!("the file is broken: {error}"))
            })?;
            let owned = match &mut self.partition {
                Some(partition) => partition.owners_of(batch.num_rows(), &open.path)?,
                None => Vec::new(),
            };
            let batch = self.with_partition(&batch, &open)?;
            let batch = self.with_flips(batch, &owned)?;
            self.open = Some(open);
            let kept: Vec<OwnedRows> = owned
                .into_iter()
                .filter(|rows| !self.edits.outdated.contains(&rows.resource))
                .collect();
            return Ok(Some(self.maker.borrow_mut().make(batch, &kept)?));
        }
    }
}
