//! What holds for every text, view and resource.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::ErrorKind;
use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::fhirpath::{Constants, Decimal, parse};
use claimlake_viewdef::reference;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use support::arbitrary::{expression, json_value, patient, pieces, seeded, view_of};

proptest! {
    #![proptest_config(seeded(1_000))]

    #[test]
    fn any_text_is_an_expression_or_an_error_within_it(
        text in prop_oneof!["\\PC{0,60}", pieces()],
    ) {
        if let Err(error) = parse(&text, &Constants::new()) {
            let ErrorKind::Expression { character } = error.kind() else {
                panic!("no error of an expression: {error}");
            };
            prop_assert!(character <= text.chars().count() + 1);
        }
    }

    #[test]
    fn spans_lie_within_the_source(source in expression()) {
        if let Ok(expression) = parse(&source, &Constants::new()) {
            let mut open = vec![&expression];
            while let Some(next) = open.pop() {
                prop_assert!(source.get(next.span.start..next.span.end).is_some());
                open.extend(next.children());
            }
        }
    }

    #[test]
    fn any_view_over_any_resource_gives_whole_rows_or_a_problem(
        path in expression(),
        for_each in select(vec!["name", "extension", "name.given", "value", "$this"]),
        patient in patient(),
    ) {
        let Ok(view) = ViewDefinition::from_json(&view_of(&path, for_each)) else {
            return Ok(());
        };
        if let Ok(evaluation) = reference::evaluate(&view, &patient) {
            prop_assert!(!evaluation.rows.is_empty());
            for row in &evaluation.rows {
                prop_assert_eq!(row.len(), 3);
                prop_assert!(row[1].is_array() || row[1].is_null());
            }
            for problem in &evaluation.problems {
                prop_assert!(problem.column < 3);
            }
        }
    }

    #[test]
    fn any_json_is_a_view_or_refused(value in json_value()) {
        prop_assert!(ViewDefinition::from_json(&value).is_err());
        let view = json!({"resource": "Patient", "select": [value.clone()], "where": [value]});
        prop_assert!(ViewDefinition::from_json(&view).is_err());
    }

    #[test]
    fn a_decimal_is_written_as_it_was_read(whole in 0_u64..u64::MAX, fraction in "[0-9]{0,15}") {
        let text = if fraction.is_empty() {
            whole.to_string()
        } else {
            format!("{whole}.{fraction}")
        };
        prop_assert_eq!(Decimal::parse(&text).map(|decimal| decimal.to_string()), Some(text));
    }

    #[test]
    fn sums_and_differences_are_those_of_integers(left in -1_000_000_i64..1_000_000, right in -1_000_000_i64..1_000_000) {
        let hundredths = |number: i64| Decimal::new(i128::from(number), 2).unwrap();
        let sum = hundredths(left).checked_add(hundredths(right));
        prop_assert_eq!(sum, Decimal::new(i128::from(left + right), 2));
        prop_assert_eq!(hundredths(left).cmp(&hundredths(right)), left.cmp(&right));
    }
}
