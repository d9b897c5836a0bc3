//! `[load] group`: a group that is named can read the lake, or it is said what keeps it out.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::command::{Bench, Ended};
use crate::demo::{demo, of_size};
use crate::files::{files, mode, set_mode};

/// The small demo, with more keys of `[load]`.
fn pipeline(bench: &Bench, load: &str) {
    let demo = of_size(&demo(), 1, 2).replace("[load]\n", &format!("[load]\n{load}\n"));
    bench.write("p.toml", &demo);
}

fn run(bench: &Bench, arguments: &[&str]) -> Ended {
    bench.run(&[&["--pipeline", "p.toml"], arguments].concat())
}

fn own_group(bench: &Bench) -> u32 {
    fs::metadata(bench.path()).unwrap().gid()
}

fn access(bench: &Bench) -> (String, String) {
    let summary = run(bench, &["--json", "doctor"]).summary();
    let checks = summary["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["what"] == "lake: access");
    let text = |key: &str| check.unwrap()[key].as_str().unwrap().to_owned();
    (text("level"), text("words"))
}

#[test]
fn a_group_that_cannot_reach_the_lake_below_the_data_directory_is_refused_with_the_way_on() {
    let bench = Bench::new();
    set_mode(bench.path(), 0o755);
    let group = own_group(&bench);
    for (load, words) in [
        (
            format!("group = '{group}'"),
            "set [load] dir to a folder outside",
        ),
        (
            format!("group = '{group}'\ndir = 'data/demo/tables'"),
            "set [load] dir to a folder outside",
        ),
        (
            "group = 'no-such-group'".to_owned(),
            "no group 'no-such-group'",
        ),
        ("group = ''".to_owned(), "group"),
    ] {
        pipeline(&bench, &load);
        for command in [&["run"][..], &["load"], &["run", "--from", "transform"]] {
            let ended = run(&bench, command);
            assert_eq!(ended.exit, 2, "{load} {command:?}: {}", ended.stderr);
            assert!(
                ended.error_line().contains(words),
                "{load}: {}",
                ended.stderr
            );
        }
        assert!(
            !bench.path().join("data").exists(),
            "nothing was done: {load}"
        );
        let (level, said) = access(&bench);
        assert_eq!(level, "broken", "{load}: {said}");
        assert!(said.contains(words), "{load}: {said}");
    }
}

#[test]
fn a_removal_is_refused_before_it_begins_only_where_the_group_cannot_be_given_files() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path().join("data/demo")).unwrap();
    let forget = |load: &str| {
        pipeline(&bench, load);
        let ended = run(&bench, &["forget", "-1", "--yes", "--offline"]).exits(2);
        ended.error_line().to_owned()
    };
    assert!(forget("group = 'no-such-group'").contains("no group 'no-such-group'"));
    // A lake that the group does not reach is no reason to keep anybody.
    let group = own_group(&bench);
    assert!(forget(&format!("group = '{group}'")).contains("nobody with that id"));
}

#[test]
fn a_lake_that_moves_out_is_read_by_the_group_and_a_folder_above_it_that_blocks_is_named() {
    let bench = Bench::new();
    set_mode(bench.path(), 0o755);
    let group = own_group(&bench);
    pipeline(&bench, "");
    assert_eq!(run(&bench, &["run"]).exit, 0);
    assert_eq!(access(&bench).0, "ok");
    // As the refusal says: the lake moves, the pipeline says where it is.
    let outer = bench.path().join("shared");
    fs::create_dir(&outer).unwrap();
    fs::rename(bench.path().join("data/demo/lake"), outer.join("lake")).unwrap();
    pipeline(&bench, &format!("group = '{group}'\ndir = 'shared/lake'"));
    let loaded = run(&bench, &["run"]).exits(0);
    loaded.says("nothing changed");
    loaded.says("given to the group");
    for path in files(&outer.join("lake/snapshots")) {
        let of_file = (mode(&path), fs::metadata(&path).unwrap().gid());
        assert_eq!(of_file, (0o640, group), "{}", path.display());
    }
    let above = run(&bench, &["load"]).stderr;
    if !above.contains("warning: ") {
        assert_eq!(access(&bench).0, "ok", "{:?}", access(&bench));
        set_mode(&outer, 0o700);
        let (level, said) = access(&bench);
        assert_eq!(level, "broken");
        assert!(said.contains("/shared has mode 700"), "{said}");
        let warned = run(&bench, &["load"]).exits(0);
        warned.says("/shared has mode 700");
        set_mode(&outer, 0o710);
        assert_eq!(access(&bench).0, "ok");
    }
    // The group is taken out again: what it can still read is named, and how to end that.
    pipeline(&bench, "dir = 'shared/lake'");
    let (level, said) = access(&bench);
    assert_eq!(level, "warning", "{said}");
    let (_, advice) = said.split_once("owner's alone, ").unwrap();
    let mut shell = std::process::Command::new("sh");
    Ended::of(shell.args(["-c", advice]).current_dir(bench.path())).exits(0);
    assert_eq!(access(&bench).0, "ok");
    assert_eq!(run(&bench, &["verify"]).exit, 0);
}
