//! What a comparison found, row by row, as Parquet. The files are PHI and only their owner can read
//! them. They are written beside their folder, which appears when they are complete.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use claimlake_columnar::encode::properties::properties;
use claimlake_columnar::{FileAccess, ParquetFile};
use claimlake_contract::BloomColumns;

use crate::error::{CompareError, Result};

/// Rows of a row group.
const GROUP_ROWS: usize = 122_880;
/// Rows that are written at once.
const BATCH_ROWS: usize = 8_192;

const TEXT: DataType = DataType::Utf8;
const NUMBER: DataType = DataType::UInt64;
const FLAG: DataType = DataType::Boolean;

/// The tables and their columns.
const TABLES: [(&str, &[(&str, DataType)]); 4] = [
    (
        "person",
        &[
            ("person", NUMBER),
            ("source_api", TEXT),
            ("patient_id", TEXT),
            ("in_left", FLAG),
            ("in_right", FLAG),
        ],
    ),
    (
        "pair",
        &[
            ("person", NUMBER),
            ("eob_type", TEXT),
            ("left_eob_id", TEXT),
            ("right_eob_id", TEXT),
            ("confidence", TEXT),
            ("rule", TEXT),
        ],
    ),
    (
        "unpaired",
        &[
            ("person", NUMBER),
            ("side", TEXT),
            ("eob_type", TEXT),
            ("eob_id", TEXT),
            ("is_current", FLAG),
            ("is_ambiguous", FLAG),
            ("reason", TEXT),
        ],
    ),
    (
        "difference",
        &[
            ("person", NUMBER),
            ("eob_type", TEXT),
            ("left_eob_id", TEXT),
            ("right_eob_id", TEXT),
            ("table_name", TEXT),
            ("column_name", TEXT),
            ("class", TEXT),
            ("left_value", TEXT),
            ("right_value", TEXT),
        ],
    ),
];

/// A table of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputTable {
    Person,
    Pair,
    Unpaired,
    Difference,
}

/// A value of an output row.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(u64),
    Flag(Option<bool>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

/// Writes the tables; without a folder it drops the rows.
pub(crate) struct RowOutput(Option<Files>);

struct Files {
    folder: PathBuf,
    building: PathBuf,
    tables: Vec<OutputFile>,
}

struct OutputFile {
    file: ParquetFile,
    schema: SchemaRef,
    columns: Vec<Vec<Value>>,
}

impl RowOutput {
    /// Begins the files.
    ///
    /// # Errors
    ///
    /// [`CompareError::Setting`] where something is in the folder already.
    pub(crate) fn begin(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self(None));
        };
        refuse_used(folder)?;
        let mut name = folder.as_os_str().to_owned();
        name.push(".building");
        let building = PathBuf::from(name);
        remove_leftover(&building)?;
        let tables = TABLES
            .iter()
            .map(|(name, columns)| OutputFile::begin(&building, name, columns));
        Ok(Self(Some(Files {
            folder: folder.to_path_buf(),
            tables: tables.collect::<Result<_>>()?,
            building,
        })))
    }

    /// Whether rows are kept: otherwise they need not be made.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Takes a row; its values are those of the table's columns.
    pub(crate) fn push(&mut self, table: OutputTable, row: Vec<Value>) -> Result<()> {
        let table = self
            .0
            .as_mut()
            .and_then(|files| files.tables.get_mut(table as usize));
        match table {
            Some(table) => table.push(row),
            None => Ok(()),
        }
    }

    /// Completes the files and gives the folder its name.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(files) = self.0 else {
            return Ok(());
        };
        for table in files.tables {
            table.finish()?;
        }
        refuse_used(&files.folder)?;
        std::fs::rename(&files.building, &files.folder)
            .map_err(CompareError::io("naming", &files.folder))
    }
}

/// An existing folder is used only while it is empty.
fn refuse_used(folder: &Path) -> Result<()> {
    let is_empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(CompareError::io("reading", folder)(error)),
    };
    match is_empty {
        true => Ok(()),
        false => Err(CompareError::Setting(format!(
            "{} is not empty: name a new folder",
            folder.display()
        ))),
    }
}

/// What a comparison that was killed left. A folder with anything else is somebody else's.
fn remove_leftover(building: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(building) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(CompareError::io("reading", building)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(CompareError::io("reading", building))?;
        if !TABLES.iter().any(|(name, _)| entry.file_name() == *name) {
            return Err(CompareError::Setting(format!(
                "{} is in the way: remove it",
                building.display()
            )));
        }
    }
    std::fs::remove_dir_all(building).map_err(CompareError::io("removing", building))
}

impl OutputFile {
    fn begin(building: &Path, name: &str, columns: &[(&str, DataType)]) -> Result<Self> {
        let fields = columns
            .iter()
            .map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = properties(&schema, &[], &BloomColumns::default(), GROUP_ROWS)?;
        let access = FileAccess::owner_only();
        Ok(Self {
            file: ParquetFile::create(&building.join(name), &schema, properties, &access)?,
            columns: vec![Vec::new(); columns.len()],
            schema,
        })
    }

    fn push(&mut self, row: Vec<Value>) -> Result<()> {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(value);
        }
        match self
            .columns
            .first()
            .is_some_and(|column| column.len() >= BATCH_ROWS)
        {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&mut self) -> Result<()> {
        let arrays = self
            .columns
            .iter_mut()
            .zip(self.schema.fields())
            .map(|(column, field)| {
                let values = std::mem::take(column).into_iter();
                let array: ArrayRef = match field.data_type() {
                    DataType::UInt64 => Arc::new(values.map(number).collect::<UInt64Array>()),
                    DataType::Boolean => Arc::new(values.map(flag).collect::<BooleanArray>()),
                    _ => Arc::new(values.map(text).collect::<StringArray>()),
                };
                array
            });
        let batch = RecordBatch::try_new(self.schema.clone(), arrays.collect())
            .map_err(CompareError::arrow("writing what was found"))?;
        if batch.num_rows() > 0 {
            self.file.write(&batch)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.write()?;
        self.file.finish()?;
        Ok(())
    }
}

fn number(value: Value) -> Option<u64> {
    match value {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

fn flag(value: Value) -> Option<bool> {
    match value {
        Value::Flag(flag) => flag,
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => text,
        _ => None,
    }
}
