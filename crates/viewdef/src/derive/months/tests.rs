//! Coverages and their months, written by hand.

mod coverages;

use self::coverages::{Coverage, assert_months, derivation, first_days, rows_of_view};
use crate::derive::tests::{ORDER, names, text_of};

#[test]
fn codes_by_month_say_who_is_enrolled() {
    let a = |codes| Coverage {
        api: "v2",
        part: Some("A"),
        year: Some("2024-01-01"),
        codes,
        ..Coverage::default()
    };
    assert_months(
        "listed codes, filled up with zeros",
        a(&[("u/buyin02", Some("1")), ("u/buyin01", Some("2"))]),
        &[
            ("2024-01", Some(false), None, "months", Some("02"), None),
            ("2024-02", Some(true), None, "months", Some("01"), None),
        ],
    );
    assert_months(
        "a blank code is none; of two for one month the first counts",
        a(&[
            ("u/buyin01", Some(" ")),
            ("u/buyin03", Some("C")),
            ("u/buyin03", Some("2")),
        ]),
        &[
            ("2024-01", Some(false), None, "months", None, None),
            ("2024-03", Some(true), None, "months", Some("0C"), None),
        ],
    );
    assert_months(
        "ends of urls that are no month",
        a(&[
            ("u/buyin13", Some("1")),
            ("u/buyin1", Some("1")),
            ("u/buyin00", Some("1")),
            ("u/buyin+1", Some("1")),
            ("u/buyin01/2024-", Some("1")),
            ("u/buyin01/24-1", Some("1")),
            ("u/other01", Some("1")),
        ]),
        &[],
    );
    let without_year = Coverage {
        year: None,
        ..a(&[("u/buyin01", Some("1"))])
    };
    assert_months("no year", without_year, &[]);
    let of_no_part = Coverage {
        part: None,
        ..a(&[("u/buyin01", Some("1"))])
    };
    assert_months(
        "without a part nobody is enrolled or not",
        of_no_part,
        &[("2024-01", None, None, "months", Some("01"), None)],
    );
}

#[test]
fn a_year_in_the_url_counts_before_the_reference_year() {
    let d = |codes| Coverage {
        api: "v2",
        part: Some("D"),
        year: Some("2026"),
        codes,
        ..Coverage::default()
    };
    assert_months(
        "and is that of plain urls of the same series",
        d(&[
            ("u/ptd02/2025-2", Some("H1")),
            ("u/ptd01", Some("0")),
            ("u/buyin01", Some("1")),
        ]),
        &[
            ("2025-01", Some(false), None, "months", None, Some("0")),
            ("2025-02", Some(true), None, "months", None, Some("H1")),
            ("2026-01", Some(false), None, "months", Some("01"), None),
        ],
    );
    assert_months(
        "two years in urls say nothing of plain ones",
        d(&[
            ("u/ptd01/2024-1", Some("S1")),
            ("u/ptd01/2025-1", Some("X1")),
            ("u/ptd03", Some("S1")),
        ]),
        &[
            ("2024-01", Some(true), None, "months", None, Some("S1")),
            ("2025-01", Some(false), None, "months", None, Some("X1")),
            ("2026-03", Some(true), None, "months", None, Some("S1")),
        ],
    );
}

#[test]
fn months_outside_the_period_and_after_the_source_are_not_enrolled() {
    assert_months(
        "a month that begins before the period is of it; the month of the source counts",
        Coverage {
            api: "v2",
            part: Some("C"),
            year: Some("2024"),
            from: Some("2024-02-20"),
            as_of: Some("2024-03-01"),
            codes: &[
                ("u/ptc01", Some("H1")),
                ("u/ptc02", Some("H1")),
                ("u/ptc03", Some("N")),
                ("u/ptc04", Some("H1")),
            ],
            ..Coverage::default()
        },
        &[
            (
                "2024-01",
                Some(false),
                Some("before_entitlement"),
                "months",
                None,
                Some("H1"),
            ),
            ("2024-02", Some(true), None, "months", None, Some("H1")),
            ("2024-03", Some(false), None, "months", None, Some("N")),
            (
                "2024-04",
                Some(false),
                Some("after_as_of"),
                "months",
                None,
                Some("H1"),
            ),
        ],
    );
}

#[test]
fn a_span_covers_every_month_from_its_start_to_its_end() {
    let span = |from, to, as_of| Coverage {
        api: "v3",
        part: Some("A"),
        from,
        to,
        as_of,
        contract: Some("H9"),
        codes: &[("u/buyin01", Some("1"))],
        ..Coverage::default()
    };
    let month = |month, source| (month, Some(true), None, source, None, Some("H9"));
    assert_months(
        "one that ended",
        span(Some("2023-12-31"), Some("2024-01-01"), Some("2024-06-15")),
        &[month("2023-12", "period"), month("2024-01", "period")],
    );
    assert_months(
        "one that will end",
        span(Some("2024-05-01"), Some("2024-12-31"), Some("2024-06-15")),
        &[month("2024-05", "period"), month("2024-06", "period")],
    );
    for open in [None, Some("9999-12-31")] {
        assert_months(
            "an open one ends with the source",
            span(Some("2024-05-01"), open, Some("2024-06-15")),
            &[month("2024-05", "current"), month("2024-06", "current")],
        );
    }
    assert_months(
        "one that ended needs no day of the source",
        span(Some("2024-05-01"), Some("2024-05-02"), None),
        &[month("2024-05", "period")],
    );
    assert_months(
        "a day of the source far ahead is a mask",
        span(Some("2024-05-01"), Some("2024-05-02"), Some("9999-12-31")),
        &[month("2024-05", "period")],
    );
    for (what, from, to, as_of) in [
        ("no start", None, Some("2024-05-02"), Some("2024-06-15")),
        (
            "no end and no day of the source",
            Some("2024-05-01"),
            None,
            None,
        ),
        (
            "no end and a mask for the day of the source",
            Some("2024-05-01"),
            None,
            Some("9999-12-31"),
        ),
        (
            "it ends before it starts",
            Some("2024-05-01"),
            Some("2024-03-01"),
            Some("2024-06-15"),
        ),
    ] {
        assert_months(what, span(from, to, as_of), &[]);
    }
}

#[test]
fn a_coverage_that_says_nothing_makes_no_rows() {
    assert_months(
        "neither part nor url",
        Coverage {
            api: "v3",
            from: Some("2024-05-01"),
            as_of: Some("2024-06-15"),
            ..Coverage::default()
        },
        &[],
    );
}

#[test]
fn each_coverage_has_its_own_months() {
    let made = derivation()
        .apply(
            &rows_of_view(&[
                Coverage {
                    api: "v2",
                    part: Some("A"),
                    year: Some("2024"),
                    codes: &[("u/buyin01", Some("1"))],
                    ..Coverage::default()
                },
                Coverage {
                    api: "v3",
                    part: Some("D"),
                    from: Some("2024-02-01"),
                    to: Some("2024-02-29"),
                    contract: Some("S1"),
                    ..Coverage::default()
                },
            ]),
            ORDER,
        )
        .unwrap();
    assert_eq!(first_days(&made), ["2024-01", "2024-02"]);
    assert_eq!(
        text_of(&made, "part"),
        [Some("A".to_owned()), Some("D".to_owned())]
    );
    let columns: Vec<_> = names(&made);
    let (order, columns) = columns.split_last().unwrap();
    assert_eq!(order, ORDER);
    assert_eq!(
        columns,
        [
            "api",
            "month",
            "part",
            "is_enrolled",
            "reason",
            "contract",
            "buyin",
            "source",
            "as_of"
        ]
    );
}
