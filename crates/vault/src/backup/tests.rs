//! Tests of copying a vault.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{Secret, SystemClock};

use crate::grants::tests::{store, vault};
use crate::{KeySource, RunHistory, VAULT_FILE, Vault, VaultError, VaultErrorKind, back_up};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_copy_is_private_has_what_is_in_the_log_of_writes_and_opens_elsewhere() {
    let data = tempfile::tempdir().unwrap();
    let open = vault(&data);
    store(&open, "-2014", "refresh-1", 9);
    // What was stored is in the write-ahead log alone.
    assert!(
        fs::metadata(data.path().join("vault.db-wal"))
            .unwrap()
            .len()
            > 0
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join(VAULT_FILE);
    back_up(data.path(), &copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    let restored = vault(&elsewhere);
    let grants = restored.grants().unwrap();
    let tokens = restored.tokens(&grants[0].handle).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-1");
    for side in ["vault.db-wal", "vault.db-shm"] {
        assert_eq!(mode(&elsewhere.path().join(side)), 0o600, "{side}");
    }
}

#[test]
fn nothing_is_written_over_and_nothing_half_made_stays() {
    let data = tempfile::tempdir().unwrap();
    let _open = vault(&data);
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy.db");
    fs::write(&copy, "mine").unwrap();
    for taken in [copy.as_path(), &data.path().join(VAULT_FILE)] {
        let refused = back_up(data.path(), taken).unwrap_err();
        assert_eq!(refused.kind(), VaultErrorKind::Configuration);
        assert!(
            refused.to_string().contains("is there already"),
            "{refused}"
        );
    }
    assert_eq!(fs::read_to_string(&copy).unwrap(), "mine");
    let nowhere = elsewhere.path().join("no/such/folder.db");
    assert!(matches!(
        back_up(data.path(), &nowhere),
        Err(VaultError::Io { .. })
    ));
    let empty = tempfile::tempdir().unwrap();
    let made = elsewhere.path().join("made.db");
    assert!(back_up(empty.path(), &made).is_err());
    fs::write(data.path().join(VAULT_FILE), "").unwrap();
    let lost = back_up(data.path(), &made).unwrap_err();
    assert!(matches!(lost, VaultError::Lost { .. }), "{lost}");
    assert!(!made.exists());
}

#[test]
fn a_copy_that_others_can_read_is_closed_to_them_when_it_is_put_back() {
    let data = tempfile::tempdir().unwrap();
    drop(vault(&data));
    let file = data.path().join(VAULT_FILE);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let _open = vault(&data);
    for name in ["vault.db", "vault.db-wal", "vault.db-shm"] {
        assert_eq!(mode(&data.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_mere_history_of_runs_is_copied_too() {
    let data = tempfile::tempdir().unwrap();
    drop(RunHistory::open(data.path(), Arc::new(SystemClock)).unwrap());
    let copy = data.path().join("copy.db");
    back_up(data.path(), &copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
    let key = KeySource::given(Secret::new("5".repeat(64)));
    Vault::open(data.path(), &key, Arc::new(SystemClock)).unwrap();
}
