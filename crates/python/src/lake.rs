//! A snapshot of a lake and its tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::SchemaRef;
use claimlake_contract::{LakeManifest, LakeTable, MANIFEST_FILE};
use claimlake_loader::{is_of_another_version, read_manifest};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::capsule::{schema_capsule, stream_capsule};
use crate::failure::{Failure, Kind};
use crate::table_reader::{TableReader, gone, schema_of};

/// The snapshots of a lake, oldest first: number, time of publication, whether it is current, rows.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "a tuple for Python")]
pub(crate) fn snapshots(
    py: Python<'_>,
    lake: PathBuf,
) -> PyResult<Vec<(u64, Option<String>, bool, u64, Option<String>)>> {
    let found = py.detach(|| claimlake_loader::snapshots(&lake));
    let found = found.map_err(Failure::from)?.into_iter();
    let fields = found.map(|snapshot| {
        (
            snapshot.number,
            snapshot.published_at,
            snapshot.is_current,
            snapshot.rows,
            snapshot.damage,
        )
    });
    Ok(fields.collect())
}

/// A snapshot, by its manifest.
#[pyclass(module = "claimlake._native", frozen)]
#[derive(Debug)]
pub(crate) struct Snapshot {
    folder: PathBuf,
    manifest: LakeManifest,
}

#[pymethods]
impl Snapshot {
    /// Reads the manifest of the snapshot in this folder.
    #[new]
    fn new(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        let manifest = py.detach(|| read_manifest(&folder)).map_err(|error| {
            let other = is_of_another_version(&folder);
            match other {
                true => Failure::new(Kind::OtherVersion, error.to_string()),
                false => Failure::from(error),
            }
        })?;
        Ok(Self { folder, manifest })
    }

    /// The number of the snapshot.
    #[getter]
    fn number(&self) -> u64 {
        self.manifest.snapshot
    }

    /// When it was published, RFC 3339.
    #[getter]
    fn published_at(&self) -> &str {
        &self.manifest.published_at
    }

    /// Its folder.
    #[getter]
    fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of the tables.
    fn tables(&self) -> Vec<&str> {
        let tables = self.manifest.tables.iter();
        tables.map(|table| table.layout.name.as_str()).collect()
    }

    /// A table; `None` if there is none of this name.
    fn table(&self, py: Python<'_>, name: &str) -> PyResult<Option<Table>> {
        let mut tables = self.manifest.tables.iter();
        let Some(table) = tables.find(|table| table.layout.name == name) else {
            return Ok(None);
        };
        let number = self.manifest.snapshot;
        let schema = py.detach(|| schema_of(&self.folder, number, table))?;
        Ok(Some(Table {
            folder: self.folder.clone(),
            number,
            schema,
            table: table.clone(),
        }))
    }
}

/// A table of a snapshot.
#[pyclass(module = "claimlake._native", frozen)]
#[derive(Debug)]
pub(crate) struct Table {
    folder: PathBuf,
    number: u64,
    schema: SchemaRef,
    table: LakeTable,
}

#[pymethods]
impl Table {
    /// The rows, by Arrow's C stream interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A hint only, by the protocol: the columns come as they are.
        let _ = requested_schema;
        if !self.folder.join(MANIFEST_FILE).is_file() {
            return Err(gone(self.number).into());
        }
        let reader = TableReader::new(&self.folder, &self.schema, &self.table);
        stream_capsule(py, Box::new(reader))
    }

    /// The columns, by Arrow's C interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &Arc::clone(&self.schema))
    }

    /// How many rows there are.
    #[getter]
    fn rows(&self) -> u64 {
        self.table.files.iter().map(|file| file.rows).sum()
    }

    /// The names of the columns, those of the partitions last.
    #[getter]
    fn columns(&self) -> Vec<String> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    /// The columns of the partitions.
    #[getter]
    fn partition_columns(&self) -> Vec<String> {
        let columns = self.table.partition_columns.iter();
        columns.map(|(name, _)| name.clone()).collect()
    }

    /// The files.
    #[getter]
    fn files(&self) -> Vec<PathBuf> {
        let files = self.table.files.iter();
        files.map(|file| self.folder.join(&file.path)).collect()
    }
}
