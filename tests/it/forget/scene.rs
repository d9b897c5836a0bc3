//! A data directory that a person is to leave, and decoders for all that lies in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Bench, Ended, json_lines};
use crate::files::{copy_folder, files};
use crate::lake_rows;

/// A data directory with two landed runs, rejects, and two snapshots.
pub(crate) struct Scene {
    pub(crate) bench: Bench,
    /// Every id of the person who is to leave.
    pub(crate) theirs: BTreeSet<String>,
    pub(crate) patient: String,
    pub(crate) mbi: String,
}

pub(crate) const DATA: &str = "d";

impl Scene {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.bench.path().join(name)
    }

    pub(crate) fn copy(&self, name: &str) {
        copy_folder(&self.data(DATA), &self.data(name));
    }

    pub(crate) fn mentions(&self, text: &[u8]) -> bool {
        self.theirs.iter().any(|id| has_word(text, id.as_bytes()))
    }

    /// The files in which any decoder finds one of the person's ids.
    pub(crate) fn traces(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for path in files(&self.data(name)) {
            let bytes = match fs::read(&path) {
                // A broker closes the vault a moment after the command has ended.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.unwrap(),
            };
            let shown = path.display().to_string();
            let decoded = decoded(&path, &bytes);
            if self.mentions(&bytes) || self.mentions(&decoded) || self.mentions(shown.as_bytes()) {
                found.push(shown);
            }
        }
        found
    }

    /// The rows of the current snapshot that are not the person's, by table, sorted.
    pub(crate) fn rows_of_others(&self, name: &str) -> BTreeMap<String, Vec<String>> {
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
    pub(crate) fn untouched_files(&self, name: &str) -> BTreeSet<String> {
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

pub(crate) fn command(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    bench.run(&[&["--pipeline", "small.toml", "--data", data], arguments].concat())
}

pub(crate) fn done(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    command(bench, data, arguments).exits(0)
}

pub(crate) fn reference_of(resource: &Value) -> String {
    ["patient", "beneficiary"]
        .iter()
        .find_map(|key| resource[key]["reference"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Every landed resource.
pub(crate) fn landed(data: &Path) -> Vec<Value> {
    let parts = files(&data.join("landing"));
    let is_part = |path: &PathBuf| path.to_string_lossy().contains("/part-");
    let mut resources = Vec::new();
    for path in parts.into_iter().filter(is_part) {
        let text = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
        resources.extend(json_lines(&String::from_utf8(text).unwrap()));
    }
    resources
}

/// What a file says once its own compression is undone.
pub(crate) fn decoded(path: &Path, bytes: &[u8]) -> Vec<u8> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => zstd::decode_all(bytes).unwrap(),
        Some("parquet") => parquet_rows(path).join("\n").into_bytes(),
        Some("arrow") => arrow_text(path),
        _ => Vec::new(),
    }
}

pub(crate) fn parquet_rows(path: &Path) -> Vec<String> {
    let rows = lake_rows::rows_of(path);
    rows.iter().map(ToString::to_string).collect()
}

pub(crate) fn arrow_text(path: &Path) -> Vec<u8> {
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
pub(crate) fn has_word(text: &[u8], word: &[u8]) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    memchr::memmem::find_iter(text, word).any(|start| {
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        !joins(before) && !joins(text.get(start + word.len()))
    })
}
