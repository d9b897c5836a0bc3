//! Damage in landing: what was extracted is read again, what was imported is imported again.

use std::fs;
use std::path::PathBuf;

use super::damage::{ALL, Damage, files_with};
use super::scene::{Copy, Scene};

/// Files of runs with this origin whose folder has `resource` in it, by run.
fn files(copy: &Copy<'_>, origin: &str, resource: &str, name: &str) -> Vec<PathBuf> {
    let mut found = files_with(&copy.path("landing"), &[resource, name]);
    found.retain(|path| {
        let manifest = fs::read_to_string(path.with_file_name("manifest.json")).unwrap();
        let is_name = path.file_name().unwrap().to_str().unwrap();
        manifest.contains(&format!("\"origin\":\"{origin}\""))
            && (is_name == name || (name.ends_with('-') && is_name.starts_with(name)))
    });
    assert!(!found.is_empty(), "{origin} {resource} {name}");
    found
}

fn paired(files: Vec<PathBuf>, sibling: PathBuf) -> (PathBuf, PathBuf) {
    (files[0].clone(), sibling)
}

#[test]
fn what_was_extracted_is_read_again() {
    let scene = Scene::new();
    for damage in ALL {
        let copy = scene.copy();
        let of = |resource, name| files(&copy, "extract", resource, name);
        let other = |resource, name| of(resource, name)[0].clone();
        let (part, manifest, sum) = ("part-", "manifest.json", "manifest.json.sha256");
        let planted = match damage {
            Damage::Swap => vec![paired(of("Patient", part), other("Coverage", part))],
            _ => vec![
                paired(of("Patient", part), PathBuf::new()),
                paired(of("Coverage", manifest), PathBuf::new()),
                paired(of("ExplanationOfBenefit", sum), PathBuf::new()),
            ],
        };
        let named = planted
            .iter()
            .map(|(file, _)| copy.shown(file.parent().unwrap()));
        let named: Vec<String> = named.collect();
        copy.repaired(damage, &planted, &named);
    }
    // Checksums and manifests that changed places with others.
    for name in ["manifest.json", "manifest.json.sha256"] {
        let copy = scene.copy();
        let of = |resource| files(&copy, "extract", resource, name);
        let planted = [paired(of("Patient"), of("Coverage")[0].clone())];
        let named = copy.shown(planted[0].0.parent().unwrap());
        copy.repaired(Damage::Swap, &planted, &[named]);
    }
}

#[test]
fn what_was_imported_is_imported_again_and_the_damaged_part_is_kept() {
    let scene = Scene::new();
    for damage in ALL {
        let copy = scene.copy();
        let of = |resource, name| files(&copy, "import", resource, name);
        let (part, manifest, sum) = ("part-", "manifest.json", "manifest.json.sha256");
        let references = of("Coverage", "references-");
        let claims = of("ExplanationOfBenefit", part);
        let planted = match damage {
            Damage::Swap => vec![
                paired(references, of("Coverage", part)[0].clone()),
                paired(claims.clone(), claims[1].clone()),
            ],
            _ => vec![
                paired(references, PathBuf::new()),
                paired(of("Patient", manifest), PathBuf::new()),
                paired(claims, PathBuf::new()),
                (of("ExplanationOfBenefit", sum)[1].clone(), PathBuf::new()),
            ],
        };
        let named = planted
            .iter()
            .map(|(file, _)| copy.shown(file.parent().unwrap()));
        let named: Vec<String> = named.collect();
        copy.repaired(damage, &planted, &named);
        assert!(copy.path("landing/damaged").is_dir());
    }
}

#[test]
fn a_run_that_is_gone_is_wanted_again() {
    let scene = Scene::new();
    for (origin, resource) in [("extract", "Coverage"), ("import", "Coverage")] {
        let copy = scene.copy();
        let run = files(&copy, origin, resource, "manifest.json");
        fs::remove_dir_all(run[0].parent().unwrap()).unwrap();
        copy.repaired_by_advice(origin, &["nowhere in landing".to_owned()]);
    }
}

#[test]
fn what_could_not_be_landed_is_kept_readable_and_a_file_that_nothing_names_is_set_aside() {
    let scene = Scene::new();
    for damage in ALL {
        let copy = scene.copy();
        let rejected = files_with(&copy.path("landing"), &["rejected/"])[0].clone();
        let shown = copy.shown(&rejected);
        match damage {
            // What was deleted on purpose is not missed; nor is there a second file to swap with.
            Damage::Delete => copy.is_no_error(damage, &[(rejected, PathBuf::new())]),
            Damage::Swap => {}
            _ => copy.repaired(damage, &[(rejected, PathBuf::new())], &[shown]),
        }
    }
    let copy = scene.copy();
    let run = files(&copy, "import", "Patient", "manifest.json");
    let more = run[0].with_file_name("notes.txt");
    fs::write(&more, "x").unwrap();
    copy.repaired_by_advice("notes", &[copy.shown(&more)]);
    assert!(!more.exists());
}
