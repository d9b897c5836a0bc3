//! Tests of data directories whose vault is lost, and of those that never had one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, PatientId, Person, Secret, SystemClock};

use crate::grants::tests::store;
use crate::{
    ACCESS_LOG_FILE, AccessAction, KeySource, LOCK_FILE, RunHistory, TokenLock, VAULT_FILE,
    VAULT_ID_FILE, Vault, VaultError,
};

fn key() -> KeySource {
    KeySource::given(Secret::new("5".repeat(64)))
}

fn open(data: &Path) -> Result<Vault, VaultError> {
    Vault::open(data, &key(), Arc::new(SystemClock))
}

/// A data directory in which a person was forgotten, and everything was done that leaves a mark.
fn filled() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let vault = open(data.path()).unwrap();
    store(&vault, "-2014", "token", 9);
    let grant = vault.grants().unwrap().remove(0);
    let log = vault.access_log();
    log.append("forget", AccessAction::Forgotten, &[&grant])
        .unwrap();
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new("-2014")));
    let intent = vault
        .begin_forget(&person, Path::new("lake"), true)
        .unwrap();
    drop(TokenLock::try_acquire(data.path()).unwrap());
    vault.remove_person(&person).unwrap();
    vault.finish_forget(&intent.intent).unwrap();
    data
}

fn landed(data: &Path, origin: &str) {
    let run = data.join("landing/api=v2/resource=Patient/run=20261123T164012.345Z-7f3a");
    fs::create_dir_all(&run).unwrap();
    let manifest =
        format!("{{\n  \"format\": 1,\n  \"origin\": \"{origin}\",\n  \"parts\": []\n}}");
    fs::write(run.join("manifest.json"), manifest).unwrap();
}

fn remove_all(data: &Path, names: &[&str]) {
    for name in names {
        let _ = fs::remove_file(data.join(name));
    }
}

type Loss = fn(&Path);

const LOSSES: &[(&str, Loss, &str)] = &[
    (
        "it is missing",
        |data| remove_all(data, &[VAULT_FILE]),
        "vault.db is missing",
    ),
    (
        "it is empty",
        |data| fs::write(data.join(VAULT_FILE), "").unwrap(),
        "vault.db is empty",
    ),
    (
        "it is an empty database",
        |data| {
            remove_all(data, &[VAULT_FILE]);
            let empty = rusqlite::Connection::open(data.join(VAULT_FILE)).unwrap();
            empty
                .execute_batch("CREATE TABLE t (x); DROP TABLE t")
                .unwrap();
        },
        "vault.db holds no vault",
    ),
    (
        "it is a mere history of runs",
        |data| {
            let other = tempfile::tempdir().unwrap();
            drop(RunHistory::open(other.path(), Arc::new(SystemClock)).unwrap());
            fs::copy(other.path().join(VAULT_FILE), data.join(VAULT_FILE)).unwrap();
        },
        "vault.db holds no vault",
    ),
    (
        "its write-ahead log is gone, in which all of it was",
        |data| {
            let first = tempfile::tempdir().unwrap();
            let made = open(first.path()).unwrap();
            fs::copy(first.path().join(VAULT_FILE), data.join(VAULT_FILE)).unwrap();
            drop(made);
        },
        "vault.db ",
    ),
    (
        "its name leads nowhere",
        |data| {
            remove_all(data, &[VAULT_FILE]);
            std::os::unix::fs::symlink("nowhere.db", data.join(VAULT_FILE)).unwrap();
        },
        "vault.db is missing",
    ),
];

/// What is left beside it, and what the refusal then names.
const LEFT: &[(&[&str], &str)] = &[
    (&[VAULT_ID_FILE, ACCESS_LOG_FILE, LOCK_FILE], VAULT_ID_FILE),
    (&[VAULT_ID_FILE], VAULT_ID_FILE),
    // Of an earlier version, which wrote no vault.id.
    (&[ACCESS_LOG_FILE, LOCK_FILE], ACCESS_LOG_FILE),
    (&[ACCESS_LOG_FILE], ACCESS_LOG_FILE),
    (&[LOCK_FILE], LOCK_FILE),
];

#[test]
fn a_lost_vault_is_named_and_nothing_is_made_in_its_place() {
    for (name, lose, found) in LOSSES {
        for (left, shown_by) in LEFT {
            let data = filled();
            remove_all(data.path(), &["vault.db-wal", "vault.db-shm"]);
            lose(data.path());
            let all = [VAULT_ID_FILE, ACCESS_LOG_FILE, LOCK_FILE];
            let gone: Vec<&str> = all.into_iter().filter(|one| !left.contains(one)).collect();
            remove_all(data.path(), &gone);
            assert!(Vault::is_made(data.path()), "{name}");
            for _ in 0..2 {
                let clock = Arc::new(SystemClock);
                let refusals = [
                    open(data.path()).err(),
                    Vault::open_to_read(data.path(), &key(), clock.clone()).err(),
                    RunHistory::open_to_read(data.path(), clock.clone()).err(),
                    Vault::lost_beside(data.path()),
                ];
                for refusal in refusals {
                    let words = refusal.unwrap().to_string();
                    assert!(words.contains(found), "{name}: {words}");
                    assert!(words.contains(shown_by), "{name}: {words}");
                    assert!(words.contains("claimlake vault new"), "{words}");
                }
            }
        }
    }
}

#[test]
fn the_advice_of_the_refusal_works_and_what_was_left_is_kept() {
    for (name, lose, _) in LOSSES {
        let data = filled();
        remove_all(data.path(), &["vault.db-wal", "vault.db-shm"]);
        let log = fs::read(data.path().join(ACCESS_LOG_FILE)).unwrap();
        lose(data.path());
        let clock = Arc::new(SystemClock);
        let new = Vault::begin_anew(data.path(), &key(), clock.clone(), "now").unwrap();
        assert!(new.grants().unwrap().is_empty() && new.tombstones().unwrap().is_empty());
        drop(new);
        let kept = fs::read(data.path().join("access.log.lost-now")).unwrap();
        assert_eq!(kept, log, "{name}");
        let again = open(data.path()).unwrap();
        let check = again.access_log().verify().unwrap();
        assert_eq!((check.lines, check.problem), (0, None));
        drop(again);
        // There is one now.
        let refused = Vault::begin_anew(data.path(), &key(), clock, "later").unwrap_err();
        assert!(
            refused.to_string().contains("there is a vault here"),
            "{refused}"
        );
        assert!(open(data.path()).is_ok());
    }
}

#[test]
fn a_backup_that_is_put_back_opens() {
    let data = filled();
    let copy = data.path().join("copy.db");
    crate::back_up(data.path(), &copy).unwrap();
    fs::write(data.path().join(VAULT_FILE), "").unwrap();
    assert!(open(data.path()).is_err());
    fs::copy(&copy, data.path().join(VAULT_FILE)).unwrap();
    let vault = open(data.path()).unwrap();
    assert!(
        vault
            .is_forgotten(ApiVersion::V2, &PatientId::new("-2014"))
            .unwrap()
    );
}

#[test]
fn a_damaged_vault_can_be_begun_anew_and_a_newer_one_or_one_without_its_key_cannot() {
    let data = filled();
    fs::write(data.path().join(VAULT_FILE), "no database ".repeat(99)).unwrap();
    let words = open(data.path()).unwrap_err().to_string();
    assert!(words.contains("claimlake vault new"), "{words}");
    let clock = Arc::new(SystemClock);
    Vault::begin_anew(data.path(), &key(), clock.clone(), "1").unwrap();
    let other = KeySource::given(Secret::new("6".repeat(64)));
    let refused = Vault::begin_anew(data.path(), &other, clock.clone(), "2").unwrap_err();
    assert!(
        refused.to_string().contains("move vault.db away"),
        "{refused}"
    );
    fs::rename(data.path().join(VAULT_FILE), data.path().join("away.db")).unwrap();
    remove_all(data.path(), &["vault.db-wal", "vault.db-shm"]);
    Vault::begin_anew(data.path(), &other, clock.clone(), "3").unwrap();
    let newer = rusqlite::Connection::open(data.path().join(VAULT_FILE)).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let refused = Vault::begin_anew(data.path(), &other, clock, "4").unwrap_err();
    assert!(matches!(refused, VaultError::Newer { .. }), "{refused}");
}

#[test]
fn what_a_crash_of_the_first_opening_leaves_is_no_lost_vault() {
    for empty in [false, true] {
        let data = tempfile::tempdir().unwrap();
        if empty {
            fs::write(data.path().join(VAULT_FILE), "").unwrap();
        } else {
            drop(RunHistory::open(data.path(), Arc::new(SystemClock)).unwrap());
        }
        fs::write(data.path().join(ACCESS_LOG_FILE), "").unwrap();
        landed(data.path(), "import");
        assert!(!Vault::is_made(data.path()));
        assert!(Vault::lost(data.path()).is_none());
        open(data.path()).unwrap();
        assert!(Vault::is_made(data.path()));
    }
}

#[test]
fn landing_that_was_extracted_shows_that_there_was_a_vault() {
    let data = tempfile::tempdir().unwrap();
    landed(data.path(), "extract");
    let words = open(data.path()).unwrap_err().to_string();
    assert!(
        words.contains("landing/api=v2/resource=Patient/run="),
        "{words}"
    );
    // Landing and lake alone, such as an auditor's copy, are no lost vault to look at.
    assert!(Vault::lost_beside(data.path()).is_none());
    Vault::begin_anew(data.path(), &key(), Arc::new(SystemClock), "now").unwrap();
    open(data.path()).unwrap();
}

#[test]
fn a_vault_of_an_earlier_version_is_marked_when_it_is_opened_and_no_other_takes_its_place() {
    let (data, other) = (filled(), filled());
    let id = fs::read_to_string(data.path().join(VAULT_ID_FILE)).unwrap();
    fs::remove_file(data.path().join(VAULT_ID_FILE)).unwrap();
    drop(open(data.path()).unwrap());
    let marked = fs::read_to_string(data.path().join(VAULT_ID_FILE)).unwrap();
    assert_eq!(marked, id);
    // Half of a mark, as a crash leaves it, is mended.
    fs::write(data.path().join(VAULT_ID_FILE), &id[..5]).unwrap();
    drop(open(data.path()).unwrap());
    assert_eq!(
        fs::read_to_string(data.path().join(VAULT_ID_FILE)).unwrap(),
        id
    );
    remove_all(data.path(), &["vault.db-wal", "vault.db-shm"]);
    fs::copy(other.path().join(VAULT_FILE), data.path().join(VAULT_FILE)).unwrap();
    let refused = open(data.path()).unwrap_err();
    assert!(
        matches!(refused, VaultError::OtherVault { .. }),
        "{refused}"
    );
    fs::remove_file(data.path().join(VAULT_ID_FILE)).unwrap();
    open(data.path()).unwrap();
}
