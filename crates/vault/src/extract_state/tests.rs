//! Tests of checkpoints, held resources, runs and the source of a data directory.

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use claimlake_contract::{
    ApiVersion, GrantHandle, PatientId, PatientState, ResourceType, RunId, Secret, SystemClock,
};

use crate::{
    ExtractState, KeySource, KnownResources, NewGrant, RunEnd, Scopes, StateChange, TokenPair,
    Vault, VaultErrorKind,
};

fn vault(data: &tempfile::TempDir) -> Vault {
    let key = KeySource::given(Secret::new("1".repeat(64)));
    Vault::open(data.path(), &key, Arc::new(SystemClock)).unwrap()
}

fn grant(vault: &Vault) -> GrantHandle {
    let new = NewGrant {
        api: ApiVersion::V2,
        patient: Some(PatientId::new("-77001")),
        external_id: None,
        scopes: Scopes::default(),
        grant_expires_at: None,
        one_time: false,
        tokens: TokenPair {
            access_token: None,
            access_issued_at: None,
            access_expires_at: None,
            refresh_token: Some(Secret::new("r")),
        },
    };
    vault.insert_or_renew(&new).unwrap().handle
}

fn run(noise: &str) -> RunId {
    format!("20261123T164012.345Z-{noise}").parse().unwrap()
}

fn change(
    grant: &GrantHandle,
    known: Option<KnownResources>,
    checkpoint: Option<&str>,
) -> StateChange {
    StateChange {
        state: ExtractState {
            grant: grant.clone(),
            api: ApiVersion::V2,
            resource: ResourceType::coverage(),
            run: run("0001"),
            as_of: Utc.with_ymd_and_hms(2026, 11, 23, 1, 2, 3).unwrap(),
            state: PatientState::Complete,
            reason: None,
            served: 4,
            landed: 3,
            complete_at: None,
            full_at: None,
            watermark: Some(Utc.with_ymd_and_hms(2026, 11, 20, 0, 0, 0).unwrap()),
            known_count: 4,
        },
        known,
        full_read: None,
        checkpoint: checkpoint.map(str::to_owned),
    }
}

/// A state with a held resource and a checkpoint.
pub(crate) fn record_one(vault: &Vault, grant: &GrantHandle) {
    let mut held = KnownResources::default();
    held.insert([1; 16], [2; 16]);
    let change = change(grant, Some(held), Some("{}"));
    vault.record_extract(&[change]).unwrap();
}

#[test]
fn a_checkpoint_and_its_state_are_read_back_and_lie_sealed() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let grant = grant(&vault);
    let mut held = KnownResources::default();
    held.insert([1; 16], [2; 16]);
    let change = change(&grant, Some(held.clone()), Some("{\"patient\":\"-77001\"}"));
    vault.record_extract(std::slice::from_ref(&change)).unwrap();
    assert_eq!(vault.extract_states().unwrap(), [change.state]);
    assert_eq!(
        vault
            .known_resources(&grant, &ResourceType::coverage())
            .unwrap(),
        held
    );
    assert_eq!(vault.checkpointed_runs().unwrap(), [run("0001")]);
    let checkpoints = vault.checkpoints(&run("0001")).unwrap();
    assert_eq!(checkpoints[0].detail, "{\"patient\":\"-77001\"}");
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"-77001"));
    }
    vault.drop_checkpoints(&run("0001")).unwrap();
    assert!(vault.checkpointed_runs().unwrap().is_empty());
}

#[test]
fn a_state_without_held_resources_leaves_what_is_held() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let grant = grant(&vault);
    let mut held = KnownResources::default();
    held.insert([1; 16], [2; 16]);
    let coverage = ResourceType::coverage();
    vault
        .record_extract(&[change(&grant, Some(held), None)])
        .unwrap();
    vault.record_extract(&[change(&grant, None, None)]).unwrap();
    assert_eq!(vault.known_resources(&grant, &coverage).unwrap().len(), 1);
    vault.forget_known_resources(&grant, &coverage).unwrap();
    assert!(vault.known_resources(&grant, &coverage).unwrap().is_empty());
}

#[test]
fn a_removed_grant_takes_its_states_and_checkpoints_along() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let grant = grant(&vault);
    vault
        .record_extract(&[change(&grant, None, Some("{}"))])
        .unwrap();
    vault.remove_grant(&grant).unwrap();
    assert!(vault.extract_states().unwrap().is_empty());
    assert!(vault.checkpointed_runs().unwrap().is_empty());
}

#[test]
fn a_data_directory_belongs_to_its_first_source() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    vault.bind_source("the sandbox with seed 1").unwrap();
    vault.bind_source("the sandbox with seed 1").unwrap();
    let error = vault.bind_source("https://example.org").unwrap_err();
    assert_eq!(error.kind(), VaultErrorKind::Configuration);
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_run_without_an_end_differs_from_one_that_ended() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    vault.begin_run(&run("0001"), "extract").unwrap();
    vault
        .end_run(&run("0001"), RunEnd::Interrupted, Some("{}"))
        .unwrap();
    vault.begin_run(&run("0002"), "extract").unwrap();
    let runs = vault.runs("extract", 10).unwrap();
    let ends: Vec<Option<RunEnd>> = runs.iter().map(|run| run.end).collect();
    assert_eq!(ends, [None, Some(RunEnd::Interrupted)]);
}
