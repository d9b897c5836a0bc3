//! Tests of the access log.

use std::io::Write;

use super::AccessAction;
use crate::grants::tests::{store, vault};
use crate::{ACCESS_LOG_FILE, Vault};

/// A vault with three lines in its log.
fn logged(data: &tempfile::TempDir) -> Vault {
    let vault = vault(data);
    for (patient, action) in [
        ("-2014", AccessAction::Authorized),
        ("7", AccessAction::Imported),
        ("-2014", AccessAction::Pulled),
    ] {
        let token = format!("token of {patient}");
        let handle = store(&vault, patient, &token, 9);
        let grant = vault.grant(&handle).unwrap();
        vault
            .access_log()
            .append("grants import", action, &[&grant])
            .unwrap();
    }
    vault
}

fn path(data: &tempfile::TempDir) -> std::path::PathBuf {
    data.path().join(ACCESS_LOG_FILE)
}

#[test]
fn lines_name_a_person_by_the_same_hash_and_by_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let vault = logged(&data);
    let lines = vault.access_log().lines().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0].grant, lines[2].grant);
    assert_ne!(lines[0].grant, lines[1].grant);
    let text = std::fs::read_to_string(path(&data)).unwrap();
    assert!(!text.contains("2014\"") && !text.contains("token of"));
    let check = vault.access_log().verify().unwrap();
    assert_eq!((check.lines, check.problem), (3, None));
}

type Touch = fn(Vec<String>) -> Vec<String>;

#[test]
fn every_way_of_touching_a_line_is_found() {
    let touched: [(&str, Touch); 5] = [
        ("changed", |lines| {
            lines
                .iter()
                .map(|line| line.replace("imported", "exported"))
                .collect()
        }),
        ("line 2", |mut lines| {
            lines.remove(1);
            lines
        }),
        ("line 1", |mut lines| {
            lines.swap(0, 1);
            lines
        }),
        ("missing at the end", |mut lines| {
            lines.pop();
            lines
        }),
        ("missing at the end", |_| Vec::new()),
    ];
    for (expected, touch) in touched {
        let data = tempfile::tempdir().unwrap();
        let vault = logged(&data);
        let text = std::fs::read_to_string(path(&data)).unwrap();
        let lines = touch(text.lines().map(str::to_owned).collect());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(path(&data), text).unwrap();
        let problem = vault.access_log().verify().unwrap().problem.unwrap();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn a_line_torn_by_a_crash_is_cut_off_by_the_next_one() {
    let data = tempfile::tempdir().unwrap();
    let vault = logged(&data);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(path(&data))
        .unwrap();
    file.write_all(b"{\"line\":4,\"at\":\"20").unwrap();
    let grant = vault.grants().unwrap().remove(0);
    vault
        .access_log()
        .append("token", AccessAction::Lent, &[&grant])
        .unwrap();
    let check = vault.access_log().verify().unwrap();
    assert_eq!((check.lines, check.problem), (4, None));
}

#[test]
fn lines_of_many_threads_form_one_chain() {
    let data = tempfile::tempdir().unwrap();
    let vault = logged(&data);
    let grant = vault.grants().unwrap().remove(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let log = vault.access_log();
                log.append("extract", AccessAction::Pulled, &[&grant, &grant])
                    .unwrap();
            });
        }
    });
    let check = vault.access_log().verify().unwrap();
    assert_eq!((check.lines, check.problem), (3 + 16, None));
}
