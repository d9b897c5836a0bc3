//! Tests of grants that move to another API version.

use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Person, Secret};

use crate::grants::tests::{grant, now, store, vault};
use crate::{GrantState, NewGrant, RefreshStep, Refreshed, TokenPair, Vault};

const V2: ApiVersion = ApiVersion::V2;
const V3: ApiVersion = ApiVersion::V3;

fn step(patient: Option<&str>) -> RefreshStep {
    let refreshed = Refreshed {
        tokens: TokenPair {
            access_token: Some(Secret::new("access-at-v3")),
            access_issued_at: Some(now()),
            access_expires_at: None,
            refresh_token: Some(Secret::new("refresh-at-v3")),
        },
        scopes: None,
        patient: patient.map(PatientId::new),
        grant_expires_at: None,
    };
    RefreshStep::Move(V3, Box::new(refreshed))
}

fn write(vault: &Vault, handle: &GrantHandle, step: RefreshStep) {
    let written = vault.write_refreshes(&[(handle.clone(), step)]).unwrap();
    assert!(written.iter().all(Result::is_ok));
}

fn earlier(patient: &str) -> Option<(ApiVersion, PatientId)> {
    Some((V2, PatientId::new(patient)))
}

#[test]
fn a_moved_grant_has_both_ids_and_is_found_by_both() {
    let data = tempfile::tempdir().unwrap();
    let mut vault = vault(&data);
    let handle = store(&vault, "-2014", "refresh-1", 100);
    write(&vault, &handle, RefreshStep::Begin);
    write(&vault, &handle, step(Some("-512")));
    let moved = vault.grant(&handle).unwrap();
    assert_eq!(
        (moved.api, moved.patient.clone()),
        (V3, Some(PatientId::new("-512")))
    );
    assert_eq!(moved.earlier, earlier("-2014"));
    assert_eq!((moved.state, moved.generation), (GrantState::Active, 3));
    assert_eq!(vault.open_refresh(&handle).unwrap(), None);
    assert!(
        vault
            .by_patient(V2, &PatientId::new("-2014"))
            .unwrap()
            .is_none()
    );
    assert!(
        vault
            .by_patient(V3, &PatientId::new("-512"))
            .unwrap()
            .is_some()
    );
    for (api, id) in [(V2, "-2014"), (V3, "-512")] {
        let mut person = Person::default();
        person.ids.insert((api, PatientId::new(id)));
        assert_eq!(vault.grants_of(&person).unwrap().len(), 1, "{id}");
        // The id of one version says nothing in the other.
        let mut other = Person::default();
        other.ids.insert((
            api,
            PatientId::new(if id == "-512" { "-2014" } else { "-512" }),
        ));
        assert!(vault.grants_of(&other).unwrap().is_empty());
    }
    // Both are sealed anew with another key.
    vault
        .rekey(Some(&Secret::new("6".repeat(64))), &mut |_| ())
        .unwrap();
    let again = vault.grant(&handle).unwrap();
    assert_eq!(
        (again.earlier, again.patient),
        (moved.earlier, moved.patient)
    );
    assert_eq!(
        vault
            .tokens(&handle)
            .unwrap()
            .refresh_token
            .unwrap()
            .expose(),
        "refresh-at-v3"
    );
}

#[test]
fn the_tokens_are_stored_where_the_server_does_not_say_whose_they_are() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let handle = store(&vault, "-2014", "refresh-1", 100);
    write(&vault, &handle, step(None));
    let moved = vault.grant(&handle).unwrap();
    assert_eq!((moved.api, moved.patient), (V3, None));
    assert_eq!(moved.earlier, earlier("-2014"));
    vault
        .name_patient(&handle, &PatientId::new("-512"))
        .unwrap();
    let named = vault.grant(&handle).unwrap();
    assert_eq!(named.patient, Some(PatientId::new("-512")));
    assert_eq!(named.earlier, earlier("-2014"));
}

#[test]
fn a_patient_who_has_a_grant_there_already_has_one_with_both_ids() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let known = vault
        .insert_or_renew(&NewGrant {
            api: V3,
            ..grant("-512", "refresh-2", 100)
        })
        .unwrap();
    let handle = store(&vault, "-2014", "refresh-1", 100);
    write(&vault, &handle, step(Some("-512")));
    let grants = vault.grants().unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].handle, known.handle);
    assert_eq!(grants[0].earlier, earlier("-2014"));
    assert_eq!(
        vault
            .tokens(&known.handle)
            .unwrap()
            .refresh_token
            .unwrap()
            .expose(),
        "refresh-at-v3"
    );
}
