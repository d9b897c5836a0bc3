//! Tests of giving a vault another key.

use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, PatientId, Person, ResourceType, Secret, SystemClock};

use super::{beside, lay_beside};
use crate::grants::tests::{grant, now};
use crate::key::parse_key;
use crate::{KeySource, PendingAuthorization, Vault, VaultError};

fn open(data: &Path, key_source: &KeySource) -> Result<Vault, VaultError> {
    Vault::open(data, key_source, Arc::new(SystemClock))
}

/// A vault with something sealed in every place, and its key file.
fn filled(data: &Path, key_source: &KeySource) -> Vault {
    let vault = open(data, key_source).unwrap();
    vault
        .insert_or_renew(&grant("-2014", "refresh-1", 100))
        .unwrap();
    let pending = PendingAuthorization {
        api: ApiVersion::V2,
        redirect_uri: "http://127.0.0.1/callback".into(),
        code_verifier: Secret::new("verifier"),
        external_id: None,
        again: false,
        created_at: now(),
    };
    vault
        .begin_authorization(&Secret::new("state"), &pending)
        .unwrap();
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new("-2015")));
    vault.begin_forget(&person).unwrap();
    let handle = vault.grants().unwrap()[0].handle.clone();
    crate::checkpoint::tests::record_one(&vault, &handle);
    vault
}

fn assert_all_opens(vault: &Vault) {
    vault.check().unwrap();
    let grants = vault.grants().unwrap();
    assert_eq!(grants[0].patient.as_ref().unwrap().expose(), "-2014");
    let tokens = vault.tokens(&grants[0].handle).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-1");
    let unfinished = vault.unfinished_forgets().unwrap();
    assert!(unfinished[0].person.has_id(ApiVersion::V2, "-2015"));
    let coverage = ResourceType::coverage();
    assert_eq!(vault.held(&grants[0].handle, &coverage).unwrap().len(), 1);
    let run = vault.checkpointed_runs().unwrap().remove(0);
    assert_eq!(vault.checkpoints(&run).unwrap().len(), 1);
    let pending = vault.take_authorization(&Secret::new("state")).unwrap();
    assert_eq!(pending.unwrap().code_verifier.expose(), "verifier");
}

#[test]
fn a_new_key_file_opens_everything_and_the_old_key_nothing() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let source = KeySource::in_config_dir(config.path());
    let mut vault = filled(data.path(), &source);
    let old = vault.key_for_broker();
    let name = vault.pseudonym("patient", "x");
    vault.rekey(None).unwrap();
    drop(vault);
    let vault = open(data.path(), &source).unwrap();
    assert_ne!(vault.key_for_broker(), old);
    assert_eq!(vault.pseudonym("patient", "x"), name);
    assert_all_opens(&vault);
    let error = open(data.path(), &KeySource::given(old)).unwrap_err();
    assert!(matches!(error, VaultError::WrongKey { .. }));
}

#[test]
fn a_key_of_the_environment_is_replaced_only_by_a_given_one() {
    let data = tempfile::tempdir().unwrap();
    let mut vault = filled(data.path(), &KeySource::given(Secret::new("1".repeat(64))));
    let error = vault.rekey(None).unwrap_err();
    assert!(
        error.to_string().contains("CLAIMLAKE_VAULT_NEW_KEY"),
        "{error}"
    );
    vault.rekey(Some(&Secret::new("2".repeat(64)))).unwrap();
    assert!(open(data.path(), &KeySource::given(Secret::new("1".repeat(64)))).is_err());
    assert_all_opens(&open(data.path(), &KeySource::given(Secret::new("2".repeat(64)))).unwrap());
}

#[test]
fn a_rekey_interrupted_on_either_side_of_its_commit_is_settled_by_the_next_opening() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let source = KeySource::in_config_dir(config.path());
    let mut vault = filled(data.path(), &source);
    let key_file = config.path().join(format!("keys/{}.key", vault.id()));

    // Before: another key lies beside, and the vault knows nothing of it.
    let other = parse_key(&"3".repeat(64), "a test").unwrap();
    lay_beside(vault.key_origin(), vault.id(), &other).unwrap();
    drop(open(data.path(), &source).unwrap());

    // After: the vault has the new key, and the file the old one.
    let old = std::fs::read(&key_file).unwrap();
    vault.rekey(None).unwrap();
    drop(vault);
    std::fs::rename(&key_file, beside(&key_file)).unwrap();
    std::fs::write(&key_file, old).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key_file, mode).unwrap();
    assert_all_opens(&open(data.path(), &source).unwrap());
    assert!(!beside(&key_file).exists());
    open(data.path(), &source).unwrap();
}
