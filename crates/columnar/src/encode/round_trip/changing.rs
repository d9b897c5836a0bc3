//! Columns that change within a row group, and the pages that are expected of them.

use arrow_schema::FieldRef;

use super::cells::{Cell, schema};
use super::footer::checked;
use super::pages::{Pages, pages_of};
use super::{Limits, batches, columns, plain_file};
use crate::sort::text_limit::MOST_TEXT;

/// Columns, of which one has other kinds of text in every page of 100 rows.
fn changing_columns() -> Vec<Vec<Cell>> {
    let texts = |count: usize, distinct: usize, name: &str| -> Vec<Cell> {
        let text = |row| Cell::Text(format!("{name} {}", row % distinct));
        (0..count).map(text).collect()
    };
    let mut columns = columns(450, 7);
    columns[1] = [
        vec![Cell::Null; 100],
        texts(100, 2, "few"),
        texts(100, 100, "more"),
        // With these the dictionary would have more than 3,000 bytes.
        texts(100, 100, &"long".repeat(10)),
        texts(50, 2, "few"),
    ]
    .concat();
    columns
}

/// The columns that have one leaf of their name.
fn flat_fields() -> Vec<FieldRef> {
    let fields = schema().fields().iter().cloned().collect::<Vec<_>>();
    let is_flat = |field: &FieldRef| !field.data_type().is_nested();
    fields.into_iter().filter(is_flat).collect()
}

#[test]
fn a_dictionary_grows_from_page_to_page_and_ends_where_it_no_longer_pays() {
    let limits = Limits {
        file_rows: 10_000,
        group_rows: 1_000,
        page_rows: 100,
        page_bytes: 1 << 20,
        dictionary_bytes: 3_000,
        most_text: MOST_TEXT,
    };
    let columns = changing_columns();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |cuts: &[usize], name| {
        let file = plain_file(&path(name), &batches(&columns, cuts, false), &limits);
        assert!(checked(&file, 100) == columns, "other rows");
        file
    };
    let file = write(&[], "1");
    let in_parts = write(&[1, 99, 100, 230, 231, 449], "2");
    assert_eq!(file.file_name(), in_parts.file_name());

    let rows = [100, 100, 100, 100, 50];
    let widths = [Some(1), Some(1), Some(7), None, None];
    let expected = Pages {
        dictionary: Some(102),
        data: rows.into_iter().zip(widths).collect(),
    };
    assert_eq!(pages_of(&file, "text"), [expected]);
    for field in flat_fields() {
        pages_of(&file, field.name());
    }
}

#[test]
fn columns_begin_anew_with_every_row_group() {
    let limits = Limits {
        file_rows: 450,
        group_rows: 450,
        page_rows: 100,
        page_bytes: 1 << 20,
        dictionary_bytes: 3_000,
        most_text: MOST_TEXT,
    };
    let one = changing_columns();
    let twice: Vec<Vec<Cell>> = one
        .iter()
        .map(|cells| [&cells[..], cells].concat())
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = plain_file(folder.path(), &batches(&twice, &[], false), &limits);
    assert!(checked(&file, 100) == twice, "other rows");
    for field in flat_fields() {
        let chunks = pages_of(&file, field.name());
        assert_eq!(chunks[0], chunks[1], "{}", field.name());
    }
}

#[test]
fn text_that_hardly_comes_twice_has_no_dictionary() {
    let limits = Limits {
        file_rows: 10_000,
        group_rows: 1_000,
        page_rows: 100,
        page_bytes: 1 << 20,
        dictionary_bytes: 1 << 20,
        most_text: MOST_TEXT,
    };
    let texts = |distinct: usize| -> Vec<Cell> {
        let text = |row: usize| Cell::Text(format!("text {}", row % distinct));
        (0..150).map(text).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    for (distinct, widths) in [(75, [Some(7), Some(7)]), (76, [None, None])] {
        let mut columns = columns(150, 7);
        columns[1] = texts(distinct);
        let path = folder.path().join(distinct.to_string());
        let file = plain_file(&path, &batches(&columns, &[40], false), &limits);
        assert!(checked(&file, 100) == columns, "other rows");
        let pages = Pages {
            dictionary: widths[0].map(|_| 75),
            data: [100, 50].into_iter().zip(widths).collect(),
        };
        assert_eq!(pages_of(&file, "text"), [pages]);
    }
}
