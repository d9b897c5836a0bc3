//! A data directory with something of everything, and copies of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::damage::Damage;
use crate::command::{Bench, Ended, words};
use crate::files::{copy_folder, names_below};

/// The files that are imported, in the order of their runs.
const IMPORTED: [&str; 2] = ["people.ndjson", "changed.ndjson"];

/// A directory that is damaged in copies only.
pub(super) struct Scene {
    bench: Bench,
    copies: std::cell::Cell<u32>,
}

/// One copy.
pub(super) struct Copy<'s> {
    scene: &'s Scene,
    name: String,
    /// The tables as they are to be in the end.
    rows: BTreeMap<String, Vec<u8>>,
    changes: usize,
}

impl Scene {
    /// A patient who was extracted, another who was imported and of whom a claim changed: three loads.
    pub(super) fn new() -> Self {
        let bench = Bench::new();
        let pipeline = crate::demo::pipeline("v3")
            .replace("patients = 3", "patients = 1")
            .replace("eobs = 12", "eobs = 4");
        bench.write("small.toml", &pipeline);
        let scene = Self {
            bench,
            copies: std::cell::Cell::new(0),
        };
        scene.done("whole", &["run"]);
        let made = words("sandbox generate --patients 1 --eobs 4 --seed 77");
        let mut resources = scene.bench.done(&made).events();
        let claim = resources
            .iter()
            .find(|one| one["resourceType"] == "ExplanationOfBenefit");
        let mut changed = claim.unwrap().clone();
        changed["meta"]["lastUpdated"] = "2027-01-01T00:00:00Z".into();
        // More decimals than money has: the cell is rejected, and the run has rejects.
        changed["payment"]["amount"]["value"] = serde_json::from_str("1.23456").unwrap();
        let patient = resources
            .iter()
            .find(|one| one["resourceType"] == "Patient");
        let named = patient.unwrap()["identifier"][0].clone();
        let coverage = resources
            .iter_mut()
            .find(|one| one["resourceType"] == "Coverage");
        // Its patient is found by an identifier, so that the run has a file of references.
        coverage.unwrap()["beneficiary"] = serde_json::json!({"identifier": {
            "system": named["system"], "value": named["value"],
        }});
        let mut text: String = resources.iter().map(|one| format!("{one}\n")).collect();
        text.push_str("{\"resourceType\":\"Coverage\",\"id\":\n");
        scene.bench.write(IMPORTED[0], &text);
        scene.bench.write(IMPORTED[1], &format!("{changed}\n"));
        for file in IMPORTED {
            scene.import("whole", file);
            scene.done("whole", &["run", "--from", "transform"]);
        }
        scene.done("whole", &["verify"]);
        scene
    }

    fn run(&self, data: &str, arguments: &[&str]) -> Ended {
        let flags = ["--pipeline", "small.toml", "--data", data];
        self.bench.run(&[&flags, arguments].concat())
    }

    fn done(&self, data: &str, arguments: &[&str]) {
        self.run(data, arguments).exits(0);
    }

    /// Imports a file; a line of one is no JSON, and more than the pipeline allows.
    fn import(&self, data: &str, file: &str) {
        let ended = self.run(data, &["import", "--api", "v2", file]);
        assert!([0, 3].contains(&ended.exit), "{}", ended.stderr);
    }

    /// A copy in which files that snapshots share are shared, too.
    pub(super) fn copy(&self) -> Copy<'_> {
        self.copies.set(self.copies.get() + 1);
        let name = format!("copy-{}", self.copies.get());
        let (from, to) = (
            self.bench.path().join("whole"),
            self.bench.path().join(&name),
        );
        copy_folder(&from, &to);
        let mut copy = Copy {
            scene: self,
            name,
            rows: BTreeMap::new(),
            changes: 0,
        };
        copy.expect_as_now();
        copy
    }
}

impl Copy<'_> {
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.scene.bench.path().join(&self.name).join(below)
    }

    /// The folder of the current snapshot.
    pub(super) fn current(&self) -> PathBuf {
        self.path("lake/current").canonicalize().unwrap()
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        self.scene.run(&self.name, arguments)
    }

    pub(super) fn done(&self, arguments: &[&str]) {
        self.scene.done(&self.name, arguments);
    }

    pub(super) fn import_line(&self, line: &str) {
        let file = format!("{}.ndjson", self.name);
        self.scene.bench.write(&file, line);
        self.scene.import(&self.name, &file);
    }

    /// The claim that was imported last, with another time.
    pub(super) fn claim_of(&self, updated: &str) -> String {
        let text = fs::read_to_string(self.scene.bench.path().join(IMPORTED[1])).unwrap();
        text.replace("2027-01-01T00:00:00Z", updated)
    }

    /// What the tables hold now is what they are to hold in the end.
    pub(super) fn expect_as_now(&mut self) {
        (self.rows, self.changes) = (self.rows(), self.changes());
    }

    /// The tables and rows of `other` are what this one is to hold in the end.
    pub(super) fn expect_as_in(&mut self, other: &Copy<'_>) {
        (self.rows, self.changes) = (other.rows(), other.changes());
    }

    /// Parquet files of the tables and what is in them, without those that are about runs.
    fn rows(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.current();
        let named = names_below(&folder).into_iter().filter_map(|below| {
            let is_of_rows = below.ends_with(".parquet")
                && !below.starts_with("changes")
                && !below.starts_with("extract_status");
            is_of_rows.then(|| (below.clone(), fs::read(folder.join(below)).unwrap()))
        });
        named.collect()
    }

    fn changes(&self) -> usize {
        let changes = self.run(&["--json", "changes"]).stdout;
        changes
            .lines()
            .filter(|line| line.contains("\"kind\""))
            .count()
    }

    /// Damages each file, which changes places with the one beside it; `verify` must then name all of
    /// `named` (as it shows paths), and the commands that it prints must repair everything.
    pub(super) fn repaired(&self, damage: Damage, files: &[(PathBuf, PathBuf)], named: &[String]) {
        for (file, sibling) in files {
            damage.plant(file, sibling);
        }
        self.repaired_by_advice(&format!("{damage:?} {named:?}"), named);
    }

    /// `verify` names all of `named`; what it advises is run, and then it holds.
    pub(super) fn repaired_by_advice(&self, what: &str, named: &[String]) {
        let found = self.run(&["verify"]);
        assert_eq!(found.exit, 1, "{what}: {}", found.stderr);
        for place in named {
            assert!(
                found.stderr.contains(place),
                "{what}: {place} in {}",
                found.stderr
            );
        }
        let commands = commands_in(&found.stderr);
        assert!(!commands.is_empty(), "{what}: {}", found.stderr);
        for command in &commands {
            self.follow(what, command);
        }
        let after = self.run(&["verify"]);
        assert_eq!(after.exit, 0, "{what}, {commands:?}: {}", after.stderr);
        assert!(self.rows() == self.rows, "{what}: other rows");
        let about_changes = named.iter().any(|place| place.contains("/changes/"));
        assert!(
            about_changes || self.changes() == self.changes,
            "{what}: {} changes, there were {}",
            self.changes(),
            self.changes
        );
    }

    /// Runs a command as it was printed. The files to import are those that were imported.
    fn follow(&self, what: &str, command: &str) {
        let flags = format!("claimlake --pipeline small.toml --data {} ", self.name);
        let command = command.strip_prefix(&flags);
        let command = command.unwrap_or_else(|| panic!("{what}: other flags than {flags}"));
        if command == "import FILE" {
            return IMPORTED
                .iter()
                .for_each(|file| self.scene.import(&self.name, file));
        }
        let words: Vec<&str> = command.split(' ').collect();
        let ended = self.run(&words);
        assert_eq!(ended.exit, 0, "{what}, {command}: {}", ended.stderr);
    }

    /// Damages each file, and `verify` finds nothing wrong.
    pub(super) fn is_no_error(&self, damage: Damage, files: &[(PathBuf, PathBuf)]) {
        for (file, sibling) in files {
            damage.plant(file, sibling);
        }
        let found = self.run(&["verify"]);
        assert_eq!(found.exit, 0, "{damage:?} {files:?}: {}", found.stderr);
        self.done(&["run", "--from", "transform"]);
        self.done(&["verify"]);
        assert!(self.rows() == self.rows, "{damage:?} {files:?}: other rows");
    }

    /// A path as `verify` shows it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let root = self.path("").canonicalize().unwrap();
        let path = path
            .parent()
            .unwrap()
            .canonicalize()
            .unwrap()
            .join(path.file_name().unwrap());
        path.strip_prefix(root).unwrap().display().to_string()
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.path(""));
    }
}

/// The commands that repair, as they were printed.
fn commands_in(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("  repair "));
    for (number, line) in lines.enumerate() {
        if number > 0 && !line.starts_with("            ") {
            break;
        }
        let text = line.trim_start_matches("  repair").trim();
        commands.extend(text.starts_with("claimlake ").then(|| text.to_owned()));
    }
    commands
}
