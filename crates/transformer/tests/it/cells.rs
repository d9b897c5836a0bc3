//! A value that does not fit its column is null and a reject without the value.

use claimlake_contract::RejectReason;
use claimlake_transformer::Part2;

use crate::scene::{Scene, Staged, claim};

fn transformed(rest: &str) -> Staged {
    let scene = Scene::new();
    scene.land(&[vec![claim("1", rest)]]);
    scene.transform()
}

#[test]
fn a_value_of_the_wrong_type_is_null_and_reported_without_the_value() {
    for (rest, column, reason, expected, found) in [
        (
            r#","payment":{"amount":{"value":"555.55"}}"#,
            "amount",
            RejectReason::WrongType,
            "DECIMAL(18,2)",
            "string",
        ),
        (
            r#","payment":{"amount":{"value":555.555}}"#,
            "amount",
            RejectReason::TooManyDigits,
            "DECIMAL(18,2)",
            "number with 3 decimals, 2 fit",
        ),
        (
            r#","payment":[{"amount":{"value":555}},{"amount":{"value":555}}]"#,
            "amount",
            RejectReason::NotOneValue,
            "one value",
            "2 values",
        ),
        (
            r#","status":{"secret555":1}"#,
            "status",
            RejectReason::WrongType,
            "VARCHAR",
            "object",
        ),
    ] {
        let staged = transformed(rest);
        assert_eq!(staged.column("claim", column), [None], "{rest}");
        assert_eq!(staged.outcome.manifest.rejected_cells, 1, "{rest}");
        assert_eq!(staged.outcome.manifest.rejected_resources, 0);
        let reject = &staged.rejects()[0];
        assert_eq!(reject.reason, reason, "{rest}");
        assert_eq!(reject.table.as_deref(), Some("claim"));
        assert_eq!(reject.column.as_deref(), Some(column));
        assert_eq!(reject.expected.as_deref(), Some(expected));
        assert_eq!(reject.found.as_deref(), Some(found));
        assert!(!staged.rejects_text().contains("555"), "{rest}");
    }
}

#[test]
fn a_number_that_went_through_a_double_is_rounded_and_counted_and_no_reject() {
    for (value, dollars) in [
        ("1308.6999999999998", "1308.70"),
        ("-1270.6299999999999", "-1270.63"),
        ("0.30000000000000004", "0.30"),
        ("1.3086999999999998e3", "1308.70"),
        ("999.9999999999999", "1000.00"),
        ("77.490000000000009094947017729282379150390625", "77.49"),
    ] {
        let staged = transformed(&format!(r#","payment":{{"amount":{{"value":{value}}}}}"#));
        let amount = staged.column("claim", "amount");
        assert_eq!(amount, [Some(dollars.to_owned())], "{value}");
        assert_eq!(staged.outcome.manifest.rounded_cells, 1, "{value}");
        assert_eq!(staged.outcome.manifest.rejected_cells, 0, "{value}");
        assert!(staged.rejects().is_empty(), "{value}");
    }
    let written = transformed(r#","payment":{"amount":{"value":1308.70}}"#);
    assert_eq!(written.outcome.manifest.rounded_cells, 0);
}

#[test]
fn a_reject_of_digits_says_how_many_there_are_and_how_many_fit() {
    for (value, detail) in [
        (
            "12.125",
            "expected DECIMAL(18,2), found number with 3 decimals, 2 fit: the cell is null",
        ),
        (
            "1.4210854715202004E-14",
            "expected DECIMAL(18,2), found number with 30 decimals, 2 fit: the cell is null",
        ),
        (
            "98765432109876543",
            "expected DECIMAL(18,2), found number with 17 digits before the point, 16 fit: \
             the cell is null",
        ),
    ] {
        let staged = transformed(&format!(r#","payment":{{"amount":{{"value":{value}}}}}"#));
        assert_eq!(staged.column("claim", "amount"), [None], "{value}");
        assert_eq!(staged.outcome.manifest.rounded_cells, 0, "{value}");
        let rejects = staged.rejects();
        assert_eq!(rejects[0].reason, RejectReason::TooManyDigits, "{value}");
        assert_eq!(rejects[0].detail, detail, "{value}");
    }
}

#[test]
fn every_body_has_a_time_however_many_digits_its_second_has() {
    let bodies = [
        ("2024-03-01T10:00:00.123Z", "1709287200123000"),
        ("2024-03-01T10:00:00.1234567Z", "1709287200123456"),
        ("2024-03-01T05:00:00.123456999-05:00", "1709287200123456"),
        (
            "2024-03-01T10:00:00.12345678901234+00:00",
            "1709287200123456",
        ),
        ("2024-03-01T10:00:00.9999999Z", "1709287200999999"),
        ("2024-02-29T23:59:59.999999999Z", "1709251199999999"),
    ];
    for (written, micros) in bodies {
        let staged = transformed(&format!(r#","meta":{{"lastUpdated":"{written}"}}"#));
        let keys = staged.column("_keys", "_last_updated");
        assert_eq!(keys, [Some(micros.to_owned())], "{written}");
        assert!(staged.rejects().is_empty(), "{written}");
    }
    for written in [
        "2024-03-01T10:00:00.1234567",
        "2024-03-01T24:00:00Z",
        "2024-03-01",
    ] {
        let staged = transformed(&format!(r#","meta":{{"lastUpdated":"{written}"}}"#));
        assert_eq!(staged.column("_keys", "_last_updated"), [None], "{written}");
    }
}

#[test]
fn an_impossible_date_is_null_in_every_column_that_reads_it() {
    let staged = transformed(r#","billablePeriod":{"start":"2023-02-29"}"#);
    for column in ["start", "service_date", "service_year"] {
        assert_eq!(staged.column("claim", column), [None], "{column}");
    }
    let rejects = staged.rejects();
    assert_eq!(rejects.len(), 3);
    assert!(
        rejects
            .iter()
            .all(|reject| reject.reason == RejectReason::BadDate)
    );
    assert!(!staged.rejects_text().contains("02-29"));
}

#[test]
fn context_columns_take_the_first_that_is_there_and_convert_no_zone() {
    let staged = transformed(
        r#","billablePeriod":{"start":"2023-12-31T23:30:00-11:00","end":"2024"},"item":[{"servicedDate":"2020-01-01"}]"#,
    );
    assert_eq!(staged.values("claim", "service_date"), ["19722"]);
    assert_eq!(staged.values("item", "service_year"), ["2024"]);
    assert_eq!(staged.values("item", "patient_id"), ["-1"]);
    assert_eq!(staged.values("_keys", "_patient"), ["-1"]);
    let staged = transformed(r#","item":[{"servicedDate":"2020-01-01"}]"#);
    assert_eq!(staged.values("claim", "service_date"), ["18262"]);
    assert_eq!(staged.column("claim", "service_year"), [None]);
}

#[test]
fn the_part_2_mark_is_unknown_where_no_labels_are_in_force() {
    for (rest, mark) in [
        ("", None),
        (r#","meta":{"source":"x"}"#, Some("false")),
        (
            r#","meta":{"security":[{"code":"other"},{"code":"42CFRPart2"}]}"#,
            Some("true"),
        ),
    ] {
        let marks = transformed(rest).column("claim", "is_part2_sensitive");
        assert_eq!(marks, [mark.map(str::to_owned)], "{rest}");
    }
}

#[test]
fn resources_labelled_part_2_make_no_rows_where_the_pipeline_drops_them() {
    let mut scene = Scene::new();
    scene.part2 = Part2::Drop;
    let labelled = claim(
        "1",
        r#","meta":{"security":[{"code":"42CFRPart2"}]},"item":[{}]"#,
    );
    scene.land(&[vec![labelled, claim("2", "")]]);
    let staged = scene.transform();
    assert_eq!(staged.values("claim", "id"), ["2"]);
    assert!(staged.rows("item").is_empty());
    // Its key says so: rows of an earlier body leave the lake.
    assert_eq!(staged.values("_keys", "_id"), ["1", "2"]);
    let contents = staged.values("_keys", "_content_hash");
    assert_eq!(contents[0], "0".repeat(32));
    assert_ne!(contents[1], contents[0]);
    // It also says whose it is: `forget` finds it.
    assert_eq!(staged.values("_keys", "_patient"), ["-1", "-1"]);
    assert_eq!(staged.outcome.dropped, 1);
}

/// Earlier versions landed bodies of any release and made half rows of them.
#[test]
fn a_landed_stu3_claim_is_refused_by_name_and_its_rows_are_withdrawn() {
    let scene = Scene::new();
    let stu3 = claim(
        "1",
        r#","meta":{"lastUpdated":"1970-01-01T00:00:01Z"},"insurance":{"coverage":{}},"item":[{"sequence":1,"service":{},"careTeamLinkId":[1]}]"#,
    );
    let r4 = claim(
        "2",
        r#","insurance":{},"item":[{"sequence":1,"productOrService":{}}]"#,
    );
    scene.land(&[vec![stu3, r4]]);
    let staged = scene.transform();
    assert_eq!(staged.values("claim", "id"), ["2"]);
    let rejects = staged.rejects();
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].reason, RejectReason::OtherFhirRelease);
    assert!(
        rejects[0].detail.contains("STU3 (R3)"),
        "{}",
        rejects[0].detail
    );
    assert_eq!(staged.values("_keys", "_id"), ["1", "2"]);
    let contents = staged.values("_keys", "_content_hash");
    assert_eq!(contents[0], "0".repeat(32));
    assert_ne!(contents[1], contents[0]);
    let updated = staged.column("_keys", "_last_updated");
    assert_eq!(updated, [Some("1000000".to_owned()), None]);
    assert_eq!(staged.values("_keys", "_patient"), ["-1", "-1"]);
}

#[test]
fn what_is_beside_a_primitive_changes_no_value() {
    let staged = transformed(r#","status":"active","_status":{"extension":[{"url":"u"}]}"#);
    assert_eq!(staged.values("claim", "status"), ["active"]);
    assert_eq!(staged.unread(), ["_status", "resourceType"]);
}

#[test]
fn escaped_text_and_ids_are_as_they_mean() {
    let scene = Scene::new();
    scene.land(&[vec![claim(
        r"a\u002f\ud83d\ude00",
        r#","status":"q\"\\\/""#,
    )]]);
    let staged = scene.transform();
    assert_eq!(staged.values("claim", "id"), ["a/😀"]);
    assert_eq!(staged.values("_keys", "_id"), ["a/😀"]);
    assert_eq!(staged.values("claim", "status"), ["q\"\\/"]);
}

#[test]
fn keys_have_what_distinguishes_a_newer_resource_from_an_older_one() {
    let staged = transformed(r#","meta":{"lastUpdated":"1970-01-01T00:00:01.5+00:00"}"#);
    let key = &staged.rows("_keys")[0];
    let field = |name: &str| key[name].clone().unwrap();
    assert_eq!(field("_api"), "v2");
    assert_eq!(field("_resource_type"), "ExplanationOfBenefit");
    assert_eq!(field("_last_updated"), "1500000");
    assert_eq!(field("_content_hash").len(), 32);
}
