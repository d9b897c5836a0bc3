//! Tests of logs and vaults that were put back from a backup.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, FixedClock, PatientId, SystemClock};

use super::AccessAction;
use super::gap_tests::{Scene, append};
use crate::{ACCESS_LOG_FILE, KeySource, VAULT_FILE, Vault};

/// The files of a data directory without its lock files.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in [VAULT_FILE, ACCESS_LOG_FILE, "vault.id"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    for side in ["vault.db-wal", "vault.db-shm"] {
        let _ = fs::remove_file(to.join(side));
    }
}

#[test]
fn a_log_and_a_vault_that_were_put_back_together_are_noticed_by_the_note_outside() {
    let scene = Scene::new(3);
    let backup = tempfile::tempdir().unwrap();
    copied(scene.data.path(), backup.path());
    let vault = scene.vault();
    append(&vault);
    append(&vault);
    drop(vault);
    copied(backup.path(), scene.data.path());
    let problem = scene.problem().unwrap();
    assert!(
        problem.contains("it has line 5, and they end with 3"),
        "{problem}"
    );
    append(&scene.vault());
    append(&scene.vault());
    let problem = scene.problem().unwrap();
    assert!(problem.contains("lines 4 to 5 are missing"), "{problem}");
    assert_eq!(scene.lines().len(), 6);
    // Without the note nobody can tell.
    copied(backup.path(), scene.data.path());
    fs::remove_dir_all(scene.config.path().join("access-log")).unwrap();
    assert_eq!(scene.problem(), None);
}

#[test]
fn a_copy_that_went_on_elsewhere_and_was_put_here_is_noticed() {
    for elsewhere in [1, 2, 40] {
        let scene = Scene::new(3);
        let copy = tempfile::tempdir().unwrap();
        copied(scene.data.path(), copy.path());
        // The line to hide, and as many lines elsewhere.
        append(&scene.vault());
        let source = KeySource::in_config_dir(scene.config.path());
        // Lines of the same millisecond would be equal.
        let clock = FixedClock::at(chrono::Utc::now() + chrono::TimeDelta::hours(1));
        let other = Vault::open(copy.path(), &source, Arc::new(clock)).unwrap();
        let other = other.noting_outside(Some(scene.config.path()));
        for _ in 0..elsewhere {
            append(&other);
        }
        drop(other);
        copied(copy.path(), scene.data.path());
        let problem = scene.problem().unwrap();
        assert!(problem.contains("line 4 is another one"), "{problem}");
        append(&scene.vault());
        append(&scene.vault());
        let problem = scene.problem().unwrap();
        assert!(problem.contains("line 4 is missing"), "{problem}");
    }
}

#[test]
fn a_copy_of_a_data_directory_goes_on_by_itself() {
    let scene = Scene::new(3);
    let copy = tempfile::tempdir().unwrap();
    copied(scene.data.path(), copy.path());
    let source = KeySource::in_config_dir(scene.config.path());
    let other = Vault::open(copy.path(), &source, Arc::new(SystemClock)).unwrap();
    let other = other.noting_outside(Some(scene.config.path()));
    append(&other);
    append(&other);
    append(&scene.vault());
    assert_eq!(scene.problem(), None);
    assert_eq!(other.access_log().verify().unwrap().problem, None);
}

/// A vault put back from before a person was forgotten, and what was done with them since.
fn older_than_its_log(since: &[AccessAction]) -> Scene {
    let scene = Scene::new(3);
    let backup = tempfile::tempdir().unwrap();
    copied(scene.data.path(), backup.path());
    let vault = scene.vault();
    let grant = vault.grants().unwrap().remove(0);
    for action in since {
        let log = vault.access_log();
        log.append("a command", *action, &[&grant]).unwrap();
    }
    drop(vault);
    let newer = fs::read(scene.log()).unwrap();
    copied(backup.path(), scene.data.path());
    fs::write(scene.log(), newer).unwrap();
    scene
}

fn is_forgotten(vault: &Vault) -> bool {
    let patient = PatientId::new("-2014");
    let by_id = vault.is_forgotten(ApiVersion::V2, &patient).unwrap();
    let tombstones = vault.tombstones().unwrap();
    assert_eq!(tombstones.has_id(ApiVersion::V2, "-2014"), by_id);
    assert!(!tombstones.has_id(ApiVersion::V3, "-2014") && !tombstones.has_id(ApiVersion::V2, "7"));
    by_id
}

#[test]
fn a_vault_that_is_older_than_its_log_refuses_whom_the_log_has_forgotten_since() {
    let scene = older_than_its_log(&[AccessAction::Pulled, AccessAction::Forgotten]);
    let source = KeySource::in_config_dir(scene.config.path());
    let read = Vault::open_to_read(scene.data.path(), &source, Arc::new(SystemClock)).unwrap();
    let check = read.access_log().verify().unwrap();
    assert_eq!(check.problem, None);
    assert_eq!((check.newer, check.newer_forgotten), (2, 1));
    assert!(!is_forgotten(&read));
    drop(read);
    assert!(is_forgotten(&scene.vault()));
    let check = scene.vault().access_log().verify().unwrap();
    assert_eq!((check.problem, check.newer), (None, 0));
    // A new consent takes them back, and no later opening forgets them again.
    let patient = PatientId::new("-2014");
    assert!(
        scene
            .vault()
            .consent_again(ApiVersion::V2, &patient)
            .unwrap()
    );
    assert!(!is_forgotten(&scene.vault()));
    append(&scene.vault());
    assert!(!is_forgotten(&scene.vault()));
    assert_eq!(scene.problem(), None);
}

#[test]
fn who_consented_again_in_the_lines_that_an_older_vault_does_not_know_is_not_refused() {
    for since in [
        &[AccessAction::Forgotten, AccessAction::Authorized][..],
        &[
            AccessAction::Forgotten,
            AccessAction::Imported,
            AccessAction::Pulled,
        ],
        &[AccessAction::Pulled],
        &[],
    ] {
        let scene = older_than_its_log(since);
        assert!(!is_forgotten(&scene.vault()), "{since:?}");
    }
}
