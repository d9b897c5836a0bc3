//! Tests of forgetting.

use std::path::Path;

use claimlake_contract::{ApiVersion, Identifier, PatientId, Person};

use crate::grants::tests::{grant, store, vault};
use crate::{VAULT_FILE, VaultError};

/// The systems of identifiers that name one person.
const MBI_ONLY: [&str; 1] = ["http://hl7.org/fhir/sid/us-mbi"];

fn mbi() -> Identifier {
    Identifier::new(Some("http://hl7.org/fhir/sid/us-mbi"), "1S00E00AA32")
}

fn person(id: &str) -> Person {
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new(id)));
    person.ids.insert((ApiVersion::V3, PatientId::new("77")));
    person.identifiers.insert(mbi());
    person
}

#[test]
fn a_forgotten_person_is_gone_and_refused_until_they_consent_again() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    store(&vault, "-2014", "refresh-1", 100);
    store(&vault, "-2015", "refresh-2", 100);
    let intent = vault
        .begin_forget(&person("-2014"), Path::new("lake"), true)
        .unwrap();
    assert_eq!(vault.remove_person(&intent.person).unwrap(), 1);
    vault.finish_forget(&intent.intent).unwrap();
    assert!(vault.unfinished_forgets().unwrap().is_empty());
    let left = vault.grants().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].patient, Some(PatientId::new("-2015")));

    let again = grant("-2014", "refresh-3", 200);
    let refused = vault.insert_or_renew(&again).unwrap_err();
    assert!(matches!(refused, VaultError::Forgotten), "{refused}");
    assert!(refused.to_string().contains("--again"));
    let tombstones = vault.tombstones().unwrap();
    assert!(tombstones.has_id(ApiVersion::V3, "77"));
    assert!(!tombstones.has_id(ApiVersion::V2, "77"));
    assert!(tombstones.has_identifier(&mbi(), &MBI_ONLY));
    assert!(tombstones.has_typed_identifier("1S00E00AA32", &MBI_ONLY));
    let elsewhere = Identifier::new(Some("https://columbia.example/mrn"), "1S00E00AA32");
    assert!(!tombstones.has_identifier(&elsewhere, &MBI_ONLY));

    // Under one name back, under all names back.
    let id = PatientId::new("-2014");
    assert!(vault.consent_again(ApiVersion::V2, &id).unwrap());
    assert!(vault.tombstones().unwrap().is_empty());
    vault.insert_or_renew(&again).unwrap();
}

#[test]
fn an_interrupted_removal_is_found_again_with_all_names() {
    let data = tempfile::tempdir().unwrap();
    let vault_before = vault(&data);
    vault_before
        .begin_forget(&person("-2014"), Path::new("lake"), true)
        .unwrap();
    drop(vault_before);
    let unfinished = vault(&data).unfinished_forgets().unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].person, person("-2014"));
}

#[test]
fn the_handle_of_a_forgotten_grant_is_in_no_byte_of_the_vault() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let stored = vault
        .insert_or_renew(&grant("-2014", "refresh-1", 100))
        .unwrap();
    let handle = stored.handle.as_str().to_owned();
    let run = "20261123T164012.345Z-7f3a".parse().unwrap();
    vault.begin_run(&run, "extract").unwrap();
    let summary = format!(r#"{{"problems":[{{"grant":"{handle}"}}]}}"#);
    vault
        .end_run(&run, crate::RunEnd::Finished, Some(&summary))
        .unwrap();
    let bytes = || {
        let mut bytes = std::fs::read(data.path().join(VAULT_FILE)).unwrap();
        let log = data.path().join(format!("{VAULT_FILE}-wal"));
        bytes.extend(std::fs::read(log).unwrap_or_default());
        bytes
    };
    let is_in = |bytes: &[u8]| {
        bytes
            .windows(handle.len())
            .any(|window| window == handle.as_bytes())
    };
    assert!(is_in(&bytes()));
    let intent = vault
        .begin_forget(&person("-2014"), Path::new("lake"), true)
        .unwrap();
    vault.remove_person(&intent.person).unwrap();
    vault.finish_forget(&intent.intent).unwrap();
    assert!(!is_in(&bytes()));
    let runs = vault.runs("extract", 1).unwrap();
    assert!(runs[0].summary.as_ref().unwrap().contains("forgotten"));
}
