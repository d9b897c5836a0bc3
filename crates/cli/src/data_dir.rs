//! The data directory: it is created private, locked while a stage writes, and gives the next run
//! id.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use claimlake_contract::{
    Clock, KEYS_TABLE, LandingLayout, MANIFEST_FILE, RunId, STAGED_FORMAT, StagedManifest,
    partition_value,
};
use claimlake_loader::check_record;

use crate::removal;
use crate::running::Process;
use crate::write_lock::{self, WriteLock};

mod folded;
mod records;

pub(crate) use folded::runs_of;
pub(crate) use records::{JOB_FOLDER, drop_sum, read_record, read_whole_staged};

/// The file in the data directory, where none is named.
pub(crate) const REPORT_FILE: &str = "report.html";

/// In the record of a loaded run: the number of the first snapshot that has its rows.
const SNAPSHOT_FILE: &str = "snapshot";

/// The rejects and unread paths of a staged run, also kept in the record of a loaded one.
const REJECTS_FILE: &str = "rejects.ndjson";
const UNREAD_FILE: &str = "unread.json";

/// A record that is being made.
const BUILDING: &str = ".building";

/// `--data`.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn landing(&self) -> LandingLayout {
        LandingLayout::in_data(&self.root)
    }

    pub(crate) fn staged(&self) -> PathBuf {
        self.root.join("staged")
    }

    /// Makes the folder, readable by its owner only.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .with_context(|| format!("cannot make the data directory {}", self.root.display()))
    }

    /// Keeps other processes from writing what `zone` names; this one is named to them.
    pub(crate) fn lock(&self, zone: &str, process: &Process) -> anyhow::Result<WriteLock> {
        self.create()?;
        write_lock::take(&self.root, zone, process)
    }

    /// The sealed staged runs that wait to be loaded, oldest first.
    pub(crate) fn staged_runs(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut runs = entries(&self.staged()).context("listing staged runs")?;
        runs.retain(|folder| run_of(folder).is_some() && folder.join(MANIFEST_FILE).is_file());
        runs.sort();
        Ok(runs)
    }

    /// Removes every staged run, and what a killed transform left of one.
    pub(crate) fn remove_all_staged(&self) -> anyhow::Result<()> {
        for folder in entries(&self.staged()).context("listing staged runs")? {
            removal::remove(&folder)?;
        }
        Ok(())
    }

    /// The records of runs whose rows are in the current lake, oldest first. A damaged one counts
    /// for nothing: the next `transform` reads again what it was about.
    pub(crate) fn transformed_runs(&self) -> anyhow::Result<Vec<StagedManifest>> {
        let mut runs = Vec::new();
        for folder in self.transformed_folders()? {
            runs.extend(read_record(&folder)?);
        }
        Ok(runs)
    }

    /// The records that are as they were written, and the folders of those that are not.
    pub(crate) fn checked_records(&self) -> anyhow::Result<(Vec<StagedManifest>, Vec<PathBuf>)> {
        let (mut whole, mut damaged) = (Vec::new(), Vec::new());
        for folder in self.transformed_folders()? {
            match read_record(&folder)? {
                Some(manifest) if check_record(&folder)?.is_empty() => whole.push(manifest),
                _ => damaged.push(folder),
            }
        }
        Ok((whole, damaged))
    }

    /// The folders of those records, oldest first.
    pub(crate) fn transformed_folders(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut folders = self.record_folders()?;
        folded::take_out_folded(&mut folders);
        Ok(folders)
    }

    /// The same, with records that a folded one stands for; in no order.
    fn record_folders(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut folders = entries(&self.transformed()).context("listing transformed runs")?;
        // A record without one of these was half removed by an earlier version: the run counts as
        // not loaded, and is transformed again.
        let parts = [MANIFEST_FILE, SNAPSHOT_FILE];
        let is_whole = |folder: &Path| parts.iter().all(|file| folder.join(file).is_file());
        folders.retain(|folder| runs_of(folder).is_some() && is_whole(folder));
        Ok(folders)
    }

    /// Forgets what went into snapshots after `number`.
    pub(crate) fn forget_transformed_after(&self, number: u64) -> anyhow::Result<()> {
        for folder in entries(&self.transformed()).context("listing transformed runs")? {
            let is_later = loaded_by(&folder).is_none_or(|loaded| loaded > number);
            if is_later && runs_of(&folder).is_some() {
                removal::remove(&folder)?;
            }
        }
        Ok(())
    }

    /// Keeps other processes from writing staged rows, and completes what a killed command left
    /// half done: folders that are being removed, records of snapshots that the lake does not have
    /// (after a rollback), and staged runs that the lake has already.
    pub(crate) fn lock_staged(&self, lake: &Path, process: &Process) -> anyhow::Result<WriteLock> {
        let lock = self.lock("staged", process)?;
        removal::clear(&self.staged())?;
        removal::clear(&self.transformed())?;
        for folder in folded::take_out_folded(&mut self.record_folders()?) {
            removal::remove(&folder)?;
        }
        for folder in entries(&self.staged()).context("listing staged runs")? {
            // Nobody can load it any more.
            if run_of(&folder).is_some() && !folder.join(MANIFEST_FILE).is_file() {
                removal::remove(&folder)?;
            }
        }
        self.remove_superseded()?;
        let Some(current) = current_snapshot(lake) else {
            return Ok(lock);
        };
        self.forget_transformed_after(current)?;
        for folder in self.staged_runs()? {
            let record = folder.file_name().map(|name| self.transformed().join(name));
            if record.is_some_and(|record| loaded_by(&record).is_some()) {
                removal::remove(&folder)?;
            }
        }
        Ok(lock)
    }

    /// Removes the staged runs before the last one that was made from all of landing: it has them.
    fn remove_superseded(&self) -> anyhow::Result<()> {
        let is_full = |folder: &PathBuf| {
            let manifest = read_staged_manifest(folder);
            manifest.is_ok_and(|manifest| manifest.full && is_whole(folder, &manifest))
        };
        let staged = self.staged_runs()?;
        let full = staged.iter().rposition(is_full).unwrap_or(0);
        staged[..full]
            .iter()
            .try_for_each(|folder| removal::remove(folder))
    }

    /// What is on record of runs that were transformed and loaded.
    pub(crate) fn transformed(&self) -> PathBuf {
        self.root.join("transformed")
    }

    /// A run id that sorts after every earlier one of this directory.
    pub(crate) fn next_run(&self, clock: &dyn Clock) -> anyhow::Result<RunId> {
        let mut noise = [0; 2];
        getrandom::fill(&mut noise).map_err(|error| anyhow!("no random bytes: {error}"))?;
        let latest = self
            .latest_run()
            .with_context(|| format!("looking for earlier runs in {}", self.root.display()))?;
        Ok(RunId::after(
            latest.as_ref(),
            clock.now(),
            u16::from_be_bytes(noise),
        ))
    }

    fn latest_run(&self) -> io::Result<Option<RunId>> {
        let mut folders = vec![
            self.staged(),
            self.transformed(),
            self.landing().root().join("rejected"),
        ];
        for api in entries(self.landing().root())? {
            folders.extend(entries(&api)?);
        }
        let mut latest = None;
        for folder in folders {
            for entry in entries(&folder)? {
                latest = latest.max(runs_of(&entry).map(|(_, last)| last));
            }
        }
        let current = self.root.join("lake/current/manifest.json");
        if let Ok(text) = fs::read_to_string(current)
            && let Ok(manifest) = serde_json::from_str::<serde_json::Value>(&text)
            && let Some(run) = manifest["run"].as_str()
        {
            latest = latest.max(run.parse().ok());
        }
        Ok(latest)
    }
}

/// The manifest of a staged run, or what is on record of one. The format is looked at first: that of
/// another version may have other keys.
pub(crate) fn read_staged_manifest(folder: &Path) -> anyhow::Result<StagedManifest> {
    let path = folder.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let reading = || format!("reading {}", path.display());
    let Format { format } = serde_json::from_str(&text).with_context(reading)?;
    if format != STAGED_FORMAT {
        return Err(anyhow!(
            "{}: it has format {format}, and this version of claimlake reads {STAGED_FORMAT}: use the \
             claimlake that wrote it, or remove its folder and run `transform`",
            path.display()
        ));
    }
    serde_json::from_str(&text).with_context(reading)
}

/// Whether a staged run has every file that it is to have, as long as stated.
pub(crate) fn is_whole(folder: &Path, manifest: &StagedManifest) -> bool {
    let length = |file: &str| fs::metadata(folder.join(file)).map(|found| found.len());
    let mut rows = manifest.tables.iter().flat_map(|table| &table.files);
    // The table of keys is not in the manifest.
    let keys = entries(&folder.join(KEYS_TABLE)).is_ok_and(|keys| !keys.is_empty());
    keys && rows.all(|file| length(&file.file).is_ok_and(|found| found == file.bytes))
        && [REJECTS_FILE, UNREAD_FILE]
            .iter()
            .all(|file| length(file).is_ok())
}

#[derive(serde::Deserialize)]
struct Format {
    format: u32,
}

/// The run that a folder or a file of rejects belongs to.
fn run_of(path: &Path) -> Option<RunId> {
    let value = partition_value(path, "run")?;
    value.split(".ndjson").next()?.parse().ok()
}

/// The snapshot that a record names; `None` if there is no such record, or half of one.
fn loaded_by(record: &Path) -> Option<u64> {
    let number = fs::read_to_string(record.join(SNAPSHOT_FILE)).ok()?;
    let is_whole = record.join(MANIFEST_FILE).is_file();
    number.trim().parse().ok().filter(|_| is_whole)
}

fn current_snapshot(lake: &Path) -> Option<u64> {
    let current = lake.join("current");
    let target = fs::read_link(&current).ok()?;
    let number = target.file_name()?.to_str()?.parse().ok()?;
    current.exists().then_some(number)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use claimlake_contract::FixedClock;

    use super::DataDir;
    use crate::running::Process;

    #[test]
    fn a_run_id_sorts_after_every_run_of_the_directory() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path().into());
        let clock = FixedClock::at("2026-11-23T12:00:00Z".parse().unwrap());
        assert!(
            data.next_run(&clock)
                .unwrap()
                .as_str()
                .starts_with("20261123T120000.000Z-")
        );
        for (made, next) in [
            (
                "landing/api=v2/resource=Patient/run=20261123T120005.000Z-ffff",
                "20261123T120005.001Z-",
            ),
            (
                "landing/rejected/run=20261123T120006.000Z-ffff.ndjson.zst",
                "20261123T120006.001Z-",
            ),
            (
                "staged/run=20261123T120007.000Z-ffff",
                "20261123T120007.001Z-",
            ),
        ] {
            fs::create_dir_all(folder.path().join(made)).unwrap();
            let run = data.next_run(&clock).unwrap();
            assert!(run.as_str().starts_with(next), "{run} after {made}");
        }
    }

    #[test]
    fn a_second_writer_is_told_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path().join("new"));
        let this = Process::this("import", "2026-11-23T16:40:12Z".parse().unwrap());
        let first = data.lock("landing", &this).unwrap();
        let refused = data.lock("landing", &this).unwrap_err().to_string();
        assert!(refused.contains("another claimlake is writing the landing zone"));
        let who = format!(
            " (import, process {}, since 2026-11-23T16:40:12Z): ",
            std::process::id()
        );
        assert!(refused.contains(&who), "{refused}");
        assert!(data.lock("staged", &this).is_ok());
        drop(first);
        assert!(data.lock("landing", &this).is_ok());
    }
}
