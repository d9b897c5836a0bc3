//! Rows as they come from a view, and what is derived of them, written by hand.

use std::sync::Arc;

use super::{Allocate, Derivation, Rank};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int32Type, UInt32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, RecordBatch, StringArray,
    UInt64Array,
};

pub(super) const ORDER: &str = "_order";

pub(super) fn texts(texts: &[Option<&str>]) -> ArrayRef {
    let texts: DictionaryArray<UInt32Type> = texts.iter().copied().collect();
    Arc::new(texts)
}

/// Amounts in cents.
fn cents(amounts: &[Option<i128>]) -> ArrayRef {
    let amounts: Decimal128Array = amounts.iter().copied().collect();
    Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())
}

pub(super) fn batch(orders: &[u64], columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let orders: ArrayRef = Arc::new(UInt64Array::from(orders.to_vec()));
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let orders = std::iter::once((ORDER, orders, false));
    RecordBatch::try_from_iter_with_nullable(columns.chain(orders)).unwrap()
}

pub(super) fn text_of(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let texts = batch
        .column_by_name(name)
        .unwrap()
        .as_dictionary::<UInt32Type>();
    let texts = texts.downcast_dict::<StringArray>().unwrap();
    texts
        .into_iter()
        .map(|text| text.map(str::to_owned))
        .collect()
}

pub(super) fn names(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

fn allocation() -> Derivation {
    Derivation {
        allocate: Some(Allocate {
            amount: "paid".into(),
            total: "claim_paid".into(),
            skip: "is_total".into(),
            into: "given".into(),
            how: "source".into(),
        }),
        ..Derivation::default()
    }
}

/// A claim: each line's own payment and whether it is the total line; the claim's payment; what each
/// line is given, and by what.
type Claim<'c> = (
    &'c str,
    &'c [(Option<i128>, bool)],
    Option<i128>,
    &'c [Option<i128>],
    Option<&'c str>,
);

#[test]
fn the_amounts_given_to_lines_add_up_to_the_claim() {
    let claims: &[Claim<'_>] = &[
        (
            "lines add up",
            &[(Some(300), false), (Some(700), false)],
            Some(1000),
            &[Some(300), Some(700)],
            Some("line"),
        ),
        (
            "a line without an amount counts as 0",
            &[(Some(1000), false), (None, false)],
            Some(1000),
            &[Some(1000), Some(0)],
            Some("line"),
        ),
        (
            "lines do not add up",
            &[(Some(300), false), (Some(800), false)],
            Some(1000),
            &[Some(1000), Some(0)],
            Some("header"),
        ),
        (
            "no line has an amount",
            &[(None, false), (None, false)],
            Some(1000),
            &[Some(1000), Some(0)],
            Some("header"),
        ),
        (
            "no line has an amount, and 0 was paid",
            &[(None, false)],
            Some(0),
            &[Some(0)],
            Some("header"),
        ),
        (
            "the total line repeats the others",
            &[(Some(300), false), (Some(700), false), (Some(1000), true)],
            Some(1000),
            &[Some(300), Some(700), Some(0)],
            Some("line"),
        ),
        (
            "the total line comes first",
            &[(Some(1000), true), (None, false), (None, false)],
            Some(1000),
            &[Some(0), Some(1000), Some(0)],
            Some("header"),
        ),
        (
            "nothing but a total line",
            &[(Some(1000), true)],
            Some(1000),
            &[Some(1000)],
            Some("header"),
        ),
        (
            "taken back",
            &[(Some(-300), false), (Some(-700), false)],
            Some(-1000),
            &[Some(-300), Some(-700)],
            Some("line"),
        ),
        (
            "no payment of the claim",
            &[(Some(300), false), (None, false)],
            None,
            &[None, None],
            None,
        ),
        (
            "more than a sum can be",
            &[(Some(i128::MAX), false), (Some(1), false)],
            Some(5),
            &[Some(5), Some(0)],
            Some("header"),
        ),
    ];
    let (mut orders, mut paid, mut is_total, mut totals) = (vec![], vec![], vec![], vec![]);
    for (number, (_, lines, total, ..)) in claims.iter().enumerate() {
        for (own, skipped) in *lines {
            orders.push(number as u64);
            paid.push(*own);
            is_total.push(*skipped);
            totals.push(*total);
        }
    }
    let rows = batch(
        &orders,
        vec![
            ("paid", cents(&paid)),
            ("is_total", Arc::new(BooleanArray::from(is_total))),
            ("claim_paid", cents(&totals)),
        ],
    );
    let derived = allocation().apply(&rows, ORDER).unwrap();
    assert_eq!(
        names(&derived),
        ["paid", "given", "source", "is_total", ORDER]
    );
    let given = derived
        .column_by_name("given")
        .unwrap()
        .as_primitive::<Decimal128Type>();
    let sources = text_of(&derived, "source");
    let mut row = 0;
    for (what, lines, _, expected, source) in claims {
        let found: Vec<Option<i128>> = given.iter().skip(row).take(lines.len()).collect();
        assert_eq!(found, *expected, "{what}");
        assert!(
            sources[row..row + lines.len()]
                .iter()
                .all(|found| found.as_deref() == *source),
            "{what}"
        );
        row += lines.len();
    }
}

fn ranking() -> Derivation {
    Derivation {
        rank: Some(Rank {
            into: "rank".into(),
            order_by: "sequence".into(),
            kind: "type".into(),
            first: vec!["principal".into()],
            keeps_one: true,
            unranked: vec!["admitting".into(), "externalcauseofinjury".into()],
            same: Some("code".into()),
            carry: vec!["poa".into()],
        }),
        ..Derivation::default()
    }
}

/// A diagnosis: sequence, type, code, present on admission; its rank, and what is then present on
/// admission.
type Diagnosis<'d> = (
    Option<i32>,
    Option<&'d str>,
    &'d str,
    Option<&'d str>,
    Option<i32>,
    Option<&'d str>,
);

#[test]
fn the_principal_is_first_and_its_repeat_has_no_rank() {
    let claims: &[(&str, &[Diagnosis<'_>])] = &[
        (
            "the principal comes last and is repeated with its indicator",
            &[
                (Some(1), Some("admitting"), "R10", None, None, None),
                (Some(2), Some("other"), "I10", Some("Y"), None, Some("Y")),
                (Some(3), Some("other"), "E11", Some("N"), Some(2), Some("N")),
                (
                    Some(4),
                    Some("externalcauseofinjury"),
                    "W58",
                    Some("Y"),
                    None,
                    Some("Y"),
                ),
                (Some(5), Some("principal"), "I10", None, Some(1), Some("Y")),
            ],
        ),
        (
            "two principals of one code",
            &[
                (Some(1), Some("principal"), "A02", None, Some(1), None),
                (Some(2), Some("principal"), "A02", None, None, None),
                (Some(3), Some("secondary"), "A06", None, Some(2), None),
            ],
        ),
        (
            "of two principals of two codes the first by place, as in the claim's own column",
            &[
                (Some(2), Some("principal"), "A06", None, Some(1), None),
                (Some(1), Some("principal"), "A02", None, Some(2), None),
                (Some(3), Some("secondary"), "B04", None, Some(3), None),
            ],
        ),
        (
            "an indicator of its own stays",
            &[
                (
                    Some(1),
                    Some("principal"),
                    "A02",
                    Some("N"),
                    Some(1),
                    Some("N"),
                ),
                (Some(2), Some("other"), "A02", Some("Y"), None, Some("Y")),
            ],
        ),
        (
            "no principal: nothing is number 1, and nothing a repeat",
            &[
                (Some(7), None, "A02", None, Some(2), None),
                (Some(9), Some("other"), "A02", Some("Y"), Some(3), Some("Y")),
            ],
        ),
        (
            "one number twice, and one without",
            &[
                (None, Some("other"), "C", None, Some(4), None),
                (Some(4), Some("other"), "A", None, Some(2), None),
                (Some(4), Some("other"), "B", None, Some(3), None),
                (Some(4), Some("principal"), "P", None, Some(1), None),
            ],
        ),
        (
            "nothing that has a rank",
            &[(Some(1), Some("admitting"), "R10", None, None, None)],
        ),
    ];
    let rows: Vec<_> = claims
        .iter()
        .enumerate()
        .flat_map(|(number, (_, rows))| rows.iter().map(move |row| (number as u64, row)))
        .collect();
    let orders: Vec<u64> = rows.iter().map(|(order, _)| *order).collect();
    let sequences: Vec<_> = rows.iter().map(|(_, row)| row.0).collect();
    let made = batch(
        &orders,
        vec![
            ("sequence", Arc::new(Int32Array::from(sequences))),
            (
                "type",
                texts(&rows.iter().map(|(_, row)| row.1).collect::<Vec<_>>()),
            ),
            (
                "code",
                texts(&rows.iter().map(|(_, row)| Some(row.2)).collect::<Vec<_>>()),
            ),
            (
                "poa",
                texts(&rows.iter().map(|(_, row)| row.3).collect::<Vec<_>>()),
            ),
        ],
    );
    let derived = ranking().apply(&made, ORDER).unwrap();
    assert_eq!(
        names(&derived),
        ["rank", "sequence", "type", "code", "poa", ORDER]
    );
    let ranks = derived
        .column_by_name("rank")
        .unwrap()
        .as_primitive::<Int32Type>();
    let carried = text_of(&derived, "poa");
    for (at, (claim, row)) in rows.iter().enumerate() {
        let what = claims[*claim as usize].0;
        assert_eq!(
            ranks.iter().nth(at).unwrap(),
            row.4,
            "{what}: rank of {}",
            row.2
        );
        assert_eq!(
            carried[at].as_deref(),
            row.5,
            "{what}: indicator of {}",
            row.2
        );
    }
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let rows = batch(&[1], vec![("paid", cents(&[Some(1)]))]);
    let error = allocation().apply(&rows, ORDER).unwrap_err().to_string();
    assert!(
        error.contains("claim_paid") && error.contains("DECIMAL"),
        "{error}"
    );
    let error = ranking().apply(&rows, ORDER).unwrap_err().to_string();
    assert!(
        error.contains("sequence") && error.contains("INTEGER"),
        "{error}"
    );
}

#[test]
fn a_table_without_rows_has_the_same_columns() {
    let rows = batch(
        &[1],
        vec![
            ("paid", cents(&[Some(1)])),
            ("is_total", Arc::new(BooleanArray::from(vec![false]))),
            ("claim_paid", cents(&[Some(1)])),
        ],
    );
    let with_rows = allocation().apply(&rows, ORDER).unwrap();
    assert_eq!(
        allocation().schema(&rows.schema(), ORDER).unwrap(),
        with_rows.schema()
    );
}
