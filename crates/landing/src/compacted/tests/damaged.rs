//! Damage in a folder of several runs costs what it would cost in a folder of one.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use claimlake_contract::splitmix64::SplitMix64;

use super::super::leftovers::remove_leftovers;
use super::mixed;
use crate::folder::{entries, file_name};
use crate::test_zone::Zone;
use crate::{SetAside, landing_runs, sealed_runs, set_aside_damaged};

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let (file, mut byte) = (file.unwrap(), [0]);
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[!byte[0]], at).unwrap();
}

impl Zone {
    /// Damages a byte of the part of this number, wherever it lies.
    pub(super) fn damage(&self, part: usize, byte: u64) {
        let runs = sealed_runs(&self.layout).unwrap();
        let parts = runs.iter().flat_map(|run| run.parts().collect::<Vec<_>>());
        let parts: Vec<_> = parts.collect();
        let part = &parts[part % parts.len()];
        flip(&part.path, part.slice.begins() + byte % part.part.bytes);
    }

    pub(super) fn repair(&self) -> Vec<SetAside> {
        set_aside_damaged(&self.layout, &|_, _| true, &|_| true).unwrap()
    }
}

#[test]
fn a_damaged_part_is_set_aside_alone() {
    for part in [0, 4, 13, 26] {
        let (zone, never_joined) = (mixed(), mixed());
        zone.compact();
        remove_leftovers(&zone.layout).unwrap();
        for one in [&zone, &never_joined] {
            one.damage(part, 40);
        }
        let set_aside = zone.repair();
        assert_eq!(set_aside, never_joined.repair());
        assert_eq!(set_aside.len(), 1);
        assert_eq!(zone.seen(), never_joined.seen());
        zone.is_tidy();
        zone.compact();
        zone.is_tidy();
        assert_eq!(zone.seen(), never_joined.seen());
    }
}

#[test]
fn a_repair_leaves_whole_folders_joined() {
    let zone = mixed();
    zone.compact();
    remove_leftovers(&zone.layout).unwrap();
    let folders = zone.folders();
    assert_eq!(zone.repair(), []);
    assert_eq!(zone.folders(), folders);
}

#[test]
fn a_damaged_folder_is_left_out_and_the_others_are_joined() {
    let zone = Zone::new();
    for number in 1..=10 {
        zone.night(number);
    }
    let damaged = sealed_runs(&zone.layout).unwrap()[3].folder.clone();
    zone.damage(3, 20);
    assert_eq!(zone.compact(), 9);
    remove_leftovers(&zone.layout).unwrap();
    assert_eq!(zone.folders().len(), 2);
    assert!(zone.folders().contains(&damaged));
}

#[test]
fn a_manifest_that_was_edited_is_not_taken_for_the_sealed_one() {
    let zone = Zone::new();
    for number in 1..=10 {
        zone.night(number);
    }
    let edited = sealed_runs(&zone.layout).unwrap()[5].folder.clone();
    let path = edited.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"pages\":1", "\"pages\":2")).unwrap();
    assert_eq!(zone.compact(), 9);
    remove_leftovers(&zone.layout).unwrap();
    assert!(zone.folders().contains(&edited));
}

#[test]
fn one_manifest_that_cannot_be_read_costs_one_run() {
    let zone = mixed();
    zone.compact();
    remove_leftovers(&zone.layout).unwrap();
    let mut rest = zone.seen();
    let compacted = landing_runs(&zone.layout).unwrap().compacted;
    let claims = &compacted[0];
    let file = claims.folder.join(&claims.manifest.manifests.file);
    let run = &claims.runs()[2];
    flip(&file, run.manifest.offset + run.manifest.length / 2);
    let runs = landing_runs(&zone.layout).unwrap();
    assert_eq!((runs.sealed.len(), runs.damaged.len()), (26, 1));
    let name = format!("run={}", run.run);
    let shown = runs.damaged[0].path.parent().map(file_name);
    assert_eq!(shown, Some(name.as_str()));

    let set_aside = zone.repair();
    assert_eq!(set_aside.len(), 1);
    let place = &set_aside[0].place;
    assert!(place.ends_with(&name), "{place}");
    let data = zone.layout.root().parent().unwrap();
    let kept = entries(&data.join(&set_aside[0].kept_in)).unwrap();
    let mut kept = kept.iter().map(|path| file_name(path));
    assert!(kept.any(|name| name == "part-00000.ndjson.zst"));
    let of = (claims.manifest.resource.clone(), run.run.clone());
    rest.retain(|(manifest, _)| (manifest.resource.clone(), manifest.run.clone()) != of);
    assert_eq!(zone.seen(), rest);
}

#[test]
fn a_byte_flipped_anywhere_is_found_and_repaired_without_losing_other_runs() {
    let mut random = SplitMix64::new(18);
    for _ in 0..40 {
        let zone = mixed();
        zone.compact();
        remove_leftovers(&zone.layout).unwrap();
        let before = zone.seen();
        let folders = zone.folders();
        let folder = &folders[random.below(folders.len() as u64) as usize];
        let files = entries(folder).unwrap();
        let file = &files[random.below(files.len() as u64) as usize];
        let at = random.below(file.metadata().unwrap().len());
        flip(file, at);
        let set_aside = zone.repair();
        let seen = zone.seen();
        let lost = before.iter().filter(|run| !seen.contains(run)).count();
        let name = file_name(file);
        // Without the manifest of the folder, nobody knows what is where.
        let most = if name == "manifest.json" { 9 } else { 1 };
        assert!(lost <= most, "{name}, byte {at}: {lost} lost");
        assert!(lost == 0 || !set_aside.is_empty(), "{name}, byte {at}");
        zone.is_tidy();
        assert_eq!(zone.repair(), []);
    }
}
