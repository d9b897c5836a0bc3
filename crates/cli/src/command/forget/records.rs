//! Records of rejected values refer to lines of landed parts, which a removal moves.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use claimlake_landing::MovedPart;
use serde_json::Value;

const REJECTS_FILE: &str = "rejects.ndjson";

/// Leaves out rejects of lines that go, and names the new place of those that move.
///
/// The new parts have other names than the old ones, so that doing it twice changes nothing.
pub(super) fn move_rejects(records: &Path, moved: &[MovedPart]) -> io::Result<()> {
    let entries = match fs::read_dir(records) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path().join(REJECTS_FILE);
        if path.is_file() {
            rewrite(&path, moved)?;
        }
    }
    Ok(())
}

fn rewrite(path: &PathBuf, moved: &[MovedPart]) -> io::Result<()> {
    let before = fs::read_to_string(path)?;
    let mut after = String::with_capacity(before.len());
    for line in before.lines() {
        let Ok(mut reject) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let part = moved.iter().find(|part| reject["file"] == part.from);
        let Some(part) = part else {
            after.push_str(line);
            after.push('\n');
            continue;
        };
        let place = reject["line"].as_u64().and_then(|line| part.line(line));
        if let Some(place) = place {
            reject["file"] = part.to.clone().into();
            reject["line"] = place.into();
            after.push_str(&reject.to_string());
            after.push('\n');
        }
    }
    if after == before {
        return Ok(());
    }
    let beside = path.with_extension("tmp");
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(after.as_bytes())?;
    file.sync_all()?;
    crate::data_dir::drop_sum(path)?;
    fs::rename(&beside, path)
}
