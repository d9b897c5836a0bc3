//! Files and folders of data directories: what there is, copies of it, seals of manifests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::command::wait_until;

/// Every file below a folder, sorted; links are not followed.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = files_and_folders(folder);
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// A folder with all files and folders below it, those before the folder they are in; no links.
pub(crate) fn files_and_folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        // Of the entry, not of the path: a broker that ends takes files of its vault away.
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files_and_folders(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.push(folder.to_path_buf());
    found
}

/// Every file below a folder, by its path below it.
pub(crate) fn names_below(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let files = files(&folder).into_iter();
    files
        .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
        .collect()
}

/// The only entry of a folder.
#[track_caller]
pub(crate) fn only(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap();
    let found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// With links as links, so that a snapshot's files are as they were. The broker of a command that
/// was killed ends a moment after it, and removes files of the vault then: it is waited for.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    wait_for_broker(from);
    let copied = Command::new("cp")
        .args(["-a".as_ref(), from.as_os_str(), to.as_os_str()])
        .status();
    assert!(copied.unwrap().success());
}

/// Waits until no process holds the vault of a data directory, where it has one.
pub(crate) fn wait_for_broker(data: &Path) {
    if let Ok(lock) = fs::File::open(data.join("vault.lock")) {
        wait_until("the broker ends", || lock.try_lock().is_ok());
    }
}

/// What `sha256sum` says of a file of the folder.
pub(crate) fn sum_of(folder: &Path, file: &str) -> String {
    let mut sum = Command::new("sha256sum");
    let sum = sum.arg(file).current_dir(folder).output().unwrap();
    String::from_utf8(sum.stdout).unwrap()
}

/// Writes the checksum of the manifest in a folder anew.
pub(crate) fn seal(folder: &Path) {
    let sum = sum_of(folder, "manifest.json");
    fs::write(folder.join("manifest.json.sha256"), sum).unwrap();
}

/// Changes the manifest in a folder and seals it.
pub(crate) fn edit_manifest(folder: &Path, edit: impl FnOnce(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(&path, manifest.to_string()).unwrap();
    seal(folder);
}
