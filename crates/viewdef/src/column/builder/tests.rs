//! Columns of more than offsets count.

use super::*;
use crate::column::Scratch;

fn builder(list: bool, most: usize) -> ColumnBuilder {
    let column_type = ColumnType {
        scalar: ScalarType::Utf8,
        list,
    };
    ColumnBuilder {
        most,
        ..ColumnBuilder::new(column_type)
    }
}

/// Appends texts, each in a list of its own where the column has lists.
fn extend(builder: &mut ColumnBuilder, texts: &[&str]) {
    let mut scratch = Scratch::default();
    for text in texts {
        let mut cell = scratch.text(text.as_bytes());
        if builder.column_type.list {
            cell = scratch.list(&[cell]);
        }
        let buffers = TextBuffers {
            buffer: b"",
            scratch: &scratch,
        };
        builder.extend([cell].iter(), buffers);
    }
}

fn overflow(builder: &mut ColumnBuilder) -> Option<usize> {
    match builder.finish() {
        Err(ArrowError::OffsetOverflowError(counted)) => Some(counted),
        _ => None,
    }
}

#[test]
fn more_text_than_offsets_count_is_an_error() {
    let dictionary = |most| ColumnBuilder {
        most,
        ..ColumnBuilder::dictionary()
    };
    for make in [
        |most| builder(false, most),
        |most| builder(true, most),
        dictionary,
    ] {
        let mut fits = make(5);
        extend(&mut fits, &["abc", "de"]);
        assert_eq!(fits.finish().unwrap().len(), 2);
        let mut exceeds = make(5);
        extend(&mut exceeds, &["abc", "def"]);
        assert_eq!(overflow(&mut exceeds), Some(6));
        let mut one = make(5);
        extend(&mut one, &["abcdef"]);
        assert_eq!(overflow(&mut one), Some(6));
    }
}

#[test]
fn text_that_is_repeated_counts_as_often_as_it_is_stored() {
    let mut scratch = Scratch::default();
    let cell = scratch.text(b"abc");
    let buffers = TextBuffers {
        buffer: b"",
        scratch: &scratch,
    };
    let mut plain = builder(false, 5);
    plain.extend_repeated(cell, 2, buffers);
    assert_eq!(overflow(&mut plain), Some(6));
    let mut dictionary = ColumnBuilder {
        most: 5,
        ..ColumnBuilder::dictionary()
    };
    dictionary.extend_repeated(cell, 2, buffers);
    assert_eq!(dictionary.finish().unwrap().len(), 2);
}

#[test]
fn more_elements_than_offsets_count_are_an_error() {
    let mut lists = builder(true, 2);
    extend(&mut lists, &["", "", ""]);
    assert_eq!(overflow(&mut lists), Some(3));
}
