//! Values that fit and values that do not.

use super::{Cell, Scratch, Source, cell_of, rounded_cell};
use crate::definition::ScalarType;
use crate::problem::ProblemKind;

fn number(scalar: ScalarType, text: &str) -> Result<i128, ProblemKind> {
    let mut scratch = Scratch::default();
    let source = Source::Number {
        raw: text.as_bytes(),
        start: 0,
    };
    cell_of(scalar, source, &mut scratch).map(|cell| match cell {
        Cell::Integer(digits) => i128::from(digits),
        Cell::Wide(at) => scratch.wide[at as usize],
        other => panic!("no number: {other:?}"),
    })
}

const MONEY: ScalarType = ScalarType::Decimal {
    precision: 18,
    scale: 2,
};

#[test]
fn the_digits_of_a_decimal_are_those_of_the_text() {
    for (text, digits) in [
        ("0", 0),
        ("-0.00", 0),
        ("12.5", 1250),
        ("-12.50", -1250),
        ("1234567890123456.78", 123_456_789_012_345_678),
        ("-9999999999999999.99", -999_999_999_999_999_999),
        ("1.5e3", 150_000),
        ("12500E-2", 12_500),
        ("1.2300", 123),
        ("1.10000000000000000000", 110),
        ("0.1e-1", 1),
    ] {
        assert_eq!(number(MONEY, text), Ok(digits), "{text}");
    }
    let wide = ScalarType::Decimal {
        precision: 38,
        scale: 10,
    };
    assert_eq!(
        number(wide, "1234567890123456789012345678.0123456789"),
        Ok(12_345_678_901_234_567_890_123_456_780_123_456_789)
    );
}

#[test]
fn a_decimal_with_digits_that_someone_wrote_is_refused_and_never_rounded() {
    for text in [
        "1.005",
        "0.001",
        "12345678901234567.00",
        "1e17",
        "1e-3",
        "1e400",
    ] {
        assert_eq!(
            number(MONEY, text),
            Err(ProblemKind::TooManyDigits),
            "{text}"
        );
    }
}

#[test]
fn integers_are_whole_and_within_their_range() {
    assert_eq!(number(ScalarType::Int32, "2147483647"), Ok(2_147_483_647));
    assert_eq!(number(ScalarType::Int32, "1e3"), Ok(1000));
    assert_eq!(
        number(ScalarType::Int32, "2147483648"),
        Err(ProblemKind::TooManyDigits)
    );
    assert_eq!(
        number(ScalarType::Int32, "1.5"),
        Err(ProblemKind::WrongType)
    );
    assert_eq!(number(ScalarType::Int16, "-32768"), Ok(-32_768));
}

#[test]
fn a_number_that_went_through_a_double_is_rounded_and_reported() {
    for (text, cents) in [
        ("1308.6999999999998", 130_870),
        ("-0.30000000000000004", -30),
        ("1.3086999999999998e3", 130_870),
    ] {
        assert_eq!(number(MONEY, text), Err(ProblemKind::Rounded), "{text}");
        let source = Source::Number {
            raw: text.as_bytes(),
            start: 0,
        };
        let cell = rounded_cell(MONEY, source, &mut Scratch::default());
        assert_eq!(cell, Cell::Integer(cents), "{text}");
    }
}

#[test]
fn an_instant_is_cut_to_the_microsecond() {
    let instant = |text: &str| {
        let source = Source::Text {
            raw: text.as_bytes(),
            start: 0,
            escaped: false,
        };
        cell_of(ScalarType::Timestamp, source, &mut Scratch::default()).map(|cell| match cell {
            Cell::Integer(micros) => micros,
            other => panic!("no instant: {other:?}"),
        })
    };
    for (text, micros) in [
        ("1970-01-01T00:00:01.123456Z", 1_123_456),
        ("1970-01-01T00:00:01.123456000Z", 1_123_456),
        ("1970-01-01T00:00:01.1234567Z", 1_123_456),
        // Cut, not rounded: the second, the day and the year stay what they were.
        ("1970-01-01T00:00:01.9999999Z", 1_999_999),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T00:00:01.000000001+00:00", 1_000_000),
        ("1970-01-01T00:00:01.1234567890123456789-00:00", 1_123_456),
        ("1969-12-31T19:00:01.1234567-05:00", 1_123_456),
        ("1970-01-01T14:00:01.1234567+14:00", 1_123_456),
        ("0001-01-01T00:00:00.0000001Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.9999999Z", 253_402_300_799_999_999),
        // A leap second is the first of the next minute.
        ("1972-06-30T23:59:60.1234567Z", 78_796_800_123_456),
    ] {
        assert_eq!(instant(text), Ok(micros), "{text}");
    }
    for text in [
        "1970-01-01T00:00:01.1234561",
        "1970-01-01T00:00:01",
        "1970-01-01T24:00:00.0000000Z",
        "1970-01-01t00:00:01.1234567z",
        "1970-01-01T00:00:01.1234567z",
        "1970-01-01T00:00:01.Z",
        "1970-01-01T00:00:01.12345678901234567x9Z",
        "1970-01-01T00:00Z",
        "1970-01-01",
    ] {
        assert_eq!(instant(text), Err(ProblemKind::BadDate), "{text}");
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    let mut scratch = Scratch::default();
    let text = Source::Text {
        raw: b"12",
        start: 0,
        escaped: false,
    };
    for scalar in [
        MONEY,
        ScalarType::Int32,
        ScalarType::Boolean,
        ScalarType::Float64,
    ] {
        assert_eq!(
            cell_of(scalar, text, &mut scratch),
            Err(ProblemKind::WrongType)
        );
    }
    assert_eq!(
        cell_of(ScalarType::Date, Source::Boolean(true), &mut scratch),
        Err(ProblemKind::WrongType)
    );
    assert_eq!(
        cell_of(ScalarType::Utf8, Source::Object, &mut scratch),
        Err(ProblemKind::WrongType)
    );
}
