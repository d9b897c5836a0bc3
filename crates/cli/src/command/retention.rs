//! Removes, at the end of a load, what the pipeline keeps for a limited time only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::command::forget;
use crate::data_dir::{DataDir, runs_of};
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::pipeline::{KeptFor, Load, OnRevoked};
use crate::plural::counted;
use crate::removal;
use crate::zone::Zone;

/// Removes whatever has lived long enough, and says how much that was and why.
pub(crate) fn apply(invocation: &Invocation) -> Outcome<()> {
    let pipeline = invocation.pipeline()?;
    let data = invocation.data()?;
    let now = invocation.clock().now();
    let mut removed = Vec::new();
    if let KeptFor::Days(days) = pipeline.load.keep_staged {
        let _lock = invocation.lock_zone(Zone::Staged)?;
        let runs = old_staged(&data, limit(now, days))?;
        removed.push((runs, "staged run", format!("load.keep_staged = {days}")));
    }
    if let KeptFor::Days(days) = pipeline.load.keep_rejects {
        let files = old_rejects(&data, limit(now, days))?;
        removed.push((files, "reject file", format!("load.keep_rejects = {days}")));
    }
    if let OnRevoked::ForgetAfter { days } = pipeline.extract.on_revoked {
        let people = forget::forget_revoked(days, invocation)?;
        let key = format!("extract.on_revoked after {days} days");
        removed.push((people, "revoked person", key));
    }
    for (count, what, key) in removed.into_iter().filter(|(count, ..)| *count > 0) {
        let words = counted(count, what);
        let output = invocation.output();
        output.say(&format!("retention  {words} removed ({key})"));
        output.add_to_summary(&format!("removed {what}"), json!(count));
    }
    Ok(())
}

/// How long data is kept, as text.
pub(crate) fn words(load: &Load) -> String {
    format!(
        "{} and those of the last {}, staged rows {}, rejects {}",
        counted(load.keep_snapshots as u64, "snapshot"),
        counted(load.keep_hours, "hour"),
        load.keep_staged,
        load.keep_rejects,
    )
}

fn limit(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    now - TimeDelta::days(i64::from(days))
}

/// Staged rows that were never loaded: the next transform makes them again.
fn old_staged(data: &DataDir, limit: DateTime<Utc>) -> anyhow::Result<u64> {
    let mut removed = 0;
    for folder in old_entries(&data.staged(), limit)? {
        removal::remove(&folder)?;
        removed += 1;
    }
    Ok(removed)
}

/// What was rejected at landing, with its text, and what is on record of rejected values.
fn old_rejects(data: &DataDir, limit: DateTime<Utc>) -> anyhow::Result<u64> {
    let mut files = old_entries(&data.landing().root().join("rejected"), limit)?;
    let records = old_entries(&data.transformed(), limit)?.into_iter();
    files.extend(records.map(|record| record.join("rejects.ndjson")));
    let mut removed = 0;
    for file in files {
        match fs::remove_file(&file) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("removing {}", file.display()));
            }
        }
    }
    Ok(removed)
}

/// What lies in a folder under the name of a run that began before `limit`.
fn old_entries(folder: &Path, limit: DateTime<Utc>) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("listing {}", folder.display()))?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let began = runs_of(&path).and_then(|(_, last)| last.started_at());
        if began.is_some_and(|began| began < limit) {
            old.push(path);
        }
    }
    Ok(old)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{old_rejects, old_staged};
    use crate::data_dir::DataDir;

    #[test]
    fn what_is_older_than_its_lifetime_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let (old, new) = (
            "run=20260101T000000.000Z-0001",
            "run=20261101T000000.000Z-0001",
        );
        for run in [old, new] {
            fs::create_dir_all(at("staged").join(run)).unwrap();
            fs::create_dir_all(at("transformed").join(run)).unwrap();
            fs::create_dir_all(at("landing/rejected")).unwrap();
            fs::write(
                at("landing/rejected").join(format!("{run}.ndjson.zst")),
                "x",
            )
            .unwrap();
            for file in ["rejects.ndjson", "manifest.json"] {
                fs::write(at("transformed").join(run).join(file), "x").unwrap();
            }
        }
        let data = DataDir::at(folder.path().into());
        let limit = "2026-10-01T00:00:00Z".parse().unwrap();
        assert_eq!(old_staged(&data, limit).unwrap(), 1);
        assert_eq!(old_rejects(&data, limit).unwrap(), 2);
        assert!(!at("staged").join(old).exists() && at("staged").join(new).exists());
        // What was read must stay on record, or it would be transformed again.
        assert!(at("transformed").join(old).join("manifest.json").exists());
        assert!(!at("transformed").join(old).join("rejects.ndjson").exists());
        assert!(at("transformed").join(new).join("rejects.ndjson").exists());
        assert_eq!(old_rejects(&data, limit).unwrap(), 0);
    }
}
