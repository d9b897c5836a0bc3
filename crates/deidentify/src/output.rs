//! The files of a copy: written beside its place, then given their name at once.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use claimlake_columnar::encode::properties::{properties, rows_for};
use claimlake_columnar::sort::batch_sorter::BatchSorter;
use claimlake_columnar::{FileAccess, ParquetFile};
use claimlake_contract::BloomColumns;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::copy::{COPY_FILE, CopyFile, CopyManifest, CopyTable};
use crate::error::{DeidentifyError, Result};

const GROUP_ROWS: usize = 122_880;
const FILE_MB: u64 = 128;

/// Bytes of rows that are sorted in memory; more are sorted on disk.
const SORT_BYTES: usize = 256 << 20;

/// A copy that is being written.
pub(crate) struct Building {
    place: PathBuf,
    folder: PathBuf,
}

impl Building {
    /// Begins beside a place; what a killed one left goes.
    pub(crate) fn begin(place: &Path) -> Result<Self> {
        let folder = beside(place, "building");
        remove(&folder)?;
        remove(&beside(place, "replaced"))?;
        FileAccess::owner_only().make_folder(&folder)?;
        Ok(Self {
            place: place.to_path_buf(),
            folder,
        })
    }

    /// Begins a table.
    pub(crate) fn table(&self, name: &str, schema: SchemaRef) -> Result<TableOutput> {
        // By all of its values, so that the order says nothing else; the patient's code first.
        let is_sortable =
            |column: &usize| !matches!(schema.field(*column).data_type(), DataType::List(_));
        let sort: Vec<usize> = (0..schema.fields().len()).filter(is_sortable).collect();
        let spill = self.folder.join(format!(".sorting-{name}"));
        Ok(TableOutput {
            sorter: BatchSorter::new(name, &schema, sort, SORT_BYTES, spill)?,
            name: name.to_owned(),
            folder: self.folder.join(name),
            schema,
        })
    }

    /// Takes over a file of the present copy unchanged.
    pub(crate) fn keep(&self, path: &str) -> Result<()> {
        let (from, to) = (self.place.join(path), self.folder.join(path));
        if let Some(folder) = to.parent() {
            FileAccess::owner_only().make_folder(folder)?;
        }
        let linked = std::fs::hard_link(&from, &to);
        let copied = linked.or_else(|_| std::fs::copy(&from, &to).map(drop));
        copied.map_err(DeidentifyError::io("copying", &from))
    }

    /// Writes the manifest and the views, and waits until all of it is on disk.
    pub(crate) fn finish(&self, manifest: &CopyManifest) -> Result<()> {
        let failed =
            |error: serde_json::Error| DeidentifyError::io("writing", &self.folder)(error.into());
        let mut text = serde_json::to_vec_pretty(manifest).map_err(failed)?;
        text.push(b'\n');
        self.write("views.duckdb.sql", views(manifest).as_bytes())?;
        self.write(COPY_FILE, &text)?;
        sync_all(&self.folder)
    }

    fn write(&self, name: &str, text: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let mut file = FileAccess::owner_only().create_file(&path)?;
        file.write_all(text)
            .map_err(DeidentifyError::io("writing", &path))
    }

    /// Gives the copy its name. Where there is one already, the two change places at once.
    pub(crate) fn publish(self) -> Result<()> {
        let Self { place, folder } = self;
        let naming = || DeidentifyError::io("naming", &place);
        // An empty folder gives way to a rename.
        let is_used = std::fs::read_dir(&place).is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            let exchanged = renameat_with(CWD, &folder, CWD, &place, RenameFlags::EXCHANGE);
            if exchanged.is_err() {
                // A file system without it: for a moment there is none.
                let replaced = beside(&place, "replaced");
                std::fs::rename(&place, &replaced).map_err(naming())?;
                std::fs::rename(&folder, &place).map_err(naming())?;
                sync_above(&place)?;
                return remove(&replaced);
            }
            sync_above(&place)?;
            return remove(&folder);
        }
        std::fs::rename(&folder, &place).map_err(naming())?;
        sync_above(&place)
    }

    /// Removes what was written.
    pub(crate) fn give_up(self) {
        drop(remove(&self.folder));
    }
}

/// A table that is being written.
pub(crate) struct TableOutput {
    sorter: BatchSorter,
    name: String,
    folder: PathBuf,
    schema: SchemaRef,
}

impl TableOutput {
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.sorter.push(batch)?)
    }

    pub(crate) fn finish(self) -> Result<CopyTable> {
        let names = self
            .schema
            .fields()
            .iter()
            .map(|field| field.name().clone());
        let columns: Vec<String> = names.collect();
        let most = rows_for(&self.schema, FILE_MB, GROUP_ROWS);
        let begin = || -> Result<ParquetFile> {
            let bloom = BloomColumns::default();
            let properties = properties(&self.schema, &columns, &bloom, GROUP_ROWS)?;
            let access = FileAccess::owner_only();
            Ok(ParquetFile::create(
                &self.folder,
                &self.schema,
                properties,
                &access,
            )?)
        };
        let mut files = Vec::new();
        let mut file = begin()?;
        for batch in self.sorter.finish()? {
            file.write(&batch?)?;
            if file.rows() >= most {
                files.push(std::mem::replace(&mut file, begin()?).finish()?);
            }
        }
        if file.rows() > 0 || files.is_empty() {
            files.push(file.finish()?);
        }
        let files: Vec<CopyFile> = files
            .into_iter()
            .map(|file| CopyFile {
                path: format!("{}/{}", self.name, file.name),
                rows: file.rows,
                bytes: file.bytes,
                sha256: file.sha256,
            })
            .collect();
        Ok(CopyTable {
            name: self.name,
            columns,
            rows: files.iter().map(|file| file.rows).sum(),
            files,
        })
    }
}

/// Views of DuckDB over the tables, for a session in the folder of the copy.
fn views(manifest: &CopyManifest) -> String {
    let mut sql = format!(
        "-- {}\n-- Run in the folder of the copy: cd to it, then duckdb -init views.duckdb.sql\n",
        manifest.statement.replace('\n', " ")
    );
    for table in &manifest.tables {
        let name = &table.name;
        sql.push_str(&format!(
            "CREATE OR REPLACE VIEW \"{name}\" AS SELECT * FROM read_parquet('{name}/*.parquet');\n"
        ));
    }
    sql
}

fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(format!(".claimlake-{ending}"));
    PathBuf::from(name)
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(DeidentifyError::io("removing", folder)(error))
        }
        _ => Ok(()),
    }
}

fn sync_all(folder: &Path) -> Result<()> {
    let failed = || DeidentifyError::io("writing", folder);
    for entry in std::fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        match path.is_dir() {
            true => sync_all(&path)?,
            false => sync(&path)?,
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<()> {
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(DeidentifyError::io("writing", path))
}

fn sync_above(place: &Path) -> Result<()> {
    match place.parent() {
        Some(above) if !above.as_os_str().is_empty() => sync(above),
        _ => Ok(()),
    }
}
