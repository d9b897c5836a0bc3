//! Digits that fit, digits that a double added, and digits that are too many.

use super::{Excess, Fit, fit, misfit};

fn money(text: &str) -> Fit {
    fit(text.as_bytes(), 18, 2)
}

#[test]
fn what_a_double_added_is_rounded_away() {
    for (text, cents) in [
        ("1308.6999999999998", 130_870),
        ("1308.7000000000003", 130_870),
        ("-1308.6999999999998", -130_870),
        ("0.30000000000000004", 30),
        ("0.010000000000000002", 1),
        ("0.009999999999999998", 1),
        ("77.49000000000001", 7_749),
        ("1.3086999999999998e3", 130_870),
        ("1.3086999999999998E+3", 130_870),
        ("130869999999999.98e-11", 130_870),
        // A carry that makes the whole part longer.
        ("999.9999999999999", 100_000),
        ("99999999.99999999", 10_000_000_000),
        ("-0.99999999999999989", -100),
        // Exactly fifteen digits.
        ("1.00000000000001", 100),
        ("123456789012.345", 12_345_678_901_235),
        // All digits that a double has, as Java's BigDecimal writes them.
        ("1308.7000000000000454747350886464118957519531250", 130_870),
        ("1308.699999999999818101059645414352416992187500", 130_870),
        ("0.3000000000000000444089209850062616169452667236328125", 30),
        (
            "0.1000000000000000055511151231257827021181583404541015625",
            10,
        ),
    ] {
        assert_eq!(money(text), Fit::Rounded(cents), "{text}");
    }
}

#[test]
fn a_tie_goes_away_from_zero_and_digits_far_behind_decide_it() {
    assert_eq!(money("12345678901.2350"), Fit::Not(Excess::Decimals(3)));
    assert_eq!(
        money("1234567890123.125"),
        Fit::Rounded(123_456_789_012_313)
    );
    assert_eq!(
        money("-1234567890123.125"),
        Fit::Rounded(-123_456_789_012_313)
    );
    let below = "1234567890123.12499999999999999999999999999999999999999999999";
    assert_eq!(money(below), Fit::Rounded(123_456_789_012_312));
    let above = "1234567890123.12500000000000000000000000000000000000000000001";
    assert_eq!(money(above), Fit::Rounded(123_456_789_012_313));
}

#[test]
fn digits_that_someone_wrote_are_never_rounded() {
    for (text, decimals) in [
        ("1.005", 3),
        ("-0.001", 3),
        ("1e-3", 3),
        ("10.12345", 5),
        ("1.000001", 6),
        // Fourteen digits.
        ("1.0000000000001", 13),
        ("12345678901.234", 3),
        // Fifteen and more, but rounding moves them by a billionth or more.
        ("1.23456789012345", 14),
        ("1308.6912345678901", 13),
        ("100.000000100000001", 15),
        // Nothing but noise: it is not near any cent but zero, which is far from it.
        ("1.4210854715202004E-14", 30),
        ("-0.000000000000000123456789012345", 30),
        ("1e-17", 17),
        ("1e-400", 400),
    ] {
        assert_eq!(money(text), Fit::Not(Excess::Decimals(decimals)), "{text}");
    }
}

#[test]
fn zeros_are_no_digits_however_many_they_are() {
    let long = format!("1.1{}", "0".repeat(60));
    for (text, cents) in [
        ("10.5000000000", 1050),
        ("10.50000000000000000000", 1050),
        ("0.00000000000000000000000000000000000000000000", 0),
        ("-0.0", 0),
        ("0e99999999999999999999", 0),
        ("1.30e1", 1300),
        ("100e-4", 1),
        (long.as_str(), 110),
    ] {
        assert_eq!(money(text), Fit::Exact(cents), "{text}");
    }
}

#[test]
fn what_is_longer_than_the_column_is_refused_also_when_rounding_made_it_so() {
    for (text, whole) in [
        ("12345678901234567", 17),
        ("1e17", 18),
        ("9999999999999999.9999", 17),
        ("1e400", 401),
    ] {
        assert_eq!(money(text), Fit::Not(Excess::Whole(whole)), "{text}");
    }
    assert_eq!(
        money("9999999999999999.99"),
        Fit::Exact(999_999_999_999_999_999)
    );
    assert_eq!(
        money("9999999999999998.9999"),
        Fit::Rounded(999_999_999_999_999_900)
    );
    let wide = "9".repeat(38);
    assert_eq!(
        fit(wide.as_bytes(), 38, 0),
        Fit::Exact(99_999_999_999_999_999_999_999_999_999_999_999_999)
    );
    assert_eq!(fit(b"1e38", 38, 0), Fit::Not(Excess::Whole(39)));
}

#[test]
fn every_scale_that_columns_have_is_rounded_to() {
    let quantity = |text: &str| fit(text.as_bytes(), 18, 4);
    assert_eq!(quantity("0.30000000000000004"), Fit::Rounded(3_000));
    assert_eq!(quantity("2.1249999999999996"), Fit::Rounded(21_250));
    assert_eq!(quantity("2.12345"), Fit::Not(Excess::Decimals(5)));
    assert_eq!(fit(b"2.9999999999999996", 9, 0), Fit::Rounded(3));
    assert_eq!(fit(b"0.0000000100000000000000002", 18, 8), Fit::Rounded(1));
}

#[test]
fn texts_that_are_no_numbers_do_not_fit() {
    for text in [
        "", "-", ".5", "1.", "1e", "1e1.5", "0x1", "NaN", "1,5", "--1", "+1",
    ] {
        assert_eq!(money(text), Fit::Not(Excess::Unreadable), "{text}");
    }
    for exponent in [
        "1e9223372036854775807",
        "1e-9223372036854775807",
        "1e99999999999999999999",
    ] {
        assert!(matches!(money(exponent), Fit::Not(_)), "{exponent}");
    }
}

#[test]
fn a_misfit_says_how_much_there_is_and_how_much_fits() {
    let words = |text: &str| misfit(text.as_bytes(), 18, 2);
    assert_eq!(words("12.125"), "number with 3 decimals, 2 fit");
    assert_eq!(
        words("1e17"),
        "number with 18 digits before the point, 16 fit"
    );
    assert_eq!(misfit(b"1.5", 18, 0), "number with 1 decimal, 0 fit");
    assert_eq!(words("12.5"), "number");
}
