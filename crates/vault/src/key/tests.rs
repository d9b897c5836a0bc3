//! Tests of the places a key comes from.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use claimlake_contract::Secret;

use super::{KeyRequest, KeySource, resolve};

fn request(data_dir: &Path, may_create: bool) -> KeyRequest<'_> {
    KeyRequest {
        vault_id: "v0123",
        data_dir,
        may_create,
    }
}

#[test]
fn the_environment_comes_before_the_command_and_the_command_before_the_file() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let mut source = KeySource {
        environment: Some(Secret::new("11".repeat(32))),
        command: Some(format!("echo {}", "22".repeat(32))),
        ..KeySource::in_config_dir(config.path())
    };
    let (key, origin) = resolve(&source, &request(data.path(), true)).unwrap();
    assert_eq!(key.bytes(), &[0x11; 32]);
    assert_eq!(origin.place, "environment CLAIMLAKE_VAULT_KEY");
    source.environment = None;
    let (key, _) = resolve(&source, &request(data.path(), true)).unwrap();
    assert_eq!(key.bytes(), &[0x22; 32]);
    source.command = None;
    let (_, origin) = resolve(&source, &request(data.path(), true)).unwrap();
    assert!(origin.created && origin.place.contains("keys/v0123.key"));
}

#[test]
fn a_key_file_is_made_once_for_its_owner_only_and_read_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let source = KeySource::in_config_dir(config.path().join("claimlake"));
    let (first, _) = resolve(&source, &request(data.path(), true)).unwrap();
    let (second, origin) = resolve(&source, &request(data.path(), false)).unwrap();
    assert_eq!(first.bytes(), second.bytes());
    assert!(!origin.created);
    let file = config.path().join("claimlake/keys/v0123.key");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let file = config.path().join("vault.key");
    std::fs::write(&file, "11".repeat(32)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let source = KeySource {
        file: Some(file),
        ..KeySource::default()
    };
    let error = resolve(&source, &request(data.path(), true)).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn a_key_file_inside_the_data_directory_is_refused_even_through_a_link() {
    let data = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(data.path(), &link).unwrap();
    for file in [data.path().join("sub/vault.key"), link.join("vault.key")] {
        let source = KeySource {
            file: Some(file),
            ..KeySource::default()
        };
        let error = resolve(&source, &request(data.path(), true)).unwrap_err();
        assert!(
            error.to_string().contains("inside the data directory"),
            "{error}"
        );
    }
}

#[test]
fn an_existing_vault_gets_no_new_key_and_the_error_names_the_missing_one() {
    let data = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let source = KeySource::in_config_dir(config.path());
    let error = resolve(&source, &request(data.path(), false)).unwrap_err();
    assert!(error.to_string().contains("v0123.key"), "{error}");
    assert!(!config.path().join("keys/v0123.key").exists());
}

#[test]
fn a_key_of_another_length_or_a_failing_command_is_refused_without_showing_it() {
    let data = tempfile::tempdir().unwrap();
    let short = KeySource::given(Secret::new("s3cret"));
    let error = resolve(&short, &request(data.path(), true)).unwrap_err();
    assert!(error.to_string().contains("32 bytes") && !error.to_string().contains("s3cret"));
    let failing = KeySource {
        command: Some("echo s3cret; exit 3".into()),
        ..KeySource::default()
    };
    let error = resolve(&failing, &request(data.path(), true)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("CLAIMLAKE_VAULT_KEY_COMMAND failed")
            && !error.to_string().contains("s3cret")
    );
}
