//! Which rows of a lake file belong to which resource: kept beside the tables, never in them.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{RecordBatch, UInt32Array};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};

use crate::error::{LoadError, Result};
use crate::merge::resource_key::ResourceKey;
use crate::publish::access::Access;
use crate::sort::span::resource_column;

/// The folder of a snapshot that holds what the loader must know, and nothing for readers.
pub(crate) const KEYS_FOLDER: &str = "keys";

/// The owners of a file's rows, in row order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowOwners {
    pub(crate) runs: Vec<(ResourceKey, u32)>,
}

impl RowOwners {
    pub(crate) fn push(&mut self, resource: ResourceKey, rows: u32) {
        match self.runs.last_mut() {
            Some((last, count)) if *last == resource => *count += rows,
            _ => self.runs.push((resource, rows)),
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.runs.iter().map(|(_, rows)| u64::from(*rows)).sum()
    }
}

/// Where the owners of a file's rows lie, relative to the snapshot.
pub(crate) fn path_of(file: &str) -> String {
    let stem = file.strip_suffix(".parquet").unwrap_or(file);
    format!("{KEYS_FOLDER}/rows/{stem}.arrow")
}

pub(crate) fn write(
    snapshot: &Path,
    file: &str,
    owners: &RowOwners,
    access: &Access,
) -> Result<()> {
    let path = snapshot.join(path_of(file));
    if let Some(folder) = path.parent() {
        access.make_folder(folder)?;
    }
    let doing = || LoadError::arrow_file("writing", &path);
    let schema = Arc::new(Schema::new(vec![
        Field::new("_resource", DataType::FixedSizeBinary(16), false),
        Field::new("_rows", DataType::UInt32, false),
    ]));
    let rows: UInt32Array = owners.runs.iter().map(|(_, rows)| *rows).collect();
    let resources = resource_column(owners.runs.iter().map(|(resource, _)| *resource))?;
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(resources), Arc::new(rows)])
        .map_err(doing())?;
    let file = std::io::BufWriter::new(access.create_file(&path)?);
    let mut writer = FileWriter::try_new(file, &schema).map_err(doing())?;
    writer.write(&batch).map_err(doing())?;
    writer.finish().map_err(doing())?;
    use std::io::Write as _;
    writer.flush().map_err(doing())?;
    writer
        .get_mut()
        .flush()
        .map_err(LoadError::io("writing", &path))
}

/// The owners of the rows of `file` in `snapshot`; `rows` is what the manifest says it has.
pub(crate) fn read(snapshot: &Path, file: &str, rows: u64) -> Result<RowOwners> {
    let path = snapshot.join(path_of(file));
    let opened = std::fs::File::open(&path).map_err(LoadError::io("opening", &path))?;
    let doing = || LoadError::arrow_file("reading", &path);
    let reader = FileReader::try_new(BufReader::new(opened), None).map_err(doing())?;
    let mut owners = RowOwners::default();
    for batch in reader {
        let batch = batch.map_err(doing())?;
        let (Some(resources), Some(counts)) = (
            batch.column(0).as_fixed_size_binary_opt(),
            batch.column(1).as_primitive_opt::<UInt32Type>(),
        ) else {
            return Err(LoadError::lake(&path, "it is not a list of row owners"));
        };
        for (resource, count) in resources.iter().zip(counts.values()) {
            let resource = ResourceKey::from_bytes(resource.unwrap_or_default());
            owners.runs.push((resource, *count));
        }
    }
    if owners.rows() != rows {
        return Err(LoadError::lake(
            &path,
            format!(
                "it speaks of {} rows, the manifest of {rows}",
                owners.rows()
            ),
        ));
    }
    Ok(owners)
}
