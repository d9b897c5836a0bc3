//! Tests of the journal of refreshes.

use chrono::TimeDelta;
use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Secret};

use crate::grants::tests::{grant, now, store, vault};
use crate::{RefreshStep, RefreshWritten, Refreshed, TokenPair, VaultError};

fn refreshed(token: &str) -> Refreshed {
    Refreshed {
        tokens: TokenPair {
            access_token: Some(Secret::new(format!("access of {token}"))),
            access_issued_at: Some(now()),
            access_expires_at: Some(now() + TimeDelta::hours(1)),
            refresh_token: Some(Secret::new(token)),
        },
        scopes: Some("openid".into()),
        patient: None,
        grant_expires_at: None,
    }
}

#[test]
fn an_intent_stays_open_until_its_outcome_is_stored() {
    let data = tempfile::tempdir().unwrap();
    let handle = {
        let vault = vault(&data);
        let handle = store(&vault, "7", "refresh-1", 100);
        let intent = vault.begin_refresh(&handle).unwrap();
        assert_eq!(intent.refresh_token.expose(), "refresh-1");
        assert_eq!(intent.earlier_attempts, 0);
        handle
    };
    let vault = vault(&data);
    assert_eq!(
        vault.open_refreshes().unwrap(),
        std::slice::from_ref(&handle)
    );
    assert_eq!(vault.begin_refresh(&handle).unwrap().earlier_attempts, 1);
    let generation = vault
        .finish_refresh(&handle, &refreshed("refresh-2"))
        .unwrap();
    assert_eq!(generation, vault.grant(&handle).unwrap().generation);
    assert!(vault.open_refreshes().unwrap().is_empty());
    let next = vault.begin_refresh(&handle).unwrap();
    assert_eq!(
        (next.refresh_token.expose(), next.earlier_attempts),
        ("refresh-2", 0)
    );
    assert_eq!(
        vault.grant(&handle).unwrap().grant_expires_at,
        Some(now() + TimeDelta::days(100))
    );
}

#[test]
fn a_token_that_was_not_sent_leaves_earlier_doubts_as_they_were() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let handle = store(&vault, "7", "refresh-1", 100);
    vault.begin_refresh(&handle).unwrap();
    vault.begin_refresh(&handle).unwrap();
    vault.refresh_not_used(&handle).unwrap();
    assert_eq!(vault.begin_refresh(&handle).unwrap().earlier_attempts, 1);
    vault.refresh_not_used(&handle).unwrap();
    vault.refresh_not_used(&handle).unwrap();
    assert!(vault.open_refreshes().unwrap().is_empty());
}

#[test]
fn a_person_named_only_by_the_refresh_is_noted_and_a_taken_id_costs_no_token() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let mut unnamed = grant("7", "refresh-1", 100);
    unnamed.patient = None;
    let handle = vault.insert_or_renew(&unnamed).unwrap().handle;
    vault.begin_refresh(&handle).unwrap();
    let named = Refreshed {
        patient: Some(PatientId::new("-42")),
        ..refreshed("refresh-2")
    };
    vault.finish_refresh(&handle, &named).unwrap();
    let found = vault
        .by_patient(ApiVersion::V2, &PatientId::new("-42"))
        .unwrap();
    assert_eq!(found.unwrap().handle, handle);

    let other = store(&vault, "8", "refresh-8", 100);
    let clash = Refreshed {
        patient: Some(PatientId::new("-42")),
        ..refreshed("refresh-9")
    };
    vault.finish_refresh(&other, &clash).unwrap();
    assert_eq!(
        vault
            .tokens(&other)
            .unwrap()
            .refresh_token
            .unwrap()
            .expose(),
        "refresh-9"
    );
    assert_eq!(
        vault.grant(&other).unwrap().patient,
        Some(PatientId::new("8"))
    );
}

#[test]
fn entries_written_together_stand_each_for_itself() {
    let data = tempfile::tempdir().unwrap();
    let (first, second, stranger) = {
        let vault = vault(&data);
        let stored = |patient, token| vault.insert_or_renew(&grant(patient, token, 100)).unwrap();
        let first = stored("7", "refresh-7").handle;
        let second = stored("8", "refresh-8").handle;
        let stranger = GrantHandle::from_random([9; 8]);
        vault.begin_refresh(&second).unwrap();
        let steps = [
            (first.clone(), RefreshStep::Begin),
            (stranger.clone(), RefreshStep::Begin),
            (
                stranger.clone(),
                RefreshStep::Finish(Box::new(refreshed("nobody's"))),
            ),
            (
                second.clone(),
                RefreshStep::Finish(Box::new(refreshed("refresh-9"))),
            ),
        ];
        let written = vault.write_refreshes(&steps).unwrap();
        let [begun, unknown, unknown_too, finished] = written.as_slice() else {
            panic!("{written:?}");
        };
        let Ok(RefreshWritten::Begun(intent)) = begun else {
            panic!("{begun:?}");
        };
        assert_eq!(intent.refresh_token.expose(), "refresh-7");
        for unknown in [unknown, unknown_too] {
            assert!(matches!(unknown, Err(VaultError::UnknownGrant { .. })));
        }
        let generation = vault.grant(&second).unwrap().generation;
        assert!(matches!(finished, Ok(RefreshWritten::Finished(new)) if *new == generation));
        (first, second, stranger)
    };
    let vault = vault(&data);
    assert_eq!(vault.open_refreshes().unwrap(), [first]);
    let token = vault.tokens(&second).unwrap().refresh_token.unwrap();
    assert_eq!(token.expose(), "refresh-9");
    assert!(vault.grant(&stranger).is_err());
}
