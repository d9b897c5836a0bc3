//! Tests of opening a vault.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use claimlake_contract::{Secret, SystemClock};

use crate::{KeySource, VAULT_FILE, Vault, VaultError, VaultErrorKind};

fn key(digit: &str) -> KeySource {
    KeySource::given(Secret::new(digit.repeat(64)))
}

fn open(data: &std::path::Path, key_source: &KeySource) -> Result<Vault, VaultError> {
    Vault::open(data, key_source, Arc::new(SystemClock))
}

#[test]
fn a_new_vault_is_readable_by_its_owner_only() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let vault = open(&data, &key("1")).unwrap();
    vault.grants().unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn another_key_is_refused_and_the_right_one_opens_afterwards() {
    let data = tempfile::tempdir().unwrap();
    open(data.path(), &key("1")).unwrap();
    let error = open(data.path(), &key("2")).unwrap_err();
    assert!(matches!(error, VaultError::WrongKey { .. }), "{error}");
    assert_eq!(error.kind(), VaultErrorKind::Configuration);
    open(data.path(), &key("1")).unwrap();
}

#[test]
fn a_vault_of_a_newer_version_is_refused_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    drop(open(data.path(), &key("1")).unwrap());
    let path = data.path().join(VAULT_FILE);
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 7)
        .unwrap();
    let error = open(data.path(), &key("1")).unwrap_err();
    assert!(
        matches!(error, VaultError::Newer { found: 7, .. }),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_vault_is_reported_as_damaged() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(
        data.path().join(VAULT_FILE),
        "no database at all ".repeat(99),
    )
    .unwrap();
    let error = open(data.path(), &key("1")).unwrap_err();
    assert!(matches!(error, VaultError::Damaged { .. }), "{error}");
}

#[test]
fn twenty_openings_of_a_new_vault_at_once_agree_on_its_keys() {
    let data = tempfile::tempdir().unwrap();
    let ids: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let openings: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| open(data.path(), &key("1")).unwrap().pseudonym("x", "y")))
            .collect();
        openings
            .into_iter()
            .map(|opening| opening.join().unwrap())
            .collect()
    });
    assert_eq!(ids.len(), 1);
}
