//! The folder of a staged run: built beside its name, sealed by its manifest, then renamed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use claimlake_contract::{
    KEYS_TABLE, MANIFEST_FILE, Reject, RunId, SUMS_FILE, StagedFile, StagedManifest, hex,
};
use claimlake_landing::{create_private_dir, create_private_file};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::TransformError;
use crate::form::Form;
use crate::staged_file::StagedWriter;

const BUILDING: &str = "building-";
const REJECTS: &str = "rejects.ndjson";
const UNREAD: &str = "unread.json";
/// A file that has grown beyond this is ended and the next begun.
const LARGE: u64 = 1 << 30;

/// A staged run that is not visible yet. It is removed if it is not sealed.
#[derive(Debug)]
pub(crate) struct Stage {
    building: PathBuf,
    finished: PathBuf,
    form: Form,
    tables: Vec<TableFiles>,
    rejects: BufWriter<File>,
    /// Files of the table of keys, which are in no manifest.
    keys: Vec<String>,
    sealed: bool,
}

#[derive(Debug)]
struct TableFiles {
    name: String,
    schema: SchemaRef,
    open: Option<OpenFile>,
    files: Vec<StagedFile>,
}

struct OpenFile {
    name: String,
    writer: StagedWriter,
    rows: u64,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile")
            .field("name", &self.name)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Stage {
    /// Begins a staged run below `staged` with these tables.
    pub(crate) fn begin(
        staged: &Path,
        run: &RunId,
        tables: Vec<(String, SchemaRef)>,
        form: Form,
    ) -> Result<Self, TransformError> {
        let finished = staged.join(format!("run={run}"));
        if finished.exists() {
            return Err(TransformError::RunExists { path: finished });
        }
        create_private_dir(staged)?;
        remove_abandoned(staged)?;
        let building = staged.join(format!("{BUILDING}{run}"));
        create_private_dir(&building)?;
        let rejects = BufWriter::new(create_private_file(&building.join(REJECTS))?);
        let tables = tables
            .into_iter()
            .map(|(name, schema)| TableFiles {
                name,
                schema,
                open: None,
                files: Vec::new(),
            })
            .collect();
        Ok(Self {
            building,
            finished,
            form,
            tables,
            rejects,
            keys: Vec::new(),
            sealed: false,
        })
    }

    /// Appends rows to a table.
    pub(crate) fn append(
        &mut self,
        table: usize,
        batch: &RecordBatch,
    ) -> Result<(), TransformError> {
        let Some(files) = self.tables.get_mut(table) else {
            return Ok(());
        };
        if files.open.is_none() {
            files.open = Some(files.create(&self.building, self.form)?);
        }
        let Some(open) = &mut files.open else {
            return Ok(());
        };
        open.writer.write(batch).map_err(|error| {
            TransformError::writing(&files.name, self.building.join(&open.name))(error)
        })?;
        open.rows += batch.num_rows() as u64;
        if open.writer.written() > LARGE {
            files.end(&self.building)?;
        }
        Ok(())
    }

    /// Appends a reject.
    pub(crate) fn reject(&mut self, reject: &Reject) -> Result<(), TransformError> {
        let path = self.building.join(REJECTS);
        serde_json::to_writer(&mut self.rejects, reject)
            .map_err(TransformError::json(REJECTS, path.clone()))?;
        self.rejects
            .write_all(b"\n")
            .map_err(TransformError::io("writing", path))
    }

    /// Ends all files: those of each table, in the order of the tables. A table without rows has
    /// one file, which says what its columns are.
    pub(crate) fn end(&mut self) -> Result<Vec<Vec<StagedFile>>, TransformError> {
        let path = self.building.join(REJECTS);
        self.rejects
            .flush()
            .map_err(TransformError::io("writing", path))?;
        let mut all = Vec::with_capacity(self.tables.len());
        for table in &mut self.tables {
            if table.open.is_none() && table.files.is_empty() {
                table.open = Some(table.create(&self.building, self.form)?);
            }
            table.end(&self.building)?;
            if table.name == KEYS_TABLE {
                self.keys = table.files.iter().map(|file| file.file.clone()).collect();
            }
            all.push(std::mem::take(&mut table.files));
        }
        Ok(all)
    }

    /// Writes the unread paths and the manifest and makes the run visible; returns its folder.
    pub(crate) fn seal<U: Serialize>(
        mut self,
        unread: &U,
        manifest: &StagedManifest,
    ) -> Result<PathBuf, TransformError> {
        self.write_json(UNREAD, unread)?;
        self.write_json(MANIFEST_FILE, manifest)?;
        self.write_sums()?;
        std::fs::rename(&self.building, &self.finished)
            .map_err(TransformError::io("renaming", &self.building))?;
        self.sealed = true;
        Ok(self.finished.clone())
    }

    /// Writes the checksums of the manifest and of the files that it does not name.
    fn write_sums(&self) -> Result<(), TransformError> {
        let mut sums = String::new();
        let others = [MANIFEST_FILE, REJECTS, UNREAD];
        for name in others
            .into_iter()
            .chain(self.keys.iter().map(String::as_str))
        {
            let path = self.building.join(name);
            let mut hash = Sha256::new();
            File::open(&path)
                .and_then(|mut file| std::io::copy(&mut file, &mut hash))
                .map_err(TransformError::io("reading", &path))?;
            sums.push_str(&format!("{}  {name}\n", hex(&hash.finalize())));
        }
        let path = self.building.join(SUMS_FILE);
        let mut out = create_private_file(&path)?;
        out.write_all(sums.as_bytes())
            .and_then(|()| out.sync_all())
            .map_err(TransformError::io("writing", path))
    }

    fn write_json<T: Serialize>(
        &self,
        file: &'static str,
        content: &T,
    ) -> Result<(), TransformError> {
        let path = self.building.join(file);
        let mut text =
            serde_json::to_vec_pretty(content).map_err(TransformError::json(file, path.clone()))?;
        text.push(b'\n');
        let mut out = create_private_file(&path)?;
        out.write_all(&text)
            .and_then(|()| out.sync_all())
            .map_err(TransformError::io("writing", path))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.sealed {
            // What is left is removed by the next run at the latest.
            let _ = std::fs::remove_dir_all(&self.building);
        }
    }
}

/// Removes what killed transforms left in the folder of staged runs; the caller has locked it.
///
/// # Errors
/// When it cannot be listed or removed.
pub fn remove_abandoned(staged: &Path) -> Result<(), TransformError> {
    let entries = match std::fs::read_dir(staged) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(TransformError::io("listing", staged)(error)),
    };
    for entry in entries {
        let path = entry.map_err(TransformError::io("listing", staged))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(BUILDING)) {
            std::fs::remove_dir_all(&path).map_err(TransformError::io("removing", &path))?;
        }
    }
    Ok(())
}

impl TableFiles {
    fn create(&self, building: &Path, form: Form) -> Result<OpenFile, TransformError> {
        let folder = building.join(&self.name);
        create_private_dir(&folder)?;
        let ending = form.ending();
        let name = format!("{}/{:05}.{ending}", self.name, self.files.len());
        let path = building.join(&name);
        let file = create_private_file(&path)?;
        Ok(OpenFile {
            writer: StagedWriter::new(file, &self.schema, form)
                .map_err(TransformError::writing(&self.name, path))?,
            name,
            rows: 0,
        })
    }

    fn end(&mut self, building: &Path) -> Result<(), TransformError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let written = open.writer.finish().map_err(TransformError::writing(
            &self.name,
            building.join(&open.name),
        ))?;
        self.files.push(StagedFile {
            file: open.name,
            rows: open.rows,
            bytes: written.bytes,
            sha256: written.sha256,
            xxh3: written.xxh3,
        });
        Ok(())
    }
}
