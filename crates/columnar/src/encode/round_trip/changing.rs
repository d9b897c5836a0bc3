//! Columns that change within a row group, and the pages that are expected of them.

use super::cells::{Cell, schema};
use super::footer::checked;
use super::pages::{Pages, pages_of};
use super::{Limits, batches, columns, plain_file};

/// Columns whose kind of values is another in every page of 100 rows.
fn changing_columns() -> Vec<Vec<Cell>> {
    let texts = |count: usize, distinct: usize, name: &str| -> Vec<Cell> {
        let text = |row| Cell::Text(format!("{name} {}", row % distinct));
        (0..count).map(text).collect()
    };
    let numbers = |count: i128, distinct: i128, first: i128| -> Vec<Cell> {
        let number = |row| Cell::Number(first + row % distinct);
        (0..count).map(number).collect()
    };
    let nulls = || vec![Cell::Null; 100];
    let mut columns = columns(450, 7);
    for (column, pages) in [
        (
            1,
            [
                nulls(),
                texts(100, 2, "few"),
                texts(100, 100, "more"),
                // With these the dictionary would have more than 3,000 bytes.
                texts(100, 100, &"long".repeat(10)),
                texts(50, 2, "few"),
            ],
        ),
        (
            5,
            [
                numbers(100, 2, 0),
                // 62 of 200 values are distinct, so a dictionary pays; 162 of 300 are too many.
                numbers(100, 60, 1_000_000),
                nulls(),
                numbers(100, 100, -70),
                numbers(50, 1, 3),
            ],
        ),
        (
            6,
            [
                numbers(100, 100, i64::MAX.into())
                    .into_iter()
                    .map(far)
                    .collect(),
                numbers(100, 1, 5),
                nulls(),
                numbers(100, 2, 5),
                numbers(50, 1, 3),
            ],
        ),
        (
            10,
            [
                nulls(),
                nulls(),
                numbers(100, 34, 10_000_000_000),
                nulls(),
                numbers(50, 1, 3),
            ],
        ),
        (
            7,
            [
                nulls(),
                numbers(100, 33, 20_000),
                numbers(100, 33, 20_020),
                nulls(),
                numbers(50, 50, 20_003),
            ],
        ),
    ] {
        columns[column] = pages.concat();
    }
    columns
}

/// A number far from its neighbours.
fn far(cell: Cell) -> Cell {
    match cell {
        Cell::Number(number) => Cell::Number((number - i128::from(i64::MAX)) << 56),
        other => other,
    }
}

#[test]
fn a_dictionary_grows_from_page_to_page_and_ends_where_it_no_longer_pays() {
    let limits = Limits {
        file_rows: 10_000,
        group_rows: 1_000,
        page_rows: 100,
        page_bytes: 1 << 20,
        dictionary_bytes: 3_000,
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

    let pages = |dictionary, widths: [Option<u8>; 5]| {
        let rows = [100, 100, 100, 100, 50];
        let data = rows.into_iter().zip(widths).collect();
        vec![Pages { dictionary, data }]
    };
    let expected = pages(Some(102), [Some(1), Some(1), Some(7), None, None]);
    assert_eq!(pages_of(&file, "text"), expected);
    let expected = pages(Some(62), [Some(1), Some(6), Some(6), None, None]);
    assert_eq!(pages_of(&file, "int"), expected);
    assert_eq!(pages_of(&file, "long"), pages(None, [None; 5]));
    // The pages before had no value, but they refer to a dictionary.
    let expected = pages(Some(0), [Some(1), Some(1), None, None, None]);
    assert_eq!(pages_of(&file, "amount_18"), expected);
    let expected = pages(Some(53), [Some(1), Some(6), Some(6), Some(6), Some(6)]);
    assert_eq!(pages_of(&file, "date"), expected);
    for column in ["other_text", "flag", "small", "instant", "amount_9"] {
        pages_of(&file, column);
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
    };
    let one = changing_columns();
    let twice: Vec<Vec<Cell>> = one
        .iter()
        .map(|cells| [&cells[..], cells].concat())
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = plain_file(folder.path(), &batches(&twice, &[], false), &limits);
    assert!(checked(&file, 100) == twice, "other rows");
    for field in schema()
        .fields()
        .iter()
        .filter(|field| !field.data_type().is_nested())
    {
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
