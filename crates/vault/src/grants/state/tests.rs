//! Tests of a consent's states and of its naming, and of a vault made by the format before.

use std::sync::Arc;

use chrono::TimeDelta;
use claimlake_contract::{ApiVersion, FixedClock, PatientId, Person, Secret};
use rusqlite::Connection;

use crate::grants::tests::{grant, now, store, vault};
use crate::{
    EndedTokens, Forgotten, GrantChange, GrantState, KeySource, NewGrant, Refreshed, Vault,
    VaultError,
};

fn nameless(refresh_token: &str, days: i64) -> NewGrant {
    NewGrant {
        patient: None,
        external_id: None,
        ..grant("nobody", refresh_token, days)
    }
}

fn refreshed(token: &str) -> Refreshed {
    Refreshed {
        tokens: grant("7", token, 100).tokens,
        scopes: None,
        patient: None,
        grant_expires_at: None,
    }
}

#[test]
fn a_doubt_keeps_its_first_instant_and_ends_with_whatever_is_known() {
    let data = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(now()));
    let key = KeySource::given(Secret::new("5".repeat(64)));
    let vault = Vault::open(data.path(), &key, clock.clone()).unwrap();
    let handle = store(&vault, "7", "refresh-1", 100);
    let doubt = || {
        vault
            .set_grant_state(&handle, GrantState::Doubtful, Some("denied"))
            .unwrap();
    };
    doubt();
    clock.advance(TimeDelta::hours(20));
    doubt();
    let read = vault.grant(&handle).unwrap();
    assert_eq!(
        (read.state, read.state_since, read.reason.as_deref()),
        (GrantState::Doubtful, now(), Some("denied"))
    );
    assert!(vault.tokens(&handle).unwrap().refresh_token.is_some());
    vault.begin_refresh(&handle).unwrap();
    vault
        .finish_refresh(&handle, &refreshed("refresh-2"))
        .unwrap();
    let read = vault.grant(&handle).unwrap();
    assert_eq!((read.state, read.reason), (GrantState::Active, None));

    // A grant that has ended does not come back by a doubt.
    vault
        .set_grant_state(&handle, GrantState::NeedsConsent, Some("over"))
        .unwrap();
    doubt();
    let read = vault.grant(&handle).unwrap();
    assert_eq!(
        (read.state, read.reason.as_deref()),
        (GrantState::NeedsConsent, Some("over"))
    );
    // A newer consent takes a doubt away.
    let renewed = vault
        .insert_or_renew(&grant("7", "refresh-3", 200))
        .unwrap();
    doubt();
    store(&vault, "7", "refresh-4", 300);
    assert_eq!(
        vault.grant(&renewed.handle).unwrap().state,
        GrantState::Active
    );
}

#[test]
fn an_end_is_about_the_tokens_it_was_heard_with() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let handle = store(&vault, "7", "refresh-1", 100);
    let generation = vault.grant(&handle).unwrap().generation;
    store(&vault, "7", "refresh-2", 200);
    let late = vault.end_grant(&handle, Some(generation), "over", EndedTokens::Kept);
    assert!(!late.unwrap(), "the person has consented anew meanwhile");
    assert_eq!(vault.grant(&handle).unwrap().state, GrantState::Active);
    let end = |tokens| vault.end_grant(&handle, Some(generation + 1), "over", tokens);
    assert!(end(EndedTokens::Dropped).unwrap());
    assert!(!end(EndedTokens::Kept).unwrap(), "it has ended already");
    assert_eq!(
        vault.grant(&handle).unwrap().state,
        GrantState::NeedsConsent
    );
    let tokens = vault.tokens(&handle).unwrap();
    assert!(tokens.access_token.is_none() && tokens.refresh_token.is_none());
}

#[test]
fn a_consent_is_stored_before_its_patient_is_known_and_named_later() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let stored = vault.insert_or_renew(&nameless("refresh-1", 100)).unwrap();
    let patient = PatientId::new("7");
    let named = vault.name_patient(&stored.handle, &patient).unwrap();
    assert_eq!(
        (&named.handle, named.change),
        (&stored.handle, GrantChange::Inserted)
    );
    assert_eq!(
        vault.grant(&named.handle).unwrap().patient,
        Some(patient.clone())
    );
    let again = vault.name_patient(&stored.handle, &patient).unwrap();
    assert_eq!(again.change, GrantChange::Unchanged);
    let other = vault.name_patient(&stored.handle, &PatientId::new("8"));
    let text = other.unwrap_err().to_string();
    assert!(text.contains(stored.handle.as_str()), "{text}");
}

#[test]
fn a_consent_of_a_known_patient_becomes_their_grant_and_leaves_no_second_one() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let known = vault
        .insert_or_renew(&grant("7", "refresh-1", 100))
        .unwrap();
    vault
        .set_grant_state(&known.handle, GrantState::NeedsConsent, Some("over"))
        .unwrap();
    let stored = vault.insert_or_renew(&nameless("refresh-2", 200)).unwrap();
    let named = vault
        .name_patient(&stored.handle, &PatientId::new("7"))
        .unwrap();
    assert_eq!(
        (&named.handle, named.change),
        (&known.handle, GrantChange::Renewed)
    );
    assert_eq!(vault.grants().unwrap().len(), 1);
    let read = vault.grant(&known.handle).unwrap();
    assert_eq!(read.state, GrantState::Active);
    assert_eq!(read.external_id.as_deref(), Some("member 7"));
    let tokens = vault.tokens(&known.handle).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-2");
    // The token is remembered as that patient's: a file with it changes nothing.
    let file = vault.insert_or_renew(&grant("7", "refresh-2", 200));
    assert_eq!(file.unwrap().change, GrantChange::Unchanged);
}

#[test]
fn a_forgotten_patient_comes_back_only_by_a_consent_that_says_so() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let patient = PatientId::new("7");
    let forget = || {
        let mut person = Person::default();
        person.ids.insert((ApiVersion::V2, patient.clone()));
        let intent = vault
            .begin_forget(&person, std::path::Path::new("lake"), true)
            .unwrap();
        vault.remove_person(&intent.person).unwrap();
        vault.finish_forget(&intent.intent).unwrap();
    };
    for (forgotten, comes_back) in [(Forgotten::Refused, false), (Forgotten::TakenBack, true)] {
        forget();
        let consent = nameless("refresh-1", 100);
        let stored = vault.store_consent(&consent, forgotten).unwrap();
        let named = vault.name_patient(&stored.handle, &patient);
        match comes_back {
            true => assert_eq!(named.unwrap().handle, stored.handle),
            false => assert!(matches!(named, Err(VaultError::Forgotten))),
        }
        assert_eq!(vault.grants().unwrap().len(), usize::from(comes_back));
    }
}

#[test]
fn a_refresh_token_of_another_patient_is_refused_and_the_grant_named() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let owner = vault
        .insert_or_renew(&grant("-71", "refresh-1", 100))
        .unwrap();
    let error = vault
        .insert_or_renew(&grant("-82", "refresh-1", 200))
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains(owner.handle.as_str()), "{text}");
    assert!(!text.contains("-71") && !text.contains("-82"), "{text}");
    assert_eq!(vault.grants().unwrap().len(), 1);
    // The same consent under the other version's id is the same person's.
    let other_space = NewGrant {
        api: ApiVersion::V3,
        ..grant("-909", "refresh-1", 200)
    };
    vault.insert_or_renew(&other_space).unwrap();
}

/// A vault as the format before wrote it, down to its columns.
#[test]
fn a_vault_of_the_format_before_opens_with_its_grants_as_they_were() {
    let data = tempfile::tempdir().unwrap();
    let (active, ended);
    {
        let vault = vault(&data);
        let store = |patient, token| {
            let stored = vault.insert_or_renew(&grant(patient, token, 100)).unwrap();
            stored.handle
        };
        (active, ended) = (store("7", "refresh-1"), store("8", "refresh-2"));
        vault
            .set_grant_state(&ended, GrantState::NeedsConsent, Some("over"))
            .unwrap();
    }
    {
        let file = Connection::open(data.path().join(crate::VAULT_FILE)).unwrap();
        file.execute_batch(
            "ALTER TABLE grants DROP COLUMN doubtful_since;
             ALTER TABLE grants DROP COLUMN takes_back;
             ALTER TABLE grants DROP COLUMN earlier_api;
             ALTER TABLE grants DROP COLUMN earlier_patient;
             DROP TABLE full_reads;
             DROP TABLE copy_removals;
             DROP TABLE copies;
             DROP TABLE codes;
             DROP TABLE codebooks;
             PRAGMA user_version = 2;",
        )
        .unwrap();
    }
    let vault = vault(&data);
    let states: Vec<GrantState> = [&active, &ended]
        .map(|handle| vault.grant(handle).unwrap().state)
        .into();
    assert_eq!(states, [GrantState::Active, GrantState::NeedsConsent]);
    let tokens = vault.tokens(&active).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-1");
    vault
        .set_grant_state(&active, GrantState::Doubtful, Some("denied"))
        .unwrap();
    drop(vault);
    let vault = self::vault(&data);
    assert_eq!(vault.grant(&active).unwrap().state, GrantState::Doubtful);
    vault.check().unwrap();
}
