//! The table `changes` after many loads: few files, and the rows that each load wrote.

use std::collections::BTreeMap;
use std::path::Path;

use claimlake_contract::splitmix64::SplitMix64;
use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person};
use claimlake_loader::{ForgetRequest, LoadOptions, changes, forget, load, read_manifest};

use crate::basic::request;
use crate::lake_rows::{files, of, rows};
use crate::staged_runs::{Claim, Staging, run_id, stage};

const NIGHTS: u32 = 30;

/// Loads that each bring some new claims and change some old ones, and the rows that `changes` must
/// have afterwards, in order: run, id, kind.
struct Nights {
    random: SplitMix64,
    /// How many claims a night brings; by chance where it is not given.
    count: Option<u64>,
    versions: BTreeMap<u64, i64>,
    expected: Vec<[String; 3]>,
}

impl Nights {
    fn new(seed: u64) -> Self {
        Self {
            random: SplitMix64::new(seed),
            count: None,
            versions: BTreeMap::new(),
            expected: Vec::new(),
        }
    }

    /// The same number of claims each night, so that the eighth load joins all files.
    fn even(seed: u64) -> Self {
        Self {
            count: Some(3),
            ..Self::new(seed)
        }
    }

    fn claim(number: u64, version: i64) -> Claim {
        Claim::new(&format!("carrier--{number}")).with(|claim| {
            claim.patient = format!("p{}", number % 5);
            claim.year = Some(2020 + (number % 3) as i32);
            claim.last_updated = Some(version);
            claim.cents = version;
            claim.items = (number % 3) as i32;
        })
    }

    /// The claims of one night; notes what `changes` must say of them.
    fn night(&mut self, night: u32) -> Vec<Claim> {
        let by_chance = if night == 1 {
            40
        } else {
            1 + self.random.below(4)
        };
        let count = self.count.unwrap_or(by_chance);
        let mut claims = BTreeMap::new();
        for _ in 0..count {
            let number = self.random.below(200);
            let before = self.versions.insert(number, i64::from(night));
            if claims
                .insert(number, Self::claim(number, i64::from(night)))
                .is_none()
            {
                let kind = if before.is_some() { "changed" } else { "new" };
                let words = [
                    run_id(night).to_string(),
                    format!("carrier--{number}"),
                    kind.into(),
                ];
                self.expected.push(words);
            }
        }
        claims.into_values().collect()
    }

    fn load(&mut self, data: &Path, night: u32) {
        let claims = self.night(night);
        let staged = stage(data, night, &claims, &Staging::default());
        let mut request = request(&data.join("lake"), night, &[staged]);
        request.options.keep_hours = 0;
        load(&request, &NoProgress).unwrap();
    }
}

fn listed(lake: &Path) -> Vec<[String; 3]> {
    let all = changes(lake, None).unwrap();
    all.map(|change| {
        let change = change.unwrap();
        [change.run, change.resource_id, change.kind]
    })
    .collect()
}

/// Within one run, the order of the rows is not promised.
fn in_order(mut rows: Vec<[String; 3]>) -> Vec<[String; 3]> {
    assert!(rows.is_sorted_by_key(|row| row[0].clone()));
    rows.sort();
    rows
}

#[test]
fn many_loads_leave_few_files_of_changes_with_every_row() {
    for seed in [1, 2] {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        let mut nights = Nights::new(seed);
        for night in 1..=NIGHTS {
            nights.load(data.path(), night);
            assert_eq!(
                in_order(listed(&lake)),
                in_order(nights.expected.clone()),
                "seed {seed}, night {night}"
            );
            let count = files(&lake, "changes").len();
            assert!(count < 14, "{count} files after night {night}");
        }
        // In the snapshot are the files of the manifest and no others.
        let manifest = read_manifest(&lake.join("current")).unwrap();
        let named = manifest
            .tables
            .iter()
            .find(|table| table.layout.name == "changes");
        let named = named.unwrap().files.iter();
        let mut named: Vec<std::path::PathBuf> = named
            .map(|file| file.path.strip_prefix("changes/").unwrap().into())
            .collect();
        named.sort();
        assert_eq!(files(&lake, "changes"), named);
        // The tables are those of a lake that was loaded at once.
        let at_once = tempfile::tempdir().unwrap();
        let last = nights.versions.iter();
        let claims: Vec<Claim> = last
            .map(|(number, version)| Nights::claim(*number, *version))
            .collect();
        let staged = stage(at_once.path(), 1, &claims, &Staging::default());
        load(
            &request(&at_once.path().join("lake"), 1, &[staged]),
            &NoProgress,
        )
        .unwrap();
        for table in ["eob", "eob_item"] {
            assert_eq!(
                crate::lake_rows::bytes(&lake, &[table]),
                crate::lake_rows::bytes(&at_once.path().join("lake"), &[table])
            );
        }
    }
}

#[test]
fn only_later_changes_are_listed_out_of_a_file_of_many_runs() {
    let data = tempfile::tempdir().unwrap();
    let mut nights = Nights::new(7);
    for night in 1..=20 {
        nights.load(data.path(), night);
    }
    let since = run_id(13);
    let found = changes(&data.path().join("lake"), Some(&since)).unwrap();
    let wanted = nights
        .expected
        .iter()
        .filter(|row| row[0] > since.to_string());
    assert_eq!(found.count(), wanted.count());
}

#[test]
fn a_damaged_file_of_changes_is_not_joined_and_stops_no_load() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let mut nights = Nights::even(11);
    for night in 1..=7 {
        nights.load(data.path(), night);
    }
    let before = files(&lake, "changes").len();
    assert_eq!(before, 7);
    let manifest = read_manifest(&lake.join("current")).unwrap();
    let table = manifest
        .tables
        .iter()
        .find(|table| table.layout.name == "changes");
    // As long as before, with another byte in it.
    let path = lake.join("current").join(&table.unwrap().files[3].path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for night in 8..=10 {
        nights.load(data.path(), night);
    }
    assert_eq!(files(&lake, "changes").len(), 10);
}

#[test]
fn after_forget_no_row_about_the_patient_is_left_in_files_of_many_runs() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let mut nights = Nights::new(13);
    for night in 1..=24 {
        nights.load(data.path(), night);
    }
    let person = "p3";
    let of_others = rows(&lake, "changes");
    let of_others: Vec<_> = of_others
        .into_iter()
        .filter(|row| row["patient_id"] != person)
        .collect();
    let request = ForgetRequest {
        lake: lake.clone(),
        person: Person {
            ids: [(ApiVersion::V2, PatientId::new(person))].into(),
            ..Person::default()
        },
        resources: Vec::new(),
        run: run_id(25),
        options: LoadOptions::default(),
        published_at: "2026-01-02T00:00:00Z".to_owned(),
    };
    assert!(forget(&request, &NoProgress).unwrap().changed);
    let columns = ["run", "resource_id", "kind", "patient_id"];
    assert_eq!(
        of(&rows(&lake, "changes"), &columns),
        of(&of_others, &columns)
    );
    for path in walk(&lake) {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let mut theirs = nights.versions.keys().filter(|number| **number % 5 == 3);
        assert!(
            theirs.all(|number| !text.contains(&format!("carrier--{number}\""))),
            "{}",
            path.display()
        );
    }
    // The next loads go on from there.
    nights.load(data.path(), 26);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_rebuild_without_a_manifest_takes_the_changes_of_each_run_once() {
    for damages_joined in [false, true] {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        let mut nights = Nights::even(17);
        // Eight files are joined by the eighth load, the snapshots before have them one by one.
        for night in 1..=9 {
            nights.load(data.path(), night);
        }
        let current = lake.join("current").canonicalize().unwrap();
        assert_eq!(files(&lake, "changes").len(), 2);
        std::fs::write(current.join("manifest.json"), "{").unwrap();
        if damages_joined {
            let manifest = read_manifest(&lake.join("snapshots/8")).unwrap();
            let table = manifest
                .tables
                .iter()
                .find(|table| table.layout.name == "changes");
            let joined = &table.unwrap().files[0].path;
            std::fs::remove_file(current.join(joined)).unwrap();
            std::fs::remove_dir_all(lake.join("snapshots/8")).unwrap();
        }
        let claims: Vec<Claim> = nights
            .versions
            .iter()
            .map(|(number, version)| Nights::claim(*number, *version))
            .collect();
        let full = Staging {
            full: true,
            ..Staging::default()
        };
        let staged = stage(data.path(), 10, &claims, &full);
        let mut request = request(&lake, 10, &[staged]);
        request.options.rebuild = true;
        load(&request, &NoProgress).unwrap();
        // Nothing is new or changed, and each row is there once. Snapshot 7 has all but two nights.
        let mut found = listed(&lake);
        found.retain(|row| row[0] < run_id(10).to_string());
        let mut expected = nights.expected.clone();
        if damages_joined {
            expected.retain(|row| row[0] != run_id(8).to_string());
        }
        assert_eq!(in_order(found), in_order(expected), "{damages_joined}");
    }
}
