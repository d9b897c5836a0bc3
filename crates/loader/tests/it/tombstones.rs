//! Of a resource whose newest body makes no rows, the key stays: no older body brings it back.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_select::filter::filter_record_batch;
use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person, key_columns};
use claimlake_loader::{
    AbsentResources, ForgetRequest, KnownResource, LoadError, LoadOptions, LoadOutcome,
    ResourceStatus, forget, known_resources, load, person_in_lake, read_manifest,
};

use crate::basic::{load_claims, request};
use crate::lake_rows::{of, rows};
use crate::signed::rehash_keys;
use crate::staged_runs::{Claim, Staging, run_id, stage};

/// A body with rows.
fn live(updated: i64) -> Claim {
    Claim::new("a").with(|claim| claim.last_updated = Some(updated))
}

fn withdrawn(updated: i64) -> Claim {
    live(updated).with(|claim| claim.status = "withdrawn")
}

const KEYS: &str = "current/keys/keys.arrow";

fn keys(lake: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(lake.join(KEYS)).unwrap();
    let reader = FileReader::try_new(file, None).unwrap();
    reader.map(Result::unwrap).collect()
}

/// Whose the keys are.
fn patients(lake: &Path) -> Vec<String> {
    let of_batch = |batch: RecordBatch| {
        let patients = batch.column_by_name(key_columns::PATIENT).unwrap();
        let patients = patients.as_string::<i32>().iter().flatten();
        patients.map(str::to_owned).collect::<Vec<_>>()
    };
    keys(lake).into_iter().flat_map(of_batch).collect()
}

/// The times of the bodies whose rows the lake has.
fn times_in_lake(data: &Path) -> Vec<String> {
    of(&rows(&data.join("lake"), "eob"), &["last_updated"])
}

fn load_full(data: &Path, number: u32, claims: &[Claim]) -> Result<LoadOutcome, LoadError> {
    load_dropping(data, number, claims, AbsentResources::Refuse)
}

fn load_dropping(
    data: &Path,
    number: u32,
    claims: &[Claim],
    absent: AbsentResources,
) -> Result<LoadOutcome, LoadError> {
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let staged = stage(data, number, claims, &full);
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options.absent = absent;
    load(&request, &NoProgress)
}

/// The kinds of all that `changes` reports.
fn kinds(data: &Path) -> Vec<String> {
    of(&rows(&data.join("lake"), "changes"), &["kind"])
}

#[test]
fn an_older_body_does_not_come_back_after_a_withdrawn_one_and_a_newer_one_is_new() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_claims(data, 1, &[live(2)]);
    load_claims(data, 2, &[withdrawn(5)]);
    let older = load_claims(data, 3, &[live(3)]);
    assert_eq!((older.changed, older.new), (false, 0));
    assert_eq!(older.superseded_bodies, 1);
    assert_eq!(times_in_lake(data), Vec::<String>::new());
    let newer = load_claims(data, 4, &[live(6)]);
    assert_eq!((newer.new, newer.changed_resources), (1, 0));
    assert_eq!(times_in_lake(data), ["6"]);
    assert_eq!(kinds(data), ["new", "new", "vanished"]);
}

#[test]
fn a_withdrawn_body_alone_is_remembered_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let first = load_claims(data, 1, &[withdrawn(5)]);
    assert_eq!((first.snapshot, first.left_out, first.new), (Some(1), 1, 0));
    let again = load_claims(data, 2, &[withdrawn(5)]);
    assert_eq!((again.changed, again.left_out), (false, 0));
    assert!(!load_claims(data, 3, &[live(4)]).changed);
    // Where the lake has other resources, it is remembered all the same.
    load_claims(data, 4, &[Claim::new("b")]);
    let other = Claim::new("c").with(|claim| claim.status = "withdrawn");
    let alone = load_claims(data, 5, std::slice::from_ref(&other));
    assert_eq!((alone.changed, alone.left_out), (true, 1));
    assert_eq!(alone.files_written, 0);
    assert!(!load_claims(data, 6, &[other]).changed);
    assert_eq!(times_in_lake(data), ["1000"]);
    assert_eq!(kinds(data), ["new"]);
}

#[test]
fn a_newer_withdrawn_body_makes_more_bodies_older() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_claims(data, 1, &[withdrawn(3), Claim::new("b")]);
    let moved = load_claims(data, 2, &[withdrawn(7)]);
    assert_eq!((moved.changed, moved.left_out), (true, 1));
    let older = load_claims(data, 3, &[withdrawn(6)]);
    assert_eq!((older.changed, older.superseded_bodies), (false, 1));
    assert!(!load_claims(data, 4, &[live(5)]).changed);
    assert_eq!(times_in_lake(data), ["1000"]);
}

#[test]
fn a_table_that_begins_after_a_withdrawn_body_lacks_nothing() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let staged = stage(data, 1, &[withdrawn(5)], &Staging::default());
    // As `transform` stages it: no file where there are no rows.
    let path = staged.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for table in manifest["tables"].as_array_mut().unwrap() {
        table["files"] = serde_json::json!([]);
    }
    std::fs::write(&path, manifest.to_string()).unwrap();
    let first = load(&request(&data.join("lake"), 1, &[staged]), &NoProgress).unwrap();
    assert_eq!((first.snapshot, first.tables.len()), (Some(1), 0));
    assert!(!load_claims(data, 2, &[live(4)]).tables.is_empty());
    let newer = load_claims(data, 3, &[live(6)]);
    assert_eq!(newer.stale_tables, Vec::<String>::new());
    assert_eq!(times_in_lake(data), ["6"]);
}

#[test]
fn all_of_landing_says_what_a_tombstone_is_worth() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let other = Claim::new("b");
    load_claims(data, 1, &[withdrawn(5), other.clone()]);
    let same = load_full(data, 2, &[live(3), withdrawn(5), other.clone()]);
    assert!(!same.unwrap().changed);
    // What decided is gone from landing, and an older body is not: that is no small matter.
    let refused = load_full(data, 3, &[live(3), other.clone()]).unwrap_err();
    assert!(matches!(refused, LoadError::Absent { missing: 1 }));
    let asked_for = [live(3), other.clone()];
    let dropping = load_dropping(data, 4, &asked_for, AbsentResources::Drop).unwrap();
    assert_eq!((dropping.new, dropping.dropped), (1, 0));
    assert_eq!(times_in_lake(data), ["1000", "3"]);
    // A withdrawn body that is older than the lake's is as little to be trusted.
    let refused = load_full(data, 5, &[withdrawn(2), other.clone()]).unwrap_err();
    assert!(matches!(refused, LoadError::Absent { missing: 1 }));
    load_claims(data, 6, &[withdrawn(5)]);
    // All of landing lacks it: nothing is missing, and nothing is remembered.
    let lapsed = load_full(data, 7, std::slice::from_ref(&other)).unwrap();
    assert_eq!((lapsed.changed, lapsed.dropped), (true, 0));
    assert!(!load_full(data, 8, &[other]).unwrap().changed);
    assert_eq!(load_claims(data, 9, &[live(1)]).new, 1);
}

#[test]
fn a_body_that_makes_rows_after_all_comes_back_when_all_is_read_again() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_claims(data, 1, &[live(2), Claim::new("b")]);
    load_claims(data, 2, &[withdrawn(5)]);
    let kept = load_full(data, 3, &[live(2), live(5), Claim::new("b")]).unwrap();
    assert_eq!((kept.new, kept.unchanged), (1, 1));
    assert_eq!(times_in_lake(data), ["1000", "5"]);
}

#[test]
fn a_table_that_is_made_anew_has_no_rows_of_what_is_left_out() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let claims = [live(2), withdrawn(5), Claim::new("b")];
    load_claims(data, 1, &claims);
    let anew = Staging {
        full: true,
        view_hash: "view-2",
        ..Staging::default()
    };
    let staged = stage(data, 2, &claims, &anew);
    let outcome = load(&request(&data.join("lake"), 2, &[staged]), &NoProgress).unwrap();
    assert!(outcome.changed);
    assert_eq!(times_in_lake(data), ["1000"]);
}

#[test]
fn a_person_is_forgotten_with_their_tombstones() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let lake = data.join("lake");
    let others = Claim::new("b").with(|claim| {
        claim.patient = "p2".to_owned();
        claim.status = "withdrawn";
    });
    load_claims(data, 1, &[withdrawn(5), others]);
    let mut person = Person::default();
    let id = (ApiVersion::V2, PatientId::new("p1"));
    person.ids.insert(id);
    assert_eq!(person_in_lake(&lake, &person, &[]).unwrap().resources, 1);
    let request = ForgetRequest {
        lake: lake.clone(),
        person: person.clone(),
        resources: Vec::new(),
        run: run_id(2),
        options: LoadOptions::default(),
        published_at: "2026-01-01T00:00:02Z".to_owned(),
    };
    assert!(forget(&request, &NoProgress).unwrap().changed);
    assert_eq!(person_in_lake(&lake, &person, &[]).unwrap().resources, 0);
    assert_eq!(patients(&lake), ["p2"]);
    assert!(!forget(&request, &NoProgress).unwrap().changed);
    // The other's is still remembered.
    let others = Claim::new("b").with(|claim| claim.patient = "p2".to_owned());
    let older = others.with(|claim| claim.last_updated = Some(1));
    assert_eq!(load_claims(data, 3, &[older, live(4)]).new, 1);
    assert_eq!(of(&rows(&lake, "eob"), &["eob_id"]), ["a"]);
}

#[test]
fn what_is_not_in_the_lake_cannot_vanish() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_claims(data, 1, &[withdrawn(5)]);
    for number in 2..4 {
        let claims = [Claim::new(&format!("b{number}")), withdrawn(5)];
        let staged = stage(data, number, &claims, &Staging::default());
        load(&request(&data.join("lake"), number, &[staged]), &NoProgress).unwrap();
    }
    assert_eq!(kinds(data), ["new", "new"]);
}

#[test]
fn damaged_keys_are_an_error_whatever_byte_it_is() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_claims(data, 1, &[withdrawn(5), Claim::new("b")]);
    let lake = data.join("lake");
    let snapshot = lake.join("current");
    let manifest = read_manifest(&snapshot).unwrap();
    let in_lake = || {
        let mut found_ids = Vec::new();
        let visit = |found: KnownResource<'_>, status| {
            if status == ResourceStatus::LeftOut {
                found_ids.push(found.resource_id.to_owned());
            }
        };
        known_resources(&snapshot, &manifest, visit).map(|()| found_ids)
    };
    assert_eq!(in_lake().unwrap(), ["a"]);
    let whole = std::fs::read(lake.join(KEYS)).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x80;
        std::fs::write(lake.join(KEYS), damaged).unwrap();
        let error = in_lake().unwrap_err().to_string();
        assert!(error.contains("keys.arrow"), "{at}: {error}");
    }
    std::fs::write(lake.join(KEYS), &whole[..whole.len() - 1]).unwrap();
    assert!(in_lake().is_err());
}

/// Takes the tombstones out of the current snapshot, as versions before left none.
fn without_tombstones(lake: &Path) {
    let batches = keys(lake);
    let file = std::fs::File::create(lake.join(KEYS)).unwrap();
    let mut writer = FileWriter::try_new(file, &batches[0].schema()).unwrap();
    for batch in batches {
        let hashes = batch.column_by_name(key_columns::CONTENT_HASH).unwrap();
        let hashes = hashes.as_fixed_size_binary().iter();
        let is_live = hashes.map(|hash| Some(hash != Some(&key_columns::WITHDRAWN)));
        let live = filter_record_batch(&batch, &is_live.collect()).unwrap();
        writer.write(&live).unwrap();
    }
    writer.finish().unwrap();
    rehash_keys(&lake.join("current"));
}

#[test]
fn a_lake_without_tombstones_gets_them_from_all_of_landing() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let other = Claim::new("b");
    load_claims(data, 1, &[withdrawn(5), other.clone()]);
    without_tombstones(&data.join("lake"));
    let full = load_full(data, 2, &[withdrawn(5), other]).unwrap();
    assert_eq!((full.changed, full.left_out), (true, 1));
    assert!(!load_claims(data, 3, &[live(3)]).changed);
    assert_eq!(times_in_lake(data), ["1000"]);
}
