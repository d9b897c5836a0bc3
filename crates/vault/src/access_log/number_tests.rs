//! Tests of line numbers that no log reaches.

use std::fs;

use super::gap_tests::{Scene, append, edit};

#[test]
fn numbers_that_no_log_reaches_are_no_lines_and_no_notes() {
    for number in [(1_u64 << 53) + 1, u64::MAX - 1, u64::MAX] {
        let forged: [fn(&Scene, u64); 4] = [
            |scene, number| {
                edit(scene, 2, |line| {
                    line.replace("\"line\":3", &format!("\"line\":{number}"))
                })
            },
            |scene, number| {
                edit(scene, 1, |line| {
                    let missing =
                        format!("\"missing\":{{\"first\":2,\"last\":{number}}},\"before\"");
                    line.replace("\"before\"", &missing)
                });
            },
            |scene, number| {
                edit(scene, 1, |line| {
                    let missing =
                        format!("\"missing\":{{\"first\":{number},\"last\":2}},\"before\"");
                    line.replace("\"before\"", &missing)
                });
            },
            |scene, number| noted_outside(scene, &format!("{number} {}", "a".repeat(64))),
        ];
        for (which, forge) in forged.into_iter().enumerate() {
            let scene = Scene::new(3);
            forge(&scene, number);
            let is_note = which == 3;
            assert_eq!(scene.problem().is_none(), is_note, "{which}");
            append(&scene.vault());
            append(&scene.vault());
            let problem = scene.problem();
            assert_eq!(problem.is_none(), is_note, "{which}: {problem:?}");
            let last = scene.lines().pop().unwrap();
            let last: super::AccessLine = serde_json::from_str(&last).unwrap();
            assert!(last.line <= 7, "{which}: {}", last.line);
        }
    }
    // The greatest that are taken leave room for what follows.
    for number in [1_u64 << 52, 1 << 53] {
        let scene = Scene::new(3);
        noted_outside(&scene, &format!("{number} {}", "a".repeat(64)));
        for _ in 0..3 {
            append(&scene.vault());
        }
        assert_eq!(scene.lines().len(), if number == 1 << 52 { 7 } else { 6 });
        let _ = scene.problem();
    }
}

fn noted_outside(scene: &Scene, text: &str) {
    let notes = fs::read_dir(scene.config.path().join("access-log")).unwrap();
    for note in notes {
        fs::write(note.unwrap().path(), text).unwrap();
    }
}
