//! One person leaves: nothing of theirs stays, nothing of others changes, whatever kills it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use parquet::file::reader::SerializedFileReader;
use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::servers::Sandbox;

/// A data directory with two landed runs, rejects, and two snapshots.
struct Scene {
    bench: Bench,
    /// Every id of the person who is to leave.
    theirs: BTreeSet<String>,
    patient: String,
    mbi: String,
}

const DATA: &str = "d";

impl Scene {
    fn new() -> Self {
        let bench = Bench::new();
        bench.write("small.toml", &crate::demo::pipeline("v2"));
        done(&bench, DATA, &["run"]);
        let landed = landed(&bench.path().join(DATA));
        let patients = landed.iter().filter(|one| one["resourceType"] == "Patient");
        let leaving = patients.clone().next().unwrap();
        let patient = leaving["id"].as_str().unwrap().to_owned();
        let identifiers = leaving["identifier"].as_array().unwrap();
        let mbi = identifiers
            .iter()
            .filter(|one| one["system"].as_str().unwrap().ends_with("us-mbi"))
            .find_map(|one| one["value"].as_str())
            .unwrap()
            .to_owned();
        // What came from elsewhere: everybody in one frame, another claim, broken texts.
        let other = patients.clone().nth(1).unwrap()["id"].as_str().unwrap();
        // Of somebody else: a claim names its person's coverage, too.
        let of_other = format!("Patient/{other}");
        let template = landed
            .iter()
            .find(|one| one["patient"]["reference"] == of_other)
            .unwrap()
            .to_string();
        let id: Value = serde_json::from_str(&template).unwrap();
        let claim = |new_id: &str, patient: &str| {
            template
                .replace(&of_other, &format!("Patient/{patient}"))
                .replace(id["id"].as_str().unwrap(), new_id)
        };
        let lines = [
            claim("carrier--900001", &patient),
            claim("carrier--900002", other),
            format!(
                r#"{{"resourceType":"Coverage","beneficiary":{{"reference":"Patient/{patient}"#
            ),
            format!(r#"{{"resourceType":"Coverage","beneficiary":{{"reference":"Patient/{other}"#),
            claim("carrier--900003", other)
                .replace("\"meta\"", "\"billablePeriod\":{\"start\":7},\"meta\""),
        ];
        bench.write("more.ndjson", &lines.join("\n"));
        let imported = command(&bench, DATA, &["import", "--api", "v2", "more.ndjson"]);
        assert!([0, 3].contains(&imported.exit), "{}", imported.stderr);
        let loaded = command(&bench, DATA, &["run", "--from", "transform"]);
        assert!([0, 3].contains(&loaded.exit), "{}", loaded.stderr);
        // And a staged run that waits.
        bench.write("last.ndjson", &claim("carrier--900004", &patient));
        done(&bench, DATA, &["import", "--api", "v2", "last.ndjson"]);
        done(&bench, DATA, &["transform"]);

        let mut theirs = BTreeSet::from([patient.clone(), mbi.clone()]);
        for resource in self::landed(&bench.path().join(DATA)) {
            if reference_of(&resource) == format!("Patient/{patient}") {
                theirs.insert(resource["id"].as_str().unwrap().to_owned());
            }
        }
        assert!(theirs.len() > 8, "the scene is too thin: {}", theirs.len());
        Self {
            bench,
            theirs,
            patient,
            mbi,
        }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.bench.path().join(name)
    }

    fn copy(&self, name: &str) {
        copy_folder(&self.data(DATA), &self.data(name));
    }

    fn mentions(&self, text: &[u8]) -> bool {
        self.theirs.iter().any(|id| has_word(text, id.as_bytes()))
    }

    /// The files in which any decoder finds one of the person's ids.
    fn traces(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for path in files(&self.data(name)) {
            let bytes = fs::read(&path).unwrap();
            let shown = path.display().to_string();
            let decoded = decoded(&path, &bytes);
            if self.mentions(&bytes) || self.mentions(&decoded) || self.mentions(shown.as_bytes()) {
                found.push(shown);
            }
        }
        found
    }

    /// The rows of the current snapshot that are not the person's, by table, sorted.
    fn rows_of_others(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let current = self.data(name).join("lake/current").canonicalize().unwrap();
        let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in files(&current) {
            if path
                .extension()
                .is_none_or(|extension| extension != "parquet")
            {
                continue;
            }
            let table = path.strip_prefix(&current).unwrap().parent().unwrap();
            let of_table = rows.entry(table.display().to_string()).or_default();
            of_table.extend(
                parquet_rows(&path)
                    .into_iter()
                    .filter(|row| !self.mentions(row.as_bytes())),
            );
        }
        rows.retain(|_, rows| {
            rows.sort();
            !rows.is_empty()
        });
        rows
    }

    /// Files of partitions that hold no row of the person.
    fn untouched_files(&self, name: &str) -> BTreeSet<String> {
        let current = self.data(name).join("lake/current").canonicalize().unwrap();
        let is_table = |path: &PathBuf| path.extension().is_some_and(|e| e == "parquet");
        let parquet: Vec<PathBuf> = files(&current).into_iter().filter(is_table).collect();
        let touched: BTreeSet<&Path> = parquet
            .iter()
            .filter(|path| {
                parquet_rows(path)
                    .iter()
                    .any(|row| self.mentions(row.as_bytes()))
            })
            .map(|path| path.parent().unwrap())
            .collect();
        parquet
            .iter()
            .filter(|path| !touched.contains(path.parent().unwrap()))
            .map(|path| path.strip_prefix(&current).unwrap().display().to_string())
            .collect()
    }
}

#[test]
fn nothing_of_a_forgotten_person_stays_and_nothing_of_others_changes() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    let untouched = scene.untouched_files(DATA);
    assert!(!untouched.is_empty() && !scene.traces(DATA).is_empty());
    let refused = command(&scene.bench, DATA, &["forget", &scene.patient]);
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    assert!(refused.error_line().contains("--yes"), "{}", refused.stderr);

    let forgotten = done(
        &scene.bench,
        DATA,
        &["--json", "forget", "--yes", &scene.mbi],
    );
    assert!(
        !scene.mentions(forgotten.stderr.as_bytes()),
        "{}",
        forgotten.stderr
    );
    let fields = &forgotten.summary()["forget"];
    assert_eq!(fields["grants"], 1);
    assert_eq!(fields["rejected"], 1);
    assert_eq!(fields["lake_rows"]["patient"], 1);
    assert_eq!(scene.traces(DATA), [""; 0]);
    assert_eq!(scene.rows_of_others(DATA), before);
    let after: BTreeSet<String> = {
        let current = scene
            .data(DATA)
            .join("lake/current")
            .canonicalize()
            .unwrap();
        let names = files(&current).into_iter();
        names
            .map(|path| path.strip_prefix(&current).unwrap().display().to_string())
            .collect()
    };
    let missing: Vec<&String> = untouched.difference(&after).collect();
    assert_eq!(missing, [""; 0]);
    let snapshots = fs::read_dir(scene.data(DATA).join("lake/snapshots")).unwrap();
    assert_eq!(snapshots.count(), 1);

    // They do not come back by mistake, neither from the server nor from a file.
    done(&scene.bench, DATA, &["run"]);
    let again = done(
        &scene.bench,
        DATA,
        &["--json", "import", "--api", "v2", "last.ndjson"],
    );
    assert_eq!(again.summary()["import"]["forgotten"], 1);
    assert_eq!(scene.traces(DATA), [""; 0]);
    let verified = command(&scene.bench, DATA, &["verify"]);
    assert_eq!(verified.exit, 0, "{}{}", verified.stdout, verified.stderr);
    let twice = done(&scene.bench, DATA, &["forget", "--yes", &scene.patient]);
    assert!(
        twice.stderr.contains("forgotten before"),
        "{}",
        twice.stderr
    );
    let nobody = command(&scene.bench, DATA, &["forget", "--yes", "nobody"]);
    assert_eq!(nobody.exit, 2, "{}", nobody.stderr);
}

#[test]
fn a_removal_killed_at_any_of_ten_instants_is_finished_by_the_next() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    for place in [
        "intent",
        "lake",
        "staged",
        "before-records",
        "records",
        "parts",
        "manifest",
        "rejected",
        "landing",
        "vault",
        "end",
    ] {
        scene.copy(place);
        let arguments = [
            "--pipeline",
            "small.toml",
            "--data",
            place,
            "forget",
            "--yes",
        ];
        let mut killed = scene
            .bench
            .command(&[&arguments[..], &[&scene.patient]].concat());
        killed.env("CLAIMLAKE_CRASH_AT", place);
        let killed = Ended::of(&mut killed);
        assert_eq!(killed.exit, -1, "{place}: {}", killed.stderr);
        done(&scene.bench, place, &["forget", "--yes", &scene.patient]);
        assert_eq!(scene.traces(place), [""; 0], "{place}");
        assert_eq!(scene.rows_of_others(place), before, "{place}");
        fs::remove_dir_all(scene.data(place)).unwrap();
    }
}

#[test]
fn a_grant_is_revoked_first_and_comes_back_only_with_a_new_consent() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    sandbox.consent(&bench);
    let run = |arguments: &[&str]| Ended::of(&mut sandbox.command(&bench, arguments));
    let exported = run(&["grants", "export", "--reveal-secrets"]);
    bench.write("grant.ndjson", &exported.stdout);
    let grant: Value = serde_json::from_str(exported.stdout.trim()).unwrap();
    let patient = grant["patient"].as_str().unwrap();
    let forgotten = run(&["--json", "forget", "--yes", patient]);
    assert_eq!(forgotten.exit, 0, "{}", forgotten.stderr);
    assert_eq!(forgotten.summary()["forget"]["revoked"], true);
    assert!(!forgotten.stderr.contains(patient), "{}", forgotten.stderr);
    assert_eq!(run(&["grants", "list"]).stdout, "");

    let refused = run(&["--json", "grants", "import", "grant.ndjson"]);
    assert_eq!(refused.exit, 3, "{}", refused.stderr);
    assert_eq!(refused.summary()["report"]["forgotten"], 1);
    assert_eq!(run(&["grants", "list"]).stdout, "");
    let back = run(&["--json", "grants", "import", "--again", "grant.ndjson"]);
    assert_eq!(back.exit, 0, "{}", back.stderr);
    assert_eq!(back.summary()["report"]["inserted"], 1);
}

#[test]
fn who_revoked_long_enough_ago_is_forgotten_at_the_end_of_a_load() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "2", "--eobs", "3"]);
    sandbox.consent(&bench);
    sandbox.consent(&bench);
    let run = |arguments: &[&str]| Ended::of(&mut sandbox.command(&bench, arguments));
    assert_eq!(run(&["run"]).exit, 0);
    let listed = run(&["grants", "list"]).stdout;
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let patient = first["patient"].as_str().unwrap();
    assert_eq!(run(&["grants", "revoke", patient]).exit, 0);
    let load = |lifetime: &str| {
        let mut load = sandbox.command(&bench, &["load"]);
        load.env("CLAIMLAKE_EXTRACT_ON_REVOKED", lifetime);
        let ended = Ended::of(&mut load);
        assert_eq!(ended.exit, 0, "{}", ended.stderr);
        run(&["grants", "list"]).stdout.lines().count()
    };
    assert_eq!(load("keep"), 2);
    assert_eq!(load("forget_after 30 days"), 2);
    assert_eq!(load("forget_after 0 days"), 1);
    let of_patient = format!("Patient/{patient}");
    let landed = landed(&bench.path().join("d"));
    assert!(!landed.is_empty());
    assert!(landed.iter().all(|one| reference_of(one) != of_patient));
    let mut wrong = sandbox.command(&bench, &["load"]);
    wrong.env("CLAIMLAKE_EXTRACT_ON_REVOKED", "burn");
    assert_eq!(Ended::of(&mut wrong).exit, 2);
}

fn command(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    bench.run(&[&["--pipeline", "small.toml", "--data", data], arguments].concat())
}

fn done(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    let ended = command(bench, data, arguments);
    assert_eq!(ended.exit, 0, "{arguments:?}: {}", ended.stderr);
    ended
}

fn reference_of(resource: &Value) -> String {
    ["patient", "beneficiary"]
        .iter()
        .find_map(|key| resource[key]["reference"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Every landed resource.
fn landed(data: &Path) -> Vec<Value> {
    let parts = files(&data.join("landing"));
    let is_part = |path: &PathBuf| path.to_string_lossy().contains("/part-");
    let mut resources = Vec::new();
    for path in parts.into_iter().filter(is_part) {
        let text = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        resources.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    resources
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            // `current` leads to a snapshot that is walked anyway.
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else if entry.file_type().unwrap().is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// What a file says once its own compression is undone.
fn decoded(path: &Path, bytes: &[u8]) -> Vec<u8> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => zstd::decode_all(bytes).unwrap(),
        Some("parquet") => parquet_rows(path).join("\n").into_bytes(),
        Some("arrow") => arrow_text(path),
        _ => Vec::new(),
    }
}

fn parquet_rows(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::try_from(path).unwrap();
    reader
        .into_iter()
        .map(|row| row.unwrap().to_string())
        .collect()
}

fn arrow_text(path: &Path) -> Vec<u8> {
    use arrow_array::cast::AsArray;
    let file = fs::File::open(path).unwrap();
    let mut text = Vec::new();
    for batch in arrow_ipc::reader::FileReader::try_new(file, None).unwrap() {
        for column in batch.unwrap().columns() {
            if let Some(strings) = column.as_string_opt::<i32>() {
                for value in strings.iter().flatten() {
                    text.extend_from_slice(value.as_bytes());
                    text.push(b'\n');
                }
            }
        }
    }
    text
}

/// As a word of its own: one id may be the beginning of another.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    memchr::memmem::find_iter(text, word).any(|start| {
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        !joins(before) && !joins(text.get(start + word.len()))
    })
}

/// With links as links, so that a snapshot's files are as they were.
fn copy_folder(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp")
        .args(["-a".as_ref(), from.as_os_str(), to.as_os_str()])
        .status();
    assert!(copied.unwrap().success());
}
