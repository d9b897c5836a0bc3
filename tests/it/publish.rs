//! A lake at another place: a folder that other programs read.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::Value;

use crate::command::Bench;
use crate::files::names_below;
use crate::forget::scene::{DATA, command, done};

/// A bench with a small lake.
pub(crate) fn with_lake() -> Bench {
    let bench = Bench::new();
    bench.write("small.toml", &crate::demo::pipeline("v2"));
    done(&bench, DATA, &["run"]);
    bench
}

pub(crate) fn url(bench: &Bench, name: &str) -> String {
    format!("file://{}", bench.path().join(name).display())
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn a_patient_of(bench: &Bench) -> String {
    let listed = done(bench, DATA, &["grants", "list"]).stdout;
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    first["patient"].as_str().unwrap().to_owned()
}

#[test]
fn the_lake_is_published_with_all_its_files_and_once() {
    let bench = with_lake();
    let target = url(&bench, "shared/lake");
    let first = done(&bench, DATA, &["--json", "publish", &target]).summary()["publish"].clone();
    assert_eq!(
        (&first["changed"], &first["sequence"]),
        (&true.into(), &1.into())
    );
    let state = json(&bench.path().join("shared/lake/snapshots/1.json"));
    let manifest = json(&bench.path().join(DATA).join("lake/current/manifest.json"));
    let files = |tables: &Value| {
        let tables = tables.as_array().unwrap().iter();
        let files = tables.flat_map(|table| table["files"].as_array().unwrap());
        let mut files: Vec<String> = files
            .map(|file| format!("{} {} {}", file["path"], file["sha256"], file["rows"]))
            .collect();
        files.sort();
        files
    };
    assert_eq!(files(&state["tables"]), files(&manifest["tables"]));
    assert_eq!(first["sent_files"], files(&state["tables"]).len());
    assert_eq!(state["local"]["snapshot"], manifest["snapshot"]);
    let recorded = json(&bench.path().join(DATA).join("publish.json"));
    assert_eq!(recorded["lake"], state["lake"]);
    let mode = |path: &str| fs::metadata(bench.path().join(path)).unwrap().mode() & 0o777;
    assert_eq!(mode(&format!("{DATA}/publish.json")), 0o600);
    assert_eq!(mode("shared/lake"), 0o700);
    // The columns say what they contain, in the views' words.
    let log = fs::read_to_string(
        bench
            .path()
            .join("shared/lake/claim/_delta_log/00000000000000000000.json"),
    );
    assert!(log.unwrap().contains(r#"\"comment\":"#));

    let before = names_below(&bench.path().join("shared"));
    let again = done(&bench, DATA, &["--json", "publish", &format!("{target}/")]).summary();
    assert_eq!(again["publish"]["changed"], false);
    assert_eq!(names_below(&bench.path().join("shared")), before);
    done(&bench, DATA, &["status"]).prints("as state 1");
    let shown = done(&bench, DATA, &["access-log", "show"]).stdout;
    assert!(shown.contains("publish"), "{shown}");
}

#[test]
fn what_cannot_be_a_target_is_refused_with_what_to_do() {
    let bench = with_lake();
    fs::create_dir(bench.path().join("full")).unwrap();
    fs::write(bench.path().join("full/notes.txt"), "mine").unwrap();
    for (target, exit, words) in [
        (url(&bench, "full"), 1, "not empty"),
        (
            url(&bench, &format!("{DATA}/lake/x")),
            2,
            "folder of its own",
        ),
        (url(&bench, ""), 2, "folder of its own"),
        ("shared".to_owned(), 2, "not a URL"),
        ("s3://KEY:HIDDEN@bucket/lake".to_owned(), 2, "credentials"),
        ("az://files/lake".to_owned(), 2, "AZURE_STORAGE_ACCOUNT"),
    ] {
        let refused = command(&bench, DATA, &["publish", &target]).exits(exit);
        refused.fails_with(words);
        assert!(!refused.stderr.contains("HIDDEN"), "{}", refused.stderr);
    }
    assert!(!bench.path().join(DATA).join("publish.json").exists());
    let empty = Bench::new();
    empty.write("small.toml", &crate::demo::pipeline("v2"));
    command(&empty, DATA, &["publish", &url(&empty, "t")]).exits(2);

    // Another data directory has another lake.
    let target = url(&bench, "shared");
    done(&bench, DATA, &["publish", &target]);
    done(&bench, "other", &["run"]);
    command(&bench, "other", &["publish", &target])
        .exits(1)
        .fails_with("another lake");
}

#[test]
fn a_damaged_list_of_places_stops_a_removal_before_anything_is_removed() {
    let bench = with_lake();
    done(&bench, DATA, &["publish", &url(&bench, "shared")]);
    let patient = a_patient_of(&bench);
    let before = names_below(&bench.path().join(DATA).join("lake"));
    fs::write(bench.path().join(DATA).join("publish.json"), "{").unwrap();
    command(&bench, DATA, &["forget", "--yes", "--offline", &patient])
        .exits(1)
        .fails_with("publish.json");
    assert_eq!(names_below(&bench.path().join(DATA).join("lake")), before);
    done(&bench, DATA, &["status"]).prints("published targets");
    command(&bench, DATA, &["publish", &url(&bench, "shared")]).exits(1);
}

#[test]
fn a_published_place_is_compared_with_the_lake_and_the_advice_mends_it() {
    let bench = with_lake();
    let place = url(&bench, "place");
    let verify = |exit| {
        let ended = command(&bench, DATA, &["--json", "verify", "--published", &place]).exits(exit);
        ended.summary()["verify"].clone()
    };
    command(&bench, DATA, &["verify", "--published", &place])
        .exits(2)
        .fails_with("publish file://");
    done(&bench, DATA, &["publish", &place]);
    let state = json(&bench.path().join("place/snapshots/1.json"));
    let tables = state["tables"].as_array().unwrap().iter();
    let files: Vec<&Value> = tables
        .flat_map(|table| table["files"].as_array().unwrap())
        .collect();
    let bytes: u64 = files
        .iter()
        .map(|file| file["bytes"].as_u64().unwrap())
        .sum();
    let found = verify(0);
    assert_eq!(found["files_read"], files.len());
    assert_eq!(found["bytes_read"], bytes);
    assert_eq!(found["holds"], true);

    // A file of its own with other bytes: the published one may be a link to the lake's.
    let file = bench
        .path()
        .join("place")
        .join(files[0]["path"].as_str().unwrap());
    let mut content = fs::read(&file).unwrap();
    content[10] ^= 1;
    fs::remove_file(&file).unwrap();
    fs::write(&file, content).unwrap();
    let found = verify(1);
    assert_eq!(found["differences"].as_array().unwrap().len(), 1);
    assert!(
        found["differences"][0]
            .as_str()
            .unwrap()
            .contains("another checksum")
    );
    // The advice: remove them, then the command.
    let advice = found["repair"].as_str().unwrap();
    let (first, next) = advice.split_once(", then claimlake ").unwrap();
    assert!(first.starts_with("remove the files"), "{first}");
    fs::remove_file(&file).unwrap();
    bench.done(&next.split(' ').collect::<Vec<_>>());
    verify(0);
    // The lake itself is as it was.
    done(&bench, DATA, &["verify"]);
}
