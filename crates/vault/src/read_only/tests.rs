use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::{connect, has_log, in_a_uri, in_memory, is_same};
use crate::file::open_file;
use crate::files::VAULT_FILE;

fn note(connection: &Connection, run: &str) {
    let sql = "INSERT INTO runs (run, command, started_at) VALUES (?1, 'load', '')";
    connection.execute(sql, [run]).unwrap();
}

fn runs(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT run FROM runs ORDER BY run")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn a_vault_at_rest_is_read_and_nothing_is_made_beside_it() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join(VAULT_FILE);
    let writer = open_file(data.path()).unwrap();
    note(&writer, "one");
    drop(writer);
    assert!(!has_log(&path));
    let bytes = fs::read(&path).unwrap();
    let reader = connect(&path).unwrap();
    assert_eq!(runs(&reader), ["one"]);
    assert_eq!(names(data.path()), BTreeSet::from([VAULT_FILE.into()]));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_a_writer_has_in_its_log_is_read_while_it_writes_on() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join(VAULT_FILE);
    let writer = open_file(data.path()).unwrap();
    note(&writer, "one");
    assert!(has_log(&path));
    let before = names(data.path());
    let reader = connect(&path).unwrap();
    assert_eq!(runs(&reader), ["one"]);
    note(&writer, "two");
    assert_eq!(runs(&reader), ["one", "two"]);
    assert!(reader.execute("DELETE FROM runs", []).is_err());
    assert_eq!(names(data.path()), before);
    drop(reader);
    note(&writer, "three");
    drop(writer);
    assert_eq!(runs(&connect(&path).unwrap()), ["one", "three", "two"]);
}

#[test]
fn the_copy_of_a_log_is_read_with_its_index_and_refused_without() {
    let data = tempfile::tempdir().unwrap();
    let writer = open_file(data.path()).unwrap();
    writer
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    note(&writer, "one");
    for with_index in [true, false] {
        let copy = tempfile::tempdir().unwrap();
        for end in ["", "-wal", "-shm"] {
            let name = format!("{VAULT_FILE}{end}");
            if with_index || end != "-shm" {
                fs::copy(data.path().join(&name), copy.path().join(&name)).unwrap();
            }
        }
        let before = names(copy.path());
        let opened = connect(&copy.path().join(VAULT_FILE));
        match with_index {
            true => assert_eq!(runs(&opened.unwrap()), ["one"]),
            false => {
                let words = opened.unwrap_err().to_string();
                assert!(words.contains("vault.db-wal"), "{words}");
                assert!(words.contains("run `status`"), "{words}");
            }
        }
        assert_eq!(names(copy.path()), before);
    }
}

#[test]
fn a_vault_that_is_written_to_is_no_longer_the_same() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join(VAULT_FILE);
    drop(open_file(data.path()).unwrap());
    let before = fs::metadata(&path).unwrap();
    assert!(is_same(&path, &before));
    assert!(in_memory(&path).unwrap().is_some());
    let writer = open_file(data.path()).unwrap();
    note(&writer, "one");
    // It is in the log alone: the file by itself is not the database.
    assert!(in_memory(&path).unwrap().is_none());
    drop(writer);
    assert!(!is_same(&path, &before));
}

#[test]
fn what_means_something_in_a_uri_stands_for_itself() {
    assert_eq!(in_a_uri(Path::new("/a b/c?d#%e")), "/a%20b/c%3fd%23%25e");
}
