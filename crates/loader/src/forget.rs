//! Taking a person out of the lake: a snapshot without their rows, and no other snapshot.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch, RecordBatchReader as _, StringArray};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use claimlake_contract::{
    ApiVersion, LAKE_FORMAT, LakeFile, LakeManifest, LakeTable, Person, Progress, ResourceType,
    RunId,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::encode::parquet_file::ParquetFile;
use crate::encode::properties;
use crate::error::{LoadError, Result};
use crate::load::{publish, read_current};
use crate::merge::current::{self, CurrentInput};
use crate::merge::keys::{self, KeyFile, KeyRow};
use crate::merge::resource_key::ResourceKey;
use crate::merge::row_owners;
use crate::next_snapshot::{Before, build_all};
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::request::LoadOptions;
use crate::run_table::changes::CHANGES_TABLE;
use crate::table::build::BuildInput;
use crate::table::carry::{Carried, carry};
use crate::table::plan::{PlanInput, plan};

/// Rows of a row group in tables about the run.
const ROW_GROUP_ROWS: usize = 122_880;

/// Whom to forget, and how the snapshot without them is published.
#[derive(Debug, Clone)]
pub struct ForgetRequest {
    /// The lake's folder.
    pub lake: PathBuf,
    /// The person.
    pub person: Person,
    /// Resources that are known to be theirs, whatever their keys say.
    pub resources: Vec<(ApiVersion, ResourceType, String)>,
    /// The run that publishes.
    pub run: RunId,
    /// As those of a load.
    pub options: LoadOptions,
    /// When the snapshot is published, RFC 3339.
    pub published_at: String,
}

/// What the current snapshot holds of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LakeOfPerson {
    /// Rows, by table; tables without one are left out.
    pub rows: BTreeMap<String, u64>,
    /// Resources.
    pub resources: u64,
    /// The other snapshots, which go as a whole.
    pub other_snapshots: Vec<u64>,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgetOutcome {
    /// The snapshot that is current now; none: the lake is empty.
    pub snapshot: Option<u64>,
    /// Whether it is a new one.
    pub changed: bool,
    /// The snapshots that were removed.
    pub snapshots_removed: Vec<u64>,
}

/// Looks for everything of a person in the current snapshot, and changes nothing.
///
/// # Errors
///
/// The lake cannot be read.
pub fn lake_of(
    lake: &Path,
    person: &Person,
    resources: &[(ApiVersion, ResourceType, String)],
) -> Result<LakeOfPerson> {
    let lake = Lake::at(lake);
    let current = lake.current()?;
    let mut found = LakeOfPerson {
        other_snapshots: lake.numbers()?,
        ..LakeOfPerson::default()
    };
    found
        .other_snapshots
        .retain(|number| Some(*number) != current);
    let Some(before) = read_current(&lake)? else {
        return Ok(found);
    };
    let theirs = Theirs::find(person, resources, &before)?;
    found.resources = theirs.keys.len() as u64;
    for table in &before.manifest.tables {
        let mut rows = 0;
        for file in &table.files {
            rows += match table.resource {
                Some(_) => theirs.owned_rows(&before.folder, file)?,
                None => theirs.rows_about_them(&before.folder.join(&file.path))?,
            };
        }
        if rows > 0 {
            found.rows.insert(table.layout.name.clone(), rows);
        }
    }
    Ok(found)
}

/// Publishes a snapshot without the person where the current one holds any of them, and removes
/// every other snapshot. Killed at any moment and run again, it comes to the same.
///
/// # Errors
///
/// The lake is being written, damaged, or cannot be written.
pub fn forget(request: &ForgetRequest, progress: &dyn Progress) -> Result<ForgetOutcome> {
    let lake = Lake::at(&request.lake);
    if !request.lake.exists() {
        return Ok(ForgetOutcome::default());
    }
    let access = Access::new(request.options.group.as_deref())?;
    let _lock = lake.lock(&access)?;
    let pinned = lake.pinned()?;
    let mut outcome = ForgetOutcome::default();
    if let Some(before) = read_current(&lake)? {
        outcome.snapshot = Some(before.manifest.snapshot);
        let built = without(request, &lake, &before, access, progress);
        if let Ok(Some(manifest)) = &built {
            publish(&lake, manifest, &request.options, &access)?;
            if pinned.is_some() {
                lake.pin(manifest.snapshot, &access)?;
            }
            outcome.snapshot = Some(manifest.snapshot);
            outcome.changed = true;
        }
        let cleared = lake.clear_building();
        built?;
        cleared?;
    }
    for number in lake.numbers()? {
        if outcome.snapshot != Some(number) {
            lake.remove(number)?;
            outcome.snapshots_removed.push(number);
        }
    }
    Ok(outcome)
}

/// Builds the snapshot without the person; none where the current one holds nothing of them.
fn without(
    request: &ForgetRequest,
    lake: &Lake,
    before: &Before,
    access: Access,
    progress: &dyn Progress,
) -> Result<Option<LakeManifest>> {
    let theirs = Theirs::find(&request.person, &request.resources, before)?;
    let snapshot = lake.building();
    access.make_folder(&snapshot)?;
    let carried = Carried::default();
    let (run_tables, run_tables_change) = theirs.filter_run_tables(before, &snapshot, access)?;
    if theirs.keys.is_empty() && !run_tables_change {
        return Ok(None);
    }
    let key_file = theirs.write_other_keys(before, &snapshot, access)?;
    let plans = plan(&PlanInput {
        staged: &[],
        before: Some((before.folder.as_path(), &before.manifest)),
        options: &request.options,
        full: false,
    })?;
    let found = current::find(
        &CurrentInput {
            plans: &plans.tables,
            staged: &[],
            outdated: &theirs.keys,
            before: before
                .manifest
                .current
                .as_ref()
                .map(|file| before.folder.join(&file.path)),
            snapshot: &snapshot,
            spill: &lake.spill(),
            budget: request.options.memory_bytes,
            access,
        },
        &mut [],
    )?;
    let built = build_all(
        &plans.tables,
        &BuildInput {
            staged: &[],
            verdicts: &[],
            outdated: &theirs.keys,
            flips: &found.flips,
            before: Some(&before.folder),
            snapshot: &snapshot,
            spill: &lake.spill(),
            access,
            options: &request.options,
            memory_bytes: request.options.memory_bytes,
            carried: &carried,
        },
        progress,
    )?;
    let mut tables: Vec<LakeTable> = built.into_iter().map(|built| built.table).collect();
    tables.extend(run_tables);
    tables.sort_by(|left, right| left.layout.name.cmp(&right.layout.name));
    Ok(Some(LakeManifest {
        format: LAKE_FORMAT,
        snapshot: lake.numbers()?.last().copied().unwrap_or(0) + 1,
        run: request.run.clone(),
        published_at: request.published_at.clone(),
        staged_runs: Vec::new(),
        tables,
        keys: key_file,
        current: found.file,
    }))
}

/// What is a person's in one snapshot.
struct Theirs<'a> {
    person: &'a Person,
    keys: HashSet<ResourceKey>,
}

impl<'a> Theirs<'a> {
    fn find(
        person: &'a Person,
        resources: &[(ApiVersion, ResourceType, String)],
        before: &Before,
    ) -> Result<Self> {
        let known: HashSet<ResourceKey> = resources
            .iter()
            .map(|(api, resource, id)| ResourceKey::new(api.as_str(), resource.as_str(), id))
            .collect();
        let mut keys = HashSet::new();
        each_key(before, |row| {
            let api = row.text(keys::API).and_then(|api| api.parse().ok());
            let has = |id: Option<&str>| {
                let id = api.zip(id);
                id.is_some_and(|(api, id)| person.has_id(api, id))
            };
            let is_patient = row.text(keys::RESOURCE_TYPE) == Some("Patient");
            if has(row.text(keys::PATIENT))
                || (is_patient && has(row.text(keys::ID)))
                || known.contains(&row.resource())
            {
                keys.insert(row.resource());
            }
            Ok(())
        })?;
        Ok(Self { person, keys })
    }

    fn owned_rows(&self, snapshot: &Path, file: &LakeFile) -> Result<u64> {
        if file.rows == 0 {
            return Ok(0);
        }
        let owners = row_owners::read(snapshot, &file.path, file.rows)?;
        let theirs = owners.runs.iter();
        Ok(theirs
            .filter(|(resource, _)| self.keys.contains(resource))
            .map(|(_, rows)| u64::from(*rows))
            .sum())
    }

    fn write_other_keys(
        &self,
        before: &Before,
        snapshot: &Path,
        access: Access,
    ) -> Result<Option<LakeFile>> {
        let mut output = KeyFile::create(snapshot, &access)?;
        each_key(before, |row| match self.keys.contains(&row.resource()) {
            true => Ok(()),
            false => output.push(row),
        })?;
        output.finish().map(Some)
    }

    /// The tables about runs without the rows about the person, and whether any lost one.
    fn filter_run_tables(
        &self,
        before: &Before,
        snapshot: &Path,
        access: Access,
    ) -> Result<(Vec<LakeTable>, bool)> {
        let (mut tables, mut any_lost) = (Vec::new(), false);
        let of_runs = |table: &&LakeTable| table.resource.is_none();
        for table in before.manifest.tables.iter().filter(of_runs) {
            let mut kept = table.clone();
            kept.files.clear();
            for file in &table.files {
                if self.rows_about_them(&before.folder.join(&file.path))? == 0 {
                    carry(file, &before.folder, snapshot, &access, &Carried::default())?;
                    kept.files.push(file.clone());
                    continue;
                }
                any_lost = true;
                let filtered = self.filter_file(table, file, before, snapshot, access)?;
                kept.files.extend(filtered);
            }
            if !kept.files.is_empty() {
                tables.push(kept);
            }
        }
        Ok((tables, any_lost))
    }

    fn filter_file(
        &self,
        table: &LakeTable,
        file: &LakeFile,
        before: &Before,
        snapshot: &Path,
        access: Access,
    ) -> Result<Option<LakeFile>> {
        let path = before.folder.join(&file.path);
        let (folder, _) = file.path.rsplit_once('/').unwrap_or_default();
        let reader = reader(&path)?;
        let schema = reader.schema();
        let layout = &table.layout;
        let properties =
            properties::properties(&schema, &layout.sort_by, &layout.bloom, ROW_GROUP_ROWS)?;
        let schema = crate::encode::parquet_file::plain_schema(schema.fields().iter().cloned());
        let mut output = ParquetFile::create(&snapshot.join(folder), &schema, properties, &access)?;
        for batch in reader {
            let batch = batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?;
            let keep: BooleanArray = self
                .about_them(&batch)
                .into_iter()
                .map(|theirs| Some(!theirs))
                .collect();
            let doing = || LoadError::arrow(format!("filtering {}", path.display()));
            let kept = filter_record_batch(&batch, &keep).map_err(doing())?;
            let kept =
                RecordBatch::try_new(schema.clone(), kept.columns().to_vec()).map_err(doing())?;
            output.write(&kept)?;
        }
        let written = output.finish()?;
        if written.rows == 0 && layout.name == CHANGES_TABLE {
            let empty = snapshot.join(folder).join(&written.name);
            std::fs::remove_file(&empty).map_err(LoadError::io("removing", &empty))?;
            return Ok(None);
        }
        Ok(Some(LakeFile {
            path: format!("{folder}/{}", written.name),
            rows: written.rows,
            bytes: written.bytes,
            sha256: written.sha256,
        }))
    }

    fn rows_about_them(&self, path: &Path) -> Result<u64> {
        let mut rows = 0;
        for batch in reader(path)? {
            let batch = batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?;
            let about = self.about_them(&batch);
            rows += about.into_iter().filter(|theirs| *theirs).count() as u64;
        }
        Ok(rows)
    }

    /// For each row of a table about runs, whether it is about the person or a resource of theirs.
    fn about_them(&self, batch: &RecordBatch) -> Vec<bool> {
        let (apis, patients) = (column(batch, "source_api"), column(batch, "patient_id"));
        let (types, ids) = (column(batch, "resource_type"), column(batch, "resource_id"));
        let about = |row: usize| {
            let api = text(apis, row);
            let by_id = text(patients, row).is_some_and(|id| match api.map(str::parse) {
                Some(Ok(api)) => self.person.has_id(api, id),
                _ => self.person.names().any(|name| name == id),
            });
            let key = || {
                let key = ResourceKey::new(api?, text(types, row)?, text(ids, row)?);
                Some(self.keys.contains(&key))
            };
            by_id || key().unwrap_or(false)
        };
        (0..batch.num_rows()).map(about).collect()
    }
}

fn each_key(before: &Before, mut tell: impl FnMut(KeyRow<'_>) -> Result<()>) -> Result<()> {
    let Some(file) = &before.manifest.keys else {
        return Ok(());
    };
    for batch in keys::read(&before.folder.join(&file.path))? {
        let batch = Arc::new(batch?);
        for row in 0..batch.num_rows() {
            tell(KeyRow { batch: &batch, row })?;
        }
    }
    Ok(())
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    let column = batch.column_by_name(name)?;
    (column.data_type() == &DataType::Utf8).then(|| column.as_string::<i32>())
}

fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    (!column.is_null(row)).then(|| column.value(row))
}

fn reader(path: &Path) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReader> {
    let file = std::fs::File::open(path).map_err(LoadError::io("opening", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(LoadError::parquet(format!("reading {}", path.display())))
}
