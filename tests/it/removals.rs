//! Removals that were killed: what is half removed is in nobody's way, and nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Bench, Ended, a_patient};
use crate::files::{copy_folder, files, only};
use crate::lake_rows;

/// A data directory `base` whose first patient is loaded, and whose staged run of then is kept.
struct Scene {
    bench: Bench,
    run: PathBuf,
}

impl Scene {
    /// `before_loading` sees the data directory with what is staged.
    fn new() -> Self {
        let bench = Bench::new();
        import(&bench, "base", "-1");
        bench.done(&["--data", "base", "transform"]);
        let run = only(&bench.path().join("base/staged"));
        let name = PathBuf::from(run.file_name().unwrap());
        copy_folder(&run, &bench.path().join("staged"));
        copy_folder(&bench.path().join("base"), &bench.path().join("waiting"));
        bench.done(&["--data", "base", "load"]);
        Self { bench, run: name }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.bench.path().join(path)
    }

    fn copy(&self, of: &str, to: &str) {
        copy_folder(&self.at(of), &self.at(to));
    }

    /// A second patient comes: `run` ends well, and the lake has both.
    fn goes_on(&self, data: &str, why: &str) {
        import(&self.bench, data, "-2");
        let ran = self
            .bench
            .run(&["--data", data, "run", "--from", "transform"]);
        assert_eq!(ran.exit, 0, "{why}: {}", ran.stderr);
        self.has(data, 2, why);
    }

    fn has(&self, data: &str, patients: usize, why: &str) {
        assert_eq!(patients_in(&self.at(data)), patients, "{why}");
        let verified = self.bench.run(&["--data", data, "verify"]);
        assert_eq!(verified.exit, 0, "{why}: {}", verified.stderr);
        for zone in ["", "staged", "transformed"] {
            let left = hidden(&self.at(data).join(zone));
            assert!(left.is_empty(), "{why}: {left:?}");
        }
        let staged = fs::read_dir(self.at(data).join("staged")).unwrap();
        assert_eq!(staged.count(), 0, "{why}: left in staged");
    }

    fn killed_at(&self, place: &str, arguments: &[&str]) {
        let mut command = self.bench.command(arguments);
        Ended::of(command.env("CLAIMLAKE_CRASH_AT", place)).was_killed();
    }
}

fn import(bench: &Bench, data: &str, id: &str) {
    bench.import(data, "patient.ndjson", &a_patient(id));
}

fn patients_in(data: &Path) -> usize {
    lake_rows::rows_below(&data.join("lake/current/patient")).len()
}

/// What is being removed.
fn hidden(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.display().to_string().contains(".removing"))
        .collect()
}

/// The states that a removal of the folder goes through, one after the other: how many files are
/// gone, from either end of the list, the first and the last ones and some between.
fn states(folder: &Path) -> Vec<(bool, usize)> {
    let count = files(folder).len();
    assert!(count > 8, "{count} files");
    let positions = [1, 2, count / 3, 2 * count / 3, count - 2, count - 1, count];
    [false, true]
        .into_iter()
        .flat_map(|back| positions.map(|gone| (back, gone)))
        .collect()
}

fn half_remove(folder: &Path, (back, gone): (bool, usize)) {
    let mut found = files(folder);
    if back {
        found.reverse();
    }
    for file in found.into_iter().take(gone) {
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_loaded_run_that_is_half_removed_is_not_in_the_way() {
    let scene = Scene::new();
    a_half_removed_run_is_not_in_the_way(&scene, "base");
}

/// The staged run half removed, in every state, beside what is in the data directory `beside`.
fn a_half_removed_run_is_not_in_the_way(scene: &Scene, beside: &str) {
    for state in states(&scene.at("staged")) {
        let why = format!("{state:?}");
        scene.copy(beside, "d");
        let staged = scene.at("d/staged").join(&scene.run);
        copy_folder(&scene.at("staged"), &staged);
        half_remove(&staged, state);
        let load = scene.bench.run(&["--data", "d", "load"]);
        assert_eq!(load.exit, 0, "{why}: {}", load.stderr);
        scene.goes_on("d", &why);
        fs::remove_dir_all(scene.at("d")).unwrap();
    }
}

#[test]
fn a_run_that_was_never_loaded_and_lacks_files_is_made_again() {
    let scene = Scene::new();
    for state in states(&scene.at("staged")) {
        let why = format!("{state:?}");
        // The advice is followed for the first states, where `load` has something to say.
        for followed in [false, true] {
            if followed && state.1 > 2 {
                continue;
            }
            scene.copy("waiting", "d");
            half_remove(&scene.at("d/staged").join(&scene.run), state);
            if followed {
                let load = scene.bench.run(&["--data", "d", "load"]);
                if load.exit != 0 {
                    let error = load.error_line();
                    assert!(
                        error.ends_with("run `transform --full`, then `load`"),
                        "{error}"
                    );
                }
                scene.bench.done(&["--data", "d", "transform", "--full"]);
                scene.bench.done(&["--data", "d", "load"]);
                scene.has("d", 1, &why);
            }
            scene.goes_on("d", &why);
            fs::remove_dir_all(scene.at("d")).unwrap();
        }
    }
}

#[test]
fn a_run_that_another_has_replaced_and_that_is_half_removed_is_not_in_the_way() {
    let scene = Scene::new();
    scene.copy("waiting", "full");
    scene.bench.done(&["--data", "full", "transform", "--full"]);
    a_half_removed_run_is_not_in_the_way(&scene, "full");
}

#[test]
fn a_record_that_is_half_removed_is_none() {
    let scene = Scene::new();
    let record = Path::new("transformed").join(&scene.run);
    let kept = files(&scene.at("base").join(&record));
    assert_eq!(kept.len(), 5);
    for back in [false, true] {
        for gone in 1..=kept.len() {
            let why = format!("{back} {gone}");
            scene.copy("base", "d");
            half_remove(&scene.at("d").join(&record), (back, gone));
            for reader in ["status", "verify", "load"] {
                let read = scene.bench.run(&["--data", "d", reader]);
                assert_eq!(read.exit, 0, "{why}, {reader}: {}", read.stderr);
            }
            scene.goes_on("d", &why);
            fs::remove_dir_all(scene.at("d")).unwrap();
        }
    }
}

#[test]
fn a_load_or_transform_killed_while_it_removes_is_finished_by_the_next() {
    let scene = Scene::new();
    for (command, rest) in [("load", &[][..]), ("transform", &["--full"])] {
        scene.copy("waiting", "d");
        let arguments = [&["--data", "d", command], rest].concat();
        scene.killed_at("set-aside", &arguments);
        let left = hidden(&scene.at("d/staged"));
        assert_eq!(left.len(), 1, "{command}: {left:?}");
        // The kill may as well have come later.
        half_remove(&left[0], (false, 3));
        scene.goes_on("d", command);
        fs::remove_dir_all(scene.at("d")).unwrap();
    }
}

#[test]
fn a_rollback_killed_before_the_records_are_forgotten_loses_nothing() {
    let scene = Scene::new();
    import(&scene.bench, "base", "-3");
    scene
        .bench
        .done(&["--data", "base", "run", "--from", "transform"]);
    for place in ["rolled-back", "set-aside"] {
        scene.copy("base", "d");
        scene.killed_at(place, &["--data", "d", "snapshots", "rollback", "1"]);
        scene.bench.done(&["--data", "d", "transform"]);
        scene.bench.done(&["--data", "d", "load", "--unpin"]);
        scene.has("d", 2, place);
        fs::remove_dir_all(scene.at("d")).unwrap();
    }
}
