//! A removal where something is damaged: neither keeps the other from its end.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Ended;
use crate::files::files;
use crate::forget::scene::{DATA, Scene, command, done};

/// Inverts a byte in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(path, bytes).unwrap();
}

fn first(folder: &Path, part: &str) -> PathBuf {
    let mut files = files(folder).into_iter();
    let is_meant = |path: &PathBuf| path.to_string_lossy().contains(part);
    files.find(is_meant).unwrap()
}

fn forget(scene: &Scene, data: &str) -> Ended {
    command(
        &scene.bench,
        data,
        &["forget", "--yes", "--offline", &scene.patient],
    )
}

/// Runs the commands that `verify` prints, as they are; their exit codes.
fn repair(scene: &Scene, data: &str) -> Vec<i32> {
    let verified = command(&scene.bench, data, &["--json", "verify"]).exits(1);
    let summary = verified.summary();
    let commands = summary["verify"]["repair"].as_array().unwrap();
    let run = |command: &str| {
        let command = command.strip_prefix("claimlake ").unwrap();
        let ended = scene.bench.run(&command.split(' ').collect::<Vec<_>>());
        ended.exit
    };
    commands
        .iter()
        .map(|command| run(command.as_str().unwrap()))
        .collect()
}

/// The scene has more rejects than are allowed.
fn are_done(exits: &[i32]) -> bool {
    exits.iter().all(|exit| [0, 3].contains(exit))
}

fn nothing_is_left(scene: &Scene, data: &str) {
    assert_eq!(scene.traces(data), [""; 0]);
    done(&scene.bench, data, &["verify"]);
    let status = done(&scene.bench, data, &["--json", "status"]).summary();
    assert_eq!(status["removals"]["open"], 0);
}

#[test]
fn a_removal_that_a_damaged_lake_keeps_from_its_end_ends_with_the_repair() {
    let scene = Scene::new();
    done(&scene.bench, DATA, &["load"]);
    let before = scene.rows_of_others(DATA);
    for (number, part) in ["/patient/", "/keys/keys.arrow", "/manifest.json"]
        .into_iter()
        .enumerate()
    {
        let data = format!("d{number}");
        scene.copy(&data);
        let current = scene
            .data(&data)
            .join("lake/current")
            .canonicalize()
            .unwrap();
        flip(&first(&current, part));
        let refused = forget(&scene, &data);
        assert_eq!(refused.exit, 1, "{part}: {}", refused.stderr);
        // Nothing else is published while it is open.
        for refused in [&["run", "--from", "transform"][..], &["load"]] {
            let refused = command(&scene.bench, &data, refused);
            assert_eq!(refused.exit, 1, "{part}: {}", refused.stderr);
        }
        let exits = repair(&scene, &data);
        assert!(are_done(&exits), "{part}: {exits:?}");
        // Whether it had begun or not.
        let again = forget(&scene, &data);
        assert_eq!(again.exit, 0, "{part}: {}", again.stderr);
        nothing_is_left(&scene, &data);
        assert_eq!(scene.rows_of_others(&data), before, "{part}");
    }
}

#[test]
fn damaged_landing_is_repaired_before_anybody_is_forgotten() {
    let scene = Scene::new();
    done(&scene.bench, DATA, &["load"]);
    let landing = "landing/api=v2/resource=Coverage";
    for (number, damage) in ["flipped", "missing", "no manifest"]
        .into_iter()
        .enumerate()
    {
        let data = format!("d{number}");
        scene.copy(&data);
        let part = first(&scene.data(&data).join(landing), "/part-");
        match damage {
            "missing" => fs::remove_file(&part).unwrap(),
            "no manifest" => fs::remove_file(part.with_file_name("manifest.json")).unwrap(),
            _ => flip(&part),
        }
        let refused = forget(&scene, &data);
        assert_eq!(refused.exit, 1, "{damage}: {}", refused.stderr);
        let line = refused.error_line();
        assert!(line.contains("nothing was removed"), "{damage}: {line}");
        assert!(line.contains(landing), "{damage}: {line}");
        let status = done(&scene.bench, &data, &["--json", "status"]).summary();
        assert_eq!(status["removals"]["open"], 0, "{damage}");
        let exits = repair(&scene, &data);
        assert!(are_done(&exits), "{damage}: {exits:?}");
        done(
            &scene.bench,
            &data,
            &["forget", "--yes", "--offline", &scene.patient],
        );
        nothing_is_left(&scene, &data);
    }
}
