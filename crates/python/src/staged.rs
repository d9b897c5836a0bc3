//! Staged tables as Parquet, made task by task: what a cluster's executors run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use claimlake_contract::{KEYS_TABLE, LandingLayout, RunId, hex};
use claimlake_landing::{LandingError, create_private_dir, create_private_file, landing_runs};
use claimlake_transformer::{Output, RULES_VERSION, Task};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use pyo3::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Kind, Result, check_signals};
use crate::plan::Plan;

/// Behind the files of all tasks, which are named by numbers.
const DRIVER_FILE: &str = "z-driver.parquet";

/// Divides what has landed below the data directory into tasks, each as JSON, and writes what no task
/// makes into the folders of the tables in `out`: a file without rows for each of them, and the keys of
/// resources that the server no longer has. Returns the tasks and what is known of the whole as JSON.
#[pyfunction]
pub(crate) fn tasks(
    py: Python<'_>,
    data: PathBuf,
    plan: &Plan,
    bytes: u64,
    out: PathBuf,
) -> PyResult<(Vec<String>, String)> {
    let made = py.detach(|| {
        let runs = landing_runs(&LandingLayout::in_data(&data))?;
        let tasks = claimlake_transformer::tasks(&runs.sealed, &plan.compiled, bytes)?;
        let mut driver_files = BTreeMap::new();
        for (table, schema) in plan.compiled.staged_schemas() {
            let folder = out.join(&table);
            create_private_dir(&folder).map_err(unwritable)?;
            let gone = tasks.gone.as_ref().filter(|_| table == KEYS_TABLE);
            let path = folder.join(DRIVER_FILE);
            let mut file = Written::create(path.clone(), &schema)?;
            if let Some(gone) = gone {
                file.write(gone)?;
            }
            file.finish()?;
            driver_files.insert(format!("{table}/{DRIVER_FILE}"), checksum(&path)?);
        }
        // A run whose other types are still being written is not read as a whole.
        let is_whole = |run: &&RunId| runs.unsealed.iter().all(|other| other.run != **run);
        let landing_runs: Vec<&RunId> = tasks.landing_runs.iter().filter(is_whole).collect();
        let damaged = runs.damaged.iter();
        let damaged: Vec<String> = damaged
            .map(|manifest| format!("{}: {}", manifest.path.display(), manifest.reason))
            .collect();
        let whole = json!({
            "without_view": tasks.without_view,
            "gone": tasks.gone_count,
            "plan_hash": plan.compiled.hash(),
            "rules": RULES_VERSION,
            "landing_runs": landing_runs,
            "driver_files": driver_files,
            "unsealed": runs.unsealed.len(),
            "damaged_manifests": damaged,
        });
        let tasks = tasks.tasks.iter().map(serde_json::to_string);
        let tasks = tasks.collect::<std::result::Result<Vec<_>, _>>();
        let tasks = tasks.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        Ok::<_, Failure>((tasks, whole.to_string()))
    });
    Ok(made?)
}

/// Runs a task and writes its rows into `folder`, a file for each table that has any; returns what it
/// wrote as JSON. The folder must be new: nobody else writes there.
#[pyfunction]
pub(crate) fn run_task(
    py: Python<'_>,
    task: &str,
    plan: &Plan,
    data: PathBuf,
    folder: PathBuf,
) -> PyResult<String> {
    Ok(py.detach(|| run(task, plan, &data, &folder))?)
}

/// The SHA-256 of a file, lower-case hex.
#[pyfunction]
pub(crate) fn sha256(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    Ok(py.detach(|| checksum(&path))?)
}

fn checksum(path: &Path) -> Result<String> {
    let what = format!("reading {}", path.display());
    let mut hash = Sha256::new();
    File::open(path)
        .and_then(|mut file| std::io::copy(&mut file, &mut hash))
        .map_err(Failure::io(&what))?;
    Ok(hex(&hash.finalize()))
}

fn run(task: &str, plan: &Plan, data: &Path, folder: &Path) -> Result<String> {
    let task: Task = serde_json::from_str(task)
        .map_err(|error| Failure::new(Kind::Input, format!("the task is not one: {error}")))?;
    create_private_dir(folder).map_err(unwritable)?;
    let schemas: BTreeMap<String, SchemaRef> = plan.compiled.staged_schemas().into_iter().collect();
    let mut files: BTreeMap<String, Written> = BTreeMap::new();
    let rejects = folder.join("rejects.ndjson");
    let mut rejected = BufWriter::new(create_private_file(&rejects).map_err(unwritable)?);
    let mut rejects_written = 0_u64;
    let counts =
        claimlake_transformer::run_task(&task, &plan.compiled, data, &mut |output| match output {
            Output::Rows(table, batch) => {
                if !files.contains_key(table)
                    && let Some(schema) = schemas.get(table)
                {
                    let path = folder.join(format!("{table}.parquet"));
                    files.insert(table.to_owned(), Written::create(path, schema)?);
                }
                if table == KEYS_TABLE {
                    check_signals()?;
                }
                let file = files.get_mut(table);
                file.map_or(Ok(()), |file| file.write(batch))
            }
            Output::Reject(reject) => {
                rejects_written += 1;
                let line = serde_json::to_string(reject)
                    .map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
                writeln!(rejected, "{line}").map_err(Failure::io("writing rejects"))
            }
        })?;
    rejected.flush().map_err(Failure::io("writing rejects"))?;
    drop(rejected);
    let mut written = Vec::new();
    for (table, file) in files {
        let path = file.path.clone();
        let rows = file.finish()?;
        written.push(json!({
            "table": table,
            "path": path.file_name().map(|name| name.display().to_string()),
            "rows": rows,
            "sha256": checksum(&path)?,
        }));
    }
    let manifest = json!({
        "task": task.number,
        "bytes": task.bytes,
        "files": written,
        "rejects": rejects_written,
        "counts": counts,
    });
    Ok(manifest.to_string())
}

/// Claims are in these files: only their owner may read them.
fn unwritable(error: LandingError) -> Failure {
    Failure::new(Kind::Io, error.to_string())
}

/// A Parquet file while it is written.
struct Written {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl Written {
    fn create(path: PathBuf, schema: &SchemaRef) -> Result<Self> {
        let file = create_private_file(&path).map_err(unwritable)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
        Ok(Self {
            path,
            writer,
            rows: 0,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(batch)?)
    }

    /// Makes the file durable; returns its rows.
    fn finish(self) -> Result<u64> {
        let file = self.writer.into_inner()?;
        file.sync_all().map_err(Failure::io("writing rows"))?;
        Ok(self.rows)
    }
}
