//! Evidence that a data directory has had a vault. If `vault.db` is lost, no empty vault is created
//! silently in its place: it would no longer refuse patients who were forgotten.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::files::{ACCESS_LOG_FILE, LOCK_FILE, VAULT_FILE, VAULT_ID_FILE};
use crate::read_only::open_to_read;
use crate::{VaultError, file, head};

/// The part of a landing manifest that says where the run came from is within this many bytes of
/// its beginning.
const MANIFEST_HEAD: u64 = 4096;

/// The table about patients that a lake has only if there was a vault.
const PEOPLE: &str = "extract_status";

/// The evidence that there was a vault: the file to show in a message.
pub(crate) fn mark(data_dir: &Path) -> Option<String> {
    mark_beside(data_dir)
        .or_else(|| extracted_run(&data_dir.join("landing")))
        .or_else(|| {
            let snapshot = extracted_snapshot(&data_dir.join("lake"))?;
            Some(snapshot.strip_prefix(data_dir).ok()?.display().to_string())
        })
}

/// The part of a lake that says how far the patients of a vault were read.
fn extracted_snapshot(lake: &Path) -> Option<PathBuf> {
    let below = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let tables = below(&lake.join("snapshots")).map(|snapshot| snapshot.path().join(PEOPLE));
    tables
        .into_iter()
        .find(|table| below(table).next().is_some())
}

/// The same as [`lost`], for a lake outside the data directory.
pub(crate) fn lost_by_lake(data_dir: &Path, lake: &Path) -> Option<VaultError> {
    let shown_by = extracted_snapshot(lake)?.display().to_string();
    (!head::has_keys(data_dir)).then(|| refusal(data_dir, shown_by))
}

/// The same, considering only files that belong to a vault.
pub(crate) fn mark_beside(data_dir: &Path) -> Option<String> {
    let is_there = |name: &str| fs::symlink_metadata(data_dir.join(name)).is_ok();
    let is_filled = |name: &str| fs::metadata(data_dir.join(name)).is_ok_and(|it| it.len() > 0);
    if is_there(VAULT_ID_FILE) {
        Some(VAULT_ID_FILE.to_owned())
    } else if is_filled(ACCESS_LOG_FILE) {
        Some(ACCESS_LOG_FILE.to_owned())
    } else {
        is_there(LOCK_FILE).then(|| LOCK_FILE.to_owned())
    }
}

/// A landing run that came from the API, through a grant of a vault.
fn extracted_run(landing: &Path) -> Option<String> {
    let below = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let apis = below(landing);
    let resources = apis.flat_map(|api| below(&api.path()));
    let mut runs = resources.flat_map(|resource| below(&resource.path()));
    let run = runs.find(|run| is_extracted(&run.path()))?.path();
    let shown = run.strip_prefix(landing.parent()?).ok()?;
    Some(shown.display().to_string())
}

fn is_extracted(run: &Path) -> bool {
    let mut head = Vec::new();
    let Ok(manifest) = fs::File::open(run.join("manifest.json")) else {
        return false;
    };
    if manifest.take(MANIFEST_HEAD).read_to_end(&mut head).is_err() {
        return false;
    }
    let head = String::from_utf8_lossy(&head);
    let origin = head.split_once("\"origin\"").map(|(_, rest)| rest);
    origin.is_some_and(|rest| {
        let value = rest.trim_start().strip_prefix(':').unwrap_or_default();
        value.trim_start().starts_with("\"extract\"")
    })
}

/// The error if there was a vault and none is left; `None` if everything is in order.
pub(crate) fn lost(data_dir: &Path) -> Option<VaultError> {
    // Looked for first: another process may be making the vault, and marks it after.
    let shown_by = mark(data_dir)?;
    (!head::has_keys(data_dir)).then(|| refusal(data_dir, shown_by))
}

/// Whether the database of a data directory is missing or empty.
pub(crate) fn is_empty(data_dir: &Path) -> bool {
    fs::metadata(data_dir.join(VAULT_FILE)).map_or(true, |file| file.len() == 0)
}

/// Opens the database of a data directory. Does not create one in place of a lost one.
pub(crate) fn open_kept_file(data_dir: &Path) -> Result<Connection, VaultError> {
    match is_empty(data_dir).then(|| lost(data_dir)).flatten() {
        Some(lost) => Err(lost),
        None => file::open_file(data_dir),
    }
}

pub(crate) fn refusal(data_dir: &Path, shown_by: String) -> VaultError {
    let found = match fs::metadata(data_dir.join(VAULT_FILE)) {
        Err(_) => "vault.db is missing",
        Ok(file) if file.len() == 0 => "vault.db is empty",
        Ok(_) => "vault.db holds no vault",
    };
    VaultError::Lost { found, shown_by }
}

/// Renames the remains of a lost vault, so that an empty one can be created.
///
/// # Errors
///
/// There is a vault that opens, or would with its key.
pub(crate) fn set_lost_aside(data_dir: &Path, suffix: &str) -> Result<(), VaultError> {
    let is_there = fs::metadata(data_dir.join(VAULT_FILE)).is_ok();
    let has_keys = || head::has_keys_in(&open_to_read(data_dir)?);
    let has_keys = match is_there.then(has_keys) {
        None | Some(Err(VaultError::Damaged { .. })) => false,
        Some(has_keys) => has_keys?,
    };
    if has_keys {
        return Err(VaultError::Invalid(
            "there is a vault here: nothing was done (where its key is lost for good, move \
             vault.db away, then run this again)"
                .into(),
        ));
    }
    let wal = format!("{VAULT_FILE}-wal");
    let shm = format!("{VAULT_FILE}-shm");
    for name in [ACCESS_LOG_FILE, &shm, &wal, VAULT_FILE, VAULT_ID_FILE] {
        let from = data_dir.join(name);
        let to = data_dir.join(format!("{name}.lost-{suffix}"));
        if fs::symlink_metadata(&to).is_ok() {
            return Err(VaultError::Invalid(format!(
                "{} is there already: move it away, then run this again",
                to.display()
            )));
        }
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            renamed => {
                renamed.map_err(|error| VaultError::io("setting aside", &from, error))?;
            }
        }
    }
    Ok(())
}

/// Marks that the data directory has this vault. The vault of another data directory is refused.
///
/// If the mark cannot be written, the vault opens nevertheless: the next opening tries again.
pub(crate) fn note(data_dir: &Path, vault_id: &str, may_write: bool) -> Result<(), VaultError> {
    let path = data_dir.join(VAULT_ID_FILE);
    let noted = fs::read_to_string(&path).unwrap_or_default();
    let noted = noted.trim();
    if noted == vault_id {
        return Ok(());
    }
    // A mark that a crash left half written names no vault.
    let names_one = noted.len() == vault_id.len() && noted.starts_with('v');
    if names_one {
        return Err(VaultError::OtherVault {
            found: vault_id.to_owned(),
            expected: noted.to_owned(),
        });
    }
    if may_write && let Err(error) = write(&path, vault_id) {
        tracing::debug!(%error, "the data directory is not marked as one with a vault");
    }
    Ok(())
}

fn write(path: &Path, vault_id: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let text = format!("{vault_id}\n");
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
