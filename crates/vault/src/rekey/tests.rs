//! Tests of giving a vault another key.

use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, PatientId, Person, ResourceType, Secret, SystemClock};

use crate::grants::tests::{now, store};
use crate::key_place::{beside, lay_beside};
use crate::key_text::parse_key;
use crate::{KeySource, PendingAuthorization, Vault, VaultError};

fn open(data: &Path, key_source: &KeySource) -> Result<Vault, VaultError> {
    Vault::open(data, key_source, Arc::new(SystemClock))
}

/// A vault with something sealed in every place, and its key file.
fn filled(data: &Path, key_source: &KeySource) -> Vault {
    let vault = open(data, key_source).unwrap();
    store(&vault, "-2014", "refresh-1", 100);
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
    vault
        .begin_forget(&person, std::path::Path::new("lake"), true)
        .unwrap();
    let handle = vault.grants().unwrap()[0].handle.clone();
    crate::extract_state::tests::record_one(&vault, &handle);
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
    assert_eq!(
        vault
            .known_resources(&grants[0].handle, &coverage)
            .unwrap()
            .len(),
        1
    );
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
    vault.rekey(None, &mut |_| {}).unwrap();
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
    let error = vault.rekey(None, &mut |_| {}).unwrap_err();
    assert!(
        error.to_string().contains("CLAIMLAKE_VAULT_NEW_KEY"),
        "{error}"
    );
    vault
        .rekey(Some(&Secret::new("2".repeat(64))), &mut |_| {})
        .unwrap();
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
    vault.rekey(None, &mut |_| {}).unwrap();
    drop(vault);
    std::fs::rename(&key_file, beside(&key_file)).unwrap();
    std::fs::write(&key_file, old).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key_file, mode).unwrap();
    assert_all_opens(&open(data.path(), &source).unwrap());
    assert!(!beside(&key_file).exists());
    open(data.path(), &source).unwrap();
}

/// Where an earlier state of the vault's file is put back.
fn put_back(backup: &Path, data: &Path) {
    for side in ["vault.db-wal", "vault.db-shm"] {
        let _ = std::fs::remove_file(data.join(side));
    }
    std::fs::copy(backup, data.join(crate::VAULT_FILE)).unwrap();
}

#[test]
fn backups_open_by_the_keys_before_until_these_are_forgotten() {
    let config = tempfile::tempdir().unwrap();
    let named = KeySource {
        file: Some(config.path().join("named.key")),
        ..KeySource::default()
    };
    for source in [KeySource::in_config_dir(config.path()), named] {
        let data = tempfile::tempdir().unwrap();
        let copies = tempfile::tempdir().unwrap();
        let mut vault = filled(data.path(), &source);
        let mut backups = Vec::new();
        for number in 0..3 {
            let copy = copies.path().join(format!("{number}.db"));
            crate::back_up(data.path(), &copy).unwrap();
            backups.push(copy);
            let rekeyed = vault.rekey(None, &mut |_| {}).unwrap();
            let kept = rekeyed.kept.unwrap();
            assert!(kept.ends_with(&format!(".old-{}'", number + 1)), "{kept}");
            assert!(!rekeyed.origin.is_old);
        }
        assert_eq!(vault.old_keys(), 3);
        drop(vault);
        let present = data.path().join("present.db");
        crate::back_up(data.path(), &present).unwrap();
        for copy in &backups {
            put_back(copy, data.path());
            let vault = open(data.path(), &source).unwrap();
            assert!(vault.key_origin().is_old);
            assert_all_opens_but_the_authorization(&vault);
            let refused = vault.forget_old_keys().unwrap_err();
            assert!(refused.to_string().contains("vault rekey"), "{refused}");
        }
        put_back(&present, data.path());
        let vault = open(data.path(), &source).unwrap();
        assert!(!vault.key_origin().is_old);
        assert_eq!(vault.forget_old_keys().unwrap(), 3);
        assert_eq!((vault.old_keys(), vault.forget_old_keys().unwrap()), (0, 0));
        drop(vault);
        put_back(&backups[0], data.path());
        let error = open(data.path(), &source).unwrap_err();
        assert!(matches!(error, VaultError::WrongKey { .. }), "{error}");
        assert!(error.to_string().contains("vault rekey"), "{error}");
    }
}

fn assert_all_opens_but_the_authorization(vault: &Vault) {
    vault.check().unwrap();
    let grants = vault.grants().unwrap();
    let tokens = vault.tokens(&grants[0].handle).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-1");
}

#[test]
fn a_vault_that_was_put_back_gets_a_key_of_its_own_again_and_no_key_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let source = KeySource::in_config_dir(config.path());
    let mut vault = filled(data.path(), &source);
    let copy = config.path().join("copy.db");
    crate::back_up(data.path(), &copy).unwrap();
    vault.rekey(None, &mut |_| {}).unwrap();
    let second = config.path().join("second.db");
    crate::back_up(data.path(), &second).unwrap();
    drop(vault);
    put_back(&copy, data.path());
    let mut vault = open(data.path(), &source).unwrap();
    let rekeyed = vault.rekey(None, &mut |_| {}).unwrap();
    // The key that lay in the place is kept, too: the second copy needs it.
    assert_eq!(vault.old_keys(), 2);
    assert!(rekeyed.origin.place.ends_with(".key'"), "{rekeyed:?}");
    drop(vault);
    assert_all_opens_but_the_authorization(&open(data.path(), &source).unwrap());
    put_back(&second, data.path());
    assert!(open(data.path(), &source).unwrap().key_origin().is_old);
}

#[test]
fn kept_keys_are_private_and_none_is_written_over() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let source = KeySource::in_config_dir(config.path());
    let mut vault = filled(data.path(), &source);
    let name = format!("keys/{}.key.old-7", vault.id());
    let foreign = config.path().join(&name);
    std::fs::write(&foreign, "no key at all").unwrap();
    let rekeyed = vault.rekey(None, &mut |_| {}).unwrap();
    assert!(rekeyed.kept.unwrap().ends_with(".old-8'"));
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "no key at all");
    let kept = config.path().join(name.replace("old-7", "old-8"));
    let mode = std::fs::metadata(kept).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
}

#[test]
fn two_data_directories_with_one_key_file_both_open_after_either_gets_another_key() {
    let config = tempfile::tempdir().unwrap();
    let source = KeySource {
        file: Some(config.path().join("shared.key")),
        ..KeySource::default()
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop((filled(one.path(), &source), filled(two.path(), &source)));
    for data in [&one, &two, &one] {
        let mut vault = open(data.path(), &source).unwrap();
        vault.rekey(None, &mut |_| {}).unwrap();
        drop(vault);
        for data in [&one, &two] {
            let vault = open(data.path(), &source).unwrap();
            assert_all_opens_but_the_authorization(&vault);
        }
    }
}
