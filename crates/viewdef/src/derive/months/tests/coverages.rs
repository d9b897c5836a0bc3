//! Coverages as their view gives them, and what is asserted of their months.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Date32Type;
use arrow_array::{Array, ArrayRef, Date32Array, RecordBatch};
use chrono::{Datelike, NaiveDate};

use super::super::{Enrolled, Months, Series};
use crate::derive::Derivation;
use crate::derive::tests::{ORDER, batch, text_of, texts};

/// One coverage: what is the same in all its rows, and the url and code of each row.
#[derive(Default)]
pub(super) struct Coverage {
    pub(super) api: &'static str,
    pub(super) part: Option<&'static str>,
    pub(super) year: Option<&'static str>,
    pub(super) from: Option<&'static str>,
    pub(super) to: Option<&'static str>,
    pub(super) as_of: Option<&'static str>,
    /// A column that the view fills, as well as a series.
    pub(super) contract: Option<&'static str>,
    pub(super) codes: &'static [(&'static str, Option<&'static str>)],
}

/// Month, part, whether enrolled, reason, source, buy-in code, contract.
pub(super) type Row = (
    &'static str,
    Option<bool>,
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

pub(super) fn series(url: &str, column: &str, names_its_year: bool, pad: usize) -> Series {
    Series {
        url: url.into(),
        column: column.into(),
        names_its_year,
        pad,
    }
}

pub(super) fn derivation() -> Derivation {
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

pub(super) fn days(days: &[Option<&str>]) -> ArrayRef {
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

pub(super) fn rows_of_view(coverages: &[Coverage]) -> RecordBatch {
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

pub(super) fn first_days(batch: &RecordBatch) -> Vec<String> {
    let months = batch.column_by_name("month").unwrap();
    let months = months.as_primitive::<Date32Type>();
    let text = |day: i32| {
        let day = NaiveDate::from_num_days_from_ce_opt(day + 719_163).unwrap();
        assert_eq!(day.day(), 1);
        format!("{:04}-{:02}", day.year(), day.month())
    };
    months.iter().map(|day| text(day.unwrap())).collect()
}

pub(super) fn assert_months(what: &str, coverage: Coverage, expected: &[Row]) {
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
