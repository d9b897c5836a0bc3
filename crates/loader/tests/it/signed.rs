//! Manifests that are changed together with their checksums, as by somebody who knows how.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Changes the manifest of a snapshot.
pub(crate) fn edit(snapshot: &Path, change: impl FnOnce(&mut Value)) {
    let path = snapshot.join("manifest.json");
    let mut manifest = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    let text = serde_json::to_vec_pretty(&manifest).unwrap();
    let checksum = format!("{}  manifest.json\n", sha256(&text));
    std::fs::write(&path, text).unwrap();
    std::fs::write(snapshot.join("manifest.json.sha256"), checksum).unwrap();
}

/// Has the manifest say of the loader's file of keys what that is now.
pub(crate) fn rehash_keys(snapshot: &Path) {
    edit(snapshot, |manifest| {
        let keys = &mut manifest["keys"];
        let bytes = std::fs::read(snapshot.join(keys["path"].as_str().unwrap())).unwrap();
        keys["bytes"] = bytes.len().into();
        keys["sha256"] = sha256(&bytes).into();
    });
}

/// All files below a folder, relative to it, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().to_path_buf()),
            }
        }
    }
    found.sort();
    found
}
