//! `--quiet`: silence where all is well, else one line with the numbers and the command to run next.

use std::fs;

use crate::command::{Bench, Ended, a_patient, repository};
use crate::files::{files, set_mode};
use crate::servers::{Sandbox, post};

/// The one line on stderr.
fn only_line(ended: &Ended) -> &str {
    let lines: Vec<&str> = ended.stderr.lines().collect();
    match lines.as_slice() {
        [line] => line,
        _ => panic!("one line is expected: {:?}", ended.stderr),
    }
}

fn assert_says(ended: &Ended, exit: i32, words: &[&str]) {
    assert_eq!(ended.exit, exit, "{}", ended.stderr);
    let line = only_line(ended);
    for words in words {
        assert!(line.contains(words), "{words}: {line}");
    }
}

#[test]
fn a_night_without_trouble_is_silent() {
    let bench = Bench::new();
    let small = [
        ("CLAIMLAKE_SOURCE_PATIENTS", "2"),
        ("CLAIMLAKE_SOURCE_EOBS", "3"),
    ];
    for _ in 0..2 {
        let ended = Ended::of(bench.command(&["--quiet", "run"]).envs(small));
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""));
        assert_eq!(ended.stdout, "");
    }
    assert_eq!(bench.done(&["-q", "verify"]).stderr, "");
}

#[test]
fn rejects_beyond_the_share_are_counted_with_where_they_are_explained() {
    let bench = Bench::new();
    bench.write("some.ndjson", &(a_patient("-1") + "no json\nneither\n"));
    let ended = bench.run(&["-q", "--data", "d", "import", "--api", "v2", "some.ndjson"]);
    assert_says(
        &ended,
        3,
        &["2 of 3 records", "zstd -dc d/landing/rejected/run="],
    );
    // The advice is a command that works.
    let advice = only_line(&ended).rsplit_once(": ").unwrap().1.to_owned();
    let mut shell = std::process::Command::new("sh");
    let shown = Ended::of(shell.args(["-c", &advice]).current_dir(bench.path()));
    if shown.exit != 127 {
        assert!(
            shown.stdout.contains("neither"),
            "{advice}: {}",
            shown.stderr
        );
    }
    // Only its content says that it is none.
    bench.write("table.csv", "a,b\n1,2\n");
    let ended = bench
        .run(&["-q", "--data", "d", "import", "--api", "v2", "table.csv"])
        .exits(3);
    only_line(&ended);
}

#[test]
fn a_damaged_part_is_named_by_run_and_verify_says_what_it_found() {
    let bench = Bench::new();
    bench.write("one.ndjson", &a_patient("-1"));
    bench.done(&["import", "--api", "v2", "one.ndjson"]);
    let manifest = found(&bench, "data/demo/landing", |_| true);
    fs::write(&manifest, "{}").unwrap();
    bench.write("two.ndjson", &a_patient("-2"));
    bench.done(&["import", "--api", "v2", "two.ndjson"]);
    let ended = bench.run(&["-q", "run", "--from", "transform"]);
    assert_says(
        &ended,
        3,
        &[
            "run ended with 3: 1 run of landing damaged",
            "claimlake verify",
        ],
    );
    let verified = bench.run(&["-q", "verify"]).exits(1);
    let lines: Vec<&str> = verified.stderr.lines().collect();
    let wrong = lines.iter().filter(|line| line.contains("WRONG")).count();
    assert!(wrong > 0, "{}", verified.stderr);
    verified.says("manifest.json");
    assert!(!verified.stderr.contains("  ok "), "{}", verified.stderr);
    assert!(
        lines.last().unwrap().contains("verify ended with 1"),
        "{}",
        verified.stderr
    );
}

#[test]
fn every_command_that_ends_otherwise_says_so_in_one_line() {
    let bench = Bench::new();
    bench.write("one.ndjson", &a_patient("-1"));
    bench.write("view.json", "{\"resource\":\"Patient\"}");
    bench.write("p.toml", "name = 'p'\n");
    bench.done(&["import", "--api", "v2", "one.ndjson"]);
    for (arguments, exit, words) in [
        (&["-q", "--pipeline", "p.toml", "run"][..], 2, "p.toml"),
        (&["-q", "--data", "no", "verify"], 2, "--data"),
        (&["-q", "forget", "nobody", "--yes"], 2, "grants list"),
        (&["-q", "snapshots", "rollback", "7"], 1, "no snapshot 7"),
        (&["-q", "load", "--rebuild"], 0, ""),
        (
            &["-q", "load", "--staged-parquet", "no"],
            2,
            "--staged-parquet",
        ),
        (&["-q", "view", "view.json", "one.ndjson"], 2, "select"),
        (&["-q", "import", "nothing.ndjson"], 2, "nothing.ndjson"),
        (&["-q", "token", "nobody"], 2, "grants list"),
        (&["-q", "rn"], 2, "transform"),
        (&["--quiet", "run", "--bogus"], 2, "--bogus"),
        (&["-q", "run", "--from", "nowhere"], 2, "transform"),
        (&["-q"], 2, "help"),
    ] {
        let ended = bench.run(arguments).exits(exit);
        match exit {
            0 => assert_eq!(ended.stderr, "", "{arguments:?}"),
            _ => assert!(
                only_line(&ended).contains(words),
                "{arguments:?}: {}",
                ended.stderr
            ),
        }
    }
}

#[test]
fn ended_and_parked_grants_are_counted_and_all_codes_are_in_the_line() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "3", "--eobs", "2"]);
    for _ in 0..3 {
        sandbox.consent(&bench);
    }
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    post(
        &sandbox,
        "/_sandbox/grant",
        r#"{"login":"BBUser00000","action":"delete"}"#,
    );
    let ended = run(&["-q", "run"]);
    assert_says(
        &ended,
        4,
        &[
            "run ended with 4: 1 grant needs a person",
            "claimlake --pipeline blue_button --data d grants list --state needs-consent",
        ],
    );
    post(
        &sandbox,
        "/_sandbox/faults",
        r#"["429:retry-after=day,only=eob"]"#,
    );
    assert_says(
        &run(&["-q", "extract", "--full"]),
        5,
        &["extract ended with 5, 4: 2 patients parked"],
    );
    // All three: one consent is over, the others are parked, landing is damaged.
    bench.write("one.ndjson", &a_patient("-1"));
    assert_eq!(run(&["import", "--api", "v2", "one.ndjson"]).exit, 0);
    let imported = found(&bench, "d/landing", |text| text.contains("\"import\""));
    fs::write(imported, "{}").unwrap();
    let ended = run(&["-q", "--json", "run"]);
    assert_says(
        &ended,
        5,
        &[
            "run ended with 5, 4, 3: 2 patients parked",
            "; 1 grant needs a person",
            "; 1 run of landing damaged",
        ],
    );
    let alarms = ended.summary()["alarms"].clone();
    let codes: Vec<u64> = alarms
        .as_array()
        .unwrap()
        .iter()
        .map(|alarm| alarm["exit"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [5, 4, 3]);
}

#[test]
fn patients_that_could_not_be_read_are_counted_with_the_reason() {
    let bench = Bench::new();
    let arguments = ["--patients", "1", "--eobs", "5", "--fault", "html"];
    let sandbox = Sandbox::start(&bench, &arguments);
    sandbox.consent(&bench);
    let ended = sandbox.run(&bench, &["-q", "run"]);
    let next = "claimlake --pipeline blue_button --data d extract";
    assert_says(
        &ended,
        1,
        &["error: run ended with 1: 1 of 1 patient", next],
    );
}

#[test]
fn doctor_names_what_is_broken_and_a_touched_access_log_is_one_line() {
    let bench = Bench::new();
    let data = bench.path().join("data/demo");
    fs::create_dir_all(&data).unwrap();
    set_mode(&data, 0o755);
    let broken = bench.run(&["-q", "doctor"]);
    assert_says(
        &broken,
        1,
        &["doctor ended with 1: 1 broken: privacy (", "chmod 700"],
    );
    assert!(
        broken.stdout.contains("broken   privacy"),
        "what it looked at is its data"
    );
    let small = [
        ("CLAIMLAKE_SOURCE_PATIENTS", "1"),
        ("CLAIMLAKE_SOURCE_EOBS", "1"),
    ];
    Ended::of(bench.command(&["-q", "run"]).envs(small)).exits(0);
    fs::write(data.join("access.log"), "").unwrap();
    assert_says(
        &bench.run(&["-q", "access-log", "verify"]),
        1,
        &["access log"],
    );
}

/// The first manifest below a folder with such a text.
fn found(bench: &Bench, below: &str, fits: fn(&str) -> bool) -> std::path::PathBuf {
    let files = files(&bench.path().join(below)).into_iter();
    let mut manifests = files.filter(|path| path.ends_with("manifest.json"));
    let found = manifests.find(|path| fits(&fs::read_to_string(path).unwrap()));
    found.unwrap_or_else(|| panic!("no such manifest below {below}"))
}

#[test]
fn the_unit_and_the_crontab_of_the_docs_hide_no_code() {
    let page = fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    let directive = page
        .lines()
        .find(|line| line.starts_with("SuccessExitStatus="));
    assert_eq!(
        directive, None,
        "4 must fail the unit, and 5 comes before it"
    );
    assert!(page.contains("OnFailure="));
    let cron = page
        .lines()
        .find(|line| line.contains("claimlake --quiet run"));
    assert!(cron.is_some());
}
