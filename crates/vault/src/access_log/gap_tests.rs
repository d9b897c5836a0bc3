//! Tests of a log that lost lines: it is written on, and the gap is named from then on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claimlake_contract::SystemClock;

use super::log::{GAPS, HEAD};
use super::{AccessAction, MissingLines};
use crate::ACCESS_LOG_FILE;
use crate::grants::tests::store;
use crate::{KeySource, Vault};

pub(super) struct Scene {
    pub(super) data: tempfile::TempDir,
    pub(super) config: tempfile::TempDir,
}

impl Scene {
    /// A data directory with so many lines in its log.
    pub(super) fn new(lines: u64) -> Self {
        let scene = Self {
            data: tempfile::tempdir().unwrap(),
            config: tempfile::tempdir().unwrap(),
        };
        let vault = scene.vault();
        store(&vault, "-2014", "a token", 9);
        for _ in 0..lines {
            append(&vault);
        }
        scene
    }

    pub(super) fn vault(&self) -> Vault {
        let source = KeySource::in_config_dir(self.config.path());
        let vault = Vault::open(self.data.path(), &source, Arc::new(SystemClock)).unwrap();
        vault.noting_outside(Some(self.config.path()))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.data.path().join(ACCESS_LOG_FILE)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let bytes = fs::read(self.log()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(str::to_owned).collect()
    }

    pub(super) fn problem(&self) -> Option<String> {
        let vault = self.vault();
        let problem = vault.access_log().verify().unwrap().problem;
        let brief = vault.access_log().problem_at_the_end().unwrap();
        // The quick look never names what the whole check does not.
        assert!(brief.is_none() || brief == problem, "{brief:?} {problem:?}");
        problem
    }
}

pub(super) fn append(vault: &Vault) {
    let grant = vault.grants().unwrap().remove(0);
    let log = vault.access_log();
    log.append("extract", AccessAction::Pulled, &[&grant])
        .unwrap();
}

fn write(path: &Path, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(path, text).unwrap();
}

type Damage = fn(&Scene);

fn keep(scene: &Scene, count: usize) {
    write(&scene.log(), &scene.lines()[..count]);
}

pub(super) fn edit(scene: &Scene, index: usize, edited: impl Fn(&str) -> String) {
    let mut lines = scene.lines();
    lines[index] = edited(&lines[index]);
    write(&scene.log(), &lines);
}

/// What was done to a log of five lines, and which of them are then missing.
const DAMAGES: &[(&str, Damage, (u64, u64))] = &[
    ("the last line is cut", |scene| keep(scene, 4), (5, 5)),
    ("three lines are cut", |scene| keep(scene, 2), (3, 5)),
    ("the file is emptied", |scene| keep(scene, 0), (1, 5)),
    (
        "the file is removed",
        |scene| fs::remove_file(scene.log()).unwrap(),
        (1, 5),
    ),
    (
        "the last line is cut in its middle",
        |scene| {
            let text = fs::read(scene.log()).unwrap();
            fs::write(scene.log(), &text[..text.len() - 40]).unwrap();
        },
        (5, 5),
    ),
    (
        "the last line says another time",
        |scene| edit(scene, 4, |line| line.replace("\"at\":\"2", "\"at\":\"1")),
        (5, 5),
    ),
    (
        "the last line has another hash",
        |scene| {
            edit(scene, 4, |line| {
                let (before, _) = line.split_once("\"hash\"").unwrap();
                format!("{before}\"hash\":\"{}\"}}", "0".repeat(64))
            })
        },
        (5, 5),
    ),
    (
        "the last line is no JSON",
        |scene| edit(scene, 4, |_| "a remark".into()),
        (5, 5),
    ),
    (
        "the last line is the one before again",
        |scene| {
            let mut lines = scene.lines();
            lines[4] = lines[3].clone();
            write(&scene.log(), &lines);
        },
        (5, 5),
    ),
    (
        "the first lines and the last are cut",
        |scene| write(&scene.log(), &scene.lines()[2..4]),
        (5, 5),
    ),
    (
        "the log is that of another data directory",
        |scene| {
            let other = Scene::new(7);
            fs::copy(other.log(), scene.log()).unwrap();
        },
        (1, 5),
    ),
    (
        "the log is one long line",
        |scene| fs::write(scene.log(), "x".repeat(200_000)).unwrap(),
        (1, 5),
    ),
    (
        "the log is bytes of any kind",
        |scene| fs::write(scene.log(), [0, 255, 10, 13, 10, 200, 7]).unwrap(),
        (1, 5),
    ),
];

#[test]
fn a_log_that_lost_lines_is_written_on_and_never_whole_again() {
    for (name, damage, (first, last)) in DAMAGES {
        let missing = MissingLines {
            first: *first,
            last: *last,
        };
        let named = match first == last {
            true => format!("line {first} is missing"),
            false => format!("lines {first} to {last} are missing"),
        };
        let scene = Scene::new(5);
        assert_eq!(scene.problem(), None);
        damage(&scene);
        assert!(scene.problem().is_some(), "{name}");
        for appended in 1..4 {
            append(&scene.vault());
            let problem = scene.problem().unwrap();
            assert!(problem.contains(&named), "{name}, {appended}: {problem}");
            let check = scene.vault().access_log().verify().unwrap();
            assert_eq!(check.gaps, [missing], "{name}, {appended}");
        }
        // The line that marks the gap is cut, too, with what follows.
        let marker = scene
            .lines()
            .iter()
            .position(|line| line.contains("\"gap\""));
        keep(&scene, marker.unwrap());
        append(&scene.vault());
        let problem = scene.problem().unwrap();
        assert!(problem.contains(&named), "{name}: {problem}");
        let gaps = scene.vault().access_log().verify().unwrap().gaps;
        assert!(
            gaps.len() == 2 && gaps.contains(&missing),
            "{name}: {gaps:?}"
        );
        // And the vault's note alone: the log's own lines still name the later gap.
        let vault = scene.vault();
        vault.set_head(GAPS, "[]").unwrap();
        assert!(scene.problem().is_some(), "{name}");
    }
}

#[test]
fn what_is_wrong_in_the_middle_stays_wrong_and_is_no_gap() {
    let damages: [(&str, Damage); 4] = [
        ("line 3 was changed", |scene| {
            edit(scene, 2, |line| line.replace("extract", "exports"));
        }),
        ("line 6 is no line of the log", |scene| {
            let mut lines = scene.lines();
            lines.push(String::new());
            write(&scene.log(), &lines);
        }),
        ("line 2 is no line of the log", |scene| {
            edit(scene, 1, |_| "{}".into());
        }),
        ("line 2 does not follow", |scene| {
            let mut lines = scene.lines();
            lines.remove(1);
            write(&scene.log(), &lines);
        }),
    ];
    for (named, damage) in damages {
        let scene = Scene::new(5);
        damage(&scene);
        for _ in 0..3 {
            let problem = scene.problem_in_full();
            assert!(problem.starts_with(named), "{problem}");
            assert!(!problem.contains("missing"), "{problem}");
            append(&scene.vault());
        }
    }
}

impl Scene {
    fn problem_in_full(&self) -> String {
        let check = self.vault().access_log().verify().unwrap();
        check.problem.unwrap()
    }
}

#[test]
fn what_a_crash_leaves_is_no_gap() {
    let damages: [(&str, Damage); 5] = [
        ("a torn line", |scene| {
            let mut text = fs::read(scene.log()).unwrap();
            text.extend(b"{\"line\":6,\"at\":\"20");
            fs::write(scene.log(), text).unwrap();
        }),
        ("zeros after a power cut", |scene| {
            let mut text = fs::read(scene.log()).unwrap();
            text.extend([0; 300]);
            fs::write(scene.log(), text).unwrap();
        }),
        ("the last newline is gone", |scene| {
            let text = fs::read_to_string(scene.log()).unwrap();
            fs::write(scene.log(), text.trim_end()).unwrap();
        }),
        ("killed between the lines and the vault's note", |scene| {
            let noted: serde_json::Value = serde_json::from_str(&scene.lines()[2]).unwrap();
            let head = format!("3 {}", noted["hash"].as_str().unwrap());
            scene.vault().set_head(HEAD, &head).unwrap();
        }),
        ("killed before the vault noted anything", |scene| {
            let remove = "DELETE FROM vault_meta WHERE name = 'access_log_head'";
            scene.vault().connection().execute(remove, []).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let scene = Scene::new(5);
        damage(&scene);
        assert_eq!(scene.problem(), None, "{name}");
        append(&scene.vault());
        append(&scene.vault());
        assert_eq!(scene.problem(), None, "{name}");
        assert_eq!(scene.lines().len(), 7, "{name}");
    }
}

#[test]
fn a_kill_between_the_mark_of_a_gap_and_the_vaults_note_makes_no_second_gap() {
    let scene = Scene::new(5);
    let before = scene.vault().head(HEAD).unwrap().unwrap();
    keep(&scene, 3);
    append(&scene.vault());
    scene.vault().set_head(HEAD, &before).unwrap();
    append(&scene.vault());
    let check = scene.vault().access_log().verify().unwrap();
    assert_eq!(check.gaps, [MissingLines { first: 4, last: 5 }]);
    let problem = check.problem.unwrap();
    assert!(
        !problem.contains("follow") && !problem.contains("at the end"),
        "{problem}"
    );
}

#[test]
fn a_kill_after_many_lines_at_once_is_no_gap() {
    let scene = Scene::new(2);
    let before = scene.vault().head(HEAD).unwrap().unwrap();
    let vault = scene.vault();
    let one = vault.grants().unwrap().remove(0);
    let many = vec![&one; 600];
    vault
        .access_log()
        .append("extract", AccessAction::Pulled, &many)
        .unwrap();
    assert!(fs::metadata(scene.log()).unwrap().len() > 2 * super::chain::LONGEST_LINE);
    vault.set_head(HEAD, &before).unwrap();
    append(&vault);
    let check = vault.access_log().verify().unwrap();
    assert_eq!((check.problem, check.lines), (None, 603));
}

#[test]
fn who_appends_and_who_checks_at_once_raise_no_alarm() {
    let scene = Scene::new(1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let vault = scene.vault();
                (0..12).for_each(|_| append(&vault));
            });
        }
        scope.spawn(|| {
            let vault = scene.vault();
            for _ in 0..40 {
                assert_eq!(vault.access_log().verify().unwrap().problem, None);
            }
        });
    });
    let check = scene.vault().access_log().verify().unwrap();
    assert_eq!((check.problem, check.lines), (None, 37));
}

#[test]
fn lines_of_an_earlier_version_are_as_they_were() {
    let scene = Scene::new(2);
    let vault = scene.vault();
    // Such a line had no name of a user.
    let mut line = super::chain::parsed(scene.lines()[0].as_bytes()).unwrap();
    line.user = None;
    line.hash = super::chain::hash(&vault.access_log().key, &line);
    let text = serde_json::to_string(&line).unwrap();
    assert!(
        !text.contains("user") && !text.contains("missing"),
        "{text}"
    );
    write(&scene.log(), &[text]);
    vault.set_head(HEAD, &format!("1 {}", line.hash)).unwrap();
    fs::remove_dir_all(scene.config.path().join("access-log")).unwrap();
    append(&vault);
    assert_eq!(scene.problem(), None);
    assert_eq!(scene.lines().len(), 2);
}
