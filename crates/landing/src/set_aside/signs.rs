//! How damage is recognized, and what is still usable.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use claimlake_contract::{ApiVersion, LandingManifest, LandingOrigin, ResourceType, RunId};

use crate::compacted::manifest::BEGINNING;
use crate::folder::{entries, file_name};
use crate::manifest_file::format_of;

/// A manifest that no longer names some parts; the places of frames move with the others.
pub(super) fn without_parts(
    before: &LandingManifest,
    is_damaged: &dyn Fn(u32) -> bool,
) -> LandingManifest {
    let mut manifest = before.clone();
    let mut places: HashMap<u32, u32> = HashMap::new();
    manifest.parts.clear();
    for (index, part) in (0u32..).zip(&before.parts) {
        if !is_damaged(index) {
            places.insert(index, places.len() as u32);
            manifest.parts.push(part.clone());
        }
    }
    for patient in &mut manifest.patients {
        let frames = patient.frames.len();
        patient.frames = patient
            .frames
            .iter()
            .filter_map(|(part, frame)| Some((*places.get(part)?, *frame)))
            .collect();
        if patient.frames.len() == frames {
            continue;
        }
        let lines = patient.frames.iter().filter_map(|(part, frame)| {
            let part = manifest.parts.get(*part as usize)?;
            Some(part.frames.get(*frame as usize)?.lines)
        });
        patient.resources = lines.sum();
    }
    manifest
}

/// Whether the checksum file, and not the manifest, is damaged: it is not a checksum, or differs
/// from the right one in at most two digits, which the checksum of another text would not.
pub(super) fn is_damaged_sum(said: &str, found: &str) -> bool {
    let is_sum = said.len() == found.len() && said.bytes().all(|byte| byte.is_ascii_hexdigit());
    let differing = said
        .bytes()
        .zip(found.bytes())
        .filter(|(one, other)| one != other);
    !is_sum || differing.count() <= 2
}

pub(super) fn is_other_format(text: &[u8]) -> bool {
    let is_ours = |found| found == claimlake_contract::LANDING_FORMAT;
    !text.starts_with(BEGINNING) && format_of(text).is_ok_and(|found| !is_ours(found))
}

/// Whether a run whose manifest is damaged was imported or extracted, from what is left of it;
/// `None` if nothing shows it.
pub(super) fn origin_in(folder: &Path, text: &[u8]) -> Option<LandingOrigin> {
    let has = |words: &[u8]| memchr::memmem::find(text, words).is_some();
    if has(b"\"origin\":\"import\"") {
        return Some(LandingOrigin::Import);
    }
    if has(b"\"origin\":\"extract\"") {
        return Some(LandingOrigin::Extract);
    }
    let paths = entries(folder).unwrap_or_default();
    let mut names = paths.iter().map(|path| file_name(path));
    let is_import = names.any(|name| name.starts_with("references-"));
    is_import.then_some(LandingOrigin::Import)
}

pub(super) fn place_of(folder: &Path) -> Option<(ApiVersion, ResourceType, RunId)> {
    let value =
        |path: &Path, key| claimlake_contract::partition_value(path, key).map(str::to_owned);
    let resource = folder.parent()?;
    Some((
        value(resource.parent()?, "api")?.parse().ok()?,
        value(resource, "resource")?.parse().ok()?,
        value(folder, "run")?.parse().ok()?,
    ))
}

/// The name, or the first like it that nothing has.
pub(super) fn free_name(path: &Path) -> PathBuf {
    let mut free = path.to_path_buf();
    let mut number = 2;
    while free.symlink_metadata().is_ok() {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-{number}"));
        free = PathBuf::from(name);
        number += 1;
    }
    free
}
