//! Columns with more text than is held at once.

use super::cells::Cell;
use super::footer::checked;
use super::pages::pages_of;
use super::{Limits, batches, columns, contents, plain_file, round_trip, sorted_files};

/// Pages of 100 rows, and dictionaries of at most 1,000 bytes.
fn limits(most_text: u32) -> Limits {
    Limits {
        file_rows: 2_000,
        group_rows: 1_000,
        page_rows: 100,
        page_bytes: 4_000,
        dictionary_bytes: 1_000,
        most_text,
    }
}

/// Columns with few texts in the first 250 rows, and then long ones of which each comes three times.
fn long_columns() -> Vec<Vec<Cell>> {
    let mut columns = columns(1_500, 11);
    let texts = (0..1_500).map(|row| match row {
        0..250 => Cell::Text(format!("few {}", row % 3)),
        _ if row % 50 == 0 => Cell::Null,
        _ => Cell::Text(format!("{}{}", "long ".repeat(30), row / 3)),
    });
    columns[1] = texts.collect();
    let lists = (0..1_500).map(|row| match row % 4 {
        0 => Cell::Null,
        _ => Cell::List(vec![Some(format!("{row:0200}")), None, Some(String::new())]),
    });
    *columns.last_mut().unwrap() = lists.collect();
    columns
}

#[test]
fn a_limit_above_the_dictionarys_changes_no_byte_of_the_text() {
    // Lists are encoded block by block, so they are left short.
    let mut columns = long_columns();
    *columns.last_mut().unwrap() = vec![Cell::Null; 1_500];
    let batches = batches(&columns, &[123, 777, 1_111], false);
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for most_text in [u32::MAX, 1_001, 2_000, 5_000] {
        let folder = folder.path().join(most_text.to_string());
        files.push(plain_file(&folder, &batches, &limits(most_text)));
    }
    let bytes = contents(&files);
    assert!(bytes.iter().all(|other| *other == bytes[0]));
    assert!(checked(&files[0], 100) == columns);
}

#[test]
fn texts_that_are_not_held_are_written_plainly_within_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let columns = long_columns();
    let file = plain_file(folder.path(), &batches(&columns, &[], false), &limits(100));
    assert!(checked(&file, 100) == columns);
    let chunk = &pages_of(&file, "text")[0];
    assert_eq!(chunk.dictionary, Some(3));
    // Pages of 100 rows refer to three texts with two bits; the third has the first long texts.
    assert_eq!(chunk.data[..2], [(100, Some(2)), (100, Some(2))]);
    assert!(chunk.data[2..].iter().all(|(_, width)| width.is_none()));
    // Not even three texts of five bytes: there is no dictionary.
    let file = plain_file(folder.path(), &batches(&columns, &[], false), &limits(10));
    assert!(checked(&file, 100) == columns);
    let chunk = &pages_of(&file, "text")[0];
    assert_eq!(chunk.dictionary, None);
    assert!(chunk.data.iter().all(|(_, width)| width.is_none()));
}

#[test]
fn a_text_longer_than_the_limit_is_written_whole() {
    let mut columns = columns(3, 11);
    let texts = ["a", &"long ".repeat(2_000), "b"];
    columns[1] = texts.map(|text| Cell::Text(text.to_owned())).to_vec();
    let list = Cell::List(vec![Some("list ".repeat(2_000)), Some("c".to_owned())]);
    *columns.last_mut().unwrap() = vec![Cell::Null, list.clone(), list];
    let folder = tempfile::tempdir().unwrap();
    let file = plain_file(folder.path(), &batches(&columns, &[], false), &limits(10));
    assert!(checked(&file, 100) == columns);
}

#[test]
fn the_same_rows_give_the_same_bytes_wherever_a_limit_falls() {
    for most_text in [0, 100, 1_500, 30_000] {
        for (seed, budget) in [(1, 0), (2, 20_000), (3, usize::MAX)] {
            round_trip(1_500, seed, &limits(most_text), &[7, 512, 1_333], budget);
        }
        let columns = long_columns();
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (place, cuts) in [&[][..], &[1, 251, 252, 900], &[399, 400, 1_499]]
            .iter()
            .enumerate()
        {
            let folder = folder.path().join(place.to_string());
            let plain = plain_file(&folder, &batches(&columns, cuts, false), &limits(most_text));
            assert!(checked(&plain, 100) == columns, "{most_text}");
            let batches = batches(&columns, cuts, true);
            let sorted = sorted_files(&folder.join("sorted"), batches, &limits(most_text), 50_000);
            files.push((contents(&[plain]), contents(&sorted)));
        }
        assert!(files.iter().all(|other| *other == files[0]), "{most_text}");
    }
}
