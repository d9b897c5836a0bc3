//! Coverages as their view gives them, and their months, written by hand.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Date32Type;
use arrow_array::{Array, ArrayRef, Date32Array, RecordBatch};
use chrono::{Datelike, NaiveDate};

use super::{Enrolled, Months, Series};
use crate::derive::Derivation;
use crate::derive::tests::{ORDER, batch, names, text_of, texts};

/// One coverage: what is the same in all its rows, and the url and code of each row.
#[derive(Default)]
struct Coverage {
    api: &'static str,
    part: Option<&'static str>,
    year: Option<&'static str>,
    from: Option<&'static str>,
    to: Option<&'static str>,
    as_of: Option<&'static str>,
    /// A column that the view fills, as well as a series.
    contract: Option<&'static str>,
    codes: &'static [(&'static str, Option<&'static str>)],
}

/// Month, part, whether enrolled, reason, source, buy-in code, contract.
type Row = (
    &'static str,
    Option<bool>,
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

fn series(url: &str, column: &str, names_its_year: bool, pad: usize) -> Series {
    Series {
        url: url.into(),
        column: column.into(),
        names_its_year,
        pad,
    }
}

fn derivation() -> Derivation {
    let enrolled = |column: &str| Enrolled {
        column: column.into(),
        codes: Vec::new(),
        beginnings: Vec::new(),
        other_than: Vec::new(),
    };
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    Derivation {
        months: Some(Months {
            url: "url".into(),
            code: "code".into(),
            reference_year: "year".into(),
            from: "from".into(),
            to: "to".into(),
            open_years: vec![9999],
            as_of: "as_of".into(),
            spans: [("api".to_owned(), words(&["v3"]))].into(),
            needs: words(&["part", "url"]),
            part: "part".into(),
            series: vec![
                series("u/buyin", "buyin", false, 2),
                series("u/ptd", "contract", true, 0),
                series("u/ptc", "contract", false, 0),
            ],
            enrolled: [
                (
                    "A".to_owned(),
                    Enrolled {
                        codes: words(&["01", "0C"]),
                        ..enrolled("buyin")
                    },
                ),
                (
                    "C".to_owned(),
                    Enrolled {
                        other_than: words(&["0", "N"]),
                        ..enrolled("contract")
                    },
                ),
                (
                    "D".to_owned(),
                    Enrolled {
                        beginnings: words(&["H", "S"]),
                        ..enrolled("contract")
                    },
                ),
            ]
            .into(),
        }),
        ..Derivation::default()
    }
}

fn days(days: &[Option<&str>]) -> ArrayRef {
    let day = |day: &str| {
        let day: NaiveDate = day.parse().unwrap();
        day.signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap())
            .num_days()
    };
    let days = days
        .iter()
        .map(|text| text.map(|text| i32::try_from(day(text)).unwrap()));
    Arc::new(days.collect::<Date32Array>())
}

fn rows_of_view(coverages: &[Coverage]) -> RecordBatch {
    let none: &[(&str, Option<&str>)] = &[("", None)];
    let mut orders = Vec::new();
    let mut rows = Vec::new();
    for (order, coverage) in (0_u64..).zip(coverages) {
        let codes = match coverage.codes {
            [] => none,
            codes => codes,
        };
        for (url, code) in codes {
            orders.push(order);
            rows.push((coverage, Some(*url).filter(|url| !url.is_empty()), *code));
        }
    }
    let column = |of: &dyn Fn(&Coverage) -> Option<&'static str>| {
        let texts: Vec<_> = rows.iter().map(|(coverage, ..)| of(coverage)).collect();
        texts
    };
    let urls: Vec<_> = rows.iter().map(|(_, url, _)| *url).collect();
    let codes: Vec<_> = rows.iter().map(|(.., code)| *code).collect();
    batch(
        &orders,
        vec![
            ("api", texts(&column(&|coverage| Some(coverage.api)))),
            ("year", texts(&column(&|coverage| coverage.year))),
            ("from", days(&column(&|coverage| coverage.from))),
            ("to", days(&column(&|coverage| coverage.to))),
            ("part", texts(&column(&|coverage| coverage.part))),
            ("contract", texts(&column(&|coverage| coverage.contract))),
            ("as_of", days(&column(&|coverage| coverage.as_of))),
            ("url", texts(&urls)),
            ("code", texts(&codes)),
        ],
    )
}

fn first_days(batch: &RecordBatch) -> Vec<String> {
    let months = batch.column_by_name("month").unwrap();
    let months = months.as_primitive::<Date32Type>();
    let text = |day: i32| {
        let day = NaiveDate::from_num_days_from_ce_opt(day + 719_163).unwrap();
        assert_eq!(day.day(), 1);
        format!("{:04}-{:02}", day.year(), day.month())
    };
    months.iter().map(|day| text(day.unwrap())).collect()
}

fn assert_months(what: &str, coverage: Coverage, expected: &[Row]) {
    let as_of_text = coverage.as_of;
    let made = derivation()
        .apply(&rows_of_view(&[coverage]), ORDER)
        .unwrap();
    assert_eq!(made.num_rows(), expected.len(), "{what}");
    let enrolled = made.column_by_name("is_enrolled").unwrap().as_boolean();
    let [reasons, sources, buyins, contracts] =
        ["reason", "source", "buyin", "contract"].map(|name| text_of(&made, name));
    let months = first_days(&made);
    let as_of = made.column_by_name("as_of").unwrap();
    let is_mask = as_of_text.is_some_and(|day| day.starts_with("9999"));
    let unknown = if is_mask || as_of_text.is_none() {
        made.num_rows()
    } else {
        0
    };
    assert_eq!(as_of.null_count(), unknown, "{what}");
    for (at, row) in expected.iter().enumerate() {
        let found = (
            months[at].as_str(),
            enrolled.iter().nth(at).unwrap(),
            reasons[at].as_deref(),
            sources[at].as_deref().unwrap(),
            buyins[at].as_deref(),
            contracts[at].as_deref(),
        );
        assert_eq!(found, *row, "{what}");
    }
}

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
