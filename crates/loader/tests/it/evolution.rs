//! Views and layouts that change while the lake stays.

use claimlake_contract::NoProgress;
use claimlake_loader::{AbsentResources, LoadError, load};

use crate::basic::{many, request};
use crate::lake_rows::{bytes, files, of, rows};
use crate::staged_runs::{Claim, Staging, stage};

#[test]
fn an_added_column_is_null_in_what_was_there_before() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let first = stage(data.path(), 1, &many(10), &Staging::default());
    load(&request(&lake, 1, &[first]), &NoProgress).unwrap();
    let wider = Staging {
        added_column: true,
        view_hash: "view-2",
        ..Staging::default()
    };
    // In a partition of its own, and in one with older rows, which is rewritten.
    let alone = Claim::new("alone").with(|claim| claim.year = Some(1999));
    let beside = Claim::new("beside").with(|claim| claim.year = Some(2024));
    let second = stage(data.path(), 2, &[alone, beside], &wider);
    let outcome = load(&request(&lake, 2, &[second]), &NoProgress).unwrap();
    assert_eq!(outcome.stale_tables, ["eob", "eob_item"]);
    let eob = rows(&lake, "eob");
    let notes: Vec<_> = eob.iter().filter_map(|row| row.get("note")).collect();
    assert_eq!((eob.len(), notes.len()), (12, 2));

    // A full run makes the table anew, and it is stale no longer.
    let mut claims = many(10);
    claims.push(Claim::new("alone").with(|claim| claim.year = Some(1999)));
    claims.push(Claim::new("beside").with(|claim| claim.year = Some(2024)));
    let full = Staging {
        full: true,
        ..wider
    };
    let third = stage(data.path(), 3, &claims, &full);
    let outcome = load(&request(&lake, 3, &[third]), &NoProgress).unwrap();
    assert!(outcome.changed);
    assert_eq!(outcome.stale_tables, Vec::<String>::new());
    assert!(
        rows(&lake, "eob")
            .iter()
            .all(|row| row.contains_key("note"))
    );
}

#[test]
fn a_changed_type_is_refused_with_the_difference_until_the_table_is_rebuilt() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let first = stage(data.path(), 1, &many(10), &Staging::default());
    load(&request(&lake, 1, &[first]), &NoProgress).unwrap();
    let before = bytes(&lake, &["eob", "eob_item"]);
    let text = |full| Staging {
        paid_as_text: true,
        view_hash: "view-2",
        full,
        ..Staging::default()
    };
    for (number, full) in [(2, false), (3, true)] {
        let staged = stage(data.path(), number, &many(10), &text(full));
        let error = load(&request(&lake, number, &[staged]), &NoProgress).unwrap_err();
        assert!(matches!(error, LoadError::Schema { .. }));
        let words = error.to_string();
        assert!(
            words.contains("column 'paid' was Decimal128(18, 2) and is now Utf8"),
            "{words}"
        );
        assert!(words.contains("load --rebuild"), "{words}");
        assert_eq!(bytes(&lake, &["eob", "eob_item"]), before);
    }
    let staged = stage(data.path(), 4, &many(10), &text(true));
    let mut rebuild = request(&lake, 4, &[staged]);
    rebuild.options.rebuild = true;
    assert!(load(&rebuild, &NoProgress).unwrap().changed);
    assert_eq!(rows(&lake, "eob").len(), 10);
}

#[test]
fn a_rebuild_without_a_full_staged_run_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let staged = stage(data.path(), 1, &many(3), &Staging::default());
    let mut rebuild = request(&data.path().join("lake"), 1, &[staged]);
    rebuild.options.rebuild = true;
    let words = load(&rebuild, &NoProgress).unwrap_err().to_string();
    assert!(words.contains("transform --full"), "{words}");
}

#[test]
fn a_full_run_with_the_same_views_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let first = stage(data.path(), 1, &many(10), &Staging::default());
    load(&request(&lake, 1, &[first]), &NoProgress).unwrap();
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let second = stage(data.path(), 2, &many(10), &full);
    let outcome = load(&request(&lake, 2, &[second]), &NoProgress).unwrap();
    assert!(!outcome.changed);
}

#[test]
fn resources_that_a_full_run_lacks_are_kept_until_dropping_them_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let first = stage(data.path(), 1, &many(10), &Staging::default());
    load(&request(&lake, 1, &[first]), &NoProgress).unwrap();
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let second = stage(data.path(), 2, &many(10)[..7], &full);
    let mut less = request(&lake, 2, &[second]);
    let error = load(&less, &NoProgress).unwrap_err();
    assert!(matches!(error, LoadError::Absent { missing: 3 }));
    assert_eq!(rows(&lake, "eob").len(), 10);
    less.options.absent = AbsentResources::Drop;
    let outcome = load(&less, &NoProgress).unwrap();
    assert_eq!((outcome.dropped, rows(&lake, "eob").len()), (3, 7));
    assert_eq!(of(&rows(&lake, "eob_item"), &["eob_id"]).len(), 9);
    let kinds: Vec<_> = rows(&lake, "changes")
        .iter()
        .map(|row| row["kind"].clone())
        .collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "vanished").count(), 3);
}

#[test]
fn an_empty_table_gets_the_columns_of_the_newest_view() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let none = stage(data.path(), 1, &[], &Staging::default());
    let outcome = load(&request(&lake, 1, &[none]), &NoProgress).unwrap();
    assert!(outcome.changed);
    let wider = Staging {
        added_column: true,
        ..Staging::default()
    };
    let second = stage(data.path(), 2, &[], &wider);
    load(&request(&lake, 2, &[second]), &NoProgress).unwrap();
    let file = lake.join("current/eob").join(&files(&lake, "eob")[0]);
    let opened = std::fs::File::open(file).unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(opened).unwrap();
    assert!(reader.schema().index_of("note").is_ok());
}
