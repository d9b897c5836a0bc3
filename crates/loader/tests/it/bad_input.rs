//! What is refused, and that the lake is unchanged.

use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{LoadError, LoadOutcome, load};

use crate::basic::{load_claims, many, request};
use crate::lake_rows::{bytes, rows};
use crate::staged_runs::{Claim, Staging, stage};

/// Loads one more claim after `spoil` had its way with the staged run.
fn load_spoiled(data: &Path, spoil: impl FnOnce(&Path)) -> Result<LoadOutcome, LoadError> {
    let staged = stage(data, 2, &[Claim::new("late")], &Staging::default());
    spoil(&staged);
    load(&request(&data.join("lake"), 2, &[staged]), &NoProgress)
}

fn refuses(spoil: impl FnOnce(&Path)) -> String {
    let data = tempfile::tempdir().unwrap();
    load_claims(data.path(), 1, &many(10));
    let lake = data.path().join("lake");
    let before = bytes(&lake, &["eob", "eob_item"]);
    let words = load_spoiled(data.path(), spoil).unwrap_err().to_string();
    assert_eq!(bytes(&lake, &["eob", "eob_item"]), before);
    assert!(!lake.join(".building").exists());
    // Nothing is in the way of the next load.
    load_claims(data.path(), 3, &[Claim::new("later")]);
    assert_eq!(rows(&lake, "eob").len(), 11);
    words
}

#[test]
fn a_truncated_staged_file_is_refused_by_its_size() {
    let words = refuses(|staged| {
        let path = staged.join("eob_item/0.arrow");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
    });
    assert!(words.contains("bytes instead of"), "{words}");
    assert!(
        words.contains("run `transform --full`, then `load`"),
        "{words}"
    );
}

#[test]
fn a_staged_file_with_a_flipped_byte_is_refused_by_its_checksum() {
    let words = refuses(|staged| {
        let path = staged.join("eob/0.arrow");
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        std::fs::write(&path, &bytes).unwrap();
    });
    assert!(
        words.contains("checksum") || words.contains("broken"),
        "{words}"
    );
}

#[test]
fn a_staged_run_of_another_version_or_without_manifest_is_refused() {
    let words = refuses(|staged| {
        let path = staged.join("manifest.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"format\":1", "\"format\":99", 1)).unwrap();
    });
    assert!(words.contains("format 99"), "{words}");
    let words = refuses(|staged| std::fs::remove_file(staged.join("manifest.json")).unwrap());
    assert!(words.contains("not sealed"), "{words}");
    let words = refuses(|staged| std::fs::remove_file(staged.join("eob/0.arrow")).unwrap());
    assert!(words.contains("missing"), "{words}");
}

#[test]
fn a_lake_whose_manifest_is_missing_or_edited_is_refused_and_can_be_rolled_back() {
    type Spoil = fn(&Path);
    let spoils: [(Spoil, &str); 2] = [
        (
            |path| std::fs::remove_file(path).unwrap(),
            "no manifest.json",
        ),
        (
            |path| {
                let text = std::fs::read_to_string(path).unwrap();
                std::fs::write(path, text.replacen("\"rows\": 1", "\"rows\": 2", 1)).unwrap();
            },
            "edited",
        ),
    ];
    for (spoil, expected) in spoils {
        let data = tempfile::tempdir().unwrap();
        load_claims(data.path(), 1, &many(10));
        load_claims(data.path(), 2, &[Claim::new("second")]);
        let lake = data.path().join("lake");
        spoil(&lake.join("current/manifest.json"));
        let words = load_spoiled(data.path(), |_| ()).unwrap_err().to_string();
        assert!(words.contains(expected), "{words}");
        assert!(words.contains("snapshots rollback"), "{words}");
        claimlake_loader::rollback(&lake, 1, &NoProgress).unwrap();
        assert_eq!(rows(&lake, "eob").len(), 10);
    }
}

#[test]
fn a_column_that_cannot_partition_is_named_with_the_setting() {
    let data = tempfile::tempdir().unwrap();
    let staged = stage(data.path(), 1, &many(3), &Staging::default());
    let path = staged.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"service_year\"]", "\"paid\"]")).unwrap();
    let request = request(&data.path().join("lake"), 1, &[staged]);
    let words = load(&request, &NoProgress).unwrap_err().to_string();
    assert!(
        words.contains("'paid' cannot be a partition column"),
        "{words}"
    );
    assert!(words.contains("partition_by"), "{words}");
}

#[test]
fn nothing_staged_and_nothing_published_is_no_error() {
    let data = tempfile::tempdir().unwrap();
    let outcome = load(&request(&data.path().join("lake"), 1, &[]), &NoProgress).unwrap();
    assert!(!outcome.changed);
    assert_eq!(outcome.snapshot, None);
}

#[test]
fn an_unknown_group_is_named() {
    let data = tempfile::tempdir().unwrap();
    let staged = stage(data.path(), 1, &many(3), &Staging::default());
    let mut request = request(&data.path().join("lake"), 1, &[staged]);
    request.options.group = Some("no such group".to_owned());
    let words = load(&request, &NoProgress).unwrap_err().to_string();
    assert!(words.contains("no such group"), "{words}");
}
