use serde_json::{Value, json};

use crate::error::ErrorKind;

use super::{Iteration, ScalarType, ViewDefinition, column_type};

fn view_with(select: Value) -> Value {
    json!({"resource": "Patient", "select": select})
}

fn first_error(view: &Value) -> (String, String) {
    let error = ViewDefinition::from_json(view).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::View);
    let first = error.faults()[0].clone();
    (first.place, first.reason)
}

fn assert_refused(view: Value, place: &str, reason_part: &str) {
    let (found_place, reason) = first_error(&view);
    assert_eq!(found_place, place, "{reason}");
    assert!(reason.contains(reason_part), "{reason}");
}

#[test]
fn columns_come_in_the_order_own_then_nested_then_union() {
    let view = view_with(json!([
        {
            "unionAll": [
                {"column": [{"name": "e", "path": "'E1'"}]},
                {"column": [{"name": "e", "path": "'E2'"}]},
            ],
            "select": [{"forEach": "name", "column": [{"name": "c", "path": "use"}]}],
            "column": [{"name": "a", "path": "id"}],
        },
        {"column": [{"name": "g", "path": "id"}]},
    ]));
    let view = ViewDefinition::from_json(&view).unwrap();
    let names: Vec<&str> = view.columns().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a", "c", "e", "g"]);
    assert!(matches!(
        view.selects[0].selects[0].iteration,
        Iteration::ForEach(_)
    ));
}

#[test]
fn an_error_in_a_path_names_its_place_and_character() {
    assert_refused(
        view_with(json!([{"column": [{"name": "a", "path": "id"}],
            "select": [{"forEach": "name", "column": [
                {"name": "b", "path": "use"}, {"name": "c", "path": "given..first()"}]}]}])),
        "select[0].select[0].column[1].path",
        "at character 7",
    );
}

#[test]
fn views_that_cannot_be_run_are_refused_with_their_place() {
    let column = json!({"name": "a", "path": "id"});
    assert_refused(json!({}), "$", "'resource' is missing");
    assert_refused(
        json!({"select": [{"column": [column]}]}),
        "$",
        "'resource' is missing",
    );
    assert_refused(view_with(json!([])), "select", "at least one select");
    assert_refused(view_with(json!([{}])), "select", "no column");
    assert_refused(
        view_with(json!([{"forEach": 1, "column": [column]}])),
        "select[0].forEach",
        "a string is expected",
    );
    assert_refused(
        view_with(json!([{"forEach": "a", "forEachOrNull": "b", "column": [column]}])),
        "select[0]",
        "only one of",
    );
    assert_refused(
        view_with(json!([{"column": [column, column]}])),
        "select[0].column[1].name",
        "already a column 'a'",
    );
    assert_refused(
        view_with(json!([{"column": [{"name": "1a", "path": "id"}]}])),
        "select[0].column[0].name",
        "must begin with a letter",
    );
    assert_refused(
        view_with(json!([{"forEachOrNul": "name", "column": [column]}])),
        "select[0].forEachOrNul",
        "unknown key",
    );
    assert_refused(
        view_with(json!([{"column": [{"name": "a", "path": "birthDate",
            "tag": [{"name": "ansi/type", "value": "DATTE"}]}]}])),
        "select[0].column[0].tag",
        "not a type",
    );
    assert_refused(
        json!({"resource": "Patient", "select": [{"column": [column]}], "wher": []}),
        "wher",
        "no such element",
    );
    assert_refused(
        json!({"resource": "Patient", "select": [{"column": [column]}], "unionAll": []}),
        "unionAll",
        "belongs into an element of 'select'",
    );
    assert_refused(
        json!({"resource": "Patient", "select": [{"column": [column]}],
            "where": [{"path": "'x'"}]}),
        "where[0].path",
        "true or false",
    );
    assert_refused(
        json!({"resource": "Patient", "select": [{"column": [column]}],
            "constant": [{"name": "c"}]}),
        "constant[0]",
        "exactly one value",
    );
    assert_refused(
        view_with(json!([{"column": [{"name": "a", "path": "%nowhere"}]}])),
        "select[0].column[0].path",
        "no constant 'nowhere'",
    );
}

#[test]
fn a_select_that_is_wrong_is_reported_once() {
    let errors = ViewDefinition::from_json(&view_with(json!([{"repeat": [], "column": []}])));
    assert_eq!(errors.unwrap_err().faults().len(), 1);
}

#[test]
fn branches_of_a_union_with_other_columns_are_refused() {
    let union = |second: Value| {
        view_with(json!([{"unionAll": [
            {"column": [{"name": "a", "path": "id", "type": "id"},
                        {"name": "b", "path": "id", "type": "id"}]},
            second]}]))
    };
    for columns in [
        json!([{"name": "a", "path": "id", "type": "id"}, {"name": "c", "path": "id", "type": "id"}]),
        json!([{"name": "b", "path": "id", "type": "id"}, {"name": "a", "path": "id", "type": "id"}]),
        json!([{"name": "a", "path": "id", "type": "id"}]),
        json!([{"name": "a", "path": "id", "type": "id"},
               {"name": "b", "path": "id", "type": "boolean"}]),
    ] {
        let view = union(json!({"column": columns}));
        let (place, reason) = first_error(&view);
        assert_eq!(place, "select[0].unionAll[1]", "{reason}");
    }
}

#[test]
fn tags_set_the_type_and_fhir_types_do_without_them() {
    let scalar = |tag: Option<&str>, fhir: &str| column_type(tag, Some(fhir), false);
    let of_tag = |tag: &str| scalar(Some(tag), "string").map(|it| it.scalar);
    assert_eq!(
        of_tag("decimal(18, 2)"),
        Ok(ScalarType::Decimal {
            precision: 18,
            scale: 2
        })
    );
    assert_eq!(of_tag("CHARACTER VARYING(30)"), Ok(ScalarType::Utf8));
    assert_eq!(
        of_tag("TIMESTAMP(6) WITH TIME ZONE"),
        Ok(ScalarType::Timestamp)
    );
    assert_eq!(of_tag("INT"), Ok(ScalarType::Int32));
    for refused in [
        "DECIMAL",
        "DECIMAL(39,2)",
        "DECIMAL(4,5)",
        "DATE(3)",
        "JSON",
    ] {
        assert!(of_tag(refused).is_err(), "{refused}");
    }
    for (fhir, expected) in [
        ("unsignedInt", ScalarType::Int32),
        ("integer64", ScalarType::Int64),
        ("instant", ScalarType::Timestamp),
        ("decimal", ScalarType::Utf8),
        ("date", ScalarType::Utf8),
    ] {
        assert_eq!(scalar(None, fhir).map(|it| it.scalar), Ok(expected));
    }
}

#[test]
fn types_may_be_written_as_uris() {
    let typed = |uri: &str| {
        let view = view_with(json!([{"column": [{"name": "a", "path": "x", "type": uri}]}]));
        ViewDefinition::from_json(&view).unwrap().columns()[0]
            .column_type
            .scalar
    };
    for (uri, expected) in [
        (
            "http://hl7.org/fhir/StructureDefinition/positiveInt",
            ScalarType::Int32,
        ),
        (
            "http://hl7.org/fhirpath/System.Boolean",
            ScalarType::Boolean,
        ),
        (
            "http://example.org/StructureDefinition/integer",
            ScalarType::Utf8,
        ),
    ] {
        assert_eq!(typed(uri), expected, "{uri}");
    }
}
