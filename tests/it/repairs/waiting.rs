//! Damage in staged runs, and in what is on record of loaded ones.

use std::path::PathBuf;

use super::damage::{ALL, Damage, files_with};
use super::scene::{Copy, Scene};

/// The file of a kind in each staged run, or in each record.
fn files(copy: &Copy<'_>, zone: &str, words: &[&str]) -> Vec<PathBuf> {
    files_with(&copy.path(zone), words)
}

#[test]
fn what_is_staged_is_made_again() {
    let scene = Scene::new();
    // Each kind of file in a staged run of its own: all are damaged at once.
    let kinds: [&[&str]; 5] = [
        &["/eob/"],
        &["/_keys/"],
        &["/manifest.json"],
        &["/rejects.ndjson"],
        &["/unread.json"],
    ];
    for damage in ALL {
        let mut copy = scene.copy();
        for day in 1..=kinds.len() {
            copy.import_line(&copy.claim_of(&format!("2027-02-0{day}T00:00:00Z")));
            copy.done(&["transform"]);
        }
        let loaded = loaded(&scene, kinds.len());
        copy.expect_as_in(&loaded);
        let mut planted = Vec::new();
        for (number, words) in kinds.iter().enumerate() {
            let of_kind = files(&copy, "staged", words);
            let file = of_kind[number].clone();
            let sibling = match (damage, number) {
                (Damage::Swap, 0) => files(&copy, "staged", &["/eob_item/"])[number].clone(),
                (Damage::Swap, 3) => files(&copy, "staged", &["/unread.json"])[number].clone(),
                (Damage::Swap, 4) => files(&copy, "staged", &["/eob_item/"])[number].clone(),
                (Damage::Swap, 1 | 2) => of_kind[(number + 2) % kinds.len()].clone(),
                _ => PathBuf::new(),
            };
            planted.push((file, sibling));
        }
        let gone = |file: &PathBuf| damage == Damage::Delete && file.ends_with("manifest.json");
        let named: Vec<String> = planted
            .iter()
            // Without a manifest it is none, and what it was about is staged again.
            .filter(|(file, _)| !gone(file))
            .map(|(file, _)| copy.shown(file))
            .collect();
        copy.repaired(damage, &planted, &named);
    }
}

/// The same bodies, staged in one run and loaded.
fn loaded(scene: &Scene, days: usize) -> Copy<'_> {
    let copy = scene.copy();
    for day in 1..=days {
        copy.import_line(&copy.claim_of(&format!("2027-02-0{day}T00:00:00Z")));
    }
    copy.done(&["transform"]);
    copy.done(&["load"]);
    copy
}

#[test]
fn the_record_of_a_loaded_run_is_made_again_and_what_outlived_its_use_may_go() {
    let scene = Scene::new();
    for damage in ALL {
        let copy = scene.copy();
        let of = |name| files(&copy, "transformed", &[name]);
        let (manifests, unread) = (of("/manifest.json"), of("/unread.json"));
        let (rejects, numbers) = (of("/rejects.ndjson"), of("/snapshot"));
        let mut planted = vec![
            (manifests[0].clone(), manifests[1].clone()),
            (rejects[2].clone(), unread[2].clone()),
        ];
        if damage != Damage::Swap {
            planted.push((unread[1].clone(), PathBuf::new()));
        }
        if damage == Damage::Delete {
            copy.is_no_error(damage, &planted);
            let copy = scene.copy();
            let number = files(&copy, "transformed", &["/snapshot"])[0].clone();
            copy.is_no_error(damage, &[(number, PathBuf::new())]);
            continue;
        }
        let named: Vec<String> = planted.iter().map(|(file, _)| copy.shown(file)).collect();
        copy.repaired(damage, &planted, &named);

        let copy = scene.copy();
        let here = |path: &PathBuf| {
            let name = path.parent().unwrap().file_name().unwrap();
            copy.path("transformed").join(name).join("snapshot")
        };
        let planted = [(here(&numbers[0]), here(&numbers[1]))];
        if damage == Damage::Truncate {
            // One digit: cut, it is empty, as below.
            continue;
        }
        copy.repaired(damage, &planted, &[copy.shown(&planted[0].0)]);
    }
}
