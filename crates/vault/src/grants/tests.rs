//! Tests of storing grants.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use claimlake_contract::{ApiVersion, FixedClock, GrantHandle, PatientId, Secret};

use super::row::{patient_lookup, token_lookup};
use super::store::{BY_PATIENT, BY_TOKEN};
use crate::{GrantChange, GrantState, KeySource, NewGrant, TokenPair, Vault};

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 16, 40, 12).unwrap()
}

pub(crate) fn vault(data: &tempfile::TempDir) -> Vault {
    let key = KeySource::given(Secret::new("5".repeat(64)));
    Vault::open(data.path(), &key, Arc::new(FixedClock::at(now()))).unwrap()
}

pub(crate) fn grant(patient: &str, refresh_token: &str, days: i64) -> NewGrant {
    NewGrant {
        api: ApiVersion::V2,
        patient: Some(PatientId::new(patient)),
        external_id: Some(format!("member {patient}")),
        scopes: "profile openid patient/Patient.rs".into(),
        grant_expires_at: Some(now() + TimeDelta::days(days)),
        one_time: false,
        tokens: TokenPair {
            access_token: Some(Secret::new(format!("access of {refresh_token}"))),
            access_issued_at: Some(now()),
            access_expires_at: Some(now() + TimeDelta::hours(1)),
            refresh_token: Some(Secret::new(refresh_token)),
        },
    }
}

/// Stores such a grant.
pub(crate) fn store(vault: &Vault, patient: &str, refresh_token: &str, days: i64) -> GrantHandle {
    let stored = vault.insert_or_renew(&grant(patient, refresh_token, days));
    stored.unwrap().handle
}

#[test]
fn a_stored_grant_is_read_back_as_it_was_given() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let stored = vault
        .insert_or_renew(&grant("-2014", "refresh-1", 390))
        .unwrap();
    assert_eq!(stored.change, GrantChange::Inserted);
    let read = vault.grant(&stored.handle).unwrap();
    assert_eq!(read.patient, Some(PatientId::new("-2014")));
    assert_eq!(read.external_id.as_deref(), Some("member -2014"));
    assert_eq!(read.state, GrantState::Active);
    assert_eq!(read.scopes.to_string(), "openid patient/Patient.rs profile");
    assert_eq!(read.grant_expires_at, Some(now() + TimeDelta::days(390)));
    let tokens = vault.tokens(&stored.handle).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-1");
    assert_eq!(tokens.access_token.unwrap().expose(), "access of refresh-1");
    let found = vault
        .by_patient(ApiVersion::V2, &PatientId::new("-2014"))
        .unwrap();
    assert_eq!(found.unwrap().handle, stored.handle);
    let other_space = vault
        .by_patient(ApiVersion::V3, &PatientId::new("-2014"))
        .unwrap();
    assert!(other_space.is_none());
}

#[test]
fn a_newer_consent_wins_an_older_one_and_a_used_token_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let first = vault
        .insert_or_renew(&grant("7", "refresh-1", 100))
        .unwrap();
    let newer = vault
        .insert_or_renew(&grant("7", "refresh-2", 200))
        .unwrap();
    assert_eq!(
        (newer.handle, newer.change),
        (first.handle.clone(), GrantChange::Renewed)
    );
    for (token, days, change) in [
        ("refresh-1", 100, GrantChange::Unchanged),
        ("refresh-2", 200, GrantChange::Unchanged),
        ("refresh-0", 50, GrantChange::OlderIgnored),
    ] {
        assert_eq!(
            vault
                .insert_or_renew(&grant("7", token, days))
                .unwrap()
                .change,
            change
        );
        let tokens = vault.tokens(&first.handle).unwrap();
        assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-2");
    }
}

#[test]
fn a_new_consent_revives_a_grant_that_had_ended() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let handle = store(&vault, "7", "refresh-1", 100);
    vault
        .set_grant_state(&handle, GrantState::NeedsConsent, Some("revoked elsewhere"))
        .unwrap();
    let ended = vault.grant(&handle).unwrap();
    assert_eq!(ended.state, GrantState::NeedsConsent);
    assert_eq!(ended.reason.as_deref(), Some("revoked elsewhere"));
    store(&vault, "7", "refresh-2", 300);
    let revived = vault.grant(&handle).unwrap();
    assert_eq!((revived.state, revived.reason), (GrantState::Active, None));
}

#[test]
fn nothing_of_a_person_or_token_lies_open_in_the_files() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let handle = store(
        &vault,
        "-20140000008325",
        "Nufpb0GkecMIUV4uE0SwsdbJIjvlwF",
        100,
    );
    vault.begin_refresh(&handle).unwrap();
    drop(vault);
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in ["20140000008325", "Nufpb0GkecMIUV4uE0SwsdbJIjvlwF"] {
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes())
            );
        }
    }
}

#[test]
fn a_value_moved_to_another_grant_does_not_open() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let one = store(&vault, "1", "refresh-1", 100);
    let two = store(&vault, "2", "refresh-2", 100);
    vault
        .connection()
        .execute(
            "UPDATE grants SET refresh_token =
                (SELECT refresh_token FROM grants WHERE handle = ?1) WHERE handle = ?2",
            [one.as_str(), two.as_str()],
        )
        .unwrap();
    let error = vault.tokens(&two).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(vault.check().is_err());
}

#[test]
fn a_removed_grant_leaves_no_row() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let handle = store(&vault, "1", "refresh-1", 100);
    assert!(vault.remove_grant(&handle).unwrap());
    assert!(!vault.remove_grant(&handle).unwrap());
    assert!(vault.grants().unwrap().is_empty());
}

/// How many steps SQLite took through all rows of a table to find a grant.
fn full_scan_steps(vault: &Vault, condition: &str, values: &[&dyn rusqlite::ToSql]) -> i32 {
    let connection = vault.connection();
    let sql = format!("SELECT handle FROM grants WHERE {condition}");
    let mut statement = connection.prepare(&sql).unwrap();
    assert!(statement.exists(values).unwrap());
    statement.get_status(rusqlite::StatementStatus::FullscanStep)
}

#[test]
fn a_grant_is_found_among_many_without_looking_at_the_others() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    for number in 1..=40 {
        store(
            &vault,
            &number.to_string(),
            &format!("refresh-{number}"),
            100,
        );
    }
    let patient = patient_lookup(vault.keys(), ApiVersion::V2, &PatientId::new("33"));
    let api = ApiVersion::V2.as_str();
    assert_eq!(full_scan_steps(&vault, BY_PATIENT, &[&api, &patient]), 0);
    let token = token_lookup(vault.keys(), &Secret::new("refresh-33".to_owned()));
    assert_eq!(full_scan_steps(&vault, BY_TOKEN, &[&token]), 0);
    // So it is in a vault that an earlier version made.
    let dropped = "DROP INDEX known_tokens_by_lookup";
    vault.connection().execute_batch(dropped).unwrap();
    assert!(full_scan_steps(&vault, BY_TOKEN, &[&token]) > 30);
    drop(vault);
    let again = self::vault(&data);
    assert_eq!(full_scan_steps(&again, BY_TOKEN, &[&token]), 0);
}
