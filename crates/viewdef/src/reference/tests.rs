use serde_json::{Value, json};

use super::context::{Budget, Context};
use super::item::Item;
use super::{Evaluation, evaluate, evaluate_path};
use crate::definition::ViewDefinition;
use crate::fhirpath::{Constants, parse};
use crate::problem::ProblemKind;

fn run(select: Value, resource: &Value) -> Evaluation {
    let view = json!({"resource": "Patient", "select": select});
    evaluate(&ViewDefinition::from_json(&view).unwrap(), resource).unwrap()
}

fn problem_of(column: Value, resource: &Value) -> (ProblemKind, String, String) {
    let evaluation = run(json!([{"column": [column]}]), resource);
    assert_eq!(evaluation.rows, [[Value::Null]]);
    let mismatch = evaluation.problems[0].mismatch.clone();
    (mismatch.kind, mismatch.expected, mismatch.found)
}

#[test]
fn a_value_that_does_not_fit_is_a_null_and_a_problem_that_names_types_only() {
    let patient: Value = serde_json::from_str(
        r#"{"resourceType": "Patient", "name": [{"family": "secret"}, {"family": "hidden"}],
            "birthDate": "1970-02-30", "n": 1.255, "period": {"start": "1970"}}"#,
    )
    .unwrap();
    let tagged = |path: &str, ansi: &str| json!({"name": "c", "path": path, "tag": [{"name": "ansi/type", "value": ansi}]});
    for (column, kind, expected, found) in [
        (
            tagged("birthDate", "DATE"),
            ProblemKind::BadDate,
            "DATE",
            "string",
        ),
        (
            tagged("period.start", "DATE"),
            ProblemKind::BadDate,
            "DATE",
            "string",
        ),
        (
            tagged("n", "DECIMAL(18,2)"),
            ProblemKind::TooManyDigits,
            "DECIMAL(18,2)",
            "number with 3 decimals, 2 fit",
        ),
        (
            tagged("name[0].family", "INTEGER"),
            ProblemKind::WrongType,
            "INTEGER",
            "string",
        ),
        (
            tagged("name[0]", "VARCHAR"),
            ProblemKind::WrongType,
            "VARCHAR",
            "object",
        ),
        (
            tagged("name.family", "VARCHAR"),
            ProblemKind::NotOneValue,
            "one value",
            "2 values",
        ),
        (
            tagged("name[0].family + 1", "INTEGER"),
            ProblemKind::WrongType,
            "two numbers",
            "string and number",
        ),
    ] {
        let problem = problem_of(column.clone(), &patient);
        assert_eq!(problem, (kind, expected.into(), found.into()), "{column}");
    }
}

#[test]
fn a_problem_names_the_path_through_the_iterations_around_it() {
    let patient = json!({"resourceType": "Patient",
        "contact": [{"telecom": [{"rank": "first"}]}]});
    let select = json!([{"column": [{"name": "a", "path": "'x'"}]},
        {"forEach": "contact", "select": [{"forEach": "telecom",
            "column": [{"name": "rank", "path": "rank", "type": "positiveInt"}]}]}]);
    let evaluation = run(select, &patient);
    assert_eq!(evaluation.rows, [[json!("x"), Value::Null]]);
    assert_eq!(evaluation.problems[0].column, 1);
    assert_eq!(evaluation.problems[0].path, "contact.telecom.rank");
}

#[test]
fn a_list_keeps_the_elements_that_fit() {
    let patient = json!({"resourceType": "Patient", "n": [1, "two", 3]});
    let column = json!([{"column": [{"name": "n", "path": "n", "type": "integer",
        "collection": true}]}]);
    let evaluation = run(column, &patient);
    assert_eq!(evaluation.rows, [[json!([1, 3])]]);
    assert_eq!(evaluation.problems.len(), 1);
}

#[test]
fn numbers_come_out_with_the_digits_they_went_in_with() {
    let patient: Value = serde_json::from_str(
        r#"{"resourceType": "Patient", "n": [1.50, -0.00, 1e+2, 12345678901234567.10]}"#,
    )
    .unwrap();
    let expression = parse("n", &Constants::new()).unwrap();
    let found: Vec<String> = evaluate_path(&expression, &patient, &[])
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    assert_eq!(found, ["1.50", "-0.00", "1e+2", "12345678901234567.10"]);
}

#[test]
fn all_the_digits_of_a_double_can_be_compared_and_counted_with() {
    let patient: Value = serde_json::from_str(
        r#"{"resourceType": "Patient", "n": 1308.7000000000000454747350886464118957519531250,
            "m": -0.3000000000000000444089209850062616169452667236328125}"#,
    )
    .unwrap();
    for (path, found) in [
        ("n > 1308", "true"),
        ("n < 1308.71 and m < 0", "true"),
        ("(n - 1308) < 0.71", "true"),
        ("n", "1308.7000000000000454747350886464118957519531250"),
    ] {
        let expression = parse(path, &Constants::new()).unwrap();
        let values = evaluate_path(&expression, &patient, &[]).unwrap();
        assert_eq!(values[0].to_string(), found, "{path}");
    }
}

#[test]
fn selects_that_multiply_without_bound_are_stopped() {
    let name: Vec<Value> = (0..1100).map(|_| json!({"use": "u"})).collect();
    let patient = json!({"resourceType": "Patient", "name": name});
    let view = json!({"resource": "Patient", "select": [
        {"forEach": "name", "column": [{"name": "a", "path": "use"}]},
        {"forEach": "name", "column": [{"name": "b", "path": "use"}]}]});
    let view = ViewDefinition::from_json(&view).unwrap();
    assert!(evaluate(&view, &patient).is_err());
}

#[test]
fn expressions_whose_work_grows_without_bound_are_stopped() {
    let patient = json!({"resourceType": "Patient", "name": [{"use": "a"}, {"use": "b"}]});
    let root = Item::resource(&patient);
    let nested = "%resource.name.select(".repeat(40) + "use" + &")".repeat(40);
    let doubled = "'text'".to_owned() + &".select($this & $this)".repeat(60);
    for source in [nested, doubled] {
        let expression = parse(&source, &Constants::new()).unwrap();
        let budget = Budget::of(100_000);
        let error = Context::new(&root, &budget)
            .evaluate(&expression)
            .unwrap_err();
        assert_eq!(error.kind, ProblemKind::TooLarge);
    }
}
